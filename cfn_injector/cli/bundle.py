"""``bundle``: builds the zip of a function from its source folder.

This module defines the arguments and prints the result; ``function_zip`` builds the zip.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace

from cfn_injector.cli.advice import DIRECT_UPLOAD
from cfn_injector.cli.aws_options import add_aws, clients
from cfn_injector.cli.bundle_options import add_bundling, bundling_options
from cfn_injector.cli.bundling.function_zip import Bundle, bundle, megabytes
from cfn_injector.cli.bundling.lambda_platform import ARCHITECTURES, NODE, PYTHON, Target
from cfn_injector.cli.progress import progress
from cfn_injector.cli.tools import ToolError
from cfn_injector.cli.usage import checking_arguments

HELP = "build the zip of a function, with dependencies for Lambda's platform"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SRC", help="the folder with the function's source")
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="the zip to write: a path or URL")
    parser.add_argument(
        "--runtime",
        metavar="ID",
        help=f"the function's runtime (default: {PYTHON}, or {NODE} if SRC has a package.json)",
    )
    parser.add_argument(
        "--architecture", choices=ARCHITECTURES, default="x86_64", help="of the function (default: %(default)s)"
    )
    add_bundling(parser)
    parser.add_argument(
        "--reader", action="store_true", help="add the reader of .env although no import of it is found in SRC"
    )
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    add_aws(parser)


def _as_json(made: Bundle) -> str:
    return json.dumps(
        {
            "output": made.output,
            "size": made.size,
            "entries": made.entries,
            "unpacked": made.unpacked,
            "sha256": made.sha256,
            "code_sha256": made.code_sha256,
            "runtime": made.runtime,
            "architecture": made.architecture,
            "largest": [{"name": name, "size": size} for size, name in made.largest],
            "env_files": made.env_files,
            "warnings": made.warnings,
            "notes": made.notes,
        }
    )


def _as_text(made: Bundle) -> Iterator[str]:
    yield f"{made.output}  {megabytes(made.size)}  {made.entries} entries  {megabytes(made.unpacked)} unpacked"
    yield from (f"  {megabytes(size):>9}  {name}" for size, name in made.largest)
    for name, variables in made.env_files.items():
        yield f"{name}  default values for every stage: {', '.join(variables) or 'none'}"
    yield f"for {f'{made.runtime} on ' if made.runtime else ''}{made.architecture}  CodeSha256 {made.code_sha256}"


def run(arguments: argparse.Namespace) -> str:
    if arguments.runtime is not None:
        with checking_arguments():
            Target.of(arguments.runtime, arguments.architecture)
    options = bundling_options(arguments)._replace(
        runtime=arguments.runtime, architecture=arguments.architecture, reader=arguments.reader
    )
    try:
        with progress() as bar:
            made = bundle(arguments.source, arguments.output, options, bar, clients(arguments))
    except ToolError as error:
        print(error.output, file=sys.stderr)
        raise
    if made.size > DIRECT_UPLOAD:
        note = f"an archive over {megabytes(DIRECT_UPLOAD)} has to be uploaded to S3 first"
        made = replace(made, notes=[*made.notes, note])
    for kind, sentences in (("warning", made.warnings), ("note", made.notes)):
        for sentence in sentences:
            print(f"cfn-injector: {kind}: {sentence}", file=sys.stderr)
    return _as_json(made) if arguments.json else "\n".join(_as_text(made))
