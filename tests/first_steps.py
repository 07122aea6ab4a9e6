"""Does what README and quick start say, as somebody who has nothing yet, and measures it: `make first-steps`.

    python -m tests.first_steps [--python PROGRAM]

In flow the last commit of this checkout, and an index of Python packages. In empty folders, with an empty home folder
and an environment of a few variables, the commands of the pages are pasted into terminals:

- README: clone, `make demo`, and the files of a release, which the clone builds;
- quick start with the wheel of a release, on an emulator;
- quick start with a checkout, on an emulator;
- quick start with the wheel, in an account, which is an emulator without a provider.

Out flows a row for each step: commands, seconds. The status is 1 if a command fails.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.support import quick_start
from tests.support.pages import ROOT, blocks
from tests.support.quick_start import AWS, CHECKOUT, EMULATOR, RELEASE, Done, Step
from tests.support.real_clients import AWS as AWS_CLI
from tests.support.terminal import TerminalError, terminal

SECONDS = 600.0
"""How long one command may take."""
ANSWERED = "7."
"""The beginning of the first step in which a function answers."""
_INDEX = ("PIP_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""The beginnings of variables by which pip reaches an index. Nothing else of the environment is passed on."""


class Walk(NamedTuple):
    """One way from nothing to a result: ``steps`` are pasted into a shell in ``folder``."""

    title: str
    folder: Path
    steps: Sequence[Step]
    settings: Mapping[str, str] = {}


class Row(NamedTuple):
    """What one step took."""

    title: str
    commands: int
    seconds: float


def taken(walked: Sequence[Done]) -> list[Row]:
    """A row for each step, and one for all up to the first answer of a function."""
    rows = [Row(step.title, len(step.commands), step.seconds) for step in walked]
    first = next((number for number, row in enumerate(rows) if row.title.startswith(ANSWERED)), None)
    if first is not None:
        until = rows[:first]
        command = walked[first].commands[0]
        total = Row("until a function answers", sum(row.commands for row in until) + 1, command.seconds)
        rows.append(total._replace(seconds=total.seconds + sum(row.seconds for row in until)))
    return rows


def table(title: str, rows: Sequence[Row]) -> str:
    """Rows as text, which is also a table of Markdown."""
    lines = [f"| {title} | commands | seconds |", "|---|--:|--:|"]
    return "\n".join([*lines, *(f"| {row.title} | {row.commands} | {row.seconds:.0f} |" for row in rows)])


def reaching_an_index(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that pip needs."""
    return {name: value for name, value in environ.items() if name.upper().startswith(_INDEX)}


def readme(clone: Path) -> Walk:
    """What README says, and the wheel for the other ways."""
    (demo,) = (block for block in blocks((ROOT / "README.md").read_text("utf-8"), "sh") if block == "make demo\n")
    get = f"git clone --quiet {shlex.quote(ROOT.as_uri())} {clone.name}\ncd {clone.name}\n"
    steps = [Step("git clone", [get]), Step("make demo", [demo]), Step("make dist", ["make dist\n"])]
    return Walk("README", clone.parent, steps)


def page(title: str, folder: Path, chosen: Collection[str], settings: Mapping[str, str] | None = None) -> Walk:
    """The quick start, in the folder with what it installs."""
    steps = quick_start.steps(quick_start.PAGE.read_text("utf-8"), chosen)
    return Walk(f"quick start {title}", folder, list(steps), settings or {})


def walk(way: Walk, python: str) -> tuple[str, list[Row]]:
    """Pastes the steps of a way into a shell of somebody new. Raises TerminalError if a command fails."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="cfn-injector-", ignore_cleanup_errors=True) as name:
        environ = quick_start.somebody(Path(name), {"python3": shlex.quote(python), "aws": shlex.quote(str(AWS_CLI))})
        with terminal({**reaching_an_index(os.environ), **way.settings, **environ}, way.folder, SECONDS) as shell:
            for done in quick_start.play(shell, way.steps):
                failed = quick_start.failures(done)
                if failed:
                    raise TerminalError("\n".join(["a command failed:", *failed]))
                print(f"{way.title}: {done.title}, {done.seconds:.1f} s", file=sys.stderr)
                rows.append(done)
    return way.title, taken(rows)


def measured(folder: Path, python: str) -> Iterator[tuple[str, list[Row]]]:
    """The title and the rows of each way, one way after the other."""
    clone, download = folder / "cfn-injector", folder / "download"
    yield walk(readme(clone), python)
    download.mkdir()
    for wheel in (clone / "dist").glob("cfn_injector-*.whl"):
        wheel.rename(download / wheel.name)
    yield walk(page("with a release, on an emulator", download, {RELEASE, *EMULATOR}), python)
    yield walk(page("with a checkout, on an emulator", clone, {CHECKOUT, *EMULATOR}), python)
    with quick_start.account() as settings:
        yield walk(page("with a release, in an account", download, {RELEASE, *AWS}, settings), python)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m tests.first_steps", description=(__doc__ or "").partition("\n")[0])
    base = str(Path(sys.executable).resolve())
    parser.add_argument("--python", default=base, metavar="PROGRAM", help=f"what python3 is; default {base}")
    python = parser.parse_args(argv).python
    with tempfile.TemporaryDirectory(prefix="cfn-injector-", ignore_cleanup_errors=True) as name:
        try:
            for title, rows in measured(Path(name), python):
                print(f"{table(title, rows)}\n", flush=True)
        except TerminalError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
