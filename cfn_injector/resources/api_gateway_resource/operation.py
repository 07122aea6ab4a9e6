"""One request to a method of an API, with all that its steps need: clients, patience, and who it is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from cfn_injector.plugin import (
    NOT_CREATED,
    AlreadyAnsweredError,
    InjectorError,
    Patience,
    Request,
    Services,
    Stack,
    code_of,
    message_of,
    name_of,
)
from cfn_injector.resources.api_gateway_resource.spec import VERBS, Place

T = TypeVar("T")

_BUSY = ("concurrent modification", "update is in progress")
"""What API Gateway and Lambda say where another request is in the way for a moment."""


class Target(NamedTuple):
    """A method: its API, its resource, its verb. As a text it is the physical id."""

    api: str
    resource: str
    verb: str

    def __str__(self) -> str:
        return "/".join(self)


def passes(error: ClientError) -> bool:
    """Whether the same call may be taken a moment later."""
    busy = any(words in message_of(error) for words in _BUSY)
    return busy or code_of(error) in ("TooManyRequestsException", "ThrottlingException")


@dataclass(frozen=True)
class Job:
    """``stack`` is what CloudFormation says of the request's stack; ``extra`` are seconds beyond the deadline."""

    request: Request
    services: Services
    stack: Stack
    extra: float = 0.0

    @cached_property
    def gateway(self) -> Any:
        return self.services.client("apigateway")

    @cached_property
    def functions(self) -> Any:
        return self.services.client("lambda")

    @cached_property
    def owner(self) -> str:
        return name_of(self.request)

    @property
    def current(self) -> Target | None:
        """The method that the physical id names; None where it is a marker, or an id that CloudFormation made up."""
        parts = self.request.physical_id.split("/")
        whole = len(parts) == 3 and not self.request.physical_id.startswith(NOT_CREATED) and parts[2] in VERBS
        return Target(*parts) if whole else None

    @property
    def place(self) -> Place:
        """Where the stack is; the API is there too."""
        arn = self.request.stack_id.split(":")
        return Place(partition=arn[1], region=self.gateway.meta.region_name, account=arn[4])

    @property
    def patience(self) -> Patience:
        return Patience(self.services.now, self.services.sleep, self.request.deadline + self.extra)

    def log(self, step: str, **fields: Any) -> None:
        self.services.log(step, **fields)

    def until(self, what: str, look: Callable[[], T | None]) -> T:
        """Looks until there is something to see; an error that passes by itself is a reason to look again."""
        return self.patience.until(what, look, passes)

    def call(self, what: str, call: Callable[..., T], **arguments: Any) -> T:
        """Calls until AWS takes it. Raises ClientError for what does not pass by itself."""
        return self.until(what, lambda: (call(**arguments),))[0]

    def found(self, what: str, call: Callable[..., T], **arguments: Any) -> T | None:
        """The answer, or None where there is no such thing."""
        try:
            return self.call(what, call, **arguments)
        except ClientError as error:
            if code_of(error) not in ("NotFoundException", "ResourceNotFoundException"):
                raise
            return None

    @contextmanager
    def leaving_behind(self, key: str) -> Iterator[None]:
        """For what is no reason to fail: it goes the next time. After the answer nothing is done any more."""
        try:
            yield
        except AlreadyAnsweredError:
            raise
        except (InjectorError, ClientError, BotoCoreError) as error:
            self.log("left-behind", key=key, error=type(error).__name__)
