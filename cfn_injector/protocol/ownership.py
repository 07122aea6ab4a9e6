"""Names and marks: what a function is called, and by what its owner is known.

In: the ids of a request, the tags of a function. Out: names of at most 64 characters, tags, and verdicts on ownership.

A name is derived from stack and logical id, not from the request, so that a Delete can find what a Create left behind
whose answer never arrived.
"""

from __future__ import annotations

import re
from base64 import b32encode
from collections.abc import Iterator, Mapping
from hashlib import sha256

from cfn_injector.protocol.messages import Request

STACK = "cfn-injector:stack-id"
LOGICAL = "cfn-injector:logical-id"
REQUEST = "cfn-injector:request-id"
"""The request that made the function: its event, delivered once more, finds the work done."""
PENDING = "cfn-injector:pending"
"""The request whose answer is outstanding. What bears it is in no stack yet."""
ADOPTED = "cfn-injector:adopted"
"""The request that took the function over. Where that is rolled back, the function is let go and not deleted."""
REPLACES = "cfn-injector:replaces"
"""The function that stood there before: a rollback goes back to it."""

SERVED = "cfn-injector:served"
"""When CloudFormation issued the newest event that was served, in seconds since the epoch."""

_PREFIX = "cfn-injector:"
_ATTEMPTS = 50


def derived_names(request: Request, replaced: str = "") -> Iterator[str]:
    """The names to try, in order: the second and later ones step over functions that an earlier life retained."""
    for attempt in range(_ATTEMPTS):
        seed = "\0".join([request.stack_id, request.logical_id, replaced, str(attempt or "")])
        digest = b32encode(sha256(seed.encode()).digest()).decode()[:12]
        yield f"{_stem(request)}-{digest}"


def _stem(request: Request) -> str:
    return f"{request.stack_name[:24]}-{request.logical_id[:24]}"


def is_derived(name: str, request: Request) -> bool:
    """Whether a name looks like one that was derived for this resource, or for a replacement of it."""
    return re.fullmatch(re.escape(_stem(request)) + "-[A-Z2-7]{12}", name) is not None


def marks(request: Request, *, pending: bool, adopted: bool = False, replaces: str = "") -> dict[str, str]:
    """The tags that make a function this resource's."""
    tags = {STACK: request.stack_id, LOGICAL: request.logical_id, REQUEST: request.request_id}
    if request.issued_at is not None:
        tags[SERVED] = str(int(request.issued_at))
    if pending:
        tags[PENDING] = request.request_id
    if adopted:
        tags[ADOPTED] = request.request_id
    if replaces:
        tags[REPLACES] = replaces
    return tags


def is_ours(tags: Mapping[str, str], request: Request) -> bool:
    """Whether the tags name this stack and this logical id."""
    return tags.get(STACK) == request.stack_id and tags.get(LOGICAL) == request.logical_id


def is_overtaken(tags: Mapping[str, str], request: Request) -> bool:
    """Whether a newer event than this one was served already: a rollback, whose update came late, for one."""
    served = tags.get(SERVED, "")
    return request.issued_at is not None and served.isdecimal() and int(served) > int(request.issued_at)


def marks_in(tags: Mapping[str, str]) -> list[str]:
    """The keys of all marks of this project; none where it never touched the function."""
    return sorted(key for key in tags if key.startswith(_PREFIX))
