"""References in a template: takes plain data, returns what ``Ref``, ``Fn::GetAtt`` and ``Fn::Sub`` in it name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cfn_injector.transform.edits import Path

_NAMED = re.compile(r"\$\{([^!${}][^${}]*)\}")


class Reference(NamedTuple):
    """A resource or a parameter that an intrinsic function at ``path`` names.

    ``attribute`` is empty for ``Ref``, and None if only the deployment knows it.
    """

    logical_id: str
    attribute: str | None
    path: Path


def references(value: Any, path: Path = ()) -> Iterator[Reference]:
    """What the intrinsic functions in a value name. ``path`` is that of the value."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from references(item, (*path, index))
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _READERS[name](item, (*path, name)) if name in _READERS else ()
            yield from references(item, (*path, name))


def _ref(value: Any, path: Path) -> Iterator[Reference]:
    if isinstance(value, str):
        yield Reference(value, "", path)


def _get_att(value: Any, path: Path) -> Iterator[Reference]:
    parts = value.split(".", 1) if isinstance(value, str) else value
    if isinstance(parts, list) and parts and isinstance(parts[0], str):
        known = len(parts) == 2 and isinstance(parts[1], str)
        yield Reference(parts[0], parts[1] if known else None, path)


def _sub(value: Any, path: Path) -> Iterator[Reference]:
    text, own = value if isinstance(value, list) and len(value) == 2 else (value, {})
    for name in _NAMED.findall(text) if isinstance(text, str) else ():
        if name not in (own if isinstance(own, Mapping) else {}):
            logical_id, _, attribute = name.strip().partition(".")
            yield Reference(logical_id, attribute, path)


_READERS = {"Ref": _ref, "Fn::GetAtt": _get_att, "Fn::Sub": _sub}
