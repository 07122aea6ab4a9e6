"""Tests what ``Custom::EventSourceMapping`` creates, finds again, leaves alone and undoes, in a world of fakes."""

from __future__ import annotations

from typing import Any

import pytest

from cfn_injector.errors import AlreadyAnsweredError
from cfn_injector.plugin import Operation, Request, Stack
from cfn_injector.protocol import ownership
from cfn_injector.protocol.log_lines import LOGGED
from cfn_injector.protocol.messages import CLEANING_SECONDS, not_created
from cfn_injector.protocol.provider import ANSWER_SECONDS
from cfn_injector.resources import event_source_mapping
from cfn_injector.resources.event_source_mapping import api
from cfn_injector.resources.event_source_mapping.spec import MappingSpec
from tests.fakes.aws_lambda import Fault
from tests.fakes.cloudformation import MADE_UP, STACK_ID
from tests.fakes.event_sources import BROKER, LAMBDA, QUEUE, STREAM, TABLE
from tests.support.event_source_mappings import (
    BASE,
    KAFKA,
    MAPPING,
    ORDERS,
    asked,
    created,
    deleted,
    event,
    fails,
    killed_after,
)
from tests.support.world import World, issued


def refused(world: World, properties: dict[str, Any]) -> str:
    answered = world.stack.send(event(world, "Create", properties))
    assert answered["Status"] == "FAILED"
    reason: str = answered["Reason"]
    return reason


class TestACreate:
    @pytest.mark.parametrize(
        ("properties", "sent"),
        [
            (BASE, {"EventSourceArn": STREAM, "BatchSize": 100, "StartingPosition": "TRIM_HORIZON"}),
            (
                {**BASE, "StreamArn": TABLE, "BatchSize": 7, "StartingPosition": "LATEST"},
                {"EventSourceArn": TABLE, "BatchSize": 7, "StartingPosition": "LATEST"},
            ),
            ({"FunctionName": "orders", "EventSourceArn": QUEUE}, {"EventSourceArn": QUEUE}),
            (
                {"FunctionName": "orders", "EventSourceArn": BROKER, "Queues": ["q"]},
                {"EventSourceArn": BROKER, "Queues": ["q"]},
            ),
        ],
    )
    def test_asks_for_streambots_defaults_if_the_source_has_a_starting_position(
        self, world: World, properties: dict[str, Any], sent: dict[str, Any]
    ) -> None:
        assert world.stack.send(event(world, "Create", properties))["Status"] == "SUCCESS"
        (params,) = asked(world, "CreateEventSourceMapping")
        params.pop("Tags")
        assert params == {"FunctionName": "orders", "Enabled": True, **sent}

    def test_answers_the_uuid_and_attributes_that_are_strings(self, world: World) -> None:
        answered = world.stack.send(event(world, "Create", BASE))
        (uuid,) = world.aws_lambda.mappings
        assert answered["PhysicalResourceId"] == uuid
        assert answered["Data"].keys() == event_source_mapping.ATTRIBUTES.keys()
        assert answered["Data"] == {
            "Id": uuid,
            "EventSourceMappingArn": f"{LAMBDA}:event-source-mapping:{uuid}",
            "EventSourceArn": STREAM,
            "FunctionArn": ORDERS,
            "State": "Enabled",
        }

    def test_answers_no_source_if_the_source_has_no_arn(self, world: World) -> None:
        source = {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["one:9092"]}}
        properties = {"FunctionName": "orders", "SelfManagedEventSource": source, "Topics": ["orders"]}
        answered = world.stack.send(event(world, "Create", properties))
        assert answered["Data"].keys() == {"Id", "EventSourceMappingArn", "FunctionArn", "State"}

    @pytest.mark.parametrize(("enabled", "state"), [(True, "Enabled"), (False, "Disabled")])
    def test_is_answered_when_the_mapping_is_in_the_desired_state(
        self, world: World, enabled: bool, state: str
    ) -> None:
        world.aws_lambda.busy_seconds = 40
        answered = world.stack.send(event(world, "Create", {**BASE, "Enabled": enabled}))
        (mapping,) = world.aws_lambda.mappings.values()
        assert answered["Data"]["State"] == state
        assert world.clock.now() >= mapping.ready_at

    def test_is_not_misled_by_an_outdated_state(self, world: World) -> None:
        looks = iter(["Disabled", "Disabled", "Disabled", "Creating"])

        def tell(name: str, params: dict[str, Any]) -> None:
            for mapping in world.aws_lambda.mappings.values():
                mapping.ready_at, mapping.state = 0, next(looks, "Enabled")

        world.aws_lambda.before = lambda name, params: tell(name, params) if name == "GetEventSourceMapping" else None
        answered = world.stack.send(event(world, "Create", BASE))
        assert (answered["Status"], answered["Data"]["State"]) == ("SUCCESS", "Enabled")

    def test_tags_the_mapping_as_stack_and_template_say_and_with_its_owner(self, world: World) -> None:
        world.stack.tags = {"team": "shop", "stage": "dev", "aws:own": "x"}
        uuid = created(world, Tags=[{"Key": "stage", "Value": "own"}])
        assert world.aws_lambda.mappings[uuid].tags == {
            "team": "shop",
            "stage": "own",
            ownership.STACK_ID: STACK_ID,
            ownership.LOGICAL_ID: "Function",
            ownership.REQUEST_ID: "request-1",
        }
        (params,) = asked(world, "CreateEventSourceMapping")
        assert params["Tags"][ownership.PENDING] == "request-1"

    def test_of_wrong_properties_changes_nothing_and_names_every_problem(self, world: World) -> None:
        reason = refused(world, {"StreamArn": STREAM, "EventSourceArn": STREAM, "Enabled": "perhaps"})
        for problem in ("StreamArn has the same meaning as", "Enabled is not a boolean", "FunctionName is missing"):
            assert problem in reason
        assert world.aws_lambda.calls == []

    def test_of_a_function_outside_the_providers_permissions_says_so(self, world: World) -> None:
        world.aws_lambda.before = fails("CreateEventSourceMapping", "AccessDeniedException", "no")
        assert "FunctionName orders is outside the provider's permissions; begin its name" in refused(world, BASE)

    def test_logs_nothing_but_harmless_fields(self, world: World) -> None:
        stack_id = created(world, Tags=[{"Key": "a", "Value": "b"}])
        deleted(world, stack_id)
        steps = [(step, fields.keys() - {"bytes", "milliseconds"}) for step, fields in world.log]
        assert {name for _, names in steps for name in names} <= LOGGED.keys()
        assert ("delete-mapping", {"key"}) in steps


