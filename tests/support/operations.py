"""What CloudFormation asks of the provider, one row for each way through a resource type."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.aws_lambda import ACCOUNT, REGION
from tests.fakes.cloudformation import Stack
from tests.fakes.event_sources import OTHER_STREAM, QUEUE, STREAM
from tests.fakes.rest_apis import BARE, SHOP
from tests.support.event_source_mappings import MAPPING
from tests.support.lambda_functions import CANARY, CODE, FUNCTION, INJECTED, LARGE_OBJECT, PLAIN, PUBLISHED, changed
from tests.support.world import ARTIFACTS, KEY, STAGING, World

METHOD = "Custom::APIGatewayResource"
Properties = Mapping[str, Any]

OTHER_OBJECT = {"S3Bucket": ARTIFACTS, "S3Key": "app-2.zip"}
IN_A_VPC = {**PLAIN, "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}}
WITH_SEPARATE_CALLS = {
    **PUBLISHED,
    "ReservedConcurrentExecutions": 2,
    "RecursiveLoop": "Allow",
    "RuntimeManagementConfig": {"UpdateRuntimeOn": "FunctionUpdate"},
}
FROM_STORES: Properties = {
    "EnvFrom": [
        {"ParameterPath": "/app/many"},
        {"SecretId": "db", "Prefix": "DB_"},
        {"Artifact": "none.env", "Optional": True},
    ],
    "Env": {"URL": "{{resolve:secretsmanager:db:SecretString:password}} {{resolve:ssm:/app/many/v0:1}}"},
    "Refresh": "1",
}
"""Two pages of parameters, a secret, and references."""

WITH_LOADER = {**PLAIN, "EnvLoader": "handler"}
WITHOUT_LOADER = {**PLAIN, "EnvLoader": "none"}
PER_TENANT = {**PLAIN, "TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}}
READS_A_STREAM = {"FunctionName": "orders", "StreamArn": STREAM, "Tags": [{"Key": "team", "Value": "shop"}]}
READS_A_QUEUE = {"FunctionName": "orders", "EventSourceArn": QUEUE}
CALL = {"Type": "Lambda", "FunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:theirs"}
ROUTE = {"RestApiId": SHOP, "Path": "items/{id}", "Method": "GET", "IntegrationRequest": CALL, "StageName": "live"}
MOCKED = {
    **ROUTE,
    "IntegrationRequest": {"Type": "MOCK", "RequestTemplates": {"application/json": '{"statusCode": 200}'}},
    "MethodResponses": [{"StatusCode": 200}],
    "IntegrationResponses": [{"StatusCode": 200}],
}
ALONE = {**MOCKED, "RestApiId": BARE, "StageName": "dev"}


@dataclass(frozen=True)
class Operation:
    """The properties that a resource has, None before a Create, and those that it gets, None for a Delete."""

    resource_type: str
    old: Properties | None
    new: Properties | None
    meanwhile: Callable[[World], None] = lambda world: None
    """What somebody does before the operation starts."""

    def prepare(self, world: World, stack: Stack) -> None:
        """Brings the stack to where the operation starts."""
        if self.old is not None:
            assert stack.create(self.old)
        self.meanwhile(world)

    def run(self, stack: Stack) -> bool:
        """Returns whether the operation succeeded without a rollback."""
        if self.new is None:
            return stack.delete()
        return stack.create(self.new) if self.old is None else stack.update(self.new)


def create(resource_type: str, new: Properties) -> Operation:
    return Operation(resource_type, None, new)


def update(resource_type: str, old: Properties, new: Properties) -> Operation:
    return Operation(resource_type, old, new)


def delete(resource_type: str, old: Properties) -> Operation:
    return Operation(resource_type, old, None)


def stock(world: World) -> None:
    """What ``FROM_STORES`` reads."""
    for number in range(12):
        world.parameters.put(f"/app/many/v{number}", CANARY, "SecureString")
    world.secrets.put("db", json.dumps({"password": CANARY}))


def rotate(world: World) -> None:
    world.parameters.put("/app/many/v1", f"{CANARY}-new", "SecureString")
    world.secrets.put("db", json.dumps({"password": f"{CANARY}-new"}))


FUNCTIONS = {
    "a function is created": create(FUNCTION, PLAIN),
    "a function with separate calls is created and published": create(FUNCTION, WITH_SEPARATE_CALLS),
    "a function with a large artifact is created": create(FUNCTION, changed(PLAIN, Code=LARGE_OBJECT)),
    "a function without a loader is created": create(FUNCTION, WITHOUT_LOADER),
    "a function's env changes": update(FUNCTION, PLAIN, changed(PLAIN, Env={"A": CANARY, "B": CANARY})),
    "a function's artifact changes": update(FUNCTION, PLAIN, changed(PLAIN, Code=OTHER_OBJECT)),
    "a function's configuration changes": update(FUNCTION, PLAIN, changed(PLAIN, MemorySize=512)),
    "a function's tags change": update(FUNCTION, PLAIN, changed(PLAIN, Tags=[{"Key": "team", "Value": "shop"}])),
    "all of a published function changes": update(
        FUNCTION, WITH_SEPARATE_CALLS, changed(PUBLISHED, Env={"B": CANARY}, Timeout=9)
    ),
    "a function gets a loader": update(FUNCTION, WITHOUT_LOADER, WITH_LOADER),
    "a function loses its loader": update(FUNCTION, WITH_LOADER, WITHOUT_LOADER),
    "a function's loader changes": update(FUNCTION, WITH_LOADER, changed(PLAIN, EnvLoader="exec")),
    "a function is replaced because of its name": update(
        FUNCTION, changed(PLAIN, FunctionName="one"), changed(PLAIN, FunctionName="two")
    ),
    "a function is replaced because of its tenancy": update(FUNCTION, PLAIN, PER_TENANT),
    "a function with parameters and secrets is created": create(FUNCTION, {**PLAIN, **FROM_STORES}),
    "a function reads its parameters and secrets again": Operation(
        FUNCTION, {**PLAIN, **FROM_STORES}, {**PLAIN, **FROM_STORES, "Refresh": "2"}, rotate
    ),
    "a function is deleted": delete(FUNCTION, PLAIN),
    "a function in a VPC is deleted": delete(FUNCTION, IN_A_VPC),
}
CODES = {
    "code is created": create(CODE, INJECTED),
    "code with a large artifact is created": create(CODE, changed(INJECTED, Code=LARGE_OBJECT)),
    "code's env changes": update(CODE, INJECTED, changed(INJECTED, Env={"A": CANARY, "B": "2"})),
    "code's artifact changes": update(CODE, INJECTED, changed(INJECTED, Code=OTHER_OBJECT)),
    "code gets a loader": update(CODE, INJECTED, changed(INJECTED, EnvLoader="exec", Runtime="java21")),
    "code with parameters and secrets is created": create(CODE, {**INJECTED, **FROM_STORES}),
    "code reads its parameters and secrets again": Operation(
        CODE, {**INJECTED, **FROM_STORES}, {**INJECTED, **FROM_STORES, "Refresh": "2"}, rotate
    ),
    "code is deleted": delete(CODE, INJECTED),
}
MAPPINGS = {
    "a mapping of a stream is created": create(MAPPING, READS_A_STREAM),
    "a mapping of a queue is created": create(MAPPING, READS_A_QUEUE),
    "a mapping changes": update(MAPPING, READS_A_STREAM, changed(READS_A_STREAM, BatchSize=7, Enabled=False, Tags=[])),
    "a mapping's function changes": update(
        MAPPING, READS_A_STREAM, changed(READS_A_STREAM, FunctionName="orders:live")
    ),
    "a mapping is replaced": update(MAPPING, READS_A_STREAM, changed(READS_A_STREAM, StreamArn=OTHER_STREAM)),
    "a mapping is deleted": delete(MAPPING, READS_A_STREAM),
}
METHODS = {
    "a method is created": create(METHOD, ROUTE),
    "an API's only method is created": create(METHOD, ALONE),
    "a method's integration changes": update(METHOD, ROUTE, MOCKED),
    "a method's settings change": update(METHOD, ALONE, changed(ALONE, AuthorizationType="AWS_IAM", StageName="b")),
    "a method is replaced": update(METHOD, ROUTE, changed(ROUTE, Path="items/{id}/lines")),
    "a method is deleted": delete(METHOD, ROUTE),
    "an API's only method is deleted": delete(METHOD, ALONE),
}


def delete_functions(world: World) -> None:
    for name in set(world.aws_lambda.functions) - {"theirs"}:
        del world.aws_lambda.functions[name]


def delete_code(world: World) -> None:
    for key in world.staged("code/"):
        world.s3.delete_object(Bucket=STAGING, Key=key)


def delete_artifact(world: World) -> None:
    world.s3.delete_object(Bucket=ARTIFACTS, Key=KEY)


AFTER_CHANGES_BY_HAND = {
    "a function that somebody deleted changes": Operation(
        FUNCTION, PLAIN, changed(PLAIN, MemorySize=512), delete_functions
    ),
    "a published function that somebody deleted changes": Operation(
        FUNCTION, PUBLISHED, changed(PUBLISHED, Env={"B": CANARY}), delete_functions
    ),
    "code that somebody deleted changes": Operation(CODE, INJECTED, changed(INJECTED, Env={"B": "2"}), delete_code),
    "a mapping that somebody deleted changes": Operation(
        MAPPING, READS_A_STREAM, changed(READS_A_STREAM, BatchSize=7), lambda world: world.aws_lambda.mappings.clear()
    ),
    "a function whose artifact is gone changes": Operation(
        FUNCTION, PLAIN, changed(PLAIN, Code=OTHER_OBJECT, MemorySize=512), delete_artifact
    ),
    "a function with a loader whose artifact is gone changes": Operation(
        FUNCTION, WITH_LOADER, changed(WITHOUT_LOADER, Code=OTHER_OBJECT), delete_artifact
    ),
    "code whose artifact is gone changes": Operation(
        CODE, INJECTED, changed(INJECTED, Code=OTHER_OBJECT), delete_artifact
    ),
}
OPERATIONS = FUNCTIONS | CODES | MAPPINGS | METHODS | AFTER_CHANGES_BY_HAND
