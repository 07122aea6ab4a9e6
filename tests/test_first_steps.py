"""What `make first-steps` measures, without running it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import first_steps
from tests.first_steps import Row
from tests.support.quick_start import EMULATOR, RELEASE, Done
from tests.support.terminal import Shown


def done(title: str, *seconds: float) -> Done:
    return Done(title, [Shown("$ true\n", 0, each) for each in seconds])


def test_a_way_is_measured_up_to_the_first_answer_of_a_function() -> None:
    walked = [done("1. Install", 10, 2), done("3. Write"), done("7. Look at them", 3, 4), done("9. Delete", 5)]
    assert first_steps.taken(walked) == [
        Row("1. Install", 2, 12),
        Row("3. Write", 0, 0),
        Row("7. Look at them", 2, 7),
        Row("9. Delete", 1, 5),
        Row("until a function answers", 3, 15),
    ]


def test_a_way_without_a_function_has_only_its_steps() -> None:
    assert first_steps.taken([done("make demo", 60)]) == [Row("make demo", 1, 60)]


def test_the_first_command_of_the_step_with_an_answer_invokes_a_function(tmp_path: Path) -> None:
    way = first_steps.page("", tmp_path, {RELEASE, *EMULATOR})
    (step,) = (step for step in way.steps if step.title.startswith(first_steps.ANSWERED))
    assert step.blocks[0].startswith("aws lambda invoke ")


def test_the_readme_is_followed_from_the_clone_to_the_demo(tmp_path: Path) -> None:
    way = first_steps.readme(tmp_path / "clone")
    assert [step.title for step in way.steps] == ["git clone", "make demo", "make dist"]
    assert way.steps[1].blocks == ["make demo\n"]


def test_the_rows_are_a_table() -> None:
    assert first_steps.table("way", [Row("1. Install", 2, 12.4)]).splitlines() == [
        "| way | commands | seconds |",
        "|---|--:|--:|",
        "| 1. Install | 2 | 12 |",
    ]


@pytest.mark.parametrize(
    ("name", "passed"),
    [("PIP_INDEX_URL", True), ("https_proxy", True), ("SSL_CERT_FILE", True), ("AWS_PROFILE", False), ("PATH", False)],
)
def test_nothing_is_passed_on_but_what_reaches_an_index(name: str, passed: bool) -> None:
    assert (first_steps.reaching_an_index({name: "x"}) == {name: "x"}) is passed
