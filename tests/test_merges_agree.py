"""A few files of every variant, merged with difficult values; `python -m tests.merges_agree` tries more."""

from __future__ import annotations

from random import Random

import pytest

from cfn_injector.env_file import merge
from tests import merges_agree
from tests.merges_agree import DIFFERENCES, VARIANTS, Merge, Report, compare, generate, readers
from tests.support.node_js import needs_packages


@pytest.fixture(scope="module")
def report() -> Report:
    return compare(list(generate(Random(0), 50)), readers())


def test_every_parser_reads_every_merged_file_alike_but_for_what_is_named(report: Report) -> None:
    assert report.merges == 50 * len(VARIANTS)
    assert {name: [done.own for done in faults] for name, faults in report.faults.items() if faults} == {}


@needs_packages
def test_every_named_difference_is_met(report: Report) -> None:
    expected = {(name, one.name) for name, known in DIFFERENCES.items() for one in known}
    met = {(name, one) for name, counts in report.named.items() for one in counts}
    assert met == expected


def test_a_value_that_a_parser_reads_into_the_next_one_is_named() -> None:
    env = {"ONE": "'\\", "TWO": '"\nB=2\n"'}
    report = compare([Merge("LF", b"", env, merge(b"", env))], readers())
    assert not any(report.faults.values())


def test_a_merge_that_parsers_read_differently_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merges_agree, "merge", lambda own, env: b"A=1\rB=2\n")
    report = compare(list(generate(Random(0), 10)), [each for each in readers() if not each.name.startswith("wrapper")])
    assert any(report.faults.values())
