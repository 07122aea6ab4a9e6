"""``Custom::APIGatewayResource`` and its stage: what is deployed and withdrawn, and what others deploy meanwhile."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.fakes.api_gateway import BUSY, bad, conflict, throttled
from tests.fakes.aws_lambda import Fault, no_hook
from tests.fakes.rest_apis import BARE, ORDERS, SHOP, Api, Resource, native
from tests.support.api_gateway_resources import ARN, BASE, CALL, MOCK, TYPE, created, deleted, left, sent, shop, updated
from tests.support.calls import at, nothing, raising
from tests.support.interleaving import exchanges_of, once_before
from tests.support.lambda_functions import somebody
from tests.support.world import World

pytestmark = pytest.mark.usefixtures("functions")

LIVE, DEV = {"StageName": "live"}, {"StageName": "dev"}
GET_NAME, POST_ORDERS = ("/{name}", "GET"), ("/orders", "POST")


def bare(world: World) -> Api:
    return world.gateway.apis[BARE]


def beside(world: World, kind: str, properties: dict[str, Any], **fields: Any) -> str:
    """Serves an event for another custom resource of the stack, even while the first one is served; returns its ID."""
    world.stack.logical_id = "Beside"
    event = world.stack.event(kind, {**BASE, "Path": "beside", **properties}, resource_type=TYPE, **fields)
    world.stack.logical_id = "Function"
    world.deliver(event)
    answered = world.stack.answers.pop()
    assert answered["Status"] == "SUCCESS", answered["Reason"]
    id: str = answered["PhysicalResourceId"]
    return id


def start_again(world: World) -> None:
    """As if nothing had been made, when the account may deploy again."""
    world.gateway.apis, world.wire.hook = native(), no_hook
    world.aws_lambda.policies.clear()
    world.aws_lambda.functions["counter"] = somebody("counter")
    world.clock.sleep(60)


def remove_the_api(world: World) -> None:
    del world.gateway.apis[SHOP]


def remove_the_stage(world: World) -> None:
    del shop(world).stages["live"]


def remove_the_function(world: World) -> None:
    del world.aws_lambda.functions["counter"]


class TestADeployment:
    def test_holds_the_whole_method(self, world: World) -> None:
        properties = {
            "IntegrationRequest": MOCK,
            "MethodResponses": [{"StatusCode": 200}],
            "IntegrationResponses": [{"StatusCode": 200}],
        }
        created(world, **LIVE, **properties)
        method = shop(world).at("/{name}").methods["GET"]
        served = shop(world).served("live")["/{name}"]["GET"]
        assert {**served, "operationName": ""} == {**method, "operationName": ""}
        assert served["methodIntegration"]["integrationResponses"] == {"200": {"statusCode": "200"}}

    def test_to_a_stage_that_exists_leaves_its_description_alone(self, world: World) -> None:
        created(world, **LIVE)
        assert shop(world).serves("live") == {("/", "GET"), POST_ORDERS, GET_NAME}
        assert shop(world).stages["live"]["description"] == "theirs"
        assert shop(world).stages["other"] == native()[SHOP].stages["other"]

    def test_is_not_created_without_a_stage(self, world: World) -> None:
        deleted(world, created(world))
        assert "CreateDeployment" not in world.gateway.operations()
        assert shop(world).stages == native()[SHOP].stages

    def test_waits_until_the_account_may_deploy_again(self, world: World) -> None:
        created(world, **LIVE)
        start = world.clock.now()
        beside(world, "Create", LIVE)
        assert 5 <= world.clock.now() - start < 10

    @pytest.mark.parametrize("times", [1, 3])
    def test_is_created_again_if_an_older_one_reached_the_stage_after_it(self, world: World, times: int) -> None:
        def point_to_the_older_one() -> None:
            shop(world).stages["live"]["deploymentId"] = "theirs"

        world.gateway.after = at("CreateDeployment", point_to_the_older_one, times)
        answered = sent(world, "Create", {**BASE, **LIVE})
        assert answered["Status"] == "SUCCESS"
        assert GET_NAME in shop(world).serves("live")
        assert answered["Data"]["DeploymentId"] == shop(world).stages["live"]["deploymentId"]
        assert shop(world).deployments.keys() == {"theirs", answered["Data"]["DeploymentId"]}

    def test_is_created_again_if_it_lacks_the_method(self, world: World) -> None:
        def lose_the_method() -> None:
            del shop(world).served("live")["/{name}"]

        world.gateway.after = at("CreateDeployment", lose_the_method, times=1)
        created(world, **LIVE)
        assert GET_NAME in shop(world).serves("live")

    def test_is_accepted_the_second_time_whatever_its_summary_says(self, world: World) -> None:
        made: list[str] = []

        def hide_the_method() -> None:
            made.append(shop(world).stages["live"]["deploymentId"])
            del shop(world).served("live")["/{name}"]

        world.gateway.after = at("CreateDeployment", hide_the_method)
        answered = sent(world, "Create", {**BASE, **LIVE})
        assert answered["Data"]["DeploymentId"] == made[-1]
        assert len(made) == 2

    @pytest.mark.parametrize("name", ["ANY", "*", "x-amazon-apigateway-any-method"])
    def test_of_a_method_for_any_verb_is_known_however_the_summary_names_it(self, world: World, name: str) -> None:
        world.gateway.name_of_any = name
        any_verb = {**LIVE, "Method": "ANY"}
        id = created(world, **any_verb)
        assert ("/{name}", "ANY") in shop(world).serves("live")
        deleted(world, id, **any_verb)
        assert ("/{name}", "ANY") not in shop(world).serves("live")

    def test_waits_for_a_method_that_somebody_is_still_creating(self, world: World) -> None:
        half = shop(world).resources[ORDERS].methods["POST"]
        integration, began = half.pop("methodIntegration"), world.clock.now()

        def complete(name: str) -> None:
            if world.clock.now() - began > 30:
                half["methodIntegration"] = integration

        world.wire.hook = complete
        created(world, **LIVE)
        assert GET_NAME in shop(world).serves("live")

    def test_of_an_api_that_nobody_completes_fails_in_time_and_leaves_nothing(self, world: World) -> None:
        integration = shop(world).resources[ORDERS].methods["POST"].pop("methodIntegration")
        start = world.clock.now()
        answered = sent(world, "Create", {**BASE, **LIVE})
        assert (
            f"API {SHOP} cannot be deployed to stage live, because one of its methods has no integration"
            in (answered["Reason"])
        )
        assert world.clock.now() - start < 200
        shop(world).resources[ORDERS].methods["POST"]["methodIntegration"] = integration
        assert left(world) == []
        assert world.made()[TYPE] == set()

    def test_that_no_stage_points_to_is_deleted_if_it_is_owned(self, world: World) -> None:
        shop(world).deployments["unused"] = {**shop(world).deployments["theirs"], "id": "unused"}
        id = created(world, **LIVE)
        first = shop(world).stages["live"]["deploymentId"]
        shop(world).stages["other"]["canarySettings"] = {"deploymentId": first}
        updated(world, id, LIVE, {**LIVE, "ApiKeyRequired": True})
        second = shop(world).stages["live"]["deploymentId"]
        assert shop(world).deployments.keys() == {"theirs", "unused", first, second}
        del shop(world).stages["other"]["canarySettings"]
        updated(world, id, {**LIVE, "ApiKeyRequired": True}, LIVE)
        third = shop(world).stages["live"]["deploymentId"]
        assert shop(world).deployments.keys() == {"theirs", "unused", third}

    def test_that_cannot_be_deleted_is_not_an_error_and_is_deleted_the_next_time(self, world: World) -> None:
        id = created(world, **LIVE)
        world.gateway.before = at("DeleteDeployment", raising(Fault("ServiceUnavailableException", "busy", 503)))
        assert updated(world, id, LIVE, {**LIVE, "ApiKeyRequired": True})["Status"] == "SUCCESS"
        assert len(shop(world).deployments) == 3
        assert "left-behind" in world.steps()
        world.gateway.before = nothing
        updated(world, id, {**LIVE, "ApiKeyRequired": True}, LIVE)
        assert len(shop(world).deployments) == 2


class TestADelete:
    def test_withdraws_the_method_from_the_stage_and_leaves_what_others_have_there(self, world: World) -> None:
        deleted(world, created(world, **LIVE), **LIVE)
        assert shop(world).serves("live") == {("/", "GET"), POST_ORDERS}
        assert shop(world).stages["other"] == native()[SHOP].stages["other"]
        assert left(world) == []

    def test_of_the_last_method_deletes_the_stage_that_was_created_for_it(self, world: World) -> None:
        first = created(world, RestApiId=BARE, **DEV)
        second = beside(world, "Create", {"RestApiId": BARE, **DEV})
        deleted(world, first, RestApiId=BARE, **DEV)
        assert bare(world).serves("dev") == {("/beside", "GET")}
        beside(world, "Delete", {"RestApiId": BARE, **DEV}, physical_id=second)
        assert (bare(world).stages, bare(world).deployments) == ({}, {})

    def test_of_the_last_method_leaves_a_stage_that_was_not(self, world: World) -> None:
        bare(world).stages["dev"] = {"stageName": "dev", "deploymentId": "none", "description": "theirs"}
        id = created(world, RestApiId=BARE, **DEV)
        deleted(world, id, RestApiId=BARE, **DEV)
        assert bare(world).stages.keys() == {"dev"}

    @pytest.mark.parametrize("change", [{"StageName": "other"}, {"StageName": "new"}, {}])
    def test_withdraws_the_method_from_stages_that_the_template_named_before(
        self, world: World, change: dict[str, str]
    ) -> None:
        for stage in ("live", "dev"):
            id = created(world, StageName=stage)
            updated(world, id, {"StageName": stage}, change)
            deleted(world, id, **change)
            assert not [name for name in shop(world).stages if GET_NAME in shop(world).serves(name)]

    def test_leaves_stages_alone_that_somebody_deployed_the_method_to(self, world: World) -> None:
        id = created(world, **LIVE)
        served = copy.deepcopy(shop(world).served("live"))
        shop(world).deployments["hand"] = {"id": "hand", "description": "x", "createdDate": 1, "_methods": served}
        shop(world).stages["other"]["deploymentId"] = "hand"
        deleted(world, id, **LIVE)
        assert shop(world).stages["other"]["deploymentId"] == "hand"

    def test_does_not_deploy_if_somebody_has_done_so_meanwhile(self, world: World) -> None:
        first, second = created(world, **LIVE), beside(world, "Create", LIVE)
        world.clock.sleep(60)

        def delete_the_other_one() -> None:
            beside(world, "Delete", LIVE, physical_id=second)

        world.gateway.before = at("GetStages", delete_the_other_one, times=1)
        before = world.gateway.operations().count("CreateDeployment")
        deleted(world, first, **LIVE)
        assert world.gateway.operations().count("CreateDeployment") == before + 1
        assert shop(world).serves("live") == {("/", "GET"), POST_ORDERS}

    def test_while_the_last_other_method_goes_succeeds(self, world: World) -> None:
        id = created(world, RestApiId=BARE, **DEV)
        methods = copy.deepcopy(shop(world).resources[ORDERS].methods)
        bare(world).resources["x"] = Resource("x", bare(world).root, "x", methods)

        def delete_the_other_one() -> None:
            bare(world).resources.pop("x", None)

        world.gateway.before = at("CreateDeployment", delete_the_other_one)
        deleted(world, id, RestApiId=BARE, **DEV)
        assert bare(world).stages == {}

    def test_of_an_api_that_nobody_can_deploy_succeeds_and_says_what_it_left(self, world: World) -> None:
        id = created(world, **LIVE)
        del shop(world).resources[ORDERS].methods["POST"]["methodIntegration"]
        deleted(world, id, **LIVE)
        assert ("left-behind", "stage live") in [(step, fields.get("key")) for step, fields in world.log]

    @pytest.mark.parametrize(
        ("remove", "may_stay"),
        [
            pytest.param(remove_the_api, (), id="the API is deleted meanwhile"),
            pytest.param(remove_the_stage, ("stage live",), id="the stage is deleted meanwhile"),
            pytest.param(remove_the_function, ("permission",), id="the function is deleted meanwhile"),
        ],
    )
    def test_succeeds_before_whatever_exchange_the_rest_goes(
        self, world: World, remove: Callable[[World], None], may_stay: tuple[str, ...]
    ) -> None:
        deep = {"Path": "a/b", **LIVE}
        id = created(world, **deep)
        exchanges = exchanges_of(world, lambda: deleted(world, id, **deep))
        assert left(world) == []
        assert len(exchanges) > 10
        for number, exchange in enumerate(exchanges):
            start_again(world)
            world.stack.requests = 0  # the same request has the same pauses
            id = created(world, **deep)
            reached = once_before(world, number, partial(remove, world))
            deleted(world, id, **deep)
            assert reached == [exchange]
            stays = [each for each in left(world) if not each.startswith(may_stay)]
            assert stays == [], f"{exchange}, number {number}"


class TestAFailedCreate:
    def fail(self, world: World, **properties: Any) -> None:
        """The Create does everything, and then CloudFormation starts to delete the resource."""

        def give_up() -> None:
            world.stack.resource_status = "DELETE_IN_PROGRESS"

        world.gateway.after = at("CreateDeployment", give_up)
        answered = sent(world, "Create", {**BASE, **properties})
        assert "Function was deleted while it was being created" in answered["Reason"]
        world.gateway.after, world.stack.resource_status = nothing, "CREATE_IN_PROGRESS"

    def test_withdraws_the_method_from_the_stage(self, world: World) -> None:
        self.fail(world, **LIVE)
        assert shop(world).serves("live") == {("/", "GET"), POST_ORDERS}
        assert left(world) == []

    def test_deletes_the_stage_that_it_created(self, world: World) -> None:
        self.fail(world, **DEV)
        assert shop(world).stages == native()[SHOP].stages
        assert shop(world).deployments == native()[SHOP].deployments
        assert left(world) == []

    def test_leaves_the_stage_that_it_created_to_another_resource_that_came_meanwhile(self, world: World) -> None:
        other: list[str] = []

        def make_the_other_one() -> None:
            other.append(beside(world, "Create", DEV))
            world.stack.resource_status = "DELETE_IN_PROGRESS"

        world.gateway.after = at("CreateDeployment", make_the_other_one, times=1)
        assert sent(world, "Create", {**BASE, **DEV})["Status"] == "FAILED"
        assert ("/beside", "GET") in shop(world).serves("dev")
        assert GET_NAME not in shop(world).serves("dev")
        assert world.made()[TYPE] == set(other)


class TestARollback:
    def test_deletes_the_stage_that_the_update_created(self, world: World) -> None:
        id = created(world, **LIVE)
        updated(world, id, LIVE, DEV)
        assert shop(world).stages.keys() == {"live", "other", "dev"}
        world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        assert updated(world, id, DEV, LIVE)["Status"] == "SUCCESS"
        assert shop(world).stages.keys() == {"live", "other"}

    def test_leaves_a_stage_that_the_update_did_not_create(self, world: World) -> None:
        id = created(world, **LIVE)
        updated(world, id, LIVE, {"StageName": "other"})
        world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        updated(world, id, {"StageName": "other"}, LIVE)
        assert shop(world).stages.keys() == {"live", "other"}

    def test_brings_back_what_the_stage_served(self, world: World) -> None:
        id = created(world, **LIVE)
        before = shop(world).served("live")["/{name}"]["GET"]["methodIntegration"]
        other = {**LIVE, "IntegrationRequest": {**CALL, "FunctionArn": f"{ARN}other"}}
        updated(world, id, LIVE, other)
        assert shop(world).served("live")["/{name}"]["GET"]["methodIntegration"] != before
        world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        updated(world, id, other, LIVE)
        assert shop(world).served("live")["/{name}"]["GET"]["methodIntegration"] == before


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(throttled(), id="throttled"),
        pytest.param(conflict(BUSY), id="a conflict"),
        pytest.param(bad(BUSY), id="a conflict that is called a bad request"),
    ],
)
def test_whatever_api_gateway_refuses_for_a_moment_is_retried(world: World, fault: Fault) -> None:
    """Each operation is refused once between Create and Delete."""
    struck = set[str]()

    def put_off(operation: str, params: dict[str, Any]) -> None:
        if operation not in struck:
            struck.add(operation)
            raise fault

    world.gateway.before = put_off
    responses = {
        "IntegrationRequest": MOCK,
        "MethodResponses": [{"StatusCode": 200}],
        "IntegrationResponses": [{"StatusCode": 200}],
    }
    world.gateway.put_keeps_responses = True
    id = created(world, Path="a/b", **DEV, **responses)
    assert updated(world, id, {"Path": "a/b", **DEV, **responses}, {"Path": "a/b", **DEV})["Status"] == "SUCCESS"
    deleted(world, id, Path="a/b", **DEV)
    assert left(world) == ["stage dev is left"]
    assert struck == set(world.gateway.operations())
    assert len(struck) > 20


def test_the_error_for_a_call_that_is_always_refused_quotes_aws(world: World) -> None:
    world.gateway.before = at("PutIntegration", raising(throttled()))
    answered = sent(world, "Create", {**BASE, **LIVE})
    assert (
        "while waiting for the integration; deploy again. AWS's last error was: Too Many Requests" in answered["Reason"]
    )
    assert world.made()[TYPE] == set()
