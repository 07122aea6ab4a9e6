"""Events that CloudFormation did not send, or not at that moment: whoever may invoke the provider can send any."""

from __future__ import annotations

from typing import Any

import pytest

from cfn_injector.protocol import ownership
from tests.fakes.aws_lambda import Fault
from tests.fakes.cloudformation import STACK_ID, Held
from tests.fakes.event_sources import LAMBDA, STREAM
from tests.support import api_gateway_resources, event_source_mappings
from tests.support.attacks import NATIVE_TAGS, VICTIM, VICTIM_TAGS, Attack, check, held_by_victim, payroll, rows
from tests.support.lambda_functions import BASE, CODE, INJECTED, changed, created, somebody
from tests.support.world import World, issued

UNVERIFIED = "cannot be verified"
EVIL = changed(BASE, Env={"TABLE": "attackers-table"})


def at_rest(world: World, event: dict[str, Any], status: str = "UPDATE_COMPLETE") -> dict[str, Any]:
    world.stack.status = status
    world.stack.resource.status = "UPDATE_COMPLETE"
    return event


def update(world: World, physical_id: str, **fields: Any) -> dict[str, Any]:
    return {**world.stack.event("Update", EVIL, physical_id=physical_id, old=BASE), **fields}


def code(world: World) -> str:
    answered = world.stack.send(world.stack.event("Create", INJECTED, resource_type=CODE))
    return str(answered["PhysicalResourceId"])


def victims_code(world: World) -> str:
    """The key of an object that the victim's stack holds."""
    key = f"code/victim-{'0' * 16}/Code/{'a' * 64}.zip"
    world.s3.put_object(Bucket=world.environ["CFN_INJECTOR_STAGING_BUCKET"], Key=key, Body=b"theirs")
    held_by_victim(world, key, CODE, "Code")
    return key


def victims_mapping(world: World, tags: dict[str, str]) -> str:
    payroll(world, **NATIVE_TAGS)
    return world.aws_lambda.add(tags, FunctionName="payroll", EventSourceArn=STREAM)


def with_state(status: str, resource_status: str, kind: str = "Update") -> Any:
    """An event of that kind, while the stack and the resource are in other states."""

    def event(world: World) -> dict[str, Any]:
        name = created(world)
        sent = world.stack.event(kind, EVIL, physical_id=name, old=BASE if kind == "Update" else None)
        world.stack.status, world.stack.resource.status = status, resource_status
        return sent

    return event


def in_clean_up(world: World) -> dict[str, Any]:
    name = created(world)
    world.stack.status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    event = world.stack.event("Delete", BASE, physical_id=name)
    world.stack.resource.status = "UPDATE_COMPLETE"
    return event


def denied(world: World) -> dict[str, Any]:
    event = update(world, created(world))

    def deny(exchange: str) -> None:
        if exchange.startswith("Describe"):
            raise Fault("AccessDenied", "not authorized", 403)

    world.wire.hook = deny
    return event


def of_another_logical_id(world: World) -> dict[str, Any]:
    return update(world, created(world), LogicalResourceId="Other")


def mapping_event(world: World, kind: str, tags: dict[str, str]) -> dict[str, Any]:
    uuid = victims_mapping(world, tags)
    properties = {"FunctionName": "payroll", "EventSourceArn": STREAM, "BatchSize": 1}
    old = {"FunctionName": "payroll", "EventSourceArn": STREAM}
    return event_source_mappings.event(
        world, kind, properties, physical_id=uuid, **({"old": old} if kind == "Update" else {})
    )


def untagged_update(world: World) -> dict[str, Any]:
    payroll(world, **NATIVE_TAGS)
    return update(world, "payroll")


def tagged_update(world: World) -> dict[str, Any]:
    payroll(world, **VICTIM_TAGS)
    return update(world, "payroll")


def unheld_admin(world: World) -> dict[str, Any]:
    role = "arn:aws:iam::111122223333:role/admins/Admin"
    world.aws_lambda.functions["by-hand"] = somebody("by-hand", role)
    return update(world, "by-hand")


def deletion(world: World, **tags: str) -> dict[str, Any]:
    payroll(world, **tags)
    return world.stack.event("Delete", BASE, physical_id="payroll")


def victims_stack(world: World) -> dict[str, Any]:
    payroll(world, **VICTIM_TAGS)
    return update(world, "payroll", StackId=VICTIM)


def spelled(physical_id: str) -> Any:
    """An Update in one's own stack, with another spelling of the name of another stack's function."""

    def event(world: World) -> dict[str, Any]:
        payroll(world, **NATIVE_TAGS)
        return update(world, physical_id)

    return event


