"""The parameters of the provider's stack as options of a command.

    options -> values that were given -> checked as CloudFormation checks them -> Parameters of a change set

A value that is not given stays what it is in the stack, or is the template's default. ``OPTIONS`` repeats what the
template says, because ``--help`` works without PyYAML; a test holds the two together.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal, NamedTuple

from cfn_injector.cli.template_files import template_path
from cfn_injector.cli.tools import cli_extra

CODE_BUCKET, CODE_KEY = "CodeBucket", "CodeKey"
"""The parameters that the command sets itself."""
NAME, RESPONSE_HOSTS = "Name", "ResponseHosts"

Kind = Literal["text", "list", "switch"]


class Option(NamedTuple):
    """The option of one parameter. ``switch`` is true or false, ``list`` is separated by commas in the template."""

    parameter: str
    kind: Kind
    metavar: str | None
    help: str

    @property
    def flag(self) -> str:
        return "--" + "-".join(re.findall("[A-Z][a-z]*", self.parameter)).lower()

    @property
    def attribute(self) -> str:
        """Its name in the parsed arguments."""
        return self.flag[2:].replace("-", "_")


OPTIONS = (
    Option(NAME, "text", "NAME", "the name of the provider (default: cfn-injector)"),
    Option("SourceBuckets", "list", "BUCKET", "the buckets that the provider can read artifacts from"),
    Option(
        "FunctionNamePrefix",
        "text",
        "PREFIX",
        "the provider can change only functions whose names begin with it; '*' allows every name",
    ),
    Option("RolePath", "text", "PATH", "the provider can give functions only roles below it (default: /cfn-injector/)"),
    Option("ParameterPaths", "list", "PATH", "paths in Parameter Store that the provider can read"),
    Option("Secrets", "list", "NAME", "secrets in Secrets Manager that the provider can read"),
    Option("ApiGateway", "switch", None, "turn on Custom::APIGatewayResource"),
    Option("AllowCrossStack", "switch", None, "allow functions and REST APIs of other stacks"),
    Option("ReservedConcurrency", "text", "NUMBER", "how many events the provider can always serve at once"),
    Option("PermissionsBoundary", "text", "ARN", "the permissions boundary of the provider's role"),
    Option("MacroName", "text", "NAME", "the name of a macro that changes templates as the command transform does"),
    Option("ResponseHosts", "text", "HOST:PORT,...", "for emulators: hosts that the provider can answer besides AWS's"),
    Option("ExtraPolicyArns", "list", "ARN", "managed policies for what only some functions need"),
)

_ARGUMENTS: Mapping[Kind, Mapping[str, Any]] = {
    "text": {},
    "list": {"nargs": "+", "action": "extend"},
    "switch": {"nargs": "?", "const": "true", "choices": ("true", "false")},
}
_FLAGS = {option.parameter: option.flag for option in OPTIONS}


def flag_of(parameter: str) -> str:
    """The option of a parameter, such as ``--role-path``."""
    return _FLAGS[parameter]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add an option for each parameter."""
    group = parser.add_argument_group("parameters of the provider's stack (default: as they are, or the template's)")
    for option in OPTIONS:
        group.add_argument(option.flag, help=option.help, metavar=option.metavar, **_ARGUMENTS[option.kind])


def given(arguments: argparse.Namespace) -> dict[str, str]:
    """The values of the options that were given, by parameter."""
    found = {option.parameter: getattr(arguments, option.attribute) for option in OPTIONS}
    return {
        name: ",".join(filter(None, value)) if isinstance(value, list) else value
        for name, value in found.items()
        if value is not None
    }


@cache
def declared() -> Mapping[str, Mapping[str, Any]]:
    """The section ``Parameters`` of the provider's template."""
    with cli_extra():
        import yaml

    class Loader(yaml.SafeLoader):
        """Reads the short forms of CloudFormation's functions as null: this section has none."""

    Loader.add_multi_constructor("!", lambda loader, suffix, node: None)
    content = yaml.load(template_path("provider.yaml").read_text("utf-8"), Loader)
    found: Mapping[str, Mapping[str, Any]] = content["Parameters"]
    return found


def problems(values: Mapping[str, str], template: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What CloudFormation would refuse: values outside AllowedPattern, each member of a list by itself.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
    """
    for name, value in values.items():
        pattern = template[name].get("AllowedPattern")
        members = value.split(",") if template[name]["Type"] == "CommaDelimitedList" else [value]
        if pattern and not all(re.fullmatch(pattern, each) for each in members):
            yield f"{flag_of(name)}: {template[name].get('ConstraintDescription', f'must match {pattern}')}"


def missing(values: Mapping[str, str], template: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The options without which a new provider cannot be installed."""
    return [flag_of(name) for name in _FLAGS if "Default" not in template[name] and name not in values]


def effective(
    values: Mapping[str, str], previous: Mapping[str, str], template: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """What every parameter of the template will be."""
    defaults = {name: str(each["Default"]) for name, each in template.items() if "Default" in each}
    return {name: value for name, value in {**defaults, **previous, **values}.items() if name in template}


def as_request(
    values: Mapping[str, str], previous: Mapping[str, str], template: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """``Parameters`` of CreateChangeSet: given values, and previous ones of parameters that the template still has."""
    kept = [name for name in previous if name in template and name not in values]
    return [
        *({"ParameterKey": name, "ParameterValue": value} for name, value in values.items()),
        *({"ParameterKey": name, "UsePreviousValue": True} for name in kept),
    ]
