"""The template of a stack as plain data: takes GetTemplate's answer, returns its resources.

JSON comes parsed from botocore. YAML has short forms of CloudFormation's functions, which become the long ones.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_GetTemplate.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cfn_injector.cli.tools import cli_extra

_OWN_NAMES = ("Ref", "Condition")
"""Functions whose long form has no ``Fn::``."""


def _parsed(text: str) -> Any:
    with cli_extra():
        import yaml

    class Loader(yaml.SafeLoader):
        """YAML's own types, and the short forms of functions."""

    def function(loader: Loader, name: str, node: yaml.Node) -> dict[str, Any]:
        if isinstance(node, yaml.MappingNode):
            value: Any = loader.construct_mapping(node, deep=True)
        elif isinstance(node, yaml.SequenceNode):
            value = loader.construct_sequence(node, deep=True)
        else:
            value = node.value
        return {name if name in _OWN_NAMES else f"Fn::{name}": value}

    Loader.add_multi_constructor("!", function)
    return yaml.load(text, Loader)


def resources_in(body: Any) -> Mapping[str, Any]:
    """The resources by logical ID; ``body`` is ``TemplateBody``."""
    template = _parsed(body) if isinstance(body, str) else body
    found: Mapping[str, Any] = template["Resources"]
    return found


def attributes(value: Any) -> Iterator[str]:
    """The logical IDs of the resources whose attributes a value contains."""
    if isinstance(value, Mapping):
        source = value.get("Fn::GetAtt")
        if source:
            yield source.partition(".")[0] if isinstance(source, str) else source[0]
        for each in value.values():
            yield from attributes(each)
    elif isinstance(value, list):
        for each in value:
            yield from attributes(each)
