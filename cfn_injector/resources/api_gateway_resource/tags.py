"""Records who owns a method, a deployment or a stage.

Takes a request, or a text that was found in API Gateway. Returns an ``Owner`` with the text that records it, the same
as ownership tags, and a verdict on these.

Methods and deployments have no tags. The owner of a method is recorded in its operation name, which exists as soon as
the method does. That of a deployment, or of a stage that a deployment created, is the first word of its description.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from cfn_injector.plugin import (
    LOGICAL_ID,
    NOT_CREATED,
    PENDING,
    REQUEST_ID,
    SERVED,
    STACK_ID,
    Operation,
    Request,
    Verdict,
    name_of,
    short_hash,
)

_HASH = "[A-Z2-7]{12}"
_TEXT = re.compile(rf"([A-Za-z0-9-]+-{_HASH})-({_HASH})(?:-(\d+))?(-pending)?")

_BEGUN = re.compile(rf"{_TEXT.pattern} at (?P<begun>\d+\.\d+) of ")


class Owner(NamedTuple):
    """``name`` is that of a custom resource of a stack, ``request`` the hash of the request that created the method.

    ``served`` is when CloudFormation issued the newest event that was served, in seconds since the epoch; empty if
    that is not known. ``pending`` means that the request is not answered yet.
    """

    name: str
    request: str
    served: str = ""
    pending: bool = False

    @property
    def text(self) -> str:
        """The text that records the owner in API Gateway."""
        return f"{self.name}-{self.request}" + (f"-{self.served}" if self.served else "") + "-pending" * self.pending


def owner_for(request: Request, *, pending: bool = False, created_by: str = "") -> Owner:
    """The owner that a request records; ``created_by`` keeps the hash of the request that created the method."""
    served = "" if request.issued_at is None else str(int(request.issued_at))
    return Owner(name_of(request), created_by or short_hash(request.request_id), served, pending)


def owner_in(text: str | None) -> Owner | None:
    """The owner in an operation name, or at the beginning of a description; None if it records none."""
    match = _TEXT.fullmatch((text or "").partition(" ")[0])
    return Owner(match[1], match[2], match[3] or "", bool(match[4])) if match else None


def owner_of(method: Mapping[str, Any] | None) -> Owner | None:
    """The owner of a method as API Gateway describes it; None if there is no method, or no owner."""
    return owner_in(method.get("operationName")) if method else None


def description(request: Request, begun: float | None = None) -> str:
    """The description of a deployment that was ``begun`` at this time, or of a stage that is created with it."""
    return owner_for(request).text + ("" if begun is None else f" at {begun:.3f}") + f" of {request.stack_id}"


def begun_in(text: str | None) -> float:
    """When a deployment with this description was begun, in seconds since the epoch; 0 if it does not say so."""
    match = _BEGUN.match(text or "")
    return float(match["begun"]) if match else 0.0


def failed_create(request: Request) -> str:
    """The ID of the failed Create whose marker a Delete names; empty if its physical ID is not a marker."""
    id = request.physical_id
    return id.removeprefix(NOT_CREATED) if id.startswith(NOT_CREATED) else ""


def tags_of(owner: Owner | None, request: Request) -> dict[str, str]:
    """The owner as ownership tags.

    The text holds names and hashes. Those of the request, and of the failed Create that it names, become IDs again.
    """
    if owner is None:
        return {}
    mine = owner.name == name_of(request)
    ids = {short_hash(id): id for id in (failed_create(request), request.request_id)}
    created_by = ids.get(owner.request, owner.request)
    return {
        STACK_ID: request.stack_id if mine else owner.name,
        LOGICAL_ID: request.logical_id if mine else owner.name,
        REQUEST_ID: created_by,
        **({SERVED: owner.served} if owner.served else {}),
        **({PENDING: created_by} if owner.pending else {}),
    }


def verdict_on(operation: Operation, owner: Owner | None) -> Verdict:
    """What a method, a deployment or a stage with this owner is to the operation's request."""
    return operation.verdict(tags_of(owner, operation.request))
