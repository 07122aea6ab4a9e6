"""A parsed template: what each node of its text means, and where it stands.

Offsets count characters of the text. A node begins with its tag or anchor, if it has one, and ends before the line
break and the comment behind it. Only a block scalar that keeps its line breaks (``|+``) ends after them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from cfn_injector.transform import Path


class Kind(Enum):
    """What a node is in the text."""

    SCALAR = "scalar"
    MAPPING = "mapping"
    SEQUENCE = "sequence"
    ALIAS = "alias"


@dataclass(frozen=True)
class Node:
    """A value in the text.

    ``data`` is what it means, with CloudFormation's functions in their long form. ``content`` is the same without the
    function that the short form ``tag`` (such as ``!If``) names. ``entries`` are the members of a mapping or the items
    of a sequence.
    """

    kind: Kind
    start: int
    end: int
    data: Any
    content: Any
    tag: str | None = None
    anchor: str | None = None
    is_flow: bool = False
    entries: Sequence[Entry] = ()

    @property
    def function(self) -> str | None:
        """The long form of the tag."""
        return long_form(self.tag) if self.tag else None

    def members(self) -> dict[str, Entry]:
        """The entries of a mapping by their keys. Of a key that is there twice, the last entry counts."""
        return {entry.key: entry for entry in self.entries if isinstance(entry.key, str)}


class Entry(NamedTuple):
    """A member of a mapping or an item of a sequence.

    ``start`` is where its key starts, or the item. ``colon`` is the offset behind the colon, or behind the key if there
    is none. ``key`` is None in a merge (``<<``).
    """

    key: str | int | None
    start: int
    colon: int
    node: Node


class Position(NamedTuple):
    """A place in a text; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Document:
    """A template. ``aliased`` are the starts of the nodes that an alias refers to."""

    text: str
    name: str
    root: Node
    is_json: bool
    aliased: frozenset[int] = frozenset()

    @property
    def data(self) -> dict[str, Any]:
        """The template as plain data, with CloudFormation's functions in their long form."""
        data: dict[str, Any] = self.root.data
        return data

    def position(self, path: Path) -> Position:
        """Where the key or the item that the path names stands, or the nearest that exists on its way."""
        node, start = self.root, self.root.start
        for step in path:
            if node.tag and step == node.function:
                continue
            entry = next((each for each in reversed(node.entries) if each.key == step), None)
            if entry is None:
                break
            node, start = entry.node, entry.start
        return position(self.text, start)

    def where(self, path: Path) -> str:
        """The file and the line of what the path names, for messages."""
        return f"{self.name}, line {self.position(path).line}"


def position(text: str, offset: int) -> Position:
    """The line and the column of an offset."""
    return Position(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def long_form(tag: str) -> str:
    """The name of the function that a short form stands for.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
    """
    name = tag.removeprefix("!")
    return name if name in ("Ref", "Condition") else f"Fn::{name}"


def is_same(one: Any, other: Any) -> bool:
    """Whether two values of templates are the same, where 1, 1.0 and true are different values."""
    return one is other or fingerprint(one) == fingerprint(other)


def fingerprint(value: Any) -> str:
    """A text that only the same values have. The order of members does not count."""
    return json.dumps(value, sort_keys=True)