def looks_derived(world: World) -> dict[str, Any]:
    name = "shop-dev-Function-ABCDEFGHIJKL"
    world.aws_lambda.functions[name] = somebody(name, **NATIVE_TAGS)
    held_by_victim(world, name, "AWS::Lambda::Function")
    return world.stack.event("Delete", BASE, physical_id=name)


def after_a_replacement(status: str) -> Any:
    """A Delete of the live function while its stack cleans up, and the newest event is about the old one."""

    def event(world: World) -> dict[str, Any]:
        name = created(world)
        world.stack.status = status
        sent = world.stack.event("Delete", BASE, physical_id=name)
        world.stack.resource.status = "UPDATE_COMPLETE"
        world.stack.newest = Held("Custom::LambdaFunction", "the-old-one", "DELETE_IN_PROGRESS")
        return sent

    return event


def sibling(world: World) -> dict[str, Any]:
    """An Update with the ID of another function of the same stack."""
    tags = {ownership.STACK_ID: STACK_ID, ownership.LOGICAL_ID: "Other"}
    world.aws_lambda.functions["sibling"] = somebody("sibling", **tags)
    return update(world, "sibling")


def with_cross_stack(world: World) -> dict[str, Any]:
    world.environ["CFN_INJECTOR_ALLOW_CROSS_STACK"] = "true"
    return mapping_event(world, "Delete", {})


