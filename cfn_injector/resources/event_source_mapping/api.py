"""Event source mappings of AWS Lambda: found, created, changed and deleted, with the waits and retries that they need.

In: a job, which is a request with its world, and typed arguments. Out: a mapping as Lambda describes it. Errors:
OwnershipError, PropertyError or ResourceError with the mapping's UUID, OutOfTimeError, or botocore's ClientError.

A mapping has no name. What an earlier delivery of a request made is found among the mappings of its source, or of its
function, by its tags. What is pending belongs to a request that was not answered yet; it is completed by the same
request's next delivery and removed by a Delete. A mapping that is not ours is never changed and never deleted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cfn_injector.plugin import (
    CLEANING_SECONDS,
    PENDING,
    REQUEST,
    AlreadyAnsweredError,
    InjectorError,
    OwnershipError,
    Patience,
    PropertyError,
    Request,
    ResourceError,
    Services,
    Stack,
    code_of,
    has_given_up,
    is_ours,
    marks,
    message_of,
    patience,
)
from cfn_injector.resources.event_source_mapping.spec import function_of, tags_in

UNDO_SECONDS = CLEANING_SECONDS * 2 / 3
"""Less than is kept for it, so that the watchdog does not answer while a mapping is being deleted."""

ROLE_SECONDS = 120.0
"""How long a role may lack what a mapping needs: a new permission spreads within seconds, a missing one never does."""

OLD_LOOKS = 8
"""How often Lambda may tell a state in which a mapping would stay, as it may be an old one: for some twenty seconds."""

_AT_REST = frozenset({"Enabled", "Disabled"})
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_NO_SUCH = frozenset({"ResourceNotFoundException", "InvalidParameterValueException", "ValidationException"})
_BUSY = frozenset({"ResourceConflictException", "ResourceInUseException"})
_ROLE = re.compile(r"cannot be assumed|role does not have permissions|ensure the role can perform", re.I)
_FUNCTION = re.compile(r"state:? Pending", re.I)
_TAKEN = re.compile("already exist", re.I)


@dataclass(frozen=True)
class Job:
    """One request to a mapping; ``stack`` is what CloudFormation says of the request's stack."""

    request: Request
    services: Services
    stack: Stack

    @cached_property
    def client(self) -> Any:
        return self.services.client("lambda")

    @property
    def model(self) -> Any:
        """botocore's model of the Lambda API."""
        return self.client.meta.service_model

    @property
    def patience(self) -> Patience:
        return patience(self.request, self.services)

    def log(self, step: str, **fields: Any) -> None:
        self.services.log(step, **fields)

    def tags(self, own: Mapping[str, str]) -> dict[str, str]:
        """The tags of the stack, of the template, and the marks of the owner."""
        return {**self.stack.tags, **tags_in(self.request.properties), **own}


def get(job: Job, uuid: str) -> dict[str, Any] | None:
    """The mapping of that id; None where there is none, or the id is none of a mapping's."""
    if not _UUID.fullmatch(uuid):
        return None
    try:
        found: dict[str, Any] = job.client.get_event_source_mapping(UUID=uuid)
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        return None
    return found


def tags_of(job: Job, mapping: Mapping[str, Any]) -> dict[str, str]:
    """The mapping's tags; none where it went meanwhile."""
    try:
        return dict(job.client.list_tags(Resource=mapping["EventSourceMappingArn"])["Tags"])
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        return {}


def ours(job: Job, properties: Mapping[str, Any]) -> list[tuple[dict[str, Any], dict[str, str]]]:
    """This resource's mappings of the source and the function that the properties name, each with its tags.

    The properties may be wrong: then there are none.
    """
    source, function = properties.get("EventSourceArn", properties.get("StreamArn")), properties.get("FunctionName")
    function = function if isinstance(function, str) else ""
    named = {"EventSourceArn": source} if isinstance(source, str) and source else {"FunctionName": function}
    if not all(named.values()):
        return []
    try:
        pages = list(job.client.get_paginator("list_event_source_mappings").paginate(**named))
    except ClientError as error:
        if code_of(error) not in _NO_SUCH:
            raise
        job.log("none-listed", function=function, error=code_of(error))
        return []
    there = [mapping for page in pages for mapping in page["EventSourceMappings"]]
    likely = [each for each in there if not function or function_of(each["FunctionArn"]) == function_of(function)]
    found = [(mapping, tags_of(job, mapping)) for mapping in likely]
    return [(mapping, tags) for mapping, tags in found if is_ours(tags, job.request)]


