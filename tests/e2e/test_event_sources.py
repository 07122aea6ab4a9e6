"""A stream, a table and a queue that Lambda reads for a function, from their mappings' creation to their deletion."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from cfn_injector.local.stacks import StackError
from tests.e2e.account import SERVICE, Account, Stacks

# Writes what it receives to a file that its .env names, one line a record.
CODE = """
import json, os

def handler(event, context):
    with open(os.environ["RECEIVED"], "a") as received:
        for record in event["Records"]:
            received.write(json.dumps([record["eventSource"], record]) + "\\n")
"""
SOURCES: dict[str, Any] = {
    "Stream": {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 1}},
    "OtherStream": {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 1}},
    "Table": {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
        },
    },
    "Queue": {"Type": "AWS::SQS::Queue"},
}
OF_STREAM = {"Fn::GetAtt": ["Stream", "Arn"]}
OUTPUTS = {name: {"Ref": name} for name in ("Stream", "OtherStream", "Table", "Queue", "Connector")}
SECONDS = 15


def connector(**properties: Any) -> dict[str, Any]:
    return {
        "Type": "Custom::EventSourceMapping",
        "Properties": {**SERVICE, "FunctionName": {"Ref": "Function"}, **properties},
    }


def resources(account: Account, received: Path, **mappings: Mapping[str, Any]) -> dict[str, Any]:
    env = {"RECEIVED": str(received)}
    function = account.function(Code={"ZipFile": CODE}, Env=env, EnvLoader="handler")
    return {**SOURCES, "Function": function, **mappings}


def until(look: Callable[[], Any]) -> Any:
    """What is seen as soon as it is true, within some seconds."""
    ends = time.monotonic() + SECONDS
    while not (seen := look()) and time.monotonic() < ends:
        time.sleep(0.1)
    return seen


def received_from(received: Path) -> dict[str, int]:
    """How many records arrived, by their source."""
    lines = received.read_text("utf-8").splitlines() if received.exists() else []
    sources = [json.loads(line)[0] for line in lines]
    return {source: sources.count(source) for source in sources}


def mappings_of(account: Account) -> dict[str, dict[str, Any]]:
    """All mappings except the provider's own, by their UUIDs."""
    pages = account.client("lambda").get_paginator("list_event_source_mappings").paginate()
    found = [mapping for page in pages for mapping in page["EventSourceMappings"]]
    return {each["UUID"]: each for each in found if not each["FunctionArn"].endswith(":cfn-injector")}


def put(account: Account, stream: str) -> None:
    account.client("kinesis").put_record(StreamName=stream, Data=b"one", PartitionKey="1")


def test_what_a_stream_a_table_and_a_queue_hold_arrives_at_the_function(
    account: Account, stacks: Stacks, tmp_path: Path
) -> None:
    received = tmp_path / "received"
    connectors = {
        "Connector": connector(StreamArn=OF_STREAM),
        "OfTable": connector(StreamArn={"Fn::GetAtt": ["Table", "StreamArn"]}, BatchSize=7),
        "OfQueue": connector(EventSourceArn={"Fn::GetAtt": ["Queue", "Arn"]}),
    }
    stack = stacks.create("e2e-sources", resources(account, received, **connectors), **OUTPUTS)
    made = mappings_of(account)

    put(account, stack.outputs["Stream"])
    account.client("dynamodb").put_item(TableName=stack.outputs["Table"], Item={"id": {"S": "one"}})
    account.client("sqs").send_message(QueueUrl=stack.outputs["Queue"], MessageBody="one")

    expected = {"aws:kinesis": 1, "aws:dynamodb": 1, "aws:sqs": 1}
    assert until(lambda: received_from(received) == expected), received_from(received)
    assert sorted(mapping["BatchSize"] for mapping in made.values()) == [7, 10, 100]
    assert made[stack.outputs["Connector"]]["StartingPosition"] == "TRIM_HORIZON"
    tags = account.client("lambda").list_tags(Resource=made[stack.outputs["Connector"]]["EventSourceMappingArn"])[
        "Tags"
    ]
    assert tags["team"] == "counters"
    assert not [key for key in tags if key.endswith(":pending")]
    stacks.delete("e2e-sources")
    assert mappings_of(account) == {}


def test_a_mapping_is_changed_in_place_replaced_for_another_stream_and_put_back_when_the_stack_is(
    account: Account, stacks: Stacks, tmp_path: Path
) -> None:
    received = tmp_path / "received"

    def with_connector(**properties: Any) -> dict[str, Any]:
        return resources(account, received, Connector=connector(**properties))

    first = stacks.create("e2e-mapping", with_connector(StreamArn=OF_STREAM, MaximumRetryAttempts=2), **OUTPUTS)
    uuid = first.outputs["Connector"]

    second = stacks.update("e2e-mapping", with_connector(StreamArn=OF_STREAM, BatchSize=7, Enabled=False), **OUTPUTS)
    paused = mappings_of(account)[uuid]
    assert second.outputs["Connector"] == uuid
    assert (paused["State"], paused["BatchSize"], paused["MaximumRetryAttempts"]) == ("Disabled", 7, -1)

    broken = {**account.function(Env={"1": "no name"}), "DependsOn": "Connector"}
    other = {"Fn::GetAtt": ["OtherStream", "Arn"]}
    with pytest.raises(StackError) as failed:
        stacks.update("e2e-mapping", {**with_connector(StreamArn=other), "Later": broken}, **OUTPUTS)
    assert failed.value.status == "UPDATE_ROLLBACK_COMPLETE"
    back = mappings_of(account)
    assert back.keys() == {uuid}
    assert {**back[uuid], "LastModified": 0} == {**paused, "LastModified": 0}

    third = stacks.update("e2e-mapping", with_connector(StreamArn=other), **OUTPUTS)
    assert third.outputs["Connector"] != uuid
    assert mappings_of(account).keys() == {third.outputs["Connector"]}
    put(account, third.outputs["OtherStream"])
    assert until(lambda: received_from(received) == {"aws:kinesis": 1}), received_from(received)


def test_a_mapping_that_cannot_be_made_leaves_nothing(account: Account, stacks: Stacks, tmp_path: Path) -> None:
    missing = connector(FunctionName="e2e-no-such-function", StreamArn=OF_STREAM)
    with pytest.raises(StackError, match="Function not found"):
        stacks.create("e2e-unconnected", resources(account, tmp_path / "received", Connector=missing))
    assert mappings_of(account) == {}
