"""What the commands of all examples share: something to do on an emulator goes in, an exit status comes out.

0 is right, 1 is wrong, 130 is interrupted.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from cfn_injector.errors import InjectorError
from example_hitcounter.demo import DemoError
from example_hitcounter.display import Display
from example_hitcounter.emulator import Emulator, EmulatorError, running
from example_hitcounter.stacks import StackError

INTERRUPTED = 130
EXPECTED_ERRORS = (StackError, DemoError, InjectorError, ClientError, BotoCoreError, OSError)


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def tell(problems: Sequence[str]) -> int:
    """A line for everything that is wrong, and the status that follows from it."""
    for problem in problems:
        print(f"wrong: {problem}", file=sys.stderr)
    return 1 if problems else 0


def told(emulator: Emulator, do: Callable[[], int]) -> int:
    """What ``do`` returns; 1 where it fails by what may be expected, which is told with the end of ministack's log."""
    try:
        return do()
    except EXPECTED_ERRORS as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        print(f"\nThe end of ministack's log:\n{emulator.last_log_lines()}", file=sys.stderr)
        return 1


def stay(emulator: Emulator, show: Display) -> int:
    """Wait for Ctrl-C; an emulator that ends by itself is a failure."""
    show.line(f"AWS API: {emulator.url}")
    try:
        show.line("Running until you press Ctrl-C.")
        code = emulator.process.wait()
    except KeyboardInterrupt:
        return 0
    print(f"ministack ended by itself with exit status {code}", file=sys.stderr)
    return 1


def on_emulator(do: Callable[[Emulator], int]) -> int:
    """What ``do`` returns, with an emulator that is there for as long as it runs."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with running() as emulator:
            return do(emulator)
    except EmulatorError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
