"""Stacks from their creation to their deletion, with the real provider, on an emulator of CloudFormation."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import random
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from cfn_injector.local.stacks import StackError
from tests.e2e.account import Account, Stacks, build_artifact, stored_entries

REF = {"Ref": "Function"}
CANARY = "canary-6f1d-never-to-be-seen"


def attribute(name: str, resource: str = "Function") -> dict[str, Any]:
    return {"Fn::GetAtt": [resource, name]}


def with_entry(code: bytes, name: str, content: bytes) -> bytes:
    archive = io.BytesIO(code)
    with zipfile.ZipFile(archive, "a") as target:
        target.writestr(zipfile.ZipInfo(name), content)
    return archive.getvalue()


def env_text(code: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(code)) as archive:
        return archive.read(".env").decode("utf-8")


def test_a_created_function_finds_the_env_of_its_template_merged_into_that_of_its_artifact(
    account: Account, stacks: Stacks
) -> None:
    env = {"TABLE": "one", "LIMIT": 5, "DEBUG": True, "QUOTED": 'it\'s "all" $HERE\nand there'}

    stack = stacks.create("e2e-create", {"Function": account.function(Env=env)}, Name=REF)

    assert account.invoke(stack.outputs["Name"]) == {
        "build": 1,
        "env": {
            "FROM_ARTIFACT": "yes",
            "TABLE": "one",
            "LIMIT": "5",
            "DEBUG": "true",
            "QUOTED": 'it\'s "all" $HERE\nand there',
        },
    }


def test_the_attributes_are_those_of_the_function_and_never_a_value_of_env(account: Account, stacks: Stacks) -> None:
    names = ("Arn", "FunctionName", "CodeSha256", "LogGroupName", "LogGroupArn")
    stack = stacks.create(
        "e2e-attributes",
        {"Function": account.function(Env={"TABLE": "one"})},
        **{name: attribute(name) for name in names},
    )

    function = account.client("lambda").get_function(FunctionName=stack.outputs["FunctionName"])
    assert stack.outputs["Arn"] == function["Configuration"]["FunctionArn"]
    assert stack.outputs["CodeSha256"] == function["Configuration"]["CodeSha256"]
    assert stack.outputs["LogGroupName"] == f"/aws/lambda/{stack.outputs['FunctionName']}"
    assert stack.outputs["LogGroupArn"].endswith(f":log-group:/aws/lambda/{stack.outputs['FunctionName']}:*")
    assert function["Tags"]["team"] == "counters"


def test_a_change_of_env_alone_changes_the_env_file_and_no_other_entry(account: Account, stacks: Stacks) -> None:
    def resources(table: str) -> dict[str, Any]:
        return {"Function": account.function(Env={"TABLE": table}, EnvLoader="none")}

    before = stacks.create("e2e-env", resources("one"), Name=REF, Sha=attribute("CodeSha256"))
    after = stacks.update("e2e-env", resources("two"), Name=REF, Sha=attribute("CodeSha256"))

    code = account.deployed_code(after.outputs["Name"])
    assert after.outputs["Name"] == before.outputs["Name"]
    assert after.outputs["Sha"] != before.outputs["Sha"]
    assert stored_entries(code) == stored_entries(build_artifact(1))
    assert env_text(code) == "# kept\nFROM_ARTIFACT=yes\nTABLE=two\n"
    assert account.invoke(after.outputs["Name"])["env"]["TABLE"] == "two"
    assert account.staged() == []


def test_a_new_artifact_keeps_the_env(account: Account, stacks: Stacks) -> None:
    def resources(build: int) -> dict[str, Any]:
        return {"Function": account.function(Code=account.code(build), Env={"TABLE": "one"})}

    before = stacks.create("e2e-code", resources(1), Name=REF)
    after = stacks.update("e2e-code", resources(2), Name=REF)

    answer = account.invoke(after.outputs["Name"])
    assert after.outputs["Name"] == before.outputs["Name"]
    assert (answer["build"], answer["env"]["TABLE"]) == (2, "one")


def test_a_property_that_is_removed_from_the_template_is_reset_on_the_function(
    account: Account, stacks: Stacks
) -> None:
    stack = stacks.create(
        "e2e-reset",
        {"Function": account.function(MemorySize=512, Environment={"Variables": {"MODE": "fast"}})},
        Name=REF,
    )
    configuration = account.client("lambda").get_function_configuration
    before = configuration(FunctionName=stack.outputs["Name"])

    stacks.update("e2e-reset", {"Function": account.function()}, Name=REF)

    after = configuration(FunctionName=stack.outputs["Name"])
    assert (before["MemorySize"], before["Environment"]["Variables"]) == (512, {"MODE": "fast"})
    assert (after["MemorySize"], after.get("Environment", {}).get("Variables", {})) == (128, {})


def test_a_new_function_name_is_a_new_function_and_the_old_one_goes_after_the_update(
    account: Account, stacks: Stacks
) -> None:
    def resources(name: str) -> dict[str, Any]:
        return {"Function": account.function(FunctionName=name, Env={"TABLE": name})}

    stacks.create("e2e-replace", resources("e2e-old"), Name=REF)
    after = stacks.update("e2e-replace", resources("e2e-new"), Name=REF)

    assert after.outputs["Name"] == "e2e-new"
    assert account.invoke("e2e-new")["env"]["TABLE"] == "e2e-new"
    assert "e2e-old" not in account.functions()


def test_a_refused_update_rolls_back_and_the_function_answers_as_before(account: Account, stacks: Stacks) -> None:
    stack = stacks.create("e2e-refused", {"Function": account.function(Env={"TABLE": "one"})}, Name=REF)
    before = account.deployed_code(stack.outputs["Name"])

    with pytest.raises(StackError, match=r"Env\.HOSTS is a list; use Fn::ToJsonString") as failed:
        stacks.update("e2e-refused", {"Function": account.function(Env={"HOSTS": ["a", "b"]})}, Name=REF)

    assert failed.value.status == "UPDATE_ROLLBACK_COMPLETE"
    assert account.deployed_code(stack.outputs["Name"]) == before
    assert account.invoke(stack.outputs["Name"])["env"]["TABLE"] == "one"


def test_an_update_that_fails_at_a_later_resource_is_undone_by_an_update_of_the_function(
    account: Account, stacks: Stacks
) -> None:
    stack = stacks.create("e2e-later", {"Function": account.function(Env={"TABLE": "one"})}, Name=REF)
    name = stack.outputs["Name"]
    before = account.deployed_code(name)
    broken = {**account.function(Env={"1": "no name"}), "DependsOn": "Function"}

    with pytest.raises(StackError) as failed:
        stacks.update(
            "e2e-later",
            {"Function": account.function(Env={"TABLE": "two"}, MemorySize=256), "Later": broken},
            Name=REF,
        )

    updates = [status for status, _ in stacks.events("e2e-later", "Function") if status == "UPDATE_COMPLETE"]
    assert failed.value.status == "UPDATE_ROLLBACK_COMPLETE"
    assert len(updates) == 2
    assert account.deployed_code(name) == before
    assert account.invoke(name)["env"]["TABLE"] == "one"
    assert account.client("lambda").get_function_configuration(FunctionName=name)["MemorySize"] == 128


def test_a_replacement_that_is_rolled_back_keeps_the_old_function(account: Account, stacks: Stacks) -> None:
    stacks.create("e2e-return", {"Function": account.function(FunctionName="e2e-first")}, Name=REF)
    broken = {**account.function(Env={"1": "no name"}), "DependsOn": "Function"}

    with pytest.raises(StackError) as failed:
        stacks.update(
            "e2e-return",
            {"Function": account.function(FunctionName="e2e-second"), "Later": broken},
            Name=REF,
        )

    assert failed.value.status == "UPDATE_ROLLBACK_COMPLETE"
    assert account.invoke("e2e-first")["build"] == 1
    assert "e2e-second" not in account.functions()
    stacks.delete("e2e-return")
    assert "e2e-first" not in account.functions()


def test_a_failed_create_leaves_nothing(account: Account, stacks: Stacks) -> None:
    missing = {"S3Bucket": account.source_bucket, "S3Key": "missing.zip"}
    before = account.functions()

    with pytest.raises(StackError, match=r"missing\.zip"):
        stacks.create("e2e-missing", {"Function": account.function(Code=missing)})

    assert account.functions() == before
    assert account.staged() == []


def test_deletion_leaves_nothing(account: Account, stacks: Stacks) -> None:
    before = account.functions()
    stack = stacks.create("e2e-delete", {"Function": account.function(Env={"TABLE": "one"})}, Name=REF)
    existed = stack.outputs["Name"] in account.functions()

    stacks.delete("e2e-delete")

    assert existed
    assert account.functions() == before
    assert account.staged() == []


def test_injected_code_of_a_native_function_follows_its_env_by_a_new_key(account: Account, stacks: Stacks) -> None:
    def resources(table: str) -> dict[str, Any]:
        place = {name: attribute(name, "Code") for name in ("S3Bucket", "S3Key")}
        return {
            "Code": account.lambda_code(Env={"TABLE": table}),
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {**account.runtime(), "Code": place},
            },
        }

    outputs = {"Name": REF, "Key": attribute("S3Key", "Code"), "Sha": attribute("CodeSha256", "Code")}

    before = stacks.create("e2e-native", resources("one"), **outputs)
    first = account.invoke(before.outputs["Name"])["env"]["TABLE"]
    after = stacks.update("e2e-native", resources("two"), **outputs)
    second = account.invoke(after.outputs["Name"])["env"]["TABLE"]
    configuration = account.client("lambda").get_function_configuration(FunctionName=after.outputs["Name"])

    assert (first, second) == ("one", "two")
    assert after.outputs["Name"] == before.outputs["Name"]
    assert after.outputs["Key"] != before.outputs["Key"]
    assert after.outputs["Sha"] == configuration["CodeSha256"]
    assert account.staged() == [f"arn:aws:s3:::{account.staging_bucket}/{after.outputs['Key']}"]
    stacks.delete("e2e-native")
    assert account.staged() == []


def test_a_large_artifact_arrives_whole_and_leaves_no_upload_behind(account: Account, stacks: Stacks) -> None:
    s3, megabyte = account.client("s3"), 1024 * 1024
    source = with_entry(build_artifact(1), "data/large.bin", random.Random(1).randbytes(13 * megabyte))
    s3.put_object(Bucket=account.source_bucket, Key="large.zip", Body=source)
    code = {"S3Bucket": account.source_bucket, "S3Key": "large.zip"}

    stack = stacks.create(
        "e2e-large",
        {
            "Code": account.lambda_code(Code=code, Env={"TABLE": "one"}),
            "Function": account.function(Code=code, Env={"TABLE": "one"}, EnvLoader="none"),
        },
        Name=REF,
        Key=attribute("S3Key", "Code"),
        Sha=attribute("CodeSha256", "Code"),
    )

    content = s3.get_object(Bucket=account.staging_bucket, Key=stack.outputs["Key"])["Body"].read()
    assert stored_entries(content) == stored_entries(source)
    assert stack.outputs["Sha"] == base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert account.deployed_code(stack.outputs["Name"]) == content
    assert account.invoke(stack.outputs["Name"])["env"]["TABLE"] == "one"
    assert account.staged() == [f"arn:aws:s3:::{account.staging_bucket}/{stack.outputs['Key']}"]


@pytest.fixture
def by_hand(account: Account) -> Iterator[str]:
    """The name of a function that no stack made."""
    name, client = "e2e-by-hand", account.client("lambda")
    code = {"ZipFile": build_artifact(2)}
    client.create_function(FunctionName=name, **account.runtime(), Code=code, Description="mine")
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    yield name
    if name in account.functions():
        client.delete_function(FunctionName=name)


def test_a_function_made_by_hand_is_left_alone(account: Account, stacks: Stacks, by_hand: str) -> None:
    describe = account.client("lambda").get_function
    before = describe(FunctionName=by_hand)["Configuration"], account.deployed_code(by_hand)

    with pytest.raises(StackError, match=f"{by_hand} is the name of a function that already exists"):
        stacks.create("e2e-not-owned", {"Function": account.function(FunctionName=by_hand)})
    stacks.delete("e2e-not-owned")

    assert (describe(FunctionName=by_hand)["Configuration"], account.deployed_code(by_hand)) == before


def test_an_update_that_takes_the_name_of_another_stacks_function_is_refused_and_leaves_that_alone(
    account: Account, stacks: Stacks
) -> None:
    properties = {"FunctionName": "e2e-used-twice"}
    stacks.create("e2e-owner", {"Function": account.function(**properties, Env={"TABLE": "one"})})
    other = stacks.create("e2e-other", {"Function": account.function(Env={"TABLE": "two"})}, Name=REF)

    with pytest.raises(StackError, match="e2e-used-twice is the name of a function that already exists") as failed:
        stacks.update("e2e-other", {"Function": account.function(**properties, Env={"TABLE": "two"})}, Name=REF)

    assert failed.value.status == "UPDATE_ROLLBACK_COMPLETE"
    assert account.invoke(other.outputs["Name"])["env"]["TABLE"] == "two"
    stacks.delete("e2e-other")
    assert account.invoke("e2e-used-twice")["env"]["TABLE"] == "one"


def test_a_function_made_by_hand_is_taken_over_with_adopt(account: Account, stacks: Stacks, by_hand: str) -> None:
    properties = {"FunctionName": by_hand, "Env": {"TABLE": "one"}, "Adopt": True}

    stack = stacks.create("e2e-adoption", {"Function": account.function(**properties)}, Name=REF)

    assert stack.outputs["Name"] == by_hand
    assert account.invoke(by_hand)["build"] == 1
    stacks.delete("e2e-adoption")
    assert by_hand not in account.functions()


def everything_shown(account: Account, stack: str) -> str:
    """Everything that AWS's APIs return about a stack and its functions, as one text."""
    cloudformation, functions, logs = (account.client(name) for name in ("cloudformation", "lambda", "logs"))
    shown = [
        *cloudformation.describe_stack_events(StackName=stack)["StackEvents"],
        *cloudformation.describe_stacks(StackName=stack)["Stacks"],
        *cloudformation.describe_stack_resources(StackName=stack)["StackResources"],
    ]
    for name in account.functions() | {"cfn-injector"}:
        function = functions.get_function(FunctionName=name)
        shown.append(function)
        shown.append(functions.list_tags(Resource=function["Configuration"]["FunctionArn"]))
    for group in logs.describe_log_groups()["logGroups"]:
        shown += logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
    return json.dumps(shown, default=str)


def test_a_secret_of_env_is_shown_nowhere(account: Account, stacks: Stacks) -> None:
    def resources(**env: Any) -> dict[str, Any]:
        return {"Function": account.function(Env=env), "Code": account.lambda_code(Env=env)}

    names = ("Arn", "FunctionName", "CodeSha256", "LogGroupName", "LogGroupArn")
    outputs = {**{name: attribute(name) for name in names}, "Key": attribute("S3Key", "Code")}

    stack = stacks.create("e2e-secret", resources(SECRET=CANARY), **outputs)
    stacks.update("e2e-secret", resources(SECRET=CANARY, MORE=f"{CANARY}-2"), **outputs)
    with pytest.raises(StackError) as refused:
        stacks.update("e2e-secret", resources(SECRET=[CANARY]), **outputs)

    shown = everything_shown(account, "e2e-secret") + str(refused.value)
    assert account.invoke(stack.outputs["FunctionName"])["env"]["SECRET"] == CANARY
    assert "Env.SECRET" in shown  # the reason of the failure,
    assert "env_keys" in shown  # and the provider's log are among it
    assert CANARY not in shown
