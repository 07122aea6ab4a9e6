"""Waits for AWS, with a deadline, and waits out throttling.

Takes a clock and a deadline. Returns what was waited for, or raises OutOfTimeError, which names it.

Many events share the rates that AWS allows an account. So throttling never fails a request before its deadline: a
``Deadline`` tries again, and so does every call of a client that ``wait_out_throttling`` has prepared. Each request has
pauses of its own, drawn by its ID, so that requests that were throttled in one moment do not return in one moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random, random
from typing import Any, NamedTuple, TypeVar

from botocore.exceptions import ClientError

from cfn_injector.errors import OutOfTimeError, code_of, message_of
from cfn_injector.protocol.messages import Request, Services


class Pace(NamedTuple):
    """The pauses between two attempts: the first and the longest, in seconds. Each is ``factor`` times the one before.

    At most half of each is cut at random.
    """

    first: float
    factor: float
    longest: float


CALLS = Pace(0.5, 1.5, 5.0)
"""For calls that take from a rate which everything in the account shares."""

LOOKS = Pace(0.5, 1.25, 2.0)
"""For GetFunction, which has a quota of its own."""

FIRST_THROTTLED, LONGEST_THROTTLED = 1.0, 8.0
"""Bounds of the pause after a throttled call; it is drawn from zero up, which empties a queue soonest.

https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
"""

THROTTLING = frozenset(
    {
        "503",  # S3's answer to HEAD has no body, and so no other code
        "BandwidthLimitExceeded",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "ServiceUnavailable",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""The codes with which AWS asks to slow down. ``LimitExceededException`` is not one of them: waiting does not help."""

T = TypeVar("T")


def is_throttling(error: ClientError) -> bool:
    """Whether AWS asks to slow down."""
    return code_of(error) in THROTTLING


def _never(error: ClientError) -> bool:
    return False


@dataclass(frozen=True)
class Deadline:
    """``at`` is when all waiting ends, in seconds since the epoch on the clock ``now``.

    ``jitter`` returns numbers from 0 to 1, by which pauses are shortened.
    """

    now: Callable[[], float]
    sleep: Callable[[float], None]
    at: float
    jitter: Callable[[], float] = random

    def wait_for(
        self,
        what: str,
        look: Callable[[], T | None],
        is_transient: Callable[[ClientError], bool] = _never,
        *,
        pace: Pace = CALLS,
        at_once: bool = True,
    ) -> T:
        """Calls ``look`` until it returns something other than None; throttling and transient errors count as None.

        With ``at_once=False`` a pause comes first, for what has only just begun. Raises OutOfTimeError, which names
        ``what``. After the deadline ``look`` is not called at all.
        """
        pause, last = pace.first, ""
        if not at_once:
            self._sleep(pause * (1 + self.jitter()) / 2)
        while self.now() <= self.at:
            try:
                seen = look()
            except ClientError as error:
                if not is_throttling(error) and not is_transient(error):
                    raise
                seen, last = None, f". AWS's last error was: {message_of(error)}"
            if seen is not None:
                return seen
            self._sleep(pause * (1 + self.jitter()) / 2)
            pause = min(pause * pace.factor, pace.longest)
        raise OutOfTimeError(f"timed out while waiting for {what}; deploy again{last}", code="CI410")

    def retry(self, what: str, call: Callable[[], T], is_transient: Callable[[ClientError], bool] = _never) -> T:
        """Calls until AWS accepts it; an error that is neither throttling nor transient is raised at once."""
        return self.wait_for(what, lambda: (call(),), is_transient)[0]

    def pause_throttled(self, attempts: int) -> bool:
        """Sleeps after a throttled call, which was the one of that number. False, without sleep, after the deadline."""
        if self.now() > self.at:
            return False
        self._sleep(self.jitter() * min(FIRST_THROTTLED * 2.0 ** min(attempts, 10), LONGEST_THROTTLED))
        return True

    def _sleep(self, seconds: float) -> None:
        self.sleep(max(min(seconds, self.at - self.now()), 0.001))

    def within(self, seconds: float) -> Deadline:
        """This deadline, or the one in so many seconds if that is earlier."""
        return replace(self, at=min(self.at, self.now() + seconds))


def deadline_of(request: Request, services: Services) -> Deadline:
    """The deadline of the request."""
    return Deadline(services.now, services.sleep, request.deadline, Random(request.request_id).random)


def wait_out_throttling(client: Any, deadline: Deadline) -> Any:
    """The boto3 client, each of whose calls is sent again while AWS throttles it, until the deadline.

    After that it raises AWS's error at once. botocore's own retries do not know the deadline and end long before it;
    they remain for other errors. An attempt that was throttled had no effect, so it does not count as one whose answer
    may have been lost.
    """

    def needs_retry(
        response: tuple[Any, Mapping[str, Any]] | None, attempts: int, request_dict: Mapping[str, Any], **_: Any
    ) -> float | None:
        code = response[1].get("Error", {}).get("Code") if response else None
        if code not in THROTTLING:
            return None
        if not deadline.pause_throttled(attempts):
            return False  # None would leave it to botocore
        request_dict["context"]["throttled"] = request_dict["context"].get("throttled", 0) + 1
        return 0.0  # what botocore still has to sleep

    def after_call(parsed: Mapping[str, Any], context: Mapping[str, Any], **_: Any) -> None:
        if "RetryAttempts" in parsed.get("ResponseMetadata", {}):
            parsed["ResponseMetadata"]["RetryAttempts"] -= context.get("throttled", 0)

    # The handler of the most specific event is called first, and its answer counts.
    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register(f"needs-retry.{service}.*", needs_retry)
    client.meta.events.register(f"after-call.{service}.*", after_call)
    return client
