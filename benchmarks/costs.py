"""What one event of a function costs in requests: counted, and at S3's list prices.

Prints the table in docs/costs.md. Each event goes through the real provider, beside fakes on a virtual clock, once with
an artifact of 1 MB and once with one of 60 MB. Another function is created before: the first event of a provider also
creates a secret in the staging bucket.

    python -m benchmarks.costs
"""

from __future__ import annotations

import io
import random
import zipfile
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace
from typing import NamedTuple
from unittest.mock import patch

import botocore.endpoint

from benchmarks.fleet import ATTEMPTS, STEPS, make_world, run_step
from benchmarks.report import table
from cfn_injector.doctor.costs import PRICES, READS, WRITES
from tests.fakes.quotas import DESCRIBES_PER_SECOND, SharedClock
from tests.fakes.s3_stub import running

SIZES = (1, 60)
"""In megabytes: an archive that is written by one request, and one that S3 copies in parts."""
WRITING = frozenset(
    {
        "CompleteMultipartUpload",
        "CreateMultipartUpload",
        "ListObjectsV2",
        "PutObject",
        "UploadPart",
        "UploadPartCopy",
    }
)
READING = frozenset({"GetObject"})
FREE = frozenset({"DeleteObject"})
"""S3's classes of requests, as far as the provider sends them for functions: https://aws.amazon.com/s3/pricing/"""


class Costs(NamedTuple):
    """The calls of one event, by operation; ``shared`` are those in Lambda's shared quota."""

    step: str
    artifact: str
    calls: Counter[str]
    shared: int

    def of(self, operations: frozenset[str]) -> int:
        return sum(self.calls[name] for name in operations)

    @property
    def described(self) -> int:
        return sum(count for name, count in self.calls.items() if name.startswith("DescribeStack"))

    @property
    def dollars(self) -> float:
        """The price of the requests to S3."""
        return self.of(WRITING) * PRICES[WRITES] + self.of(READING) * PRICES[READS]


def _archive(megabytes: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(".env", "TABLE=local\n")
        archive.writestr("data", bytes(megabytes * 1_000_000))
    return file.getvalue()


def count() -> Iterator[Costs]:
    """The costs of each step, for artifacts of both sizes."""
    for megabytes in SIZES:
        clock = SharedClock()
        random.seed(ATTEMPTS)  # botocore's jitter
        with running() as stub, patch.object(botocore.endpoint, "time", SimpleNamespace(sleep=clock.sleep)):
            world = make_world(stub, clock, _archive(megabytes))
            run_step(world, clock, "create", {"Before": ""}, DESCRIBES_PER_SECOND)
            names = {"Function": ""}
            for step in STEPS:
                result, names = run_step(world, clock, step, names, DESCRIBES_PER_SECOND)
                assert not result.failures, result.failures
                yield Costs(step, f"{megabytes} MB", result.calls, result.shared)


def described(costs: list[Costs]) -> str:
    """The table. Polling is left out: GetFunction has a quota of its own and costs nothing."""
    head = ["event", "artifact", "CloudFormation", "Lambda", "S3 writes", "S3 reads", "S3: USD for 1,000 events"]
    body = [
        [
            each.step,
            each.artifact,
            str(each.described),
            str(each.shared),
            str(each.of(WRITING)),
            str(each.of(READING)),
            f"{each.dollars * 1000:.3f}",
        ]
        for each in sorted(costs, key=lambda each: list(STEPS).index(each.step))
    ]
    return table(head, body)


if __name__ == "__main__":
    print(described(list(count())), end="")
