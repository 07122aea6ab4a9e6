"""``run``: start a command with the variables of a stage.

    location -> its contents -> the environment of this process, with the variables over it -> exec

The command replaces this process: no shell reads it, signals reach it directly, and its exit status is that of this
command. The values exist nowhere but in its environment. Exit status if it cannot be started: 126 or 127, as for a
shell.

With ``--local-handler``, a handler of the artifact runs instead: see ``invoking.local_handler``.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from collections.abc import Collection, Mapping

from cfn_injector.cli import advice, aws_options
from cfn_injector.cli.contents import contents_at
from cfn_injector.cli.display import entry_path, some, visible
from cfn_injector.cli.result import Result
from cfn_injector.cli.signals import handling
from cfn_injector.cli.usage import UsageError
from cfn_injector.env_properties import DEFAULT_ENV_FILE, LOADER_VARIABLES, RESERVED_VARIABLES
from cfn_injector.errors import InjectorError, with_code

HELP = "run a command with the variables of a stage, or a handler of its artifact"

TAKES_WORDS = True
"""What follows ``--`` is a command of its own."""

NOT_EXECUTABLE, NOT_FOUND = 126, 127

_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
"""A program inherits what is ignored. Without SIGPIPE, ``yes | head`` fails.

https://docs.python.org/3/library/signal.html#note-on-sigpipe
"""


def environment(
    environ: Mapping[str, str], variables: Mapping[str, str], allow: Collection[str]
) -> tuple[dict[str, str], list[str]]:
    """``environ`` with ``variables`` over it, and the names that are left out: reserved ones, and loaders' ones.

    A name that makes a program load code is set only if ``allow`` contains it.
    """
    refused = RESERVED_VARIABLES | (LOADER_VARIABLES - set(allow))
    left_out = sorted(variables.keys() & refused)
    return {**environ, **{name: value for name, value in variables.items() if name not in refused}}, left_out


def _say(text: str) -> None:
    print(f"cfn-injector: {text}", file=sys.stderr)


def _refuse(problem: str) -> None:
    _say(with_code(problem, "CI753"))


def _checked(variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        if "\0" in value or not name or "=" in name:
            raise InjectorError(
                f"{advice.shown_name(name)} cannot be a variable of a process; correct the file", code="CI754"
            )


def _start(command: list[str], environ: Mapping[str, str]) -> Result:
    """Replaces this process. Returns only if the command cannot be started."""
    sys.stdout.flush()
    sys.stderr.flush()
    program = visible(command[0])
    try:
        with handling(dict.fromkeys(_IGNORED_BY_PYTHON, signal.SIG_DFL)):
            os.execvpe(command[0], command, environ)
    except FileNotFoundError:
        _refuse(f"{program} is not found; correct the command, or PATH")
        return Result("", NOT_FOUND)
    except OSError as error:
        if error.errno == errno.E2BIG:
            kilobytes = sum(len(name) + len(value) for name, value in environ.items()) // 1024
            _refuse(f"{program} cannot start: {kilobytes} KB of variables, or one of them, exceed the system's limit")
        else:
            _refuse(f"{program} cannot start: {error.strerror}; correct the command")
        return Result("", NOT_EXECUTABLE)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.usage = (
        "%(prog)s [options] ADDRESS -- COMMAND [ARGUMENT ...]\n       %(prog)s [options] ADDRESS --local-handler EVENT"
    )
    parser.add_argument(
        "address",
        metavar="ADDRESS",
        help="a function (lambda://NAME[:QUALIFIER] or stack://STACK/LOGICAL_ID), or an archive (a path or a URL)",
    )
    parser.add_argument(
        "--path", default=DEFAULT_ENV_FILE, metavar="PATH", help="the file in the archive (default: %(default)s)"
    )
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="NAME",
        help="also set this variable, although it makes programs load code, such as PATH or PYTHONPATH",
    )
    group = parser.add_argument_group("handler")
    group.add_argument(
        "--local-handler",
        metavar="EVENT",
        help="invoke the function's handler once, with a JSON file, JSON text, or - for standard input",
    )
    group.add_argument(
        "--handler", metavar="NAME", help="the function's handler (default: that of the function, or of the loader)"
    )
    group.add_argument(
        "--runtime", metavar="ID", help="its runtime, such as python3.13 (default: that of the function)"
    )
    aws_options.add_aws(parser)


def _check(arguments: argparse.Namespace) -> None:
    entry_path(arguments.path)
    if arguments.local_handler is None:
        if not any(arguments.words[:1]):
            raise UsageError(
                "the command is missing; give it after --, or give an event to --local-handler", code="CI704"
            )
        if arguments.handler or arguments.runtime:
            raise UsageError("--handler and --runtime are for --local-handler; leave them out", code="CI703")
    elif arguments.words:
        raise UsageError("--local-handler excludes a command; give one of the two", code="CI703")
    unknown = sorted(set(arguments.allow) - LOADER_VARIABLES)
    if unknown:
        raise UsageError(
            f"--allow {unknown[0]} is not needed; it is for {some(sorted(LOADER_VARIABLES), 20)}", code="CI703"
        )


def run(arguments: argparse.Namespace) -> Result:
    _check(arguments)
    if arguments.local_handler is not None:
        from cfn_injector.cli.invoking import local_handler

        return local_handler.run(arguments)
    found = contents_at(arguments.address, arguments.path, aws_options.clients(arguments))
    variables = {**found.environment, **found.env}
    _checked(variables)
    environ, left_out = environment(os.environ, variables, arguments.allow)
    if left_out:
        _say(f"note: {some(left_out, 20)} {'is' if len(left_out) == 1 else 'are'} not set; see --allow")
    return _start(arguments.words, environ)
