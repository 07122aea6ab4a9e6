"""EnvLoader on an emulator: code that reads nothing but its environment gets the template's Env there.

ministack does not know AWS_LAMBDA_EXEC_WRAPPER, so that what ``exec`` starts is seen only in code and configuration.
"""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from cfn_injector.local import stacks as cloudformation
from cfn_injector.local.stacks import StackError
from tests.e2e.account import Account, Stacks
from tests.support.node_js import needs_node
from tests.support.templates import TEMPLATES

EXEC_WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
WRAPPER = "/var/task/_cfn_injector/exec"
EDGE = (TEMPLATES / "edge.yaml").read_text("utf-8")

# All three look at the environment while they are loaded, as no wrapper around a handler could serve them.
FILES = {
    "app.py": """
import os

ENVIRON = dict(os.environ)

def handler(event, context):
    return {name: ENVIRON.get(name) for name in ("TABLE", "OWN", "HELD", "TZ", "_HANDLER")}
""",
    "app.mjs": """
const environ = { ...process.env };

export async function handler() {
  return Object.fromEntries(["TABLE", "OWN", "HELD", "TZ", "_HANDLER"].map((name) => [name, environ[name] ?? null]));
}
""",
    "edge.py": """
import os

FOLDER = os.environ["folder"]

def handler(event, context):
    return {"folder": FOLDER}
""",
    ".env": "OWN=artifact\nHELD=artifact\nTZ=Asia/Tokyo\nTABLE=nobody\n",
}
ENVIRONMENT = {"Variables": {"HELD": "environment", "TZ": "UTC"}}


