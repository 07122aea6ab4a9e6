"""Delivers an answer to CloudFormation: a body goes to the event's ``ResponseURL`` by PUT.

In: the URL, bytes, and the hosts that may be answered beside AWS's own. Out: nothing; DeliveryError where no attempt
was accepted. The URL is signed, so it is never part of an error or a log line: whoever reads it can answer in our
place.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

from cfn_injector.errors import DeliveryError

ATTEMPTS = 6
TIMEOUT = 4.0
"""Seconds that one attempt may take to connect, and again to answer."""

_AWS_HOST = re.compile(
    r"cloudformation-custom-resource-response-[a-z0-9-]+\.s3([.-][a-z0-9-]+)*"
    r"\.(amazonaws\.com(\.cn)?|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)"
)


def _connection(url: SplitResult, hosts: Collection[str]) -> HTTPConnection:
    """A connection to a host that may be answered; opens nothing yet."""
    if url.netloc in hosts and url.scheme in ("http", "https"):
        kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
        return kind(url.netloc, timeout=TIMEOUT)
    if url.scheme == "https" and _AWS_HOST.fullmatch(url.netloc):
        return HTTPSConnection(url.netloc, timeout=TIMEOUT)
    raise DeliveryError(
        "ResponseURL does not point to CloudFormation's own host over https; an emulator's host:port has to be named "
        "in CFN_INJECTOR_RESPONSE_HOSTS"
    )


def _put(url: SplitResult, body: bytes, hosts: Collection[str]) -> str:
    """One attempt; returns what went wrong, or an empty string."""
    connection = _connection(url, hosts)
    target = f"{url.path}?{url.query}" if url.query else url.path
    try:
        # The URL's signature covers an empty Content-Type.
        connection.request("PUT", target, body, {"Content-Type": ""})
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()
    return "" if 200 <= status < 300 else f"status {status}"


def send(
    url: str,
    body: bytes,
    *,
    hosts: Collection[str] = (),
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """PUTs the body, at most six times, with pauses of 0.5, 1, 2, 4 and 8 seconds. Redirects are not followed.

    ``hosts`` are ``host:port`` that may be answered beside AWS's own, over http too.
    """
    target = urlsplit(url)
    for attempt in range(ATTEMPTS):
        if attempt:
            sleep(2.0 ** (attempt - 2))
        problem = _put(target, body, hosts)
        if not problem:
            return
    raise DeliveryError(f"CloudFormation did not take the answer in {ATTEMPTS} attempts; the last ended with {problem}")
