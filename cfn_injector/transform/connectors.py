"""What ``Connect`` gives for each type of resource: a table of variables and of statements of a policy, as data.

A value is in the long form of CloudFormation's functions; ``TARGET`` stands for the logical ID of the resource. The
actions are part of those of SAM's connectors, or of SAM's policy templates where it has no connector for the type.
tests/test_connectors.py compares them, and lists what is not SAM's, with the reason.

Sources: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/reference-sam-connector.html,
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
and the return values of each type in CloudFormation's reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cfn_injector.transform.connector import (
    READ,
    TARGET,
    WRITE,
    Connector,
    Copied,
    Statement,
    Variable,
    has_cluster_mode,
    has_no_cluster_mode,
    has_stream,
    is_memcached,
    is_not_memcached,
    manages_password,
    names_cluster_database,
    names_database,
)


def _get(attribute: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [TARGET, attribute]}


def _sub(text: str) -> dict[str, str]:
    return {"Fn::Sub": text}


_REF = {"Ref": TARGET}
_ARN = _get("Arn")
_NAME_AND_ARN = (Variable("NAME", _REF), Variable("ARN", _ARN))
_EXECUTIONS = _sub(
    f"arn:${{AWS::Partition}}:states:${{AWS::Region}}:${{AWS::AccountId}}:execution:${{{TARGET}.Name}}:*"
)
_BUCKET_KEY = (
    "BucketEncryption",
    "ServerSideEncryptionConfiguration",
    "ServerSideEncryptionByDefault",
    "KMSMasterKeyID",
)

_BUCKET = Connector(
    variables=_NAME_AND_ARN,
    access={
        READ: (
            Statement(("s3:GetObject", "s3:GetObjectVersion"), (_sub(f"${{{TARGET}.Arn}}/*"),)),
            Statement(("s3:ListBucket",), (_ARN,)),
        ),
        WRITE: (
            Statement(("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"), (_sub(f"${{{TARGET}.Arn}}/*"),)),
        ),
    },
    keys=(_BUCKET_KEY,),
)

_READ_TABLE = Statement(
    ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:ConditionCheckItem"),
    (_ARN, _sub(f"${{{TARGET}.Arn}}/index/*")),
)
_READ_STREAM = Statement(
    ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"),
    (_get("StreamArn"),),
    has_stream,
)
_WRITE_TABLE = Statement(
    ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"), (_ARN,)
)
_TABLE = Connector(
    variables=(*_NAME_AND_ARN, Variable("STREAM_ARN", _get("StreamArn"), has_stream)),
    access={READ: (_READ_TABLE, _READ_STREAM), WRITE: (_WRITE_TABLE,)},
    keys=(("SSESpecification", "KMSMasterKeyId"), ("Replicas", "SSESpecification", "KMSMasterKeyId")),
)
_SIMPLE_TABLE = Connector(
    variables=_NAME_AND_ARN,
    access={READ: (_READ_TABLE,), WRITE: (_WRITE_TABLE,)},
    keys=(("SSESpecification", "KMSMasterKeyId"),),
)

_QUEUE = Connector(
    variables=(Variable("URL", _REF), Variable("ARN", _ARN), Variable("NAME", _get("QueueName"))),
    access={
        READ: (Statement(("sqs:ReceiveMessage", "sqs:GetQueueAttributes"), (_ARN,)),),
        WRITE: (Statement(("sqs:SendMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"), (_ARN,)),),
    },
    keys=(("KmsMasterKeyId",),),
)

_TOPIC = Connector(
    variables=(Variable("ARN", _REF), Variable("NAME", _get("TopicName"))),
    access={WRITE: (Statement(("sns:Publish",), (_REF,)),)},
    keys=(("KmsMasterKeyId",),),
)

_EVENT_BUS = Connector(variables=_NAME_AND_ARN, access={WRITE: (Statement(("events:PutEvents",), (_ARN,)),)})

_STREAM = Connector(
    variables=_NAME_AND_ARN,
    access={
        READ: (
            Statement(
                (
                    "kinesis:DescribeStream",
                    "kinesis:DescribeStreamSummary",
                    "kinesis:GetRecords",
                    "kinesis:GetShardIterator",
                    "kinesis:ListShards",
                ),
                (_ARN,),
            ),
        ),
        WRITE: (Statement(("kinesis:PutRecord", "kinesis:PutRecords"), (_ARN,)),),
    },
    keys=(("StreamEncryption", "KeyId"),),
)

_STATE_MACHINE = Connector(
    variables=(Variable("ARN", _REF), Variable("NAME", _get("Name"))),
    access={
        READ: (
            Statement(("states:DescribeStateMachine", "states:ListExecutions"), (_REF,)),
            Statement(("states:DescribeExecution", "states:GetExecutionHistory"), (_EXECUTIONS,)),
        ),
        WRITE: (
            Statement(("states:StartExecution", "states:StartSyncExecution"), (_REF,)),
            Statement(("states:StopExecution",), (_EXECUTIONS,)),
        ),
    },
    keys=(("EncryptionConfiguration", "KmsKeyId"),),
)

_FUNCTION = Connector(variables=_NAME_AND_ARN, access={WRITE: (Statement(("lambda:InvokeFunction",), (_ARN,)),)})
_ALIAS = Connector(
    variables=(Variable("ARN", _REF),), access={WRITE: (Statement(("lambda:InvokeFunction",), (_REF,)),)}
)
# Since October 2025 a URL needs both actions: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
_FUNCTION_URL = Connector(
    variables=(Variable("URL", _get("FunctionUrl")),),
    access={
        WRITE: (
            Statement(("lambda:InvokeFunctionUrl",), (_get("FunctionArn"),)),
            Statement(
                ("lambda:InvokeFunction",),
                (_get("FunctionArn"),),
                condition={"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
            ),
        ),
    },
)

_SECRET = Connector(
    variables=(Variable("ARN", _get("Id")),),
    access={
        READ: (Statement(("secretsmanager:GetSecretValue",), (_get("Id"),)),),
        WRITE: (Statement(("secretsmanager:PutSecretValue",), (_get("Id"),)),),
    },
    keys=(("KmsKeyId",),),
)

_PARAMETER = Connector(
    variables=_NAME_AND_ARN,
    access={
        READ: (Statement(("ssm:GetParameter", "ssm:GetParameters"), (_ARN,)),),
        WRITE: (Statement(("ssm:PutParameter",), (_ARN,)),),
    },
)

_MASTER_SECRET = Variable("SECRET_ARN", _get("MasterUserSecret.SecretArn"), manages_password)
_DB_INSTANCE = Connector(
    (
        Variable("HOST", _get("Endpoint.Address")),
        Variable("PORT", _get("Endpoint.Port")),
        Variable("NAME", Copied("DBName"), names_database),
        _MASTER_SECRET,
    )
)
_DB_CLUSTER = Connector(
    (
        Variable("ARN", _get("DBClusterArn")),
        Variable("HOST", _get("Endpoint.Address")),
        Variable("PORT", _get("Endpoint.Port")),
        Variable("READER_HOST", _get("ReadEndpoint.Address")),
        Variable("NAME", Copied("DatabaseName"), names_cluster_database),
        _MASTER_SECRET,
    )
)
_DB_PROXY = Connector((Variable("HOST", _get("Endpoint")), Variable("ARN", _get("DBProxyArn"))))

_CACHE_CLUSTER = Connector(
    (
        Variable("HOST", _get("ConfigurationEndpoint.Address"), is_memcached),
        Variable("PORT", _get("ConfigurationEndpoint.Port"), is_memcached),
        Variable("HOST", _get("RedisEndpoint.Address"), is_not_memcached),
        Variable("PORT", _get("RedisEndpoint.Port"), is_not_memcached),
    )
)
_REPLICATION_GROUP = Connector(
    (
        Variable("HOST", _get("ConfigurationEndPoint.Address"), has_cluster_mode),
        Variable("PORT", _get("ConfigurationEndPoint.Port"), has_cluster_mode),
        Variable("HOST", _get("PrimaryEndPoint.Address"), has_no_cluster_mode),
        Variable("PORT", _get("PrimaryEndPoint.Port"), has_no_cluster_mode),
        Variable("READER_HOST", _get("ReaderEndPoint.Address"), has_no_cluster_mode),
    )
)
_SERVERLESS_CACHE = Connector(
    (
        Variable("HOST", _get("Endpoint.Address")),
        Variable("PORT", _get("Endpoint.Port")),
        Variable("READER_HOST", _get("ReaderEndpoint.Address")),
        Variable("READER_PORT", _get("ReaderEndpoint.Port")),
    )
)

_USER_POOL = Connector(
    variables=(Variable("ID", _REF), Variable("ARN", _ARN), Variable("PROVIDER_URL", _get("ProviderURL"))),
    access={
        READ: (
            Statement(
                ("cognito-idp:AdminGetUser", "cognito-idp:ListUsers", "cognito-idp:AdminListGroupsForUser"), (_ARN,)
            ),
        ),
        WRITE: (
            Statement(
                (
                    "cognito-idp:AdminCreateUser",
                    "cognito-idp:AdminUpdateUserAttributes",
                    "cognito-idp:AdminDeleteUser",
                    "cognito-idp:AdminAddUserToGroup",
                    "cognito-idp:AdminRemoveUserFromGroup",
                ),
                (_ARN,),
            ),
        ),
    },
)
_ID_ONLY = Connector((Variable("ID", _REF),))

_BATCH = Connector(variables=(Variable("ARN", _REF),), access={WRITE: (Statement(("batch:SubmitJob",), (_REF,)),)})

CONNECTORS: Mapping[str, Connector] = {
    "AWS::S3::Bucket": _BUCKET,
    "AWS::DynamoDB::Table": _TABLE,
    "AWS::DynamoDB::GlobalTable": _TABLE,
    "AWS::Serverless::SimpleTable": _SIMPLE_TABLE,
    "AWS::SQS::Queue": _QUEUE,
    "AWS::SNS::Topic": _TOPIC,
    "AWS::Events::EventBus": _EVENT_BUS,
    "AWS::Kinesis::Stream": _STREAM,
    "AWS::StepFunctions::StateMachine": _STATE_MACHINE,
    "AWS::Serverless::StateMachine": _STATE_MACHINE,
    "AWS::Lambda::Function": _FUNCTION,
    "AWS::Serverless::Function": _FUNCTION,
    "Custom::LambdaFunction": _FUNCTION,
    "AWS::Lambda::Alias": _ALIAS,
    "AWS::Lambda::Url": _FUNCTION_URL,
    "AWS::SecretsManager::Secret": _SECRET,
    "AWS::SSM::Parameter": _PARAMETER,
    "AWS::RDS::DBInstance": _DB_INSTANCE,
    "AWS::RDS::DBCluster": _DB_CLUSTER,
    "AWS::RDS::DBProxy": _DB_PROXY,
    "AWS::ElastiCache::CacheCluster": _CACHE_CLUSTER,
    "AWS::ElastiCache::ReplicationGroup": _REPLICATION_GROUP,
    "AWS::ElastiCache::ServerlessCache": _SERVERLESS_CACHE,
    "AWS::Cognito::UserPool": _USER_POOL,
    "AWS::Cognito::UserPoolClient": _ID_ONLY,
    "AWS::Cognito::IdentityPool": _ID_ONLY,
    "AWS::Batch::JobQueue": _BATCH,
    "AWS::Batch::JobDefinition": _BATCH,
}
