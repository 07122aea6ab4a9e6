"""Waits for AWS, with a deadline.

Takes a clock and a deadline. Returns what was waited for, or raises OutOfTimeError, which names it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from botocore.exceptions import ClientError

from cfn_injector.errors import OutOfTimeError, code_of, message_of
from cfn_injector.protocol.messages import Request, Services

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
"""Seconds between two attempts."""

T = TypeVar("T")


_THROTTLING = frozenset(
    {"RequestLimitExceeded", "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException"}
)


def is_throttling(error: ClientError) -> bool:
    """Whether AWS asks to slow down."""
    return code_of(error) in _THROTTLING


def _never(error: ClientError) -> bool:
    return False


@dataclass(frozen=True)
class Deadline:
    """``at`` is when all waiting ends, in seconds since the epoch on the clock ``now``."""

    now: Callable[[], float]
    sleep: Callable[[float], None]
    at: float

    def wait_for(
        self, what: str, look: Callable[[], T | None], is_transient: Callable[[ClientError], bool] = _never
    ) -> T:
        """Calls ``look`` until it returns something other than None; transient errors count as None.

        Raises OutOfTimeError, which names ``what``. After the deadline ``look`` is not called at all.
        """
        pause, last = FIRST_PAUSE, ""
        while self.now() <= self.at:
            try:
                seen = look()
            except ClientError as error:
                if not is_transient(error):
                    raise
                seen, last = None, f". AWS's last error was: {message_of(error)}"
            if seen is not None:
                return seen
            self.sleep(min(pause, max(self.at - self.now(), 0.001)))
            pause = min(pause * 1.5, LONGEST_PAUSE)
        raise OutOfTimeError(f"timed out while waiting for {what}; deploy again{last}")

    def retry(self, what: str, call: Callable[[], T], is_transient: Callable[[ClientError], bool]) -> T:
        """Calls until AWS accepts it; an error that is not transient is raised at once."""
        return self.wait_for(what, lambda: (call(),), is_transient)[0]

    def within(self, seconds: float) -> Deadline:
        """This deadline, or the one in so many seconds if that is earlier."""
        return replace(self, at=min(self.at, self.now() + seconds))


def deadline_of(request: Request, services: Services) -> Deadline:
    """The deadline of the request."""
    return Deadline(services.now, services.sleep, request.deadline)
