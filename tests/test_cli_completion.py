"""``completion``: the script for each shell, in the shell itself."""

from __future__ import annotations

import argparse
import os
import pty
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from cfn_injector.cli import completion
from cfn_injector.cli.main import COMMANDS, main, parser_of

SECONDS = 30
TYPED = b"cfn-injector insp\t--outp\tjs\tin.z\t"
EXPECTED = b"GOT inspect --output json in.zip"


@pytest.fixture
def script(request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The script of the shell that the parameter names, in a folder with an archive."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed here")
    assert main(["completion", request.param]) == 0
    path = tmp_path / f"completion.{request.param}"
    path.write_text(capsys.readouterr().out, "utf-8")
    (tmp_path / "in.zip").write_bytes(b"")
    return path


def _typed(shell: list[str], lines: list[bytes], folder: Path) -> bytes:
    """What the shell shows when these lines are typed into it, each after a prompt."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "dumb"}
        os.execvpe(shell[0], shell, environ)
    seen, until = b"", time.monotonic() + SECONDS
    try:
        for line in lines:
            os.write(terminal, line)
            while time.monotonic() < until and EXPECTED not in seen:
                if not select.select([terminal], [], [], 1)[0]:
                    break
                seen += os.read(terminal, 65536)
    finally:
        os.close(terminal)
        os.waitpid(process, 0)
    return seen


SHELLS = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"]}
START = {"bash": b"bind 'set enable-bracketed-paste off'\n", "zsh": b"autoload -U compinit && compinit -u -D\n"}


@pytest.mark.parametrize(("script", "shell"), [(name, name) for name in SHELLS], indirect=["script"])
def test_a_tab_completes_commands_options_values_and_files(script: Path, shell: str) -> None:
    lines = [START[shell], f'eval "$(cat {script})"\n'.encode(), b"cfn-injector() { echo GOT $*; }\n", TYPED, b"\n"]
    assert EXPECTED in _typed(SHELLS[shell], lines, script.parent)


@pytest.mark.parametrize("script", ["fish"], indirect=True)
@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("cfn-injector ", set(COMMANDS)),
        ("cfn-injector insp", {"inspect"}),
        ("cfn-injector inspect --outp", {"--output"}),
        ("cfn-injector inspect --output ", {"json", "text"}),
        ("cfn-injector bundle --arch", {"--architecture"}),
    ],
)
def test_fish_completes_commands_options_and_values(script: Path, typed: str, completed: set[str]) -> None:
    program = f'source "{script}"; complete -C "{typed}"'
    environ = {"PATH": os.environ["PATH"], "HOME": str(script.parent)}
    done = subprocess.run(
        ["fish", "--no-config", "-c", program],
        env=environ,
        cwd=script.parent,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert {line.partition("\t")[0] for line in done.stdout.splitlines()} >= completed


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_has_every_command_and_every_option(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    text = capsys.readouterr().out
    assert [name for name in (*COMMANDS, "endpoint-url", "allow-scripts") if name not in text] == []


def test_another_shell_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["completion", "csh"])
    assert ended.value.code == 2
    assert "bash" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["bundle", "diff", "inject", "inspect", "lint", "package", "run", "transform"])
def test_what_is_not_an_option_is_a_file_or_a_folder(name: str) -> None:
    parser = parser_of([name])
    completion._with_files(parser, "files", "folders")
    (commands,) = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    given = [action for action in commands.choices[name]._actions if not action.option_strings]
    assert [getattr(action, "complete", None) in ("files", "folders") for action in given] == [True] * len(given) != []
