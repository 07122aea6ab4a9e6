"""``Custom::LambdaCode``: an object whose key is a hash of what it depends on."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from typing import Any

import pytest

from cfn_injector import env_loader, injection
from tests.fakes.aws_lambda import no_hook
from tests.support.artifacts import artifact
from tests.support.world import ARTIFACTS, KEY, STAGING, World

BASE: dict[str, Any] = {
    "Code": {"S3Bucket": ARTIFACTS, "S3Key": KEY},
    "Env": {"TABLE": "dev"},
    "Handler": "index.handler",
}
TYPE = "Custom::LambdaCode"


def sent(world: World, kind: str, properties: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return world.stack.send(world.stack.event(kind, properties, resource_type=TYPE, **fields))


def test_a_create_makes_an_object_with_env_and_answers_where_it_is(world: World) -> None:
    answered = sent(world, "Create", BASE)
    assert answered["Status"] == "SUCCESS", answered["Reason"]
    (key,) = world.staged()
    body = world.s3.get_object(Bucket=STAGING, Key=key)["Body"].read()
    assert zipfile.ZipFile(io.BytesIO(body)).read(".env") == b"TABLE=dev\n"
    assert answered["PhysicalResourceId"] == key
    assert key.startswith("code/shop-dev-")
    assert answered["Data"] == {
        "S3Bucket": STAGING,
        "S3Key": key,
        "Handler": "index.handler",
        "ExecWrapper": "",
        "CodeSha256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
    }


def test_the_same_create_twice_gives_one_object_and_one_answer(world: World) -> None:
    event = world.stack.event("Create", BASE, resource_type=TYPE)
    assert world.stack.send(event) == world.stack.send(event)
    assert len(world.staged()) == 1


@pytest.mark.parametrize("change", [{"Env": {"TABLE": "other"}}, {"EnvFile": "config/.env"}])
def test_a_change_is_a_new_key_and_the_old_object_stays_until_its_delete(world: World, change: dict[str, Any]) -> None:
    first = sent(world, "Create", BASE)["PhysicalResourceId"]
    new = {**BASE, **change}
    second = sent(world, "Update", new, physical_id=first, old=BASE)["PhysicalResourceId"]
    assert sorted(world.staged()) == sorted([first, second])
    sent(world, "Delete", BASE, physical_id=first)
    assert world.staged() == [second]


def test_new_bytes_under_the_same_key_are_a_new_key(world: World) -> None:
    first = sent(world, "Create", BASE)["PhysicalResourceId"]
    world.s3.put_object(Bucket=ARTIFACTS, Key=KEY, Body=artifact({"index.py": "changed\n"}))
    assert sent(world, "Update", BASE, physical_id=first, old=BASE)["PhysicalResourceId"] != first


def test_a_rollback_finds_the_old_object_again(world: World) -> None:
    first = sent(world, "Create", BASE)
    new = {**BASE, "Env": {"TABLE": "other"}}
    second = sent(world, "Update", new, physical_id=first["PhysicalResourceId"], old=BASE)
    back = sent(world, "Update", BASE, physical_id=second["PhysicalResourceId"], old=new)
    assert back["Data"] == first["Data"]


@pytest.mark.parametrize("physical_id", ["code/other-stack/Function/x.zip", "not-created/request-1", "tmp/x.zip"])
def test_a_delete_touches_no_object_that_is_not_this_resources(world: World, physical_id: str) -> None:
    world.s3.put_object(Bucket=STAGING, Key=physical_id, Body=b"theirs")
    assert sent(world, "Delete", BASE, physical_id=physical_id)["Status"] == "SUCCESS"
    assert world.staged() == [physical_id]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"MemorySize": 128}, "MemorySize is not a property of Custom::LambdaCode"),
        ({"Code": {"ZipFile": "x"}}, "Code.ZipFile"),
        ({"Code": {**BASE["Code"], "S3ObjectStorageMode": "REFERENCE"}}, "S3ObjectStorageMode"),
        ({"Env": {"A": []}}, "Env.A is a list"),
        ({"Edge": "maybe"}, "Edge is not a boolean"),
        ({"Edge": "true", "Runtime": "java21"}, "Runtime is not supported by Lambda@Edge"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_written(world: World, change: dict[str, Any], told: str) -> None:
    answered = sent(world, "Create", {**BASE, **change})
    assert answered["Status"] == "FAILED"
    assert told in answered["Reason"]
    assert world.staged() == []


def test_an_update_refuses_only_what_is_newly_wrong(world: World) -> None:
    wrong = {**BASE, "Former": "x"}
    first = sent(world, "Create", BASE)["PhysicalResourceId"]
    assert sent(world, "Update", {**wrong, "Env": {}}, physical_id=first, old=wrong)["Status"] == "SUCCESS"
    assert sent(world, "Update", wrong, physical_id=first, old=BASE)["Status"] == "FAILED"


def killed_create(world: World) -> None:
    """The provider is killed once the object is written: it makes no other call."""

    def kill(name: str) -> None:
        if "PutObject" in world.wire.names:
            raise KeyboardInterrupt

    world.wire.hook = kill
    with pytest.raises(KeyboardInterrupt):
        world.deliver_unguarded(world.stack.event("Create", BASE, resource_type=TYPE))
    world.wire.hook = no_hook
    assert len(world.staged()) == 1


@pytest.mark.parametrize("physical_id", ["not-created/request-1", "shop-dev-Code-1A2B3C4D5E6F"])
def test_what_a_killed_create_left_goes_with_the_delete_that_follows(world: World, physical_id: str) -> None:
    killed_create(world)
    assert sent(world, "Delete", BASE, physical_id=physical_id)["Status"] == "SUCCESS"
    assert world.staged() == []


def test_what_a_killed_create_left_is_finished_by_its_next_delivery(world: World) -> None:
    killed_create(world)
    world.stack.requests -= 1
    answered = sent(world, "Create", BASE)
    assert world.staged() == [answered["PhysicalResourceId"]]
    sent(world, "Delete", BASE, physical_id="shop-dev-Code-1A2B3C4D5E6F")
    assert world.staged() == [answered["PhysicalResourceId"]]


def test_a_rollback_finds_the_object_that_an_earlier_version_of_the_provider_made(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = {**BASE, "EnvLoader": "exec", "Runtime": "java21"}
    first = sent(world, "Create", loaded)["PhysicalResourceId"]
    monkeypatch.setattr(env_loader, "_EXECUTABLE", 0o555)  # as a provider would that has another loader
    changed = {**loaded, "Env": {"TABLE": "other"}}
    second = sent(world, "Update", changed, physical_id=first, old=loaded)["PhysicalResourceId"]
    world.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    assert sent(world, "Update", loaded, physical_id=second, old=changed)["PhysicalResourceId"] == first
    world.stack.status = "UPDATE_IN_PROGRESS"
    assert sent(world, "Update", loaded, physical_id=first, old=loaded)["PhysicalResourceId"] not in (first, second)


def test_code_of_over_50_mb_is_refused_for_the_edge_but_not_once_it_is_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    edge = {**BASE, "Edge": "true"}
    first = sent(world, "Create", edge)["PhysicalResourceId"]
    monkeypatch.setattr(injection, "EDGE_MAX_SIZE", 100)
    other = {"Env": {"TABLE": "other"}}
    assert "more than the 100 that Lambda@Edge takes" in sent(world, "Create", {**edge, **other})["Reason"]
    assert world.staged() == [first]
    assert sent(world, "Update", {**edge, **other}, physical_id=first, old=edge)["Status"] == "SUCCESS"
