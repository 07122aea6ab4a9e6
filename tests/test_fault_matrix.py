"""Every operation, with a failure at every exchange in turn; then CloudFormation reacts, and the world is looked at.

Each fault strikes one exchange once: ``refused`` before it takes effect, ``lost`` after it did, with botocore's own
retries and without. Afterwards every request was answered once; no function, object or upload is left that the stack
does not know; nothing that was not ours was changed; and the same operation succeeds.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest

from cfn_injector.protocol import ownership
from tests.fakes.aws_lambda import ACCOUNT, REGION
from tests.fakes.cloudformation import Stack
from tests.fakes.event_sources import OTHER_STREAM, QUEUE, STREAM
from tests.fakes.response_server import Server
from tests.fakes.rest_apis import BARE, SHOP
from tests.support.artifacts import archive, artifact
from tests.support.event_source_mappings import MAPPING
from tests.support.lambda_functions import (
    CANARY,
    CODE,
    FUNCTION,
    INJECTED,
    LARGE_OBJECT,
    PLAIN,
    PUBLISHED,
    can_start,
    changed,
    somebody,
)
from tests.support.world import ARTIFACTS, STAGING, World

METHOD = "Custom::APIGatewayResource"

OTHER_OBJECT = {"S3Bucket": ARTIFACTS, "S3Key": "app-2.zip"}
NETWORKED = {**PLAIN, "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}}
RICH = {
    **PUBLISHED,
    "ReservedConcurrentExecutions": 2,
    "RecursiveLoop": "Allow",
    "RuntimeManagementConfig": {"UpdateRuntimeOn": "FunctionUpdate"},
}
LOADED = {**PLAIN, "EnvLoader": "handler"}
CALL = {"Type": "Lambda", "FunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:theirs"}
ROUTE = {"RestApiId": SHOP, "Path": "items/{id}", "Method": "GET", "IntegrationRequest": CALL, "StageName": "live"}
MOCKED = {
    **ROUTE,
    "IntegrationRequest": {"Type": "MOCK", "RequestTemplates": {"application/json": '{"statusCode": 200}'}},
    "MethodResponses": [{"StatusCode": 200}],
    "IntegrationResponses": [{"StatusCode": 200}],
}
ALONE = {**MOCKED, "RestApiId": BARE, "StageName": "dev"}
CONNECTED = {"FunctionName": "orders", "StreamArn": STREAM, "Tags": [{"Key": "team", "Value": "shop"}]}


@dataclass(frozen=True)
class Operation:
    """What a stack has, and what it is asked for: None for what is created, or deleted."""

    resource_type: str
    had: Mapping[str, Any] | None
    wants: Mapping[str, Any] | None

    def prepare(self, stack: Stack) -> None:
        if self.had is not None:
            assert stack.create(self.had)

    def run(self, stack: Stack) -> bool:
        if self.wants is None:
            return stack.delete()
        return stack.create(self.wants) if self.had is None else stack.update(self.wants)


OPERATIONS = {
    "create": Operation(FUNCTION, None, PLAIN),
    "create with everything apart, published": Operation(FUNCTION, None, RICH),
    "create of a large artifact": Operation(FUNCTION, None, changed(PLAIN, Code=LARGE_OBJECT)),
    "update of env": Operation(FUNCTION, PLAIN, changed(PLAIN, Env={"A": CANARY, "B": CANARY})),
    "update of code": Operation(FUNCTION, PLAIN, changed(PLAIN, Code=OTHER_OBJECT)),
    "update of configuration": Operation(FUNCTION, PLAIN, changed(PLAIN, MemorySize=512)),
    "update of tags": Operation(FUNCTION, PLAIN, changed(PLAIN, Tags=[{"Key": "team", "Value": "shop"}])),
    "update of all, published": Operation(FUNCTION, RICH, changed(PUBLISHED, Env={"B": CANARY}, Timeout=9)),
    "create with a loader": Operation(FUNCTION, None, LOADED),
    "update that adds a loader": Operation(FUNCTION, PLAIN, LOADED),
    "update that takes a loader away": Operation(FUNCTION, LOADED, PLAIN),
    "update from one loader to another": Operation(FUNCTION, LOADED, changed(PLAIN, EnvLoader="exec")),
    "replacement by name": Operation(FUNCTION, changed(PLAIN, FunctionName="one"), changed(PLAIN, FunctionName="two")),
    "replacement by tenancy": Operation(
        FUNCTION, PLAIN, changed(PLAIN, TenancyConfig={"TenantIsolationMode": "PER_TENANT"})
    ),
    "delete": Operation(FUNCTION, PLAIN, None),
    "delete in a network": Operation(FUNCTION, NETWORKED, None),
    "create of code": Operation(CODE, None, INJECTED),
    "create of large code": Operation(CODE, None, changed(INJECTED, Code=LARGE_OBJECT)),
    "update of code's env": Operation(CODE, INJECTED, changed(INJECTED, Env={"A": CANARY, "B": "2"})),
    "update of code's artifact": Operation(CODE, INJECTED, changed(INJECTED, Code=OTHER_OBJECT)),
    "update of code's loader": Operation(CODE, INJECTED, {**INJECTED, "EnvLoader": "exec", "Runtime": "java21"}),
    "delete of code": Operation(CODE, INJECTED, None),
    "create of a mapping": Operation(MAPPING, None, CONNECTED),
    "create of a mapping of a queue": Operation(MAPPING, None, {"FunctionName": "orders", "EventSourceArn": QUEUE}),
    "update of a mapping": Operation(MAPPING, CONNECTED, changed(CONNECTED, BatchSize=7, Enabled=False, Tags=[])),
    "update of a mapping's function": Operation(MAPPING, CONNECTED, changed(CONNECTED, FunctionName="orders:live")),
    "replacement of a mapping": Operation(MAPPING, CONNECTED, changed(CONNECTED, StreamArn=OTHER_STREAM)),
    "delete of a mapping": Operation(MAPPING, CONNECTED, None),
    "create of a method": Operation(METHOD, None, ROUTE),
    "create of an API's only method": Operation(METHOD, None, ALONE),
    "update of a method's integration": Operation(METHOD, ROUTE, MOCKED),
    "update of a method's settings": Operation(
        METHOD, ALONE, changed(ALONE, AuthorizationType="AWS_IAM", StageName="b")
    ),
    "replacement of a method": Operation(METHOD, ROUTE, changed(ROUTE, Path="items/{id}/lines")),
    "delete of a method": Operation(METHOD, ROUTE, None),
    "delete of an API's only method": Operation(METHOD, ALONE, None),
}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore waits between its attempts, by a clock of its own."""
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda seconds: None))


