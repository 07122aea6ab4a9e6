"""Delivers an answer to CloudFormation: PUTs a body to the event's ``ResponseURL``.

Takes the URL, the bytes, and the hosts that are allowed besides AWS's own. Returns nothing, and raises DeliveryError if
every attempt failed. The URL is signed, so no error or log line contains it: anybody who reads it can answer for the
provider.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html#crpg-ref-responses
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Collection
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ssl import SSLCertVerificationError, SSLContext
from urllib.parse import SplitResult, urlsplit

from cfn_injector.errors import DeliveryError

ATTEMPTS = 6
TIMEOUT = 4.0
"""Seconds that an attempt waits for the connection, and then for the response."""

_SUFFIXES = {
    "cn": "amazonaws.com.cn",
    "us-iso": "c2s.ic.gov",
    "us-isob": "sc2s.sgov.gov",
    "us-isof": "csp.hci.ic.gov",
    "eu-isoe": "cloud.adc-e.uk",
    "eusc": "amazonaws.eu",
}
"""The DNS suffix of each partition other than aws and aws-us-gov, by the beginning of its Regions' names.

A test compares it with all of botocore's partitions and Regions. botocore itself, which aws.partitions asks, cannot be
used here: see protocol.messages.
"""


def aws_hosts(region: str) -> frozenset[str]:
    """The hosts of the bucket in which CloudFormation of this Region takes answers; no other bucket has its name.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/vpc-interface-endpoints.html
    """
    if not re.fullmatch(r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]+", region):
        return frozenset()
    partition = next((begin for begin in _SUFFIXES if region.startswith(f"{begin}-")), "")
    suffix = _SUFFIXES.get(partition, "amazonaws.com")
    bucket = f"cloudformation-custom-resource-response-{region.replace('-', '')}"
    endpoints = ("s3", f"s3.{region}", f"s3-{region}", f"s3.dualstack.{region}")
    return frozenset(f"{bucket}.{endpoint}.{suffix}" for endpoint in endpoints)


def _connection(url: SplitResult, hosts: Collection[str], region: str, tls: SSLContext | None) -> HTTPConnection:
    """A connection to an allowed host, not opened yet. Raises DeliveryError for any other host."""
    if url.scheme == "http" and url.netloc in hosts:
        return HTTPConnection(url.netloc, timeout=TIMEOUT)
    if url.scheme == "https" and (url.netloc in hosts or url.netloc in aws_hosts(region)):
        return HTTPSConnection(url.netloc, timeout=TIMEOUT, context=tls)
    raise DeliveryError(
        "ResponseURL is not an https URL of CloudFormation's own bucket in this Region; to answer an emulator, add its "
        "host:port to CFN_INJECTOR_RESPONSE_HOSTS",
        code="CI114",
    )


def _put(url: SplitResult, body: bytes, hosts: Collection[str], region: str, tls: SSLContext | None) -> str:
    """Makes one attempt. Returns what went wrong, or an empty string."""
    connection = _connection(url, hosts, region, tls)
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
    region: str = "",
    tls: SSLContext | None = None,
    sleep: Callable[[float], None] = time.sleep,
    jitter: Callable[[], float] = random.random,
) -> None:
    """PUTs the body, with at most six attempts and pauses of 0.5, 1, 2, 4 and 8 seconds. Does not follow redirects.

    Up to half of each pause is cut at random, so that many answers which failed at once do not return at once.

    ``region`` is the provider's own, whose CloudFormation may be answered. ``hosts`` lists each ``host:port`` that is
    allowed besides, over http too. ``tls`` verifies the host's certificate. Without it, or if it does not trust the
    certificate, Python's default context verifies it with the system's roots. Raises DeliveryError.
    """
    target = urlsplit(url)
    for attempt in range(ATTEMPTS):
        if attempt:
            sleep(2.0 ** (attempt - 2) * (1 + jitter()) / 2)
        problem = _put(target, body, hosts, region, tls)
        if not problem:
            return
        if problem == SSLCertVerificationError.__name__:
            tls = None
    problem = f"CloudFormation did not accept the answer in {ATTEMPTS} attempts; last error: {problem}"
    raise DeliveryError(problem, code="CI115")
