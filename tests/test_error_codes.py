"""Each error has a code, and each code an entry in the catalogue of errors."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from cfn_injector.cli import catalogue
from cfn_injector.cli.catalogue import AREAS, ENTRIES
from cfn_injector.cli.explain import PAGES
from cfn_injector.cli.main import main
from cfn_injector.errors import InjectorError, PropertiesError, PropertyError
from reference.errors import messages

ROOT = Path(__file__).parents[1]
CATALOGUE = Path(inspect.getfile(catalogue)).parent
SOURCES = sorted(
    path
    for folder in ("cfn_injector", "wrapper")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".py", ".cjs", ".mjs") and CATALOGUE not in path.parents
)
PYTHON = [path for path in SOURCES if path.suffix == ".py"]
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
