"""``completion``: print a script that completes this command in a shell.

Takes the name of a shell. Returns a script with all subcommands, options and values; a Tab starts no Python. shtab,
which the extra ``cli`` installs, writes the script from the parser.
"""

from __future__ import annotations

import argparse
from typing import Any

from cfn_injector.cli.tools import cli_extra

HELP = "print a script that completes this command in bash, zsh or fish"
SHELLS = ("bash", "zsh", "fish")

_FILES, _FOLDERS = ("IN", "OUT", "FILE", "ZIP", "TEMPLATE", "STAGE", "ADDRESS"), ("SRC",)
"""The names in the usage of arguments that are files or folders."""


def _with_files(parser: argparse.ArgumentParser, files: Any, folders: Any) -> None:
    """Says which arguments are files, in the form that shtab reads."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                _with_files(each, files, folders)
        elif action.metavar in (*_FILES, *_FOLDERS):
            action.complete = files if action.metavar in _FILES else folders  # type: ignore[attr-defined]  # shtab's own


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="the shell")


def run(arguments: argparse.Namespace) -> str:
    with cli_extra():
        import shtab

    from cfn_injector.cli.main import COMMANDS, parser_of

    parser = parser_of(COMMANDS)
    _with_files(parser, shtab.FILE, shtab.DIRECTORY)
    return str(shtab.complete(parser, shell=arguments.shell))
