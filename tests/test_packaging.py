"""What is installed: the pins agree, the wheel is complete, and the wrapper needs nothing else."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import metadata, requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from cfn_injector.cli import build_provider
from cfn_injector.cli.main import COMMANDS
from cfn_injector.cli.template_files import template_path
from tests.support.wheels import FOLDERS, ROOT, build_wheel, pip


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
    """The top-level names that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def test_the_wrapper_imports_the_standard_library_alone() -> None:
    found = {name for path in (ROOT / "wrapper").rglob("*.py") for name in _imports(path)}
    assert found - sys.stdlib_module_names <= {"wrapper"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy of this project."""
    return build_wheel(tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the wheel was installed."""
    target = tmp_path_factory.mktemp("installed")
    pip("install", "--target", target, wheel)
    return target


OF_THE_READER = [ROOT / "wrapper" / name for name in ("README.md", "pyproject.toml")]


def _checked_out() -> set[str]:
    """The files of all packages, by their names in a wheel. Those of the reader's own package alone are not in it."""
    found = ((folder, path) for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file())
    return {
        f"{FOLDERS[folder]}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder, path in found
        if "__pycache__" not in path.parts and path not in OF_THE_READER
    }


def test_the_wheel_contains_every_file_of_the_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}

    assert names == _checked_out()


def test_the_wheel_contains_two_packages_and_the_templates(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()

    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"cfn_injector", "wrapper"}
    assert {name.rpartition("/")[2] for name in names if name.startswith("cfn_injector/templates/")} == {
        *("alias.yaml", "alias-native.yaml", "edge.yaml", "events.yaml", "hitcounter.yaml"),
        *("operations.yaml", "provider.yaml", "provider-bucket.yaml", "sam.yaml", "stages.yaml"),
        *("app.py", "events.py"),  # the functions that the templates deploy
    }


def test_what_is_installed_is_what_the_wheel_contains(installed: Path) -> None:
    others = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert others == {"cfn_injector", "wrapper", "bin"}


def test_the_command_and_the_templates_work_in_an_environment_with_nothing_else(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True, timeout=60)
    pip("--python", environment / "bin" / "python", "install", wheel)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def run(*command: str) -> str:
        words: list[str | Path] = [environment / "bin" / command[0], *command[1:]]
        done = subprocess.run(words, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    shown = run("cfn-injector", "--help")
    script = "from cfn_injector.cli.template_files import template_path; print(template_path('provider.yaml'))"
    template = Path(run("python", "-c", script).strip())

    assert [name for name in COMMANDS if name not in shown] == []
    assert template.parent.parts[-2:] == ("cfn_injector", "templates")
    assert template.is_relative_to(environment.resolve())
    assert template.read_bytes() == (ROOT / "templates" / "provider.yaml").read_bytes()


def test_a_checkout_finds_its_own_templates() -> None:
    assert template_path("hitcounter.yaml") == ROOT / "templates" / "hitcounter.yaml"
    with pytest.raises(FileNotFoundError, match=r"no template missing\.yaml"):
        template_path("missing.yaml")


def test_the_bundle_of_a_wheel_is_that_of_an_editable_install(installed: Path, tmp_path: Path) -> None:
    output = tmp_path / "provider.zip"
    environ = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-m", "cfn_injector", "build-provider", "--output", str(output)]
    subprocess.run(command, env=environ, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    with zipfile.ZipFile(output) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    sources = build_provider.contents()
    expected = {**sources, **build_provider.bytecode(sources).files}
    metadata = next(name for name in expected if name.startswith("cfn_injector-") and name.endswith("/METADATA"))
    assert found.pop(metadata)
    assert expected.pop(metadata)
    assert found == expected


def test_the_script_for_continuous_integration_runs_as_it_is() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)


def test_the_workflow_runs_that_script() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
    assert [step["run"] for step in workflow["jobs"]["check"]["steps"] if "run" in step] == [".ci/run"]


@pytest.mark.parametrize("tool", ["ruff", "codespell"])
def test_pre_commit_runs_the_versions_that_lint_installs(tool: str) -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    (version,) = (repo["rev"].removeprefix("v") for repo in hooks if tool in repo["repo"])
    assert str(_required("cfn-injector")[tool].specifier) == f"=={version}"


def test_the_classifiers_name_every_python_from_the_oldest_that_is_supported() -> None:
    given = metadata("cfn-injector")
    versions = re.findall(r"Python :: 3\.(\d+)$", "\n".join(given.get_all("Classifier", [])), re.MULTILINE)
    assert given["Requires-Python"] == f">=3.{versions[0]}"
    assert [int(each) for each in versions] == list(range(int(versions[0]), int(versions[-1]) + 1))