class TestTheSameEventTwice:
    def test_a_create_leaves_one_mapping_and_the_same_answer(self, world: World) -> None:
        create = event(world, "Create", BASE)
        assert world.stack.send(create) == world.stack.send(create)
        assert len(world.aws_lambda.mappings) == 1
        assert len(asked(world, "CreateEventSourceMapping")) == 1

    def test_a_create_whose_first_delivery_died_half_way_is_completed(self, world: World) -> None:
        create = event(world, "Create", BASE)
        killed_after(world, "CreateEventSourceMapping", create)
        (uuid,) = world.aws_lambda.mappings
        assert ownership.PENDING in world.aws_lambda.mappings[uuid].tags
        world.aws_lambda.calls.clear()
        assert world.stack.send(create)["PhysicalResourceId"] == uuid
        assert "CreateEventSourceMapping" not in world.aws_lambda.operations()
        assert ownership.PENDING not in world.aws_lambda.mappings[uuid].tags
        assert world.clock.now() >= world.aws_lambda.mappings[uuid].ready_at

    def test_what_another_request_left_pending_is_deleted_before_a_new_one_is_created(self, world: World) -> None:
        killed_after(world, "CreateEventSourceMapping", event(world, "Create", BASE))
        (left,) = world.aws_lambda.mappings
        uuid = created(world)
        assert uuid != left
        assert set(world.aws_lambda.mappings) == {uuid}

    def test_a_create_that_arrives_late_leaves_what_a_newer_one_is_creating(self, world: World) -> None:
        late = issued(world, "Create", BASE, resource_type=MAPPING)
        killed_after(world, "CreateEventSourceMapping", issued(world, "Create", BASE, resource_type=MAPPING))
        (begun,) = world.aws_lambda.mappings
        assert "a newer event was already served for Function" in world.stack.send(late)["Reason"]
        assert set(world.aws_lambda.mappings) == {begun}

    def test_a_create_whose_answer_was_lost_is_found(self, world: World) -> None:
        world.attempts, lost = 3, [True]

        def lose(name: str, params: dict[str, Any]) -> None:
            if name == "CreateEventSourceMapping" and lost.pop():
                raise Fault("ServiceException", "lost", 500)

        world.aws_lambda.after = lose
        uuid = created(world)
        assert len(asked(world, "CreateEventSourceMapping")) == 2
        assert set(world.aws_lambda.mappings) == {uuid}

    def test_if_lambda_created_two_for_a_lost_answer_one_is_deleted(self, world: World) -> None:
        world.attempts, lost = 3, [True]

        def lose(name: str, params: dict[str, Any]) -> None:
            if name == "CreateEventSourceMapping" and lost:
                lost.clear()
                next(iter(world.aws_lambda.mappings.values())).configuration["Topics"] = ["another identity"]
                raise Fault("ServiceException", "lost", 500)

        world.aws_lambda.after = lose
        answered = world.stack.send(event(world, "Create", KAFKA))
        assert set(world.aws_lambda.there()) == {answered["PhysicalResourceId"]}

    def test_a_create_for_a_stable_stack_creates_nothing_that_would_begin_to_read(self, world: World) -> None:
        late = event(world, "Create", BASE)
        world.stack.status = "UPDATE_COMPLETE"
        assert "cannot be verified" in world.stack.send(late)["Reason"]
        assert "CreateEventSourceMapping" not in world.aws_lambda.operations()


