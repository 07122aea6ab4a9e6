"""The rules for cfn-lint say nothing about right templates, and know the properties and attributes of the provider."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("cfnlint", reason="cfn-lint is not installed")

import cfn_injector.lint
from cfn_injector.lint import resource_types, values
from cfn_injector.lint.resource_types import CODE, FUNCTION, MAPPING, METHOD, TYPES
from cfn_injector.lint.values import NO_VALUE
from cfn_injector.protocol import registry
from cfn_injector.resources import lambda_code
from cfn_injector.resources.api_gateway_resource import spec as method_spec
from cfn_injector.resources.event_source_mapping import spec as mapping_spec
from cfn_injector.resources.lambda_function import spec as function_spec
from tests.support.linting import findings, own

ROOT = Path(__file__).parents[1]
TEMPLATES = [*sorted(ROOT.glob("templates/*.yaml")), *sorted(ROOT.glob("example_*/template.yaml"))]
PAGE = ROOT / "docs" / "lint.md"

RIGHT: dict[str, dict[str, Any]] = {
    FUNCTION: {
        "ServiceToken": "token",
        "ServiceTimeout": 1200,
        "FunctionName": "shop-app",
        "Code": {"S3Bucket": "artifacts", "S3Key": "app.zip"},
        "Role": "arn:aws:iam::111122223333:role/cfn-injector/app",
        "Runtime": "java21",
        "Handler": "app.handler",
        "Env": {"TABLE": "orders", "DEBUG": True, "SIZE": 3},
        "EnvFrom": [{"ParameterPath": "/app/prod/", "Upper": True}, {"SecretId": "db", "Prefix": "DB_"}],
        "EnvFile": "config/.env",
        "EnvLoader": "exec",
        "AllowLoaderVariables": False,
        "Publish": True,
        "KeepVersions": 3,
        "Environment": {"Variables": {"STAGE": "prod"}},
        "Layers": ["arn:aws:lambda:eu-central-1:111122223333:layer:own:1"],
        "MemorySize": 256,
        "Tags": [{"Key": "team", "Value": "shop"}],
        "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"], "Ipv6AllowedForDualStack": False},
        "FunctionScalingConfig": {"MinExecutionEnvironments": 1},
        "RuntimeManagementConfig": {"UpdateRuntimeOn": "Auto"},
        "TracingConfig": {"Mode": "Active"},
    },
    CODE: {
        "ServiceToken": "token",
        "Code": {"S3Bucket": "artifacts", "S3Key": "app.zip", "S3ObjectVersion": "1"},
        "Runtime": "python3.13",
        "Handlers": {"List": "app.list_all", "Create": "app.create"},
        "Env": {"TABLE": "orders"},
        "EnvFrom": [{"Artifact": "defaults/prod.env", "Optional": True}],
        "EnvLoader": "handler",
        "Edge": True,
    },
    MAPPING: {
        "ServiceToken": "token",
        "FunctionName": "shop-app",
        "EventSourceArn": "arn:aws:kinesis:eu-central-1:111122223333:stream/orders",
        "StartingPosition": "AT_TIMESTAMP",
        "StartingPositionTimestamp": 1700000000,
        "BatchSize": 10,
        "Enabled": True,
        "FilterCriteria": {"Filters": [{"Pattern": "{}"}]},
        "MaximumRecordAgeInSeconds": 60,
        "SourceAccessConfigurations": [{"Type": "VPC_SUBNET", "URI": "subnet:subnet-1"}],
        "Tags": [{"Key": "team", "Value": "shop"}],
        "FunctionRegion": "eu-central-1",
    },
    METHOD: {
        "ServiceToken": "token",
        "RestApiId": "a1b2c3",
        "Path": "orders/{id}",
        "Method": "GET",
        "IntegrationRequest": {
            "Type": "Lambda",
            "FunctionArn": "arn:aws:lambda:eu-central-1:111122223333:function:app",
            "TimeoutInMillis": 3000,
        },
        "IntegrationResponses": [{"StatusCode": "200"}, {"StatusCode": "404", "SelectionPattern": "not found"}],
        "MethodResponses": [
            {"StatusCode": "200", "ResponseParameters": {"method.response.header.Age": False}},
            {"StatusCode": "404"},
        ],
        "ApiKeyRequired": False,
        "RequestParameters": {"method.request.header.Accept": True},
        "StageName": "dev",
    },
}
"""Properties without a fault, of each type."""

UNKNOWN: tuple[Any, ...] = ({"Ref": "Parameter"}, {"Fn::GetAtt": ["Other", "Arn"]}, {"Fn::FindInMap": ["A", "B", "C"]})
KNOWN: dict[str, Collection[str]] = {
    FUNCTION: function_spec.OWN_PROPERTIES | set(function_spec.SEPARATE_CALLS),
    CODE: lambda_code.PROPERTIES.keys(),
    MAPPING: mapping_spec.NOT_ARGUMENTS | mapping_spec.ALIASES.keys() | mapping_spec.DEFAULTS.keys(),
    METHOD: method_spec.KNOWN,
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of each part of a value."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for name, item in members for place in places(item, (*path, name)))]


def with_intrinsics(value: Any, chosen: Mapping[tuple[Any, ...], Any], path: tuple[Any, ...] = ()) -> Any:
    """The value with other values in the chosen places."""
    if path in chosen:
        return chosen[path]
    if isinstance(value, dict):
        return {name: with_intrinsics(item, chosen, (*path, name)) for name, item in value.items()}
    if isinstance(value, list):
        return [with_intrinsics(item, chosen, (*path, index)) for index, item in enumerate(value)]
    return value


def problems(resource_type: str, stated: Any, conditions: Mapping[str, bool]) -> list[str]:
    value = values.read(stated, ("Resources", "Name", "Properties"), conditions)
    return [str(problem) for problem in values.problems(value, TYPES[resource_type].problems)]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_nothing_is_found_in_the_projects_own_templates(path: Path) -> None:
    assert findings(path.read_text("utf-8")) == []


def test_every_resource_type_of_the_provider_has_a_rule() -> None:
    assert TYPES.keys() == {registry.PREFIX + name for name in registry.BUILT_IN}


@pytest.mark.parametrize("resource_type", TYPES)
def test_right_properties_have_no_problem(resource_type: str) -> None:
    assert problems(resource_type, RIGHT[resource_type], {}) == []


@pytest.mark.parametrize("resource_type", TYPES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_intrinsic_functions_in_any_places_are_no_fault(resource_type: str, data: st.DataObject) -> None:
    everywhere = [place for place in places(RIGHT[resource_type]) if place]
    chosen = data.draw(st.dictionaries(st.sampled_from(everywhere), st.sampled_from(UNKNOWN), max_size=6))
    assert problems(resource_type, with_intrinsics(RIGHT[resource_type], chosen), {}) == []


@pytest.mark.parametrize("resource_type", TYPES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_branch_that_is_not_taken_is_no_fault(resource_type: str, data: st.DataObject) -> None:
    right = RIGHT[resource_type]
    everywhere = [place for place in places(right) if place]
    chosen = data.draw(st.dictionaries(st.sampled_from(everywhere), st.sampled_from([1, {}, [], {"Other": None}])))
    branched = {}
    for place, wrong in chosen.items():
        stated = right
        for step in place:
            stated = stated[step]
        branched[place] = {"Fn::If": ["IsProd", stated, wrong]}
    assert problems(resource_type, with_intrinsics(right, branched), {"IsProd": True}) == []


JUNK: tuple[Any, ...] = (None, 1, "", [], {}, [1], {"a": None}, {"Ref": 1}, {"Fn::If": ["IsProd", 1]}, {"Fn::Sub": []})


@pytest.mark.parametrize("resource_type", TYPES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_values_of_any_kind_are_read(resource_type: str, data: st.DataObject) -> None:
    everywhere = places(RIGHT[resource_type])
    chosen = data.draw(st.dictionaries(st.sampled_from(everywhere), st.sampled_from([*JUNK, NO_VALUE]), max_size=4))
    for conditions in ({}, {"IsProd": True}):
        assert isinstance(problems(resource_type, with_intrinsics(RIGHT[resource_type], chosen), conditions), list)


@pytest.mark.parametrize(
    ("resource_type", "name"), [(kind, name) for kind, names in KNOWN.items() for name in sorted(names)]
)
def test_every_property_that_the_provider_knows_can_hold_an_intrinsic_function(resource_type: str, name: str) -> None:
    others = {} if name in ("StreamArn", "KmsKeyArn", "Handler") else RIGHT[resource_type]
    found = problems(resource_type, {**others, name: {"Ref": "Parameter"}}, {})
    assert not [problem for problem in found if problem.startswith(name)]


@pytest.mark.parametrize("resource_type", TYPES)
def test_a_property_that_the_provider_does_not_know_is_a_fault(resource_type: str) -> None:
    (found,) = problems(resource_type, {**RIGHT[resource_type], "Unknown": {"Ref": "Parameter"}}, {}) or ["nothing"]
    assert found.startswith("Unknown ")


@pytest.mark.parametrize("resource_type", TYPES)
def test_every_attribute_that_the_provider_returns_is_known(resource_type: str) -> None:
    module = __import__(registry.BUILT_IN[resource_type.removeprefix(registry.PREFIX)], fromlist=["ATTRIBUTES"])
    right = {name: value for name, value in RIGHT[resource_type].items() if name != "Handlers"}
    assert resource_types.attributes(resource_type, values.read(right, (), {})) == module.ATTRIBUTES.keys()


def test_a_name_in_env_is_checked_whatever_its_value() -> None:
    stated = {**RIGHT[FUNCTION], "Env": {"AWS_REGION": {"Ref": "Parameter"}, "STAGE": {"Ref": "Parameter"}}}
    assert [problem.split(";")[0] for problem in problems(FUNCTION, stated, {})] == [
        "Env.AWS_REGION is reserved by Lambda",
        "Env.STAGE is also in Environment.Variables",
    ]


def test_the_names_of_handlers_are_attributes() -> None:
    found = resource_types.attributes(CODE, values.read(RIGHT[CODE], (), {}))
    assert found == lambda_code.ATTRIBUTES.keys() - {"Handler"} | {"Handler.List", "Handler.Create"}
    assert resource_types.attributes(CODE, values.read({"Handlers": {"Ref": "Parameter"}}, (), {})) is None


def test_a_part_that_is_removed_moves_no_other_part_of_a_list() -> None:
    stated = {"Tags": [{"Fn::If": ["IsProd", {"Ref": "AWS::NoValue"}, "a"]}, "b"]}
    value = values.read(stated, ("P",), {"IsProd": True})
    assert value.data == {"Tags": ["b"]}
    assert value.place("Tags[0]") == ("P", "Tags", 1)
    assert value.place("Tags[5].Key") == ("P", "Tags")
    assert value.place("Missing") == ("P",)


def test_too_many_unknown_values_are_not_judged() -> None:
    deciding = ("Runtime", "EnvLoader", "Edge", "Publish", "Adopt")
    stated = {**RIGHT[FUNCTION], **dict.fromkeys(deciding, UNKNOWN[0]), "Unknown": 1}
    assert problems(FUNCTION, stated, {}) == []


HEAD = """\
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Stage: {Type: String}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
Resources:
"""
TOKEN = "ServiceToken: !ImportValue cfn-injector-ServiceToken\n      ServiceTimeout: 1200"
ACCEPTED = {
    "properties that exclude each other in different branches": f"""
  Function:
    Type: Custom::LambdaFunction
    Properties:
      {TOKEN}
      Code: !If [IsProd, {{S3Bucket: artifacts, S3Key: a.zip}}, {{ZipFile: "x = 1"}}]
      Role: !Sub "arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/cfn-injector/app"
      Runtime: !If [IsProd, java21, python3.13]
      Handler: index.handler
      Env:
        TABLE: !If [IsProd, orders, !Ref AWS::NoValue]
      Environment:
        Variables: !If [IsProd, !Ref AWS::NoValue, {{TABLE: orders}}]
      SnapStart: !If [IsProd, {{ApplyOn: PublishedVersions}}, !Ref AWS::NoValue]
      Publish: true
