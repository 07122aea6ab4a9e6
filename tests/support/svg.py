"""What an SVG picture shows: texts, boxes and lines with their places, and the colors of its classes.

In: the file's text. Out: a ``Shown``, whose places are in units of the view box. Widths of texts are estimates for
DejaVu Sans, one of the widest among the fonts that systems have for ``sans-serif``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from xml.etree.ElementTree import Element, fromstring

SVG = "{http://www.w3.org/2000/svg}"

_WIDTHS = (("iljI.,:;'|!", 0.34), ("()[]{}/- tfr", 0.42), ("mwMW@%", 0.98), ("ABCDEFGHJKLNOPQRSTUVXYZ", 0.73))
_OTHERS, _CODE, _BOLD = 0.64, 0.605, 1.11


class Area(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def contains(self, other: Area) -> bool:
        return (
            self.left <= other.left
            and self.top <= other.top
            and other.right <= self.right
            and other.bottom <= self.bottom
        )

    def overlaps(self, other: Area) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


class Shape(NamedTuple):
    """``colors`` are the names of its classes; ``content`` is a text's, ``points`` are a line's."""

    area: Area
    colors: tuple[str, ...]
    content: str = ""
    points: tuple[tuple[float, float], ...] = ()
    size: float = 0.0


class Shown(NamedTuple):
    title: str
    description: str
    label: str
    area: Area
    texts: list[Shape]
    boxes: list[Shape]
    lines: list[Shape]
    colors: Mapping[str, Mapping[str, str]]
    """By mode and name of class."""


def width(content: str, size: float, *, bold: bool = False, code: bool = False) -> float:
    if code:
        return len(content) * size * _CODE
    units = sum(next((units for letters, units in _WIDTHS if letter in letters), _OTHERS) for letter in content)
    return units * size * (_BOLD if bold else 1)


def _text(element: Element, default: float) -> Shape:
    size = float(element.get("font-size", default))
    content = "".join(element.itertext())
    code, bold = "monospace" in element.get("font-family", ""), element.get("font-weight") is not None
    wide = width(content, size, bold=bold, code=code)
    x, y = float(element.get("x", 0)), float(element.get("y", 0))
    left = {"start": x, "middle": x - wide / 2, "end": x - wide}[element.get("text-anchor", "start")]
    area = Area(left, y - 0.78 * size, left + wide, y + 0.2 * size)
    return Shape(area, _classes(element), content, size=size)


def _box(element: Element) -> Shape:
    left, top, wide, high = (float(element.get(name, 0)) for name in ("x", "y", "width", "height"))
    return Shape(Area(left, top, left + wide, top + high), _classes(element))


def _line(element: Element) -> Shape:
    points = tuple((float(x), float(y)) for x, y in (pair.split(",") for pair in element.get("points", "").split()))
    across, down = zip(*points, strict=True)
    return Shape(Area(min(across), min(down), max(across), max(down)), _classes(element), points=points)


def _classes(element: Element) -> tuple[str, ...]:
    return tuple(element.get("class", "").split())


def _rules(css: str) -> Iterator[tuple[str, str]]:
    """The name and the color of each class."""
    yield from re.findall(r"\.([a-z-]+)\{(?:fill|stroke):(#[0-9a-f]{6})\}", css)


def shown(text: str) -> Shown:
    """Raises ParseError if the file is not well-formed XML, and StopIteration if it has no title, desc or style."""
    root = fromstring(text)
    style = next(root.iter(f"{SVG}style")).text or ""
    light, _, dark = style.partition("@media (prefers-color-scheme: dark)")
    left, top, wide, high = map(float, root.get("viewBox", "").split())
    size = float(root.get("font-size", 0))
    ids = {element.get("id"): element.text or "" for element in root}
    label = " ".join(ids.get(name, "") for name in root.get("aria-labelledby", "").split())
    return Shown(
        next(root.iter(f"{SVG}title")).text or "",
        next(root.iter(f"{SVG}desc")).text or "",
        label,
        Area(left, top, left + wide, top + high),
        [_text(element, size) for element in root.iter(f"{SVG}text")],
        [_box(element) for element in root.iter(f"{SVG}rect")],
        [_line(element) for kind in ("polyline", "polygon") for element in root.iter(f"{SVG}{kind}")],
        {"light": dict(_rules(light)), "dark": dict(_rules(dark))},
    )
