"""What has to change in a collection of a template, and changes of its text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from cfn_injector.cli.template_text.nodes import Entry, Node, fingerprint


class Change(NamedTuple):
    """Replaces what stands from ``start`` to ``end``. Changes of one text do not overlap."""

    start: int
    end: int
    text: str


class Plan(NamedTuple):
    """How the entries of a node become the wanted value.

    ``kept`` are entries that stay, with their wanted values, and ``removed`` those that do not. Each of ``inserted``
    has the entry that it stands behind (None: before all others), its key (None in a sequence) and its value.
    """

    kept: Sequence[tuple[Entry, Any]]
    removed: Sequence[Entry]
    inserted: Sequence[tuple[Entry | None, str | None, Any]]


def mapping_plan(node: Node, wanted: Mapping[str, Any]) -> Plan:
    """The plan of a mapping. New members stand behind the last one that stays.

    Members that the text does not show come from a merge (``<<``), which always stays. Repeated keys stay or go
    together.
    """
    own = node.members()
    kept = [
        (each, wanted[str(each.key)] if own.get(str(each.key)) is each else each.node.data)
        for each in node.entries
        if each.key in wanted
    ]
    merges = [each for each in node.entries if each.key is None]
    last = max((each for each, _ in kept), key=lambda each: each.start, default=None)
    last = max([*([last] if last else []), *merges], key=lambda each: each.start, default=None)
    merged = {key: value for key, value in node.content.items() if key not in own}
    new = {key: value for key, value in wanted.items() if key not in own}
    inserted = [
        (last, key, value)
        for key, value in new.items()
        if key not in merged or fingerprint(merged[key]) != fingerprint(value)
    ]
    removed = [each for each in node.entries if each.key is not None and each.key not in wanted]
    return Plan(kept, removed, inserted)


def sequence_plan(node: Node, wanted: Sequence[Any]) -> Plan:
    """The plan of a sequence, in which as many items as possible stay as they are."""
    kept: list[tuple[Entry, Any]] = []
    removed: list[Entry] = []
    inserted: list[tuple[Entry | None, str | None, Any]] = []
    old, new = [fingerprint(each.node.data) for each in node.entries], [fingerprint(each) for each in wanted]
    for _, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        paired = min(end - start, new_end - new_start)
        kept += zip(node.entries[start : start + paired], wanted[new_start : new_start + paired], strict=True)
        removed += node.entries[start + paired : end]
        behind = kept[-1][0] if kept else None
        inserted += [(behind, None, each) for each in wanted[new_start + paired : new_end]]
    return Plan(kept, removed, inserted)


class OverlapError(Exception):
    """Two changes are at the same place."""


def _parts(text: str, changes: Iterable[Change]) -> Iterator[str]:
    done = 0
    for start, end, new in sorted(changes, key=lambda each: (each.start, each.end)):
        if start < done:
            raise OverlapError
        yield text[done:start]
        yield new
        done = end
    yield text[done:]


def patched(text: str, changes: Iterable[Change]) -> str:
    """The text with the changes. Of insertions at the same place, the first comes first. Raises OverlapError."""
    return "".join(_parts(text, changes))
