"""An event is answered exactly once, whatever happens, and nothing is done afterwards."""

from __future__ import annotations

import json
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from cfn_injector.errors import DeliveryError, RequestError
from cfn_injector.protocol import provider
from cfn_injector.protocol.messages import Outcome, Request, Services
from tests.fakes.cloudformation import RESPONSE_URL, Context
from tests.support.world import STAGING, World

Verb = Any


def resource(verb: Verb) -> Any:
    return SimpleNamespace(create=verb, update=verb, delete=verb)


def serve(world: World, verb: Verb, *, request_type: str = "Create", url: str = RESPONSE_URL) -> dict[str, Any]:
    event = world.stack.event(request_type, {}, physical_id=None if request_type == "Create" else "f")
    event["ResponseURL"] = url
    taken: list[bytes] = []
    provider.serve(
        event,
        Context(world.seconds),
        find=lambda name: resource(verb),
        send=lambda to, body: taken.append(body),
        services=world.services(),
    )
    (body,) = taken
    answered: dict[str, Any] = json.loads(body)
    return answered


def test_success_answers_the_outcome(world: World) -> None:
    answered = serve(world, lambda request, services: Outcome("id", {"Arn": "a"}))
    assert (answered["Status"], answered["PhysicalResourceId"], answered["Data"]) == ("SUCCESS", "id", {"Arn": "a"})


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1), MemoryError(), RecursionError(), ImportError("no")])
def test_whatever_is_raised_is_answered(world: World, error: BaseException) -> None:
    def verb(request: Request, services: Services) -> Outcome:
        raise error

    answered = serve(world, verb)
    assert answered["Status"] == "FAILED"
    assert type(error).__name__ in answered["Reason"]
    assert "log stream" in answered["Reason"]


def test_an_unknown_resource_type_is_answered_with_those_that_are_known(world: World) -> None:
    answered = world.stack.send(world.stack.event("Create", {}, resource_type="Custom::Nothing"))
    assert "Custom::Nothing" in answered["Reason"]
    assert "Custom::LambdaCode, Custom::LambdaFunction" in answered["Reason"]


def test_an_unknown_request_type_is_answered_with_those_that_are_known(world: World) -> None:
    event = {**world.stack.event("Create", {}), "RequestType": "Destroy"}
    assert "Create, Update, Delete" in world.stack.send(event)["Reason"]


@pytest.mark.parametrize("data", [{"A": {1}}, {"A": "x" * 5000}])
def test_attributes_that_cannot_be_sent_are_answered_with_the_id_of_what_was_made(
    world: World, data: dict[str, Any]
) -> None:
    answered = serve(world, lambda request, services: Outcome("made", data))
    assert answered["Status"] == "FAILED"
    assert answered["PhysicalResourceId"] == "made"


def test_an_update_that_fails_keeps_the_id_even_where_a_new_one_was_made(world: World) -> None:
    answered = serve(world, lambda request, services: Outcome("made", {"A": "x" * 5000}), request_type="Update")
    assert answered["PhysicalResourceId"] == "f"


class TestTheWatchdog:
    def test_answers_before_the_provider_is_ended_and_names_the_step(self, world: World) -> None:
        world.seconds = 0.4
        released = threading.Event()

        def hang(request: Request, services: Services) -> Outcome:
            services.log("wait-for-godot")
            assert released.wait(20)
            return Outcome("late")

        sent: list[bytes] = []

        def send(url: str, body: bytes) -> None:
            sent.append(body)
            released.set()

        event = world.stack.event("Create", {})
        provider.serve(event, Context(0.4), find=lambda name: resource(hang), send=send, services=world.services())
        (body,) = sent
        assert json.loads(body)["Status"] == "FAILED"
        assert "wait-for-godot" in json.loads(body)["Reason"]

    def test_looks_at_what_cloudformation_waits_too(self, world: World) -> None:
        released = threading.Event()

        def hang(request: Request, services: Services) -> Outcome:
            assert released.wait(20)
            return Outcome("late")

        event = world.stack.event("Create", {"ServiceTimeout": "1"})
        answered = world.stack.answers

        def send(url: str, body: bytes) -> None:
            answered.append(json.loads(body))
            released.set()

        provider.serve(event, Context(900), find=lambda name: resource(hang), send=send, services=world.services())
        assert [answer["Status"] for answer in answered] == ["FAILED"]

    @pytest.mark.parametrize("fails", [False, True], ids=["delivered", "not delivered"])
    def test_is_waited_for_while_its_answer_is_on_its_way(self, world: World, fails: bool) -> None:
        sending, done = threading.Event(), list[str]()

        def hang(request: Request, services: Services) -> Outcome:
            assert sending.wait(20)
            return Outcome("late")

        def send(url: str, body: bytes) -> None:
            sending.set()
            threading.Event().wait(0.2)
            done.append("sent")
            if fails:
                raise DeliveryError("nobody listens")

        def run() -> None:
            event = world.stack.event("Create", {})
            provider.serve(event, Context(0.4), find=lambda name: resource(hang), send=send, services=world.services())

        if fails:
            with pytest.raises(DeliveryError):
                run()
        else:
            run()
        assert done == ["sent"]

    def test_closes_the_gate_to_aws(self, world: World) -> None:
        released = threading.Event()

        def hang(request: Request, services: Services) -> Outcome:
            client = services.client("lambda")
            assert released.wait(20)
            client.get_function(FunctionName="f")
            raise AssertionError("a call to AWS after the answer")

        provider.serve(
            world.stack.event("Create", {}),
            Context(0.4),
            find=lambda name: resource(hang),
            send=lambda url, body: released.set(),
            services=world.services(),
        )
        assert world.aws_lambda.calls == []


