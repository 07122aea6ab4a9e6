"""Every operation, with a fault at each of its exchanges in turn; then CloudFormation reacts, and the world is judged.

Rows are in ``OPERATIONS``, ``FAULTS`` and ``FINDINGS``. After each fault, every request was answered once, nothing is
left that the stack does not know, nothing of others was changed, and the same operation succeeds.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from types import SimpleNamespace
from typing import Any, NamedTuple

import botocore.endpoint
import pytest

from cfn_injector.protocol import ownership
from tests.fakes.cloudformation import Stack
from tests.fakes.response_server import Server
from tests.support.artifacts import archive, artifact
from tests.support.lambda_functions import CANARY, can_start, somebody
from tests.support.operations import OPERATIONS, OTHER_OBJECT, Operation, stock
from tests.support.snapshots import Snapshot
from tests.support.world import ARTIFACTS, STAGING, World


class Fault(NamedTuple):
    """``kind`` as ``Wire`` names it, and how often botocore sends a request in all."""

    kind: str
    attempts: int


FAULTS = {
    "a request fails before it takes effect": Fault("refused", attempts=1),
    "a request takes effect and its response is lost": Fault("lost", attempts=1),
    "a request whose response is lost is sent again by botocore": Fault("lost", attempts=3),
    "requests are throttled": Fault("throttled", attempts=1),
}


def leftovers(world: World, stack: Stack) -> int:
    """Resources that the stack does not know, or knows and are not there; unfinished uploads; pending requests."""
    left = len(world.s3.list_multipart_uploads(Bucket=STAGING).get("Uploads", []))
    left += sum(ownership.PENDING in tags for tags in world.tags())
    for resource_type, physical_ids in world.made().items():
        known = {stack.physical_id or "theirs"} if resource_type == stack.resource_type else set()
        left += len((physical_ids ^ known) - {"theirs"})
    return left


def wrong_changes(world: World, stack: Stack) -> int:
    return world.aws_lambda.functions.get("theirs") != somebody("theirs", owner="them")


def broken_functions(world: World, stack: Stack) -> int:
    return sum(not can_start(function) for name, function in world.aws_lambda.functions.items() if name != "theirs")


def exposed_secrets(world: World, stack: Stack) -> int:
    """Values of ``Env`` in answers, in the log or in tags."""
    return json.dumps([world.stack.answers, world.log, world.tags()]).count(CANARY)


FINDINGS: dict[str, Callable[[World, Stack], int]] = {
    "leftovers": leftovers,
    "wrong changes or deletes": wrong_changes,
    "functions that cannot start": broken_functions,
    "exposed secrets": exposed_secrets,
}
EVERY_FINDING = (
    "stuck requests",
    *FINDINGS,
    "failed retries",
    "failed despite botocore's retries",
    "failed because of throttling",
)
"""What is counted of a run. A request that is stuck fails in ``FakeCloudFormation.send``."""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore waits between its attempts, by a clock of its own."""
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda seconds: None))


@pytest.fixture
def prepared(world: World, server: Server, quick: None) -> World:
    """The world before an operation: artifacts, parameters, a secret, and a function that the stack does not own."""
    world.s3.put_object(Bucket=ARTIFACTS, Key=OTHER_OBJECT["S3Key"], Body=artifact({"index.py": "second\n"}))
    world.s3.put_object(Bucket=ARTIFACTS, Key="large.zip", Body=archive(8.5))
    world.aws_lambda.functions["theirs"] = somebody("theirs", owner="them")
    stock(world)
    world.gateway.deployment_seconds = 0  # waiting for it is not what is tested here
    world.stack.deliver = lambda event: world.deliver_over_http(event, server)
    return world


def judge(world: World, stack: Stack) -> Counter[str]:
    """What is wrong with the world, counted by finding."""
    return Counter({name: int(find(world, stack)) for name, find in FINDINGS.items()})


class Struck(NamedTuple):
    """A run of an operation with a fault at one exchange; CloudFormation has reacted to it."""

    where: str
    stack: Stack
    succeeded: bool


def strike_each_exchange(before: Snapshot, operation: Operation, fault: Fault) -> Iterator[Struck]:
    """Runs the operation from the same state with the fault at its first exchange, then at its second, to its last."""
    wire = before.world.wire
    for number in count():
        stack = before.restore(fault.attempts)
        wire.struck = (number, fault.kind)
        succeeded = operation.run(stack)
        if len(wire.names) <= number:
            return
        wire.struck = None
        yield Struck(f"{fault.kind} at {wire.names[number]}, number {number}", stack, succeeded)


def judge_and_retry(world: World, operation: Operation, fault: Fault, struck: Struck) -> Counter[str]:
    """What is wrong after the fault, and after the same operation was run again."""
    findings, stack = judge(world, struck.stack), struck.stack
    is_done = operation.new is None or (operation.old is None and stack.physical_id is not None)
    findings["failed retries"] = not (is_done or operation.run(stack))
    findings["failed despite botocore's retries"] = fault.attempts > 1 and not struck.succeeded
    findings["failed because of throttling"] = fault.kind == "throttled" and not struck.succeeded
    return findings + judge(world, stack)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_fault_at_every_exchange(
    prepared: World, name: str, fault: Fault, record_property: Callable[[str, object], None]
) -> None:
    operation, world = OPERATIONS[name], prepared
    stack = Stack(world.stack, operation.resource_type)
    operation.prepare(world, stack)
    before = Snapshot.take(world, stack)
    found = Counter(dict.fromkeys(EVERY_FINDING, 0))
    problems: list[str] = []
    faults = 0
    for struck in strike_each_exchange(before, operation, fault):
        findings = judge_and_retry(world, operation, fault, struck)
        found.update(findings)
        problems += [f"{struck.where}: {number} {finding}" for finding, number in findings.items() if number]
        faults += 1
    record_property("fault-matrix", [name, faults, dict(found)])
    assert faults >= 1
    assert problems == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_event_delivered_twice(prepared: World, name: str) -> None:
    """Lambda may deliver an event again; the end state and the answer are the same."""
    world = prepared
    once, delivered = world.stack.deliver, list[dict[str, Any]]()

    def twice(event: dict[str, Any]) -> None:
        once(event)
        first = world.stack.answers.pop()
        once(event)
        delivered.append(event)
        assert world.stack.answers[-1] == first

    world.stack.deliver = twice
    operation, stack = OPERATIONS[name], Stack(world.stack, OPERATIONS[name].resource_type)
    operation.prepare(world, stack)
    assert operation.run(stack)
    assert delivered
    assert not +judge(world, stack)


MADE_AGAIN = ("a mapping that somebody deleted changes", "code that somebody deleted changes")
"""These get a new physical ID."""
UPDATES = [name for name, operation in OPERATIONS.items() if operation.old and operation.new]


@pytest.mark.parametrize("name", UPDATES)
def test_an_update_that_succeeded_is_rolled_back_because_of_another_resource(prepared: World, name: str) -> None:
    world = prepared
    operation = OPERATIONS[name]
    stack = Stack(world.stack, operation.resource_type)
    operation.prepare(world, stack)
    assert operation.old is not None
    assert operation.new is not None
    before = stack.physical_id
    event = world.stack.event(
        "Update", operation.new, resource_type=stack.resource_type, physical_id=before, old=operation.old
    )
    world.stack.status = "UPDATE_IN_PROGRESS"
    stack.physical_id = world.stack.send(event)["PhysicalResourceId"]
    stack.roll_back(operation.new, operation.old)
    if name not in MADE_AGAIN:
        assert stack.physical_id == before
    assert not +judge(world, stack)
