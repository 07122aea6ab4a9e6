"""The files in docs/pictures/: their names, and their text as the code draws it.

The benchmark's picture shows the figures in the tables of docs/rewriting.md, and terminals show what
docs/recorded-runs.md has recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pictures import archive, benchmark, ownership, terminal, trust, two_stages
from pictures.drawing import Picture, svg

DOCS = Path(__file__).parents[1] / "docs"
FOLDER = DOCS / "pictures"


def pictures() -> Sequence[Picture]:
    measured = benchmark.picture((DOCS / "rewriting.md").read_text("utf-8"))
    runs = (DOCS / "recorded-runs.md").read_text("utf-8")
    terminals = [terminal.picture(name, runs) for name in terminal.RUNS]
    return (two_stages.PICTURE, archive.PICTURE, ownership.PICTURE, trust.PICTURE, measured, *terminals)


def files() -> Mapping[str, str]:
    """The text of each file, by its name."""
    return {f"{picture.name}.svg": svg(picture) for picture in pictures()}
