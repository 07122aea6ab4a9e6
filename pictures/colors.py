"""The colors of all pictures, in light and in dark mode.

``CLASSES`` maps the name of a class in a picture to its color in each mode. ``css`` returns the rules for some of these
classes: light ones, and dark ones for readers who prefer dark pages.

A hue has two colors: ``blue`` for text, lines and edges, and ``blue-area`` for the inside of boxes. The color for text
has a contrast of at least 4.5:1 on its own area and on the ground, which is what WCAG requires of text:
https://www.w3.org/TR/WCAG22/#contrast-minimum
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Color(NamedTuple):
    """A color in each mode, as ``#rrggbb``."""

    light: str
    dark: str


CLASSES: Mapping[str, Color] = {
    "ground": Color("#ffffff", "#0d1117"),
    "text": Color("#1f2328", "#f0f6fc"),
    "quiet": Color("#59636e", "#9198a1"),
    "grid": Color("#d1d9e0", "#3d444d"),
    "grey": Color("#59636e", "#9198a1"),
    "grey-area": Color("#f6f8fa", "#1b222b"),
    "blue": Color("#0550ae", "#79c0ff"),
    "blue-area": Color("#ddf4ff", "#0c2d48"),
    "green": Color("#116329", "#56d364"),
    "green-area": Color("#dafbe1", "#11331f"),
    "orange": Color("#953800", "#ffa657"),
    "orange-area": Color("#fff1e5", "#3a2410"),
    "red": Color("#a40e26", "#ff9492"),
    "red-area": Color("#ffebe9", "#3c1618"),
    "purple": Color("#6639ba", "#d2a8ff"),
    "purple-area": Color("#fbefff", "#2b1d45"),
}


def css(classes: Iterable[str]) -> str:
    """Rules for ``fill`` and, for classes named ``NAME-line``, for ``stroke``."""
    chosen = sorted(set(classes))
    light, dark = ("".join(_rule(name, mode) for name in chosen) for mode in ("light", "dark"))
    return f"{light}@media (prefers-color-scheme: dark) {{{dark}}}"


def _rule(name: str, mode: str) -> str:
    color = getattr(CLASSES[name.removesuffix("-line")], mode)
    return f".{name}{{{'stroke' if name.endswith('-line') else 'fill'}:{color}}}"
