"""``Custom::LambdaFunction`` where people, permissions and the order of events are against it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cfn_injector.protocol import ownership
from cfn_injector.protocol.messages import not_created
from cfn_injector.resources.lambda_function import api
from tests.fakes.aws_lambda import Fault
from tests.fakes.cloudformation import Stack
from tests.support.lambda_functions import BASE, CANARY, created, somebody, updated
from tests.support.world import ARTIFACTS, KEY, World

Hook = Callable[[str, dict[str, Any]], None]


def nothing(operation: str, params: dict[str, Any]) -> None: ...


def failing(operation: str, code: str, message: str = "broken", status: int = 400) -> Hook:
    def strike(name: str, params: dict[str, Any]) -> None:
        if name == operation:
            raise Fault(code, message, status)

    return strike


class TestNames:
    def test_a_name_outside_the_prefix_is_told_with_the_parameter_and_its_delete_succeeds(self, world: World) -> None:
        world.aws_lambda.before = failing("GetFunction", "AccessDeniedException", "not authorized", 403)
        answered = world.stack.send(world.stack.event("Create", BASE))
        assert answered["Status"] == "FAILED"
        assert "FunctionNamePrefix" in answered["Reason"]
        deleted = world.stack.event("Delete", BASE, physical_id=answered["PhysicalResourceId"])
        assert world.stack.send(deleted)["Status"] == "SUCCESS"

    @pytest.mark.parametrize("name", ["my function!", "team/fn", "x" * 200])
    def test_a_name_that_lambda_refuses_does_not_stop_the_delete(self, world: World, name: str) -> None:
        world.aws_lambda.before = failing("GetFunction", "ValidationException", "1 validation error", 400)
        properties = {**BASE, "FunctionName": name}
        for physical_id in (not_created("request-1"), name):
            event = world.stack.event("Delete", properties, physical_id=physical_id)
            assert world.stack.send(event)["Status"] == "SUCCESS"

    def test_a_function_without_tags_under_the_name_of_a_replacement_is_still_deleted(self, world: World) -> None:
        tenancy = {"TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}}
        name = updated(world, created(world), {}, tenancy)["PhysicalResourceId"]
        world.aws_lambda.functions[name].tags.clear()
        world.stack.send(world.stack.event("Delete", BASE, physical_id=name))
        assert name not in world.aws_lambda.functions


NO_POLICY = (
    "User: arn:aws:sts::111122223333:assumed-role/provider/cfn-injector is not authorized to perform: iam:PassRole on "
    "resource: arn:aws:iam::111122223333:role/app because no identity-based policy allows the iam:PassRole action"
)
CROSS_ACCOUNT = "Cross-account pass role is not allowed."


class TestRoles:
    @pytest.mark.parametrize(
        ("bound", "role", "reason"),
        [
            (
                "/cfn-injector/",
                "service-role/app",
                "Role app has the path /service-role/, which is outside the provider's RolePath /cfn-injector/; "
                "set Path: /cfn-injector/ in the role",
            ),
            ("/cfn-injector/", "app", "Role app has the path /, which is outside"),
            ("/app-", "shop", "outside the provider's RolePath /app-; use a role whose path begins with RolePath"),
            ("", "shop", "outside the provider's RolePath; use a role whose path begins with RolePath"),
            ("/cfn-injector/", "cfn-injector/app", "check the PermissionsBoundary of the provider's stack"),
        ],
    )
    @pytest.mark.parametrize("call", ["CreateFunction", "UpdateFunctionConfiguration"])
    def test_one_that_may_not_be_passed_is_told_with_its_path_and_the_parameter(
        self, world: World, bound: str, role: str, reason: str, call: str
    ) -> None:
        world.environ["CFN_INJECTOR_ROLE_PATH"] = bound
        wanted = {**BASE, "Role": f"arn:aws:iam::111122223333:role/{role}"}
        name = "" if call == "CreateFunction" else created(world, Role="arn:aws:iam::111122223333:role/cfn-injector/a")
        world.aws_lambda.before = failing(call, "AccessDeniedException", NO_POLICY, 403)
        answered = updated(world, name, {}, wanted) if name else world.stack.send(world.stack.event("Create", wanted))
        assert answered["Status"] == "FAILED"
        assert reason in answered["Reason"]

    def test_what_else_lambda_denies_keeps_lambdas_message(self, world: World) -> None:
        world.aws_lambda.before = failing("CreateFunction", "AccessDeniedException", CROSS_ACCOUNT, 403)
        answered = world.stack.send(world.stack.event("Create", BASE))
        assert CROSS_ACCOUNT in answered["Reason"]


class TestGivenUp:
    """CloudFormation deletes while the Create still runs; before there is a function, it finds nothing to delete."""

    @pytest.mark.parametrize(
        ("stack", "resource"),
        [
            ("DELETE_IN_PROGRESS", "CREATE_IN_PROGRESS"),
            ("ROLLBACK_IN_PROGRESS", "CREATE_IN_PROGRESS"),
            ("CREATE_IN_PROGRESS", "DELETE_IN_PROGRESS"),
            ("CREATE_IN_PROGRESS", "DELETE_COMPLETE"),
            ("CREATE_IN_PROGRESS", "CREATE_FAILED"),
        ],
    )
    @pytest.mark.parametrize("resource_type", ["Custom::LambdaFunction", "Custom::LambdaCode"])
    def test_what_was_made_goes_again(self, world: World, stack: str, resource: str, resource_type: str) -> None:
        code = {"Code": BASE["Code"], "Env": BASE["Env"]}
        properties = BASE if resource_type == "Custom::LambdaFunction" else code

        def turn(name: str) -> None:
            if name == "PutObject":
                world.stack.status, world.stack.resource_status = stack, resource

        world.wire.hook = turn
        answered = world.stack.send(world.stack.event("Create", properties, resource_type=resource_type))
        assert answered["Status"] == "FAILED"
        assert "was deleted while" in answered["Reason"]
        assert world.aws_lambda.functions == {}
        assert world.staged() == []

    def test_a_replacement_whose_update_is_cancelled_goes_again(self, world: World) -> None:
        created(world, FunctionName="one")

        def cancel(operation: str, params: dict[str, Any]) -> None:
            if operation == "CreateFunction":
                world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"

        world.aws_lambda.after = cancel
        world.stack.status = "UPDATE_IN_PROGRESS"
        answered = updated(world, "one", {"FunctionName": "one"}, {"FunctionName": "two"})
        assert answered["Status"] == "FAILED"
        assert set(world.aws_lambda.functions) == {"one"}

    def test_a_second_delivery_that_finds_all_done_answers_the_same(self, world: World) -> None:
        """It was between the first one's last two calls."""

        def confirm_meanwhile(operation: str, params: dict[str, Any]) -> None:
            if operation == "GetFunction":
                for function in world.aws_lambda.functions.values():
                    function.tags.pop(ownership.PENDING, None)

        world.aws_lambda.after = confirm_meanwhile
        assert world.stack.send(world.stack.event("Create", BASE))["Status"] == "SUCCESS"
        assert len(world.aws_lambda.functions) == 1


