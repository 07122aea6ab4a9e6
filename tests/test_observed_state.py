"""What a function has decides, not what the template had before: after changes by hand, and after skipped rollbacks."""

from __future__ import annotations

from typing import Any

import pytest

from cfn_injector.resources.lambda_function.applied import APPLIED
from tests.fakes.aws_lambda import Fault
from tests.fakes.cloudformation import Stack
from tests.support.artifacts import artifact
from tests.support.lambda_functions import BASE, CODE, FUNCTION, INJECTED, OBJECT, changed, created, updated
from tests.support.world import ARTIFACTS, KEY, STAGING, World

OTHER = {"S3Bucket": ARTIFACTS, "S3Key": "app-2.zip"}


@pytest.fixture
def stack(world: World) -> Stack:
    """A stack with a function; a second artifact is there, too."""
    world.s3.put_object(Bucket=ARTIFACTS, Key=OTHER["S3Key"], Body=artifact({"index.py": "second\n"}))
    made = Stack(world.stack, FUNCTION)
    assert made.create(BASE)
    world.aws_lambda.calls.clear()
    return made


def the_function(world: World) -> Any:
    (function,) = world.aws_lambda.functions.values()
    return function


def without_artifacts(world: World) -> None:
    for item in world.s3.list_objects_v2(Bucket=ARTIFACTS)["Contents"]:
        world.s3.delete_object(Bucket=ARTIFACTS, Key=item["Key"])


def fail(name: str, code: str = "ServiceException") -> Any:
    """Makes every call of this operation fail once the hook is set."""

    def before(operation: str, params: dict[str, Any]) -> None:
        if operation == name:
            raise Fault(code, "failed", 500)

    return before


class TestARollback:
    def test_after_a_complete_update_needs_no_artifact(self, world: World, stack: Stack) -> None:
        before = the_function(world).archive
        answered = updated(world, stack.physical_id or "", {}, {"Code": OTHER, "Env": {"A": "2"}})
        assert answered["Status"] == "SUCCESS"
        assert the_function(world).archive != before
        without_artifacts(world)
        stack.roll_back(changed(BASE, Code=OTHER, Env={"A": "2"}), BASE)
        assert the_function(world).archive == before

    def test_after_half_an_update_needs_no_artifact(self, world: World, stack: Stack) -> None:
        before = the_function(world).archive
        world.aws_lambda.before = fail("UpdateFunctionConfiguration")
        new = changed(BASE, Code=OTHER, MemorySize=512)
        assert updated(world, stack.physical_id or "", {}, new)["Status"] == "FAILED"
        assert the_function(world).archive != before
        world.aws_lambda.before = lambda operation, params: None
        without_artifacts(world)
        stack.roll_back(new, BASE)
        assert the_function(world).archive == before

    def test_of_what_was_refused_leaves_the_code_alone(self, world: World, stack: Stack) -> None:
        without_artifacts(world)
        assert not stack.update(changed(BASE, Code=OTHER, Env={"1A": "x"}))
        assert world.aws_lambda.changes() == []

    def test_of_a_missing_artifact_leaves_the_code_alone(self, world: World, stack: Stack) -> None:
        without_artifacts(world)
        assert not stack.update(changed(BASE, Code=OTHER))
        assert "UpdateFunctionCode" not in world.aws_lambda.changes()

    def test_returns_to_the_state_of_the_artifact_that_was_deployed(self, world: World, stack: Stack) -> None:
        before = the_function(world).archive
        world.s3.put_object(Bucket=ARTIFACTS, Key=KEY, Body=artifact({"index.py": "replaced\n"}))
        assert updated(world, stack.physical_id or "", {}, {"Env": {"A": "2"}})["Status"] == "SUCCESS"
        stack.roll_back(changed(BASE, Env={"A": "2"}), BASE)
        assert the_function(world).archive == before

    def test_without_package_and_artifact_says_what_to_do(self, world: World, stack: Stack) -> None:
        updated(world, stack.physical_id or "", {}, {"Env": {"A": "2"}})
        without_artifacts(world)
        for key in world.staged("deployed/"):
            world.s3.delete_object(Bucket=STAGING, Key=key)
        with pytest.raises(AssertionError, match=r"does not exist.*--resources-to-skip Function"):
            stack.roll_back(changed(BASE, Env={"A": "2"}), BASE)

    def test_of_code_needs_no_artifact(self, world: World) -> None:
        code = Stack(world.stack, CODE)
        assert code.create(INJECTED)
        before, new = code.physical_id, changed(INJECTED, Env={"A": "2"})
        event = world.stack.event("Update", new, resource_type=CODE, physical_id=before, old=INJECTED)
        code.physical_id = world.stack.send(event)["PhysicalResourceId"]
        assert code.physical_id != before
        without_artifacts(world)
        code.roll_back(new, INJECTED)
        assert code.physical_id == before
        assert world.staged() == [before]

    def test_of_code_returns_to_the_state_of_the_artifact_that_was_deployed(self, world: World) -> None:
        code = Stack(world.stack, CODE)
        assert code.create(INJECTED)
        before, new = code.physical_id, changed(INJECTED, ServiceTimeout=600)
        world.s3.put_object(Bucket=ARTIFACTS, Key=KEY, Body=artifact({"index.py": "replaced\n"}))
        event = world.stack.event("Update", new, resource_type=CODE, physical_id=before, old=INJECTED)
        code.physical_id = world.stack.send(event)["PhysicalResourceId"]
        assert code.physical_id != before
        code.roll_back(new, INJECTED)
        assert code.physical_id == before

    def test_of_code_without_object_and_artifact_says_what_to_do(self, world: World) -> None:
        code = Stack(world.stack, CODE)
        assert code.create(INJECTED)
        without_artifacts(world)
        for key in world.staged():
            world.s3.delete_object(Bucket=STAGING, Key=key)
        with pytest.raises(AssertionError, match=r"does not exist.*--resources-to-skip Function"):
            code.update(changed(INJECTED, Env={"A": "2"}))


