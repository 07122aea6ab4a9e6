"""CloudFormation's custom resource protocol: turns an event into a Request, and an Outcome into a response body.

Takes the event as Lambda passes it. Returns a ``Request``, or the bytes to PUT to the event's ``ResponseURL``.

Reporting a failure needs the standard library only, so that it works even if nothing else loads. For this reason
``cfnlambda``, which imports boto3, is imported inside the functions that use it.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

from __future__ import annotations

import json
import math
from calendar import timegm
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from time import strptime
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qs, urlsplit

from cfn_injector.errors import PropertyError, RequestError

MAX_BODY_BYTES = 4096
MAX_SERVICE_TIMEOUT = 3600
CLEANING_SECONDS = 30.0
"""How long a request may work past its deadline to delete what it created."""

PROPERTIES: Mapping[str, tuple[str, str]] = {
    "ServiceToken": ("String", "the provider's function, which its stack exports: `!ImportValue <Name>-ServiceToken`"),
    "ServiceTimeout": (
        "Integer",
        f"the seconds after which CloudFormation stops waiting: 1 to {MAX_SERVICE_TIMEOUT:,}, which is also the "
        "default. The provider answers before that. Set it to 1200",
    ),
}
"""The properties of every custom resource, which CloudFormation reads: type and meaning.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html
"""

NOT_CREATED = "not-created/"
"""The prefix of the physical id of a resource that was not created."""

_IDS = ("StackId", "RequestId", "LogicalResourceId")


class Services(Protocol):
    """What a resource type can use: AWS clients, the environment, the clock, the log."""

    @property
    def client(self) -> Callable[..., Any]:
        """``client("lambda")`` returns a boto3 client. Keyword arguments go to boto3."""

    @property
    def environ(self) -> Mapping[str, str]: ...

    @property
    def now(self) -> Callable[[], float]:
        """Seconds since the epoch."""

    @property
    def sleep(self) -> Callable[[float], None]: ...

    @property
    def log(self) -> Callable[..., None]:
        """``log("step", name=value)``. The log writes only the fields on the provider's allow-list."""

    @property
    def conceal(self) -> Callable[[Iterable[str]], None]:
        """``conceal(values)`` keeps secret values out of the answer and the log from now on."""


class Outcome(NamedTuple):
    """What a resource type returns if it succeeds: the values of ``Ref`` and of ``Fn::GetAtt``."""

    physical_id: str
    data: Mapping[str, str] = {}


class Resource(Protocol):
    """A resource type: a module with these three functions."""

    def create(self, request: Request, services: Services) -> Outcome: ...

    def update(self, request: Request, services: Services) -> Outcome: ...

    def delete(self, request: Request, services: Services) -> Outcome: ...


class Stack(NamedTuple):
    """A stack as CloudFormation describes it: ``tags`` are its own, ``stable`` means that nothing is in progress."""

    tags: Mapping[str, str]
    rolling_back: bool = False
    deleting: bool = False
    stable: bool = False
    status: str = ""


def name_of(stack_id: str) -> str:
    """The name of the stack with this ID."""
    return stack_id.rpartition(":")[2].split("/")[1]


def folder_of(stack_id: str, logical_id: str) -> str:
    """Part of the keys of all objects of a resource, and of no other resource's. It ends with a slash."""
    stack = sha256(stack_id.encode()).hexdigest()[:16]
    return f"{name_of(stack_id)}-{stack}/{logical_id}/"


@dataclass(frozen=True)
class Request:
    """One event. ``deadline`` and ``issued_at`` are seconds since the epoch. Properties may hold secrets."""

    type: str
    request_id: str
    stack_id: str
    logical_id: str
    resource_type: str
    physical_id: str
    properties: Mapping[str, Any] = field(repr=False)
    old_properties: Mapping[str, Any] = field(repr=False)
    service_timeout: int = MAX_SERVICE_TIMEOUT
    issued_at: float | None = None
    deadline: float = math.inf
    stack: Stack | None = None

    @property
    def stack_name(self) -> str:
        return name_of(self.stack_id)

    @property
    def folder(self) -> str:
        """Part of the keys of this resource's objects: see ``folder_of``."""
        return folder_of(self.stack_id, self.logical_id)


class Response(NamedTuple):
    """The answer to CloudFormation. ``physical_id`` is never empty."""

    status: str
    reason: str
    physical_id: str
    stack_id: str
    request_id: str
    logical_id: str
    data: Mapping[str, str]

    def body(self) -> bytes:
        """The JSON document, at most 4096 bytes. The reason is shortened to fit; an attribute never is.

        Raises RequestError if the attributes alone are too large.
        """
        fields = {
            "Status": self.status,
            "PhysicalResourceId": self.physical_id,
            "StackId": self.stack_id,
            "RequestId": self.request_id,
            "LogicalResourceId": self.logical_id,
            "Data": dict(self.data),
        }
        room = MAX_BODY_BYTES - len(_encode({**fields, "Reason": ""}))
        if room < 0:
            raise RequestError(
                f"the attributes of {self.logical_id} make the answer {-room} bytes longer than the {MAX_BODY_BYTES} "
                "that CloudFormation accepts; return fewer or shorter ones",
                code="CI112",
            )
        return _encode({**fields, "Reason": _fit(self.reason, room)})


