"""``EnvLoader``: what is put into the archive, what the function is started with, in which order; what is refused."""

from __future__ import annotations

import ast
import io
import json
import os
import stat
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from cfn_injector import env_loader
from cfn_injector.env_loader import EXEC_WRAPPER, LONGEST_RECORD, Loader
from cfn_injector.errors import ArtifactError, EnvFileError
from cfn_injector.injection import BytesSource, inject
from tests.conftest import ARTIFACTS, KEY, STAGING, World, artifact
from tests.fake_lambda import Function
from tests.interpreters import READERS
from tests.node_js import NODE, needs_node
from tests.test_injection import Memory
from tests.test_lambda_function import BASE, created, updated

WRAPPER = "/var/task/_cfn_injector/exec"
PYTHON = {"EnvLoader": "handler", "Runtime": "python3.13", "Handler": "pkg/app.main"}
NODE_JS = {"EnvLoader": "handler", "Runtime": "nodejs22.x", "Handler": "app.main"}
EXEC = {"EnvLoader": "exec", "Runtime": "java21", "Handler": "app.Main"}


def loader(properties: dict[str, Any]) -> Loader:
    wanted = env_loader.wanted(properties)
    assert wanted is not None
    return wanted


def block(properties: dict[str, Any], variables: dict[str, str]) -> bytes:
    return next(file.data for file in loader(properties).files(variables) if file.name == "_cfn_injector/environ")


@pytest.mark.parametrize(
    ("properties", "name", "mode", "handler", "wrapper"),
    [
        (PYTHON, "__init__.py", 0o644, "_cfn_injector.handler", ""),
        (NODE_JS, "index.mjs", 0o644, "_cfn_injector/index.handler", ""),
        (EXEC, "exec", 0o755, "app.Main", WRAPPER),
    ],
)
def test_an_archive_gets_the_loader_and_the_variables_beside_everything_else(
    properties: dict[str, Any], name: str, mode: int, handler: str, wrapper: str
) -> None:
    memory = Memory()
    inject(BytesSource(artifact({"a.txt": "a", ".env": "OWN=1\n"})), memory, {"A": "b"}, loader=loader(properties))
    archive = zipfile.ZipFile(io.BytesIO(memory.written[0]))
    assert archive.namelist() == ["a.txt", f"_cfn_injector/{name}", "_cfn_injector/environ", ".env"]
    assert stat.S_IMODE(archive.getinfo(f"_cfn_injector/{name}").external_attr >> 16) == mode
    assert archive.read("_cfn_injector/environ").endswith(b"\0OWN=1\0A=b\0")
    assert archive.read(".env") == b"OWN=1\nA=b\n"
    assert (loader(properties).handler, loader(properties).exec_wrapper) == (handler, wrapper)


@pytest.mark.parametrize(
    ("properties", "variables", "expected"),
    [
        (PYTHON, {"A": "1"}, b"_HANDLER=pkg/app.main\0\0A=1\0"),
        (PYTHON, {}, b"_HANDLER=pkg/app.main\0\0"),
        (PYTHON, {"_HANDLER": "mine"}, b"_HANDLER=pkg/app.main\0\0"),
        (EXEC, {"A": "1", "TZ": "UTC", "LANG": "C"}, b"TZ=UTC\0LANG=C\0\0A=1\0"),
        (EXEC, {}, b"\0"),
        (EXEC, {"foo.bar": "x=y"}, b"\0foo.bar=x=y\0"),
        (EXEC, {"PATH": "/mine", "NODE_OPTIONS": "-r x"}, b"\0"),
        (EXEC | {"AllowLoaderVariables": "true"}, {"PATH": "/mine"}, b"PATH=/mine\0\0"),
        (EXEC, {"U": "\u00fc\u2028\n'\"\\$`"}, b"\0U=\xc3\xbc\xe2\x80\xa8\n'\"\\$`\0"),
    ],
)
def test_the_block_parts_variables_that_win_over_the_environment_from_those_that_give_way(
    properties: dict[str, Any], variables: dict[str, str], expected: bytes
) -> None:
    assert block(properties, variables) == expected


def test_a_value_that_no_environment_can_hold_is_refused_by_its_name() -> None:
    with pytest.raises(EnvFileError, match=r"'A' a NUL") as refused:
        block(PYTHON, {"A": "se\0cret"})
    assert "cret" not in str(refused.value)


