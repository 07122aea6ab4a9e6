"""What real parsers make of the values that we write is what the documentation says; `python -m tests.conformance`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from cfn_injector.env_file import merge
from tests.conformance import Reading, counts, measure, misread
from tests.support.dotenv_parsers import Parser, parsers, values
from tests.support.node_js import run_node

PAGE = (Path(__file__).parents[1] / "docs" / "env-file.md").read_text(encoding="utf-8")
OURS = ("wrapper, Python", "wrapper, Node.js")


def _table(first: str) -> list[list[str]]:
    """The rows of the documentation's table whose first heading is this."""
    found = re.search(rf"^\| {first} \|.*\n\|[-:|]+\|\n((?:\|.*\n)+)", PAGE, flags=re.MULTILINE)
    assert found
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in found[1].splitlines()]


PARSERS = _table("parser")
CLASSES = {group: (int(number), names.split(", ")) for group, number, names in _table("values")}


@pytest.fixture(scope="module")
def here() -> Mapping[str, Parser]:
    return {parser.name: parser for parser in parsers()}


@pytest.fixture(scope="module")
def readings(here: Mapping[str, Parser]) -> Mapping[str, Sequence[Reading]]:
    return {parser.name: measure(parser, values()) for parser in here.values()}


@pytest.mark.parametrize("name", OURS)
def test_our_readers_read_every_value(name: str, readings: Mapping[str, Sequence[Reading]]) -> None:
    if name not in readings:
        pytest.skip("node is not installed here")
    assert [value.name for value, found in zip(values(), readings[name], strict=True) if not found.exact] == []


@pytest.mark.parametrize("row", PARSERS, ids=lambda row: row[0])
def test_a_parser_reads_as_many_values_as_the_documentation_says(
    row: list[str], here: Mapping[str, Parser], readings: Mapping[str, Sequence[Reading]]
) -> None:
    name, version, exact, leaks = row
    if name not in here:
        pytest.skip(f"{name} is not installed here")
    measured = counts(here[name], readings[name])
    if here[name].pinned:
        assert measured == (name, version, int(exact), int(leaks))
    else:
        assert measured[2] >= int(exact)
        assert measured[3] <= int(leaks)


@pytest.mark.parametrize("group", CLASSES)
def test_a_class_of_values_is_misread_by_those_whom_the_documentation_names(
    group: str, here: Mapping[str, Parser], readings: Mapping[str, Sequence[Reading]]
) -> None:
    number, documented = CLASSES[group]
    measured = misread(values(), readings)[group]
    assert number == sum(value.group == group for value in values())
    assert set(measured) <= set(documented)
    assert [name for name in documented if name in here and here[name].pinned and name not in measured] == []


def test_the_documentation_names_every_parser_and_every_class(here: Mapping[str, Parser]) -> None:
    assert set(here) <= {row[0] for row in PARSERS}
    assert list(CLASSES) == list(dict.fromkeys(value.group for value in values()))
    assert {name for _, names in CLASSES.values() for name in names} <= {"none", *(row[0] for row in PARSERS)}
    assert f"Of {len(values())} values" in PAGE


def test_the_values_are_many_and_none_is_tried_twice() -> None:
    assert 100 <= len({value.text for value in values()}) == len({value.name for value in values()}) == len(values())


def test_a_parser_that_errs_is_found() -> None:
    tried = values()
    one = measure(Parser("", "", True, lambda files: [{"A": tried[0].text}] * len(files)), tried)
    assert not any(reading.exact or reading.leaks for reading in one)
    none = measure(Parser("", "", True, lambda files: [None] * len(files)), tried)
    assert not any(reading.exact or reading.leaks for reading in none)
    other = measure(Parser("", "", True, lambda files: [{"A": "", "B": ""}] * len(files)), tried)
    assert all(reading.leaks for reading in other)


def test_what_node_loads_for_its_option_is_what_was_measured(
    here: Mapping[str, Parser], readings: Mapping[str, Sequence[Reading]], tmp_path: Path
) -> None:
    name = "Node.js --env-file"
    if name not in here:
        pytest.skip("this machine has no Node.js with process.loadEnvFile")
    read = zip(values(), readings[name], strict=True)
    env = {f"CFN_{number}": value.text for number, (value, one) in enumerate(read) if one.exact}
    (tmp_path / "a.env").write_bytes(merge(b"", env))
    script = "require('fs').writeFileSync('found.json', JSON.stringify(process.env))"
    run_node("--env-file", "a.env", "-e", script, cwd=tmp_path)
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert {key: value for key, value in found.items() if key.startswith("CFN_")} == env
