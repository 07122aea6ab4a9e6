"""Hostile values, written by this project and read by real parsers of `.env` files: what arrives?

    python -m tests.conformance

In flow the values of data/dotenv_values.json and the parsers that this machine has; out flow two tables in Markdown:
how many values each parser reads exactly, and which parsers misread something of which class. A value is tried twice:
alone, as ``NAME=`` and what ``quote`` writes, and between other variables, as ``merge`` writes it into a file. A parser
reads it exactly if the file's variables are what was written, all of them, and no others.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cfn_injector.env_file import merge, quote
from tests.support.dotenv_parsers import Parser, Value, parsers, values

NAME = "A"
OWN = b"FIRST=1\nA=old\nLAST='2 3'\n"
NEIGHBOURS = {"FIRST": "1", "LAST": "2 3"}


class Reading(NamedTuple):
    """What a parser made of a value: whether exactly what was written, both times, and whether it set further names."""

    exact: bool
    leaks: bool


def measure(parser: Parser, tried: Sequence[Value]) -> list[Reading]:
    """What the parser made of each value."""
    alone = [f"{NAME}={quote(value.text)}\n".encode() for value in tried]
    merged = [merge(OWN, {NAME: value.text}) for value in tried]
    found = list(parser.read(alone + merged))
    readings = []
    for value, by_itself, among in zip(tried, found[: len(tried)], found[len(tried) :], strict=True):
        exact = by_itself == {NAME: value.text} and among == {**NEIGHBOURS, NAME: value.text}
        leaks = not {*(by_itself or ()), *(among or ())} <= {*NEIGHBOURS, NAME}
        readings.append(Reading(exact, leaks))
    return readings


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def counts(parser: Parser, readings: Sequence[Reading]) -> tuple[str, str, int, int]:
    """A row of the first table: the parser, how many values it reads exactly, and how many set names of their own."""
    exact, leaks = (sum(column) for column in zip(*readings, strict=True))
    return parser.name, parser.version, exact, leaks


def misread(tried: Sequence[Value], readings: Mapping[str, Sequence[Reading]]) -> dict[str, list[str]]:
    """Class of values -> the parsers that misread at least one of them."""
    return {
        group: [
            name
            for name, found in readings.items()
            if not all(reading.exact for value, reading in zip(tried, found, strict=True) if value.group == group)
        ]
        for group in dict.fromkeys(value.group for value in tried)
    }


def main() -> int:
    logging.disable()
    tried = values()
    found: dict[str, Any] = {}
    print(_row("parser", "version", "values read exactly", "values that set names"))
    print(_row("---", "---", "--:", "--:"))
    for parser in parsers():
        found[parser.name] = measure(parser, tried)
        print(_row(*counts(parser, found[parser.name])))
    print(f"\n{len(tried)} values\n")
    print(_row("values", "number", "misread by"))
    print(_row("---", "--:", "---"))
    for group, names in misread(tried, found).items():
        print(_row(group, sum(value.group == group for value in tried), ", ".join(names) or "none"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
