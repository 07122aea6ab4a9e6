"""Faulty templates: each has at its lines the rules that find the faults, and cfn-lint finds nothing else."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

import pytest

pytest.importorskip("cfnlint", reason="cfn-lint is not installed")

from tests.support.linting import Found, expected, findings

UNUSED = ("--ignore-checks", "W2001", "W8001")
"""All templates begin with the same parameter and condition, used or not."""

HEAD = """\
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Stage: {Type: String}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      Path: /cfn-injector/
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]
"""
STREAM = "arn:aws:kinesis:eu-central-1:111122223333:stream/orders"
SERVED = """\
      ServiceToken: !ImportValue cfn-injector-ServiceToken
      ServiceTimeout: 1200
"""
FUNCTION = f"""\
  Function:
    Type: Custom::LambdaFunction
    Properties:
{SERVED}      Code: {{S3Bucket: artifacts, S3Key: app-1.zip}}
      Role: !GetAtt Role.Arn
      Runtime: python3.13
      Handler: app.handler
"""
CODE = f"""\
  Code:
    Type: Custom::LambdaCode
    Properties:
{SERVED}      Code: {{S3Bucket: artifacts, S3Key: app-1.zip}}
"""
MAPPING = f"""\
  Mapping:
    Type: Custom::EventSourceMapping
    Properties:
{SERVED}      FunctionName: !Ref Stage
"""
METHOD = f"""\
  Method:
    Type: Custom::APIGatewayResource
    Properties:
{SERVED}      RestApiId: !Ref Stage
      Method: GET
"""
NATIVE = """\
  Native:
    Type: AWS::Lambda::Function
    Properties:
      Code: {S3Bucket: artifacts, S3Key: app-1.zip}
      Role: !GetAtt Role.Arn
      Runtime: python3.13
      Handler: app.handler
