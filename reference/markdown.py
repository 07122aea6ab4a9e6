"""Markdown: takes texts, returns parts of a page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_OPTION = re.compile(r"(?<![\w`-])--[a-z][a-z-]*(?: json)?")


def code(text: object) -> str:
    return f"`{text}`"


def listed(texts: Iterable[object]) -> str:
    """The texts as code, separated by commas."""
    return ", ".join(map(code, texts))


def plain(text: str) -> str:
    """A text that was not written as Markdown, except for what it has between backticks."""
    parts = text.split("`")
    parts[::2] = [_OPTION.sub(lambda found: code(found[0]), re.sub(r"[*<]", r"\\\g<0>", part)) for part in parts[::2]]
    return "`".join(parts)


def capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def anchor(heading: str) -> str:
    """The link to a heading that is one name."""
    return f"[{code(heading)}](#{heading.lower()})"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, between empty lines: what stands around it ends with a line of its own."""
    return "\n".join(["", _row(header), "|---" * len(header) + "|", *map(_row, rows), ""])


def _row(cells: Iterable[str]) -> str:
    return "".join(["|", *(f" {cell} |".replace("  |", " |") for cell in map(_escaped, cells))])


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")


def items(texts: Iterable[str]) -> str:
    """A list."""
    return "\n".join(f"- {text}" for text in texts)


def section(level: int, heading: str, *paragraphs: str) -> str:
    """A heading that is one name, and what follows it."""
    return "\n\n".join([f"{'#' * level} {code(heading)}", *filter(None, paragraphs)])


def page(sections: Iterable[str]) -> str:
    """The sections, between empty lines."""
    return "\n{}\n".format("\n\n".join(sections))
