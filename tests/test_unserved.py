"""Events that Lambda did not serve come back through a queue, and are answered with FAILED and nothing else."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from cfn_injector import aws_lambda
from cfn_injector.errors import DeliveryError
from cfn_injector.protocol import delivery, unserved
from tests.fakes.aws_lambda import Clock
from tests.fakes.cloudformation import Context, FakeCloudFormation
from tests.fakes.response_server import Server
from tests.support.lambda_functions import BASE, CANARY

Deliver = Callable[..., None]
WAITED = "Lambda could not start the provider in time"


def messages(*bodies: Any) -> dict[str, Any]:
    """A batch as SQS hands it to a function."""
    texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    return {"Records": [{"messageId": "1", "body": text, "eventSource": "aws:sqs"} for text in texts]}


def record(event: Any, condition: str = "EventAgeExceeded") -> dict[str, Any]:
    """Lambda's record of an asynchronous invocation that failed."""
    arn = "arn:aws:lambda:us-east-1:111122223333:function:cfn-injector:$LATEST"
    context = {"requestId": "1", "functionArn": arn, "condition": condition, "approximateInvokeCount": 0}
    return {
        "version": "1.0",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "requestContext": context,
        "requestPayload": event,
    }


def event(url: str, kind: str = "Create", **ids: Any) -> dict[str, Any]:
    properties = {**BASE, "Env": {"S": CANARY}}
    return {**FakeCloudFormation(Clock()).event(kind, properties, **ids), "ResponseURL": url}


@pytest.fixture
def deliver(server: Server, monkeypatch: pytest.MonkeyPatch) -> Deliver:
    """The provider's handler, which fails the test if it makes a client or looks for a resource type."""

    def forbidden(*_: Any, **__: Any) -> Any:
        raise AssertionError("an event that was not served must not reach AWS")

    monkeypatch.setenv("CFN_INJECTOR_RESPONSE_HOSTS", server.host)
    monkeypatch.setattr(aws_lambda, "_LOG", logging.Logger("test-of-unserved-events", logging.INFO))
    monkeypatch.setattr(aws_lambda, "_client", forbidden)
    monkeypatch.setattr(aws_lambda, "find", forbidden)
    monkeypatch.setattr(delivery, "ATTEMPTS", 1)
    return lambda batch: aws_lambda.handler(batch, Context())


@pytest.mark.parametrize(
    ("condition", "told", "code"),
    [
        ("EventAgeExceeded", WAITED, "CI116"),
        ("RetriesExhausted", "the provider ended without an answer", "CI117"),
        ("AnotherOne", "Lambda did not serve the event", "CI118"),
    ],
)
@pytest.mark.parametrize(
    ("kind", "ids"),
    [
        ("Create", {}),
        ("Update", {"physical_id": "shop", "old": BASE}),
        ("Delete", {"physical_id": "shop"}),
        ("Create", {"resource_type": "Custom::Nothing"}),
    ],
)
def test_an_event_that_was_not_served_is_answered_with_failed_the_cause_and_the_remedy(
    server: Server, deliver: Deliver, condition: str, told: str, code: str, kind: str, ids: dict[str, Any]
) -> None:
    lost = event(server.url, kind, **ids)
    deliver(messages(record(lost, condition)))
    ((_, _, body),) = server.got
    answered = json.loads(body)
    assert answered["Status"] == "FAILED"
    assert told in answered["Reason"]
    assert f"[{code}]" in answered["Reason"]
    assert "eploy again" in answered["Reason"]
    assert answered["PhysicalResourceId"] == ids.get("physical_id", f"not-created/{lost['RequestId']}")
    assert all(answered[name] == lost[name] for name in ("StackId", "RequestId", "LogicalResourceId"))


def test_no_value_of_the_event_is_in_the_answer_or_the_log(
    server: Server, deliver: Deliver, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(messages({**record(event(server.url), "RetriesExhausted"), "responsePayload": {"errorMessage": CANARY}}))
    assert CANARY not in server.got[0][2].decode()
    printed = capsys.readouterr().out
    assert CANARY not in printed
    (line,) = map(json.loads, printed.splitlines())
    assert (line["step"], line["status"], line["operation"], line["failure"]) == ("answered", "FAILED", "Create", 1)


def test_an_event_that_is_older_than_its_service_timeout_is_answered_too(server: Server, deliver: Deliver) -> None:
    deliver(messages(record(event(f"{server.url}&X-Amz-Date=20200101T000000Z"))))
    assert json.loads(server.got[0][2])["Status"] == "FAILED"


@pytest.mark.parametrize("url", ["https://evil.example/x", "http://127.0.0.1:1/x", "file:///etc/passwd", ""])
def test_an_answer_goes_only_to_a_host_that_every_answer_may_go_to(
    server: Server, deliver: Deliver, url: str, record_property: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    record_property("attack", f"a record of an event that was not served, with an answer to {url or 'nowhere'}")
    with pytest.raises(
        DeliveryError, match=r"^ResponseURL is not an https URL of CloudFormation's own bucket.* \[CI114\]$"
    ):
        deliver(messages(record(event(url))))
    assert server.got == []
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["step"], line["operation"], line["reason"][-7:]) == ("not-delivered", "Create", "[CI114]")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not JSON",
        "[]",
        "{}",
        json.dumps({"requestPayload": "text"}),
        json.dumps(record(None)),
        json.dumps(record({})),
        json.dumps(record({"Records": [{"body": "{}"}]})),
        json.dumps({"requestContext": [], "requestPayload": {"RequestType": "Create"}}),
    ],
)
def test_what_contains_no_event_stays_in_the_queue_until_it_expires(deliver: Deliver, body: str) -> None:
    with pytest.raises(DeliveryError):
        deliver(messages(body))


@pytest.mark.parametrize("message", [None, "text", [], {}, {"body": None}, {"body": {}}])
def test_a_message_of_any_shape_is_read(message: Any) -> None:
    (lost,) = unserved.events_in({"Records": [message]})
    assert lost.event == {}


def test_an_event_of_cloudformation_is_never_taken_for_messages() -> None:
    assert not unserved.is_batch({**event("https://x"), "Records": [{"body": json.dumps(record({}))}]})
    assert not unserved.is_batch({})
    assert not unserved.is_batch({"Records": {}})


def test_an_answer_that_is_not_accepted_leaves_the_message_in_the_queue(server: Server, deliver: Deliver) -> None:
    server.statuses = [503]
    with pytest.raises(DeliveryError):
        deliver(messages(record(event(server.url))))
    deliver(messages(record(event(server.url))))
    assert json.loads(server.got[-1][2])["Status"] == "FAILED"
