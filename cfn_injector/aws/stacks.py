"""Asks CloudFormation about the stack that a request belongs to.

Takes a boto3 client and the stack's ID. Returns the stack's tags and direction, or whether CloudFormation still waits
for a resource. A stack that no longer exists is not an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from cfn_injector.errors import code_of
from cfn_injector.protocol.messages import Stack
from cfn_injector.protocol.ownership import PREFIX


def ask(call: Callable[..., Any], **arguments: str) -> Any | None:
    """The answer, or None if the stack or the resource does not exist."""
    try:
        return call(**arguments)
    except ClientError as error:
        if code_of(error) != "ValidationError":
            raise
        return None


def find(client: Any, stack_id: str) -> Stack | None:
    """The stack's own tags, without those that AWS and this project reserve, and its direction.

    A stack whose name, not ID, is ``stack_id`` is not found.
    """
    answer = ask(client.describe_stacks, StackName=stack_id)
    found = answer["Stacks"][0] if answer else {}
    if found.get("StackId") != stack_id:
        return None
    stated = {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}
    tags = {key: value for key, value in stated.items() if not key.startswith(("aws:", PREFIX))}
    status: str = found["StackStatus"]
    in_progress = status.endswith("_IN_PROGRESS")
    return Stack(tags, "ROLLBACK" in status, status.startswith("DELETE"), not in_progress, status)


def describe(client: Any, stack_id: str) -> Stack:
    """As ``find``; a stack that no longer exists has no tags and no direction."""
    return find(client, stack_id) or Stack({})


def has_given_up(client: Any, stack_id: str, logical_id: str, began: Stack) -> bool:
    """Whether CloudFormation no longer waits for a resource to be created.

    The resource timed out or is being deleted, or the stack, which ``began`` describes as it was at the start, has
    turned back or become stable since.
    """
    now = describe(client, stack_id)
    if now.deleting or now.stable or (now.rolling_back and not began.rolling_back):
        return True
    answer = ask(client.describe_stack_resource, StackName=stack_id, LogicalResourceId=logical_id)
    status: str = answer["StackResourceDetail"]["ResourceStatus"] if answer else ""
    return status.startswith("DELETE") or status.endswith("_FAILED")
