"""Template properties become typed arguments that botocore's own validation accepts."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.validate import validate_parameters

from cfn_injector.env_properties import refuse
from cfn_injector.errors import PropertiesError, PropertyError
from cfn_injector.resources.lambda_function import spec
from cfn_injector.resources.lambda_function.applied import Applied
from cfn_injector.resources.lambda_function.changes import Changes, changes
from tests.fakes.aws_lambda import ROLE, SESSION
from tests.fakes.cloudformation import as_strings

MODEL = SESSION.client("lambda").meta.service_model
KEY = "arn:aws:kms:us-east-1:111122223333:key/k"

# Every property of AWS::Lambda::Function but those for container images, with types as in a template.
EVERYTHING: dict[str, Any] = {
    "Architectures": ["arm64"],
    "CapacityProviderConfig": {
        "LambdaManagedInstancesCapacityProviderConfig": {
            "CapacityProviderArn": "arn:aws:lambda:us-east-1:111122223333:capacity-provider:p",
            "ExecutionEnvironmentMemoryGiBPerVCpu": 2.5,
            "PerExecutionEnvironmentMaxConcurrency": 10,
        }
    },
    "Code": {"S3Bucket": "artifacts", "S3Key": "app.zip", "S3ObjectVersion": "v1", "SourceKMSKeyArn": KEY},
    "CodeSigningConfigArn": "arn:aws:lambda:us-east-1:111122223333:code-signing-config:csc-0123456789abcdefg",
    "DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:111122223333:q"},
    "Description": "everything",
    "DurableConfig": {"ExecutionTimeout": 3600, "RetentionPeriodInDays": 7, "KMSKeyArn": KEY},
    "Environment": {"Variables": {"MODE": "fast", "LEVEL": 3, "ON": True}},
    "EphemeralStorage": {"Size": 1024},
    "FileSystemConfigs": [
        {
            "Arn": "arn:aws:elasticfilesystem:us-east-1:111122223333:access-point/fsap-0123456789abcdef0",
            "LocalMountPath": "/mnt/data",
            "S3FilesConfig": {"DirectS3Read": "ENABLED"},
        }
    ],
    "FunctionName": "everything",
    "FunctionScalingConfig": {"MinExecutionEnvironments": 1, "MaxExecutionEnvironments": 4},
    "Handler": "index.handler",
    "KmsKeyArn": KEY,
    "Layers": ["arn:aws:lambda:us-east-1:111122223333:layer:l:1"],
    "LoggingConfig": {
        "LogFormat": "JSON",
        "ApplicationLogLevel": "DEBUG",
        "SystemLogLevel": "WARN",
        "LogGroup": "everything",
    },
    "MemorySize": 512,
    "PackageType": "Zip",
    "PublishToLatestPublished": True,
    "RecursiveLoop": "Allow",
    "ReservedConcurrentExecutions": 5,
    "Role": ROLE,
    "Runtime": "python3.13",
    "RuntimeManagementConfig": {
        "UpdateRuntimeOn": "Manual",
        "RuntimeVersionArn": "arn:aws:lambda:us-east-1::runtime:0123456789abcdef",
    },
    "SnapStart": {"ApplyOn": "PublishedVersions"},
    "Tags": [{"Key": "team", "Value": "shop"}],
    "TenancyConfig": {"TenantIsolationMode": "PER_TENANT"},
    "Timeout": 30,
    "TracingConfig": {"Mode": "Active"},
    "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"], "Ipv6AllowedForDualStack": True},
}
AS_SENT: dict[str, Any] = as_strings(EVERYTHING)


def check(properties: dict[str, Any], accepted: dict[str, Any] | None = None) -> None:
    refuse(spec.parse(properties, MODEL).problems, spec.parse(accepted, MODEL).problems if accepted else ())


def described(properties: dict[str, Any] | None, name: str = "f") -> dict[str, Any]:
    """GetFunction's answer for a function with these properties, which no tag records."""
    arguments = spec.parse(properties, MODEL).arguments if properties else {}
    layers = [{"Arn": arn, "CodeSize": 1} for arn in arguments.get("Layers", [])]
    logging = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}", **arguments.get("LoggingConfig", {})}
    configuration = {**arguments, "FunctionName": name, "Layers": layers, "LoggingConfig": logging}
    separate = spec.parse(properties, MODEL).separate if properties else {}
    return {"Configuration": configuration, "Tags": {}, "Concurrency": separate}


