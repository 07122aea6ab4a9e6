"""``Handlers``: one object of ``Custom::LambdaCode`` for all functions of an artifact."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.support.artifacts import artifact
from tests.support.lambda_functions import CODE, WRAPPER
from tests.support.sandbox import NODE_3, NODE_4, PYTHON, Runtime, run, unpack
from tests.support.world import ARTIFACTS, KEY, STAGING, World

HANDLERS = {"List": "app.list_all", "Create": "more/app.create"}
BASE: dict[str, Any] = {
    "Code": {"S3Bucket": ARTIFACTS, "S3Key": KEY},
    "Env": {"TABLE": "orders"},
    "Runtime": "python3.13",
    "Handlers": HANDLERS,
}


def answered(world: World, properties: dict[str, Any], kind: str = "Create", **ids: Any) -> dict[str, Any]:
    return world.stack.send(world.stack.event(kind, properties, resource_type=CODE, **ids))


def made(world: World, **properties: Any) -> dict[str, Any]:
    answer = answered(world, {**BASE, **properties})
    assert answer["Status"] == "SUCCESS", answer["Reason"]
    data: dict[str, Any] = answer["Data"]
    return data


def files_of(world: World, data: dict[str, Any]) -> dict[str, str]:
    body = world.s3.get_object(Bucket=STAGING, Key=data["S3Key"])["Body"].read()
    archive = zipfile.ZipFile(io.BytesIO(body))
    return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.mark.parametrize(
    ("properties", "attributes"),
    [
        ({}, {"Handler.List": "_cfn_injector.List.handler", "Handler.Create": "_cfn_injector.Create.handler"}),
        (
            {"Runtime": "nodejs24.x"},
            {"Handler.List": "_cfn_injector/List.handler", "Handler.Create": "_cfn_injector/Create.handler"},
        ),
        ({"EnvLoader": "exec"}, {"Handler.List": "app.list_all", "Handler.Create": "more/app.create"}),
        ({"EnvLoader": "none"}, {"Handler.List": "app.list_all", "Handler.Create": "more/app.create"}),
        ({"Runtime": "java21"}, {"Handler.List": "app.list_all", "Handler.Create": "more/app.create"}),
    ],
)
def test_each_name_is_an_attribute_with_the_handler_to_use(
    world: World, properties: dict[str, Any], attributes: dict[str, str]
) -> None:
    data = made(world, **properties)
    assert {name: value for name, value in data.items() if name.startswith("Handler")} == attributes
    exec_ = properties.get("EnvLoader") == "exec" or properties.get("Runtime") == "java21"
    assert data["ExecWrapper"] == (WRAPPER if exec_ else "")


def test_one_object_has_one_loader_and_a_small_file_for_each_name(world: World) -> None:
    data = made(world)
    added = {name: text for name, text in files_of(world, data).items() if name.startswith("_cfn_injector/")}
    assert set(added) == {
        f"_cfn_injector/{name}" for name in ("exec", "__init__.py", "Create.py", "List.py", "environ")
    }
    assert added["_cfn_injector/environ"] == "\0TABLE=orders\0\0"
    assert added["_cfn_injector/List.py"] == "from . import find\n\nhandler = find('app.list_all')\n"
    assert world.staged() == [data["S3Key"]]


def test_what_a_name_stands_for_is_a_part_of_the_key_and_the_order_is_not(world: World) -> None:
    before = answered(world, BASE)["PhysicalResourceId"]
    ids: dict[str, Any] = {"physical_id": before, "old": BASE}
    same = {**BASE, "Handlers": dict(reversed(HANDLERS.items()))}
    assert answered(world, same, "Update", **ids)["PhysicalResourceId"] == before
    for change in ({"List": "app.other"}, {"Third": "app.third"}):
        changed = {**BASE, "Handlers": {**HANDLERS, **change}}
        assert answered(world, changed, "Update", **ids)["PhysicalResourceId"] != before


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"Handlers": ["app.main"]}, "Handlers is not a map; use a map of names to handlers"),
        ({"Handler": "app.main"}, "Handlers is set together with Handler; keep one of the two"),
        (
            {"Handlers": {"list-all": "app.main"}},
            "Handlers.list-all is not a valid name; use up to 64 letters and digits",
        ),
        ({"Handlers": {"__init__": "app.main"}}, "Handlers.__init__ is not a valid name"),
        ({"Handlers": {"index": "app.main"}}, "Handlers.index is the name of the loader's own file"),
        ({"Handlers": {"List": ["app.main"]}}, "Handlers.List is not a handler; use the form app.handler"),
        ({"Handlers": {"List": "main"}}, "Handlers.List is not a module, a dot and a name; use the form app.handler"),
        ({"Handlers": {}, "EnvLoader": "handler"}, "Handler is missing"),
        (
            {"Handlers": {f"N{number}": "a.b" for number in range(99)}},
            "the attributes of Function make the answer",
        ),
    ],
)
def test_what_is_wrong_is_told_by_its_name(world: World, properties: dict[str, Any], reason: str) -> None:
    answer = answered(world, {**BASE, **properties})
    assert answer["Status"] == "FAILED"
    assert reason in answer["Reason"]


TELLS = {
    "app.py": "import os\nTABLE = os.environ['TABLE']\n"
    "def list_all(event, context): return ['list', TABLE, os.environ['_HANDLER']]\n",
    "more/app.py": "import os\nTABLE = os.environ['TABLE']\n"
    "def create(event, context): return ['create', TABLE, os.environ['_HANDLER']]\n",
    "app.js": "const { TABLE } = process.env;\nexports.list_all = async () => ['list', TABLE, process.env._HANDLER];\n",
    "more/app.mjs": "const { TABLE } = process.env;\n"
    "export const create = async () => ['create', TABLE, process.env._HANDLER];\n",
}


@pytest.mark.parametrize("loader", ["handler", "exec"])
@pytest.mark.parametrize("runtime", [PYTHON, NODE_3, NODE_4], ids=lambda runtime: runtime.name)
def test_each_function_runs_its_own_handler(world: World, runtime: Runtime, loader: str, tmp_path: Path) -> None:
    if runtime.missing:
        pytest.skip(runtime.missing)
    world.s3.put_object(Bucket=ARTIFACTS, Key=KEY, Body=artifact(TELLS))
    data = made(world, Runtime=runtime.name, EnvLoader=loader)
    body = world.s3.get_object(Bucket=STAGING, Key=data["S3Key"])["Body"].read()
    configured = {"AWS_LAMBDA_EXEC_WRAPPER": data["ExecWrapper"]} if data["ExecWrapper"] else {}
    for name, own in HANDLERS.items():
        folder = unpack(body, tmp_path / name)
        (outcome,) = run(folder, runtime, data[f"Handler.{name}"], configured=configured)
        assert outcome.posted is not None, outcome.printed
        assert json.loads(outcome.posted.body) == [own.rpartition(".")[2].partition("_")[0], "orders", own]
