"""The demo as a person runs it: ``python -m example_hitcounter``, and how its result is judged."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cfn_injector.local.command import ApplicationError, report_errors
from cfn_injector.local.display import Display
from cfn_injector.local.emulator import Emulator, EmulatorError, isolated_session, running
from example_hitcounter.__main__ import run
from example_hitcounter.report import Artifact, Report, Stage, as_json, as_table, problems
from tests.support import transcripts

REPOSITORY = Path(__file__).parents[1]
DEMO_SECONDS = 90

# What may be set in a developer's shell. None of it may reach the demo.
HOSTILE = {
    "AWS_PROFILE": "no-such-profile",
    "AWS_ACCESS_KEY_ID": "AKIAAMBIENT",
    "AWS_SECRET_ACCESS_KEY": "ambient",
    "AWS_SESSION_TOKEN": "ambient",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_MAX_ATTEMPTS": "none",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
    "PYTHONDONTWRITEBYTECODE": "1",
}


def environment(folder: Path) -> dict[str, str]:
    (folder / "temporary").mkdir(exist_ok=True)
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "TMPDIR": str(folder / "temporary"),
        **HOSTILE,
    }


def left_in_temporary_folder(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "temporary").iterdir())


@contextmanager
def demo(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The running demo; it is terminated at the end, so that its emulator ends too."""
    process = subprocess.Popen(
        [sys.executable, "-m", "example_hitcounter", *options],
        cwd=REPOSITORY,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def test_the_demo_counts_separately_in_two_stages_of_one_artifact_and_shows_what_was_recorded(tmp_path: Path) -> None:
    with demo(tmp_path, "--json") as process:
        output, progress = process.communicate(timeout=DEMO_SECONDS)
    assert process.returncode == 0, progress

    shown = json.loads(output)
    dev, prod = shown["stages"]["dev"], shown["stages"]["prod"]
    assert dev["hits"] == {"/apple": 3, "/pear": 1}
    assert prod["hits"] == {"/apple": 1, "/plum": 2}
    assert dev["env_keys"] == prod["env_keys"] == ["table"]
    assert dev["table"] != prod["table"]
    assert dev["function"] != prod["function"]
    assert shown["artifact"]["objects_in_bucket"] == 1
    assert shown["artifact"]["etag_before"] == shown["artifact"]["etag_after"] != ""
    assert shown["left_over"] == []
    assert "Deploy stack hitcounter-prod" in progress
    assert left_in_temporary_folder(tmp_path) == []
    recorded = transcripts.recorded(transcripts.PAGE.read_text("utf-8"), transcripts.DEMO)
    assert transcripts.demo(progress) == recorded, "run: make recordings"


def test_kept_stages_answer_until_ctrl_c_and_then_nothing_listens_any_more(tmp_path: Path) -> None:
    with demo(tmp_path, "--keep") as process:
        assert process.stdout is not None
        urls = {}
        for line in process.stdout:
            stage, _, command = line.strip().partition(": curl ")
            if command:
                urls[stage] = command
            if "Ctrl-C" in line:
                break
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        # Requests so far: three and then one that counts for ten; one and then one more.
        answers = {stage: opener.open(url, timeout=30).read() for stage, url in urls.items()}
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)

    assert answers == {"dev": b"23", "prod": b"3"}
    assert process.returncode == 0
    port = int(urls["dev"].split("/")[2].split(":")[1])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    assert left_in_temporary_folder(tmp_path) == []


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "kill"])
def test_an_interrupted_demo_takes_the_emulator_and_its_folder_with_it(tmp_path: Path, ending: signal.Signals) -> None:
    with demo(tmp_path, "--json") as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.send_signal(ending)
        output, _ = process.communicate(timeout=30)

    assert (process.returncode, output) == (130, "")
    assert left_in_temporary_folder(tmp_path) == []


def test_a_failed_step_is_reported_with_the_end_of_the_emulators_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "ministack.log"
    log.write_text("the last words\n", "utf-8")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, but nobody listens
        nobody = Emulator(unused.getsockname()[1], log, subprocess.Popen(["true"]), isolated_session())
        with nobody.process:
            status = run(nobody, Display(io.StringIO()), keep=False, as_object=True)

    output, errors = capsys.readouterr()
    assert (status, output) == (1, "")
    assert "Could not connect to the endpoint URL" in errors
    assert "the last words" in errors


def test_a_failed_step_is_reported_with_the_code_of_its_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise ApplicationError("a number is missing")

    log = tmp_path / "ministack.log"
    log.write_text("", "utf-8")
    with subprocess.Popen(["true"]) as process:
        assert report_errors(Emulator(1, log, process, None), fail) == 1
    assert "The demo failed: a number is missing [CI932]\n" in capsys.readouterr().err


