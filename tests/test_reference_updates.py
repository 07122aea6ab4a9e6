"""What the reference says that a change of a property does: each property is changed, and the physical ID looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from cfn_injector.lint.resource_types import CODE, FUNCTION, model
from cfn_injector.resources import lambda_code
from cfn_injector.resources.api_gateway_resource import properties as of_methods
from cfn_injector.resources.api_gateway_resource import spec as method_spec
from cfn_injector.resources.lambda_function import properties as of_functions
from tests.support.artifacts import artifact
from tests.support.lambda_functions import BASE, OBJECT
from tests.support.world import ARTIFACTS, World

ARN = "arn:aws:lambda:us-east-1:111122223333"
CAPACITY = {"LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": f"{ARN}:capacity-provider:c"}}
CHANGES: dict[str, dict[str, Any]] = {
    "Env": {"Env": {"TABLE": "other"}},
    "EnvFrom": {"EnvFrom": [{"Artifact": "defaults.env", "Optional": True}]},
    "EnvFile": {"EnvFile": "config/.env"},
    "EnvLoader": {"EnvLoader": "none"},
    "AllowLoaderVariables": {"AllowLoaderVariables": True},
    "Refresh": {"Refresh": "2"},
    "Publish": {"Publish": True},
    "KeepVersions": {"Publish": True, "KeepVersions": 3},
    "Edge": {"Edge": True},
    "Architectures": {"Architectures": ["arm64"]},
    "CapacityProviderConfig": {"CapacityProviderConfig": CAPACITY},
    "Code": {"Code": {**OBJECT, "S3Key": "app-2.zip"}},
    "Description": {"Description": "d"},
    "DurableConfig": {"DurableConfig": {"ExecutionTimeout": 60}},
    "Environment": {"Environment": {"Variables": {"A": "1"}}},
    "FunctionName": {"FunctionName": "other"},
    "Handler": {"Handler": "index.other"},
    "Layers": {"Layers": [f"{ARN}:layer:l:1"]},
    "LoggingConfig": {"LoggingConfig": {"LogFormat": "JSON"}},
    "MemorySize": {"MemorySize": 256},
    "RecursiveLoop": {"RecursiveLoop": "Allow"},
    "ReservedConcurrentExecutions": {"ReservedConcurrentExecutions": 3},
    "Role": {"Role": f"{BASE['Role']}-2"},
    "Runtime": {"Runtime": "python3.14"},
    "SnapStart": {"SnapStart": {"ApplyOn": "PublishedVersions"}},
    "Tags": {"Tags": [{"Key": "a", "Value": "b"}]},
    "TenancyConfig": {"TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}},
    "Timeout": {"Timeout": 9},
    "VpcConfig": {"VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}},
}
"""A change of each property of a function that the provider can tell apart from others."""


def replaced(world: World, resource_type: str, old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether an update has another physical ID."""
    world.s3.put_object(Bucket=ARTIFACTS, Key="app-2.zip", Body=artifact({"index.py": "changed\n"}))
    before = world.stack.send(world.stack.event("Create", old, resource_type=resource_type))
    assert before["Status"] == "SUCCESS", before["Reason"]
    known = {"physical_id": before["PhysicalResourceId"], "old": old}
    after = world.stack.send(world.stack.event("Update", new, resource_type=resource_type, **known))
    assert after["Status"] == "SUCCESS", after["Reason"]
    return bool(before["PhysicalResourceId"] != after["PhysicalResourceId"])


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_a_property_replaces_a_function_if_the_reference_says_so(name: str, world: World) -> None:
    new = {**BASE, **CHANGES[name]}
    change = of_functions.REPLACING.get(name)
    assert replaced(world, FUNCTION, BASE, new) is (change in (of_functions.ANY, "adding or removing it"))


@pytest.mark.parametrize("name", ["CapacityProviderConfig", "DurableConfig", "Description"])
def test_the_removal_of_a_property_replaces_a_function_if_the_reference_says_so(name: str, world: World) -> None:
    old = {**BASE, **CHANGES[name]}
    change = of_functions.REPLACING.get(name)
    assert replaced(world, FUNCTION, old, BASE) is (change in ("its removal", "adding or removing it"))


def test_every_property_that_replaces_a_function_is_changed_above() -> None:
    assert of_functions.REPLACING.keys() <= CHANGES.keys()


@pytest.mark.parametrize("name", sorted(lambda_code.PROPERTIES.keys() & CHANGES.keys() | {"Handlers"}))
def test_a_change_of_a_property_is_a_new_object_if_the_reference_says_so(name: str, world: World) -> None:
    old = {name: BASE[name] for name in lambda_code.PROPERTIES.keys() & BASE.keys()}
    handlers = {**old, "Handlers": {"List": "index.list", "Create": "index.create"}}
    new = {key: value for key, value in handlers.items() if key != "Handler"} if name == "Handlers" else CHANGES[name]
    expected = name in lambda_code.REPLACING | lambda_code.IF_LOADED - {"Runtime"}
    assert replaced(world, CODE, old, new if name == "Handlers" else {**old, **new}) is expected


METHOD_BASE = {"RestApiId": "api1", "Path": "{name}", "Method": "GET", "IntegrationRequest": {"Type": "MOCK"}}


@pytest.mark.parametrize(
    "change",
    [
        {"RestApiId": "api2"},
        {"ParentId": "abc"},
        {"Path": "orders"},
        {"Method": "PUT"},
        {"IntegrationRequest": {"Type": "HTTP", "Uri": "https://example.com"}},
        {"StageName": "dev"},
        {"ApiKeyRequired": True},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_change_of_a_property_is_another_method_if_the_reference_says_so(change: dict[str, Any]) -> None:
    def target(properties: Mapping[str, Any]) -> tuple[object, ...]:
        found = method_spec.parse(properties, model("apigateway"), method_spec.Place("aws", "us-east-1", "1" * 12))
        return found.api, found.parent, found.parts, found.verb

    (name,) = change
    assert (target(METHOD_BASE) != target({**METHOD_BASE, **change})) is (name in of_methods.IDENTITY)