def changed(old: dict[str, Any] | None, new: dict[str, Any], name: str = "f") -> Changes:
    before = spec.parse(old, MODEL) if old else None
    return changes(before, spec.parse(new, MODEL), described(old, name), MODEL, lambda each: Applied("", ""))


def test_the_list_of_properties_is_the_resource_types_own() -> None:
    manager = pytest.importorskip("cfnlint.schema.manager", reason="cfn-lint, which knows the schema, is not installed")
    schema = manager.PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", "AWS::Lambda::Function").schema
    written = set(schema["properties"]) - {"Arn", "SnapStartResponse"}
    assert set(EVERYTHING) == written - {"ImageConfig"}


def test_every_property_arrives_at_the_api_with_its_right_type() -> None:
    desired = spec.parse(AS_SENT, MODEL)
    assert desired.problems == ()
    arguments = desired.arguments
    shape = MODEL.operation_model("CreateFunction").input_shape
    validate_parameters({**arguments, "Code": AS_SENT["Code"], "Tags": desired.tags}, shape)
    separate = {"Code", "Tags", "PublishToLatestPublished", "KmsKeyArn", *spec.SEPARATE_CALLS}
    assert set(arguments) == (set(EVERYTHING) - separate) | {"KMSKeyArn", "CodeSigningConfigArn"}
    for name in arguments.keys() & EVERYTHING.keys() - {"Environment"}:
        assert arguments[name] == EVERYTHING[name], name
    assert arguments["Environment"] == {"Variables": {"MODE": "fast", "LEVEL": "3", "ON": "true"}}


def test_every_property_that_an_update_can_set_is_accepted_by_its_call() -> None:
    everything = changed(None, AS_SENT, "everything")
    shape = MODEL.operation_model("UpdateFunctionConfiguration").input_shape
    validate_parameters({"FunctionName": "everything", **everything.configuration}, shape)
    for name, value in everything.separate.items():
        shape = MODEL.operation_model(spec.SEPARATE_CALLS[name]).input_shape
        arguments = value if name == "RuntimeManagementConfig" else {name: value}
        qualifier = {"Qualifier": "1"} if "Qualifier" in shape.required_members else {}
        validate_parameters({"FunctionName": "everything", **qualifier, **arguments}, shape)


EMPTY: dict[str, Any] = {
    **{name: {} for name, value in EVERYTHING.items() if isinstance(value, dict) and name not in ("Code", "Env")},
    "ImageConfig": {},
}
"""Every structure as ``AWS::NoValue`` leaves it."""
REFUSED_EMPTY = {"EphemeralStorage": "Size", "TenancyConfig": "TenantIsolationMode"}
REFUSED_EMPTY |= {"CapacityProviderConfig": "LambdaManagedInstancesCapacityProviderConfig"}


@pytest.mark.parametrize("name", sorted(EMPTY.keys() - REFUSED_EMPTY))
def test_an_empty_structure_is_a_property_that_the_template_does_not_have(name: str) -> None:
    code = {"S3Bucket": "b", "S3Key": "k"}
    bare = {"Code": code, "Role": ROLE, "Runtime": "python3.13", "Handler": "index.handler"}
    assert spec.parse({**bare, name: EMPTY[name]}, MODEL) == spec.parse(bare, MODEL)
    assert spec.parse({**bare, "Edge": "true", name: EMPTY[name]}, MODEL).problems == ()
    if name != "ImageConfig":
        rich = {**bare, "Publish": "true", name: AS_SENT[name]}
        emptied, removed = {**rich, name: EMPTY[name]}, {key: rich[key] for key in rich.keys() - {name}}
        assert changed(rich, emptied) == changed(rich, removed)
        assert changed(rich, emptied) != changed(rich, rich) or name == "DurableConfig"  # which replaces the function


