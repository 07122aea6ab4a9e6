"""Each error has a code, and each code an entry in the catalogue of errors."""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Collection, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from cfn_injector.cli import catalogue
from cfn_injector.cli.catalogue import AREAS, ENTRIES
from cfn_injector.cli.explain import PAGES
from cfn_injector.cli.main import COMMANDS, main, parser_of
from cfn_injector.errors import InjectorError, PropertiesError, PropertyError
from reference.errors import messages
from tests.support import aws_commands
from tests.support.own_commands import refused
from tests.support.pages import anchors

ROOT = Path(__file__).parents[1]
CATALOGUE = Path(inspect.getfile(catalogue)).parent
SOURCES = sorted(
    path
    for folder in ("cfn_injector", "wrapper")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".py", ".cjs", ".mjs") and CATALOGUE not in path.parents
)
PYTHON = [path for path in SOURCES if path.suffix == ".py"]
SPAN = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(([^)]+)\)")
OF_REQUIREMENTS = {("CI823", "--index-url"), ("CI823", "--find-links"), ("CI824", "--pre")}
"""Options in a list of requirements."""
CODE = re.compile(r"\bCI\d{3}\b")


def _family(base: type[InjectorError]) -> Iterator[str]:
    """The names of a class and of those below it."""
    yield base.__name__
    for each in base.__subclasses__():
        yield from _family(each)


def _names() -> frozenset[str]:
    """The names of the classes whose errors users see, and of the function that raises one of them."""
    for path in PYTHON:
        parts = path.relative_to(ROOT).with_suffix("").parts
        if re.search(r"^class \w+\(\w*Error\)", path.read_text("utf-8"), re.MULTILINE):
            import_module(".".join(parts).removesuffix(".__init__"))
    own = set(_family(InjectorError)) - {PropertiesError.__name__}  # its problems have a code each
    return frozenset({"ParseError", "expect"} | own)


NAMES = _names()


def _without_code(path: Path) -> Iterator[str]:
    """Where the module makes an error without a code."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in NAMES
            and "code" not in {keyword.arg for keyword in node.keywords}
        ):
            yield f"{path.relative_to(ROOT)}:{node.lineno}"


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_error_is_made_with_a_code(path: Path) -> None:
    assert list(_without_code(path)) == []


def test_every_code_is_in_the_catalogue_and_every_entry_is_the_code_of_an_error() -> None:
    used = {code for path in SOURCES for code in CODE.findall(path.read_text("utf-8"))}
    assert used == ENTRIES.keys()


def test_no_code_is_in_two_areas_and_each_is_within_the_range_of_its_own() -> None:
    assert sum(len(area.ENTRIES) for area in AREAS) == len(ENTRIES)
    for area in AREAS:
        first, last = CODE.findall(area.__doc__ or "")
        assert [code for code in area.ENTRIES if not first <= code <= last] == []
        assert list(area.ENTRIES) == sorted(area.ENTRIES)


@pytest.mark.parametrize("code", ENTRIES)
def test_an_entry_says_what_is_wrong_why_and_what_to_do(code: str) -> None:
    entry = ENTRIES[code]
    assert re.fullmatch(r"[A-Z`].*[^.]", entry.title)
    for text in (entry.cause, entry.remedy):
        assert re.fullmatch(r"[A-Z`](?!.*^#).*[.`]", text, re.DOTALL | re.MULTILINE), text


def test_the_titles_differ() -> None:
    titles = [entry.title for entry in ENTRIES.values()]
    assert sorted(titles) == sorted(set(titles))


def test_the_message_that_is_shown_ends_with_the_code() -> None:
    problem = PropertyError("Env.HOSTS", "is a list", "use Fn::ToJsonString", code="CI201")
    assert problem.full_message == "Env.HOSTS is a list; use Fn::ToJsonString [CI201]"
    assert PropertiesError([problem, problem]).full_message == f"{problem.full_message}. {problem.full_message}"
    assert InjectorError("of a package without codes").full_message == "of a package without codes"


def test_a_code_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    code, entry = next(iter(ENTRIES.items()))
    for stated in (code, code.lower(), f"[{code}]"):
        assert main(["explain", stated]) == 0
        shown = capsys.readouterr().out
        assert all(text in shown for text in (code, *entry))


def test_the_links_of_an_explanation_are_addresses(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "CI708"]) == 0
    assert f"The .env file ({PAGES}env-file.md) describes" in capsys.readouterr().out


def test_an_explanation_can_be_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "CI708", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"code": "CI708", **ENTRIES["CI708"]._asdict()}


def _spans(program: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of a program in the entries: the code, and the arguments."""
    for code, entry in ENTRIES.items():
        for span in SPAN.findall(f"{entry.cause} {entry.remedy}"):
            words = shlex.split(span) if span.startswith(f"{program} ") else []
            if words:
                yield code, words[1:]


