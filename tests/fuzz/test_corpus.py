"""The seeds of the fuzzer, and the inputs that it found."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from tests.fuzz.check import check
from tests.fuzz.seeds import SEEDS

FOUND = {path.name: path.read_bytes() for path in sorted((Path(__file__).parent / "corpus").iterdir())}


@pytest.mark.parametrize("data", [*SEEDS.values(), *FOUND.values()], ids=[*SEEDS, *FOUND])
def test_nothing_but_the_env_changes_for_any_input(data: bytes) -> None:
    tracemalloc.start()
    try:
        check(data)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_seeds_are_accepted() -> None:
    assert [name for name, data in SEEDS.items() if not check(data)] == [
        "nothing",
        "an end of central directory record in the comment",
        "signed",
    ]


def test_the_corpus_has_both_kinds() -> None:
    assert {check(data) for data in FOUND.values()} == {True, False}
