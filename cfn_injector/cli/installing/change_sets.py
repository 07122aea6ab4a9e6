"""Change sets: takes a template and parameters, returns what CloudFormation would change, and executes it.

CloudFormation reports a change set without changes as failed; here it is None.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from cfn_injector.cli.installing.stacks import CREATED, POLL_SECONDS, STACK_SECONDS, UPDATED, Place, Stack, follow
from cfn_injector.errors import InjectorError, code_of

CAPABILITIES = ("CAPABILITY_IAM",)
"""The template has a role and policies without names of their own."""
KEPT = ("Function", "StagingBucket")
"""Resources that no update may replace or remove: the service token, and what is deployed."""

# As https://github.com/aws/aws-cli/blob/develop/awscli/customizations/cloudformation/deployer.py
_EMPTY = ("The submitted information didn't contain changes", "No updates are to be performed")
_NOTHING_TO_DELETE = ("ChangeSetNotFound", "InvalidChangeSetStatus", "ValidationError")
_SIGNS = {"Add": "+", "Modify": "~", "Remove": "-"}


class Change(NamedTuple):
    """What happens to one resource. ``replacement`` is True, False or Conditional, as AWS spells it, or empty."""

    action: str
    logical_id: str
    type: str
    replacement: str
    properties: tuple[str, ...]


class ChangeSet(NamedTuple):
    id: str
    stack_id: str
    is_create: bool
    changes: tuple[Change, ...]


def _change(resource: Mapping[str, Any]) -> Change:
    targets = [detail.get("Target", {}) for detail in resource.get("Details", [])]
    names = sorted({target.get("Name") or target.get("Attribute", "") for target in targets})
    action, logical_id, kind = resource["Action"], resource["LogicalResourceId"], resource["ResourceType"]
    return Change(action, logical_id, kind, resource.get("Replacement", ""), tuple(names))


def _described(place: Place, change_set: str) -> dict[str, Any]:
    """The change set with the changes of all pages, once CloudFormation has computed it."""
    client, until = place.client("cloudformation"), place.now() + STACK_SECONDS
    while True:
        found: dict[str, Any] = client.describe_change_set(ChangeSetName=change_set)
        if found["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
            break
        if place.now() > until:
            raise InjectorError(
                f"change set {change_set} is still {found['Status']}; run the command again", code="CI917"
            )
        place.sleep(POLL_SECONDS)
    page = found
    while "NextToken" in page:
        page = client.describe_change_set(ChangeSetName=change_set, NextToken=page["NextToken"])
        found["Changes"] += page["Changes"]
    return found


def create(
    place: Place, stack: str, previous: Stack | None, template: str, parameters: Sequence[Mapping[str, Any]], name: str
) -> ChangeSet | None:
    """Let CloudFormation compute the change set ``name``. None if nothing would change."""
    kind = {"ChangeSetType": "UPDATE"} if previous else {"ChangeSetType": "CREATE", "OnStackFailure": "DELETE"}
    made = place.client("cloudformation").create_change_set(
        StackName=stack,
        ChangeSetName=name,
        TemplateBody=template,
        Parameters=parameters,
        Capabilities=CAPABILITIES,
        Description="cfn-injector install",
        **kind,
    )
    found = _described(place, made["Id"])
    if found["Status"] == "FAILED":
        reason = found.get("StatusReason", "")
        if any(text in reason for text in _EMPTY):
            delete(place, stack, name)
            return None
        raise InjectorError(f"CloudFormation cannot compute the changes of stack {stack}: {reason}", code="CI912")
    changes = [_change(each["ResourceChange"]) for each in found.get("Changes", []) if "ResourceChange" in each]
    return ChangeSet(made["Id"], made["StackId"], previous is None, tuple(changes))


def check(change_set: ChangeSet) -> None:
    """Raises InjectorError if functions that the provider made would lose it."""
    for change in change_set.changes:
        if change.logical_id in KEPT and (change.action == "Remove" or change.replacement == "True"):
            raise InjectorError(
                f"{change.logical_id} would be replaced or removed ({', '.join(change.properties)}), and stacks that "
                "use this provider could not be updated any more; install a second provider with another --name",
                code="CI913",
            )


def execute(place: Place, change_set: ChangeSet) -> Stack:
    """Execute the change set and show the stack's events. Raises InjectorError if it fails."""
    token = str(uuid.uuid4())
    place.client("cloudformation").execute_change_set(ChangeSetName=change_set.id, ClientRequestToken=token)
    return follow(place, change_set.stack_id, token, CREATED if change_set.is_create else UPDATED)


def delete(place: Place, stack: str, name: str) -> None:
    """Delete the change set, unless it does not exist or is executed."""
    try:
        place.client("cloudformation").delete_change_set(StackName=stack, ChangeSetName=name)
    except ClientError as error:
        if code_of(error) not in _NOTHING_TO_DELETE:
            raise


def lines(change_set: ChangeSet) -> Iterator[str]:
    """The changes as text: + created, ~ changed, - removed."""
    for change in change_set.changes:
        parts = [f"  {_SIGNS.get(change.action, '?')} {change.logical_id}  {change.type}"]
        if change.properties:
            parts.append(", ".join(change.properties))
        if change.replacement in ("True", "Conditional"):
            parts.append("REPLACED" if change.replacement == "True" else "may be replaced")
        yield "  ".join(parts)
