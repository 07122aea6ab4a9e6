"""How often a wait looks, on a clock that moves only when somebody sleeps."""

from __future__ import annotations

from itertools import pairwise

import pytest

from cfn_injector.aws.waiting import CALLS, LOOKS, Deadline, Pace
from tests.fakes.aws_lambda import Clock
from tests.support.lambda_functions import PUBLISHED, created
from tests.support.world import World


def pauses(pace: Pace, *, at_once: bool, looks: int = 12, jitter: float = 1.0) -> list[float]:
    """The seconds from the beginning of the wait to the first look, and between two looks."""
    clock = Clock()
    seen = [clock.now()]

    def look() -> bool | None:
        seen.append(clock.now())
        return len(seen) > looks or None

    deadline = Deadline(clock.now, clock.sleep, clock.now() + 900, lambda: jitter)
    deadline.wait_for("it", look, pace=pace, at_once=at_once)
    return [round(after - before, 3) for before, after in pairwise(seen)]


@pytest.mark.parametrize(
    ("pace", "expected"),
    [
        (LOOKS, [0.5, 0.625, 0.781, 0.977, 1.221, 1.526, 1.907, 2.0, 2.0, 2.0, 2.0]),
        (CALLS, [0.5, 0.75, 1.125, 1.688, 2.531, 3.797, 5.0, 5.0, 5.0, 5.0, 5.0]),
    ],
    ids=["looks", "calls"],
)
@pytest.mark.parametrize("jitter", [0.0, 1.0])
def test_pauses_grow_to_a_maximum_and_at_most_half_of_each_is_cut(
    pace: Pace, expected: list[float], jitter: float
) -> None:
    found = pauses(pace, at_once=True, jitter=jitter)
    assert found[0] == 0
    assert found[1:] == pytest.approx([each * (1 + jitter) / 2 for each in expected], abs=0.001)


def test_what_has_only_just_begun_is_not_looked_at_before_a_pause() -> None:
    assert pauses(LOOKS, at_once=False)[:3] == [0.5, 0.5, 0.625]


@pytest.mark.parametrize(("busy", "looks"), [(0.2, 1), (4.0, 8)])
def test_a_function_that_was_created_is_looked_at_when_it_can_be_ready(world: World, busy: float, looks: int) -> None:
    world.aws_lambda.busy_seconds = busy
    created(world)
    operations = world.aws_lambda.operations()
    after = operations[operations.index("CreateFunction") + 1 :]
    waited = next(number for number, name in enumerate(after) if name != "GetFunction")
    assert 1 <= waited <= looks


def test_the_end_of_a_change_is_noticed_within_two_seconds(world: World) -> None:
    begun, late = [0.0], list[float]()
    changing = {"CreateFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration", "PublishVersion"}

    def after(operation: str, _: object) -> None:
        if operation in changing:
            begun[0] = world.clock.now()
        elif operation == "GetFunction" and begun[0] and world.clock.now() >= begun[0] + 9:
            late.append(world.clock.now() - begun[0] - 9)
            begun[0] = 0.0

    world.aws_lambda.busy_seconds, world.aws_lambda.after = 9.0, after
    created(world, **PUBLISHED)
    assert late
    assert max(late) <= 2.0
