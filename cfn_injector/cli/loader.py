"""The options of ``inject`` that add a loader, as the property ``EnvLoader`` does.

Takes the arguments and the variables. Returns the loader that the provider would add, or None. Errors: UsageError,
which names the option, and InjectorError for the provider's zip. ``env_loader`` is imported only if there is a loader.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING
from zipfile import BadZipFile
from zipfile import Path as ZipPath

from cfn_injector.cli.display import explained, visible
from cfn_injector.cli.usage import UsageError
from cfn_injector.errors import InjectorError

if TYPE_CHECKING:
    from cfn_injector.env_loader import Loader

_OPTIONS = {"EnvLoader": "--loader", "Runtime": "--runtime", "Handler": "--handler", "EnvFile": "--path"}
"""The option for each property."""
_IN_PROVIDER = "cfn_injector/env_loader/"


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument(
        "--loader",
        choices=("handler", "exec"),
        help="add what fills the environment of code that does not read the file",
    )
    parser.add_argument("--runtime", metavar="ID", help="for --loader: the function's Runtime, such as python3.13")
    parser.add_argument("--handler", metavar="NAME", help="for --loader: the function's own Handler, such as app.main")
    parser.add_argument(
        "--allow-loader-variables",
        action="store_true",
        help="for --loader: set PATH, PYTHONPATH, NODE_OPTIONS and similar names, too",
    )
    parser.add_argument(
        "--provider",
        metavar="ZIP",
        help="for --loader: the provider's zip, whose loader and bytecode to add (default: this version's loader)",
    )


def _properties(arguments: argparse.Namespace, env: Mapping[str, str]) -> dict[str, object]:
    stated = {"EnvLoader": arguments.loader, "Runtime": arguments.runtime, "Handler": arguments.handler}
    given = {name: value for name, value in stated.items() if value}
    return {**given, "AllowLoaderVariables": arguments.allow_loader_variables, "Env": env, "EnvFile": arguments.path}


def _sources(path: str) -> ZipPath:
    problem, remedy = f"{visible(path)} is not the provider's zip", "build it with build-provider"
    with explained(problem, remedy, (OSError, BadZipFile), code="CI755"):
        found = ZipPath(path, _IN_PROVIDER)
        if not found.exists():
            raise InjectorError(f"{problem}; {remedy}", code="CI755")
        return found


def chosen(arguments: argparse.Namespace, env: Mapping[str, str]) -> Loader | None:
    """The loader that the options request."""
    if arguments.loader is None:
        for name in ("runtime", "handler", "provider", "allow_loader_variables"):
            if getattr(arguments, name):
                raise UsageError(
                    f"--{name.replace('_', '-')} is for --loader; add --loader handler or exec", code="CI703"
                )
        return None
    from cfn_injector import env_loader

    properties = _properties(arguments, env)
    for name in env_loader.REQUIRED[arguments.loader]:
        if name not in properties:
            raise UsageError(
                f"--loader {arguments.loader} needs {_OPTIONS[name]}; give the function's own {name}", code="CI704"
            )
    for problem in env_loader.problems(properties):
        where = _OPTIONS.get(problem.name, problem.name.removeprefix("Env."))
        raise UsageError(f"{where} {problem.problem}; {problem.remedy}", code=problem.code)
    return env_loader.desired(properties, *([_sources(arguments.provider)] if arguments.provider else []))
