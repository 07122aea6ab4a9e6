"""Many functions at once: created, updated, updated with Publish and deleted, on a virtual clock with AWS's quotas.

Takes the number of functions. Prints, for each step, the failures, the seconds on the virtual clock, the floor, and the
calls by operation with those that were throttled. Each event goes through the real provider, verification included, and
all events of a step arrive in the same moment. The floor is the time that Lambda's quota alone requires for the calls
that no provider can do without, ``NEEDED``.

    python -m benchmarks.fleet 40 100 500
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import botocore.endpoint

from tests.fakes.cloudformation import RESPONSE_URL, FakeCloudFormation
from tests.fakes.event_sources import FakeEventSources
from tests.fakes.quotas import LAMBDA, Quotas, SharedClock, account
from tests.fakes.s3_stub import Stub, running
from tests.support.artifacts import artifact
from tests.support.lambda_functions import BASE
from tests.support.world import ARTIFACTS, KEY, World

UPDATED = {**BASE, "Env": {"TABLE": "other-table"}}
PUBLISHED = {**BASE, "Env": {"TABLE": "third-table"}, "Publish": True, "KeepVersions": 1}
STEPS: Mapping[str, tuple[str, Mapping[str, Any] | None, Mapping[str, Any]]] = {
    "create": ("Create", None, BASE),
    "update Env": ("Update", BASE, UPDATED),
    "update Env and publish": ("Update", UPDATED, PUBLISHED),
    "delete": ("Delete", None, PUBLISHED),
}
"""Of each step the request type, the old properties, and the properties."""

NEEDED = {"create": 3, "update Env": 3, "update Env and publish": 6, "delete": 1}
"""Calls of a function in the quota that all calls share.

create: CreateFunction with the tags of a pending function, TagResource for what was injected, UntagResource.
update Env: TagResource for the event, UpdateFunctionCode, TagResource for what was injected.
publish: PublishVersion, ListVersionsByFunction and ListAliases in addition. delete: DeleteFunction.
"""

ATTEMPTS = 6
"""Those of botocore itself, as the provider configures its clients. They are on the virtual clock too."""


@dataclass(frozen=True)
class Result:
    """A step. ``calls`` and ``throttled`` are by operation; ``seconds`` and ``floor`` are on the virtual clock."""

    step: str
    functions: int
    failures: Sequence[str]
    seconds: float
    floor: float
    calls: Counter[str]
    throttled: Counter[str]
    shared: int
    """Calls in the quota that all share, without those that were throttled."""


def _world(stub: Stub, clock: Any) -> World:
    s3 = stub.client()

    def fetch(bucket: str, key: str, version: str | None) -> bytes:
        body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    s3.put_object(Bucket=ARTIFACTS, Key=KEY, Body=artifact({"index.py": "def handler(event, context): ...\n"}))
    world = World(clock, s3, FakeEventSources(clock, fetch), FakeCloudFormation(clock), attempts=ATTEMPTS)
    world.stack.check_url = False
    return world


def _floor(step: str, functions: int, quotas: Quotas) -> float:
    """A full bucket is there at the beginning."""
    bucket = quotas.buckets[LAMBDA]
    return max(functions * NEEDED[step] - bucket.burst, 0) / bucket.rate


def _run_step(world: World, clock: SharedClock, step: str, names: Mapping[str, str]) -> tuple[Result, dict[str, str]]:
    """Delivers an event for each function, by logical ID. Returns the result and the physical IDs."""
    kind, old, new = STEPS[step]
    quotas = account(clock)
    world.wire.hook, before, began = quotas.admit, len(world.stack.answers), clock.now()
    # The date in the URL is recorded on the function, which takes one of the calls of an update.
    url = f"{RESPONSE_URL}&X-Amz-Date={time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(began))}"
    events = [
        {**world.stack.event(kind, new, logical_id=logical_id, physical_id=name or None, old=old), "ResponseURL": url}
        for logical_id, name in names.items()
    ]
    clock.run([lambda event=event: world.deliver(event) for event in events])  # type: ignore[misc]
    answers = world.stack.answers[before:]
    failures = [answer["Reason"] for answer in answers if answer["Status"] != "SUCCESS"]
    shared = sum(
        count - quotas.throttled[name] for name, count in quotas.calls.items() if quotas.rules(name) == (LAMBDA,)
    )
    seconds, floor = clock.now() - began, _floor(step, len(names), quotas)
    result = Result(step, len(names), failures, seconds, floor, quotas.calls, quotas.throttled, shared)
    return result, {answer["LogicalResourceId"]: answer["PhysicalResourceId"] for answer in answers}


def simulate(functions: int) -> list[Result]:
    """The results of all steps, one after the other."""
    clock, results = SharedClock(), []
    names = {f"Function{number}": "" for number in range(functions)}
    random.seed(functions)  # botocore's jitter
    own_clock = SimpleNamespace(sleep=clock.sleep)
    with running() as stub, patch.object(botocore.endpoint, "time", own_clock):
        world = _world(stub, clock)
        for step in STEPS:
            result, names = _run_step(world, clock, step, names)
            results.append(result)
            clock.time += 60
    return results


def describe(result: Result) -> str:
    """The step in three lines."""
    calls = ", ".join(
        f"{name} {count - result.throttled[name]}" + (f" (+{result.throttled[name]})" if result.throttled[name] else "")
        for name, count in sorted(result.calls.items())
    )
    return (
        f"{result.functions} x {result.step}: {len(result.failures)} failed, {result.seconds:.0f} s, "
        f"floor {result.floor:.0f} s, {result.shared / result.functions:.1f} calls each in the shared quota\n"
        f"    calls (+ throttled): {calls}"
    )


def main(sizes: Sequence[str]) -> None:
    for size in sizes or ("40", "100", "500"):
        for result in simulate(int(size)):
            print(describe(result))
            for reason in sorted(set(result.failures))[:3]:
                print(f"    {reason[:200]}")


if __name__ == "__main__":
    main(sys.argv[1:])
