"""Finds things in a template: takes a template or a part of it, returns resources, references, and their places.

A template is what cfn-lint reads: intrinsic functions in their long forms, and SAM's functions with ``Globals``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cfn_injector.lint.resource_types import TYPES
from cfn_injector.transform import Path

NATIVE, SAM = "AWS::Lambda::Function", "AWS::Serverless::Function"

_NAMED = re.compile(r"\$\{([^!${}][^${}]*)\}")
_SERVING = ("AWS::Lambda::", "AWS::Serverless::", "AWS::SNS::")


class Finding(NamedTuple):
    """What is wrong at a place of the template. ``name`` is that of the property, as in the provider's errors."""

    path: Path
    message: str
    name: str = ""


class Resource(NamedTuple):
    """A resource of the template; ``path`` leads to it."""

    logical_id: str
    type: str
    body: Mapping[str, Any]

    @property
    def path(self) -> Path:
        return ("Resources", self.logical_id)

    @property
    def properties(self) -> Any:
        return self.body.get("Properties", {})

    @property
    def properties_path(self) -> Path:
        """The path of the properties, or of the resource if it has none."""
        return (*self.path, "Properties") if "Properties" in self.body else self.path

    def stated(self, name: str) -> Any:
        """A property, or None."""
        return self.properties.get(name) if isinstance(self.properties, Mapping) else None


class Reference(NamedTuple):
    """A resource or a parameter that an intrinsic function at ``path`` names; ``attribute`` is empty for ``Ref``."""

    logical_id: str
    attribute: str
    path: Path


def resources(template: Mapping[str, Any], *types: str) -> Iterator[Resource]:
    """The resources of these types, or all resources."""
    stated = template.get("Resources")
    for logical_id, body in stated.items() if isinstance(stated, Mapping) else ():
        if isinstance(body, Mapping) and (not types or body.get("Type") in types):
            yield Resource(logical_id, str(body.get("Type")), body)


def served(template: Mapping[str, Any], *types: str) -> Iterator[Resource]:
    """The resources of these types that the provider serves, and not a function of the same template."""
    own = {each.logical_id for each in resources(template) if each.type.startswith(_SERVING)}
    for resource in resources(template, *types or TYPES):
        token = resource.stated("ServiceToken")
        if not any(reference.logical_id in own for reference in references(token, ())):
            yield resource


def references(value: Any, path: Path) -> Iterator[Reference]:
    """What the intrinsic functions in a value name. ``path`` is that of the value."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from references(item, (*path, index))
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _READERS[name](item, (*path, name)) if name in _READERS else ()
            yield from references(item, (*path, name))


def _ref(value: Any, path: Path) -> Iterator[Reference]:
    if isinstance(value, str):
        yield Reference(value, "", path)


def _get_att(value: Any, path: Path) -> Iterator[Reference]:
    parts = value.split(".", 1) if isinstance(value, str) else value
    if isinstance(parts, list) and len(parts) == 2 and all(isinstance(part, str) for part in parts):
        yield Reference(parts[0], parts[1], path)


def _sub(value: Any, path: Path) -> Iterator[Reference]:
    text, own = value if isinstance(value, list) and len(value) == 2 else (value, {})
    for name in _NAMED.findall(text) if isinstance(text, str) else ():
        if name not in (own if isinstance(own, Mapping) else {}):
            logical_id, _, attribute = name.strip().partition(".")
            yield Reference(logical_id, attribute, path)


_READERS = {"Ref": _ref, "Fn::GetAtt": _get_att, "Fn::Sub": _sub}
