"""``Custom::APIGatewayResource``: changed in place, replaced, rolled back, and deleted."""

from __future__ import annotations

from typing import Any

import pytest

from cfn_injector.protocol.messages import not_created
from tests.fakes.aws_lambda import Fault
from tests.fakes.cloudformation import RESPONSE_URL
from tests.fakes.rest_apis import BARE, FORMER, ORDERS, SHOP, native
from tests.support.api_gateway_resources import (
    ARN,
    BASE,
    CALL,
    MOCK,
    NAMES,
    TYPE,
    created,
    deleted,
    left,
    permissions,
    shop,
    updated,
)
from tests.support.world import World

pytestmark = pytest.mark.usefixtures("functions")


class TestAnUpdate:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            pytest.param({}, {"IntegrationRequest": {**CALL, "FunctionArn": f"{ARN}other"}}, id="another function"),
            pytest.param({}, {"IntegrationRequest": {**CALL, "FunctionArn": f"{ARN}counter:live"}}, id="an alias"),
            pytest.param({}, {"IntegrationRequest": {**CALL, "TimeoutInMillis": 900}}, id="one more property"),
            pytest.param({"IntegrationRequest": {**CALL, "TimeoutInMillis": 900}}, {}, id="one property less"),
            pytest.param({}, {"IntegrationRequest": MOCK}, id="another type"),
            pytest.param({"IntegrationRequest": MOCK}, {}, id="a function after all"),
            pytest.param(
                {},
                {"IntegrationRequest": MOCK, "MethodResponses": [{"StatusCode": 200}]},
                id="responses",
            ),
            pytest.param(
                {
                    "IntegrationRequest": MOCK,
                    "MethodResponses": [{"StatusCode": 200}, {"StatusCode": 404}, {"StatusCode": 500}],
                    "IntegrationResponses": [{"StatusCode": 200}, {"StatusCode": 404, "SelectionPattern": "a"}],
                },
                {
                    "IntegrationRequest": MOCK,
                    "MethodResponses": [
                        {"StatusCode": 404, "ResponseModels": {"text/plain": "Empty"}},
                        {"StatusCode": 500},
                        {"StatusCode": 503},
                    ],
                    "IntegrationResponses": [{"StatusCode": 404}, {"StatusCode": 503, "SelectionPattern": "a"}],
                },
                id="other responses, by the same patterns",
            ),
            pytest.param(
                {"ApiKeyRequired": True, "RequestParameters": {"method.request.path.name": True}},
                {"AuthorizationType": "AWS_IAM"},
                id="authorization",
            ),
            pytest.param({"StageName": "live"}, {"StageName": "other"}, id="another stage"),
            pytest.param({"StageName": "live"}, {}, id="no stage"),
        ],
    )
    @pytest.mark.parametrize("keeping", [False, True], ids=["", "responses outlive an integration that is replaced"])
    def test_in_place_gives_what_a_create_gives(
        self, world: World, old: dict[str, Any], new: dict[str, Any], keeping: bool
    ) -> None:
        world.gateway.put_keeps_responses = keeping
        id = created(world, **old)
        answered = updated(world, id, old, new)
        assert (answered["Status"], answered["PhysicalResourceId"]) == ("SUCCESS", id)
        found = shop(world).at("/{name}").methods["GET"]
        assert left(world) == []
        deleted(world, id, **new)
        assert left(world) == []
        fresh = shop(world) if created(world, **new) else None
        assert fresh is not None
        expected = fresh.at("/{name}").methods["GET"]
        for method in (found, expected):
            method.setdefault("methodResponses", {})
            del method["operationName"], method["methodIntegration"]["cacheNamespace"]
        assert found == expected

    def test_of_the_integration_never_deletes_the_method(self, world: World) -> None:
        """A deployment that somebody creates meanwhile would lack it."""
        id = created(world)
        updated(world, id, {}, {"IntegrationRequest": {**CALL, "FunctionArn": f"{ARN}other"}})
        assert "DeleteMethod" not in world.gateway.operations()

    def test_revokes_the_permission_of_the_former_function_when_the_stage_no_longer_calls_it(
        self, world: World
    ) -> None:
        other = {**CALL, "FunctionArn": f"{ARN}other"}
        id = created(world, StageName="live")
        order: list[str] = []
        world.wire.hook = order.append
        updated(world, id, {"StageName": "live"}, {"StageName": "live", "IntegrationRequest": other})
        assert order.index("AddPermission") < order.index("CreateDeployment") < order.index("RemovePermission")
        assert permissions(world) == {"other": [f"{SHOP}/*/GET/*"]}

    def test_keeps_the_permission_of_the_former_function_until_the_next_change_if_others_deploy(
        self, world: World
    ) -> None:
        """Stages call it until somebody deploys to them."""
        first, second, third = ({"IntegrationRequest": {**CALL, "FunctionArn": ARN + name}} for name in NAMES)
        id = created(world, **first)
        updated(world, id, first, second)
        assert permissions(world).keys() == {"counter", "counter:live"}
        updated(world, id, second, {**second, "ApiKeyRequired": True})
        assert permissions(world).keys() == {"counter", "counter:live"}
        updated(world, id, {**second, "ApiKeyRequired": True}, third)
        assert permissions(world).keys() == {"counter:live", "other"}
        assert left(world) == []
        deleted(world, id, **third)
        assert permissions(world) == {}
        assert left(world) == []

    def test_revokes_the_permission_of_the_former_function_once_the_template_names_a_stage(self, world: World) -> None:
        other = {"IntegrationRequest": {**CALL, "FunctionArn": f"{ARN}other"}}
        id = created(world)
        updated(world, id, {}, other)
        updated(world, id, other, {**other, "StageName": "live"})
        assert permissions(world).keys() == {"other"}
        assert not [key for key in shop(world).tags if key.startswith(FORMER)]

    def test_revokes_the_permission_of_the_former_function_at_once_if_the_api_has_no_room_for_a_tag(
        self, world: World
    ) -> None:
        id = created(world)
        shop(world).tags |= {f"key{number}": "x" for number in range(48)}
        updated(world, id, {}, {"IntegrationRequest": {**CALL, "FunctionArn": f"{ARN}other"}})
        assert permissions(world).keys() == {"other"}

    def test_that_is_rolled_back_leaves_the_permission_that_existed_before(self, world: World) -> None:
        other = {"IntegrationRequest": {**CALL, "FunctionArn": f"{ARN}other"}}
        id = created(world)
        updated(world, id, {}, other)
        world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        updated(world, id, other, {})
        assert permissions(world).keys() == {"counter"}
        assert left(world) == []

    def test_puts_a_method_that_is_gone_again(self, world: World) -> None:
        id = created(world)
        shop(world).at("/{name}").methods.clear()
        assert updated(world, id, {}, {"ApiKeyRequired": True})["PhysicalResourceId"] == id
        assert shop(world).at("/{name}").methods["GET"]["apiKeyRequired"] is True

    def test_corrects_a_permission_that_somebody_changed(self, world: World) -> None:
        id = created(world)
        (statement,) = world.aws_lambda.policies["counter", ""].values()
        before = {**statement, "Condition": {"ArnLike": dict(statement["Condition"]["ArnLike"])}}
        statement["Condition"]["ArnLike"]["AWS:SourceArn"] = "arn:aws:execute-api:us-east-1:111122223333:x/*/GET/"
        updated(world, id, {}, {"ApiKeyRequired": True})
        assert list(world.aws_lambda.policies["counter", ""].values()) == [before]
        changes = world.aws_lambda.changes()
        updated(world, id, {"ApiKeyRequired": True}, {})
        assert world.aws_lambda.changes() == [*changes, "AddPermission"]

    @pytest.mark.parametrize("change", [{"ApiKeyRequired": True}, {"Path": "other"}, {"RestApiId": BARE}])
    def test_that_comes_after_its_own_rollback_changes_nothing(self, world: World, change: dict[str, Any]) -> None:
        world.stack.check_url = False

        def at(second: int, kind: str, properties: dict[str, Any], **fields: Any) -> dict[str, Any]:
            event = world.stack.event(kind, properties, resource_type=TYPE, **fields)
            return {**event, "ResponseURL": f"{RESPONSE_URL}&X-Amz-Date=20270115T0800{second:02}Z"}

        id = world.stack.send(at(0, "Create", BASE))["PhysicalResourceId"]
        new = {**BASE, **change}
        forward = at(10, "Update", new, physical_id=id, old=BASE)
        new_id = world.stack.send(forward)["PhysicalResourceId"]
        world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        assert world.stack.send(at(20, "Update", BASE, physical_id=new_id, old=new))["PhysicalResourceId"] == id
        if new_id != id:
            world.stack.send(at(25, "Delete", new, physical_id=new_id))
        world.stack.status = world.stack.resource_status = "UPDATE_IN_PROGRESS"
        world.stack.resource.physical_id = id
        assert "a newer event than this one was served" in world.stack.send(forward)["Reason"]
        world.stack.send(at(10, "Delete", BASE, physical_id=id))
        assert world.made()[TYPE] == {id}
        assert shop(world).at("/{name}").methods["GET"]["apiKeyRequired"] is False


