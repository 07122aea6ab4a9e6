"""The page about writing a resource type: its own code as a package, in a new environment and a new provider."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cfn_injector.cli.template_files import template_path
from cfn_injector.local import deployment, stacks
from cfn_injector.local.emulator import Emulator, running
from tests.e2e.account import TRUST, build_artifact

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "plugins.md").read_text("utf-8")
BUCKET, STACK = "plugin-artifacts", "with-a-plugin"
ALLOWED = re.findall(r"`(kinesis:\w+)`", PAGE)
SECONDS = 240


def blocks(language: str) -> list[str]:
    """The page's code in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The zip that the page's own commands build in an environment with the two packages."""
    folder = tmp_path_factory.mktemp("plugin")
    checkout = folder / "checkout"
    checkout.mkdir()
    for name in ("cfn_injector", "wrapper", "templates"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout)
    package = checkout / "stream-consumer"
    package.mkdir()
    (package / "stream_consumer.py").write_text(blocks("python")[0])
    (package / "pyproject.toml").write_text(blocks("toml")[0])
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True, timeout=SECONDS)
    environ = {
        **os.environ,
        "PATH": f"{folder / 'venv' / 'bin'}:{os.environ['PATH']}",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    commands = next(block for block in blocks("sh") if "build-provider" in block)
    done = subprocess.run(
        ["sh", "-e", "-c", commands], cwd=checkout, env=environ, capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return (checkout / "provider.zip").read_bytes()


@pytest.fixture(scope="module")
def emulator(provider: bytes) -> Iterator[Emulator]:
    """ministack with a provider that serves the page's type."""
    with running() as emulator:
        client = functools.cache(emulator.client)
        client("s3").create_bucket(Bucket=BUCKET)
        client("s3").put_object(Bucket=BUCKET, Key="provider.zip", Body=provider)
        client("s3").put_object(Bucket=BUCKET, Key="app.zip", Body=build_artifact(1))
        statement = {"Effect": "Allow", "Action": ALLOWED, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        policy = client("iam").create_policy(PolicyName="plugin", PolicyDocument=document)["Policy"]["Arn"]
        parameters = {
            "CodeBucket": BUCKET,
            "CodeKey": "provider.zip",
            "SourceBuckets": BUCKET,
            "FunctionNamePrefix": STACK,
            "ResponseHosts": emulator.response_hosts,
            "ExtraPolicyArns": policy,
        }
        template = template_path("provider.yaml").read_text("utf-8")
        stacks.create(client("cloudformation"), deployment.PROVIDER_STACK, template, parameters)
        yield emulator


def consumers(client: Any) -> list[str]:
    """The ARNs of all consumers of all streams."""
    kinesis = client("kinesis")
    found = []
    for name in kinesis.list_streams()["StreamNames"]:
        stream = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
        found += [each["ConsumerARN"] for each in kinesis.list_stream_consumers(StreamARN=stream)["Consumers"]]
    return found


def test_the_page_builds_its_type_in_under_forty_lines() -> None:
    (module,) = blocks("python")
    assert len(module.splitlines()) < 40


@pytest.mark.timeout(2 * SECONDS)
def test_the_pages_type_is_deployed_and_its_return_value_reaches_a_functions_env(emulator: Emulator) -> None:
    client = functools.cache(emulator.client)
    role = client("iam").create_role(RoleName="app", Path="/cfn-injector/", AssumeRolePolicyDocument=json.dumps(TRUST))
    (template,) = blocks("yaml")
    template = template.replace("ServiceTimeout: 1200", "ServiceTimeout: 60")
    parameters = {"ArtifactBucket": BUCKET, "ArtifactKey": "app.zip", "RoleArn": role["Role"]["Arn"]}

    made = stacks.create(client("cloudformation"), STACK, template, parameters)
    answered = client("lambda").invoke(FunctionName=made.outputs["Function"])

    assert consumers(client) == [made.outputs["Consumer"]]
    assert json.loads(answered["Payload"].read())["env"]["CONSUMER"] == made.outputs["Consumer"]

    other = template.replace("Properties: {ShardCount: 1}", "Properties: {ShardCount: 1, Name: another}")
    moved = stacks.update(client("cloudformation"), STACK, other, parameters)
    assert ":stream/another/" in moved.outputs["Consumer"]
    assert consumers(client) == [moved.outputs["Consumer"]]

    stacks.delete(client("cloudformation"), STACK)
    assert consumers(client) == []


@pytest.mark.timeout(2 * SECONDS)
def test_what_the_api_does_not_know_is_reported_and_nothing_is_left(emulator: Emulator) -> None:
    client = functools.cache(emulator.client)
    consumer = {
        "Type": "Custom::StreamConsumer",
        "Properties": {
            "ServiceToken": {"Fn::ImportValue": "cfn-injector-ServiceToken"},
            "ServiceTimeout": 60,
            "StreamArn": "misspelt",
            "ConsumerName": "somebody's",
        },
    }
    with pytest.raises(stacks.StackError) as failed:
        stacks.create(client("cloudformation"), "misspelt", json.dumps({"Resources": {"Consumer": consumer}}))
    message = str(failed.value)
    for problem in (
        "StreamArn is not known to this provider's model of the API",
        "ConsumerName is set by the provider",
        "StreamARN is missing",
    ):
        assert problem in message
    stacks.delete(client("cloudformation"), "misspelt")
    assert consumers(client) == []


def test_the_zip_carries_the_type_and_the_model_of_what_it_calls(provider: bytes, tmp_path: Path) -> None:
    path = tmp_path / "provider.zip"
    path.write_bytes(provider)
    names = zipfile.ZipFile(path).namelist()
    assert "stream_consumer.py" in names
    assert any(name.startswith("botocore/data/kinesis/") for name in names)
    assert "stream_consumer-1.0.dist-info/entry_points.txt" in names
