"""``bundle`` of Python functions: the versions of a lock, and the Python that a project requires."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from cfn_injector.cli.main import main
from cfn_injector.cli.tools import uv_program
from tests.support.cli_projects import contents, find_wheels_in, tree, wheel

OLD, NEW = {"kit.py": "1.0"}, {"kit.py": "2.0"}


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A function, and two versions of its package where installers look, and one for development."""
    find_wheels_in(tmp_path / "src" / "wheels", monkeypatch)
    folder = tree(tmp_path / "src", {"app.py": ""})
    wheel(folder / "wheels", "kit", OLD, metadata="Requires-Dist: needed\n")
    wheel(folder / "wheels", "kit", NEW, version="2.0")
    wheel(folder / "wheels", "needed", {"needed.py": ""})
    wheel(folder / "wheels", "dev", {"dev.py": ""})
    return folder


def _digest(source: Path, name: str, version: str = "1.0") -> str:
    return hashlib.sha256((source / "wheels" / f"{name}-{version}-py3-none-any.whl").read_bytes()).hexdigest()


def _bundle(source: Path, *options: str) -> tuple[int, dict[str, bytes]]:
    output = source.parent / "app.zip"
    status = main(["bundle", str(source), "-o", str(output), "--exclude", "./wheels", *options])
    return status, contents(output) if status == 0 else {}


