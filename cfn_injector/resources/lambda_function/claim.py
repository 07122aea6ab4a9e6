"""Whose a function is: found by its name, known by its tags.

A function that is not ours is never changed and never deleted. What is pending belongs to a request that was not
answered yet; it is completed by the same request's next delivery and removed by a Delete, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cfn_injector.aws import stacks
from cfn_injector.aws.coerce import template_tags
from cfn_injector.env_properties import flag
from cfn_injector.errors import (
    AlreadyAnsweredError,
    FunctionError,
    InjectorError,
    OwnershipError,
    PropertyError,
    code_of,
)
from cfn_injector.protocol import ownership
from cfn_injector.protocol.messages import CLEANING_SECONDS
from cfn_injector.resources.lambda_function import api
from cfn_injector.resources.lambda_function.operation import Job

MAX_TAGS = 44
"""Lambda takes 50, of which the provider needs up to six."""

UNDO_SECONDS = CLEANING_SECONDS * 2 / 3
"""Less than is kept for it, so that the watchdog does not answer while a function is being deleted."""

_DENIED = frozenset({"AccessDeniedException", "AccessDenied"})
_NO_NAME = frozenset({"ValidationException", "InvalidParameterValueException"})


def all_tags(job: Job, marks: Mapping[str, str]) -> dict[str, str]:
    """The tags of the stack, of the template, and the marks of the owner."""
    return {**job.stack.tags, **template_tags(job.wanted), **marks}


def check_tags(job: Job, present: Mapping[str, str] | None = None) -> None:
    """Raises PropertyError where stack and template, and what the function has already, are more tags than fit."""
    count = len({**(present or {}), **all_tags(job, {})})
    if count > MAX_TAGS:
        raise PropertyError("Tags", f"and the stack's tags are {count}, over the {MAX_TAGS} that fit", "remove some")


def is_pending(job: Job, name: str) -> bool:
    """Whether the function is what this very request is making."""
    found = api.describe(job.client, name)
    tags = found["Tags"] if found else {}
    return ownership.is_ours(tags, job.request) and tags.get(ownership.PENDING) == job.request.request_id


def is_answered(job: Job, found: Mapping[str, Any] | None) -> bool:
    """Whether an earlier delivery of this request made the function and was done with it."""
    tags = found["Tags"] if found else {}
    return tags.get(ownership.REQUEST) == job.request.request_id and ownership.PENDING not in tags


def place(job: Job, replaced: str = "") -> tuple[str, dict[str, Any] | None]:
    """The name that a new function gets, and what is there already that may be completed.

    That is what an earlier delivery of the same request made, or what is pending for this resource; for a replacement
    also the function that a rollback goes back to; with ``Adopt`` any function.
    """
    explicit = job.wanted.get("FunctionName")
    for name in [str(explicit)] if explicit else ownership.derived_names(job.request, replaced):
        found = _permitted(job, name)
        if found is None:
            return name, None
        tags = found["Tags"]
        unfinished = ownership.PENDING in tags or tags.get(ownership.REQUEST) == job.request.request_id
        if ownership.is_ours(tags, job.request) and (unfinished or replaced):
            return name, found
        if explicit and flag(job.wanted, "Adopt"):
            return name, found
    if explicit:
        raise OwnershipError(
            f"FunctionName {explicit} is the name of a function that exists already; choose another name, or set "
            "Adopt: true to take that function over"
        )
    raise OwnershipError(f"all names for {job.request.logical_id} are taken by retained functions; give a FunctionName")


def _permitted(job: Job, name: str) -> dict[str, Any] | None:
    try:
        return api.describe(job.client, name)
    except ClientError as error:
        if code_of(error) not in _DENIED:
            raise
        raise PropertyError(
            "FunctionName",
            f"{name} is not one that the provider may touch",
            "begin it, or the stack's name where none is given, with the FunctionNamePrefix of the provider's stack",
        ) from error


def seen(job: Job, name: str) -> dict[str, Any] | None:
    """The function of that name, for a Delete: one that cannot be asked for is none that was made here."""
    try:
        return api.describe(job.client, name)
    except ClientError as error:
        if code_of(error) not in _DENIED | _NO_NAME:
            raise
        job.log("not-ours", function=name, error=code_of(error))
        return None


def claim(job: Job, found: Mapping[str, Any], marks: Mapping[str, str], formerly: Mapping[str, str]) -> None:
    """Tags the function as template, stack and owner want it; of its tags only what the template had formerly goes."""
    present, arn = found["Tags"], found["Configuration"]["FunctionArn"]
    tags = all_tags(job, marks)
    missing = {key: value for key, value in tags.items() if present.get(key) != value}
    surplus = sorted(present.keys() & (formerly.keys() - tags.keys()))
    if missing:
        api.tag(job.client, arn, missing, job.patience)
    if surplus:
        api.untag(job.client, arn, surplus, job.patience)


def check_wanted(job: Job, name: str) -> None:
    """Raises FunctionError where CloudFormation deleted, or gave up, meanwhile what it asked for."""
    cloudformation = job.services.client("cloudformation")
    if stacks.has_given_up(cloudformation, job.request.stack_id, job.request.logical_id, job.stack):
        raise _deleted_meanwhile(name)


def _deleted_meanwhile(name: str) -> FunctionError:
    return FunctionError(f"function {name} was deleted while it was being created; deploy again")


def confirm(job: Job, name: str, arn: str) -> None:
    """Takes the mark of an unanswered request away, unless another delivery of the request has done so already."""
    check_wanted(job, name)
    if is_pending(job, name):
        try:
            api.untag(job.client, arn, [ownership.PENDING], job.patience)
        except (ClientError, BotoCoreError):
            if is_pending(job, name):  # else it took effect, and the answer was lost
                raise
        return
    found = api.describe(job.client, name)
    if found is None or not ownership.is_ours(found["Tags"], job.request) or not is_answered(job, found):
        raise _deleted_meanwhile(name)


def undo(job: Job, name: str) -> None:
    """Deletes what this request made, within the time that is kept for it.

    An error here is only logged: what is told is the one that led here, and a Delete sweeps what is still pending.
    """
    try:
        if is_pending(job, name):
            api.delete(job.client, name, job.patience_until(job.request.deadline + UNDO_SECONDS))
            job.log("undone", function=name)
    except AlreadyAnsweredError:
        raise
    except (InjectorError, ClientError, BotoCoreError) as error:
        job.log("left-behind", function=name, error=type(error).__name__)


def sweep(job: Job, attempted: Mapping[str, Any], replaced: str = "") -> None:
    """Deletes what a request with these properties left pending for this resource, and nothing else."""
    stated = attempted.get("FunctionName")
    if isinstance(stated, str) and stated != replaced:
        _delete_pending(job, stated)
    for name in ownership.derived_names(job.request, replaced):
        if not _delete_pending(job, name):
            return


def _delete_pending(job: Job, name: str) -> bool:
    """Returns whether there was a function of that name."""
    found = seen(job, name)
    if found and ownership.is_ours(found["Tags"], job.request) and ownership.PENDING in found["Tags"]:
        job.log("delete-pending", function=name)
        api.delete(job.client, name, job.patience)
    return found is not None
