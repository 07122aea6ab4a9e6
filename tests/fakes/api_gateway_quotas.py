"""API Gateway's quotas for calls that create, deploy and manage APIs, as token buckets of ``Quotas``.

Takes a clock. Returns the ``Quotas`` of an account, for ``wire.hook``. They cannot be increased.
https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html

The page does not say whether a call that its own quota refuses counts in the total. Here it does, which is harder for
the provider.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.fakes.api_gateway import throttled
from tests.fakes.aws_lambda import SESSION, Fault
from tests.fakes.quotas import Bucket, Quotas

TOTAL = "total"
"""The bucket that all calls of an account share."""
RATES = {
    TOTAL: (10.0, 40.0),
    "CreateDeployment": (1 / 5, 1.0),
    "CreateResource": (5.0, 5.0),
    "DeleteResource": (5.0, 5.0),
    "GetResources": (5 / 2, 5.0),
}
"""Calls per second, and calls at once. The page gives the latter for the total alone."""

_OPERATIONS = frozenset(SESSION.client("apigateway").meta.service_model.operation_names)


def _buckets(operation: str) -> Sequence[str]:
    """Other services are not limited."""
    if operation not in _OPERATIONS:
        return ()
    return (TOTAL, operation) if operation in RATES else (TOTAL,)


def _fault(operation: str) -> Fault:
    return throttled()


def api_gateway_quotas(clock: Any) -> Quotas:
    """Full buckets."""
    return Quotas(clock, {name: Bucket(*rate) for name, rate in RATES.items()}, _buckets, _fault)
