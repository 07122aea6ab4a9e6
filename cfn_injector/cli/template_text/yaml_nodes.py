"""Finds the values of a YAML text: takes text, returns the root's node and the nodes that aliases refer to.

It builds nodes from PyYAML's events. PyYAML's own nodes do not say where an alias stands.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from cfn_injector.cli.template_text.nodes import Entry, Kind, Node, Position, long_form, position

_CORE = "tag:yaml.org,2002:"
_TYPES = ("bool", "float", "int", "null", "str", "timestamp")
_COLON = re.compile(r"\s*:")
_KEEPS_LINE_BREAKS = re.compile(r"[^\n]*[|>]\d?\+")


class YamlError(Exception):
    """The text is not a YAML document that CloudFormation reads."""

    def __init__(self, problem: str, where: Position) -> None:
        super().__init__(problem)
        self.problem, self.position = problem, where


class _Builder:
    """Reads one document. ``anchors`` are the nodes with an anchor so far, ``aliased`` the starts of those in use."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.loader: Any = yaml.SafeLoader(text)
        self.anchors: dict[str, Node] = {}
        self.aliased: set[int] = set()

    def refuse(self, problem: str, start: int) -> YamlError:
        return YamlError(problem, position(self.text, start))

    def node(self) -> Node:
        event = self.loader.get_event()
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if isinstance(event, yaml.ScalarEvent):
            made = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            made = self._sequence(event)
        else:
            made = self._mapping(event)
        if event.anchor:
            self.anchors[event.anchor] = made
        return made

    def _alias(self, event: Any) -> Node:
        start, end = event.start_mark.index, event.end_mark.index
        if event.anchor not in self.anchors:
            raise self.refuse(f"the alias *{event.anchor} has no anchor before it", start)
        target = self.anchors[event.anchor]
        self.aliased.add(target.start)
        return Node(Kind.ALIAS, start, end, target.data, target.content, anchor=event.anchor)

    def _tag(self, event: Any, kinds: tuple[str, ...]) -> str | None:
        """The short form of a function, or None if the tag is YAML's own."""
        tag: str | None = event.tag
        if tag is None or tag == "!" or tag.removeprefix(_CORE) in kinds:
            return None
        if not tag.startswith("!"):
            name = tag.replace(_CORE, "!!")
            raise self.refuse(f"CloudFormation does not support the tag {name} here", event.start_mark.index)
        return tag

    def _meaning(self, tag: str | None, content: Any) -> Any:
        if not tag:
            return content
        if tag == "!GetAtt" and isinstance(content, str):
            content = content.split(".", 1)
        return {long_form(tag): content}

    def _value(self, event: Any) -> Any:
        """The value of a scalar without a short form."""
        loader = self.loader
        tag = event.tag if event.tag not in (None, "!") else None
        if tag is None:
            tag = loader.resolve(yaml.ScalarNode, event.value, event.implicit)
        kind = tag.removeprefix(_CORE)
        if kind not in ("bool", "float", "int", "null"):
            return event.value
        try:
            return loader.construct_object(yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark))
        except ValueError as error:
            raise self.refuse(f"{event.value} is not of the type {kind}", event.start_mark.index) from error

    def _scalar(self, event: Any) -> Node:
        tag = self._tag(event, _TYPES)
        content = event.value if tag else self._value(event)
        start, end = event.start_mark.index, event.end_mark.index
        if event.style in ("|", ">") and not _KEEPS_LINE_BREAKS.match(self.text, start, end):
            end = start + len(self.text[start:end].rstrip(" \r\n"))
        return Node(Kind.SCALAR, start, end, self._meaning(tag, content), content, tag, event.anchor)

    def _sequence(self, event: Any) -> Node:
        tag = self._tag(event, ("seq",))
        entries: list[Entry] = []
        while not self.loader.check_event(yaml.SequenceEndEvent):
            node = self.node()
            entries.append(Entry(len(entries), node.start, node.start, node))
        content = [entry.node.data for entry in entries]
        return self._collection(Kind.SEQUENCE, event, tag, content, entries)

    def _mapping(self, event: Any) -> Node:
        tag = self._tag(event, ("map",))
        entries: list[Entry] = []
        merged: dict[str, Any] = {}
        while not self.loader.check_event(yaml.MappingEndEvent):
            key: Any = self.loader.get_event()
            start, end = key.start_mark.index, key.end_mark.index
            if not isinstance(key, yaml.ScalarEvent):
                raise self.refuse("a key has to be text", start)
            behind = _COLON.match(self.text, end)
            colon = behind.end() if behind else end
            node = self.node()
            is_merge = key.value == "<<" and key.style is None
            if is_merge:
                merged = {**self._merged(node), **merged}
            entries.append(Entry(None if is_merge else key.value, start, colon, node))
        own = {entry.key: entry.node.data for entry in entries if entry.key is not None}
        return self._collection(Kind.MAPPING, event, tag, {**merged, **own}, entries)

    def _merged(self, node: Node) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for source in reversed(node.data if isinstance(node.data, list) else [node.data]):
            if not isinstance(source, dict):
                raise self.refuse("<< merges mappings only", node.start)
            merged.update(source)
        return merged

    def _collection(self, kind: Kind, event: Any, tag: str | None, content: Any, entries: list[Entry]) -> Node:
        last = self.loader.get_event()
        end = last.end_mark.index
        if not event.flow_style:
            end = entries[-1].node.end if entries else event.end_mark.index
        data = self._meaning(tag, content)
        start = event.start_mark.index
        return Node(kind, start, end, data, content, tag, event.anchor, bool(event.flow_style), entries)


def yaml_node(text: str) -> tuple[Node, frozenset[int]]:
    """The node of the only document of the text, and the starts of the nodes that aliases refer to.

    Raises YamlError.
    """
    try:
        builder = _Builder(text)
        loader = builder.loader
        loader.get_event()  # of the stream
        if not loader.check_event(yaml.DocumentStartEvent):
            raise YamlError("the file is empty", Position(1, 1))
        loader.get_event()
        root = builder.node()
        loader.get_event()
        if not loader.check_event(yaml.StreamEndEvent):
            raise builder.refuse("a second document begins", loader.peek_event().start_mark.index)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)
        raise YamlError(error.problem or "it is not valid YAML", where) from error
    except yaml.reader.ReaderError as error:
        raise YamlError(
            f"the character #x{error.character:04x} is not allowed", position(text, error.position)
        ) from error
    return root, frozenset(builder.aliased)
