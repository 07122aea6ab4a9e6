"""Recorded runs: what is the same in each of them, the terminal that they come from, and the page that has them.

`test_demo.py` compares the demo with its recording, `real_clients/test_quick_start.py` the quick start and the
installation.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pictures import terminal as pictures
from tests.support import quick_start, transcripts
from tests.support.quick_start import AWS, CHECKOUT, EMULATOR, RELEASE, Done, Step
from tests.support.terminal import Shown, Terminal, TerminalError, terminal

PAGE = transcripts.PAGE.read_text("utf-8")
QUICK_START = quick_start.PAGE.read_text("utf-8")
SECONDS = 20.0


@pytest.mark.parametrize(
    ("shown", "recorded"),
    [
        pytest.param("Deploy stack x (1.7 s)", "Deploy stack x", id="a time"),
        pytest.param("x took (1.7 s) in all", "x took (1.7 s) in all", id="a time that is a part of a sentence"),
        pytest.param("a  \nb\t", "a\nb", id="blanks at the ends of lines"),
        pytest.param("http://127.0.0.1:50081/x localhost:50081", "http://127.0.0.1:4566/x localhost:4566", id="ports"),
        pytest.param(
            "x-Function-2R5KFGP5PM75 x-Table-AB646ADBAC98E x-Function-2R5KFGP5PM75",
            "x-Function-00001EXAMPLE x-Table-000002EXAMPLE x-Function-00001EXAMPLE",
            id="generated names",
        ),
        pytest.param("x-Function-ABCDEFGHIJKL", "x-Function-00001EXAMPLE", id="a generated name without a digit"),
        pytest.param("bucket-4c4de15310f55", "bucket-000001example", id="a generated name in lower case"),
        pytest.param("shop-artifacts-111122223333", "shop-artifacts-111122223333", id="the account of every emulator"),
        pytest.param("code-CREATE_IN_PROGRESS", "code-CREATE_IN_PROGRESS", id="a state"),
        pytest.param(
            "2f61f67d74ba706df7de0ae162965d68 d9223ac008ea3997.zip 2f61f67d74ba706df7de0ae162965d68",
            "0123456789abcdef0123456789abcdef 123456789abcdef0.zip 0123456789abcdef0123456789abcdef",
            id="hashes",
        ),
        pytest.param(
            "building\nwarning: this machine does not have Python 3.13, so\nbuilt", "building\nbuilt", id="this machine"
        ),
    ],
)
def test_what_differs_between_two_runs_is_replaced(shown: str, recorded: str) -> None:
    assert transcripts.normalised(shown) == recorded
    assert transcripts.normalised(recorded) == recorded


@pytest.mark.parametrize("name", [transcripts.DEMO, transcripts.QUICK_START, transcripts.INSTALLATION])
def test_a_recording_on_the_page_is_normalised_and_can_be_replaced(name: str) -> None:
    text = transcripts.recorded(PAGE, name)
    assert transcripts.normalised(text) == text
    other = transcripts.with_recording(PAGE, name, "$ one\n")
    assert transcripts.recorded(other, name) == "$ one\n"
    assert transcripts.with_recording(other, name, text) == PAGE


def test_a_recording_without_a_place_is_an_error() -> None:
    with pytest.raises(KeyError):
        transcripts.with_recording("# A page", transcripts.DEMO, "$ one\n")


def test_the_quick_start_was_recorded_as_it_is_now() -> None:
    steps = list(quick_start.steps(QUICK_START, EMULATOR))[1:]
    lines = "".join(block for step in steps for block in step.blocks)
    assert transcripts.typed(transcripts.recorded(PAGE, transcripts.QUICK_START)) == lines, "run: make recordings"


def test_the_installation_was_recorded_as_the_quick_start_is_now() -> None:
    first, last = (step.blocks for step in list(quick_start.steps(QUICK_START, AWS)) if step.title[0] in "29")
    removal = [line for block in last for line in block.splitlines(keepends=True) if "aws cloudformation" not in line]
    recorded = transcripts.typed(transcripts.recorded(PAGE, transcripts.INSTALLATION))
    assert recorded == "".join([*first, *removal]), "run: make recordings"


@pytest.mark.parametrize("name", pictures.RUNS)
def test_a_picture_shows_the_lines_of_its_recording_in_order(name: str) -> None:
    run = pictures.RUNS[name]
    recorded = transcripts.recorded(PAGE, run.recording)
    lines = [line for line in pictures.shown_lines(run, recorded) if line]
    assert len(lines) > 15
    assert max(map(len, lines)) <= pictures.COLUMNS
    place = -1
    for line in lines:
        place = recorded.find(line, place + 1)
        assert place >= 0, line


def test_every_alternative_of_the_quick_start_is_chosen_by_somebody() -> None:
    assert sorted(quick_start.alternatives(QUICK_START)) == sorted([CHECKOUT, RELEASE, *EMULATOR, *AWS])


def test_a_step_has_what_is_directly_below_it_and_what_was_chosen() -> None:
    page = "## 1. A\n```sh\na\n```\n### X\n```sh\nx\n```\n### Y\n```sh\ny\n```\n## 2. B\n## Where\n```sh\nz\n```\n"
    assert list(quick_start.steps(page, ["Y"])) == [Step("1. A", ["a\n", "y\n"]), Step("2. B", [])]


def test_a_step_fails_if_a_command_of_it_does_and_diff_fails_if_it_finds_nothing() -> None:
    shown = [Shown("$ true\n", 0, 0), Shown("$ false\n", 1, 0), Shown("$ cfn-injector diff a b\n", 1, 0)]
    assert quick_start.failures(Done("1. A", shown)) == ["$ false\n"]
    assert quick_start.failures(Done("1. A", [shown[2]._replace(status=0)])) == ["$ cfn-injector diff a b\n"]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal in an empty folder."""
    environ = {**quick_start.somebody(tmp_path, {}), "PATH": os.environ["PATH"]}
    with terminal(environ, tmp_path, SECONDS) as opened:
        yield opened


