"""Dependencies between the resources of a template: takes plain data, returns references and ways along them.

A resource depends on another one that ``Ref``, ``Fn::GetAtt`` or ``Fn::Sub`` in it names, or its ``DependsOn``.
CloudFormation creates no resources that depend on each other in a circle.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Container, Iterator, Mapping
from typing import Any

Graph = Mapping[str, set[str]]
"""Logical ID -> the logical IDs of the resources that it depends on."""

_SUBSTITUTED = re.compile(r"\$\{([^!}][^}]*)\}")


def references(value: Any) -> set[str]:
    """The names that ``Ref``, ``Fn::GetAtt`` and ``Fn::Sub`` in ``value`` refer to, without their attributes."""
    return {name.split(".")[0] for name in _names(value)}


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _names(item)
    elif isinstance(value, Mapping):
        for name, argument in value.items():
            match name, argument:
                case "Ref" | "Fn::GetAtt", str():
                    yield argument
                case "Fn::GetAtt", [str(logical_id), *attribute]:
                    yield logical_id
                    yield from _names(attribute)
                case "Fn::Sub", str():
                    yield from _substituted(argument)
                case "Fn::Sub", [str(text), Mapping() as own]:
                    yield from _substituted(text) - own.keys()
                    yield from _names(dict(own))
                case _:
                    yield from _names(argument)


def _substituted(text: str) -> set[str]:
    return {name.strip() for name in _SUBSTITUTED.findall(text)}


def depends_on(resource: Mapping[str, Any]) -> list[str]:
    """``DependsOn`` as a list."""
    stated = resource.get("DependsOn", [])
    return [stated] if isinstance(stated, str) else list(stated)


def graph(resources: Mapping[str, Mapping[str, Any]]) -> dict[str, set[str]]:
    """What each of the resources depends on."""
    return {
        logical_id: (references(resource) | set(depends_on(resource))) & resources.keys()
        for logical_id, resource in resources.items()
    }


def way(edges: Graph, start: str, ends: Container[str]) -> list[str]:
    """A shortest way along the dependencies from ``start`` to one of ``ends``; empty if there is none."""
    ways = deque([[start]])
    seen = {start}
    while ways:
        found = ways.popleft()
        if found[-1] in ends:
            return found
        for following in sorted(edges.get(found[-1], set()) - seen):
            seen.add(following)
            ways.append([*found, following])
    return []
