"""The templates of docs/move-a-function.md, deployed one after the other as the page says: over, and back.

``tests/real_clients`` runs the page's own commands; here, every state in between is looked at, and a move fails.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cfn_injector.cli.main import main
from cfn_injector.local import stacks
from tests.e2e.account import Account
from tests.support import shell_text
from tests.support.pages import DOCS, blocks

PAGE = (DOCS / "move-a-function.md").read_text("utf-8")
NAME = "e2e-greeter"
FAILS = """
  Fails:
    Type: Custom::LambdaCode
    DependsOn: Live
    Properties:
      ServiceToken: !ImportValue cfn-injector-ServiceToken
      ServiceTimeout: 60
      Code: {S3Bucket: !Ref Bucket, S3Key: missing.zip}
      Env: {}
"""

pytestmark = pytest.mark.skipif(shell_text.BASH is None, reason="bash is not installed")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the page writes, with a name within the prefix of these tests."""
    folder = tmp_path_factory.mktemp("page")
    script = "\n".join(blocks(PAGE, "sh")).replace("shop-greeter", NAME)
    shell_text.commands_of(script, folder)
    main(
        [
            "transform",
            str(folder / "native.yaml"),
            "--move-environment",
            "--output-template-file",
            str(folder / "injected.yaml"),
        ]
    )
    return folder


@dataclass
class Move:
    """The function of the page, and what its callers see of it."""

    account: Account
    folder: Path
    seen: list[tuple[str, ...]] = field(default_factory=list)

    def deploy(self, template: str, more: str = "") -> str:
        """Deploys a template of the page, and returns what the alias answers."""
        client = self.account.client("cloudformation")
        text = (self.folder / template).read_text("utf-8") + more
        verb = stacks.update if stacks.describe(client, NAME) else stacks.create
        verb(client, NAME, text, {"Bucket": self.account.source_bucket})
        return self.look()

    def look(self) -> str:
        """Notes the ARNs of function and alias, and the trigger; returns what the alias answers."""
        client = self.account.client("lambda")
        alias = client.get_alias(FunctionName=NAME, Name="live")
        mappings = client.list_event_source_mappings(FunctionName=f"{NAME}:live")["EventSourceMappings"]
        function = client.get_function_configuration(FunctionName=NAME)["FunctionArn"]
        self.seen.append((function, alias["AliasArn"], *(each["UUID"] for each in mappings)))
        answer: str = self.account.invoke(f"{NAME}:live")
        return answer

    def import_greeter(self) -> str:
        """The import of the page, with boto3."""
        client = self.account.client("cloudformation")
        client.create_change_set(
            StackName=NAME,
            ChangeSetName="import-greeter",
            ChangeSetType="IMPORT",
            TemplateBody=(self.folder / "imported.yaml").read_text("utf-8"),
            Capabilities=stacks.CAPABILITIES,
            Parameters=[{"ParameterKey": "Bucket", "UsePreviousValue": True}],
            ResourcesToImport=[
                {
                    "ResourceType": "AWS::Lambda::Function",
                    "LogicalResourceId": "Greeter",
                    "ResourceIdentifier": {"FunctionName": NAME},
                }
            ],
        )
        pause = {"Delay": 1, "MaxAttempts": 60}
        named = {"StackName": NAME, "WaiterConfig": pause}
        client.get_waiter("change_set_create_complete").wait(ChangeSetName="import-greeter", **named)
        client.execute_change_set(StackName=NAME, ChangeSetName="import-greeter")
        client.get_waiter("stack_import_complete").wait(**named)
        return self.look()

    def function(self) -> dict[str, Any]:
        found: dict[str, Any] = self.account.client("lambda").get_function(FunctionName=NAME)
        return found

    def own_tags(self) -> set[str]:
        return {key for key in self.function()["Tags"] if key.startswith("cfn-injector:")}

    def types(self) -> dict[str, str]:
        found = self.account.client("cloudformation").describe_stack_resources(StackName=NAME)["StackResources"]
        return {each["LogicalResourceId"]: each["ResourceType"] for each in found if each["PhysicalResourceId"] == NAME}


@pytest.fixture
def move(account: Account, pages: Path) -> Iterator[Move]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        target.write(pages / "app.py", "app.py")
    account.client("s3").put_object(Bucket=account.source_bucket, Key="app-1.zip", Body=archive.getvalue())
    made = Move(account, pages)
    yield made
    stacks.delete(account.client("cloudformation"), NAME)
    account.delete_retained(NAME)


def test_a_function_gets_an_env_by_lambda_code_and_goes_back(move: Move) -> None:
    assert move.deploy("native.yaml") == "hello from version 1"
    assert move.deploy("injected.yaml") == "hello from version 2"
    assert move.function()["Configuration"].get("Environment", {}).get("Variables", {}) == {}
    assert move.deploy("native.yaml") == "hello from version 3"
    assert move.account.invoke(f"{NAME}:1") == "hello from version 1"
    assert len(set(move.seen)) == 1
    assert move.types() == {"Greeter": "AWS::Lambda::Function"}


def test_a_function_becomes_a_lambda_function_and_goes_back(move: Move) -> None:
    assert move.deploy("native.yaml") == "hello from version 1"
    assert move.deploy("owned.yaml") == "hello from version 2"
    assert move.types() == {"Function": "Custom::LambdaFunction"}
    assert move.deploy("beside.yaml") == "hello from version 2"
    sha256 = move.function()["Configuration"]["CodeSha256"]
    assert move.import_greeter() == "hello from version 2"
    assert move.types() == {"Function": "Custom::LambdaFunction", "Greeter": "AWS::Lambda::Function"}
    resources = move.account.client("cloudformation").describe_stack_resource(StackName=NAME, LogicalResourceId="Code")
    key = resources["StackResourceDetail"]["PhysicalResourceId"]
    made = move.account.client("s3").get_object(Bucket=move.account.staging_bucket, Key=key)["Body"].read()
    assert made == move.account.deployed_code(NAME)
    assert move.deploy("native.yaml") == "hello from version 3"
    assert move.function()["Configuration"]["CodeSha256"] != sha256
    assert move.types() == {"Greeter": "AWS::Lambda::Function"}
    assert move.account.invoke(f"{NAME}:1") == "hello from version 1"
    assert len(set(move.seen)) == 1


def test_a_move_that_fails_gives_the_function_back_and_can_be_tried_again(move: Move) -> None:
    """ministack returns the code of $LATEST for every version, so what is restored here is the configuration."""
    assert move.deploy("native.yaml") == "hello from version 1"
    before = move.function()["Configuration"]

    with pytest.raises(stacks.StackError, match=r"missing\.zip does not exist") as failed:
        move.deploy("owned.yaml", FAILS)

    assert failed.value.status == "UPDATE_ROLLBACK_COMPLETE"
    assert move.look() == "hello from version 1"
    after = move.function()["Configuration"]
    assert {name: after[name] for name in ("Handler", "Environment")} == {
        name: before[name] for name in ("Handler", "Environment")
    }
    assert move.own_tags() == set()
    assert move.types() == {"Greeter": "AWS::Lambda::Function"}
    assert move.deploy("owned.yaml").startswith("hello from version ")
    assert move.types() == {"Function": "Custom::LambdaFunction"}
    assert len(set(move.seen)) == 1