def test_every_step_is_logged_with_its_time_and_the_bytes_that_were_moved_so_far(world: World) -> None:
    def verb(request: Request, services: Services) -> Outcome:
        services.client("s3").put_object(Bucket=STAGING, Key="tmp/x", Body=b"x" * 1000)
        services.log("stored")
        return Outcome("id")

    serve(world, verb)
    (before, stored, answered) = world.log
    assert [step for step, _ in world.log] == ["start", "stored", "answered"]
    assert before[1]["bytes"] == 0
    assert 1000 <= stored[1]["bytes"] <= answered[1]["bytes"] < 2000
    assert all(isinstance(fields["milliseconds"], int) for _, fields in world.log)


class TestTime:
    @pytest.mark.parametrize(("ahead", "believed"), [(-60, True), (299, True), (301, False), (10**9, False)])
    def test_an_issue_time_ahead_of_the_clock_is_ignored(self, world: World, ahead: int, believed: bool) -> None:
        found: list[float | None] = []

        def verb(request: Request, services: Services) -> Outcome:
            found.append(request.issued_at)
            return Outcome("id")

        issued = world.clock.now() + ahead
        serve(world, verb, url=f"https://h/?X-Amz-Date={time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(issued))}")
        assert found == [float(int(issued)) if believed else None]

    def test_an_event_older_than_its_timeout_changes_nothing(self, world: World) -> None:
        called: list[Request] = []
        answered = serve(
            world,
            lambda request, services: called.append(request),
            url="https://h/?X-Amz-Date=20270115T070000Z",
        )
        assert answered["Status"] == "FAILED"
        assert "3600 seconds old" in answered["Reason"]
        assert called == []

    @pytest.mark.parametrize(
        ("seconds", "url", "expected"),
        [
            (900.0, "https://h/", 805.0),
            (900.0, "https://h/?X-Amz-Date=20270115T074500Z", 805.0),
            (900.0, "https://h/?X-Amz-Date=20270115T070500Z", 205.0),
            (20.0, "https://h/", 10.0),
        ],
    )
    def test_the_deadline_leaves_time_to_clean_up_and_to_answer(
        self, world: World, seconds: float, url: str, expected: float
    ) -> None:
        world.seconds = seconds
        deadlines: list[float] = []

        def verb(request: Request, services: Services) -> Outcome:
            deadlines.append(request.deadline - services.now())
            return Outcome("id")

        serve(world, verb, url=url)
        assert deadlines == [expected]


def test_an_answer_that_cannot_be_delivered_ends_the_invocation_with_an_error(world: World) -> None:
    def refuse(url: str, body: bytes) -> None:
        raise DeliveryError("nobody listens")

    with pytest.raises(DeliveryError):
        provider.serve(
            world.stack.event("Create", {}),
            Context(),
            find=lambda name: resource(lambda request, services: Outcome("id")),
            send=refuse,
            services=world.services(),
        )


def test_a_type_that_cannot_be_found_is_a_request_error_in_its_own_words(world: World) -> None:
    def find(name: str) -> Any:
        raise RequestError("no such type")

    sent: list[bytes] = []
    provider.serve(
        world.stack.event("Create", {}),
        Context(),
        find=find,
        send=lambda url, body: sent.append(body),
        services=world.services(),
    )
    assert "no such type" in json.loads(sent[0])["Reason"]
