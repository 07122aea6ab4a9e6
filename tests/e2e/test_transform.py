"""A SAM application whose variables move into its artifact: translated by SAM, and deployed with the real provider.

The emulator runs no macros. The macro's function is called as CloudFormation would call it.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from cfn_injector.local.stacks import create, update
from cfn_injector.transform.macro import SERVICE_TOKEN
from tests.e2e.account import PROVIDER_BUCKET, SERVICE, Account, Stacks
from tests.support.moved import moved
from tests.support.sam import translate
from tests.support.templates import PROVIDER

APP = """
import os

BUILD = {build}

def _answer(context):
    return {{"build": BUILD, "stage": os.environ["STAGE"], "version": context.function_version}}

def shout(event, context):
    return {{**_answer(context), "name": "shout"}}

def whisper(event, context):
    return {{**_answer(context), "name": "whisper"}}
"""
ALIASES = {"Shout": "ShoutAliaslive", "Whisper": "WhisperAliaslive"}


def build(account: Account, number: int) -> str:
    """The key of a build of the application."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("app.py", APP.format(build=number))
    key = f"app-{number}.zip"
    account.client("s3").put_object(Bucket=account.source_bucket, Key=key, Body=archive.getvalue())
    return key


def application(account: Account, key: str) -> dict[str, Any]:
    """As a user has it, apart from the role, which has to be in the emulator: two functions, and an alias for each."""
    shared = {
        "Runtime": "python3.13",
        "CodeUri": f"s3://{account.source_bucket}/{key}",
        "Role": account.role,
        "AutoPublishAlias": "live",
        "Environment": {"Variables": {"STAGE": {"Ref": "Stage"}, "TZ": "UTC"}},
    }
    functions = {name: f"app.{name.lower()}" for name in ALIASES}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Parameters": {"Stage": {"Type": "String"}},
        "Globals": {"Function": {name: value for name, value in shared.items() if name != "Role"}},
        "Resources": {
            name: {"Type": "AWS::Serverless::Function", "Properties": {"Handler": handler, "Role": shared["Role"]}}
            for name, handler in functions.items()
        },
    }


def before_sam(template: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """As ``cfn-injector transform`` leaves it, and then as CloudFormation lets SAM translate it."""
    return translate(moved(template, service_token=SERVICE["ServiceToken"]), Stage=stage)


def after_sam(template: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """As the macro leaves it if it is listed behind SAM's."""
    return moved(translate(template, Stage=stage), service_token=SERVICE["ServiceToken"])


@pytest.mark.parametrize(("prepared", "kept"), [(before_sam, False), (after_sam, True)])
def test_the_alias_follows_a_change_of_env_and_a_new_build(
    account: Account, stacks: Stacks, prepared: Callable[..., dict[str, Any]], kept: bool
) -> None:
    name = f"e2e-sam-{prepared.__name__.replace('_', '-')}"
    stacks.made.append(name)

    def deploy(verb: Callable[..., Any], key: str, stage: str) -> None:
        template = prepared(application(account, key), stage)
        verb(account.client("cloudformation"), name, json.dumps(template), {"Stage": stage})

    def resources() -> dict[str, str]:
        described = account.client("cloudformation").describe_stack_resources(StackName=name)["StackResources"]
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in described}

    def answers() -> list[Any]:
        found = resources()
        return [tuple(account.invoke(found[alias]).values()) for alias in ALIASES.values()]

    first, second = build(account, 1), build(account, 2)
    deploy(create, first, "dev")
    assert answers() == [(1, "dev", "1", "shout"), (1, "dev", "1", "whisper")]
    codes = [name for name in resources() if name.endswith("Code")]
    assert codes == ["ShoutCode"]

    deploy(update, first, "prod")
    assert answers() == [(1, "prod", "2", "shout"), (1, "prod", "2", "whisper")]

    deploy(update, second, "prod")
    assert answers() == [(2, "prod", "3", "shout"), (2, "prod", "3", "whisper")]

    function = resources()["Shout"]
    environment = account.client("lambda").get_function_configuration(FunctionName=function)["Environment"]
    assert environment["Variables"] == {"TZ": "UTC"}
    published = account.client("lambda").list_versions_by_function(FunctionName=function)["Versions"]
    assert {each["Version"] for each in published} == ({"$LATEST", "1", "2", "3"} if kept else {"$LATEST", "3"})
    stacks.clean()
    assert function not in account.functions()


def test_the_macro_of_the_provider_s_zip_gives_what_the_transform_gives(account: Account, stacks: Stacks) -> None:
    declared = PROVIDER["Resources"]["MacroFunction"]["Properties"]
    own = {name: declared[name] for name in ("Handler", "Runtime", "MemorySize", "Timeout")}
    code = {"S3Bucket": PROVIDER_BUCKET, "S3Key": "provider.zip"}
    environment = {"Variables": {SERVICE_TOKEN: "arn:of-the-provider"}}
    function = {"Code": code, "Role": account.role, "Environment": environment, **own}
    resources = {"Function": {"Type": "AWS::Lambda::Function", "Properties": function}}
    name = stacks.create("e2e-macro", resources, Name={"Ref": "Function"}).outputs["Name"]

    before = application(account, "app-1.zip")
    event = {"fragment": before, "params": {}, "requestId": "r-1", "templateParameterValues": {"Stage": "dev"}}
    answer = account.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))

    assert json.load(answer["Payload"]) == {
        "requestId": "r-1",
        "status": "success",
        "fragment": moved(before, service_token="arn:of-the-provider"),
    }