class TestPackages:
    def test_of_the_last_two_deployments_are_kept(self, world: World, stack: Stack) -> None:
        name = stack.physical_id or ""
        for number in range(3):
            assert stack.update(changed(BASE, Env={"A": str(number)}))
        assert world.packages() == {name: 2}

    def test_of_an_update_that_was_rolled_back_are_deleted(self, world: World, stack: Stack) -> None:
        world.aws_lambda.before = fail("UpdateFunctionConfiguration")
        name, new = stack.physical_id or "", changed(BASE, Env={"A": "2"}, MemorySize=512)
        assert updated(world, name, {}, new)["Status"] == "FAILED"
        assert world.packages() == {name: 2}
        world.aws_lambda.before = lambda operation, params: None
        stack.roll_back(new, BASE)
        assert world.packages() == {name: 1}

    def test_go_with_their_function(self, world: World, stack: Stack) -> None:
        stack.update(changed(BASE, Env={"A": "2"}))
        stack.delete()
        assert world.packages() == {}

    def test_of_a_replacement_stay_when_the_old_function_goes(self, world: World) -> None:
        stack = Stack(world.stack, FUNCTION)
        assert stack.create(changed(BASE, FunctionName="one"))
        assert stack.update(changed(BASE, FunctionName="two"))
        assert world.packages() == {"two": 1}

    @pytest.mark.parametrize("refused", ["CreateFunction", "PutFunctionConcurrency"])
    def test_of_a_function_that_was_not_created_are_deleted(self, world: World, refused: str) -> None:
        world.aws_lambda.before = fail(refused)
        stack = Stack(world.stack, FUNCTION)
        assert not stack.create(changed(BASE, ReservedConcurrentExecutions=1))
        assert world.packages() == {}

    def test_do_not_confirm_a_guess(self, world: World, stack: Stack, record_property: Any) -> None:
        """The same variables in another function give other hashes, and no name of an object or tag has a value."""
        record_property("attack", "a guess of a value, tested with a function's tag or the key of its package")
        (key,) = world.staged("deployed/")
        tag = the_function(world).tags[APPLIED]
        stack.delete()
        world.s3.delete_object(Bucket=STAGING, Key="secret/key")  # as another provider has another one
        assert stack.create(BASE)
        assert world.staged("deployed/") != [key]
        assert the_function(world).tags[APPLIED] != tag