def is_answered(job: Job, tags: Mapping[str, str]) -> bool:
    """Whether an earlier delivery of this request made the mapping and was done with it."""
    return tags.get(REQUEST) == job.request.request_id and PENDING not in tags


def is_pending(job: Job, tags: Mapping[str, str]) -> bool:
    """Whether the mapping is what this very request is making."""
    return is_ours(tags, job.request) and tags.get(PENDING) == job.request.request_id


def change(job: Job, call: Callable[..., Any], reason: str = "", **asked: Any) -> dict[str, Any]:
    """Calls until Lambda takes it; errors that do not pass by themselves are raised at once.

    Where a mapping exists already, it is the answer if it is what this very request made; else that is told.
    ``reason`` is the property for which a mapping is replaced.
    """
    began = job.services.now()

    def attempt() -> dict[str, Any]:
        try:
            answered: dict[str, Any] = call(**asked)
        except ClientError as error:
            named = _UUID.findall(message_of(error))[-1:]
            if code_of(error) != "ResourceConflictException" or not (named and _TAKEN.search(message_of(error))):
                raise
            there = get(job, named[0])
            if there is None or there["State"] == "Deleting":
                raise
            if not is_pending(job, tags_of(job, there)):
                raise _taken(job, named[0], reason) from error
            return there
        return answered

    def passes(error: ClientError) -> bool:
        told = message_of(error)
        role = _ROLE.search(told) is not None and job.services.now() < began + ROLE_SECONDS
        return code_of(error) in _BUSY or role or _FUNCTION.search(told) is not None

    return job.patience.persist("the event source mapping", attempt, passes)


def _taken(job: Job, uuid: str, reason: str) -> InjectorError:
    logical_id = job.request.logical_id
    if reason and uuid == job.request.physical_id:
        return PropertyError(
            reason,
            f"can only be set by a new event source mapping, and beside {uuid} Lambda takes no second one of the same "
            "source and function",
            f"remove {logical_id} from the template, deploy, and add it again",
        )
    return OwnershipError(
        f"event source mapping {uuid} connects this source and this function already, and is not taken over; delete it "
        f"(aws lambda delete-event-source-mapping --uuid {uuid}), or remove {logical_id} from the template"
    )


def settled(job: Job, uuid: str, enabled: bool | None = None) -> dict[str, Any]:
    """The mapping once it is enabled or disabled as asked; at rest, where nothing is asked."""
    accepted = _AT_REST if enabled is None else {"Enabled" if enabled else "Disabled"}
    others = list[str]()

    def look() -> dict[str, Any] | None:
        seen = get(job, uuid) or {"State": "missing"}
        if seen["State"] in accepted:
            return seen
        others.extend({seen["State"]} & {*_AT_REST, "Deleting", "missing"})
        if len(others) > OLD_LOOKS:
            said = [seen[name] for name in ("StateTransitionReason", "LastProcessingResult") if seen.get(name)]
            raise ResourceError(
                f"event source mapping {uuid} is {seen['State']} and not {' or '.join(sorted(accepted))}; Lambda says: "
                f"{', '.join(said) or 'nothing'}; correct the cause, and deploy again"
            )
        return None

    return job.patience.until(f"event source mapping {uuid}", look)


