"""One entry of ``Connect``: takes a logical ID, what the template states for it and all resources; returns it checked.

What is stated is an access (``Read``), accesses (``[Read, Write]``), or a map with ``Access``, ``Prefix`` and
``KeyGranted``. Raises PropertyError, which names the entry.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cfn_injector.errors import PropertyError
from cfn_injector.transform.connector import ACCESS, WRITE, Connector, filled
from cfn_injector.transform.connectors import CONNECTORS

Resources = Mapping[str, Mapping[str, Any]]

MEMBERS: Mapping[str, tuple[str, str]] = {
    "Access": ("String or list", "`Read`, `Write`, or both as a list. Leave it out for a resource with variables only"),
    "Prefix": (
        "String",
        "the beginning of the variables' names. Default: the logical ID in capital letters, with underscores between "
        "its words",
    ),
    "KeyGranted": (
        "Boolean",
        "`true`: a policy of your own allows the function's role to use the KMS key of the resource",
    ),
}
"""The members of an entry: type and meaning."""
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Connection(NamedTuple):
    """What a function may do with the resource ``target``, and how the names of its variables begin."""

    target: str
    properties: Mapping[str, Any]
    connector: Connector
    access: tuple[str, ...]
    prefix: str

    def variables(self) -> dict[str, Any]:
        """Name -> value in the long form."""
        return {
            f"{self.prefix}_{variable.suffix}": filled(variable.value, self.target, self.properties)
            for variable in self.connector.variables
            if variable.when(self.properties)
        }

    def statements(self) -> Iterator[dict[str, Any]]:
        """The statements of a policy."""
        for access in self.access:
            given = [each for each in self.connector.access[access] if each.when(self.properties)]
            for number, statement in enumerate(given, 1):
                found = {
                    "Sid": f"{self.target}{access}{number if number > 1 else ''}",
                    "Effect": "Allow",
                    "Action": list(statement.actions),
                    "Resource": [filled(each, self.target, self.properties) for each in statement.resources],
                }
                yield found if statement.condition is None else {**found, "Condition": dict(statement.condition)}


def default_prefix(logical_id: str) -> str:
    """``JobQueue`` -> ``JOB_QUEUE``."""
    return _WORDS.sub("_", logical_id).upper()


def connection(where: str, target: str, stated: Any, resources: Resources, condition: str | None) -> Connection:
    """The entry ``target`` of a ``Connect`` that exists if ``condition`` holds."""
    if target not in resources:
        similar = difflib.get_close_matches(target, resources, 1)
        remedy = f"use the logical ID of a resource{f', such as {similar[0]}' if similar else ''}"
        raise PropertyError(where, "is not a resource of this template", remedy, code="CI621")
    resource = resources[target]
    kind = resource["Type"]
    if kind not in CONNECTORS:
        raise PropertyError(where, f"is of type {kind}, which Connect does not know", _known_types(kind), code="CI622")
    entry = stated if isinstance(stated, Mapping) else {"Access": stated}
    for member in entry.keys() - MEMBERS.keys():
        raise PropertyError(
            f"{where}.{member}", "is not a member of Connect", f"use {', '.join(MEMBERS)}", code="CI623"
        )
    prefix = entry.get("Prefix", default_prefix(target))
    if not isinstance(prefix, str):
        raise PropertyError(
            f"{where}.Prefix", "is not text", "use the beginning of variable names, such as JOBS", code="CI624"
        )
    access = _access(where, kind, entry.get("Access"))
    _check_condition(where, resource.get("Condition"), condition)
    if access and str(entry.get("KeyGranted")).lower() != "true":
        _check_key(where, access, resource["Properties"], CONNECTORS[kind])
    return Connection(target, resource["Properties"], CONNECTORS[kind], access, prefix)


def _known_types(kind: str) -> str:
    service = kind.rpartition("::")[0]
    known = [each for each in CONNECTORS if each.startswith(f"{service}::")] or list(CONNECTORS)
    return f"write Env and the policy yourself; the types are {', '.join(known)}"


def _access(where: str, kind: str, stated: Any) -> tuple[str, ...]:
    offered = [each for each in ACCESS if each in CONNECTORS[kind].access]
    wanted = stated if isinstance(stated, list) else [] if stated is None else [stated]
    if not offered and wanted:
        raise PropertyError(where, f"asks for access, and {kind} gives variables only", "use {}", code="CI625")
    choice = f"use {' or '.join(offered)}{', or both as a list' if len(offered) > 1 else ''}"
    if offered and not wanted:
        raise PropertyError(where, "does not say which access", choice, code="CI625")
    for each in wanted:
        if each not in offered:
            raise PropertyError(where, f"has an access that {kind} does not offer", choice, code="CI625")
    return tuple(each for each in offered if each in wanted)


def _check_condition(where: str, target: str | None, function: str | None) -> None:
    """A function that exists without the target would refer to nothing."""
    if target is not None and target != function:
        raise PropertyError(
            where,
            f"exists only if {target} holds, and the function does not depend on that",
            "give the function the same Condition, or write Env and the policy yourself, with Fn::If",
            code="CI626",
        )


def _check_key(where: str, access: tuple[str, ...], properties: Mapping[str, Any], connector: Connector) -> None:
    for path in connector.keys:
        if any(map(_is_customers_key, _below(properties, path))):
            actions = "kms:GenerateDataKey and kms:Decrypt" if WRITE in access else "kms:Decrypt"
            raise PropertyError(
                where,
                f"is encrypted with a KMS key of your own ({'.'.join(path)}), for which Connect gives no permission",
                f"allow the role {actions} on that key, and add KeyGranted: true",
                code="CI627",
            )


def _is_customers_key(key: Any) -> bool:
    aws_managed = isinstance(key, str) and "alias/aws/" in key
    return bool(key) and not aws_managed and key != {"Ref": "AWS::NoValue"}


def _below(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """Every value at ``path``, which goes into each item of a list."""
    if isinstance(value, list):
        for item in value:
            yield from _below(item, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _below(value[path[0]], path[1:])
