"""Draw boxes, lines and text as SVG.

Takes a ``Picture``: its title, its description and its shapes, back to front. ``svg`` returns the file's text. Colors
are names in ``pictures.colors``; lengths are in units of the view box, which are pixels unless the page is narrower.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import hypot
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from pictures import colors

SIZE = 14
"""Of text. A picture is at most 480 wide, so that a phone still shows the text in 10 pixels."""
LEADING = 19
"""From one line of text to the next."""

_SANS = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
_CODE = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace"
_HEAD = 9.0  # the length of an arrow's head


class Text(NamedTuple):
    """One line of text; ``y`` is its baseline."""

    x: float
    y: float
    content: str
    color: str = "text"
    anchor: str = "start"
    bold: bool = False
    code: bool = False


class Box(NamedTuple):
    """A rectangle. ``hue`` is that of its edge; its area has the same hue."""

    left: float
    top: float
    width: float
    height: float
    hue: str
    dashed: bool = False
    radius: float = 6

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height

    @property
    def middle(self) -> float:
        return self.left + self.width / 2


class Line(NamedTuple):
    """A line through points, with an arrow's head at its end, a bar across its end, or neither."""

    points: Sequence[tuple[float, float]]
    hue: str = "grey"
    end: str = "arrow"
    dashed: bool = False
    width: float = 2


Shape = Text | Box | Line


class Picture(NamedTuple):
    """``description`` says in words what the picture shows; line ends in it count as spaces."""

    name: str
    title: str
    description: str
    width: float
    height: float
    shapes: Sequence[Shape]


def arrow(*points: tuple[float, float], hue: str = "grey", dashed: bool = False) -> Line:
    return Line(points, hue, "arrow", dashed)


def captioned(box: Box, *lines: str, heading: bool = True, code: Sequence[int] = ()) -> list[Shape]:
    """A box with lines of text in its middle. The first one is bold in the box's hue, those in ``code`` are code."""
    first = box.top + (box.height - LEADING * len(lines)) / 2 + LEADING - 5
    drawn: list[Shape] = [box]
    for index, line in enumerate(lines):
        bold = heading and index == 0
        y = first + index * LEADING
        drawn.append(Text(box.middle, y, line, box.hue if bold else "text", "middle", bold, index in code))
    return drawn


def lines(x: float, y: float, *contents: str, color: str = "quiet", anchor: str = "start") -> list[Shape]:
    """Several lines of text without a box; ``y`` is the baseline of the first one."""
    return [Text(x, y + index * LEADING, content, color, anchor) for index, content in enumerate(contents)]


def _text(shape: Text) -> str:
    anchor = f' text-anchor="{shape.anchor}"' if shape.anchor != "start" else ""
    bold = ' font-weight="600"' if shape.bold else ""
    code = f' font-family="{_CODE}" font-size="{SIZE - 1}"' if shape.code else ""
    place = f'<text class="{shape.color}" x="{shape.x:g}" y="{shape.y:g}"{anchor}{bold}{code}>'
    return f"{place}{escape(shape.content)}</text>"


def _box(shape: Box) -> str:
    dashes = ' stroke-dasharray="5 4"' if shape.dashed else ""
    place = f'x="{shape.left:g}" y="{shape.top:g}" width="{shape.width:g}" height="{shape.height:g}"'
    return f'<rect class="{shape.hue}-area {shape.hue}-line" {place} rx="{shape.radius:g}" stroke-width="1.5"{dashes}/>'


def _line(shape: Line) -> Iterator[str]:
    *before, (x0, y0), (x1, y1) = shape.points
    length = hypot(x1 - x0, y1 - y0)
    along, across = ((x1 - x0) / length, (y1 - y0) / length), (-(y1 - y0) / length, (x1 - x0) / length)

    def near(back: float, aside: float) -> str:
        """A point near the end of the line."""
        return f"{x1 - along[0] * back + across[0] * aside:g},{y1 - along[1] * back + across[1] * aside:g}"

    stop = near(_HEAD - 1, 0) if shape.end == "arrow" else near(0, 0)
    points = " ".join([*(f"{x:g},{y:g}" for x, y in (*before, (x0, y0))), stop])
    dashes = ' stroke-dasharray="5 4"' if shape.dashed else ""
    yield f'<polyline class="{shape.hue}-line" points="{points}" fill="none" stroke-width="{shape.width:g}"{dashes}/>'
    if shape.end == "arrow":
        head = " ".join([near(0, 0), near(_HEAD, 5), near(_HEAD, -5)])
        yield f'<polygon class="{shape.hue}" points="{head}"/>'
    elif shape.end == "bar":
        bar = " ".join([near(0, 7), near(0, -7)])
        yield f'<polyline class="{shape.hue}-line" points="{bar}" fill="none" stroke-width="3"/>'


def _elements(shape: Shape) -> Iterator[str]:
    if isinstance(shape, Text):
        yield _text(shape)
    elif isinstance(shape, Box):
        yield _box(shape)
    else:
        yield from _line(shape)


def _classes(shape: Shape) -> Iterator[str]:
    if isinstance(shape, Text):
        yield shape.color
    elif isinstance(shape, Box):
        yield from (f"{shape.hue}-area", f"{shape.hue}-line")
    else:
        yield from (f"{shape.hue}-line", *([shape.hue] if shape.end == "arrow" else []))


def svg(picture: Picture) -> str:
    """The picture as an SVG file. Its ground is opaque, because a page can differ from the system."""
    classes = [name for shape in picture.shapes for name in _classes(shape)]
    size = f'width="{picture.width:g}" height="{picture.height:g}" viewBox="0 0 {picture.width:g} {picture.height:g}"'
    label = f'role="img" aria-labelledby="{picture.name}-title {picture.name}-desc"'
    font = f"font-family={quoteattr(_SANS)} font-size={quoteattr(str(SIZE))}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {label} {font}>',
            f'<title id="{picture.name}-title">{escape(picture.title)}</title>',
            f'<desc id="{picture.name}-desc">{escape(" ".join(picture.description.split()))}</desc>',
            f"<style>{colors.css(['ground', *classes])}</style>",
            f'<rect class="ground" width="{picture.width:g}" height="{picture.height:g}" rx="8"/>',
            *(element for shape in picture.shapes for element in _elements(shape)),
            "</svg>",
            "",
        ]
    )
