"""A shell on a terminal of its own: what a person sees who pastes commands.

In: an environment, a folder and lines. Out: what each command shows, its exit status, and how long it took.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

QUESTION = "[y/N] "
_READY, _MORE = "\ue000", "\ue001"
"""What the prompts begin with: characters for private use, which no program shows."""
_SETTINGS = f"PS1='{_READY}$?$ '\nPS2='{_MORE}> '\nPROMPT_COMMAND=\n"
_PROMPT = re.compile(rf"{_READY}(\d+)\$ $|{_MORE}> $")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]")
_SIZE = struct.pack("HHHH", 50, 400, 0, 0)
_END_SECONDS = 15.0


class Shown(NamedTuple):
    """One command: ``text`` is what the terminal shows of it and below it, with the prompts ``$ `` and ``> ``."""

    text: str
    status: int
    seconds: float


class TerminalError(Exception):
    """A shell did not come back to its prompt; the message ends with what it showed last."""


class Terminal:
    """A bash that is ready. Each bash that it starts has the same prompts."""

    def __init__(self, descriptor: int, seconds: float) -> None:
        self._descriptor = descriptor
        self._seconds = seconds
        self._read(may_end=False)

    def _read(self, *, may_end: bool) -> str:
        """What is shown until the next prompt or question, or until the shell ends."""
        seen, until = b"", time.monotonic() + self._seconds
        text, ended = "", False
        while not (ended or _PROMPT.search(text) or text.endswith(QUESTION)):
            if time.monotonic() > until:
                raise TerminalError(f"no prompt after {self._seconds:.0f} seconds; the terminal shows:\n{text[-2000:]}")
            if select.select([self._descriptor], [], [], 0.2)[0]:
                try:
                    more = os.read(self._descriptor, 65536)
                except OSError:  # on Linux: nobody has the other side open any more
                    more = b""
                seen, ended = seen + more, not more
                text = _ESCAPES.sub("", seen.decode(errors="replace")).replace("\r\n", "\n")
        if ended and not may_end:
            raise TerminalError(f"the shell ended; the terminal shows:\n{text[-2000:]}")
        return text

    def _type(self, line: str) -> str:
        """What a line shows, its own echo included. A question is answered with ``y``."""
        os.write(self._descriptor, f"{line}\n".encode())
        text = self._read(may_end=line == "exit")
        while text.endswith(QUESTION):
            os.write(self._descriptor, b"y\n")
            text += self._read(may_end=False)
        return text

    def paste(self, lines: str) -> list[Shown]:
        """Types lines, each at a prompt. Returns the commands that they are."""
        done: list[Shown] = []
        text, start = "", time.monotonic()
        for line in lines.splitlines():
            text += "> " if text else "$ "
            seen = self._type(line)
            prompt = _PROMPT.search(seen)
            text += seen[: prompt.start()] if prompt else seen
            if prompt and prompt[1] is None:
                continue
            done.append(Shown(text, int(prompt[1]) if prompt else 0, time.monotonic() - start))
            text, start = "", time.monotonic()
        if text:
            raise TerminalError(f"the shell waits for the end of a command:\n{text[-2000:]}")
        return done


def _end(process: int) -> None:
    """Hang up, wait, kill."""
    os.kill(process, signal.SIGHUP)
    until = time.monotonic() + _END_SECONDS
    while os.waitpid(process, os.WNOHANG)[0] == 0:
        if time.monotonic() > until:
            os.kill(process, signal.SIGKILL)
        time.sleep(0.05)


@contextmanager
def terminal(environ: Mapping[str, str], folder: Path, seconds: float) -> Iterator[Terminal]:
    """An interactive bash in a folder. The folder that ``HOME`` names gets a ``.bashrc``.

    TerminalError is raised if a command takes more than so many ``seconds``. Everything on the terminal ends with it.
    """
    (Path(environ["HOME"]) / ".bashrc").write_text(_SETTINGS, "utf-8")
    process, descriptor = pty.fork()
    if process == 0:
        os.chdir(folder)
        fcntl.ioctl(0, termios.TIOCSWINSZ, _SIZE)
        os.execvpe("bash", ["bash"], {**environ, "TERM": "dumb", "LANG": "C.UTF-8"})
    try:
        yield Terminal(descriptor, seconds)
    finally:
        os.close(descriptor)
        _end(process)
