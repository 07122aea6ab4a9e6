"""``ls``: the functions of all stacks with the provider, in an account and Region.

    tags -> functions -> a table or JSON

Names of variables are shown on request, and never values. What reads the functions needs botocore, and is imported when
the command runs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cfn_injector.cli import advice, aws_options
from cfn_injector.cli.display import S3, some, split, visible
from cfn_injector.cli.usage import UsageError
from cfn_injector.env_properties import DEFAULT_ENV_FILE

if TYPE_CHECKING:
    from cfn_injector.cli.tagged_functions import Listed

HELP = "list the functions of an account and Region that a provider deployed"

_HEADER = ("FUNCTION", "STACK", "LOGICAL ID", "ARTIFACT", "VERSION", "LOADER", "LAST MODIFIED")


def _cells(each: Listed) -> list[str]:
    stack = f"{each.stack} (gone)" if each.stack_is_gone else each.stack
    cells = [each.function, stack, each.logical_id, each.artifact, each.version, each.loader, each.last_modified]
    return [visible(cell) or "-" for cell in cells]


def _names(each: Listed) -> str:
    if each.env is None:
        return "?"
    return ",".join(map(advice.shown_name, each.env)) or "-"


def _table(found: Sequence[Listed], *, env: bool) -> Iterator[str]:
    """Lines of columns of equal width; the last column has no padding."""
    rows = [[*_HEADER, *(["ENV"] if env else [])]]
    rows += [[*_cells(each), *([_names(each)] if env else [])] for each in found]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _facts(each: Listed) -> dict[str, Any]:
    return {
        "function": each.function,
        "stack": each.stack,
        "stack_id": each.stack_id,
        "stack_status": each.stack_status,
        "logical_id": each.logical_id,
        "artifact": each.artifact or None,
        "version": each.version,
        "loader": each.loader,
        "last_modified": each.last_modified,
        "env": None if each.env is None else list(map(advice.shown_name, each.env)),
    }


def _location(stated: str) -> str:
    """Bucket and key of ``s3://BUCKET/KEY`` or ``BUCKET/KEY``."""
    scheme, rest = split(stated)
    bucket, slash, key = rest.partition("/")
    if scheme not in ("", *S3) or not (bucket and slash and key):
        raise UsageError(f"--artifact-older-than {visible(stated)} is not an object; give BUCKET/KEY", code="CI711")
    return rest


def _note(text: str) -> None:
    print(f"cfn-injector: note: {text}", file=sys.stderr)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--env", action="store_true", help="also list the names in the file of variables")
    parser.add_argument(
        "--path", default=DEFAULT_ENV_FILE, metavar="PATH", help="that file in the archive (default: %(default)s)"
    )
    parser.add_argument(
        "--artifact-older-than",
        metavar="BUCKET/KEY",
        help="only functions whose artifact was uploaded before this one, or no longer exists",
    )
    aws_options.add_format(parser)
    aws_options.add_aws(parser)


def run(arguments: argparse.Namespace) -> str:
    from cfn_injector.cli.tagged_functions import functions, older_than

    oldest = arguments.artifact_older_than
    location = None if oldest is None else _location(oldest)
    clients = aws_options.clients(arguments, attempts=aws_options.PATIENT)
    found = functions(clients, arguments.path if arguments.env else None)
    if location is not None:
        unknown = [each.function for each in found if not each.artifact]
        found = older_than(location, found, clients)
        if unknown:
            _note(f"{some(unknown)} name no artifact")
    for each in found:
        if each.problem:
            _note(each.problem)
    if arguments.output == aws_options.JSON:
        return json.dumps(list(map(_facts, found)))
    return "\n".join(_table(found, env=arguments.env)) if found else "no functions"
