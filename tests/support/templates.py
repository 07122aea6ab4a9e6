"""Templates as CloudFormation reads them, and policies as IAM reads them.

In: the files below ``templates/`` and parameters. Out: resolved values, and IAM's answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

TEMPLATES = Path(__file__).parents[2] / "templates"
ACCOUNT, REGION = "111122223333", "eu-central-1"


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms of its functions, which come out in the long form."""


def _long_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        raise yaml.YAMLError(f"!{suffix} of a map")
    if suffix == "GetAtt":
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _long_form)


def loaded(text: str) -> dict[str, Any]:
    """A template, or a part of one."""
    content: dict[str, Any] = yaml.load(text, _Loader)
    return content


def _load(path: Path) -> dict[str, Any]:
    return loaded(path.read_text("utf-8"))


ALL = {path.name: _load(path) for path in sorted(TEMPLATES.glob("*.yaml"))}
EXAMPLES = {path.parent.name: _load(path) for path in sorted(TEMPLATES.parent.glob("example_*/template.yaml"))}
PROVIDER = ALL["provider.yaml"]
RESOURCES = PROVIDER["Resources"]
GIVEN = {
    **{name: parameter.get("Default", "") for name, parameter in PROVIDER["Parameters"].items()},
    "SourceBuckets": "builds,builds-eu",
    "CodeBucket": "code",
    "CodeKey": "provider.zip",
    "FunctionNamePrefix": "*",
}


