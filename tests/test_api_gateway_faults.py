"""``Custom::APIGatewayResource`` when the template names what does not exist, or returns to what it had before."""

from __future__ import annotations

import copy
import itertools
import re
from calendar import timegm
from pathlib import Path
from typing import Any

import pytest

from cfn_injector.protocol.messages import not_created
from tests.fakes.aws_lambda import Fault
from tests.fakes.cloudformation import RESPONSE_URL
from tests.support.api_gateway_resources import BASE, CALL, MOCK, TYPE, created, left, sent, shop, updated
from tests.support.templates import filled, loaded
from tests.support.world import World

pytestmark = pytest.mark.usefixtures("functions")

PAGE = (Path(__file__).parents[1] / "docs" / "operations.md").read_text("utf-8")
STAGES: list[dict[str, Any]] = [{**BASE, "StageName": name} for name in ("dev", "prod")]


def issued(world: World, minute: int, kind: str, properties: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """An event that CloudFormation issued at that minute, which has come."""
    world.stack.check_url = False
    world.clock.time = max(world.clock.time, timegm((2027, 1, 15, 8, minute, 0)))
    event = world.stack.event(kind, properties, resource_type=TYPE, **fields)
    return {**event, "ResponseURL": f"{RESPONSE_URL}&X-Amz-Date=20270115T08{minute:02}00Z"}


@pytest.mark.parametrize("wrong", [{}, {"AuthorizationType": 7, "Wrong": "x"}], ids=["succeeded", "was refused"])
def test_a_rollback_keeps_a_stage_that_existed_before_the_update(world: World, wrong: dict[str, Any]) -> None:
    dev, prod = STAGES
    id = world.stack.send(issued(world, 0, "Create", dev))["PhysicalResourceId"]
    assert world.stack.send(issued(world, 5, "Update", prod, physical_id=id, old=dev))["Status"] == "SUCCESS"
    again = {**dev, **wrong}
    forward = world.stack.send(issued(world, 10, "Update", again, physical_id=id, old=prod))
    assert (forward["Status"] == "FAILED") is bool(wrong)
    world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    assert world.stack.send(issued(world, 15, "Update", prod, physical_id=id, old=again))["Status"] == "SUCCESS"
    assert {"dev", "prod"} <= shop(world).stages.keys()


def test_a_rollback_deletes_the_stage_that_the_update_created_minutes_before(world: World) -> None:
    dev, prod = STAGES
    id = world.stack.send(issued(world, 0, "Create", dev))["PhysicalResourceId"]
    assert world.stack.send(issued(world, 5, "Update", prod, physical_id=id, old=dev))["Status"] == "SUCCESS"
    world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    assert world.stack.send(issued(world, 10, "Update", dev, physical_id=id, old=prod))["Status"] == "SUCCESS"
    assert "prod" not in shop(world).stages


def test_a_role_that_may_not_be_passed_is_told_with_the_parameter_for_policies(world: World) -> None:
    def deny(name: str) -> None:
        if name == "PutIntegration":
            raise Fault("AccessDeniedException", "User: x is not authorized to perform: iam:PassRole", 403)

    world.wire.hook = deny
    role = "arn:aws:iam::111122223333:role/cfn-injector/gateway"
    answered = sent(world, "Create", {**BASE, "IntegrationRequest": {**CALL, "Credentials": role}})
    assert answered["Status"] == "FAILED"
    assert f"IntegrationRequest.Credentials is {role}" in answered["Reason"]
    assert "ExtraPolicyArns" in answered["Reason"]


def fill_policy(world: World) -> None:
    """Adds statements of the length that the provider's statements usually have, until Lambda refuses one."""
    for number in itertools.count():
        world.aws_lambda.AddPermission(
            {
                "FunctionName": "counter",
                "StatementId": f"shop-orders-prod-GetOrderLines-ABCDEFGHIJKL-{number:012}",
                "Action": "lambda:InvokeFunction",
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/*/GET/orders/*/lines",
            }
        )


def test_a_full_policy_of_the_function_is_told_with_the_way_out(world: World) -> None:
    with pytest.raises(Fault, match="PolicyLengthExceededException"):
        fill_policy(world)
    before = left(world)
    assert 50 <= len(before) < 60
    answered = sent(world, "Create", BASE)
    assert answered["Status"] == "FAILED"
    assert "IntegrationRequest.FunctionArn names a function whose policy has no room" in answered["Reason"]
    assert "Credentials" in answered["Reason"]
    assert left(world) == before


def test_the_way_out_of_the_documentation_needs_no_statement_for_a_method(world: World) -> None:
    with pytest.raises(Fault, match="PolicyLengthExceededException"):
        fill_policy(world)
    (block,) = (text for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.S) if "Custom::APIGatewayResource" in text)
    resources = loaded(block)
    properties = {**filled(resources["Orders"]["Properties"]), "RestApiId": BASE["RestApiId"]}
    assert sent(world, "Create", properties)["Status"] == "SUCCESS"
    assert resources["Permission"]["Type"] == "AWS::Lambda::Permission"


def test_a_method_that_calls_with_a_role_needs_no_statement(world: World) -> None:
    with pytest.raises(Fault, match="PolicyLengthExceededException"):
        fill_policy(world)
    credentials = {**CALL, "Credentials": "arn:aws:iam::111122223333:role/cfn-injector/gateway"}
    assert sent(world, "Create", {**BASE, "IntegrationRequest": credentials})["Status"] == "SUCCESS"


@pytest.mark.parametrize("api", ["arn:aws:apigateway:us-east-1::/restapis/shop000001", "https://shop.example/", "../x"])
def test_what_is_not_the_id_of_an_api_is_refused_and_its_delete_succeeds(world: World, api: str) -> None:
    answered = sent(world, "Create", {**BASE, "RestApiId": api})
    assert "RestApiId is not the ID of a REST API" in answered["Reason"]
    gone = sent(world, "Delete", {**BASE, "RestApiId": api}, physical_id=not_created("request-1"))
    assert gone["Status"] == "SUCCESS"
    assert world.gateway.operations() == []


def test_a_missing_resource_that_the_method_refers_to_is_reported_at_once(world: World) -> None:
    def refuse(operation: str, params: dict[str, Any]) -> None:
        if operation == "PutMethod":
            raise Fault("NotFoundException", "Invalid Model identifier specified", 404)

    world.gateway.before = refuse
    answered = sent(world, "Create", BASE)
    assert "Invalid Model identifier specified" in answered["Reason"]
    assert sum(world.clock.slept) < 30
    assert left(world) == []


@pytest.mark.parametrize("mocked", [False, True], ids=["a function's", "a mock's"])
def test_a_method_whose_new_settings_are_refused_stays_what_it_was(world: World, mocked: bool) -> None:
    def refuse(operation: str, params: dict[str, Any]) -> None:
        if operation == "PutMethod" and params["authorizationType"] == "CUSTOM":
            raise Fault("BadRequestException", "Invalid authorizer ID specified", 400)

    answers = {"MethodResponses": [{"StatusCode": 200}], "IntegrationResponses": [{"StatusCode": 200}]}
    had = {"IntegrationRequest": MOCK, **answers} if mocked else {}
    id = created(world, **had)
    before = copy.deepcopy(shop(world).at("/{name}").methods["GET"])
    world.gateway.before = refuse
    answered = updated(world, id, had, {**had, "AuthorizationType": "CUSTOM", "AuthorizerId": "abc123"})
    assert "Invalid authorizer ID specified" in answered["Reason"]
    assert shop(world).at("/{name}").methods["GET"] == before