def artifact(account: Account, key: str, **more: str) -> dict[str, str]:
    """``Code`` of an artifact in which nothing reads a file of variables."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        for name, content in {**FILES, **more}.items():
            target.writestr(name, content)
    account.client("s3").put_object(Bucket=account.source_bucket, Key=key, Body=archive.getvalue())
    return {"S3Bucket": account.source_bucket, "S3Key": key}


@pytest.fixture(scope="module")
def code(account: Account) -> dict[str, str]:
    return artifact(account, "no-reader.zip")


def attribute(name: str, resource: str = "Function") -> dict[str, Any]:
    return {"Fn::GetAtt": [resource, name]}


def configured(account: Account, name: str) -> dict[str, Any]:
    configuration: dict[str, Any] = account.client("lambda").get_function_configuration(FunctionName=name)
    return configuration


def modes(account: Account, name: str) -> dict[str, int]:
    """Name -> mode of the entries in the loaders' folder of a function's code."""
    with zipfile.ZipFile(io.BytesIO(account.deployed_code(name))) as archive:
        entries = {entry.filename: entry.external_attr >> 16 & 0o777 for entry in archive.infolist()}
    return {entry: mode for entry, mode in entries.items() if entry.startswith("_cfn_injector/")}


@pytest.mark.parametrize(
    ("runtime", "shim"),
    [
        ("python3.13", "_cfn_injector.handler"),
        pytest.param("nodejs22.x", "_cfn_injector/index.handler", marks=needs_node),
    ],
)
def test_a_loader_follows_the_env_goes_and_comes_back(
    account: Account, stacks: Stacks, code: dict[str, str], runtime: str, shim: str
) -> None:
    name = f"e2e-loader-{runtime[:6]}"

    def resources(**properties: Any) -> dict[str, Any]:
        given = {"Code": code, "Runtime": runtime, "Handler": "app.handler", "Environment": ENVIRONMENT}
        return {"Function": account.function(**given, FunctionName=name, **properties)}

    def answer() -> tuple[dict[str, Any], str]:
        return account.invoke(name), configured(account, name)["Handler"]

    stacks.create(name, resources(Env={"TABLE": "one"}))
    created = answer()
    stacks.update(name, resources(Env={"TABLE": "two"}, EnvLoader="handler"))
    changed = answer()
    stacks.update(name, resources(Env={"TABLE": "two"}, EnvLoader="none"))
    gone, left = answer(), modes(account, name)
    stacks.update(name, resources(Env={"TABLE": "three"}, EnvLoader="handler"))

    held = {"OWN": "artifact", "HELD": "environment", "TZ": "Asia/Tokyo", "_HANDLER": "app.handler"}
    assert created == ({"TABLE": "one", **held}, shim)
    assert changed == ({"TABLE": "two", **held}, shim)
    assert answer() == ({"TABLE": "three", **held}, shim)
    assert [gone[0][each] for each in ("TABLE", "OWN", "HELD", "TZ")] == [None, None, "environment", "UTC"]
    assert (gone[1], left) == ("app.handler", {})


def test_a_native_function_is_started_as_its_injected_code_says(
    account: Account, stacks: Stacks, code: dict[str, str]
) -> None:
    started = {"Code": code, "Handler": "app.handler", "Runtime": "python3.13"}

    def native(resource: str) -> dict[str, Any]:
        place = {each: attribute(each, resource) for each in ("S3Bucket", "S3Key")}
        return {**account.runtime(), "Code": place, "Handler": attribute("Handler", resource)}

    def resources(table: str) -> dict[str, Any]:
        variables = {EXEC_WRAPPER: attribute("ExecWrapper", "ExecCode")}
        wrapped = {**native("ExecCode"), "Environment": {"Variables": variables}}
        return {
            "Code": account.lambda_code(**started, Env={"TABLE": table}, EnvLoader="handler"),
            "Function": {"Type": "AWS::Lambda::Function", "Properties": native("Code")},
            "ExecCode": account.lambda_code(**started, Env={"TABLE": table}, EnvLoader="exec"),
            "Wrapped": {"Type": "AWS::Lambda::Function", "Properties": wrapped},
            "Exec": account.function(**started, Env={"TABLE": table}, EnvLoader="exec"),
        }

    outputs = {"Name": {"Ref": "Function"}, "Wrapped": {"Ref": "Wrapped"}, "Exec": {"Ref": "Exec"}}
    stack = stacks.create("e2e-loader-native", resources("one"), **outputs)
    name = stack.outputs["Name"]
    first = account.invoke(name)
    stacks.update("e2e-loader-native", resources("two"), **outputs)

    assert (first["TABLE"], account.invoke(name)["TABLE"]) == ("one", "two")
    assert configured(account, name)["Handler"] == "_cfn_injector.handler"
    for wrapped in (stack.outputs["Wrapped"], stack.outputs["Exec"]):
        configuration = configured(account, wrapped)
        assert configuration["Handler"] == "app.handler"
        assert configuration["Environment"]["Variables"] == {EXEC_WRAPPER: WRAPPER}
        shim, block = "_cfn_injector/__init__.py", "_cfn_injector/environ"
        found = modes(account, wrapped)
        bytecode = {name for name in found if "/__pycache__/" in name}  # as the builder has them
        assert {name: found[name] for name in found.keys() - bytecode} == {
            "_cfn_injector/exec": 0o755,
            shim: 0o644,
            block: 0o644,
        }
        assert {found[name] for name in bytecode} <= {0o644}


@pytest.mark.parametrize("runtime", ["python3.13", pytest.param("nodejs22.x", marks=needs_node)])
def test_one_object_serves_native_functions_with_different_handlers(
    account: Account, stacks: Stacks, runtime: str
) -> None:
    files = {
        "app.py": "import os\nTABLE = os.environ['TABLE']\n"
        "def first(event, context): return ['first', TABLE]\ndef second(event, context): return ['second', TABLE]\n",
        "app.js": "const { TABLE } = process.env;\n"
        "exports.first = async () => ['first', TABLE];\nexports.second = async () => ['second', TABLE];\n",
    }
    names = ("First", "Second")

    def resources(table: str) -> dict[str, Any]:
        place = {each: attribute(each, "Code") for each in ("S3Bucket", "S3Key")}
        handlers = {name: f"app.{name.lower()}" for name in names}
        functions = {
            name: {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    **account.runtime(),
                    "Code": place,
                    "Runtime": runtime,
                    "Handler": attribute(f"Handler.{name}", "Code"),
                },
            }
            for name in names
        }
        injected = {"Code": artifact(account, "two.zip", **files), "Runtime": runtime, "Handlers": handlers}
        return {"Code": account.lambda_code(**injected, Env={"TABLE": table}), **functions}

    stack_name, outputs = f"e2e-handlers-{runtime[:6]}", {name: {"Ref": name} for name in names}
    stack = stacks.create(stack_name, resources("one"), **outputs)
    first = [account.invoke(stack.outputs[name]) for name in names]
    stacks.update(stack_name, resources("two"), **outputs)
    assert first == [["first", "one"], ["second", "one"]]
    assert [account.invoke(stack.outputs[name]) for name in names] == [["first", "two"], ["second", "two"]]
    assert len([arn for arn in account.staged() if "/code/" in arn]) == 1


def test_a_loader_that_is_refused_leaves_the_function_as_it_was(
    account: Account, stacks: Stacks, code: dict[str, str]
) -> None:
    taken = artifact(account, "taken.zip", **{"_cfn_injector/mine.py": ""})
    properties = {"Code": code, "Handler": "app.handler", "Env": {"TABLE": "one"}, "EnvLoader": "handler"}
    outputs = {"Name": {"Ref": "Function"}}
    stack = stacks.create("e2e-loader-refused", {"Function": account.function(**properties)}, **outputs)
    name = stack.outputs["Name"]
    before = account.deployed_code(name), account.functions()

    for change, problem in (
        ({"Code": taken}, "_cfn_injector/mine.py"),
        ({"EnvLoader": "exec", "Runtime": "provided.al2023"}, "EnvLoader exec has no effect with provided.al2023"),
    ):
        resources = {"Function": account.function(**{**properties, "Env": {"TABLE": "two"}, **change})}
        with pytest.raises(StackError, match=problem) as failed:
            stacks.update("e2e-loader-refused", resources, **outputs)
        assert failed.value.status == "UPDATE_ROLLBACK_COMPLETE"
        assert (account.deployed_code(name), account.functions()) == before
        assert account.invoke(name)["TABLE"] == "one"
        with pytest.raises(StackError, match=problem):
            stacks.create("e2e-loader-never", resources)
        stacks.delete("e2e-loader-never")
        assert account.functions() == before[1]
    assert account.staged() == []


def test_the_template_for_the_edge_gives_cloudfront_the_version_that_holds_the_env(
    account: Account, stacks: Stacks, code: dict[str, str]
) -> None:
    def deployed(stack: cloudformation.Stack) -> tuple[str, Any]:
        """The version that the distribution names, and what it answers."""
        (item,) = account.client("cloudfront").list_distributions()["DistributionList"]["Items"]
        (associated,) = item["DefaultCacheBehavior"]["LambdaFunctionAssociations"]["Items"]
        assert f"https://{item['DomainName']}" == stack.outputs["Url"]
        assert associated["LambdaFunctionARN"] == stack.outputs["Version"]
        return stack.outputs["Version"], account.invoke(stack.outputs["Version"])

    client, name = account.client("cloudformation"), "e2e-edge"
    parameters = {"ArtifactBucket": code["S3Bucket"], "ArtifactKey": code["S3Key"]}
    stacks.made.append(name)
    stack = cloudformation.create(client, name, EDGE, {**parameters, "Stage": "dev"})
    function = stack.outputs["Function"]
    try:
        first = deployed(stack)
        second = deployed(cloudformation.update(client, name, EDGE, {**parameters, "Stage": "prod"}))
        cloudformation.delete(client, name)
        left = account.functions()
    finally:
        account.delete_retained(function)

    arn = f"arn:aws:lambda:us-east-1:111122223333:function:{function}"
    assert first == (f"{arn}:1", {"folder": "/dev"})
    assert second == (f"{arn}:2", {"folder": "/prod"})
    assert function in left
