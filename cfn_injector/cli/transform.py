"""``transform``: moves variables of a template's functions into their artifacts.

text -> data -> edits -> text, in which every byte beside the edits stays
"""

from __future__ import annotations

import argparse

from cfn_injector.archive import Insert
from cfn_injector.cli.destinations import LocalDestination
from cfn_injector.cli.package import read_template
from cfn_injector.cli.result import Result
from cfn_injector.cli.standard_output import written
from cfn_injector.cli.template_text import spliced
from cfn_injector.cli.transform_options import add_transform, transform_options
from cfn_injector.injection import EMPTY
from cfn_injector.transform import transform

HELP = "move variables of a template's functions into their artifacts"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("template", metavar="TEMPLATE", help="a template in YAML or JSON")
    parser.add_argument(
        "--output-template-file",
        metavar="FILE",
        help="the file to write, which may be TEMPLATE (default: standard output)",
    )
    add_transform(parser)


def run(arguments: argparse.Namespace) -> str | Result:
    document = read_template(arguments.template)
    edits = transform(document.data, transform_options(arguments))
    text, output = spliced(document, edits), arguments.output_template_file
    if output is None:
        return Result("", written(text.encode()))
    LocalDestination(output).assemble(EMPTY, [Insert(text.encode())])
    return f"{output}  {len(edits)} edits"
