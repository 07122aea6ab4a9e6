"""``lint``: cfn-lint with the rules for the provider's resource types.

    templates -> cfn-lint's findings, and those of cfn_injector.lint -> standard output

cfn-lint reads its own settings as always: ``.cfnlintrc``, and ``Metadata`` in a template.
"""

from __future__ import annotations

import argparse
import glob
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cfn_injector.cli.aws_options import JSON, add_format
from cfn_injector.cli.display import visible
from cfn_injector.cli.result import Result
from cfn_injector.cli.tools import cli_extra
from cfn_injector.errors import InjectorError

HELP = "check templates by cfn-lint, and by what the provider would refuse"

RULES = "cfn_injector.lint"
FORMATS = ("json", "junit", "parseable", "pretty", "quiet", "sarif")
LEVELS = ("informational", "warning", "error")
"""The severities of findings, the lowest first."""


def _escaped(template: str) -> str:
    """The name or pattern as cfn-lint reads it: as a pattern of ``glob``."""
    if Path(template).exists():
        return glob.escape(template)
    if not glob.glob(template, recursive=True):  # noqa: PTH207 (the pattern may be absolute)
        raise InjectorError(f"{visible(template)} does not exist; give the path of a template", code="CI644")
    return template


def _options(arguments: argparse.Namespace) -> Iterator[str]:
    """cfn-lint's options without templates and rules."""
    if arguments.output == JSON and not arguments.format:
        yield from ("--format", "json")
    for option in ("format", "ignore_checks", "include_checks", "regions", "config_file"):
        value = getattr(arguments, option)
        yield from (f"--{option.replace('_', '-')}", value) if value else ()
    for rule, value in (("E9509:prefix", arguments.function_name_prefix), ("E9510:path", arguments.role_path)):
        yield from ("--configure-rule", f"{rule}={value}") if value else ()


def _config(options: Sequence[str], templates: Sequence[str]) -> Any:
    from cfnlint.config import ConfigMixIn

    config = ConfigMixIn([*options, "--", *templates])
    if RULES in config.append_rules:  # .cfnlintrc names them already, and cfn-lint refuses a rule that it has
        return config
    return ConfigMixIn([*options, "--append-rules", RULES, "--", *templates])


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "templates", nargs="+", metavar="TEMPLATE", help="a template, or a pattern such as 'a/**/*.yaml'"
    )
    parser.add_argument("--format", choices=FORMATS, help="how findings are written, as in cfn-lint")
    add_format(parser)
    parser.add_argument("--regions", metavar="REGION,...", help="the Regions to check for")
    parser.add_argument("--ignore-checks", metavar="RULE,...", help="rules, or beginnings of their IDs, to leave out")
    parser.add_argument("--include-checks", metavar="RULE,...", help="rules to add: I for informational ones")
    parser.add_argument("--config-file", metavar="FILE", help="cfn-lint's settings (default: .cfnlintrc)")
    parser.add_argument(
        "--function-name-prefix",
        metavar="PREFIX",
        help="FunctionNamePrefix of the provider's stack (default: names are not checked)",
    )
    parser.add_argument(
        "--role-path", metavar="PATH", help="RolePath of the provider's stack (default: roles are not checked)"
    )
    parser.add_argument(
        "--non-zero-exit-code",
        choices=(*LEVELS, "none"),
        default="warning",
        help="the lowest severity for which the exit status is 1 (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> Result:
    with cli_extra("cfn-lint"):
        from cfnlint.exceptions import CfnLintExitException
        from cfnlint.runner.cli import Runner, get_formatter
    templates = [_escaped(template) for template in arguments.templates]
    try:
        config = _config(list(_options(arguments)), templates)
        runner = Runner(config)
        matches = sorted(runner.run(), key=lambda match: (match.filename, match.linenumber, match.rule.id))
    except (CfnLintExitException, ValueError) as error:
        raise InjectorError(f"cfn-lint: {error}", code="CI645") from error
    output: str = get_formatter(config).print_matches(matches, runner.rules, config=config) or ""
    level = arguments.non_zero_exit_code
    counted = LEVELS[LEVELS.index(level) :] if level in LEVELS else ()
    return Result(output, int(any(match.rule.severity in counted for match in matches)))
