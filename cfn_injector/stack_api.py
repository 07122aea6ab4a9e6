"""What CloudFormation says of the stack that a request belongs to.

In: a boto3 client and the stack's id. Out: the stack's tags, whether it is on its way back to an earlier state, and
whether it still waits for a resource. A stack that does not exist any more is no error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from botocore.exceptions import ClientError


class Stack(NamedTuple):
    tags: Mapping[str, str]
    rolling_back: bool


def _asked(call: Callable[..., Any], **arguments: str) -> Any | None:
    """The answer, or None where there is no such stack or resource."""
    try:
        return call(**arguments)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ValidationError":
            raise
        return None


def describe(client: Any, stack_id: str) -> Stack:
    """The stack's own tags, without those of AWS, and its direction."""
    answer = _asked(client.describe_stacks, StackName=stack_id)
    if answer is None:
        return Stack({}, False)
    (found,) = answer["Stacks"]
    tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", []) if not tag["Key"].startswith("aws:")}
    return Stack(tags, "ROLLBACK" in found["StackStatus"])


def has_given_up(client: Any, stack_id: str, logical_id: str) -> bool:
    """Whether CloudFormation waits for the resource no longer: it timed out, or is being deleted meanwhile."""
    answer = _asked(client.describe_stack_resource, StackName=stack_id, LogicalResourceId=logical_id)
    status: str = answer["StackResourceDetail"]["ResourceStatus"] if answer else ""
    return status.startswith("DELETE") or status.endswith("_FAILED")
