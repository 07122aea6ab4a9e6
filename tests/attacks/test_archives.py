"""Artifacts that are made to exhaust the provider: refused before memory is spent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cfn_injector import env_file, env_loader, injection
from cfn_injector.archive.directory import MAX_DIRECTORY_BYTES, MAX_ENTRIES
from cfn_injector.env_file import MAX_LINES, merge
from cfn_injector.errors import EnvFileError
from cfn_injector.injection import BytesSource, inject
from tests.fakes.s3_stub import running
from tests.support.artifacts import Memory
from tests.support.attacks import picture
from tests.support.lambda_functions import BASE, CODE, FUNCTION, INJECTED
from tests.support.world import ARTIFACTS, World
from tests.support.zips import Member, built, written
from wrapper.dotenv import Binding, parse

ROOT = Path(__file__).parents[2]
MEMORY = 200 * 1024 * 1024
"""Bytes that the provider may use, of the 512 MB that its function has."""

SCRIPT = """
import struct, sys, zlib
import boto3  # the provider has it in memory, too
from cfn_injector.injection import LAMBDA_MAX_SIZE, LAMBDA_MAX_UNPACKED, inject
from cfn_injector.errors import InjectorError

count, name_bytes, gap = map(int, sys.argv[1:])

class Archive:
    '''An archive of empty entries, with a gap before its directory; only the directory is in memory.'''

    def __init__(self):
        headers, offset = [], 0
        for number in range(count):
            name = f"{number:08}".encode() + b"n" * (name_bytes - 8)
            headers.append(struct.pack("<4s6H3I5H2I", b"PK\\1\\2", 20, 20, 0, 0, 0, 33, 0, 0, 0, name_bytes,
                                       0, 0, 0, 0, 0, min(offset, 0xFFFFFFFF)) + name)
            offset += 30 + name_bytes
        directory = b"".join(headers)
        start = offset + gap
        end = struct.pack("<4sQ2H2I4Q", b"PK\\6\\6", 44, 45, 45, 0, 0, count, count, len(directory), start)
        end += struct.pack("<4sIQI", b"PK\\6\\7", 0, start + len(directory), 1)
        end += struct.pack("<4s4H2IH", b"PK\\5\\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
        self.tail, self.start = directory + end, start
        self.size = start + len(self.tail)

    def read(self, start, end):
        at = max(start, self.start)
        return bytes(max(min(end, self.start) - start, 0)) + self.tail[at - self.start : max(end - self.start, 0)]

class Nowhere:
    def assemble(self, source, segments):
        return None

def memory(name):
    status = open("/proc/self/status").read()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(name))

archive = Archive()
del boto3
try:
    open("/proc/self/clear_refs", "w").write("5")  # the peak begins here
except OSError:
    pass
held = len(archive.tail)
try:
    injected = inject(archive, Nowhere(), {"A": "1"}, max_unpacked=LAMBDA_MAX_UNPACKED, max_size=LAMBDA_MAX_SIZE)
    outcome = f"accepted {injected.entries}"
except InjectorError as error:
    outcome = str(error)
print(memory("VmHWM:") - held)
print(outcome)
"""

LARGEST_NAMES = (MAX_DIRECTORY_BYTES // MAX_ENTRIES) - 46


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize(
    ("sentence", "entries", "name_bytes", "gap", "outcome"),
    [
        ("an archive of two million entries", 2_000_000, 8, 0, "lists 2,000,000 entries"),
        ("an archive of 5,000 names of 60 KB", 5_000, 60_000, 0, "lists 5,000 entries"),
        ("an archive with a name that Linux does not open", 10, 4_097, 0, "name of more than 4,096 bytes"),
        ("an archive with a gap of 4 TiB, which S3 would copy", 10, 8, 1 << 42, "more than the"),
        ("an archive with one entry too many", MAX_ENTRIES + 1, 8, 0, "more than the 100,000 entries"),
        ("the largest archive that is accepted", MAX_ENTRIES, LARGEST_NAMES, 0, f"accepted {MAX_ENTRIES + 1}"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_an_archive_does_not_exhaust_the_provider(
    sentence: str, entries: int, name_bytes: int, gap: int, outcome: str, record_property: Any
) -> None:
    record_property("attack", sentence)
    command = [sys.executable, "-c", SCRIPT, str(entries), str(name_bytes), str(gap)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    peak, found = done.stdout.splitlines()
    assert outcome in found
    assert int(peak) < MEMORY


PROVIDER = """
import sys
from cfn_injector import aws_lambda, injection
from cfn_injector.aws.s3 import S3Destination, S3Source
from cfn_injector.protocol import registry
from botocore.config import Config
import boto3

