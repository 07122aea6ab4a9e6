"""Stacks as this command sees them: takes a place and a name, returns a stack, or what became of it.

A stack that fails is an InjectorError with the reasons of its resources. Errors of AWS pass through.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from cfn_injector.errors import InjectorError, message_of

STACK_SECONDS = 1800.0
POLL_SECONDS = 2.0
CREATED, UPDATED, DELETED = "CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"
REVIEW = "REVIEW_IN_PROGRESS"
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html"""


@dataclass(frozen=True)
class Place:
    """One Region of an account. ``client(service)`` returns a boto3 client, ``say`` shows progress."""

    account: str
    region: str
    client: Callable[[str], Any] = field(repr=False)
    say: Callable[[str], None] = field(repr=False)
    now: Callable[[], float] = field(repr=False)
    sleep: Callable[[float], None] = field(repr=False)


class Stack(NamedTuple):
    """A stack as it is now. ``exports`` maps the names of its exports to their values."""

    name: str
    id: str
    status: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    exports: Mapping[str, str]
    is_protected: bool

    @property
    def is_in_progress(self) -> bool:
        return self.status.endswith("_IN_PROGRESS")


def _pairs(items: list[dict[str, str]], key: str, value: str) -> dict[str, str]:
    return {each[key]: each[value] for each in items if key in each}


def describe(place: Place, name: str) -> Stack | None:
    """The stack with this name or ID. None if it does not exist; a deleted one is found by its ID only."""
    try:
        (found,) = place.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in message_of(error):
            return None
        raise
    outputs = found.get("Outputs", [])
    return Stack(
        found["StackName"],
        found["StackId"],
        found["StackStatus"],
        _pairs(found.get("Parameters", []), "ParameterKey", "ParameterValue"),
        _pairs(outputs, "OutputKey", "OutputValue"),
        _pairs(outputs, "ExportName", "OutputValue"),
        found.get("EnableTerminationProtection", False),
    )


def existing(place: Place, name: str) -> Stack | None:
    """The stack with this name. A stack that only waits for a change set to be executed does not exist yet."""
    found = describe(place, name)
    return None if found is None or found.status in (REVIEW, DELETED) else found


def _events(place: Place, stack_id: str, token: str) -> list[dict[str, Any]]:
    """The events of the operation with this token, which is the last one. The oldest comes first."""
    found = list[dict[str, Any]]()
    for page in place.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=stack_id):
        own = [event for event in page["StackEvents"] if event.get("ClientRequestToken") == token]
        if not own:
            break
        found += own
    return found[::-1]


def _reasons(events: list[dict[str, Any]]) -> list[str]:
    """Why the resources failed. Those that were only cancelled are left out."""
    return [
        f"{event['LogicalResourceId']} {event['ResourceStatus']}: {event.get('ResourceStatusReason', '')}".strip()
        for event in events
        if event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in event.get("ResourceStatusReason", "")
    ]


def _shown(event: Mapping[str, Any]) -> str:
    return f"  {event['ResourceStatus']:<24} {event['LogicalResourceId']}  {event['ResourceType']}"


def follow(place: Place, stack_id: str, token: str, wanted: str) -> Stack:
    """Show the events of the operation with this token until the stack is at rest. Return the stack.

    Raises InjectorError if its status is not ``wanted``.
    """
    until, shown, events = place.now() + STACK_SECONDS, 0, list[dict[str, Any]]()
    while True:
        stack = describe(place, stack_id)
        status = stack.status if stack else DELETED
        events = _events(place, stack_id, token) if stack else events
        for event in events[shown:]:
            place.say(_shown(event))
        shown = len(events)
        # Until the first event, the status may be that of the operation before.
        if (events or status == DELETED) and not status.endswith("_IN_PROGRESS"):
            break
        if place.now() > until:
            raise InjectorError(f"stack {stack_id} is still {status}; wait, and run the command again", code="CI917")
        place.sleep(POLL_SECONDS)
    name = stack_id.split("/")[1]
    if status != wanted:
        raise InjectorError("; ".join([f"stack {name} is {status}", *_reasons(events)]), code="CI916")
    return stack or Stack(name, stack_id, status, {}, {}, {}, False)


def delete(place: Place, stack: Stack) -> None:
    """Delete the stack. Raises InjectorError if it stays."""
    token = str(uuid.uuid4())
    place.client("cloudformation").delete_stack(StackName=stack.id, ClientRequestToken=token)
    follow(place, stack.id, token, DELETED)


def remove(place: Place, name: str) -> None:
    """Delete what a failed or interrupted creation left, if there is anything."""
    found = describe(place, name)
    if found and found.status != DELETED:
        delete(place, found)


def cancel_update(place: Place, stack_id: str) -> None:
    """Roll back an update that is in progress, and wait until the stack is at rest."""
    stack = describe(place, stack_id)
    if stack and stack.status == "UPDATE_IN_PROGRESS":
        place.client("cloudformation").cancel_update_stack(StackName=stack_id)
    until = place.now() + STACK_SECONDS
    while stack and stack.is_in_progress and place.now() < until:
        place.sleep(POLL_SECONDS)
        stack = describe(place, stack_id)


_REMEDIES = {
    **dict.fromkeys(
        ("CREATE_FAILED", "DELETE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"),
        "its creation or deletion failed; remove it with --uninstall, and install again",
    ),
    **dict.fromkeys(
        ("IMPORT_ROLLBACK_FAILED", "UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED"),
        "repair it, as with aws cloudformation continue-update-rollback, and run the command again",
    ),
}


def check_updatable(stack: Stack) -> None:
    """Raises InjectorError if CloudFormation would refuse to update the stack."""
    if stack.is_in_progress:
        raise InjectorError(
            f"stack {stack.name} is {stack.status}; wait until that ends, and run the command again", code="CI914"
        )
    if stack.status in _REMEDIES:
        raise InjectorError(f"stack {stack.name} is {stack.status}: {_REMEDIES[stack.status]}", code="CI915")
