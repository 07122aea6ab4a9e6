"""``drift`` on the command line: what was changed by hand is found, and what was just deployed has not changed."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

import pytest
from botocore.client import BaseClient

from cfn_injector.cli import aws_options, drift_reading, stack_templates
from cfn_injector.cli.main import main
from cfn_injector.protocol.ownership import LOGICAL_ID, PREFIX, STACK_ID
from cfn_injector.resources.lambda_function.described import DESCRIBED
from tests.fakes.aws_lambda import ACCOUNT, REGION, Function
from tests.fakes.cloudformation import STACK_ID as STACK
from tests.fakes.cloudformation import Held
from tests.support import api_gateway_resources, event_source_mappings
from tests.support.api_gateway_resources import TYPE as METHOD
from tests.support.event_source_mappings import MAPPING
from tests.support.lambda_functions import (
    BASE,
    CANARY,
    CHANGES_BY_HAND,
    CODE,
    FUNCTION,
    INJECTED,
    created,
    somebody,
    updated,
)
from tests.support.world import STAGING, World

NESTED = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/shop-dev-Inner/2c2fa620"
PROVIDER = "cfn-injector"
NATIVE = "AWS::Lambda::Function"
SEPARATE: dict[str, Any] = {
    "ReservedConcurrentExecutions": 5,
    "RecursiveLoop": "Allow",
    "RuntimeManagementConfig": {"UpdateRuntimeOn": "FunctionUpdate"},
    "CodeSigningConfigArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:code-signing-config:csc-0123456789abcdef0",
}
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command for a stack, in an account that has the provider; nothing of it is Lambda's own business."""
    provider = somebody(PROVIDER)
    provider.configuration["Environment"] = {"Variables": {"CFN_INJECTOR_STAGING_BUCKET": STAGING, "A": CANARY}}
    world.aws_lambda.functions[PROVIDER] = provider
    monkeypatch.setattr(aws_options, "clients", lambda *_, **__: world.client)

    def run(*arguments: str) -> tuple[int, str, str]:
        stack = () if set(arguments) - {"--json"} else ("shop-dev",)
        status = main(["drift", *stack, *arguments])
        out, err = capsys.readouterr()
        assert CANARY not in out + err
        return status, out, err

    return run


def deployed(world: World, **properties: Any) -> Function:
    """A function of the stack, which is at rest."""
    name = created(world, **properties)
    world.stack.held[STACK, world.stack.logical_id] = Held(FUNCTION, name)
    world.stack.status = "CREATE_COMPLETE"
    return world.aws_lambda.functions[name]


def status_of(out: str) -> dict[str, tuple[str, list[str]]]:
    return {each["logical_id"]: (each["status"], each["changed"]) for each in json.loads(out)["resources"]}


def with_files(archive: bytes, files: Mapping[str, str]) -> bytes:
    """The archive with these files changed or added, and with a comment."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as before, zipfile.ZipFile(target, "w") as now:
        now.comment = b"by hand"
        for entry in before.infolist():
            if entry.filename not in files:
                now.writestr(entry, before.read(entry))
        for name, text in files.items():
            now.writestr(zipfile.ZipInfo(name), text)
    return target.getvalue()


def uploaded_by_hand(world: World, function: Function, archive: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes the code as a person does, and lets it be downloaded from S3."""
    world.aws_lambda._load(function, {"ZipFile": base64.b64encode(archive)})
    world.s3.put_object(Bucket=STAGING, Key="code-of-lambda", Body=archive)
    url = world.s3.generate_presigned_url("get_object", {"Bucket": STAGING, "Key": "code-of-lambda"})
    monkeypatch.setattr("tests.fakes.aws_lambda._location", lambda _: url)


# What was just deployed -----------------------------------------------------------------------------------------------

