"""The options of commands that make a function's zip: which files it holds, and what installs its dependencies."""

from __future__ import annotations

import argparse

from cfn_injector.cli.bundling.function_zip import Options
from cfn_injector.cli.bundling.python_installers import INSTALLERS


def add_bundling(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say how sources are bundled, whatever they are bundled for."""
    parser.add_argument(
        "--exclude", action="append", default=[], metavar="GLOB", help="leave out files or folders; may be repeated"
    )
    parser.add_argument(
        "--include",
        action="append",
        default=[],
        metavar="GLOB",
        help="bundle files that may hold secrets, or that Git ignores; may be repeated",
    )
    parser.add_argument("--gitignore", action="store_true", help="leave out what Git ignores")
    parser.add_argument("--installer", choices=INSTALLERS, help="for Python packages (default: uv if installed)")
    parser.add_argument(
        "--allow-scripts",
        action="append",
        default=[],
        metavar="NAME",
        help="let this npm package download its prebuilt binary; may be repeated",
    )
    parser.add_argument("--no-install", action="store_true", help="install nothing; bundle SRC as it is")


def bundling_options(arguments: argparse.Namespace) -> Options:
    """What the options say. The runtime and the architecture are the command's own."""
    return Options(
        exclude=arguments.exclude,
        installer=arguments.installer,
        install=not arguments.no_install,
        allow_scripts=arguments.allow_scripts,
        include=arguments.include,
        gitignore=arguments.gitignore,
    )