@pytest.fixture
def prepared(world: World, server: Server, quick: None) -> World:
    """The world as it is before an operation: two artifacts, a large one, and a function of somebody else's."""
    world.s3.put_object(Bucket=ARTIFACTS, Key="app-2.zip", Body=artifact({"index.py": "second\n"}))
    world.s3.put_object(Bucket=ARTIFACTS, Key="large.zip", Body=archive(8.5))
    world.aws_lambda.functions["theirs"] = somebody("theirs", owner="them")
    world.gateway.deployment_seconds = 0  # what it waits for is no fault
    world.stack.deliver = lambda event: world.deliver_over_http(event, server)
    return world


@dataclass(frozen=True)
class Snapshot:
    """A world and a stack, to go back to."""

    world: World
    stack: Stack
    states: Mapping[str, Mapping[str, Any]]
    objects: Mapping[str, bytes]

    @classmethod
    def take(cls, world: World, stack: Stack) -> Snapshot:
        bodies = {key: world.s3.get_object(Bucket=STAGING, Key=key)["Body"].read() for key in world.staged()}
        states = {
            service: {name: copy.deepcopy(getattr(fake, name)) for name in getattr(fake, "STATE", ())}
            for service, fake in world.fakes.items()
        }
        return cls(world, copy.copy(stack), states, bodies)

    def restore(self, attempts: int) -> Stack:
        for service, state in self.states.items():
            for name, value in state.items():
                setattr(self.world.fakes[service], name, copy.deepcopy(value))
        for key in set(self.world.staged()) - self.objects.keys():
            self.world.s3.delete_object(Bucket=STAGING, Key=key)
        for key, body in self.objects.items():
            self.world.s3.put_object(Bucket=STAGING, Key=key, Body=body)
        self.world.attempts, self.world.wire.struck = attempts, None
        self.world.wire.names.clear()
        self.world.log.clear()
        self.world.stack.answers.clear()
        return copy.copy(self.stack)


