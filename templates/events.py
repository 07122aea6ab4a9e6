"""The function of events.yaml. Takes any of its events, and writes the event's kind and a value of Env to a table."""

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
    """The kind of source that sent the event. Raises ValueError if it is unknown."""
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
    raise ValueError("unknown kind of event; add it to kind()")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Records the event. Two kinds of callers wait for the answer; all others ignore it."""
    item = {"kind": {"S": kind(event)}, "greeting": {"S": os.environ["GREETING"]}}
    boto3.client("dynamodb").put_item(TableName=os.environ["TABLE"], Item=item)
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "text/plain"},
        "body": os.environ["GREETING"],
        "isBase64Encoded": False,
    }
