"""A CloudFormation of one stack: it makes events, takes the answers strictly, and answers DescribeStacks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from botocore.awsrequest import AWSResponse

from tests.fake_lambda import ACCOUNT, REGION, Clock, answer, client_for

STACK_ID = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/shop-dev/1c2fa620-982a-11e3-aff7-50e2416294e0"
RESPONSE_URL = (
    "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/answer?X-Amz-Signature=s3cr3t-signature"
)


class Context:
    """Lambda's context object, as far as the provider looks at it."""

    log_stream_name = "2026/01/01/[$LATEST]0123456789"
    aws_request_id = "lambda-request"

    def __init__(self, seconds: float = 900.0) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


class FakeCloudFormation:
    """``deliver(event)`` runs the provider; what it sends arrives at ``take``."""

    def __init__(self, clock: Clock, logical_id: str = "Function") -> None:
        self.clock, self.logical_id = clock, logical_id
        self.status = "CREATE_IN_PROGRESS"
        self.tags: dict[str, str] = {}
        self.answers: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.requests = 0
        self.deliver: Callable[[dict[str, Any]], None] = lambda event: None

    # -- DescribeStacks

    def client(self) -> Any:
        return client_for("cloudformation", self._catch)

    def _catch(self, request: Any, **_: Any) -> AWSResponse:
        tags = "".join(
            f"<member><Key>{escape(key)}</Key><Value>{escape(value)}</Value></member>"
            for key, value in self.tags.items()
        )
        body = (
            '<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult>'
            f"<Stacks><member><StackId>{STACK_ID}</StackId><StackName>shop-dev</StackName>"
            f"<CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>{self.status}</StackStatus>"
            f"<Tags>{tags}</Tags></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
        )
        return answer(request.url, 200, body.encode(), {"Content-Type": "text/xml"})

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
        """An event as CloudFormation makes it: scalars are strings."""
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
        assert url == RESPONSE_URL
        assert len(body) <= 4096
        self.bodies.append(body)
        self.answers.append(json.loads(body))

    def send(self, event: dict[str, Any]) -> dict[str, Any]:
        """Delivers the event once; exactly one valid answer has to come."""
        before = len(self.answers)
        self.deliver(event)
        assert len(self.answers) == before + 1, "an event is answered exactly once"
        answered = self.answers[-1]
        for name in ("StackId", "RequestId", "LogicalResourceId"):
            assert answered[name] == event[name]
        assert answered["Status"] in ("SUCCESS", "FAILED")
        assert answered["PhysicalResourceId"]
        assert answered["Status"] == "SUCCESS" or answered["Reason"]
        if event["RequestType"] == "Delete" or answered["Status"] == "FAILED":
            assert answered["PhysicalResourceId"] == event.get("PhysicalResourceId", answered["PhysicalResourceId"])
        return answered


def as_strings(value: Any) -> Any:
    """CloudFormation keeps maps and lists and sends every scalar as text."""
    if isinstance(value, Mapping):
        return {key: as_strings(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_strings(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if value is None else str(value)
