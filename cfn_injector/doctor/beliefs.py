"""What a belief is, and what can be found out about it.

A ``Belief`` is a sentence about AWS that the provider depends on. Its ``check`` looks at AWS and yields answers: what
was expected, and what was observed. A ``Finding`` is a belief with its answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from cfn_injector.doctor.session import Session

Verdict = Literal["right", "wrong", "unknown"]

_WORST_FIRST: tuple[Verdict, ...] = ("wrong", "unknown", "right")


@dataclass(frozen=True)
class Answer:
    """One observation. If ``verdict`` is unknown, ``observed`` is the reason."""

    question: str
    expected: str
    observed: str
    verdict: Verdict


@dataclass(frozen=True)
class Belief:
    """``letter`` identifies it on the command line. ``means`` is what follows if ``sentence`` is wrong.

    ``usage`` is what its check uses, as ``costs.PRICES`` counts it.
    """

    letter: str
    sentence: str
    means: str
    check: Callable[[Session], Iterable[Answer]] = field(repr=False)
    usage: Mapping[str, float] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Finding:
    """A belief, and the answers of its check."""

    belief: Belief
    answers: Sequence[Answer]

    @property
    def verdict(self) -> Verdict:
        """Wrong if one answer is wrong, right if all of them are right."""
        verdicts = {answer.verdict for answer in self.answers}
        return next((each for each in _WORST_FIRST if each in verdicts), "unknown")


def compare(question: str, expected: str, observed: str) -> Answer:
    """Right if what was observed is exactly what was expected."""
    return Answer(question, expected, observed, "right" if observed == expected else "wrong")


def judge(question: str, expected: str, observed: str, *, right: bool) -> Answer:
    """An answer whose check has decided by itself."""
    return Answer(question, expected, observed, "right" if right else "wrong")


def unknown(question: str, expected: str, reason: str) -> Answer:
    """An answer that could not be observed."""
    return Answer(question, expected, reason, "unknown")
