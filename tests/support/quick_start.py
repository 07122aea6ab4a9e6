"""The quick start as a person does it: takes the page and a choice of its alternatives, returns what each step shows.

    docs/quick-start.md -> steps -> blocks of commands, pasted into a terminal -> commands with their output

A step is a section with a number. Below it, a heading without a number is an alternative.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from cfn_injector.local import child
from cfn_injector.local.emulator import REGION, ROOT_USER, running
from tests.support.pages import ROOT, blocks
from tests.support.terminal import Shown, Terminal, terminal

PAGE = ROOT / "docs/quick-start.md"
CHECKOUT, RELEASE = "From a checkout", "From a release"
EMULATOR = ("On an emulator", "The emulator")
AWS = ("In AWS", "The provider in AWS")
SECONDS = 180.0
"""How long one command may take."""
COMMAND = f"PYTHONPATH={shlex.quote(str(ROOT))} {shlex.quote(sys.executable)} -m cfn_injector"
"""What runs ``cfn-injector`` of this checkout."""

_STEP = re.compile(r"^## (\d+\. .*)$", re.MULTILINE)
_ALTERNATIVE = re.compile(r"^### (.*)$", re.MULTILINE)


class Step(NamedTuple):
    """``blocks`` are the commands of a step, for the alternatives that were chosen."""

    title: str
    blocks: Sequence[str]


class Done(NamedTuple):
    """A step, and its commands as the terminal shows them."""

    title: str
    commands: Sequence[Shown]

    @property
    def seconds(self) -> float:
        return sum(command.seconds for command in self.commands)

    @property
    def text(self) -> str:
        return "".join(command.text for command in self.commands)


def alternatives(page: str) -> list[str]:
    """The headings of all alternatives."""
    return _ALTERNATIVE.findall(page)


def steps(page: str, chosen: Collection[str]) -> Iterator[Step]:
    """The steps, with what stands directly below them and below the alternatives that are ``chosen``."""
    _, *sections = _STEP.split(page.partition("\n## Where")[0])
    for title, section in zip(sections[::2], sections[1::2], strict=True):
        own, *others = _ALTERNATIVE.split(section)
        found = blocks(own, "sh")
        for name, content in zip(others[::2], others[1::2], strict=True):
            if name in chosen:
                found += blocks(content, "sh")
        yield Step(title, found)


def play(shell: Terminal, todo: Sequence[Step]) -> Iterator[Done]:
    """Pastes the blocks of each step."""
    for step in todo:
        yield Done(step.title, [shown for block in step.blocks for shown in shell.paste(block)])


def failures(done: Done) -> list[str]:
    """The commands that failed, with their output. ``diff`` says with 1 that there are differences."""
    return [
        command.text
        for command in done.commands
        if command.status != int(command.text.startswith("$ cfn-injector diff "))
    ]


def somebody(folder: Path, programs: Mapping[str, str]) -> dict[str, str]:
    """The environment of a person who has nothing: an empty home folder, the system's programs, and these."""
    for name in ("home", "programs"):
        (folder / name).mkdir()
    for name, command in programs.items():
        program = folder / "programs" / name
        program.write_text(f'#!/bin/sh\nexec env {command} "$@"\n', "utf-8")
        program.chmod(0o755)
    return {"HOME": str(folder / "home"), "PATH": f"{folder / 'programs'}:/usr/local/bin:/usr/bin:/bin"}


@contextmanager
def account() -> Iterator[dict[str, str]]:
    """The variables by which AWS's clients find an empty account, which is an emulator."""
    with running() as emulator:
        keys = ROOT_USER["aws_access_key_id"], ROOT_USER["aws_secret_access_key"]
        yield child.settings(emulator.url, *keys, REGION)


def played(folder: Path, chosen: Collection[str], settings: Mapping[str, str], aws: str) -> Sequence[Done]:
    """All steps but the first one: the command is that of this checkout, and ``aws`` is the AWS CLI."""
    environ = {**somebody(folder, {"cfn-injector": COMMAND, "aws": shlex.quote(aws)}), **settings}
    with terminal(environ, Path(environ["HOME"]), SECONDS) as shell:
        return list(play(shell, list(steps(PAGE.read_text("utf-8"), chosen))[1:]))