class TestOwnership:
    @pytest.mark.parametrize(
        "tags",
        [{}, {ownership.STACK_ID: "another stack", ownership.LOGICAL_ID: "Function", ownership.PENDING: "request-1"}],
    )
    def test_a_foreign_mapping_of_the_same_source_is_named_and_left_alone(
        self, world: World, tags: dict[str, str]
    ) -> None:
        uuid = world.aws_lambda.add(tags, FunctionName="orders", EventSourceArn=STREAM)
        before = world.aws_lambda.mappings[uuid].configuration
        reason = refused(world, BASE)
        assert f"event source mapping {uuid} already connects this source and this function" in reason
        assert f"aws lambda delete-event-source-mapping --uuid {uuid}" in reason
        for physical_id in (not_created("request-1"), MADE_UP):
            deleted(world, physical_id)
        assert world.aws_lambda.mappings[uuid].configuration == before
        assert world.aws_lambda.mappings[uuid].tags == tags

    def test_so_is_one_whose_source_arn_contains_a_uuid(self, world: World) -> None:
        uuid = world.aws_lambda.add({}, **KAFKA)
        assert f"event source mapping {uuid} already connects" in refused(world, KAFKA)

    def test_so_is_an_owned_one_that_an_earlier_stack_retained(self, world: World) -> None:
        kept = created(world)
        reason = refused(world, BASE)
        assert kept in reason
        for physical_id in (not_created("request-2"), MADE_UP):
            deleted(world, physical_id)
        assert set(world.aws_lambda.mappings) == {kept}

    def test_the_deletion_of_an_old_one_is_awaited(self, world: World) -> None:
        old = world.aws_lambda.add({}, FunctionName="orders", EventSourceArn=STREAM)
        world.aws_lambda.busy_seconds = 30
        world.aws_lambda.DeleteEventSourceMapping({"UUID": old})
        uuid = created(world)
        assert set(world.aws_lambda.mappings) == {uuid}


