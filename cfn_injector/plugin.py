"""The module that a package with resource types of its own imports; the built-in types use it too.

A resource type is a module with three functions, ``create(request, services) -> Outcome``, and ``update`` and
``delete`` likewise. ``SERVICES`` names the AWS services that it calls: the provider's zip carries botocore's models of
these and no others. A package offers it by an entry point of the group ``cfn_injector.resources``, whose name is what
follows ``Custom::``.

Takes a ``Request``, and ``Services``, the world. Returns an ``Outcome`` or raises any exception: the provider answers
once, before its time ends. The answer quotes an ``InjectorError`` and AWS's own errors; of others it names the kind.

CloudFormation may deliver an event twice. It may send a Delete for what was never created, whose ID begins with
``NOT_CREATED``, or for what may have been created without an answer, whose ID CloudFormation made up. So a type derives
names from the request (``name_of``), or finds what it created by its tags (``ownership_tags``, ``Operation.verdict``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from cfn_injector.aws.coerce import arguments, expect, limit_problems, template_tags, typed, without_empty
from cfn_injector.aws.holders import check_api, check_function, check_mapping, holds_itself
from cfn_injector.aws.operation import Operation, stated_tags
from cfn_injector.aws.partitions import dns_suffix
from cfn_injector.aws.waiting import Deadline, Pace, deadline_of, is_throttling
from cfn_injector.env_properties import flag
from cfn_injector.errors import (
    AlreadyAnsweredError,
    FunctionError,
    InjectorError,
    OutOfTimeError,
    OwnershipError,
    PropertiesError,
    PropertyError,
    RequestError,
    ResourceError,
    code_of,
    denies_passing_role,
    message_of,
)
from cfn_injector.protocol.messages import NOT_CREATED, Outcome, Request, Services, Stack
from cfn_injector.protocol.ownership import (
    ADOPTED,
    LOGICAL_ID,
    NOT_OWNED,
    PENDING,
    PREFIX,
    REPLACES,
    REQUEST_ID,
    SERVED,
    STACK_ID,
    Verdict,
    derived_names,
    is_derived,
    is_pending_for,
    ownership_tags,
    ownership_tags_in,
    short_hash,
    tag_problems,
    verdict,
)

__all__ = [
    "ADOPTED",
    "LOGICAL_ID",
    "NOT_CREATED",
    "NOT_OWNED",
    "PENDING",
    "PREFIX",
    "REPLACES",
    "REQUEST_ID",
    "SERVED",
    "STACK_ID",
    "AlreadyAnsweredError",
    "Deadline",
    "FunctionError",
    "InjectorError",
    "Operation",
    "OutOfTimeError",
    "Outcome",
    "OwnershipError",
    "Pace",
    "PropertiesError",
    "PropertyError",
    "Request",
    "RequestError",
    "ResourceError",
    "Services",
    "Stack",
    "Verdict",
    "arguments",
    "check_api",
    "check_function",
    "check_mapping",
    "code_of",
    "deadline_of",
    "denies_passing_role",
    "derived_names",
    "dns_suffix",
    "expect",
    "flag",
    "holds_itself",
    "input_of",
    "is_derived",
    "is_pending_for",
    "is_throttling",
    "limit_problems",
    "message_of",
    "name_of",
    "ownership_tags",
    "ownership_tags_in",
    "short_hash",
    "stated_tags",
    "tag_problems",
    "template_tags",
    "typed",
    "verdict",
    "without_empty",
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

    ``apart`` are properties of the type that are not arguments; ``given`` are arguments that the type sets itself.
    Raises PropertiesError, which names every property that the API does not know, whose value is of another type, that
    is required and missing, or that is both given and in the template.
    """
    shape = client.meta.service_model.operation_model(operation).input_shape
    given = given or {}
    stated = {name: value for name, value in properties.items() if name not in _CLOUDFORMATIONS.union(apart)}
    found = {**arguments(stated, shape), **given}
    problems = [value for value in found.values() if isinstance(value, PropertyError)]
    given_twice = sorted(given.keys() & stated)
    problems += [PropertyError(name, "is set by the provider", "remove it", code="CI238") for name in given_twice]
    missing = [name for name in shape.required_members if name not in found]
    problems += [PropertyError(name, "is missing", "add it", code="CI239") for name in missing]
    problems = problems or limit_problems(found, shape)
    if problems:
        raise PropertiesError(problems)
    return found


def name_of(request: Request, longest: int = 64) -> str:
    """A name for what this resource creates: the same for each of its events, and different from other resources'.

    It consists of the stack's name, the logical ID and a hash. If it has to be cut to ``longest``, the hash stays.
    """
    return next(derived_names(request))[-longest:].lstrip("-")
