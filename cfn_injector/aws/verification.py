"""Verifies with CloudFormation that it sent an event, before the event changes anything.

Takes a request and a CloudFormation client. Returns the stack as CloudFormation describes it, or raises RequestError.
Whoever may invoke the provider can send it any event. So an event counts only if its stack exists, an operation of the
stack is in progress, and the stack holds that logical ID with that resource type in the state in which CloudFormation
sends such an event:

    ==================================  ===================================  =====================  ==================
    moment                              stack status                         event                  resource status
    ==================================  ===================================  =====================  ==================
    stack creation                      CREATE_IN_PROGRESS                   Create                 CREATE_IN_PROGRESS
    stack update, resource added        UPDATE_IN_PROGRESS                   Create                 CREATE_IN_PROGRESS
    stack update, resource changed      UPDATE_IN_PROGRESS                   Update                 UPDATE_IN_PROGRESS
    failed creation, rollback           ROLLBACK_IN_PROGRESS                 Delete                 DELETE_IN_PROGRESS
    failed creation, OnFailure: DELETE  DELETE_IN_PROGRESS                   Delete                 DELETE_IN_PROGRESS
    failed update, rollback             UPDATE_ROLLBACK_IN_PROGRESS          Update                 UPDATE_IN_PROGRESS
    continue-update-rollback            UPDATE_ROLLBACK_IN_PROGRESS          Update                 UPDATE_IN_PROGRESS
    rollback of a stack whose rollback  ROLLBACK_IN_PROGRESS or              Delete or Update       DELETE_IN_PROGRESS
    was disabled (rollback-stack)       UPDATE_ROLLBACK_IN_PROGRESS                                 UPDATE_IN_PROGRESS
    clean-up, resource removed          UPDATE_COMPLETE_CLEANUP_IN_PROGRESS  Delete                 DELETE_IN_PROGRESS
    clean-up after a replacement        UPDATE_COMPLETE_CLEANUP_IN_PROGRESS  Delete of the old ID   any, with another ID
    clean-up after a rollback           UPDATE_ROLLBACK_COMPLETE_            Delete of the new ID   any, with another ID
                                        CLEANUP_IN_PROGRESS
    stack deletion                      DELETE_IN_PROGRESS                   Delete                 DELETE_IN_PROGRESS
    import, review of a change set      IMPORT_*, REVIEW_IN_PROGRESS         none
    ==================================  ===================================  =====================  ==================

After a replacement the resource's record has the new physical ID, and the Delete names the old one. If the record does
not match, the resource's newest stack event decides, which CloudFormation writes before it calls the provider. In a
clean-up, that event must also be about the request's physical ID.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html#crpg-ref-requesttypes
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from cfn_injector.aws import stacks
from cfn_injector.aws.waiting import deadline_of, wait_out_throttling
from cfn_injector.errors import RequestError, code_of
from cfn_injector.protocol.messages import Outcome, Request, Resource, Services, Stack

LAG_SECONDS = 20.0
"""How long CloudFormation's answers may lag behind the events that it sends."""

_EVENT_PAGES = 5
_WITHOUT_EVENTS = ("REVIEW_", "IMPORT_")


class _Record(NamedTuple):
    """What CloudFormation says about one resource."""

    resource_type: str
    status: str
    physical_id: str


def _record(client: Any, request: Request) -> _Record | None:
    arguments = {"StackName": request.stack_id, "LogicalResourceId": request.logical_id}
    answer = stacks.ask(client.describe_stack_resource, **arguments)
    if answer is None:
        return None
    found = answer["StackResourceDetail"]
    return _Record(found["ResourceType"], found["ResourceStatus"], found.get("PhysicalResourceId", ""))


def _newest_event(client: Any, request: Request) -> _Record | None:
    pages = client.get_paginator("describe_stack_events").paginate(StackName=request.stack_id)
    for number, page in enumerate(pages):
        for event in page["StackEvents"]:
            if event["LogicalResourceId"] == request.logical_id:
                return _Record(event["ResourceType"], event["ResourceStatus"], event.get("PhysicalResourceId", ""))
        if number + 1 == _EVENT_PAGES:
            break
    return None


def _in_state(record: _Record | None, request: Request) -> bool:
    in_progress = f"{request.type.upper()}_IN_PROGRESS"
    return record is not None and (record.resource_type, record.status) == (request.resource_type, in_progress)


def _is_sent(client: Any, request: Request, status: str) -> bool:
    """Whether CloudFormation sends the request while the stack has this status."""
    cleaning_up = request.type == "Delete" and status.endswith("CLEANUP_IN_PROGRESS")
    record = _record(client, request)
    if _in_state(record, request):
        return True
    held = record.physical_id if record and record.resource_type == request.resource_type else ""
    if cleaning_up and held not in ("", request.physical_id):
        return True  # the resource was replaced
    newest = _newest_event(client, request)
    # After a replacement, the newest event is about the old physical ID: it is not evidence for deleting the new one.
    about_another = cleaning_up and newest is not None and newest.physical_id != request.physical_id
    return _in_state(newest, request) and not about_another


def verify(request: Request, services: Services) -> Stack:
    """The request's stack. Raises RequestError if CloudFormation did not send the event.

    Two calls if CloudFormation's answers agree with the event, DescribeStacks and DescribeStackResource. Neither counts
    against Lambda's quotas.
    """
    deadline, mismatches = deadline_of(request, services), list[float]()
    client = wait_out_throttling(services.client("cloudformation"), deadline)

    def look() -> Stack | None:
        found = stacks.find(client, request.stack_id)
        status = found.status if found else ""
        changing = status.endswith("_IN_PROGRESS") and not status.startswith(_WITHOUT_EVENTS)
        if changing and _is_sent(client, request, status):
            return found
        mismatches.append(services.now())
        if mismatches[-1] - mismatches[0] >= LAG_SECONDS:
            raise _unverified(request, "no stack is waiting for it", code="CI104")
        return None

    try:
        return deadline.wait_for("CloudFormation, which has to verify the event", look)
    except ClientError as error:
        raise _unverified(request, f"CloudFormation answered {code_of(error)}", code="CI105") from error


def _unverified(request: Request, problem: str, *, code: str) -> RequestError:
    return RequestError(
        f"the event cannot be verified: {problem}. {request.logical_id} has to be in progress in its own stack, in the "
        "provider's account and Region; nothing was changed",
        code=code,
    )


@dataclass(frozen=True)
class _Verified:
    """A resource type whose requests are verified first."""

    inner: Resource

    def create(self, request: Request, services: Services) -> Outcome:
        return self.inner.create(_with_stack(request, services), services)

    def update(self, request: Request, services: Services) -> Outcome:
        return self.inner.update(_with_stack(request, services), services)

    def delete(self, request: Request, services: Services) -> Outcome:
        return self.inner.delete(_with_stack(request, services), services)


def _with_stack(request: Request, services: Services) -> Request:
    return replace(request, stack=verify(request, services))


def verified(resource: Resource) -> Resource:
    """The resource type with verification in front of each of its functions."""
    return _Verified(resource)
