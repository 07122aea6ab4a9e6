"""Methods of a REST API from their creation to their deletion, asked over http, with the real provider."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from cfn_injector.local.stacks import StackError
from tests.e2e.account import SERVICE, Account, Stacks

# Answers with the name of its function, what it was asked for, and by which way.
CODE = """
import json

def handler(event, context):
    seen = {"function": context.function_name, "path": event["path"], "parameters": event["pathParameters"]}
    return {"statusCode": 200, "body": json.dumps(seen)}
"""
MOCK: dict[str, Any] = {
    "IntegrationRequest": {"Type": "MOCK", "RequestTemplates": {"application/json": '{"statusCode": 200}'}},
    "MethodResponses": [{"StatusCode": 200}],
    "IntegrationResponses": [{"StatusCode": 200, "ResponseTemplates": {"application/json": "mocked"}}],
}
TREE: dict[str, Any] = {"/": {}}


@pytest.fixture
def api(account: Account) -> Iterator[str]:
    """A REST API that does not belong to a stack."""
    gateway = account.client("apigateway")
    id: str = gateway.create_rest_api(name="e2e")["id"]
    yield id
    gateway.delete_rest_api(restApiId=id)


def method(api: Any, function: str = "Function", **properties: Any) -> dict[str, Any]:
    call = {"Type": "Lambda", "FunctionArn": {"Fn::GetAtt": [function, "Arn"]}}
    base = {"RestApiId": api, "Method": "GET", "StageName": "dev", "IntegrationRequest": call}
    return {"Type": "Custom::APIGatewayResource", "Properties": {**SERVICE, **base, **properties}}


def function(account: Account) -> dict[str, Any]:
    return account.function(Code={"ZipFile": CODE})


def asked(account: Account, api: str, path: str, verb: str = "GET") -> tuple[int, str]:
    """Status and body of the answer."""
    request = urllib.request.Request(account.emulator.api_url(api, "dev") + path, method=verb)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def tree(account: Account, api: str) -> dict[str, dict[str, Any]]:
    """The verbs by their paths."""
    found = account.client("apigateway").get_resources(restApiId=api, embed=["methods"])["items"]
    return {each["path"]: each.get("resourceMethods", {}) for each in found}


def tags(account: Account, api: str) -> dict[str, str]:
    arn = f"arn:aws:apigateway:us-east-1::/restapis/{api}"
    found: dict[str, str] = account.client("apigateway").get_tags(resourceArn=arn)["tags"]
    return found


def may_call(account: Account, function: str) -> list[str]:
    policy = account.client("lambda").get_policy(FunctionName=function)["Policy"]
    return [each["Condition"]["ArnLike"]["AWS:SourceArn"] for each in json.loads(policy)["Statement"]]


def test_a_method_answers_by_its_function_and_goes_with_all_that_was_made_for_it(
    account: Account, stacks: Stacks, api: str
) -> None:
    names = ("RestApiId", "ResourceId", "ParentId", "Path", "Method", "Url", "DeploymentId")
    stack = stacks.create(
        "e2e-method",
        {"Function": function(account), "Lines": method(api, Path="/orders/{id}/lines")},
        Id={"Ref": "Lines"},
        Function={"Ref": "Function"},
        **{name: {"Fn::GetAtt": ["Lines", name]} for name in names},
    )

    status, body = asked(account, api, "/orders/7/lines")
    name = stack.outputs["Function"]
    assert (status, json.loads(body)) == (
        200,
        {"function": name, "path": "/orders/7/lines", "parameters": {"id": "7"}},
    )
    assert stack.outputs["Id"] == f"{api}/{stack.outputs['ResourceId']}/GET"
    assert stack.outputs["Path"] == "/orders/{id}/lines"
    assert stack.outputs["Url"] == f"https://{api}.execute-api.us-east-1.amazonaws.com/dev/orders/{{id}}/lines"
    assert may_call(account, name) == [f"arn:aws:execute-api:us-east-1:111122223333:{api}/*/GET/orders/*/lines"]
    assert len(tags(account, api)) == 3

    stacks.delete("e2e-method")
    gateway = account.client("apigateway")
    assert tree(account, api) == TREE
    assert tags(account, api) == {}
    assert gateway.get_stages(restApiId=api)["item"] == []
    assert gateway.get_deployments(restApiId=api)["items"] == []


def test_methods_of_one_stack_share_what_is_on_the_way_and_leave_it_to_each_other(
    account: Account, stacks: Stacks, api: str
) -> None:
    both = {
        "Function": function(account),
        "Get": method(api, Path="orders/{id}"),
        "Put": method(api, Path="orders/{id}", Method="PUT", **MOCK),
        "Lines": method(api, Path="orders/{id}/lines"),
    }
    stacks.create("e2e-shared", both)
    assert asked(account, api, "/orders/7", "PUT") == (200, "mocked")
    assert {path: set(verbs) for path, verbs in tree(account, api).items()} == {
        "/": set(),
        "/orders": set(),
        "/orders/{id}": {"GET", "PUT"},
        "/orders/{id}/lines": {"GET"},
    }

    stacks.update("e2e-shared", {name: both[name] for name in ("Function", "Put")})
    assert asked(account, api, "/orders/7", "PUT") == (200, "mocked")
    assert asked(account, api, "/orders/7")[0] == 403
    assert set(tree(account, api)) == {"/", "/orders", "/orders/{id}"}

    stacks.delete("e2e-shared")
    assert tree(account, api) == TREE


def test_a_method_is_changed_in_place_and_replaced_by_another_path(account: Account, stacks: Stacks, api: str) -> None:
    functions = {"Function": function(account), "Other": function(account)}
    outputs = {"Id": {"Ref": "Get"}, "Function": {"Ref": "Function"}, "Other": {"Ref": "Other"}}
    first = stacks.create("e2e-changed", {**functions, "Get": method(api, Path="{name}")}, **outputs)
    assert json.loads(asked(account, api, "/a")[1])["function"] == first.outputs["Function"]

    second = stacks.update("e2e-changed", {**functions, "Get": method(api, "Other", Path="{name}")}, **outputs)
    assert second.outputs["Id"] == first.outputs["Id"]
    assert json.loads(asked(account, api, "/a")[1])["function"] == first.outputs["Other"]
    assert may_call(account, first.outputs["Function"]) == []

    third = stacks.update("e2e-changed", {**functions, "Get": method(api, "Other", Path="names/{name}")}, **outputs)
    assert third.outputs["Id"] != first.outputs["Id"]
    assert asked(account, api, "/names/a")[0] == 200
    assert set(tree(account, api)) == {"/", "/names", "/names/{name}"}
    assert len(may_call(account, first.outputs["Other"])) == 1


def test_an_update_that_fails_at_a_later_resource_leaves_the_method_as_it_was(
    account: Account, stacks: Stacks, api: str
) -> None:
    functions = {"Function": function(account), "Other": function(account)}
    stack = stacks.create(
        "e2e-back", {**functions, "Get": method(api, Path="{name}")}, Id={"Ref": "Get"}, Function={"Ref": "Function"}
    )
    late = method(api, Path="late", IntegrationRequest={"Type": "Lambda", "FunctionArn": "none"})
    for change in ({"Path": "{name}"}, {"Path": "other/{name}"}):
        changed = {"Get": method(api, "Other", **change), "Late": {**late, "DependsOn": "Get"}}
        with pytest.raises(StackError, match="FunctionArn is not the ARN of a function") as failed:
            stacks.update("e2e-back", {**functions, **changed})
        assert failed.value.status == "UPDATE_ROLLBACK_COMPLETE"
        assert json.loads(asked(account, api, "/a")[1])["function"] == stack.outputs["Function"]
        assert set(tree(account, api)) == {"/", "/{name}"}
        assert len(may_call(account, stack.outputs["Function"])) == 1


def test_a_method_of_somebody_else_is_not_changed(account: Account, stacks: Stacks, api: str) -> None:
    gateway = account.client("apigateway")
    (root,) = (each["id"] for each in gateway.get_resources(restApiId=api)["items"])
    gateway.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    before = tree(account, api)

    with pytest.raises(StackError, match=r"GET / of API .* already exists and does not belong to Get"):
        stacks.create("e2e-theirs", {"Get": method(api, Path="/", **MOCK)})
    stacks.delete("e2e-theirs")

    assert tree(account, api) == before
