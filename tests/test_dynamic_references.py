"""References to secrets that CloudFormation does not resolve in custom resources: who refuses them, and how."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cfn_injector.dynamic_references import contains_reference, problems
from tests.support import api_gateway_resources, event_source_mappings
from tests.support.attacks import picture
from tests.support.lambda_functions import BASE, CODE, FUNCTION, INJECTED, changed, created, updated
from tests.support.world import World

NAME = "prod/db-credentials"
SECRET = f"{{{{resolve:secretsmanager:{NAME}:SecretString:password}}}}"
SECURE = f"{{{{resolve:ssm-secure:{NAME}:1}}}}"
PLAIN = f"{{{{resolve:ssm:{NAME}}}}}"
NOT_RESOLVED = "which CloudFormation does not resolve in custom resources"


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        pytest.param(
            {"Env": {"DB_PASSWORD": SECRET}},
            f"Env.DB_PASSWORD contains a reference to Secrets Manager, {NOT_RESOLVED}; "
            "pass the value as a stack parameter with NoEcho, or let the function read it at run time",
            id="a whole secret",
        ),
        pytest.param(
            {"Env": {"KEY": SECURE}},
            f"Env.KEY contains a reference to a secure string of Parameter Store, {NOT_RESOLVED}; "
            "pass the value as a stack parameter with NoEcho, or let the function read it at run time",
            id="a secure string",
        ),
        pytest.param(
            {"Env": {"HOST": PLAIN}},
            "Env.HOST contains a reference to Parameter Store, which CloudFormation did not resolve; "
            "correct it, or use a stack parameter of the type AWS::SSM::Parameter::Value<String>",
            id="a plain parameter",
        ),
        pytest.param({"Env": {"URL": f"postgres://app:{SECRET}@db/"}}, "Env.URL contains", id="within a longer text"),
        pytest.param(
            {"Env": {"JSON": json.dumps({"a": [SECRET]})}}, "Env.JSON contains", id="within what Fn::ToJsonString made"
        ),
        pytest.param({"Env": {"A": {"b": ["x", {"c": SECRET}]}}}, "Env.A.b[1].c contains", id="at any depth"),
        pytest.param({"Env": SECRET}, "Env contains", id="in place of the map"),
        pytest.param({"Env": {SECRET: "x"}}, "Env.*** has in its name a reference to Secrets", id="as a name"),
        pytest.param({SECRET: {"A": "x"}}, "*** has in its name a reference to Secrets", id="as a property"),
        pytest.param({"Environment": {"Variables": {"A": SECRET}}}, "Environment.Variables.A contains", id="outside"),
        pytest.param({"Code": {"S3Key": SECRET}}, "Code.S3Key contains", id="in a property of another kind"),
        pytest.param({"Tags": [{"Key": "a", "Value": SECRET}]}, "Tags[0].Value contains", id="in a list"),
    ],
)
def test_a_reference_is_refused_by_the_path_of_its_property_and_not_quoted(
    properties: dict[str, Any], told: str
) -> None:
    (problem,) = problems(properties)
    assert str(problem).startswith(told)
    assert NAME not in str(problem)


def test_every_reference_is_told_in_the_order_of_the_template() -> None:
    properties = {"Env": {"A": SECRET, "B": "fine", SECURE: PLAIN}, "Tags": [SECRET, {"b": SECURE}]}
    told = [problem.name for problem in problems(properties)]
    assert told == ["Env.A", "Env.***", "Env.***", "Tags[0]", "Tags[1].b"]


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:secretsmanager:eu-central-1:111122223333:secret:db-a1b2c3",
        "resolve:ssm:db",
        "{{ssm:db}}",
        "{{resolve:s3:db}}",
        "{{resolve}}",
        "",
    ],
)
def test_other_texts_are_not_references(text: str) -> None:
    assert not contains_reference(text)
    assert list(problems({"Env": {"A": text, "B": 1, "C": True, "D": None}})) == []


def test_properties_of_any_depth_are_searched() -> None:
    value: Any = SECRET
    for _ in range(5000):
        value = [value]
    (problem,) = problems({"Env": value})
    assert problem.name.startswith("Env[0][0]")


REFUSED = [
    pytest.param(FUNCTION, changed(BASE, Env={"A": {"b": SECRET}}), "Env.A.b", id="a structure in Env"),
    pytest.param(
        FUNCTION, changed(BASE, Environment={"Variables": {"A": SECRET}}), "Environment.Variables.A", id="outside Env"
    ),
    pytest.param(FUNCTION, changed(BASE, Description=SECRET), "Description", id="another property"),
    pytest.param(CODE, changed(INJECTED, EnvFile=SECRET), "EnvFile", id="code"),
    pytest.param(CODE, changed(INJECTED, EnvFrom=[{"SecretId": SECRET}]), "EnvFrom[0].SecretId", id="a source"),
    pytest.param(
        event_source_mappings.MAPPING,
        {**event_source_mappings.BASE, "SourceAccessConfigurations": [{"Type": "BASIC_AUTH", "URI": SECRET}]},
        "SourceAccessConfigurations[0].URI",
        id="a mapping",
    ),
    pytest.param(
        api_gateway_resources.TYPE,
        {**api_gateway_resources.BASE, "AuthorizerId": SECRET},
        "AuthorizerId",
        id="a method",
    ),
]


@pytest.mark.parametrize(("resource_type", "properties", "name"), REFUSED)
def test_every_resource_type_refuses_a_reference_before_anything_is_touched(
    world: World, resource_type: str, properties: dict[str, Any], name: str
) -> None:
    before = picture(world)
    answered = world.stack.send(world.stack.event("Create", properties, resource_type=resource_type))
    assert picture(world) == before
    assert answered["Status"] == "FAILED"
    assert f"{name} contains a reference to Secrets Manager, {NOT_RESOLVED}" in answered["Reason"]
    assert NAME not in json.dumps([answered, world.log])


WRONG = {"Environment": {"Variables": {"DB_PASSWORD": SECRET}}}


class TestAfterwards:
    def test_an_update_refuses_only_what_is_newly_wrong(self, world: World) -> None:
        name = created(world)
        assert updated(world, name, WRONG, {**WRONG, "MemorySize": 256})["Status"] == "SUCCESS"
        answered = updated(world, name, WRONG, {**WRONG, "Description": SECURE})
        assert answered["Status"] == "FAILED"
        assert "Description contains a reference to a secure string" in answered["Reason"]
        assert "DB_PASSWORD" not in answered["Reason"]

    def test_a_failed_update_is_rolled_back(self, world: World) -> None:
        name = created(world)
        assert updated(world, name, {}, WRONG)["Status"] == "FAILED"
        world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        assert updated(world, name, WRONG, {})["Status"] == "SUCCESS"

    def test_a_rollback_to_what_was_accepted_once_is_not_checked(self, world: World) -> None:
        name = created(world)
        world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        assert updated(world, name, {}, WRONG)["Status"] == "SUCCESS"

    def test_a_delete_checks_no_property(self, world: World) -> None:
        name = created(world)
        event = world.stack.event("Delete", {**BASE, **WRONG}, physical_id=name)
        assert world.stack.send(event)["Status"] == "SUCCESS"
        assert name not in world.aws_lambda.functions
