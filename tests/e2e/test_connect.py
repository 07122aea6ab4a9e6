"""What ``Connect`` allows on an emulator that checks roles: each call that is allowed works, and every other is denied.

Each test deploys a function that is connected to a target, and makes the calls with the function's role, on the target
and on another resource of the type.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from cfn_injector.local import stacks as deployed
from cfn_injector.local.emulator import ACCOUNT, CLIENT_CONFIG, REGION, Emulator
from cfn_injector.transform.connect import connect_edits
from cfn_injector.transform.connector import ACCESS
from cfn_injector.transform.connectors import CONNECTORS
from cfn_injector.transform.edits import applied
from tests.e2e.account import Account, Stacks
from tests.e2e.connect_calls import CALLS, Call, Values
from tests.support.connected import BESIDE, NATIVE, ROLE, TARGETS, connected

STACK = "e2e-connect"
ASSUMABLE = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}

NOT_DEPLOYED = {
    "AWS::Serverless::SimpleTable": "ministack runs no transforms; the same as AWS::DynamoDB::Table",
    "AWS::Serverless::StateMachine": "ministack runs no transforms; the same as AWS::StepFunctions::StateMachine",
    "AWS::Serverless::Function": "ministack runs no transforms; the same as AWS::Lambda::Function",
    "Custom::LambdaFunction": "needs the provider; the same as AWS::Lambda::Function",
    "AWS::Batch::JobQueue": "ministack's CloudFormation has no types of Batch",
    "AWS::Batch::JobDefinition": "ministack's CloudFormation has no types of Batch",
    "AWS::Lambda::Url": "a URL is not called by its API; the next test does it",
}
UNCHECKED = {
    **dict.fromkeys(
        ("dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords", "dynamodb:ListStreams"),
        "ministack checks calls about streams of tables against *",
    ),
    "ssm:GetParameters": "ministack checks it against *",
}
"""Actions that ministack does not check as AWS does. tests/test_connectors.py evaluates the policies for them."""

CLOSED_TOPICS = {
    "Type": "AWS::SNS::TopicPolicy",
    "Properties": {
        "Topics": [{"Ref": "Target"}, {"Ref": "Another"}],
        "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "events.amazonaws.com"},
                    "Action": "sns:Publish",
                    "Resource": [{"Ref": "Target"}, {"Ref": "Another"}],
                }
            ],
        },
    },
}
"""A policy in place of the default one, by which topics are open to their whole account, as on AWS."""

GRANTS = [(kind, access) for kind, connector in CONNECTORS.items() for access in ACCESS if access in connector.access]


def template(kind: str, access: str) -> dict[str, Any]:
    """A function that is connected to ``Target``, another resource of the type, and the variables of both."""
    properties, document = dict(TARGETS[kind]), ROLE["Properties"]["AssumeRolePolicyDocument"]
    another = {**properties, **({"Name": "another"} if "Name" in properties else {})}
    stated = connected(NATIVE, {"Target": access}, Target={"Type": kind, "Properties": properties}, **BESIDE)
    stated["Resources"]["Another"] = {"Type": kind, "Properties": another}
    stated["Resources"]["Role"] = {
        **ROLE,
        "Properties": {"AssumeRolePolicyDocument": {**document, "Statement": [*document["Statement"], ASSUMABLE]}},
    }
    if kind == "AWS::SNS::Topic":
        stated["Resources"]["Policy"] = CLOSED_TOPICS
    result = applied(stated, connect_edits(stated))
    env = result["Resources"]["Fn"]["Metadata"]["CfnInjector"]["Env"]
    # ministack's user pools have no attribute ProviderURL.
    outputs = {name.replace("_", ""): value for name, value in env.items() if not name.endswith("PROVIDER_URL")}
    outputs |= json.loads(json.dumps(outputs).replace("TARGET", "ANOTHER").replace("Target", "Another"))
    outputs["Role"] = {"Fn::GetAtt": ["Role", "Arn"]}
    return {**result, "Outputs": {name: {"Value": value} for name, value in outputs.items()}}


@pytest.fixture
def cloudformation(emulator: Emulator) -> Iterator[Any]:
    client = emulator.client("cloudformation")
    yield client
    deployed.delete(client, STACK)


def assumed(emulator: Emulator, role: str) -> Any:
    """A session with the permissions of a role."""
    taken = emulator.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    return boto3.Session(taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"], REGION)


def outcome(client: Any, call: Call, values: Values) -> str:
    """``works``, ``denied``, or the error."""
    try:
        getattr(client, call.method)(**call.arguments(values))
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return "denied" if code.startswith(("AccessDenied", "AuthorizationError")) else str(error)
    return "works"


@pytest.mark.parametrize(("kind", "access"), GRANTS)
def test_each_allowed_call_works_and_each_other_one_is_denied(
    emulator: Emulator, cloudformation: Any, kind: str, access: str
) -> None:
    if kind in NOT_DEPLOYED:
        pytest.skip(NOT_DEPLOYED[kind])
    outputs = deployed.create(cloudformation, STACK, json.dumps(template(kind, access))).outputs
    session = assumed(emulator, outputs["Role"])
    granted = {action for statement in CONNECTORS[kind].access[access] for action in statement.actions}
    service, prepare, calls = CALLS[kind]
    found, expected = {}, {}
    for target in ("Target", "Another"):
        prefix = target.upper()
        values = {name.removeprefix(prefix): value for name, value in outputs.items() if name.startswith(prefix)}
        values |= prepare(emulator.client, values)
        for call in calls:
            client = session.client(call.service or service, endpoint_url=emulator.url, config=CLIENT_CONFIG)
            if call.action not in UNCHECKED:
                found[target, call.action] = outcome(client, call, values)
                allowed = call.action in granted and target == "Target"
                expected[target, call.action] = "works" if allowed else "denied"
    assert found == expected


def test_a_url_works_for_a_function_that_is_connected_to_it_and_so_does_no_other_way_to_its_function(
    emulator: Emulator, cloudformation: Any
) -> None:
    """The function's own URL stands for another URL."""
    stated = template("AWS::Lambda::Url", "Write")
    stated["Resources"]["Another"]["Properties"]["TargetFunctionArn"] = {"Ref": "Fn"}
    stated["Outputs"]["Other"] = {"Value": {"Ref": "Other"}}
    outputs = deployed.create(cloudformation, STACK, json.dumps(stated)).outputs
    session = assumed(emulator, outputs["Role"])

    def status(address: str) -> int:
        url = f"{emulator.url}/_aws/lambda-url/{urlsplit(address).netloc.partition('.')[0]}/"
        request = AWSRequest("GET", url)
        SigV4Auth(session.get_credentials(), "lambda", REGION).add_auth(request)
        return int(URLLib3Session(proxies={}).send(request.prepare()).status_code)

    assert status(outputs["TARGETURL"]) == 200
    assert status(outputs["ANOTHERURL"]) == 403
    client = session.client("lambda", endpoint_url=emulator.url, config=CLIENT_CONFIG)
    invoke = Call("lambda:InvokeFunction", "invoke", lambda it: {"FunctionName": outputs["Other"]})
    assert outcome(client, invoke, {}) == "denied"


def test_a_function_of_ours_finds_what_it_is_connected_to(account: Account, stacks: Stacks) -> None:
    function = account.function(Connect={"Table": "Read"}, Role={"Fn::GetAtt": ["Role", "Arn"]})
    role = {**ROLE, "Properties": {**ROLE["Properties"], "Path": "/cfn-injector/"}}
    table = {"Type": "AWS::DynamoDB::Table", "Properties": TARGETS["AWS::DynamoDB::Table"]}
    stated = {"Resources": {"Fn": function, "Role": role, "Table": table}}
    resources = applied(stated, connect_edits(stated))["Resources"]
    stack = stacks.create("e2e-connected", resources, Name={"Ref": "Fn"}, Table={"Ref": "Table"})
    assert account.invoke(stack.outputs["Name"])["env"]["TABLE_NAME"] == stack.outputs["Table"]
