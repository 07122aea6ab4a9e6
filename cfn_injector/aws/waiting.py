"""Waiting for AWS, with an end.

In: a clock and a deadline. Out: what was waited for, or OutOfTimeError with what it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from botocore.exceptions import ClientError

from cfn_injector.errors import OutOfTimeError, message_of
from cfn_injector.protocol.messages import Request, Services

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
"""Seconds between two looks."""

T = TypeVar("T")


def _nothing(error: ClientError) -> bool:
    """No error passes by itself."""
    return False


@dataclass(frozen=True)
class Patience:
    """How long may be waited: ``deadline`` in seconds since the epoch, on the clock ``now``."""

    now: Callable[[], float]
    sleep: Callable[[float], None]
    deadline: float

    def until(self, what: str, look: Callable[[], T | None], passes: Callable[[ClientError], bool] = _nothing) -> T:
        """Looks until there is something to see; an error of which ``passes`` is true is a reason to look again.

        Raises OutOfTimeError, which says what was waited for. After the deadline there is not even a first look.
        """
        pause, last = FIRST_PAUSE, ""
        while self.now() <= self.deadline:
            try:
                seen = look()
            except ClientError as error:
                if not passes(error):
                    raise
                seen, last = None, f". AWS said last: {message_of(error)}"
            if seen is not None:
                return seen
            self.sleep(min(pause, max(self.deadline - self.now(), 0.001)))
            pause = min(pause * 1.5, LONGEST_PAUSE)
        raise OutOfTimeError(f"the time for this request ended while waiting for {what}; deploy again{last}")

    def briefly(self, seconds: float) -> Patience:
        """The same, for a step that may take no longer than this."""
        return replace(self, deadline=min(self.deadline, self.now() + seconds))

    def persist(self, what: str, call: Callable[[], T], passes: Callable[[ClientError], bool]) -> T:
        """Calls until AWS takes it; an error of which ``passes`` is not true is raised at once."""
        return self.until(what, lambda: (call(),), passes)[0]


def patience(request: Request, services: Services) -> Patience:
    """As long as there is time for the request."""
    return Patience(services.now, services.sleep, request.deadline)
