"""Beliefs about the states in which CloudFormation sends events: the table in ``aws.verification``.

Each event was recorded with the states that CloudFormation showed while the event was served.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from cfn_injector.doctor.beliefs import Answer, compare, judge, unknown
from cfn_injector.doctor.recorder import Record
from cfn_injector.doctor.scenario import life
from cfn_injector.doctor.session import Session


class Moment(NamedTuple):
    """A row of the table, and which event of an operation belongs to it.

    ``stack`` is the status of the stack. ``status`` is that of the resource, empty for the Delete of one of the two
    physical IDs of a resource. ``number`` counts the events of that type and resource in the operation.
    """

    operation: str
    name: str
    logical: str
    type: str
    stack: str
    status: str
    number: int = 0


CLEANUP, ROLLBACK_CLEANUP = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
CREATING, UPDATING, DELETING = "CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"
MOMENTS = (
    Moment("created", "stack creation", "A", "Create", CREATING, CREATING),
    Moment("updated", "stack update, resource changed", "A", "Update", UPDATING, UPDATING),
    Moment("updated", "stack update, resource added", "B", "Create", UPDATING, CREATING),
    Moment("replaced", "stack update, resource replaced", "A", "Update", UPDATING, UPDATING),
    Moment("replaced", "clean-up, resource removed", "B", "Delete", CLEANUP, DELETING),
    Moment("replaced", "clean-up after a replacement", "A", "Delete", CLEANUP, ""),
    Moment("rolled_back", "failed update, before its rollback", "A", "Update", UPDATING, UPDATING),
    Moment("rolled_back", "failed update, rollback", "A", "Update", "UPDATE_ROLLBACK_IN_PROGRESS", UPDATING, 1),
    Moment("rolled_back", "clean-up after a rollback, resource added", "C", "Delete", ROLLBACK_CLEANUP, DELETING),
    Moment(
        *("replacement_rolled_back", "failed replacement, rollback", "A", "Update"),
        *("UPDATE_ROLLBACK_IN_PROGRESS", UPDATING),
        number=1,
    ),
    Moment("replacement_rolled_back", "clean-up after a replacement's rollback", "A", "Delete", ROLLBACK_CLEANUP, ""),
    Moment("deleted", "stack deletion", "A", "Delete", DELETING, DELETING),
    Moment("creation_rolled_back", "failed creation, rollback", "A", "Delete", "ROLLBACK_IN_PROGRESS", DELETING),
)


def is_accepted(moment: Moment, seen: Record) -> bool:
    """Whether the verification accepts the event in the moment that it is for: as ``aws.verification`` decides."""
    status, in_cleanup = moment.status or DELETING, moment.stack.endswith("CLEANUP_IN_PROGRESS")
    recorded, held = seen.record
    newest, about = seen.newest
    replaced = in_cleanup and held not in ("", seen.physical)
    return seen.stack == moment.stack and (
        recorded == status or replaced or (newest == status and not (in_cleanup and about != seen.physical))
    )


def _describe_record(seen: Record, names: Mapping[str, str]) -> str:
    def shown(status: str, id: str) -> str:
        return f"{status or 'none'}{f' of {names.get(id, id)}' if id else ''}"

    return (
        f"stack {seen.stack}; record {shown(*seen.record)}; newest event {shown(*seen.newest)}; "
        f"sent {shown(seen.type, seen.physical)}"
    )


def _observe(moment: Moment, happened: Sequence[Record], names: Mapping[str, str]) -> Iterator[Answer]:
    wanted = moment.status or f"{DELETING}, or a record of another ID"
    expected = f"stack {moment.stack}; record or newest event {wanted}; sent {moment.type}"
    events = [each for each in happened if (each.logical, each.type) == (moment.logical, moment.type)]
    if len(events) <= moment.number:
        yield unknown(moment.name, expected, f"CloudFormation sent {len(events)} such events in this operation")
        return
    seen = events[moment.number]
    yield judge(moment.name, expected, _describe_record(seen, names), right=is_accepted(moment, seen))
    if not moment.status:
        held = "the event's" if seen.record[1] == seen.physical else "another" if seen.record[1] else "none"
        yield compare(f"{moment.name}: physical ID in the record", "another", held)


def check_states(session: Session) -> Iterator[Answer]:
    happened = life(session)._asdict()
    names = {f"{session.name}-{short}": short for short in ("a1", "a2", "a3", "a4", "b", "c")}
    for moment in MOMENTS:
        yield from _observe(moment, happened[moment.operation], names)
