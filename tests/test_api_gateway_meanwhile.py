"""``Custom::APIGatewayResource`` while other events are served, and after a provider that was killed."""

from __future__ import annotations

from typing import Any

import pytest

from cfn_injector.protocol.messages import not_created
from tests.fakes.aws_lambda import Fault, no_hook
from tests.fakes.cloudformation import MADE_UP
from tests.fakes.rest_apis import BARE, MADE, SHOP, native
from tests.support.api_gateway_resources import ARN, BASE, CALL, MOCK, TYPE, created, left, sent, shop
from tests.support.interleaving import deliver_at_once, once_before
from tests.support.world import World

pytestmark = pytest.mark.usefixtures("functions")

SEEDS = range(4)

DEEP = {**BASE, "Path": "a/{id}/x", "StageName": "dev", "RestApiId": BARE}
BESIDE = {**DEEP, "Path": "a/{id}/y"}
LIVE = {**BASE, "Path": "a/b", "StageName": "live"}
ANSWERED = {
    **BASE,
    "IntegrationRequest": MOCK,
    "MethodResponses": [{"StatusCode": 200}],
    "IntegrationResponses": [{"StatusCode": 200}],
}
LIVES = [
    pytest.param(DEEP, id="with a stage of its own"),
    pytest.param(LIVE, id="with a stage that exists"),
    pytest.param(ANSWERED, id="with responses"),
]


def event(world: World, kind: str, properties: dict[str, Any], logical_id: str = "Function", **ids: Any) -> Any:
    world.stack.logical_id = logical_id
    made = world.stack.event(kind, properties, resource_type=TYPE, **ids)
    world.stack.logical_id = "Function"
    return made


def start_again(world: World) -> None:
    world.gateway.apis, world.wire.hook = native(), no_hook
    world.aws_lambda.policies.clear()
    world.stack.status = world.stack.resource_status = "CREATE_IN_PROGRESS"
    world.clock.sleep(60)


def killed(world: World, served: dict[str, Any], number: int, *, after: bool = False) -> str:
    """Serves an event until the provider is killed at an exchange; returns its name, empty if the event was served."""
    names: list[str] = []

    def kill(name: str) -> None:
        names.append(name)
        if len(names) > number + after:
            raise KeyboardInterrupt

    world.wire.hook = kill
    try:
        world.deliver_unguarded(served)
    except KeyboardInterrupt:
        return names[number]
    finally:
        world.wire.hook = no_hook
    return ""


class TestADeleteWhileTheCreateRuns:
    @pytest.mark.parametrize("properties", LIVES)
    def test_leaves_nothing_whichever_exchange_it_comes_before(self, world: World, properties: dict[str, Any]) -> None:
        number = 0
        while True:
            start_again(world)
            create = event(world, "Create", properties)
            delete = event(world, "Delete", properties, physical_id=MADE_UP)
            world.stack.status = world.stack.resource_status = "CREATE_IN_PROGRESS"

            def come(delete: Any = delete) -> None:
                world.stack.status, world.stack.resource_status = "ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"
                world.deliver(delete)
                assert world.stack.answers[-1]["Status"] == "SUCCESS"

            reached = once_before(world, number, come)
            world.deliver(create)
            if not reached:
                break
            found = (left(world), world.made()[TYPE])
            assert found == ([], set()), f"a Delete before {reached[0]}, number {number}"
            number += 1
        assert number >= 12
        assert world.stack.answers[-1]["Status"] == "SUCCESS"

    @pytest.mark.parametrize(
        ("stack", "resource"),
        [
            ("DELETE_IN_PROGRESS", "CREATE_IN_PROGRESS"),
            ("ROLLBACK_IN_PROGRESS", "CREATE_IN_PROGRESS"),
            ("CREATE_IN_PROGRESS", "DELETE_COMPLETE"),
            ("CREATE_IN_PROGRESS", "CREATE_FAILED"),
        ],
    )
    def test_is_noticed_even_if_it_found_nothing(self, world: World, stack: str, resource: str) -> None:
        def turn(name: str) -> None:
            if name == "PutMethod":
                world.stack.status, world.stack.resource_status = stack, resource

        world.wire.hook = turn
        answered = sent(world, "Create", DEEP)
        assert "Function was deleted while it was being created; deploy again" in answered["Reason"]
        assert (left(world), world.made()[TYPE]) == ([], set())