def test_a_value_that_linux_starts_no_program_with_is_refused_for_exec_alone() -> None:
    longest = "v" * (LONGEST_RECORD - len("A="))
    assert block(EXEC, {"A": longest})
    assert block(PYTHON, {"A": longest + "v"})
    with pytest.raises(EnvFileError, match=r"'A' over 131,071 bytes"):
        block(EXEC, {"A": longest + "v"})


def test_linux_starts_programs_with_the_longest_value() -> None:
    longest = {b"A": b"v" * (LONGEST_RECORD - len("A="))}
    assert subprocess.run(["/bin/true"], env=longest, timeout=30).returncode == 0
    with pytest.raises(OSError, match="Argument list too long"):
        subprocess.run(["/bin/true"], env={b"A": longest[b"A"] + b"v"}, timeout=30)


@pytest.mark.parametrize("name", ["_cfn_injector", "_cfn_injector/x.py", "./_cfn_injector/environ"])
def test_an_artifact_that_uses_the_loaders_folder_is_refused_where_a_loader_is_added(name: str) -> None:
    source, memory = BytesSource(artifact({name: "mine"})), Memory()
    with pytest.raises(ArtifactError, match="is where EnvLoader puts the loader"):
        inject(source, memory, {}, loader=loader(PYTHON))
    assert not memory.written
    inject(source, memory, {})
    inject(BytesSource(artifact({"_cfn_injectors/x.py": "mine"})), memory, {}, loader=loader(PYTHON))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (PYTHON, PYTHON | {"Handler": "other.main"}),
        (PYTHON, PYTHON | {"AllowLoaderVariables": "true"}),
        (PYTHON, NODE_JS),
        (PYTHON, PYTHON | {"EnvLoader": "exec"}),
    ],
)
def test_the_version_tells_loaders_apart(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert loader(first).version == loader(dict(first)).version
    assert loader(first).version != loader(second).version


@pytest.mark.parametrize(
    ("properties", "problem"),
    [
        ({"EnvLoader": "magic"}, "EnvLoader is none of: none, handler, exec"),
        ({"EnvLoader": ["handler"]}, "EnvLoader is none of: none, handler, exec"),
        (PYTHON | {"Runtime": "java21"}, "EnvLoader handler is for Python and Node.js, and Runtime is java21"),
        (PYTHON | {"Handler": "app"}, "Handler is not a module, a dot and a name"),
        (PYTHON | {"Handler": "app."}, "Handler is not a module, a dot and a name"),
        (PYTHON | {"Handler": "../app.main"}, "Handler is not a module, a dot and a name"),
        (EXEC | {"Runtime": "provided.al2023"}, "EnvLoader exec has no effect with provided.al2023"),
        (EXEC | {"Runtime": "go1.x"}, "EnvLoader exec has no effect with go1.x"),
        (EXEC | {"Edge": "true"}, "EnvLoader exec needs an environment variable, which Lambda@Edge forbids"),
        (
            EXEC | {"Environment": {"Variables": {EXEC_WRAPPER: "/opt/mine"}}},
            f"Environment.Variables.{EXEC_WRAPPER} is what EnvLoader: exec sets itself",
        ),
        (EXEC | {"Env": {EXEC_WRAPPER: "/opt/mine"}}, f"Env.{EXEC_WRAPPER} is what EnvLoader: exec sets itself"),
        ({"EnvFile": "_cfn_injector/.env"}, "EnvFile is in _cfn_injector, the folder of the loaders"),
    ],
)
def test_what_no_loader_can_be_added_to_is_refused(properties: dict[str, Any], problem: str) -> None:
    (found,) = env_loader.problems(properties)
    assert str(found).startswith(problem)


@pytest.mark.parametrize(
    "properties",
    [
        {},
        PYTHON,
        NODE_JS | {"Handler": "a/b/app.sub.main", "Edge": "true"},
        *(EXEC | {"Runtime": name} for name in ("python3.13", "nodejs22.x", "java8.al2", "ruby3.4", "dotnet8")),
    ],
)
def test_what_a_loader_can_be_added_to_is_not(properties: dict[str, Any]) -> None:
    assert not list(env_loader.problems(properties))


def environ_after(
    tmp_path: Path, language: dict[str, Any], program: str, variables: dict[str, str], given: dict[str, str]
) -> Any:
    """The environment of a module of the user's, started by an interpreter that knows nothing of Lambda."""
    for file in loader(language).files(variables):
        path = tmp_path / file.name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(file.data)
    if language is PYTHON:
        (tmp_path / "pkg").mkdir()
        module = "import json, os, time\ndef main(): return json.dumps([dict(os.environ), time.tzname])\n"
        (tmp_path / "pkg" / "app.py").write_text(module)
        script = "import sys; sys.path.insert(0, '.'); import _cfn_injector; print(_cfn_injector.handler())"
        command = [program, "-I", "-W", "error", "-c", script]
    else:
        zone = "[new Date(0).toLocaleTimeString('en', { timeZoneName: 'short' })]"
        (tmp_path / "app.js").write_text(f"exports.main = () => JSON.stringify([{{ ...process.env }}, {zone}]);\n")
        script = "import('./_cfn_injector/index.mjs').then((shim) => console.log(shim.handler()))"
        command = [program, "-e", script]
    environ = {"PATH": os.environ["PATH"], **given}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("language", "program"),
    [
        *(pytest.param(PYTHON, path, id=f"Python {version}") for version, path in READERS.items()),
        pytest.param(NODE_JS, NODE, id="Node.js", marks=needs_node),
    ],
)
def test_a_shim_fills_the_environment_before_the_users_module_is_loaded(
    tmp_path: Path, language: dict[str, Any], program: str
) -> None:
    variables = {
        "A": "a=b\n'\u00fc",
        "HELD": "file",
        "TZ": "Asia/Tokyo",
        "PATH": "/mine",
        "__proto__": "p",
        "EMPTY": "",
    }
    environ, zone = environ_after(tmp_path, language, program, variables, {"HELD": "environment", "TZ": ":UTC"})
    assert {name: environ.get(name) for name in variables} == {
        "A": "a=b\n'\u00fc",
        "HELD": "environment",
        "TZ": "Asia/Tokyo",
        "PATH": os.environ["PATH"],
        "__proto__": "p",
        "EMPTY": "",
    }
    assert environ["_HANDLER"] == language["Handler"]
    assert "JST" in zone or "GMT+9" in zone[0]