@pytest.mark.parametrize(("name", "member"), REFUSED_EMPTY.items())
def test_an_empty_structure_that_needs_a_member_is_refused(name: str, member: str) -> None:
    (problem,) = spec.parse({**AS_SENT, name: {}}, MODEL).problems
    assert str(problem).startswith(f"{name}.{member} is missing")


def test_an_empty_map_or_list_that_means_something_stays() -> None:
    given = {"Environment": {"Variables": {}}, "VpcConfig": {"SubnetIds": []}, "Layers": [], "FileSystemConfigs": []}
    assert given.items() <= dict(spec.parse({**AS_SENT, **given}, MODEL).arguments).items()


def test_every_reset_is_accepted_by_its_call() -> None:
    bare = {"Code": AS_SENT["Code"], "Role": ROLE, "Runtime": "python3.13", "Handler": "index.handler"}
    removed = changed(AS_SENT, bare, "everything")
    shape = MODEL.operation_model("UpdateFunctionConfiguration").input_shape
    validate_parameters({"FunctionName": "everything", **removed.configuration}, shape)
    settable = set(shape.members) & {spec.API_NAMES.get(name, name) for name in EVERYTHING}
    not_resettable = {"CapacityProviderConfig", "DurableConfig", "FunctionName", "Handler", "Role", "Runtime"}
    assert set(removed.configuration) == settable - not_resettable
    assert removed.separate == dict.fromkeys(spec.SEPARATE_CALLS)


@pytest.mark.parametrize(
    ("change", "code", "configuration", "separate"),
    [
        ({"Env": {"A": "1"}}, True, {"Handler"}, set()),
        ({"Env": {"A": "1"}, "EnvLoader": "none"}, True, set(), set()),
        ({"EnvFile": "x"}, True, set(), set()),
        ({"Architectures": ["x86_64"]}, True, set(), set()),
        ({"Code": {"S3Bucket": "b", "S3Key": "other"}}, True, set(), set()),
        ({"Timeout": "5"}, False, {"Timeout"}, set()),
        ({"KmsKeyArn": KEY + "2"}, False, {"KMSKeyArn"}, set()),
        ({"RecursiveLoop": "Terminate"}, False, set(), {"RecursiveLoop"}),
        ({"Tags": []}, False, set(), set()),
        ({"ServiceTimeout": "60"}, False, set(), set()),
    ],
)
def test_a_change_touches_what_it_is_about(
    change: dict[str, Any], code: bool, configuration: set[str], separate: set[str]
) -> None:
    found = changed(AS_SENT, {**AS_SENT, **change}, "f")
    each_time = {"FunctionScalingConfig"}  # every version gets it
    told = (found.code, set(found.configuration), set(found.separate))
    assert told == (code, configuration, separate | each_time)


def test_another_kind_of_runtime_renames_inline_source() -> None:
    old = {"Code": {"ZipFile": "x"}, "Runtime": "python3.13"}
    assert changed(old, {**old, "Runtime": "nodejs22.x"}, "f").code


def test_json_logs_get_the_default_levels_that_the_template_leaves_out() -> None:
    old = {"LoggingConfig": {"LogFormat": "JSON", "SystemLogLevel": "DEBUG"}}
    new = {"LoggingConfig": {"LogFormat": "JSON"}}
    assert changed(old, new, "f").configuration == {
        "LoggingConfig": {
            "LogGroup": "/aws/lambda/f",
            "LogFormat": "JSON",
            "ApplicationLogLevel": "INFO",
            "SystemLogLevel": "INFO",
        }
    }


