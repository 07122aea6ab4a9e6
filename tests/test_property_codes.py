"""Each problem with a property has the code whose entry describes it."""

from __future__ import annotations

from typing import Any

import pytest

from cfn_injector.lint.resource_types import CODE, FUNCTION, MAPPING, METHOD, TYPES
from tests.fakes.cloudformation import as_strings

ARN = "arn:aws:lambda:us-east-1:111122223333:function:shop"
BASES: dict[str, dict[str, Any]] = {
    FUNCTION: {
        "Code": {"S3Bucket": "artifacts", "S3Key": "app.zip"},
        "Role": "arn:aws:iam::111122223333:role/app",
        "Runtime": "python3.13",
        "Handler": "app.handler",
        "Env": {"TABLE": "orders"},
    },
    CODE: {"Code": {"S3Bucket": "artifacts", "S3Key": "app.zip"}, "Env": {"TABLE": "orders"}},
    MAPPING: {"FunctionName": "shop", "EventSourceArn": "arn:aws:kinesis:us-east-1:111122223333:stream/s"},
    METHOD: {"RestApiId": "api1", "Method": "GET", "IntegrationRequest": {"Type": "Lambda", "FunctionArn": ARN}},
}
JAVA = {"Runtime": "java21", "Handler": "com.example.App::handle"}
EXEC_WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"

