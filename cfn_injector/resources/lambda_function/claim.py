"""Finds the function of a request, and marks it as the request's own.

A function is found by its name. Whether it may be touched follows from the verdict on its tags. A pending function is
completed by the next delivery of the request that created it, removed by a Delete, and touched by nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cfn_injector.plugin import (
    NOT_OWNED,
    PENDING,
    FunctionError,
    Operation,
    OwnershipError,
    PropertyError,
    RequestError,
    Verdict,
    code_of,
    derived_names,
    is_pending_for,
)
from cfn_injector.resources.lambda_function import api, packages
from cfn_injector.resources.lambda_function.spec import FunctionSpec

_DENIED = frozenset({"AccessDeniedException", "AccessDenied"})
_INVALID_NAME = frozenset({"ValidationException", "InvalidParameterValueException"})

Found = Mapping[str, Any]
"""GetFunction's answer: ``Configuration`` and ``Tags``."""


def is_pending(operation: Operation, name: str) -> bool:
    """Whether this very request is creating the function."""
    found = api.find(operation.client("lambda"), name)
    return found is not None and is_pending_for(found["Tags"], operation.request)


def refuse_stale(operation: Operation) -> RequestError:
    problem = f"a newer event was already served for {operation.request.logical_id}; nothing was changed"
    return RequestError(problem, code="CI110")


def find_place(operation: Operation, desired: FunctionSpec, replaced: str = "") -> tuple[str, Found | None]:
    """The name for a new function, and the function of that name that may be completed or adopted.

    That is what an earlier delivery of the same request created, or what is pending for this resource. For a
    replacement it is also the function that a rollback returns to, and with ``Adopt`` any function.
    """
    names = [desired.name] if desired.name else derived_names(operation.request, replaced)
    for name in names:
        found = _find_permitted(operation, name)
        if found is None:
            return name, None
        match operation.verdict(found["Tags"]):
            case Verdict.PENDING | Verdict.ANSWERED:
                return name, found
            case Verdict.OWNED | Verdict.ADOPTED if replaced:
                return name, found
            case Verdict.STALE:
                raise refuse_stale(operation)
        if desired.name and desired.adopt:
            return name, found
    if desired.name:
        raise OwnershipError(
            f"FunctionName {desired.name} is the name of a function that already exists; choose another name, or set "
            "Adopt: true to adopt that function",
            code="CI508",
        )
    problem = f"all names for {operation.request.logical_id} are taken by retained functions"
    raise OwnershipError(f"{problem}; give a FunctionName", code="CI509")


def _find_permitted(operation: Operation, name: str) -> Found | None:
    try:
        return api.find(operation.client("lambda"), name)
    except ClientError as error:
        if code_of(error) not in _DENIED:
            raise
        raise PropertyError(
            "FunctionName",
            f"{name} is outside the provider's permissions",
            "begin it, or the stack's name if none is given, with the FunctionNamePrefix of the provider's stack",
            code="CI259",
        ) from error


def _is_owned(operation: Operation, found: Found | None) -> bool:
    return found is not None and operation.verdict(found["Tags"]) not in NOT_OWNED


def find_for_delete(operation: Operation, name: str) -> Found | None:
    """The function of that name; one that the provider may not read was not created by it."""
    try:
        return api.find(operation.client("lambda"), name)
    except ClientError as error:
        if code_of(error) not in _DENIED | _INVALID_NAME:
            raise
        operation.log("not-owned", function=name, error=code_of(error))
        return None


def set_tags(operation: Operation, found: Found, own: Mapping[str, str], former: Mapping[str, str]) -> None:
    """Adds the tags of the stack, of the template and ``own``; removes only those of the ``former`` template."""
    present, arn = found["Tags"], found["Configuration"]["FunctionArn"]
    tags = operation.tags(own)
    missing = {key: value for key, value in tags.items() if present.get(key) != value}
    surplus = sorted(present.keys() & (former.keys() - tags.keys()))
    if missing:
        api.tag(operation.client("lambda"), arn, missing, operation.deadline)
    if surplus:
        api.untag(operation.client("lambda"), arn, surplus, operation.deadline)


def check_awaited(operation: Operation, name: str) -> None:
    """Raises FunctionError if CloudFormation deleted the resource, or gave up, while it was being created."""
    if operation.has_given_up():
        raise _deleted_meanwhile(name)


def _deleted_meanwhile(name: str) -> FunctionError:
    return FunctionError(f"function {name} was deleted while it was being created; deploy again", code="CI411")


def confirm(operation: Operation, name: str, arn: str) -> None:
    """Removes the pending tag, unless another delivery of the request has done so already."""
    check_awaited(operation, name)
    client = operation.client("lambda")
    if is_pending(operation, name):
        try:
            api.untag(client, arn, [PENDING], operation.deadline)
        except (ClientError, BotoCoreError):
            if is_pending(operation, name):  # else the call took effect, and its answer was lost
                raise
        return
    found = api.find(client, name)
    if found is None or operation.verdict(found["Tags"]) is not Verdict.ANSWERED:
        raise _deleted_meanwhile(name)


def delete(operation: Operation, name: str) -> None:
    """Deletes the function and its packages."""
    api.delete(operation, name)
    packages.discard_others(operation, name)


def undo(operation: Operation, name: str) -> None:
    """Deletes what this request created, within the time that is reserved for it.

    An error here is only logged: the answer gives the error that led here, and a Delete sweeps what is still pending.
    """
    operation = operation.for_undoing()
    with operation.best_effort(function=name):
        found = api.find(operation.client("lambda"), name)
        if name != operation.request.physical_id and not _is_owned(operation, found):  # else a rollback needs them
            packages.discard_others(operation, name)
        if found and is_pending_for(found["Tags"], operation.request):
            delete(operation, name)
            operation.log("undone", function=name)


def sweep(operation: Operation, attempted: Mapping[str, Any], replaced: str = "") -> None:
    """Deletes what a request with these properties left pending for this resource, and nothing else.

    That includes the packages of functions that were not created.
    """
    stated = attempted.get("FunctionName")
    if isinstance(stated, str) and stated != replaced:
        _delete_pending(operation, stated)
    for name in derived_names(operation.request, replaced):
        if not _delete_pending(operation, name):
            return


def _delete_pending(operation: Operation, name: str) -> bool:
    """Returns whether a function of that name exists."""
    found = find_for_delete(operation, name)
    if found and operation.verdict(found["Tags"]) is Verdict.PENDING:
        operation.log("delete-pending", function=name)
        delete(operation, name)
    ends = operation.request.type == "Delete" or operation.stack.rolling_back
    if ends and not _is_owned(operation, found):
        packages.discard_others(operation, name)
    return found is not None
