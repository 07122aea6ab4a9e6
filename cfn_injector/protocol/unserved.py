"""Events that Lambda did not serve: it kept them waiting for too long, or the provider ended without an answer.

Takes a batch of messages from SQS. Each message is Lambda's record of an asynchronous invocation that failed, with
CloudFormation's event as ``requestPayload``. Returns the events, each with a refusal in the place of a resource type.
So such an event does nothing but answer FAILED.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

from cfn_injector.errors import RequestError


class _Reason(NamedTuple):
    """What CloudFormation is told, and the error's code in the catalogue of errors."""

    text: str
    code: str


_REASONS = {
    "EventAgeExceeded": _Reason(
        "Lambda could not start the provider in time, because too many functions were running; nothing was changed. "
        "Deploy again, with fewer resources at once, or raise ReservedConcurrency of the provider's stack or the "
        "account's quota of concurrent executions",
        "CI116",
    ),
    "RetriesExhausted": _Reason(
        "the provider ended without an answer: it could not be loaded, ran out of memory, or could not deliver its "
        "answer. Look for the logical ID in the provider's log, then deploy again",
        "CI117",
    ),
}
_UNKNOWN = _Reason("Lambda did not serve the event; deploy again", "CI118")


class Unserved(NamedTuple):
    """``event`` is CloudFormation's, empty if the message does not contain one."""

    event: Mapping[str, Any]
    reason: _Reason

    def refuse(self, resource_type: str) -> NoReturn:
        """Takes the place of the look-up of a resource type. Raises RequestError with the reason."""
        raise RequestError(self.reason.text, code=self.reason.code)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def is_batch(event: Mapping[str, Any]) -> bool:
    """Whether these are messages from SQS, and not an event of CloudFormation."""
    return "RequestType" not in event and isinstance(event.get("Records"), list)


def events_in(batch: Mapping[str, Any]) -> Iterator[Unserved]:
    """The events in a batch, in their order."""
    for message in batch["Records"]:
        try:
            record = _mapping(json.loads(_mapping(message).get("body", "")))
        except (TypeError, ValueError):
            record = {}
        condition = str(_mapping(record.get("requestContext")).get("condition"))
        yield Unserved(_mapping(record.get("requestPayload")), _REASONS.get(condition, _UNKNOWN))
