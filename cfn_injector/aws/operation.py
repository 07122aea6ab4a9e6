"""One request with everything that its steps need: clients, the stack, the deadline and the log.

Takes a request and the services. Returns an ``Operation``, which every resource type passes from step to step.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cfn_injector.aws import stacks
from cfn_injector.aws.coerce import template_tags
from cfn_injector.aws.s3_objects import account_secret, staging_bucket
from cfn_injector.aws.waiting import Deadline, deadline_of, wait_out_throttling
from cfn_injector.env_properties import is_set
from cfn_injector.errors import (
    AlreadyAnsweredError,
    ArtifactError,
    EnvFileError,
    InjectorError,
    PropertiesError,
    PropertyError,
    StorageError,
    code_of,
)
from cfn_injector.protocol.messages import CLEANING_SECONDS, Request, Services, Stack
from cfn_injector.protocol.ownership import Verdict, verdict

UNDO_SECONDS = CLEANING_SECONDS * 2 / 3
"""What undoing may take after the deadline: less than is reserved, so that the watchdog does not answer first."""


def stated_tags(properties: Mapping[str, Any]) -> dict[str, str]:
    """The tags of the template; none if they are malformed, which a spec reports."""
    try:
        return template_tags(properties)
    except PropertyError:
        return {}


def keyed_hash(secret: bytes, inputs: Any) -> str:
    """A hexadecimal hash of JSON values, keyed with the secret."""
    return hmac.new(secret, json.dumps(inputs).encode(), sha256).hexdigest()


@dataclass(frozen=True)
class Operation:
    """One request; ``stack`` is what CloudFormation said about its stack when the operation began."""

    request: Request
    services: Services
    stack: Stack
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    _secrets: list[bytes] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def begin(cls, request: Request, services: Services) -> Operation:
        """Uses what is known about the stack since the event was verified, or asks CloudFormation."""
        operation = cls(request, services, request.stack or Stack({}))
        return (
            operation
            if request.stack
            else replace(operation, stack=stacks.describe(operation.client("cloudformation"), request.stack_id))
        )

    def client(self, service: str) -> Any:
        """The operation's boto3 client of a service. Its calls wait out throttling until the deadline."""
        if service not in self._clients:
            self._clients[service] = wait_out_throttling(self.services.client(service), self.deadline)
        return self._clients[service]

    @property
    def deadline(self) -> Deadline:
        return deadline_of(self.request, self.services)

    def for_undoing(self) -> Operation:
        """The same, with the time that is reserved for undoing what failed."""
        return self._until(self.request.deadline + UNDO_SECONDS)

    def within(self, seconds: float) -> Operation:
        """The same, with this much time at most: for what is not worth all of it."""
        return self._until(self.deadline.within(seconds).at)

    def without_waiting(self) -> Operation:
        """The same, with no time left: a call that AWS throttles ends at once."""
        return self._until(0.0)

    def _until(self, deadline: float) -> Operation:
        return replace(self, request=replace(self.request, deadline=deadline), _clients={})

    def newly_set(self, flag: str) -> bool:
        """Whether the template sets the flag and did not set it before. A rollback sets nothing for the first time."""
        old, new = (is_set(each, flag) for each in (self.request.old_properties, self.request.properties))
        return new and not old and not self.stack.rolling_back

    def log(self, step: str, **fields: Any) -> None:
        self.services.log(step, **fields)

    def keyed_hash(self, inputs: Any) -> str:
        """A hexadecimal hash of JSON values, with a key that only the provider's account has.

        So nobody else can test a guess of a secret with it. The key is read once for an event.
        """
        if not self._secrets:
            self._secrets.append(account_secret(self.client("s3"), staging_bucket(self.services.environ)))
        return keyed_hash(self._secrets[0], inputs)

    def verdict(self, tags: Mapping[str, str]) -> Verdict:
        """What a resource with these tags is to the request."""
        return verdict(tags, self.request, self.stack)

    def tags(self, own: Mapping[str, str]) -> dict[str, str]:
        """The tags of the stack, of the template, and ``own``."""
        return {**self.stack.tags, **stated_tags(self.request.properties), **own}

    def has_given_up(self) -> bool:
        """Whether CloudFormation no longer waits for the answer to this request."""
        cloudformation = self.client("cloudformation")
        return stacks.has_given_up(cloudformation, self.request.stack_id, self.request.logical_id, self.stack)

    @contextmanager
    def restoring(self) -> Iterator[None]:
        """Around making a package: in a rollback, an error about its sources also says how to skip the resource."""
        try:
            yield
        except (ArtifactError, EnvFileError, PropertiesError, PropertyError, StorageError) as error:
            if not self.stack.rolling_back:
                raise
            raise StorageError(
                f"{error}. The rollback needs this, because the code of the previous deployment is not in the "
                "staging bucket. Make it available again, or go on without this resource: "
                f"aws cloudformation continue-update-rollback --stack-name {self.request.stack_name} "
                f"--resources-to-skip {self.request.logical_id}",
                code="CI409",
            ) from error

    @contextmanager
    def best_effort(self, **fields: Any) -> Iterator[None]:
        """Logs an error instead of raising it: for cleaning up, which a later request repeats.

        AlreadyAnsweredError is raised: nothing may be done after the answer.
        """
        try:
            yield
        except AlreadyAnsweredError:
            raise
        except (InjectorError, ClientError, BotoCoreError) as error:
            self.log("left-behind", error=code_of(error) or type(error).__name__, **fields)
