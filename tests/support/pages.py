"""Pages of the documentation: their blocks of code, sentences, headings and links.

In: Markdown. Out: parts of it as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
TOP = [ROOT / name for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "wrapper/README.md")]

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def blocks(text: str, language: str) -> list[str]:
    """The contents of the fenced blocks in this language."""
    return [content for found, content in _FENCE.findall(text) if found == language]


def prose(text: str) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", text)


def links(text: str) -> list[str]:
    return _LINK.findall(prose(text))


def anchors(text: str) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    return {
        re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in _HEADING.findall(prose(text))
    }


def sentences(text: str) -> Iterator[str]:
    """The sentences of the paragraphs and lists; no headings and no tables."""
    lines = [line for line in prose(text).splitlines() if not line.startswith(("#", "|", "```"))]
    for paragraph in re.split(r"\n\s*\n|\n(?=- )", "\n".join(lines)):
        yield from re.split(r"(?<=[.:?])\s+", paragraph.strip())
