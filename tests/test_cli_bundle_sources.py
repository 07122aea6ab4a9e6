"""``bundle`` of Python functions: a package comes from where the project says, or is refused by its name."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from cfn_injector.cli.bundling.pip_settings import indexes_for_uv
from cfn_injector.cli.main import main
from cfn_injector.cli.tools import Workshop, uv_program
from tests.support.cli_projects import contents, find_wheels_in, state, tree, wheel

PROJECT = "[project]\nname = 'app'\nversion = '1'\nrequires-python = '>=3.10'\ndependencies = ['corp-kit>=1']\n"
KIT, WHEEL = "corp_kit.py", "libs/corp_kit-1.0-py3-none-any.whl"


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A function whose package is in ``libs``, and on an index ``corp``; a namesake is where installers look."""
    find_wheels_in(wheel(tmp_path / "public", "corp_kit", {KIT: "public"}, version="9.0").parent, monkeypatch)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tree(tmp_path / "src", {"app.py": ""})
    own = wheel(folder / "libs", "corp_kit", {KIT: "own"})
    page = tree(tmp_path / "corp" / "corp-kit", {"index.html": f"<a href='{own.name}'>{own.name}</a>"})
    shutil.copy(own, page / own.name)
    return folder


def _bundle(source: Path, *options: str) -> tuple[int, dict[str, bytes]]:
    output, before = source.parent / "app.zip", state(source)
    status = main(["bundle", str(source), "-o", str(output), "--exclude", "libs", *options])
    assert state(source) == before
    return status, contents(output) if status == 0 else {}


def _message(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.splitlines()[-1].removeprefix("cfn-injector: ")


def _uv(sources: str, more: str = "") -> str:
    return f"{PROJECT}[tool.uv.sources]\n{sources}\n{more}"


CORP = "[[tool.uv.index]]\nname = 'corp'\nurl = 'https://corp.example/simple'\n"
POETRY = "[tool.poetry.dependencies]\n"
BUILT = "which is not a wheel; build one, and name its path there"


@pytest.mark.parametrize(
    ("project", "message"),
    [
        pytest.param(
            _uv("corp-kit = {path = 'libs/kit'}"), f"comes from libs/kit by [tool.uv.sources], {BUILT}", id="uv path"
        ),
        pytest.param(_uv("Corp_Kit = {path = 'libs/kit', editable = true}"), "comes from libs/kit", id="uv spelling"),
        pytest.param(_uv("corp-kit = {workspace = true}"), "comes from this workspace", id="uv workspace"),
        pytest.param(
            _uv("corp-kit = {git = 'https://u:secret@corp.example/kit'}"), "comes from a repository", id="uv git"
        ),
        pytest.param(
            _uv("corp-kit = {url = 'https://u:secret@corp.example/kit.tar.gz'}"), "comes from a URL", id="uv url"
        ),
        pytest.param(
            _uv("corp-kit = {index = 'corp'}"), "the index corp by [tool.uv.sources], which has no http", id="no index"
        ),
        pytest.param(
            _uv("corp-kit = [{git = 'https://x', marker = \"sys_platform == 'linux'\"}, {index = 'corp'}]", CORP),
            "comes from a repository",
            id="uv markers",
        ),
        pytest.param(
            _uv("corp-kit = {workspace = true}").replace(">=1", '; sys_platform != "@"'), "this workspace", id="an @"
        ),
        *(
            pytest.param(
                _uv(f"corp-kit = {entry}", f"{CORP}[tool.uv]\n{kind}-dependencies = ['corp-kit']\n").replace(
                    "corp-kit>=1", "other"
                ),
                f"corp-kit has a source of its own, which is lost by {kind}-dependencies",
                id=f"{kind} {entry}",
            )
            for kind in ("override", "constraint")
            for entry in ("{git = 'https://x'}", f"{{path = '{WHEEL}'}}", "{index = 'corp'}")
        ),
        pytest.param(
            f"{PROJECT}{POETRY}corp-kit = {{path = '../kit'}}\n", "by [tool.poetry.dependencies]", id="poetry path"
        ),
        pytest.param(
            f"{PROJECT}{POETRY}corp-kit = {{git = 'https://x'}}\n", "comes from a repository", id="poetry git"
        ),
        pytest.param(f"{PROJECT}{POETRY}corp-kit = {{source = 'corp'}}\n", "the index corp", id="poetry source"),
        pytest.param(
            f"{PROJECT}[[tool.poetry.source]]\nname = 'corp'\nurl = 'https://x'\n",
            "run: poetry lock"[5:],
            id="poetry sources",
        ),
        pytest.param(
            f"{PROJECT}[[tool.pdm.source]]\nname = 'corp'\nurl = 'https://x'\n", "pdm export", id="pdm sources"
        ),
        pytest.param(f"{PROJECT}[tool.pixi.pypi-dependencies]\ncorp-kit = {{path = 'x'}}\n", "[tool.pixi]", id="pixi"),
        pytest.param(
            PROJECT.replace("corp-kit>=1", "corp-kit @ git+https://x/kit"),
            "a repository is not a wheel",
            id="a direct reference",
        ),
        pytest.param(
            PROJECT.replace("corp-kit>=1", "corp-kit @ {root:uri}/libs/kit"), "./libs/kit is not a wheel", id="hatch"
        ),
        pytest.param(
            PROJECT.replace("corp-kit>=1", "corp-kit @ file:///${PROJECT_ROOT}/kit"),
            "an environment variable",
            id="pdm",
        ),
    ],
)
def test_a_source_that_cannot_be_kept_is_refused_before_anything_is_installed(
    project: str,
    message: str,
    installer: str,
    source: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(*arguments: Any, **options: Any) -> None:
        raise AssertionError("a program ran")

    monkeypatch.setattr(Workshop, "run", run)
    tree(source, {"pyproject.toml": project})
    assert _bundle(source, "--installer", installer)[0] == 1
    error = _message(capsys)
    assert message in error
    assert "secret" not in error


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        pytest.param("{git = 'https://x'}", "CI821", id="a repository"),
        pytest.param("{source = 'corp'}", "CI823", id="an index without a URL"),
    ],
)
def test_a_refusal_ends_with_the_code_of_its_cause(
    entry: str, code: str, installer: str, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source, {"pyproject.toml": f"{PROJECT}{POETRY}corp-kit = {entry}\n"})
    assert _bundle(source, "--installer", installer)[0] == 1
    assert _message(capsys).endswith(f" [{code}]")


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"pyproject.toml": _uv(f"corp-kit = {{path = '{WHEEL}'}}")}, id="uv path"),
        pytest.param(
            {"pyproject.toml": _uv(f"corp-kit = {{path = '{WHEEL}'}}"), "requirements.txt": "corp-kit\n"},
            id="requirements",
        ),
        pytest.param(
            {
                "pyproject.toml": _uv(
                    f"corp-kit = [{{git = 'https://x', marker = \"os_name == 'nt'\"}}, {{path = '{WHEEL}'}}]"
                )
            },
            id="uv markers",
        ),
        pytest.param({"pyproject.toml": f"{PROJECT}{POETRY}corp-kit = {{path = '{WHEEL}'}}\n"}, id="poetry path"),
        pytest.param(
            {"pyproject.toml": PROJECT.replace("corp-kit>=1", f"corp-kit @ {{root:uri}}/{WHEEL}")}, id="hatch"
        ),
        pytest.param(
            {"pyproject.toml": f"{PROJECT}[tool.uv]\nconstraint-dependencies = ['corp-kit<9']\nfind-links=['libs']\n"},
            id="constraints",
        ),
    ],
)
def test_a_source_is_kept(files: Mapping[str, str], installer: str, source: Path) -> None:
    tree(source, files)
    status, found = _bundle(source, "--installer", installer)
    assert (status, found.get(KIT)) == (0, b"own")


