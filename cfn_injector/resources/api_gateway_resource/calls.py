"""Calls API Gateway and Lambda, and waits while they are busy; says which method and which place a request is about.

Takes an operation and a method of a boto3 client. Returns the answer, or raises OutOfTimeError when the deadline of the
operation has passed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from botocore.exceptions import ClientError

from cfn_injector.plugin import NOT_CREATED, Operation, Pace, code_of, dns_suffix, is_throttling, message_of
from cfn_injector.resources.api_gateway_resource.properties import VERBS
from cfn_injector.resources.api_gateway_resource.spec import MethodSpec, Place, parse

T = TypeVar("T")

TURNS = Pace(first=1.0, factor=1.5, longest=45.0)
"""For what one event can do for many: 180 events that look this rarely leave calls to others."""

_BUSY = ("concurrent modification", "update is in progress")
"""Parts of the messages with which API Gateway and Lambda refuse a call while another one is in progress."""
_NOT_FOUND = frozenset({"NotFoundException", "ResourceNotFoundException"})


class Target(NamedTuple):
    """A method: its API, its resource and its verb. Its text is the physical ID."""

    api: str
    resource: str
    verb: str

    def __str__(self) -> str:
        return "/".join(self)


def target_in(physical_id: str) -> Target | None:
    """The method that a physical ID names; None if it is a marker, or an ID that CloudFormation made up."""
    parts = physical_id.split("/")
    names_method = len(parts) == 3 and not physical_id.startswith(NOT_CREATED) and parts[2] in VERBS
    return Target(*parts) if names_method else None


def place_of(operation: Operation) -> Place:
    """Where the stack is, and so its API."""
    arn = operation.request.stack_id.split(":")
    return Place(partition=arn[1], region=operation.client("apigateway").meta.region_name, account=arn[4])


def url_of(place: Place, api: str, stage: str, path: str) -> str:
    """The URL of a path of a stage."""
    return f"https://{api}.execute-api.{place.region}.{dns_suffix(place.partition)}/{stage}{path}"


def spec_of(operation: Operation, properties: Mapping[str, Any]) -> MethodSpec:
    """The method that the properties describe; what is wrong with them is in its ``problems``."""
    return parse(properties, operation.client("apigateway").meta.service_model, place_of(operation))


def is_transient(error: ClientError) -> bool:
    """Whether AWS may accept the same call a moment later."""
    return is_throttling(error) or any(words in message_of(error) for words in _BUSY)


def wait_for(operation: Operation, what: str, look: Callable[[], T | None]) -> T:
    """Calls ``look`` until it returns something other than None; transient errors count as None."""
    return operation.deadline.wait_for(what, look, is_transient)


def wait_in_turn(operation: Operation, what: str, look: Callable[[], T | None]) -> T:
    """Like ``wait_for``, for what one event can do for many."""
    return operation.deadline.wait_for(what, look, is_transient, pace=TURNS)


def call(operation: Operation, what: str, function: Callable[..., T], **arguments: Any) -> T:
    """Calls until AWS accepts it. Raises ClientError if the error is not transient."""
    return operation.deadline.retry(what, lambda: function(**arguments), is_transient)


def find(operation: Operation, what: str, function: Callable[..., T], **arguments: Any) -> T | None:
    """Likewise, but returns None if AWS does not find what the call is about: to read it, or to delete it."""
    try:
        return call(operation, what, function, **arguments)
    except ClientError as error:
        if code_of(error) not in _NOT_FOUND:
            raise
        return None
