"""``EnvLoader: auto``, the default: which loader it is, where it is refused, and functions from before it."""

from __future__ import annotations

from typing import Any

import pytest

from cfn_injector import env_loader
from cfn_injector.env_loader import EXEC_WRAPPER, LONGEST_RECORD
from cfn_injector.resources.lambda_function.applied import APPLIED
from tests.fakes.aws_lambda import Fault, Function
from tests.fakes.cloudformation import RESPONSE_URL, Stack
from tests.support.artifacts import artifact
from tests.support.lambda_functions import (
    BASE,
    CODE,
    FUNCTION,
    INJECTED,
    WRAPPER,
    archived,
    can_start,
    changed,
    created,
    entry,
    updated,
)
from tests.support.world import ARTIFACTS, World

PYTHON = {"Runtime": "python3.13", "Handler": "app.main", "Env": {"A": "1"}}
JAVA = {**PYTHON, "Runtime": "java21"}
OWN_WRAPPER = {"Environment": {"Variables": {EXEC_WRAPPER: "/opt/mine"}}}
SHIM = "_cfn_injector.handler"


@pytest.mark.parametrize("stated", [{}, {"EnvLoader": "auto"}])
@pytest.mark.parametrize(
    ("properties", "starts"),
    [
        (PYTHON, (SHIM, "")),
        (PYTHON | {"Runtime": "nodejs24.x"}, ("_cfn_injector/index.handler", "")),
        (PYTHON | {"Edge": "true"}, (SHIM, "")),
        (PYTHON | {"Env": {}}, (SHIM, "")),
        (PYTHON | OWN_WRAPPER, (SHIM, "")),
        (PYTHON | {"Handler": "/opt/agent/handler.main"}, (SHIM, "")),
        (JAVA, ("app.main", WRAPPER)),
        (JAVA | {"Runtime": "ruby3.4"}, ("app.main", WRAPPER)),
        (JAVA | {"Runtime": "dotnet10"}, ("app.main", WRAPPER)),
        ({"Runtime": "java21", "Env": {}}, ("", WRAPPER)),
        (PYTHON | {"Runtime": "provided.al2023"}, None),
        (PYTHON | {"Runtime": "go1.x"}, None),
        (JAVA | {"Edge": "true"}, None),
        ({"Runtime": "python3.13", "Handler": "app.main"}, None),
        ({"Runtime": "java21", "Handler": "app.main"}, None),
        ({"Runtime": "python3.13", "Env": {}}, None),
        ({"Handler": "app.main", "Env": {}}, None),
        ({"PackageType": "Image", "Env": {}}, None),
    ],
)
def test_the_runtime_decides_which_loader_a_template_with_variables_gets(
    stated: dict[str, Any], properties: dict[str, Any], starts: tuple[str, str] | None
) -> None:
    loader = env_loader.desired({**properties, **stated})
    assert ((loader.handler, loader.exec_wrapper) if loader else None) == starts
    assert list(env_loader.problems({**properties, **stated})) == []


@pytest.mark.parametrize(
    ("properties", "problem"),
    [
        (PYTHON | {"Handler": "app"}, "Handler is not a module, a dot and a name; use the form app.handler"),
        (
            PYTHON | {"Handler": "run.sh", "Environment": {"Variables": {EXEC_WRAPPER: "/opt/bootstrap"}}},
            f"Environment.Variables.{EXEC_WRAPPER} is Lambda Web Adapter's, which starts Handler as a command, without "
            "a loader; remove it",
        ),
        (
            JAVA | OWN_WRAPPER,
            f"Environment.Variables.{EXEC_WRAPPER} is set by EnvLoader: auto, which is exec for this runtime; "
            "remove one of the two",
        ),
        (
            JAVA | {"Env": {EXEC_WRAPPER: "/opt/mine"}},
            f"Env.{EXEC_WRAPPER} is set by EnvLoader: auto, which is exec for this runtime; remove one of the two",
        ),
        (
            JAVA | {"Env": {"BIG": "v" * LONGEST_RECORD}},
            "Env.BIG is over 131,071 bytes, name and = included, which Linux cannot pass to a program; "
            "put it into a file of the artifact",
        ),
    ],
)
def test_where_no_loader_can_be_added_the_error_names_the_way_out(properties: dict[str, Any], problem: str) -> None:
    (found,) = env_loader.problems(properties)
    assert str(found) == f"{problem}, or set EnvLoader: none"
    assert list(env_loader.problems({**properties, "EnvLoader": "none"})) == []


