"""Compares stages of functions: takes the contents of each stage, returns rows of equal and different variables.

Pure. A row says which stages have equal values by numbers, so that it needs no value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cfn_injector.cli import advice
from cfn_injector.cli.contents import Contents, File

ENVIRONMENT = " (Environment)"
"""Follows the name of a variable that the function's configuration holds, not its ``.env`` file."""
EQUAL, DIFFERENT, MISSING = "equal", "different", "missing"


class Row(NamedTuple):
    """A variable in all stages: stages with the same number have the same value; None stands for no variable."""

    name: str
    groups: Sequence[int | None]

    @property
    def shown_name(self) -> str:
        """The name for a person, or ``***`` if it may be a secret."""
        own = self.name.removesuffix(ENVIRONMENT)
        return f"{advice.shown_name(own)}{self.name[len(own) :]}"

    @property
    def state(self) -> str:
        if None in self.groups:
            return MISSING
        return EQUAL if len(set(self.groups)) == 1 else DIFFERENT


class CodeChange(NamedTuple):
    """The names of files that one archive has and another one does not, and of those that differ."""

    added: Sequence[str]
    removed: Sequence[str]
    changed: Sequence[str]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


@dataclass(frozen=True)
class Comparison:
    """One function in all stages. ``stages`` are its contents, or None for a stage without it.

    ``code`` says what the code of each stage has that the first stage's has not; None for a stage without it.
    ``loaders`` numbers equal loaders.
    """

    name: str
    stages: Sequence[Contents | None]
    rows: Sequence[Row]
    code: Sequence[CodeChange | None]
    loaders: Sequence[int | None]

    @property
    def same_code(self) -> bool:
        return all(change is not None and not change for change in self.code)

    @property
    def differs(self) -> bool:
        return not self.same_code or any(row.state != EQUAL for row in self.rows) or len(set(self.loaders)) > 1


def label(group: int) -> str:
    """A letter for a number in ``Row.groups``: A to Z, then A2 and so on."""
    again, letter = divmod(group, 26)
    return f"{chr(ord('A') + letter)}{again + 1 if again else ''}"


def variables(stage: Contents) -> dict[str, str]:
    """All variables of a stage, those of its configuration under a name of their own."""
    return {**stage.env, **{f"{name}{ENVIRONMENT}": value for name, value in stage.environment.items()}}


def _groups(values: Sequence[object | None]) -> list[int | None]:
    """A number for each value: the same one for the same value, in the order of the first appearance."""
    numbers: dict[object, int] = {}
    return [None if value is None else numbers.setdefault(value, len(numbers)) for value in values]


def _code_change(first: Mapping[str, File], second: Mapping[str, File]) -> CodeChange:
    return CodeChange(
        added=sorted(second.keys() - first.keys()),
        removed=sorted(first.keys() - second.keys()),
        changed=sorted(name for name in first.keys() & second.keys() if first[name] != second[name]),
    )


def compare(name: str, stages: Sequence[Contents | None]) -> Comparison:
    """The comparison of one function in all stages, of which at least one has it."""
    held = [variables(stage) if stage else {} for stage in stages]
    names = sorted({each for stage in held for each in stage})
    reference = next(stage for stage in stages if stage)
    return Comparison(
        name=name,
        stages=stages,
        rows=[Row(each, _groups([stage.get(each) for stage in held])) for each in names],
        code=[_code_change(reference.code, stage.code) if stage else None for stage in stages],
        loaders=_groups([tuple(sorted(stage.loader.items())) if stage else None for stage in stages]),
    )
