"""Whose a method, a deployment or a stage is.

In: a request, or a text that was found in API Gateway. Out: a mark, as the text that bears it and back.

Methods and deployments bear no tags. A method's mark is its operation name, which comes into being with the method.
That of a deployment, or of a stage that was made for it, is the first word of its description.
"""

from __future__ import annotations

import re
from base64 import b32encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from cfn_injector.plugin import NOT_CREATED, Request, name_of

_HASH = "[A-Z2-7]{12}"
_MARK = re.compile(rf"([A-Za-z0-9-]+-{_HASH})-({_HASH})(?:-(\d+))?(-pending)?")


class Mark(NamedTuple):
    """``owner``: which resource of which stack; ``request``: who made it; ``pending``: that is not answered yet.

    ``served`` is when CloudFormation issued the newest event that was served, in seconds since the epoch; empty where
    that is not known.
    """

    owner: str
    request: str
    served: str = ""
    pending: bool = False

    @property
    def text(self) -> str:
        return f"{self.owner}-{self.request}" + (f"-{self.served}" if self.served else "") + "-pending" * self.pending


def _digest(text: str) -> str:
    return b32encode(sha256(text.encode()).digest()).decode()[:12]


def mark_of(request: Request, *, pending: bool = False, made_by: str = "") -> Mark:
    """The request's own mark; ``made_by`` keeps that of the request by which the method came into being."""
    served = "" if request.issued_at is None else str(int(request.issued_at))
    return Mark(name_of(request), made_by or _digest(request.request_id), served, pending)


def mark_in(text: str | None) -> Mark | None:
    """The mark that an operation name is, or that a description begins with; None where it is not one of ours."""
    match = _MARK.fullmatch((text or "").partition(" ")[0])
    return Mark(match[1], match[2], match[3] or "", bool(match[4])) if match else None


def mark_on(method: Mapping[str, Any] | None) -> Mark | None:
    """The mark of a method as API Gateway describes it."""
    return mark_in(method.get("operationName")) if method else None


def description(request: Request) -> str:
    """What a deployment, and a stage that is made for it, is described by."""
    return f"{mark_of(request).text} of {request.stack_id}"


def is_overtaken(mark: Mark, request: Request) -> bool:
    """Whether a newer event than this one was served already."""
    return bool(mark.served) and request.issued_at is not None and int(mark.served) > int(request.issued_at)


def is_unfinished(mark: Mark, request: Request) -> bool:
    """Whether a Delete that names no method has to remove what bears this mark of its own resource.

    That is what is pending, and what was made by the Create that failed with the id that this Delete came with.
    """
    failed = request.physical_id.removeprefix(NOT_CREATED)
    return mark.pending or (failed != request.physical_id and mark.request == _digest(failed))
