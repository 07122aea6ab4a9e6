"""``run`` on the command line: what the command gets, and what it does not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from cfn_injector.cli.main import main
from cfn_injector.cli.run import environment
from tests.support.cli_places import CANARY, SMALL, expected

Start = Callable[..., "subprocess.Popen[str]"]
PRINT = "import json, os, sys; print(json.dumps([dict(os.environ), sys.argv[1:], os.getpid()]))"


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts ``run`` with an archive that has these variables."""

    def start(
        env: Mapping[str, str], *words: str, options: tuple[str, ...] = (), path: str | None = None
    ) -> subprocess.Popen[str]:
        archive = tmp_path / "app.zip"
        archive.write_bytes(expected(SMALL, **env))
        environ = {**os.environ, "KEPT": "1", "STAGE": "the parent's", **({} if path is None else {"PATH": path})}
        return subprocess.Popen(
            [sys.executable, "-m", "cfn_injector", "run", str(archive), *options, "--", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environ,
        )

    return start


def finished(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_the_command_gets_the_variables_over_this_process_s_environment(start: Start) -> None:
    process = start({"STAGE": CANARY, "URL": "a 'b' $c\n"}, sys.executable, "-c", PRINT, "--", "-x")
    status, out, err = finished(process)
    environ, words, pid = json.loads(out)
    assert (status, err) == (0, "")
    chosen = {name: environ[name] for name in ("STAGE", "URL", "KEPT")}
    assert chosen == {"STAGE": CANARY, "URL": "a 'b' $c\n", "KEPT": "1"}
    assert words == ["--", "-x"]
    assert pid == process.pid  # the command took the place of this process


def test_reserved_names_are_never_set_and_names_that_load_code_only_if_they_are_allowed() -> None:
    variables = {"AWS_REGION": "1", "PATH": "2", "PYTHONPATH": "3", "A": "4"}
    assert environment({"PATH": "0"}, variables, []) == (
        {"PATH": "0", "A": "4"},
        ["AWS_REGION", "PATH", "PYTHONPATH"],
    )
    environ, left_out = environment({"PATH": "0"}, variables, ["PATH"])
    assert (environ, left_out) == ({"PATH": "2", "A": "4"}, ["AWS_REGION", "PYTHONPATH"])


def test_what_is_left_out_is_named_without_its_value(start: Start) -> None:
    status, out, err = finished(start({"PYTHONPATH": CANARY}, sys.executable, "-c", PRINT))
    assert (status, err) == (0, "cfn-injector: note: PYTHONPATH is not set; see --allow\n")
    assert json.loads(out)[0].get("PYTHONPATH") != CANARY


def test_an_allowed_path_finds_the_command(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "greet").write_text("#!/bin/sh\necho found\n")
    (folder / "greet").chmod(0o755)
    assert finished(start({"PATH": str(folder)}, "greet", options=("--allow", "PATH")))[:2] == (0, "found\n")


@pytest.mark.parametrize("status", [0, 3, 200])
def test_the_exit_status_is_the_command_s(status: int, start: Start) -> None:
    assert finished(start({"A": "1"}, sys.executable, "-c", f"raise SystemExit({status})"))[0] == status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_reach_the_command(number: signal.Signals, start: Start) -> None:
    code = (
        "import signal, sys, time\n"
        f"signal.signal({int(number)}, lambda *_: sys.exit(77))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    process = start({"A": "1"}, sys.executable, "-c", code)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    assert process.wait(30) == 77


def test_the_end_of_a_pipe_ends_a_program_of_the_command(start: Start) -> None:
    line = "yes | head -n 1; echo ${PIPESTATUS[0]}"
    assert finished(start({"A": "1"}, "bash", "-c", line)) == (0, f"y\n{128 + signal.SIGPIPE}\n", "")


def test_signals_are_as_before_if_the_command_cannot_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGPIPE)
    (tmp_path / "app.zip").write_bytes(SMALL)
    assert main(["run", str(tmp_path / "app.zip"), "--", "no-such-command"]) == 127
    assert signal.getsignal(signal.SIGPIPE) == before


def test_no_value_is_visible_in_the_list_of_processes(start: Start) -> None:
    code = "import time; print('ready', flush=True); time.sleep(60)"
    process = start({"SECRET": CANARY}, sys.executable, "-c", code)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    listed = Path(f"/proc/{process.pid}/cmdline").read_bytes()  # what ps shows
    assert b"time.sleep" in listed
    assert CANARY.encode() not in listed
    process.kill()
    process.communicate(timeout=30)


def test_a_thousand_variables_and_large_values_arrive(start: Start) -> None:
    env = {**{f"V{number}": f"{number} {CANARY}" for number in range(1000)}, "LARGE": "x" * 100_000}
    out = finished(start(env, sys.executable, "-c", PRINT))[1]
    environ = json.loads(out)[0]
    assert {name: environ[name] for name in env} == env


@pytest.mark.parametrize(
    ("env", "words", "status", "problem"),
    [
        pytest.param(
            {"A": "1"},
            ("no-such-command",),
            127,
            "no-such-command is not found; correct the command, or PATH [CI753]",
            id="no command",
        ),
        pytest.param({"A": "1"}, ("/",), 126, "/ cannot start: Permission denied", id="a folder"),
        pytest.param({"A": "x" * 200_000}, ("true",), 126, "or one of them, exceed the system's limit", id="too large"),
    ],
)
def test_what_cannot_start_has_a_shell_s_status(
    env: Mapping[str, str], words: tuple[str, ...], status: int, problem: str, start: Start
) -> None:
    found, out, err = finished(start(env, *words))
    assert (found, out) == (status, "")
    assert problem in err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param([], "the command is missing; give it after --", id="no command"),
        pytest.param(["--"], "the command is missing; give it after --", id="nothing after --"),
        pytest.param(["--", ""], "the command is missing; give it after --", id="no name"),
        pytest.param(["--path", "/x", "--", "true"], "--path /x has an invalid name", id="a wrong path"),
        pytest.param(["--allow", "STAGE", "--", "true"], "--allow STAGE is not needed", id="a common name"),
    ],
)
def test_wrong_usage_has_status_2(
    arguments: list[str], problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "app.zip").write_bytes(SMALL)
    assert main(["run", str(tmp_path / "app.zip"), *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"cfn-injector: {problem}")


def test_this_process_s_own_environment_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[tuple[str, list[str], Mapping[str, str]]] = []
    monkeypatch.setattr(os, "execvpe", lambda *call: started.append(call))
    (tmp_path / "app.zip").write_bytes(expected(SMALL, SECRET=CANARY))
    main(["run", str(tmp_path / "app.zip"), "--", "true"])
    assert started[0][2]["SECRET"] == CANARY
    assert "SECRET" not in os.environ
    assert CANARY not in "".join(capsys.readouterr())
