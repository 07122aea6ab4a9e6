"""Changes of JSON, and of YAML in flow style, where brackets show what belongs together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from cfn_injector.cli.template_text.changes import Change, Plan
from cfn_injector.cli.template_text.nodes import Document, Entry, Node
from cfn_injector.cli.template_text.style import Style, flow, is_first_in_line, json_text, line_start, scalar


def written(document: Document, value: Any, style: Style, prefix: str | None) -> str:
    """A value, on several lines if it is JSON and ``prefix`` is the indentation of its line."""
    return json_text(value, style, prefix) if document.is_json else flow(value, style)


def _prefix(text: str, entry: Entry) -> str | None:
    """The indentation of an entry that has a line of its own."""
    return text[line_start(text, entry.start) : entry.start] if is_first_in_line(text, entry.start) else None


def replaced(document: Document, entry: Entry, value: Any, style: Style) -> Iterator[Change]:
    """The change that gives an entry another value."""
    text, node = document.text, entry.node
    new = written(document, value, style, _prefix(text, entry))
    if isinstance(entry.key, str) and node.start == entry.colon and not document.is_json:
        new = f"{'' if text[entry.colon - 1] == ':' else ':'} {new}"
    yield Change(node.start, node.end, new)


def _member(document: Document, key: str | None, value: Any, style: Style, prefix: str | None) -> str:
    new = written(document, value, style, prefix)
    if key is None:
        return new
    return (json_text(key, style, None) + style.colon if document.is_json else f"{scalar(key, style)}: ") + new


def _comments(gap: str) -> str:
    """What stays of the text between two entries if one of them goes."""
    return gap.replace(",", "", 1) if "#" in gap.partition(",")[2] else ""


def _removals(text: str, node: Node, plan: Plan) -> Iterator[Change]:
    is_behind_one = False
    for index, entry in enumerate(node.entries):
        if entry not in plan.removed:
            is_behind_one = True
        elif is_behind_one:
            end = node.entries[index - 1].node.end
            yield Change(end, entry.node.end, _comments(text[end : entry.start]))
        else:
            following = node.entries[index + 1].start  # one entry stays
            yield Change(entry.start, following, _comments(text[entry.node.end : following]).lstrip())


def changes(document: Document, node: Node, plan: Plan, style: Style) -> Iterator[Change]:
    """The removals and insertions of a node's plan. One entry stays, or there is a merge."""
    text = document.text
    yield from _removals(text, node, plan)
    first, last = node.entries[0], node.entries[-1]
    prefix = _prefix(text, last)
    space = " "
    if len(node.entries) > 1:
        space = re.split(",", text[node.entries[-2].node.end : last.start])[-1]
    elif document.is_json:
        space = style.comma[1:]
    separator = "," + (style.newline + prefix if prefix is not None else space if not space.strip(" ") else " ")
    for behind, inserted in groupby(plan.inserted, lambda each: each[0]):
        new = [_member(document, key, value, style, prefix) for _, key, value in inserted]
        if behind:
            yield Change(behind.node.end, behind.node.end, "".join(separator + each for each in new))
        else:
            yield Change(first.start, first.start, "".join(each + separator for each in new))
