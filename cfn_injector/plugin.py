"""What a resource type builds on: the one module that a package with types of its own imports.

A resource type is a module with three functions, ``create(request, services) -> Outcome``, ``update`` and ``delete``
likewise. ``SERVICES`` names the AWS services that it calls: the provider's zip carries their models and no others. A
package offers it by an entry point of the group ``cfn_injector.resources``, whose name is what follows ``Custom::``.

In: a ``Request``, and ``Services``, the world. Out: an ``Outcome``, or any exception: the provider answers once,
whatever is raised, before its time ends, and tells the user an ``InjectorError`` or AWS's own error in its own words.

CloudFormation may deliver an event twice, and a Delete for what was never made, whose id begins with ``NOT_CREATED``,
or for what may have been made although nobody heard of it, whose id CloudFormation made up.
So a type derives names from the request (``name_of``) or finds what it made by its tags (``marks``, ``is_ours``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from cfn_injector.aws import stacks
from cfn_injector.aws.coerce import arguments, expect, limit_problems, template_tags, typed
from cfn_injector.aws.stacks import Stack, has_given_up
from cfn_injector.aws.waiting import Patience, patience
from cfn_injector.env_properties import flag
from cfn_injector.errors import (
    AlreadyAnsweredError,
    InjectorError,
    OutOfTimeError,
    OwnershipError,
    PropertiesError,
    PropertyError,
    RequestError,
    ResourceError,
    code_of,
    message_of,
)
from cfn_injector.protocol.messages import CLEANING_SECONDS, NOT_CREATED, Outcome, Request, Services
from cfn_injector.protocol.ownership import PENDING, REQUEST, derived_names, is_ours, is_overtaken, marks, marks_in

__all__ = [
    "CLEANING_SECONDS",
    "NOT_CREATED",
    "PENDING",
    "REQUEST",
    "AlreadyAnsweredError",
    "InjectorError",
    "OutOfTimeError",
    "Outcome",
    "OwnershipError",
    "Patience",
    "PropertiesError",
    "PropertyError",
    "Request",
    "RequestError",
    "ResourceError",
    "Services",
    "Stack",
    "arguments",
    "code_of",
    "expect",
    "flag",
    "has_given_up",
    "input_of",
    "is_ours",
    "is_overtaken",
    "limit_problems",
    "marks",
    "marks_in",
    "message_of",
    "name_of",
    "patience",
    "stack_of",
    "template_tags",
    "typed",
]

_CLOUDFORMATIONS = frozenset({"ServiceToken", "ServiceTimeout"})


def input_of(
    client: Any,
    operation: str,
    properties: Mapping[str, Any],
    *,
    apart: Collection[str] = (),
    given: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The properties as typed arguments of an operation of the client's API (``"PutItem"``).

    ``apart`` are properties of the type that are no arguments; ``given`` are arguments that the type sets itself.
    Raises PropertiesError with all that the API does not know, that has no value of its kind, that it requires and the
    template lacks, or that is given and stands in the template too.
    """
    shape = client.meta.service_model.operation_model(operation).input_shape
    given = given or {}
    stated = {name: value for name, value in properties.items() if name not in _CLOUDFORMATIONS.union(apart)}
    found = {**arguments(stated, shape), **given}
    problems = [value for value in found.values() if isinstance(value, PropertyError)]
    problems += [PropertyError(name, "is set by the provider", "remove it") for name in sorted(given.keys() & stated)]
    missing = [name for name in shape.required_members if name not in found]
    problems += [PropertyError(name, "is missing", "add it") for name in missing]
    problems = problems or limit_problems(found, shape)
    if problems:
        raise PropertiesError(problems)
    return found


def name_of(request: Request, longest: int = 64) -> str:
    """A name for what this resource makes: the same for every event of its, no other resource's.

    It holds the stack's name, the logical id and a hash, of which a shorter one keeps the hash.
    """
    return next(derived_names(request))[-longest:].lstrip("-")


def stack_of(request: Request, services: Services) -> Stack:
    """What CloudFormation says of the request's stack: its tags, and whether it is rolled back."""
    return stacks.describe(services.client("cloudformation"), request.stack_id)