class Deployment:
    """What CloudFormation makes of the provider's template with these parameters, in one partition."""

    def __init__(self, partition: str = "aws", region: str = REGION, **parameters: str) -> None:
        self.parameters = {**GIVEN, **parameters}
        self.known: dict[str, Any] = {
            "Partition": partition,
            "Region": region,
            "AccountId": ACCOUNT,
            "NoValue": None,
        }

    def _reference(self, name: str) -> Any:
        if name.startswith("AWS::"):
            return self.known[name.removeprefix("AWS::")]
        if name not in self.parameters:
            fixed = RESOURCES[name]["Properties"]
            named = fixed.get("LogGroupName") or fixed.get("FunctionName") or fixed.get("QueueName")
            return self.resolve(named) if named else name.lower()
        value = self.parameters[name]
        return value.split(",") if "List" in PROVIDER["Parameters"][name]["Type"] else value

    def _attribute(self, name: str, attribute: str) -> str:
        assert attribute == "Arn"
        place = f"{self.known['Region']}:{self.known['AccountId']}"
        end = {
            "StagingBucket": f"s3:::{self._reference('StagingBucket')}",
            "UnservedEvents": f"sqs:{place}:{self._reference('UnservedEvents')}",
            "Role": f"iam::{self.known['AccountId']}:role/provider",
            "Function": f"lambda:{place}:function:{self.parameters['Name']}",
            "MacroFunction": f"lambda:{place}:function:{self.parameters['Name']}-macro",
            "MacroRole": f"iam::{self.known['AccountId']}:role/macro",
            "MacroLogGroup": f"logs:{place}:log-group:/aws/lambda/{self.parameters['Name']}-macro:*",
        }[name]
        return f"arn:{self.known['Partition']}:{end}"

    def _substitute(self, text: str, further: Mapping[str, Any]) -> str:
        def fill(match: re.Match[str]) -> str:
            name, _, attribute = match[1].partition(".")
            if name in further:
                return str(further[name])
            return self._attribute(name, attribute) if attribute else str(self._reference(name))

        return re.sub(r"\$\{([^}]+)\}", fill, text)

    def resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) != 1 or not (name := next(iter(value))).startswith(("Ref", "Fn::", "Condition")):
            return {key: self.resolve(item) for key, item in value.items()}
        argument = value[name]
        match name:
            case "Ref":
                return self._reference(argument)
            case "Fn::GetAtt":
                return self._attribute(*argument)
            case "Fn::Sub":
                text, further = argument if isinstance(argument, list) else (argument, {})
                return self._substitute(text, self.resolve(further))
            case "Fn::Join":
                return argument[0].join(self.resolve(argument[1]))
            case "Fn::Split":
                return self.resolve(argument[1]).split(argument[0])
            case "Fn::If":
                return self.resolve(argument[1 if self.holds(argument[0]) else 2])
            case "Fn::Equals":
                return self.resolve(argument[0]) == self.resolve(argument[1])
            case "Fn::Not":
                return not self.resolve(argument[0])
            case _:  # a condition of a policy, not of the template
                return {name: self.resolve(argument)}

    def holds(self, condition: str) -> bool:
        return bool(self.resolve(PROVIDER["Conditions"][condition]))

    def documents(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The role's inline policy, and the managed policies of the same stack."""
        (inline,) = RESOURCES["Role"]["Properties"]["Policies"]
        managed = [
            resource["Properties"]["PolicyDocument"]
            for resource in RESOURCES.values()
            if resource["Type"] == "AWS::IAM::ManagedPolicy"
            and ("Condition" not in resource or self.holds(resource["Condition"]))
        ]
        return self._document(inline["PolicyDocument"]), [self._document(each) for each in managed]

    def _document(self, value: Any) -> dict[str, Any]:
        document = self.resolve(value)
        return {**document, "Statement": [each for each in document["Statement"] if each is not None]}

    def statements(self) -> list[dict[str, Any]]:
        inline, managed = self.documents()
        return [statement for document in (inline, *managed) for statement in document["Statement"]]

    def allows(
        self, action: str, resource: str, passed_to: str = "lambda.amazonaws.com", **context: str | Mapping[str, str]
    ) -> bool:
        """IAM's answer: some statement allows, and none denies.

        ``tags`` are those of the resource; ``context`` has IAM's other condition keys, as ``lambda__FunctionArn``.
        """
        tags = context.pop("tags", {})
        assert isinstance(tags, Mapping)
        known = {
            "iam:PassedToService": passed_to,
            **{f"aws:ResourceTag/{key}": value for key, value in tags.items()},
            **{key.replace("__", ":"): value for key, value in context.items()},
        }
        effects = {
            statement["Effect"]
            for statement in self.statements()
            if _matches(action, statement.get("Action", ["*"]))
            and not _matches(action, statement.get("NotAction", []))
            and _matches(resource, statement.get("Resource", ["*"]))
            and not _matches(resource, statement.get("NotResource", []))
            and _are_met(statement.get("Condition", {}), known)
        }
        return effects == {"Allow"}


def listed(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _matches(value: str, patterns: str | Sequence[str]) -> bool:
    # IAM's patterns know * and ? alone.
    return any(fnmatchcase(value, pattern.replace("[", "[[]")) for pattern in listed(patterns))


OPERATORS: dict[str, Callable[[str | None, list[str]], bool]] = {
    "Null": lambda actual, expected: expected == [str(actual is None).lower()],
    "StringEquals": lambda actual, expected: actual in expected,
    "StringLike": lambda actual, expected: actual is not None and _matches(actual, expected),
    "StringNotLike": lambda actual, expected: actual is None or not _matches(actual, expected),
}


def _are_met(conditions: Mapping[str, Mapping[str, str | Sequence[str]]], context: Mapping[str, Any]) -> bool:
    return all(
        OPERATORS[operator](context.get(key), listed(expected))
        for operator, keys in conditions.items()
        for key, expected in keys.items()
    )


def allowed(**parameters: str) -> Iterator[tuple[str, str]]:
    """Each action that is allowed with these parameters, with each of its resources."""
    for statement in Deployment(**parameters).statements():
        if statement["Effect"] == "Allow":
            for action in listed(statement["Action"]):
                for resource in listed(statement["Resource"]):
                    yield action, resource


def size_of(document: Mapping[str, Any]) -> int:
    """The characters that count against IAM's limits: all but whitespace.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    return len(re.sub(r"\s", "", json.dumps(document)))


PSEUDO_PARAMETERS = {"AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT}


def filled(value: Any) -> Any:
    """A part of any template as CloudFormation hands it on, with names in the place of what only it knows."""
    if isinstance(value, list):
        return [filled(item) for item in value]
    if not isinstance(value, dict):
        return value
    match list(value.items()):
        case [("Fn::Sub", str(text))]:
            return re.sub(r"\$\{([^}]+)\}", lambda match: PSEUDO_PARAMETERS.get(match[1], match[1]), text)
        case [("Fn::If", [_, holding, _])]:
            return filled(holding)
        case [("Ref" | "Fn::GetAtt" | "Fn::ImportValue", argument)]:
            return argument if isinstance(argument, str) else ".".join(argument)
        case _:
            return {key: filled(item) for key, item in value.items()}
