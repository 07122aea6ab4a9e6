"""Finds things in a template: takes a template or a part of it, returns resources and their places.

A template is what cfn-lint reads: intrinsic functions in their long forms, and SAM's functions with ``Globals``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cfn_injector.lint.resource_types import TYPES
from cfn_injector.transform import Path, references

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
