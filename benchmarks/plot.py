"""Draw cost over size, as SVG.

Takes a file that ``benchmarks.rewrite --json`` printed, and writes a picture of three panels with logarithmic axes.

    python -m benchmarks.plot RESULTS PICTURE
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from math import ceil, floor, log10
from pathlib import Path
from typing import NamedTuple

from benchmarks.report import MB, Rows
from benchmarks.rows import Row, read

COLORS = {
    "unpack": "#8c564b",
    "entries": "#d55e00",
    "yazl": "#e377c2",
    "admzip": "#cc79a7",
    "7z": "#7f7f00",
    "zip": "#bcbd22",
    "go": "#17becf",
    "smart_open": "#b8860b",
    "memory": "#0072b2",
    "ours": "#009e73",
    "limit": "#999999",
}

_WIDTH, _HEIGHT, _PANEL, _GAP = 1020, 330, 210, 120
_LEFT, _TOP, _BOTTOM = 60, 40, 280
_LINE_OF_TEXT = 13


class _Axis(NamedTuple):
    """A logarithmic scale from ``low`` to ``high``, drawn from ``start`` to ``end``."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        part = (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return round(self.start + part * (self.end - self.start))


class _Panel(NamedTuple):
    title: str
    link: str  # as in ``Rows.like``
    value: Callable[[Row], float]


_PANELS = (
    _Panel("CPU, seconds", "", lambda row: row.cpu_s),
    _Panel("bytes moved, MB", "", lambda row: row.moved / MB),
    _Panel("wall clock on the modelled link, seconds", "modelled", lambda row: row.wall_s),
)


def _text(x: float, y: float, text: str, anchor: str = "start", color: str = "") -> str:
    placed = f' text-anchor="{anchor}"' if anchor != "start" else ""
    filled = f' fill="{color}"' if color else ""
    return f'<text x="{x:g}" y="{y:g}"{placed}{filled}>{text}</text>'


def _spread(places: Sequence[float]) -> list[float]:
    """The sorted positions of labels, moved down where they would overlap."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + _LINE_OF_TEXT) if moved else place)
    return moved


def _drawn(panel: _Panel, rows: Rows, left: float) -> list[str]:
    """The elements of one panel."""
    curves = {}
    for strategy in COLORS:
        found = [rows.like(row, strategy, panel.link) for row in rows.series()]
        points = [(row.bytes / MB, panel.value(row)) for row in found if row]
        if points:
            curves[strategy] = points
    sizes = [row.bytes / MB for row in rows.series()]
    values = [value for points in curves.values() for _, value in points]
    across = _Axis(min(sizes), max(sizes), left, left + _PANEL)
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    up = _Axis(10.0**low, 10.0**high, _BOTTOM, _TOP)
    drawn = [_text(left, _TOP - 16, panel.title)]
    for exponent in range(low, high + 1):
        y = up.at(10.0**exponent)
        drawn.append(f'<path d="M{left} {y:g}h{_PANEL}" stroke="#ddd"/>')
        drawn.append(_text(left - 6, y + 4, f"{10.0**exponent:g}", "end"))
    drawn += [_text(across.at(size), _BOTTOM + 18, f"{size:.0f}", "middle") for size in sizes]
    drawn.append(_text(left + _PANEL / 2, _BOTTOM + 36, "size of the archive, MB", "middle"))
    ends = sorted((up.at(points[-1][1]), strategy) for strategy, points in curves.items())
    for (_, strategy), y in zip(ends, _spread([place for place, _ in ends]), strict=True):
        color = COLORS[strategy]
        points = [(across.at(size), up.at(value)) for size, value in curves[strategy]]
        path = " ".join(f"{x},{y}" for x, y in points)
        width = 3 if strategy == "ours" else 1.5
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="{width}"/>')
        drawn += [f'<circle cx="{x}" cy="{y}" r="2.5" fill="{color}"/>' for x, y in points]
        drawn.append(_text(left + _PANEL + 8, y + 4, strategy, color=color))
    return drawn


def picture(rows: Sequence[Row]) -> str:
    """The SVG. Raises ValueError unless the rows have at least two sizes."""
    known = Rows(rows)
    if len(known.series()) < 2:
        raise ValueError("the results have no series of sizes on the modelled link")
    drawn = [
        each for index, panel in enumerate(_PANELS) for each in _drawn(panel, known, _LEFT + index * (_PANEL + _GAP))
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif"'
    ground = f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>'
    title = "<title>What it costs to rewrite an archive, over its size</title>"
    return "\n".join([f'{head} font-size="12" fill="#333">', title, ground, *drawn, "</svg>", ""])


def main(results: str, target: str) -> None:
    """Reads the results and writes the picture."""
    Path(target).write_text(picture(read(Path(results).read_text())))


if __name__ == "__main__":
    main(*sys.argv[1:])
