"""The Python and the Node.js reader on the same random files; `python -m tests.readers_agree` tries more."""

from __future__ import annotations

from random import Random

import pytest

from tests import readers_agree
from tests.readers_agree import FEATURES, Case, Report, compare, generate
from tests.support.node_js import needs_node
from wrapper.dotenv import AFTER_QUOTE, ESCAPED_QUOTE, INNER_QUOTE

pytestmark = needs_node

PROBLEMS = [
    "has no =",
    "has no valid name before its =",
    AFTER_QUOTE,
    AFTER_QUOTE + INNER_QUOTE,
    AFTER_QUOTE + ESCAPED_QUOTE,
    "is not UTF-8",
    "opens a quote that is never closed",
]


@pytest.fixture(scope="module")
def report() -> Report:
    return compare(list(generate(Random(0), 4_000)))


def test_both_readers_read_every_file_alike(report: Report) -> None:
    assert report.disagreements == []


def test_most_files_can_be_read_and_the_others_have_every_problem(report: Report) -> None:
    assert report.files / 2 < report.parsed < report.files
    assert sorted(set(report.outcomes) - {"parses"}) == PROBLEMS


def test_files_that_can_be_read_hold_everything_that_readers_stumble_over(report: Report) -> None:
    assert {feature: report.features[feature] for feature in FEATURES if report.features[feature] < 3} == {}


@pytest.mark.parametrize("reading", ["parse", "get_env", "load"])
def test_a_reader_that_errs_is_found(reading: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case(b"A=1\n", {"environ": {}, "override": False, "allow": []})
    assert compare([case]).disagreements == []
    monkeypatch.setattr(readers_agree, reading, lambda *_, **__: {})
    assert compare([case]).disagreements == [case.file]
