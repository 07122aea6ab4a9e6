"""Calls AWS Lambda: finds, creates, updates, deletes and sweeps event source mappings, with their waits and retries.

Takes an operation and a specification. Returns a mapping as Lambda describes it. Raises OwnershipError, PropertyError,
or ResourceError, which name the UUID of the mapping, OutOfTimeError, or botocore's ClientError.

A mapping has no name. So what a request created is found among the mappings of its source, or of its function, by its
tags. A pending mapping belongs to a request that is not answered yet: the next delivery of that request completes it,
or a Delete removes it. A mapping that is not owned is never changed and never deleted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from cfn_injector.plugin import (
    PENDING,
    REQUEST_ID,
    InjectorError,
    Operation,
    OwnershipError,
    PropertyError,
    ResourceError,
    Verdict,
    code_of,
    is_pending_for,
    message_of,
    ownership_tags,
    stated_tags,
)
from cfn_injector.resources.event_source_mapping.spec import MappingSpec, function_of

ROLE_SECONDS = 120.0
"""How long Lambda may say that a role lacks a permission: a new one takes effect soon, a missing one never."""

STABLE_READS = 8
"""How often Lambda may report another stable state than the desired one: reads are eventually consistent.

So many reads take some twenty seconds.
"""

_STABLE = frozenset({"Enabled", "Disabled"})
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_NOT_LISTED = frozenset({"ResourceNotFoundException", "InvalidParameterValueException", "ValidationException"})
_BUSY = frozenset({"ResourceConflictException", "ResourceInUseException"})
_ROLE = re.compile(r"cannot be assumed|role does not have permissions|ensure the role can perform", re.I)
_FUNCTION = re.compile(r"state:? Pending", re.I)
_EXISTS = re.compile("already exist", re.I)


class Owned(NamedTuple):
    """A mapping of this stack and logical ID, and what it is to the request."""

    mapping: dict[str, Any]
    tags: dict[str, str]
    verdict: Verdict


def find(operation: Operation, uuid: str) -> dict[str, Any] | None:
    """The mapping with this UUID; None if it does not exist, or if the ID is not a UUID."""
    if not _UUID.fullmatch(uuid):
        return None
    try:
        found: dict[str, Any] = operation.client("lambda").get_event_source_mapping(UUID=uuid)
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        return None
    return found


def find_tags(operation: Operation, mapping: Mapping[str, Any]) -> dict[str, str]:
    """The mapping's tags; none if it does not exist."""
    try:
        return dict(operation.client("lambda").list_tags(Resource=mapping["EventSourceMappingArn"])["Tags"])
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        return {}


def find_owned(operation: Operation, spec: MappingSpec) -> list[Owned]:
    """The mappings of this stack and logical ID that connect the source and the function of the specification.

    There are none if the specification names neither, or if Lambda does not know what it names.
    """
    function = function_of(spec.function)
    named = {"EventSourceArn": spec.source} if spec.source else {"FunctionName": spec.function}
    if not all(named.values()):
        return []
    try:
        pages = list(operation.client("lambda").get_paginator("list_event_source_mappings").paginate(**named))
    except ClientError as error:
        if code_of(error) not in _NOT_LISTED:
            raise
        operation.log("none-listed", function=spec.function, error=code_of(error))
        return []
    found = []
    for mapping in chain.from_iterable(page["EventSourceMappings"] for page in pages):
        if function in ("", function_of(mapping["FunctionArn"])):
            tags = find_tags(operation, mapping)
            found.append(Owned(mapping, tags, operation.verdict(tags)))
    return [each for each in found if each.verdict not in (Verdict.FOREIGN, Verdict.UNCLAIMED)]


def wait(operation: Operation, uuid: str, enabled: bool | None = None) -> dict[str, Any]:
    """The mapping once it is enabled or disabled as desired; in either state if ``enabled`` is None."""
    accepted = _STABLE if enabled is None else {"Enabled" if enabled else "Disabled"}
    others = list[str]()

    def look() -> dict[str, Any] | None:
        described = find(operation, uuid) or {"State": "missing"}
        if described["State"] in accepted:
            return described
        others.extend({described["State"]} & {*_STABLE, "Deleting", "missing"})
        if len(others) > STABLE_READS:
            reasons = [
                described[name] for name in ("StateTransitionReason", "LastProcessingResult") if described.get(name)
            ]
            raise ResourceError(
                f"event source mapping {uuid} is {described['State']} and not {' or '.join(sorted(accepted))}; "
                f"Lambda says: {', '.join(reasons) or 'nothing'}; correct the cause, and deploy again",
                code="CI422",
            )
        return None

    return operation.deadline.wait_for(f"event source mapping {uuid}", look)


def create(operation: Operation, spec: MappingSpec, reason: str) -> str:
    """Creates a pending mapping. Returns its UUID. ``reason`` is the property that requires a replacement, or empty."""
    tags = operation.tags(ownership_tags(operation.request, pending=True))
    operation.log("create-mapping", function=spec.function)
    call = operation.client("lambda").create_event_source_mapping
    try:
        created = _retry(operation, call, reason, **spec.arguments, Tags=tags)
    except ClientError as error:
        if code_of(error) != "AccessDeniedException":
            raise
        remedy = "begin its name with the FunctionNamePrefix of the provider's stack"
        problem = f"{spec.function} is outside the provider's permissions"
        raise PropertyError("FunctionName", problem, remedy, code="CI259") from error
    uuid: str = created["UUID"]
    if created["ResponseMetadata"].get("RetryAttempts"):  # an attempt whose answer was lost may have created another
        sweep(operation, spec, lambda each: _is_own(operation, each) and each.mapping["UUID"] != uuid)
    return uuid


