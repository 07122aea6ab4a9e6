"""What ``Connect`` knows of one type of resource: the shape of the table in ``connectors``, and its conditions.

A value is in the long form of CloudFormation's functions. ``TARGET`` in it stands for the logical ID of the resource
that a function is connected to, and ``Copied`` for one of its properties. ``filled`` puts them in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

TARGET = "<target>"
READ, WRITE = "Read", "Write"
ACCESS = (READ, WRITE)

Properties = Mapping[str, Any]
Condition = Callable[[Properties], bool]
"""Whether a resource with these properties has something. Its documentation is the text in docs/connect.md."""


def always(_: Properties) -> bool:
    """Always."""
    return True


def has_stream(properties: Properties) -> bool:
    """With `StreamSpecification`."""
    return "StreamSpecification" in properties


def manages_password(properties: Properties) -> bool:
    """With `ManageMasterUserPassword: true`."""
    return str(properties.get("ManageMasterUserPassword")).lower() == "true"


def names_database(properties: Properties) -> bool:
    """With `DBName`."""
    return "DBName" in properties


def names_cluster_database(properties: Properties) -> bool:
    """With `DatabaseName`."""
    return "DatabaseName" in properties


def is_memcached(properties: Properties) -> bool:
    """With `Engine: memcached`."""
    return properties.get("Engine") == "memcached"


def is_not_memcached(properties: Properties) -> bool:
    """With another `Engine`."""
    return not is_memcached(properties)


def has_cluster_mode(properties: Properties) -> bool:
    """In cluster mode."""
    groups = str(properties.get("NumNodeGroups", 1))
    return (
        properties.get("ClusterMode") == "enabled"
        or (groups.isdecimal() and int(groups) > 1)
        or str(properties.get("CacheParameterGroupName")).endswith(".cluster.on")
    )


def has_no_cluster_mode(properties: Properties) -> bool:
    """Without cluster mode."""
    return not has_cluster_mode(properties)


class Variable(NamedTuple):
    """A variable ``<prefix>_<suffix>``, if the target's properties meet ``when``."""

    suffix: str
    value: Any
    when: Condition = always


class Statement(NamedTuple):
    """A statement that allows ``actions``, if the target's properties meet ``when``."""

    actions: tuple[str, ...]
    resources: tuple[Any, ...]
    when: Condition = always
    condition: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Connector:
    """One type: its variables, and the statements of ``Read`` and ``Write``. Without statements: variables only.

    ``keys`` are paths of properties that name the KMS key with which callers have to be allowed to work. A path goes
    into each item of a list.
    """

    variables: tuple[Variable, ...]
    access: Mapping[str, tuple[Statement, ...]] = field(default_factory=dict)
    keys: tuple[tuple[str, ...], ...] = ()


class Copied(NamedTuple):
    """A value that is a property of the target."""

    name: str


def filled(value: Any, logical_id: str, properties: Properties) -> Any:
    """A value of the table for one resource of a template."""
    if isinstance(value, str):
        return value.replace(TARGET, logical_id)
    if isinstance(value, Copied):
        return properties[value.name]
    if isinstance(value, Mapping):
        return {name: filled(item, logical_id, properties) for name, item in value.items()}
    if isinstance(value, list):
        return [filled(item, logical_id, properties) for item in value]
    return value
