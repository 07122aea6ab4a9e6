"""Examines beliefs: takes a session, returns a report; removes everything that the session created.

belief -> its check -> answers -> a finding;  then, whatever happened, the removals
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cfn_injector.doctor.beliefs import Answer, Belief, Finding, unknown
from cfn_injector.doctor.cleanup import explained
from cfn_injector.doctor.session import Session


class Report(NamedTuple):
    """``left`` has a line for each thing that could not be removed: its name, and why. ``seconds`` is the duration."""

    findings: Sequence[Finding]
    left: Sequence[str]
    seconds: float

    def letters(self, verdict: str) -> str:
        """The letters of the beliefs with this verdict, separated by commas."""
        return ", ".join(each.belief.letter for each in self.findings if each.verdict == verdict)


def _look(session: Session, belief: Belief) -> Finding:
    """What a check finds. If it fails, what it has found so far counts, and the rest is unknown."""
    answers = list[Answer]()
    try:
        for answer in belief.check(session):
            answers.append(answer)
    except Exception as error:  # whatever it is, the other beliefs are checked, and everything is removed
        answers.append(unknown("the check", "to be finished", explained(error)))
    return Finding(belief, answers)


def _remove(session: Session) -> list[str]:
    session.say("removing everything")
    left = session.removals.run()
    for line in left:
        session.say(f"NOT REMOVED: {line}")
    return left


def examine(session: Session, beliefs: Sequence[Belief]) -> Report:
    """Checks beliefs one after another. An interruption removes everything, too, and is raised again."""
    began, findings, left = session.now(), list[Finding](), list[str]()
    try:
        for belief in beliefs:
            session.say(f"{belief.letter}: {belief.sentence}")
            findings.append(_look(session, belief))
    finally:
        left = _remove(session)
    return Report(findings, left, session.now() - began)
