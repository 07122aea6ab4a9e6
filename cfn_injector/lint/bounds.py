"""What the bounds of the provider's stack do not allow: takes a template and a bound, returns findings.

A bound is the text that a name begins with: ``FunctionNamePrefix``, ``RolePath``. Of names with intrinsic functions,
the beginning can be known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cfn_injector.errors import with_code
from cfn_injector.lint.resource_types import FUNCTION, MAPPING
from cfn_injector.lint.templates import Finding, Resource, resources, served
from cfn_injector.lint.values import branches
from cfn_injector.resources.event_source_mapping.spec import function_of
from cfn_injector.resources.lambda_function.role import path_and_name
from cfn_injector.transform import Path, references

_ROLE = "AWS::IAM::Role"


class Beginning(NamedTuple):
    """What is known of a text; ``whole`` says whether that is all of it."""

    text: str
    whole: bool
    path: Path

    def may_begin_with(self, bound: str) -> bool:
        return self.text.startswith(bound) or (not self.whole and bound.startswith(self.text))


def beginnings(value: Any, path: Path) -> Iterator[Beginning]:
    """What a value can begin with: each branch of ``Fn::If`` for itself."""
    found = branches(value)
    if found:
        for index in (1, 2):
            yield from beginnings(found[index], (*path, "Fn::If", index))
    elif isinstance(value, str):
        yield Beginning(str(value), True, path)
    elif isinstance(value, Mapping):
        text = _substituted(value)
        yield Beginning(text.partition("${")[0], bool(text) and "${" not in text, path)


def _substituted(value: Mapping[str, Any]) -> str:
    """The text of ``Fn::Sub``; empty for other intrinsic functions."""
    stated = value.get("Fn::Sub")
    text = stated[0] if isinstance(stated, list) and stated else stated
    return text if isinstance(text, str) else ""


def names(template: Mapping[str, Any], prefix: str) -> Iterator[Finding]:
    """Functions whose names do not begin with ``FunctionNamePrefix``, which the provider's role does not reach."""
    for resource in served(template, FUNCTION, MAPPING):
        for name in beginnings(resource.stated("FunctionName"), (*resource.properties_path, "FunctionName")):
            name = name._replace(text=function_of(name.text)) if resource.type == MAPPING else name
            if resource.type == MAPPING and name.text.startswith("arn:"):  # what comes before its name
                continue
            if not name.may_begin_with(prefix):
                message = f"FunctionName does not begin with the provider's FunctionNamePrefix {prefix}; rename it"
                yield Finding(name.path, with_code(message, "CI259"))


def roles(template: Mapping[str, Any], bound: str) -> Iterator[Finding]:
    """Functions with roles outside of ``RolePath``, which the provider cannot pass to Lambda."""
    own = {each.logical_id: each for each in resources(template, _ROLE)}
    for resource in served(template, FUNCTION):
        path = (*resource.properties_path, "Role")
        stated = resource.stated("Role")
        if branches(stated) is None:
            for reference in references(stated, path):
                if reference.attribute == "Arn" and reference.logical_id in own:
                    yield from _of_role(own[reference.logical_id], bound, path)
        for arn in beginnings(_in_any_account(stated), path):
            role = arn._replace(text=path_and_name(arn.text))
            if ":role/" in arn.text and not role.may_begin_with(bound):
                message = f"Role is outside of the provider's RolePath {bound}; {_remedy(bound)}"
                yield Finding(arn.path, with_code(message, "CI262"))


def _in_any_account(arn: Any) -> Any:
    """The ARN with an account and a partition, if it is text with these pseudo parameters."""
    text = _substituted(arn) if isinstance(arn, Mapping) else ""
    known = text.replace("${AWS::Partition}", "aws").replace("${AWS::AccountId}", "111122223333")
    return {"Fn::Sub": known} if known else arn


def _of_role(role: Resource, bound: str, path: Path) -> Iterator[Finding]:
    """The finding for a role of the template, if its path and name cannot begin with the bound."""
    unnamed = [Beginning("", False, ())]
    folders = list(beginnings(role.stated("Path") or "/", ()))
    for folder in folders:
        for name in list(beginnings(role.stated("RoleName"), ())) or unnamed:
            if not _may_be_within(folder, name, bound):
                message = f"Role is {role.logical_id}, which is outside of the provider's RolePath {bound}"
                yield Finding(path, with_code(f"{message}; {_remedy(bound)}", "CI262"))
                return


def _may_be_within(folder: Beginning, name: Beginning, bound: str) -> bool:
    """Whether the path and name of a role can begin with the bound. A name contains no slash."""
    if not folder.whole or folder.text.startswith(bound):
        return folder.may_begin_with(bound)
    rest = bound.removeprefix(folder.text)
    return bound.startswith(folder.text) and "/" not in rest and name.may_begin_with(rest)


def _remedy(bound: str) -> str:
    return f"set Path: {bound} in the role" if bound.endswith("/") else "use a role whose path begins with RolePath"