class TestAFailedCreate:
    def test_quotes_lambdas_reason_and_deletes_the_mapping(self, world: World) -> None:
        world.aws_lambda.ends_as["orders"] = "Disabled"
        world.aws_lambda.reason = "PROBLEM: no route to the broker"
        reason = refused(world, BASE)
        assert "is Disabled and not Enabled; Lambda says: PROBLEM: no route to the broker" in reason
        assert world.aws_lambda.there() == {}

    @pytest.mark.parametrize("status", ["ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"])
    def test_for_which_cloudformation_no_longer_waits_deletes_the_mapping(self, world: World, status: str) -> None:
        def give_up(name: str, params: dict[str, Any]) -> None:
            if name == "CreateEventSourceMapping":
                world.stack.status = status

        world.aws_lambda.after = give_up
        assert "deploy again" in refused(world, BASE)
        assert world.aws_lambda.there() == {}

    def test_ends_in_time_and_leaves_the_rest_to_the_delete(self, world: World) -> None:
        world.aws_lambda.busy_seconds, start = 100_000, world.clock.now()
        reason = refused(world, BASE)
        assert "timed out while waiting for event source mapping" in reason
        assert world.clock.now() - start < world.seconds - ANSWER_SECONDS - CLEANING_SECONDS / 4
        assert "left-behind" in world.steps()
        (mapping,) = world.aws_lambda.mappings.values()
        mapping.ready_at, world.aws_lambda.busy_seconds = 0, 2
        deleted(world, not_created("request-1"))
        assert world.aws_lambda.mappings == {}

    def test_that_timed_out_deletes_the_mapping_in_the_time_that_is_reserved_for_it(self, world: World) -> None:
        world.aws_lambda.busy_seconds = 100_000

        def hurry(name: str, params: dict[str, Any]) -> None:
            if name == "DeleteEventSourceMapping":
                world.aws_lambda.mappings[params["UUID"]].ready_at, world.aws_lambda.busy_seconds = 0, 2

        world.aws_lambda.before = hurry
        assert "timed out while waiting" in refused(world, BASE)
        assert world.aws_lambda.there() == {}

    def test_deletes_nothing_of_another_request(self, world: World) -> None:
        others = {ownership.STACK_ID: STACK_ID, ownership.LOGICAL_ID: "Function", ownership.PENDING: "request-2"}

        def meanwhile(name: str, params: dict[str, Any]) -> None:
            if name == "CreateEventSourceMapping":
                world.aws_lambda.add(others, FunctionName="orders", EventSourceArn=STREAM, Topics=["other"])

        world.aws_lambda.after, world.aws_lambda.ends_as["orders"] = meanwhile, "Disabled"
        refused(world, BASE)
        (left,) = world.aws_lambda.there().values()
        assert left.tags == others

    def test_whose_mapping_somebody_deletes_says_that_it_is_missing(self, world: World) -> None:
        def vanish(name: str, params: dict[str, Any]) -> None:
            if name == "GetEventSourceMapping":
                world.aws_lambda.mappings.clear()

        world.aws_lambda.before = vanish
        assert "is missing and not Enabled" in refused(world, BASE)

    def test_is_not_undone_after_the_answer(self) -> None:
        class Answered:
            """A world whose gate is closed."""

            def client(self, name: str) -> Any:
                raise AlreadyAnsweredError("answered")

        request = Request("Create", "request-1", STACK_ID, "Function", MAPPING, "", BASE, {})
        answered: Any = Answered()
        with pytest.raises(AlreadyAnsweredError):
            api.undo(Operation(request, answered, Stack({})), MappingSpec(BASE, ()))


class TestATransientError:
    @pytest.mark.parametrize(
        ("operation", "code", "message"),
        [
            ("CreateEventSourceMapping", "InvalidParameterValueException", "The role cannot be assumed by Lambda."),
            (
                "CreateEventSourceMapping",
                "InvalidParameterValueException",
                "The provided execution role does not have permissions to call ReceiveMessage on SQS",
            ),
            (
                "CreateEventSourceMapping",
                "InvalidParameterValueException",
                f"Cannot access stream {STREAM}. Please ensure the role can perform the GetRecords Action",
            ),
            (
                "CreateEventSourceMapping",
                "InvalidParameterValueException",
                "The function is currently in the following state: Pending",
            ),
            ("CreateEventSourceMapping", "ResourceConflictException", "An update is in progress"),
            ("UntagResource", "ResourceConflictException", "An operation is in progress"),
            ("DeleteEventSourceMapping", "ResourceInUseException", "Cannot delete it because it is in use"),
            ("DeleteEventSourceMapping", "ResourceConflictException", "An update is in progress"),
        ],
    )
    def test_is_retried(self, world: World, operation: str, code: str, message: str) -> None:
        world.aws_lambda.before = fails(operation, code, message, times=3)
        deleted(world, created(world))
        assert len(asked(world, operation)) == 4
        assert world.aws_lambda.mappings == {}

    @pytest.mark.parametrize(
        ("code", "message"),
        [
            ("InvalidParameterValueException", "Unsupported event source"),
            ("ResourceNotFoundException", "Function not found"),
        ],
    )
    def test_is_distinguished_from_a_permanent_one(self, world: World, code: str, message: str) -> None:
        world.aws_lambda.before = fails("CreateEventSourceMapping", code, message)
        assert message in refused(world, BASE)
        assert len(asked(world, "CreateEventSourceMapping")) == 1

    def test_is_not_a_permission_that_the_role_lacks_for_minutes(self, world: World) -> None:
        message, start = "The provided execution role does not have permissions to call GetRecords", world.clock.now()
        world.aws_lambda.before = fails("CreateEventSourceMapping", "InvalidParameterValueException", message)
        assert message in refused(world, BASE)
        assert api.ROLE_SECONDS < world.clock.now() - start < api.ROLE_SECONDS + 20