def test_the_commands_of_this_project_in_entries_exist_with_their_options() -> None:
    found = [(code, words) for code, words in _spans("cfn-injector") if words[1:]]
    assert len(found) > 10
    assert [(code, words, said) for code, words in found if (said := refused(words))] == []
    assert {words[0] for _, words in _spans("cfn-injector")} <= COMMANDS.keys()


def test_the_commands_of_the_aws_cli_in_entries_exist_with_what_they_need() -> None:
    found = [(code, words) for code, words in _spans("aws") if words != ["configure"]]
    assert len(found) > 10
    assert [(code, words, said) for code, words in found if (said := aws_commands.problems(words))] == []


def test_the_options_in_entries_are_those_of_a_command_of_this_project_or_named_with_their_program() -> None:
    known = {option for name in COMMANDS for option in _options(name)}
    stated = {
        (code, span.split()[0])
        for code, entry in ENTRIES.items()
        for span in SPAN.findall(f"{entry.cause} {entry.remedy}")
        if re.match(r"--[a-z]", span)
    }
    assert len(stated) > 50
    assert {each for each in stated if each[1] not in known} == OF_REQUIREMENTS


def _options(name: str) -> Collection[str]:
    """The options of a subcommand."""
    subcommands = parser_of([name])._subparsers
    assert subcommands
    (action,) = subcommands._group_actions
    assert isinstance(action.choices, dict)
    parser: argparse.ArgumentParser = action.choices[name]
    return parser._option_string_actions.keys()


def test_the_pages_that_entries_link_to_have_the_sections() -> None:
    links = {link for entry in ENTRIES.values() for text in entry for link in LINK.findall(text) if ":" not in link}
    assert len(links) > 3
    for link in links:
        page, _, section = link.partition("#")
        assert not section or section in anchors((ROOT / "docs" / page).read_text("utf-8")), link


@pytest.mark.parametrize("code", ENTRIES)
def test_the_page_of_errors_has_a_section_for_each_code(code: str) -> None:
    assert f"\n### {code}\n\n**{ENTRIES[code].title}.**\n" in (ROOT / "docs/errors.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("CI244", "… is not a boolean; use true or false"),
        ("CI314", "entry … of the artifact is the signature of AWS Signer"),
        ("CI731", "there are no AWS credentials; give --profile"),
        ("CI107", "timed out during …; deploy again"),
        ("CI201", "… is a …; use Fn::ToJsonString"),
    ],
)
def test_the_page_of_errors_has_the_messages(code: str, message: str) -> None:
    assert any(message in each for each in messages()[code]), messages()[code]


def test_an_unknown_code_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "CI000"]) == 2
    assert "CI000 is not the code of an error" in capsys.readouterr().err


def test_nothing_but_explain_loads_the_catalogue() -> None:
    others = sorted({*COMMANDS.values(), "cfn_injector.aws_lambda", "cfn_injector.plugin"} - {COMMANDS["explain"]})
    script = f"import importlib, sys\nfor name in {others}: importlib.import_module(name)\n"
    loaded = f"{script}print([name for name in sys.modules if name.startswith({catalogue.__name__!r})])"
    done = subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
