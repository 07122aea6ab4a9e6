"""The resources and functions of a template: takes a template, returns where each one is and what it says.

``AWS::LanguageExtensions`` allows ``Fn::ForEach::NAME: [identifier, collection, {logical ID: resource}]`` among the
resources. What such a loop makes is found too; its logical IDs contain ``${identifier}``.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-foreach-example-resource.html

``Globals`` are merged as SAM merges them: a function's own values win, maps are merged, and lists are joined.
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cfn_injector.transform.edits import Path

NATIVE = "AWS::Lambda::Function"
SAM = "AWS::Serverless::Function"
OURS = "Custom::LambdaFunction"
TYPES = frozenset({NATIVE, SAM, OURS})

_LOOP = "Fn::ForEach::"
_REPLACED = frozenset({"Architectures"})
"""The lists that SAM does not join."""


class Resource(NamedTuple):
    """A resource, and the map that it is in: ``("Resources",)``, or the way to the body of a loop."""

    scope: Path
    logical_id: str
    body: Mapping[str, Any]

    @property
    def path(self) -> Path:
        return (*self.scope, self.logical_id)

    @property
    def type(self) -> str:
        return str(self.body.get("Type", ""))

    @property
    def is_repeated(self) -> bool:
        """Whether a loop makes several resources of it."""
        return len(self.scope) > 1


class Function(NamedTuple):
    """A function. ``properties`` are its own, merged with those of ``Globals``."""

    resource: Resource
    properties: Mapping[str, Any]

    @property
    def logical_id(self) -> str:
        return self.resource.logical_id

    @property
    def path(self) -> Path:
        return self.resource.path

    @property
    def type(self) -> str:
        return self.resource.type


def mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is a map, else an empty map."""
    return value if isinstance(value, Mapping) else {}


def is_intrinsic(value: Any) -> bool:
    """Whether CloudFormation replaces the value while it deploys."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return False
    (name,) = value
    return str(name).startswith("Fn::") or name in ("Ref", "Condition")


def resources(template: Mapping[str, Any]) -> Iterator[Resource]:
    """Every resource, those in loops included, in the order of the template."""
    yield from _below(("Resources",), mapping(template.get("Resources")))


def _below(scope: Path, members: Mapping[str, Any]) -> Iterator[Resource]:
    for name, body in members.items():
        if str(name).startswith(_LOOP) and isinstance(body, list):
            for index, item in enumerate(body):
                if index > 1:
                    yield from _below((*scope, name, index), mapping(item))
        elif isinstance(body, Mapping):
            yield Resource(scope, name, body)


def functions(template: Mapping[str, Any]) -> Iterator[Function]:
    """Every function of the types in ``TYPES``."""
    for resource in resources(template):
        if resource.type in TYPES:
            yield Function(resource, _merged(general(template, resource), mapping(resource.body.get("Properties"))))


def general(template: Mapping[str, Any], resource: Resource) -> Mapping[str, Any]:
    """The properties that a function gets from ``Globals``: SAM's alone, without those in ``IgnoreGlobals``."""
    ignored = resource.body.get("IgnoreGlobals")
    if resource.type != SAM or ignored == "*":
        return {}
    stated = mapping(mapping(template.get("Globals")).get("Function"))
    return {name: value for name, value in stated.items() if not isinstance(ignored, list) or name not in ignored}


def _merged(shared: Any, own: Any, name: str = "") -> Any:
    if isinstance(shared, list) and isinstance(own, list) and name not in _REPLACED:
        return [*shared, *own]
    if isinstance(shared, Mapping) and isinstance(own, Mapping) and not is_intrinsic(shared) and not is_intrinsic(own):
        both = {key: _merged(shared[key], own[key], key) for key in shared.keys() & own.keys()}
        return {**shared, **own, **both}
    return own
