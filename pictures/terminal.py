"""Terminals with recorded runs: what docs/recorded-runs.md has as text.

Takes the page, returns a picture of each run in ``RUNS``. Rich's ``export_svg`` would load a font from the web.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pictures.drawing import LEADING, Box, Line, Picture, Shape, Text

COLUMNS = 100
_COLUMN, _LEFT, _TOP = 7.8, 20, 62


class Run(NamedTuple):
    """A recording of the page. ``steps`` are those that are shown; none means all of it."""

    recording: str
    title: str
    description: str
    steps: Sequence[int] = ()


RUNS = {
    "recorded-demo": Run(
        "demo",
        "Terminal: make demo",
        """
        make demo uploads one artifact and deploys the stacks hitcounter-dev and hitcounter-prod. A table shows the
        function and the table of each stage. The stages count separately. After a change of its Env, dev counts by ten.
        The artifact is unchanged, and nothing is left over.
        """,
    ),
    "recorded-quick-start": Run(
        "quick start",
        "Terminal: one function in two stages",
        """
        cfn-injector package uploads the artifact. aws cloudformation deploy deploys it as shop-dev and shop-prod. The
        functions answer "Hello from dev" and "Welcome from prod". cfn-injector diff shows that both have the same
        artifact, and that the variables GREETING and STAGE differ.
        """,
        steps=(5, 6, 7),
    ),
}


def place(recording: str) -> re.Pattern[str]:
    """Matches a recording on the page."""
    begin = f"<!-- recorded: {re.escape(recording)} -->\n\n```text\n"
    return re.compile(rf"(?<={begin}).*?(?=^```\n)", re.DOTALL | re.MULTILINE)


def recorded(page: str, recording: str) -> str:
    """The text of a recording. Raises KeyError if the page has no place for it."""
    found = place(recording).search(page)
    if not found:
        raise KeyError(recording)
    return found[0]


def shown_lines(run: Run, text: str) -> list[str]:
    """The lines of a recording that its picture shows. A long line is wrapped, as terminals do."""
    if run.steps:
        steps = re.split(r"^# (\d+)\. .*\n", text, flags=re.MULTILINE)[1:]
        chosen = [lines for number, lines in zip(steps[::2], steps[1::2], strict=True) if int(number) in run.steps]
        text = re.sub(r"\n\n+", "\n", "".join(chosen)).removeprefix("\n")
    return [line[at : at + COLUMNS] for line in text.splitlines() for at in range(0, max(len(line), 1), COLUMNS)]


def _texts(line: str, y: float) -> Iterator[Shape]:
    """The parts of a line, each at its column: not all systems have the same fonts."""
    prompt = re.match(r"[$>] ", line)
    for part in re.finditer(r"\S+(?: \S+)*", line[2:] if prompt else line):
        x = _LEFT + (part.start() + (2 if prompt else 0)) * _COLUMN
        if set(part[0]) == {"─"}:
            yield Line([(x, y - 4), (x + len(part[0]) * _COLUMN, y - 4)], "grid", end="", width=1)
        else:
            yield Text(x, y, part[0], bold=bool(prompt), code=True)
    if prompt:
        yield Text(_LEFT, y, prompt[0].strip(), "green", code=True)


def picture(name: str, page: str) -> Picture:
    """A terminal with the lines of a run."""
    run = RUNS[name]
    lines = shown_lines(run, recorded(page, run.recording))
    width, height = 2 * _LEFT + (COLUMNS + 1) * _COLUMN, _TOP + len(lines) * LEADING
    shapes: list[Shape] = [
        Box(1, 1, width - 2, height - 2, "grey"),
        Text(width / 2, 24, run.title.partition(": ")[2], "quiet", "middle"),
        Line([(1, 38), (width - 1, 38)], "grid", end="", width=1),
    ]
    for row, line in enumerate(lines):
        shapes += _texts(line, _TOP + row * LEADING)
    return Picture(name, run.title, run.description, width, height, shapes)
