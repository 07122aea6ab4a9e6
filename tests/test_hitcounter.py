"""The hit counter's function and artifact: builds the real zip, unpacks it, and runs it in a process."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from example_hitcounter import artifact

REPOSITORY = Path(__file__).parents[1]

# Runs the unpacked artifact against moto's DynamoDB: takes events, prints answers and calls.
DRIVER = """
import json, os, sys
import boto3
from moto import mock_aws

task = json.load(sys.stdin)
with mock_aws():
    boto3.client("dynamodb").create_table(
        TableName="counts-of-dev",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
    )
    import hitcounter

    os.unlink(".env")
    calls = []
    hitcounter.DYNAMODB.meta.events.register("before-call", lambda model, **_: calls.append(model.name))
    answers = [hitcounter.handler({"pathParameters": {"name": name}}, None) for name in task["names"]]
json.dump({"answers": answers, "calls": calls, "reader": sys.modules["wrapper"].__file__}, sys.stdout)
"""


def run_artifact(folder: Path, env: str, names: list[str]) -> dict[str, Any]:
    """Unpack the artifact, write its ``.env``, and call the handler once for each name."""
    with zipfile.ZipFile(io.BytesIO(artifact.build())) as archive:
        archive.extractall(folder)
    (folder / ".env").write_text(env, "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", DRIVER],
        input=json.dumps({"names": names}),
        cwd=folder,
        env={
            "PATH": os.environ.get("PATH", os.defpath),
            "LAMBDA_TASK_ROOT": str(folder),
            "PYTHONPATH": str(folder),
            "PYTHONIOENCODING": "utf-8",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
        },
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_every_name_is_counted_separately_in_the_table_of_the_env_file_with_no_other_call(tmp_path: Path) -> None:
    names = ["apple", "pear", "apple", "a b/ü", "apple", "a b/ü"]

    result = run_artifact(tmp_path, "table='counts-of-dev'\n", names)

    assert [answer["body"] for answer in result["answers"]] == ["1", "1", "2", "1", "3", "2"]
    assert result["calls"] == ["UpdateItem"] * len(names)


def test_count_by_in_the_env_file_is_what_one_request_adds(tmp_path: Path) -> None:
    result = run_artifact(tmp_path, "table=counts-of-dev\ncount_by=10\n", ["apple", "apple"])

    assert [answer["body"] for answer in result["answers"]] == ["10", "20"]


def test_the_answer_is_plain_text_that_is_not_cached_and_the_reader_is_the_one_in_the_artifact(
    tmp_path: Path,
) -> None:
    result = run_artifact(tmp_path, "table=counts-of-dev\n", ["apple"])

    assert result["answers"] == [
        {
            "statusCode": 200,
            "headers": {"Content-Type": "text/plain", "Cache-Control": "no-store"},
            "body": "1",
        }
    ]
    assert Path(result["reader"]) == tmp_path / "wrapper" / "__init__.py"


def test_the_artifact_holds_the_handler_and_the_reader_and_nothing_else() -> None:
    with zipfile.ZipFile(io.BytesIO(artifact.build())) as archive:
        names = archive.namelist()

    assert names == ["hitcounter.py", "wrapper/__init__.py", "wrapper/dotenv.py"]


@pytest.mark.parametrize("modified", [0, 2_000_000_000], ids=["in 1970", "in 2033"])
def test_the_same_sources_give_the_same_bytes_whenever_they_were_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, modified: int
) -> None:
    handler = tmp_path / "hitcounter.py"
    handler.write_bytes(artifact.HANDLER.read_bytes())
    handler.chmod(0o600)
    os.utime(handler, (modified, modified))
    expected = artifact.build()

    monkeypatch.setattr(artifact, "HANDLER", handler)

    assert artifact.build() == expected


def test_lambda_may_read_every_file_of_the_artifact() -> None:
    with zipfile.ZipFile(io.BytesIO(artifact.build())) as archive:
        modes = {stat.filemode(entry.external_attr >> 16) for entry in archive.infolist()}

    assert modes == {"-rw-r--r--"}


class TemplateLoader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: ``!Ref Table`` is read as ``("!Ref", "Table")``."""

    def short_form(self, tag: str, node: yaml.Node) -> tuple[str, Any]:
        if isinstance(node, yaml.ScalarNode):
            return tag, self.construct_scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return tag, self.construct_sequence(node, deep=True)
        raise yaml.constructor.ConstructorError(problem=f"{tag} of a map")


TemplateLoader.add_multi_constructor("", TemplateLoader.short_form)


def resources() -> dict[str, Any]:
    text = (REPOSITORY / "templates" / "hitcounter.yaml").read_text("utf-8")
    loaded: dict[str, Any] = yaml.load(text, TemplateLoader)["Resources"]
    return loaded


def test_the_role_may_write_its_own_log_and_count_in_its_own_table_and_nothing_else() -> None:
    role = resources()["Role"]["Properties"]

    (policy,) = role["Policies"]
    assert set(role) == {"Path", "AssumeRolePolicyDocument", "Policies"}
    assert [(grant["Action"], grant["Resource"]) for grant in policy["PolicyDocument"]["Statement"]] == [
        ("dynamodb:UpdateItem", ("!GetAtt", "Table.Arn")),
        (["logs:CreateLogStream", "logs:PutLogEvents"], ("!GetAtt", "LogGroup.Arn")),
    ]


def test_every_resource_goes_with_its_stack() -> None:
    assert {resource.get("DeletionPolicy", "Delete") for resource in resources().values()} == {"Delete"}


def test_the_api_calls_the_function_for_each_name_and_for_nothing_else() -> None:
    methods = [each["Properties"] for each in resources().values() if each["Type"] == "Custom::APIGatewayResource"]
    assert [(method["Method"], method["Path"], method["IntegrationRequest"]) for method in methods] == [
        ("GET", "{name}", {"Type": "Lambda", "FunctionArn": ("!GetAtt", "Function.Arn")})
    ]
    assert not [each for each in resources().values() if each["Type"].startswith("AWS::ApiGateway::Method")]