def create(job: Job, wanted: Mapping[str, Any], reason: str) -> str:
    """Creates a mapping that is marked as pending; returns its UUID."""
    name, tags = wanted.get("FunctionName", ""), job.tags(marks(job.request, pending=True))
    job.log("create-mapping", function=name)
    try:
        made = change(job, job.client.create_event_source_mapping, reason, **wanted, Tags=tags)
    except ClientError as error:
        if code_of(error) != "AccessDeniedException":
            raise
        remedy = "begin its name with the FunctionNamePrefix of the provider's stack"
        raise PropertyError("FunctionName", f"{name} is not one that the provider may connect", remedy) from error
    uuid: str = made["UUID"]
    if made["ResponseMetadata"].get("RetryAttempts"):  # an attempt whose answer was lost may have made another one
        sweep(job, job.request.properties, lambda each, by: by == job.request.request_id and each != uuid)
    return uuid


def update(job: Job, live: dict[str, Any], changed: Mapping[str, Any], *, enabled: bool) -> dict[str, Any]:
    """Changes a mapping and waits until that took effect; where nothing is to be changed, it is as it was."""
    if not changed:
        return live
    job.log("update-mapping", key=live["UUID"], properties=sorted(changed))
    change(job, job.client.update_event_source_mapping, UUID=live["UUID"], **changed)
    return settled(job, live["UUID"], enabled)


def claim(job: Job, mapping: Mapping[str, Any], tags: Mapping[str, str]) -> None:
    """Tags the mapping as template, stack and owner want it; of its tags only what the template had formerly goes."""
    request, arn = job.request, mapping["EventSourceMappingArn"]
    every = job.tags({**marks(request, pending=False), REQUEST: tags.get(REQUEST, request.request_id)})
    missing = {key: value for key, value in every.items() if tags.get(key) != value}
    surplus = sorted(tags.keys() & (tags_in(request.old_properties).keys() - every.keys()))
    if missing:
        change(job, job.client.tag_resource, Resource=arn, Tags=missing)
    if surplus:
        change(job, job.client.untag_resource, Resource=arn, TagKeys=surplus)


def confirm(job: Job, mapping: Mapping[str, Any]) -> None:
    """Takes the mark of an unanswered request away, if CloudFormation still waits for the answer."""
    request = job.request
    if has_given_up(job.services.client("cloudformation"), request.stack_id, request.logical_id, job.stack):
        raise ResourceError(f"{request.logical_id} was deleted while it was being made; deploy again")
    try:
        change(job, job.client.untag_resource, Resource=mapping["EventSourceMappingArn"], TagKeys=[PENDING])
    except (ClientError, BotoCoreError):
        if not is_answered(job, tags_of(job, mapping)):  # else it took effect, and the answer was lost
            raise


def remove(job: Job, uuid: str) -> None:
    """Deletes a mapping and waits until it is gone; that it is gone already is no error."""
    job.log("delete-mapping", key=uuid)
    try:
        change(job, job.client.delete_event_source_mapping, UUID=uuid)
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
    job.patience.until(f"the deletion of event source mapping {uuid}", lambda: get(job, uuid) is None or None)


def sweep(job: Job, properties: Mapping[str, Any], doomed: Callable[[str, str], bool] | None = None) -> None:
    """Deletes what is pending for this resource, and nothing else: all of it, or what is doomed.

    ``doomed`` is asked with a mapping's UUID and the id of the request that it is pending for.
    """
    for mapping, tags in ours(job, properties):
        if PENDING in tags and (doomed is None or doomed(mapping["UUID"], tags[PENDING])):
            remove(job, mapping["UUID"])


def undo(job: Job) -> None:
    """Deletes what this request made, within the time that is kept for it.

    An error here is only logged: what is told is the one that led here, and a Delete sweeps what is still pending.
    """
    request = replace(job.request, deadline=job.request.deadline + UNDO_SECONDS)
    try:
        sweep(replace(job, request=request), request.properties, lambda _, by: by == request.request_id)
    except AlreadyAnsweredError:
        raise
    except (InjectorError, ClientError, BotoCoreError) as error:
        job.log("left-behind", error=type(error).__name__)
