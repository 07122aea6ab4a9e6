"""Variables from Parameter Store, Secrets Manager and the artifact, on an emulator of CloudFormation.

ministack resolves references in custom resources, which CloudFormation does not do. It resolves them once, so a
reference to a parameter whose value is a reference sends that one as CloudFormation would send it.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from cfn_injector.cli.env_version import versions
from cfn_injector.local.deployment import PROVIDER_STACK
from cfn_injector.local.stacks import StackError
from tests.e2e.account import INDEX, WRAPPER, Account, Stacks

REF = {"Ref": "Function"}
CANARY = "canary-93c1-never-to-be-seen"
MANY = 250


@pytest.fixture(scope="module")
def stocked(account: Account) -> Iterator[Account]:
    """Parameters on 25 pages, a secret, and an artifact with defaults."""
    ssm, secrets = account.client("ssm"), account.client("secretsmanager")
    for number in range(MANY):
        ssm.put_parameter(Name=f"/e2e/many/p-{number:03}", Value=f"{CANARY}-{number}", Type="SecureString")
    ssm.put_parameter(Name="/e2e/few/table", Value="of-parameters", Type="String")
    ssm.put_parameter(Name="/e2e/few/zones", Value="a,b", Type="StringList")
    secrets.create_secret(Name="e2e/db", SecretString=json.dumps({"user": "app", "password": CANARY, "port": 3306}))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("index.py", f"BUILD = 1\n{INDEX}")
        target.writestr(".env", "OWN=yes\ntable=of-nobody\n")
        target.writestr("defaults/prod.env", "table=of-defaults\nFILE='x y'\n")
        for path in WRAPPER.glob("*.py"):
            target.write(path, f"wrapper/{path.name}")
    account.client("s3").put_object(Bucket=account.source_bucket, Key="sources.zip", Body=archive.getvalue())
    yield account
    ssm.delete_parameters(Names=["/e2e/few/table", "/e2e/few/zones"])
    for number in range(MANY):
        ssm.delete_parameter(Name=f"/e2e/many/p-{number:03}")
    secrets.delete_secret(SecretId="e2e/db", ForceDeleteWithoutRecovery=True)


def code(account: Account) -> dict[str, str]:
    return {"S3Bucket": account.source_bucket, "S3Key": "sources.zip"}


def as_sent(account: Account, name: str, reference: str) -> str:
    """What to write in a template so that the provider gets this reference."""
    parameter = f"/as-sent/{name}"
    account.client("ssm").put_parameter(Name=parameter, Value=reference, Type="String", Overwrite=True)
    return f"{{{{resolve:ssm:{parameter}}}}}"


def told(account: Account, stacks: Stacks, stack: str) -> str:
    """Everything that a reader of events, outputs, tags, keys and logs sees."""
    cloudformation, logs = account.client("cloudformation"), account.client("logs")
    group = f"/aws/lambda/{PROVIDER_STACK}"
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
    functions = account.client("lambda").list_functions()["Functions"]
    seen = [
        cloudformation.describe_stack_events(StackName=stack)["StackEvents"],
        cloudformation.describe_stacks(StackName=stack)["Stacks"],
        [account.client("lambda").list_tags(Resource=each["FunctionArn"])["Tags"] for each in functions],
        account.client("s3").list_objects_v2(Bucket=account.staging_bucket).get("Contents", []),
        [event["message"] for page in pages for event in page["events"]],
    ]
    return json.dumps(seen, default=str)


def test_parameters_on_all_pages_a_secret_a_file_and_env_in_their_order(stocked: Account, stacks: Stacks) -> None:
    sources = [
        {"Artifact": "defaults/prod.env"},
        {"ParameterPath": "/e2e/many/", "Upper": True},
        {"ParameterPath": "/e2e/few", "Override": True},
        {"SecretId": "e2e/db", "Prefix": "DB_"},
        {"ParameterPath": "/e2e/none", "Optional": True},
    ]
    function = stocked.function(Code=code(stocked), EnvFrom=sources, Env={"zones": "of-the-template"})
    stack = stacks.create("e2e-sources", {"Function": function}, Name=REF)

    found = stocked.invoke(stack.outputs["Name"])["env"]
    assert {name: value for name, value in found.items() if not name.startswith("P_")} == {
        "OWN": "yes",
        "table": "of-parameters",
        "FILE": "x y",
        "zones": "of-the-template",
        "DB_user": "app",
        "DB_password": CANARY,
        "DB_port": "3306",
    }
    assert {name: value for name, value in found.items() if name.startswith("P_")} == {
        f"P_{number:03}": f"{CANARY}-{number}" for number in range(MANY)
    }
    assert CANARY not in told(stocked, stacks, "e2e-sources")


def test_references_of_all_kinds_as_cloudformation_sends_them(stocked: Account, stacks: Stacks) -> None:
    secret = stocked.client("secretsmanager").describe_secret(SecretId="e2e/db")
    version = next(iter(secret["VersionIdsToStages"]))
    sent = {
        "MEMBER": "{{resolve:secretsmanager:e2e/db:SecretString:password}}",
        "URL": "db://{{resolve:secretsmanager:e2e/db:SecretString:user}}@db:{{resolve:secretsmanager:e2e/db:SecretString:port}}",
        "STAGE": "{{resolve:secretsmanager:e2e/db:SecretString:user:AWSCURRENT}}",
        "VERSION": f"{{{{resolve:secretsmanager:e2e/db:SecretString:user::{version}}}}}",
        "ARN": f"{{{{resolve:secretsmanager:{secret['ARN']}:SecretString:user}}}}",
        "SECURE": "{{resolve:ssm-secure:/e2e/many/p-007:1}}",
        "PLAIN": "{{resolve:ssm:/e2e/few/table}}",
    }
    env = {name: as_sent(stocked, name, reference) for name, reference in sent.items()}
    stack = stacks.create("e2e-references", {"Function": stocked.function(Code=code(stocked), Env=env)}, Name=REF)

    found = stocked.invoke(stack.outputs["Name"])["env"]
    assert {name: found[name] for name in sent} == {
        "MEMBER": CANARY,
        "URL": "db://app@db:3306",
        "STAGE": "app",
        "VERSION": "app",
        "ARN": "app",
        "SECURE": f"{CANARY}-7",
        "PLAIN": "of-parameters",
    }
    assert CANARY not in told(stocked, stacks, "e2e-references")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({"ParameterPath": "/e2e/none"}, "the path /e2e/none, which contains no parameters"),
        ({"SecretId": "e2e/none"}, "the secret e2e/none, which does not exist"),
        ({"ParameterPath": "/elsewhere"}, "the path /elsewhere, outside ParameterPaths"),
        ({"ParameterPath": "/stacks/another"}, "the path /stacks/another, outside ParameterPaths"),
        ({"SecretId": "elsewhere"}, "the secret elsewhere, outside Secrets"),
    ],
)
def test_a_missing_or_denied_source_is_rolled_back_and_the_function_answers_as_before(
    stocked: Account, stacks: Stacks, source: dict[str, str], reason: str
) -> None:
    before = {"Function": stocked.function(Code=code(stocked), EnvFrom=[{"SecretId": "e2e/db"}])}
    after = {"Function": stocked.function(Code=code(stocked), EnvFrom=[{"SecretId": "e2e/db"}, source])}
    stack = stacks.create("e2e-denied", before, Name=REF)
    with pytest.raises(StackError, match=reason) as failed:
        stacks.update("e2e-denied", after, Name=REF)
    assert failed.value.status == "UPDATE_ROLLBACK_COMPLETE"
    assert stocked.invoke(stack.outputs["Name"])["env"]["password"] == CANARY
    assert CANARY not in told(stocked, stacks, "e2e-denied")


def test_a_rotated_secret_is_deployed_when_refresh_changes(stocked: Account, stacks: Stacks) -> None:
    secrets = stocked.client("secretsmanager")
    secrets.create_secret(Name="e2e/rotated", SecretString=f"{CANARY}-one")
    sources = [{"SecretId": "e2e/rotated", "Name": "TOKEN"}]

    def resources() -> dict[str, Any]:
        (found,) = versions(stocked.client, ["e2e/rotated"])
        refresh = {"EnvFrom": sources, "Refresh": found[-1]}
        native = {
            **stocked.runtime(),
            "Code": {name: {"Fn::GetAtt": ["Injected", name]} for name in ("S3Bucket", "S3Key")},
        }
        return {
            "Function": stocked.function(Code=code(stocked), **refresh),
            "Injected": stocked.lambda_code(Code=code(stocked), EnvFrom=sources, Refresh=found[-1]),
            "Native": {"Type": "AWS::Lambda::Function", "Properties": native},
        }

    def tokens() -> list[str]:
        return [stocked.invoke(stack.outputs[name])["env"]["TOKEN"] for name in ("Name", "Native")]

    outputs = {"Name": REF, "Native": {"Ref": "Native"}, "Key": {"Fn::GetAtt": ["Injected", "S3Key"]}}
    old = resources()
    stack = stacks.create("e2e-rotated", old, **outputs)
    assert tokens() == [f"{CANARY}-one"] * 2
    secrets.put_secret_value(SecretId="e2e/rotated", SecretString=f"{CANARY}-two")
    old["Function"]["Properties"]["MemorySize"] = 256
    stacks.update("e2e-rotated", old, **outputs)
    assert tokens() == [f"{CANARY}-one"] * 2
    after = stacks.update("e2e-rotated", resources(), **outputs)
    assert tokens() == [f"{CANARY}-two"] * 2
    assert after.outputs["Key"] != stack.outputs["Key"]
    secrets.put_secret_value(SecretId="e2e/rotated", SecretString=f"{CANARY}-three")
    broken = {**stocked.lambda_code(EnvFile="/x"), "DependsOn": ["Function", "Native"]}
    with pytest.raises(StackError):
        stacks.update("e2e-rotated", {**resources(), "Broken": broken}, **outputs)
    assert tokens() == [f"{CANARY}-two"] * 2
    assert CANARY not in told(stocked, stacks, "e2e-rotated")
    secrets.delete_secret(SecretId="e2e/rotated", ForceDeleteWithoutRecovery=True)