"""


def function(lines: str) -> str:
    """A template with a ``Custom::LambdaFunction`` that has these properties too."""
    return HEAD + FUNCTION + textwrap.indent(textwrap.dedent(lines).strip() + "\n", " " * 6)


def code(lines: str) -> str:
    return HEAD + CODE + textwrap.indent(textwrap.dedent(lines).strip() + "\n", " " * 6)


def mapping(lines: str) -> str:
    return HEAD + MAPPING + textwrap.indent(textwrap.dedent(lines).strip() + "\n", " " * 6)


def method(lines: str) -> str:
    return HEAD + METHOD + textwrap.indent(textwrap.dedent(lines).strip() + "\n", " " * 6)


def native(lines: str) -> str:
    """A template with an ``AWS::Lambda::Function`` that has these attributes too."""
    return HEAD + NATIVE + textwrap.indent(textwrap.dedent(lines).strip() + "\n", " " * 4)


def resources(lines: str, before: str = FUNCTION + CODE) -> str:
    """A template with more resources or sections; ``lines`` begin at the level of logical IDs."""
    return HEAD + before + textwrap.indent(textwrap.dedent(lines).strip() + "\n", "  ")


OF_SCHEMA = {
    "a misspelled property": function("Timeouts: 3 # E3002"),
    "a property of no type": function("Foo: 3 # E3002"),
    "a map in place of a list": function("Tags: {team: shop} # E3012"),
    "a list in place of a map": function("Environment: [A] # E3012"),
    "a number below the limit": function("MemorySize: 64 # E3034"),
    "a number above the limit": function("Timeout: 901 # E3717"),
    "a value that is not in the list": function("TracingConfig: {Mode: Always} # E3030"),
    "a runtime that does not exist": function("").replace("python3.13", "python9 # E3030"),
    "a member that a structure lacks": function("VpcConfig: {Subnets: [subnet-1]} # E3002"),
    "a member that is missing": function("FileSystemConfigs:\n  - {LocalMountPath: /mnt/data} # E3003"),
    "a value that does not have the form": function("FunctionName: my function # E3031"),
    "an ARN that is too long to be one of a layer": function("Layers: [nothing] # E3031"),
    "a name that Lambda reserves in Environment": function("Environment:\n  Variables:\n    AWS_REGION: x # E3663"),
    "a log level with text logs": function("LoggingConfig:\n  LogFormat: Text\n  SystemLogLevel: INFO # E3696"),
    "the role is missing": function("")
    .replace("      Role: !GetAtt Role.Arn\n", "")
    .replace("    Properties:\n      ServiceToken", "    Properties: # E3003\n      ServiceToken"),
    "a fault in one branch of a condition": function("Timeout: !If # E3717\n  - IsProd\n  - 900\n  - 901"),
}
OF_FUNCTION = {
    "a name that Lambda reserves": function("Env:\n  AWS_REGION: eu-central-1 # E9501"),
    "a name that is not a variable's": function("Env:\n  MY-NAME: x # E9501"),
    "a name that decides which code is loaded": function("Env:\n  PYTHONPATH: lib # E9501"),
    "a list as a value": function("Env:\n  HOSTS: [a, b] # E9501"),
    "a map as a value": function("Env:\n  HOST: {name: a} # E9501"),
    "Env is a list": function("Env: [A] # E9501"),
    "a name in Env and in Environment": function("Env:\n  A_B: x # E9501\nEnvironment: {Variables: {A_B: y}}"),
    "a name in Env and in Environment of one branch": function(
        "Env:\n  A_B: x # E9501\nEnvironment: !If [IsProd, {Variables: {A_B: y}}, !Ref AWS::NoValue]"
    ),
    "a file outside of the artifact": function("EnvFile: ../.env # E9501"),
    "a file in the folder of the loaders": function("EnvFile: _cfn_injector/.env # E9501"),
    "a loader that does not exist": function("EnvLoader: always # E9501"),
    "a loader that another runtime has": function("Env: {A_B: x}\nEnvLoader: handler # E9501").replace(
        "python3.13", "java21"
    ),
    "the variable that the loader sets": function(
        "EnvLoader: exec\nEnv:\n  AWS_LAMBDA_EXEC_WRAPPER: /opt/x # E9501"
    ).replace("python3.13", "java21"),
    "a flag that is not a boolean": function("Publish: sometimes # E9501"),
    "a number of versions that is not one": function("KeepVersions: many # E9501"),
    "an adoption of nothing": function("Adopt: true # E9501"),
    "a source that is two": function("EnvFrom:\n  - {SecretId: db, ParameterPath: /app} # E9501"),
    "a source with an unknown name": function("EnvFrom:\n  - SecretId: db\n    Key: x # E9501"),
    "a reference that cannot be parsed": function('Env:\n  A_B: "{{resolve:secretsmanager:}}" # E9501'),
    "layers at the edge": function("Edge: true\nLayers: # E9501\n  - !Ref Stage"),
    "a file system in a container image": function("PackageType: Image # E9501").replace(
        "app.handler", "app.handler # E3685"
    ),
    "a timeout that is too long for CloudFormation": function("").replace("1200", "4000 # E9501"),
    "code that is nowhere": function("").replace(
        "{S3Bucket: artifacts, S3Key: app-1.zip}", "{S3Bucket: artifacts, Key: app-1.zip} # E3002, E9501"
    ),
    "the handler is missing": function("")
    .replace("      Handler: app.handler\n", "")
    .replace("    Properties:\n      ServiceToken", "    Properties: # E9501\n      ServiceToken"),
}
OF_CODE = {
    "a property of the function": code("MemorySize: 128 # E9502"),
    "inline source": code("").replace("{S3Bucket: artifacts, S3Key: app-1.zip}", "{ZipFile: pass} # E9502"),
    "a loader without a handler": code("Runtime: python3.13\nEnvLoader: handler").replace(
        "    Properties:\n      ServiceToken", "    Properties: # E9502\n      ServiceToken"
    ),
    "a handler and handlers": code("Runtime: python3.13\nHandler: app.a\nHandlers: {B: app.b} # E9502"),
    "a name of a handler that is not one": code("Runtime: python3.13\nHandlers:\n  not-one: app.b # E9502"),
    "a list in Env": code("Env:\n  HOSTS: [a, b] # E9502"),
}
OF_MAPPING = {
    "no source": mapping("Enabled: true").replace(
        "    Properties:\n      ServiceToken", "    Properties: # E9503\n      ServiceToken"
    ),
    "a source twice": mapping(f"EventSourceArn: {STREAM}\nStreamArn: {STREAM} # E9503"),
    "a size that is not a number": mapping("EventSourceArn: !Ref Stage\nBatchSize: many # E9503"),
    "a misspelled property of a mapping": mapping("EventSourceArn: !Ref Stage\nBatchsize: 10 # E9503"),
    "a time that is not one": mapping(
        "EventSourceArn: !Ref Stage\nStartingPosition: AT_TIMESTAMP\nStartingPositionTimestamp: soon # E9503"
    ),
}
OF_METHOD = {
    "a verb that does not exist": method("IntegrationRequest: {Type: MOCK}").replace("GET", "FETCH # E9504"),
    "no integration": method("Path: a").replace(
        "    Properties:\n      ServiceToken", "    Properties: # E9504\n      ServiceToken"
    ),
    "a type of integration that does not exist": method("IntegrationRequest:\n  Type: Sqs # E9504"),
    "a function that is not an ARN": method("IntegrationRequest:\n  Type: Lambda\n  FunctionArn: app # E9504"),
    "a response that is not declared": method(
        "IntegrationRequest: {Type: MOCK}\nIntegrationResponses: [{StatusCode: 200}] # E9504\nMethodResponses: []"
    ),
    "a part behind a greedy one": method('IntegrationRequest: {Type: MOCK}\nPath: "{all+}/b" # E9504'),
}
OF_METADATA = {
    "metadata that is a list": native("Metadata:\n  CfnInjector: [Env] # E9505"),
    "an unknown name": native("Metadata:\n  CfnInjector:\n    Environment: {A_B: x} # E9505"),
    "a reserved name": native("Metadata:\n  CfnInjector:\n    Env:\n      AWS_REGION: x # E9505"),
    "a source in metadata": native("Metadata:\n  CfnInjector:\n    EnvFrom:\n      - Secret: db # E9505"),
    "a loader of another runtime": native(
        "Metadata:\n  CfnInjector:\n    Env: {A_B: x}\n    EnvLoader: handler # E9505"
    ).replace("python3.13", "java21"),
    "a resource that is not there": native("Metadata:\n  CfnInjector:\n    Connect:\n      Table: Read # E9506"),
    "a list of resources": native("Metadata:\n  CfnInjector:\n    Connect: [Role] # E9506"),
    "the property of a function": function("Connect:\n  Gone: Read # E9506"),
}
OF_REFERENCES = {
    "an attribute that a function lacks": resources(
        """
        Alarm:
          Type: AWS::SNS::Topic
          Properties:
            TopicName: !GetAtt Function.Name # E9507
        """
    ),
    "an attribute in Fn::Sub": resources(
        """
        Alarm:
          Type: AWS::SNS::Topic
          Properties:
            TopicName: !Sub "${Code.Key}" # E9507
        """
    ),
    "the handler of no name": resources(
        """
        Alarm:
          Type: AWS::SNS::Topic
          Properties:
            TopicName: !GetAtt Code.Handler # E9507
            DisplayName: !GetAtt Code.Handler.Other # E9507
            KmsMasterKeyId: !GetAtt Code.Handler.Main
        """,
        CODE + "      Runtime: python3.13\n      Handlers: {Main: app.main}\n",
    ),
    "the URL of a method without a stage": resources(
        """
        Alarm:
          Type: AWS::SNS::Topic
          Properties:
            TopicName: !GetAtt Method.Url # E9507
        """,
        METHOD + "      IntegrationRequest: {Type: MOCK}\n",
    ),
    "an output of a mapping": HEAD
    + MAPPING
    + "      EventSourceArn: !Ref Stage\nOutputs:\n  State:\n    Value: !GetAtt Mapping.Uuid # E9507\n",
    "a secret in Environment": function(
        'Environment:\n  Variables:\n    A_B: "{{resolve:secretsmanager:db:SecretString:password}}" # E9508'
    ),
    "a secret in Fn::Sub": function('Description: !Sub "{{resolve:secretsmanager:${Stage}}}" # E9508'),
    "a secret of a mapping": mapping(
        'EventSourceArn: !Ref Stage\nTags:\n  - Key: a\n    Value: "{{resolve:secretsmanager:db}}" # E9508'
    ),
}
OF_VERSIONS = {
    "no timeout": function("")
    .replace("      ServiceTimeout: 1200\n", "")
    .replace("    Properties:\n      ServiceToken", "    Properties: # W9501\n      ServiceToken"),
    "a version of a function with a package": resources(
        """
        Version:
          Type: AWS::Lambda::Version
          Properties: # W9502
            FunctionName: !Ref Native
        """,
        CODE + NATIVE.replace("artifacts", "!GetAtt Code.S3Bucket").replace("app-1.zip", "!GetAtt Code.S3Key"),
    ),
    "a version of the provider's function": resources(
        """
        Version:
          Type: AWS::Lambda::Version
          Properties: # W9502
            FunctionName: !GetAtt Function.Arn
        """
    ),
    "an alias of SAM": "Transform: AWS::Serverless-2016-10-31\n"
    + resources(
        """
        Served:
          Type: AWS::Serverless::Function
          Properties:
            CodeUri: {Bucket: !GetAtt Code.S3Bucket, Key: !GetAtt Code.S3Key}
            Role: !GetAtt Role.Arn
            Runtime: python3.13
            Handler: app.handler
            AutoPublishAlias: live # W9503
        """
    ),
    "an alias of SAM's Globals": "Transform: AWS::Serverless-2016-10-31\nGlobals:\n  Function:\n"
    "    AutoPublishAlias: live # W9503\n"
    + resources(
        """
        Served:
          Type: AWS::Serverless::Function
          Properties:
            CodeUri: {Bucket: !GetAtt Code.S3Bucket, Key: !GetAtt Code.S3Key}
            Role: !GetAtt Role.Arn
            Runtime: python3.13
            Handler: app.handler
        """
    ),
}
TABLES = (OF_SCHEMA, OF_FUNCTION, OF_CODE, OF_MAPPING, OF_METHOD, OF_METADATA, OF_REFERENCES, OF_VERSIONS)
FAULTY = {name: text for table in TABLES for name, text in table.items()}
BOUNDS = {
    "another prefix": function("FunctionName: shop-app # E9509"),
    "another prefix of a mapping": HEAD
    + MAPPING.replace("!Ref Stage", "shop-app # E9509")
    + "      EventSourceArn: !Ref Stage\n",
    "another prefix before what is not known": function('FunctionName: !Sub "shop-${Stage}" # E9509'),
    "another path": function("").replace(
        "      Role: !GetAtt Role.Arn", "      Role: arn:aws:iam::111122223333:role/app/name # E9510"
    ),
    "another path in Fn::Sub": function("").replace(
        "      Role: !GetAtt Role.Arn",
        '      Role: !Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/name" # E9510',
    ),
    "a role of the template without a path": function("")
    .replace("      Path: /cfn-injector/\n", "")
    .replace("      Role: !GetAtt Role.Arn", "      Role: !GetAtt Role.Arn # E9510"),
}


def without_code(found: Iterable[Found]) -> list[Found]:
    """The errors of the provider's rules that do not end with a code."""
    return [each for each in found if each.rule.startswith("E95") and not re.search(r" \[CI\d{3}\]$", each.message)]


@pytest.mark.parametrize("name", FAULTY)
def test_a_fault_is_found_at_its_line(name: str) -> None:
    found = findings(FAULTY[name], *UNUSED)
    assert [(each.rule, each.line) for each in found] == expected(FAULTY[name]), found
    assert without_code(found) == []


@pytest.mark.parametrize("name", BOUNDS)
def test_what_is_outside_of_the_bounds_of_a_provider_is_found(name: str) -> None:
    bounds = ("--configure-rule", "E9509:prefix=web-", "--configure-rule", "E9510:path=/cfn-injector/")
    found = findings(BOUNDS[name], *UNUSED, *bounds)
    assert [(each.rule, each.line) for each in found] == expected(BOUNDS[name]), found
    assert without_code(found) == []
    assert not [each for each in findings(BOUNDS[name], *UNUSED) if each.rule.startswith("E95")]


def test_the_table_has_each_rule() -> None:
    import cfn_injector.lint

    found = {rule for text in (*FAULTY.values(), *BOUNDS.values()) for rule, _ in expected(text)}
    assert {getattr(cfn_injector.lint, name).id for name in cfn_injector.lint.__all__} <= found
    assert len(FAULTY) >= 40
