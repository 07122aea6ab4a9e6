"""Every hazard in the table of ``tests/README.md`` names a test that exists, or the page that tells of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TABLES = (ROOT / "tests" / "README.md").read_text("utf-8").partition("\n## Hazards\n")[2]

TEST = re.compile(r"`(tests/[\w/]+\.py(?:::\w+)+)`")
PAGE = re.compile(r'\[[^]]+\]\(\.\./([^)]+)\): "([^"]+)"')


def rows() -> Iterator[list[str]]:
    """The cells of each row; header and ruler aside."""
    for line in TABLES.splitlines():
        if line.startswith("|") and not line.startswith(("| # |", "|---")):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


ROWS = list(rows())


@cache
def defined_in(file: str) -> frozenset[str]:
    """``test_name`` and ``Class::test_name`` of a file, which is read and not run."""
    path = ROOT / file
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body if path.is_file() else []:
        inner = [(f"{node.name}::", each) for each in node.body] if isinstance(node, ast.ClassDef) else [("", node)]
        found |= {prefix + each.name for prefix, each in inner if isinstance(each, ast.FunctionDef)}
    return frozenset(name for name in found if name.rpartition("::")[2].startswith("test_"))


def missing(cell: str) -> list[str]:
    """What a row's last cell names and is not there; the cell itself where it names nothing."""
    tests, pages = TEST.findall(cell), PAGE.findall(cell)
    if TEST.sub("", PAGE.sub("", cell)).replace("<br>", "").strip() or not (tests or pages):
        return [cell]
    absent = [test for test in tests if test.partition("::")[2] not in defined_in(test.partition("::")[0])]
    return absent + [page for page, words in pages if words not in (ROOT / page).read_text("utf-8")]


def test_the_rows_are_counted_without_a_gap() -> None:
    assert [int(number) for number, *_ in ROWS] == list(range(1, 194))


@pytest.mark.parametrize("row", ROWS, ids=[f"hazard {number}" for number, *_ in ROWS])
def test_a_hazard_says_what_is_wrong_what_is_right_and_names_what_shows_it(row: list[str]) -> None:
    _, wrong, right, shown = row
    assert wrong
    assert right
    assert missing(shown) == []


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "to be written",
        "`tests/test_hazards.py`",
        "`tests/test_hazards.py::test_of_nothing`",
        "`tests/test_nowhere.py::test_x`",
        "`tests/test_lambda_function.py::TestOwnership::test_of_nothing`",
        "`tests/test_hazards.py::missing`",
        "`tests/test_hazards.py::test_the_rows_are_counted_without_a_gap` and more",
        '[README.md](../README.md): "words that are not there, except here"',
    ],
)
def test_a_cell_that_names_nothing_is_found(cell: str) -> None:
    assert missing(cell)
