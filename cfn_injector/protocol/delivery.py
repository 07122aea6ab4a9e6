"""Delivers an answer to CloudFormation: PUTs a body to the event's ``ResponseURL``.

Takes the URL, the bytes, and the hosts that are allowed besides AWS's own. Returns nothing, and raises DeliveryError if
every attempt failed. The URL is signed, so no error or log line contains it: anybody who reads it can answer for the
provider.

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
"""Seconds that an attempt waits for the connection, and then for the response."""

_AWS_HOST = re.compile(
    r"cloudformation-custom-resource-response-[a-z0-9-]+\.s3([.-][a-z0-9-]+)*"
    r"\.(amazonaws\.com(\.cn)?|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)"
)


def _connection(url: SplitResult, hosts: Collection[str]) -> HTTPConnection:
    """A connection to an allowed host, not opened yet. Raises DeliveryError for any other host."""
    if url.netloc in hosts and url.scheme in ("http", "https"):
        kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
        return kind(url.netloc, timeout=TIMEOUT)
    if url.scheme == "https" and _AWS_HOST.fullmatch(url.netloc):
        return HTTPSConnection(url.netloc, timeout=TIMEOUT)
    raise DeliveryError(
        "ResponseURL is not an https URL of CloudFormation's own host; to answer an emulator, add its host:port to "
        "CFN_INJECTOR_RESPONSE_HOSTS"
    )


def _put(url: SplitResult, body: bytes, hosts: Collection[str]) -> str:
    """Makes one attempt. Returns what went wrong, or an empty string."""
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
    """PUTs the body, with at most six attempts and pauses of 0.5, 1, 2, 4 and 8 seconds. Does not follow redirects.

    ``hosts`` lists each ``host:port`` that is allowed besides AWS's own, over http too. Raises DeliveryError.
    """
    target = urlsplit(url)
    for attempt in range(ATTEMPTS):
        if attempt:
            sleep(2.0 ** (attempt - 2))
        problem = _put(target, body, hosts)
        if not problem:
            return
    raise DeliveryError(f"CloudFormation did not accept the answer in {ATTEMPTS} attempts; last error: {problem}")
