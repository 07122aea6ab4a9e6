"""``install`` on the emulator: from the wheel alone, again, in several Regions, as an upgrade, and back to nothing."""

from __future__ import annotations

import functools
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cfn_injector.cli import install as command
from cfn_injector.cli.build_provider import ProviderZip, build
from cfn_injector.cli.main import main
from cfn_injector.local import stacks
from cfn_injector.local.emulator import REGION, ROOT_USER, Emulator, running
from cfn_injector.local.inventory import left_over
from tests.e2e.account import SERVICE, TRUST, build_artifact
from tests.support.wheels import ROOT, build_wheel, fresh_environment

ARTIFACTS = "install-artifacts"
GIVEN = ("--source-buckets", ARTIFACTS, "--function-name-prefix", "app-")
PREVIOUS = "aa38c97"
"""A commit whose provider is installed before the upgrade. There is no release yet."""

Install = Callable[..., dict[str, Any]]


@pytest.fixture
def own() -> Iterator[Emulator]:
    """An emulator with an empty account."""
    with running() as emulator:
        yield emulator


@pytest.fixture
def variables(own: Emulator, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The variables that lead to the emulator."""
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    found = {
        "AWS_ACCESS_KEY_ID": ROOT_USER["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": ROOT_USER["aws_secret_access_key"],
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "*",
    }
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> ProviderZip:
    """The provider, which is built once: that takes longer than the rest."""
    return build(tmp_path_factory.mktemp("built") / "provider.zip")


@pytest.fixture
def install(
    own: Emulator,
    built: ProviderZip,
    variables: Mapping[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Install:
    """Runs the command, and returns its result in the only Region."""
    monkeypatch.setattr(command, "build", lambda *_: built)

    def run(*arguments: str, status: int = 0) -> dict[str, Any]:
        capsys.readouterr()
        found = main(["install", "--endpoint-url", own.url, "--json", "--yes", *arguments])
        out, err = capsys.readouterr()
        assert found == status, err
        result: dict[str, Any] = json.loads(out)["regions"][0] if out.strip() else {"error": err.splitlines()[-1]}
        return result

    return run


@pytest.fixture
def client(own: Emulator) -> Callable[[str], Any]:
    return functools.cache(own.client)


def everything(client: Callable[[str], Any]) -> list[str]:
    return left_over(client, known=())


def test_from_a_fresh_environment_with_the_wheel_alone_to_a_token_and_back(
    own: Emulator, variables: dict[str, str], client: Callable[[str], Any], tmp_path: Path
) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "wheel").mkdir()
    wheel = build_wheel(tmp_path / "source", tmp_path / "wheel")
    programs = fresh_environment(tmp_path / "environment", wheel, "cli")

    def run(*arguments: str) -> str:
        command = [str(programs / "cfn-injector"), "install", "--endpoint-url", own.url, "--yes", *arguments]
        done = subprocess.run(command, env=variables, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    first, second, last = run(*GIVEN), run(), run("--uninstall")

    token = f"arn:aws:lambda:{REGION}:111122223333:function:cfn-injector"
    assert f"cfn-injector-ServiceToken  {token}\n" in first
    assert "!ImportValue cfn-injector-ServiceToken" in first
    assert second.startswith(f"stack cfn-injector in {REGION} is up to date: no change\n")
    assert token in second
    assert f"stack cfn-injector in {REGION} was deleted" in last
    assert everything(client) == []


def test_a_dry_run_and_a_change_set_that_waits_create_no_resource(
    install: Install, client: Callable[[str], Any]
) -> None:
    shown = install(*GIVEN, "--dry-run")
    assert {change["action"] for change in shown["changes"]} == {"Add"}
    assert any("/cfn-injector/" in line for line in shown["text"])
    assert everything(client) == []

    waiting = install(*GIVEN, "--no-execute-changeset")
    assert client("lambda").list_functions()["Functions"] == []
    client("cloudformation").execute_change_set(ChangeSetName=waiting["change_set"])
    client("cloudformation").get_waiter("stack_create_complete").wait(
        StackName="cfn-injector", WaiterConfig={"Delay": 1}
    )
    assert install()["outcome"] == "unchanged"


def test_each_region_and_each_name_has_its_own_provider(own: Emulator, install: Install) -> None:
    install("--name", "team-a", *GIVEN, "--regions", "us-east-1,eu-west-1")
    install("--name", "team-b", *GIVEN)
    for region, names in (("us-east-1", ["team-a", "team-b"]), ("eu-west-1", ["team-a"])):
        lambdas = own.session.client("lambda", endpoint_url=own.url, region_name=region)
        assert sorted(each["FunctionName"] for each in lambdas.list_functions()["Functions"]) == names
    assert install("--name", "team-a", "--regions", "eu-west-1")["export"] == "team-a-ServiceToken"
    install("--name", "team-a", "--uninstall")
    assert install("--name", "team-b")["outcome"] == "unchanged"


def test_one_region_that_fails_leaves_the_others(
    own: Emulator, install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    cloudformation = own.session.client("cloudformation", endpoint_url=own.url, region_name="eu-west-1")
    template = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})
    stacks.create(cloudformation, "cfn-injector", template)
    assert main(["install", "--yes", "--endpoint-url", own.url, *GIVEN, "--regions", "eu-west-1,us-east-1"]) == 1
    out, err = capsys.readouterr()
    assert "stack cfn-injector in us-east-1 was created" in out
    assert err.splitlines()[-1].startswith("cfn-injector: eu-west-1: stack cfn-injector exists and has no provider")
    found = stacks.describe(cloudformation, "cfn-injector")
    assert found
    assert found.status == "CREATE_COMPLETE"


# Upgrades and removal -------------------------------------------------------------------------------------------------


def resources(role: str, table: str, **function: Any) -> dict[str, Any]:
    """A resource of each type, and what they need. ``table`` is a variable that all injected functions get."""
    code = {"S3Bucket": ARTIFACTS, "S3Key": "app.zip"}
    runtime = {"Runtime": "python3.13", "Handler": "index.handler", "Role": role}
    injected = {"ServiceToken": SERVICE["ServiceToken"], "ServiceTimeout": 60, "Env": {"TABLE": table}}
    arn = {"Fn::GetAtt": ["Function", "Arn"]}
    return {
        "Function": {
            "Type": "Custom::LambdaFunction",
            "Properties": {**injected, **runtime, "Code": code, "Publish": True, "KeepVersions": 1, **function},
        },
        "Plain": {
            "Type": "Custom::LambdaFunction",
            "Properties": {**injected, **runtime, "Code": code, "EnvLoader": "none", **function},
        },
        "Code": {
            "Type": "Custom::LambdaCode",
            "Properties": {**injected, "Code": code, "Runtime": "python3.13", "Handler": "index.handler"},
        },
        "Native": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                **runtime,
                "FunctionName": "native",
                "Handler": {"Fn::GetAtt": ["Code", "Handler"]},
                "Code": {name: {"Fn::GetAtt": ["Code", name]} for name in ("S3Bucket", "S3Key")},
            },
        },
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Mapping": {
            "Type": "Custom::EventSourceMapping",
            "Properties": {
                **SERVICE,
                "FunctionName": {"Ref": "Function"},
                "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                "BatchSize": 5 if table == "one" else 7,
            },
        },
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "app"}},
        "Method": {
            "Type": "Custom::APIGatewayResource",
            "Properties": {
                **SERVICE,
                "RestApiId": {"Ref": "Api"},
                "Path": "/count",
                "Method": "GET",
                "StageName": "dev",
                "IntegrationRequest": {"Type": "Lambda", "FunctionArn": arn},
                "ApiKeyRequired": table != "one",
            },
        },
    }


def physical_ids(cloudformation: Any, stack: str) -> dict[str, str]:
    found = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found}


def replaced(cloudformation: Any, stack: str) -> set[str]:
    """The resources of the stack that were deleted."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack)
    events = [event for page in pages for event in page["StackEvents"]]
    return {event["LogicalResourceId"] for event in events if event["ResourceStatus"].startswith("DELETE_")}


def earlier(folder: Path) -> Path:
    """The sources of PREVIOUS. Skips the test where the history does not have it."""
    command = ["git", "-C", str(ROOT), "archive", PREVIOUS, "cfn_injector", "wrapper", "templates"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    except FileNotFoundError:
        pytest.skip("there is no git here")
    if done.returncode:
        pytest.skip(f"the history of this checkout does not have {PREVIOUS}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture
def role(client: Callable[[str], Any]) -> str:
    """A role for functions, and a bucket with their artifact."""
    client("s3").create_bucket(Bucket=ARTIFACTS)
    client("s3").put_object(Bucket=ARTIFACTS, Key="app.zip", Body=build_artifact(1))
    made = client("iam").create_role(RoleName="app", Path="/cfn-injector/", AssumeRolePolicyDocument=json.dumps(TRUST))
    return str(made["Role"]["Arn"])


@pytest.fixture
def installed_earlier(own: Emulator, client: Callable[[str], Any], role: str, tmp_path: Path) -> str:
    """The provider of PREVIOUS, as its own README installs it."""
    old = earlier(tmp_path / "old")
    output = tmp_path / "old.zip"
    command = [sys.executable, "-m", "cfn_injector", "build-provider", "--output", str(output)]
    environ = {**os.environ, "PYTHONPATH": str(old)}
    subprocess.run(command, env=environ, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    client("s3").create_bucket(Bucket="my-provider")
    client("s3").put_object(Bucket="my-provider", Key="0.1.0.zip", Body=output.read_bytes())
    values = {
        "CodeBucket": "my-provider",
        "CodeKey": "0.1.0.zip",
        "SourceBuckets": ARTIFACTS,
        "FunctionNamePrefix": "app-",
        "ApiGateway": "true",
        "ResponseHosts": own.response_hosts,
    }
    template = (old / "templates" / "provider.yaml").read_text("utf-8")
    stack = stacks.create(client("cloudformation"), "cfn-injector", template, values)
    return stack.outputs["ServiceToken"]


def test_an_upgrade_keeps_all_that_an_earlier_provider_made(
    installed_earlier: str, role: str, install: Install, client: Callable[[str], Any]
) -> None:
    cloudformation, lambdas = client("cloudformation"), client("lambda")

    def deploy(do: Callable[..., stacks.Stack], table: str, **function: Any) -> dict[str, str]:
        do(cloudformation, "app-one", json.dumps({"Resources": resources(role, table, **function)}))
        return physical_ids(cloudformation, "app-one")

    def tables() -> set[str]:
        answers = [
            json.loads(lambdas.invoke(FunctionName=ids[name])["Payload"].read()) for name in ("Function", "Plain")
        ]
        return {answer["env"]["TABLE"] for answer in answers}

    ids = before = deploy(stacks.create, "one")
    assert "give --upgrade" in install(status=1)["error"]
    upgraded = install("--upgrade")
    assert (upgraded["outcome"], upgraded["token"]) == ("updated", installed_earlier)
    assert physical_ids(cloudformation, "app-one") == before
    assert tables() == {"one"}

    after = deploy(stacks.update, "two", MemorySize=256)
    assert {name for name in before if before[name] != after[name]} == {"Code"}  # its ID is its key
    assert tables() == {"two"}
    with pytest.raises(stacks.StackError):
        deploy(stacks.update, "three", Layers=["not an ARN"])
    assert tables() == {"two"}
    assert replaced(cloudformation, "app-one") <= {"Code"}

    refused = install("--uninstall", status=1)["error"]
    assert "cfn-injector-ServiceToken is imported by app-one" in refused
    stacks.delete(cloudformation, "app-one")
    assert install("--uninstall")["outcome"] == "deleted"
    assert lambdas.list_functions()["Functions"] == []


def test_a_provider_whose_packages_are_deployed_stays(
    install: Install, role: str, client: Callable[[str], Any]
) -> None:
    install(*GIVEN)
    (stack,) = client("cloudformation").describe_stacks(StackName="cfn-injector")["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    kept = {"Bucket": outputs["StagingBucket"], "Key": "deployed/app-0123456789abcdef/app-kept/x.zip"}
    for key in (kept["Key"], "secret/key", "tmp/x.zip"):
        client("s3").put_object(**{**kept, "Key": key}, Body=b"x")
    assert "app-0123456789abcdef/app-kept" in install("--uninstall", status=1)["error"]
    assert client("s3").get_object(**{**kept, "Key": "secret/key"})
    client("s3").delete_object(**kept)
    assert install("--uninstall")["outcome"] == "deleted"
