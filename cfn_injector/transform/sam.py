"""What SAM makes of a function beside the function: takes a template, returns its resources and those that SAM adds.

The added ones have the logical IDs that SAM gives them, so that a template can refer to them before its translation:
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources-function.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cfn_injector.transform.dependencies import references

FUNCTION = "AWS::Serverless::Function"
_CHANGED_SOURCES = {"S3": "Bucket", "Cognito": "UserPool"}
"""Events for which SAM changes the source, so that it names the function -> the property that refers to the source."""


def stated_resources(template: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The resources that the template states, without loops (``Fn::ForEach``)."""
    stated = template.get("Resources")
    found = stated.items() if isinstance(stated, Mapping) else ()
    return {name: resource for name, resource in found if isinstance(resource, Mapping) and "Type" in resource}


def properties_of(template: Mapping[str, Any], logical_id: str) -> Mapping[str, Any]:
    """The properties of a resource; of a function of SAM with ``Globals`` below them."""
    resource = stated_resources(template)[logical_id]
    own = resource.get("Properties") or {}
    if resource["Type"] != FUNCTION:
        return dict(own)
    common = ((template.get("Globals") or {}).get("Function")) or {}
    environment = {**_variables(common), **_variables(own)}
    return {**common, **own, **({"Environment": {"Variables": environment}} if environment else {})}


def _variables(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    environment = properties.get("Environment")
    variables = environment.get("Variables") if isinstance(environment, Mapping) else None
    return variables if isinstance(variables, Mapping) else {}


def all_resources(template: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The stated resources, with ``Globals``, and those that SAM adds for its functions."""
    stated = stated_resources(template)
    found: dict[str, Mapping[str, Any]] = {
        name: {**resource, "Properties": properties_of(template, name)} for name, resource in stated.items()
    }
    for name, resource in stated.items():
        if resource["Type"] == FUNCTION:
            condition = {"Condition": resource["Condition"]} if "Condition" in resource else {}
            for added, kind, properties in _added(name, found[name]["Properties"]):
                found.setdefault(added, {"Type": kind, "Properties": properties, **condition})
            for source in _sources(found[name]["Properties"]) & stated.keys():
                found[source] = {**found[source], "Notifies": [*found[source].get("Notifies", ()), {"Ref": name}]}
    return found


def _added(name: str, properties: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    if "Role" not in properties:
        yield f"{name}Role", "AWS::IAM::Role", {}
    alias = properties.get("AutoPublishAlias")
    if isinstance(alias, str):
        yield f"{name}Alias{alias}", "AWS::Lambda::Alias", {"FunctionName": {"Ref": name}}
    if "FunctionUrlConfig" in properties:
        yield f"{name}Url", "AWS::Lambda::Url", {"TargetFunctionArn": {"Ref": name}}


def _sources(properties: Mapping[str, Any]) -> set[str]:
    """The resources that SAM changes so that they name the function."""
    events = properties.get("Events")
    found = set[str]()
    for event in events.values() if isinstance(events, Mapping) else ():
        source = _CHANGED_SOURCES.get(event.get("Type", "")) if isinstance(event, Mapping) else None
        if source:
            found |= references((event.get("Properties") or {}).get(source))
    return found