REPLACED = [
    pytest.param({"Path": "other/{name}"}, id="path"),
    pytest.param({"ParentId": ORDERS}, id="parent"),
    pytest.param({"Method": "POST"}, id="verb"),
    pytest.param({"RestApiId": BARE}, id="API"),
]


class TestAReplacement:
    @pytest.mark.parametrize("change", REPLACED)
    def test_creates_a_new_method_and_leaves_the_old_one_to_cloudformation(
        self, world: World, change: dict[str, Any]
    ) -> None:
        old = created(world, StageName="live")
        new = updated(world, old, {"StageName": "live"}, {"StageName": "live", **change})["PhysicalResourceId"]
        assert world.made()[TYPE] == {old, new}
        assert len(world.aws_lambda.policies["counter", ""]) == 2
        deleted(world, old, StageName="live")
        assert world.made()[TYPE] == {new}
        deleted(world, new, StageName="live", **change)
        assert world.made()[TYPE] == set()

    @pytest.mark.parametrize("change", REPLACED)
    def test_is_rolled_back_to_the_old_method(self, world: World, change: dict[str, Any]) -> None:
        old = created(world, StageName="dev")
        new = updated(world, old, {"StageName": "dev"}, {"StageName": "test", **change})["PhysicalResourceId"]
        before = dict(shop(world).at("/{name}").methods["GET"])
        world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        back = updated(world, new, {"StageName": "test", **change}, {"StageName": "dev"})
        assert back["PhysicalResourceId"] == old
        assert shop(world).at("/{name}").methods["GET"] == before
        deleted(world, new, StageName="test", **change)
        assert world.made()[TYPE] == {old}

    def test_by_a_method_that_is_still_owned_changes_it(self, world: World) -> None:
        """A Delete that failed for good left it, and the template returns to it."""
        first = created(world)
        second = updated(world, first, {}, {"Method": "POST"})["PhysicalResourceId"]
        third = updated(world, second, {"Method": "POST"}, {"ApiKeyRequired": True})
        assert third["PhysicalResourceId"] == first
        assert shop(world).at("/{name}").methods["GET"]["apiKeyRequired"] is True

    def test_onto_somebody_elses_method_fails_and_leaves_both(self, world: World) -> None:
        old = created(world)
        answered = updated(world, old, {}, {"Path": "orders", "Method": "POST"})
        assert "POST /orders" in answered["Reason"]
        assert answered["PhysicalResourceId"] == old
        assert world.made()[TYPE] == {old}

    def test_by_the_same_place_under_another_name_is_an_update(self, world: World) -> None:
        old = created(world, Path="orders/{id}")
        answered = updated(world, old, {"Path": "orders/{id}"}, {"ParentId": ORDERS, "Path": "/{id}/"})
        assert answered["PhysicalResourceId"] == old