for name in registry.BUILT_IN:
    registry.find(f"Custom::{name}")
session = boto3.Session("key", "secret", region_name="us-east-1")
for service in ("lambda", "cloudformation", "apigateway"):
    session.client(service)
s3 = session.client("s3", endpoint_url=sys.argv[1], config=Config(max_pool_connections=16))
limits = {"max_unpacked": injection.LAMBDA_MAX_UNPACKED, "max_size": injection.LAMBDA_MAX_SIZE}
source = S3Source.open(s3, "artifacts", "large.zip")
destination = S3Destination(s3, "staging", "large.zip", scratch="scratch.zip")
print(injection.inject(source, destination, {"A": "1"}, **limits).entries, aws_lambda._peak_memory())
"""
"""The provider with every module and client that it has in Lambda, at the largest archive that it accepts."""


def spelled(number: int, style: str) -> bytes:
    """A name as long as the directory allows. ``.`` parts and backslashes have a second spelling in memory."""
    begin = {"plain": b"%08d", "dots": b"./%08d/./", "backslashes": b"%08d\\"}[style] % number
    return begin.ljust(LARGEST_NAMES, b"n")


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize("style", ["plain", "dots", "backslashes"])
def test_the_provider_stays_small_with_the_largest_archive_that_it_accepts(style: str, record_property: Any) -> None:
    record_property("attack", f"the largest archive that is accepted, with {style} in its names, through S3")
    members = [Member(b".env", b"A=0"), *(Member(spelled(number, style)) for number in range(MAX_ENTRIES - 1))]
    with running() as stub:
        stub.client().put_object(Bucket="artifacts", Key="large.zip", Body=built(members, zip64=True))
        command = [sys.executable, "-c", PROVIDER, stub.url]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    entries, peak = map(int, done.stdout.split())
    assert entries == MAX_ENTRIES
    assert peak < MEMORY


@pytest.mark.parametrize("resource_type", [FUNCTION, CODE])
@pytest.mark.parametrize("rolling_back", [False, True], ids=["in a creation", "in a rollback"])
def test_a_copy_of_any_size_is_not_planned(
    world: World, monkeypatch: pytest.MonkeyPatch, resource_type: str, rolling_back: bool, record_property: Any
) -> None:
    record_property("attack", f"an archive with a gap, for a {resource_type}")
    monkeypatch.setattr(injection, "LAMBDA_MAX_SIZE", 10_000)
    gap = Member(b"index.py", b"", behind=bytes(10_000))
    world.s3.put_object(Bucket=ARTIFACTS, Key="gap.zip", Body=built([gap]))
    first = BASE if resource_type == FUNCTION else INJECTED
    made = world.stack.send(world.stack.event("Create", first, resource_type=resource_type))["PhysicalResourceId"]
    properties = {**first, "Code": {"S3Bucket": ARTIFACTS, "S3Key": "gap.zip"}}
    event = world.stack.event("Create", properties, resource_type=resource_type)
    if rolling_back:
        event = world.stack.event("Update", properties, physical_id=made, old=first, resource_type=resource_type)
        world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    before = picture(world)
    assert "more than the 10000 that Lambda accepts" in world.stack.send(event)["Reason"]
    assert picture(world) == before


def test_a_file_is_parsed_once_and_never_if_it_has_too_many_lines(
    monkeypatch: pytest.MonkeyPatch, record_property: Any
) -> None:
    record_property("attack", "a .env of 1 MiB of empty lines")
    lines: list[int] = []
    loader = env_loader.desired({"EnvLoader": "exec", "Runtime": "java21"})

    def counted(text: str) -> list[Binding]:
        lines.append(text.count("\n"))
        return parse(text)

    monkeypatch.setattr(env_file, "parse", counted)
    with pytest.raises(EnvFileError, match=r"more than 20,000 lines"):
        inject(BytesSource(written({".env": b"\n" * (1 << 20)})), Memory(), {"A": "1"}, loader=loader)
    assert lines == []
    inject(BytesSource(written({".env": b"\n" * MAX_LINES})), Memory(), {"A": "1"}, loader=loader)
    assert lines == [MAX_LINES]


@pytest.mark.parametrize("line", [b"\n", b"#\n", b"A=1\n", b"   \n"], ids=["empty", "comments", "variables", "blanks"])
def test_a_file_of_very_many_lines_is_refused_before_it_is_parsed(line: bytes, record_property: Any) -> None:
    record_property("attack", f"a .env of {MAX_LINES + 1} lines like {line!r}")
    merge(line * MAX_LINES, {"B": "2"})
    with pytest.raises(EnvFileError, match=r"more than 20,000 lines"):
        merge(line * (MAX_LINES + 1), {"B": "2"})
