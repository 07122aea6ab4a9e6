"""Changes of YAML in block style, where indentation shows what belongs together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, takewhile
from typing import Any

from cfn_injector.cli.template_text.changes import Change, Plan
from cfn_injector.cli.template_text.nodes import Entry, Node
from cfn_injector.cli.template_text.style import Style, block, column, is_first_in_line, item, line_start, member

_LINE_END = re.compile(r"\r\n|\n|\r|\Z")
_CHOMPING = re.compile(r"(?:[!&]\S*[ \t]+)*[|>]\d?([+-]?)")
_BREAKS = "\r\n"


def _line_end(text: str, offset: int) -> re.Match[str]:
    found = _LINE_END.search(text, offset)
    assert found
    return found


def _dash(text: str, entry: Entry) -> int:
    """The offset of an item's dash."""
    offset = entry.start
    while not (found := re.search(r"(?:^|(?<=\s))-\s*\Z", text[line_start(text, offset) : offset])):
        offset = line_start(text, offset) - 1
        offset = line_start(text, offset) + len(re.split(r"(?:^|\s)#", text[line_start(text, offset) : offset])[0])
    return line_start(text, offset) + found.start()


def _first(text: str, entry: Entry) -> int:
    """Where an entry starts: its key or its dash."""
    return _dash(text, entry) if isinstance(entry.key, int) else entry.start


def _behind(text: str, end: int, lines: Sequence[str], style: Style) -> Change:
    """Insert lines below the line in which something ends."""
    if end and text[end - 1] in _BREAKS:
        return Change(end, end, "".join(line + style.newline for line in lines))
    at = _line_end(text, end).start()
    return Change(at, at, "".join(style.newline + line for line in lines))


def ended(text: str, root: Node, made: Sequence[Change]) -> Sequence[Change]:
    """The changes, and one more if they add lines below a block scalar that ends the text without a line break.

    The scalar would get a line break at its end: ``|-`` instead of ``|`` keeps it as it is.
    """
    last = root
    while last.entries:
        last = last.entries[-1].node
    header = _CHOMPING.match(text, last.start, last.end)
    stays = all(each.end <= last.start or each.start >= last.end for each in made)
    is_last_line = not re.search(r"[\r\n]", text[last.end :])
    if not (header and stays and is_last_line and any(each.start >= last.end for each in made)):
        return made
    return [*made, Change(*header.span(1), "-")]


def _visible_end(text: str, node: Node) -> int:
    return node.start + len(text[node.start : node.end].rstrip())


def replaced(text: str, entry: Entry, value: Any, style: Style) -> Iterator[Change]:
    """The changes that give an entry another value. A comment behind the old value stays."""
    node, written = entry.node, block(value, style)
    is_item = isinstance(entry.key, int)
    first = _first(text, entry)
    behind = first + 1 if is_item else entry.colon
    start, end = node.start, _visible_end(text, node) if node.end > node.start else node.end
    gap = text[behind:start]
    is_below = bool(re.search(r"[\r\n]", gap))
    if not written.lines:
        if gap.strip():  # a comment stays, and the value moves in front of it
            yield Change(behind, behind, f" {written.head}")
            before = line_start(text, start) - 1
            yield Change(before - 1 if text[before - 1] == "\r" else before, end, "")
        else:
            yield Change(behind, end, (gap if gap and not is_below else " ") + written.head)
        return
    indent = " " * column(text, first) + ("  " if is_item else written.indent)
    lines = [indent + line for line in written.lines]
    if is_below:
        if written.head:
            yield Change(behind, behind, " " + written.head)
        yield Change(line_start(text, start), end, style.newline.join(lines))
    elif is_item and not written.head:
        indent = " " * (column(text, start) if gap else column(text, first) + 2)
        lines = [written.lines[0], *(indent + line for line in written.lines[1:])]
        yield Change(start, end, ("" if gap else " ") + style.newline.join(lines))
    else:
        yield Change(behind, end, f" {written.head}" if written.head else "")
        yield _behind(text, end, lines, style)


def _line_removal(text: str, entry: Entry, *, is_shifted: bool) -> Change:
    """Remove the lines of an entry. ``is_shifted`` keeps the line break behind them in place of the one before, so that
    an insertion below these lines stands beside the removal, and not in it.
    """
    start, end = _first(text, entry), entry.node.end
    if not is_first_in_line(text, start):
        return Change(start, end, "")
    start = line_start(text, start)
    end = end if text[end - 1] in _BREAKS else _line_end(text, end).end()
    if not is_shifted or start == 0 or text[end - 1] not in _BREAKS:
        return Change(start, end, "")
    width = 2 if text[start - 2 : start] == "\r\n" else 1
    return Change(start - width, end - width, "")


def _removals(text: str, node: Node, removed: Sequence[Entry]) -> Iterator[Change]:
    left = list(node.entries)
    first = _first(text, left[0])
    if not is_first_in_line(text, first):  # behind a dash: what stays moves up to it
        leading = list(takewhile(removed.__contains__, left))
        end = _first(text, left[len(leading)])  # one entry stays
        if "#" not in text[first:end]:
            yield Change(first, end, "")
            left = left[len(leading) :]
    is_shifted = True
    for entry in left:
        if entry in removed:
            yield _line_removal(text, entry, is_shifted=is_shifted)
            is_shifted = is_shifted and line_start(text, _first(text, entry)) > 0
        else:
            is_shifted = text[entry.node.end - 1] not in _BREAKS


def _blank_line(text: str, node: Node) -> bool:
    """Whether blank lines stand between the entries of a node."""
    if len(node.entries) < 2:
        return False
    before, last = node.entries[-2:]
    return bool(re.search(r"\n[ \t]*\r?\n", text[_visible_end(text, before.node) : last.start]))


def changes(text: str, node: Node, plan: Plan, style: Style) -> Iterator[Change]:
    """The removals and insertions of a node's plan. One entry stays, or there is a merge."""
    yield from _removals(text, node, plan.removed)
    indent = " " * column(text, _first(text, node.entries[0]))
    space = [""] if _blank_line(text, node) else []
    for behind, inserted in groupby(plan.inserted, lambda each: each[0]):
        lines = []
        for _, key, value in inserted:
            written = item(value, style) if key is None else member(key, value, style)
            lines += [*(space if behind else []), *(indent + line for line in written)]
        if behind:
            yield _behind(text, behind.node.end, lines, style)
        else:
            at = _first(text, node.entries[0])
            yield Change(at, at, style.newline.join([*lines, ""])[len(indent) :] + indent)
