"""Signals: takes handlers for the time of a block, and restores those before.

With ``interrupted_by_signals``, a block ends as after Ctrl-C if the process is asked to end or its terminal is closed,
so that whatever the block has created is removed.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import Any, NoReturn

Handler = Callable[[int, "FrameType | None"], Any]

_ENDING = (signal.SIGTERM, signal.SIGHUP)


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


@contextmanager
def handling(handlers: Mapping[signal.Signals, Handler | signal.Handlers]) -> Iterator[None]:
    """These handlers of signals, within this context."""
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def interrupted_by_signals() -> AbstractContextManager[None]:
    """SIGTERM and SIGHUP are interruptions like Ctrl-C. What is ignored, as by ``nohup``, stays ignored."""
    return handling({number: _interrupt for number in _ENDING if signal.getsignal(number) != signal.SIG_IGN})
