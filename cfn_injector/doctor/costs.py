"""Estimates what the checks of beliefs cost: takes beliefs, returns dollars and the assumptions.

Prices are list prices of us-east-1, without the free tier. CloudFormation, IAM, SQS in these amounts, and the APIs that
create functions and REST APIs, cost nothing; neither do resources whose types begin with AWS:: or Custom::.
https://aws.amazon.com/lambda/pricing/ https://aws.amazon.com/s3/pricing/ https://aws.amazon.com/secrets-manager/pricing/
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cfn_injector.doctor.beliefs import Belief

WRITES, READS = "S3 writes and lists", "S3 reads"
GB_SECONDS, INVOCATIONS = "Lambda GB-seconds", "Lambda invocations"
SNAPSHOT = "GB-seconds of a SnapStart snapshot"
SECRET_HOURS = "hours of a secret"
TRANSFER = "GB between Regions"

PRICES: Mapping[str, float] = {
    WRITES: 0.005 / 1000,
    READS: 0.0004 / 1000,
    GB_SECONDS: 0.0000166667,
    INVOCATIONS: 0.20 / 1_000_000,
    SNAPSHOT: 0.0000015046,
    SECRET_HOURS: 0.40 / 720,
    TRANSFER: 0.02,
}
SHARED: Mapping[str, float] = {WRITES: 60, READS: 60, INVOCATIONS: 5, GB_SECONDS: 10}
"""What a run uses besides its checks: the shared stack, the provider, and the removal."""


class Estimate(NamedTuple):
    """``dollars`` is rounded up to cents. ``usage`` is what was assumed, by the names in ``PRICES``."""

    dollars: float
    usage: Mapping[str, float]

    @property
    def text(self) -> str:
        assumed = ", ".join(f"{amount:,.6g} {what}" for what, amount in self.usage.items())
        return (
            f"estimated cost: at most ${self.dollars:.2f} at list prices of us-east-1, for {assumed}; everything is "
            "deleted within an hour"
        )


def estimate(beliefs: Sequence[Belief]) -> Estimate:
    """What a run with these beliefs costs."""
    parts = [SHARED, *(belief.usage for belief in beliefs)]
    usage = {what: sum(part.get(what, 0) for part in parts) for what in PRICES}
    total = sum(PRICES[what] * amount for what, amount in usage.items())
    return Estimate(math.ceil(total * 100) / 100, {what: amount for what, amount in usage.items() if amount})