def check(world: World, stack: Stack) -> Counter[str]:
    """What is wrong with the world after all is done, counted by kind."""
    uploads = world.s3.list_multipart_uploads(Bucket=STAGING).get("Uploads", [])
    left = set[str]()
    for kind, made in world.made().items():
        known = {stack.physical_id or "theirs"} if kind == stack.resource_type else set()
        left |= (made ^ known) - {"theirs"}
    theirs = world.aws_lambda.functions.get("theirs")
    tags = world.tags()
    told = json.dumps([world.stack.answers, world.log, tags])
    pending = [each for each in tags if ownership.PENDING in each]
    return Counter(
        {
            "leftovers": len(left) + len(uploads) + len(pending),
            "wrong changes or deletes": theirs != somebody("theirs", owner="them"),
            "functions that cannot start": sum(
                not can_start(function) for name, function in world.aws_lambda.functions.items() if name != "theirs"
            ),
            "secrets told": told.count(CANARY),
        }
    )


@pytest.mark.parametrize(
    ("kind", "attempts"), [("refused", 1), ("lost", 1), ("lost", 3)], ids=["refused", "lost", "lost and retried"]
)
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_fault_at_every_exchange(
    prepared: World, name: str, kind: str, attempts: int, record_property: Callable[[str, object], None]
) -> None:
    operation, world = OPERATIONS[name], prepared
    stack = Stack(world.stack, operation.resource_type)
    operation.prepare(stack)
    before = Snapshot.take(world, stack)
    found = Counter(
        {"stuck requests": 0, **check(world, stack), "failed retries": 0, "failed despite botocore's retries": 0}
    )
    problems: list[str] = []
    struck = 0
    while True:
        stack = before.restore(attempts)
        world.wire.struck = (struck, kind)
        succeeded = operation.run(stack)
        if len(world.wire.names) <= struck:
            break
        at = f"{kind} at {world.wire.names[struck]}, number {struck}"
        world.wire.struck = None
        results = check(world, stack)
        retried = operation.wants is None or (operation.had is None and stack.physical_id is not None)
        results["failed retries"] = not (retried or operation.run(stack))
        results["failed despite botocore's retries"] = attempts > 1 and not succeeded
        results += check(world, stack)
        found.update(results)
        problems += [f"{at}: {count} {what}" for what, count in results.items() if count]
        struck += 1
    record_property("fault-matrix", [name, struck, dict(found)])
    assert struck >= 1
    assert problems == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_event_delivered_twice(prepared: World, name: str) -> None:
    """Lambda may deliver an event again; the end state and the answer are the same."""
    world = prepared
    once, told = world.stack.deliver, list[dict[str, Any]]()

    def twice(event: dict[str, Any]) -> None:
        once(event)
        first = world.stack.answers.pop()
        once(event)
        told.append(event)
        assert world.stack.answers[-1] == first

    world.stack.deliver = twice
    operation, stack = OPERATIONS[name], Stack(world.stack, OPERATIONS[name].resource_type)
    operation.prepare(stack)
    assert operation.run(stack)
    assert told
    assert not +check(world, stack)


REPLACED = [name for name, operation in OPERATIONS.items() if operation.had and operation.wants]


@pytest.mark.parametrize("name", REPLACED)
def test_an_update_that_succeeded_is_rolled_back_because_of_another_resource(prepared: World, name: str) -> None:
    world = prepared
    operation = OPERATIONS[name]
    stack = Stack(world.stack, operation.resource_type)
    operation.prepare(stack)
    assert operation.had is not None
    assert operation.wants is not None
    before = stack.physical_id
    event = world.stack.event(
        "Update", operation.wants, resource_type=stack.resource_type, physical_id=before, old=operation.had
    )
    world.stack.status = "UPDATE_IN_PROGRESS"
    stack.physical_id = world.stack.send(event)["PhysicalResourceId"]
    stack.roll_back(operation.wants, operation.had)
    assert stack.physical_id == before
    assert not +check(world, stack)
