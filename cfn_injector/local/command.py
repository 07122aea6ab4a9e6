"""What commands on an emulator share: takes something to do with an emulator, returns an exit status.

0 means right, 1 wrong, 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from botocore.exceptions import BotoCoreError, ClientError

from cfn_injector.cli.signals import interrupted_by_signals
from cfn_injector.errors import InjectorError, with_code
from cfn_injector.local.display import Display
from cfn_injector.local.emulator import Emulator, EmulatorError, running

INTERRUPTED = 130
EXPECTED_ERRORS = (InjectorError, ClientError, BotoCoreError, OSError)


class ApplicationError(InjectorError):
    """A deployed application does not work, so that the remaining steps make no sense."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="CI932")


def shown(error: Exception) -> str:
    """The message of an expected error, with its code. Errors of the emulator and of botocore have CI930."""
    return error.full_message if isinstance(error, InjectorError) else with_code(str(error), "CI930")


def report_problems(problems: Sequence[str]) -> int:
    """Print a line for each problem to standard error, and return the exit status: 0 if there are none, else 1."""
    for problem in problems:
        print(with_code(f"wrong: {problem}", "CI932"), file=sys.stderr)
    return 1 if problems else 0


def report_errors(emulator: Emulator, do: Callable[[], int]) -> int:
    """What ``do`` returns. An expected error is printed below the end of the emulator's log, and 1 is returned."""
    try:
        return do()
    except EXPECTED_ERRORS as error:
        emulator.show_log()
        print(f"The demo failed: {shown(error)}", file=sys.stderr)
        return 1


def stay(emulator: Emulator, show: Display) -> int:
    """Wait for Ctrl-C and return 0, or 1 if the emulator ends before."""
    show.line(f"AWS API: {emulator.url}")
    try:
        show.line("Running until you press Ctrl-C.")
        code = emulator.process.wait()
    except KeyboardInterrupt:
        return 0
    print(with_code(f"ministack ended with exit status {code}", "CI929"), file=sys.stderr)
    return 1


def on_emulator(do: Callable[[Emulator], int]) -> int:
    """What ``do`` returns. The emulator that it is given runs only as long as ``do``."""
    try:
        with interrupted_by_signals(), running() as emulator:
            return do(emulator)
    except EmulatorError as error:
        print(shown(error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
