"""``explain``: print the cause and the remedy of an error.

Takes the code at the end of a message, such as ``CI201``. Returns its entry in the catalogue of errors.
"""

from __future__ import annotations

import argparse
import json

from cfn_injector.cli.aws_options import JSON, add_format
from cfn_injector.cli.catalogue import ENTRIES
from cfn_injector.cli.display import visible
from cfn_injector.cli.usage import UsageError

HELP = "print the cause and the remedy of an error, by the code at the end of its message"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("code", metavar="CODE", help="the code, such as CI201")
    add_format(parser)


def run(arguments: argparse.Namespace) -> str:
    code = arguments.code.strip("[]").upper()
    entry = ENTRIES.get(code)
    if entry is None:
        raise UsageError(f"{visible(arguments.code)} is not the code of an error; give one such as CI201", code="CI702")
    if arguments.output == JSON:
        return json.dumps({"code": code, **entry._asdict()})
    return f"{code}: {entry.title}\n\nCause: {entry.cause}\n\nRemedy: {entry.remedy}"