class TestAProviderThatIsKilled:
    @pytest.mark.parametrize(
        ("physical_id", "after"),
        [
            pytest.param(MADE_UP, False, id="before it, an ID that CloudFormation made up"),
            pytest.param(MADE_UP, True, id="after it, an ID that CloudFormation made up"),
            pytest.param("", True, id="after it, the marker"),
        ],
    )
    @pytest.mark.parametrize("properties", LIVES)
    def test_at_any_exchange_leaves_nothing_that_the_delete_does_not_find(
        self, world: World, properties: dict[str, Any], physical_id: str, after: bool
    ) -> None:
        number = 0
        while True:
            start_again(world)
            create = event(world, "Create", properties)
            name = killed(world, create, number, after=after)
            if not name:
                break
            id = physical_id or not_created(create["RequestId"])
            assert sent(world, "Delete", properties, physical_id=id)["Status"] == "SUCCESS"
            if not (name == "UpdateMethod" and after and physical_id):  # that was the last: as good as answered
                found = (left(world), world.made()[TYPE])
                assert found == ([], set()), f"killed at {name}, number {number}"
            number += 1
        assert number >= 12

    @pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize("properties", LIVES)
    def test_at_any_exchange_completes_its_work_when_the_event_comes_again(
        self, world: World, properties: dict[str, Any], after: bool
    ) -> None:
        number = 0
        while True:
            start_again(world)
            create = event(world, "Create", properties)
            name = killed(world, create, number, after=after)
            answered = world.stack.send(create)
            assert answered["Status"] == "SUCCESS", answered["Reason"]
            found = (left(world), world.made()[TYPE])
            assert found == ([], {answered["PhysicalResourceId"]}), f"killed at {name}, number {number}"
            if not name:
                break
            number += 1
        assert number >= 12

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param({"IntegrationRequest": {**CALL, "FunctionArn": f"{ARN}other"}}, id="another function"),
            pytest.param({"AuthorizationType": "AWS_IAM", "IntegrationRequest": MOCK}, id="other settings"),
            pytest.param({"Path": "c/d"}, id="another path"),
            pytest.param({"RestApiId": BARE, "StageName": "dev"}, id="another API"),
        ],
    )
    def test_at_any_exchange_of_an_update_is_rolled_back(self, world: World, change: dict[str, Any]) -> None:
        number = 0
        while True:
            start_again(world)
            id = sent(world, "Create", LIVE)["PhysicalResourceId"]
            world.clock.sleep(60)
            new = {**LIVE, **change}
            name = killed(world, event(world, "Update", new, physical_id=id, old=LIVE), number)
            if not name:
                break
            world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
            back = sent(world, "Update", LIVE, physical_id=id, old=new)
            assert (back["Status"], back["PhysicalResourceId"]) == ("SUCCESS", id), back["Reason"]
            assert (left(world), world.made()[TYPE]) == ([], {id}), f"killed at {name}, number {number}"
            served = shop(world).served("live")["/a/b"]["GET"]
            assert served["methodIntegration"] == shop(world).at("/a/b").methods["GET"]["methodIntegration"]
            assert "function:counter/" in served["methodIntegration"]["uri"]
            number += 1
        assert number >= 12