def test_an_emulator_that_is_not_ready_in_time_is_ended_and_reported(capsys: pytest.CaptureFixture[str]) -> None:
    start = time.monotonic()

    with pytest.raises(EmulatorError) as raised, running(start_seconds=0):
        pytest.fail("it cannot be ready")

    assert time.monotonic() - start < 15
    assert raised.value.full_message == "ministack was not ready within 0 seconds; its log is above [CI928]"
    assert capsys.readouterr().err.startswith("The end of the emulator's log:\n")


RIGHT = Report(
    artifact=Artifact("artifacts", "hitcounter.zip", "5d41", "5d41", 1),
    stages={
        "dev": Stage("http://dev", "f-dev", "t-dev", ("table",), {"/apple": 3, "/pear": 1}, 13),
        "prod": Stage("http://prod", "f-prod", "t-prod", ("table",), {"/apple": 1, "/plum": 2}, 2),
    },
    left_over=(),
)


def with_stage(name: str, **changes: Any) -> Report:
    stages: Mapping[str, Stage] = {**RIGHT.stages, name: replace(RIGHT.stages[name], **changes)}
    return replace(RIGHT, stages=stages)


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        pytest.param(RIGHT, [], id="nothing is wrong"),
        pytest.param(replace(RIGHT, left_over=None), [], id="nothing was to be deleted"),
        pytest.param(
            replace(RIGHT, left_over=("arn:aws:s3:::forgotten",)),
            ["left over: arn:aws:s3:::forgotten"],
            id="a bucket was left",
        ),
        pytest.param(
            replace(RIGHT, artifact=replace(RIGHT.artifact, etag_after="7d79")),
            ["the artifact's ETag changed from 5d41 to 7d79"],
            id="the artifact was overwritten",
        ),
        pytest.param(
            replace(RIGHT, artifact=replace(RIGHT.artifact, objects_in_bucket=2)),
            ["the artifact bucket contains 2 objects instead of 1"],
            id="a stage has an artifact of its own",
        ),
        pytest.param(
            with_stage("prod", hits={"/apple": 4, "/plum": 2}),
            ["stage prod counted {'/apple': 4, '/plum': 2} instead of {'/apple': 1, '/plum': 2}"],
            id="the stages count together",
        ),
        pytest.param(
            with_stage("dev", hits_after_change=4),
            ["after the change of dev's Env, /apple of stage dev went from 3 to 4 instead of by 10"],
            id="the change of Env did not arrive",
        ),
        pytest.param(
            with_stage("prod", hits_after_change=11),
            ["after the change of dev's Env, /apple of stage prod went from 1 to 11 instead of by 1"],
            id="the change of Env reached the other stage",
        ),
        pytest.param(
            with_stage("dev", env_keys=("count_by", "table")),
            ["the .env of stage dev contains ['count_by', 'table'] instead of ['table']"],
            id="the file contains more than the template sets",
        ),
        pytest.param(
            with_stage("dev", table="t-prod"),
            ["the stages share one table"],
            id="the stages count in one table",
        ),
        pytest.param(
            with_stage("dev", function="f-prod"),
            ["the stages share one function"],
            id="the stages are one function",
        ),
    ],
)
def test_each_problem_is_reported(report: Report, expected: list[str]) -> None:
    assert problems(report) == expected


def test_the_json_object_has_artifact_stages_and_what_is_left_over() -> None:
    assert as_json(RIGHT) == {
        "artifact": {
            "bucket": "artifacts",
            "key": "hitcounter.zip",
            "etag_before": "5d41",
            "etag_after": "5d41",
            "objects_in_bucket": 1,
        },
        "stages": {
            "dev": {
                "function": "f-dev",
                "table": "t-dev",
                "env_keys": ["table"],
                "hits": {"/apple": 3, "/pear": 1},
            },
            "prod": {
                "function": "f-prod",
                "table": "t-prod",
                "env_keys": ["table"],
                "hits": {"/apple": 1, "/plum": 2},
            },
        },
        "left_over": [],
    }
    assert as_json(replace(RIGHT, left_over=None))["left_over"] is None


def test_off_a_terminal_the_table_is_text_without_control_characters() -> None:
    shown = io.StringIO()

    Display(shown).table(as_table(RIGHT))

    lines = [" ".join(line.split()) for line in shown.getvalue().splitlines()]
    assert "hits per path /apple 3, /pear 1 /apple 1, /plum 2" in lines
    assert "then /apple 3 -> 13 1 -> 2" in lines
    assert "\x1b" not in shown.getvalue()
