"""``explain``: print the cause and the remedy of an error.

Takes the code at the end of a message, such as ``CI201``. Returns its entry in the catalogue of errors.
"""

from __future__ import annotations

import argparse
import json
import re

from cfn_injector.cli.aws_options import JSON, add_format
from cfn_injector.cli.catalogue import ENTRIES
from cfn_injector.cli.display import visible
from cfn_injector.cli.usage import UsageError

PAGES = "https://github.com/cfn-injector/cfn-injector/blob/main/docs/"
"""Where the pages are that entries link to by relative addresses."""
_LINK = re.compile(r"\[([^]]+)\]\(([^)]+)\)")
HELP = "print the cause and the remedy of an error, by the code at the end of its message"


def _without_links(text: str) -> str:
    """The text with the address behind each text of a link."""
    return _LINK.sub(lambda link: f"{link[1]} ({link[2] if ':' in link[2] else PAGES + link[2]})", text)


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
    return _without_links(f"{code}: {entry.title}\n\nCause: {entry.cause}\n\nRemedy: {entry.remedy}")
