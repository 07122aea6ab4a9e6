"""What most checks share: one stack with two buckets, a role for functions and the recorder, and the provider's stack.

Each is created when a check needs it for the first time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from cfn_injector.doctor import recorder, stacks
from cfn_injector.doctor.session import Session
from cfn_injector.errors import code_of

RUNTIME = "python3.13"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}

_DELETED_AT_ONCE = 1000


class Base(NamedTuple):
    """The outputs of the stack: ``artifacts`` is a bucket with versions, ``staging`` one without."""

    artifacts: str
    staging: str
    role: str
    token: str


class Provider(NamedTuple):
    """The provider's stack: its service token."""

    token: str


def _statement(actions: list[str], resource: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def _role(path: str, *statements: dict[str, Any]) -> dict[str, Any]:
    """A role without permission to write logs, so that no log group is left behind."""
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    policies = [{"PolicyName": "doctor", "PolicyDocument": document}]
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"Path": path, "AssumeRolePolicyDocument": TRUST, "Policies": policies},
    }


def template(name: str) -> dict[str, Any]:
    """The shared stack of the session with that name."""
    private = {"Type": "AWS::S3::Bucket"}
    records = {"Fn::Sub": f"${{Artifacts.Arn}}/{recorder.FOLDER}*"}
    stack = {"Fn::Sub": "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/" + name + "*"}
    queue = {"Fn::Sub": "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:" + name + "*"}
    describe = [
        f"cloudformation:{action}" for action in ("DescribeStackEvents", "DescribeStackResource", "DescribeStacks")
    ]
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"What {name} of cfn-injector doctor shares. Empty its buckets before you delete it by hand.",
        "Resources": {
            "Artifacts": {**private, "Properties": {"VersioningConfiguration": {"Status": "Enabled"}}},
            "Staging": private,
            "Role": _role(
                f"/{name}/",
                _statement(["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"], queue),
            ),
            "RecorderRole": _role(f"/{name}/", _statement(["s3:PutObject"], records), _statement(describe, stack)),
            "Recorder": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "FunctionName": f"{name}-recorder",
                    "Runtime": RUNTIME,
                    "Handler": "index.handler",
                    "Role": {"Fn::GetAtt": ["RecorderRole", "Arn"]},
                    "Timeout": 60,
                    "MemorySize": 256,
                    "Environment": {"Variables": {"BUCKET": {"Ref": "Artifacts"}}},
                    "Code": {"ZipFile": recorder.SOURCE},
                },
            },
        },
        "Outputs": {
            "Artifacts": {"Value": {"Ref": "Artifacts"}},
            "Staging": {"Value": {"Ref": "Staging"}},
            "Role": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}},
            "Token": {"Value": {"Fn::GetAtt": ["Recorder", "Arn"]}},
        },
    }


def empty(s3: Any, bucket: str) -> None:
    """Deletes all versions of all objects of a bucket, and aborts its uploads. A missing bucket is not an error."""
    try:
        for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
            for upload in page.get("Uploads", []):
                s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, MaxKeys=_DELETED_AT_ONCE):
            found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
            if objects:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    except ClientError as error:
        if code_of(error) != "NoSuchBucket":
            raise


def _empty_later(session: Session, stack: stacks.Rest, logical: str) -> None:
    """A bucket of a stack will be emptied before the stack is deleted."""
    found = session.client("cloudformation").describe_stack_resource(StackName=stack.id, LogicalResourceId=logical)
    bucket = found["StackResourceDetail"]["PhysicalResourceId"]
    session.removals.add(f"objects in bucket {bucket}", lambda: empty(session.client("s3"), bucket))


def _remove_log_groups(session: Session) -> None:
    logs = session.client("logs")
    for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=f"/aws/lambda/{session.name}"):
        for group in page["logGroups"]:
            logs.delete_log_group(logGroupName=group["logGroupName"])


def _make(session: Session) -> Base:
    session.say("creating buckets, a role and the recorder")
    session.removals.add(f"log groups /aws/lambda/{session.name}*", lambda: _remove_log_groups(session))
    stack = stacks.require(stacks.create(session, "base", template(session.name)), "CREATE_COMPLETE")
    for logical in ("Artifacts", "Staging"):
        _empty_later(session, stack, logical)
    return Base(*(stack.outputs[name] for name in ("Artifacts", "Staging", "Role", "Token")))


def base(session: Session) -> Base:
    """The shared stack."""
    return session.once("the shared stack", _make)


def _make_provider(session: Session) -> Provider:
    shared = base(session)
    session.say("creating a provider")
    session.client("s3").put_object(Bucket=shared.artifacts, Key="provider.zip", Body=session.provider_zip())
    parameters = {
        "Name": session.name,
        "CodeBucket": shared.artifacts,
        "CodeKey": "provider.zip",
        "SourceBuckets": shared.artifacts,
        "FunctionNamePrefix": session.name,
        "RolePath": f"/{session.name}/",
        "ResponseHosts": session.response_hosts,
    }
    made = stacks.create(session, "provider", session.provider_template, parameters, bucket=shared.artifacts)
    stack = stacks.require(made, "CREATE_COMPLETE")
    _empty_later(session, stack, "StagingBucket")
    return Provider(stack.outputs["ServiceToken"])


def provider(session: Session) -> Provider:
    """The provider's stack, from the template and the zip that users get."""
    return session.once("the provider's stack", _make_provider)
