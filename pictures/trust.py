"""Who may do what: the rows of SECURITY.md's trust model that readers ask for most."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pictures.drawing import LEADING, Box, Line, Picture, Shape, arrow, captioned

_GAP, _ROW_GAP, _PADDING = 8, 20, 12
_WHO_LEFT, _WHO_WIDTH, _WHAT_LEFT, _WHAT_WIDTH = 16, 146, 202, 262


class _Who(NamedTuple):
    """Lines of text: who it is, what they can do, and what they cannot."""

    who: tuple[str, ...]
    can: tuple[str, ...]
    cannot: tuple[str, ...] = ()
    warns: bool = False


_ROWS = (
    _Who(
        ("administrator", "installs a provider"), ("set its bounds: prefix, role path,", "buckets, parameters, secrets")
    ),
    _Who(
        ("team", "deploys stacks"),
        ("change functions of its stacks,", "adopt what no stack holds"),
        ("cannot reach what another stack", "holds, or what is out of bounds"),
    ),
    _Who(
        ("artifact writer",),
        ("run code in functions that use it",),
        ("cannot mislead or exhaust", "the provider"),
    ),
    _Who(
        ("invoker", "of the provider"),
        ("send events for a resource that", "CloudFormation is changing"),
        ("cannot have other events served",),
    ),
    _Who(
        ("log reader", "also events, tags"),
        ("see names of variables",),
        ("cannot see values",),
    ),
    _Who(("code reader", "GetFunction"), ("see all values, unless", "SourceKMSKeyArn restricts it"), warns=True),
)


def _height(texts: tuple[str, ...]) -> float:
    return len(texts) * LEADING + _PADDING


def _bounds(row: _Who, top: float) -> Iterator[tuple[Box, tuple[str, ...]]]:
    can = Box(_WHAT_LEFT, top, _WHAT_WIDTH, _height(row.can), "orange" if row.warns else "green")
    yield can, row.can
    if row.cannot:
        below = can.bottom + _GAP
        yield Box(_WHAT_LEFT, below, _WHAT_WIDTH, _height(row.cannot), "red", dashed=True), row.cannot


def _row(row: _Who, top: float) -> list[Shape]:
    what = list(_bounds(row, top))
    middle = (top + what[-1][0].bottom) / 2
    height = _height(row.who)
    drawn = captioned(Box(_WHO_LEFT, middle - height / 2, _WHO_WIDTH, height, "blue"), *row.who)
    for box, texts in what:
        start, end = (_WHO_LEFT + _WHO_WIDTH, middle), (box.left - 4, box.top + box.height / 2)
        refused = box.hue == "red"
        drawn.append(Line([start, end], "red", "bar", True) if refused else arrow(start, end, hue=box.hue))
        drawn += captioned(box, *texts, heading=False)
    return drawn


def _drawn() -> tuple[list[Shape], float]:
    drawn: list[Shape] = []
    top = 16.0
    for row in _ROWS:
        drawn += _row(row, top)
        top = max(box.bottom for box, _ in _bounds(row, top)) + _ROW_GAP
    return drawn, top


_SHAPES, _BOTTOM = _drawn()

_DESCRIPTION = """
The administrator who installs a provider sets its bounds: name prefix, role path, source buckets, parameters and
secrets. A team that deploys stacks can change the functions of its stacks and adopt what no stack holds; it cannot
reach what another stack holds or what is out of bounds. Whoever writes an artifact can run code in the functions that
use it; they cannot mislead or exhaust the provider. Whoever may invoke the provider can send events for a resource
that CloudFormation is changing, and no others. Readers of logs, stack events and tags see names of variables and no
values. Whoever may call GetFunction can see all values, unless SourceKMSKeyArn restricts it.
"""
PICTURE = Picture(
    "trust",
    "Who can do what",
    _DESCRIPTION,
    480,
    _BOTTOM,
    _SHAPES,
)
