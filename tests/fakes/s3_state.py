"""What all requests to the S3 stub share: its objects, counters, the model of a link, faults, and their control."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tests.fakes.s3_store import S3Error, Store


class Request(NamedTuple):
    """A request that was answered, or dropped by a fault (``status`` 0). ``range`` is that of a read or a copy."""

    operation: str
    key: str
    status: int
    range: str
    if_match: str


@dataclass
class Fault:
    """A fault that ``Stub.fail`` requested; ``seen`` counts the operations since."""

    operation: str
    nth: int
    status: int
    code: str
    after: bool
    times: int
    cut: int
    seen: int = 0


@dataclass(frozen=True)
class Model:
    """The link between client and S3; 0 means no limit. Rates are in MB (10**6 bytes) per second."""

    latency_ms: float = 0.0
    mb_per_s: float = 0.0
    copy_mb_per_s: float = 0.0


class Lane:
    """One direction of the link, which all requests share."""

    def __init__(self) -> None:
        self._free = 0.0
        self._lock = threading.Lock()

    def carry(self, length: int, rate: float) -> None:
        """Returns when ``length`` bytes would have arrived."""
        if not rate:
            return
        with self._lock:
            now = time.monotonic()
            self._free = max(self._free, now) + length / (rate * 1e6)
            wait = self._free - now
        time.sleep(wait)


class State:
    """The state that all requests to a server share."""

    def __init__(self, buckets: Sequence[str]) -> None:
        self.store = Store(buckets)
        self.model = Model()
        self.up, self.down = Lane(), Lane()
        self.lock = threading.Lock()
        self.faults: list[Fault] = []
        self.counts: dict[str, list[int]] = {}
        self.calls: list[Request] = []
        self.connections = 0
        self.reset()

    def reset(self, *, objects: bool = False) -> None:
        with self.lock:
            self.faults = []
            self.counts = defaultdict(lambda: [0, 0, 0, 0])
            self.calls = []
            self.connections = 0
            if objects:
                self.store.clear()

    def fault(self, operation: str) -> Fault | None:
        """The fault that hits this request."""
        with self.lock:
            hit = None
            for fault in self.faults:
                if fault.operation == operation:
                    fault.seen += 1
                    if fault.nth <= fault.seen < fault.nth + fault.times:
                        hit = fault
            return hit

    def connect(self) -> None:
        with self.lock:
            self.connections += 1

    def record(self, request: Request, down: int, up: int, copied: int) -> None:
        with self.lock:
            self.calls.append(request)
            count = self.counts[request.operation]
            for index, value in enumerate((1, down, up, copied)):
                count[index] += value

    def control(self, verb: str, query: Mapping[str, str]) -> Any:
        """Runs ``/_stub/verb``; returns the answer, which is sent as JSON."""
        if verb == "stats":
            with self.lock:
                return {name: list(count) for name, count in self.counts.items()}
        if verb == "calls":
            with self.lock:
                return list(self.calls)
        if verb == "connections":
            return self.connections
        if verb == "reset":
            self.reset(objects=query.get("objects") == "1")
        elif verb == "model":
            self.model = Model(**{name: float(value) for name, value in query.items()})
        elif verb == "fail":
            numbers = {name: int(query[name]) for name in ("nth", "status", "times", "cut")}
            code, after = query["code"], query["after"] == "1"
            with self.lock:
                self.faults.append(Fault(query["operation"], code=code, after=after, **numbers))
        else:
            raise S3Error(404, "NotFound", f"/_stub/{verb}")
        return {}
