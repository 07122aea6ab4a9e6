"""Events that Lambda delivers once more, when the stack has gone on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.aws_lambda import Fault
from tests.support.lambda_functions import CODE, FUNCTION, INJECTED, PLAIN, changed, created, updated
from tests.support.world import World, issued


@pytest.mark.parametrize(("resource_type", "properties"), [(FUNCTION, PLAIN), (CODE, INJECTED)])
def test_a_create_makes_nothing_for_a_stack_that_has_come_to_rest(
    world: World, resource_type: str, properties: dict[str, Any]
) -> None:
    create = issued(world, "Create", properties, resource_type=resource_type)
    made = world.stack.send(create)["PhysicalResourceId"]
    world.stack.send(issued(world, "Delete", properties, physical_id=made, resource_type=resource_type))
    world.stack.status = "UPDATE_COMPLETE"
    assert world.stack.send(create)["Status"] == "FAILED"
    assert world.aws_lambda.functions == {}
    assert world.staged() == []


def test_a_delete_leaves_a_function_whose_name_came_back(world: World) -> None:
    one, two = changed(PLAIN, FunctionName="one"), changed(PLAIN, FunctionName="two")
    world.stack.send(issued(world, "Create", one))
    world.stack.send(issued(world, "Update", two, old=one, physical_id="one"))
    delete = issued(world, "Delete", one, physical_id="one")
    world.stack.send(delete)
    world.stack.send(issued(world, "Update", one, old=two, physical_id="two"))
    world.stack.send(issued(world, "Delete", two, physical_id="two"))
    world.stack.resource.physical_id = "one"
    assert world.stack.send(delete)["Status"] == "SUCCESS"
    assert set(world.aws_lambda.functions) == {"one"}


def test_tags_that_conflict_with_an_operation_are_set_after_it(world: World) -> None:
    name, left = created(world), [2]

    def stumble(operation: str, params: dict[str, Any]) -> None:
        if operation == "TagResource" and left[0]:
            left[0] -= 1
            raise Fault("ResourceConflictException", "another operation is in progress", 409)

    world.aws_lambda.before = stumble
    assert updated(world, name, {}, {"Tags": [{"Key": "a", "Value": "b"}]})["Status"] == "SUCCESS"
    assert world.aws_lambda.functions[name].tags["a"] == "b"
