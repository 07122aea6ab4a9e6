"""What CloudFormation says of the stack that a request belongs to.

In: a boto3 client and the stack's id. Out: the stack's tags, and whether it is on its way back to an earlier state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from botocore.exceptions import ClientError


class Stack(NamedTuple):
    tags: Mapping[str, str]
    rolling_back: bool


def describe(client: Any, stack_id: str) -> Stack:
    """The stack's own tags, without those of AWS. A stack that does not exist any more has none."""
    try:
        found = client.describe_stacks(StackName=stack_id)["Stacks"][0]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ValidationError":
            raise
        return Stack({}, False)
    tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", []) if not tag["Key"].startswith("aws:")}
    return Stack(tags, "ROLLBACK" in found["StackStatus"])
