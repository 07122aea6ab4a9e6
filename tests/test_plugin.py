"""What resource types of other packages build on."""

from __future__ import annotations

from typing import Any

import pytest

from cfn_injector.errors import OutOfTimeError, PropertiesError
from cfn_injector.plugin import deadline_of, input_of, limit_problems, name_of
from cfn_injector.protocol.messages import Request, parse_request
from tests.fakes.aws_lambda import SESSION, Clock
from tests.fakes.cloudformation import FakeCloudFormation
from tests.support.world import World

KINESIS = SESSION.client("kinesis")
STREAM = {"ServiceToken": "arn", "ServiceTimeout": "60", "StreamName": "s", "ShardCount": "2", "Note": "ours"}


def request(**fields: Any) -> Request:
    return parse_request(FakeCloudFormation(Clock()).event("Create", {}) | fields)


def test_properties_become_typed_arguments_beside_those_that_the_type_gives() -> None:
    found = input_of(KINESIS, "CreateStream", STREAM, apart=["Note"], given={"Tags": {"a": "b"}})
    assert found == {"StreamName": "s", "ShardCount": 2, "Tags": {"a": "b"}}


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        (STREAM, "Note is not known to this provider's model of the API"),
        ({"ShardCount": "2"}, "StreamName is missing; add it"),
        ({"StreamName": "s", "ShardCount": "two"}, "ShardCount is not a whole number"),
        ({"StreamName": "s", "ShardCount": "0"}, "Invalid value for parameter ShardCount, valid min value: 1"),
        ({"StreamName": "s", "Tags": {"a": "mine"}}, "Tags is set by the provider; remove it"),
    ],
)
def test_what_the_api_would_refuse_is_told_before_it_is_asked(properties: dict[str, Any], told: str) -> None:
    with pytest.raises(PropertiesError) as refused:
        input_of(KINESIS, "CreateStream", properties, given={"Tags": {"a": "b"}})
    assert told in str(refused.value)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(PropertiesError) as refused:
        input_of(KINESIS, "CreateStream", {"ShardCount": "two", "Wrong": "x"})
    for name in ("ShardCount", "Wrong", "StreamName"):
        assert f"{name} is" in str(refused.value)


def test_a_name_is_the_resources_own_and_the_same_for_every_event() -> None:
    assert name_of(request(RequestId="one")) == name_of(request(RequestId="two"))
    assert name_of(request()) != name_of(request(LogicalResourceId="Other"))
    assert len(name_of(request(LogicalResourceId="L" * 200))) <= 64


def test_a_shorter_name_keeps_what_tells_resources_apart() -> None:
    short = [name_of(request(LogicalResourceId=name), longest=20) for name in ("One", "Two")]
    assert len(set(short)) == 2
    assert all(len(name) <= 20 and not name.startswith("-") for name in short)


def test_waiting_ends_with_the_time_of_the_request(world: World) -> None:
    event = world.stack.event("Create", {})
    until = deadline_of(parse_request(event), world.services())
    assert until.wait_for("it", lambda: "there") == "there"
    ends = deadline_of(parse_request(event), world.services())
    with pytest.raises(OutOfTimeError, match="timed out while waiting for it"):
        type(ends)(ends.now, ends.sleep, ends.now() + 30).wait_for("it", lambda: None)
    assert sum(world.clock.slept) == pytest.approx(30, abs=6)


SECRET = "s3cr3t, type: <class 'str'>, valid min value: s3cr3t"
DYNAMODB = SESSION.client("dynamodb")


@pytest.mark.parametrize(
    ("operation", "found", "told"),
    [
        (
            "UpdateTimeToLive",
            {"TableName": SECRET, "TimeToLiveSpecification": SECRET},
            "TimeToLiveSpecification, type: ",
        ),
        ("CreateTable", {"TableName": 7}, "Invalid type for parameter TableName, type: <class 'int'>"),
        ("CreateTable", {"TableName": {"A": SECRET}}, "Invalid type for parameter TableName, type: <class 'dict'>"),
        (
            "CreateTable",
            {"TableName": "t", "KeySchema": []},
            "Invalid length for parameter KeySchema, valid min length: 1",
        ),
    ],
)
def test_no_message_of_botocore_shows_a_value(operation: str, found: dict[str, Any], told: str) -> None:
    shape = DYNAMODB.meta.service_model.operation_model(operation).input_shape
    (problem,) = limit_problems(found, shape)
    assert told in str(problem)
    assert "s3cr3t" not in str(problem)
    assert "value: " not in str(problem)