def _message(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.splitlines()[-1].removeprefix("cfn-injector: ")


PROJECT = "[project]\nname = 'app'\nversion = '1'\nrequires-python = '>=3.10'\ndependencies = ['kit']\n"


def _pylock(source: Path) -> Mapping[str, str]:
    text = "lock-version = '1.0'\ncreated-by = 'test'\nrequires-python = '>=3.10'\n"
    for name in ("kit", "needed"):
        file = f"path = 'wheels/{name}-1.0-py3-none-any.whl', hashes = {{sha256 = '{_digest(source, name)}'}}"
        text += f"[[packages]]\nname = '{name}'\nversion = '1.0'\nwheels = [{{{file}}}]\n"
    other = "wheels = [{path = 'other-1-py3-none-any.whl', hashes = {sha256 = 'a'}}]\n"
    text += f"[[packages]]\nname = 'other'\nversion = '1'\nmarker = \"sys_platform == 'win32'\"\n{other}"
    return {"pylock.toml": text}


def _poetry(source: Path) -> Mapping[str, str]:
    text = ""
    for name, group in (("kit", "main"), ("needed", "main"), ("dev", "dev")):
        file = f"{{file = '{name}-1.0-py3-none-any.whl', hash = 'sha256:{_digest(source, name)}'}}"
        facts = f"optional = false\npython-versions = '>=3.8'\ngroups = ['{group}']\nfiles = [{file}]\n"
        text += f"[[package]]\nname = '{name}'\nversion = '1.0'\n{facts}"
    missing = (
        "name = 'other'\nversion = '1'\noptional = false\ngroups = ['main']\nmarkers = \"sys_platform == 'win32'\"\n"
    )
    text += f"[[package]]\n{missing}files = [{{file = 'x.whl', hash = 'sha256:{64 * '0'}'}}]\n"
    text += "[metadata]\nlock-version = '2.1'\npython-versions = '^3.10'\ncontent-hash = ''\n"
    return {"poetry.lock": text, "pyproject.toml": PROJECT}


def _pipenv(source: Path) -> Mapping[str, str]:
    locked = {
        name: {"version": "==1.0", "hashes": [f"sha256:{_digest(source, name)}"], "markers": "python_version >= '3.8'"}
        for name in ("kit", "needed")
    }
    develop = {"dev": {"version": "==1.0", "hashes": [f"sha256:{_digest(source, 'dev')}"]}}
    meta = {"requires": {"python_version": "3.13"}, "sources": []}
    return {
        "Pipfile": "[packages]\nkit = '*'\n[dev-packages]\ndev = '*'\n",
        "Pipfile.lock": json.dumps({"_meta": meta, "default": locked, "develop": develop}),
    }


def _uv(source: Path) -> Mapping[str, str]:
    settings = "[tool.uv]\nno-index = true\nfind-links = ['wheels']\ndefault-groups = ['dev']\n"
    project = f"{PROJECT.replace('kit', 'kit<2')}[dependency-groups]\ndev = ['dev']\n{settings}"
    tree(source, {"pyproject.toml": project})
    command = [uv_program(), "lock", "--python", sys.executable]
    subprocess.run(command, cwd=source, env={"PATH": os.environ["PATH"]}, check=True, capture_output=True)
    return {"pyproject.toml": project}


def _locked(source: str, file: str = "kit-1.0-py3-none-any.whl") -> str:
    files = f"files = [{{file = '{file}', hash = 'sha256:0'}}]\n"
    locked = f"[[package]]\nname = 'kit'\nversion = '1.0'\ngroups = ['main']\n{files}"
    return f"{locked}{source}[metadata]\nlock-version = '2.1'\n"


LOCKS = [
    pytest.param(_pylock, id="pylock"),
    pytest.param(_poetry, id="poetry"),
    pytest.param(_pipenv, id="pipenv"),
    pytest.param(_uv, id="uv", marks=pytest.mark.skipif(not uv_program(), reason="uv is not installed here")),
]


@pytest.mark.parametrize("lock", LOCKS)
def test_the_versions_of_a_lock_are_installed(lock: object, installer: str, source: Path) -> None:
    assert callable(lock)
    tree(source, lock(source))
    status, found = _bundle(source, "--installer", installer)
    assert status == 0
    assert {name: body for name, body in found.items() if name in ("kit.py", "needed.py", "dev.py")} == {
        "kit.py": b"1.0",
        "needed.py": b"",
    }


@pytest.mark.parametrize(
    "files",
    [
        pytest.param(
            {
                "poetry.lock": _locked(
                    "markers = {main = \"sys_platform == 'win32'\", dev = \"sys_platform == 'linux'\"}\n"
                    "[package.source]\ntype = 'git'\nurl = 'https://x'\n"
                )
            },
            id="poetry",
        ),
        pytest.param(
            {"Pipfile.lock": '{"default": {"kit": {"git": "https://x", "markers": "sys_platform == \'win32\'"}}}'},
            id="pipenv",
        ),
    ],
)
def test_a_locked_package_for_another_platform_is_no_error(files: Mapping[str, str], source: Path) -> None:
    tree(source, files)
    assert _bundle(source)[1].keys() == {"app.py", *files}


def test_the_project_itself_in_the_lock_of_pipenv_is_no_error(source: Path) -> None:
    tree(source, _pipenv(source))
    tree(source, {"Pipfile": "[packages]\napp = {path = '.', editable = true}\nkit = '*'\n"})
    lock = json.loads((source / "Pipfile.lock").read_text("utf-8"))
    lock["default"]["real-name"] = {"path": ".", "editable": True}
    (source / "Pipfile.lock").write_text(json.dumps(lock), "utf-8")
    assert _bundle(source)[1]["kit.py"] == b"1.0"


@pytest.mark.parametrize("lock", LOCKS[:3])
def test_another_package_than_the_locked_one_is_refused(lock: object, installer: str, source: Path) -> None:
    assert callable(lock)
    tree(source, lock(source))
    wheel(source / "wheels", "kit", {"kit.py": "a namesake"})
    assert _bundle(source, "--installer", installer)[0] == 1


POETRY_1 = "[[package]]\nname = 'kit'\nversion = '1.0'\nfiles = []\n[metadata]\nlock-version = '2.0'\n"


def _packages(fields: str) -> str:
    return f"lock-version = '1.0'\ncreated-by = 'test'\n[[packages]]\nname = 'kit'\n{fields}\n"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        pytest.param({"Pipfile": "[packages]\nkit = '*'\n"}, "in Pipfile are not read; run: pipenv lock", id="Pipfile"),
        pytest.param(
            {"pdm.lock": "", "pyproject.toml": PROJECT}, "in pdm.lock are not read; run: pdm export", id="PDM"
        ),
        pytest.param(
            {"setup.py": "setup(install_requires=['kit'])\n"}, "in setup.py are not read; run: uv pip", id="setup.py"
        ),
        pytest.param({"requirements.in": "# all\nkit\n"}, "in requirements.in are not read", id="requirements.in"),
        pytest.param(
            {"pylock.prod.toml": ""},
            "in pylock.prod.toml are not read; run: cp pylock.prod.toml pylock.toml",
            id="a named pylock",
        ),
        pytest.param(
            {"pyproject.toml": "[tool.flit.metadata]\nrequires = ['kit']\n"},
            "pyproject.toml ([tool.flit.metadata]) are not read; run: uv pip compile",
            id="Flit",
        ),
        pytest.param({"environment.yml": "dependencies: [kit]\n"}, "in environment.yml are not read", id="conda"),
        pytest.param(
            {"setup.cfg": "[options]\ninstall_requires = file: a.txt\n"}, "setup.cfg does not list", id="setup.cfg"
        ),
        pytest.param(
            {"poetry.lock": POETRY_1, "pyproject.toml": PROJECT}, "with Poetry 2, or poetry export", id="Poetry 1"
        ),
        pytest.param(
            {"poetry.lock": "[metadata]\n", "pyproject.toml": PROJECT},
            "poetry.lock does not contain kit, which pyproject.toml lists; run: poetry lock",
            id="an old lock",
        ),
        pytest.param(
            {"Pipfile": "[packages]\nkit = '*'\n", "Pipfile.lock": '{"default": {}}'},
            "Pipfile.lock does not contain kit of Pipfile; run: pipenv lock",
            id="an old lock of Pipenv",
        ),
        pytest.param(
            {"poetry.lock": _locked("[package.source]\ntype = 'directory'\nurl = 'libs'\n")},
            "poetry.lock: kit is a folder, not a wheel",
            id="a folder of Poetry",
        ),
        pytest.param(
            {"poetry.lock": _locked("[package.source]\ntype = 'git'\nurl = 'https://x'\n")},
            "poetry.lock: kit is a repository, not a wheel",
            id="a repository of Poetry",
        ),
        pytest.param(
            {"poetry.lock": _locked("", "kit-1.0.tar.gz")},
            "kit is locked without a wheel's digest",
            id="no wheel of Poetry",
        ),
        pytest.param(
            {"Pipfile.lock": '{"default": {"kit": {"git": "https://x"}}}'},
            "Pipfile.lock: kit is a repository",
            id="Pipenv",
        ),
        pytest.param(
            {"pylock.toml": _packages("directory = {path = 'x'}")}, "pylock.toml: kit is a folder", id="pylock"
        ),
        pytest.param(
            {
                "pylock.toml": _packages(
                    "version = '1'\nwheels = [{path = 'kit-1-cp39-cp39-win32.whl', hashes = {sha256 = 'a'}}]"
                )
            },
            "for python3.13 on x86_64",
            id="no wheel in pylock",
        ),
        pytest.param({"pylock.toml": "lock-version = '9'\n"}, "cannot install pylock.toml", id="another pylock"),
    ],
)
def test_what_is_not_read_is_an_error(
    files: Mapping[str, str], message: str, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source, files)
    assert _bundle(source)[0] == 1
    assert message in _message(capsys)