LOADERS: dict[str, dict[str, Any]] = {
    "no variables": {"Env": {}},
    "none": {"EnvLoader": "none"},
    "handler in Python": {"EnvLoader": "handler"},
    "handler in Node.js": {"Runtime": "nodejs22.x"},
    "exec": {"Runtime": "java21"},
    "none in a bootstrap": {"Runtime": "provided.al2023", "EnvLoader": "none"},
    "published": {"Publish": True},
    "separate": SEPARATE,
    "inline": {"Code": {"ZipFile": "def handler(event, context): return 1\n"}},
    "layers": {"Layers": [f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:l:1"], "Environment": {"Variables": {"A": CANARY}}},
}


@pytest.mark.parametrize("properties", LOADERS.values(), ids=LOADERS.keys())
def test_what_was_just_deployed_has_not_changed(properties: dict[str, Any], world: World, run: Run) -> None:
    function = deployed(world, **properties)
    assert run() == (0, "1 of 1 are as they were deployed\n", "")
    name = function.configuration["FunctionName"]
    assert updated(world, name, properties, {**properties, "Env": {"B": CANARY}, "Timeout": 9})["Status"] == "SUCCESS"
    world.stack.held[STACK, "Function"] = Held(FUNCTION, name)
    world.stack.status = "UPDATE_COMPLETE"
    assert run() == (0, "1 of 1 are as they were deployed\n", "")


# Changes by hand ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changed", sorted(CHANGES_BY_HAND.keys() - {"Layers"}))
def test_a_change_by_hand_is_named_by_its_property(changed: str, world: World, run: Run) -> None:
    deployed(world).configuration.update(CHANGES_BY_HAND[changed])
    status, out, _ = run("--json")
    assert (status, status_of(out)) == (1, {"Function": ("MODIFIED", [changed])})


def test_a_layer_that_was_added_by_hand_is_found(world: World, run: Run) -> None:
    deployed(world).configuration["Layers"] = [f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:l:1"]
    assert run()[:2] == (1, "Function  MODIFIED  Layers\n0 of 1 are as they were deployed\n")


@pytest.mark.parametrize(
    ("name", "own", "value"),
    [
        ("ReservedConcurrentExecutions", "concurrency", 6),
        ("ReservedConcurrentExecutions", "concurrency", None),
        ("RecursiveLoop", "recursion", "Terminate"),
        ("RuntimeManagementConfig", "runtime", "Auto"),
        ("CodeSigningConfigArn", "signing", None),
    ],
)
def test_a_property_with_a_call_of_its_own_is_compared_if_the_template_states_it(
    name: str, own: str, value: Any, world: World, run: Run
) -> None:
    stated = deployed(world, **SEPARATE)
    world.stack.logical_id = "Other"
    without = deployed(world)
    for function in (stated, without):
        function.separate[own] = value
        if value is None:
            del function.separate[own]
    calls = len(world.aws_lambda.calls)
    status, out, _ = run("--json")
    assert (status, status_of(out)) == (1, {"Function": ("MODIFIED", [name]), "Other": ("IN_SYNC", [])})
    made = [each for each, _ in world.aws_lambda.calls[calls:]]
    assert len(made) == 1 + 2 + 3  # the provider, two functions, and what is recorded of one


@pytest.mark.parametrize(
    ("files", "told"),
    [
        pytest.param({"index.py": "def handler(*_): ...\n"}, ["files changed: index.py"], id="a file"),
        pytest.param({"more.py": ""}, ["files added: more.py"], id="another file"),
        pytest.param(
            {".env": f"TABLE={CANARY}\nNEW={CANARY}\nDEBUG=true\n"},
            ["variables: + NEW, - RETRIES, ~ TABLE"],
            id="the variables",
        ),
        pytest.param({"_cfn_injector/exec": ""}, ["the loader differs"], id="the loader"),
        pytest.param({}, ["all files and variables are the same, and the archive's bytes differ"], id="only bytes"),
    ],
)
def test_a_change_of_the_code_names_files_and_variables(
    files: dict[str, str], told: list[str], world: World, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = deployed(world)
    uploaded_by_hand(world, function, with_files(function.archive, files), monkeypatch)
    status, out, _ = run()
    assert (status, out.splitlines()) == (
        1,
        ["Function  MODIFIED  Code", *(f"  {each}" for each in told), "0 of 1 are as they were deployed"],
    )
    code = json.loads(run("--json")[1])["resources"][0]["code"]
    assert set(code) == {"variables", "files", "loader_differs"}


@pytest.mark.parametrize("newest", [0, 1])
def test_the_code_is_compared_with_the_newest_package(
    newest: int, world: World, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = deployed(world, Env={"A": "1"})
    name = function.configuration["FunctionName"]
    assert updated(world, name, {"Env": {"A": "1"}}, {"Env": {"B": "1"}})["Status"] == "SUCCESS"
    world.stack.held[STACK, "Function"] = Held(FUNCTION, name)
    world.stack.status = "UPDATE_COMPLETE"
    keys = world.staged("deployed/")
    packages = [world.s3.get_object(Bucket=STAGING, Key=key)["Body"].read() for key in keys]
    uploaded_by_hand(world, function, with_files(packages[newest], {"more.py": ""}), monkeypatch)
    call = BaseClient._make_api_call

    def made(self: Any, operation: str, params: dict[str, Any]) -> Any:
        answer = call(self, operation, params)
        for each in answer.get("Contents", []) if operation == "ListObjectsV2" else []:
            each["LastModified"] = datetime(2026, 1, 1 + (each["Key"] == keys[newest]), tzinfo=timezone.utc)
        return answer

    monkeypatch.setattr(BaseClient, "_make_api_call", made)
    assert run()[1].splitlines()[1:-1] == ["  files added: more.py"]


def test_code_whose_package_is_gone_is_named_alone(world: World, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    function = deployed(world)
    uploaded_by_hand(world, function, with_files(function.archive, {"index.py": ""}), monkeypatch)
    for key in world.staged("deployed/"):
        world.s3.delete_object(Bucket=STAGING, Key=key)
    assert run()[:2] == (1, "Function  MODIFIED  Code\n0 of 1 are as they were deployed\n")


def test_a_function_that_is_gone_is_deleted(world: World, run: Run) -> None:
    function = deployed(world)
    del world.aws_lambda.functions[function.configuration["FunctionName"]]
    assert run()[:2] == (1, "Function  DELETED\n0 of 1 are as they were deployed\n")


@pytest.mark.parametrize("removed", [STACK_ID, LOGICAL_ID])
def test_ownership_tags_that_were_removed_or_changed_are_named(removed: str, world: World, run: Run) -> None:
    function = deployed(world)
    del function.tags[removed]
    assert status_of(run("--json")[1]) == {"Function": ("MODIFIED", ["Tags"])}
    function.tags[removed] = "another"
    assert status_of(run("--json")[1]) == {"Function": ("MODIFIED", ["Tags"])}


def test_without_any_of_the_providers_tags_the_tags_are_named_and_no_record(world: World, run: Run) -> None:
    function = deployed(world)
    for name in [each for each in function.tags if each.startswith(PREFIX)]:
        del function.tags[name]
    status, out, _ = run()
    assert (status, out.splitlines()[0]) == (1, "Function  MODIFIED  Tags")
    assert "its tags do not say what was deployed" in out


def test_a_function_of_an_earlier_provider_is_not_checked_and_no_drift(world: World, run: Run) -> None:
    del deployed(world).tags[DESCRIBED]
    status, out, _ = run()
    assert (status, out.splitlines()[0]) == (0, "Function  NOT_CHECKED")
    assert "an earlier provider deployed it" in out


def test_variables_that_the_caller_may_not_read_are_a_note_and_no_drift(world: World, run: Run) -> None:
    function = deployed(world, Environment={"Variables": {"A": CANARY}})
    function.configuration["Environment"] = {"Error": {"ErrorCode": "AccessDeniedException", "Message": CANARY}}
    told = "its variables cannot be read, and are not compared: allow kms:Decrypt with its KMS key"
    assert run() == (0, f"Function  IN_SYNC\n  {told}\n1 of 1 are as they were deployed\n", "")
    function.configuration["Timeout"] = 61
    assert run()[:2] == (1, f"Function  MODIFIED  Timeout\n  {told}\n0 of 1 are as they were deployed\n")


def test_the_key_of_another_provider_is_suspected_if_everything_differs(world: World, run: Run) -> None:
    deployed(world)
    world.s3.put_object(Bucket=STAGING, Key="secret/key", Body=b"x" * 32)
    status, out, _ = run()
    assert (status, "give its --name" in out) == (1, True)


# Native functions -----------------------------------------------------------------------------------------------------


def template(code: Any) -> dict[str, Any]:
    return {
        "Resources": {
            "Code": {"Type": CODE, "Properties": {}},
            "Native": {"Type": NATIVE, "Properties": {"Code": code}},
            "Unrelated": {"Type": NATIVE, "Properties": {"Code": {"ZipFile": "x"}}},
        }
    }


FROM_CODE = {"S3Bucket": {"Fn::GetAtt": ["Code", "S3Bucket"]}, "S3Key": {"Fn::GetAtt": ["Code", "S3Key"]}}
TEMPLATES: dict[str, Any] = {
    "JSON": template(FROM_CODE),
    "a dot": template({"S3Bucket": "b", "S3Key": {"Fn::GetAtt": "Code.S3Key"}}),
    "a condition": template({"Fn::If": ["Is", FROM_CODE, {"S3Bucket": "b", "S3Key": "k"}]}),
    "YAML": """
Resources:
  Code: {Type: Custom::LambdaCode}
  Native:
    Type: AWS::Lambda::Function
    Properties:
      Code: {S3Bucket: !GetAtt Code.S3Bucket, S3Key: !GetAtt [Code, S3Key]}
      Environment: !If [Is, {Variables: {A: !Ref B}}, !Sub {Fn::Transform: x}]
  Unrelated: {Type: AWS::Lambda::Function}
""",
}


@pytest.fixture
def native(world: World) -> Function:
    """A native function with the code of a ``Custom::LambdaCode``, and one without."""
    answered = world.stack.send(world.stack.event("Create", INJECTED, resource_type=CODE))
    assert answered["Status"] == "SUCCESS", answered["Reason"]
    world.stack.held.clear()
    world.stack.held[STACK, "Code"] = Held(CODE, answered["PhysicalResourceId"])
    for name in ("Native", "Unrelated"):
        world.stack.held[STACK, name] = Held(NATIVE, name)
        world.aws_lambda.functions[name] = somebody(name)
    world.aws_lambda.functions["Native"].configuration["CodeSha256"] = answered["Data"]["CodeSha256"]
    world.stack.status = "CREATE_COMPLETE"
    world.stack.templates[STACK] = template(FROM_CODE)
    return world.aws_lambda.functions["Native"]


@pytest.mark.parametrize("body", TEMPLATES.values(), ids=TEMPLATES.keys())
def test_a_native_function_is_compared_with_the_object_that_its_template_names(
    body: Any, native: Function, world: World, run: Run
) -> None:
    world.stack.templates[STACK] = body
    assert run() == (0, "2 of 2 are as they were deployed\n", "")
    native.configuration["CodeSha256"] = "by hand"
    assert run()[:2] == (1, "Native  MODIFIED  Code\n1 of 2 are as they were deployed\n")


def test_an_object_that_is_gone_is_deleted_and_its_function_is_not_checked(
    native: Function, world: World, run: Run
) -> None:
    native.configuration["CodeSha256"] = "any"
    for key in world.staged("code/"):
        world.s3.delete_object(Bucket=STAGING, Key=key)
    status, out, _ = run("--json")
    assert (status, status_of(out)) == (1, {"Code": ("DELETED", []), "Native": ("NOT_CHECKED", [])})


def test_a_native_function_that_is_gone_is_deleted(native: Function, world: World, run: Run) -> None:
    del world.aws_lambda.functions["Native"]
    assert status_of(run("--json")[1])["Native"] == ("DELETED", [])


def test_attributes_are_found_at_any_depth() -> None:
    value = {"Fn::If": ["Is", {"Fn::GetAtt": ["A", "S3Key"]}, {"Fn::Join": ["", [{"Fn::GetAtt": "B.S3Key"}, 1]]}]}
    assert list(stack_templates.attributes(value)) == ["A", "B"]


# Stacks ---------------------------------------------------------------------------------------------------------------


def test_nested_stacks_are_examined_in_pages_of_any_size(world: World, run: Run) -> None:
    function = deployed(world)
    world.stack.held[STACK, "Inner"] = Held("AWS::CloudFormation::Stack", NESTED)
    world.stack.statuses[NESTED] = "CREATE_COMPLETE"
    inner = world.aws_lambda.functions["inner"] = somebody("inner")
    inner.tags = {**function.tags, STACK_ID: NESTED}
    world.stack.held[NESTED, "Function"] = Held(FUNCTION, "inner")
    world.stack.page = 1
    status, out, _ = run("--json")
    assert status == 1
    assert list(status_of(out)) == ["Function", "Inner/Function"]
    assert "Tags" not in status_of(out)["Inner/Function"][1]
    assert list(status_of(run("stack://shop-dev/Inner", "--json")[1])) == ["Function"]


def test_functions_are_examined_in_the_order_of_the_stack(world: World, run: Run) -> None:
    for number in range(12):
        world.stack.logical_id = f"Function{number}"
        deployed(world).configuration["Timeout"] = 61
    del world.stack.held[STACK, "Function"]
    assert list(status_of(run("--json")[1])) == [f"Function{number}" for number in range(12)]


def test_nothing_is_written(world: World, run: Run) -> None:
    deployed(world, **SEPARATE).configuration["Timeout"] = 61
    changes, objects = world.aws_lambda.changes(), world.staged()
    run()
    assert (world.aws_lambda.changes(), world.staged()) == (changes, objects)


# Other types ----------------------------------------------------------------------------------------------------------


def test_of_mappings_and_methods_only_the_existence_is_examined(world: World, functions: None, run: Run) -> None:
    world.stack.held.clear()
    ids = {}
    for kind, properties in ((MAPPING, event_source_mappings.BASE), (METHOD, api_gateway_resources.BASE)):
        world.stack.logical_id = kind.rpartition(":")[2]
        answered = world.stack.send(world.stack.event("Create", properties, resource_type=kind))
        assert answered["Status"] == "SUCCESS", answered["Reason"]
        ids[kind] = answered["PhysicalResourceId"]
        world.stack.held[STACK, world.stack.logical_id] = Held(kind, ids[kind])
    world.stack.status = "CREATE_COMPLETE"
    told = [f"{kind}: 1, of which only the existence was checked" for kind in (METHOD, MAPPING)]
    assert run() == (0, "".join(f"{line}\n" for line in told), "")
    world.aws_lambda.mappings.clear()
    api, resource, verb = ids[METHOD].split("/")
    world.client("apigateway").delete_method(restApiId=api, resourceId=resource, httpMethod=verb)
    status, out, _ = run("--json")
    assert (status, list(status_of(out).values())) == (1, [("DELETED", [])] * 2)


# What cannot be examined ----------------------------------------------------------------------------------------------


def test_a_stack_that_is_changing_is_not_examined(world: World, run: Run) -> None:
    deployed(world)
    world.stack.status = "UPDATE_IN_PROGRESS"
    status, out, err = run()
    assert (status, out) == (1, "")
    assert err.startswith("cfn-injector: stack shop-dev is changing (UPDATE_IN_PROGRESS); try again")


def _without_provider(world: World) -> None:
    del world.aws_lambda.functions[PROVIDER]


def _without_bucket(world: World) -> None:
    del world.aws_lambda.functions[PROVIDER].configuration["Environment"]


def _without_key(world: World) -> None:
    world.s3.delete_object(Bucket=STAGING, Key="secret/key")


def _without_resources(world: World) -> None:
    world.stack.held[STACK, "Function"].resource_type = "AWS::IAM::Role"


@pytest.mark.parametrize(
    ("act", "problem"),
    [
        (_without_provider, "provider cfn-injector: ResourceNotFoundException; give the provider's --name"),
        (_without_bucket, "function cfn-injector is not a provider, or you may not read its variables; give its"),
        (_without_key, "s3://staging/secret/key, the key of the hashes: NoSuchKey; your own credentials need"),
        (_without_resources, f"stack {STACK} holds no resource of a provider; check the name and the Region"),
    ],
)
def test_what_is_missing_is_named_with_what_to_do(
    act: Callable[[World], None], problem: str, world: World, run: Run
) -> None:
    deployed(world)
    act(world)
    status, out, err = run()
    assert (status, out) == (1, "")
    assert err.startswith(f"cfn-injector: {problem}")


@pytest.mark.parametrize("stack", ["lambda://f", "a b", "stack://"])
def test_what_is_not_a_stack_is_wrong_usage(stack: str, run: Run) -> None:
    assert run(stack)[:2] == (2, "")


def test_a_stack_that_does_not_exist_is_named(world: World, run: Run) -> None:
    assert "stack other: ValidationError; check the name, the Region" in run("other")[2]


def test_the_key_is_not_in_the_providers_repr() -> None:
    assert CANARY not in repr(drift_reading.Provider(STAGING, CANARY.encode()))


def test_the_base_of_these_tests_has_variables() -> None:
    assert set(BASE["Env"]) == {"TABLE", "RETRIES", "DEBUG"}
