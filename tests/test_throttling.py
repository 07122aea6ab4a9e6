"""AWS throttles: each call is sent again until the deadline, at moments that differ between requests."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import botocore.endpoint
import pytest
from botocore.exceptions import ClientError

from cfn_injector import aws_lambda
from cfn_injector.aws.operation import Operation
from cfn_injector.aws.waiting import Deadline, deadline_of, wait_out_throttling
from cfn_injector.protocol.messages import Stack, parse_request
from cfn_injector.resources.lambda_function import steps
from tests.fakes.aws_lambda import REGION, THROTTLING, Clock, Fault, answer
from tests.support.lambda_functions import BASE, created, updated
from tests.support.world import World

SECONDS = 600.0
ACCEPTED = {
    "lambda": b"{}",
    "apigateway": b"{}",
    "ssm": b"{}",
    "secretsmanager": b"{}",
    "cloudformation": b"<DescribeStacksResponse><DescribeStacksResult/></DescribeStacksResponse>",
}


@pytest.fixture
def own_sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What botocore sleeps itself, on a clock that the provider does not see."""
    slept = list[float]()

    class Time:
        sleep = staticmethod(slept.append)

    monkeypatch.setattr(botocore.endpoint, "time", Time)
    return slept


def _bodies(service: str, code: str) -> bytes:
    if service in ("lambda", "apigateway"):
        return b'{"message": "Rate exceeded"}'
    if service in ("ssm", "secretsmanager"):
        return json.dumps({"__type": code, "message": "Rate exceeded"}).encode()
    error = f"<Error><Code>{code}</Code><Message>Rate exceeded</Message></Error>"
    return (f"<ErrorResponse>{error}</ErrorResponse>" if service == "cloudformation" else error).encode()


def _throttled_client(service: str, clock: Clock, codes: Sequence[str], statuses: int) -> tuple[Any, list[float]]:
    """The provider's own client, whose calls fail with these codes and then succeed; and when they were sent."""
    client = wait_out_throttling(
        aws_lambda._client(service, region_name=REGION), Deadline(clock.now, clock.sleep, clock.now() + SECONDS)
    )
    left, sent = list(codes), list[float]()

    def catch(request: Any, **_: Any) -> Any:
        sent.append(clock.now())
        if left:
            code = left.pop(0)
            body = b"" if request.method == "HEAD" else _bodies(service, code)
            return answer(request.url, statuses, body, {"x-amzn-errortype": code})
        return answer(request.url, 200, ACCEPTED.get(service, b""), {})

    client.meta.events.register("before-send", catch)
    return client, sent


CALLS: dict[str, Callable[[Any], Any]] = {
    "lambda": lambda client: client.get_function(FunctionName="one"),
    "apigateway": lambda client: client.get_rest_api(restApiId="one"),
    "cloudformation": lambda client: client.describe_stacks(StackName="one"),
    "ssm": lambda client: client.get_parameters_by_path(Path="/one"),
    "secretsmanager": lambda client: client.get_secret_value(SecretId="one"),
    "s3": lambda client: client.put_object(Bucket="staging", Key="one", Body=b"zip"),
}


@pytest.mark.parametrize("service", CALLS)
def test_a_call_is_sent_again_far_more_often_than_botocore_would(
    service: str, credentials: None, own_sleeps: list[float]
) -> None:
    clock, (code, _, status) = Clock(), THROTTLING[service]
    client, sent = _throttled_client(service, clock, [code] * 20, status)
    assert CALLS[service](client)["ResponseMetadata"]["RetryAttempts"] == 0  # none had an effect whose answer was lost
    assert len(sent) == 21
    assert sum(own_sleeps) == 0


@pytest.mark.parametrize(
    "code", ["TooManyRequestsException", "ThrottlingException", "Throttling", "RequestLimitExceeded", "SlowDown"]
)
def test_every_code_for_throttling_is_one(code: str, credentials: None, own_sleeps: list[float]) -> None:
    client, sent = _throttled_client("lambda", Clock(), [code] * 8, 400)
    CALLS["lambda"](client)
    assert len(sent) == 9


def test_an_answer_to_head_has_no_code(credentials: None, own_sleeps: list[float]) -> None:
    client, sent = _throttled_client("s3", Clock(), ["SlowDown"] * 8, 503)
    client.head_object(Bucket="staging", Key="one")
    assert len(sent) == 9


