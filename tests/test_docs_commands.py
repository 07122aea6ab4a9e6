"""What the documentation says to paste: templates pass the provider's lint, scripts parse, and commands exist.

Nothing here is run against AWS. bash writes down which commands a page would run; argparse and botocore's models say
whether they exist, with these options.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cfn_injector.cli.main import COMMANDS, parser_of
from tests.support import aws_commands, shell_text
from tests.support.linting import own
from tests.support.own_commands import refused
from tests.support.pages import PAGES, ROOT, TOP, blocks, prose
from tests.support.templates import loaded

ALL = [*PAGES, *TOP]
SPAN = re.compile(r"`cfn-injector((?: [^`]*)?)`")
LOCAL_CODE = re.compile(r"(?<=Code: )\./\S+")
"""Code that ``cfn-injector package`` replaces."""
STACK = ("--stack-name", "x")
COUNTED = "docs"
"""The property in which a test counts what it checked. The end of a run prints the sums."""

needs_bash = pytest.mark.skipif(shell_text.BASH is None, reason="bash is not installed")
each_page = pytest.mark.parametrize("page", ALL, ids=lambda page: str(page.relative_to(ROOT)))


def text_of(page: Path) -> str:
    return page.read_text("utf-8")


def documents(page: Path) -> list[tuple[str, Any]]:
    """The blocks of YAML on a page, as text and as data."""
    return [(block, loaded(block)) for block in blocks(text_of(page), "yaml")]


def as_template(block: str, content: Any) -> tuple[str, bool]:
    """A block as a template, and whether it is one or only the resources of one; empty if it is neither."""
    if not isinstance(content, dict):
        return "", False
    if "Resources" in content:
        return block, True
    types = [value.get("Type") for value in content.values() if isinstance(value, dict)]
    if len(types) == len(content) and all(isinstance(each, str) and "::" in each for each in types):
        indented = "\n".join(f"  {line}" if line and not block.startswith("  ") else line for line in block.split("\n"))
        return f"Resources:\n{indented}", False
    return "", False


@each_page
def test_every_block_of_yaml_is_yaml_and_its_resources_pass_the_lint(page: Path, record_property: Any) -> None:
    for block, content in documents(page):
        template, whole = as_template(block, content)
        record_property(COUNTED, "templates" if whole else "fragments of templates" if template else "other YAML")
        if not template:
            continue
        found = [each for each in own(template) if whole or "is missing" not in each.message]
        assert found == [], template


@needs_bash
@each_page
def test_every_template_that_a_script_writes_passes_the_lint(page: Path, tmp_path: Path, record_property: Any) -> None:
    commands_on(page, tmp_path)
    for path in tmp_path.rglob("*.yaml"):
        text = LOCAL_CODE.sub("{S3Bucket: my-artifacts, S3Key: app.zip}", path.read_text("utf-8"))
        if text and "Resources" in loaded(text):
            record_property(COUNTED, "templates")
            assert own(text) == [], path.name


@needs_bash
@each_page
def test_every_script_parses(page: Path, record_property: Any) -> None:
    for block in blocks(text_of(page), "sh"):
        record_property(COUNTED, "scripts")
        assert shell_text.syntax_error(block) == "", block


def commands_on(page: Path, folder: Path) -> list[list[str]]:
    """The commands that a page would run, and those that they would run in their turn (``local -- aws ...``)."""
    found = shell_text.commands_of("\n".join(blocks(text_of(page), "sh")), folder)
    inner = [words[words.index("--") + 1 :] for words in found if words[0] == "cfn-injector" and "--" in words]
    return [words for words in (*found, *inner) if words]


@needs_bash
@each_page
def test_every_command_of_this_project_is_accepted(page: Path, tmp_path: Path, record_property: Any) -> None:
    for words in commands_on(page, tmp_path):
        if words[0] == "cfn-injector":
            record_property(COUNTED, "commands of cfn-injector")
            assert refused(words[1:]) == "", words


@needs_bash
@each_page
def test_every_command_of_the_aws_cli_exists(page: Path, tmp_path: Path, record_property: Any) -> None:
    for words in commands_on(page, tmp_path):
        if words[0] == "aws":
            record_property(COUNTED, "commands of aws")
            assert aws_commands.problems(words[1:]) == [], words


@needs_bash
@each_page
def test_every_parameter_that_a_deployment_sets_is_one_of_the_template(
    page: Path, tmp_path: Path, record_property: Any
) -> None:
    for words in commands_on(page, tmp_path):
        template = aws_commands.option(words, "--template-file")
        if template.startswith("templates/") and words[:3] == ["aws", "cloudformation", "deploy"]:
            record_property(COUNTED, "deployments of templates")
            parameters = loaded((ROOT / template).read_text("utf-8")).get("Parameters", {})
            assert set(aws_commands.overrides(words)) <= parameters.keys(), words


@each_page
def test_every_command_that_the_text_names_exists_with_its_options(page: Path, record_property: Any) -> None:
    for span in SPAN.findall(prose(text_of(page))):
        words = span.split()
        if not words or words[0].startswith("-") or not words[0].islower():
            continue
        record_property(COUNTED, "commands in the text")
        assert words[0] in COMMANDS, span
        end = words.index("--") if "--" in words else len(words)
        known = parser_of([words[0]])._subparsers._group_actions[0].choices[words[0]]._option_string_actions  # type: ignore[union-attr,index]
        assert [word for word in words[1:end] if word.startswith("--") and word not in known] == [], span


class TestTheChecks:
    """What the checks above would find."""

    @pytest.mark.parametrize(
        ("words", "found"),
        [
            (["cloudformation", "deploy", "--stack-name", "x"], ["cloudformation deploy needs --template-file"]),
            (["lambda", "invoke", "out.json"], ["lambda invoke needs --function-name"]),
            (["lambda", "invoke", "--function-name", "f", "--payload", "{}", "out.json"], []),
            (
                ["lambda", "get-alias", "f"],
                [
                    *(f"lambda get-alias needs --{each}" for each in ("function-name", "name")),
                    "lambda get-alias does not take f",
                ],
            ),
            (["cloudformation", "update-termination-protection", "--no-enable-termination-protection", *STACK], []),
            (["lambda", "call", "--x"], ["lambda has no operation call"]),
            (["lambdo", "invoke"], ["there is no service lambdo"]),
            (["lambda", "wait", "function-updated", "--function-name", "f"], []),
            (["lambda", "wait", "function-gone", "--function-name", "f"], ["lambda has no operation wait"]),
            (["s3", "cp", "a", "s3://b/c", "--recurse"], ["s3 cp has no option --recurse"]),
            (["--region", "x", "s3", "ls"], ["aws does not begin with a service and an operation"]),
        ],
    )
    def test_what_is_wrong_with_a_command_of_aws_is_named(self, words: list[str], found: list[str]) -> None:
        assert aws_commands.problems(words) == found

    @needs_bash
    def test_commands_are_read_as_the_shell_reads_them(self, tmp_path: Path) -> None:
        script = 'name=$(aws a b) && aws c d "$name" >file\nfor x in 1 2; do cfn-injector ls $x | aws e; done\n$ pip x'
        found = shell_text.commands_of(script, tmp_path)
        assert sorted(found) == sorted(
            [
                ["aws", "a", "b"],
                ["aws", "c", "d", "recorded"],
                *([program, *rest] for x in "12" for program, *rest in (["cfn-injector", "ls", x], ["aws", "e"])),
                ["pip", "x"],
            ]
        )

    @pytest.mark.parametrize("words", [["lst"], ["install", "--regoin", "x"], ["diff"], ["inspect"]])
    def test_a_command_that_the_parser_refuses_is_found(self, words: list[str]) -> None:
        assert refused(words) != ""

    def test_a_fragment_is_linted_as_a_part_of_a_template(self) -> None:
        block = (
            "  Code:\n    Type: Custom::LambdaCode\n    Properties: {ServiceTimeout: 9, Evn: {}, Code: {S3Key: x}}\n"
        )
        template, whole = as_template(block, loaded(block))
        assert not whole
        assert any("Evn" in each.message for each in own(template))

    def test_text_that_is_no_yaml_is_found(self) -> None:
        with pytest.raises(yaml.YAMLError):
            loaded("a: b: c")