def test_a_terminal_shows_commands_with_their_output_and_status(shell: Terminal, tmp_path: Path) -> None:
    done = shell.paste("cat >file <<'END'\nA: !Ref B\n\nEND\ncat file\necho one \\\n  two\nfalse\n")
    assert [command.text for command in done] == [
        "$ cat >file <<'END'\n> A: !Ref B\n> \n> END\n",
        "$ cat file\nA: !Ref B\n\n",
        "$ echo one \\\n>   two\none two\n",
        "$ false\n",
    ]
    assert [command.status for command in done] == [0, 0, 0, 1]
    assert (tmp_path / "file").read_text("utf-8") == "A: !Ref B\n\n"


def test_a_question_is_answered_with_yes(shell: Terminal) -> None:
    program = "import sys; print(sys.stdin.isatty(), end=' [y/N] ', flush=True); print(repr(sys.stdin.readline()))"
    (command,) = shell.paste(f'{sys.executable} -c "{program}"')
    assert command.text.splitlines()[1:] == ["True [y/N] y", r"'y\n'"]


def test_a_shell_within_a_shell_is_left_by_exit(shell: Terminal) -> None:
    done = shell.paste("bash\nWHERE=inside\nexit\necho outside $WHERE\nexit\n")
    assert [command.text.splitlines()[-1] for command in done] == [
        "$ bash",
        "$ WHERE=inside",
        "exit",
        "outside",
        "exit",
    ]


def test_a_command_that_does_not_end_is_an_error(tmp_path: Path) -> None:
    with (
        terminal({**quick_start.somebody(tmp_path, {}), "PATH": os.environ["PATH"]}, tmp_path, 1.0) as shell,
        pytest.raises(TerminalError, match="no prompt after 1 seconds"),
    ):
        shell.paste("sleep 30\n")


def test_half_a_command_is_an_error(shell: Terminal) -> None:
    with pytest.raises(TerminalError, match="waits for the end of a command"):
        shell.paste("cat <<'END'\n")


def test_somebody_has_nothing_but_the_programs_that_are_given(tmp_path: Path) -> None:
    environ = quick_start.somebody(tmp_path, {"aws": "echo AWS"})
    assert environ.keys() == {"HOME", "PATH"}
    assert list(Path(environ["HOME"]).iterdir()) == []
    with terminal(environ, tmp_path, SECONDS) as shell:
        (command,) = shell.paste("aws s3 'a b'\n")
    assert command.text == "$ aws s3 'a b'\nAWS s3 a b\n"