class TestADelete:
    def test_does_not_check_properties(self, world: World) -> None:
        id = created(world)
        deleted(world, id, Former="x", Method=["GET"], IntegrationRequest="x", Path={"a": "b"}, StageName=["live"])
        assert not world.made()[TYPE] - {item for item in left(world) if item.startswith("permission")}
        assert permissions(world) == {}, "the method itself shows which function it called"

    def test_of_what_is_gone_succeeds(self, world: World) -> None:
        id = created(world, Path="a/b", StageName="dev")
        shop(world).resources = native()[SHOP].resources
        shop(world).stages.pop("dev")
        deleted(world, id, Path="a/b", StageName="dev")
        assert left(world) == []

    def test_of_a_method_whose_resource_is_gone_still_withdraws_it_from_the_stage(self, world: World) -> None:
        id = created(world, Path="a/b", StageName="live")
        shop(world).resources = native()[SHOP].resources
        deleted(world, id, Path="a/b", StageName="live")
        assert ("/a/b", "GET") not in shop(world).serves("live")

    def test_of_a_method_whose_api_is_gone_revokes_the_permission(self, world: World) -> None:
        id = created(world)
        del world.gateway.apis[SHOP]
        deleted(world, id)
        assert permissions(world) == {}

    def test_of_a_method_whose_function_is_gone_or_outside_the_permissions_succeeds(self, world: World) -> None:
        first = created(world)
        second = created(world, Path="x", IntegrationRequest={**CALL, "FunctionArn": f"{ARN}other"})
        del world.aws_lambda.functions["counter"]
        world.aws_lambda.denied.add("other")
        deleted(world, first)
        deleted(world, second, Path="x", IntegrationRequest={**CALL, "FunctionArn": f"{ARN}other"})
        assert shop(world).pairs() == {("/", "GET"), ("/orders", "POST")}

    def test_after_half_an_update_revokes_the_permissions_of_both_functions(self, world: World) -> None:
        other = {**CALL, "FunctionArn": f"{ARN}other"}
        id = created(world, StageName="live")

        def break_off(operation: str, params: dict[str, Any]) -> None:
            if operation == "CreateDeployment":
                raise Fault("BadRequestException", "broken")

        world.gateway.before = break_off
        live = {"StageName": "live"}
        assert updated(world, id, live, {**live, "IntegrationRequest": other})["Status"] == "FAILED"
        world.gateway.before = lambda operation, params: None
        assert permissions(world).keys() == {"counter", "other"}
        deleted(world, id, StageName="live")
        assert permissions(world) == {}

    def test_with_a_marker_deletes_what_was_answered_with_failed(self, world: World) -> None:
        """The answer to the last call was lost, and everything that was tried after it failed as well."""
        event = world.stack.event("Create", BASE, resource_type=TYPE)
        id = world.stack.send(event)["PhysicalResourceId"]
        deleted(world, not_created("request-other"))
        assert world.made()[TYPE] == {id}
        deleted(world, not_created(event["RequestId"]))
        assert world.made()[TYPE] == set()
