"""What other stacks hold, reached through mappings, methods and the staging bucket."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.event_sources import QUEUE, STREAM
from tests.fakes.rest_apis import SHOP
from tests.support import api_gateway_resources, event_source_mappings
from tests.support.attacks import NATIVE_TAGS, VICTIM, VICTIM_TAGS, Attack, check, held_by_victim, payroll, rows
from tests.support.lambda_functions import BASE, CODE, FUNCTION, somebody
from tests.support.world import STAGING, World
from tests.support.zips import written

PAYROLL = "arn:aws:lambda:us-east-1:111122223333:function:payroll"
OTHER = "belongs to another stack, victim"


def mapping(function: str, tags: dict[str, str] = NATIVE_TAGS, source: str = QUEUE) -> Any:
    def event(world: World) -> dict[str, Any]:
        payroll(world, **tags)
        world.aws_lambda.functions["payroll"].aliases["live"] = {"FunctionVersion": "1"}
        return event_source_mappings.event(world, "Create", {"FunctionName": function, "EventSourceArn": source})

    return event


def redirected_mapping(world: World) -> dict[str, Any]:
    payroll(world, **NATIVE_TAGS)
    world.aws_lambda.functions["orders"] = somebody("orders")
    old = {"FunctionName": "orders", "EventSourceArn": STREAM}
    made = world.stack.send(event_source_mappings.event(world, "Create", old))["PhysicalResourceId"]
    return event_source_mappings.event(world, "Update", {**old, "FunctionName": "payroll"}, physical_id=made, old=old)


def method(function: str = "counter", tags: dict[str, str] = NATIVE_TAGS, **properties: Any) -> Any:
    def event(world: World) -> dict[str, Any]:
        payroll(world, **tags)
        call = {"Type": "Lambda", "FunctionArn": api_gateway_resources.ARN + function}
        desired = {**api_gateway_resources.BASE, "IntegrationRequest": call, **properties}
        return world.stack.event("Create", desired, resource_type=api_gateway_resources.TYPE)

    return event


def method_on_victims_api(world: World) -> dict[str, Any]:
    held_by_victim(world, SHOP, "AWS::ApiGateway::RestApi", "Api")
    world.gateway.apis[SHOP].tags |= {
        "aws:cloudformation:stack-id": VICTIM,
        "aws:cloudformation:logical-id": "Api",
    }
    desired = {**api_gateway_resources.BASE, "IntegrationRequest": api_gateway_resources.MOCK}
    return world.stack.event("Create", desired, resource_type=api_gateway_resources.TYPE)


def redirected_method(world: World) -> dict[str, Any]:
    made = api_gateway_resources.created(world)
    payroll(world, **NATIVE_TAGS)
    call = {"Type": "Lambda", "FunctionArn": PAYROLL}
    new = {**api_gateway_resources.BASE, "IntegrationRequest": call}
    return world.stack.event(
        "Update", new, physical_id=made, old=api_gateway_resources.BASE, resource_type=api_gateway_resources.TYPE
    )


THEIRS = "code/victim-0000000000000000/Code/secret.zip"
SIGNING = "arn:aws:lambda:us-east-1:111122223333:code-signing-config:csc-0123456789abcdef0"
"""A configuration that warns; setting it comes before the change of the code."""


def staged(
    resource_type: str, kind: str = "Create", *, bucket: str = STAGING, key: str = THEIRS, status: str = ""
) -> Any:
    """The template names another stack's injected object, which is in the staging bucket, as its artifact."""

    def event(world: World) -> dict[str, Any]:
        first = {"Code": BASE["Code"], "Env": {}} if resource_type == CODE else BASE
        made = world.stack.send(world.stack.event("Create", first, resource_type=resource_type))
        world.s3.put_object(Bucket=STAGING, Key=key, Body=written({".env": b"SECRET=theirs"}))
        properties = {**first, "Code": {"S3Bucket": bucket, "S3Key": key}}
        if kind == "Create":
            return world.stack.event("Create", properties, resource_type=resource_type)
        changing = {} if resource_type == CODE else {"CodeSigningConfigArn": SIGNING}
        ids = {"physical_id": made["PhysicalResourceId"], "old": first, "resource_type": resource_type}
        sent = world.stack.event("Update", {**properties, **changing}, **ids)
        world.stack.status = status or world.stack.status
        return sent

    return event


