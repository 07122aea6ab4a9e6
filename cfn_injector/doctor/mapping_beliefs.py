"""Beliefs about event source mappings and aliases, for which the provider's own policy and template matter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cfn_injector.doctor import functions, stacks
from cfn_injector.doctor.base import RUNTIME, base, provider
from cfn_injector.doctor.beliefs import Answer, compare, judge, unknown
from cfn_injector.doctor.session import Session
from cfn_injector.doctor.stacks import explain

_REFUSED = "outside the provider's permissions"


def _function(role: str, name: str, description: str = "") -> dict[str, Any]:
    properties = {"Runtime": RUNTIME, "Handler": "index.handler", "Role": role, "Description": description}
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {"FunctionName": name, **properties, "Code": {"ZipFile": functions.PLAIN}},
    }


def _mapping(token: str, function: Any, size: int) -> dict[str, Any]:
    return {
        "Type": "Custom::EventSourceMapping",
        "Properties": {
            "ServiceToken": token,
            "ServiceTimeout": 300,
            "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
            "FunctionName": function,
            "BatchSize": size,
        },
    }


def _stack(**resources: Any) -> dict[str, Any]:
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}


def _version(logical: str = "Function") -> dict[str, Any]:
    return {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": logical}}}


def _alias(version: str) -> dict[str, Any]:
    properties = {
        "Name": "live",
        "FunctionName": {"Ref": "Function"},
        "FunctionVersion": {"Fn::GetAtt": [version, "Version"]},
    }
    return {"Type": "AWS::Lambda::Alias", "Properties": properties}


def check_aliases(session: Session) -> Iterator[Answer]:
    shared, token = base(session), provider(session).token
    name = f"{session.name}-aliased"

    def template(size: int) -> dict[str, Any]:
        return _stack(
            Queue={"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name, "VisibilityTimeout": 60}},
            Function=_function(shared.role, name),
            Version=_version(),
            Alias=_alias("Version"),
            Mapping=_mapping(token, {"Ref": "Alias"}, size),
        )

    stack = stacks.create(session, "aliased", template(5))
    yield compare("a mapping for an alias is created", "CREATE_COMPLETE", explain(stack))
    if stack.status != "CREATE_COMPLETE":
        return
    updated = stacks.update(session, stack, template(6))
    yield compare("it is updated", "UPDATE_COMPLETE", explain(updated))
    found = session.client("lambda").list_event_source_mappings(FunctionName=f"{name}:live")["EventSourceMappings"]
    sizes = ", ".join(str(each["BatchSize"]) for each in found) or "no mapping"
    yield compare("the alias has it", "6", sizes)
    yield compare("it is deleted", "DELETE_COMPLETE", explain(stacks.delete(session, stack)))


def check_conditions(session: Session) -> Iterator[Answer]:
    shared, token = base(session), provider(session).token
    name = f"outside-{session.name}"
    template = _stack(
        Queue={"Type": "AWS::SQS::Queue", "Properties": {"QueueName": f"{session.name}-outside"}},
        Function=_function(shared.role, name),
        Mapping=_mapping(token, {"Ref": "Function"}, 5),
    )
    stack = stacks.create(session, "outside", template)
    question, expected = "a mapping for a function outside the prefix", "refused by the provider's role"
    if stack.status == "CREATE_COMPLETE":
        yield judge(question, expected, "created", right=False)
    elif _REFUSED in explain(stack):
        yield judge(question, expected, "refused", right=True)
    else:
        yield unknown(question, expected, explain(stack))


def check_shifts(session: Session) -> Iterator[Answer]:
    shared = base(session)
    name = f"{session.name}-shifted"
    shift = {"ApplicationName": "none", "DeploymentGroupName": "none"}

    def template(number: int) -> dict[str, Any]:
        policy = {"CodeDeployLambdaAliasUpdate": {"Fn::If": ["Shifts", shift, {"Ref": "AWS::NoValue"}]}}
        resources = _stack(
            Function=_function(shared.role, name, f"number {number}"),
            **{f"Version{number}": _version()},
            Alias={**_alias(f"Version{number}"), "UpdatePolicy": policy},
        )
        return {**resources, "Conditions": {"Shifts": {"Fn::Equals": ["yes", "no"]}}}

    stack = stacks.create(session, "shifted", template(1))
    yield compare("an alias with such an UpdatePolicy is created", "CREATE_COMPLETE", explain(stack))
    if stack.status != "CREATE_COMPLETE":
        return
    yield compare("it is updated", "UPDATE_COMPLETE", explain(stacks.update(session, stack, template(2))))
    alias = session.client("lambda").get_alias(FunctionName=name, Name="live")
    yield compare("it names the new version", "2", alias["FunctionVersion"])
