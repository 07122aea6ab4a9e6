"""Runs other people's programs.

Takes a command. Returns its exit status and its output.

A program gets no terminal and asks no questions. It keeps its temporary files in the workshop's folder. If this process
is interrupted, the program and its child processes end with it.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from cfn_injector.cli.display import visible
from cfn_injector.errors import InjectorError


class ToolError(InjectorError):
    """A program failed. ``output`` is what it printed, which is shown above the message."""

    def __init__(self, message: str, output: Sequence[str]) -> None:
        super().__init__(message)
        self.output = "\n".join(map(visible, output))


class Finished(NamedTuple):
    """A program's exit status and its output lines, without empty lines and without the path of its folder."""

    command: Sequence[str]
    status: int
    lines: Sequence[str]


class Workshop(NamedTuple):
    """A temporary folder in which programs work, and the function that receives each line of their output."""

    folder: Path
    show: Callable[[str], None]

    def run(self, command: Sequence[str], *, cwd: Path, **environ: str) -> Finished:
        """Run the command in the folder ``cwd`` until it ends; ``environ`` extends this process's environment."""
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        lines = []
        with subprocess.Popen(
            command,
            cwd=cwd,
            env=_environment(environ, temporary),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        ) as process:
            try:
                for line in process.stdout or ():
                    if line.strip():
                        lines.append(line.rstrip().replace(f"{cwd}/", ""))
                        self.show(visible(lines[-1].strip()))
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        return Finished(command, process.returncode, lines)


def _environment(environ: Mapping[str, str], temporary: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(temporary), "NO_COLOR": "1", **environ}


@contextmanager
def cli_extra() -> Iterator[None]:
    """Import a package of the extra ``cli`` in this context. Raises InjectorError if it is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise InjectorError(f"{error.name} is not installed; run: pip install 'cfn-injector[cli]'") from error
