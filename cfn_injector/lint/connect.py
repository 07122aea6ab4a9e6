"""What ``cfn-injector transform`` would refuse, by its own code: ``Connect``, and names in ``Metadata.CfnInjector``.

Takes a template, returns findings. The transform names a place by its way through the template: ``Function.Metadata``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cfn_injector.errors import PropertyError
from cfn_injector.lint.templates import Finding
from cfn_injector.transform import METADATA, Path, connect_problems, metadata_problems


def _place(template: Mapping[str, Any], name: str) -> Path:
    """The path of what ``name`` says, as far as it is there."""
    top: Path = () if name.startswith(f"{METADATA[0]}.") else ("Resources",)
    value, path = template.get("Resources") if top else template, top
    for part in name.partition(" ")[0].split("."):
        if not isinstance(value, Mapping) or part not in value:
            break
        value, path = value[part], (*path, part)
    return path


def _finding(template: Mapping[str, Any], problem: PropertyError) -> Finding:
    return Finding(_place(template, problem.name), problem.full_message, problem.name)


def findings(template: Mapping[str, Any]) -> Iterator[Finding]:
    """A finding for each connection that cannot be made."""
    yield from (_finding(template, problem) for problem in connect_problems(template))


def names(template: Mapping[str, Any]) -> Iterator[Finding]:
    """A finding for each name in the metadata that the transform does not know."""
    yield from (_finding(template, problem) for problem in metadata_problems(template))
