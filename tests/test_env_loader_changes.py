"""A loader that comes, goes or follows another: what a function is started with at every moment, and in a rollback."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from cfn_injector.env_loader import EXEC_WRAPPER, LONGEST_RECORD
from tests.fakes.aws_lambda import Function
from tests.support.artifacts import artifact
from tests.support.lambda_functions import BASE, WRAPPER, archived, can_start, created, entry, updated
from tests.support.world import ARTIFACTS, World


def finds_its_variables(function: Function) -> bool:
    """Whether its configuration starts a loader that is in its code."""
    handler, environment = entry(function)
    return can_start(function) and (handler.startswith("_cfn_injector") or EXEC_WRAPPER in environment)


STARTS: dict[str, tuple[str, dict[str, str]]] = {
    "none": ("index.handler", {"OWN": "1"}),
    "handler": ("_cfn_injector.handler", {"OWN": "1"}),
    "exec": ("index.handler", {"OWN": "1", EXEC_WRAPPER: WRAPPER}),
}
CONFIGURED: dict[str, Any] = {"Environment": {"Variables": {"OWN": "1"}}}
CHANGES = [(old, new) for old in STARTS for new in STARTS if old != new]


@pytest.mark.parametrize("kind", STARTS)
def test_a_function_is_created_so_that_its_loader_runs_first(world: World, kind: str) -> None:
    name = created(world, **CONFIGURED, EnvLoader=kind)
    function = world.aws_lambda.functions[name]
    assert entry(function) == STARTS[kind]
    assert can_start(function)


@pytest.mark.parametrize(("old", "new"), CHANGES)
@pytest.mark.parametrize("wrong", [{}, {"Code": {"S3Bucket": ARTIFACTS, "S3Key": "missing.zip"}}, {"Timeout": "soon"}])
def test_whatever_loader_follows_another_the_function_can_start_at_every_moment(
    world: World, old: str, new: str, wrong: dict[str, Any]
) -> None:
    """Also where the update fails and is rolled back; from one loader to another it always finds its variables."""
    had, wants = {**CONFIGURED, "EnvLoader": old}, {**CONFIGURED, "EnvLoader": new, **wrong}
    name = created(world, **had)
    function, seen = world.aws_lambda.functions[name], list[tuple[bool, bool]]()
    world.wire.hook = lambda exchange: seen.append((can_start(function), finds_its_variables(function)))

    succeeded = updated(world, name, had, wants)["Status"] == "SUCCESS"

    assert succeeded is not bool(wrong)
    assert entry(function) == STARTS[old if wrong else new]
    if wrong:
        assert not any(call.startswith("Update") for call in world.aws_lambda.changes())
        world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        assert updated(world, name, wants, had)["Status"] == "SUCCESS"
        assert entry(function) == STARTS[old]
    assert all(can for can, _ in seen)
    assert all(found for _, found in seen) is (old != "none" and (bool(wrong) or new != "none"))
    assert can_start(function)


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_an_update_that_is_delivered_again_takes_no_loader_away(world: World, old: str, new: str) -> None:
    name = created(world, **CONFIGURED, EnvLoader=old)
    function = world.aws_lambda.functions[name]
    had, wants = {**BASE, **CONFIGURED, "EnvLoader": old}, {**BASE, **CONFIGURED, "EnvLoader": new}
    event = world.stack.event("Update", wants, physical_id=name, old=had)
    assert world.stack.send(event)["Status"] == "SUCCESS"
    seen = list[tuple[str, dict[str, str]]]()
    world.wire.hook = lambda exchange: seen.append(entry(function))
    assert world.stack.send(event)["Status"] == "SUCCESS"
    assert all(each == STARTS[new] for each in seen)


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_a_function_that_is_taken_over_can_start_at_every_moment(world: World, old: str, new: str) -> None:
    name = created(world, **CONFIGURED, EnvLoader=old)
    function, seen = world.aws_lambda.functions[name], list[bool]()
    function.tags.clear()
    world.wire.hook = lambda exchange: seen.append(can_start(function))
    adopted = {**BASE, **CONFIGURED, "EnvLoader": new, "FunctionName": name, "Adopt": True}
    assert world.stack.send(world.stack.event("Create", adopted))["Status"] == "SUCCESS"
    assert all(seen)
    assert entry(function) == STARTS[new]


def test_a_loader_that_goes_leaves_the_old_code_its_old_handler(world: World) -> None:
    had, wants = {"EnvLoader": "handler", "Handler": "old.main"}, {"EnvLoader": "none", "Handler": "new.main"}
    name = created(world, **had)
    function, seen = world.aws_lambda.functions[name], list[tuple[str, bool]]()
    world.wire.hook = lambda exchange: seen.append(
        (function.configuration["Handler"], "_cfn_injector/environ" in archived(function))
    )
    assert updated(world, name, had, wants)["Status"] == "SUCCESS"
    assert {handler for handler, is_old_code in seen if is_old_code} == {"_cfn_injector.handler", "old.main"}
    assert entry(function) == ("new.main", {})


@pytest.mark.parametrize("change", [{"Handler": "other.handler"}, {"AllowLoaderVariables": True}])
def test_what_the_loader_depends_on_makes_new_code(world: World, change: dict[str, Any]) -> None:
    name = created(world, EnvLoader="handler")
    function = world.aws_lambda.functions[name]
    world.aws_lambda.calls.clear()
    assert updated(world, name, {"EnvLoader": "handler"}, {"EnvLoader": "handler", **change})["Status"] == "SUCCESS"
    assert "UpdateFunctionCode" in world.aws_lambda.changes()
    assert function.configuration["Handler"] == "_cfn_injector.handler"


def test_a_handler_that_changes_without_a_loader_makes_no_new_code(world: World) -> None:
    none = {"EnvLoader": "none"}
    name = created(world, **none)
    world.aws_lambda.calls.clear()
    assert updated(world, name, none, {**none, "Handler": "other.handler"})["Status"] == "SUCCESS"
    assert "UpdateFunctionCode" not in world.aws_lambda.changes()


def test_inline_source_gets_a_loader_too(world: World) -> None:
    source = "def handler(event, context): ..."
    name = created(world, Code={"ZipFile": source}, EnvLoader="handler")
    assert can_start(world.aws_lambda.functions[name])
    assert zipfile.ZipFile(io.BytesIO(world.aws_lambda.functions[name].archive)).read("index.py").decode() == source


def test_a_refused_loader_is_told_of_before_anything_is_touched(world: World) -> None:
    properties = {**BASE, "Runtime": "provided.al2023", "EnvLoader": "exec"}
    answered = world.stack.send(world.stack.event("Create", properties))
    assert answered["Status"] == "FAILED"
    assert "EnvLoader exec has no effect with provided.al2023" in answered["Reason"]
    assert world.aws_lambda.changes() == []


def test_what_only_exec_cannot_hold_is_refused_when_exec_takes_the_place_of_handler(world: World) -> None:
    """The package would be the same; it is looked at again."""
    world.s3.put_object(Bucket=ARTIFACTS, Key="big.zip", Body=artifact({".env": "BIG=" + "v" * LONGEST_RECORD}))
    big = {"Code": {"S3Bucket": ARTIFACTS, "S3Key": "big.zip"}}
    name = created(world, **big, EnvLoader="handler")
    answered = updated(world, name, {**big, "EnvLoader": "handler"}, {**big, "EnvLoader": "exec"})
    assert "sets 'BIG' to over 131,071 bytes" in answered["Reason"]
    assert world.aws_lambda.functions[name].configuration["Handler"] == "_cfn_injector.handler"
