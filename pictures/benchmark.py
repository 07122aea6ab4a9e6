"""What it costs to rewrite an archive, over its size: the tables of docs/rewriting.md as curves.

Takes the page's text, which has the tables of ``make bench``. Returns a picture of three panels with logarithmic axes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from math import ceil, floor, log10
from typing import NamedTuple

from pictures.drawing import Line, Picture, Shape, Text

HUES: Mapping[str, str] = {
    "yazl": "orange",
    "unpack": "orange",
    "entries": "orange",
    "aws s3 cp": "blue",
    "admzip": "blue",
    "7z": "blue",
    "zip": "blue",
    "memory": "blue",
    "smart_open": "blue",
    "go": "blue",
    "ours": "green",
    "limit": "grey",
}
"""The color of each strategy says what it does to the archive."""
_LEGEND = (
    ("orange", "downloads, compresses again, uploads"),
    ("blue", "downloads, replaces one file, uploads"),
    ("green", "lets S3 copy all but the end (the provider)"),
    ("grey", "the least possible"),
)

_DESCRIPTION = """
Three panels over the size of the archive, from 1 to 240 MB, on logarithmic axes. At 240 MB, the provider needs a
tenth of the CPU time of copying in memory and a hundredth of compressing again. It moves one megabyte; all others
move the archive twice. The tables below the picture have the figures.
"""
_LEFT, _RIGHT, _LABELS = 56, 340, 364
_DECADE = 58
_LABEL_HEIGHT = 17

Curves = Mapping[str, Sequence[tuple[float, float]]]
"""Of each strategy, the points: megabytes and value."""


class _Panel(NamedTuple):
    """``joins``: curves that end in nearly the same point get one label."""

    title: str
    curves: Curves
    joins: bool


class _Axis(NamedTuple):
    """A logarithmic scale from ``low`` to ``high``, drawn from ``start`` to ``end``."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        part = (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return round(self.start + part * (self.end - self.start))


def _tables(page: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """The heading of each section, and the rows of its table."""
    for section in page.split("\n### ")[1:]:
        heading, _, rest = section.partition("\n")
        lines = [line for line in rest.partition("\n#")[0].splitlines() if line.startswith("|")]
        head, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines if "---" not in line)
        yield heading, [dict(zip(head, row, strict=True)) for row in rows]


def _number(cell: str) -> float:
    """The median, without the range behind it."""
    return float(cell.partition(" ")[0])


def _panels(page: str) -> list[_Panel]:
    tables = dict(_tables(page.partition("<!-- python -m benchmarks.rewrite")[2].partition("<!-- end")[0]))
    sizes = {heading: _number(heading) for heading in tables if re.fullmatch(r"\d+ MB, [\d,]+ entries", heading)}

    def curves(column: str) -> Curves:
        rows = {size: {row["strategy"]: row for row in tables[heading]} for heading, size in sizes.items()}
        return {name: [(size, _number(row[name][column])) for size, row in rows.items()] for name in HUES}

    modelled = tables["Wall clock on the modelled link"]
    shown = [name for name in HUES if f"{name} s" in modelled[0]]
    walls = {name: [(_number(row["archive"]), _number(row[f"{name} s"])) for row in modelled] for name in shown}
    return [
        _Panel("CPU, seconds", curves("CPU s"), False),
        _Panel("bytes moved, MB", curves("moved MB"), True),
        _Panel("wall clock on the modelled link, seconds", walls, False),
    ]


def _labels(panel: _Panel, up: _Axis) -> Iterator[tuple[float, str, str]]:
    """For each label the end of its curve, its color and its text; from top to bottom."""
    groups: list[tuple[float, list[str]]] = []
    for end, name in sorted((up.at(points[-1][1]), name) for name, points in panel.curves.items()):
        if panel.joins and groups and end - groups[-1][0] < 5:
            groups[-1][1].append(name)
        else:
            groups.append((end, [name]))
    for end, names in groups:
        text = ", ".join(sorted(names, reverse=True)) if len(names) < 3 else f"the other {len(names)}"
        hue = "green" if "ours" in names else "text" if len(names) > 1 else HUES[names[0]]
        yield end, hue, text


def _spread(places: Sequence[float]) -> list[float]:
    """The sorted places of labels, moved apart where they would overlap, about their own middle."""
    placed: list[list[float]] = []  # groups of labels that touch
    for place in places:
        group = [place]
        while placed and _first(group) < _first(placed[-1]) + len(placed[-1]) * _LABEL_HEIGHT:
            group = placed.pop() + group
        placed.append(group)
    return [_first(group) + index * _LABEL_HEIGHT for group in placed for index in range(len(group))]


def _first(group: Sequence[float]) -> float:
    return sum(group) / len(group) - (len(group) - 1) * _LABEL_HEIGHT / 2


def _drawn(panel: _Panel, top: float) -> tuple[list[Shape], float]:
    """The shapes of a panel below ``top``, and where it ends."""
    values = [value for points in panel.curves.values() for _, value in points]
    sizes = [size for size, _ in panel.curves["ours"]]
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    start = top + 28
    bottom = start + (high - low) * _DECADE
    across, up = _Axis(min(sizes), max(sizes), _LEFT, _RIGHT), _Axis(10.0**low, 10.0**high, bottom, start)
    drawn: list[Shape] = [Text(16, top + 12, panel.title, bold=True)]
    for exponent in range(low, high + 1):
        y = up.at(10.0**exponent)
        drawn.append(Line([(_LEFT, y), (_RIGHT, y)], "grid", "none", width=1))
        drawn.append(Text(_LEFT - 8, y + 5, f"{10.0**exponent:g}", "quiet", "end"))
    for size in sizes:
        drawn.append(Line([(across.at(size), start), (across.at(size), bottom)], "grid", "none", width=1))
        drawn.append(Text(across.at(size), bottom + 19, f"{size:g}", "quiet", "middle"))
    drawn.append(Text(_LABELS, bottom + 19, "MB of archive", "quiet"))
    for name, points in panel.curves.items():
        path = [(across.at(size), up.at(value)) for size, value in points]
        drawn.append(Line(path, HUES[name], "none", name == "limit", 3.5 if name == "ours" else 1.5))
    labels = list(_labels(panel, up))
    for (end, hue, text), y in zip(labels, _spread([end for end, *_ in labels]), strict=True):
        drawn.append(Line([(_RIGHT + 2, end), (_LABELS - 4, y)], hue, "none", width=1))
        drawn.append(Text(_LABELS, y + 5, text, hue, bold=hue == "green"))
    return drawn, bottom + 44


def picture(page: str) -> Picture:
    """The picture of the tables in the page. Raises KeyError if a table or a column is missing."""
    shapes: list[Shape] = []
    top = 16.0
    for hue, text in _LEGEND:
        shapes += [Line([(16, top + 7), (40, top + 7)], hue, "none", hue == "grey", 3), Text(50, top + 12, text, hue)]
        top += 19
    top += 14
    for panel in _panels(page):
        drawn, top = _drawn(panel, top)
        shapes += drawn
    return Picture(
        "rewriting",
        "What it costs to rewrite an archive, over its size",
        _DESCRIPTION,
        480,
        top,
        shapes,
    )