class TestAdoption:
    def test_a_retained_function_of_ours_that_is_adopted_again_survives_the_rollback(self, world: World) -> None:
        name = created(world, FunctionName="kept")
        created(world, FunctionName="kept", Adopt=True)
        world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        properties = {**BASE, "FunctionName": "kept", "Adopt": True}
        world.stack.send(world.stack.event("Delete", properties, physical_id=name))
        assert "kept" in world.aws_lambda.functions

    def test_what_only_a_new_function_can_have_is_refused_before_anything_is_changed(self, world: World) -> None:
        world.aws_lambda.functions["theirs"] = somebody("theirs")
        tenancy = {"TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}}
        event = world.stack.event("Create", {**BASE, **tenancy, "FunctionName": "theirs", "Adopt": True})
        answered = world.stack.send(event)
        assert "TenancyConfig" in answered["Reason"]
        assert world.aws_lambda.changes() == []

    def test_more_tags_than_fit_are_refused_before_anything_is_changed(self, world: World) -> None:
        world.aws_lambda.functions["theirs"] = somebody("theirs", **{f"tag-{number}": "x" for number in range(45)})
        event = world.stack.event("Create", {**BASE, "FunctionName": "theirs", "Adopt": True})
        assert "45" in world.stack.send(event)["Reason"]
        assert world.aws_lambda.changes() == []


class TestOrder:
    def at(self, event: dict[str, Any], second: int) -> dict[str, Any]:
        """The event as it was issued at that second."""
        return {**event, "ResponseURL": f"https://h/?X-Amz-Date=20270115T0800{second:02d}Z"}

    def test_an_update_that_comes_after_its_own_rollback_changes_nothing(self, world: World) -> None:
        world.stack.check_url = False
        name = created(world, Env={"A": "old"})
        old, new = {**BASE, "Env": {"A": "old"}}, {**BASE, "Env": {"A": "new"}}
        forward = self.at(world.stack.event("Update", new, physical_id=name, old=old), 1)
        back = self.at(world.stack.event("Update", old, physical_id=name, old=new), 2)
        world.clock.time += 60
        assert world.stack.send(forward)["Status"] == "SUCCESS"
        assert world.stack.send(back)["Status"] == "SUCCESS"
        assert world.stack.send(forward)["Status"] == "FAILED"
        assert world.aws_lambda.functions[name].env_file() == "A=old\n"

    def test_a_replacement_delivered_again_after_a_later_update_changes_nothing(self, world: World) -> None:
        created(world, FunctionName="one")
        new = {**BASE, "FunctionName": "two"}
        event = world.stack.event("Update", new, physical_id="one", old={**BASE, "FunctionName": "one"})
        world.stack.send(event)
        updated(world, "two", {"FunctionName": "two"}, {"FunctionName": "two", "MemorySize": 1024})
        assert world.stack.send(event)["Status"] == "SUCCESS"
        assert world.aws_lambda.functions["two"].configuration["MemorySize"] == 1024

    def test_a_replacement_is_rolled_back_although_the_artifact_is_gone(self, world: World) -> None:
        stack = Stack(world.stack, "Custom::LambdaFunction")
        stack.create({**BASE, "FunctionName": "one"})
        stack.update({**BASE, "FunctionName": "two"})
        world.aws_lambda.functions["one"] = world.aws_lambda.functions["two"]
        world.s3.delete_object(Bucket=ARTIFACTS, Key=KEY)
        stack.roll_back({**BASE, "FunctionName": "two"}, {**BASE, "FunctionName": "one"})
        assert stack.physical_id == "one"

    def test_what_a_replacement_left_that_was_never_answered_goes_with_the_stack(self, world: World) -> None:
        name = created(world)
        world.aws_lambda.after = failing("CreateFunction", "KeyboardInterrupt")
        world.aws_lambda.before = failing("DeleteFunction", "ServiceException")
        updated(world, name, {}, {"TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}})
        assert len(world.aws_lambda.functions) == 2
        world.aws_lambda.after = world.aws_lambda.before = nothing
        world.stack.send(world.stack.event("Delete", BASE, physical_id=name))
        assert world.aws_lambda.functions == {}


class TestLambda:
    @pytest.mark.parametrize(
        ("code", "message", "passes"),
        [
            ("InvalidParameterValueException", "The role ... cannot be assumed by Lambda.", True),
            ("InvalidParameterValueException", "The provided execution role does not have permissions to call X", True),
            ("InvalidParameterValueException", "KMS key is invalid for CreateGrant", True),
            ("InvalidParameterValueException", "could not be updated due to a concurrent update operation", True),
            ("InvalidParameterValueException", "Unzipped size must be smaller than 262144000 bytes", False),
            ("ResourceConflictException", "The function is currently in the following state: Pending", True),
            ("ResourceConflictException", "Function already exist: shop-PendingOrders", False),
            ("EC2ThrottledException", "", True),
            ("AccessDeniedException", "in progress", False),
        ],
    )
    def test_what_passes_by_itself_is_told_from_what_does_not(self, code: str, message: str, passes: bool) -> None:
        error = ClientError({"Error": {"Code": code, "Message": message}}, "CreateFunction")
        assert api.is_transient(error) is passes

    @pytest.mark.parametrize("code", ["InvalidParameterValueException", "ResourceConflictException"])
    def test_a_network_that_cannot_be_left_does_not_stop_the_delete(self, world: World, code: str) -> None:
        name = created(world, VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]})
        message = "The role defined for the function cannot be assumed by Lambda."
        world.aws_lambda.before = failing("UpdateFunctionConfiguration", code, message)
        start = world.clock.now()
        world.stack.send(world.stack.event("Delete", BASE, physical_id=name))
        assert world.aws_lambda.functions == {}
        assert world.clock.now() - start <= api.DETACH_SECONDS + 1

    def test_old_versions_that_cannot_be_listed_do_not_undo_what_is_done(self, world: World) -> None:
        world.aws_lambda.before = failing("ListAliases", "TooManyRequestsException", status=429)
        created(world, Publish=True, KeepVersions=1)
        assert "left-behind" in world.steps()

    def test_the_version_before_stays_for_those_that_name_it(self, world: World) -> None:
        name = created(world, Publish=True, KeepVersions=0)
        options = {"Publish": True, "KeepVersions": 0}
        for number in range(1, 4):
            updated(world, name, {**options, "Env": {"A": number - 1}}, {**options, "Env": {"A": number}})
        assert set(world.aws_lambda.functions[name].versions) == {"3", "4"}

    def test_each_version_gets_the_scaling(self, world: World) -> None:
        options = {"Publish": True, "FunctionScalingConfig": {"MinExecutionEnvironments": 2}}
        name = created(world, **options)
        updated(world, name, options, {**options, "Env": {"A": "2"}})
        assert world.aws_lambda.functions[name].separate["scaling"] == ("2", {"MinExecutionEnvironments": 2})

    def test_a_capacity_provider_that_is_removed_replaces_the_function(self, world: World) -> None:
        arn = "arn:aws:lambda:us-east-1:111122223333:capacity-provider:p"
        managed = {"LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": arn}}
        old = {"CapacityProviderConfig": managed}
        name = created(world, **old)
        assert updated(world, name, old, {})["PhysicalResourceId"] != name

    def test_lambdas_own_words_are_masked(self, world: World) -> None:
        message = f"The role cannot be assumed by Lambda: {CANARY}"
        world.aws_lambda.before = failing("CreateFunction", "InvalidParameterValueException", message)
        answered = world.stack.send(world.stack.event("Create", {**BASE, "Env": {"S": CANARY}}))
        assert "cannot be assumed" in answered["Reason"]
        assert CANARY not in str(answered) + str(world.log)
