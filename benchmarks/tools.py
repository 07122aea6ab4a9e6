"""Which strategies this machine can run, and the command of each; says which it cannot run, and why.

A strategy in Python is a process of ``benchmarks.strategies``. The others are programs in ``programs``: two for Node.js
and one in Go. They take the same job, with the variables in it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

PYTHON = (sys.executable, "-m", "benchmarks.strategies")

_PROGRAMS = Path(__file__).with_name("programs")
_SECONDS = 600


class Missing(Exception):
    """Why a strategy is left out."""


class Tool(NamedTuple):
    """What a strategy needs in ``PATH``, and how its command is made there, in a folder for build results."""

    needs: tuple[str, ...] = ()
    command: Callable[[Path], tuple[str, ...]] = lambda folder: PYTHON


def _ran(command: Sequence[str], folder: Path | None = None) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS)
    if done.returncode:
        printed = done.stderr.strip() or done.stdout.strip()
        raise Missing(f"{' '.join(command)} failed: {printed[-300:]}")


def _node(script: str) -> Callable[[Path], tuple[str, ...]]:
    def command(folder: Path) -> tuple[str, ...]:
        shutil.copytree(_PROGRAMS, folder, dirs_exist_ok=True)
        if not (folder / "node_modules").exists():
            _ran(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], folder)
        return ("node", str(folder / script))

    return command


def _go(folder: Path) -> tuple[str, ...]:
    shutil.copytree(_PROGRAMS, folder, dirs_exist_ok=True)
    _ran(["go", "build", "-o", "rewrite", "."], folder / "go")
    return (str(folder / "go" / "rewrite"),)


def _aws(folder: Path) -> tuple[str, ...]:
    _ran(["aws", "--version"])
    return PYTHON


TOOLS: Mapping[str, Tool] = {
    "admzip": Tool(("node", "npm"), _node("admzip.js")),
    "yazl": Tool(("node", "npm"), _node("yazl.js")),
    "go": Tool(("go",), _go),
    "zip": Tool(("zip",)),
    "7z": Tool(("7z",)),
    "aws s3 cp": Tool(("aws", "zip"), _aws),
}


def commands(strategies: Iterable[str], folder: Path, say: Callable[[str], None]) -> dict[str, tuple[str, ...]]:
    """The command of each of these strategies that this machine can run."""
    found = {}
    for strategy in strategies:
        tool = TOOLS.get(strategy, Tool())
        absent = [name for name in tool.needs if not shutil.which(name)]
        try:
            if absent:
                raise Missing(f"{' and '.join(absent)} cannot be found")
            found[strategy] = tool.command(folder)
        except Missing as problem:
            say(f"{strategy} is left out: {problem}")
    return found
