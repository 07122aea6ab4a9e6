"""Events that come too late, twice, or while another one is served; and what an earlier life of a stack left behind."""

from __future__ import annotations

import time
from typing import Any

import pytest

from cfn_injector.protocol import ownership
from cfn_injector.protocol.messages import not_created
from tests.fakes.aws_lambda import Fault
from tests.fakes.cloudformation import MADE_UP, RESPONSE_URL
from tests.support.artifacts import archive
from tests.support.interleaving import once_before
from tests.support.lambda_functions import (
    BASE,
    CODE,
    FUNCTION,
    INJECTED,
    LARGE_OBJECT,
    PLAIN,
    PUBLISHED,
    changed,
    created,
    somebody,
)
from tests.support.world import ARTIFACTS, STAGING, World


class TestADeleteWhileTheCreateRuns:
    @pytest.mark.parametrize(
        ("resource_type", "properties"),
        [
            pytest.param(FUNCTION, PLAIN, id="function"),
            pytest.param(FUNCTION, PUBLISHED, id="published function"),
            pytest.param(CODE, INJECTED, id="code"),
            pytest.param(CODE, changed(INJECTED, Code=LARGE_OBJECT), id="large code"),
        ],
    )
    def test_leaves_nothing_before_whatever_exchange_it_comes(
        self, world: World, resource_type: str, properties: dict[str, Any]
    ) -> None:
        world.s3.put_object(Bucket=ARTIFACTS, Key=LARGE_OBJECT["S3Key"], Body=archive(8.5))
        number = 0
        while True:
            create = world.stack.event("Create", properties, resource_type=resource_type)
            delete = world.stack.event("Delete", properties, resource_type=resource_type, physical_id=MADE_UP)

            def come(event: dict[str, Any] = delete) -> None:
                world.stack.status, world.stack.resource_status = "ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"
                world.deliver(event)
                assert world.stack.answers[-1]["Status"] == "SUCCESS"

            world.stack.status = world.stack.resource_status = "CREATE_IN_PROGRESS"
            reached = once_before(world, number, come)
            world.deliver(create)
            if not reached:
                break
            uploads = world.s3.list_multipart_uploads(Bucket=STAGING).get("Uploads", [])
            left = [*world.aws_lambda.functions, *world.staged(), *uploads]
            assert left == [], f"a Delete before {reached[0]}, number {number}"
            number += 1
        assert number >= 8
        assert world.stack.answers[-1]["Status"] == "SUCCESS"


class TestANameThatIsTaken:
    @pytest.mark.parametrize("name", ["orders", "pending-orders", "orders-try-again"])
    def test_a_create_whose_answer_was_lost_is_tried_again_and_completed(self, world: World, name: str) -> None:
        world.attempts, lost = 3, [True]

        def lose(operation: str, params: dict[str, Any]) -> None:
            if operation == "CreateFunction" and lost:
                lost.clear()
                raise Fault("ServiceException", "lost", 500)

        world.aws_lambda.after = lose
        start = world.clock.now()
        assert created(world, FunctionName=name) == name
        assert world.aws_lambda.operations().count("CreateFunction") == 2
        assert world.clock.now() - start < 60
        assert ownership.PENDING not in world.aws_lambda.functions[name].tags

    @pytest.mark.parametrize("tags", [{}, {ownership.STACK_ID: "another stack", ownership.PENDING: "request-1"}])
    def test_a_function_that_somebody_made_a_moment_before_is_left_alone(
        self, world: World, tags: dict[str, str]
    ) -> None:
        def make(operation: str, params: dict[str, Any]) -> None:
            if operation == "CreateFunction":
                world.aws_lambda.functions["orders"] = somebody("orders", **tags)

        world.aws_lambda.before = make
        properties = {**BASE, "FunctionName": "orders"}
        answered = world.stack.send(world.stack.event("Create", properties))
        assert answered["Status"] == "FAILED"
        assert "already exist" in answered["Reason"]
        for physical_id in (answered["PhysicalResourceId"], MADE_UP, "orders"):
            world.stack.send(world.stack.event("Delete", properties, physical_id=physical_id))
        assert world.aws_lambda.functions == {"orders": somebody("orders", **tags)}
        assert world.staged() == []

    def test_a_retained_function_of_ours_survives_the_create_that_fails_because_of_it(self, world: World) -> None:
        created(world, FunctionName="kept")
        properties = {**BASE, "FunctionName": "kept"}
        answered = world.stack.send(world.stack.event("Create", properties))
        assert answered["Status"] == "FAILED"
        for physical_id in (answered["PhysicalResourceId"], MADE_UP):
            world.stack.send(world.stack.event("Delete", properties, physical_id=physical_id))
        assert set(world.aws_lambda.functions) == {"kept"}

    def test_a_retained_function_of_ours_survives_the_delete_of_what_is_pending_beside_it(self, world: World) -> None:
        kept = created(world)
        world.aws_lambda.calls.clear()

        def die(operation: str, params: dict[str, Any]) -> None:
            if "CreateFunction" in world.aws_lambda.operations():
                raise KeyboardInterrupt

        world.aws_lambda.after = die
        event = world.stack.event("Create", BASE)
        with pytest.raises(KeyboardInterrupt):
            world.deliver_unguarded(event)
        world.aws_lambda.after = lambda operation, params: None
        assert len(world.aws_lambda.functions) == 2
        world.stack.send(world.stack.event("Delete", BASE, physical_id=not_created(event["RequestId"])))
        assert set(world.aws_lambda.functions) == {kept}

    def test_two_long_logical_ids_that_begin_alike_get_two_names(self, world: World) -> None:
        names = set[str]()
        for end in ("One", "Two"):
            world.stack.logical_id = "L" * 60 + end
            names.add(created(world))
        assert len(names) == 2
        assert max(map(len, names)) <= 64


