"""The options of commands that transform a template: adds them to a parser, and returns what they mean."""

from __future__ import annotations

import argparse
import sys

from cfn_injector.transform import Options


def add_transform(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    group = parser.add_argument_group("variables of functions")
    group.add_argument(
        "--move-environment",
        nargs="*",
        metavar="LOGICAL_ID",
        help="move the variables of Environment of these functions, or of all, into their artifacts; it stands behind"
        " TEMPLATE",
    )
    group.add_argument(
        "--service-token",
        metavar="ARN",
        help="the provider's ServiceToken (default: what the provider's stack exports)",
    )
    group.add_argument(
        "--name", metavar="NAME", default="cfn-injector", help="the Name of the provider (default: %(default)s)"
    )


def transform_options(arguments: argparse.Namespace) -> Options:
    """What the options mean. Notes go to standard error."""
    named = arguments.move_environment
    return Options(
        move=named if named else named is not None,
        service_token=arguments.service_token or {"Fn::ImportValue": f"{arguments.name}-ServiceToken"},
        note=lambda text: print(f"cfn-injector: note: {text}", file=sys.stderr),
    )
