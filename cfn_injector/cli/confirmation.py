"""Asks before something is created or changed: takes arguments, and raises InjectorError unless the answer is yes."""

from __future__ import annotations

import argparse
import sys

from cfn_injector.cli.usage import UsageError
from cfn_injector.errors import InjectorError


def check_terminal(arguments: argparse.Namespace) -> None:
    """Raises UsageError if there is neither ``--yes`` nor a terminal to ask on."""
    if not arguments.yes and not sys.stdin.isatty():
        raise UsageError("without a terminal to ask on, give --yes", code="CI923")


def confirm(arguments: argparse.Namespace, unless: str) -> None:
    """Ask. Raises InjectorError, which says what did not happen ``unless`` the answer is yes."""
    if arguments.yes:
        return
    check_terminal(arguments)
    print("Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise InjectorError(f"not confirmed, so nothing was {unless}; answer y, or give --yes", code="CI924")
