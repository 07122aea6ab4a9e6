"""What CloudFormation says of the stack that a request belongs to.

In: a boto3 client and the stack's id. Out: the stack's tags, whether it is on its way back to an earlier state, and
whether it still waits for a resource. A stack that does not exist any more is no error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from cfn_injector.errors import code_of


class Stack(NamedTuple):
    """``rolling_back``: on its way back to an earlier state; ``deleting``: on its way out; ``settled``: on no way."""

    tags: Mapping[str, str]
    rolling_back: bool = False
    deleting: bool = False
    settled: bool = False


def _asked(call: Callable[..., Any], **arguments: str) -> Any | None:
    """The answer, or None where there is no such stack or resource."""
    try:
        return call(**arguments)
    except ClientError as error:
        if code_of(error) != "ValidationError":
            raise
        return None


def describe(client: Any, stack_id: str) -> Stack:
    """The stack's own tags, without those of AWS, and its direction."""
    answer = _asked(client.describe_stacks, StackName=stack_id)
    if answer is None:
        return Stack({})
    (found,) = answer["Stacks"]
    tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", []) if not tag["Key"].startswith("aws:")}
    status: str = found["StackStatus"]
    return Stack(tags, "ROLLBACK" in status, status.startswith("DELETE"), not status.endswith("_IN_PROGRESS"))


def has_given_up(client: Any, stack_id: str, logical_id: str, began: Stack) -> bool:
    """Whether CloudFormation waits no longer for a resource to be made.

    It timed out or is being deleted, or the stack, as it ``began``, has turned back or come to rest meanwhile.
    """
    now = describe(client, stack_id)
    if now.deleting or now.settled or (now.rolling_back and not began.rolling_back):
        return True
    answer = _asked(client.describe_stack_resource, StackName=stack_id, LogicalResourceId=logical_id)
    status: str = answer["StackResourceDetail"]["ResourceStatus"] if answer else ""
    return status.startswith("DELETE") or status.endswith("_FAILED")
