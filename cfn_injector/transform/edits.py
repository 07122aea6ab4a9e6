"""Edits of a template: takes a template and edits, returns the edited template.

An edit is data, so that one list of them can be applied to a template's data, as a macro does, and to its text, where
every byte beside the edits stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, Final, NamedTuple

Path = tuple[str | int, ...]
"""The way from a template's root to a value: keys of mappings and indexes of lists."""


class _Removed(Enum):
    REMOVED = "removed"


REMOVED: Final = _Removed.REMOVED
"""The value of an edit that removes what its path names."""


class Edit(NamedTuple):
    """Puts ``value`` (plain data) at ``path``, or removes what is there if ``value`` is ``REMOVED``.

    Mappings that the path names and that are missing are made. The index that is a list's length appends to it.
    """

    path: Path
    value: Any


def at(template: Any, path: Path) -> Any:
    """The value at ``path``, or None if nothing is there."""
    for step in path:
        if isinstance(template, Mapping):
            template = template.get(step)
        elif isinstance(template, Sequence) and isinstance(step, int) and step < len(template):
            template = template[step]
        else:
            return None
    return template


def applied(template: Mapping[str, Any], edits: Iterable[Edit]) -> dict[str, Any]:
    """A copy of ``template`` with ``edits`` applied in their order; parts that no edit reaches are shared."""
    result: Any = template
    for edit in edits:
        result = _edited(result, edit.path, edit.value)
    return dict(result)


def _edited(value: Any, path: Path, new: Any) -> Any:
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        items = list(value)
        if step == len(items):
            return [*items, _edited({}, rest, new)]
        changed = _edited(items[step], rest, new)
        return [*items[:step], *([] if changed is REMOVED else [changed]), *items[step + 1 :]]
    members = dict(value or {})
    if new is REMOVED and step not in members:
        return members
    changed = _edited(members.get(step, {}), rest, new)
    if changed is REMOVED:
        members.pop(step, None)
        return members
    return {**members, step: changed}
