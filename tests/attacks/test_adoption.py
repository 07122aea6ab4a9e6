"""``Adopt: true`` must not give a template the role of a function, or a stack the function of another one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.aws_lambda import Fault, Function
from tests.fakes.cloudformation import STACK_ID, Held
from tests.support.attacks import NATIVE_TAGS, VICTIM, VICTIM_TAGS, Attack, check, held_by_victim, payroll, rows
from tests.support.lambda_functions import BASE, changed, somebody
from tests.support.world import World

ADMIN = "arn:aws:iam::111122223333:role/admins/Admin"
INLINE = {"ZipFile": "def handler(event, context): ...\n"}
ADOPTED = changed(BASE, FunctionName="payroll", Adopt=True, Code=INLINE)


def adoption(world: World, **change: Any) -> dict[str, Any]:
    return world.stack.event("Create", changed(ADOPTED, **change))


def of(function: Function) -> Any:
    """The adoption of a function that no stack holds."""

    def event(world: World) -> dict[str, Any]:
        world.aws_lambda.functions["payroll"] = function
        return adoption(world)

    return event


def of_held(**tags: str) -> Any:
    """The adoption of a function that the victim's stack holds, with these tags."""

    def event(world: World) -> dict[str, Any]:
        payroll(world, **tags)
        return adoption(world)

    return event


def by_update(world: World) -> dict[str, Any]:
    """A replacement that adopts."""
    payroll(world, **NATIVE_TAGS)
    first = world.stack.send(world.stack.event("Create", BASE))["PhysicalResourceId"]
    return world.stack.event("Update", ADOPTED, physical_id=first, old=BASE)


def undescribed(world: World) -> dict[str, Any]:
    payroll(world, **NATIVE_TAGS)
    calls = [0]

    def deny(exchange: str) -> None:
        calls[0] += exchange == "DescribeStackResource"
        if exchange == "DescribeStackResource" and calls[0] > 1:
            raise Fault("AccessDenied", "not authorized", 403)

    world.wire.hook = deny
    return adoption(world)


def unheld(world: World) -> dict[str, Any]:
    world.aws_lambda.functions["payroll"] = somebody("payroll")
    return adoption(world)


def without_role_path(world: World) -> dict[str, Any]:
    del world.environ["CFN_INJECTOR_ROLE_PATH"]
    return unheld(world)


def outside_prefix(world: World) -> dict[str, Any]:
    world.environ["CFN_INJECTOR_FUNCTION_NAME_PREFIX"] = "team-a-"
    return unheld(world)


def with_marked_stack(world: World) -> dict[str, Any]:
    world.stack.tags = dict(VICTIM_TAGS)
    payroll(world, **VICTIM_TAGS)
    return adoption(world)


def in_creation(world: World) -> dict[str, Any]:
    """The victim's function, whose record has no physical ID until its creation is answered."""
    payroll(world, **VICTIM_TAGS)
    held_by_victim(world, "")
    world.stack.held[VICTIM, "Function"].status = "CREATE_IN_PROGRESS"
    return adoption(world)


def undecryptable(world: World) -> dict[str, Any]:
    world.aws_lambda.functions["payroll"] = somebody("payroll")
    world.aws_lambda.functions["payroll"].configuration["Environment"] = {"Error": {"ErrorCode": "AccessDenied"}}
    return adoption(world)


def with_concurrency(world: World) -> dict[str, Any]:
    world.aws_lambda.functions["payroll"] = somebody("payroll")
    return adoption(world, ReservedConcurrentExecutions=0)


ADOPTIONS = (
    Attack("adopting a function that another stack is creating", in_creation, "stack victim holds it"),
    Attack("adopting a function whose variables could not be restored", undecryptable, "cannot decrypt"),
    Attack("adopting with a setting that could not be restored", with_concurrency, "cannot be set while"),
    Attack("adopting a function with an administrator's role", of(somebody("payroll", ADMIN)), "RolePath"),
    Attack(
        "adopting a function whose role's name only begins like the path",
        of(somebody("payroll", "arn:aws:iam::111122223333:role/cfn-injector-admins/Admin")),
        "RolePath",
    ),
    Attack("adopting with a provider that does not know its RolePath", without_role_path, "RolePath"),
    Attack("adopting a function outside the provider's prefix", outside_prefix, "outside the provider's permissions"),
    Attack("adopting a native function that a stack holds", of_held(**NATIVE_TAGS), "stack victim holds it"),
    Attack("adopting a function that a stack holds by this provider", of_held(**VICTIM_TAGS), "stack victim holds it"),
    Attack("adopting a function that a stack holds and whose tags were removed", of_held(), "stack victim holds it"),
    Attack("adopting a held function by a replacement", by_update, "stack victim holds it"),
    Attack(
        "adopting while CloudFormation does not say who holds the function", undescribed, "it is unknown which stack"
    ),
    Attack("adopting with the victim's tags on one's own stack", with_marked_stack, "stack victim holds it"),
)


