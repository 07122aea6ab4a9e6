"""Decides who owns a resource, by the tags that it bears.

Takes a request, what CloudFormation says about its stack, and the tags of a resource as AWS describes it. Returns the
tags to write, names that can be derived again, and one ``Verdict``. Every resource type dispatches on the verdict and
has no ownership rule of its own.

A resource is pending from its creation until the request that created it is about to be answered. So an event that is
delivered twice finds and completes what it created, and a Delete finds what a Create left that was never answered.
Names are derived from the stack and the logical ID, not from the request, so that a Delete can derive them too.
"""

from __future__ import annotations

import re
from base64 import b32encode
from collections.abc import Iterator, Mapping
from enum import Enum
from hashlib import sha256

from cfn_injector.errors import PropertyError
from cfn_injector.protocol.messages import Request, Stack

PREFIX = "cfn-injector:"
STACK_ID = "cfn-injector:stack-id"
LOGICAL_ID = "cfn-injector:logical-id"
REQUEST_ID = "cfn-injector:request-id"
"""The request that created the resource."""
PENDING = "cfn-injector:pending"
"""The request that is creating the resource and is not answered yet."""
ADOPTED = "cfn-injector:adopted"
"""The version that holds the function as it was before its adoption. If the adoption is rolled back, the function is
released with that code and configuration, not deleted."""
REPLACES = "cfn-injector:replaces"
"""The resource that this one replaced. A rollback returns to it."""
SERVED = "cfn-injector:served"
"""When CloudFormation issued the newest event that was served, in seconds since the epoch."""

MAX_TAGS = 43
"""Lambda allows 50 tags on a resource, of which the provider needs up to seven."""

_NAME_ATTEMPTS = 50


class Verdict(Enum):
    """What a resource is to a request."""

    OWNED = "owned"
    """It belongs to this stack and logical ID."""
    PENDING = "pending"
    """So it does, and the request that creates it is not answered yet."""
    ANSWERED = "answered"
    """An earlier delivery of this very request created it, and was done with it."""
    ADOPTED = "adopted"
    """It is owned, and the adoption is being rolled back: it must be released, not deleted."""
    STALE = "stale"
    """It is owned, and an event that CloudFormation issued later than this one was served already."""
    FOREIGN = "foreign"
    """It bears the ownership tags of another stack or logical ID."""
    UNCLAIMED = "unclaimed"
    """It bears no ownership tags."""


NOT_OWNED = frozenset({Verdict.FOREIGN, Verdict.UNCLAIMED})
"""The verdicts on what is not this resource's."""


def verdict(tags: Mapping[str, str], request: Request, stack: Stack) -> Verdict:
    """What a resource with these tags is to the request; ``stack`` is the request's.

    A Create that is delivered again after later events is still ``ANSWERED``: the resource is there, and nothing has to
    change. For all other requests ``STALE`` comes first.
    """
    if not ownership_tags_in(tags):
        return Verdict.UNCLAIMED
    if tags.get(STACK_ID) != request.stack_id or tags.get(LOGICAL_ID) != request.logical_id:
        return Verdict.FOREIGN
    answered = tags.get(REQUEST_ID) == request.request_id and PENDING not in tags
    if _is_stale(tags, request) and not (answered and request.type == "Create"):
        return Verdict.STALE
    if answered:
        return Verdict.ANSWERED
    if PENDING in tags:
        return Verdict.PENDING
    if ADOPTED in tags and stack.rolling_back:
        return Verdict.ADOPTED
    return Verdict.OWNED


def _is_stale(tags: Mapping[str, str], request: Request) -> bool:
    served = tags.get(SERVED, "")
    return request.issued_at is not None and served.isdecimal() and int(served) > int(request.issued_at)


def is_owned(tags: Mapping[str, str], request: Request) -> bool:
    """Whether the tags name this stack and this logical ID."""
    return tags.get(STACK_ID) == request.stack_id and tags.get(LOGICAL_ID) == request.logical_id


def is_pending_for(tags: Mapping[str, str], request: Request) -> bool:
    """Whether this very request, or another delivery of it, is creating the resource."""
    return is_owned(tags, request) and tags.get(PENDING) == request.request_id


def ownership_tags(request: Request, *, pending: bool, adopted: str = "", replaces: str = "") -> dict[str, str]:
    """The tags that make a resource this request's; ``adopted`` and ``replaces`` are the values of these tags."""
    tags = {STACK_ID: request.stack_id, LOGICAL_ID: request.logical_id, REQUEST_ID: request.request_id}
    if request.issued_at is not None:
        tags[SERVED] = str(int(request.issued_at))
    if pending:
        tags[PENDING] = request.request_id
    if adopted:
        tags[ADOPTED] = adopted
    if replaces:
        tags[REPLACES] = replaces
    return tags


def ownership_tags_in(tags: Mapping[str, str]) -> list[str]:
    """The keys of all ownership tags; empty if the provider never touched the resource."""
    return sorted(key for key in tags if key.startswith(PREFIX))


def tag_problems(*sources: Mapping[str, str]) -> list[PropertyError]:
    """A problem if the tags of the stack, of the template and of the resource are more than fit together."""
    count = len({key for tags in sources for key in tags if not key.startswith(PREFIX)})
    if count <= MAX_TAGS:
        return []
    problem = f"and the stack's tags are {count}, more than the {MAX_TAGS} that fit"
    return [PropertyError("Tags", problem, "remove some", code="CI251")]


def short_hash(text: str) -> str:
    """Twelve characters of ``[A-Z2-7]`` that depend on the text."""
    return b32encode(sha256(text.encode()).digest()).decode()[:12]


def derived_names(request: Request, replaced: str = "") -> Iterator[str]:
    """The names to try, in order, each at most 64 characters.

    ``replaced`` is the physical ID of the resource that the new one replaces. The second name and those after it step
    over resources that an earlier stack of this name retained.
    """
    for attempt in range(_NAME_ATTEMPTS):
        seed = "\0".join([request.stack_id, request.logical_id, replaced, str(attempt or "")])
        yield f"{_stem(request)}-{short_hash(seed)}"


def _stem(request: Request) -> str:
    return f"{request.stack_name[:24]}-{request.logical_id[:24]}"


def is_derived(name: str, request: Request) -> bool:
    """Whether a name has the form of one that is derived for this resource, or for a replacement of it."""
    return re.fullmatch(re.escape(_stem(request)) + "-[A-Z2-7]{12}", name) is not None
