"""Says how a resource differs from what was deployed: takes what AWS describes, returns a Finding.

Pure. The states are CloudFormation's own:
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackResourceDriftInformation.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cfn_injector.cli.addresses import Resource
from cfn_injector.cli.comparison import Comparison
from cfn_injector.protocol.ownership import LOGICAL_ID, STACK_ID
from cfn_injector.resources.lambda_function import described

IN_SYNC, MODIFIED, DELETED, NOT_CHECKED = "IN_SYNC", "MODIFIED", "DELETED", "NOT_CHECKED"
DRIFTED = frozenset({MODIFIED, DELETED})

TAGS = "Tags"
NO_RECORD = "its tags do not say what was deployed: an earlier provider deployed it, or its stack has over 40 tags"
OTHER_PROVIDER = "everything differs, as if another provider had deployed it: give its --name"
UNREADABLE = "its variables cannot be read, and are not compared: allow kms:Decrypt with its KMS key"
NO_OBJECT = "the object with its code is gone"
EXISTS = "it exists, and its properties are not compared"


@dataclass(frozen=True)
class Finding:
    """``changed`` are names of properties. ``code`` compares the package that was deployed with the code now."""

    resource: Resource
    status: str
    changed: Sequence[str] = ()
    note: str = ""
    code: Comparison | None = None


def of_function(
    resource: Resource, found: Mapping[str, Any], separate: Mapping[str, Any], keyed: described.KeyedHash
) -> Finding:
    """The finding about a ``Custom::LambdaFunction``; ``resource.stack`` is the stack's ID.

    ``found`` is GetFunction's answer. ``separate`` are the values that it does not have, of all names that the
    function's tag records.
    """
    tags, configuration = found["Tags"], found["Configuration"]
    arn, values = configuration["FunctionArn"], {**described.described(configuration), **separate}
    recorded = described.recorded(tags)
    owned = (tags.get(STACK_ID), tags.get(LOGICAL_ID)) == (resource.stack, resource.logical_id)
    readable = {name: was for name, was in recorded.items() if name in values}
    differing = [name for name, was in readable.items() if described.digest(keyed, arn, name, values[name]) != was]
    changed = [*differing, *([] if owned else [TAGS])]
    note = NO_RECORD if not recorded else UNREADABLE if readable.keys() < recorded.keys() else ""
    if recorded and len(differing) == len(readable):
        note = OTHER_PROVIDER
    status = MODIFIED if changed else IN_SYNC if recorded else NOT_CHECKED
    return Finding(resource, status, changed, note)


def of_native(resource: Resource, now: str, deployed: Sequence[str | None]) -> Finding:
    """The finding about a native function with code of a ``Custom::LambdaCode``.

    ``now`` is its CodeSha256, and ``deployed`` are those of the objects that its template names: None for one that does
    not exist. There are several if a condition decides.
    """
    if now in deployed:
        return Finding(resource, IN_SYNC)
    if None in deployed:
        return Finding(resource, NOT_CHECKED, note=NO_OBJECT)
    return Finding(resource, MODIFIED, [described.CODE])