@pytest.mark.parametrize("attack", rows(ADOPTIONS))
def test_an_adoption_that_is_not_allowed_changes_nothing(world: World, attack: Attack, record_property: Any) -> None:
    check(world, attack, record_property)


def adoptable(world: World) -> Function:
    """A function with code and configuration of its own that no stack holds."""
    made = world.stack.send(world.stack.event("Create", changed(BASE, FunctionName="payroll", Timeout=7)))
    assert made["Status"] == "SUCCESS", made["Reason"]
    function = world.aws_lambda.functions["payroll"]
    function.tags = {"team": "payroll"}
    return function


def state(function: Function) -> tuple[Any, ...]:
    hidden = ("_created", "LastModified")
    configuration = {name: value for name, value in function.configuration.items() if name not in hidden and value}
    return function.archive, configuration["Handler"], configuration["Timeout"], function.tags


@pytest.mark.parametrize("failing", ["UpdateFunctionConfiguration", "TagResource"])
def test_an_adoption_that_fails_later_restores_code_and_configuration(
    world: World, failing: str, record_property: Any
) -> None:
    record_property("attack", f"an adoption that fails at {failing}")
    function = adoptable(world)
    before, struck = state(function), [False]

    def refuse(operation: str, params: dict[str, Any]) -> None:
        if operation == failing and not struck[0]:
            struck[0] = True
            raise Fault("AccessDeniedException", "not authorized to perform: iam:PassRole", 403)

    event = adoption(world, Timeout=9)
    world.aws_lambda.before = refuse
    answered = world.stack.send(event)
    assert struck == [True]
    assert answered["Status"] == "FAILED"
    assert state(world.aws_lambda.functions["payroll"]) == before


def test_an_adoption_that_is_rolled_back_restores_code_and_configuration(world: World, record_property: Any) -> None:
    record_property("attack", "an adoption that is rolled back")
    function = adoptable(world)
    before = state(function)
    adopted = world.stack.send(adoption(world, Timeout=9))
    assert adopted["Status"] == "SUCCESS", adopted["Reason"]
    assert state(function) != before
    world.stack.status = "ROLLBACK_IN_PROGRESS"
    answered = world.stack.send(world.stack.event("Delete", ADOPTED, physical_id="payroll"))
    assert answered["Status"] == "SUCCESS", answered["Reason"]
    assert state(world.aws_lambda.functions["payroll"]) == before


@pytest.mark.parametrize("status", ["DELETE_COMPLETE", "DELETE_SKIPPED"])
def test_a_function_that_its_stack_retained_can_be_adopted(world: World, status: str) -> None:
    payroll(world, **NATIVE_TAGS)
    held_by_victim(world, "payroll", "AWS::Lambda::Function")
    world.stack.held[next(key for key in world.stack.held if "victim" in key[0])].status = status
    answered = world.stack.send(adoption(world))
    assert answered["Status"] == "SUCCESS", answered["Reason"]


def test_a_native_function_of_the_same_stack_can_be_adopted_and_is_given_back(world: World) -> None:
    """One deployment adopts the function and removes its native resource, which CloudFormation does last."""
    function = adoptable(world)
    function.tags |= {"aws:cloudformation:stack-id": STACK_ID, "aws:cloudformation:logical-id": "Greeter"}
    world.stack.held[STACK_ID, "Greeter"] = Held("AWS::Lambda::Function", "payroll", "UPDATE_COMPLETE")
    before = state(function)
    event = adoption(world, Timeout=9)
    world.stack.status = "UPDATE_IN_PROGRESS"

    adopted = world.stack.send(event)
    assert adopted["Status"] == "SUCCESS", adopted["Reason"]
    assert state(function) != before
    deletion = world.stack.event("Delete", ADOPTED, physical_id="payroll")
    world.stack.status = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
    answered = world.stack.send(deletion)
    assert answered["Status"] == "SUCCESS", answered["Reason"]
    assert state(world.aws_lambda.functions["payroll"]) == before