def update(operation: Operation, observed: dict[str, Any], changed: Mapping[str, Any], enabled: bool) -> dict[str, Any]:
    """Changes a mapping and waits until the change took effect. Without changes, returns the observed mapping."""
    if not changed:
        return observed
    uuid: str = observed["UUID"]
    operation.log("update-mapping", key=uuid, properties=sorted(changed))
    _retry(operation, operation.client("lambda").update_event_source_mapping, UUID=uuid, **changed)
    return wait(operation, uuid, enabled)


def claim(operation: Operation, mapping: Mapping[str, Any], tags: Mapping[str, str]) -> None:
    """Puts the tags of the template, of the stack and of the owner on the mapping.

    Removes only tags that the template had before and no longer has.
    """
    request, arn = operation.request, mapping["EventSourceMappingArn"]
    own = {**ownership_tags(request, pending=False), REQUEST_ID: tags.get(REQUEST_ID, request.request_id)}
    desired = operation.tags(own)
    missing = {key: value for key, value in desired.items() if tags.get(key) != value}
    surplus = sorted(tags.keys() & (stated_tags(request.old_properties).keys() - desired.keys()))
    if missing:
        _retry(operation, operation.client("lambda").tag_resource, Resource=arn, Tags=missing)
    if surplus:
        _retry(operation, operation.client("lambda").untag_resource, Resource=arn, TagKeys=surplus)


def confirm(operation: Operation, mapping: Mapping[str, Any]) -> None:
    """Removes the tag that says that the mapping is pending, if CloudFormation still waits for the answer."""
    if operation.has_given_up():
        problem = f"{operation.request.logical_id} was deleted while it was being created"
        raise ResourceError(f"{problem}; deploy again", code="CI411")
    arn = mapping["EventSourceMappingArn"]
    try:
        _retry(operation, operation.client("lambda").untag_resource, Resource=arn, TagKeys=[PENDING])
    except (ClientError, BotoCoreError):
        if operation.verdict(find_tags(operation, mapping)) is not Verdict.ANSWERED:
            raise  # otherwise the call took effect, and its answer was lost


def delete(operation: Operation, uuid: str) -> None:
    """Deletes a mapping and waits until it is gone. A mapping that does not exist is not an error."""
    operation.log("delete-mapping", key=uuid)
    try:
        _retry(operation, operation.client("lambda").delete_event_source_mapping, UUID=uuid)
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
    what = f"the deletion of event source mapping {uuid}"
    operation.deadline.wait_for(what, lambda: find(operation, uuid) is None or None)


def sweep(operation: Operation, spec: MappingSpec, is_doomed: Callable[[Owned], bool] = lambda each: True) -> None:
    """Deletes the pending mappings of this stack and logical ID, or those of them that are doomed."""
    for each in find_owned(operation, spec):
        if each.verdict is Verdict.PENDING and is_doomed(each):
            delete(operation, each.mapping["UUID"])


def undo(operation: Operation, spec: MappingSpec) -> None:
    """Deletes what this request created, within the time that is reserved for it.

    Errors are only logged: the answer names the error that led here, and a Delete sweeps what is still pending.
    """
    undoing = operation.for_undoing()
    with undoing.best_effort():
        sweep(undoing, spec, lambda each: _is_own(undoing, each))


def _is_own(operation: Operation, owned: Owned) -> bool:
    """Whether this very request is creating the mapping."""
    return is_pending_for(owned.tags, operation.request)


def _retry(operation: Operation, call: Callable[..., Any], reason: str = "", **arguments: Any) -> dict[str, Any]:
    """Calls until Lambda accepts the call. Raises errors that are not transient.

    If the mapping exists already, it is the answer if this very request created it. Otherwise an error names it.
    """
    first_role_error = list[float]()

    def attempt() -> dict[str, Any]:
        try:
            answer: dict[str, Any] = call(**arguments)
        except ClientError as error:
            named = _UUID.findall(message_of(error))[-1:]
            if code_of(error) != "ResourceConflictException" or not (named and _EXISTS.search(message_of(error))):
                raise
            existing = find(operation, named[0])
            if existing is None or existing["State"] == "Deleting":
                raise
            if not is_pending_for(find_tags(operation, existing), operation.request):
                raise _conflict(operation, named[0], reason) from error
            return existing
        return answer

    def is_transient(error: ClientError) -> bool:
        message = message_of(error)
        if _ROLE.search(message):
            first_role_error.append(operation.services.now())
            return first_role_error[-1] < first_role_error[0] + ROLE_SECONDS
        return code_of(error) in _BUSY or _FUNCTION.search(message) is not None

    return operation.deadline.retry("the event source mapping", attempt, is_transient)


def _conflict(operation: Operation, uuid: str, reason: str) -> InjectorError:
    logical_id = operation.request.logical_id
    if reason and uuid == operation.request.physical_id:
        return PropertyError(
            reason,
            "can only be set on a new event source mapping, and Lambda does not accept a second one of the same source "
            f"and function beside {uuid}",
            f"remove {logical_id} from the template, deploy, and add it again",
            code="CI271",
        )
    return OwnershipError(
        f"event source mapping {uuid} already connects this source and this function, and is not adopted; delete it "
        f"(aws lambda delete-event-source-mapping --uuid {uuid}), or remove {logical_id} from the template",
        code="CI510",
    )
