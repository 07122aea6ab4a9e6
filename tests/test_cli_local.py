"""``local`` without an emulator: what a command sees, how it ends, and wrong usage."""

from __future__ import annotations

import argparse
import os
import pty
import signal
import subprocess
import sys
from importlib import util
from pathlib import Path

import pytest

from cfn_injector.cli.main import main
from cfn_injector.cli.signals import handling, interrupted_by_signals
from cfn_injector.local import child, tool

CANARY = "c4nary-w0uld-be-secret"
EMULATOR = child.settings("http://127.0.0.1:4566", "111122223333", "test", "us-east-1")
ROOT = Path(__file__).parents[1]

RUN = "import sys; from cfn_injector.local.child import run; import os; sys.exit(run(sys.argv[1:], os.environ))"
TRAPS = "trap 'echo got TERM; exit 9' TERM; trap 'echo got INT; exit 8' INT; echo ready; while :; do sleep 0.05; done"


def test_a_command_sees_the_emulator_and_nothing_that_leads_to_aws() -> None:
    leads_to_aws = (
        *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_ROLE_ARN"),
        *("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    )
    before = {**dict.fromkeys(leads_to_aws, CANARY), "PATH": "/bin", "AWS_SECRET_ACCESS_KEY": CANARY, "AWS_PAGER": ""}
    found = child.environment({**before, "AWS_REGION": "eu-west-1"}, EMULATOR)
    assert CANARY not in found.values()
    assert found["PATH"] == "/bin"
    assert found["AWS_PAGER"] == ""
    assert EMULATOR.items() <= found.items()
    assert found["AWS_CONFIG_FILE"] == found["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull


@pytest.mark.parametrize("before", [{}, {"NO_PROXY": "corp", "no_proxy": "corp"}])
def test_a_proxy_is_not_asked_for_the_emulator(before: dict[str, str]) -> None:
    found = child.environment({"HTTP_PROXY": "http://proxy", **before}, EMULATOR)
    assert {"127.0.0.1", "localhost", *before.values()} == set(found["NO_PROXY"].split(","))
    assert found["no_proxy"] == found["NO_PROXY"]


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["sh", "-c", "exit 0"], 0),
        (["sh", "-c", "exit 7"], 7),
        (["sh", "-c", "kill -KILL $$"], 128 + 9),
        (["/nowhere/at-all"], 127),
        ([str(ROOT / "README.md")], 126),
    ],
)
def test_the_exit_status_is_that_of_the_command_as_in_a_shell(command: list[str], status: int) -> None:
    assert child.run(command, {"PATH": os.environ["PATH"]}) == status


def test_a_command_that_cannot_start_is_named_with_the_code_of_the_error(capsys: pytest.CaptureFixture[str]) -> None:
    child.run(["/nowhere/at-all"], {})
    assert capsys.readouterr().err == "cfn-injector: /nowhere/at-all cannot start: No such file or directory [CI753]\n"


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGTERM, 9), (signal.SIGINT, 8)])
def test_a_signal_reaches_the_command(sent: signal.Signals, status: int) -> None:
    arguments = [sys.executable, "-c", RUN, "sh", "-c", TRAPS]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(sent)
        assert process.stdout.read() == f"got {sent.name.removeprefix('SIG')}\n"
        assert process.wait(30) == status


def test_ctrl_c_on_a_terminal_reaches_the_command_once() -> None:
    counts = "n=0; trap 'n=$((n+1)); sleep 1; echo $n times; exit 8' INT; echo ready; while :; do sleep 0.05; done"
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-c", RUN, "sh", "-c", counts])
    seen = b""
    try:
        while b"ready" not in seen:
            seen += os.read(terminal, 1000)
        os.write(terminal, b"\x03")
        while b"times" not in seen:
            seen += os.read(terminal, 1000)
        assert b"1 times" in seen
        assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 8
    finally:
        os.close(terminal)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP])
def test_the_end_of_a_terminal_is_an_interruption_but_for_nohup(sent: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), interrupted_by_signals():
        signal.raise_signal(sent)
    with handling({sent: signal.SIG_IGN}), interrupted_by_signals():
        signal.raise_signal(sent)


def test_handlers_of_signals_are_as_before_when_the_command_has_ended() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
    child.run(["true"], {"PATH": os.environ["PATH"]})
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)] == before


def test_the_lines_for_a_shell_set_what_a_command_gets(tmp_path: Path) -> None:
    odd = {**EMULATOR, "AWS_SECRET_ACCESS_KEY": "a'b $(touch x) c"}
    done = subprocess.run(
        ["sh", "-c", f"{tool._as_text(odd)}\nenv"], capture_output=True, text=True, cwd=tmp_path, check=True, env={}
    )
    found = dict(line.split("=", 1) for line in done.stdout.splitlines() if line.startswith("AWS_"))
    assert found == odd
    assert list(tmp_path.iterdir()) == []


WRONG = {
    "a format for a command": (["--json", "--", "true"], "--output is for the variables"),
    "a command without a name": (["--", ""], "the command after -- is empty"),
    "to keep what stays anyway": (["--keep"], "--keep is for a command"),
    "an unknown parameter": (
        ["--parameter-overrides", f"Bucket={CANARY}"],
        "Bucket is not a parameter to set; set Name, SourceBuckets, ",
    ),
    "the place of the provider's zip": (
        ["--parameter-overrides", f"CodeBucket={CANARY}"],
        "CodeBucket is not a parameter to set",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_usage_is_status_2_and_starts_nothing(
    what: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tool, "_check_installed", lambda: pytest.fail("nothing may be started"))
    arguments, told = WRONG[what]
    assert main(["local", *arguments]) == 2
    err = capsys.readouterr().err
    assert told in err
    assert CANARY not in err


@pytest.mark.parametrize(
    ("given", "told"),
    [
        *((["--port", port], "is not a port from 1 to 65535") for port in ("0", "65536", "x")),
        (["--parameter-overrides", CANARY], "is not a parameter, an equals sign and a value"),
    ],
)
def test_an_invalid_value_is_status_2(given: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["local", *given])
    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert err.endswith(f": {told} [CI701]\n")
    assert CANARY not in err


def test_without_the_emulator_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find = util.find_spec
    monkeypatch.setattr(tool, "find_spec", lambda name: None if name == "ministack" else find(name))
    assert main(["local"]) == 1
    assert capsys.readouterr().err == (
        "cfn-injector: ministack is not installed; run: pip install 'cfn-injector[local]' [CI801]\n"
    )


def test_the_help_says_what_the_emulator_does_not_show(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["local", "--help"])
    assert tool.NOT_SHOWN.strip() in capsys.readouterr().out


def test_the_documentation_says_so_too() -> None:
    text = (ROOT / "docs" / "local.md").read_text("utf-8")
    topics = [line.split(":")[0].strip(" -") for line in tool.NOT_SHOWN.splitlines() if line.startswith("  - ")]
    assert len(topics) == 6
    assert [topic for topic in topics if f"| {topic} |" not in text] == []


def test_an_option_of_the_command_itself_is_not_one_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def overrides(arguments: argparse.Namespace) -> dict[str, str]:
        seen.append(arguments.words)
        raise KeyboardInterrupt

    monkeypatch.setattr(tool, "_overrides", overrides)
    assert main(["local", "--", "aws", "--region", "x", "--keep", "--", "y"]) == 130
    assert seen == [["aws", "--region", "x", "--keep", "--", "y"]]
