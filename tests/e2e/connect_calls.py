"""The calls that show what a role may do: for each type of resource those that ``Connect`` allows, and others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Values = dict[str, Any]


class Call(NamedTuple):
    """A call that needs the permission ``action``; ``arguments`` takes the variables of a target, by their suffixes."""

    action: str
    method: str
    arguments: Callable[[Values], Values]
    service: str = ""


def bucket(root: Any, it: Values) -> Values:
    s3, name = root("s3"), it["NAME"]
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    upload = s3.create_multipart_upload(Bucket=name, Key="m")["UploadId"]
    return {"at": {"Bucket": name, "Key": "k"}, "upload": {"Bucket": name, "Key": "m", "UploadId": upload}}


def table(root: Any, it: Values) -> Values:
    root("dynamodb").put_item(TableName=it["NAME"], Item={"id": {"S": "1"}})
    found = {"key": {"TableName": it["NAME"], "Key": {"id": {"S": "1"}}}}
    if "STREAMARN" in it:
        streams = root("dynamodbstreams")
        shards = streams.describe_stream(StreamArn=it["STREAMARN"])["StreamDescription"]["Shards"]
        place = {"StreamArn": it["STREAMARN"], "ShardId": shards[0]["ShardId"], "ShardIteratorType": "LATEST"}
        found |= {"shard": place, "iterator": streams.get_shard_iterator(**place)["ShardIterator"]}
    return found


def queue(root: Any, it: Values) -> Values:
    sqs, url = root("sqs"), it["URL"]
    for _ in range(2):
        sqs.send_message(QueueUrl=url, MessageBody="x")
    received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1)["Messages"][0]
    return {"message": {"QueueUrl": url, "ReceiptHandle": received["ReceiptHandle"]}}


def stream(root: Any, it: Values) -> Values:
    kinesis = root("kinesis")
    (shard, *_) = kinesis.list_shards(StreamName=it["NAME"])["Shards"]
    place = {"StreamARN": it["ARN"], "ShardId": shard["ShardId"], "ShardIteratorType": "LATEST"}
    return {"shard": place, "iterator": kinesis.get_shard_iterator(**place)["ShardIterator"]}


def machine(root: Any, it: Values) -> Values:
    started = root("stepfunctions").start_execution(stateMachineArn=it["ARN"])
    return {"execution": {"executionArn": started["executionArn"]}}


def pool(root: Any, it: Values) -> Values:
    root("cognito-idp").admin_create_user(UserPoolId=it["ID"], Username=(name := f"u{id(it)}"))
    root("cognito-idp").create_group(UserPoolId=it["ID"], GroupName=(group := f"g{id(it)}"))
    return {"user": {"UserPoolId": it["ID"], "Username": name}, "group": {"GroupName": group}}


def nothing(root: Any, it: Values) -> Values:
    return {}


TABLE_CALLS = (
    Call("dynamodb:GetItem", "get_item", lambda it: it["key"]),
    Call(
        "dynamodb:BatchGetItem",
        "batch_get_item",
        lambda it: {"RequestItems": {it["NAME"]: {"Keys": [it["key"]["Key"]]}}},
    ),
    Call(
        "dynamodb:Query",
        "query",
        lambda it: {
            "TableName": it["NAME"],
            "KeyConditionExpression": "id = :id",
            "ExpressionAttributeValues": {":id": {"S": "1"}},
        },
    ),
    Call("dynamodb:Scan", "scan", lambda it: {"TableName": it["NAME"]}),
    Call(
        "dynamodb:ConditionCheckItem",
        "transact_write_items",
        lambda it: {
            "TransactItems": [{"ConditionCheck": {**it["key"], "ConditionExpression": "attribute_exists(id)"}}]
        },
    ),
    Call("dynamodb:PutItem", "put_item", lambda it: {"TableName": it["NAME"], "Item": {"id": {"S": "1"}}}),
    Call("dynamodb:UpdateItem", "update_item", lambda it: it["key"]),
    Call(
        "dynamodb:BatchWriteItem",
        "batch_write_item",
        lambda it: {"RequestItems": {it["NAME"]: [{"PutRequest": {"Item": {"id": {"S": "1"}}}}]}},
    ),
    Call("dynamodb:DeleteItem", "delete_item", lambda it: it["key"]),
    Call("dynamodb:DescribeStream", "describe_stream", lambda it: {"StreamArn": it["STREAMARN"]}, "dynamodbstreams"),
    Call("dynamodb:GetShardIterator", "get_shard_iterator", lambda it: it["shard"], "dynamodbstreams"),
    Call("dynamodb:GetRecords", "get_records", lambda it: {"ShardIterator": it["iterator"]}, "dynamodbstreams"),
    Call("dynamodb:ListStreams", "list_streams", lambda it: {"TableName": it["NAME"]}, "dynamodbstreams"),
    Call(
        "dynamodb:UpdateTable", "update_table", lambda it: {"TableName": it["NAME"], "BillingMode": "PAY_PER_REQUEST"}
    ),
    Call("dynamodb:DeleteTable", "delete_table", lambda it: {"TableName": it["NAME"]}),
)

CALLS: Mapping[str, tuple[str, Callable[[Any, Values], Values], tuple[Call, ...]]] = {
    "AWS::S3::Bucket": (
        "s3",
        bucket,
        (
            Call("s3:GetObject", "get_object", lambda it: it["at"]),
            Call("s3:ListBucket", "list_objects_v2", lambda it: {"Bucket": it["NAME"]}),
            Call("s3:PutObject", "put_object", lambda it: it["at"]),
            Call("s3:AbortMultipartUpload", "abort_multipart_upload", lambda it: it["upload"]),
            Call("s3:DeleteObject", "delete_object", lambda it: it["at"]),
            Call("s3:PutBucketPolicy", "put_bucket_policy", lambda it: {"Bucket": it["NAME"], "Policy": "{}"}),
            Call("s3:DeleteBucket", "delete_bucket", lambda it: {"Bucket": it["NAME"]}),
        ),
    ),
    "AWS::DynamoDB::Table": ("dynamodb", table, TABLE_CALLS),
    "AWS::DynamoDB::GlobalTable": ("dynamodb", table, TABLE_CALLS),
    "AWS::SQS::Queue": (
        "sqs",
        queue,
        (
            Call("sqs:ReceiveMessage", "receive_message", lambda it: {"QueueUrl": it["URL"]}),
            Call("sqs:GetQueueAttributes", "get_queue_attributes", lambda it: {"QueueUrl": it["URL"]}),
            Call("sqs:SendMessage", "send_message", lambda it: {"QueueUrl": it["URL"], "MessageBody": "x"}),
            Call(
                "sqs:ChangeMessageVisibility",
                "change_message_visibility",
                lambda it: {**it["message"], "VisibilityTimeout": 9},
            ),
            Call("sqs:DeleteMessage", "delete_message", lambda it: it["message"]),
            Call("sqs:PurgeQueue", "purge_queue", lambda it: {"QueueUrl": it["URL"]}),
            Call("sqs:DeleteQueue", "delete_queue", lambda it: {"QueueUrl": it["URL"]}),
        ),
    ),
    "AWS::SNS::Topic": (
        "sns",
        nothing,
        (
            Call("sns:Publish", "publish", lambda it: {"TopicArn": it["ARN"], "Message": "x"}),
            Call("sns:Subscribe", "subscribe", lambda it: {"TopicArn": it["ARN"], "Protocol": "sqs", "Endpoint": "x"}),
            Call("sns:DeleteTopic", "delete_topic", lambda it: {"TopicArn": it["ARN"]}),
        ),
    ),
    "AWS::Events::EventBus": (
        "events",
        nothing,
        (
            Call(
                "events:PutEvents",
                "put_events",
                lambda it: {
                    "Entries": [{"Source": "x", "DetailType": "x", "Detail": "{}", "EventBusName": it["NAME"]}]
                },
            ),
            Call(
                "events:PutRule", "put_rule", lambda it: {"Name": "x", "EventBusName": it["NAME"], "EventPattern": "{}"}
            ),
            Call("events:DeleteEventBus", "delete_event_bus", lambda it: {"Name": it["NAME"]}),
        ),
    ),
    "AWS::Kinesis::Stream": (
        "kinesis",
        stream,
        (
            Call("kinesis:DescribeStream", "describe_stream", lambda it: {"StreamARN": it["ARN"]}),
            Call("kinesis:DescribeStreamSummary", "describe_stream_summary", lambda it: {"StreamARN": it["ARN"]}),
            Call("kinesis:ListShards", "list_shards", lambda it: {"StreamARN": it["ARN"]}),
            Call("kinesis:GetShardIterator", "get_shard_iterator", lambda it: it["shard"]),
            Call(
                "kinesis:GetRecords",
                "get_records",
                lambda it: {"StreamARN": it["ARN"], "ShardIterator": it["iterator"]},
            ),
            Call(
                "kinesis:PutRecord",
                "put_record",
                lambda it: {"StreamARN": it["ARN"], "Data": b"x", "PartitionKey": "x"},
            ),
            Call(
                "kinesis:PutRecords",
                "put_records",
                lambda it: {"StreamARN": it["ARN"], "Records": [{"Data": b"x", "PartitionKey": "x"}]},
            ),
            Call(
                "kinesis:MergeShards",
                "merge_shards",
                lambda it: {"StreamARN": it["ARN"], "ShardToMerge": "a", "AdjacentShardToMerge": "b"},
            ),
            Call("kinesis:DeleteStream", "delete_stream", lambda it: {"StreamARN": it["ARN"]}),
        ),
    ),
    "AWS::StepFunctions::StateMachine": (
        "stepfunctions",
        machine,
        (
            Call("states:DescribeStateMachine", "describe_state_machine", lambda it: {"stateMachineArn": it["ARN"]}),
            Call("states:ListExecutions", "list_executions", lambda it: {"stateMachineArn": it["ARN"]}),
            Call("states:DescribeExecution", "describe_execution", lambda it: it["execution"]),
            Call("states:GetExecutionHistory", "get_execution_history", lambda it: it["execution"]),
            Call("states:StartExecution", "start_execution", lambda it: {"stateMachineArn": it["ARN"]}),
            Call("states:StopExecution", "stop_execution", lambda it: it["execution"]),
            Call("states:UpdateStateMachine", "update_state_machine", lambda it: {"stateMachineArn": it["ARN"]}),
            Call("states:DeleteStateMachine", "delete_state_machine", lambda it: {"stateMachineArn": it["ARN"]}),
        ),
    ),
    "AWS::Lambda::Function": (
        "lambda",
        nothing,
        (
            Call("lambda:InvokeFunction", "invoke", lambda it: {"FunctionName": it["ARN"]}),
            Call("lambda:GetFunction", "get_function", lambda it: {"FunctionName": it["ARN"]}),
            Call(
                "lambda:UpdateFunctionConfiguration",
                "update_function_configuration",
                lambda it: {"FunctionName": it["ARN"], "Timeout": 4},
            ),
            Call("lambda:DeleteFunction", "delete_function", lambda it: {"FunctionName": it["ARN"]}),
        ),
    ),
    "AWS::Lambda::Alias": (
        "lambda",
        nothing,
        (
            Call("lambda:InvokeFunction", "invoke", lambda it: {"FunctionName": it["ARN"]}),
            Call("lambda:GetFunction", "get_function", lambda it: {"FunctionName": it["ARN"]}),
        ),
    ),
    "AWS::SecretsManager::Secret": (
        "secretsmanager",
        nothing,
        (
            Call("secretsmanager:GetSecretValue", "get_secret_value", lambda it: {"SecretId": it["ARN"]}),
            Call(
                "secretsmanager:PutSecretValue",
                "put_secret_value",
                lambda it: {"SecretId": it["ARN"], "SecretString": "x"},
            ),
            Call("secretsmanager:DescribeSecret", "describe_secret", lambda it: {"SecretId": it["ARN"]}),
            Call("secretsmanager:DeleteSecret", "delete_secret", lambda it: {"SecretId": it["ARN"]}),
        ),
    ),
    "AWS::SSM::Parameter": (
        "ssm",
        nothing,
        (
            Call("ssm:GetParameter", "get_parameter", lambda it: {"Name": it["NAME"]}),
            Call("ssm:GetParameters", "get_parameters", lambda it: {"Names": [it["NAME"]]}),
            Call("ssm:PutParameter", "put_parameter", lambda it: {"Name": it["NAME"], "Value": "y", "Overwrite": True}),
            Call("ssm:GetParameterHistory", "get_parameter_history", lambda it: {"Name": it["NAME"]}),
            Call("ssm:DeleteParameter", "delete_parameter", lambda it: {"Name": it["NAME"]}),
        ),
    ),
    "AWS::Cognito::UserPool": (
        "cognito-idp",
        pool,
        (
            Call("cognito-idp:AdminGetUser", "admin_get_user", lambda it: it["user"]),
            Call("cognito-idp:ListUsers", "list_users", lambda it: {"UserPoolId": it["ID"]}),
            Call("cognito-idp:AdminListGroupsForUser", "admin_list_groups_for_user", lambda it: it["user"]),
            Call(
                "cognito-idp:AdminCreateUser",
                "admin_create_user",
                lambda it: {**it["user"], "Username": it["user"]["Username"] + "2"},
            ),
            Call(
                "cognito-idp:AdminUpdateUserAttributes",
                "admin_update_user_attributes",
                lambda it: {**it["user"], "UserAttributes": []},
            ),
            Call(
                "cognito-idp:AdminAddUserToGroup", "admin_add_user_to_group", lambda it: {**it["user"], **it["group"]}
            ),
            Call(
                "cognito-idp:AdminRemoveUserFromGroup",
                "admin_remove_user_from_group",
                lambda it: {**it["user"], **it["group"]},
            ),
            Call("cognito-idp:AdminDeleteUser", "admin_delete_user", lambda it: it["user"]),
            Call(
                "cognito-idp:AdminSetUserPassword",
                "admin_set_user_password",
                lambda it: {**it["user"], "Password": "Xx1!xxxxxxxx"},
            ),
            Call("cognito-idp:DeleteUserPool", "delete_user_pool", lambda it: {"UserPoolId": it["ID"]}),
        ),
    ),
}
"""Type -> the client, what prepares a target as root, and the calls."""
