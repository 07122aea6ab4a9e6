"""Lambda works on after it has answered: what is waited for, what is tried again, and what is told when it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.aws_lambda import Fault
from tests.support.lambda_functions import BASE, created, updated
from tests.support.world import World

CHANGES = frozenset({"UpdateFunctionCode", "UpdateFunctionConfiguration", "PublishVersion", "DeleteFunction"})
"""What Lambda refuses while an earlier change is in progress."""

EVERYTHING: dict[str, Any] = {
    "Env": {"A": "2"},
    "MemorySize": 512,
    "Publish": True,
    "ReservedConcurrentExecutions": 5,
    "RecursiveLoop": "Allow",
    "RuntimeManagementConfig": {"UpdateRuntimeOn": "FunctionUpdate"},
}


def stumbling(operation: str, times: int, code: str, message: str) -> Callable[[str, dict[str, Any]], None]:
    """The first so many calls of an operation fail."""
    left = [times]

    def stumble(name: str, params: dict[str, Any]) -> None:
        if name == operation and left[0]:
            left[0] -= 1
            raise Fault(code, message, 409 if code == "ResourceConflictException" else 400)

    return stumble


def told_as(world: World, monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Lambda tells a function's configuration with this change."""
    original = world.aws_lambda._describe_function
    monkeypatch.setattr(world.aws_lambda, "_describe_function", lambda function: change(original(function)))


class TestWaits:
    def test_code_configuration_publish_and_deletion_each_wait_for_the_change_before(self, world: World) -> None:
        world.aws_lambda.busy_seconds = 20
        too_early = list[str]()

        def look(operation: str, params: dict[str, Any]) -> None:
            function = world.aws_lambda.functions.get(params.get("FunctionName", ""))
            if operation in CHANGES and function and world.clock.now() < function.ready_at:
                too_early.append(operation)

        world.aws_lambda.before = look
        name = created(world)
        assert updated(world, name, {}, EVERYTHING)["Data"]["Version"] == "1"
        world.stack.send(world.stack.event("Delete", BASE, physical_id=name))
        assert world.aws_lambda.functions == {}
        assert too_early == []

    def test_an_update_is_answered_once_it_took_effect(self, world: World) -> None:
        name = created(world)
        world.aws_lambda.busy_seconds = 40
        assert updated(world, name, {}, {"MemorySize": 512})["Status"] == "SUCCESS"
        assert world.clock.now() >= world.aws_lambda.functions[name].ready_at

    def test_a_published_version_is_answered_once_it_is_active(self, world: World) -> None:
        name = created(world)
        world.aws_lambda.busy_seconds = 40
        answered = updated(world, name, {}, {"Publish": True})
        version = world.aws_lambda.functions[name].versions[answered["Data"]["Version"]]
        assert world.clock.now() >= version["_ready_at"]

    @pytest.mark.parametrize("options", [{}, {"Publish": True, "SnapStart": {"ApplyOn": "PublishedVersions"}}])
    def test_a_missing_status_of_the_last_update_is_one_in_progress(
        self, world: World, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
    ) -> None:
        """While SnapStart prepares, Lambda tells none."""
        world.aws_lambda.busy_seconds = 40

        def without_status(told: dict[str, Any]) -> dict[str, Any]:
            if told["LastUpdateStatus"] == "InProgress":
                del told["LastUpdateStatus"]
                told["State"] = "Active"
            return told

        told_as(world, monkeypatch, without_status)
        name = created(world, **options)
        assert world.clock.now() >= world.aws_lambda.functions[name].ready_at
        assert updated(world, name, options, {**options, "MemorySize": 512})["Status"] == "SUCCESS"
        assert world.clock.now() >= world.aws_lambda.functions[name].ready_at

    def test_the_staged_object_stays_until_lambda_has_its_copy(self, world: World) -> None:
        staged = list[int]()

        def look(operation: str, params: dict[str, Any]) -> None:
            function = world.aws_lambda.functions.get(params.get("FunctionName", ""))
            if operation == "GetFunction" and function and world.clock.now() < function.ready_at:
                staged.append(world.packages()[function.configuration["FunctionName"]])

        world.aws_lambda.before = look
        name = created(world)
        updated(world, name, {}, {"Env": {"A": "2"}})
        assert staged
        assert min(staged) >= 1


