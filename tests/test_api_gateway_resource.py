"""``Custom::APIGatewayResource`` against fakes: what is created, changed, replaced, refused and deleted."""

from __future__ import annotations

from typing import Any

import pytest

from cfn_injector.protocol.log_lines import LOGGED
from cfn_injector.resources import api_gateway_resource
from tests.fakes.aws_lambda import ACCOUNT, REGION, Fault
from tests.fakes.rest_apis import BARE, MADE, ORDERS, SHOP, Api, native
from tests.support.api_gateway_resources import (
    ARN,
    BASE,
    CALL,
    MOCK,
    TYPE,
    created,
    deleted,
    left,
    permissions,
    sent,
    shop,
    updated,
)
from tests.support.world import World

pytestmark = pytest.mark.usefixtures("functions")


class TestACreate:
    def test_creates_the_method_and_permits_its_function_to_be_called_by_it_alone(self, world: World) -> None:
        id = created(world, Path="items/{id}/lines")
        resource = shop(world).at("/items/{id}/lines")
        assert id == f"{SHOP}/{resource.id}/GET"
        method = resource.methods["GET"]
        assert (method["authorizationType"], method["apiKeyRequired"]) == ("NONE", False)
        assert method["methodIntegration"]["type"] == "AWS_PROXY"
        assert method["methodIntegration"]["httpMethod"] == "POST"
        assert method["methodIntegration"]["uri"] == (
            f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{ARN}counter/invocations"
        )
        (statement,) = world.aws_lambda.policies["counter", ""].values()
        assert statement == {
            "Sid": statement["Sid"],
            "Effect": "Allow",
            "Principal": {"Service": "apigateway.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": f"{ARN}counter",
            "Condition": {
                "ArnLike": {"AWS:SourceArn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{SHOP}/*/GET/items/*/lines"}
            },
        }
        assert left(world) == []

    @pytest.mark.parametrize(
        ("where", "path", "count"),
        [
            pytest.param({"Path": "{name}"}, "/{name}", 1, id="one part"),
            pytest.param({"Path": "/a/b/c/d"}, "/a/b/c/d", 4, id="of any depth"),
            pytest.param({"Path": "orders/{id}"}, "/orders/{id}", 1, id="through a resource that exists"),
            pytest.param({"Path": "orders"}, "/orders", 0, id="a resource that exists"),
            pytest.param({"ParentId": ORDERS, "Path": "{id}/x"}, "/orders/{id}/x", 2, id="from a parent"),
            pytest.param({"ParentId": ORDERS, "Path": ""}, "/orders", 0, id="the parent itself"),
            pytest.param({"Path": "", "Method": "POST"}, "/", 0, id="the root"),
        ],
    )
    def test_creates_what_is_missing_on_the_path_and_uses_what_exists(
        self, world: World, where: dict[str, str], path: str, count: int
    ) -> None:
        answered = sent(world, "Create", {**BASE, **where})
        assert answered["Data"]["Path"] == path
        assert world.gateway.operations().count("CreateResource") == count
        assert len([key for key in shop(world).tags if key.startswith(MADE)]) == count
        assert left(world) == []
        deleted(world, answered["PhysicalResourceId"], **where)
        assert shop(world) == Api(**{**vars(native()[SHOP]), "counter": shop(world).counter})

    def test_answers_strings_that_a_template_can_use(self, world: World) -> None:
        answered = sent(world, "Create", {**BASE, "Path": "items/{id}", "StageName": "live"})
        (items,) = (id for id, each in shop(world).resources.items() if each.part == "items")
        assert answered["Data"].keys() == api_gateway_resource.ATTRIBUTES.keys()
        assert answered["Data"] == {
            "RestApiId": SHOP,
            "ResourceId": answered["PhysicalResourceId"].split("/")[1],
            "ParentId": items,
            "Path": "/items/{id}",
            "Method": "GET",
            "Url": f"https://{SHOP}.execute-api.{REGION}.amazonaws.com/live/items/{{id}}",
            "DeploymentId": shop(world).stages["live"]["deploymentId"],
        }

    def test_of_a_method_on_the_root_without_a_stage_answers_neither_parent_nor_url(self, world: World) -> None:
        answered = sent(world, "Create", {**BASE, "Path": "/", "Method": "ANY"})
        assert answered["Data"].keys() == {"RestApiId", "ResourceId", "Path", "Method"}
        assert not answered["Data"].keys() & api_gateway_resource.STAGE_ATTRIBUTES.keys()
        assert permissions(world) == {"counter": [f"{SHOP}/*/*/"]}

    @pytest.mark.parametrize(
        ("arn", "path", "expected"),
        [
            ("counter", "{name}", {"counter": [f"{SHOP}/*/GET/*"]}),
            ("counter", "a/{x}/{rest+}", {"counter": [f"{SHOP}/*/GET/a/*/*"]}),
            ("counter:live", "a", {"counter:live": [f"{SHOP}/*/GET/a"]}),
            ("counter:$LATEST", "a", {"counter": [f"{SHOP}/*/GET/a"]}),
            ("${stageVariables.function}", "a", {}),
        ],
    )
    def test_permits_the_function_that_is_named_with_its_version_or_alias(
        self, world: World, arn: str, path: str, expected: dict[str, list[str]]
    ) -> None:
        integration = {"Type": "Lambda", "FunctionArn": ARN + arn}
        id = created(world, Path=path, IntegrationRequest=integration)
        assert permissions(world) == expected
        deleted(world, id, Path=path, IntegrationRequest=integration)
        assert permissions(world) == {}

    def test_puts_responses_and_authorization(self, world: World) -> None:
        created(
            world,
            IntegrationRequest=MOCK,
            AuthorizationType="CUSTOM",
            AuthorizerId="auth1",
            ApiKeyRequired=True,
            MethodResponses=[{"StatusCode": 200}, {"StatusCode": 404, "ResponseModels": {"text/plain": "Error"}}],
            IntegrationResponses=[{"StatusCode": 200}, {"StatusCode": 404, "SelectionPattern": "4.."}],
        )
        method = shop(world).at("/{name}").methods["GET"]
        assert (method["authorizerId"], method["apiKeyRequired"]) == ("auth1", True)
        assert method["methodResponses"]["404"] == {"statusCode": "404", "responseModels": {"text/plain": "Error"}}
        assert method["methodIntegration"]["integrationResponses"] == {
            "200": {"statusCode": "200"},
            "404": {"statusCode": "404", "selectionPattern": "4.."},
        }
        assert permissions(world) == {}

    def test_reads_all_pages_of_a_large_api(self, world: World) -> None:
        world.gateway.max_resources = 1000
        for number in range(600):
            answered = world.client("apigateway").create_resource(
                restApiId=BARE, parentId=world.gateway.apis[BARE].root, pathPart=f"p{number}"
            )
        id = created(world, RestApiId=BARE, Path="p599")
        assert id == f"{BARE}/{answered['id']}/GET"

    def test_logs_only_fields_that_are_on_the_list(self, world: World) -> None:
        deleted(world, created(world, StageName="live"), StageName="live")
        fields = {name for _, fields in world.log for name in fields}
        assert fields <= LOGGED.keys()


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"RestApiId": "none"}, f"RestApiId none is not a REST API in {REGION}"),
            ({"ParentId": "none"}, f"ParentId is not a resource of API {SHOP}"),
            ({"Method": "FETCH"}, "Method is not a method that API Gateway knows"),
            (
                {"OperationName": "GetIt"},
                "OperationName is reserved, because the provider records there who owns the method",
            ),
        ],
    )
    def test_come_before_anything_is_touched(self, world: World, change: dict[str, Any], expected: str) -> None:
        answered = sent(world, "Create", {**BASE, **change})
        assert answered["Status"] == "FAILED"
        assert expected in answered["Reason"]
        deleted(world, answered["PhysicalResourceId"], **change)
        assert world.gateway.changes() == world.aws_lambda.changes() == []

    def test_for_lack_of_room_for_tags_come_before_anything_is_created(self, world: World) -> None:
        shop(world).tags |= {f"key{number}": "x" for number in range(47)}
        answered = sent(world, "Create", {**BASE, "Path": "a/b/c"})
        assert "Path needs 3 more resources and a tag for each" in answered["Reason"]
        assert "declare resources on the path as AWS::ApiGateway::Resource" in answered["Reason"]
        assert world.gateway.changes() == []
        created(world, Path="a/b")

    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            (
                "orders/a/{x}",
                "A sibling ({id}) of this resource already has a variable path part -- only one is allowed",
            ),
            ("a b", "Resource's path part only allow"),
        ],
    )
    def test_of_api_gateway_are_quoted_and_leave_nothing(self, world: World, path: str, expected: str) -> None:
        kept = created(world, Path="orders/a/{id}")
        answered = sent(world, "Create", {**BASE, "Path": path})
        assert f"Path {path} cannot be created: {expected}" in answered["Reason"]
        assert left(world) == []
        assert world.made()[TYPE] == {kept}

    def test_an_api_that_has_its_maximum_of_resources_is_reported(self, world: World) -> None:
        world.gateway.max_resources = 3
        answered = sent(world, "Create", {**BASE, "Path": "a/b"})
        assert "Path a/b cannot be created: Maximum number of Resources" in answered["Reason"]
        assert left(world) == []

    def test_a_function_outside_the_permissions_is_reported_with_the_parameter(self, world: World) -> None:
        world.aws_lambda.denied.add("counter")
        answered = sent(world, "Create", BASE)
        assert "IntegrationRequest.FunctionArn is outside the provider's permissions" in answered["Reason"]
        assert "FunctionNamePrefix" in answered["Reason"]
        deleted(world, answered["PhysicalResourceId"])
        assert world.made()[TYPE] == set()

    @pytest.mark.parametrize("arn", [f"{ARN}gone", f"{ARN}counter:gone"])
    def test_a_function_that_does_not_exist_is_reported(self, world: World, arn: str) -> None:
        answered = sent(world, "Create", {**BASE, "IntegrationRequest": {**CALL, "FunctionArn": arn}})
        assert "IntegrationRequest.FunctionArn does not exist" in answered["Reason"]
        assert world.made()[TYPE] == set()

    def test_of_an_update_concern_what_is_newly_wrong(self, world: World) -> None:
        id = created(world)
        assert updated(world, id, {"Former": "x"}, {"Former": "x", "ApiKeyRequired": True})["Status"] == "SUCCESS"
        assert "Former is not a property" in updated(world, id, {}, {"Former": "x"})["Reason"]

    def test_do_not_concern_a_rollback(self, world: World) -> None:
        id = created(world)
        world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        assert updated(world, id, {"ApiKeyRequired": True}, {"Former": "x", "ApiKeyRequired": "perhaps"})["Status"] == (
            "SUCCESS"
        )


