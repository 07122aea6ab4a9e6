"""The table of ``Connect`` in docs/connect.md is the one that the transform works by."""

from __future__ import annotations

from pathlib import Path

from tests import connect_table


def test_the_documentation_shows_the_table() -> None:
    page = (Path(__file__).parents[1] / "docs" / "connect.md").read_text("utf-8")
    assert f"\n\n{connect_table.table()}\n\n" in page, "python -m tests.connect_table prints it"
