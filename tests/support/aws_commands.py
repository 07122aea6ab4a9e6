"""Command lines of the AWS CLI, checked against botocore's models, from which the AWS CLI makes its commands.

Takes the arguments of ``aws``. Returns what is wrong with them: a service, an operation or an option that does not
exist, or an option that is missing. The AWS CLI's own commands, which have no model, are a table here.
https://docs.aws.amazon.com/cli/latest/reference/
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, NamedTuple

import botocore.session
from botocore import xform_name
from botocore.exceptions import UnknownServiceError

_GLOBAL = frozenset(
    {"--region", "--profile", "--output", "--query", "--endpoint-url", "--no-cli-pager", "--no-paginate", "--debug"}
)
_PAGING = frozenset({"--max-items", "--page-size", "--starting-token"})
_S3_COPY = frozenset({"--recursive", "--quiet", "--only-show-errors", "--exclude", "--include", "--sse-kms-key-id"})


class _Own(NamedTuple):
    """A command that the AWS CLI adds: its options, and those among them that it requires."""

    options: Collection[str]
    required: Collection[str] = ()


_OWN = {
    ("cloudformation", "deploy"): _Own(
        {
            "--template-file",
            "--stack-name",
            "--s3-bucket",
            "--s3-prefix",
            "--kms-key-id",
            "--parameter-overrides",
            "--capabilities",
            "--no-execute-changeset",
            "--disable-rollback",
            "--no-disable-rollback",
            "--role-arn",
            "--notification-arns",
            "--fail-on-empty-changeset",
            "--no-fail-on-empty-changeset",
            "--tags",
        },
        ("--template-file", "--stack-name"),
    ),
    ("cloudformation", "package"): _Own(
        {"--template-file", "--s3-bucket", "--s3-prefix", "--kms-key-id", "--output-template-file", "--force-upload"},
        ("--template-file", "--s3-bucket"),
    ),
    ("s3", "cp"): _Own({*_S3_COPY, "--sse", "--source-region", "--metadata"}),
    ("s3", "sync"): _Own({*_S3_COPY, "--sse", "--source-region", "--delete"}),
    ("s3", "rm"): _Own(_S3_COPY),
    ("s3", "ls"): _Own({"--recursive", "--human-readable", "--summarize"}),
    ("s3", "mb"): _Own(()),
    ("s3", "rb"): _Own({"--force"}),
    ("sso", "login"): _Own({"--sso-session", "--no-browser", "--use-device-code"}),
    ("logs", "tail"): _Own({"--since", "--follow", "--format", "--filter-pattern", "--log-stream-names"}),
}
_RENAMED = {"deploy": "codedeploy", "s3api": "s3"}
"""Services that the AWS CLI names differently from botocore."""
_WITH_FILE = frozenset({("lambda", "invoke"), ("logs", "tail")})
"""Commands with an argument that belongs to no option."""


@cache
def _session() -> Any:
    return botocore.session.get_session()


@cache
def _model(service: str) -> Any:
    return _session().get_service_model(_RENAMED.get(service, service))


def _operation(service: str, name: str) -> Any | None:
    return next((each for each in _model(service).operation_names if xform_name(each, "-") == name), None)


def _of_model(service: str, operation: str) -> _Own:
    shape = _model(service).operation_model(operation).input_shape
    members = shape.members if shape else {}
    options = set[str]()
    for name, member in members.items():
        option = f"--{xform_name(name, '-')}"
        options |= {option, f"--no-{option[2:]}"} if member.type_name == "boolean" else {option}
    required = [f"--{xform_name(name, '-')}" for name in (shape.required_members if shape else ())]
    return _Own(options | _PAGING | {"--cli-input-json", "--cli-binary-format"}, required)


def _waiter(service: str, name: str) -> Any | None:
    waiters = _session().get_waiter_model(_RENAMED.get(service, service))
    found = next((each for each in waiters.waiter_names if xform_name(each, "-") == name), None)
    return waiters.get_waiter(found).operation if found else None


def _known(service: str, name: str, rest: list[str]) -> _Own | None:
    """The options of a command, or None if it does not exist. Takes the name of a waiter off the arguments."""
    if (service, name) in _OWN:
        return _OWN[service, name]
    operation = _waiter(service, rest.pop(0)) if name == "wait" and rest else _operation(service, name)
    return _of_model(service, operation) if operation else None


def problems(arguments: Sequence[str]) -> list[str]:
    """What is wrong with ``aws`` and these arguments; empty if nothing is."""
    if len(arguments) < 2 or any(word.startswith("--") for word in arguments[:2]):
        return ["aws does not begin with a service and an operation"]
    service, name, *rest = arguments
    try:
        known = _known(service, name, rest)
    except UnknownServiceError:
        return [f"there is no service {service}"]
    if known is None:
        return [f"{service} has no operation {name}"]
    stated = [word.partition("=")[0] for word in rest if word.startswith("--")]
    unknown = [f"{service} {name} has no option {word}" for word in stated if word not in {*known.options, *_GLOBAL}]
    given = {word.replace("--no-", "--", 1) for word in stated}
    missing = [f"{service} {name} needs {word}" for word in known.required if word not in {*stated, *given}]
    first = next((at for at, word in enumerate(rest) if word.startswith("--")), len(rest))
    surplus = rest[:first] if service != "s3" and (service, name) not in _WITH_FILE else []
    return [*unknown, *missing, *(f"{service} {name} does not take {word}" for word in surplus)]


def overrides(arguments: Sequence[str]) -> list[str]:
    """The names of the parameters that ``aws cloudformation deploy`` sets."""
    if "--parameter-overrides" not in arguments:
        return []
    found = []
    for word in arguments[arguments.index("--parameter-overrides") + 1 :]:
        if word.startswith("--"):
            break
        found.append(word.partition("=")[0])
    return found


def option(arguments: Sequence[str], name: str) -> str:
    """The value of an option, empty if it is not there."""
    return arguments[arguments.index(name) + 1] if name in arguments[:-1] else ""
