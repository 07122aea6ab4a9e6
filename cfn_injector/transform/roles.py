"""The role of a function: takes all resources of a template, returns the role's logical ID, or why there is none.

A policy on a role counts for everything that has the role. So ``sharers`` names what else has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cfn_injector.errors import PropertyError
from cfn_injector.transform.dependencies import referred
from cfn_injector.transform.functions import SAM

ROLE = "AWS::IAM::Role"
_POLICIES = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy")
_ENDINGS = ("Role", "Roles", "RoleArn")
"""Properties whose names end so say which role something has."""


def role_of(resources: Mapping[str, Mapping[str, Any]], function: str) -> str:
    """The logical ID of the function's role. Raises PropertyError if the template has no such role."""
    resource = resources[function]
    where = f"{function}.Properties.Role"
    stated = resource["Properties"].get("Role")
    if stated is None:
        if resource["Type"] == SAM:
            return f"{function}Role"
        raise PropertyError(
            where, "is missing", "Connect needs a role in this template, to which it adds a policy", code="CI631"
        )
    found = sorted(referred(stated))
    if _is_reference(stated) and len(found) == 1 and resources.get(found[0], {}).get("Type") == ROLE:
        return found[0]
    raise PropertyError(
        where,
        "is not a role of this template",
        "refer to an AWS::IAM::Role with Fn::GetAtt, because Connect adds a policy to it; or leave Connect out, and"
        " write the variables into Env and the policy where the role is",
        code="CI631",
    )


def _is_reference(value: Any) -> bool:
    return isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in ("Fn::GetAtt", "Fn::Sub")


def sharers(resources: Mapping[str, Mapping[str, Any]], role: str) -> set[str]:
    """The logical IDs of everything that has the role."""
    found = {
        name
        for name, resource in resources.items()
        if resource["Type"] not in _POLICIES and any(role in referred(each) for each in _roles(resource))
    }
    return found | {name for name, each in resources.items() if each["Type"] == SAM and _own(each, name) == role}


def _own(resource: Mapping[str, Any], name: str) -> str | None:
    return None if "Role" in resource["Properties"] else f"{name}Role"


def _roles(value: Any) -> Iterator[Any]:
    """Each value in ``value`` whose name says that it is a role."""
    if isinstance(value, list):
        for item in value:
            yield from _roles(item)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if isinstance(name, str) and name.endswith(_ENDINGS):
                yield {name: item}
            else:
                yield from _roles(item)
