"""The recorder: a function that answers the events of custom resources, and writes down what it was sent.

``SOURCE`` is its code. ``resource`` takes what it shall do and returns a resource for a template; ``records`` returns
what it wrote down. It never writes down the ResponseURL, or the value of a property.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cfn_injector.doctor.session import Session

TYPE = "Custom::CfnInjectorDoctor"
FOLDER = "records/"

# Inline code can have 4 MB, but it is part of the template, so it is short.
SOURCE = """
import json, os, time, urllib.request
from urllib.parse import parse_qs, urlsplit

import boto3


def attempt(call, **arguments):
    try:
        return call(**arguments)
    except Exception as error:
        return {"error": type(error).__name__}


def state(event):
    cloudformation, stack = boto3.client("cloudformation"), {"StackName": event["StackId"]}
    logical = event["LogicalResourceId"]
    stacks = attempt(cloudformation.describe_stacks, **stack).get("Stacks", [{}])
    record = attempt(cloudformation.describe_stack_resource, LogicalResourceId=logical, **stack)
    events = attempt(cloudformation.describe_stack_events, **stack).get("StackEvents", [])
    newest = next((each for each in events if each["LogicalResourceId"] == logical), {})
    names = ("ResourceStatus", "PhysicalResourceId")
    return {
        "stack": stacks[0].get("StackStatus", ""),
        "record": [record.get("StackResourceDetail", {}).get(name, "") for name in names],
        "newest": [newest.get(name, "") for name in names],
    }


def kind(value):
    if isinstance(value, str):
        return "literal" if "{{resolve:" in value else "text"
    return json.dumps(value)


def facts(event):
    url, properties = urlsplit(event["ResponseURL"]), event["ResourceProperties"]
    query = parse_qs(url.query)
    return {
        "type": event["RequestType"],
        "logical": event["LogicalResourceId"],
        "physical": event.get("PhysicalResourceId", ""),
        "at": time.time(),
        "size": len(json.dumps(event)),
        "host": url.netloc,
        "query": sorted(query),
        "date": query.get("X-Amz-Date", [""])[0],
        "kinds": {name: kind(value) for name, value in properties.get("Kinds", {}).items()},
        **state(event),
    }


def answer(event, status, physical):
    ids = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    reason = "the template asked the recorder to fail"
    body = json.dumps({**ids, "Status": status, "Reason": reason, "PhysicalResourceId": physical}).encode()
    put = urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT")
    urllib.request.urlopen(put, timeout=20).close()


def handler(event, context):
    properties, type = event["ResourceProperties"], event["RequestType"]
    physical, status = event.get("PhysicalResourceId", ""), "SUCCESS"
    if type != "Delete":
        physical = properties.get("PhysicalId", "recorded")
    if type == properties.get("Fail"):
        status = "FAILED"
    try:
        stack = event["StackId"].split("/")[1]
        key = f"records/{stack}/{time.time_ns()}-{event['RequestId']}.json"
        body = json.dumps(facts(event)).encode()
        boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key=key, Body=body)
    finally:
        answer(event, status, physical)
"""


@dataclass(frozen=True)
class Record:
    """One event.

    ``at`` is when it arrived, in seconds since the epoch; ``date`` is the X-Amz-Date of its URL, and ``query`` holds
    the names of the URL's parameters. ``size`` is in bytes. ``kinds`` says of each property below Kinds how it arrived:
    as a literal reference, as text, or as JSON. ``stack`` is the status of the stack, ``record`` and ``newest`` the
    status and physical ID in the resource's record and in its newest event.
    """

    type: str
    logical: str
    physical: str
    at: float
    size: int
    host: str
    query: list[str]
    date: str
    kinds: Mapping[str, str]
    stack: str
    record: list[str]
    newest: list[str]


def resource(token: str, *, after: str = "", **properties: Any) -> dict[str, Any]:
    """A custom resource. ``PhysicalId`` is the ID to answer, ``Fail`` the request type to fail on."""
    return {
        "Type": TYPE,
        **({"DependsOn": after} if after else {}),
        "Properties": {"ServiceToken": token, "ServiceTimeout": 120, **properties},
    }


def records(session: Session, bucket: str, stack: str) -> list[Record]:
    """What was written down for the resources of a stack, the oldest first."""
    s3 = session.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{FOLDER}{stack}/")
    keys = sorted(item["Key"] for page in pages for item in page.get("Contents", []))
    return [Record(**json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())) for key in keys]