class TestOwnership:
    @pytest.mark.parametrize(
        ("where", "key"), [({"Path": "orders", "Method": "POST"}, "POST /orders"), ({"Path": ""}, "GET /")]
    )
    def test_a_method_that_is_not_owned_fails_the_create_and_no_delete_touches_it(
        self, world: World, where: dict[str, str], key: str
    ) -> None:
        answered = sent(world, "Create", {**BASE, **where, "StageName": "live"})
        assert f"{key} of API {SHOP} already exists and does not belong to Function" in answered["Reason"]
        for id in (answered["PhysicalResourceId"], "shop-dev-Function-1A2B3C4D", f"{SHOP}/{ORDERS}/POST"):
            deleted(world, id, **where, StageName="live")
        assert world.gateway.apis == native()
        assert world.gateway.changes() == []

    def test_that_of_another_resource_of_the_stack_is_not_owned(self, world: World) -> None:
        kept = created(world, StageName="live")
        world.stack.logical_id = "Other"
        answered = sent(world, "Create", {**BASE, "StageName": "live"})
        assert "GET /{name}" in answered["Reason"]
        for id in (answered["PhysicalResourceId"], kept):
            deleted(world, id, StageName="live")
        assert world.made()[TYPE] == {kept}

    def test_one_that_the_stack_retained_earlier_is_not_claimed_and_not_deleted(self, world: World) -> None:
        kept = created(world, StageName="dev")
        answered = sent(world, "Create", {**BASE, "StageName": "dev"})
        assert "an earlier Function of this stack was retained" in answered["Reason"]
        for id in (answered["PhysicalResourceId"], "made-up"):
            deleted(world, id, StageName="dev")
        assert world.made()[TYPE] == {kept}
        assert ("/{name}", "GET") in shop(world).serves("dev")

    def test_one_that_somebody_put_in_place_of_the_owned_one_is_neither_changed_nor_deleted(self, world: World) -> None:
        id = created(world)
        theirs = {"httpMethod": "GET", "authorizationType": "NONE", "operationName": "theirs"}
        shop(world).at("/{name}").methods["GET"] = dict(theirs)
        answered = updated(world, id, {}, {"ApiKeyRequired": True})
        assert "GET /{name}" in answered["Reason"]
        deleted(world, id)
        assert shop(world).at("/{name}").methods["GET"] == theirs

    def test_one_that_somebody_puts_a_moment_earlier_is_left_alone(self, world: World) -> None:
        theirs = {"httpMethod": "GET", "authorizationType": "NONE"}

        def be_quicker(operation: str, params: dict[str, Any]) -> None:
            if operation == "PutMethod":
                shop(world).resources[params["resourceId"]].methods["GET"] = dict(theirs)

        world.gateway.before = be_quicker
        answered = sent(world, "Create", {**BASE, "Path": "orders"})
        assert "GET /orders" in answered["Reason"]
        deleted(world, answered["PhysicalResourceId"], Path="orders")
        assert shop(world).at("/orders").methods["GET"] == theirs


