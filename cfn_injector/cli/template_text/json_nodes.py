"""Finds the values of a JSON text: takes text that is known to be valid, returns the root's node."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from cfn_injector.cli.template_text.nodes import Entry, Kind, Node

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"\ufeff]+')


def _mapping(start: int, tokens: Iterator[re.Match[str]]) -> Node:
    entries: list[Entry] = []
    for token in tokens:
        if token[0] == "}":
            data = {entry.key: entry.node.data for entry in entries}
            return Node(Kind.MAPPING, start, token.end(), data, data, is_flow=True, entries=entries)
        if token[0] != ",":
            colon = next(tokens).end()
            entries.append(Entry(json.loads(token[0]), token.start(), colon, _node(next(tokens), tokens)))
    raise AssertionError("the text is not valid JSON")


def _sequence(start: int, tokens: Iterator[re.Match[str]]) -> Node:
    entries: list[Entry] = []
    for token in tokens:
        if token[0] == "]":
            data = [entry.node.data for entry in entries]
            return Node(Kind.SEQUENCE, start, token.end(), data, data, is_flow=True, entries=entries)
        if token[0] != ",":
            entries.append(Entry(len(entries), token.start(), token.start(), _node(token, tokens)))
    raise AssertionError("the text is not valid JSON")


def _node(token: re.Match[str], tokens: Iterator[re.Match[str]]) -> Node:
    if token[0] == "{":
        return _mapping(token.start(), tokens)
    if token[0] == "[":
        return _sequence(token.start(), tokens)
    value = json.loads(token[0])
    return Node(Kind.SCALAR, token.start(), token.end(), value, value, is_flow=True)


def json_node(text: str) -> Node:
    """The node of the whole text."""
    tokens = _TOKEN.finditer(text)
    return _node(next(tokens), tokens)