BASE: dict[str, Any] = {
    "Code": {"S3Bucket": "artifacts", "S3Key": "app.zip"},
    "Role": ROLE,
    "Runtime": "python3.13",
    "Handler": "index.handler",
}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"Timeout": "soon"}, "Timeout is not a whole number"),
        ({"Timeout": "3.5"}, "Timeout is not a whole number"),
        ({"EphemeralStorage": {"Size": "big"}}, "EphemeralStorage.Size is not a whole number"),
        ({"EphemeralStorage": "512"}, "EphemeralStorage is not a map"),
        ({"EphemeralStorage": {}}, "EphemeralStorage.Size is missing"),
        ({"Layers": "one"}, "Layers is not a list"),
        ({"Layers": [{}]}, "Layers[0] is not a string"),
        ({"VpcConfig": {"Ipv6AllowedForDualStack": "maybe"}}, "VpcConfig.Ipv6AllowedForDualStack is not a boolean"),
        ({"VpcConfig": {"Subnets": []}}, "VpcConfig.Subnets is not known"),
        ({"Environment": {"Variables": {"A": []}}}, "Environment.Variables.A is not a string"),
        ({"NoSuchProperty": "x"}, "NoSuchProperty is not known"),
        ({"KMSKeyArn": KEY}, "KMSKeyArn is not known"),
        ({"KMSKeyArn": KEY, "KmsKeyArn": KEY}, "KMSKeyArn is not known"),
        ({"KmsKeyArn": KEY, "KMSKeyArn": KEY}, "KMSKeyArn is not known"),
        ({"PublishTo": "LATEST_PUBLISHED"}, "PublishTo is not known"),
        ({"RuntimeManagementConfig": {"Update": "x"}}, "RuntimeManagementConfig.Update is not known"),
        ({"RuntimeManagementConfig": "Auto"}, "RuntimeManagementConfig is not a map"),
        ({"ReservedConcurrentExecutions": "all"}, "ReservedConcurrentExecutions is not a whole number"),
        ({"Tags": {"a": "b"}}, "Tags is not a list"),
        ({"Tags": [{"Key": "a"}]}, "Tags[0] is not a Key with a Value"),
        ({"Tags": [{"Key": "aws:a", "Value": "b"}]}, "Tags[0].Key is reserved"),
        ({"Tags": [{"Key": "cfn-injector:stack-id", "Value": "b"}]}, "Tags[0].Key is reserved"),
        ({"PackageType": "Image"}, "PackageType is for container images"),
        ({"ImageConfig": {"Command": ["x"]}}, "ImageConfig is for container images"),
        ({"Role": None}, "Role is missing"),
        ({"Handler": ""}, "Handler is missing"),
        ({"FunctionName": "a b"}, "FunctionName is not a valid"),
        ({"FunctionName": "f" * 65}, "FunctionName is not a valid"),
        ({"Adopt": "true"}, "Adopt does not say which"),
        ({"Publish": "sometimes"}, "Publish is not a boolean"),
        ({"KeepVersions": "-1"}, "KeepVersions is not a whole number"),
        ({"Code": {"ZipFile": "x"}, "Runtime": "java21"}, "Code.ZipFile is for Python and Node.js"),
        ({"Code": {"ZipFile": "x", "S3Key": "y"}}, "Code.ZipFile is set together"),
        ({"Code": {"S3Bucket": "b"}}, "Code.S3Key is missing"),
        ({"Code": {"ImageUri": "i"}}, "Code.ImageUri is a container image"),
        ({"Code": {**BASE["Code"], "S3ObjectStorageMode": "REFERENCE"}}, "Code.S3ObjectStorageMode is not COPY"),
        ({"Code": None}, "Code is missing"),
        ({"Env": {"1A": "x"}}, "Env.1A is not a valid"),
        ({"Env": {"A-B": "x"}}, "Env.A-B is not a valid"),
        ({"Env": {"A": None}}, "Env.A is null"),
        ({"Env": {"A": {"b": "c"}}}, "Env.A is a map; use Fn::ToJsonString"),
        ({"Env": {"A": ["b"]}}, "Env.A is a list; use Fn::ToJsonString"),
        ({"Env": {"A": "b\0c"}}, "Env.A contains a NUL"),
        ({"Env": {"A": "\ud800"}}, "Env.A contains half a surrogate"),
        ({"Env": "A=b"}, "Env is a str"),
        (
            {"Connect": {"Table": "Read"}},
            "Connect is for templates that are not deployed as they are; run cfn-injector",
        ),
        ({"Env": {"_HANDLER": "x"}}, "Env._HANDLER is reserved"),
        ({"Env": {"LD_PRELOAD": "x"}}, "Env.LD_PRELOAD decides which code is loaded"),
        ({"Env": {"A": "1"}, "Environment": {"Variables": {"A": "1"}}}, "Env.A is also in Environment.Variables"),
        ({"EnvFile": "/etc/env"}, "EnvFile is absolute"),
        ({"EnvFile": "a\\b"}, "EnvFile is absolute, or contains a backslash"),
        ({"EnvFile": "../b"}, "EnvFile has an empty"),
        ({"EnvFile": "a//b"}, "EnvFile has an empty"),
        ({"EnvFile": ""}, "EnvFile is not a path"),
        ({"EnvLoader": "magic"}, "EnvLoader is not one of"),
        ({"Description": "x" * 460_800}, "Properties are 460,9"),
        ({"Edge": "true", "Environment": {"Variables": {}}}, "Environment is not supported by Lambda@Edge"),
        ({"Edge": "true", "Architectures": ["arm64"]}, "Architectures is not supported by Lambda@Edge"),
        ({"Edge": "true", "EphemeralStorage": {"Size": "1024"}}, "EphemeralStorage.Size is not supported"),
        ({"Edge": "true", "Runtime": "java21"}, "Runtime is not supported by Lambda@Edge"),
        ({"Edge": "true", "Timeout": "31"}, "Timeout is not supported by Lambda@Edge; use 30 seconds or less"),
        ({"Edge": "true", "PublishToLatestPublished": "true"}, "PublishToLatestPublished is not supported"),
        ({"Edge": "true", "Code": {**BASE["Code"], "SourceKMSKeyArn": KEY}}, "Code.SourceKMSKeyArn is not supported"),
    ],
)
def test_what_is_wrong_is_told_by_its_path_and_never_by_its_value(change: dict[str, Any], told: str) -> None:
    with pytest.raises(PropertiesError) as caught:
        check({**BASE, **change})
    assert told in str(caught.value)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(PropertiesError) as caught:
        check({"Timeout": "soon", "Env": {"A": []}})
    names = {problem.name for problem in caught.value.problems}
    assert names >= {"Timeout", "Env.A", "Role", "Runtime", "Handler", "Code"}


