"""Every kind of handler with every loader, under AWS's own runtime clients: what is reported is as without a loader."""

from __future__ import annotations

import base64
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from cfn_injector.env_loader import EXEC_WRAPPER, FOLDER, desired
from tests.support.artifacts import artifact
from tests.support.handler_kinds import LOADERS, ROWS, Row
from tests.support.sandbox import LAMBDA, NODE_3, PYTHON, Outcome, Runtime, deployed, run, unpack
from tests.support.world import ARTIFACTS, KEY, STAGING, World

FILE = {
    "TABLE": "orders",
    "EMPTY": "",
    "EVERY": "".join(map(chr, range(1, 256))),
    "WIDE": "\ufeff\u2028\u20ac\N{BUG}",
    "HELD": "of the file",
    "HELD_EMPTY": "of the file",
    "TZ": "XYZ+3",
    "LANG": "C.UTF-8",
}
CONFIGURED = {"HELD": "real", "HELD_EMPTY": "", "STAGE": "prod"}
WITHOUT = {**FILE, **CONFIGURED}
"""What a function has to be configured with for the same environment without a loader."""
DIFFERENT = (EXEC_WRAPPER, "AWS_LAMBDA_RUNTIME_API")
"""What Lambda sets differently, which is no loader's doing."""
BY_WHOM = re.compile(rb" imported from /\S+/index\.mjs")
"""What Node.js adds of a folder that cannot be imported: the file that tried to, the runtime's or the loader's."""


def ran(row: Row, loader: str, root: Path) -> list[Outcome]:
    """The outcomes in a folder that is new for every loader, and has the same name for all."""
    kind, runtime, _ = row
    properties = {"EnvLoader": loader, "Handler": kind.handler, "Runtime": runtime.name}
    added = desired(properties)
    handler, configured = kind.handler, dict(WITHOUT)
    if added is not None:
        wrapper = {EXEC_WRAPPER: added.exec_wrapper} if added.exec_wrapper else {}
        handler, configured = added.handler, {**CONFIGURED, **wrapper}
    folder = unpack(deployed(kind.files, properties, FILE), root)
    events = [{"number": number} for number in range(kind.events)]
    outcomes = run(folder, runtime, handler, configured=configured, events=events)
    shutil.rmtree(root)
    return outcomes


def same(value: dict[str, Any]) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name not in DIFFERENT}


def error(body: bytes, loading: bool) -> dict[str, Any]:
    """While a module is loaded, frames of the loader lie between the runtime's and the user's; later there are none."""
    known = json.loads(BY_WHOM.sub(b"", body))
    frames = known.pop("stackTrace", None) or known.pop("trace", None) or []
    own = [frame for frame in frames if "/var/task/" in frame and f"/{FOLDER}/" not in frame]
    return {**known, "frames": own if loading else frames}


def told(outcome: Outcome) -> dict[str, Any]:
    posted = outcome.posted
    if posted is None:
        return {"reported": f"ends with {outcome.status}"}
    if posted.what != "response":
        known = error(posted.body, loading=posted.what == "init/error")
        header = posted.headers.get("lambda-runtime-function-error-type")
        return {"reported": known["errorType"], "header": header, "status": outcome.status, **known}
    failed = posted.trailers.get("lambda-runtime-function-error-body")
    return {
        "reported": posted.trailers.get("lambda-runtime-function-error-type", "response"),
        "mode": posted.headers.get("lambda-runtime-function-response-mode"),
        "type": posted.headers["content-type"],
        "body": [json.loads(part, object_hook=same) for part in posted.body.split(bytes(8))],
        "error": error(base64.b64decode(failed), loading=False) if failed else None,
    }


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row.runtime.name}: {row.kind.name}") for row in ROWS])
def test_a_handler_is_reported_as_without_a_loader(row: Row, tmp_path: Path) -> None:
    if row.runtime.missing:
        pytest.skip(row.runtime.missing)
    outcomes = {loader: ran(row, loader, tmp_path / "root") for loader in LOADERS}
    reports = {loader: [told(outcome) for outcome in outcomes[loader]] for loader in LOADERS}
    printed = {loader: outcomes[loader][0].printed for loader in LOADERS}
    assert [each["reported"] for each in reports["none"]] == [row.reported] * row.kind.events, printed["none"]
    for loader in LOADERS:
        assert reports[loader] == reports["none"], printed[loader]


TELLS = {
    "app.py": "import os\nenviron = dict(os.environ)\ndef handler(event, context): return environ\n",
    "app.js": "const environ = { ...process.env };\nexports.handler = async () => environ;\n",
}


@pytest.mark.parametrize("loader", ["handler", "exec"])
@pytest.mark.parametrize("runtime", [PYTHON, NODE_3], ids=lambda runtime: runtime.name)
def test_what_the_provider_deploys_runs(world: World, runtime: Runtime, loader: str, tmp_path: Path) -> None:
    if runtime.missing:
        pytest.skip(runtime.missing)
    own = {**TELLS, ".env": "STAGE=none\nPATH=/nowhere\nkept.so='as it was'\n"}
    world.s3.put_object(Bucket=ARTIFACTS, Key=KEY, Body=artifact(own))
    properties = {
        "Code": {"S3Bucket": ARTIFACTS, "S3Key": KEY},
        "Env": {"STAGE": "prod", "TZ": "XYZ+3"},
        "EnvLoader": loader,
        "Handler": "app.handler",
        "Runtime": runtime.name,
    }
    answered = world.stack.send(world.stack.event("Create", properties, resource_type="Custom::LambdaCode"))
    assert answered["Status"] == "SUCCESS", answered["Reason"]
    made = answered["Data"]
    body = world.s3.get_object(Bucket=STAGING, Key=made["S3Key"])["Body"].read()
    configured = {EXEC_WRAPPER: made["ExecWrapper"]} if made["ExecWrapper"] else {}
    (outcome,) = run(unpack(body, tmp_path), runtime, made["Handler"], configured=configured)
    assert outcome.posted is not None, outcome.printed
    environ = json.loads(outcome.posted.body)
    expected = {
        "STAGE": "prod",
        "kept.so": "as it was",
        "TZ": "XYZ+3",
        "PATH": LAMBDA["PATH"],
        "_HANDLER": "app.handler",
    }
    assert {name: environ.get(name) for name in expected} == expected
