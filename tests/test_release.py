"""Before a release: one version everywhere, a dated section in the changelog, and a working tree without changes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import cfn_injector
from cfn_injector.errors import InjectorError
from releasing import changelog, preconditions, versions
from releasing.versions import PLACES, ROOT

CHANGELOG = """# Changelog

## [Unreleased]

## [1.2.3] - 2026-01-31

### Added

- A [page](docs/page.md#part), [another](https://example.org/)
  and [a part](#part).
- More.

## 1.2.2

[Unreleased]: https://example.org/compare/v1.2.3...HEAD
[1.2.3]: https://example.org/releases/tag/v1.2.3
"""


# Versions -------------------------------------------------------------------------------------------------------------


def test_every_place_states_the_version_of_the_package() -> None:
    assert {place.version for place in versions.places()} == {cfn_injector.__version__}
    assert {place.path for place in versions.places()} == set(PLACES)


def test_no_other_file_for_users_states_it() -> None:
    given = re.escape(cfn_injector.__version__)
    folders = [ROOT / name for name in ("docs", "wrapper", "templates", "examples", "cfn_injector")]
    files = [path for folder in folders for path in folder.rglob("*") if "node_modules" not in path.parts]
    files += [ROOT / name for name in ("README.md", "SECURITY.md", "action.yml")]
    found = set()
    for path in files:
        if path.suffix in (".md", ".toml", ".json", ".py", ".yml", ".yaml") and "lock" not in path.name:
            name = path.relative_to(ROOT).as_posix()
            text = path.read_text("utf-8")
            matches = re.finditer(rf"(?<![\w.]){given}(?![\w.]|\.\d)|(?<=v){given}|(?<=/){given}", text)
            found |= {(name, text.count("\n", 0, match.start()) + 1) for match in matches}
    assert found <= {(place.path, place.line) for place in versions.places()}


def _checkout(folder: Path) -> Path:
    """A checkout that can be released: the files that state the version, a changelog, and a commit on main."""
    for path in PLACES:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, folder / path)
    versions.write("1.2.3", folder)
    (folder / "CHANGELOG.md").write_text(CHANGELOG)
    _git(folder, "init", "--quiet")
    _commit(folder)
    _git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    return folder


def _git(folder: Path, *arguments: str) -> None:
    names = {f"GIT_{who}_{what}": "test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), **names}
    subprocess.run(["git", *arguments], cwd=folder, env=environ, check=True, capture_output=True)


def _commit(folder: Path) -> None:
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message", "Change")


def test_writing_a_version_changes_all_places_and_nothing_else(tmp_path: Path) -> None:
    before = {path: (ROOT / path).read_text("utf-8") for path in PLACES}
    checkout = _checkout(tmp_path)
    assert {place.version for place in versions.places(checkout)} == {"1.2.3"}
    versions.write(cfn_injector.__version__, checkout)
    assert {path: (checkout / path).read_text("utf-8") for path in PLACES} == before


@pytest.mark.parametrize("version", ["1.2", "v1.2.3", "1.2.3rc1", ""])
def test_what_is_not_a_version_is_not_written(version: str, tmp_path: Path) -> None:
    with pytest.raises(InjectorError, match=r"is not a version; give three numbers, such as 1\.2\.3"):
        versions.write(version, _checkout(tmp_path))
    assert versions.current(tmp_path) == "1.2.3"


def test_a_file_that_states_no_version_any_more_is_an_error(tmp_path: Path) -> None:
    (_checkout(tmp_path) / "docs/install.md").write_text("# Installing\n")
    with pytest.raises(InjectorError, match=r"docs/install\.md states no version"):
        list(versions.places(tmp_path))


# The changelog --------------------------------------------------------------------------------------------------------


def test_the_notes_of_a_release_are_the_entries_of_its_section() -> None:
    assert changelog.released(CHANGELOG, "1.2.3").date == "2026-01-31"
    page = f"{changelog.REPOSITORY}/blob/v1.2.3/docs/page.md#part"
    assert changelog.notes(CHANGELOG, "1.2.3") == (
        f"### Added\n\n- A [page]({page}), [another](https://example.org/) and [a part](#part).\n- More."
    )


def test_a_picture_outside_the_repository_is_a_link_to_the_file() -> None:
    before, after = "![Two\n[stages]](docs/a.svg)", f"![Two\n[stages]]({changelog.REPOSITORY}/raw/v1.2.3/docs/a.svg)"
    assert changelog.absolute_links(before, "1.2.3") == after


def test_this_changelog_has_a_dated_section_of_this_version_and_one_of_what_follows() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert "\n### Added\n" in changelog.released(text, cfn_injector.__version__).entries
    assert changelog.sections(text)[0].name == changelog.UNRELEASED
    names = {section.name for section in changelog.sections(text)}
    links = dict(re.findall(r"^\[([^\]]+)\]: (\S+)$", text, re.MULTILINE))
    assert links.keys() == names
    assert links[changelog.UNRELEASED].endswith(f"/v{cfn_injector.__version__}...HEAD")


# What must hold -------------------------------------------------------------------------------------------------------


def _change(path: str, before: str, after: str) -> Callable[[Path], None]:
    def change(checkout: Path) -> None:
        text = (checkout / path).read_text("utf-8")
        assert before in text
        (checkout / path).write_text(text.replace(before, after), "utf-8")

    return change


def test_a_checkout_that_is_ready_has_no_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    preconditions.main(["--tag", "v1.2.3"], _checkout(tmp_path))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            _change("wrapper/node/package.json", '"1.2.3"', '"1.2.2"'),
            "wrapper/node/package.json, line 3, has version 1.2.2, not 1.2.3; run: python3 -m releasing.versions 1.2.3",
            id="a place has another version",
        ),
        pytest.param(
            _change("CHANGELOG.md", "## [1.2.3] - 2026-01-31", "## 1.2.1"),
            "CHANGELOG.md has no section of 1.2.3; add the heading '## [1.2.3] - YYYY-MM-DD' above the entries",
            id="the changelog has no section",
        ),
        pytest.param(
            _change("CHANGELOG.md", " - 2026-01-31", ""),
            "CHANGELOG.md does not say when 1.2.3 was released; write the heading as '## [1.2.3] - YYYY-MM-DD'",
            id="the section has no date",
        ),
        pytest.param(
            _change("CHANGELOG.md", "2026-01-31", "2026-01-32"),
            "CHANGELOG.md does not say when 1.2.3 was released",
            id="the date is none",
        ),
        pytest.param(
            _change("CHANGELOG.md", CHANGELOG[CHANGELOG.index("### Added") : CHANGELOG.index("## 1.2.2")], ""),
            "CHANGELOG.md has no entries of 1.2.3; move those of Unreleased there",
            id="the section has no entries",
        ),
        pytest.param(
            _change("CHANGELOG.md", "## [Unreleased]\n", "## [Unreleased]\n\n- More.\n"),
            "CHANGELOG.md has entries under Unreleased; move them to the section of 1.2.3",
            id="entries are unreleased",
        ),
    ],
)
def test_what_is_not_ready_is_an_error(
    change: Callable[[Path], None], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(_checkout(tmp_path))
    _commit(tmp_path)
    with pytest.raises(SystemExit) as ended:
        preconditions.main([], tmp_path)
    assert ended.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"release: {message}")


def test_changed_and_new_files_are_an_error(tmp_path: Path) -> None:
    checkout = _checkout(tmp_path)
    (checkout / "CHANGELOG.md").write_text(CHANGELOG + "\n")
    (checkout / "new.py").touch()
    assert preconditions.problems(checkout) == [
        "the working tree has changes that are not committed: CHANGELOG.md, new.py; commit or remove them"
    ]


def test_a_tag_of_another_version_is_an_error(tmp_path: Path) -> None:
    assert preconditions.problems(_checkout(tmp_path), "v1.2.4") == [
        "the tag is v1.2.4, but the version is 1.2.3; tag v1.2.3"
    ]


def test_a_tag_of_a_commit_that_is_not_on_main_is_an_error(tmp_path: Path) -> None:
    (_checkout(tmp_path) / "more.py").touch()
    _commit(tmp_path)
    assert preconditions.problems(tmp_path, "v1.2.3") == [
        "the tagged commit is not on origin/main; merge it, and tag a commit of main"
    ]
    assert preconditions.problems(tmp_path) == []


def test_main_may_have_more_than_the_tagged_commit(tmp_path: Path) -> None:
    (_checkout(tmp_path) / "more.py").touch()
    _commit(tmp_path)
    _git(tmp_path, "update-ref", "refs/remotes/origin/main", "HEAD")
    _git(tmp_path, "checkout", "--quiet", "HEAD~1")
    assert preconditions.problems(tmp_path, "v1.2.3") == []


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    _change("CHANGELOG.md", " - 2026-01-31", "")(_checkout(tmp_path))
    _change("wrapper/pyproject.toml", '"1.2.3"', '"1.2.2"')(tmp_path)
    assert len(preconditions.problems(tmp_path, "v2.0.0")) == 4


def test_a_folder_that_is_no_checkout_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(_checkout(tmp_path) / ".git")
    with pytest.raises(SystemExit):
        preconditions.main([], tmp_path)
    assert "git status failed" in capsys.readouterr().err
