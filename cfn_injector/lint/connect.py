"""What ``cfn-injector transform`` would refuse, by its own code: ``Connect``, and names in ``Metadata.CfnInjector``.

Takes a template, returns findings. The transform names a place by its way through the template: ``Function.Metadata``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cfn_injector.errors import PropertiesError, PropertyError
from cfn_injector.lint.templates import NATIVE, SAM, Finding
from cfn_injector.transform import settings
from cfn_injector.transform.connect import connect_edits
from cfn_injector.transform.edits import Path
from cfn_injector.transform.functions import functions


def _place(template: Mapping[str, Any], name: str) -> Path:
    """The path of what ``name`` says, as far as it is there."""
    top: Path = () if name.startswith(f"{settings.METADATA[0]}.") else ("Resources",)
    value, path = template.get("Resources") if top else template, top
    for part in name.partition(" ")[0].split("."):
        if not isinstance(value, Mapping) or part not in value:
            break
        value, path = value[part], (*path, part)
    return path


def _finding(template: Mapping[str, Any], problem: PropertyError) -> Finding:
    return Finding(_place(template, problem.name), str(problem), problem.name)


def findings(template: Mapping[str, Any]) -> Iterator[Finding]:
    """A finding for each connection that cannot be made."""
    try:
        connect_edits(template)
    except PropertiesError as error:
        yield from (_finding(template, problem) for problem in error.problems)


def names(template: Mapping[str, Any]) -> Iterator[Finding]:
    """A finding for each name in the metadata that the transform does not know."""
    found = [function for function in functions(template) if function.type in (NATIVE, SAM)]
    yield from (_finding(template, problem) for problem in settings.problems(template, found))
