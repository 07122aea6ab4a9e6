"""``Custom::LambdaFunction`` in a world of fakes: what is created, changed, replaced, refused and deleted."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from cfn_injector.protocol import ownership
from cfn_injector.protocol.messages import not_created
from cfn_injector.resources import lambda_function
from cfn_injector.resources.lambda_function.applied import APPLIED
from cfn_injector.resources.lambda_function.described import DESCRIBED
from cfn_injector.resources.lambda_function.steps import ARTIFACT
from tests.fakes.aws_lambda import Fault
from tests.fakes.cloudformation import STACK_ID
from tests.support.artifacts import artifact
from tests.support.lambda_functions import BASE, CANARY, created, somebody, updated
from tests.support.world import ARTIFACTS, KEY, World


def test_a_create_makes_a_function_with_env_in_its_archive_and_answers_its_attributes(world: World) -> None:
    answered = world.stack.send(world.stack.event("Create", BASE))
    (name,) = world.aws_lambda.functions
    function = world.aws_lambda.functions[name]
    assert function.env_file() == "DEBUG=true\nRETRIES=3\nTABLE=dev-table\n"
    assert answered["PhysicalResourceId"] == name
    arn = f"arn:aws:lambda:us-east-1:111122223333:function:{name}"
    assert answered["Data"].keys() == lambda_function.ATTRIBUTES.keys()
    assert answered["Data"] == {
        "Arn": arn,
        "FunctionName": name,
        "Version": "$LATEST",
        "VersionArn": f"{arn}:$LATEST",
        "CodeSha256": function.configuration["CodeSha256"],
        "LogGroupName": f"/aws/lambda/{name}",
        "LogGroupArn": f"arn:aws:logs:us-east-1:111122223333:log-group:/aws/lambda/{name}:*",
        "SnapStartResponse.ApplyOn": "None",
        "SnapStartResponse.OptimizationStatus": "Off",
    }
    assert world.packages() == {name: 1}


def test_the_name_is_derived_from_stack_and_logical_id_within_64_characters(world: World) -> None:
    world.stack.logical_id = "L" * 80
    name = created(world)
    assert name.startswith("shop-dev-LLLL")
    assert len(name) <= 64


def test_the_function_bears_the_stacks_tags_the_templates_tags_and_its_owner(world: World) -> None:
    world.stack.tags = {"team": "shop", "stage": "dev"}
    name = created(world, Tags=[{"Key": "stage", "Value": "own"}])
    assert world.aws_lambda.functions[name].tags == {
        "team": "shop",
        "stage": "own",
        ownership.STACK_ID: STACK_ID,
        ownership.LOGICAL_ID: "Function",
        ownership.REQUEST_ID: "request-1",
        ARTIFACT: f"{ARTIFACTS}/{KEY}",
        **{key: world.aws_lambda.functions[name].tags[key] for key in (APPLIED, DESCRIBED)},
    }


def test_inline_source_becomes_index_py_beside_the_env(world: World) -> None:
    name = created(world, Code={"ZipFile": "def handler(event, context): return 1\n"})
    assert world.aws_lambda.functions[name].env_file("index.py") == "def handler(event, context): return 1\n"
    assert world.aws_lambda.functions[name].env_file().startswith("DEBUG=true")


def test_the_files_of_the_artifact_and_its_own_variables_stay(world: World) -> None:
    body = artifact({"app.py": "pass\n", ".env": "# shared\nTABLE=none\nOTHER='kept'\n"})
    world.s3.put_object(Bucket=ARTIFACTS, Key="own-env.zip", Body=body)
    name = created(world, Code={"S3Bucket": ARTIFACTS, "S3Key": "own-env.zip"}, Env={"TABLE": "t"})
    assert world.aws_lambda.functions[name].env_file() == "# shared\nTABLE=t\nOTHER='kept'\n"
    assert world.aws_lambda.functions[name].env_file("app.py") == "pass\n"


class TestTheSameEventTwice:
    def test_a_create_leaves_one_function_and_the_same_answer(self, world: World) -> None:
        event = world.stack.event("Create", BASE)
        first, second = world.stack.send(event), world.stack.send(event)
        assert first == second
        assert len(world.aws_lambda.functions) == 1

    def test_a_create_whose_first_delivery_died_half_way_is_completed(self, world: World) -> None:
        event = world.stack.event("Create", BASE)
        _die_after(world, "CreateFunction")
        with pytest.raises(KeyboardInterrupt):
            world.deliver_unguarded(event)
        world.aws_lambda.after = lambda operation, params: None
        (name,) = world.aws_lambda.functions
        assert ownership.PENDING in world.aws_lambda.functions[name].tags
        answered = world.stack.send(event)
        assert answered["PhysicalResourceId"] == name
        assert ownership.PENDING not in world.aws_lambda.functions[name].tags

    def test_a_published_create_publishes_one_version(self, world: World) -> None:
        event = world.stack.event("Create", {**BASE, "Publish": True})
        first, second = world.stack.send(event), world.stack.send(event)
        assert first == second
        assert first["Data"]["Version"] == "1"

    def test_a_replacing_update_makes_one_new_function(self, world: World) -> None:
        name = created(world, FunctionName="one")
        new = {**BASE, "FunctionName": "two"}
        event = world.stack.event("Update", new, physical_id=name, old={**BASE, "FunctionName": "one"})
        assert world.stack.send(event) == world.stack.send(event)
        assert set(world.aws_lambda.functions) == {"one", "two"}

    def test_a_delete_succeeds_both_times(self, world: World) -> None:
        event = world.stack.event("Delete", BASE, physical_id=created(world))
        assert world.stack.send(event) == world.stack.send(event)
        assert world.aws_lambda.functions == {}


def _die_after(world: World, operation: str) -> None:
    """The provider is killed when this call has taken effect: it makes no other call to Lambda."""

    def kill(name: str, params: dict[str, Any]) -> None:
        if operation in world.aws_lambda.operations():
            raise KeyboardInterrupt

    world.aws_lambda.after = kill


class TestOwnership:
    def test_a_create_for_somebody_elses_name_fails_and_no_delete_touches_that_function(self, world: World) -> None:
        world.aws_lambda.functions["theirs"] = somebody("theirs")
        event = world.stack.event("Create", {**BASE, "FunctionName": "theirs"})
        answered = world.stack.send(event)
        assert answered["Status"] == "FAILED"
        assert "FunctionName theirs" in answered["Reason"]
        assert "Adopt: true" in answered["Reason"]
        for physical_id in (answered["PhysicalResourceId"], "theirs", "shop-dev-Function-MADEUP"):
            properties = {**BASE, "FunctionName": "theirs"}
            deleted = world.stack.send(world.stack.event("Delete", properties, physical_id=physical_id))
            assert deleted["Status"] == "SUCCESS"
        assert set(world.aws_lambda.functions) == {"theirs"}
        assert world.aws_lambda.changes() == []

    def test_adopt_takes_the_function_over_and_the_delete_then_removes_it(self, world: World) -> None:
        world.aws_lambda.functions["theirs"] = somebody("theirs", kept="yes")
        name = created(world, FunctionName="theirs", Adopt=True)
        function = world.aws_lambda.functions[name]
        assert function.configuration["Handler"] == "_cfn_injector.handler"
        assert function.env_file().endswith("TABLE=dev-table\n")
        assert function.tags["kept"] == "yes"
        assert function.tags[ownership.STACK_ID] == STACK_ID
        world.stack.send(world.stack.event("Delete", {**BASE, "FunctionName": "theirs"}, physical_id=name))
        assert world.aws_lambda.functions == {}

    def test_an_adoption_that_fails_leaves_the_function_in_place_and_not_ours(self, world: World) -> None:
        world.aws_lambda.functions["theirs"] = somebody("theirs")
        world.aws_lambda.before = _fail("UpdateFunctionConfiguration")
        properties = {**BASE, "FunctionName": "theirs", "Adopt": True}
        answered = world.stack.send(world.stack.event("Create", properties))
        assert answered["Status"] == "FAILED"
        world.stack.send(world.stack.event("Delete", properties, physical_id=answered["PhysicalResourceId"]))
        assert world.aws_lambda.functions["theirs"].tags == {}

    def test_an_adoption_that_is_rolled_back_lets_the_function_go(self, world: World) -> None:
        world.aws_lambda.functions["theirs"] = somebody("theirs", kept="yes")
        name = created(world, FunctionName="theirs", Adopt=True)
        world.stack.status = "ROLLBACK_IN_PROGRESS"
        world.stack.send(world.stack.event("Delete", {**BASE, "FunctionName": "theirs"}, physical_id=name))
        assert world.aws_lambda.functions["theirs"].tags == {"kept": "yes"}

    def test_a_function_that_was_made_here_is_deleted_in_a_rollback(self, world: World) -> None:
        name = created(world)
        world.stack.status = "ROLLBACK_IN_PROGRESS"
        world.stack.send(world.stack.event("Delete", BASE, physical_id=name))
        assert world.aws_lambda.functions == {}

    def test_tags_that_were_stripped_are_put_back_by_an_update(self, world: World) -> None:
        name = created(world)
        world.aws_lambda.functions[name].tags.clear()
        assert updated(world, name, {}, {"MemorySize": 256})["Status"] == "SUCCESS"
        assert world.aws_lambda.functions[name].tags[ownership.STACK_ID] == STACK_ID

    def test_a_function_without_tags_under_a_derived_name_is_still_deleted(self, world: World) -> None:
        name = created(world)
        world.aws_lambda.functions[name].tags.clear()
        world.stack.send(world.stack.event("Delete", BASE, physical_id=name))
        assert world.aws_lambda.functions == {}

    def test_a_function_that_another_stack_took_over_is_neither_updated_nor_deleted(self, world: World) -> None:
        name = created(world)
        world.aws_lambda.functions[name].tags[ownership.STACK_ID] = "arn:aws:cloudformation:other"
        answered = updated(world, name, {}, {"MemorySize": 256})
        assert answered["Status"] == "FAILED"
        assert "belongs to another" in answered["Reason"]
        world.stack.send(world.stack.event("Delete", BASE, physical_id=name))
        assert name in world.aws_lambda.functions

    def test_a_retained_function_under_the_derived_name_is_stepped_over(self, world: World) -> None:
        retained = created(world)
        answered = world.stack.send(world.stack.event("Create", BASE))
        assert answered["PhysicalResourceId"] != retained
        assert len(world.aws_lambda.functions) == 2


class TestAFailedCreate:
    def test_answers_a_marker_and_leaves_nothing(self, world: World) -> None:
        world.aws_lambda.before = _fail("PutFunctionConcurrency")
        answered = world.stack.send(world.stack.event("Create", {**BASE, "ReservedConcurrentExecutions": 5}))
        assert answered["Status"] == "FAILED"
        assert answered["PhysicalResourceId"] == not_created("request-1")
        assert world.aws_lambda.functions == {}
        assert world.staged() == []

    def test_tells_why_lambda_gave_the_function_up(self, world: World) -> None:
        world.aws_lambda.fails_to_become_active.add("f")
        answered = world.stack.send(world.stack.event("Create", {**BASE, "FunctionName": "f"}))
        assert "no room" in answered["Reason"]
        assert world.aws_lambda.functions == {}

    @pytest.mark.parametrize("physical_id", [not_created("request-1"), "shop-dev-Function-1A2B3C4D5E6F"])
    def test_what_it_left_pending_goes_with_its_delete(self, world: World, physical_id: str) -> None:
        _die_after(world, "CreateFunction")
        with pytest.raises(KeyboardInterrupt):
            world.deliver_unguarded(world.stack.event("Create", BASE))
        world.aws_lambda.after = lambda operation, params: None
        assert len(world.aws_lambda.functions) == 1
        world.stack.send(world.stack.event("Delete", BASE, physical_id=physical_id))
        assert world.aws_lambda.functions == {}

    def test_a_delete_that_comes_while_it_runs_wins(self, world: World) -> None:
        def delete_meanwhile(operation: str, params: dict[str, Any]) -> None:
            if operation == "GetFunction" and len(world.aws_lambda.functions) == 1:
                world.aws_lambda.functions.clear()

        world.aws_lambda.after = delete_meanwhile
        answered = world.stack.send(world.stack.event("Create", BASE))
        assert answered["Status"] == "FAILED"
        assert world.aws_lambda.functions == {}


def _fail(operation: str, code: str = "ServiceException", message: str = "broken") -> Any:
    def strike(name: str, params: dict[str, Any]) -> None:
        if name == operation:
            raise Fault(code, message, 500)

    return strike


class TestAnUpdate:
    def test_of_env_alone_uploads_code_and_nothing_else(self, world: World) -> None:
        name = created(world)
        world.aws_lambda.calls.clear()
        answered = updated(world, name, {}, {"Env": {"TABLE": "other"}})
        assert answered["PhysicalResourceId"] == name
        assert world.aws_lambda.functions[name].env_file() == "TABLE=other\n"
        assert world.aws_lambda.changes() == ["UpdateFunctionCode", "TagResource"]

    def test_of_configuration_alone_leaves_the_code(self, world: World) -> None:
        name = created(world, MemorySize=128)
        world.aws_lambda.calls.clear()
        updated(world, name, {"MemorySize": 128}, {"MemorySize": 512})
        assert world.aws_lambda.functions[name].configuration["MemorySize"] == 512
        assert world.aws_lambda.changes() == ["UpdateFunctionConfiguration", "TagResource"]

    def test_goes_code_configuration_runtime_publish_scaling_in_that_order(self, world: World) -> None:
        name = created(world, Publish=True)
        world.aws_lambda.calls.clear()
        new = {
            "Publish": True,
            "MemorySize": 512,
            "Env": {"A": "1"},
            "RuntimeManagementConfig": {"UpdateRuntimeOn": "FunctionUpdate"},
            "FunctionScalingConfig": {"MinExecutionEnvironments": 1},
        }
        answered = updated(world, name, {"Publish": True}, new)
        assert world.aws_lambda.changes() == [
            "TagResource",
            "UpdateFunctionCode",
            "UpdateFunctionConfiguration",
            "PutRuntimeManagementConfig",
            "TagResource",
            "PublishVersion",
            "PutFunctionScalingConfig",
        ]
        assert answered["Data"]["Version"] == "2"
        assert world.aws_lambda.functions[name].separate["scaling"] == ("2", {"MinExecutionEnvironments": 1})

    def test_that_removes_properties_resets_them(self, world: World) -> None:
        rich = {
            "Description": "d",
            "Timeout": 30,
            "MemorySize": 512,
            "Environment": {"Variables": {"A": "1"}},
            "DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:111122223333:q"},
            "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
            "Layers": ["arn:aws:lambda:us-east-1:111122223333:layer:l:1"],
            "KmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/k",
            "TracingConfig": {"Mode": "Active"},
            "EphemeralStorage": {"Size": 1024},
            "SnapStart": {"ApplyOn": "PublishedVersions"},
            "LoggingConfig": {"LogFormat": "JSON", "LogGroup": "mine"},
            "FileSystemConfigs": [
                {"Arn": "arn:aws:elasticfilesystem:us-east-1:111122223333:access-point/a", "LocalMountPath": "/mnt/a"}
            ],
            "ReservedConcurrentExecutions": 5,
            "RecursiveLoop": "Allow",
            "RuntimeManagementConfig": {"UpdateRuntimeOn": "FunctionUpdate"},
            "CodeSigningConfigArn": "arn:aws:lambda:us-east-1:111122223333:code-signing-config:csc-0123456789abcdefg",
            "Tags": [{"Key": "colour", "Value": "red"}],
        }
        name = created(world, **rich)
        function = world.aws_lambda.functions[name]
        assert function.separate.keys() == {"concurrency", "recursion", "runtime", "signing"}
        assert updated(world, name, rich, {})["Status"] == "SUCCESS"
        expected = {
            "Description": "",
            "Timeout": 3,
            "MemorySize": 128,
            "Environment": {"Variables": {}},
            "DeadLetterConfig": {"TargetArn": ""},
            "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": [], "Ipv6AllowedForDualStack": False},
            "Layers": [],
            "KMSKeyArn": "",
            "TracingConfig": {"Mode": "PassThrough"},
            "EphemeralStorage": {"Size": 512},
            "SnapStart": {"ApplyOn": "None"},
            "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"},
            "FileSystemConfigs": [],
        }
        assert {key: function.configuration[key] for key in expected} == expected
        assert function.separate == {"recursion": "Terminate", "runtime": "Auto"}
        assert "colour" not in function.tags

    def test_that_empties_structures_resets_them_as_if_they_were_removed(self, world: World) -> None:
        rich = {
            "Environment": {"Variables": {"A": "1"}},
            "DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:111122223333:q"},
            "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
            "TracingConfig": {"Mode": "Active"},
            "SnapStart": {"ApplyOn": "PublishedVersions"},
            "LoggingConfig": {"LogFormat": "JSON"},
            "RuntimeManagementConfig": {"UpdateRuntimeOn": "FunctionUpdate"},
        }
        name = created(world, **rich)
        assert updated(world, name, rich, {key: {} for key in rich})["Status"] == "SUCCESS"
        function = world.aws_lambda.functions[name]
        assert function.configuration["Environment"] == {"Variables": {}}
        assert function.configuration["DeadLetterConfig"] == {"TargetArn": ""}
        assert function.configuration["VpcConfig"]["SubnetIds"] == []
        assert function.configuration["TracingConfig"] == {"Mode": "PassThrough"}
        assert function.configuration["SnapStart"] == {"ApplyOn": "None"}
        assert function.configuration["LoggingConfig"]["LogFormat"] == "Text"
        assert function.separate["runtime"] == "Auto"

    def test_refuses_only_what_is_newly_wrong(self, world: World) -> None:
        name = created(world)
        wrong = {"PropertyOfAnOlderProvider": "x"}
        assert updated(world, name, wrong, {**wrong, "MemorySize": 256})["Status"] == "SUCCESS"
        answered = updated(world, name, wrong, {**wrong, "AnotherOne": "x"})
        assert answered["Status"] == "FAILED"
        assert "AnotherOne" in answered["Reason"]
        assert "PropertyOfAnOlderProvider" not in answered["Reason"]

    def test_that_fails_keeps_the_id_and_its_rollback_restores_everything(self, world: World) -> None:
        name = created(world, Env={"A": "old"}, MemorySize=128)
        old, new = {"Env": {"A": "old"}, "MemorySize": 128}, {"Env": {"A": "new"}, "MemorySize": 256}
        world.aws_lambda.before = _fail("UpdateFunctionConfiguration")
        answered = updated(world, name, old, new)
        assert answered["Status"] == "FAILED"
        assert answered["PhysicalResourceId"] == name
        world.aws_lambda.before = lambda operation, params: None
        world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        assert updated(world, name, new, old)["Status"] == "SUCCESS"
        assert world.aws_lambda.functions[name].env_file() == "A=old\n"
        assert world.aws_lambda.functions[name].configuration["MemorySize"] == 128


class TestAReplacement:
    def test_makes_a_new_function_and_leaves_the_old_one_to_cloudformation(self, world: World) -> None:
        created(world, FunctionName="one")
        answered = updated(world, "one", {"FunctionName": "one"}, {"FunctionName": "two"})
        assert answered["PhysicalResourceId"] == "two"
        assert set(world.aws_lambda.functions) == {"one", "two"}
        world.stack.send(world.stack.event("Delete", {**BASE, "FunctionName": "one"}, physical_id="one"))
        assert set(world.aws_lambda.functions) == {"two"}

    def test_is_rolled_back_to_the_old_function_which_still_exists(self, world: World) -> None:
        created(world, FunctionName="one")
        one, two = {"FunctionName": "one"}, {"FunctionName": "two", "MemorySize": 512}
        assert updated(world, "one", one, two)["PhysicalResourceId"] == "two"
        world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        answered = updated(world, "two", two, one)
        assert answered["Status"] == "SUCCESS"
        assert answered["PhysicalResourceId"] == "one"

    def test_of_a_derived_name_is_rolled_back_to_the_old_function(self, world: World) -> None:
        name = created(world)
        new = {"TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}}
        replaced = updated(world, name, {}, new)["PhysicalResourceId"]
        assert replaced != name
        world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        assert updated(world, replaced, new, {})["PhysicalResourceId"] == name

    def test_that_fails_deletes_what_it_made_and_its_rollback_keeps_the_old_function(self, world: World) -> None:
        name = created(world)
        new = {"DurableConfig": {"ExecutionTimeout": 60}, "ReservedConcurrentExecutions": 1}
        world.aws_lambda.before = _fail("PutFunctionConcurrency")
        answered = updated(world, name, {}, new)
        assert answered["Status"] == "FAILED"
        assert answered["PhysicalResourceId"] == name
        assert set(world.aws_lambda.functions) == {name}
        world.aws_lambda.before = lambda operation, params: None
        world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        assert updated(world, name, new, {})["PhysicalResourceId"] == name

    def test_that_would_keep_an_explicit_name_is_refused_with_that_reason(self, world: World) -> None:
        created(world, FunctionName="one")
        new = {"FunctionName": "one", "TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}}
        answered = updated(world, "one", {"FunctionName": "one"}, new)
        assert answered["Status"] == "FAILED"
        assert "TenancyConfig" in answered["Reason"]
        assert "FunctionName" in answered["Reason"]

    def test_by_removing_the_explicit_name_derives_one(self, world: World) -> None:
        created(world, FunctionName="one")
        assert updated(world, "one", {"FunctionName": "one"}, {})["PhysicalResourceId"].startswith("shop-dev-")


class TestVersions:
    def test_a_version_is_answered_once_it_is_active(self, world: World) -> None:
        answered = world.stack.send(world.stack.event("Create", {**BASE, "Publish": True}))
        assert answered["Data"]["Version"] == "1"
        assert answered["Data"]["VersionArn"].endswith(":1")
        assert not answered["Data"]["Arn"].endswith(":1")

    def test_an_env_change_publishes_a_version_that_carries_it(self, world: World) -> None:
        name = created(world, Publish=True)
        answered = updated(world, name, {"Publish": True}, {"Publish": True, "Env": {"A": "2"}})
        assert answered["Data"]["Version"] == "2"

    def test_a_version_that_fails_is_deleted_and_the_update_fails(self, world: World) -> None:
        name = created(world, Publish=True)
        world.aws_lambda.failing_versions = True
        answered = updated(world, name, {"Publish": True}, {"Publish": True, "Env": {"A": "2"}})
        assert answered["Status"] == "FAILED"
        assert "snapshot failed" in answered["Reason"]
        assert set(world.aws_lambda.functions[name].versions) == {"1"}

    def test_old_versions_go_but_for_those_that_stay_by_number_or_alias(self, world: World) -> None:
        name = created(world, Publish=True, KeepVersions=1)
        world.aws_lambda.functions[name].aliases["live"] = {
            "Name": "live",
            "FunctionVersion": "1",
            "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.1}},
        }
        options = {"Publish": True, "KeepVersions": 1}
        for number in range(2, 7):
            updated(world, name, {**options, "Env": {"A": number - 1}}, {**options, "Env": {"A": number}})
        assert set(world.aws_lambda.functions[name].versions) == {"1", "2", "5", "6"}

    def test_a_change_by_somebody_else_meanwhile_is_not_published(self, world: World) -> None:
        name = created(world, Publish=True)

        def interfere(operation: str, params: dict[str, Any]) -> None:
            if operation == "PublishVersion":
                world.aws_lambda.functions[name].revision += 1
                world.aws_lambda.functions[name].configuration["CodeSha256"] = "theirs"

        world.aws_lambda.before = interfere
        answered = updated(world, name, {"Publish": True}, {"Publish": True, "Env": {"A": "2"}})
        assert answered["Status"] == "FAILED"
        assert "someone else" in answered["Reason"]


class TestADelete:
    @pytest.mark.parametrize("properties", [{}, {"Code": "nonsense", "Env": [1]}])
    def test_checks_no_property(self, world: World, properties: dict[str, Any]) -> None:
        name = created(world)
        answered = world.stack.send(world.stack.event("Delete", properties, physical_id=name))
        assert answered["Status"] == "SUCCESS"
        assert world.aws_lambda.functions == {}

    def test_of_what_is_gone_succeeds(self, world: World) -> None:
        answered = world.stack.send(world.stack.event("Delete", BASE, physical_id="shop-dev-Function-GONE"))
        assert answered["Status"] == "SUCCESS"

    def test_detaches_a_vpc_first(self, world: World) -> None:
        name = created(world, VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]})
        world.aws_lambda.calls.clear()
        world.stack.send(world.stack.event("Delete", BASE, physical_id=name))
        assert world.aws_lambda.changes() == ["UpdateFunctionConfiguration", "DeleteFunction"]

    def test_of_a_replicated_function_waits_and_then_names_the_way_out(self, world: World) -> None:
        name = created(world, Edge=True)

        def replicated(operation: str, params: dict[str, Any]) -> None:
            if operation == "DeleteFunction":
                message = "Lambda was unable to delete f because it is a replicated function."
                raise Fault("InvalidParameterValueException", message)

        world.aws_lambda.before = replicated
        answered = world.stack.send(world.stack.event("Delete", BASE, physical_id=name))
        assert answered["Status"] == "FAILED"
        assert "DeletionPolicy: Retain" in answered["Reason"]


class TestWhatPassesByItself:
    @pytest.mark.parametrize(
        ("code", "message"),
        [
            ("InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."),
            ("InvalidParameterValueException", "Your request has been throttled by EC2"),
            ("InvalidParameterValueException", "Lambda could not use the KMS key: grant not ready"),
            ("ResourceConflictException", "The operation cannot be performed: an update is in progress"),
        ],
    )
    def test_is_tried_again_within_the_time(self, world: World, code: str, message: str) -> None:
        left = [3]

        def stumble(operation: str, params: dict[str, Any]) -> None:
            if operation == "CreateFunction" and left[0]:
                left[0] -= 1
                raise Fault(code, message)

        world.aws_lambda.before = stumble
        created(world)
        assert left == [0]

    def test_what_lasts_is_told_with_lambdas_words_when_the_time_ends(self, world: World) -> None:
        message = "The role defined for the function cannot be assumed by Lambda."
        world.aws_lambda.before = _fail("CreateFunction", "InvalidParameterValueException", message)
        start = world.clock.now()
        answered = world.stack.send(world.stack.event("Create", BASE))
        assert answered["Status"] == "FAILED"
        assert "cannot be assumed" in answered["Reason"]
        assert world.clock.now() - start < 900


class TestSecrets:
    @pytest.mark.parametrize("fault", [None, *("CreateFunction", "waiting", "UntagResource", "GetFunction")])
    def test_a_value_of_env_is_in_no_answer_tag_or_log_line(self, world: World, fault: str | None) -> None:
        strike = _fail("GetFunction" if fault == "waiting" else str(fault), message=f"Lambda echoes {CANARY}")

        def before(operation: str, params: dict[str, Any]) -> None:
            if fault != "waiting" or world.aws_lambda.functions:
                strike(operation, params)

        world.aws_lambda.before = before
        properties = {**BASE, "Env": {"SECRET": CANARY, "LIST": [CANARY]} if fault == "GetFunction" else {"S": CANARY}}
        answered = world.stack.send(world.stack.event("Create", properties))
        assert (answered["Status"] == "FAILED") == (fault is not None)
        told = json.dumps([answered, world.log, [f.tags for f in world.aws_lambda.functions.values()]])
        assert CANARY not in told
        assert "s3cr3t-signature" not in told

    def test_an_unexpected_error_that_quotes_a_value_is_told_by_its_kind_and_place_alone(self, world: World) -> None:
        def explode(operation: str, params: dict[str, Any]) -> None:
            raise ZeroDivisionError("canary-of-a-library")

        world.aws_lambda.before = explode
        answered = world.stack.send(world.stack.event("Create", BASE))
        assert answered["Status"] == "FAILED"
        assert "ZeroDivisionError" in answered["Reason"]
        assert "canary" not in json.dumps([answered, world.log])


class TestRefusals:
    @pytest.mark.parametrize(
        ("properties", "named"),
        [
            ({"Code": {"ImageUri": "i"}}, "Code.ImageUri"),
            ({"Env": {"HOSTS": ["a"]}}, "Env.HOSTS is a list; use Fn::ToJsonString"),
            ({"Env": {"AWS_REGION": "x"}}, "Env.AWS_REGION"),
            ({"EnvFile": "../.env"}, "EnvFile"),
            ({"Env": {"A": "1"}, "Environment": {"Variables": {"A": "2"}}}, "Env.A"),
            ({"MemorySize": "much"}, "MemorySize"),
            ({"MemorySzie": 128}, "MemorySzie"),
            ({"CodeSigningConfigArn": "arn:enforcing"}, "CodeSigningConfigArn"),
            ({"Edge": True, "Layers": ["l"]}, "Layers"),
            ({"Adopt": True}, "Adopt"),
        ],
    )
    def test_come_before_anything_is_touched_and_name_the_property(
        self, world: World, properties: dict[str, Any], named: str
    ) -> None:
        world.aws_lambda.signing_policy = "Enforce"
        answered = world.stack.send(world.stack.event("Create", {**BASE, **properties}))
        assert answered["Status"] == "FAILED"
        assert named in answered["Reason"]
        assert world.aws_lambda.changes() == []
        assert world.staged() == []

    def test_an_edge_function_belongs_to_us_east_1(self, world: World) -> None:
        world.region = "eu-west-1"
        answered = world.stack.send(world.stack.event("Create", {**BASE, "Edge": True}))
        assert "us-east-1" in answered["Reason"]

    def test_an_edge_function_of_over_50_mb_is_refused_before_lambda_is_asked(self, world: World) -> None:
        large = io.BytesIO()
        with zipfile.ZipFile(large, "w") as archive:
            archive.writestr("large.bin", bytes(50 * 1024 * 1024))
        world.s3.put_object(Bucket=ARTIFACTS, Key="large.zip", Body=large.getvalue())
        code = {"S3Bucket": ARTIFACTS, "S3Key": "large.zip"}
        answered = world.stack.send(world.stack.event("Create", {**BASE, "Code": code, "Edge": True}))
        assert "more than the 52428800 that Lambda accepts here" in answered["Reason"]
        assert world.aws_lambda.changes() == []
        assert world.staged() == []

    def test_a_missing_artifact_is_named(self, world: World) -> None:
        properties = {**BASE, "Code": {"S3Bucket": ARTIFACTS, "S3Key": "nowhere.zip"}}
        answered = world.stack.send(world.stack.event("Create", properties))
        assert "s3://artifacts/nowhere.zip does not exist" in answered["Reason"]

    def test_too_many_tags_are_counted(self, world: World) -> None:
        world.stack.tags = {f"tag-{number}": "x" for number in range(46)}
        answered = world.stack.send(world.stack.event("Create", BASE))
        assert "46" in answered["Reason"]
        assert world.aws_lambda.changes() == []
