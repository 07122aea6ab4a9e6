"""An example as a person runs it: ``python -m example_rollup``, ``python -m example_streambot``, and their options."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from cfn_injector.local.application import until
from tests.support.node_js import needs_packages

REPOSITORY = Path(__file__).parents[1]
SECONDS = 90

# An application with one queue and two problems.
WRONG = """
import sys
from pathlib import Path
from cfn_injector.local.application import Application, main

template = Path(sys.argv[1], "template.yaml")
template.write_text('''
Parameters:
  ArtifactBucket: {Type: String}
  ArtifactKey: {Type: String}
Resources:
  Queue: {Type: AWS::SQS::Queue}
Outputs:
  Key: {Value: !Ref ArtifactKey}
''')

def build():
    return b"artifact"

def play(world, stack):
    bucket, key = "wrong-artifacts-111122223333", stack.outputs["Key"]
    found = world.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return [f"{found.decode()} is not what it should be", "nor is anything else"]

sys.exit(main(Application("wrong", template, build, play), []))
"""

# An application whose artifact cannot be built.
UNBUILT = """
import sys
from pathlib import Path
from cfn_injector.errors import InjectorError
from cfn_injector.local.application import Application, main

def build():
    raise InjectorError("npm is not on PATH", code="CI837")

sys.exit(main(Application("unbuilt", Path("unused"), build, lambda world, stack: []), sys.argv[1:]))
"""


def started(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Python with these arguments; its temporary files are in the folder."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1", "AWS_PROFILE": "no-such-profile"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def ended(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Exit status, output and errors."""
    with started(folder, *arguments) as process:
        try:
            output, errors = process.communicate(timeout=SECONDS)
        finally:
            process.terminate()
    return process.returncode, output, errors


def table(lines: Sequence[str]) -> list[list[str]]:
    return [line.split() for line in lines[lines.index("") + 1 :] if line]


@needs_packages
def test_streambot_shows_that_each_object_holds_the_bytes_of_its_record(tmp_path: Path) -> None:
    status, output, errors = ended(tmp_path, "-m", "example_streambot")

    assert (status, errors) == (0, "")
    rows = table(output.splitlines())
    assert [" ".join(row[-3:]) for row in rows] == ["the record's bytes"] * 8
    assert all(row[0].startswith("s3://streambot-archive-") and "/records/shardId-" in row[0] for row in rows)
    assert list(tmp_path.iterdir()) == []


def test_the_roll_up_shows_the_list_and_with_keep_it_stays_until_ctrl_c(tmp_path: Path) -> None:
    with started(tmp_path, "-m", "example_rollup", "--keep") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = []
        try:
            for line in process.stdout:
                lines.append(line.rstrip("\n"))
                if "Ctrl-C" in line:
                    process.send_signal(signal.SIGINT)
            errors = process.stderr.read()
        finally:
            process.terminate()

    assert (process.returncode, errors) == (0, "")
    rows = table(lines)
    assert [row[1] for row in rows[:10]] == ["EdScissorHands", *(f"Player{rank}" for rank in range(9))]
    assert [row[0] for row in rows[10:14]] == ["Games:", "Function:", "GivenUp:", "AWS"]
    assert list(tmp_path.iterdir()) == []


def test_problems_are_reported_and_the_status_is_one(tmp_path: Path) -> None:
    folder = tmp_path / "template"
    folder.mkdir()

    status, _, errors = ended(tmp_path, "-c", WRONG, str(folder))

    assert status == 1
    assert errors.splitlines() == [
        "wrong: artifact is not what it should be [CI932]",
        "wrong: nor is anything else [CI932]",
    ]


def test_an_artifact_is_written_to_be_deployed_on_aws(tmp_path: Path) -> None:
    output = tmp_path / "rollup.zip"

    assert ended(tmp_path, "-m", "example_rollup", "--build", str(output)) == (0, f"{output}\n", "")
    with zipfile.ZipFile(output) as archive:
        assert "example_rollup/rollup.py" in archive.namelist()


@pytest.mark.parametrize(
    ("script", "output", "message"),
    [
        pytest.param(["-c", UNBUILT], "unbuilt.zip", "npm is not on PATH", id="built"),
        pytest.param(["-m", "example_rollup"], "missing/rollup.zip", "No such file or directory", id="written"),
    ],
)
def test_an_artifact_that_cannot_be(tmp_path: Path, script: list[str], output: str, message: str) -> None:
    status, shown, errors = ended(tmp_path, *script, "--build", str(tmp_path / output))

    assert (status, shown) == (1, "")
    assert message in errors
    assert re.fullmatch(r".* \[CI\d{3}\]\n", errors)
    assert list(tmp_path.iterdir()) == []


def counting() -> Iterator[int]:
    yield from range(1, 1000)


def test_until_returns_what_is_right_as_soon_as_it_is() -> None:
    numbers = counting()

    assert until(lambda number: number >= 3, lambda: next(numbers)) == 3


def test_until_returns_what_it_saw_last_when_the_time_is_over() -> None:
    numbers = counting()

    seen = until(lambda number: False, lambda: next(numbers), seconds=0.2)

    assert seen == next(numbers) - 1