""",
    "a resource of one condition": f"""
  Function:
    Type: Custom::LambdaFunction
    Condition: IsProd
    Properties:
      {TOKEN}
      Code: {{S3Bucket: artifacts, S3Key: a.zip}}
      Role: !Ref Stage
      Runtime: python3.13
      Handler: index.handler
      Timeout: !If [IsProd, 30, 9000]
      EnvFile: !If [IsProd, .env, ../.env]
""",
    "a custom resource of that name that the template serves itself": """
  Server:
    Type: AWS::Lambda::Function
    Properties:
      Code: {ZipFile: "x = 1"}
      Role: !Ref Stage
      Runtime: python3.13
      Handler: index.handler
  Function:
    Type: Custom::LambdaFunction
    Properties:
      ServiceToken: !GetAtt Server.Arn
      Arn: !Ref Stage
  Parameter:
    Type: AWS::SSM::Parameter
    Properties:
      Type: String
      Value: !GetAtt Function.Whatever
""",
    "references to secrets where the provider resolves them": f"""
  Function:
    Type: Custom::LambdaFunction
    Properties:
      {TOKEN}
      Code: {{S3Bucket: artifacts, S3Key: "{{{{resolve:ssm:/artifacts/key}}}}"}}
      Role: !Ref Stage
      Runtime: python3.13
      Handler: index.handler
      Env: !If
        - IsProd
        - URL: !Sub "postgres://app:${{Stage}}{{{{resolve:secretsmanager:db:SecretString:password}}}}@db/"
          PASSWORD: "{{{{resolve:secretsmanager:db}}}}"
        - !Ref AWS::NoValue
