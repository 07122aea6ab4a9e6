"""What a strategy is asked to do, and the client that it does it with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fakes.s3_stub import Stub

ENV = {
    "TABLE": "orders-prod",
    "QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/111122223333/orders-prod",
    "API_KEY": "k3y with spaces, a # and 'quotes'",
    "LOG_LEVEL": "info",
    "SENTRY_DSN": "https://0123456789abcdef@sentry.example.com/42",
    "FEATURES": '{"checkout": true}',
}

Run = Callable[[], None]
"""What is measured."""


@dataclass(frozen=True)
class Job:
    """What to rewrite, and how.

    ``plan`` is the path of the file that ``write_plan`` wrote; only ``limit`` uses it. ``roots`` is the path of the
    certificates to trust, for HTTPS.
    """

    strategy: str
    url: str
    bucket: str
    source: str
    target: str
    plan: str = ""
    roots: str = ""

    def get(self, client: Any, span: tuple[int, int] | None = None) -> Any:
        """The bytes of the source, or a range of them, as a stream."""
        ranged = {"Range": f"bytes={span[0]}-{span[1] - 1}"} if span else {}
        return client.get_object(Bucket=self.bucket, Key=self.source, **ranged)["Body"]

    def put(self, client: Any, body: Any) -> None:
        client.put_object(Bucket=self.bucket, Key=self.target, Body=body)


def s3_client(url: str, roots: str = "") -> Any:
    """A client with the provider's settings."""
    return Stub(url, roots).client(
        retries={"mode": "standard", "total_max_attempts": 6},
        max_pool_connections=16,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
