"""States that Lambda leaves a function in: of a deletion that takes time, and those that no wait leads out of."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.aws_lambda import THROTTLING, Fault
from tests.support.event_source_mappings import MAPPING
from tests.support.lambda_functions import BASE, changed, created, updated
from tests.support.operations import READS_A_STREAM
from tests.support.world import World

DUAL_STACK = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"], "Ipv6AllowedForDualStack": True}


def deleted(world: World, name: str) -> dict[str, Any]:
    return world.stack.send(world.stack.event("Delete", BASE, physical_id=name))


class TestDeletion:
    def test_is_answered_once_the_function_is_gone(self, world: World) -> None:
        """A durable function is Deleting until its executions have ended."""
        name = created(world)
        world.aws_lambda.deleting_seconds = 90
        start = world.clock.now()
        assert deleted(world, name)["Status"] == "SUCCESS"
        assert world.clock.now() - start >= 90
        assert world.aws_lambda.functions == {}

    def test_that_does_not_end_in_time_is_reported(self, world: World) -> None:
        name = created(world)
        world.aws_lambda.deleting_seconds = 2000
        answered = deleted(world, name)
        assert answered["Status"] == "FAILED"
        assert f"timed out while waiting for the deletion of function {name}" in answered["Reason"]

    def test_detaches_a_network_that_allows_ipv6(self, world: World) -> None:
        name = created(world, VpcConfig=DUAL_STACK)
        function = world.aws_lambda.functions[name]
        assert deleted(world, name)["Status"] == "SUCCESS"
        assert function.configuration["VpcConfig"]["SubnetIds"] == []
        assert "left-behind" not in world.steps()

    def test_logs_the_code_of_the_error_that_kept_a_network(self, world: World) -> None:
        name = created(world, VpcConfig=DUAL_STACK)

        def refuse(operation: str, params: dict[str, Any]) -> None:
            if operation == "UpdateFunctionConfiguration":
                raise Fault("InvalidParameterValueException", "the role does not exist")

        world.aws_lambda.before = refuse
        assert deleted(world, name)["Status"] == "SUCCESS"
        assert ("left-behind", {"error": "InvalidParameterValueException", "function": name}) in [
            (step, {key: fields[key] for key in ("error", "function") if key in fields}) for step, fields in world.log
        ]
        assert "the role does not exist" not in str(world.log)

    def test_an_update_leaves_a_network_that_allows_ipv6_too(self, world: World) -> None:
        name = created(world, VpcConfig=DUAL_STACK)
        answered = updated(world, name, {"VpcConfig": DUAL_STACK}, {})
        assert answered["Status"] == "SUCCESS", answered["Reason"]

    def test_an_adoption_that_is_undone_leaves_a_network_that_allows_ipv6_too(self, world: World) -> None:
        created(world, FunctionName="theirs")
        function = world.aws_lambda.functions["theirs"]
        function.tags.clear()
        function.configuration["VpcConfig"] = {"SubnetIds": [], "SecurityGroupIds": []}

        def refuse(operation: str, params: dict[str, Any]) -> None:
            if operation == "TagResource":
                raise Fault("AccessDeniedException", "no", 403)

        world.aws_lambda.before = refuse
        adopting = changed(BASE, FunctionName="theirs", Adopt=True, VpcConfig=DUAL_STACK)
        assert world.stack.send(world.stack.event("Create", adopting))["Status"] == "FAILED"
        assert function.configuration["VpcConfig"]["SubnetIds"] == []


class TestAStateThatNoWaitLeadsOutOf:
    @pytest.mark.parametrize(
        ("state", "reason"), [("Deactivated", "Idle"), ("Deleting", "DrainingDurableExecutions"), ("Deactivating", "")]
    )
    def test_ends_an_update_at_once_with_lambdas_reason(self, world: World, state: str, reason: str) -> None:
        name = created(world)
        world.aws_lambda.states[name] = (state, reason)
        start = world.clock.now()
        answered = updated(world, name, {}, {"MemorySize": 512})
        assert answered["Status"] == "FAILED"
        assert f"function {name} is {state}: {reason}" in answered["Reason"]
        assert world.clock.now() - start < 10

    def test_does_not_delete_a_version(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """Only a version that failed is deleted: an alias may name one that somebody deactivated."""
        original = world.aws_lambda.GetFunctionConfiguration

        def deactivated(params: dict[str, Any]) -> dict[str, Any]:
            return {**original(params), **({"State": "Deactivated"} if "Qualifier" in params else {})}

        name = created(world)
        monkeypatch.setattr(world.aws_lambda, "GetFunctionConfiguration", deactivated)
        answered = updated(world, name, {}, {"Publish": True})
        assert f"version 1 of function {name} is Deactivated" in answered["Reason"]
        assert set(world.aws_lambda.functions[name].versions) == {"1"}


class TestARollback:
    def test_deletes_no_version_that_an_alias_may_return_to(self, world: World) -> None:
        """The update moves the alias to the version it publishes; the rollback returns it after this function."""
        old, new = ({"Publish": True, "KeepVersions": 1, "Env": {"A": value}} for value in "12")
        name = created(world, **old)
        alias = world.aws_lambda.functions[name].aliases.setdefault("live", {"FunctionVersion": "1"})
        alias["FunctionVersion"] = updated(world, name, old, new)["Data"]["Version"]
        world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        assert updated(world, name, new, old)["Status"] == "SUCCESS"
        assert set(world.aws_lambda.functions[name].versions) == {"1", "2", "3"}


def test_the_time_for_a_roles_permission_begins_with_lambdas_first_complaint(world: World) -> None:
    created(world, FunctionName="orders")
    start, said = world.clock.now(), [0]

    def busy(name: str) -> None:
        if name == "CreateEventSourceMapping" and world.clock.now() < start + 200:
            raise Fault(*THROTTLING["lambda"])

    def complain(operation: str, params: dict[str, Any]) -> None:
        if operation == "CreateEventSourceMapping" and not said[0]:
            said[0] += 1
            raise Fault("InvalidParameterValueException", "The provided execution role does not have permissions")

    world.wire.hook, world.aws_lambda.before = busy, complain
    event = world.stack.event("Create", READS_A_STREAM, resource_type=MAPPING)
    assert world.stack.send(event)["Status"] == "SUCCESS"
    assert said == [1]
