"""The generated reference: it says what the code says, and everything in it has a meaning."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pytest

from cfn_injector.cli.main import COMMANDS
from cfn_injector.env_from.spec import KINDS, MEMBERS
from cfn_injector.lint.resource_types import CODE, FUNCTION, MAPPING, METHOD, TYPES, model
from cfn_injector.protocol import messages
from cfn_injector.protocol.log_lines import ADDED, LOGGED, METRICS, STEPS
from cfn_injector.resources import lambda_code
from cfn_injector.resources.api_gateway_resource import properties as of_methods
from cfn_injector.resources.event_source_mapping import properties as of_mappings
from cfn_injector.resources.event_source_mapping import spec as mapping_spec
from cfn_injector.resources.lambda_function import properties as of_functions
from cfn_injector.transform import macro
from reference import __main__ as reference
from reference import commands, log, markdown, permissions, templates
from tests.support.pages import PAGES, ROOT, anchors, links


def test_every_generated_block_is_what_the_code_says() -> None:
    command = [sys.executable, "-m", "reference", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_block_that_is_edited_by_hand_is_found_and_the_command_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (ROOT / "docs/reference/log.md").read_text("utf-8")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/log.md").write_text(page.replace("| `bytes` | Bytes |", "| `bytes` | Bits |"), "utf-8")
    monkeypatch.setattr(reference, "ROOT", tmp_path)
    assert reference.main(["--check"]) != 0
    assert f"run: {reference.COMMAND}\n" in capsys.readouterr().err
    assert reference.main([]) == 0
    assert (tmp_path / "docs/log.md").read_text("utf-8") == page


def test_the_command_is_a_target_of_the_makefile() -> None:
    assert re.search(r"^reference: ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


# Properties -----------------------------------------------------------------------------------------------------------


def arguments(service: str, operation: str) -> set[str]:
    """The arguments of an operation, by their names in a template."""
    members = model(service).operation_model(operation).input_shape.members
    return {f"{name[:1].upper()}{name[1:]}" for name in members}


IDS = {"RestApiId", "ResourceId", "HttpMethod"}
DESCRIBED: dict[str, Collection[str]] = {
    FUNCTION: {*of_functions.OWN, *of_functions.NATIVE},
    CODE: lambda_code.PROPERTIES.keys() - messages.PROPERTIES.keys(),
    MAPPING: of_mappings.PROPERTIES,
    METHOD: of_methods.PROPERTIES,
}
POSSIBLE: dict[str, set[str]] = {
    FUNCTION: arguments("lambda", "CreateFunction") | {"KmsKeyArn"},
    CODE: set(of_functions.OWN),
    MAPPING: arguments("lambda", "CreateEventSourceMapping") | mapping_spec.ALIASES.keys(),
    METHOD: arguments("apigateway", "PutMethod"),
}
"""What a type could know."""
_UNKNOWN = re.compile("is (not known|not a property|reserved, because)")


@pytest.mark.parametrize("resource_type", TYPES)
def test_the_properties_that_have_a_meaning_are_those_that_the_provider_knows(resource_type: str) -> None:
    described = DESCRIBED[resource_type]
    stated = dict.fromkeys({*described, *POSSIBLE[resource_type], *messages.PROPERTIES, "Unknown"}, "x")
    found = [problem for name, value in stated.items() for problem in TYPES[resource_type].problems({name: value})]
    unknown = {problem.name for problem in found if _UNKNOWN.match(problem.problem)}
    assert stated.keys() - unknown == {*described, *messages.PROPERTIES}


@pytest.mark.parametrize(
    ("described", "operation", "further"),
    [
        (of_methods.INTEGRATION_REQUEST, "PutIntegration", {"FunctionArn"}),
        (of_methods.INTEGRATION_RESPONSE, "PutIntegrationResponse", set()),
        (of_methods.METHOD_RESPONSE, "PutMethodResponse", set()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_members_that_have_a_meaning_are_those_of_the_api(
    described: Mapping[str, str], operation: str, further: set[str]
) -> None:
    assert set(described) == arguments("apigateway", operation) - IDS | further


def test_every_name_of_a_source_of_variables_has_a_meaning() -> None:
    assert set(MEMBERS) == set(KINDS).union(*KINDS.values())


# The log --------------------------------------------------------------------------------------------------------------


def test_the_steps_that_have_a_meaning_are_those_that_the_code_logs() -> None:
    assert {call.step for call in log.calls() if call.step} == STEPS.keys()


def test_the_fields_that_have_a_meaning_are_those_that_the_code_logs() -> None:
    found = set[str]().union(*(call.fields for call in log.calls()))
    ids = {"operation", "type", "stack_id", "logical_id", "request_id"}
    assert found | ids == LOGGED.keys()


def test_a_step_that_is_computed_is_known_or_passed_on() -> None:
    modules = {call.module for call in log.calls() if call.step is None}
    assert modules == {"cfn_injector.aws.operation", "cfn_injector.protocol.provider"}


def test_every_metric_is_a_field_of_the_line() -> None:
    assert METRICS.keys() <= {*LOGGED, *ADDED}


def test_every_field_of_the_macros_log_has_a_meaning() -> None:
    lines: list[str] = []
    macro.process({"requestId": "r"}, {}, lines.append)
    assert [json.loads(line).keys() for line in lines] == [macro.LOGGED.keys()]


# The templates --------------------------------------------------------------------------------------------------------


def test_every_statement_of_the_providers_template_has_a_reason() -> None:
    text = templates.document(permissions.TEMPLATE).text
    found = list(templates.statements(permissions.TEMPLATE))
    assert len(found) == len(re.findall(r"\bEffect: ", text))
    assert [each.data for each in found if not each.reason] == []


def test_a_reason_is_understood_without_the_statement_above_it() -> None:
    found = [each.reason for each in templates.statements(permissions.TEMPLATE)]
    assert [reason for reason in found if re.match(r"(The same|Likewise|Nor)\b(?! for)", reason)] == []


@pytest.mark.parametrize("name", ["provider.yaml", "provider-bucket.yaml"])
def test_every_parameter_and_every_output_has_a_description(name: str) -> None:
    data = templates.document(name).data
    stated = {**data["Parameters"], **data["Outputs"]}
    assert [each for each, facts in stated.items() if not facts.get("Description")] == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "A"}, ["${A}"]),
        ({"Fn::GetAtt": ["A", "Arn"]}, ["${A.Arn}"]),
        ([{"Ref": "A"}, "b"], ["${A}", "b"]),
        ({"Fn::Sub": ["x:${P}*", {"P": {"Fn::If": ["C", "", {"Ref": "Prefix"}]}}]}, ["x:${Prefix}*"]),
        (
            {"Fn::Split": [",", {"Fn::Sub": ["a${L},b${L}/*", {"L": {"Fn::Join": [",a", {"Ref": "L"}]}}]}]},
            ["a${L}", "b${L}/*"],
        ),
    ],
)
def test_a_value_is_shown_as_fn_sub_writes_it(value: Any, expected: list[str]) -> None:
    assert templates.expressions(value) == expected


@pytest.mark.parametrize(
    ("key", "holds", "expected"),
    [
        ("HasApiGateway", True, "`ApiGateway` is `true`"),
        ("HasNoEmulator", False, "`ResponseHosts` is not empty"),
        ("HasMacro", True, "`MacroName` is not empty"),
        ("HasSources", True, "`ParameterPaths` or `Secrets` is not empty"),
    ],
)
def test_a_condition_is_told_by_its_parameters(key: str, holds: bool, expected: str) -> None:
    assert templates.condition(permissions.TEMPLATE, key, holds) == expected


# Commands -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_has_a_meaning(name: str) -> None:
    rows = [row for _, group in commands.groups(commands.parsers()[name]) for row in group]
    assert [form for form, meaning in rows if not meaning] == []


@pytest.mark.parametrize(
    ("flags", "settings", "expected"),
    [
        (["--name"], {"metavar": "NAME"}, "`--name NAME`"),
        (["-o", "--output"], {"metavar": "OUT"}, "`--output OUT`, `-o OUT`"),
        (["--yes"], {"action": "store_true"}, "`--yes`"),
        (["--kind"], {"choices": ("a", "b")}, "`--kind a|b`"),
        (["--flag"], {"nargs": "?", "choices": ("a", "b")}, "`--flag [a|b]`"),
        (["stage"], {"metavar": "STAGE", "nargs": "+"}, "`STAGE [STAGE ...]`"),
    ],
)
def test_an_option_is_shown_with_what_it_takes(flags: list[str], settings: dict[str, Any], expected: str) -> None:
    action = argparse.ArgumentParser().add_argument(*flags, **settings)
    assert commands.form(action) == expected


# Markdown -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a pattern such as 'a/**/*.yaml'", r"a pattern such as 'a/\*\*/\*.yaml'"),
        ("exports <Name>-Token, with `<Name>` and `*`", r"exports \<Name>-Token, with `<Name>` and `*`"),
        ("as for --name and --output json", "as for `--name` and `--output json`"),
        ("already `--code`", "already `--code`"),
    ],
)
def test_plain_text_is_not_read_as_markdown(text: str, expected: str) -> None:
    assert markdown.plain(text) == expected


def test_a_cell_of_a_table_can_hold_a_bar() -> None:
    assert markdown.table(["a"], [["`x|y`"]]) == "\n| a |\n|---|\n| `x\\|y` |\n"


def test_no_table_of_the_reference_has_more_than_three_columns() -> None:
    text = "".join(page.read_text("utf-8") for page in PAGES if page.parent.name == "reference")
    rows = [line.replace("\\|", "") for line in text.splitlines() if line.startswith("|")]
    assert rows
    assert max(row.count("|") for row in rows) <= 4


def test_the_sentences_about_permissions_link_to_statements() -> None:
    page = (ROOT / "docs/reference/permissions.md").read_text("utf-8")
    linked = {link.removeprefix("#") for link in links(page) if link.startswith("#")}
    assert linked
    assert linked <= anchors(page)
