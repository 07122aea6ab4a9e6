"""Other people's programs: a command goes in, its status and what it said come out.

A program gets no terminal and asks nothing. It keeps its temporary files where it is told to, and when this process is
interrupted, it ends with all that it started.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from cfn_injector.cli.display import visible
from cfn_injector.errors import InjectorError


class ToolError(InjectorError):
    """A program failed; ``output`` is what it said, which stands above the message."""

    def __init__(self, message: str, output: Sequence[str]) -> None:
        super().__init__(message)
        self.output = "\n".join(map(visible, output))


class Finished(NamedTuple):
    """How a program ended, and its lines, without those that are empty and without the path of its folder."""

    command: Sequence[str]
    status: int
    lines: Sequence[str]


class Workshop(NamedTuple):
    """Where programs work: a folder that goes when the command ends, and who hears what they say."""

    folder: Path
    tell: Callable[[str], None]

    def run(self, command: Sequence[str], *, cwd: Path, **environ: str) -> Finished:
        """Run to the end in the folder ``cwd``; ``environ`` comes on top of this process's environment."""
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
                        self.tell(visible(lines[-1].strip()))
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        return Finished(command, process.returncode, lines)


def _environment(environ: Mapping[str, str], temporary: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(temporary), "NO_COLOR": "1", **environ}
