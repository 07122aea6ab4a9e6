"""``transform``: moves variables of a template's functions into their artifacts.

    text -> data -> edits -> text, in which every byte beside the edits stays

The options and their meaning are here for other commands that change templates too.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from cfn_injector.archive import Insert
from cfn_injector.cli.destinations import LocalDestination
from cfn_injector.cli.template_text import parsed, spliced
from cfn_injector.errors import InjectorError
from cfn_injector.injection import EMPTY
from cfn_injector.transform import Options, transform

HELP = "move variables of a template's functions into their artifacts"


def add_options(parser: argparse.ArgumentParser) -> None:
    """What the command takes beside the template and the place of the result."""
    parser.add_argument(
        "--move-environment",
        nargs="*",
        metavar="LOGICAL_ID",
        help="move the variables of Environment of these functions, or of all",
    )
    parser.add_argument(
        "--service-token",
        metavar="ARN",
        help="the provider's ServiceToken (default: what the stack cfn-injector exports)",
    )
    parser.add_argument(
        "--name", metavar="NAME", default="cfn-injector", help="the Name of the provider (default: %(default)s)"
    )


def options(arguments: argparse.Namespace) -> Options:
    """The options of the transform. Notes go to standard error."""
    named = arguments.move_environment
    return Options(
        move=named if named else named is not None,
        service_token=arguments.service_token or {"Fn::ImportValue": f"{arguments.name}-ServiceToken"},
        note=lambda text: print(f"cfn-injector: {text}", file=sys.stderr),
    )


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("template", type=Path, metavar="TEMPLATE", help="a template in YAML or JSON")
    add_options(parser)
    parser.add_argument(
        "--output-template-file",
        type=Path,
        metavar="FILE",
        help="the file to write, which may be TEMPLATE (default: standard output)",
    )


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InjectorError(f"{path} cannot be read: {reason}; name a template") from error


def run(arguments: argparse.Namespace) -> str:
    document = parsed(_read(arguments.template), str(arguments.template))
    edits = transform(document.data, options(arguments))
    text = spliced(document, edits)
    if arguments.output_template_file is None:
        sys.stdout.write(text)
        return ""
    LocalDestination(os.fspath(arguments.output_template_file)).assemble(EMPTY, [Insert(text.encode())])
    return f"{arguments.output_template_file}  {len(edits)} edits"