""",
    "what connect and the transform make of metadata": """
  Table:
    Type: AWS::SQS::Queue
    DeletionPolicy: Delete
    UpdateReplacePolicy: Delete
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {}
  Function:
    Type: AWS::Lambda::Function
    Metadata:
      CfnInjector:
        Env: {STAGE: !Ref Stage}
        EnvLoader: !If [IsProd, handler, none]
        Connect: {Table: Read}
        MoveEnvironment: true
        Keep: ["OTEL_*"]
        ServiceTimeout: 600
    Properties:
      Code: {ZipFile: "x = 1"}
      Role: !GetAtt Role.Arn
      Runtime: python3.13
      Handler: index.handler
""",
    "versions that follow": f"""
  Code:
    Type: Custom::LambdaCode
    Properties:
      {TOKEN}
      Code: {{S3Bucket: artifacts, S3Key: a.zip}}
  Served:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: {{Bucket: !GetAtt Code.S3Bucket, Key: !GetAtt Code.S3Key}}
      Runtime: python3.13
      Handler: !GetAtt Code.Handler
      AutoPublishAlias: live
      VersionDescription: !GetAtt Code.CodeSha256
  Told:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: {{Bucket: !GetAtt Code.S3Bucket, Key: !GetAtt Code.S3Key}}
      Runtime: python3.13
      Handler: !GetAtt Code.Handler
      AutoPublishAlias: live
      AutoPublishCodeSha256: !Ref Stage
  Version:
    Type: AWS::Lambda::Version
    DeletionPolicy: Delete
    UpdateReplacePolicy: Retain
    Properties:
      FunctionName: !Ref Served
      CodeSha256: !GetAtt Code.CodeSha256
