"""Tests updates of ``Custom::EventSourceMapping``: in place, by a replacement, and rolled back."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from cfn_injector.protocol import ownership
from cfn_injector.resources.event_source_mapping.spec import DEFAULTS
from tests.fakes.aws_lambda import ACCOUNT, Fault
from tests.fakes.cloudformation import STACK_ID, Stack
from tests.fakes.event_sources import LAMBDA, OTHER_STREAM, STREAM
from tests.support.event_source_mappings import (
    BASE,
    EVERY_SOURCE,
    KAFKA,
    MAPPING,
    QUEUE_PROPERTIES,
    STREAM_PROPERTIES,
    asked,
    created,
    deleted,
    event,
    fails,
    killed_after,
)
from tests.support.templates import Deployment, listed
from tests.support.world import World, issued

FULL = {name: value for name, value in STREAM_PROPERTIES.items() if not name.startswith("StartingPosition")}


def updated(world: World, uuid: str, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return world.stack.send(event(world, "Update", {**BASE, **new}, physical_id=uuid, old={**BASE, **old}))


def state_of(world: World, uuid: str) -> tuple[dict[str, Any], dict[str, str], str]:
    mapping = world.aws_lambda.there()[uuid]
    return copy.deepcopy((mapping.configuration, mapping.tags, mapping.state))


def stack_with(world: World, properties: dict[str, Any]) -> Stack:
    stack = Stack(world.stack, MAPPING)
    assert stack.create(properties)
    return stack


class TestInPlace:
    @pytest.mark.parametrize(
        "change",
        [
            {"BatchSize": 7},
            {"Enabled": False},
            {"FunctionName": "returns"},
            {"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}},
            {"MaximumRetryAttempts": 2, "BisectBatchOnFunctionError": True},
        ],
    )
    def test_lambda_is_asked_to_change_only_what_was_changed(self, world: World, change: dict[str, Any]) -> None:
        uuid = created(world)
        answered = updated(world, uuid, {}, change)
        assert answered["Status"] == "SUCCESS", answered["Reason"]
        assert answered["PhysicalResourceId"] == uuid
        assert asked(world, "UpdateEventSourceMapping") == [{"UUID": uuid, **change}]
        assert answered["Data"]["State"] == ("Enabled" if change.get("Enabled", True) else "Disabled")

    def test_what_was_removed_goes_back_to_its_default_in_one_call(self, world: World) -> None:
        plain, full = {"FunctionName": "orders", "EventSourceArn": STREAM}, FULL
        stack = stack_with(world, full)
        assert stack.update(plain)
        (params,) = asked(world, "UpdateEventSourceMapping")
        assert {name: params[name] for name in DEFAULTS if name in full} == {
            name: value for name, value in DEFAULTS.items() if name in full
        }
        (uuid,) = world.aws_lambda.mappings
        left = world.aws_lambda.mappings[uuid].configuration
        deleted(world, uuid)
        fresh = world.aws_lambda.mappings[created(world)].configuration
        made = ("UUID", "EventSourceMappingArn", "LastModified")
        assert {**left, **{name: fresh[name] for name in made}} == fresh

    def test_a_destination_that_was_not_cleared_is_cleared_in_a_second_call(self, world: World) -> None:
        world.aws_lambda.empty_destination_clears = False
        uuid = created(world, DestinationConfig={"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:1:failed"}})
        assert updated(world, uuid, {}, {})["Status"] == "SUCCESS"
        assert world.aws_lambda.mappings[uuid].configuration["DestinationConfig"] == {"OnFailure": {}}
        assert [params["DestinationConfig"] for params in asked(world, "UpdateEventSourceMapping")] == [
            {},
            {"OnFailure": {"Destination": ""}},
        ]

    @pytest.mark.parametrize("properties", EVERY_SOURCE.values(), ids=EVERY_SOURCE)
    def test_what_was_not_changed_is_left_alone(self, world: World, properties: dict[str, Any]) -> None:
        stack = stack_with(world, properties)
        assert stack.update({**properties, "Tags": [{"Key": "team", "Value": "shop"}]})
        assert "UpdateEventSourceMapping" not in world.aws_lambda.operations()

    @pytest.mark.parametrize("name", [f"{LAMBDA}:function:orders", "111122223333:function:orders", "orders:$LATEST"])
    def test_a_function_in_another_form_is_not_a_change(self, world: World, name: str) -> None:
        uuid = created(world)
        assert updated(world, uuid, {}, {"FunctionName": name})["PhysicalResourceId"] == uuid
        assert "UpdateEventSourceMapping" not in world.aws_lambda.operations()

    def test_waits_for_a_change_in_progress_and_for_its_own(self, world: World) -> None:
        uuid = created(world)
        mapping = world.aws_lambda.mappings[uuid]
        mapping.ready_at, world.aws_lambda.busy_seconds = world.clock.now() + 20, 40
        assert updated(world, uuid, {}, {"BatchSize": 7})["Status"] == "SUCCESS"
        assert len(asked(world, "UpdateEventSourceMapping")) == 1
        assert world.clock.now() >= mapping.ready_at

    @pytest.mark.parametrize(
        ("operation", "code"),
        [
            ("UpdateEventSourceMapping", "ResourceInUseException"),
            ("UpdateEventSourceMapping", "ResourceConflictException"),
            ("TagResource", "ResourceConflictException"),
        ],
    )
    def test_a_transient_error_is_retried(self, world: World, operation: str, code: str) -> None:
        uuid = created(world)
        world.aws_lambda.before = fails(operation, code, f"An update of {uuid} is in progress", times=3)
        change = {"BatchSize": 7, "Tags": [{"Key": "a", "Value": "b"}]}
        assert updated(world, uuid, {}, change)["Status"] == "SUCCESS"
        assert len(asked(world, operation)) == 4

    def test_a_mapping_that_ends_in_another_state_is_an_error(self, world: World) -> None:
        uuid = created(world)
        world.aws_lambda.after = lambda name, params: setattr(world.aws_lambda.mappings[uuid], "state", "Disabled")
        reason = updated(world, uuid, {}, {"BatchSize": 7})["Reason"]
        assert f"event source mapping {uuid} is Disabled and not Enabled" in reason

    def test_the_same_event_twice_gets_the_same_answer(self, world: World) -> None:
        uuid = created(world)
        again = event(world, "Update", {**BASE, "BatchSize": 7}, physical_id=uuid, old=BASE)
        assert world.stack.send(again) == world.stack.send(again)
        assert len(asked(world, "UpdateEventSourceMapping")) == 1

    def test_the_create_delivered_again_changes_nothing(self, world: World) -> None:
        create = event(world, "Create", BASE)
        uuid = world.stack.send(create)["PhysicalResourceId"]
        updated(world, uuid, {}, {"BatchSize": 7})
        assert "cannot be verified" in world.stack.send(create)["Reason"]
        assert world.aws_lambda.mappings[uuid].configuration["BatchSize"] == 7


class TestTags:
    def test_are_those_of_the_template_and_the_stack_and_tags_of_others_stay(self, world: World) -> None:
        old = {"Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "1"}]}
        uuid = created(world, **old)
        world.aws_lambda.mappings[uuid].tags["theirs"] = "yes"
        world.stack.tags = {"team": "shop"}
        updated(world, uuid, old, {"Tags": [{"Key": "b", "Value": "2"}, {"Key": "c", "Value": "3"}]})
        tags = world.aws_lambda.mappings[uuid].tags
        assert {key: value for key, value in tags.items() if not key.startswith("cfn-injector:")} == {
            "b": "2",
            "c": "3",
            "team": "shop",
            "theirs": "yes",
        }

    def test_that_were_stripped_are_put_back(self, world: World) -> None:
        uuid = created(world)
        world.aws_lambda.mappings[uuid].tags = {}
        assert updated(world, uuid, {}, {"BatchSize": 7})["Status"] == "SUCCESS"
        tags = world.aws_lambda.mappings[uuid].tags
        assert (tags[ownership.STACK_ID], tags[ownership.LOGICAL_ID]) == (STACK_ID, "Function")


class TestRefused:
    def test_an_update_of_a_mapping_that_became_foreign(self, world: World) -> None:
        uuid = created(world)
        world.aws_lambda.mappings[uuid].tags[ownership.STACK_ID] = "another stack"
        before = state_of(world, uuid)
        assert "belongs to another resource now" in updated(world, uuid, {}, {"BatchSize": 7})["Reason"]
        assert state_of(world, uuid) == before

    def test_an_update_that_arrives_after_its_own_rollback(self, world: World) -> None:
        new = {**BASE, "BatchSize": 7}
        made = world.stack.send(issued(world, "Create", BASE, resource_type=MAPPING))
        ids = {"resource_type": MAPPING, "physical_id": made["PhysicalResourceId"]}
        forward = issued(world, "Update", new, old=BASE, **ids)
        assert world.stack.send(forward)["Status"] == "SUCCESS"
        assert world.stack.send(issued(world, "Update", BASE, old=new, **ids))["Status"] == "SUCCESS"
        before = state_of(world, made["PhysicalResourceId"])
        assert "a newer event was already served" in world.stack.send(forward)["Reason"]
        assert state_of(world, made["PhysicalResourceId"]) == before

    @pytest.mark.parametrize("physical_id", ["00000000-0000-4000-8000-999999999999", "not a UUID"])
    def test_an_update_of_a_mapping_that_the_stack_does_not_have(self, world: World, physical_id: str) -> None:
        update = event(world, "Update", {**BASE, "BatchSize": 7}, physical_id=physical_id, old=BASE)
        world.stack.resource.physical_id = "00000000-0000-4000-8000-111111111111"
        reason = world.stack.send(update)["Reason"]
        assert f"event source mapping {physical_id} does not exist" in reason
        assert world.aws_lambda.changes() == []

    def test_an_update_of_a_mapping_that_somebody_deleted_creates_it_again(self, world: World) -> None:
        stack = stack_with(world, BASE)
        before = stack.physical_id or ""
        world.aws_lambda.mappings.clear()
        assert stack.update({**BASE, "BatchSize": 7})
        assert stack.physical_id != before
        (mapping,) = world.aws_lambda.there().values()
        assert mapping.configuration["BatchSize"] == 7

    def test_a_rollback_of_a_mapping_that_somebody_deleted_creates_it_again(self, world: World) -> None:
        stack = stack_with(world, BASE)
        world.aws_lambda.mappings.clear()
        assert not stack.update({**BASE, "BatchSize": "many"})
        assert len(world.aws_lambda.there()) == 1

    def test_a_function_that_a_foreign_mapping_connects_with_the_source(self, world: World) -> None:
        theirs = world.aws_lambda.add({}, FunctionName="returns", EventSourceArn=STREAM)
        stack = stack_with(world, BASE)
        assert not stack.update({**BASE, "FunctionName": "returns"})
        assert f"event source mapping {theirs} already connects this source" in world.stack.answers[-2]["Reason"]
        assert stack.physical_id in world.aws_lambda.mappings
        assert world.aws_lambda.mappings[theirs].tags == {}

    def test_only_new_problems(self, world: World) -> None:
        uuid = created(world)
        accepted = {"Former": "x", "MaximumRetryAttempts": "some"}
        assert updated(world, uuid, accepted, {**accepted, "BatchSize": 7})["Status"] == "SUCCESS"
        assert world.aws_lambda.mappings[uuid].configuration["BatchSize"] == 7
        assert "Newer is not known" in updated(world, uuid, accepted, {**accepted, "Newer": "x"})["Reason"]

    def test_no_problem_of_the_properties_that_a_rollback_returns_to(self, world: World) -> None:
        uuid = created(world)
        world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        assert updated(world, uuid, {"BatchSize": 7}, {"Former": "x", "Tags": "none"})["Status"] == "SUCCESS"


class TestAReplacement:
    def test_creates_a_new_mapping_and_leaves_the_old_one_to_cloudformation(self, world: World) -> None:
        old = created(world)
        before = state_of(world, old)
        answered = updated(world, old, {}, {"StreamArn": OTHER_STREAM})
        new = answered["PhysicalResourceId"]
        assert (answered["Status"], answered["Data"]["EventSourceArn"]) == ("SUCCESS", OTHER_STREAM)
        assert set(world.aws_lambda.mappings) == {old, new}
        assert state_of(world, old) == before
        assert ownership.PENDING not in world.aws_lambda.mappings[new].tags
        deleted(world, old)
        assert set(world.aws_lambda.mappings) == {new}

    def test_is_created_for_another_topic_of_the_same_cluster(self, world: World) -> None:
        stack = stack_with(world, KAFKA)
        assert stack.update({**KAFKA, "Topics": ["returns"]})
        (mapping,) = world.aws_lambda.mappings.values()
        assert mapping.configuration["Topics"] == ["returns"]

    @pytest.mark.parametrize(
        ("properties", "change", "name"),
        [
            (BASE, {"StartingPosition": "LATEST"}, "StartingPosition"),
            (
                {**BASE, "StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1_700_000_000},
                {"StartingPositionTimestamp": 1_700_000_100},
                "StartingPositionTimestamp",
            ),
            (
                KAFKA,
                {"AmazonManagedKafkaEventSourceConfig": {"ConsumerGroupId": "other"}},
                "AmazonManagedKafkaEventSourceConfig.ConsumerGroupId",
            ),
        ],
    )
    def test_that_lambda_does_not_accept_beside_the_old_one_says_so_and_what_to_do(
        self, world: World, properties: dict[str, Any], change: dict[str, Any], name: str
    ) -> None:
        stack = stack_with(world, properties)
        (uuid,) = world.aws_lambda.mappings
        configuration = world.aws_lambda.mappings[uuid].configuration
        assert not stack.update({**properties, **change})
        reason = world.stack.answers[-2]["Reason"]
        assert f"{name} can only be set on a new event source mapping" in reason
        assert f"a second one of the same source and function beside {uuid}; " in reason
        assert "remove Function from the template, deploy, and add it again" in reason
        assert set(world.aws_lambda.mappings) == {uuid}
        assert world.aws_lambda.mappings[uuid].configuration == configuration

    @pytest.mark.parametrize(
        "change", [{"StreamArn": OTHER_STREAM}, {"StreamArn": OTHER_STREAM, "FunctionName": "two"}]
    )
    def test_is_rolled_back_to_the_old_mapping(self, world: World, change: dict[str, Any]) -> None:
        stack, new = stack_with(world, BASE), {**BASE, **change}
        old = stack.physical_id
        assert old
        before = state_of(world, old)
        answered = updated(world, old, {}, change)
        stack.physical_id = answered["PhysicalResourceId"]
        assert stack.physical_id != old
        stack.roll_back(new, BASE)
        assert stack.physical_id == old
        assert set(world.aws_lambda.mappings) == {old}
        assert state_of(world, old) == before

    def test_whose_old_mapping_somebody_deleted_is_rolled_back_to_a_new_one(self, world: World) -> None:
        stack, new = stack_with(world, BASE), {**BASE, "StreamArn": OTHER_STREAM}
        old = stack.physical_id
        assert old
        stack.physical_id = updated(world, old, {}, new)["PhysicalResourceId"]
        del world.aws_lambda.mappings[old]
        stack.roll_back(new, BASE)
        assert set(world.aws_lambda.mappings) == {stack.physical_id}
        assert stack.physical_id != old

    def test_whose_rollback_died_halfway_is_completed_by_the_next_delivery_of_the_rollback(self, world: World) -> None:
        stack, new = stack_with(world, BASE), {**BASE, "StreamArn": OTHER_STREAM}
        old = stack.physical_id
        assert old
        made = updated(world, old, {}, new)["PhysicalResourceId"]
        del world.aws_lambda.mappings[old]
        world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        back = event(world, "Update", BASE, physical_id=made, old=new)
        killed_after(world, "CreateEventSourceMapping", back)
        (begun,) = world.aws_lambda.mappings.keys() - {made}
        assert world.stack.send(back)["PhysicalResourceId"] == begun
        assert ownership.PENDING not in world.aws_lambda.mappings[begun].tags

    def test_does_not_adopt_an_owned_one_that_was_retained(self, world: World) -> None:
        kept = created(world, StreamArn=OTHER_STREAM)
        stack = stack_with(world, BASE)
        before = state_of(world, kept)
        assert not stack.update({**BASE, "StreamArn": OTHER_STREAM})
        assert f"event source mapping {kept} already connects this source" in world.stack.answers[-2]["Reason"]
        assert state_of(world, kept) == before

    def test_that_fails_leaves_the_old_mapping_alone(self, world: World) -> None:
        stack = stack_with(world, BASE)
        old = stack.physical_id
        world.aws_lambda.ends_as["returns"] = "Disabled"
        assert not stack.update({"FunctionName": "returns", "StreamArn": OTHER_STREAM})
        assert stack.physical_id == old
        assert set(world.aws_lambda.there()) == {old}

    def test_that_died_halfway_is_swept_by_its_rollback(self, world: World) -> None:
        stack, new = stack_with(world, BASE), {**BASE, "StreamArn": OTHER_STREAM}
        old = stack.physical_id
        doomed = event(world, "Update", new, physical_id=old, old=BASE)
        killed_after(world, "CreateEventSourceMapping", doomed)
        assert len(world.aws_lambda.mappings) == 2
        stack.roll_back(new, BASE)
        assert set(world.aws_lambda.mappings) == {old}

    def test_that_died_halfway_is_completed_by_its_next_delivery(self, world: World) -> None:
        old = created(world)
        update = event(world, "Update", {**BASE, "StreamArn": OTHER_STREAM}, physical_id=old, old=BASE)
        killed_after(world, "CreateEventSourceMapping", update)
        (begun,) = world.aws_lambda.mappings.keys() - {old}
        assert world.stack.send(update)["PhysicalResourceId"] == begun
        assert ownership.PENDING not in world.aws_lambda.mappings[begun].tags

    def test_delivered_again_when_the_old_mapping_is_gone_changes_nothing(self, world: World) -> None:
        old = created(world)
        update = event(world, "Update", {**BASE, "StreamArn": OTHER_STREAM}, physical_id=old, old=BASE)
        new = world.stack.send(update)["PhysicalResourceId"]
        deleted(world, old)
        assert "cannot be verified" in world.stack.send(update)["Reason"]
        assert set(world.aws_lambda.mappings) == {new}


class TestARollback:
    @pytest.mark.parametrize("properties", [STREAM_PROPERTIES, QUEUE_PROPERTIES, BASE], ids=["full", "queue", "plain"])
    @pytest.mark.parametrize("operation", ["TagResource", "UpdateEventSourceMapping"])
    def test_after_half_an_update_restores_everything(
        self, world: World, properties: dict[str, Any], operation: str
    ) -> None:
        stack = stack_with(world, properties)
        assert stack.physical_id
        before = state_of(world, stack.physical_id)
        world.aws_lambda.calls.clear()

        def fail(name: str, params: dict[str, Any]) -> None:
            if name == operation and len(asked(world, operation)) == 1:
                raise Fault("ServiceException", "lost", 500)

        world.aws_lambda.after = fail
        change = {"BatchSize": 7, "FunctionName": "returns", "Enabled": True, "Tags": [{"Key": "a", "Value": "b"}]}
        assert not stack.update({**properties, **change, "MaximumBatchingWindowInSeconds": 9})
        assert state_of(world, stack.physical_id) == before


@pytest.mark.parametrize("action", ["CreateEventSourceMapping", "UpdateEventSourceMapping", "DeleteEventSourceMapping"])
def test_the_provider_may_change_mappings_of_functions_with_the_prefix_and_not_its_own(action: str) -> None:
    prefix = f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:"
    statements = Deployment(FunctionNamePrefix="dev-").statements()
    (statement,) = [each for each in statements if f"lambda:{action}" in listed(each.get("Action", []))]
    assert statement["Effect"] == "Allow"
    assert statement["Condition"] == {
        "StringLike": {"lambda:FunctionArn": f"{prefix}dev-*"},
        "StringNotLike": {"lambda:FunctionArn": [f"{prefix}cfn-injector", f"{prefix}cfn-injector:*"]},
    }
    created_anywhere = action == "CreateEventSourceMapping"
    resource = f"arn:aws:lambda:eu-central-1:{ACCOUNT}:event-source-mapping:*"
    assert statement["Resource"] == ("*" if created_anywhere else resource)
