"""The bytecode in the provider's zip and of the loader: which files have it, that it is used, and that it is stable."""

from __future__ import annotations

import json
import marshal
import os
import subprocess
import sys
import zipfile
from importlib.util import source_hash
from pathlib import Path

import pytest

import cfn_injector
from cfn_injector.cli import build_provider
from cfn_injector.cli.bytecode import cached_name, compile_for
from cfn_injector.cli.main import main
from cfn_injector.cli.template_files import template_path
from cfn_injector.env_loader import desired
from tests.support.interpreters import INTERPRETERS, run_bare

SOURCE = Path(cfn_injector.__file__).parent
HERE = f"python3.{sys.version_info.minor}"
"""A runtime that this machine can compile for."""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> build_provider.ProviderZip:
    """A zip with the bytecode of the Python that runs the tests."""
    return build_provider.build(tmp_path_factory.mktemp("compiled") / "provider.zip", runtime=HERE)


@pytest.fixture(scope="module")
def compiled_task(compiled: build_provider.ProviderZip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compiled-task")
    with zipfile.ZipFile(compiled.path) as archive:
        archive.extractall(folder)
    return folder


def test_the_zip_stays_small_enough_to_start_quickly(compiled: build_provider.ProviderZip) -> None:
    with zipfile.ZipFile(compiled.path) as archive:
        bytecode = sum(entry.compress_size for entry in archive.infolist() if entry.filename.endswith(".pyc"))
    assert compiled.size - bytecode < 2_500_000
    assert bytecode < 2_000_000


def test_the_same_installation_gives_the_same_bytes_with_bytecode(
    compiled: build_provider.ProviderZip, tmp_path: Path
) -> None:
    again = tmp_path / "again.zip"
    environ = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Kathmandu", "PYTHONOPTIMIZE": "2"}
    command = [sys.executable, "-m", "cfn_injector", "build-provider", "--runtime", HERE, "--output", str(again)]
    subprocess.run(command, env=environ, cwd=SOURCE.parent, check=True, capture_output=True)
    assert again.read_bytes() == compiled.path.read_bytes()


def test_every_module_has_bytecode_and_nothing_else_is_compiled(compiled: build_provider.ProviderZip) -> None:
    with zipfile.ZipFile(compiled.path) as archive:
        names = set(archive.namelist())
    minor = sys.version_info.minor
    loaders = {f"cfn_injector/env_loader/python_handler.cpython-3{each}.pyc" for each in range(10, 15)}
    modules = {cached_name(name, minor) for name in names if name.endswith(".py")}
    assert {name for name in names if name.endswith(".pyc")} - loaders == modules
    assert cached_name("boto3/session.py", 13) == "boto3/__pycache__/session.cpython-313.pyc"


@pytest.mark.parametrize("version", INTERPRETERS)
def test_the_same_sources_give_the_same_bytecode(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    minor = int(version.partition(".")[2])
    monkeypatch.setenv("PATH", str(Path(INTERPRETERS[version]).parent), prepend=os.pathsep)
    sources = {path.name: path.read_bytes() for path in sorted((SOURCE / "archive").glob("*.py"))}
    sources["sets.py"] = b"def f(x): return x in {'a', 'b', 'c', 'd', 'e'} or x in {1: 'a', 2: 'c'}\n"
    first = compile_for(minor, sources)
    assert first
    assert first.release.startswith(f"{version}.")
    for name, source in sources.items():
        again = compile_for(minor, {"unrelated.py": sources["sets.py"], name: source})
        assert again
        assert again.files[name] == first.files[name]


def test_bytecode_has_no_references_because_they_depend_on_what_else_the_process_did() -> None:
    found = compile_for(sys.version_info.minor, {"a.py": b"def f(a):\n    return a.b(a.b)\n"})
    assert found
    body = found.files["a.py"][16:]
    assert marshal.dumps(marshal.loads(body), 2) == body


def test_bytecode_is_used_whatever_the_date_of_its_source(compiled_task: Path) -> None:
    for path in compiled_task.rglob("*.pyc"):
        body = path.read_bytes()
        assert body[4:8] == b"\1\0\0\0"  # https://peps.python.org/pep-0552/: by hash, and unchecked
        source = path.parents[1] / f"{path.name.partition('.')[0]}.py"
        if path.parent.name == "__pycache__":
            assert body[8:16] == source_hash(source.read_bytes())


_COUNT = """
from importlib import _bootstrap_external as machinery
compiled = []
original = machinery.SourceLoader.source_to_code
def counting(self, data, path, **options):
    compiled.append(path)
    return original(self, data, path, **options)
machinery.SourceLoader.source_to_code = counting
"""
_START = f"""{_COUNT}
import cfn_injector.aws_lambda, cfn_injector.resources.lambda_function, cfn_injector.resources.lambda_code, boto3
for name in ("cloudformation", "lambda", "s3"):
    boto3.client(name, region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
print(len([path for path in compiled if path.startswith(sys.path[0])]))
"""


@pytest.mark.parametrize("version", INTERPRETERS)
def test_a_cold_start_compiles_nothing_on_the_runtime_and_everything_on_others(
    version: str, compiled_task: Path
) -> None:
    count = int(run_bare(INTERPRETERS[version], compiled_task, _START, {"PYTHONDONTWRITEBYTECODE": "1"}))
    assert (count == 0) is (f"python{version}" == HERE)
    assert count == 0 or count > 100


def test_a_traceback_names_the_file_in_the_function(compiled_task: Path) -> None:
    script = "import boto3.session; print(boto3.session.Session.client.__code__.co_filename)"
    assert run_bare(sys.executable, compiled_task, script, {}).strip() == str(compiled_task / "boto3/session.py")


def test_a_source_that_does_not_compile_is_left_out() -> None:
    found = compile_for(sys.version_info.minor, {"bad.py": b"def", "good.py": b"# caf\xc3\xa9\n"})
    assert found
    assert list(found.files) == ["good.py"]


def test_modules_in_the_working_directory_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('run')")
    monkeypatch.chdir(tmp_path)
    assert compile_for(sys.version_info.minor, {"a.py": b""})


@pytest.fixture
def only_this_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr("cfn_injector.cli.bytecode.uv_program", lambda: "")


@pytest.mark.usefixtures("only_this_python")
def test_without_the_runtimes_python_the_zip_has_no_bytecode_and_the_command_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "provider.zip"
    assert main(["build-provider", "--runtime", "python3.99", "--output", str(output)]) == 0
    assert capsys.readouterr().err == (
        "cfn-injector: warning: this machine does not have Python 3.99, so the zip has no bytecode, and the provider "
        "starts slowly; run: uv python install 3.99\n"
    )
    with zipfile.ZipFile(output) as archive:
        assert not [name for name in archive.namelist() if "__pycache__" in name]


def test_a_program_of_that_name_that_is_another_python_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "python3.99").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compile_for(99, {"a.py": b""}) is None


def test_uv_finds_a_python_that_is_not_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = tmp_path / "arguments"
    uv = tmp_path / "uv"
    uv.write_text(f'#!/bin/sh\necho "$@" >{seen}\necho {tmp_path}/managed\n')
    uv.chmod(0o755)
    (tmp_path / "managed").symlink_to(sys.executable)
    monkeypatch.setattr("cfn_injector.cli.bytecode.uv_program", lambda: str(uv))
    compile_for(99, {"a.py": b""})
    assert seen.read_text().split()[:2] == ["python", "find"]
    assert seen.read_text().split()[-1] == "cpython@3.99"
    assert "--no-python-downloads" in seen.read_text()


@pytest.mark.parametrize(
    ("runtime", "message"),
    [
        ("nodejs22.x", "--runtime nodejs22.x does not run the provider; use python3.10 or later [CI851]"),
        ("python3.9", "--runtime python3.9 does not run the provider; use python3.10 or later [CI851]"),
        ("python", "--runtime python is not python3.N or nodejsN.x; use the runtime of the template [CI806]"),
    ],
)
def test_a_runtime_that_does_not_run_the_provider_is_refused(
    runtime: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build-provider", "--runtime", runtime, "--output", str(tmp_path / "provider.zip")]) == 2
    assert capsys.readouterr().err == f"cfn-injector: {message}\n"


def test_the_default_runtime_is_that_of_the_template() -> None:
    assert f"\n      Runtime: {build_provider.RUNTIME} #" in template_path("provider.yaml").read_text("utf-8")


_FILES_OF_THE_LOADER = """
import json
from cfn_injector.env_loader import desired
loader = desired({"EnvLoader": "handler", "Runtime": "python3.13", "Handler": "app.handler"})
print(json.dumps([[file.name, file.data.decode("latin-1")] for file in loader.files({"TABLE": "orders"})]))
"""
_LOAD = f"""{_COUNT}
import os, _cfn_injector
print(json.dumps([_cfn_injector.handler, [os.path.basename(path) for path in compiled]]))
""".replace("from importlib", "import json\nfrom importlib", 1)


@pytest.mark.parametrize("version", INTERPRETERS)
def test_the_loader_in_a_function_has_the_bytecode_that_the_zip_was_built_with(
    version: str, compiled: build_provider.ProviderZip, compiled_task: Path, tmp_path: Path
) -> None:
    files = json.loads(run_bare(sys.executable, compiled_task, _FILES_OF_THE_LOADER, {}))
    inside = zipfile.Path(compiled.path, "cfn_injector/env_loader/")
    by_command = desired({"EnvLoader": "handler", "Runtime": "python3.13", "Handler": "app.handler"}, inside)
    assert by_command is not None
    assert [[each.name, each.data.decode("latin-1")] for each in by_command.files({"TABLE": "orders"})] == files
    for name, data in [*files, ["app.py", "import os\nhandler = os.environ['TABLE']\n"]]:
        path = tmp_path / "task" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode("latin-1"))
    environ = {"PYTHONDONTWRITEBYTECODE": "1", "_HANDLER": "app.handler"}
    handler, sources = json.loads(run_bare(INTERPRETERS[version], tmp_path / "task", _LOAD, environ))
    releases = {release.rpartition(".")[0] for release in compiled.loader_releases}
    assert HERE.removeprefix("python") in releases
    assert handler == "orders"
    assert sources == (["app.py"] if version in releases else ["__init__.py", "app.py"])
