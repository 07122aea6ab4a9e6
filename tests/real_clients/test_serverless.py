"""The service for the Serverless Framework, packaged by version 3 of its command line.

`serverless deploy` is not run: version 3 calls AWS by an SDK that knows no AWS_ENDPOINT_URL. So the test deploys the
template that the framework would deploy. Version 4 needs an account or a licence key, and is not run at all.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cfn_injector.local import stacks
from tests.support.real_clients import EXAMPLES, SERVERLESS, SOURCES, Clients, need

FOLDER = EXAMPLES / "serverless"
STAGES = ("dev", "prod")


def packaged(clients: Clients, folder: Path, stage: str, greeting: str) -> dict[str, Any]:
    """The template that `serverless package` writes."""
    params = {"artifact": "serverless-1.zip", "bucket": SOURCES, "greeting": greeting}
    options = [f"--param={name}={value}" for name, value in params.items()]
    clients.run(SERVERLESS, "package", "--stage", stage, *options, cwd=folder)
    return dict(json.loads((folder / ".serverless/cloudformation-template-update-stack.json").read_text("utf-8")))


def test_both_stages_use_one_artifact_and_the_alias_follows_a_change_of_env(
    clients: Clients, copied: Callable[[Path], Path], record_property: Callable[[str, object], None]
) -> None:
    need(SERVERLESS)
    folder, cloudformation, answers = copied(FOLDER), clients.client("cloudformation"), {}
    version = json.loads((FOLDER / "node_modules/serverless/package.json").read_text("utf-8"))["version"]
    record_property("client", f"serverless {version}")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        target.write(FOLDER / "function/index.js", "index.js")
    clients.client("s3").put_object(Bucket=SOURCES, Key="serverless-1.zip", Body=archive.getvalue())
    for stage in STAGES:
        template = packaged(clients, folder, stage, "hello")
        stacks.create(cloudformation, f"shop-{stage}", json.dumps(template))
        outputs = clients.outputs(f"shop-{stage}")
        answers[stage] = [clients.invoke(outputs[f"{name}Arn"]) for name in ("List", "Create")]
    assert [(each["handler"], each["stage"], each["greeting"]) for stage in STAGES for each in answers[stage]] == [
        ("list", "dev", "hello"),
        ("create", "dev", "hello"),
        ("list", "prod", "hello"),
        ("create", "prod", "hello"),
    ]
    assert answers["dev"][0]["table"] != answers["prod"][0]["table"]

    stacks.update(cloudformation, "shop-prod", json.dumps(packaged(clients, folder, "prod", "goodbye")))
    assert clients.invoke(clients.outputs("shop-prod")["ListArn"])["greeting"] == "goodbye"
    for stage in STAGES:
        stacks.delete(cloudformation, f"shop-{stage}")
