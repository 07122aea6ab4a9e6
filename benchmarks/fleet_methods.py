"""Many methods of one API at once: created, updated and deleted, on a virtual clock with API Gateway's quotas.

Takes numbers of methods and of paths. Prints, for each step, the failures, the seconds on the virtual clock, the
deployments, and the calls by operation with those that were throttled. Each event goes through the real provider,
verification included, all events of a step arrive in the same moment, and every method has a ``StageName``.

    python -m benchmarks.fleet_methods 40/8 100/20 180/40
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import botocore.endpoint

from tests.fakes.api_gateway_quotas import api_gateway_quotas
from tests.fakes.cloudformation import FakeCloudFormation
from tests.fakes.event_sources import FakeEventSources
from tests.fakes.quotas import SharedClock
from tests.fakes.rest_apis import BARE
from tests.support.api_gateway_resources import ARN, TYPE, left
from tests.support.lambda_functions import somebody
from tests.support.world import World

VERBS = ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD")
ATTEMPTS = 6
"""Those of botocore itself, as the provider configures its clients. They are on the virtual clock too."""

STEPS = ("Create", "Update", "Delete")


@dataclass(frozen=True)
class Result:
    """A step. ``calls`` and ``throttled`` are by operation, ``seconds`` on the virtual clock.

    ``deployments`` and ``tags`` are those that were created, also if they are gone again. ``wrong`` is what the stage
    serves and should not, or the other way round, and what is left.
    """

    step: str
    methods: int
    failures: Sequence[str]
    seconds: float
    calls: Counter[str]
    throttled: Counter[str]
    deployments: int
    tags: Collection[str]
    wrong: Sequence[str]


def _world(clock: Any, paths: int) -> World:
    def fetch(bucket: str, key: str, version: str | None) -> bytes:
        raise AssertionError("a method has no artifact")

    world = World(clock, None, FakeEventSources(clock, fetch), FakeCloudFormation(clock), attempts=ATTEMPTS)
    for path in range(paths):
        world.aws_lambda.functions[f"f{path}"] = somebody(f"f{path}")
    world.gateway.deployment_seconds = 0  # the quotas have it
    return world


def _methods(methods: int, paths: int) -> dict[str, dict[str, Any]]:
    """The properties of each method, by logical ID."""
    return {
        f"Method{number}": {
            "RestApiId": BARE,
            "Path": f"v1/items{number % paths}",
            "Method": VERBS[number // paths],
            "IntegrationRequest": {"Type": "Lambda", "FunctionArn": f"{ARN}f{number % paths}"},
            "StageName": "dev",
        }
        for number in range(methods)
    }


def _changed(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {**properties, "IntegrationRequest": {**properties["IntegrationRequest"], "TimeoutInMillis": 9000}}


def _event(world: World, step: str, logical_id: str, old: Mapping[str, Any], physical_id: str) -> dict[str, Any]:
    world.stack.logical_id = logical_id
    if step == "Create":
        return world.stack.event(step, old, resource_type=TYPE)
    if step == "Update":
        return world.stack.event(step, _changed(old), resource_type=TYPE, physical_id=physical_id, old=old)
    return world.stack.event(step, _changed(old), resource_type=TYPE, physical_id=physical_id)


def _wrong(world: World, step: str, stated: Mapping[str, Mapping[str, Any]]) -> list[str]:
    api, pairs = world.gateway.apis[BARE], {(f"/{each['Path']}", each["Method"]) for each in stated.values()}
    served = api.served("dev") if "dev" in api.stages else {}
    timeouts = {
        (path, verb): method["methodIntegration"]["timeoutInMillis"]
        for path, verbs in served.items()
        for verb, method in verbs.items()
    }
    expected = {} if step == "Delete" else dict.fromkeys(pairs, 9000 if step == "Update" else 29000)
    return [str(each) for each in sorted(expected.items() ^ timeouts.items())] + left(world)


def _record(effects: list[tuple[str, dict[str, Any]]], operation: str, params: dict[str, Any]) -> None:
    effects.append((operation, params))


def simulate(methods: int, paths: int) -> list[Result]:
    """The results of all steps, one after the other."""
    random.seed(methods)  # botocore's jitter
    clock, results, ids = SharedClock(), [], dict[str, str]()
    world, stated = _world(clock, paths), _methods(methods, paths)
    own_clock = patch.object(botocore.endpoint, "time", SimpleNamespace(sleep=clock.sleep))
    for step in STEPS:
        quotas, effects = api_gateway_quotas(clock), list[tuple[str, dict[str, Any]]]()
        world.gateway.after = partial(_record, effects)
        world.wire.hook, before, began = quotas.admit, len(world.stack.answers), clock.now()
        events = [_event(world, step, name, stated[name], ids.get(name, "")) for name in stated]
        with own_clock:
            clock.run([partial(world.deliver, event) for event in events])
        answers = world.stack.answers[before:]
        ids = {answer["LogicalResourceId"]: answer["PhysicalResourceId"] for answer in answers}
        failures = [answer["Reason"] for answer in answers if answer["Status"] != "SUCCESS"]
        deployments = sum(operation == "CreateDeployment" for operation, _ in effects)
        tags = {tag for operation, params in effects if operation == "TagResource" for tag in params["tags"]}
        seconds, wrong, calls, throttled = (
            clock.now() - began,
            _wrong(world, step, stated),
            quotas.calls,
            quotas.throttled,
        )
        results.append(Result(step, methods, failures, seconds, calls, throttled, deployments, tags, wrong))
        clock.time += 60
    return results


def describe(result: Result) -> str:
    """The step in two lines, and a line for each kind of failure."""
    calls = ", ".join(
        f"{name} {count - result.throttled[name]} (+{result.throttled[name]})"
        for name, count in sorted(result.calls.items())
    )
    lines = [
        f"{result.methods} x {result.step}: {len(result.failures)} failed, {len(result.wrong)} wrong, "
        f"{result.seconds:.0f} s, {result.deployments} deployments",
        f"    calls (+ throttled): {calls}",
        *sorted({f"    {reason[:160]}" for reason in [*result.failures, *result.wrong]})[:5],
    ]
    return "\n".join(lines)


def main(sizes: Sequence[str]) -> None:
    for size in sizes or ("40/8", "100/20", "180/40"):
        methods, _, paths = size.partition("/")
        for result in simulate(int(methods), int(paths)):
            print(describe(result), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
