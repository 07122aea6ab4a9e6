"""Quotas of AWS's APIs as token buckets, and a clock that many events share.

``SharedClock`` runs each event in a thread of its own, one at a time. An event runs until it sleeps; then the event
that wakes first goes on. So thousands of seconds pass in a moment, in the same order in every run. ``Quotas.admit`` is
a hook for ``Wire``: it takes a token for the operation, and raises AWS's throttling error if there is none.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from threading import Event, Thread
from typing import Any

from tests.fakes.aws_lambda import THROTTLING, Fault

SECONDS = 3600.0
"""How long a thread may wait for its turn, in real time."""


class SharedClock:
    """Seconds since the epoch, moved when every event sleeps."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self.time = start
        self._sleeping: list[tuple[float, int, Event]] = []
        self._numbers = count()

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        turn = self._park(seconds)
        self._wake_next()
        assert turn.wait(SECONDS), "an event hangs"

    def run(self, tasks: Sequence[Callable[[], Any]]) -> None:
        """Runs all tasks at once, and returns when all have ended."""
        threads = [Thread(target=self._serve, args=(task, self._park(0.0)), daemon=True) for task in tasks]
        for thread in threads:
            thread.start()
        self._wake_next()
        for thread in threads:
            thread.join(SECONDS)
            assert not thread.is_alive(), "an event hangs"

    def _serve(self, task: Callable[[], Any], turn: Event) -> None:
        assert turn.wait(SECONDS), "an event hangs"
        try:
            task()
        finally:
            self._wake_next()

    def _park(self, seconds: float) -> Event:
        turn = Event()
        heapq.heappush(self._sleeping, (self.time + max(seconds, 0.0), next(self._numbers), turn))
        return turn

    def _wake_next(self) -> None:
        if self._sleeping:
            wakes, _, turn = heapq.heappop(self._sleeping)
            self.time = max(self.time, wakes)
            turn.set()


@dataclass
class Bucket:
    """``rate`` tokens come back each second, up to ``burst``."""

    rate: float
    burst: float
    tokens: float = field(init=False)
    at: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def take(self, now: float) -> bool:
        """Takes a token if there is one."""
        self.tokens, self.at = min(self.burst, self.tokens + (now - self.at) * self.rate), now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Quotas:
    """The buckets of an account. ``rules`` gives the names of the buckets that an operation takes a token from.

    ``latency`` is what each exchange takes, in seconds. An operation without a rule is not limited.
    """

    def __init__(
        self,
        clock: Any,
        buckets: Mapping[str, Bucket],
        rules: Callable[[str], Sequence[str]],
        fault: Callable[[str], Fault],
        latency: float = 0.05,
    ) -> None:
        self.clock, self.buckets, self.rules, self.fault, self.latency = clock, buckets, rules, fault, latency
        self.calls, self.throttled = Counter[str](), Counter[str]()

    def admit(self, operation: str) -> None:
        """Counts the exchange, lets it take its time, and raises a Fault if a bucket is empty."""
        self.clock.sleep(self.latency)
        self.calls[operation] += 1
        now = self.clock.now()
        if not all(self.buckets[name].take(now) for name in self.rules(operation)):
            self.throttled[operation] += 1
            raise self.fault(operation)


DESCRIBES = ("DescribeStacks", "DescribeStackResource", "DescribeStackResources", "DescribeStackEvents")
S3 = frozenset(
    {
        *("GetObject", "HeadObject", "PutObject", "CopyObject", "DeleteObject", "ListObjectsV2"),
        *("CreateMultipartUpload", "UploadPart", "UploadPartCopy", "CompleteMultipartUpload", "AbortMultipartUpload"),
    }
)
LAMBDA = "Lambda"
"""The bucket that all control-plane calls of Lambda share, except for those with a bucket of their own."""


DESCRIBES_PER_SECOND = 10.0
"""AWS publishes no rates of CloudFormation. People report that it throttles DescribeStacks from 5 per second on."""


def account(clock: Any, describes: float = DESCRIBES_PER_SECOND) -> Quotas:
    """The quotas of an account that deploys functions. The operation gives the service, so it is for functions alone.

    https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#api-requests
    """
    buckets = {
        "GetFunction": Bucket(100, 100),
        "GetPolicy": Bucket(15, 15),
        LAMBDA: Bucket(15, 15),
        **{name: Bucket(describes, 2 * describes) for name in DESCRIBES},
    }

    def rules(operation: str) -> Sequence[str]:
        if operation in S3:
            return ()
        return (operation,) if operation in buckets else (LAMBDA,)

    def fault(operation: str) -> Fault:
        return Fault(*THROTTLING["cloudformation" if operation in DESCRIBES else "lambda"])

    return Quotas(clock, buckets, rules, fault)
