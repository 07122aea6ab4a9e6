"""The examples beside the hit counter, deployed by their templates: what they are fed with, and what comes of it."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from operator import eq
from pathlib import Path
from typing import Any

import pytest

import example_rollup
import example_streambot
from cfn_injector.local import stacks
from cfn_injector.local.application import until
from example_rollup import artifact as rollup_artifact
from example_rollup.games import game, record, write
from example_rollup.scores import Rules, best, from_item
from example_streambot import artifact as streambot_artifact
from example_streambot.records import PAYLOADS, put, stored
from tests.e2e.account import Account
from tests.support.node_js import needs_packages

RULES = Rules(places=3, seconds=3600)


@dataclass(frozen=True)
class Deployed:
    """An example's stack, and the account that it is in."""

    account: Account
    stack: stacks.Stack
    template: str
    parameters: dict[str, str]

    def __getitem__(self, output: str) -> str:
        return self.stack.outputs[output]

    def client(self, service: str) -> Any:
        return self.account.client(service)

    def update(self, **parameters: str) -> None:
        """Deploy it once more, with these parameters."""
        given = {**self.parameters, **parameters}
        stacks.update(self.client("cloudformation"), self.stack.name, self.template, given)

    def mapping(self) -> dict[str, Any]:
        """The one mapping that calls its function."""
        found: list[dict[str, Any]] = self.client("lambda").list_event_source_mappings(FunctionName=self["Function"])[
            "EventSourceMappings"
        ]
        (mapping,) = found
        return mapping

    def grants(self) -> dict[str, Any]:
        """Action -> what its function's role allows it for; logs aside."""
        role = self.client("lambda").get_function_configuration(FunctionName=self["Function"])["Role"].split("/")[-1]
        (name,) = self.client("iam").list_role_policies(RoleName=role)["PolicyNames"]
        policy = self.client("iam").get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        granted = [
            (action, statement["Resource"])
            for statement in policy["Statement"]
            for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        ]
        return {action: resource for action, resource in granted if not action.startswith("logs:")}


def deployed(account: Account, example: Any, artifact: bytes, **parameters: str) -> Iterator[Deployed]:
    """The example's stack, for as long as its tests run."""
    name = example.__name__.replace("example_", "e2e-")
    account.client("s3").put_object(Bucket=account.source_bucket, Key=f"{name}.zip", Body=artifact)
    template = Path(example.__file__).with_name("template.yaml").read_text("utf-8")
    given = {"ArtifactBucket": account.source_bucket, "ArtifactKey": f"{name}.zip", **parameters}
    cloudformation = account.client("cloudformation")
    try:
        stack = stacks.create(cloudformation, name, template, given)
        yield Deployed(account, stack, template, given)
    finally:
        stacks.delete(cloudformation, name)


@pytest.fixture(scope="module")
def streambot(account: Account) -> Iterator[Deployed]:
    yield from deployed(account, example_streambot, streambot_artifact.build(), ShardCount="2", Prefix="dev/records/")


@pytest.fixture(scope="module")
def rollup(account: Account) -> Iterator[Deployed]:
    yield from deployed(account, example_rollup, rollup_artifact.build(), BestCount="3")


@needs_packages
class TestStreambot:
    def test_every_record_of_every_shard_is_an_object_byte_for_byte_also_when_it_is_delivered_again(
        self, streambot: Deployed
    ) -> None:
        def objects() -> dict[str, bytes]:
            return stored(streambot.client("s3"), streambot["Archive"], "dev/records/")

        expected = put(streambot.client("kinesis"), streambot["Stream"], PAYLOADS)
        found = until(partial(eq, expected), objects)
        batch = [
            {
                "eventID": name.replace("/", ":"),
                "kinesis": {"sequenceNumber": name.split("/")[1], "data": base64.b64encode(content).decode("ascii")},
            }
            for name, content in expected.items()
        ]
        answer = streambot.client("lambda").invoke(
            FunctionName=streambot["Function"], Payload=json.dumps({"Records": batch})
        )

        assert found == expected
        assert {name.partition("/")[0] for name in found} == {"shardId-000000000000", "shardId-000000000001"}
        assert "FunctionError" not in answer
        assert objects() == expected

    def test_its_stream_is_connected_as_the_template_says_and_can_be_disconnected(self, streambot: Deployed) -> None:
        connected = streambot.mapping()
        streambot.update(Enabled="false", BatchSize="7")
        disconnected = streambot.mapping()
        streambot.update()

        assert connected["EventSourceArn"].endswith(f":stream/{streambot['Stream']}")
        assert connected["StartingPosition"] == "TRIM_HORIZON"
        assert (connected["State"], connected["BatchSize"]) == ("Enabled", 100)
        assert (disconnected["State"], disconnected["BatchSize"]) == ("Disabled", 7)
        assert {connected["UUID"]} == {disconnected["UUID"], streambot.mapping()["UUID"]}

    def test_its_role_may_read_the_stream_and_put_objects_below_the_prefix_and_nothing_else(
        self, streambot: Deployed
    ) -> None:
        granted = streambot.grants()

        assert granted.pop("s3:PutObject") == f"arn:aws:s3:::{streambot['Archive']}/dev/records/*"
        assert {action.partition(":")[0] for action in granted} == {"kinesis"}
        assert set(granted.values()) == {streambot.mapping()["EventSourceArn"]}