@pytest.mark.parametrize(
    "change",
    [
        {"Env": {"LD_PRELOAD": "x"}, "AllowLoaderVariables": "true"},
        {"Env": {"TZ": "Europe/Berlin", "LANG": "C", "_": "x"}},
        {"Edge": "true", "Architectures": ["x86_64"], "EphemeralStorage": {"Size": "512"}},
        {"Edge": "true", "TracingConfig": {"Mode": "PassThrough"}, "MemorySize": "128", "Timeout": "30"},
        {"EnvFile": "config/.env"},
        {"Code": {"ZipFile": "x"}, "Runtime": "nodejs22.x"},
    ],
)
def test_what_is_allowed_is_not_refused(change: dict[str, Any]) -> None:
    check({**BASE, **change})


def test_a_problem_that_was_accepted_once_is_not_told_again() -> None:
    accepted = {**BASE, "Timeout": "soon"}
    check(accepted, accepted)
    with pytest.raises(PropertiesError, match=r"^MemorySize"):
        check({**accepted, "MemorySize": "much"}, accepted)


def test_problems_are_equal_when_they_tell_the_same() -> None:
    assert PropertyError("A", "is b", "c") == PropertyError("A", "is b", "c")
    assert len({PropertyError("A", "is b", "c"), PropertyError("A", "is b", "c")}) == 1
