"""``doctor`` judges states as the verification of events does."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import Mock

import pytest

from cfn_injector.aws.verification import verify
from cfn_injector.doctor.recorder import TYPE, Record
from cfn_injector.doctor.state_beliefs import MOMENTS, Moment, is_accepted
from cfn_injector.errors import RequestError
from cfn_injector.protocol.messages import Request

STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/s/1"
STATUSES = ("", "CREATE_COMPLETE", "CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
IDS = ("", "own", "other")


@dataclass
class Answers:
    """A CloudFormation client that shows what was recorded, and a clock that moves when somebody sleeps."""

    seen: Record
    meta: Any = field(default_factory=Mock)  # hooks are registered with it; nothing calls them
    time: float = 0.0
    environ: dict[str, str] = field(default_factory=dict)

    def client(self, name: str) -> Answers:
        return self

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def log(self, step: str, **fields: Any) -> None:
        return None

    def conceal(self, values: Iterable[str]) -> None:
        return None

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        return {"Stacks": [{"StackId": STACK, "StackStatus": self.seen.stack}]}

    def _shown(self, state: list[str]) -> dict[str, str]:
        return {"ResourceType": TYPE, "ResourceStatus": state[0], "PhysicalResourceId": state[1]}

    def describe_stack_resource(self, StackName: str, LogicalResourceId: str) -> dict[str, Any]:
        return {"StackResourceDetail": self._shown(self.seen.record)}

    def get_paginator(self, operation: str) -> Answers:
        return self

    def paginate(self, StackName: str) -> list[dict[str, Any]]:
        return [{"StackEvents": [{"LogicalResourceId": "A", **self._shown(self.seen.newest)}]}]


def is_verified(seen: Record) -> bool:
    request = Request(seen.type, "r", STACK, "A", TYPE, seen.physical, {}, {}, deadline=100.0)
    try:
        verify(request, Answers(seen))
    except RequestError:
        return False
    return True


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.name)
def test_an_event_is_accepted_exactly_if_the_verification_accepts_it(moment: Moment) -> None:
    verdicts = set[bool]()
    physical = "" if moment.type == "Create" else "own"
    for status, held, newest, about in itertools.product(STATUSES, IDS, STATUSES, IDS):
        states = [status, held], [newest, about]
        seen = Record(moment.type, "A", physical, 0, 0, "", [], "", {}, moment.stack, *states)
        assert is_accepted(moment, seen) == is_verified(seen), seen
        verdicts.add(is_verified(seen))
    assert verdicts == {True, False}


def test_an_event_in_another_state_of_the_stack_is_not_accepted() -> None:
    moment = MOMENTS[0]
    states = [moment.status, ""], [moment.status, ""]
    seen = Record(moment.type, "A", "", 0, 0, "", [], "", {}, "UPDATE_IN_PROGRESS", *states)
    assert not is_accepted(moment, seen)
