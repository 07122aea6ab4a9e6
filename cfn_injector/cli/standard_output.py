"""Standard output, which may be full, or which nobody may read any more.

Takes a text or bytes. Returns an exit status: 0, or that of SIGPIPE, as in ``| head -1``.
https://docs.python.org/3/library/signal.html#note-on-sigpipe
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

from cfn_injector.errors import InjectorError


def _status(write: Callable[[], object]) -> int:
    """What becomes of a write. Raises InjectorError unless nobody reads."""
    try:
        write()
        return 0
    except OSError as error:
        with suppress(OSError):  # Python writes the rest when it ends, which would fail again
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return 128 + signal.SIGPIPE
        raise InjectorError(
            f"standard output cannot be written: {error.strerror}; make room there", code="CI719"
        ) from error


def printed(text: str) -> int:
    """Prints the text, if there is any, with a line end."""
    return _status(lambda: print(text, end="\n" if text else "", flush=True))


def written(data: bytes) -> int:
    """Writes the bytes as they are."""

    def write() -> None:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    return _status(write)