def method_in_a_rollback(world: World) -> dict[str, Any]:
    event = redirected_method(world)
    world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    return event


REACHED = (
    Attack("a method that opens another stack's function in a rollback", method_in_a_rollback, OTHER),
    Attack("a mapping that feeds another stack's native function", mapping("payroll"), OTHER),
    Attack("a mapping that feeds another stack's function of this provider", mapping("payroll", VICTIM_TAGS), OTHER),
    Attack("a mapping that feeds another stack's function without tags", mapping("payroll", {}), OTHER),
    Attack("a mapping that feeds another stack's function by its ARN", mapping(PAYROLL), OTHER),
    Attack("a mapping that feeds an alias of another stack's function", mapping(f"{PAYROLL}:live"), OTHER),
    Attack(
        "a mapping that feeds another stack's function by a partial ARN",
        mapping("111122223333:function:payroll"),
        OTHER,
    ),
    Attack("a mapping from a stream to another stack's function", mapping("payroll", source=STREAM), OTHER),
    Attack("an update of a mapping to another stack's function", redirected_mapping, OTHER),
    Attack("a method that opens another stack's native function", method("payroll"), OTHER),
    Attack("a method that opens another stack's function of this provider", method("payroll", VICTIM_TAGS), OTHER),
    Attack("a method that opens another stack's function without tags", method("payroll", {}), OTHER),
    Attack("a method on another stack's API", method_on_victims_api, OTHER),
    Attack("an update of a method to another stack's function", redirected_method, OTHER),
    Attack(
        "another stack's injected object as the artifact of a function",
        staged(FUNCTION),
        "staging bucket",
    ),
    Attack("another stack's injected object as the artifact of injected code", staged(CODE), "staging bucket"),
    *(
        Attack(f"another stack's injected object as the artifact of {what}, in an update", event, "staging bucket")
        for what, event in {"a function": staged(FUNCTION, "Update"), "injected code": staged(CODE, "Update")}.items()
    ),
    *(
        Attack(f"another stack's injected object as the artifact of {what}, in a rollback", event, "staging bucket")
        for what, event in {
            "a function": staged(FUNCTION, "Update", status="UPDATE_ROLLBACK_IN_PROGRESS"),
            "injected code": staged(CODE, "Update", status="UPDATE_ROLLBACK_IN_PROGRESS"),
        }.items()
    ),
    Attack("the provider's own secret as the artifact", staged(CODE, key="secret/other"), "staging bucket"),
    Attack("the staging bucket with its name in capitals", staged(CODE, bucket=STAGING.upper()), "staging bucket"),
    Attack(
        "an access point of the staging bucket",
        staged(CODE, bucket="arn:aws:s3:us-east-1:111122223333:accesspoint/theirs"),
        "is not the name of a bucket",
    ),
    Attack(
        "an alias of an access point of the staging bucket",
        staged(FUNCTION, bucket="theirs-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias"),
        "is not the name of a bucket",
    ),
)


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize("attack", rows(REACHED))
def test_what_another_stack_holds_is_not_reached(world: World, attack: Attack, record_property: Any) -> None:
    check(world, attack, record_property)


@pytest.mark.parametrize("event", [mapping("payroll"), method("payroll")])
def test_the_providers_stack_can_allow_it(world: World, event: Any) -> None:
    world.environ["CFN_INJECTOR_ALLOW_CROSS_STACK"] = "true"
    assert world.stack.send(event(world))["Status"] == "SUCCESS"