class TestTriesAgain:
    @pytest.mark.parametrize(
        ("operation", "code", "message"),
        [
            *(
                (operation, "ResourceConflictException", "The operation cannot be performed at this time.")
                for operation in (
                    "UpdateFunctionCode",
                    "UpdateFunctionConfiguration",
                    "PublishVersion",
                    "PutFunctionConcurrency",
                    "PutFunctionRecursionConfig",
                    "PutRuntimeManagementConfig",
                )
            ),
            (
                "UpdateFunctionConfiguration",
                "InvalidParameterValueException",
                "The role defined for the function cannot be assumed by Lambda.",
            ),
            (
                "UpdateFunctionConfiguration",
                "InvalidParameterValueException",
                "Lambda was unable to configure access to your environment variables because the KMS key is invalid "
                "for CreateGrant. Please check your KMS key settings.",
            ),
            (
                "UpdateFunctionConfiguration",
                "InvalidParameterValueException",
                "Your request has been throttled by EC2, please make sure you have enough API rate limit.",
            ),
            ("UpdateFunctionConfiguration", "EC2ThrottledException", "Lambda was throttled by Amazon EC2"),
        ],
    )
    def test_an_update_goes_on_when_it_may(self, world: World, operation: str, code: str, message: str) -> None:
        name = created(world)
        world.aws_lambda.before = stumbling(operation, 3, code, message)
        answered = updated(world, name, {}, EVERYTHING)
        assert (answered["Status"], answered["Data"].get("Version")) == ("SUCCESS", "1"), answered["Reason"]
        assert world.aws_lambda.operations().count(operation) == 4

    def test_a_deletion_goes_on_when_it_may(self, world: World) -> None:
        name = created(world)
        conflict = ("ResourceConflictException", "The operation cannot be performed at this time.")
        world.aws_lambda.before = stumbling("DeleteFunction", 3, *conflict)
        answered = world.stack.send(world.stack.event("Delete", BASE, physical_id=name))
        assert answered["Status"] == "SUCCESS", answered["Reason"]
        assert world.aws_lambda.functions == {}

    def test_a_replicated_function_is_deleted_when_its_replicas_are_gone(self, world: World) -> None:
        name = created(world, Edge=True)
        message = f"Lambda was unable to delete {name} because it is a replicated function."
        world.aws_lambda.before = stumbling("DeleteFunction", 3, "InvalidParameterValueException", message)
        answered = world.stack.send(world.stack.event("Delete", BASE, physical_id=name))
        assert answered["Status"] == "SUCCESS", answered["Reason"]
        assert world.aws_lambda.functions == {}


class TestFails:
    def test_an_update_that_lambda_gives_up_is_told_with_its_reason(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name = created(world)
        given_up = {"LastUpdateStatusReasonCode": "InvalidSubnet", "LastUpdateStatusReason": "subnet-1 is gone"}

        def fail(told: dict[str, Any]) -> dict[str, Any]:
            if told.get("MemorySize") == 512 and told["LastUpdateStatus"] == "Successful":
                return {**told, "LastUpdateStatus": "Failed", **given_up}
            return told

        told_as(world, monkeypatch, fail)
        answered = updated(world, name, {}, {"MemorySize": 512})
        assert answered["Status"] == "FAILED"
        assert "InvalidSubnet, subnet-1 is gone" in answered["Reason"]

    def test_an_update_after_one_that_lambda_gave_up_may_mend_it(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name = created(world, MemorySize=512)

        def failed_before(told: dict[str, Any]) -> dict[str, Any]:
            broken = told.get("MemorySize") == 512 and told["LastUpdateStatus"] == "Successful"
            return {**told, "LastUpdateStatus": "Failed"} if broken else told

        told_as(world, monkeypatch, failed_before)
        answered = updated(world, name, {"MemorySize": 512}, {"MemorySize": 256})
        assert answered["Status"] == "SUCCESS", answered["Reason"]

    def test_a_version_that_failed_is_published_anew_the_next_time(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Lambda gives the last version for the same code and configuration, also if that failed."""
        original = world.aws_lambda.GetFunctionConfiguration

        def the_first_fails(params: dict[str, Any]) -> dict[str, Any]:
            told = original(params)
            return {**told, "State": "Failed"} if params.get("Qualifier") == "1" else told

        monkeypatch.setattr(world.aws_lambda, "GetFunctionConfiguration", the_first_fails)
        name = created(world)
        assert updated(world, name, {}, {"Publish": True})["Status"] == "FAILED"
        answered = updated(world, name, {}, {"Publish": True})
        assert answered["Status"] == "SUCCESS", answered["Reason"]
        assert set(world.aws_lambda.functions[name].versions) == {"2"}
