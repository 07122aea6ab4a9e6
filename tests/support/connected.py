"""Templates for ``Connect``: one resource of each type that functions can be connected to, and functions for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ROLE: dict[str, Any] = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
    },
}
CODE = {"ZipFile": "def handler(event, context): pass"}
SAM = {"Transform": "AWS::Serverless-2016-10-31"}
_PYTHON: dict[str, Any] = {"Runtime": "python3.13", "Handler": "index.handler"}
_KEYS = {
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}
_STREAM = {"StreamSpecification": {"StreamViewType": "NEW_IMAGE"}}
_RETAINED = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
_DATABASE = {"ManageMasterUserPassword": True, "MasterUsername": "app"}
_DEFINITION = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 300, "End": True}}}

NATIVE: dict[str, Any] = {
    "Type": "AWS::Lambda::Function",
    "Properties": {**_PYTHON, "Role": {"Fn::GetAtt": ["Role", "Arn"]}, "Code": CODE},
}
SAM_FUNCTION: dict[str, Any] = {
    "Type": "AWS::Serverless::Function",
    "Properties": {**_PYTHON, "InlineCode": CODE["ZipFile"]},
}
OURS: dict[str, Any] = {
    "Type": "Custom::LambdaFunction",
    "Properties": {
        "ServiceToken": {"Fn::ImportValue": "cfn-injector-ServiceToken"},
        "ServiceTimeout": 60,
        **_PYTHON,
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": CODE,
    },
}

TARGETS: Mapping[str, Mapping[str, Any]] = {
    "AWS::S3::Bucket": {},
    "AWS::DynamoDB::Table": {**_KEYS, **_STREAM},
    "AWS::DynamoDB::GlobalTable": {
        **_KEYS,
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
        "Replicas": [{"Region": "us-east-1"}],
    },
    "AWS::Serverless::SimpleTable": {},
    "AWS::SQS::Queue": {},
    "AWS::SNS::Topic": {},
    "AWS::Events::EventBus": {"Name": "orders"},
    "AWS::Kinesis::Stream": {"ShardCount": 1},
    "AWS::StepFunctions::StateMachine": {"RoleArn": {"Fn::GetAtt": ["TargetRole", "Arn"]}, "Definition": _DEFINITION},
    "AWS::Serverless::StateMachine": {"Role": {"Fn::GetAtt": ["TargetRole", "Arn"]}, "Definition": _DEFINITION},
    "AWS::Lambda::Function": {**NATIVE["Properties"], "Role": {"Fn::GetAtt": ["TargetRole", "Arn"]}},
    "AWS::Serverless::Function": SAM_FUNCTION["Properties"],
    "Custom::LambdaFunction": {**OURS["Properties"], "Role": {"Fn::GetAtt": ["TargetRole", "Arn"]}},
    "AWS::Lambda::Alias": {
        "FunctionName": {"Ref": "Other"},
        "FunctionVersion": {"Fn::GetAtt": ["OtherVersion", "Version"]},
        "Name": "live",
    },
    "AWS::Lambda::Url": {"TargetFunctionArn": {"Ref": "Other"}, "AuthType": "AWS_IAM"},
    "AWS::SecretsManager::Secret": {"GenerateSecretString": {}},
    "AWS::SSM::Parameter": {"Type": "String", "Value": "x"},
    "AWS::RDS::DBInstance": {
        **_DATABASE,
        "DBName": "shop",
        "DBInstanceClass": "db.t4g.micro",
        "Engine": "postgres",
        "AllocatedStorage": "20",
    },
    "AWS::RDS::DBCluster": {**_DATABASE, "DatabaseName": "shop", "Engine": "aurora-postgresql"},
    "AWS::RDS::DBProxy": {
        "DBProxyName": "proxy",
        "EngineFamily": "POSTGRESQL",
        "RoleArn": {"Fn::GetAtt": ["TargetRole", "Arn"]},
        "Auth": [{"SecretArn": "arn:aws:secretsmanager:us-east-1:111122223333:secret:db-abcdef"}],
        "VpcSubnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    },
    "AWS::ElastiCache::CacheCluster": {"Engine": "memcached", "CacheNodeType": "cache.t4g.micro", "NumCacheNodes": 1},
    "AWS::ElastiCache::ReplicationGroup": {
        "ReplicationGroupDescription": "sessions",
        "Engine": "valkey",
        "CacheNodeType": "cache.t4g.micro",
        "TransitEncryptionEnabled": True,
    },
    "AWS::ElastiCache::ServerlessCache": {"ServerlessCacheName": "sessions", "Engine": "valkey"},
    "AWS::Cognito::UserPool": {},
    "AWS::Cognito::UserPoolClient": {"UserPoolId": {"Ref": "Pool"}},
    "AWS::Cognito::IdentityPool": {"AllowUnauthenticatedIdentities": False},
    "AWS::Batch::JobQueue": {"Priority": 1, "ComputeEnvironmentOrder": [{"ComputeEnvironment": "spot", "Order": 1}]},
    "AWS::Batch::JobDefinition": {
        "Type": "container",
        "ContainerProperties": {
            "Image": "public.ecr.aws/docker/library/busybox:latest",
            "ResourceRequirements": [{"Type": "VCPU", "Value": "1"}, {"Type": "MEMORY", "Value": "2048"}],
        },
    },
}
"""The properties of a resource of each type."""

BESIDE: Mapping[str, Mapping[str, Any]] = {
    "TargetRole": ROLE,
    "Other": {**NATIVE, "Properties": {**NATIVE["Properties"], "Role": {"Fn::GetAtt": ["TargetRole", "Arn"]}}},
    "OtherVersion": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Other"}}},
    "Pool": {"Type": "AWS::Cognito::UserPool"},
}
"""What the resources above refer to."""


def logical_id(kind: str) -> str:
    """``AWS::SQS::Queue`` -> ``SQSQueue``."""
    return "".join(kind.split("::")[1:] if kind.startswith("AWS::") else kind.split("::"))


def targets() -> dict[str, Any]:
    """A resource of each type, and what they refer to."""
    found = {
        logical_id(kind): {
            "Type": kind,
            **(_RETAINED if kind in ("AWS::RDS::DBInstance", "AWS::RDS::DBCluster") else {}),
            "Properties": dict(properties),
        }
        for kind, properties in TARGETS.items()
    }
    return {**found, **BESIDE}


def connected(function: Mapping[str, Any], connect: Any, **resources: Any) -> dict[str, Any]:
    """A template with a function ``Fn`` that is connected, its role, and further resources."""
    function = dict(function)
    if function["Type"].startswith("Custom::"):
        function["Properties"] = {**function["Properties"], "Connect": connect}
    else:
        function["Metadata"] = {"CfnInjector": {"Connect": connect}}
    role = {"Role": ROLE} if "Role" in function["Properties"] else {}
    is_sam = any(each["Type"].startswith("AWS::Serverless::") for each in (function, *resources.values()))
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        **(SAM if is_sam else {}),
        "Resources": {"Fn": function, **role, **resources},
    }
