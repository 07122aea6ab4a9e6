"""The quick start, pasted into a terminal as it is on the page: on the emulator that it starts, and in an account."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from tests.support import quick_start, transcripts
from tests.support.quick_start import Done
from tests.support.real_clients import AWS, need

PAGE = transcripts.PAGE.read_text("utf-8")
ANSWERS = ('dev.json:"Hello from dev"', 'prod.json:"Welcome from prod"', '"Moin from dev"')


@pytest.fixture(params=["emulator", "account"])
def played(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Sequence[Done]]]:
    """The way, and its steps but for the first one, which installs the command."""
    if "REAL_CLIENTS" not in os.environ:
        pytest.skip("takes two minutes: make real-clients")
    need(AWS)
    chosen = quick_start.EMULATOR if request.param == "emulator" else quick_start.AWS
    place: AbstractContextManager[Mapping[str, str]] = (
        nullcontext({}) if request.param == "emulator" else quick_start.account()
    )
    with place as settings:
        yield request.param, quick_start.played(tmp_path, chosen, settings, str(AWS))


def test_the_quick_start_deploys_two_stages_and_changes_one_as_it_was_recorded(
    played: tuple[str, Sequence[Done]],
) -> None:
    way, done = played
    assert [text for step in done for text in quick_start.failures(step)] == []
    shown = "".join(step.text for step in done)
    assert [answer for answer in ANSWERS if answer not in shown] == []
    name, record = {
        "emulator": (transcripts.QUICK_START, transcripts.quick_start),
        "account": (transcripts.INSTALLATION, transcripts.installation),
    }[way]
    assert record(done) == transcripts.recorded(PAGE, name), "run: make recordings"
