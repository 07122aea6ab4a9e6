"""The tag with what Lambda described when a deployment was complete: what it shows, and what it does not."""

from __future__ import annotations

import hmac
import json
from hashlib import sha256
from typing import Any

import pytest

from cfn_injector.resources.lambda_function import described
from cfn_injector.resources.lambda_function.described import DESCRIBED, NAMES, SEPARATE, comparable, digest, recorded
from cfn_injector.resources.lambda_function.steps import ARTIFACT
from tests.support.lambda_functions import BASE, CANARY, CHANGES_BY_HAND, created, updated
from tests.support.world import ARTIFACTS, STAGING, World


def keyed(inputs: Any) -> str:
    return hmac.new(b"key", json.dumps(inputs).encode(), sha256).hexdigest()


def differing(world: World, name: str) -> list[str]:
    """The names of the values whose hashes do not fit what Lambda describes now."""
    function = world.aws_lambda.functions[name]
    secret = world.s3.get_object(Bucket=STAGING, Key="secret/key")["Body"].read()
    values = described.described(function.configuration)
    arn = function.configuration["FunctionArn"]

    def fits(each: str, found: str) -> bool:
        key = hmac.new(secret, json.dumps([arn, each, values[each]]).encode(), sha256).hexdigest()
        return digest(lambda _: key, arn, each, values[each]) == found

    hashes = recorded(function.tags)
    return [each for each, found in hashes.items() if each not in SEPARATE and not fits(each, found)]


def test_nothing_differs_after_a_creation_and_after_each_update(world: World) -> None:
    name = created(world)
    assert differing(world, name) == []
    for change in ({"Env": {"TABLE": "2"}}, {"MemorySize": 512}, {"Env": {"TABLE": "3"}, "Timeout": 9}):
        assert updated(world, name, {}, change)["Status"] == "SUCCESS"
        assert differing(world, name) == []


@pytest.mark.parametrize("changed", CHANGES_BY_HAND)
def test_a_change_by_hand_differs_in_its_own_name_alone(changed: str, world: World) -> None:
    name = created(world)
    world.aws_lambda.functions[name].configuration.update(CHANGES_BY_HAND[changed])
    assert differing(world, name) == [changed]


def test_every_value_of_the_configuration_is_in_the_table_above() -> None:
    assert set(CHANGES_BY_HAND) | set(SEPARATE) == set(NAMES)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({}, {"VpcConfig": {"SubnetIds": [], "SecurityGroupIds": [], "VpcId": ""}}, id="no VPC"),
        pytest.param({}, {"Environment": {"Variables": {}}}, id="no variables"),
        pytest.param({}, {"SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"}}, id="no snapshots"),
        pytest.param(
            {"VpcConfig": {"SubnetIds": ["a", "b"], "SecurityGroupIds": []}},
            {"VpcConfig": {"SubnetIds": ["b", "a"], "SecurityGroupIds": []}},
            id="the order of subnets",
        ),
        pytest.param(
            {"Layers": [{"Arn": "l", "CodeSize": 1}]}, {"Layers": [{"Arn": "l", "CodeSize": 2}]}, id="sizes of layers"
        ),
    ],
)
def test_what_lambda_describes_in_two_ways_is_one_value(before: dict[str, Any], after: dict[str, Any]) -> None:
    own = {"CodeSha256": "x", "FunctionArn": "arn"}
    assert described.described({**own, **before}) == described.described({**own, **after})


def test_variables_that_the_provider_may_not_read_are_not_recorded(world: World) -> None:
    error = {"ErrorCode": "AccessDeniedException", "Message": "Lambda was unable to decrypt"}

    def deny(*_: object) -> None:
        for function in world.aws_lambda.functions.values():
            function.configuration["Environment"] = {"Error": error}

    world.aws_lambda.after = deny
    tags = world.aws_lambda.functions[created(world)].tags
    assert set(recorded(tags)) == set(NAMES) - set(SEPARATE) - {"Environment"}


def test_what_lambda_adds_to_the_runtimes_management_does_not_count() -> None:
    stated = {"UpdateRuntimeOn": "FunctionUpdate"}
    answered = {"FunctionArn": "arn", "UpdateRuntimeOn": "FunctionUpdate", "RuntimeVersionArn": None}
    assert comparable("RuntimeManagementConfig", stated) == comparable("RuntimeManagementConfig", answered)


def test_properties_with_calls_of_their_own_count_if_the_template_states_them(world: World) -> None:
    without = world.aws_lambda.functions[created(world)].tags
    assert recorded(without).keys() & set(SEPARATE) == set()
    world.stack.logical_id = "Other"
    stated = {"ReservedConcurrentExecutions": 5, "RecursiveLoop": "Allow"}
    tags = world.aws_lambda.functions[created(world, **stated)].tags
    assert recorded(tags).keys() & set(SEPARATE) == set(stated)


def test_equal_values_of_two_functions_have_different_hashes() -> None:
    first, second = (digest(keyed, f"arn:aws:lambda:r:1:function:{name}", "Timeout", 3) for name in "ab")
    assert first != second


def test_a_version_has_the_hashes_of_its_function() -> None:
    arn = "arn:aws:lambda:r:1:function:a"
    assert digest(keyed, arn, "Timeout", 3) == digest(keyed, f"{arn}:7", "Timeout", 3)


def test_the_tag_fits_and_has_no_value(world: World) -> None:
    stated = {"ReservedConcurrentExecutions": 5, "RecursiveLoop": "Allow", "Env": {"A": CANARY}}
    tags = world.aws_lambda.functions[created(world, **stated)].tags
    assert len(tags[DESCRIBED]) == 6 * len(NAMES) <= 256
    assert CANARY not in tags[DESCRIBED]


def test_the_artifact_is_named_by_what_a_tag_can_hold(world: World) -> None:
    key = f"builds (new)/größe-{'x' * 300}.zip"
    world.s3.copy_object(Bucket=ARTIFACTS, Key=key, CopySource={"Bucket": ARTIFACTS, "Key": "app-1.zip"})
    name = created(world, Code={"S3Bucket": ARTIFACTS, "S3Key": key})
    tag = world.aws_lambda.functions[name].tags[ARTIFACT]
    assert tag.startswith(f"{ARTIFACTS}/builds _new_/größe-xxx")
    assert len(tag) == 256


def test_inline_source_has_no_artifact(world: World) -> None:
    name = created(world, Code={"ZipFile": "def handler(event, context): return 1\n"})
    assert ARTIFACT not in world.aws_lambda.functions[name].tags


def test_without_room_for_it_the_function_is_deployed_without_the_tag(world: World) -> None:
    world.stack.tags = {f"tag-{number}": "1" for number in range(43)}
    tags = world.aws_lambda.functions[created(world)].tags
    assert not tags.keys() & {DESCRIBED, ARTIFACT}


def test_a_function_of_an_earlier_provider_has_no_hashes_and_gets_them_with_an_update(world: World) -> None:
    name = created(world)
    del world.aws_lambda.functions[name].tags[DESCRIBED]
    assert recorded(world.aws_lambda.functions[name].tags) == {}
    assert updated(world, name, {}, {"Timeout": 5})["Status"] == "SUCCESS"
    assert differing(world, name) == []


def test_the_base_of_these_tests_states_no_separate_property() -> None:
    assert not BASE.keys() & set(SEPARATE)
