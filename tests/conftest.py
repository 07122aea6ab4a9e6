"""Fixtures: an S3 of moto's own server, and a provider in a world of fakes."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from moto.server import ThreadedMotoServer

from cfn_injector.cli.bundling.python_installers import INSTALLERS
from cfn_injector.cli.tools import uv_program
from tests.fakes.aws_lambda import Clock
from tests.fakes.cloudformation import FakeCloudFormation
from tests.fakes.event_sources import FakeEventSources
from tests.fakes.response_server import Server
from tests.support import attacks
from tests.support.artifacts import artifact
from tests.support.lambda_functions import somebody
from tests.support.world import ARTIFACTS, KEY, STAGING, World, s3_client


@pytest.fixture(params=[name for name in INSTALLERS if name != "uv" or uv_program()])
def installer(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server() -> Iterator[Server]:
    """Where answers can be delivered over http."""
    made = Server()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def moto_server() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # else it logs each request
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def moto_s3(moto_server: str) -> Any:
    """An S3 client with two empty buckets, ``artifacts`` and ``staging``."""
    requests.post(f"{moto_server}/moto-api/reset", timeout=10)
    client = s3_client(moto_server)
    for bucket in (ARTIFACTS, STAGING):
        client.create_bucket(Bucket=bucket)
    return client


@pytest.fixture
def world(moto_s3: Any) -> World:
    clock = Clock()

    def fetch(bucket: str, key: str, version: str | None) -> bytes:
        body: bytes = moto_s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    moto_s3.put_object(Bucket=ARTIFACTS, Key=KEY, Body=artifact({"index.py": "def handler(event, context): ...\n"}))
    made = World(clock, moto_s3, FakeEventSources(clock, fetch), FakeCloudFormation(clock))
    made.stack.deliver = made.deliver
    return made


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials of nobody, and no emulator."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def functions(world: World) -> None:
    """Two functions of somebody else's that methods can call, one of which has an alias."""
    for name in ("counter", "other"):
        world.aws_lambda.functions[name] = somebody(name)
    world.aws_lambda.functions["counter"].aliases["live"] = {"FunctionVersion": "1"}


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What the fault matrix found, the table of attacks, and how much of the documentation was checked."""
    reports = [report for name in ("passed", "failed") for report in terminalreporter.stats.get(name, [])]
    for line in (*_matrix(reports), *attacks.printed(reports), *_documentation(reports)):
        terminalreporter.write_line(line)


def _matrix(reports: list[Any]) -> Iterator[str]:
    rows = [value for report in reports for name, value in report.user_properties if name == "fault-matrix"]
    if rows:
        operations = len({operation for operation, _, _ in rows})
        faults = sum(struck for _, struck, _ in rows)
        counts = {kind: sum(found[kind] for _, _, found in rows) for kind in rows[0][2]}
        findings = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        yield f"fault matrix: {operations} operations, {faults} injected faults: {findings}"


def _documentation(reports: list[Any]) -> Iterator[str]:
    found = Counter(value for report in reports for name, value in report.user_properties if name == "docs")
    if found:
        yield "documentation: " + ", ".join(f"{count} {kind}" for kind, count in sorted(found.items()))
