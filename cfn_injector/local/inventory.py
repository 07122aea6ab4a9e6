"""Lists what an account contains: takes clients, returns ARNs. An empty list means that nothing is left over."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

Clients = Callable[[str], Any]


def _pages(client: Any, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
    for page in client.get_paginator(operation).paginate(**arguments):
        yield from page.get(key, [])


def stored(clients: Clients, *, known: Collection[str]) -> list[str]:
    """ARNs of objects and unfinished multipart uploads in all buckets, except those in ``known``.

    The ARN of an upload is ``arn:aws:s3:::bucket/key?uploadId=ID``.
    """
    s3 = clients("s3")
    found = []
    for bucket in (bucket["Name"] for bucket in s3.list_buckets()["Buckets"]):
        for entry in _pages(s3, "list_objects_v2", "Contents", Bucket=bucket):
            found.append(f"arn:aws:s3:::{bucket}/{entry['Key']}")
        for upload in _pages(s3, "list_multipart_uploads", "Uploads", Bucket=bucket):
            found.append(f"arn:aws:s3:::{bucket}/{upload['Key']}?uploadId={upload['UploadId']}")
    return sorted(set(found) - set(known))


def _apis(clients: Clients) -> Iterator[str]:
    gateway = clients("apigateway")
    for api in _pages(gateway, "get_rest_apis", "items"):
        yield f"arn:aws:apigateway:{gateway.meta.region_name}::/restapis/{api['id']}"


def _tables(clients: Clients) -> Iterator[str]:
    dynamodb = clients("dynamodb")
    for name in _pages(dynamodb, "list_tables", "TableNames"):
        yield dynamodb.describe_table(TableName=name)["Table"]["TableArn"]


def _queues(clients: Clients) -> Iterator[str]:
    sqs = clients("sqs")
    for url in _pages(sqs, "list_queues", "QueueUrls"):
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
        yield attributes["QueueArn"]


def _stacks(clients: Clients) -> Iterator[str]:
    for stack in _pages(clients("cloudformation"), "list_stacks", "StackSummaries"):
        if stack["StackStatus"] != "DELETE_COMPLETE":
            yield stack["StackId"]


def _buckets(clients: Clients) -> Iterator[str]:
    for bucket in clients("s3").list_buckets()["Buckets"]:
        yield f"arn:aws:s3:::{bucket['Name']}"


def left_over(clients: Clients, *, known: Collection[str]) -> list[str]:
    """ARNs of everything that exists, except ``known``.

    Stacks, functions, tables, APIs, queues, roles, policies, log groups, buckets and objects are looked for.
    """
    found = [
        *_stacks(clients),
        *(function["FunctionArn"] for function in _pages(clients("lambda"), "list_functions", "Functions")),
        *_tables(clients),
        *_apis(clients),
        *_queues(clients),
        *(role["Arn"] for role in _pages(clients("iam"), "list_roles", "Roles")),
        *(policy["Arn"] for policy in _pages(clients("iam"), "list_policies", "Policies", Scope="Local")),
        *(group["arn"] for group in _pages(clients("logs"), "describe_log_groups", "logGroups")),
        *_buckets(clients),
        *stored(clients, known=known),
    ]
    return [arn for arn in found if arn not in known]