class TestAge:
    @pytest.mark.parametrize(("age", "status"), [(1100, "SUCCESS"), (1300, "FAILED")])
    @pytest.mark.parametrize(
        ("kind", "resource_type"), [("Create", FUNCTION), ("Update", FUNCTION), ("Create", CODE), ("Update", CODE)]
    )
    def test_an_event_that_its_stack_waits_for_no_longer_changes_nothing(
        self, world: World, kind: str, resource_type: str, age: int, status: str
    ) -> None:
        old = PLAIN if resource_type == FUNCTION else INJECTED
        ids: dict[str, Any] = {}
        if kind == "Update":
            made = world.stack.send(world.stack.event("Create", old, resource_type=resource_type))
            ids = {"physical_id": made["PhysicalResourceId"], "old": old}
        before = world.staged(), {name: f.env_file() for name, f in world.aws_lambda.functions.items()}
        new = changed(old, Env={"B": "2"}, ServiceTimeout=1200)
        event = world.stack.event(kind, new, resource_type=resource_type, **ids)
        signed = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(world.clock.now() - age))
        world.stack.check_url = False
        answered = world.stack.send({**event, "ResponseURL": f"{RESPONSE_URL}&X-Amz-Date={signed}"})
        after = world.staged(), {name: f.env_file() for name, f in world.aws_lambda.functions.items()}
        assert answered["Status"] == status, answered["Reason"]
        assert (before == after) == (status == "FAILED")


class TestARollback:
    """A provider that was upgraded meanwhile must not refuse what an earlier version of it accepted."""

    @pytest.mark.parametrize(
        ("resource_type", "accepted", "wanted"),
        [
            (FUNCTION, changed(PLAIN, Former="x"), changed(PLAIN, Env={"B": "2"})),
            (FUNCTION, changed(PLAIN, MemorySize="much"), changed(PLAIN, MemorySize=256)),
            (CODE, changed(INJECTED, Former="x"), changed(INJECTED, Env={"B": "2"})),
        ],
    )
    def test_to_what_would_be_refused_today_succeeds(
        self, world: World, resource_type: str, accepted: dict[str, Any], wanted: dict[str, Any]
    ) -> None:
        valid = PLAIN if resource_type == FUNCTION else INJECTED
        made = world.stack.send(world.stack.event("Create", valid, resource_type=resource_type))
        ids = {"resource_type": resource_type, "physical_id": made["PhysicalResourceId"]}
        forward = world.stack.send(world.stack.event("Update", wanted, old=accepted, **ids))
        assert forward["Status"] == "SUCCESS", forward["Reason"]
        world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        ids["physical_id"] = forward["PhysicalResourceId"]
        back = world.stack.send(world.stack.event("Update", accepted, old=wanted, **ids))
        assert back["Status"] == "SUCCESS", back["Reason"]
        assert back["PhysicalResourceId"] == made["PhysicalResourceId"]

    @pytest.mark.parametrize("resource_type", [FUNCTION, CODE])
    def test_the_same_is_refused_where_it_is_newly_asked_for(self, world: World, resource_type: str) -> None:
        valid = PLAIN if resource_type == FUNCTION else INJECTED
        made = world.stack.send(world.stack.event("Create", valid, resource_type=resource_type))
        ids = {"resource_type": resource_type, "physical_id": made["PhysicalResourceId"]}
        answered = world.stack.send(world.stack.event("Update", changed(valid, Former="x"), old=valid, **ids))
        assert answered["Status"] == "FAILED"
        assert "Former" in answered["Reason"]


def test_tags_of_aws_are_left_to_aws(world: World) -> None:
    """Lambda refuses keys that begin so; a stack may bear them, Service Catalog's for one."""
    world.stack.tags = {"team": "shop", "aws:servicecatalog:portfolioArn": "x"}
    name = created(world)
    assert world.aws_lambda.functions[name].tags["team"] == "shop"
    assert not [key for key in world.aws_lambda.functions[name].tags if key.startswith("aws:")]