FORGED = (
    Attack(
        "an Update with the ARN of another stack's function", spelled(f"{LAMBDA}:function:payroll"), "does not exist"
    ),
    Attack("an Update with a qualified name", spelled("payroll:$LATEST"), "does not exist"),
    Attack("an Update with a partial ARN", spelled("111122223333:function:payroll"), "does not exist"),
    Attack("an Update with the ID of another function of the same stack", sibling, "belongs to another"),
    Attack("a Delete of another stack's function whose name looks derived", looks_derived, ""),
    Attack(
        "a Delete of the live function after a replacement",
        after_a_replacement("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        UNVERIFIED,
    ),
    Attack(
        "a Delete of the live function after a replacement was rolled back",
        after_a_replacement("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"),
        UNVERIFIED,
    ),
    Attack("a Delete of a native mapping, with AllowCrossStack", with_cross_stack, ""),
    Attack("an Update of a stack at rest", lambda world: at_rest(world, update(world, created(world))), UNVERIFIED),
    Attack("an Update of another team's stack at rest", victims_stack, UNVERIFIED),
    Attack(
        "an Update of a stack that does not exist",
        lambda world: update(world, created(world), StackId=STACK_ID.replace("1c2f", "dead")),
        UNVERIFIED,
    ),
    Attack(
        "an Update of a stack by its name",
        lambda world: update(world, created(world), StackId="shop-dev"),
        "StackId is not the ARN of a stack",
    ),
    Attack(
        "an Update of a stack in another account",
        lambda world: update(world, created(world), StackId=STACK_ID.replace("111122223333", "999999999999")),
        UNVERIFIED,
    ),
    Attack("a Create for a stack at rest", lambda w: at_rest(w, w.stack.event("Create", BASE)), UNVERIFIED),
    Attack(
        "a Delete of a function of a stack at rest",
        lambda w: at_rest(w, w.stack.event("Delete", BASE, physical_id=created(w))),
        UNVERIFIED,
    ),
    Attack(
        "a Delete of the live object of a stack at rest",
        lambda w: at_rest(w, w.stack.event("Delete", INJECTED, physical_id=code(w), resource_type=CODE)),
        UNVERIFIED,
    ),
    Attack("an Update of a logical ID that the stack does not have", of_another_logical_id, UNVERIFIED),
    Attack(
        "an Update that names another resource type",
        lambda world: update(world, created(world), ResourceType=CODE),
        UNVERIFIED,
    ),
    Attack(
        "an Update while the resource is created", with_state("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS"), UNVERIFIED
    ),
    Attack(
        "an Update of a resource that is not touched, while others of its stack are",
        with_state("UPDATE_IN_PROGRESS", "CREATE_COMPLETE"),
        UNVERIFIED,
    ),
    Attack(
        "an Update of a stack at rest whose resource is still in progress",
        with_state("UPDATE_FAILED", "UPDATE_IN_PROGRESS"),
        UNVERIFIED,
    ),
    Attack("an Update of a stack whose update failed", with_state("UPDATE_FAILED", "UPDATE_FAILED"), UNVERIFIED),
    Attack("an Update after the resource's own", with_state("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"), UNVERIFIED),
    Attack(
        "a Delete while the resource is updated",
        with_state("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "Delete"),
        UNVERIFIED,
    ),
    Attack(
        "a Delete during a rollback that keeps it",
        with_state("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_COMPLETE", "Delete"),
        UNVERIFIED,
    ),
    Attack("a Delete of the live function during clean-up", in_clean_up, UNVERIFIED),
    Attack(
        "an Update while a change set is reviewed", with_state("REVIEW_IN_PROGRESS", "UPDATE_IN_PROGRESS"), UNVERIFIED
    ),
    Attack(
        "an Update while resources are imported", with_state("IMPORT_IN_PROGRESS", "UPDATE_IN_PROGRESS"), UNVERIFIED
    ),
    Attack("an Update while CloudFormation cannot be asked", denied, UNVERIFIED),
    Attack(
        "an Update in one's own stack, with the ID of another stack's native function", untagged_update, "stack victim"
    ),
    Attack(
        "an Update in one's own stack, with the ID of another stack's function", tagged_update, "belongs to another"
    ),
    Attack("an Update in one's own stack, with the ID of an administrator's function", unheld_admin, "RolePath"),
    Attack("a Delete in one's own stack, with the ID of a native function", lambda w: deletion(w, **NATIVE_TAGS), ""),
    Attack(
        "a Delete in one's own stack, with the ID of another stack's function", lambda w: deletion(w, **VICTIM_TAGS), ""
    ),
    Attack(
        "a Delete in one's own stack, with the key of another stack's object",
        lambda w: w.stack.event("Delete", INJECTED, physical_id=victims_code(w), resource_type=CODE),
        "",
    ),
    Attack(
        "an Update in one's own stack, with the ID of a native mapping",
        lambda w: mapping_event(w, "Update", {}),
        "stack, victim",
    ),
    Attack(
        "a Delete in one's own stack, with the ID of a native mapping",
        lambda w: mapping_event(w, "Delete", {}),
        "",
    ),
    Attack(
        "a Delete in one's own stack, with the ID of another stack's mapping",
        lambda w: mapping_event(w, "Delete", VICTIM_TAGS),
        "",
    ),
    Attack(
        "a Delete in one's own stack, with the ID of a native method",
        lambda w: w.stack.event(
            "Delete",
            api_gateway_resources.BASE,
            physical_id="shop000001/nativ1/POST",
            resource_type=api_gateway_resources.TYPE,
        ),
        "",
    ),
)


@pytest.mark.parametrize("attack", rows(FORGED))
def test_an_event_that_cloudformation_did_not_send_changes_nothing(
    world: World, attack: Attack, record_property: Any
) -> None:
    check(world, attack, record_property)


@pytest.mark.parametrize("lag", [1, 3, 6])
def test_an_event_is_served_when_cloudformation_describes_the_resource_some_seconds_late(
    world: World, lag: int
) -> None:
    name = created(world)
    event = update(world, name)
    world.stack.lag = lag
    assert world.stack.send(event)["Status"] == "SUCCESS"
    assert "attackers-table" in world.aws_lambda.functions[name].env_file()


def test_an_issue_time_in_the_future_does_not_make_later_events_stale(world: World, record_property: Any) -> None:
    record_property("attack", "an Update with an issue time in 2099")
    name = created(world)
    world.stack.check_url = False
    event = update(world, name)
    event["ResponseURL"] += "&X-Amz-Date=20990101T000000Z"
    assert world.stack.send(event)["Status"] == "SUCCESS"
    assert "4070908800" not in world.aws_lambda.functions[name].tags.values()
    assert world.stack.send(issued(world, "Update", BASE, physical_id=name, old=EVIL))["Status"] == "SUCCESS"
    assert "dev-table" in world.aws_lambda.functions[name].env_file()


def test_ownership_tags_on_a_stack_do_not_reach_its_functions(world: World, record_property: Any) -> None:
    record_property("attack", "ownership tags as tags of one's own stack")
    world.stack.tags = {
        "cfn-injector:served": "4070908800",
        "cfn-injector:adopted": "1",
        "cfn-injector:replaces": "payroll",
        "team": "shop",
    }
    name = created(world)
    tags = world.aws_lambda.functions[name].tags
    assert tags["team"] == "shop"
    assert tags.keys().isdisjoint(world.stack.tags.keys() - {"team"})


def test_throttling_of_the_verification_is_waited_out(world: World) -> None:
    event, left = world.stack.event("Create", BASE), [12]

    def throttle(exchange: str) -> None:
        if exchange.startswith("DescribeStack") and left[0]:
            left[0] -= 1
            raise Fault("Throttling", "Rate exceeded")

    world.wire.hook = throttle
    assert world.stack.send(event)["Status"] == "SUCCESS"
    assert left == [0]


def test_verification_asks_cloudformation_twice_and_lambda_never(world: World) -> None:
    world.stack.send(world.stack.event("Create", BASE))
    assert world.stack.calls[:2] == ["DescribeStacks", "DescribeStackResource"]
    before = list(world.stack.calls)
    world.stack.send(world.stack.event("Delete", BASE, physical_id="not-created/request-1"))
    assert world.stack.calls[len(before) :] == ["DescribeStacks", "DescribeStackResource"]
