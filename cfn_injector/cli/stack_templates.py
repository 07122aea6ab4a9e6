"""The template of a stack as plain data: takes GetTemplate's answer, returns its resources, and what refers to what.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_GetTemplate.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cfn_injector.cli.template_text import parsed
from cfn_injector.transform import attribute_of


def resources_in(body: Any, stack: str) -> Mapping[str, Any]:
    """The resources by logical ID; ``body`` is ``TemplateBody``, which botocore parses if it is JSON."""
    template = parsed(body, f"the template of {stack}").data if isinstance(body, str) else body
    found: Mapping[str, Any] = template["Resources"]
    return found


def attributes(value: Any) -> Iterator[str]:
    """The logical IDs of the resources whose attributes a value contains."""
    if source := attribute_of(value):
        yield source
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for each in parts:
        yield from attributes(each)