@pytest.mark.parametrize(
    "files",
    [
        pytest.param(
            {"setup.cfg": "[flake8]\n", "setup.py": "print()\n", "requirements.in": "# none\n"}, id="no lists"
        ),
        pytest.param({"Pipfile": "[dev-packages]\nkit = '*'\n"}, id="for development"),
    ],
)
def test_a_file_without_dependencies_is_no_error(files: Mapping[str, str], source: Path) -> None:
    tree(source, files)
    assert _bundle(source)[1].keys() == {"app.py", *files}


def test_dependencies_of_setup_cfg_are_installed(source: Path) -> None:
    tree(source, {"setup.cfg": "[options]\ninstall_requires =\n    kit<2\n    # all\n", "pyproject.toml": "[tool.x]\n"})
    assert _bundle(source)[1]["kit.py"] == b"1.0"


@pytest.mark.parametrize("other", ["pyproject.toml", "Pipfile.lock"])
def test_an_empty_list_that_replaces_another_is_a_warning(
    other: str, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source, {"requirements.txt": "# none\n", other: PROJECT if other == "pyproject.toml" else "{}"})
    assert _bundle(source)[0] == 0
    assert f"requirements.txt lists nothing, and {other} is not read beside it" in capsys.readouterr().err


def test_a_list_that_nothing_includes_is_a_warning(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree(source, {"requirements/prod.txt": "kit\n"})
    assert _bundle(source)[0] == 0
    problem = (
        "requirements/prod.txt is not read; name it in requirements.txt (-r requirements/prod.txt) if it is needed"
    )
    assert f"warning: {problem}" in capsys.readouterr().err


def _requires(python: str) -> Mapping[str, str]:
    return {"pyproject.toml": PROJECT.replace(">=3.10", python)}


@pytest.mark.parametrize(
    ("files", "runtime", "fails"),
    [
        (_requires(">=3.14"), "python3.13", "pyproject.toml requires Python >=3.14, and python3.13 has 3.13."),
        (_requires("<3.13"), "python3.13", "choose another --runtime"),
        (_requires(">=3.12.4"), "python3.12", ""),
        (_requires("!=3.9.0,!=3.9.1,>=3.9"), "python3.9", ""),
        ({"pyproject.toml": "[tool.poetry.dependencies]\npython = '^3.14'\n"}, "python3.13", "requires Python ^3.14"),
        ({"pyproject.toml": "[tool.poetry.dependencies]\npython = '~3.12'\n"}, "python3.13", "requires Python ~3.12"),
        (
            {"setup.cfg": "[options]\npython_requires = <3.10\ninstall_requires = kit\n"},
            "python3.13",
            "setup.cfg requires",
        ),
        (
            {"Pipfile.lock": '{"_meta": {"requires": {"python_version": "3.9"}}}'},
            "python3.13",
            "requires Python ==3.9.*",
        ),
        ({"pylock.toml": "lock-version = '1.0'\ncreated-by = 'x'\nrequires-python = '<3.13'\npackages = []\n"},) * 1
        + ("python3.13", "pylock.toml requires Python <3.13"),
        ({"requirements.txt": "kit\n", **_requires("<3.13")}, "python3.13", "pyproject.toml requires"),
    ],
)
def test_the_runtimes_python_is_compared_with_what_the_project_requires(
    files: Mapping[str, str], runtime: str, fails: str, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source, files)
    assert _bundle(source, "--runtime", runtime)[0] == bool(fails)
    assert fails in (_message(capsys) if fails else "")


@pytest.mark.parametrize(
    ("text", "warns"),
    [("3.12\n", True), ("cpython-3.12.4\n", True), ("3.12.1\n3.13.0\n", False), ("3.13\n", False), ("system\n", False)],
)
def test_another_python_version_is_a_warning(
    text: str, warns: bool, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source, {".python-version": text, "requirements.txt": "kit\n"})
    assert _bundle(source)[0] == 0
    expected = ".python-version names Python 3.12, and the bundle is for python3.13; choose --runtime python3.12"
    assert (expected in capsys.readouterr().err) == warns


BUILT = "[build-system]\nrequires = ['hatchling']\n[project]\nname = 'my-app'\ndependencies = []\n"


@pytest.mark.parametrize(
    ("files", "module"),
    [
        pytest.param({"pyproject.toml": BUILT}, "my_app/app.py", id="a build"),
        pytest.param({"setup.py": "setup()\n"}, "my_app/app.py", id="setuptools"),
        pytest.param({"pyproject.toml": PROJECT.replace("'kit'", "")}, "src/my_app/app.py", id="no build"),
        pytest.param({"pyproject.toml": BUILT, "src/__init__.py": ""}, "src/my_app/app.py", id="a package"),
    ],
)
def test_the_modules_of_a_source_layout_are_at_the_top(
    files: Mapping[str, str], module: str, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source, {"src/my_app/__init__.py": "", "src/my_app/app.py": "", **files})
    status, found = _bundle(source)
    assert (status, module in found) == (0, True)
    assert ("note: the modules in src/ are at the top" in capsys.readouterr().err) == module.startswith("my_app")


def test_two_files_for_one_place_of_a_source_layout_are_an_error(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source, {"pyproject.toml": BUILT, "src/my_app/__init__.py": "", "my_app/__init__.py": ""})
    assert _bundle(source)[0] == 1
    assert "src/my_app/__init__.py and my_app/__init__.py have the same place in the bundle" in _message(capsys)
