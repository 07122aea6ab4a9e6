"""Tests deletions of ``Custom::EventSourceMapping``: what is deleted, what stays, and what never prevents them."""

from __future__ import annotations

from typing import Any

import pytest

from cfn_injector.protocol import ownership
from cfn_injector.protocol.messages import not_created
from tests.fakes.cloudformation import MADE_UP, STACK_ID
from tests.fakes.event_sources import QUEUE, STREAM
from tests.support.event_source_mappings import BASE, KAFKA, MAPPING, ORDERS, created, deleted, event, fails
from tests.support.interleaving import once_before
from tests.support.world import World, issued


class TestADelete:
    def test_is_answered_when_the_mapping_is_gone(self, world: World) -> None:
        uuid = created(world)
        world.aws_lambda.busy_seconds, start = 40, world.clock.now()
        deleted(world, uuid)
        assert world.clock.now() - start >= 40
        assert world.aws_lambda.mappings == {}

    def test_waits_for_a_change_in_progress(self, world: World) -> None:
        uuid = created(world)
        world.aws_lambda.mappings[uuid].ready_at = world.clock.now() + 20
        deleted(world, uuid)
        assert world.aws_lambda.mappings == {}

    @pytest.mark.parametrize("physical_id", ["00000000-0000-4000-8000-999999999999", "x", MADE_UP])
    def test_of_a_mapping_that_does_not_exist_succeeds(self, world: World, physical_id: str) -> None:
        deleted(world, physical_id)

    def test_succeeds_both_times(self, world: World) -> None:
        again = event(world, "Delete", BASE, physical_id=created(world))
        assert world.stack.send(again) == world.stack.send(again)

    @pytest.mark.parametrize(
        "change", [{ownership.STACK_ID: "another stack"}, {ownership.LOGICAL_ID: "Other"}], ids=["stack", "logical id"]
    )
    def test_leaves_a_mapping_that_became_foreign(self, world: World, change: dict[str, str]) -> None:
        uuid = created(world)
        world.aws_lambda.mappings[uuid].tags.update(change)
        deleted(world, uuid)
        assert set(world.aws_lambda.mappings) == {uuid}
        assert "not-owned" in world.steps()

    def test_deletes_one_whose_tags_were_stripped_because_only_this_resource_knows_its_id(self, world: World) -> None:
        uuid = created(world)
        world.aws_lambda.mappings[uuid].tags = {"theirs": "yes"}
        deleted(world, uuid)
        assert world.aws_lambda.mappings == {}

    def test_that_is_older_than_the_last_update_deletes_nothing(self, world: World) -> None:
        made = world.stack.send(issued(world, "Create", BASE, resource_type=MAPPING))
        ids = {"resource_type": MAPPING, "physical_id": made["PhysicalResourceId"]}
        late = issued(world, "Delete", BASE, **ids)
        world.stack.send(issued(world, "Update", BASE, old=BASE, **ids))
        world.stack.status = world.stack.resource_status = "DELETE_IN_PROGRESS"
        assert world.stack.send(late)["Status"] == "SUCCESS"
        assert len(world.aws_lambda.mappings) == 1
        assert "stale" in world.steps()

    @pytest.mark.parametrize(
        "properties",
        [
            {},
            {"FunctionName": {"not": "text"}, "StreamArn": ["neither"], "Tags": "no list", "BatchSize": "many"},
            {"StreamArn": STREAM, "EventSourceArn": STREAM, "Unknown": "x"},
            {"FunctionName": ""},
            {**BASE, "StartingPositionTimestamp": "inf"},
        ],
    )
    def test_checks_no_property(self, world: World, properties: dict[str, Any]) -> None:
        uuid = created(world)
        deleted(world, not_created("request-9"), properties)
        deleted(world, uuid, properties)
        assert world.aws_lambda.mappings == {}

    @pytest.mark.parametrize("code", ["ResourceNotFoundException", "InvalidParameterValueException"])
    def test_of_a_source_or_function_that_lambda_does_not_know_succeeds(self, world: World, code: str) -> None:
        uuid = created(world)
        world.aws_lambda.before = fails("ListEventSourceMappings", code, "no such function")
        deleted(world, uuid)
        assert world.aws_lambda.mappings == {}

    @pytest.mark.parametrize("physical_id", [not_created("request-1"), MADE_UP])
    @pytest.mark.parametrize(
        "properties",
        [BASE, {**BASE, "FunctionName": ORDERS}, {**KAFKA, "EventSourceArn": None, "SelfManagedEventSource": None}],
        ids=["source", "ARN of the function", "function alone"],
    )
    def test_of_what_was_not_created_deletes_what_is_pending_for_the_resource_and_nothing_else(
        self, world: World, physical_id: str, properties: dict[str, Any]
    ) -> None:
        world.aws_lambda.page = 1
        owned = {ownership.STACK_ID: STACK_ID, ownership.LOGICAL_ID: "Function", ownership.PENDING: "request-1"}
        source = {"EventSourceArn": STREAM} if "StreamArn" in properties else {}
        retained = {name: value for name, value in owned.items() if name != ownership.PENDING}
        left = {
            world.aws_lambda.add(tags, FunctionName=function, Topics=[str(number)], **source)
            for number, (function, tags) in enumerate(
                [
                    ("orders", {}),
                    ("orders", retained),
                    ("orders", {**owned, ownership.LOGICAL_ID: "Other"}),
                    ("orders", {**owned, ownership.STACK_ID: "another stack"}),
                    ("returns", owned),
                ]
            )
        }
        world.aws_lambda.add(owned, FunctionName="orders", Topics=["pending"], **source)
        deleted(world, physical_id, {name: value for name, value in properties.items() if value is not None})
        assert set(world.aws_lambda.mappings) == left

    @pytest.mark.parametrize("properties", [BASE, {"FunctionName": "orders", "EventSourceArn": QUEUE}])
    def test_during_the_create_leaves_nothing_whichever_call_it_precedes(
        self, world: World, properties: dict[str, Any]
    ) -> None:
        number = 0
        while True:
            delete = event(world, "Delete", properties, physical_id=MADE_UP)

            def come(delete: dict[str, Any] = delete) -> None:
                world.stack.status, world.stack.resource_status = "ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"
                world.deliver(delete)
                assert world.stack.answers[-1]["Status"] == "SUCCESS"

            world.stack.status = world.stack.resource_status = "CREATE_IN_PROGRESS"
            reached = once_before(world, number, come)
            world.deliver(event(world, "Create", properties))
            if not reached:
                break
            assert world.aws_lambda.there() == {}, f"a Delete before {reached[0]}, number {number}"
            number += 1
        assert number >= 6
        assert world.stack.answers[-1]["Status"] == "SUCCESS"
