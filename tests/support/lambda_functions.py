"""``Custom::LambdaFunction`` and ``Custom::LambdaCode``: properties, events, and what to look at in a function."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

from cfn_injector.env_loader import EXEC_WRAPPER
from tests.fakes.aws_lambda import ROLE, Function
from tests.support.world import ARTIFACTS, KEY, World

FUNCTION, CODE = "Custom::LambdaFunction", "Custom::LambdaCode"
CANARY = "canary-7f3a-do-not-tell"
OBJECT = {"S3Bucket": ARTIFACTS, "S3Key": KEY}
LARGE_OBJECT = {"S3Bucket": ARTIFACTS, "S3Key": "large.zip"}
BASE: dict[str, Any] = {
    "Code": OBJECT,
    "Handler": "index.handler",
    "Runtime": "python3.13",
    "Role": ROLE,
    "Env": {"TABLE": "dev-table", "RETRIES": 3, "DEBUG": True},
}
PLAIN = {"Handler": "index.handler", "Runtime": "python3.13", "Role": ROLE, "Code": OBJECT, "Env": {"A": CANARY}}
PUBLISHED = {**PLAIN, "Publish": True, "KeepVersions": 1}
INJECTED = {"Code": OBJECT, "Env": {"A": CANARY}}
WRAPPER = "/var/task/_cfn_injector/exec"
_VPC = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
CHANGES_BY_HAND: dict[str, Any] = {
    "Code": {"CodeSha256": "another"},
    "Role": {"Role": "arn:aws:iam::111122223333:role/other"},
    "Handler": {"Handler": "other.handler"},
    "Runtime": {"Runtime": "python3.14"},
    "Architectures": {"Architectures": ["arm64"]},
    "Description": {"Description": "by hand"},
    "Timeout": {"Timeout": 61},
    "MemorySize": {"MemorySize": 1024},
    "Environment": {"Environment": {"Variables": {"A": CANARY}}},
    "VpcConfig": {"VpcConfig": {**_VPC, "VpcId": "vpc-1"}},
    "DeadLetterConfig": {"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:111122223333:q"}},
    "KMSKeyArn": {"KMSKeyArn": "arn:aws:kms:us-east-1:111122223333:key/k"},
    "TracingConfig": {"TracingConfig": {"Mode": "Active"}},
    "Layers": {"Layers": [{"Arn": "arn:aws:lambda:us-east-1:111122223333:layer:l:1", "CodeSize": 9}]},
    "FileSystemConfigs": {"FileSystemConfigs": [{"Arn": "a", "LocalMountPath": "/mnt/a"}]},
    "EphemeralStorage": {"EphemeralStorage": {"Size": 1024}},
    "SnapStart": {"SnapStart": {"ApplyOn": "PublishedVersions"}},
    "LoggingConfig": {"LoggingConfig": {"LogFormat": "JSON", "LogGroup": "/aws/lambda/f"}},
}
"""A change of each member of a function's configuration that is recorded, by the name of the property."""


def changed(properties: Mapping[str, Any], **change: Any) -> dict[str, Any]:
    return {**properties, **change}


def created(world: World, **properties: Any) -> str:
    answered = world.stack.send(world.stack.event("Create", {**BASE, **properties}))
    assert answered["Status"] == "SUCCESS", answered["Reason"]
    name: str = answered["PhysicalResourceId"]
    return name


def updated(world: World, name: str, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    event = world.stack.event("Update", {**BASE, **new}, physical_id=name, old={**BASE, **old})
    return world.stack.send(event)


def somebody(name: str, role: str = ROLE, **tags: str) -> Function:
    """A function that the provider does not own."""
    arn = f"arn:aws:lambda:us-east-1:111122223333:function:{name}"
    configuration = {"FunctionName": name, "FunctionArn": arn, "Version": "$LATEST", "CodeSha256": "theirs"}
    return Function({**configuration, "Handler": "theirs.handler", "Role": role}, dict(tags), b"theirs", 0)


def archived(function: Function) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(function.archive)).namelist()


def entry(function: Function) -> tuple[str, dict[str, str]]:
    configuration = function.configuration
    return configuration["Handler"], configuration.get("Environment", {}).get("Variables", {})


def can_start(function: Function) -> bool:
    """Whether the function's code has every file that its configuration names."""
    handler, environment = entry(function)
    shims = {"_cfn_injector.handler": "__init__.py", "_cfn_injector/index.handler": "index.mjs"}
    needed = [f"_cfn_injector/{shims[handler]}"] if handler in shims else []
    needed += [environment[EXEC_WRAPPER].removeprefix("/var/task/")] if EXEC_WRAPPER in environment else []
    return set(needed) <= set(archived(function))
