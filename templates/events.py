"""The function of events.yaml: any of its events comes in; its kind, beside a value of Env, goes into a table."""

from __future__ import annotations

import os
from typing import Any

import boto3

RECORDS = {
    "aws:sns": "sns",
    "aws:sqs": "sqs",
    "aws:kinesis": "kinesis",
    "aws:dynamodb": "dynamodb",
    "aws:s3": "s3",
}


def kind(event: dict[str, Any]) -> str:
    """What the event comes from. Raises ValueError where that cannot be told."""
    records, request = event.get("Records"), event.get("requestContext", {})
    if records:
        return RECORDS[records[0].get("eventSource") or records[0]["EventSource"]]
    if event.get("eventSource") in ("SelfManagedKafka", "aws:kafka"):
        return "kafka"
    if "awslogs" in event:
        return "log"
    if "alarmData" in event:
        return "alarm"
    if "elb" in request:
        return "load-balancer"
    if "http" in request:
        return "http-api"
    if event.get("source") == "aws.scheduler":
        return "schedule"
    if "detail-type" in event:
        return "event-bus"
    raise ValueError("this event is of no kind that is known here")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Notes the event; the answer is for the two kinds that wait for one, and all others ignore it."""
    item = {"kind": {"S": kind(event)}, "greeting": {"S": os.environ["GREETING"]}}
    boto3.client("dynamodb").put_item(TableName=os.environ["TABLE"], Item=item)
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "text/plain"},
        "body": os.environ["GREETING"],
        "isBase64Encoded": False,
    }
