"""One request to a function, with all that its steps need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from cfn_injector.aws import stacks
from cfn_injector.aws.waiting import Patience, patience
from cfn_injector.protocol.messages import Request, Services


@dataclass(frozen=True)
class Job:
    """``stack`` is what CloudFormation says of the request's stack."""

    request: Request
    services: Services
    stack: stacks.Stack

    @cached_property
    def client(self) -> Any:
        return self.services.client("lambda")

    @property
    def wanted(self) -> Mapping[str, Any]:
        return self.request.properties

    @property
    def model(self) -> Any:
        """botocore's model of the Lambda API."""
        return self.client.meta.service_model

    @property
    def patience(self) -> Patience:
        return patience(self.request, self.services)

    def patience_until(self, deadline: float) -> Patience:
        return replace(self.patience, deadline=deadline)

    def log(self, step: str, **fields: Any) -> None:
        self.services.log(step, **fields)
