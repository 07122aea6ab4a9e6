"""Templates as the reference reads them: takes a file's name, returns its data, its statements and their comments.

A statement of a policy is explained by the comment directly above it. Lines of the comment that are URLs are sources.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from cfn_injector.cli.template_files import template_path
from cfn_injector.cli.template_text import Document, parsed
from cfn_injector.cli.template_text.nodes import Node

_REMOVED = {"Ref": "AWS::NoValue"}


class Statement(NamedTuple):
    """A statement of the policy of a resource.

    ``conditions`` are those of the template, each with whether it has to hold.
    """

    resource: str
    data: Mapping[str, Any]
    reason: str
    sources: tuple[str, ...]
    conditions: tuple[tuple[str, bool], ...]


@cache
def document(name: str) -> Document:
    return parsed(template_path(name).read_text("utf-8"), name)


def statements(name: str) -> Iterator[Statement]:
    """Each statement of each policy in the template."""
    template = document(name)
    for resource in template.root.members()["Resources"].node.entries:
        stated = resource.node.data.get("Condition")
        conditions = ((stated, True),) if stated else ()
        for policy in _policies(resource.node):
            for entry in policy.entries:
                yield from _chosen(template.text, str(resource.key), entry.node, conditions)


def _policies(node: Node) -> Iterator[Node]:
    """Each list of statements below the node."""
    for entry in node.entries:
        if entry.key == "Statement":
            yield entry.node
        else:
            yield from _policies(entry.node)


def _chosen(text: str, resource: str, node: Node, conditions: tuple[tuple[str, bool], ...]) -> Iterator[Statement]:
    """The statement, or those of both branches of ``Fn::If``."""
    if node.data == _REMOVED:
        return
    if node.tag == "!If":
        condition, *branches = (entry.node for entry in node.entries)
        for branch, holds in zip(branches, (True, False), strict=True):
            yield from _chosen(text, resource, branch, (*conditions, (condition.data, holds)))
    else:
        lines = list(_comment(text, node.start))
        sources = tuple(line for line in lines if line.startswith("https://"))
        reason = " ".join(line for line in lines if line not in sources)
        yield Statement(resource, node.data, reason, sources, conditions)


def _comment(text: str, start: int) -> Iterator[str]:
    """The lines of the comment directly above the line of the offset."""
    above = text[: text.rfind("\n", 0, start)].splitlines()
    found = []
    while above and above[-1].lstrip().startswith("#"):
        found.append(above.pop().lstrip("# "))
    return reversed(found)


def expression(value: Any) -> str:
    """A value in the notation of ``Fn::Sub``. Of ``Fn::If``, the last branch is shown."""
    match value:
        case {"Ref": name}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"${{{name}.{attribute}}}"
        case {"Fn::If": [_, _, other]}:
            return expression(other)
        case {"Fn::Sub": [text, further]}:
            for name, given in further.items():
                text = text.replace(f"${{{name}}}", expression(given))
            return str(text)
        case {"Fn::Sub": text}:
            return str(text)
        case {"Fn::Join": [delimiter, parts]}:
            return str(delimiter).join(expressions(parts))
        case _:
            return str(value)


def expressions(value: Any) -> list[str]:
    """One value, or each of several."""
    match value:
        case {"Fn::Split": [delimiter, text]}:
            return expression(text).split(delimiter)
        case list():
            return [expression(item) for item in value]
        case _:
            return [expression(value)]


def condition(name: str, key: str, holds: bool) -> str:
    """A condition of the template in words: which parameters have to be what."""
    value = document(name).data["Conditions"][key]
    while "Fn::Not" in value:
        (value,), holds = value["Fn::Not"], not holds
    left, right = value["Fn::Equals"]
    expected = "empty" if right == "" else f"`{right}`"
    return f"{' or '.join(f'`{each}`' for each in _references(left))} is {'' if holds else 'not '}{expected}"


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping) and "Ref" in value:
        yield value["Ref"]
    for inner in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _references(inner)