@pytest.fixture
def corp(source: Path) -> Iterator[str]:
    """The URL of the index ``corp``."""
    handler = partial(_Quiet, directory=str(source.parent / "corp"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


def _corp(url: str, more: str = "") -> str:
    return f"[[tool.uv.index]]\nname = 'corp'\nurl = '{url}'\n{more}"


ONLY_UV = [
    pytest.param(
        lambda corp: _uv("corp-kit = {index = 'corp'}", _corp(corp, "explicit = true\n")),
        "corp-kit comes from the index corp, and pip cannot take one package from one index; use --installer uv",
        id="explicit",
    ),
    pytest.param(
        lambda corp: (
            f"{PROJECT}{POETRY}corp-kit = {{source = 'corp'}}\n"
            + _corp(corp).replace("uv.index", "poetry.source")
            + "priority = 'explicit'\n"
        ),
        "corp-kit comes from the index corp, and pip cannot",
        id="poetry",
    ),
    pytest.param(
        lambda corp: f"{PROJECT}[tool.uv]\noverride-dependencies = ['corp-kit==1.0']\nfind-links = ['libs']\n",
        "pip has no override-dependencies",
        id="overrides",
    ),
]


@pytest.mark.skipif(not uv_program(), reason="uv is not installed here")
@pytest.mark.parametrize(
    "project",
    [
        _uv("other = {git = 'https://x'}").replace("'corp-kit>=1'", "'corp-kit', \"other; sys_platform == 'win32'\""),
        f"{PROJECT}{POETRY}corp-kit = [{{git = 'https://x', markers = \"sys_platform == 'win32'\"}}, "
        f"{{path = '{WHEEL}', markers = \"sys_platform == 'linux'\"}}]\n",
    ],
)
def test_a_source_for_another_platform_is_no_error(project: str, source: Path) -> None:
    tree(source, {"pyproject.toml": project})
    assert _bundle(source)[0] == 0


def test_an_index_in_the_settings_of_uv_pip_is_not_lost(
    corp: str, installer: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(source, {"pyproject.toml": f"{PROJECT}[tool.uv.pip]\nindex-url = '{corp}'\nno-index = false\n"})
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.delenv("PIP_NO_INDEX")
    assert _bundle(source, "--installer", installer)[1][KIT] == b"own"


@pytest.mark.parametrize(("project", "message"), ONLY_UV)
def test_what_only_uv_can_do_is_refused_with_pip(
    project: Any,
    message: str,
    source: Path,
    corp: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", f"{corp}/empty")
    tree(source, {"pyproject.toml": project(corp)})
    status, found = _bundle(source, "--installer", "uv")
    assert (status, found.get(KIT)) == (0, b"own")
    assert _bundle(source, "--installer", "pip")[0] == 1
    assert message in _message(capsys)


def test_an_index_that_uv_searches_first_is_refused_with_pip(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree(source, {"pyproject.toml": PROJECT + CORP})
    assert _bundle(source, "--installer", "pip")[0] == 1
    assert "search corp before other indexes, and pip searches all at once; use --installer uv" in _message(capsys)


def test_a_workspace_above_the_source_is_read(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = "[tool.uv.workspace]\nmembers = ['s*']\n[tool.uv.sources]\ncorp-kit = {workspace = true}\n"
    tree(source.parent, {"pyproject.toml": root, "src/pyproject.toml": PROJECT})
    assert _bundle(source)[0] == 1
    assert "pyproject.toml: corp-kit comes from this workspace by [tool.uv.sources]" in _message(capsys)
    tree(source, {"pyproject.toml": PROJECT.replace("'corp-kit>=1'", "")})
    assert _bundle(source)[0] == 0
    assert (
        "warning: the project's workspace has its versions, and uv.lock is not in the source" in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("environ", "files", "told"),
    [
        pytest.param({}, {}, {}, id="nothing"),
        pytest.param({"PIP_INDEX_URL": "https://corp"}, {}, {"UV_INDEX_URL": "https://corp"}, id="a variable"),
        pytest.param(
            {"PIP_EXTRA_INDEX_URL": "https://a https://b", "PIP_FIND_LINKS": "/a\n/b", "PIP_NO_INDEX": "true"},
            {},
            {
                "UV_EXTRA_INDEX_URL": "https://a https://b",
                "UV_FIND_LINKS": "/a,/b",
                "UV_INDEX_STRATEGY": "unsafe-best-match",
            },
            id="all",
        ),
        pytest.param(
            {},
            {".config/pip/pip.conf": "[global]\nindex-url = https://a\n[download]\nindex_url = https://b\n"},
            {"UV_INDEX_URL": "https://b"},
            id="a file",
        ),
        pytest.param(
            {"PIP_CONFIG_FILE": os.devnull},
            {".config/pip/pip.conf": "[global]\nindex-url = https://a\n"},
            {},
            id="no file",
        ),
        pytest.param({"PIP_INDEX_URL": "https://a", "UV_INDEX": "https://b"}, {}, {}, id="uv has its own"),
        pytest.param(
            {"PIP_INDEX_URL": "https://a"},
            {".config/uv/uv.toml": "index-url = 'https://b'\n"},
            {},
            id="uv has its own file",
        ),
    ],
)
def test_uv_gets_the_indexes_of_pips_settings(
    environ: Mapping[str, str], files: Mapping[str, str], told: Mapping[str, str], tmp_path: Path
) -> None:
    tree(tmp_path, files)
    found, options = indexes_for_uv({"HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path), **environ})
    assert found == told
    assert options == (("--no-index",) if "PIP_NO_INDEX" in environ else ())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", "--no-index\n--extra-index-url https://user:secret@127.0.0.1:9/simple\nmissing\n"),
        ("requirements.txt", "missing @ https://user:secret@127.0.0.1:9/missing-1.0-py3-none-any.whl?sig=secret\n"),
        ("requirements.txt", "missing @ https://secret@127.0.0.1:9/missing-1.0-py3-none-any.whl\n"),
        ("pyproject.toml", _uv("corp-kit = {url = 'https://user:secret@127.0.0.1:9/corp_kit-1.0-py3-none-any.whl'}")),
    ],
)
def test_no_message_shows_credentials(
    name: str,
    text: str,
    installer: str,
    source: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for variable, value in {"PIP_RETRIES": "0", "UV_HTTP_RETRIES": "0"}.items():
        monkeypatch.setenv(variable, value)
    tree(source, {name: text})
    assert _bundle(source, "--installer", installer)[0] == 1
    assert "secret" not in capsys.readouterr().err


def test_a_list_with_a_password_is_not_in_the_bundle(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = "--index-url https://user:secret@corp.example/simple\n"
    files = {"requirements.txt": secret, "more/requirements-dev.txt": secret, "Pipfile.lock": '"https://token@host/"'}
    kept = {"notes.txt": secret, "requirements.in": "--index-url https://${USER}:${PASSWORD}@host\n"}
    tree(source, {**files, **kept, "pylock.toml": "git+ssh://git@host"})
    status, found = _bundle(source, "--no-install")
    assert (status, set(found)) == (0, {"app.py", "pylock.toml", *kept})
    assert "note: requirements.txt holds a password in a URL; the bundle does not contain it" in capsys.readouterr().err