ROWS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("CI201", FUNCTION, "Env.HOSTS", {"Env": {"HOSTS": ["a"]}}),
    ("CI202", FUNCTION, "Env.A", {"Env": {"A": None}}),
    ("CI203", FUNCTION, "Env.A", {"Env": {"A": "a\0b"}}),
    ("CI203", FUNCTION, "Env.A", {"Env": {"A": "\ud83d"}}),
    ("CI204", FUNCTION, "Env.a-b", {"Env": {"a-b": "1"}}),
    ("CI205", FUNCTION, "Env.AWS_REGION", {"Env": {"AWS_REGION": "1"}}),
    ("CI206", FUNCTION, "Env.PATH", {"Env": {"PATH": "/opt"}}),
    ("CI207", FUNCTION, "Env.A", {"Env": {"A": "1"}, "Environment": {"Variables": {"A": "2"}}}),
    ("CI208", FUNCTION, "EnvFile", {"EnvFile": "/etc/env"}),
    ("CI208", FUNCTION, "EnvFile", {"EnvFile": "../.env"}),
    ("CI208", FUNCTION, "EnvFile", {"EnvFile": ""}),
    ("CI209", FUNCTION, "EnvFile", {"EnvFile": "_cfn_injector/.env"}),
    ("CI213", FUNCTION, "Env.A", {"Env": {"A": "{{resolve:ssm:a:b:c}}"}}),
    ("CI214", FUNCTION, "EnvFrom[0]", {"EnvFrom": [{"Prefix": "A"}]}),
    ("CI215", FUNCTION, "EnvFrom[0].Name", {"EnvFrom": [{"Artifact": "a.env", "Name": "A"}]}),
    ("CI215", FUNCTION, "EnvFrom[0].Upper", {"EnvFrom": [{"SecretId": "a", "Name": "A", "Upper": True}]}),
    ("CI216", FUNCTION, "EnvFrom[0].ParameterPath", {"EnvFrom": [{"ParameterPath": "app"}]}),
    ("CI229", FUNCTION, "EnvLoader", {**JAVA, "Handler": "a.b", "EnvLoader": "handler"}),
    ("CI229", FUNCTION, "EnvLoader", {"Runtime": "provided.al2023", "EnvLoader": "exec"}),
    ("CI229", CODE, "EnvLoader", {"Runtime": "nodejs22.x", "EnvLoader": "exec", "Edge": True}),
    (
        "CI230",
        FUNCTION,
        f"Environment.Variables.{EXEC_WRAPPER}",
        {"Environment": {"Variables": {EXEC_WRAPPER: "/opt/bootstrap"}}},
    ),
    ("CI231", FUNCTION, f"Env.{EXEC_WRAPPER}", {**JAVA, "Env": {EXEC_WRAPPER: "/opt/x"}}),
    ("CI232", FUNCTION, "Env.A", {**JAVA, "Env": {"A": "x" * 131_072}}),
    ("CI233", FUNCTION, "Handler", {"Handler": "app"}),
    ("CI233", CODE, "Handlers.List", {"Runtime": "python3.13", "Handlers": {"List": ""}}),
    ("CI234", CODE, "Handlers.index", {"Runtime": "python3.13", "Handlers": {"index": "app.handler"}}),
    ("CI234", CODE, "Handlers.a-b", {"Runtime": "python3.13", "Handlers": {"a-b": "app.handler"}}),
    ("CI235", CODE, "Runtime", {"EnvLoader": "exec"}),
    ("CI236", FUNCTION, "MemorySise", {"MemorySise": 128}),
    ("CI236", FUNCTION, "Code.Bucket", {"Code": {"S3Bucket": "a", "S3Key": "b", "Bucket": "c"}}),
    ("CI236", FUNCTION, "RuntimeManagementConfig.X", {"RuntimeManagementConfig": {"X": "1"}}),
    ("CI236", METHOD, "IntegrationRequest.X", {"IntegrationRequest": {"Type": "MOCK", "X": "1"}}),
    ("CI237", CODE, "Role", {"Role": "r"}),
    ("CI237", CODE, "Code.ZipFile", {"Code": {"ZipFile": "pass"}}),
    ("CI237", METHOD, "Verb", {"Verb": "GET"}),
    ("CI238", METHOD, "OperationName", {"OperationName": "list"}),
    (
        "CI238",
        METHOD,
        "IntegrationRequest.Uri",
        {"IntegrationRequest": {"Type": "Lambda", "FunctionArn": ARN, "Uri": "x"}},
    ),
    ("CI239", FUNCTION, "Role", {"Role": ""}),
    ("CI239", MAPPING, "FunctionName", {"FunctionName": None}),
    ("CI239", METHOD, "IntegrationRequest.FunctionArn", {"IntegrationRequest": {"Type": "Lambda"}}),
    ("CI239", METHOD, "MethodResponses[0].StatusCode", {"MethodResponses": [{}]}),
    ("CI240", FUNCTION, "Env", {"Env": ["a"]}),
    ("CI240", FUNCTION, "VpcConfig", {"VpcConfig": "vpc-1"}),
    ("CI240", METHOD, "IntegrationRequest", {"IntegrationRequest": "Lambda"}),
    ("CI241", FUNCTION, "EnvFrom", {"EnvFrom": {"SecretId": "a"}}),
    ("CI241", FUNCTION, "Layers", {"Layers": "a"}),
    ("CI241", FUNCTION, "Tags", {"Tags": {"a": "b"}}),
    ("CI242", FUNCTION, "Description", {"Description": ["a"]}),
    ("CI242", METHOD, "StageName", {"StageName": ["a"]}),
    ("CI243", FUNCTION, "MemorySize", {"MemorySize": "much"}),
    ("CI243", FUNCTION, "KeepVersions", {"KeepVersions": "-1"}),
    ("CI244", FUNCTION, "Publish", {"Publish": "yes"}),
    ("CI244", FUNCTION, "EnvFrom[0].Optional", {"EnvFrom": [{"SecretId": "a", "Optional": "1"}]}),
    ("CI244", MAPPING, "Enabled", {"Enabled": "yes"}),
    ("CI245", FUNCTION, "EnvLoader", {"EnvLoader": "wrapper"}),
    ("CI245", METHOD, "Method", {"Method": "get"}),
    ("CI245", METHOD, "IntegrationRequest.Type", {"IntegrationRequest": {"Type": "lambda"}}),
    ("CI246", FUNCTION, "Code.ZipFile", {"Code": {"ZipFile": "pass", "S3Bucket": "a"}}),
    ("CI246", CODE, "Handlers", {"Runtime": "python3.13", "Handler": "a.b", "Handlers": {"List": "a.b"}}),
    (
        "CI246",
        FUNCTION,
        "EnvFrom[0].VersionId",
        {"EnvFrom": [{"SecretId": "a", "VersionId": "1", "VersionStage": "2"}]},
    ),
    ("CI246", MAPPING, "StreamArn", {"StreamArn": "arn:aws:kinesis:us-east-1:111122223333:stream/s"}),
    ("CI247", MAPPING, "Properties", {"BatchSize": 0}),
    ("CI248", FUNCTION, "Properties", {"Env": {"A": "x" * 500_000}}),
    ("CI250", FUNCTION, "Tags[0]", {"Tags": [{"Key": "a"}]}),
    ("CI250", MAPPING, "Tags[0].Key", {"Tags": [{"Key": "aws:a", "Value": "b"}]}),
    ("CI251", MAPPING, "Tags", {"Tags": [{"Key": f"k{n}", "Value": "v"} for n in range(44)]}),
    ("CI252", FUNCTION, "Code", {"Code": None}),
    ("CI252", FUNCTION, "Code.S3Key", {"Code": {"S3Bucket": "a"}}),
    ("CI253", FUNCTION, "Code.ImageUri", {"Code": {"ImageUri": "a"}}),
    ("CI253", FUNCTION, "PackageType", {"PackageType": "Image"}),
    (
        "CI254",
        FUNCTION,
        "Code.S3ObjectStorageMode",
        {"Code": {"S3Bucket": "a", "S3Key": "b", "S3ObjectStorageMode": "REFERENCE"}},
    ),
    ("CI255", FUNCTION, "Code.ZipFile", {**JAVA, "Code": {"ZipFile": "class App {}"}}),
    ("CI258", FUNCTION, "FunctionName", {"FunctionName": "a b"}),
    ("CI261", FUNCTION, "FunctionScalingConfig", {"FunctionScalingConfig": {"MinExecutionEnvironments": 1}}),
    ("CI265", FUNCTION, "Environment", {"Edge": True, "Environment": {"Variables": {"B": "1"}}}),
    ("CI265", FUNCTION, "Runtime", {"Edge": True, "Runtime": "ruby3.4"}),
    ("CI265", FUNCTION, "Timeout", {"Edge": True, "Timeout": 31}),
    ("CI265", FUNCTION, "Architectures", {"Edge": True, "Architectures": ["arm64"]}),
    ("CI265", CODE, "Runtime", {"Edge": True, "Runtime": "ruby3.4"}),
    ("CI266", FUNCTION, "Adopt", {"Adopt": True}),
    ("CI270", MAPPING, "StartingPositionTimestamp", {"StartingPositionTimestamp": "noon"}),
    ("CI272", METHOD, "RestApiId", {"RestApiId": "https://api1.example"}),
    ("CI274", METHOD, "Path", {"Path": "a//b"}),
    ("CI274", METHOD, "Path", {"Path": "{proxy+}/a"}),
    ("CI276", METHOD, "IntegrationRequest.FunctionArn", {"IntegrationRequest": {"Type": "MOCK", "FunctionArn": ARN}}),
    (
        "CI277",
        METHOD,
        "IntegrationRequest.FunctionArn",
        {"IntegrationRequest": {"Type": "Lambda", "FunctionArn": "shop"}},
    ),
    (
        "CI280",
        METHOD,
        "MethodResponses[1].StatusCode",
        {"MethodResponses": [{"StatusCode": "200"}, {"StatusCode": "200"}]},
    ),
    ("CI281", METHOD, "IntegrationResponses", {"IntegrationResponses": [{"StatusCode": "200"}]}),
)


@pytest.mark.parametrize(
    ("code", "kind", "name", "changed"), ROWS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_problem_has_the_code_of_its_cause(code: str, kind: str, name: str, changed: dict[str, Any]) -> None:
    stated = {key: value for key, value in {**BASES[kind], **changed}.items() if value is not None}
    assert (name, code) in {(each.name, each.code) for each in TYPES[kind].problems(as_strings(stated))}


@pytest.mark.parametrize("kind", BASES)
def test_the_properties_that_the_rows_change_have_no_problem(kind: str) -> None:
    assert list(TYPES[kind].problems(as_strings(BASES[kind]))) == []
