"""Attacks on the provider: what the attacker sends, and what has to be as it was afterwards."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.fakes.cloudformation import STACK_ID, Held
from tests.support.lambda_functions import somebody
from tests.support.world import STAGING, World

VICTIM = STACK_ID.replace("shop-dev", "victim").replace("1c2fa620", "5e4fa620")
"""A stack of another team, at rest."""
VICTIM_TAGS = {"cfn-injector:stack-id": VICTIM, "cfn-injector:logical-id": "Function"}
NATIVE_TAGS = {"aws:cloudformation:stack-id": VICTIM, "aws:cloudformation:logical-id": "Function"}


@dataclass(frozen=True)
class Attack:
    """``event`` prepares the world and returns the event that is sent; ``reason`` is part of the answer's reason.

    An attack that is answered with SUCCESS has no reason: a Delete of what is not owned succeeds and deletes nothing.
    """

    sentence: str
    event: Callable[[World], dict[str, Any]]
    reason: str


def rows(attacks: tuple[Attack, ...]) -> list[Any]:
    """The attacks as parameters of a test, each named by its sentence."""
    return [pytest.param(attack, id=attack.sentence) for attack in attacks]


def picture(world: World) -> dict[str, Any]:
    """Everything that an attack could change: code, configuration, tags, policies, APIs, mappings and objects."""
    states = {
        f"{service}.{name}": copy.deepcopy(getattr(fake, name))
        for service, fake in world.fakes.items()
        for name in getattr(fake, "STATE", ())
    }
    objects = {key: world.s3.get_object(Bucket=STAGING, Key=key)["Body"].read() for key in world.staged()}
    tags = {key: world.s3.get_object_tagging(Bucket=STAGING, Key=key)["TagSet"] for key in objects}
    return {**states, "objects": objects, "object tags": tags}


def held_by_victim(
    world: World, physical_id: str, resource_type: str = "Custom::LambdaFunction", logical_id: str = "Function"
) -> None:
    """Makes a resource part of the victim's stack."""
    world.stack.statuses[VICTIM] = "UPDATE_COMPLETE"
    world.stack.held[VICTIM, logical_id] = Held(resource_type, physical_id)


def payroll(world: World, **tags: str) -> None:
    """A function of the victim's stack, with these tags."""
    world.aws_lambda.functions["payroll"] = somebody("payroll", **tags)
    held_by_victim(world, "payroll", "Custom::LambdaFunction" if tags == VICTIM_TAGS else "AWS::Lambda::Function")


def check(world: World, attack: Attack, record_property: Any) -> None:
    """Sends the attack's event. Fails if anything changed, or if the answer is another one."""
    event = attack.event(world)
    before = picture(world)
    answered = world.stack.send(event)
    record_property("attack", attack.sentence)
    assert picture(world) == before
    assert answered["Status"] == ("FAILED" if attack.reason else "SUCCESS")
    assert attack.reason in answered.get("Reason", "")


def printed(reports: list[Any]) -> Iterator[str]:
    """The table of attacks at the end of a run: one line for each, with its outcome."""
    found = [
        (value, report.outcome) for report in reports for name, value in report.user_properties if name == "attack"
    ]
    if found:
        held = sum(outcome == "passed" for _, outcome in found)
        yield f"attacks: {len(found)} tried, {held} without effect"
        yield from (f"  {outcome:7} {sentence}" for sentence, outcome in sorted(found))
