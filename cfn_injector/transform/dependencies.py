"""Dependencies between the resources of a template: takes plain data, returns references and ways along them.

A resource depends on another one that ``Ref``, ``Fn::GetAtt`` or ``Fn::Sub`` in it names, or its ``DependsOn``.
CloudFormation creates no resources that depend on each other in a circle.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Mapping
from typing import Any

from cfn_injector.transform.references import references

Graph = Mapping[str, set[str]]
"""Logical ID -> the logical IDs of the resources that it depends on."""


def referred(value: Any) -> set[str]:
    """The logical IDs that references in ``value`` name."""
    return {reference.logical_id for reference in references(value)}


def depends_on(resource: Mapping[str, Any]) -> list[str]:
    """``DependsOn`` as a list."""
    stated = resource.get("DependsOn", [])
    return [stated] if isinstance(stated, str) else list(stated)


def graph(resources: Mapping[str, Mapping[str, Any]]) -> dict[str, set[str]]:
    """What each of the resources depends on."""
    return {
        logical_id: (referred(resource) | set(depends_on(resource))) & resources.keys()
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
