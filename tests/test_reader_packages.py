"""The reader on its own: a wheel and an npm package, which hold it and nothing else, and which ``bundle`` takes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from cfn_injector import __version__
from cfn_injector.cli.bundling.npm_reader import supplied
from cfn_injector.cli.main import main
from releasing import packages
from tests.support.cli_projects import contents, state, tarball, tree
from tests.support.interpreters import INTERPRETERS, run_bare
from tests.support.node_js import ROOT, WRAPPER, needs_node, run_node

READER = ROOT / "wrapper"
NPM = shutil.which("npm")
MODULES = {"__init__.py", "dotenv.py", "py.typed"}
IN_NODE = {"index.cjs", "index.mjs", "index.d.cts", "index.d.mts", "package.json"}
NAME = "cfn-injector-reader"
IN_BUNDLE = {"index.cjs", "index.mjs", "package.json"}

needs_npm = pytest.mark.skipif(NPM is None, reason="npm is not installed here")


def _run(*command: str | Path, cwd: Path) -> str:
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True, timeout=120).stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _built(packages.reader_wheel, tmp_path_factory.mktemp("python"))


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _built(packages.reader_for_npm, tmp_path_factory.mktemp("node"))


def _built(build: Callable[[Path, Path, Path], Path], folder: Path) -> Path:
    """What a release builds from this checkout, which stays as it is."""
    before = state(READER)
    (folder / "dist").mkdir()
    (folder / "work").mkdir()
    built = build(packages.copy_tracked(ROOT, folder / "source"), folder / "dist", folder / "work")
    assert state(READER) == before
    return built


# The wheel ------------------------------------------------------------------------------------------------------------


def test_the_wheel_holds_the_reader_alone_under_both_names(wheel: Path) -> None:
    assert wheel.name == f"cfn_injector_reader-{__version__}-py3-none-any.whl"
    found = contents(wheel)
    info = f"cfn_injector_reader-{__version__}.dist-info"
    assert {name for name in found if not name.startswith(f"{info}/")} == {
        f"{package}/{name}" for package in ("wrapper", "cfn_injector_reader") for name in MODULES
    }
    for name in MODULES:
        assert found[f"wrapper/{name}"] == found[f"cfn_injector_reader/{name}"] == (READER / name).read_bytes()
    assert f"{info}/licenses/LICENSE" in found
    metadata = found[f"{info}/METADATA"].decode()
    assert "Requires-Python: >=3.7\n" in metadata
    assert "Requires-Dist" not in metadata
    assert metadata.endswith((READER / "README.md").read_text("utf-8"))


@pytest.mark.parametrize("version", INTERPRETERS)
def test_both_names_of_the_wheel_read_the_same(version: str, wheel: Path, tmp_path: Path) -> None:
    task = tmp_path / "task"
    shutil.unpack_archive(wheel, task, "zip")
    tree(task, {".env": 'A="x\\n"\n'})
    script = "import cfn_injector_reader as a, wrapper as b; print(a.get_env() == b.get_env() == {'A': 'x\\n'})"
    assert run_bare(INTERPRETERS[version], task, script, {"LAMBDA_TASK_ROOT": str(task)}) == "True\n"


def test_a_function_that_requires_the_wheel_gets_it_once(wheel: Path, tmp_path: Path) -> None:
    source = tree(tmp_path / "src", {"app.py": "import wrapper\n", "requirements.txt": f"./{wheel.name}\n"})
    shutil.copy(wheel, source)
    output = tmp_path / "app.zip"
    assert main(["bundle", str(source), "-o", str(output), "--exclude", "*.whl", "--installer", "pip"]) == 0
    assert contents(output)["wrapper/py.typed"] == b""


# The npm package ------------------------------------------------------------------------------------------------------


@needs_npm
def test_the_npm_package_holds_the_reader_alone(packed: Path) -> None:
    assert packed.name == f"{NAME}-{__version__}.tgz"
    with tarfile.open(packed) as archive:
        names = {member.name for member in archive.getmembers()}
    assert names == {f"package/{name}" for name in (*IN_NODE, "LICENSE", "README.md")}
    package = json.loads((WRAPPER / "package.json").read_text("utf-8"))
    assert not {"dependencies", "peerDependencies", "scripts", "private"} & package.keys()


def _application(folder: Path, *specs: str) -> Path:
    """An application in which somebody has run ``npm install`` with the specs."""
    source = tree(folder / "src", {"package.json": '{"name": "app", "version": "1.0.0"}', ".env": "A=1\n"})
    assert NPM
    _run(NPM, "install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts", *specs, cwd=source)
    return source


@needs_node
@needs_npm
@pytest.mark.parametrize(
    ("kind", "name"),
    [("folder", NAME), ("folder", "wrapper"), ("tarball", "wrapper"), ("tarball of the source", NAME)],
)
def test_an_application_that_has_installed_it_is_bundled(kind: str, name: str, packed: Path, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    if kind == "folder":
        spec = os.path.relpath(WRAPPER, tmp_path / "src")
    else:
        shutil.copy(packed, tmp_path / ("src" if kind == "tarball of the source" else "."))
        spec = f"./{packed.name}" if kind == "tarball of the source" else f"../{packed.name}"
    source = _application(tmp_path, f"{name}@file:{spec}")
    tree(source, {"app.mjs": f'import {{ getEnv }} from "{name}";\nconsole.log(getEnv().A);\n'})
    output, before = tmp_path / "app.zip", state(source)
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert state(source) == before
    names = contents(output).keys()
    assert {each for each in names if each.startswith("node_modules/")} >= {
        f"node_modules/{name}/{each}" for each in IN_BUNDLE
    }
    shutil.unpack_archive(output, tmp_path / "task")
    assert run_node("app.mjs", cwd=tmp_path / "task", LAMBDA_TASK_ROOT=str(tmp_path / "task")) == "1\n"


def _supplied(folder: Path, manifest: Mapping[str, Any], **locks: Any) -> tuple[Mapping[str, Path], dict[str, Any]]:
    """What is supplied for a project in ``folder/project``, and what npm then reads."""
    tree(folder / "project", {"package.json": json.dumps(manifest)})
    copy = tree(folder / "copy", {"package.json": json.dumps(manifest)})
    tree(copy, {f"{name}.json": json.dumps(lock) for name, lock in locks.items()})
    found = supplied(copy, folder / "project")
    return found, {path.name: json.loads(path.read_text()) for path in sorted(copy.iterdir())}


def test_nothing_of_it_is_left_for_npm(tmp_path: Path) -> None:
    shutil.copytree(WRAPPER, tmp_path / "reader")
    spec, kept = "file:../reader", {"left": "^1.0.0"}
    manifest = {"name": "app", "dependencies": {**kept, NAME: spec}, "devDependencies": {"wrapper": spec}}
    without = {"name": "app", "dependencies": kept, "devDependencies": {}}
    link = {"resolved": "../reader", "link": True}
    places = {"../reader": {"name": NAME}, f"node_modules/{NAME}": link, "node_modules/wrapper": link}
    first = {NAME: {"version": spec}, "wrapper": {"version": spec, "dev": True}}
    lock = {
        "lockfileVersion": 2,
        "packages": {"": manifest, **places, "node_modules/left": {"version": "1.0.0"}},
        "dependencies": {"left": {"version": "1.0.0"}, **first},
    }
    found, read = _supplied(tmp_path, manifest, **{"package-lock": lock})
    assert found == {f"node_modules/{NAME}/{name}": WRAPPER / name for name in IN_BUNDLE}
    assert read["package.json"] == without
    assert read["package-lock.json"] == {
        "lockfileVersion": 2,
        "packages": {"": without, "node_modules/left": {"version": "1.0.0"}},
        "dependencies": {"left": {"version": "1.0.0"}},
    }


def _with_other_code(folder: Path) -> None:
    (folder / "index.cjs").write_text("module.exports = {};\n")


def _with_another_name(folder: Path) -> None:
    (folder / "package.json").write_text('{"name": "wrapper"}')


def _with_a_pipe(folder: Path) -> None:
    (folder / "index.cjs").unlink()
    os.mkfifo(folder / "index.cjs")


def _without_code(folder: Path) -> None:
    (folder / "index.cjs").unlink()


def _with_damage(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_bytes(b"\x1f\x8b no tarball")


def _packed_with_other_code(folder: Path) -> None:
    shutil.rmtree(folder)
    tarball(folder, {"name": NAME}, {"index.cjs": "module.exports = {};\n"})


@pytest.mark.parametrize(
    "change",
    [
        *(_with_other_code, _with_another_name, _with_a_pipe, _without_code, _with_damage, _packed_with_other_code),
        shutil.rmtree,
    ],
)
def test_a_package_outside_of_the_source_that_is_not_this_reader_is_refused(
    change: Callable[[Path], object], tmp_path: Path
) -> None:
    change(Path(shutil.copytree(WRAPPER, tmp_path / "reader")))
    manifest = {"dependencies": {NAME: "file:../reader"}}
    assert _supplied(tmp_path, manifest) == ({}, {"package.json": manifest})


@needs_npm
def test_the_error_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tree(tmp_path / "src", {"package.json": json.dumps({"dependencies": {NAME: "file:../reader"}})})
    assert main(["bundle", str(source), "-o", str(tmp_path / "app.zip")]) == 1
    assert f"{NAME} leads out of the source; copy the package into the source" in capsys.readouterr().err
