"""What SAM makes of a function beside the function: takes a template, returns its resources and those that SAM adds.

The added ones have the logical IDs that SAM gives them, so that a template can refer to them before its translation:
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources-function.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cfn_injector.transform.dependencies import referred
from cfn_injector.transform.functions import SAM, functions, mapping, resources

_CHANGED_SOURCES = {"S3": "Bucket", "Cognito": "UserPool"}
"""Events for which SAM changes the source, so that it names the function -> the property that refers to the source."""


def all_resources(template: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The stated resources, functions with ``Globals``, and those that SAM adds for functions, by their logical IDs.

    What is in a loop has a name that no resource outside can have, with a blank: ``Fn${Name} in Fn::ForEach::Fns``.
    """
    merged = {each.path: each.properties for each in functions(template)}
    found: dict[str, Mapping[str, Any]] = {}
    for each in resources(template):
        name = f"{each.logical_id} in {each.scope[-2]}" if each.is_repeated else each.logical_id
        properties = merged.get(each.path, mapping(each.body.get("Properties")))
        found[name] = {**each.body, "Type": each.type, "Properties": properties}
    for name, resource in list(found.items()):
        if resource["Type"] == SAM:
            condition = {"Condition": resource["Condition"]} if "Condition" in resource else {}
            for added, kind, properties in _added(name, resource["Properties"]):
                found.setdefault(added, {"Type": kind, "Properties": properties, **condition})
            for source in _sources(resource["Properties"]) & found.keys():
                found[source] = {**found[source], "Notifies": [*found[source].get("Notifies", ()), {"Ref": name}]}
    return found


def is_repeated(name: str) -> bool:
    """Whether a name of ``all_resources`` is that of something in a loop."""
    return " in " in name


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
    found = set[str]()
    for event in map(mapping, mapping(properties.get("Events")).values()):
        source = _CHANGED_SOURCES.get(str(event.get("Type")))
        if source:
            found |= referred(mapping(event.get("Properties")).get(source))
    return found
