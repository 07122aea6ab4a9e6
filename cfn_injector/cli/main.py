"""The command ``cfn-injector``.

Takes arguments. Prints a result to standard output, or one line to standard error, and returns an exit status.

A subcommand is a module with ``HELP``, ``configure(parser)`` and ``run(arguments)``, which returns the result. It is
imported only if the arguments name it, because imports take most of the time of a short command.
Exit status: 0 success, 1 an error that the message explains, 2 invalid arguments, 130 interrupted.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import NoReturn, Protocol, cast

from cfn_injector import __version__
from cfn_injector.cli.usage import UsageError
from cfn_injector.errors import InjectorError


class Command(Protocol):
    """What a subcommand's module has to define."""

    @property
    def HELP(self) -> str: ...

    def configure(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, arguments: argparse.Namespace) -> str: ...


COMMANDS = {
    "build-provider": "cfn_injector.cli.build_provider",
    "bundle": "cfn_injector.cli.bundle",
    "doctor": "cfn_injector.cli.doctor",
    "env-version": "cfn_injector.cli.env_version",
    "inject": "cfn_injector.cli.inject",
    "inspect": "cfn_injector.cli.inspect",
}
"""The module of each subcommand."""


class _Parser(argparse.ArgumentParser):
    """Reports invalid arguments without anything that may be the value of a variable."""

    def error(self, message: str) -> NoReturn:
        safe, unknown, words = message.partition("unrecognized arguments: ")
        if unknown:
            safe = unknown + " ".join(word if re.fullmatch(r"--?[a-z-]+", word) else "..." for word in words.split())
        super().error(safe.partition("=")[0])


def command(name: str) -> Command:
    """The module of a subcommand."""
    return cast("Command", import_module(COMMANDS[name]))


def _parser(names: Iterable[str]) -> argparse.ArgumentParser:
    parser = _Parser(prog="cfn-injector", description=sys.modules["cfn_injector"].__doc__)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in names:
        chosen = command(name)
        chosen.configure(subparsers.add_parser(name, help=chosen.HELP, description=chosen.HELP))
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status. If arguments are invalid, argparse exits with status 2."""
    given = sys.argv[1:] if argv is None else argv
    # A subcommand comes first: the options before it print something and exit.
    arguments = _parser(COMMANDS.keys() & given[:1] or COMMANDS).parse_args(given)
    try:
        print(command(arguments.command).run(arguments))
    except InjectorError as error:
        print(f"cfn-injector: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        print("cfn-injector: interrupted", file=sys.stderr)
        return 130
    return 0
