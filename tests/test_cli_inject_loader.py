"""``inject --loader``: the same bytes as the provider's, and what is refused."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from cfn_injector.cli.main import main
from tests.support.lambda_functions import BASE, CODE, OBJECT, WRAPPER, created
from tests.support.world import STAGING, World

HANDLER = ["--loader", "handler", "--runtime", "python3.13", "--handler", "app.main"]
PYTHON = {"Runtime": "python3.13", "Handler": "app.main"}


@pytest.fixture
def app(world: World, tmp_path: Path) -> Path:
    """The artifact of the world as a file."""
    path = tmp_path / "app.zip"
    path.write_bytes(world.s3.get_object(Bucket=OBJECT["S3Bucket"], Key=OBJECT["S3Key"])["Body"].read())
    return path


def injected(app: Path, *options: str) -> bytes:
    assert main(["inject", str(app), *options, "--output", str(app.with_name("out.zip"))]) == 0
    return app.with_name("out.zip").read_bytes()


@pytest.mark.parametrize(
    ("options", "properties"),
    [
        (HANDLER, PYTHON),
        (HANDLER, PYTHON | {"EnvLoader": "handler"}),
        ([*HANDLER, "--runtime", "nodejs24.x"], PYTHON | {"Runtime": "nodejs24.x"}),
        (["--loader", "exec", *HANDLER[2:]], PYTHON | {"EnvLoader": "exec"}),
        (["--loader", "exec", "--runtime", "java21", "--handler", "app.main"], PYTHON | {"Runtime": "java21"}),
        ([*HANDLER, "--path", "conf/.env"], PYTHON | {"EnvFile": "conf/.env"}),
        (
            [*HANDLER, "--allow-loader-variables", "--env", "PATH=/opt/bin"],
            PYTHON | {"AllowLoaderVariables": True, "Env": {**BASE["Env"], "PATH": "/opt/bin"}},
        ),
        ([], PYTHON | {"EnvLoader": "none"}),
    ],
)
def test_the_archive_is_the_providers_byte_for_byte(
    world: World, app: Path, options: list[str], properties: dict[str, Any]
) -> None:
    env = ["--env", "TABLE=dev-table", "--env", "RETRIES=3", "--env", "DEBUG=true"]
    by_command = injected(app, *env, *options)
    assert by_command == world.aws_lambda.functions[created(world, **properties)].archive
    code = {"Code": OBJECT, "Env": BASE["Env"], **properties}
    answered = world.stack.send(world.stack.event("Create", code, resource_type=CODE))
    assert answered["Status"] == "SUCCESS", answered["Reason"]
    assert by_command == world.s3.get_object(Bucket=STAGING, Key=answered["PhysicalResourceId"])["Body"].read()


def test_with_the_providers_zip_its_loader_and_bytecode_are_added(app: Path, tmp_path: Path) -> None:
    inside = "cfn_injector/env_loader"
    with zipfile.ZipFile(tmp_path / "provider.zip", "w") as archive:
        archive.writestr(f"{inside}/exec.sh", "older script")
        archive.writestr(f"{inside}/python_handler.py", "older loader")
        archive.writestr(f"{inside}/python_handler.cpython-313.pyc", "bytecode")
        archive.writestr(f"{inside}/another.cpython-313.pyc", "not the loader's")
    injected(app, *HANDLER, "--provider", str(tmp_path / "provider.zip"))
    with zipfile.ZipFile(app.with_name("out.zip")) as archive:
        added = {name: archive.read(name) for name in archive.namelist() if name.startswith("_cfn_injector/")}
    assert added == {
        "_cfn_injector/exec": b"older script",
        "_cfn_injector/__init__.py": b"older loader",
        "_cfn_injector/__pycache__/__init__.cpython-313.pyc": b"bytecode",
        "_cfn_injector/environ": added["_cfn_injector/environ"],
    }
    assert b"_HANDLER=app.main" in added["_cfn_injector/environ"]


@pytest.mark.parametrize(
    ("options", "configuration"),
    [
        (HANDLER, {"Handler": "_cfn_injector.handler"}),
        (["--loader", "exec", "--runtime", "ruby3.4"], {"AWS_LAMBDA_EXEC_WRAPPER": WRAPPER}),
    ],
)
def test_it_says_what_the_function_has_to_be_configured_with(
    app: Path, options: list[str], configuration: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    injected(app, *options)
    ((name, value),) = configuration.items()
    assert capsys.readouterr().out.splitlines()[-1] == f"set {name} to {value}"
    injected(app, *options, "--json")
    assert json.loads(capsys.readouterr().out)["configuration"] == configuration


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (
            ["--loader", "handler", "--runtime", "python3.13"],
            "--loader handler needs --handler; give the function's own",
        ),
        (["--loader", "exec"], "--loader exec needs --runtime; give the function's own Runtime"),
        ([*HANDLER, "--runtime", "java21"], "--loader handler is for Python and Node.js, and Runtime is java21"),
        ([*HANDLER, "--handler", "app"], "--handler is not a module, a dot and a name; use the form app.handler"),
        (["--loader", "exec", "--runtime", "provided.al2023"], "--loader exec has no effect with provided.al2023"),
        ([*HANDLER, "--path", "_cfn_injector/.env"], "--path is in _cfn_injector, the folder of the loaders"),
        (
            ["--loader", "exec", "--runtime", "java21", "--env", "AWS_LAMBDA_EXEC_WRAPPER=/opt/x"],
            "AWS_LAMBDA_EXEC_WRAPPER is set by EnvLoader: exec",
        ),
        (["--env", "A=1", "--runtime", "java21"], "--runtime is for --loader; add --loader handler or exec"),
        (["--env", "A=1", "--allow-loader-variables"], "--allow-loader-variables is for --loader"),
    ],
)
def test_wrong_usage_is_status_2_names_the_option_and_leaves_nothing(
    app: Path, options: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(app) if each == "IN" else each for each in options]
    assert main(["inject", str(app), *given, "--output", str(app.with_name("out.zip"))]) == 2
    assert reason in capsys.readouterr().err
    assert [path.name for path in app.parent.iterdir()] == ["app.zip"]


@pytest.mark.parametrize(
    ("provider", "reason"),
    [
        ("IN", "app.zip is not the provider's zip; build it with build-provider"),
        ("/missing.zip", "/missing.zip is not the provider's zip: No such file or directory"),
    ],
)
def test_another_file_than_the_providers_zip_is_named(
    app: Path, provider: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(app) if provider == "IN" else provider
    output = ["--output", str(app.with_name("out.zip"))]
    assert main(["inject", str(app), *HANDLER, "--provider", place, *output]) == 1
    assert reason in capsys.readouterr().err
    assert [path.name for path in app.parent.iterdir()] == ["app.zip"]


def test_an_archive_that_has_a_loader_already_is_refused(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app.write_bytes(injected(app, *HANDLER))
    assert main(["inject", str(app), *HANDLER, "--output", str(app)]) == 1
    assert "is where EnvLoader puts the loader; rename that folder, give the artifact as it" in capsys.readouterr().err