def test_an_artifact_that_has_the_loaders_folder_is_refused_with_the_way_out(world: World) -> None:
    world.s3.put_object(Bucket=ARTIFACTS, Key="mine.zip", Body=artifact({"_cfn_injector/x.py": "mine"}))
    mine = {"Code": {"S3Bucket": ARTIFACTS, "S3Key": "mine.zip"}}
    answered = world.stack.send(world.stack.event("Create", {**BASE, **mine}))
    assert "entry '_cfn_injector/x.py' of the artifact is where EnvLoader puts the loader" in answered["Reason"]
    assert "or set EnvLoader: none" in answered["Reason"]
    assert created(world, **mine, EnvLoader="none")


def test_a_function_gets_its_loader_by_default_and_keeps_the_file_for_readers(world: World) -> None:
    function = world.aws_lambda.functions[created(world)]
    assert entry(function) == (SHIM, {})
    assert can_start(function)
    assert "TABLE=dev-table\n" in function.env_file()


def test_a_function_without_env_keeps_its_handler_and_its_code(world: World) -> None:
    untouched = {name: value for name, value in BASE.items() if name != "Env"}
    answered = world.stack.send(world.stack.event("Create", untouched))
    function = world.aws_lambda.functions[answered["PhysicalResourceId"]]
    assert entry(function) == ("index.handler", {})
    assert not any(name.startswith("_cfn_injector") for name in archived(function))


WITHOUT = {"EnvLoader": "none"}
"""With these properties, a function is what an earlier version of the provider made of a template without EnvLoader."""


def parts(function: Function) -> tuple[Any, ...]:
    return function.archive, entry(function), function.configuration["MemorySize"]


def test_a_loader_that_an_update_removed_is_back_after_the_rollback(world: World) -> None:
    stack = Stack(world.stack, FUNCTION)
    assert stack.create(BASE)
    (function,) = world.aws_lambda.functions.values()
    before = parts(function)
    assert updated(world, stack.physical_id or "", {}, WITHOUT)["Status"] == "SUCCESS"
    assert entry(function) == ("index.handler", {})
    stack.roll_back(changed(BASE, **WITHOUT), BASE)
    assert parts(function) == before