class TestAnUpdate:
    def test_brings_back_code_that_somebody_changed(self, world: World, stack: Stack) -> None:
        function = the_function(world)
        function.archive, function.configuration["CodeSha256"] = b"by hand", "by hand"
        assert stack.update(changed(BASE, MemorySize=512))
        assert function.env_file().startswith("DEBUG=true")

    def test_brings_back_configuration_that_somebody_changed(self, world: World, stack: Stack) -> None:
        function = the_function(world)
        function.configuration |= {"Timeout": 99, "Environment": {"Variables": {"BY": "hand"}}}
        assert stack.update(changed(BASE, MemorySize=512))
        assert function.configuration["Timeout"] == 3
        assert function.configuration["Environment"] == {"Variables": {}}
        assert "UpdateFunctionCode" not in world.aws_lambda.changes()

    def test_after_a_skipped_rollback_brings_back_everything(self, world: World, stack: Stack) -> None:
        """CloudFormation says that the function still has the old properties, but it has the new ones."""
        function, new = the_function(world), {"Code": OTHER, "Env": {"DB": "test"}, "RecursiveLoop": "Allow"}
        assert updated(world, stack.physical_id or "", {}, {**new, "Timeout": 60})["Status"] == "SUCCESS"
        assert function.env_file() == "DB=test\n"
        assert stack.update(changed(BASE, Description="later"))
        assert function.env_file().startswith("DEBUG=true")
        assert function.configuration["Timeout"] == 3
        assert function.separate["recursion"] == "Terminate"

    def test_that_failed_between_separate_properties_is_not_trusted(self, world: World, stack: Stack) -> None:
        function, name = the_function(world), stack.physical_id or ""
        world.aws_lambda.before = fail("PutRuntimeManagementConfig")
        new = {"RecursiveLoop": "Allow", "RuntimeManagementConfig": {"UpdateRuntimeOn": "FunctionUpdate"}}
        assert updated(world, name, {}, new)["Status"] == "FAILED"
        assert function.separate["recursion"] == "Allow"
        world.aws_lambda.before = lambda operation, params: None
        assert stack.update(changed(BASE, Description="the rollback was skipped"))
        assert function.separate["recursion"] == "Terminate"

    def test_only_records_what_is_there_if_that_is_what_the_template_says(self, world: World, stack: Stack) -> None:
        the_function(world).configuration["Timeout"] = 60
        world.aws_lambda.calls.clear()
        assert updated(world, stack.physical_id or "", {}, {"Timeout": 60})["Status"] == "SUCCESS"
        assert world.aws_lambda.changes() == ["TagResource"]
        world.aws_lambda.calls.clear()
        assert updated(world, stack.physical_id or "", {}, {"Timeout": 60})["Status"] == "SUCCESS"
        assert world.aws_lambda.changes() == []

    def test_keeps_a_limit_of_concurrency_that_somebody_set_unless_the_template_has_one(
        self, world: World, stack: Stack
    ) -> None:
        function = the_function(world)
        function.separate["concurrency"] = 0
        assert stack.update(changed(BASE, MemorySize=512))
        assert function.separate["concurrency"] == 0
        assert stack.update(changed(BASE, ReservedConcurrentExecutions=5))
        function.separate["concurrency"] = 0
        assert stack.update(changed(BASE, ReservedConcurrentExecutions=5, MemorySize=256))
        assert function.separate["concurrency"] == 5

    def test_of_a_function_that_an_earlier_version_created_compares_templates(self, world: World, stack: Stack) -> None:
        del the_function(world).tags[APPLIED]
        assert stack.update(changed(BASE, MemorySize=512))
        assert "UpdateFunctionCode" not in world.aws_lambda.changes()
        assert APPLIED in the_function(world).tags

    def test_after_one_that_lambda_gave_up_sends_the_whole_configuration(
        self, world: World, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        describe = world.aws_lambda._describe_function

        def describe_failed(function: Any) -> dict[str, Any]:
            failed = {} if world.aws_lambda.changes() else {"LastUpdateStatus": "Failed"}
            return {**describe(function), **failed}

        monkeypatch.setattr(world.aws_lambda, "_describe_function", describe_failed)
        assert stack.update(changed(BASE, Description="d"))
        sent = next(params for name, params in world.aws_lambda.calls if name == "UpdateFunctionConfiguration")
        assert {"Timeout", "MemorySize", "Handler", "VpcConfig"} <= sent.keys()


class TestWhatSomebodyDeleted:
    def test_is_created_again_by_an_update(self, world: World, stack: Stack) -> None:
        name = stack.physical_id
        world.aws_lambda.functions.clear()
        assert stack.update(changed(BASE, MemorySize=512))
        assert stack.physical_id == name
        assert the_function(world).configuration["MemorySize"] == 512
        assert the_function(world).env_file().startswith("DEBUG=true")

    def test_keeps_its_explicit_name(self, world: World) -> None:
        stack = Stack(world.stack, FUNCTION)
        assert stack.create(changed(BASE, FunctionName="orders"))
        world.aws_lambda.functions.clear()
        assert stack.update(changed(BASE, FunctionName="orders", MemorySize=512))
        assert stack.physical_id == "orders"

    def test_gets_the_new_name_if_the_template_changes_it(self, world: World) -> None:
        stack = Stack(world.stack, FUNCTION)
        assert stack.create(changed(BASE, FunctionName="orders"))
        world.aws_lambda.functions.clear()
        assert stack.update(changed(BASE, FunctionName="bills"))
        assert set(world.aws_lambda.functions) == {"bills"}

    def test_is_created_again_by_a_rollback_without_the_artifact(self, world: World, stack: Stack) -> None:
        before = the_function(world).archive
        world.aws_lambda.functions.clear()
        without_artifacts(world)
        assert not stack.update(changed(BASE, Code=OTHER))
        assert the_function(world).archive == before

    def test_is_not_created_for_an_id_that_the_stack_does_not_have(
        self, world: World, stack: Stack, record_property: Any
    ) -> None:
        record_property("attack", "an Update in one's own stack, with the ID of a function that does not exist")
        event = world.stack.event("Update", BASE, physical_id="shop-elsewhere", old=BASE)
        world.stack.resource.physical_id = stack.physical_id or ""
        answered = world.stack.send(event)
        assert "function shop-elsewhere does not exist" in answered["Reason"]
        assert set(world.aws_lambda.functions) == {stack.physical_id}

    def test_of_another_stack_with_the_same_name_is_left_alone(self, world: World) -> None:
        created(world, FunctionName="orders", Code=OBJECT)
        world.aws_lambda.functions["orders"].tags = {"owner": "somebody"}
        answered = updated(world, "gone", {"FunctionName": "gone"}, {"FunctionName": "orders"})
        assert "orders is the name of a function that already exists" in answered["Reason"]
