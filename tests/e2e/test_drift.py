"""``drift`` and ``ls`` in an account with the real provider: what a person changes there is found."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from cfn_injector.cli import aws_options
from cfn_injector.cli.main import main
from tests.e2e.account import Account, Stacks

CANARY = "canary-91c4-never-to-be-seen"
REF = {"Ref": "Function"}


@pytest.fixture(autouse=True)
def own_account(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands use the emulated account."""
    monkeypatch.setattr(aws_options, "clients", lambda *_, **__: lambda service, **_: account.client(service))


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    status = main([*words, "--json"])
    out, err = capsys.readouterr()
    assert CANARY not in out + err
    assert err == ""
    return status, json.loads(out)


def with_file(code: bytes, name: str) -> bytes:
    archive = io.BytesIO(code)
    with zipfile.ZipFile(archive, "a") as target:
        target.writestr(zipfile.ZipInfo(name), b"")
    return archive.getvalue()


def native(account: Account) -> dict[str, Any]:
    code = {name: {"Fn::GetAtt": ["Code", name]} for name in ("S3Bucket", "S3Key")}
    return {"Type": "AWS::Lambda::Function", "Properties": {**account.runtime(), "Code": code}}


def test_what_was_just_deployed_has_not_changed_and_each_change_by_hand_is_found(
    account: Account, stacks: Stacks, capsys: pytest.CaptureFixture[str]
) -> None:
    function = account.function(Env={"TABLE": CANARY}, RecursiveLoop="Allow", ReservedConcurrentExecutions=1)
    resources = {"Function": function, "Code": account.lambda_code(Env={"A": CANARY}), "Native": native(account)}
    stack = stacks.create("e2e-drift", resources, Name=REF, Native={"Ref": "Native"})

    def found() -> tuple[int, dict[str, list[str]]]:
        status, report = printed(capsys, "drift", "e2e-drift")
        return status, {each["logical_id"]: each["changed"] for each in report["resources"]}

    assert found() == (0, {"Function": [], "Code": [], "Native": []})
    client, name = account.client("lambda"), stack.outputs["Name"]
    client.update_function_configuration(FunctionName=name, MemorySize=512)
    assert found() == (1, {"Function": ["MemorySize"], "Code": [], "Native": []})
    for each in (name, stack.outputs["Native"]):
        by_hand = with_file(account.deployed_code(each), "more.py")
        client.update_function_code(FunctionName=each, ZipFile=by_hand)
    assert found() == (1, {"Function": ["Code", "MemorySize"], "Code": [], "Native": ["Code"]})
    (code,) = (each["code"] for each in printed(capsys, "drift", "e2e-drift")[1]["resources"] if each["code"])
    assert code == {"variables": [], "files": {"added": ["more.py"]}, "loader_differs": False}
    client.put_function_recursion_config(FunctionName=name, RecursiveLoop="Terminate")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)
    assert found()[1]["Function"] == ["Code", "MemorySize", "ReservedConcurrentExecutions", "RecursiveLoop"]


def test_all_functions_of_the_account_are_listed(
    account: Account, stacks: Stacks, capsys: pytest.CaptureFixture[str]
) -> None:
    function = account.function(Env={"TABLE": CANARY}, EnvLoader="handler", Publish=True)
    stack = stacks.create("e2e-ls", {"Function": function}, Name=REF)
    client, name = account.client("lambda"), stack.outputs["Name"]
    retained = {**account.function(), "DeletionPolicy": "Retain"}
    gone = stacks.create("e2e-ls-gone", {"Function": retained}, Name=REF).outputs["Name"]
    stacks.delete("e2e-ls-gone")
    try:
        status, found = printed(capsys, "ls", "--env")
    finally:
        account.delete_retained(gone)
    listed = {each["function"]: each for each in found}
    assert status == 0
    assert {each: listed[each]["stack_status"] for each in (name, gone)} == {
        name: "CREATE_COMPLETE",
        gone: "DELETE_COMPLETE",
    }
    assert listed[name] == {
        "function": name,
        "stack": "e2e-ls",
        "stack_id": client.get_function(FunctionName=name)["Tags"]["cfn-injector:stack-id"],
        "stack_status": "CREATE_COMPLETE",
        "logical_id": "Function",
        "artifact": f"{account.source_bucket}/{account.builds[1]}",
        "version": "1",
        "loader": "handler",
        "last_modified": client.get_function_configuration(FunctionName=name)["LastModified"],
        "env": ["FROM_ARTIFACT", "TABLE"],
    }
    newer = f"{account.source_bucket}/newer.zip"
    account.client("s3").put_object(Bucket=account.source_bucket, Key="newer.zip", Body=b"")
    assert name in [each["function"] for each in printed(capsys, "ls", "--artifact-older-than", newer)[1]]
