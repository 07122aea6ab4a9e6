"""Random edits of templates.

In: a template and a source of randomness. Out: edits, and where each may change the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random
from typing import Any

from cfn_injector.cli.template_text import Document
from cfn_injector.cli.template_text.nodes import Entry, Kind, Node
from cfn_injector.transform import REMOVED, Edit, Path, at

VALUES: list[Any] = [
    "plain",
    "./src",
    "",
    "yes",
    "012",
    "1e3",
    "a: b #c",
    'it\'s "quoted" \\ back',
    "two\nlines\n",
    "snowman \u2603 \U0001f600 \x85",
    "- x",
    "2012-10-17",
    "AWS::Lambda::Function",
    True,
    None,
    7,
    1.5,
    1e16,
    {},
    [],
    {"Ref": "Bucket"},
    {"Fn::GetAtt": ["Code", "S3Key"]},
    {"Fn::Sub": "${A}-b"},
    {"Fn::Sub": ["${A}-b", {"A": {"Ref": "B"}}]},
    {"Fn::If": ["C", {"Ref": "AWS::NoValue"}, {"Key": ["v", {"Fn::ImportValue": {"Fn::Sub": "${A}"}}]}]},
    {"Fn::Join": [",", ["a", {"Ref": "B"}]]},
    {"S3Bucket": "bucket", "S3Key": "prefix/0123.zip"},
    {"Type": "Custom::LambdaCode", "Properties": {"Code": {"S3Bucket": {"Ref": "B"}}, "Env": {"A": 1, "B": "two"}}},
    ["a", ["b", []], {"C": {"D": None}}],
]


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of everything below a value."""
    members: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, each in members:
        yield (*path, step)
        yield from paths(each, (*path, step))


def random_edit(data: Any, random: Random) -> Edit:
    """Replaces or removes something of a template, or adds to a mapping or a list."""
    path = random.choice(list(paths(data)))
    kind = random.random()
    if kind < 0.2 and len(at(data, path[:-1])) > 1:
        return Edit(path, REMOVED)
    value = random.choice(VALUES)
    there = at(data, path)
    if isinstance(there, list) and kind < 0.8:
        return Edit((*path, len(there)), value)
    if (isinstance(there, dict) or there is None) and kind < 0.9:
        return Edit((*path, "Added"), value)
    if kind < 0.5:
        return Edit((*path[:1], "Added"), value) if isinstance(data[path[0]], dict) else Edit(("Added",), value)
    return Edit(path, value)


def _line_end(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return len(text) if end < 0 else end + 1


def _deepest(document: Document, path: Path) -> tuple[Node, Entry | None, int]:
    """The node that a path leads to, or the deepest on its way, and how many of its steps lead there."""
    above, found, done = document.root, None, 0
    node = document.root
    for step in path:
        if node.tag and node.entries and step == node.function:
            done += 1
            continue
        entry = next((each for each in reversed(node.entries) if each.key == step), None)
        if entry is None:
            break
        above, found, node, done = node, entry, entry.node, done + 1
    return above, found, done


def allowed_span(document: Document, edit: Edit) -> tuple[int, int]:
    """From where to where an edit may change the text."""
    text = document.text
    above, entry, done = _deepest(document, edit.path)
    node = entry.node if entry else document.root
    is_pair = node.kind is Kind.MAPPING and node.is_flow and text[node.end - 1] != "}"
    if done == len(edit.path) - 1 and node.entries and not (node.tag or is_pair):
        last = node.entries[-1].node.end
        return last, _line_end(text, last - 1)
    assert entry
    index = above.entries.index(entry)
    if edit.value is REMOVED:  # a key that is there twice goes twice
        index = next(number for number, each in enumerate(above.entries) if each.key == entry.key)
    is_below_dash = isinstance(entry.key, int) and text[: entry.start].rstrip().endswith("-")
    start = len(text[: entry.start].rstrip()) - 1 if is_below_dash else entry.start
    start = above.entries[index - 1].node.end if index else text.rfind("\n", 0, start) + 1
    following = above.entries[index + 1].start if index + 1 < len(above.entries) else 0
    return start, max(following, _line_end(text, entry.node.end))


def _stripped(document: Document, before: str) -> str:
    """The text before an edit if a block scalar ends the document without a line break: lines below need ``|-``."""
    node = document.root
    while node.entries:
        node = node.entries[-1].node
    header = before[node.start :]
    changed = re.sub(r"^([^\n]*[|>]\d?)[+]?(?=[ \t]*(#.*)?\r?\n)", r"\1-", header, count=1)
    return before[: node.start] + changed if not re.search("[\r\n]", document.text[node.end :]) else before


def stays(document: Document, edit: Edit, result: str) -> bool:
    """Whether every character beside the edit is as it was."""
    start, end = allowed_span(document, edit)
    before, after = document.text[:start], document.text[end:]
    for each in (before, _stripped(document, before)):
        if result.startswith(each) and result.endswith(after) and len(result) >= len(each) + len(after):
            return True
    return False