@pytest.mark.parametrize("version", [(3, minor) for minor in range(8, 14)])
def test_the_python_shim_is_python_of_every_version_that_lambda_runs(version: tuple[int, int]) -> None:
    (shim, _) = loader(PYTHON).files({})
    tree = ast.parse(shim.data, feature_version=version)
    imported = [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
    assert set(imported) == {"os", "sys", "time", "importlib"}


def can_start(function: Function) -> bool:
    """Whether all that the function's configuration names is in its code."""
    names = zipfile.ZipFile(io.BytesIO(function.archive)).namelist()
    configuration = function.configuration
    needed = {
        "_cfn_injector.handler": "_cfn_injector/__init__.py",
        "_cfn_injector/index.handler": "_cfn_injector/index.mjs",
    }.get(configuration["Handler"])
    wrapper = configuration.get("Environment", {}).get("Variables", {}).get(EXEC_WRAPPER)
    return needed in (*names, None) and (wrapper is None or wrapper.removeprefix("/var/task/") in names)


def entry(function: Function) -> tuple[str, dict[str, str]]:
    configuration = function.configuration
    return configuration["Handler"], configuration.get("Environment", {}).get("Variables", {})


STARTS: dict[str, tuple[str, dict[str, str]]] = {
    "none": ("index.handler", {"OWN": "1"}),
    "handler": ("_cfn_injector.handler", {"OWN": "1"}),
    "exec": ("index.handler", {"OWN": "1", EXEC_WRAPPER: WRAPPER}),
}
CONFIGURED: dict[str, Any] = {"Environment": {"Variables": {"OWN": "1"}}}


@pytest.mark.parametrize("kind", STARTS)
def test_a_function_is_created_so_that_its_loader_runs_first(world: World, kind: str) -> None:
    name = created(world, **CONFIGURED, EnvLoader=kind)
    function = world.aws_lambda.functions[name]
    assert entry(function) == STARTS[kind]
    assert can_start(function)


@pytest.mark.parametrize("old", STARTS)
@pytest.mark.parametrize("new", STARTS)
def test_whatever_loader_follows_another_the_function_can_start_at_every_moment(
    world: World, old: str, new: str
) -> None:
    name = created(world, **CONFIGURED, EnvLoader=old)
    function, seen = world.aws_lambda.functions[name], list[bool]()
    world.wire.hook = lambda exchange: seen.append(can_start(function))
    assert (
        updated(world, name, {**CONFIGURED, "EnvLoader": old}, {**CONFIGURED, "EnvLoader": new})["Status"] == "SUCCESS"
    )
    assert all(seen)
    assert entry(function) == STARTS[new]
    assert can_start(function)
    assert ("UpdateFunctionCode" in world.aws_lambda.changes()) == (old != new)


@pytest.mark.parametrize("change", [{"Handler": "other.handler"}, {"AllowLoaderVariables": True}])
def test_what_the_loader_depends_on_makes_new_code(world: World, change: dict[str, Any]) -> None:
    name = created(world, EnvLoader="handler")
    function = world.aws_lambda.functions[name]
    world.aws_lambda.calls.clear()
    assert updated(world, name, {"EnvLoader": "handler"}, {"EnvLoader": "handler", **change})["Status"] == "SUCCESS"
    assert "UpdateFunctionCode" in world.aws_lambda.changes()
    assert function.configuration["Handler"] == "_cfn_injector.handler"


def test_a_handler_that_changes_without_a_loader_makes_no_new_code(world: World) -> None:
    name = created(world)
    world.aws_lambda.calls.clear()
    assert updated(world, name, {}, {"Handler": "other.handler"})["Status"] == "SUCCESS"
    assert "UpdateFunctionCode" not in world.aws_lambda.changes()


def test_inline_source_gets_a_loader_too(world: World) -> None:
    source = "def handler(event, context): ..."
    name = created(world, Code={"ZipFile": source}, EnvLoader="handler")
    assert can_start(world.aws_lambda.functions[name])
    assert zipfile.ZipFile(io.BytesIO(world.aws_lambda.functions[name].archive)).read("index.py").decode() == source


def test_a_refused_loader_is_told_of_before_anything_is_touched(world: World) -> None:
    properties = {**BASE, "Runtime": "provided.al2023", "EnvLoader": "exec"}
    answered = world.stack.send(world.stack.event("Create", properties))
    assert answered["Status"] == "FAILED"
    assert "EnvLoader exec has no effect with provided.al2023" in answered["Reason"]
    assert world.aws_lambda.changes() == []


CODE: dict[str, Any] = {"Code": {"S3Bucket": ARTIFACTS, "S3Key": KEY}, "Env": {"TABLE": "dev"}}


def code(world: World, properties: dict[str, Any]) -> dict[str, Any]:
    return world.stack.send(world.stack.event("Create", {**CODE, **properties}, resource_type="Custom::LambdaCode"))


@pytest.mark.parametrize(
    ("properties", "handler", "wrapper"),
    [
        ({"Handler": "app.main"}, "app.main", ""),
        (PYTHON, "_cfn_injector.handler", ""),
        (NODE_JS, "_cfn_injector/index.handler", ""),
        (EXEC, "app.Main", WRAPPER),
        ({"EnvLoader": "exec", "Runtime": "dotnet8"}, "", WRAPPER),
    ],
)
def test_code_alone_answers_with_the_handler_and_the_wrapper_to_use(
    world: World, properties: dict[str, Any], handler: str, wrapper: str
) -> None:
    answered = code(world, properties)
    assert answered["Status"] == "SUCCESS", answered["Reason"]
    assert (answered["Data"]["Handler"], answered["Data"]["ExecWrapper"]) == (handler, wrapper)
    body = world.s3.get_object(Bucket=STAGING, Key=answered["PhysicalResourceId"])["Body"].read()
    names = zipfile.ZipFile(io.BytesIO(body)).namelist()
    assert ("_cfn_injector/environ" in names) == ("EnvLoader" in properties)


@pytest.mark.parametrize(
    ("properties", "missing"),
    [
        ({"EnvLoader": "handler", "Runtime": "python3.13"}, "Handler is missing"),
        ({"EnvLoader": "handler", "Handler": "app.main"}, "Runtime is missing"),
        ({"EnvLoader": "exec"}, "Runtime is missing"),
    ],
)
def test_code_alone_is_told_what_its_loader_depends_on(world: World, properties: dict[str, Any], missing: str) -> None:
    answered = code(world, properties)
    assert answered["Status"] == "FAILED"
    assert missing in answered["Reason"]


def test_another_loader_or_handler_is_another_key_of_code_alone(world: World) -> None:
    kinds: list[dict[str, Any]] = [
        {"Handler": "app.main"},
        PYTHON,
        PYTHON | {"Handler": "other.main"},
        NODE_JS,
        EXEC,
    ]
    keys = [code(world, properties)["PhysicalResourceId"] for properties in kinds]
    assert len(set(keys)) == len(kinds)
