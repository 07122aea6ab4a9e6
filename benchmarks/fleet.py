"""Many functions at once: created, updated, updated with Publish and deleted, on a virtual clock with AWS's quotas.

Takes the number of functions. Prints, for each step, the failures, the seconds on the virtual clock, the floor, and the
calls by operation with those that were throttled. Each event goes through the real provider, verification included, and
all events of a step arrive in the same moment. The floor is the time that the quotas require for the calls that no
provider can do without: those of Lambda's shared quota, ``NEEDED``, and those of the verification, ``DESCRIBED``.

    python -m benchmarks.fleet 40 100 500
    python -m benchmarks.fleet --describes 50 500    with 50 calls of each Describe operation per second
"""

from __future__ import annotations

import random
import sys
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import botocore.endpoint

from tests.fakes.cloudformation import RESPONSE_URL, FakeCloudFormation
from tests.fakes.event_sources import FakeEventSources
from tests.fakes.quotas import DESCRIBES_PER_SECOND, LAMBDA, Quotas, SharedClock, account
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

DESCRIBED = {"create": 2, "update Env": 1, "update Env and publish": 1, "delete": 1}
"""DescribeStacks for each function: to verify the event, and before a creation is answered."""

ATTEMPTS = 6
"""Those of botocore itself, as the provider configures its clients. They are on the virtual clock too."""


@dataclass(frozen=True)
class Result:
    """A step. ``calls`` and ``throttled`` are by operation, ``floors`` by bucket; seconds are on the virtual clock."""

    step: str
    functions: int
    failures: Sequence[str]
    seconds: float
    floors: Mapping[str, float]
    calls: Counter[str]
    throttled: Counter[str]
    shared: int
    """Calls in the quota that all share, without those that were throttled."""

    @property
    def floor(self) -> float:
        return max(self.floors.values())


def make_world(stub: Stub, clock: Any, package: bytes) -> World:
    """A provider beside fakes and this stub, with the package as its artifact."""
    s3 = stub.client()

    def fetch(bucket: str, key: str, version: str | None) -> bytes:
        body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    s3.put_object(Bucket=ARTIFACTS, Key=KEY, Body=package)
    world = World(clock, s3, FakeEventSources(clock, fetch), FakeCloudFormation(clock), attempts=ATTEMPTS)
    world.stack.check_url = False
    return world


def floors(step: str, functions: int, quotas: Quotas) -> dict[str, float]:
    """The seconds that each quota requires, by bucket; the bucket is full at the beginning."""
    needed = {LAMBDA: NEEDED[step], "DescribeStacks": DESCRIBED[step]}
    buckets = {name: quotas.buckets[name] for name in needed}
    return {name: max(functions * needed[name] - bucket.burst, 0) / bucket.rate for name, bucket in buckets.items()}


def run_step(
    world: World, clock: SharedClock, step: str, names: Mapping[str, str], describes: float
) -> tuple[Result, dict[str, str]]:
    """Delivers an event for each function, by logical ID. Returns the result and the physical IDs."""
    kind, old, new = STEPS[step]
    quotas = account(clock, describes)
    world.wire.hook, before, began = quotas.admit, len(world.stack.answers), clock.now()
    # The date in the URL is recorded on the function, which takes one of the calls of an update.
    url = f"{RESPONSE_URL}&X-Amz-Date={time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(began))}"
    events = [
        {**world.stack.event(kind, new, logical_id=logical_id, physical_id=name or None, old=old), "ResponseURL": url}
        for logical_id, name in names.items()
    ]
    clock.run([partial(world.deliver, event) for event in events])
    answers = world.stack.answers[before:]
    failures = [answer["Reason"] for answer in answers if answer["Status"] != "SUCCESS"]
    shared = sum(
        count - quotas.throttled[name] for name, count in quotas.calls.items() if quotas.rules(name) == (LAMBDA,)
    )
    least = floors(step, len(names), quotas)
    result = Result(step, len(names), failures, clock.now() - began, least, quotas.calls, quotas.throttled, shared)
    return result, {answer["LogicalResourceId"]: answer["PhysicalResourceId"] for answer in answers}


def simulate(functions: int, describes: float = DESCRIBES_PER_SECOND) -> Iterator[Result]:
    """The result of each step, one after the other."""
    clock = SharedClock()
    names = {f"Function{number}": "" for number in range(functions)}
    random.seed(functions)  # botocore's jitter
    own_clock = SimpleNamespace(sleep=clock.sleep)
    with running() as stub, patch.object(botocore.endpoint, "time", own_clock):
        world = make_world(stub, clock, artifact({"index.py": "def handler(event, context): ...\n"}))
        for step in STEPS:
            result, names = run_step(world, clock, step, names, describes)
            yield result
            clock.time += 60


def describe(result: Result) -> str:
    """The step in two lines."""
    calls = ", ".join(
        f"{name} {count - result.throttled[name]}" + (f" (+{result.throttled[name]})" if result.throttled[name] else "")
        for name, count in sorted(result.calls.items())
    )
    floor = ", ".join(f"{name} {seconds:.0f}" for name, seconds in result.floors.items())
    return (
        f"{result.functions} x {result.step}: {len(result.failures)} failed, {result.seconds:.0f} s, "
        f"floor {result.floor:.0f} s ({floor}), {result.shared / result.functions:.1f} calls each in the shared quota\n"
        f"    calls (+ throttled): {calls}"
    )


def main(arguments: Sequence[str]) -> None:
    parser = ArgumentParser(prog="python -m benchmarks.fleet")
    parser.add_argument("functions", type=int, nargs="*", default=[40, 100, 500])
    parser.add_argument("--describes", type=float, default=DESCRIBES_PER_SECOND, help="of each Describe, per second")
    stated = parser.parse_args(arguments)
    for functions in stated.functions:
        for result in simulate(functions, stated.describes):
            print(describe(result), flush=True)
            for reason in sorted(set(result.failures))[:3]:
                print(f"    {reason[:200]}")


if __name__ == "__main__":
    main(sys.argv[1:])
