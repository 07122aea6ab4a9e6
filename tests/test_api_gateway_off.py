"""``Custom::APIGatewayResource`` in a provider whose stack does not turn it on."""

from __future__ import annotations

import copy

import pytest

from cfn_injector.aws import holders
from tests.fakes import rest_apis
from tests.support.api_gateway_resources import BASE, TYPE, created, sent, shop, updated
from tests.support.world import World

pytestmark = pytest.mark.usefixtures("functions")

OFF = "Custom::APIGatewayResource is turned off; set ApiGateway: true in the provider's stack [CI103]"


@pytest.mark.parametrize("value", ["", "false", "True", None])
def test_a_create_is_refused_before_anything_is_called(world: World, value: str | None) -> None:
    del world.environ["CFN_INJECTOR_API_GATEWAY"]
    if value is not None:
        world.environ["CFN_INJECTOR_API_GATEWAY"] = value

    answered = sent(world, "Create", BASE)

    assert (answered["Status"], answered["Reason"].partition("; see")[0]) == ("FAILED", OFF)
    assert world.gateway.calls == world.aws_lambda.calls == []


def test_the_delete_after_a_refused_create_succeeds_without_reading_apis(world: World) -> None:
    world.environ["CFN_INJECTOR_API_GATEWAY"] = "false"
    answered = sent(world, "Create", BASE)

    deleted = sent(world, "Delete", BASE, physical_id=answered["PhysicalResourceId"])

    assert deleted["Status"] == "SUCCESS"
    assert world.gateway.calls == world.aws_lambda.calls == []


def test_an_update_is_refused_and_nothing_changes(world: World) -> None:
    id = created(world)
    before = copy.deepcopy(shop(world))
    world.environ["CFN_INJECTOR_API_GATEWAY"] = "false"
    world.gateway.calls.clear()

    answered = updated(world, id, {}, {"ApiKeyRequired": True})

    assert (answered["Status"], answered["Reason"].partition("; see")[0]) == ("FAILED", OFF)
    assert world.gateway.calls == []
    assert shop(world) == before


def test_a_method_can_be_deleted_as_long_as_aws_permits_it(world: World) -> None:
    id = created(world)
    world.environ["CFN_INJECTOR_API_GATEWAY"] = "false"

    assert sent(world, "Delete", BASE, physical_id=id)["Status"] == "SUCCESS"
    assert id not in rest_apis.physical_ids(world.gateway.apis)


@pytest.mark.parametrize("cross", ["false", "true"])
def test_no_method_and_no_mapping_calls_a_provider_whatever_it_is_called(world: World, cross: str) -> None:
    world.environ["CFN_INJECTOR_ALLOW_CROSS_STACK"] = cross
    world.aws_lambda.functions["counter"].tags[holders.PROVIDER] = "team-b"
    properties = {"FunctionName": "counter", "EventSourceArn": "arn:aws:sqs:eu-central-1:111122223333:queue"}

    for resource_type, given in ((TYPE, BASE), ("Custom::EventSourceMapping", properties)):
        event = world.stack.event("Create", given, resource_type=resource_type)
        answered = world.stack.send(event)
        assert answered["Status"] == "FAILED"
        assert "counter is a provider of custom resources" in answered["Reason"]
    assert not any(world.aws_lambda.policies.values())
    assert world.aws_lambda.mappings == {}
