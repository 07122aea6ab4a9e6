"""What is installed: the pins agree, the wheel is whole, and what goes into an artifact stands alone."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from cfn_injector.cli import build_provider

ROOT = Path(__file__).parents[1]
PACKAGES = ("cfn_injector", "wrapper", "example_hitcounter", "example_rollup", "example_streambot")


def _required(distribution: str) -> dict[str, Requirement]:
    return {found.name: found for found in map(Requirement, requires(distribution) or ())}


def test_botocore_is_the_one_that_the_emulator_pins() -> None:
    assert _required("cfn-injector")["botocore"].specifier == _required("ministack")["botocore"].specifier


@pytest.mark.parametrize("name", ["boto3", "botocore", "cfnlambda"])
def test_what_the_provider_runs_with_is_pinned(name: str) -> None:
    assert [clause.operator for clause in _required("cfn-injector")[name].specifier] == ["=="]


def test_a_fresh_machine_gets_no_major_version_that_was_never_tested() -> None:
    others = [each for each in _required("cfn-injector").values() if each.name != "cfn-injector"]
    assert [each.name for each in others if not {"==", "<"} & {clause.operator for clause in each.specifier}] == []


def _imports(path: Path) -> Iterator[str]:
    """The top-level names that a file imports, those inside of functions included."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def test_the_wrapper_imports_the_standard_library_alone() -> None:
    found = {name for path in (ROOT / "wrapper").rglob("*.py") for name in _imports(path)}
    assert found - sys.stdlib_module_names <= {"wrapper"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which a copy of this project was installed from its wheel."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("installed")
    for name in ("setup.cfg", "pyproject.toml", "LICENSE", "README.md"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, source)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", target, source], check=True, capture_output=True, timeout=120)
    return target


def test_the_wheel_holds_every_file_of_the_packages(installed: Path) -> None:
    def files(root: Path) -> set[str]:
        found = (path for package in PACKAGES for path in (root / package).rglob("*") if path.is_file())
        return {path.relative_to(root).as_posix() for path in found if "__pycache__" not in path.parts}

    assert files(installed) == files(ROOT)


def test_the_wheel_holds_nothing_else(installed: Path) -> None:
    others = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert others == {*PACKAGES, "bin"}


def test_the_bundle_of_a_wheel_is_that_of_an_editable_install(installed: Path, tmp_path: Path) -> None:
    output = tmp_path / "provider.zip"
    environ = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-m", "cfn_injector", "build-provider", "--output", str(output)]
    subprocess.run(command, env=environ, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    with zipfile.ZipFile(output) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    expected = dict(build_provider.contents())
    metadata = next(name for name in expected if name.startswith("cfn_injector-") and name.endswith("/METADATA"))
    assert found.pop(metadata)
    assert expected.pop(metadata)
    assert found == expected


def test_the_script_for_continuous_integration_runs_as_it_is() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
