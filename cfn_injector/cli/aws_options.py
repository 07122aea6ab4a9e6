"""The options that commands share with the AWS CLI.

Adds options to a parser; makes boto3 clients of what they say.

    --profile, --region, --endpoint-url    which account and which AWS: for each command that may call AWS
    --output json|text, --json             how to print: for each command without a file to write

A command whose ``--output`` names a file has ``--json`` alone. boto3 is imported with the first client.
https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-options.html
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import Any

from cfn_injector.errors import InjectorError

Clients = Callable[..., Any]
"""``client(service, **options)`` returns a boto3 client, the same one for the same arguments."""


def no_clients(service: str, **_: Any) -> Any:
    """The ``Clients`` of a caller that gives no location in S3."""
    raise InjectorError(f"{service} cannot be called here; give a path in place of a URL", code="CI740")


TEXT, JSON = "text", "json"

PATIENT = 10
"""The attempts of a command with many calls: Lambda accepts 15 per second in an account.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#api-requests
"""


def _url(text: str) -> str:
    from urllib.parse import urlsplit

    try:
        found = urlsplit(text)
        is_right = found.scheme in ("http", "https") and bool(found.hostname) and (found.port or 1) > 0
    except ValueError:
        is_right = False
    if not is_right:
        raise argparse.ArgumentTypeError("is not a URL of http or https, such as http://localhost:4566")
    return text


def add_aws(parser: argparse.ArgumentParser) -> None:
    """Adds the options that choose the account and the Region, or an emulator."""
    group = parser.add_argument_group("AWS")
    group.add_argument("--profile", metavar="NAME", help="the profile with credentials (default: AWS_PROFILE)")
    group.add_argument(
        "--region",
        metavar="REGION",
        help="the Region (default: AWS_REGION, AWS_DEFAULT_REGION, or that of the profile)",
    )
    group.add_argument(
        "--endpoint-url",
        type=_url,
        metavar="URL",
        help="an emulator in place of AWS (default: AWS_ENDPOINT_URL, or that of the profile)",
    )


def add_format(parser: argparse.ArgumentParser) -> None:
    """Adds the options that choose how the result is printed: ``arguments.output`` is ``json`` or ``text``."""
    parser.add_argument("--output", choices=(JSON, TEXT), default=TEXT, help="how to print (default: %(default)s)")
    parser.add_argument("--json", dest="output", action="store_const", const=JSON, help="the same as --output json")


def endpoint(arguments: argparse.Namespace) -> str:
    """The endpoint of an emulator; empty for AWS itself."""
    return str(arguments.endpoint_url or os.environ.get("AWS_ENDPOINT_URL") or "")


def response_hosts(arguments: argparse.Namespace) -> str:
    """The hosts of an emulator's response URLs, for ``ResponseHosts``. Empty for AWS, whose endpoints have https."""
    from urllib.parse import urlsplit

    url = urlsplit(endpoint(arguments))
    if url.scheme != "http":
        return ""
    port = f":{url.port}" if url.port else ""
    return ",".join(dict.fromkeys([url.netloc, f"localhost{port}", f"127.0.0.1{port}"]))


def clients(arguments: argparse.Namespace, *, attempts: int | None = None) -> Clients:
    """Makes clients as the AWS CLI does from options, environment and configuration files.

    ``attempts`` is how often each call is made at most; None leaves it to the configuration (AWS_MAX_ATTEMPTS).
    The first client may raise botocore's errors, such as that of a profile that does not exist: ``aws_errors`` explains
    them. Raises InjectorError for an endpoint in the environment or the profile that is not a URL.

    Several threads may make clients, although boto3's session is not thread-safe:
    https://docs.aws.amazon.com/boto3/latest/guide/session.html#multithreading-or-multiprocessing-with-sessions
    """
    from functools import cache
    from threading import Lock

    lock = Lock()

    @cache
    def session() -> Any:
        import boto3

        # boto3 reads AWS_DEFAULT_REGION alone; the AWS CLI prefers AWS_REGION.
        region = arguments.region or os.environ.get("AWS_REGION")
        return boto3.Session(profile_name=arguments.profile, region_name=region)

    @cache
    def made(service: str, **options: Any) -> Any:
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        # As the provider's own clients: parts that S3 copies have no checksum.
        config = Config(
            connect_timeout=10,
            read_timeout=120,
            retries={"mode": "standard", **({"total_max_attempts": attempts} if attempts else {})},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            # A bucket's virtual host is a name that an emulator does not have.
            s3={"addressing_style": "path" if endpoint(arguments) else "auto"},
        )
        try:
            return session().client(service, config=config, endpoint_url=arguments.endpoint_url, **options)
        except ValueError as error:
            if isinstance(error, BotoCoreError):
                raise
            if "endpoint" not in str(error):
                problem = "AWS_MAX_ATTEMPTS, or another AWS setting, does not have a valid value"
                raise InjectorError(f"{problem}; correct it", code="CI734") from error
            raise InjectorError(
                f"the endpoint of {service} is not a URL; correct AWS_ENDPOINT_URL", code="CI739"
            ) from error

    def client(service: str, **options: Any) -> Any:
        with lock:
            return made(service, **options)

    return client
