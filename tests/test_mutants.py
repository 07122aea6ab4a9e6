"""The mutants that ``make mutants`` runs fit the code, which takes no run of a test to find out."""

from __future__ import annotations

from collections.abc import Iterator

from tests.mutants import MUTANTS, ROOT


def _unfit() -> Iterator[str]:
    for mutant in MUTANTS:
        path = ROOT / "cfn_injector" / mutant.file
        if not path.is_file():
            yield f"{mutant.name}: there is no {mutant.file}"
        elif (count := path.read_text("utf-8").count(mutant.old)) != 1:
            yield f"{mutant.name}: its text is {count} times in {mutant.file}"
        yield from (f"{mutant.name}: there is no {test}" for test in mutant.tests if not _exists(test))


def _exists(test: str) -> bool:
    return (ROOT / test.partition("::")[0]).is_file()


def test_every_mutant_changes_one_place_and_names_tests_that_exist() -> None:
    assert list(_unfit()) == []
