"""Refuses properties with a dynamic reference (``{{resolve:secretsmanager:...}}``) that CloudFormation did not resolve.

Takes the properties of any resource type. Returns a problem for each place with such a reference: in a value of any
depth, in a part of a longer text, or in a name. Messages contain the property's path and never the reference. A type
that resolves the references in the values of some maps names these maps in ``RESOLVES``.

In custom resources, CloudFormation does not resolve references to Secrets Manager or to secure strings, so the function
would get the text of the reference as its password. Plain parameters are resolved before the event is sent.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-ssm-secure-strings.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-ssm.html
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cfn_injector.env_properties import refuse
from cfn_injector.errors import PropertyError

if TYPE_CHECKING:  # the command line looks for references too, and starts faster without the protocol
    from cfn_injector.protocol.messages import Outcome, Request, Resource, Services

REFERENCE = re.compile(r"\{\{resolve:(secretsmanager|ssm-secure|ssm):")

_NOT_RESOLVED = "which CloudFormation does not resolve in custom resources"
_INSTEAD = "pass the value as a stack parameter with NoEcho, or let the function read it at run time"
_PROBLEMS = {
    "secretsmanager": (f"a reference to Secrets Manager, {_NOT_RESOLVED}", _INSTEAD, "CI211"),
    "ssm-secure": (f"a reference to a secure string of Parameter Store, {_NOT_RESOLVED}", _INSTEAD, "CI211"),
    "ssm": (
        "a reference to Parameter Store, which CloudFormation did not resolve",
        "correct it, or use a stack parameter of the type AWS::SSM::Parameter::Value<String>",
        "CI212",
    ),
}
_HIDDEN = "***"


def contains_reference(text: str) -> bool:
    """Whether CloudFormation resolves a part of this text in the resources of AWS."""
    return REFERENCE.search(text) is not None


def _problem(where: str, verb: str, text: str) -> Iterator[PropertyError]:
    found = REFERENCE.search(text)
    if found:
        problem, remedy, code = _PROBLEMS[found[1]]
        yield PropertyError(where, f"{verb} {problem}", remedy, code=code)


def _path(where: str, name: str) -> str:
    shown = _HIDDEN if contains_reference(name) else name
    return f"{where}.{shown}" if where else shown


def problems(properties: Mapping[str, Any]) -> Iterator[PropertyError]:
    """A problem for each unresolved reference, in the order of the template."""
    places: list[tuple[str, str, Any]] = [("", "", properties)]
    while places:
        where, name, value = places.pop()
        yield from _problem(where, "has in its name", name)
        if isinstance(value, Mapping):
            places += reversed([(_path(where, inner), inner, item) for inner, item in value.items()])
        elif isinstance(value, list):
            places += reversed([(f"{where}[{index}]", "", item) for index, item in enumerate(value)])
        elif isinstance(value, str):
            yield from _problem(where, "contains", value)


def unresolved(properties: Mapping[str, Any], resolves: Collection[str]) -> Iterator[PropertyError]:
    """The problems, without the references that the type resolves itself: texts right in these maps."""
    apart = {
        name: {inner: "" if isinstance(value, str) else value for inner, value in properties[name].items()}
        for name in resolves
        if isinstance(properties.get(name), Mapping)
    }
    return problems({**properties, **apart})


@dataclass(frozen=True)
class _Checked:
    """A resource type whose properties are checked first. ``resolves`` are the maps whose references it resolves."""

    inner: Resource
    resolves: Collection[str]

    def create(self, request: Request, services: Services) -> Outcome:
        refuse(unresolved(request.properties, self.resolves))
        return self.inner.create(request, services)

    def update(self, request: Request, services: Services) -> Outcome:
        """Only new problems are refused. A rollback returns to what was accepted once, so it is not checked."""
        if request.stack is None or not request.stack.rolling_back:
            found, accepted = (
                unresolved(properties, self.resolves) for properties in (request.properties, request.old_properties)
            )
            refuse(found, accepted)
        return self.inner.update(request, services)

    def delete(self, request: Request, services: Services) -> Outcome:
        return self.inner.delete(request, services)


def checked(resource: Resource) -> Resource:
    """The resource type with the check in front of ``create`` and ``update``."""
    return _Checked(resource, getattr(resource, "RESOLVES", ()))
