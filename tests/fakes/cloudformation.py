"""A fake of CloudFormation with one stack: it sends events, checks every response, and answers DescribeStacks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
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


class FakeCloudFormation:
    """``deliver(event)`` runs the provider, whose response arrives at ``take``."""

    def __init__(self, clock: Clock, logical_id: str = "Function") -> None:
        self.clock, self.logical_id = clock, logical_id
        self.status = "CREATE_IN_PROGRESS"
        self.tags: dict[str, str] = {}
        self.answers: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.requests = 0
        self.resource_status = "CREATE_IN_PROGRESS"
        self.check_url = True
        self.wire, self.attempts = Wire(), 1
        self.deliver: Callable[[dict[str, Any]], None] = lambda event: None

    # -- its API

    def client(self, region: str = REGION) -> Any:
        return client_for("cloudformation", self._catch, region, self.attempts)

    def _catch(self, request: Any, **_: Any) -> AWSResponse:
        action = dict(parse_qsl(request.body))["Action"]
        try:
            number = self.wire.before(action)
            body = {"DescribeStacks": self._stacks, "DescribeStackResource": self._resource}[action]()
            self.wire.after(number)
        except Fault as fault:
            error = f"<ErrorResponse><Error><Code>{fault.code}</Code></Error></ErrorResponse>"
            return answer(request.url, fault.status, error.encode(), {"Content-Type": "text/xml"})
        document = f"<{action}Response><{action}Result>{body}</{action}Result></{action}Response>"
        return answer(request.url, 200, document.encode(), {"Content-Type": "text/xml"})

    def _stacks(self) -> str:
        tags = "".join(
            f"<member><Key>{escape(key)}</Key><Value>{escape(value)}</Value></member>"
            for key, value in self.tags.items()
        )
        return (
            f"<Stacks><member><StackId>{STACK_ID}</StackId><StackName>shop-dev</StackName>"
            f"<CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>{self.status}</StackStatus>"
            f"<Tags>{tags}</Tags></member></Stacks>"
        )

    def _resource(self) -> str:
        return (
            f"<StackResourceDetail><LogicalResourceId>{self.logical_id}</LogicalResourceId>"
            f"<ResourceType>Custom::LambdaFunction</ResourceType><ResourceStatus>{self.resource_status}</ResourceStatus>"
            "<LastUpdatedTimestamp>2026-01-01T00:00:00Z</LastUpdatedTimestamp></StackResourceDetail>"
        )

    # -- events

    def event(
        self,
        request_type: str,
        properties: Mapping[str, Any],
        *,
        resource_type: str = "Custom::LambdaFunction",
        physical_id: str | None = None,
        old: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """An event as CloudFormation sends it: scalars are strings."""
        self.requests += 1
        event: dict[str, Any] = {
            "RequestType": request_type,
            "RequestId": f"request-{self.requests}",
            "ResponseURL": RESPONSE_URL,
            "StackId": STACK_ID,
            "ResourceType": resource_type,
            "LogicalResourceId": self.logical_id,
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
        self.cloudformation.resource_status = f"{kind.upper()}_IN_PROGRESS"
        event = self.cloudformation.event(kind, properties, resource_type=self.resource_type, **ids)
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
