"""The properties ``EnvFrom``, ``Refresh`` and references: what is accepted, and what is refused by its path."""

from __future__ import annotations

from typing import Any

import pytest

from cfn_injector import env_from
from cfn_injector.env_from.access import bounds
from cfn_injector.env_from.references import ParameterReference, Reference, SecretReference, references, resolved
from tests.fakes.cloudformation import STACK_ID

ARN = "arn:aws-us-gov:secretsmanager:us-gov-west-1:111122223333:secret:prod/db-a1B2c3"


def told(*sources: Any) -> list[str]:
    return [str(problem) for problem in env_from.problems({"EnvFrom": list(sources)})]


@pytest.mark.parametrize(
    "source",
    [
        {"ParameterPath": "/app/prod"},
        {"ParameterPath": "/app/prod/", "Prefix": "APP_", "Upper": "true", "Optional": "false", "Override": "true"},
        {"SecretId": "prod/db"},
        {"SecretId": ARN, "Name": "DB", "VersionStage": "AWSPREVIOUS"},
        {"SecretId": "db", "VersionId": "00000000-0000-4000-8000-000000000001"},
        {"Artifact": ".env.prod"},
        {"Artifact": "config/ü b.env"},
    ],
)
def test_a_source_is_accepted(source: dict[str, str]) -> None:
    assert told(source) == []
    (parsed,) = env_from.parse({"EnvFrom": [source]}).sources
    assert parsed.target == next(iter(source.values()))


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("text", "EnvFrom[0] is not one source; set exactly one of ParameterPath, SecretId, Artifact"),
        ({}, "EnvFrom[0] is not one source"),
        ({"ParameterPath": "/a", "SecretId": "b"}, "EnvFrom[0] is not one source"),
        ({"ParameterPath": "/a", "Name": "A"}, "EnvFrom[0].Name is not a name for a source with ParameterPath"),
        ({"SecretId": "a", "Region": "x"}, "EnvFrom[0].Region is not a name for a source with SecretId; remove it"),
        ({"ParameterPath": "app"}, "EnvFrom[0].ParameterPath is not a path of Parameter Store"),
        ({"ParameterPath": "/"}, "EnvFrom[0].ParameterPath is not a path"),
        ({"ParameterPath": "//a"}, "EnvFrom[0].ParameterPath is not a path"),
        ({"ParameterPath": "/a*"}, "EnvFrom[0].ParameterPath is not a path"),
        ({"ParameterPath": ["/a"]}, "EnvFrom[0].ParameterPath is not a path"),
        ({"SecretId": "arn:aws:ssm:eu-west-1:111122223333:parameter/a"}, "EnvFrom[0].SecretId is not the name"),
        ({"SecretId": ""}, "EnvFrom[0].SecretId is not the name"),
        ({"SecretId": "a", "Name": "1"}, "EnvFrom[0].Name is not a valid variable name"),
        ({"SecretId": "a", "VersionStage": "a b"}, "EnvFrom[0].VersionStage is not the name of a version"),
        ({"SecretId": "a", "VersionStage": "a", "VersionId": "b"}, "EnvFrom[0].VersionId is set together with"),
        ({"SecretId": "a", "Name": "A", "Prefix": "DB_"}, "EnvFrom[0].Prefix does not apply to Name; remove it"),
        ({"SecretId": "a", "Name": "A", "Upper": "true"}, "EnvFrom[0].Upper does not apply to Name; remove it"),
        ({"ParameterPath": "/a", "Prefix": "a-"}, "EnvFrom[0].Prefix is not the beginning of a variable name"),
        ({"ParameterPath": "/a", "Upper": "yes"}, "EnvFrom[0].Upper is not a boolean; use true or false"),
        *(
            ({"Artifact": path}, "EnvFrom[0].Artifact is not the path")
            for path in ("/a", "../a", "a/../b", "a//b", "a/", ".", "a\\b", "a\0")
        ),
    ],
)
def test_what_is_wrong_is_told_by_its_path(source: Any, problem: str) -> None:
    (found,) = told(source)
    assert found.startswith(problem)


def test_what_is_not_a_list_is_refused() -> None:
    (problem,) = env_from.problems({"EnvFrom": {"SecretId": "a"}})
    assert str(problem) == "EnvFrom is not a list; use a list of sources"
    assert env_from.parse({"EnvFrom": {"SecretId": "a"}}).sources == ()


def test_properties_without_sources_are_keyed_as_before_and_the_order_of_names_does_not_count() -> None:
    assert env_from.parse({"Env": {"A": "1"}}).inputs == ()
    first, second = ({"SecretId": "a", "Prefix": "B"}, {"Prefix": "B", "SecretId": "a"})
    assert env_from.parse({"EnvFrom": [first]}).inputs == env_from.parse({"EnvFrom": [second]}).inputs
    assert env_from.parse({"Refresh": "1"}).inputs != env_from.parse({"Refresh": "2"}).inputs


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{{resolve:ssm:a.b-c_D/e}}", ParameterReference("a.b-c_D/e", "")),
        ("{{resolve:ssm-secure:/a:12}}", ParameterReference("/a", "12")),
        ("{{resolve:secretsmanager:a}}", SecretReference("a")),
        ("{{resolve:secretsmanager:a:}}", SecretReference("a")),
        ("{{resolve:secretsmanager:a:SecretString}}", SecretReference("a")),
        ("{{resolve:secretsmanager:a::my key}}", SecretReference("a", "my key")),
        ("{{resolve:secretsmanager:a:SecretString::AWSPENDING}}", SecretReference("a", "", "AWSPENDING")),
        ("{{resolve:secretsmanager:a:SecretString:k::id}}", SecretReference("a", "k", "", "id")),
        (f"{{{{resolve:secretsmanager:{ARN}:SecretString:k}}}}", SecretReference(ARN, "k")),
    ],
)
def test_the_grammar_is_that_of_aws(text: str, found: Reference) -> None:
    assert references(f"x {text} y") == [found]
    assert resolved(f"x{text}y{text}", lambda reference: str(reference == found)) == "xTrueyTrue"


def test_other_braces_are_text() -> None:
    text = "{{resolve:s3:a}} {{name}} {}"
    assert references(text) == []
    assert list(env_from.problems({"Env": {"A": text}})) == []
    assert resolved(text, str) == text


def test_bounds_have_the_name_of_the_stack() -> None:
    environ = {"CFN_INJECTOR_PARAMETER_PATHS": "/a/${StackName}/x, /b", "CFN_INJECTOR_SECRETS": ""}
    found = bounds(environ, STACK_ID)
    assert (found.paths, found.secrets) == (("/a/shop-dev/x", "/b"), ())
    assert found.include_parameter("/a/shop-dev/x/y")
    assert found.include_parameter("b")
    assert not found.include_parameter("/a/shop-dev")
    assert not found.include_secret("")
