"""A fake of CloudFormation with one stack: it sends events, checks every response, and answers DescribeStacks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore.awsrequest import AWSResponse

from tests.fakes.aws_lambda import ACCOUNT, REGION, Clock, Fault, Wire, answer, client_for

STACK_ID = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/shop-dev/1c2fa620-982a-11e3-aff7-50e2416294e0"
RESPONSE_URL = (
    "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/answer?X-Amz-Signature=s3cr3t-signature"
)
MADE_UP = "shop-dev-Function-1A2B3C4D5E6F"
"""The id that CloudFormation makes up when a Create is not answered in time."""


class Context:
    """The attributes of Lambda's context object that the provider reads."""

    log_stream_name = "2026/01/01/[$LATEST]0123456789"
    aws_request_id = "lambda-request"

    def __init__(self, seconds: float = 900.0) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


_STATES = {
    "Create": ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"),
    "Update": ("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"),
    "Delete": (
        "DELETE_IN_PROGRESS",
        "ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    ),
}
"""The states of a stack in which CloudFormation sends each kind of event; the first is the usual one.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""


@dataclass
class Held:
    """A resource as a stack knows it."""

    resource_type: str
    physical_id: str = ""
    status: str = "CREATE_COMPLETE"


class FakeCloudFormation:
    """``deliver(event)`` runs the provider; what it sends arrives at ``take``.

    ``held`` are the resources of all stacks, by stack ID and logical ID. An event that is made puts the stack and its
    resource into the state in which CloudFormation sends it. ``status`` and ``resource_status`` can be set to others.
    """

    def __init__(self, clock: Clock, logical_id: str = "Function") -> None:
        self.clock, self.logical_id = clock, logical_id
        self.status = "CREATE_IN_PROGRESS"
        self.statuses: dict[str, str] = {}
        """The states of other stacks, by their IDs."""
        self.templates: dict[str, Any] = {}
        """The templates as GetTemplate returns them, by stack ID."""
        self.page = 100
        """How many resources a page of ListStackResources has."""
        self.held = {(STACK_ID, logical_id): Held("Custom::LambdaFunction", status="CREATE_IN_PROGRESS")}
        self.newest: Held | None = None
        """The newest event of the resource, if that is about another physical ID than its record."""
        self.lag = 0
        """So many times DescribeStackResource and DescribeStackEvents still give the state before the last event."""
        self.tags: dict[str, str] = {}
        self.answers: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.requests = 0
        self.check_url = True
        self.wire, self.attempts = Wire(), 1
        self.calls: list[str] = []
        self.deliver: Callable[[dict[str, Any]], None] = lambda event: None

    @property
    def resource(self) -> Held:
        """The resource that events are about."""
        return self.held[STACK_ID, self.logical_id]

    @property
    def resource_status(self) -> str:
        return self.resource.status

    @resource_status.setter
    def resource_status(self, status: str) -> None:
        self.resource.status = status

    # -- its API

    def client(self, region: str = REGION) -> Any:
        return client_for("cloudformation", self._catch, region, self.attempts)

    def _catch(self, request: Any, **_: Any) -> AWSResponse:
        params = dict(parse_qsl(request.body))
        action = params["Action"]
        self.calls.append(action)
        operations = {
            "DescribeStacks": self._stacks,
            "DescribeStackResource": self._resource,
            "DescribeStackResources": self._resources,
            "DescribeStackEvents": self._events,
            "ListStackResources": self._listed,
            "GetTemplate": self._template,
        }
        try:
            number = self.wire.before(action, "cloudformation")
            body = operations[action](params)
            self.wire.after(number)
        except Fault as fault:
            error = f"<Code>{fault.code}</Code><Message>{fault.message}</Message>"
            document = f"<ErrorResponse><Error>{error}</Error></ErrorResponse>"
            return answer(request.url, fault.status, document.encode(), {"Content-Type": "text/xml"})
        document = f"<{action}Response><{action}Result>{body}</{action}Result></{action}Response>"
        return answer(request.url, 200, document.encode(), {"Content-Type": "text/xml"})

    def _status(self, stack_id: str) -> str:
        status = self.status if stack_id == STACK_ID else self.statuses.get(stack_id)
        if status is None:
            raise Fault("ValidationError", f"Stack with id {stack_id} does not exist")
        return status

    def _id_of(self, stack: str) -> str:
        """The ID of a stack that is given by its name or ID. A deleted one has an ID alone."""
        ids = [STACK_ID, *self.statuses]
        live = (each for each in ids if each.split("/")[1] == stack and self._status(each) != "DELETE_COMPLETE")
        return next(live, stack)

    def _stacks(self, params: dict[str, str]) -> str:
        stack_id = self._id_of(params["StackName"])
        status = self._status(stack_id)
        tags = "".join(
            f"<member><Key>{escape(key)}</Key><Value>{escape(value)}</Value></member>"
            for key, value in (self.tags if stack_id == STACK_ID else {}).items()
        )
        return (
            f"<Stacks><member><StackId>{stack_id}</StackId><StackName>{stack_id.split('/')[1]}</StackName>"
            f"<CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>{status}</StackStatus>"
            f"<Tags>{tags}</Tags></member></Stacks>"
        )

    def _lagging(self) -> bool:
        self.lag -= self.lag > 0
        return self.lag > 0

    def _found(self, stack_id: str, logical_id: str) -> Held:
        self._status(stack_id)
        found = self.held.get((stack_id, logical_id))
        if found is None:
            raise Fault("ValidationError", f"Resource {logical_id} does not exist for stack {stack_id}")
        return Held(found.resource_type, found.physical_id, "UPDATE_COMPLETE") if self._lagging() else found

    def _described(self, stack_id: str, logical_id: str, held: Held, timestamp: str) -> str:
        return (
            f"<StackId>{stack_id}</StackId><StackName>{stack_id.split('/')[1]}</StackName>"
            f"<LogicalResourceId>{logical_id}</LogicalResourceId>"
            f"<PhysicalResourceId>{escape(held.physical_id)}</PhysicalResourceId>"
            f"<ResourceType>{held.resource_type}</ResourceType><ResourceStatus>{held.status}</ResourceStatus>"
            f"<{timestamp}>2026-01-01T00:00:00Z</{timestamp}>"
        )

    def _resource(self, params: dict[str, str]) -> str:
        stack_id, logical_id = self._id_of(params["StackName"]), params["LogicalResourceId"]
        found = self._found(stack_id, logical_id)
        described = self._described(stack_id, logical_id, found, "LastUpdatedTimestamp")
        return f"<StackResourceDetail>{described}</StackResourceDetail>"

    def _resources(self, params: dict[str, str]) -> str:
        """By the physical ID: all resources of the stack that has it."""
        physical_id = params["PhysicalResourceId"]
        stacks = [stack for (stack, _), held in self.held.items() if held.physical_id == physical_id]
        if not stacks:
            raise Fault("ValidationError", f"Stack for {physical_id} does not exist")
        members = [
            f"<member>{self._described(stack, logical_id, held, 'Timestamp')}</member>"
            for (stack, logical_id), held in self.held.items()
            if stack == stacks[0]
        ]
        return f"<StackResources>{''.join(members)}</StackResources>"

    def _events(self, params: dict[str, str]) -> str:
        """The newest event of each resource of the stack."""
        stack_id = params["StackName"]
        self._status(stack_id)
        lagging = self._lagging()
        members = [
            f"<member><EventId>{logical_id}</EventId>{self._described(stack, logical_id, held, 'Timestamp')}</member>"
            for (stack, logical_id), record in self.held.items()
            for held in [self.newest or record]
            if stack == stack_id and not lagging
        ]
        return f"<StackEvents>{''.join(members)}</StackEvents>"

    def _listed(self, params: dict[str, str]) -> str:
        """The resources of a stack, in pages; ``NextToken`` is the number of the first one."""
        stack_id = self._id_of(params["StackName"])
        self._status(stack_id)
        held = [(logical_id, each) for (stack, logical_id), each in self.held.items() if stack == stack_id]
        first = int(params.get("NextToken", 0))
        rest = held[first : first + self.page]
        members = "".join(
            f"<member>{self._described(stack_id, logical_id, each, 'LastUpdatedTimestamp')}</member>"
            for logical_id, each in rest
        )
        more = f"<NextToken>{first + self.page}</NextToken>" if first + self.page < len(held) else ""
        return f"<StackResourceSummaries>{members}</StackResourceSummaries>{more}"

    def _template(self, params: dict[str, str]) -> str:
        template = self.templates[self._id_of(params["StackName"])]
        text = template if isinstance(template, str) else json.dumps(template)
        return f"<TemplateBody>{escape(text)}</TemplateBody>"

    # -- events

    def event(
        self,
        request_type: str,
        properties: Mapping[str, Any],
        *,
        resource_type: str = "Custom::LambdaFunction",
        physical_id: str | None = None,
        old: Mapping[str, Any] | None = None,
        logical_id: str | None = None,
    ) -> dict[str, Any]:
        """An event as CloudFormation sends it: scalars are strings. Many logical IDs can be in progress at once."""
        logical_id = logical_id or self.logical_id
        self.requests += 1
        if self.status not in _STATES.get(request_type, (self.status,)):
            self.status = _STATES[request_type][0]
        self.held[STACK_ID, logical_id] = Held(resource_type, physical_id or "", f"{request_type.upper()}_IN_PROGRESS")
        event: dict[str, Any] = {
            "RequestType": request_type,
            "RequestId": f"request-{self.requests}",
            "ResponseURL": RESPONSE_URL,
            "StackId": STACK_ID,
            "ResourceType": resource_type,
            "LogicalResourceId": logical_id,
            "ResourceProperties": as_strings({"ServiceToken": "arn:provider", **properties}),
        }
        if physical_id is not None:
            event["PhysicalResourceId"] = physical_id
        if old is not None:
            event["OldResourceProperties"] = as_strings({"ServiceToken": "arn:provider", **old})
        return event

    def take(self, url: str, body: bytes) -> None:
        assert url == RESPONSE_URL or not self.check_url
        assert len(body) <= 4096
        self.bodies.append(body)
        self.answers.append(json.loads(body))

    def send(self, event: dict[str, Any]) -> dict[str, Any]:
        """Delivers the event once, checks that there is exactly one valid response, and returns it."""
        before = len(self.answers)
        self.deliver(event)
        assert len(self.answers) == before + 1, "an event gets exactly one response"
        answered = self.answers[-1]
        for name in ("StackId", "RequestId", "LogicalResourceId"):
            assert answered[name] == event[name]
        assert answered["Status"] in ("SUCCESS", "FAILED")
        assert answered["PhysicalResourceId"]
        assert answered["Status"] == "SUCCESS" or answered["Reason"]
        if event["RequestType"] == "Delete" or answered["Status"] == "FAILED":
            assert answered["PhysicalResourceId"] == event.get("PhysicalResourceId", answered["PhysicalResourceId"])
        return answered


class Stack:
    """A stack with one resource, which sends events in CloudFormation's order and rolls back what fails.

    After a failed Create comes a Delete with the ID of the response, after a failed Update an Update with the
    properties swapped, after a replacement a Delete of the old ID, after a failed Delete another one. ``physical_id``
    is the ID that the stack knows, or None.
    """

    def __init__(self, cloudformation: FakeCloudFormation, resource_type: str) -> None:
        self.cloudformation, self.resource_type = cloudformation, resource_type
        self.physical_id: str | None = None
        self.properties: Mapping[str, Any] = {}

    def _send(self, kind: str, properties: Mapping[str, Any], status: str, **ids: Any) -> dict[str, Any]:
        self.cloudformation.status = status
        event = self.cloudformation.event(kind, properties, resource_type=self.resource_type, **ids)
        if "CLEANUP" in status and self.physical_id is not None:  # after a replacement the record has the new ID
            self.cloudformation.resource.physical_id = self.physical_id
            self.cloudformation.resource.status = "UPDATE_COMPLETE"
        return self.cloudformation.send(event)

    def create(self, properties: Mapping[str, Any]) -> bool:
        answered = self._send("Create", properties, "CREATE_IN_PROGRESS")
        self.physical_id, self.properties = answered["PhysicalResourceId"], properties
        if answered["Status"] == "SUCCESS":
            return True
        self.delete("ROLLBACK_IN_PROGRESS")
        return False

    def update(self, properties: Mapping[str, Any]) -> bool:
        old, old_id = self.properties, self.physical_id
        answered = self._send("Update", properties, "UPDATE_IN_PROGRESS", physical_id=old_id, old=old)
        if answered["Status"] == "SUCCESS":
            self.physical_id, self.properties = answered["PhysicalResourceId"], properties
            self._clean_up(old_id, old)
            return True
        self.roll_back(properties, old)
        return False

    def roll_back(self, new: Mapping[str, Any], old: Mapping[str, Any]) -> None:
        """From ``new``, which failed or is undone because of another resource, back to ``old``."""
        left = self.physical_id
        answered = self._send("Update", old, "UPDATE_ROLLBACK_IN_PROGRESS", physical_id=left, old=new)
        assert answered["Status"] == "SUCCESS", f"a rollback fails: {answered['Reason']}"
        self.physical_id, self.properties = answered["PhysicalResourceId"], old
        self._clean_up(left, new)

    def _clean_up(self, old_id: str | None, old: Mapping[str, Any]) -> None:
        if old_id != self.physical_id:
            self._delete(old_id, old, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")

    def _delete(self, physical_id: str | None, properties: Mapping[str, Any], status: str) -> bool:
        """Tries up to three times, as CloudFormation does. Returns whether the first attempt succeeded."""
        for attempt in range(3):
            answered = self._send("Delete", properties, status, physical_id=physical_id)
            if answered["Status"] == "SUCCESS":
                return attempt == 0
        raise AssertionError(f"a resource cannot be deleted: {answered['Reason']}")

    def delete(self, status: str = "DELETE_IN_PROGRESS") -> bool:
        """Returns whether the first attempt succeeded."""
        at_once = self._delete(self.physical_id, self.properties, status)
        self.physical_id = None
        return at_once


def as_strings(value: Any) -> Any:
    """Properties as CloudFormation sends them: maps and lists stay, every scalar is a string."""
    if isinstance(value, Mapping):
        return {key: as_strings(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_strings(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if value is None else str(value)
