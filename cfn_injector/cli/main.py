"""The command ``cfn-injector``.

Takes arguments. Prints a result to standard output, or one line to standard error, and returns an exit status.

A subcommand is a module with ``HELP``, ``configure(parser)`` and ``run(arguments)``, which returns the result.
Exit status: 0 success, 1 an error that the message explains, 2 invalid arguments, 130 interrupted.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn, Protocol

from cfn_injector import __version__
from cfn_injector.cli import build_provider, bundle, doctor, inject, inspect
from cfn_injector.errors import InjectorError


class Command(Protocol):
    """What a subcommand's module has to define."""

    @property
    def HELP(self) -> str: ...

    def configure(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, arguments: argparse.Namespace) -> str: ...


COMMANDS: Mapping[str, Command] = {
    "build-provider": build_provider,
    "bundle": bundle,
    "doctor": doctor,
    "inject": inject,
    "inspect": inspect,
}


class _Parser(argparse.ArgumentParser):
    """Reports invalid arguments without anything that may be the value of a variable."""

    def error(self, message: str) -> NoReturn:
        safe, unknown, words = message.partition("unrecognized arguments: ")
        if unknown:
            safe = unknown + " ".join(word if re.fullmatch(r"--?[a-z-]+", word) else "..." for word in words.split())
        super().error(safe.partition("=")[0])


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="cfn-injector", description=sys.modules["cfn_injector"].__doc__)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        command.configure(subparsers.add_parser(name, help=command.HELP, description=command.HELP))
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status. If arguments are invalid, argparse exits with status 2."""
    arguments = _parser().parse_args(argv)
    try:
        print(COMMANDS[arguments.command].run(arguments))
    except InjectorError as error:
        print(f"cfn-injector: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("cfn-injector: interrupted", file=sys.stderr)
        return 130
    return 0
