"""The command ``cfn-injector``.

Takes arguments. Prints a result to standard output, or one line to standard error, and returns an exit status.

A subcommand is a module with ``HELP``, ``configure(parser)`` and ``run(arguments)``, which returns the text to print,
or a ``Result``. With ``TAKES_WORDS = True``, ``arguments.words`` is what follows ``--``. It is imported only if the
arguments name it, because imports take most of the time of a short command.
Exit status: 0 success, 1 an error that the message explains, 2 invalid arguments, 130 interrupted, 141 if nobody
reads standard output any more.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import NoReturn, Protocol, cast

from cfn_injector import __version__
from cfn_injector.cli.result import Result
from cfn_injector.cli.standard_output import printed
from cfn_injector.cli.usage import UsageError
from cfn_injector.errors import InjectorError, with_code


class Command(Protocol):
    """What a subcommand's module has to define."""

    @property
    def HELP(self) -> str: ...

    def configure(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, arguments: argparse.Namespace) -> str | Result: ...


COMMANDS = {
    "build-provider": "cfn_injector.cli.build_provider",
    "bundle": "cfn_injector.cli.bundle",
    "completion": "cfn_injector.cli.completion",
    "diff": "cfn_injector.cli.diff",
    "doctor": "cfn_injector.cli.doctor",
    "drift": "cfn_injector.cli.drift",
    "env-version": "cfn_injector.cli.env_version",
    "explain": "cfn_injector.cli.explain",
    "inject": "cfn_injector.cli.inject",
    "inspect": "cfn_injector.cli.inspect",
    "install": "cfn_injector.cli.install",
    "lint": "cfn_injector.cli.lint",
    "local": "cfn_injector.local.tool",
    "ls": "cfn_injector.cli.ls",
    "package": "cfn_injector.cli.package",
    "run": "cfn_injector.cli.run",
    "transform": "cfn_injector.cli.transform",
}
"""The module of each subcommand."""


class _Parser(argparse.ArgumentParser):
    """Reports invalid arguments without anything that may be the value of a variable."""

    def error(self, message: str) -> NoReturn:
        safe, unknown, words = message.partition("unrecognized arguments: ")
        if unknown:
            safe = unknown + " ".join(word if re.fullmatch(r"--?[a-z-]+", word) else "..." for word in words.split())
        super().error(with_code(safe.partition("=")[0], "CI701"))


def command(name: str) -> Command:
    """The module of a subcommand."""
    return cast("Command", import_module(COMMANDS[name]))


def parser_of(names: Iterable[str]) -> argparse.ArgumentParser:
    """The parser of these subcommands."""
    parser = _Parser(prog="cfn-injector", description=sys.modules["cfn_injector"].__doc__)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in names:
        chosen = command(name)
        chosen.configure(subparsers.add_parser(name, help=chosen.HELP, description=chosen.HELP))
    return parser


def _separated(given: list[str]) -> list[str]:
    """Takes what follows the first ``--`` off the arguments, and returns it."""
    if "--" not in given:
        return []
    at = given.index("--")
    words = given[at + 1 :]
    del given[at:]
    return words


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status. If arguments are invalid, argparse exits with status 2."""
    given = list(sys.argv[1:] if argv is None else argv)
    # A subcommand comes first: the options before it print something and exit.
    named = COMMANDS.keys() & given[:1]
    words = _separated(given) if named and getattr(command(given[0]), "TAKES_WORDS", False) else []
    arguments = parser_of(named or COMMANDS).parse_args(given, argparse.Namespace(words=words))
    try:
        done = command(arguments.command).run(arguments)
        text, status = done if isinstance(done, Result) else (done, 0)
        return printed(text) or status
    except InjectorError as error:
        print(f"cfn-injector: {error.full_message}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        print("cfn-injector: interrupted", file=sys.stderr)
        return 130