class TestTwoOfOneStack:
    """They share resources on their paths, and a stage."""

    @pytest.mark.parametrize("seed", SEEDS)
    def test_are_created_at_once_and_deleted_at_once(self, world: World, seed: int) -> None:
        creates = [event(world, "Create", DEEP, "One"), event(world, "Create", BESIDE, "Two")]
        made = deliver_at_once(world, creates, seed)
        assert [answer["Status"] for answer in made] == ["SUCCESS", "SUCCESS"], made
        ids = [answer["PhysicalResourceId"] for answer in made]
        bare = world.gateway.apis[BARE]
        assert bare.serves("dev") == {("/a/{id}/x", "GET"), ("/a/{id}/y", "GET")}
        assert bare.paths() == ["/", "/a", "/a/{id}", "/a/{id}/x", "/a/{id}/y"]
        assert left(world) == []
        deletes = [
            event(world, "Delete", DEEP, "One", physical_id=ids[0]),
            event(world, "Delete", BESIDE, "Two", physical_id=ids[1]),
        ]
        gone = deliver_at_once(world, deletes, seed)
        assert [answer["Status"] for answer in gone] == ["SUCCESS", "SUCCESS"], gone
        assert (bare.paths(), bare.tags, bare.stages, bare.deployments) == (["/"], {}, {}, {})
        assert left(world) == []

    @pytest.mark.parametrize("seed", SEEDS)
    def test_one_is_created_while_the_other_is_deleted(self, world: World, seed: int) -> None:
        old = world.stack.send(event(world, "Create", DEEP, "One"))["PhysicalResourceId"]
        events = [event(world, "Delete", DEEP, "One", physical_id=old), event(world, "Create", BESIDE, "Two")]
        answers = deliver_at_once(world, events, seed)
        assert [answer["Status"] for answer in answers] == ["SUCCESS", "SUCCESS"], answers
        assert world.made()[TYPE] == {answers[1]["PhysicalResourceId"]}
        assert world.gateway.apis[BARE].serves("dev") == {("/a/{id}/y", "GET")}

    @pytest.mark.parametrize("seed", SEEDS)
    def test_one_is_created_while_the_other_fails(self, world: World, seed: int) -> None:
        failing = {**DEEP, "IntegrationRequest": {**CALL, "FunctionArn": f"{ARN}gone"}}
        events = [event(world, "Create", failing, "One"), event(world, "Create", BESIDE, "Two")]
        failed, made = deliver_at_once(world, events, seed)
        assert (failed["Status"], made["Status"]) == ("FAILED", "SUCCESS"), made["Reason"]
        assert world.made()[TYPE] == {made["PhysicalResourceId"]}
        assert world.gateway.apis[BARE].serves("dev") == {("/a/{id}/y", "GET")}

    @pytest.mark.parametrize("seed", SEEDS)
    def test_one_is_created_while_the_other_is_changed(self, world: World, seed: int) -> None:
        new = {**DEEP, "IntegrationRequest": MOCK, "AuthorizationType": "AWS_IAM"}
        id = world.stack.send(event(world, "Create", DEEP, "One"))["PhysicalResourceId"]
        events = [event(world, "Update", new, "One", physical_id=id, old=DEEP), event(world, "Create", BESIDE, "Two")]
        answers = deliver_at_once(world, events, seed)
        assert [answer["Status"] for answer in answers] == ["SUCCESS", "SUCCESS"], answers
        served = world.gateway.apis[BARE].served("dev")
        assert served["/a/{id}/x"]["GET"]["methodIntegration"]["type"] == "MOCK"
        assert served["/a/{id}/y"]["GET"]["methodIntegration"]["type"] == "AWS_PROXY"
        assert left(world) == []

    def test_the_path_of_one_may_begin_with_that_of_the_other(self, world: World) -> None:
        above = created(world, Path="a")
        below = world.stack.send(event(world, "Create", {**BASE, "Path": "a/b/c"}, "Two"))["PhysicalResourceId"]
        sent(world, "Delete", {**BASE, "Path": "a"}, physical_id=above)
        assert shop(world).paths() == ["/", "/a", "/a/b", "/a/b/c", "/orders"]
        world.stack.send(event(world, "Delete", {**BASE, "Path": "a/b/c"}, "Two", physical_id=below))
        assert shop(world).paths() == ["/", "/orders"]
        assert left(world) == []

    def test_what_another_is_just_creating_is_left_to_it(self, world: World) -> None:
        id = created(world, Path="a/b")
        other = world.client("apigateway").create_resource(restApiId=SHOP, parentId=shop(world).root, pathPart="new")
        shop(world).tags[MADE + other["id"]] = "shop-dev-Other-AAAAAAAAAAAA"
        sent(world, "Delete", {**BASE, "Path": "a/b"}, physical_id=id)
        assert shop(world).paths() == ["/", "/new", "/orders"]

    def test_a_created_resource_on_which_somebody_else_put_a_method_is_kept(self, world: World) -> None:
        id = created(world, Path="a/b")
        shop(world).at("/a").methods["POST"] = {"httpMethod": "POST", "authorizationType": "NONE"}
        sent(world, "Delete", {**BASE, "Path": "a/b"}, physical_id=id)
        assert shop(world).paths() == ["/", "/a", "/orders"]


