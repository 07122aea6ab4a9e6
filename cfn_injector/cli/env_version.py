"""``env-version``: a hash that changes when parameters or secrets change.

    paths and names -> their names and versions -> a hash, for the property Refresh

No value is read: DescribeParameters and DescribeSecret answer without values.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from cfn_injector.cli.aws_errors import calls_explained
from cfn_injector.cli.aws_options import JSON, add_aws, add_format, clients
from cfn_injector.cli.display import visible
from cfn_injector.errors import InjectorError

HELP = "print a hash that changes when parameters or secrets change"

_LENGTH = 16


def _parameters(client: Any, path: str) -> Iterator[list[str]]:
    """The versions of the parameters at a path and below it."""
    for key, option in (("Path", "Recursive"), ("Name", "Equals")):
        chosen = [{"Key": key, "Option": option, "Values": [path.rstrip("/")]}]
        for page in client.get_paginator("describe_parameters").paginate(ParameterFilters=chosen):
            for found in page["Parameters"]:
                changed = found["LastModifiedDate"].timestamp()  # botocore's text of it is in this machine's time zone
                yield [found["Name"], str(found["Version"]), str(changed)]


def _secret(client: Any, name: str) -> Iterator[list[str]]:
    """The current version of a secret."""
    found = client.describe_secret(SecretId=name)
    stages = found.get("VersionIdsToStages", {})
    yield from ([found["ARN"], version] for version, labels in stages.items() if "AWSCURRENT" in labels)


def versions(client: Any, names: list[str]) -> list[list[str]]:
    """The versions of all sources; ``client(service)`` returns a boto3 client. Raises InjectorError."""
    found: list[list[str]] = []
    for name in names:
        service, read = ("ssm", _parameters) if name.startswith("/") else ("secretsmanager", _secret)
        with calls_explained(f"{visible(name)} cannot be described", "check the name and your permissions"):
            there = list(read(client(service), name))
        if not there:
            raise InjectorError(f"{name} has no parameter and no current version; correct the name", code="CI749")
        found += there
    return sorted(found)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names", nargs="+", metavar="NAME", help="a path of parameters, which begins with /, or the name of a secret"
    )
    add_format(parser)
    add_aws(parser)


def run(arguments: argparse.Namespace) -> str:
    found = versions(clients(arguments), arguments.names)
    digest = sha256(json.dumps(found).encode()).hexdigest()[:_LENGTH]
    return json.dumps({"version": digest}) if arguments.output == JSON else digest