def test_a_quota_that_time_does_not_help_is_not_throttling(credentials: None, own_sleeps: list[float]) -> None:
    client, _ = _throttled_client("apigateway", Clock(), ["LimitExceededException"] * 50, 429)
    with pytest.raises(ClientError, match="LimitExceededException"):
        CALLS["apigateway"](client)


def test_the_deadline_ends_it_with_the_error_of_aws(credentials: None, own_sleeps: list[float]) -> None:
    clock = Clock()
    client, sent = _throttled_client("lambda", clock, ["TooManyRequestsException"] * 1000, 429)
    start = clock.now()
    with pytest.raises(ClientError, match=r"TooManyRequestsException.*GetFunction"):
        CALLS["lambda"](client)
    assert SECONDS <= clock.now() - start <= SECONDS + 1
    assert len(sent) < SECONDS
    assert sum(own_sleeps) == 0


def test_a_wait_of_any_caller_counts_throttling_as_nothing_seen() -> None:
    clock, left = Clock(), [5]

    def call() -> str:
        if left[0]:
            left[0] -= 1
            raise ClientError({"Error": {"Code": "ThrottledException"}}, "AnyOperation")
        return "done"

    assert Deadline(clock.now, clock.sleep, clock.now() + SECONDS).retry("anything", call) == "done"


def test_requests_that_were_throttled_at_once_do_not_return_at_once(world: World) -> None:
    def pauses(request_id: str) -> list[float]:
        world.clock = Clock()
        request = replace(parse_request(world.stack.event("Create", BASE)), request_id=request_id)
        deadline = replace(deadline_of(request, world.services()), at=world.now() + SECONDS)
        for attempt in range(1, 6):
            assert deadline.pause_throttled(attempt)
        return world.clock.slept

    first, second = pauses("request-a"), pauses("request-b")
    assert first == pauses("request-a")
    assert len({*first, *second}) == 10


def _throttle(world: World, is_doomed: Callable[[str], bool]) -> None:
    def hook(name: str) -> None:
        if is_doomed(name):
            raise Fault(*THROTTLING["cloudformation" if name.startswith("DescribeStack") else "lambda"])

    world.wire.hook = hook


def test_undoing_has_time_of_its_own(world: World) -> None:
    """All of the request's time passes while Lambda throttles; then the function is deleted nevertheless."""
    start = world.clock.now()
    _throttle(world, lambda name: name == "UntagResource" or (name == "DeleteFunction" and world.now() < start + 815))
    answered = world.stack.send(world.stack.event("Create", BASE))
    assert "timed out while waiting for the tags of" in answered["Reason"]
    assert "Rate exceeded" in answered["Reason"]
    assert world.aws_lambda.functions == {}


def test_deleting_old_versions_does_not_take_the_time_of_the_request(world: World) -> None:
    start = world.clock.now()
    _throttle(world, lambda name: name == "ListAliases")
    created(world, Publish=True, KeepVersions=1)
    assert "left-behind" in world.steps()
    assert world.clock.now() - start < steps.PRUNE_SECONDS + 60


def test_a_function_takes_three_calls_in_the_shared_quota(world: World) -> None:
    name = created(world)
    assert world.aws_lambda.operations().count("GetFunctionConfiguration") == 0
    assert world.aws_lambda.changes() == ["CreateFunction", "TagResource", "UntagResource"]
    world.aws_lambda.calls.clear()
    updated(world, name, {}, {"Env": {"A": "2"}, "Publish": True})
    assert [call for call in world.aws_lambda.operations() if call != "GetFunction"] == [
        "UpdateFunctionCode",
        "TagResource",
        "PublishVersion",
    ]


def test_every_client_of_an_operation_has_the_time_of_the_operation(world: World) -> None:
    request = replace(parse_request(world.stack.event("Create", BASE)), deadline=world.now() + 10)
    operation = Operation(request, world.services(), Stack({}))
    _throttle(world, lambda name: name == "GetFunction")
    for seconds, given in ((2, operation.within(2)), (10, operation), (30, operation.for_undoing())):
        with pytest.raises(ClientError):
            given.client("lambda").get_function(FunctionName="one")
        assert seconds <= world.now() - request.deadline + 10 <= seconds + 1
