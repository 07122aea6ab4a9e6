"""``Custom::LambdaCode``: an object whose key is a hash of what it depends on."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cfn_injector import env_loader, injection
from cfn_injector.aws.s3_objects import SECRET_KEY, account_secret
from cfn_injector.errors import StorageError
from cfn_injector.resources import lambda_code
from tests.fakes.aws_lambda import no_hook
from tests.fakes.s3_stub import running
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
    assert answered["Data"].keys() == lambda_code.ATTRIBUTES.keys()
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
        (
            {"Connect": {"Table": "Read"}},
            "Connect is for templates that are not deployed as they are; run cfn-injector",
        ),
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
        if world.wire.names.count("PutObject") == 2:  # the first one is the provider's secret
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
    assert "more than the 100 that Lambda accepts here" in sent(world, "Create", {**edge, **other})["Reason"]
    assert world.staged() == [first]
    assert sent(world, "Update", {**edge, **other}, physical_id=first, old=edge)["Status"] == "SUCCESS"


def stem(key: str) -> str:
    """The hash of the template's part in a key."""
    return key.rpartition("/")[2].partition(".")[0].partition("-")[0]


def test_the_key_of_an_object_does_not_confirm_a_guess(world: World, record_property: Any) -> None:
    record_property("attack", "a guess of a value, tested with the physical ID of injected code")
    key = sent(world, "Create", BASE)["PhysicalResourceId"]
    guess = json.dumps([[ARTIFACTS, KEY, None], [["TABLE", "dev"]], ".env", None]).encode()
    assert stem(key) != hashlib.sha256(guess).hexdigest()[:32]
    assert stem(key) == hmac.new(account_secret(world.s3, STAGING), guess, hashlib.sha256).hexdigest()[:32]


def test_a_key_is_the_same_within_one_provider_and_another_one_elsewhere(world: World) -> None:
    first = sent(world, "Create", BASE)["PhysicalResourceId"]
    sent(world, "Delete", BASE, physical_id=first)
    assert sent(world, "Create", BASE)["PhysicalResourceId"] == first
    world.s3.delete_object(Bucket=STAGING, Key=SECRET_KEY)  # as another provider has another one
    assert sent(world, "Create", BASE)["PhysicalResourceId"] != first


def test_two_first_uses_of_the_secret_agree(moto_s3: Any) -> None:
    theirs = b"theirs".ljust(32)

    class Racing:
        """A client before whose first PutObject another one creates the secret."""

        def __getattr__(self, name: str) -> Any:
            return getattr(moto_s3, name)

        def put_object(self, **arguments: Any) -> Any:
            moto_s3.put_object(Bucket=STAGING, Key=SECRET_KEY, Body=theirs)
            return moto_s3.put_object(**arguments)

    assert account_secret(Racing(), STAGING) == account_secret(moto_s3, STAGING) == theirs


class TestTheKeyOfTheHash:
    """Whoever reads the ID of an object cannot test a guess of its values: the hash in it has a key."""

    def test_one_provider_gives_one_id_and_another_bucket_gives_another(self, world: World) -> None:
        first = sent(world, "Create", BASE)["PhysicalResourceId"]
        assert sent(world, "Create", BASE)["PhysicalResourceId"] == first
        world.s3.create_bucket(Bucket="staging-of-another-team")
        world.environ["CFN_INJECTOR_STAGING_BUCKET"] = "staging-of-another-team"
        other = sent(world, "Create", BASE)["PhysicalResourceId"]
        assert other != first
        assert other.rpartition("/")[0] == first.rpartition("/")[0]

    def test_threads_agree(self, world: World) -> None:
        with ThreadPoolExecutor(8) as threads:
            found = list(threads.map(lambda _: account_secret(world.client("s3"), STAGING), range(16)))
        assert len(set(found)) == 1

    def test_a_conflict_with_another_first_use_is_waited_out(self) -> None:
        with running() as stub:
            stub.fail("PutObject", status=409)
            assert len(account_secret(stub.client(), "staging")) == 32

    def test_a_key_that_is_never_there_is_an_error(self) -> None:
        with running() as stub:
            stub.fail("PutObject", status=409, times=99)
            with pytest.raises(StorageError, match="could not be created"):
                account_secret(stub.client(), "staging")
            assert stub.stats()["PutObject"].requests < 99

    @pytest.mark.parametrize("body", [b"", b"short"])
    def test_a_damaged_key_is_an_error_and_no_key(self, world: World, body: bytes) -> None:
        world.s3.put_object(Bucket=STAGING, Key=SECRET_KEY, Body=body)
        answered = sent(world, "Create", BASE)
        assert "secret/key is damaged" in answered["Reason"]
        assert world.staged() == []

    def test_a_role_without_the_permission_is_told_to_be_updated(self) -> None:
        with running() as stub:
            stub.fail("GetObject", status=403)
            with pytest.raises(StorageError, match="update the provider's stack"):
                account_secret(stub.client(), "staging")

    def test_a_delete_needs_no_key(self, world: World) -> None:
        made = sent(world, "Create", BASE)["PhysicalResourceId"]
        world.s3.delete_object(Bucket=STAGING, Key=SECRET_KEY)
        assert sent(world, "Delete", BASE, physical_id=made)["Status"] == "SUCCESS"
        assert world.s3.list_objects_v2(Bucket=STAGING)["KeyCount"] == 0

    def test_an_object_of_an_earlier_provider_stays_until_its_update(self, world: World) -> None:
        first = sent(world, "Create", BASE)["PhysicalResourceId"]
        earlier = f"{first.rpartition('/')[0]}/{'0' * 64}.zip"
        world.s3.copy_object(Bucket=STAGING, Key=earlier, CopySource={"Bucket": STAGING, "Key": first})
        new = {**BASE, "Env": {"TABLE": "other"}}
        second = sent(world, "Update", new, physical_id=earlier, old=BASE)["PhysicalResourceId"]
        assert sorted(world.staged()) == sorted([earlier, first, second])
        sent(world, "Delete", BASE, physical_id=earlier)
        assert sorted(world.staged()) == sorted([first, second])