""",
    "a loop": f"""
  Fn::ForEach::Functions:
    - Name
    - [Orders, Stock]
    - "Function${{Name}}":
        Type: Custom::LambdaFunction
        Properties:
          {textwrap.indent(TOKEN, "    ").strip()}
          Code: {{S3Bucket: artifacts, S3Key: a.zip}}
          Role: !Ref Stage
          Runtime: python3.13
          Handler: index.handler
          Env: {{NAME: !Ref Name}}
""",
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_right_template_is_accepted(name: str) -> None:
    transform = "Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]\n"
    for head in (HEAD, transform + HEAD):
        assert own(head + ACCEPTED[name].removeprefix("\n")) == []


def test_a_loop_is_checked() -> None:
    text = "Transform: AWS::LanguageExtensions\n" + HEAD + ACCEPTED["a loop"].replace("{NAME: ", "{AWS_REGION: ")
    assert {(each.rule, "AWS_REGION" in each.message) for each in own(text)} == {("E9501", True)}


def test_a_version_is_missing_only_if_the_provider_publishes_none() -> None:
    text = HEAD + ACCEPTED["a resource of one condition"] + "      SnapStart: {ApplyOn: PublishedVersions}\n"
    assert "W2530" in {each.rule for each in findings(text)}
    assert "W2530" not in {each.rule for each in findings(text + "      Publish: true\n")}


def test_templates_in_json_are_checked_too() -> None:
    properties = {**RIGHT[CODE], "ServiceTimeout": 1200, "Unknown": 1}
    outputs = {"Key": {"Value": {"Fn::GetAtt": "Code.Key"}}}
    template = {"Resources": {"Code": {"Type": CODE, "Properties": properties}}, "Outputs": outputs}
    text = json.dumps(template, indent=1)
    lines = dict(enumerate(text.splitlines(), 1))
    found = [(each.rule, lines[each.line].strip()) for each in own(text)]
    assert found == [("E9502", '"Unknown": 1'), ("E9507", '"Fn::GetAtt": "Code.Key"')]


def test_the_page_lists_every_rule() -> None:
    rules = {getattr(cfn_injector.lint, name) for name in cfn_injector.lint.__all__}
    rows = {line for line in PAGE.read_text("utf-8").splitlines() if line.startswith(("| `E95", "| `W95"))}
    assert rows == {f"| `{rule.id}` | {rule.shortdesc} | {rule.description} |" for rule in rules}