class TestRollup:
    def calls(self, rollup: Deployed) -> list[dict[str, Any]]:
        """What the function logged, a line for each time that it was called."""
        group = rollup.client("lambda").get_function_configuration(FunctionName=rollup["Function"])["LoggingConfig"]
        pages = rollup.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group["LogGroup"])
        lines = [event["message"] for page in pages for event in page["events"]]
        return [json.loads(line) for line in lines if line.startswith("{")]

    def test_the_record_holds_the_best_games_of_the_past_hour_and_its_own_writing_calls_nobody(
        self, rollup: Deployed
    ) -> None:
        def listed() -> list[str]:
            item = record(rollup.client("dynamodb"), rollup["Games"])
            return [each.handle for each in best(from_item(item), RULES, time.time())]

        def rolled_up(games: list[dict[str, Any]], expected: list[str]) -> list[str]:
            write(rollup.client("dynamodb"), rollup["Games"], games)
            return until(partial(eq, expected), listed)

        now = int(time.time())
        games = [
            game("Third", 300, now - 3000),
            game("First", 900, now - 200),
            game("GaveUp", 9999, now - 200, completed=False),
            game("Yesterday", 9999, now - 86_400),
            game("Fourth", 200, now - 300),
            game("Second", 600, now - 1000),
        ]
        first, better = ["First", "Second", "Third"], ["EdScissorHands", "First", "Second"]

        assert rolled_up(games, first) == first
        assert rolled_up([game("EdScissorHands", 924, now - 60)], better) == better
        calls = until(lambda calls: sum(each["games"] for each in calls) >= 6, lambda: self.calls(rollup))
        assert sum(each["games"] for each in calls) == 6
        assert [each for each in calls if each["games"] == 0 or each["unreadable"]] == []

    def test_its_mapping_lets_finished_games_through_and_tells_the_queue_what_fails_for_good(
        self, rollup: Deployed
    ) -> None:
        mapping = rollup.mapping()
        queue = rollup.client("sqs").get_queue_attributes(QueueUrl=rollup["GivenUp"], AttributeNames=["QueueArn"])

        (pattern,) = [json.loads(each["Pattern"]) for each in mapping["FilterCriteria"]["Filters"]]
        assert pattern == {"dynamodb": {"NewImage": {"completed": {"BOOL": [True]}}}}
        assert mapping["DestinationConfig"] == {"OnFailure": {"Destination": queue["Attributes"]["QueueArn"]}}
        assert (mapping["MaximumRetryAttempts"], mapping["MaximumRecordAgeInSeconds"]) == (10, 3600)
        assert (mapping["BatchSize"], mapping["MaximumBatchingWindowInSeconds"]) == (100, 5)
        assert mapping["BisectBatchOnFunctionError"] is True
        assert rollup.grants()["sqs:SendMessage"] == queue["Attributes"]["QueueArn"]

    def test_its_role_may_read_and_write_the_record_and_read_the_stream_and_nothing_else(
        self, rollup: Deployed
    ) -> None:
        granted = rollup.grants()
        table = rollup.client("dynamodb").describe_table(TableName=rollup["Games"])["Table"]

        assert granted.pop("dynamodb:GetItem") == granted.pop("dynamodb:PutItem") == table["TableArn"]
        assert granted.pop("sqs:SendMessage")
        assert set(granted.values()) == {f"{table['TableArn']}/stream/*"}
