"""One life of a stack, from which several beliefs are read: takes a session, returns what the recorder saw.

created          A
updated          A changes, B is added
replaced         A is replaced, B is removed
rolled back      A changes, C is added and fails
rolled back      A is replaced, C is added and fails
deleted
another stack    A, and C that fails
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from cfn_injector.doctor import stacks
from cfn_injector.doctor.base import base
from cfn_injector.doctor.recorder import Record, records, resource
from cfn_injector.doctor.session import Session


class Life(NamedTuple):
    """The events of each operation, the oldest first."""

    created: Sequence[Record]
    updated: Sequence[Record]
    replaced: Sequence[Record]
    rolled_back: Sequence[Record]
    replacement_rolled_back: Sequence[Record]
    deleted: Sequence[Record]
    creation_rolled_back: Sequence[Record]


def _template(resources: dict[str, Any]) -> dict[str, Any]:
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}


def _live(session: Session) -> Life:
    shared, seen = base(session), list[Record]()
    session.say("creating, updating, rolling back and deleting a stack")

    def new(stack: stacks.Rest) -> Sequence[Record]:
        """The events since the last call."""
        found = records(session, shared.artifacts, stack.name)
        later = found[len(seen) :]
        seen.extend(later)
        return later

    def a(number: int, text: str) -> dict[str, Any]:
        return resource(shared.token, PhysicalId=f"{session.name}-a{number}", Text=text)

    b = resource(shared.token, PhysicalId=f"{session.name}-b")
    c = resource(shared.token, after="A", PhysicalId=f"{session.name}-c", Fail="Create")
    stack = stacks.require(stacks.create(session, "life", _template({"A": a(1, "one")})), "CREATE_COMPLETE")
    created = new(stack)
    stacks.require(stacks.update(session, stack, _template({"A": a(1, "two"), "B": b})), "UPDATE_COMPLETE")
    updated = new(stack)
    stacks.require(stacks.update(session, stack, _template({"A": a(2, "two")})), "UPDATE_COMPLETE")
    replaced = new(stack)
    rolled_back = list[Sequence[Record]]()
    for desired in (a(2, "three"), a(3, "two")):
        failed = stacks.update(session, stack, _template({"A": desired, "C": c}))
        stacks.require(failed, "UPDATE_ROLLBACK_COMPLETE")
        rolled_back.append(new(stack))
    stacks.require(stacks.delete(session, stack), "DELETE_COMPLETE")
    deleted = new(stack)
    seen.clear()
    other = stacks.create(session, "failing", _template({"A": a(4, "one"), "C": c}))
    stacks.require(other, "ROLLBACK_COMPLETE")
    return Life(created, updated, replaced, rolled_back[0], rolled_back[1], deleted, new(other))


def life(session: Session) -> Life:
    """What happened, once for each session."""
    return session.once("the life of a stack", _live)