class TestAFunctionFromBefore:
    @pytest.mark.parametrize("tags", ["tagged", "without tags"])
    @pytest.mark.parametrize("change", [{"MemorySize": 512}, {"Env": {"A": "2"}}, {}])
    def test_gets_its_loader_with_the_next_update_and_can_start_at_every_moment(
        self, world: World, tags: str, change: dict[str, Any]
    ) -> None:
        name, seen = created(world, **WITHOUT), list[bool]()
        function = world.aws_lambda.functions[name]
        if tags == "without tags":
            del function.tags[APPLIED]
        world.wire.hook = lambda exchange: seen.append(can_start(function))
        assert updated(world, name, {}, change)["Status"] == "SUCCESS"
        assert entry(function) == (SHIM, {})
        assert all(seen)
        assert can_start(function)

    @pytest.mark.parametrize("failing", ["", "UpdateFunctionCode", "UpdateFunctionConfiguration"])
    @pytest.mark.parametrize("change", [{"MemorySize": 512}, {"Env": {"A": "2"}}])
    def test_is_again_what_it_was_after_a_rollback_without_the_artifact(
        self, world: World, failing: str, change: dict[str, Any]
    ) -> None:
        def fail(operation: str, params: dict[str, Any]) -> None:
            if operation == failing:
                raise Fault("ServiceException", "failed", 500)

        stack = Stack(world.stack, FUNCTION)
        assert stack.create({**BASE, **WITHOUT})
        (function,) = world.aws_lambda.functions.values()
        before = parts(function)
        world.aws_lambda.before = fail
        answered = updated(world, stack.physical_id or "", {}, change)
        assert (answered["Status"] == "FAILED") is bool(failing)
        world.aws_lambda.before = lambda operation, params: None
        for item in world.s3.list_objects_v2(Bucket=ARTIFACTS)["Contents"]:
            world.s3.delete_object(Bucket=ARTIFACTS, Key=item["Key"])
        stack.roll_back(changed(BASE, **change), BASE)
        assert parts(function) == before
        assert len(world.staged("deployed/")) == 1

    def test_keeps_its_loader_when_a_later_update_is_rolled_back(self, world: World) -> None:
        stack = Stack(world.stack, FUNCTION)
        assert stack.create({**BASE, **WITHOUT})
        first, second = changed(BASE, Env={"A": "1"}), changed(BASE, Env={"A": "2"})
        assert stack.update(first)
        (function,) = world.aws_lambda.functions.values()
        before = parts(function)
        assert updated(world, stack.physical_id or "", first, second)["Status"] == "SUCCESS"
        stack.roll_back(second, first)
        assert parts(function) == before
        assert entry(function) == (SHIM, {})

    @pytest.mark.parametrize("change", [{"MemorySize": 512}, {"Env": {"A": "2"}}])
    def test_is_again_what_it_was_even_if_its_update_was_delivered_twice(
        self, world: World, change: dict[str, Any]
    ) -> None:
        stack = Stack(world.stack, FUNCTION)
        assert stack.create({**BASE, **WITHOUT})
        (function,) = world.aws_lambda.functions.values()
        before = parts(function)
        event = world.stack.event("Update", changed(BASE, **change), physical_id=stack.physical_id, old=BASE)
        world.stack.check_url = False
        event["ResponseURL"] = f"{RESPONSE_URL}&X-Amz-Date=20270115T080000Z"
        assert [world.stack.send(event)["Status"] for _ in range(2)] == ["SUCCESS", "SUCCESS"]
        stack.roll_back(changed(BASE, **change), BASE)
        assert parts(function) == before

    @pytest.mark.parametrize("failing", ["", "UpdateFunctionCode"])
    @pytest.mark.parametrize("change", [{"Env": {"A": "2"}}, {"Timeout": 9}])
    def test_keeps_the_loader_that_an_update_of_its_configuration_added(
        self, world: World, change: dict[str, Any], failing: str
    ) -> None:
        stack = Stack(world.stack, FUNCTION)
        assert stack.create({**BASE, **WITHOUT})
        first = changed(BASE, MemorySize=512)
        assert updated(world, stack.physical_id or "", {}, first)["Status"] == "SUCCESS"
        (function,) = world.aws_lambda.functions.values()
        before = parts(function)

        def fail(operation: str, params: dict[str, Any]) -> None:
            if operation == failing:
                raise Fault("ServiceException", "failed", 500)

        world.aws_lambda.before = fail
        updated(world, stack.physical_id or "", first, changed(first, **change))
        world.aws_lambda.before = lambda operation, params: None
        stack.roll_back(changed(first, **change), first)
        assert parts(function) == before

    def test_that_then_states_none_stays_without_a_loader_in_a_rollback(self, world: World) -> None:
        stack = Stack(world.stack, FUNCTION)
        assert stack.create({**BASE, **WITHOUT})
        (function,) = world.aws_lambda.functions.values()
        before = parts(function)
        assert updated(world, stack.physical_id or "", {}, {**WITHOUT, "MemorySize": 512})["Status"] == "SUCCESS"
        stack.roll_back(changed(BASE, **WITHOUT, MemorySize=512), BASE)
        assert parts(function) == before

    @pytest.mark.parametrize(
        "accepted", [{"Handler": "odd"}, {"Runtime": "java21", **OWN_WRAPPER}], ids=["odd handler", "own wrapper"]
    )
    def test_that_no_loader_can_be_added_to_goes_on_without_one(self, world: World, accepted: dict[str, Any]) -> None:
        name = created(world, **accepted, **WITHOUT)
        function = world.aws_lambda.functions[name]
        before = entry(function)
        newer = {"Runtime": {"java21": "java25"}.get(accepted.get("Runtime", ""), "python3.14"), "MemorySize": 512}
        assert updated(world, name, accepted, {**accepted, **newer})["Status"] == "SUCCESS"
        assert entry(function) == before
        assert not any(each.startswith("_cfn_injector") for each in archived(function))


def rolled_back(world: World, properties: dict[str, Any], failed: dict[str, Any], made: str) -> tuple[str, str]:
    """The key and the handler after the rollback of an update to ``failed``, which made the object of that key."""
    world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    event = world.stack.event("Update", properties, resource_type=CODE, physical_id=made, old=failed)
    answered = world.stack.send(event)
    return answered["PhysicalResourceId"], answered["Data"]["Handler"]


def test_code_from_before_is_what_a_rollback_returns_to(world: World) -> None:
    code, injected = Stack(world.stack, CODE), {**INJECTED, "Runtime": "python3.13", "Handler": "app.main"}
    assert code.create({**injected, **WITHOUT})
    before = code.physical_id
    new = changed(injected, ServiceTimeout=600)
    answered = world.stack.send(world.stack.event("Update", new, resource_type=CODE, physical_id=before, old=injected))
    assert answered["Data"]["Handler"] == SHIM
    assert answered["PhysicalResourceId"] != before
    assert rolled_back(world, injected, new, answered["PhysicalResourceId"]) == (before, "app.main")


@pytest.mark.parametrize(("stated", "handler"), [({}, SHIM), (WITHOUT, "app.main")], ids=["with loader", "from before"])
def test_code_whose_update_to_none_fails_is_again_what_it_was(
    world: World, stated: dict[str, str], handler: str
) -> None:
    code, injected = Stack(world.stack, CODE), {**INJECTED, "Runtime": "python3.13", "Handler": "app.main"}
    assert code.create({**injected, **stated})
    before = code.physical_id
    new = {**injected, **WITHOUT}
    answered = world.stack.send(world.stack.event("Update", new, resource_type=CODE, physical_id=before, old=injected))
    assert rolled_back(world, injected, new, answered["PhysicalResourceId"]) == (before, handler)
