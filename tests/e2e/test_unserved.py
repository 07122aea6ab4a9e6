"""An event that was not served comes back to the provider through the queue of its stack, which then does not hang."""

from __future__ import annotations

import json

import pytest

from cfn_injector.local.stacks import StackError
from tests.e2e.account import TRUST, Account, Stacks

# Takes the place of Lambda, which sends such a record for an event that it could not deliver in time.
LOSES = """
import boto3, json

def handler(event, context):
    record = {"requestContext": {"condition": "EventAgeExceeded"}, "requestPayload": event}
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName="cfn-injector-unserved")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(record))
"""


def test_a_stack_whose_event_was_not_served_fails_and_names_the_cause(account: Account, stacks: Stacks) -> None:
    may_send = {"Effect": "Allow", "Action": ["sqs:GetQueueUrl", "sqs:SendMessage"], "Resource": "*"}
    role = {
        "AssumeRolePolicyDocument": TRUST,
        "Policies": [
            {"PolicyName": "send", "PolicyDocument": {"Version": "2012-10-17", "Statement": [may_send]}},
        ],
    }
    function = {**account.runtime(), "Role": {"Fn::GetAtt": ["Role", "Arn"]}, "Code": {"ZipFile": LOSES}}
    lost = {"ServiceToken": {"Fn::GetAtt": ["Loses", "Arn"]}, "ServiceTimeout": 120, "Env": {"A": "canary-7f3a"}}
    resources = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": role},
        "Loses": {"Type": "AWS::Lambda::Function", "Properties": function},
        "Lost": {"Type": "Custom::LambdaFunction", "Properties": lost},
    }
    with pytest.raises(StackError):
        stacks.create("e2e-unserved", resources)
    events = stacks.cloudformation.describe_stack_events(StackName="e2e-unserved")["StackEvents"]
    reasons = [event.get("ResourceStatusReason", "") for event in events if event["LogicalResourceId"] == "Lost"]
    assert any("Lambda could not start the provider in time" in reason for reason in reasons), reasons
    assert "canary" not in json.dumps(reasons)
