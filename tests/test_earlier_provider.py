"""What an earlier provider left is served by this one: recorded physical IDs, tags, objects and APIs.

``data/earlier_provider.json`` is what the provider of ``commit`` left in ``World``, for one resource of each type and
for a creation that failed. Add such a file for a release whose forms are new; never change an old one.
"""

from __future__ import annotations

import base64
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.aws_lambda import Function
from tests.fakes.cloudformation import Stack
from tests.fakes.event_sources import EventSource
from tests.fakes.rest_apis import Api, Resource
from tests.support.lambda_functions import changed, somebody
from tests.support.world import STAGING, World


def _decoded(value: dict[str, Any]) -> Any:
    return base64.b64decode(value["base64"]) if value.keys() == {"base64"} else value


RECORDED: dict[str, Any] = json.loads(
    (Path(__file__).parent / "data" / "earlier_provider.json").read_text("utf-8"), object_hook=_decoded
)
RESOURCES = RECORDED["resources"]
CHANGES: dict[str, dict[str, Any]] = {
    "Plain": {"Env": {"A": "2"}},
    "Published": {"Env": {"A": "2"}, "MemorySize": 256},
    "Code": {"Env": {"A": "2"}},
    "Mapping": {"BatchSize": 7},
    "Method": {"ApiKeyRequired": True},
}


def made(kind: Any, record: dict[str, Any]) -> Any:
    """A record of a fake, as far as the fake still has its fields."""
    return kind(**{each.name: record[each.name] for each in fields(kind) if each.init and each.name in record})


@pytest.fixture
def earlier(world: World) -> World:
    """The world as the earlier provider left it."""
    fake = world.aws_lambda
    fake.functions["counter"] = somebody("counter")
    fake.functions.update({name: made(Function, record) for name, record in RECORDED["functions"].items()})
    fake.mappings.update({uuid: made(EventSource, record) for uuid, record in RECORDED["mappings"].items()})
    fake.policies.update({tuple(key.split("|")): found for key, found in RECORDED["policies"].items()})
    for id, record in RECORDED["apis"].items():
        world.gateway.apis[id] = made(Api, record)
        world.gateway.apis[id].resources = {key: made(Resource, each) for key, each in record["resources"].items()}
    for key, body in RECORDED["staged"].items():
        world.s3.put_object(Bucket=STAGING, Key=key, Body=body)
    world.clock.sleep(3600)
    return world


def stack_of(world: World, logical_id: str) -> Stack:
    """A stack that the earlier provider has served."""
    world.stack.logical_id = logical_id
    stack = Stack(world.stack, RESOURCES[logical_id]["type"])
    stack.physical_id, stack.properties = RESOURCES[logical_id]["physical_id"], RESOURCES[logical_id]["properties"]
    return stack


def seen(world: World) -> tuple[set[str], set[str], set[str]]:
    """The functions, the mappings, and the methods of all APIs."""
    methods = {str(pair) for api in world.gateway.apis.values() for pair in api.pairs()}
    return set(world.aws_lambda.functions), set(world.aws_lambda.there()), methods


def test_every_type_was_recorded() -> None:
    assert {each["type"] for each in RESOURCES.values()} == {
        f"Custom::{name}" for name in ("LambdaFunction", "LambdaCode", "EventSourceMapping", "APIGatewayResource")
    }
    assert CHANGES.keys() == RESOURCES.keys() - {"Failed"}


@pytest.mark.parametrize("logical_id", CHANGES)
def test_an_update_and_its_rollback_keep_what_there_is(logical_id: str, earlier: World) -> None:
    stack, before = stack_of(earlier, logical_id), seen(earlier)
    old, new = stack.properties, changed(stack.properties, **CHANGES[logical_id])
    answered = stack._send("Update", new, "UPDATE_IN_PROGRESS", physical_id=stack.physical_id, old=old)
    assert answered["Status"] == "SUCCESS", answered["Reason"]
    assert (answered["PhysicalResourceId"] == stack.physical_id) == (logical_id != "Code")  # whose ID is its key
    assert seen(earlier) == before
    stack.physical_id = answered["PhysicalResourceId"]
    stack.roll_back(new, old)
    assert stack.physical_id == RESOURCES[logical_id]["physical_id"]
    assert seen(earlier) == before


@pytest.mark.parametrize("logical_id", RESOURCES)
def test_a_delete_removes_what_is_its_own_and_nothing_else(logical_id: str, earlier: World) -> None:
    before = seen(earlier)
    assert stack_of(earlier, logical_id).delete()
    earlier.clock.sleep(60)  # until a deleted mapping is gone
    gone = [one - other for one, other in zip(before, seen(earlier), strict=True)]
    own, nothing = RESOURCES[logical_id]["physical_id"], [set[str](), set[str](), set[str]()]
    expected = {
        "Plain": [{own}, set(), set()],
        "Published": [{own}, set(), set()],
        "Mapping": [set(), {own}, set()],
        "Method": [set(), set(), {str(("/count", "GET"))}],
    }
    assert gone == expected.get(logical_id, nothing)
    assert not any(f"/{logical_id}/" in key for key in earlier.staged())
