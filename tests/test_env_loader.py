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
from tests.support.artifacts import Memory, artifact
from tests.support.interpreters import READERS
from tests.support.lambda_functions import WRAPPER
from tests.support.node_js import NODE, needs_node
from tests.support.world import ARTIFACTS, KEY, STAGING, World

PYTHON = {"EnvLoader": "handler", "Runtime": "python3.13", "Handler": "pkg/app.main"}
NODE_JS = {"EnvLoader": "handler", "Runtime": "nodejs22.x", "Handler": "app.main"}
EXEC = {"EnvLoader": "exec", "Runtime": "java21", "Handler": "app.Main"}


def loader(properties: dict[str, Any]) -> Loader:
    found = env_loader.desired(properties)
    assert found is not None
    return found


def block(properties: dict[str, Any], variables: dict[str, str]) -> bytes:
    return next(file.data for file in loader(properties).files(variables) if file.name == "_cfn_injector/environ")


@pytest.mark.parametrize(
    ("properties", "shims", "handler", "wrapper"),
    [
        (PYTHON, ["__init__.py"], "_cfn_injector.handler", ""),
        (NODE_JS, ["index.mjs"], "_cfn_injector/index.handler", ""),
        (PYTHON | {"EnvLoader": "exec"}, ["__init__.py"], "pkg/app.main", WRAPPER),
        (EXEC, [], "app.Main", WRAPPER),
        ({"EnvLoader": "exec", "Runtime": "python3.13"}, [], "", WRAPPER),
    ],
)
def test_an_archive_gets_the_loaders_and_the_variables_beside_everything_else(
    properties: dict[str, Any], shims: list[str], handler: str, wrapper: str
) -> None:
    memory = Memory()
    inject(BytesSource(artifact({"a.txt": "a", ".env": "OWN=1\n"})), memory, {"A": "b"}, loader=loader(properties))
    archive = zipfile.ZipFile(io.BytesIO(memory.written[0]))
    added = [f"_cfn_injector/{name}" for name in ("exec", *shims, "environ")]
    assert archive.namelist() == ["a.txt", *added, ".env"]
    modes = [stat.S_IMODE(archive.getinfo(name).external_attr >> 16) for name in added]
    assert modes == [0o755, *[0o644] * len(shims), 0o644]
    assert b"\0OWN=1\0A=b\0" in archive.read("_cfn_injector/environ")
    assert archive.read(".env") == b"OWN=1\nA=b\n"
    assert (loader(properties).handler, loader(properties).exec_wrapper) == (handler, wrapper)


@pytest.mark.parametrize(
    ("properties", "variables", "expected"),
    [
        (PYTHON, {"A": "1"}, b"\0A=1\0\0_HANDLER=pkg/app.main\0"),
        (PYTHON, {}, b"\0\0_HANDLER=pkg/app.main\0"),
        (PYTHON, {"_HANDLER": "mine", "AWS_ACCESS_KEY_ID": "leftover"}, b"\0\0_HANDLER=pkg/app.main\0"),
        (EXEC, {"A": "1", "TZ": "UTC", "LANG": "C"}, b"TZ=UTC\0LANG=C\0\0A=1\0\0"),
        (EXEC, {}, b"\0\0"),
        (EXEC, {"foo.bar": "x=y"}, b"\0foo.bar=x=y\0\0"),
        (EXEC, {"PATH": "/mine", "NODE_OPTIONS": "-r x"}, b"\0\0"),
        (EXEC | {"AllowLoaderVariables": "true"}, {"PATH": "/mine"}, b"PATH=/mine\0\0\0"),
        (EXEC, {"U": "\u00fc\u2028\n'\"\\$`"}, b"\0U=\xc3\xbc\xe2\x80\xa8\n'\"\\$`\0\0"),
    ],
)
def test_the_block_parts_variables_that_win_over_the_environment_from_those_that_give_way(
    properties: dict[str, Any], variables: dict[str, str], expected: bytes
) -> None:
    assert block(properties, variables) == expected


def test_a_value_that_no_environment_can_hold_is_refused_by_its_name() -> None:
    with pytest.raises(EnvFileError, match=r"'A' to a value with a NUL") as refused:
        block(PYTHON, {"A": "se\0cret"})
    assert "cret" not in str(refused.value)


def test_a_value_that_linux_starts_no_program_with_is_refused_for_exec_alone() -> None:
    longest = "v" * (LONGEST_RECORD - len("A="))
    assert block(EXEC, {"A": longest})
    assert block(PYTHON, {"A": longest + "v"})
    with pytest.raises(EnvFileError, match=r"'A' to over 131,071 bytes"):
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
    ("first", "second", "different"),
    [
        (PYTHON, dict(PYTHON), False),
        (PYTHON, PYTHON | {"Runtime": "python3.12"}, False),
        (EXEC, EXEC | {"Handler": "other.Main", "Runtime": "ruby3.4"}, False),
        (PYTHON, {}, True),
        (PYTHON, PYTHON | {"Handler": "other.main"}, True),
        (PYTHON, PYTHON | {"AllowLoaderVariables": "true"}, True),
        (PYTHON, NODE_JS, True),
    ],
)
def test_a_package_is_made_anew_where_its_loader_would_be_another(
    first: dict[str, Any], second: dict[str, Any], different: bool
) -> None:
    assert env_loader.differ(first, second) is different
    assert env_loader.differ(second, first) is different


@pytest.mark.parametrize(
    ("properties", "problem"),
    [
        ({"EnvLoader": "magic"}, "EnvLoader is not one of: auto, none, handler, exec"),
        ({"EnvLoader": ["handler"]}, "EnvLoader is not one of: auto, none, handler, exec"),
        (PYTHON | {"Runtime": "java21"}, "EnvLoader handler is for Python and Node.js, and Runtime is java21"),
        (PYTHON | {"Handler": "app"}, "Handler is not a module, a dot and a name"),
        (PYTHON | {"Handler": "app."}, "Handler is not a module, a dot and a name"),
        (PYTHON | {"Handler": "../app.main"}, "Handler is not a module, a dot and a name"),
        (EXEC | {"Runtime": "provided.al2023"}, "EnvLoader exec has no effect with provided.al2023"),
        (EXEC | {"Runtime": "go1.x"}, "EnvLoader exec has no effect with go1.x"),
        (EXEC | {"Edge": "true"}, "EnvLoader exec needs an environment variable, which Lambda@Edge forbids"),
        (
            EXEC | {"Environment": {"Variables": {EXEC_WRAPPER: "/opt/mine"}}},
            f"Environment.Variables.{EXEC_WRAPPER} is set by EnvLoader: exec",
        ),
        (EXEC | {"Env": {EXEC_WRAPPER: "/opt/mine"}}, f"Env.{EXEC_WRAPPER} is set by EnvLoader: exec"),
        (EXEC | {"Env": {"BIG": "v" * LONGEST_RECORD}}, "Env.BIG is over 131,071 bytes, name and = included"),
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
    (shim,) = (file.data for file in loader(PYTHON).files({}) if file.name.endswith(".py"))
    tree = ast.parse(shim, feature_version=version)
    imported = [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
    assert set(imported) == {"os", "sys", "time", "importlib"}


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