class TestTheSameEventTwice:
    @pytest.mark.parametrize("stage", ["", "live", "dev"])
    def test_a_create_gives_one_method_and_one_answer(self, world: World, stage: str) -> None:
        event = world.stack.event("Create", {**BASE, "StageName": stage}, resource_type=TYPE)
        assert world.stack.send(event) == world.stack.send(event)
        assert len(world.made()[TYPE]) == 1

    def test_a_create_whose_last_call_took_effect_without_an_answer_succeeds(self, world: World) -> None:
        def lose(operation: str, params: dict[str, Any]) -> None:
            if operation == "UpdateMethod":
                raise Fault("ServiceException", "lost", 500)

        world.gateway.after = lose
        id = created(world)
        assert world.made()[TYPE] == {id}

    @pytest.mark.parametrize(
        "change", [{"ApiKeyRequired": True}, {"IntegrationRequest": MOCK}, {"Path": "other/{name}"}]
    )
    def test_an_update_gives_one_answer(self, world: World, change: dict[str, Any]) -> None:
        world.gateway.deployment_seconds = 0
        id = created(world, StageName="live")
        properties, old = {**BASE, "StageName": "live", **change}, {**BASE, "StageName": "live"}
        event = world.stack.event("Update", properties, resource_type=TYPE, physical_id=id, old=old)
        assert world.stack.send(event) == world.stack.send(event)
        assert world.gateway.operations().count("CreateDeployment") == 2

    def test_a_delete_succeeds_both_times(self, world: World) -> None:
        id = created(world, StageName="live")
        deleted(world, id, StageName="live")
        before = world.gateway.changes()
        deleted(world, id, StageName="live")
        assert world.gateway.changes() == before