def _encode(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def _fit(text: str, room: int) -> str:
    """As much of the text's beginning and end as fits into ``room`` bytes of JSON. The end names the log stream."""
    if len(json.dumps(text)) - 2 <= room:
        return text
    half = max(len(text) // 2, 1)
    while half > 1:
        half = half * 9 // 10
        shorter = f"{text[:half]} ... {text[-half:]}"
        if len(json.dumps(shorter)) - 2 <= room:
            return shorter
    return ""


def failed(event: Mapping[str, Any], reason: str, physical_id: str = "") -> Response:
    """A FAILED response with the event's ids. Needs the standard library only.

    An Update or Delete returns the physical id that is in the event. A failed Create returns a marker, which a Delete
    cannot mistake for the name of a resource.
    """
    stack_id, request_id, logical_id = (str(event.get(name, "")) for name in _IDS)
    known = event.get("PhysicalResourceId") or physical_id or not_created(request_id)
    return Response("FAILED", reason, str(known), stack_id, request_id, logical_id, {})


def not_created(request_id: str) -> str:
    """The physical id that a failed Create returns if it created nothing."""
    return f"{NOT_CREATED}{request_id}"


def succeeded(request: Request, outcome: Outcome) -> Response:
    """A SUCCESS response.

    Raises RequestError if an attribute cannot be serialized or the physical id is empty.
    """
    from cfnlambda import Status, validate_response_data

    if not outcome.physical_id:
        problem = f"{request.resource_type} returned an empty physical id for {request.logical_id}"
        raise RequestError(problem, code="CI113")
    try:
        data = validate_response_data(dict(outcome.data))
    except (TypeError, ValueError) as error:
        problem = f"an attribute of {request.logical_id} is not JSON ({error}); return strings"
        raise RequestError(problem, code="CI113") from None
    ids = (request.stack_id, request.request_id, request.logical_id)
    return Response(Status.SUCCESS, "", outcome.physical_id, *ids, data)


def parse_request(event: Mapping[str, Any]) -> Request:
    """CloudFormation's event as a Request.

    Raises RequestError if a field is missing or unknown, and names the field.
    """
    from cfnlambda import RequestType

    known = (RequestType.CREATE, RequestType.UPDATE, RequestType.DELETE)
    kind = event.get("RequestType")
    if kind not in known:
        raise RequestError(f"RequestType {kind!r} is not one of {', '.join(known)}", code="CI101")
    required = (*_IDS, "ResourceType", "ResponseURL")
    missing = [name for name in required if not isinstance(event.get(name), str) or not event[name]]
    if kind != RequestType.CREATE and not event.get("PhysicalResourceId"):
        missing.append("PhysicalResourceId")
    if missing:
        problem = f"the event has no {', '.join(missing)}; only CloudFormation can invoke this function"
        raise RequestError(problem, code="CI101")
    if event["StackId"].count("/") < 2:
        raise RequestError("StackId is not the ARN of a stack", code="CI101")
    properties = event.get("ResourceProperties") or {}
    return Request(
        type=kind,
        request_id=event["RequestId"],
        stack_id=event["StackId"],
        logical_id=event["LogicalResourceId"],
        resource_type=event["ResourceType"],
        physical_id=event.get("PhysicalResourceId") or "",
        properties=properties,
        old_properties=event.get("OldResourceProperties") or {},
        service_timeout=service_timeout(properties, checked=kind != RequestType.DELETE),
        issued_at=_issued_at(event["ResponseURL"]),
    )


def service_timeout(properties: Mapping[str, Any], *, checked: bool = True) -> int:
    """Seconds after which CloudFormation stops waiting for the answer. Raises PropertyError if ``checked``."""
    stated = str(properties.get("ServiceTimeout", MAX_SERVICE_TIMEOUT))
    if stated.isdecimal() and 1 <= int(stated) <= MAX_SERVICE_TIMEOUT:
        return int(stated)
    if checked:
        problem, remedy = "is not a whole number from 1 to 3600", "set it to a number of seconds"
        raise PropertyError("ServiceTimeout", problem, remedy, code="CI249")
    return MAX_SERVICE_TIMEOUT


def _issued_at(response_url: str) -> float | None:
    """When CloudFormation sent the event, from the signature of its URL. None if the URL has no date."""
    dates = parse_qs(urlsplit(response_url).query).get("X-Amz-Date", [])
    try:
        return float(timegm(strptime(dates[0], "%Y%m%dT%H%M%SZ")))
    except (IndexError, ValueError):
        return None
