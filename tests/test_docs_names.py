"""The commands in the documentation can be pasted: each name comes from somewhere, and shells read them alike."""

from __future__ import annotations

import importlib.util
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cfn_injector import __version__
from tests.support.commands import Block, Name, shell_blocks, unquoted
from tests.support.pages import PAGES, ROOT, TOP, blocks
from tests.support.shell_text import BASH

EXAMPLES = sorted(ROOT.glob("example_*/README.md"))
ALL = [*PAGES, *TOP, *EXAMPLES, ROOT / "tests/README.md"]
WITH_COMMANDS = [page for page in ALL if blocks(page.read_text("utf-8"), "sh")]
REPOSITORY = "cfn-injector/cfn-injector/"
"""What stands before a path in this repository where another one could be meant."""

needs_bash = pytest.mark.skipif(BASH is None, reason="bash is not installed")


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _exists(name: Name, folders: list[str]) -> bool:
    """Whether a name is that of a file or a folder of this repository, in one of these folders."""
    if name.kind not in ("file", "folder") or ".." in name.text or name.text.startswith(("/", "~")):
        return False
    path = name.text.removeprefix(REPOSITORY)
    return any(list((ROOT / folder).glob(path)) for folder in folders)


def _is_introduced(name: Name, prose: str) -> bool:
    """Whether the prose has the name as code. ``VERSION`` stands for this one."""
    text = name.text.removeprefix("./").partition("/**")[0]
    word = re.escape(text).replace(re.escape(__version__), rf"(?:{re.escape(__version__)}|VERSION)")
    return re.search(rf"`[^`\n]*(?<![\w-]){word}(?![\w-])[^`\n]*`", prose) is not None


def blocks_of(page: str) -> list[Block]:
    """The blocks of commands on a page."""
    with tempfile.TemporaryDirectory() as folder:
        return list(shell_blocks(page, Path(folder)))


def from_nowhere(page: str) -> list[str]:
    """Names that are neither made by an earlier command, nor in the repository, nor introduced by the prose."""
    made: set[Name] = set()
    wrong = []
    for block in blocks_of(page):
        folders = [""]
        made |= block.makes
        for command in block.commands:
            wrong += [
                f"{name.kind} {name.text}: {' '.join(command.words)}"
                for name in sorted(command.needs - made)
                if not _exists(name, folders) and not _is_introduced(name, block.prose)
            ]
            made |= command.makes
            folders += [command.words[1]] if command.words[0] == "cd" else []
    return wrong


@needs_bash
@pytest.mark.parametrize("page", WITH_COMMANDS, ids=named)
def test_what_a_command_names_comes_from_somewhere(page: Path) -> None:
    assert from_nowhere(page.read_text("utf-8")) == []


@needs_bash
@pytest.mark.parametrize(
    ("page", "found"),
    [
        pytest.param("cfn-injector inspect other.zip", ["file other.zip"], id="a file"),
        pytest.param("cat x.json\naws lambda invoke x.json", ["file x.json"], id="a file that is made later"),
        pytest.param("cfn-injector inspect s3://b/a.zip", ["bucket b", "object a.zip"], id="an object in S3"),
        pytest.param("aws s3 cp setup.py s3://b/", ["bucket b", "file setup.py"], id="a bucket to copy to"),
        pytest.param("aws cloudformation deploy x ArtifactKey=a-1.zip", ["object a-1.zip"], id="a parameter"),
        pytest.param("cfn-injector diff stack://one lambda://two:live", ["function two", "stack one"], id="addresses"),
        pytest.param("cfn-injector bundle other -o app.zip", ["folder other"], id="a folder"),
        pytest.param(
            "cd docs\ncat quick-start.md\ncat setup.yaml", ["file setup.yaml"], id="a folder of the repository"
        ),
    ],
)
def test_a_name_from_nowhere_is_found(page: str, found: list[str]) -> None:
    assert [each.partition(":")[0] for each in from_nowhere(f"```sh\n{page}\n```\n")] == found


@needs_bash
@pytest.mark.parametrize(
    "page",
    [
        pytest.param("`app.zip` is yours.\n\n```sh\ncfn-injector inspect app.zip\n```\n", id="named before"),
        pytest.param("```sh\ncfn-injector inspect app.zip\n```\n\nHere `app.zip` is yours.\n", id="named after"),
        pytest.param("```sh\ncat >src/app.json <<'END'\n{}\nEND\ncat src/app.json\n```\n", id="a here-document"),
        pytest.param("```sh\nmkdir -p a/b\ncd a\n```\n", id="a folder that is made"),
        pytest.param("```sh\naws s3 mb s3://b\naws s3 cp setup.cfg s3://b/\n```\n", id="a bucket that is made"),
        pytest.param("```sh\ncfn-injector lint templates/*.yaml\n```\n", id="files of the repository"),
    ],
)
def test_a_name_that_comes_from_somewhere_is_not_found(page: str) -> None:
    assert from_nowhere(page) == []


def shells_differ(block: str) -> Iterator[str]:
    """What zsh, the shell of macOS, does not read as bash does, if it is not in quotes."""
    for bare in unquoted(block):
        if re.search(r"(^|\s)#", bare):
            yield f"zsh takes a comment for arguments: {bare}"
        if re.search(r"[?\[]", bare):
            yield f"zsh looks for files with such names: {bare}"


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=named)
def test_bash_and_zsh_read_the_commands_alike(page: Path) -> None:
    assert [wrong for block in blocks(page.read_text("utf-8"), "sh") for wrong in shells_differ(block)] == []


@pytest.mark.parametrize("line", ["make test  # all of them", "pip install .[cli]", "ls app-?.zip"])
def test_a_command_that_only_bash_reads_as_meant_is_found(line: str) -> None:
    assert list(shells_differ(line))


def test_every_target_of_make_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    code = re.compile(r"`make ([a-z-]+)|^make ([a-z-]+)", re.MULTILINE)
    used = {one or other for page in ALL for one, other in code.findall(page.read_text("utf-8"))}
    assert len(used) > 10
    assert used - targets == set()


def test_every_module_of_this_project_that_a_page_or_a_docstring_runs_exists() -> None:
    files = [
        *ALL,
        ROOT / "Makefile",
        *(
            path
            for folder in ("tests", "benchmarks", "pictures", "cfn_injector")
            for path in (ROOT / folder).rglob("*.py")
        ),
    ]
    found = {
        name
        for path in files
        for name in re.findall(r"-m ((?:tests|benchmarks|pictures|example_\w+)[\w.]*\w)", path.read_text("utf-8"))
    }
    assert len(found) > 10
    assert [name for name in sorted(found) if importlib.util.find_spec(name) is None] == []


MESSAGES = {ROOT / "CHANGELOG.md", ROOT / "docs/errors.md"}
"""Pages that have the messages of a command, which is installed then."""


def test_nothing_is_installed_from_an_index_by_the_name_of_this_project() -> None:
    """No page says so: nothing is published there. The exception adds an extra to what is installed already."""
    found = {
        f"{named(page)}: {line}"
        for page in set(ALL) - MESSAGES
        for line in re.findall(
            r"(?:pip|pipx|uv|npm) (?:tool )?install [^\n`]*cfn[_-]injector[^\n`]*", page.read_text("utf-8")
        )
        if not re.search(r"\./cfn_injector-[\d.]+-|\.\./cfn-injector/", line)
    }
    assert found == {"docs/install.md: pip install 'cfn-injector[cfn-lint]'"}
