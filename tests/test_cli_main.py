"""``cfn-injector`` as a program: what becomes of standard output that nobody reads, or that is full."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.cli_places import SMALL

COMMAND = (sys.executable, "-m", "cfn_injector")


@pytest.fixture
def archive(tmp_path: Path) -> str:
    (tmp_path / "app.zip").write_bytes(SMALL)
    return str(tmp_path / "app.zip")


def ended(command: Sequence[str], output: int) -> tuple[int, str]:
    done = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


@pytest.fixture
def template(tmp_path: Path) -> str:
    (tmp_path / "template.yaml").write_text("Resources: {}\n", "utf-8")
    return str(tmp_path / "template.yaml")


@pytest.mark.parametrize("name", ["inspect", "diff", "transform"])
def test_nothing_is_said_if_nobody_reads_the_result_any_more(name: str, archive: str, template: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    given = {"inspect": [archive], "diff": [archive, archive], "transform": [template]}[name]
    assert ended([*COMMAND, name, *given], writing) == (128 + signal.SIGPIPE, "")
    os.close(writing)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.parametrize("name", ["inspect", "transform"])
def test_a_full_device_is_one_line(name: str, archive: str, template: str) -> None:
    with Path("/dev/full").open("wb") as full:
        status, err = ended([*COMMAND, name, archive if name == "inspect" else template], full.fileno())
    problem = "standard output cannot be written: No space left on device; make room there [CI719]"
    assert (status, err) == (1, f"cfn-injector: {problem}\n")
