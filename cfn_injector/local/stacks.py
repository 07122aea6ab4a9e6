"""Creates, updates and deletes stacks: takes a template and parameters, returns a stable stack or raises StackError."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cfn_injector.errors import InjectorError

STACK_SECONDS = 120.0
POLL_SECONDS = 0.2
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]


class StackError(InjectorError):
    """An operation on a stack failed: the stack's ``name``, its ``status``, and the ``reasons`` in its events."""

    def __init__(self, name: str, status: str, reasons: list[str], *, code: str = "") -> None:
        details = "".join(f"\n  {reason}" for reason in reasons) or "\n  no event gives a reason"
        super().__init__(f"stack {name} is {status}{details}", code=code)
        self.name = name
        self.status = status
        self.reasons = reasons


@dataclass(frozen=True)
class Stack:
    """A stack that is stable; ``outputs`` maps keys to values."""

    name: str
    id: str
    status: str
    outputs: Mapping[str, str]


def describe(cloudformation: Any, name: str) -> Stack | None:
    """The stack with that name or ID as it is now; None if it does not exist."""
    try:
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    return Stack(stack["StackName"], stack["StackId"], stack["StackStatus"], outputs)


def failure_reasons(cloudformation: Any, stack_id: str, token: str) -> list[str]:
    """``LogicalId STATUS: reason`` of each resource that failed in the operation with ``token``, oldest first."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id)
    return [
        f"{event['LogicalResourceId']} {event['ResourceStatus']}: {event.get('ResourceStatusReason', '')}"
        for event in reversed([event for page in pages for event in page["StackEvents"]])
        if event["ResourceStatus"].endswith("_FAILED") and event.get("ClientRequestToken") == token
    ]


def _wait(cloudformation: Any, name: str, stack_id: str, desired: str, token: str, seconds: float) -> Stack:
    """Wait until the stack is stable. StackError if its status is not ``desired`` or the time is over."""
    until = time.monotonic() + seconds
    while True:
        stack = describe(cloudformation, stack_id)
        status = stack.status if stack else "DELETE_COMPLETE"
        if not status.endswith("_IN_PROGRESS"):
            break
        if time.monotonic() > until:
            status = f"still {status} after {seconds:.0f} seconds"
            break
        time.sleep(POLL_SECONDS)
    if status != desired:
        raise StackError(name, status, failure_reasons(cloudformation, stack_id, token), code="CI931")
    return stack or Stack(name, stack_id, status, {})


def _arguments(name: str, template: str, parameters: Mapping[str, str], token: str) -> dict[str, Any]:
    return {
        "StackName": name,
        "TemplateBody": template,
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        "Capabilities": CAPABILITIES,
        "ClientRequestToken": token,
    }


def create(
    cloudformation: Any,
    name: str,
    template: str,
    parameters: Mapping[str, str] | None = None,
    *,
    tags: Mapping[str, str] | None = None,
    seconds: float = STACK_SECONDS,
) -> Stack:
    """Create a stack and wait for it. StackError if it is not CREATE_COMPLETE within ``seconds``."""
    token = str(uuid.uuid4())
    answer = cloudformation.create_stack(
        **_arguments(name, template, parameters or {}, token),
        Tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()],
    )
    return _wait(cloudformation, name, answer["StackId"], "CREATE_COMPLETE", token, seconds)


def update(
    cloudformation: Any,
    name: str,
    template: str,
    parameters: Mapping[str, str] | None = None,
    *,
    seconds: float = STACK_SECONDS,
) -> Stack:
    """Update a stack and wait for it. StackError if it is not UPDATE_COMPLETE within ``seconds``."""
    token = str(uuid.uuid4())
    answer = cloudformation.update_stack(**_arguments(name, template, parameters or {}, token))
    return _wait(cloudformation, name, answer["StackId"], "UPDATE_COMPLETE", token, seconds)


def delete(cloudformation: Any, name: str, *, seconds: float = STACK_SECONDS) -> None:
    """Delete a stack, if it exists, and wait for it. StackError if the deletion fails."""
    stack = describe(cloudformation, name)
    if stack is None:
        return
    token = str(uuid.uuid4())
    cloudformation.delete_stack(StackName=stack.id, ClientRequestToken=token)
    _wait(cloudformation, stack.name, stack.id, "DELETE_COMPLETE", token, seconds)
