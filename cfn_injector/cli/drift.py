"""``drift``: which functions of a stack were changed since their deployment.

    a stack -> a finding for each function -> text or JSON

Names of properties, variables and files are shown, and no values. Exit status: 0 as deployed, 1 changed.
What reads the stack needs botocore, and is imported when the command runs.
"""

from __future__ import annotations

import argparse

from cfn_injector.cli import addresses, aws_options
from cfn_injector.cli.result import Result
from cfn_injector.env_properties import DEFAULT_ENV_FILE

HELP = "find changes that were made to the functions of a stack since their deployment"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("stack", metavar="STACK", help="the name or ID of a stack, or stack://STACK/NESTED")
    parser.add_argument(
        "--name", default="cfn-injector", metavar="NAME", help="the name of the provider (default: %(default)s)"
    )
    parser.add_argument(
        "--path", default=DEFAULT_ENV_FILE, metavar="PATH", help="the file in the archive (default: %(default)s)"
    )
    aws_options.add_format(parser)
    aws_options.add_aws(parser)


def run(arguments: argparse.Namespace) -> Result:
    from cfn_injector.cli.drift_findings import DRIFTED
    from cfn_injector.cli.drift_reading import examine
    from cfn_injector.cli.drift_report import as_json, as_text

    stated = arguments.stack
    location = stated if addresses.is_address(stated) else f"{addresses.STACK}://{stated}"
    clients = aws_options.clients(arguments, attempts=aws_options.PATIENT)
    report = examine(location, arguments.name, arguments.path, clients)
    status = 1 if any(each.status in DRIFTED for each in report.findings) else 0
    text = as_json(report) if arguments.output == aws_options.JSON else "\n".join(as_text(report))
    return Result(text, status)