@pytest.mark.parametrize("seed", SEEDS)
def test_one_event_that_is_delivered_twice_at_once_creates_one_method(world: World, seed: int) -> None:
    create = event(world, "Create", DEEP)
    first, second = deliver_at_once(world, [create, create], seed)
    assert (first["Status"], second["Status"]) == ("SUCCESS", "SUCCESS")
    assert world.made()[TYPE] == {first["PhysicalResourceId"]} == {second["PhysicalResourceId"]}


def test_an_event_that_fails_after_its_other_delivery_succeeded_deletes_nothing(world: World) -> None:
    create = event(world, "Create", DEEP)

    def come_first(operation: str, params: dict[str, Any]) -> None:
        if operation == "AddPermission":
            world.aws_lambda.before = lambda operation, params: None
            world.deliver(create)
            raise Fault("ServiceException", "broken", 500)

    world.aws_lambda.before = come_first
    world.deliver(create)
    second, first = world.stack.answers
    assert (first["Status"], second["Status"]) == ("FAILED", "SUCCESS")
    assert world.made()[TYPE] == {second["PhysicalResourceId"]}
    assert len(world.aws_lambda.policies["counter", ""]) == 1


def test_what_an_earlier_request_left_is_deleted_by_the_next_one(world: World) -> None:
    assert killed(world, event(world, "Create", {**DEEP, "Path": "other"}), 11) == "PutIntegration"
    id = sent(world, "Create", DEEP)["PhysicalResourceId"]
    assert (left(world), world.made()[TYPE]) == ([], {id})


def test_a_resource_that_is_deleted_before_its_method_is_complete_is_created_again(world: World) -> None:
    def go(name: str) -> None:
        if name == "PutIntegration":
            world.wire.hook = no_hook
            world.gateway.DeleteResource({"restApiId": SHOP, "resourceId": shop(world).at("/a").id})

    world.wire.hook = go
    assert created(world, Path="a/b") == f"{SHOP}/{shop(world).at('/a/b').id}/GET"
    assert [item for item in left(world) if "tag" not in item] == []


@pytest.mark.parametrize("exchange", ["CreateResource", "TagResource", "UpdateResource"])
def test_a_resource_that_somebody_creates_on_the_path_meanwhile_is_used_and_kept(world: World, exchange: str) -> None:
    def come(name: str) -> None:
        if name == exchange:
            world.wire.hook = no_hook
            world.client("apigateway").create_resource(restApiId=SHOP, parentId=shop(world).root, pathPart="a")

    world.wire.hook = come
    id = created(world, Path="a/b")
    assert shop(world).paths() == ["/", "/a", "/a/b", "/orders"]
    sent(world, "Delete", {**BASE, "Path": "a/b"}, physical_id=id)
    assert shop(world).paths() == ["/", "/a", "/orders"]
    assert left(world) == ["/a is not used", "/a is not recorded"]
