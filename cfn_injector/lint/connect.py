"""``Connect`` of functions: takes a template, returns what ``cfn-injector transform`` would refuse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cfn_injector.lint.properties import METADATA
from cfn_injector.lint.resource_types import CONNECT, TYPES
from cfn_injector.lint.templates import NATIVE, SAM, Finding, Resource, resources, served
from cfn_injector.lint.values import is_intrinsic
from cfn_injector.transform.edits import Path

_CONNECTING = tuple(name for name, each in TYPES.items() if each.connects)


def _stated(template: Mapping[str, Any]) -> Iterator[tuple[Resource, Any, Path]]:
    """Each ``Connect``, with its resource and its place."""
    own = list(served(template, *_CONNECTING))
    for resource in own:
        if resource.stated(CONNECT) is not None:
            yield resource, resource.stated(CONNECT), (*resource.properties_path, CONNECT)
    for resource in (*own, *resources(template, NATIVE, SAM)):
        metadata = resource.body.get("Metadata")
        settings = metadata.get(METADATA) if isinstance(metadata, Mapping) else None
        if isinstance(settings, Mapping) and CONNECT in settings:
            yield resource, settings[CONNECT], (*resource.path, "Metadata", METADATA, CONNECT)


def findings(template: Mapping[str, Any]) -> Iterator[Finding]:
    """A finding for each connection that cannot be made."""
    there = template.get("Resources") or {}
    for _, stated, path in _stated(template):
        if not isinstance(stated, Mapping):
            yield Finding(path, f"{CONNECT} is not a map; use a map of logical IDs to Read or Write")
            continue
        for logical_id in stated if not is_intrinsic(stated) else ():
            if logical_id not in there:
                yield Finding((*path, logical_id), f"{CONNECT}.{logical_id} is not a resource of the template")
