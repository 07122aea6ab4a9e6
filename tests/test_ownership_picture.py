"""The picture of ownership: each of its arrows is an event that the provider serves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from cfn_injector.protocol.messages import Stack, parse_request
from cfn_injector.protocol.ownership import LOGICAL_ID, STACK_ID, Verdict, verdict
from pictures import ownership
from tests.fakes import cloudformation
from tests.support.lambda_functions import BASE, created, somebody
from tests.support.world import World

NAME = "theirs"
GONE = cloudformation.STACK_ID.replace("shop-dev", "gone")
ADOPTING = {**BASE, "FunctionName": NAME, "Adopt": True}


class Seen(NamedTuple):
    """What the function is to its resource before and after an event; None if it does not exist."""

    before: Verdict | None
    after: Verdict | None


def look(world: World, *, rolling_back: bool = False, stack: str = cloudformation.STACK_ID) -> Verdict | None:
    """What the only function is to an Update of a resource of this stack."""
    functions = list(world.aws_lambda.functions.values())
    if not functions:
        return None
    (function,) = functions
    request = parse_request({**world.stack.event("Update", BASE, physical_id=NAME), "StackId": stack})
    return verdict(function.tags, request, Stack({}, rolling_back=rolling_back))


def _half_created(world: World) -> dict[str, Any]:
    """A Create whose provider was killed when the function existed."""

    def kill(name: str, params: dict[str, Any]) -> None:
        if "CreateFunction" in world.aws_lambda.operations():
            raise KeyboardInterrupt

    event = world.stack.event("Create", BASE)
    world.aws_lambda.after = kill
    with pytest.raises(KeyboardInterrupt):
        world.deliver_unguarded(event)
    world.aws_lambda.after = lambda operation, params: None
    return event


def begun(world: World) -> Seen:
    before = look(world)
    _half_created(world)
    return Seen(before, look(world))


def completed(world: World) -> Seen:
    event = _half_created(world)
    before = look(world)
    world.stack.status = "CREATE_IN_PROGRESS"
    world.stack.resource_status = "CREATE_IN_PROGRESS"
    assert world.stack.send(event)["Status"] == "SUCCESS"
    return Seen(before, look(world))


def failed(world: World) -> Seen:
    _half_created(world)
    before = look(world)
    world.stack.send(world.stack.event("Delete", BASE, physical_id=cloudformation.MADE_UP))
    return Seen(before, look(world))


def deleted(world: World) -> Seen:
    name = created(world)
    before = look(world)
    world.stack.send(world.stack.event("Delete", BASE, physical_id=name))
    return Seen(before, look(world))


def retained(world: World) -> Seen:
    created(world)
    return Seen(look(world), look(world, stack=GONE))


def adopted(world: World, **tags: str) -> Seen:
    world.aws_lambda.functions[NAME] = somebody(NAME, **tags)
    before = look(world)
    assert created(world, **ADOPTING) == NAME
    return Seen(before, look(world, rolling_back=True))


def adopted_after_retained(world: World) -> Seen:
    return adopted(world, **{STACK_ID: GONE, LOGICAL_ID: "Function"})


def kept(world: World) -> Seen:
    return Seen(adopted(world).after, look(world))


def released(world: World) -> Seen:
    before = adopted(world).after
    world.stack.status = "ROLLBACK_IN_PROGRESS"
    world.stack.send(world.stack.event("Delete", ADOPTING, physical_id=NAME))
    assert world.aws_lambda.functions[NAME].configuration["Handler"] == "theirs.handler"
    return Seen(before, look(world))


EVENTS: dict[tuple[str, str], Callable[[World], Seen]] = {
    ("absent", "pending"): begun,
    ("pending", "owned"): completed,
    ("pending", "deleted"): failed,
    ("owned", "deleted"): deleted,
    ("owned", "retained"): retained,
    ("unclaimed", "adopted"): adopted,
    ("retained", "adopted"): adopted_after_retained,
    ("adopted", "owned"): kept,
    ("adopted", "released"): released,
}


@pytest.mark.parametrize("change", ownership.CHANGES, ids=lambda change: f"{change.source} to {change.target}")
def test_an_arrow_is_what_an_event_does(world: World, change: ownership.Change) -> None:
    seen = EVENTS[change.source, change.target](world)
    assert seen == Seen(ownership.VERDICTS[change.source], ownership.VERDICTS[change.target])


def test_every_event_has_an_arrow() -> None:
    assert {(change.source, change.target) for change in ownership.CHANGES} == set(EVENTS)
