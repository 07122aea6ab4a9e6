"""``Custom::APIGatewayResource``: properties for tests, events, and what is in the fake API."""

from __future__ import annotations

from typing import Any

from tests.fakes.aws_lambda import ACCOUNT, REGION
from tests.fakes.rest_apis import SHOP, Api, leftovers
from tests.support.world import World

TYPE = "Custom::APIGatewayResource"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:"
CALL = {"Type": "Lambda", "FunctionArn": f"{ARN}counter"}
BASE: dict[str, Any] = {"RestApiId": SHOP, "Path": "{name}", "Method": "GET", "IntegrationRequest": CALL}
NAMES = ("counter", "counter:live", "other")
MOCK = {"Type": "MOCK", "RequestTemplates": {"application/json": '{"statusCode": 200}'}}


def sent(world: World, kind: str, properties: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return world.stack.send(world.stack.event(kind, properties, resource_type=TYPE, **fields))


def created(world: World, **properties: Any) -> str:
    answered = sent(world, "Create", {**BASE, **properties})
    assert answered["Status"] == "SUCCESS", answered["Reason"]
    id: str = answered["PhysicalResourceId"]
    return id


def updated(world: World, id: str, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return sent(world, "Update", {**BASE, **new}, physical_id=id, old={**BASE, **old})


def deleted(world: World, id: str, **properties: Any) -> None:
    answered = sent(world, "Delete", {**BASE, **properties}, physical_id=id)
    assert answered["Status"] == "SUCCESS", answered["Reason"]


def left(world: World) -> list[str]:
    """What should not be there."""
    return list(leftovers(world.gateway.apis, world.aws_lambda.policies))


def shop(world: World) -> Api:
    return world.gateway.apis[SHOP]


def permissions(world: World) -> dict[str, list[str]]:
    """What may be called by whom: the ends of the source ARNs, by function and qualifier."""
    return {
        f"{name}:{qualifier}".rstrip(":"): [
            statement["Condition"]["ArnLike"]["AWS:SourceArn"].split(":")[-1] for statement in statements.values()
        ]
        for (name, qualifier), statements in world.aws_lambda.policies.items()
        if statements
    }
