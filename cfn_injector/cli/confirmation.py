"""Asks before something is created or changed, and lets SIGTERM end a command as Ctrl-C does."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from cfn_injector.cli.usage import UsageError
from cfn_injector.errors import InjectorError


def check_terminal(arguments: argparse.Namespace) -> None:
    """Raises UsageError if there is neither ``--yes`` nor a terminal to ask on."""
    if not arguments.yes and not sys.stdin.isatty():
        raise UsageError("without a terminal to ask on, give --yes")


def confirm(arguments: argparse.Namespace, unless: str) -> None:
    """Ask. Raises InjectorError, which says what did not happen ``unless`` the answer is yes."""
    if arguments.yes:
        return
    check_terminal(arguments)
    print("Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise InjectorError(f"not confirmed, so nothing was {unless}; answer y, or give --yes")


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP are interruptions like Ctrl-C, so that everything is removed. nohup ignores SIGHUP."""
    heeded = [each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) is not signal.SIG_IGN]
    before = {each: signal.signal(each, _interrupt) for each in heeded}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
