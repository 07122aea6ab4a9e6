"""The runners that take the place of AWS's runtime clients: they report what these report, kind by kind."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from cfn_injector.cli.invoking import runtimes
from cfn_injector.cli.invoking.environment import Function, environment
from cfn_injector.cli.invoking.process import invoked
from cfn_injector.cli.invoking.runtime_api import Answered, Event, Failed
from tests.support.handler_kinds import ROWS, Row
from tests.support.node_js import HAS_PACKAGES, NODE, PACKAGES
from tests.support.sandbox import NODE_3, NODE_4, PYTHON

HERE = Path(runtimes.__file__).parent
ARN = "arn:aws:lambda:eu-central-1:000000000000:function:shop"
NATIVE = Path(__file__).parent / "node" / "rapid_client.cjs"
CLIENTS = {"nodejs22.x": "aws-lambda-ric-3/dist/index.mjs", "nodejs24.x": "aws-lambda-ric-4/index.mjs"}
NEED_ANOTHER_NODE = {
    "a .js file with ES syntax in no such package",
    "a .js file with ES syntax that awaits",
    "an ES module that never ends loading",
}
"""Node.js decides them by its own version and flags."""
BEFORE_24 = {
    "a function that returns at once",
    "a function that calls back",
    "a function that throws at once",
    "a static method",
    "a streaming function that throws",
    "a module that leaves a rejection behind",
}
"""What the earlier client does in a way of its own."""


def commanded(row: Row) -> list[str]:
    """No ``site`` for Python, so that awslambdaric cannot be imported."""
    if row.runtime is PYTHON:
        return [sys.executable, "-S", "-B", str(HERE / "python_runner.py")]
    assert NODE is not None
    return [NODE, str(HERE / "node_runner.mjs"), os.devnull]


def outcome(row: Row, folder: Path, files: dict[str, str], event: Any) -> Answered | Failed:
    for name, text in files.items():
        path = folder / "task" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "tmp").mkdir()
    function = Function("shop", row.kind.handler, row.runtime.name, ARN)
    environ = environment(function, os.environ, (), (), folder)
    told = Event(json.dumps(event).encode(), "request-1", ARN, 30)
    return invoked(commanded(row), told, cwd=folder / "task", environ=environ)


def reported(found: Answered | Failed) -> str:
    """As the table of kinds says it."""
    if isinstance(found, Answered):
        return "response"
    return (
        found.message.replace("Runtime exited with error: exit status", "ends with")
        if "exit" in found.message
        else found.kind
    )


def rows() -> list[Any]:
    chosen = [row for row in ROWS if row.runtime in (PYTHON, NODE_4) and row.kind.name not in NEED_ANOTHER_NODE]
    chosen += [row for row in ROWS if row.runtime is NODE_3 and row.kind.name in BEFORE_24]
    return [pytest.param(row, id=f"{row.runtime.name} {row.kind.name}") for row in chosen]


@pytest.mark.parametrize("row", rows())
def test_a_handler_is_reported_as_by_aws_s_client(row: Row, tmp_path: Path) -> None:
    if row.runtime is not PYTHON and NODE is None:
        pytest.skip("node is not installed here")
    assert reported(outcome(row, tmp_path, row.kind.files, {"a": [1, "é"]})) == row.reported


@pytest.mark.skipif(not HAS_PACKAGES, reason="npm did not install tests/node/package.json here")
@pytest.mark.parametrize("runtime", [NODE_3, NODE_4], ids=lambda runtime: runtime.name)
def test_a_client_in_the_artifact_runs_the_handler(
    runtime: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    row = next(row for row in ROWS if row.runtime is runtime and row.kind.name == "an async function")
    client = f"{(PACKAGES / CLIENTS[runtime.name]).read_text('utf-8')}\nimport {json.dumps(NATIVE.as_uri())};\n"
    package = {"package.json": '{"main": "index.mjs"}', "index.mjs": client, "rapid-client.node": ""}
    files = {**row.kind.files, **{f"node_modules/aws-lambda-ric/{name}": text for name, text in package.items()}}
    found = outcome(row, tmp_path, files, {"a": 1})
    assert isinstance(found, Answered), found
    assert json.loads(found.body)[1:] == [{"a": 1}, "request-1"]
    assert "note:" not in capfd.readouterr().err
