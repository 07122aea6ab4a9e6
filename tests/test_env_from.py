"""``EnvFrom`` and references in ``Env``: what is read, in which order, and what is told if it cannot be read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from cfn_injector.env_from import stores
from cfn_injector.env_from.references import ParameterReference
from tests.fakes.aws_lambda import ACCOUNT, REGION, THROTTLING, Fault
from tests.fakes.cloudformation import STACK_ID
from tests.support.artifacts import artifact
from tests.support.attacks import picture
from tests.support.lambda_functions import BASE, CANARY, CODE, FUNCTION, INJECTED, changed
from tests.support.world import ARTIFACTS, KEY, World
from wrapper.dotenv import parse

STACK = STACK_ID.split("/")[1]


def variables(world: World, name: str) -> dict[str, str]:
    text = world.aws_lambda.functions[name].env_file()
    return {binding.name: binding.value or "" for binding in parse(text) if binding.name}


def deployed(world: World, **properties: Any) -> dict[str, str]:
    """The variables of a function that is created with these properties, and with no others in ``Env``."""
    answered = world.stack.send(world.stack.event("Create", {**BASE, "Env": {}, **properties}))
    assert answered["Status"] == "SUCCESS", answered["Reason"]
    return variables(world, answered["PhysicalResourceId"])


def refused(world: World, **properties: Any) -> str:
    """The reason for which a function with these properties is not created, and nothing is left of it."""
    before = picture(world)
    answered = world.stack.send(world.stack.event("Create", {**BASE, "Env": {}, **properties}))
    assert answered["Status"] == "FAILED"
    assert picture(world) == before
    reason: str = answered["Reason"].partition("; see log")[0]
    return reason


@pytest.fixture
def stocked(world: World) -> World:
    """Parameters and secrets of each kind."""
    world.parameters.put("/app/prod/table", "orders")
    world.parameters.put("/app/prod/db/host-name", "db.internal")
    world.parameters.put("/app/prod/zones", "a,b", "StringList")
    world.parameters.put("/app/prod/key", f"{CANARY}-1", "SecureString")
    world.parameters.put("/app/production/table", "theirs")
    world.secrets.put("db", json.dumps({"user": "app", "password": CANARY, "port": 3306, "tls": True, "load": 1.50}))
    world.secrets.put("app/token", f"{CANARY}-token")
    return world


class TestParameters:
    def test_names_follow_from_the_path_below(self, stocked: World) -> None:
        found = deployed(stocked, EnvFrom=[{"ParameterPath": "/app/prod/"}])
        assert found == {"table": "orders", "db_host_name": "db.internal", "zones": "a,b", "key": f"{CANARY}-1"}

    def test_a_prefix_and_capital_letters_if_wanted(self, stocked: World) -> None:
        found = deployed(stocked, EnvFrom=[{"ParameterPath": "/app/prod/db", "Prefix": "APP_", "Upper": True}])
        assert found == {"APP_HOST_NAME": "db.internal"}

    def test_as_many_pages_as_there_are(self, world: World) -> None:
        for number in range(250):
            world.parameters.put(f"/app/many/v{number:03}", str(number))
        found = deployed(world, EnvFrom=[{"ParameterPath": "/app/many"}])
        assert found == {f"v{number:03}": str(number) for number in range(250)}
        assert Counter(name for name, _ in world.parameters.calls) == {"GetParametersByPath": 25}

    def test_a_file_of_over_1_mib_is_refused_before_all_of_it_is_read(self, world: World) -> None:
        for number in range(300):
            world.parameters.put(f"/app/large/v{number:03}", "x" * 8192)
        assert "the path /app/large, whose values are larger than 1 MiB" in refused(
            world, EnvFrom=[{"ParameterPath": "/app/large"}]
        )
        assert len(world.parameters.calls) < 15

    def test_throttled_calls_are_waited_out(self, stocked: World) -> None:
        left = {"GetParametersByPath": 4, "GetSecretValue": 4}

        def hook(name: str) -> None:
            if left.get(name):
                left[name] -= 1
                raise Fault(*THROTTLING["ssm"])

        stocked.wire.hook = hook
        found = deployed(stocked, EnvFrom=[{"ParameterPath": "/app/prod/db"}, {"SecretId": "db"}])
        assert found["host_name"] == "db.internal"
        assert left == {"GetParametersByPath": 0, "GetSecretValue": 0}


class TestSecrets:
    @pytest.mark.parametrize("by", ["name", "ARN"])
    def test_the_members_of_a_json_object_as_text(self, stocked: World, by: str) -> None:
        secret = "db" if by == "name" else stocked.secrets.arn("db")
        found = deployed(stocked, EnvFrom=[{"SecretId": secret, "Prefix": "DB_"}])
        assert found == {
            "DB_user": "app",
            "DB_password": CANARY,
            "DB_port": "3306",
            "DB_tls": "true",
            "DB_load": "1.5",
        }

    def test_numbers_keep_their_digits(self, world: World) -> None:
        world.secrets.put("db", '{"load": 1.50, "id": 12345678901234567890}')
        assert deployed(world, EnvFrom=[{"SecretId": "db"}]) == {"load": "1.50", "id": "12345678901234567890"}

    def test_one_value_under_a_name(self, stocked: World) -> None:
        assert deployed(stocked, EnvFrom=[{"SecretId": "app/token", "Name": "TOKEN"}]) == {"TOKEN": f"{CANARY}-token"}

    def test_a_version_by_its_label_or_id(self, world: World) -> None:
        first = world.secrets.put("db", "one")
        world.secrets.put("db", "two")
        for chosen in ({"VersionStage": "AWSPREVIOUS"}, {"VersionId": first}):
            found = deployed(
                world, EnvFrom=[{"SecretId": "db", "Name": "A", **chosen}], FunctionName=next(iter(chosen))
            )
            assert found == {"A": "one"}

    @pytest.mark.parametrize("value", [CANARY, "[1]", '"text"', "[" * 50_000])
    def test_what_is_not_a_json_object_needs_a_name(self, world: World, value: str) -> None:
        world.secrets.put("db", value)
        assert refused(world, EnvFrom=[{"SecretId": "db"}]) == (
            "EnvFrom[0] refers to the secret db, whose value is not a JSON object; set Name, or correct the value "
            "[CI227]"
        )

    @pytest.mark.parametrize("member", [None, [CANARY], {"a": CANARY}])
    def test_a_member_that_is_a_structure_is_refused_by_its_name(self, world: World, member: Any) -> None:
        world.secrets.put("db", json.dumps({"hosts": member}))
        assert "the secret db, whose member hosts is not a string" in refused(world, EnvFrom=[{"SecretId": "db"}])

    def test_binary_secrets_are_refused(self, world: World) -> None:
        world.secrets.put("db", b"\x00\x01")
        assert "the secret db, whose value is binary" in refused(world, EnvFrom=[{"SecretId": "db", "Name": "A"}])


class TestOrder:
    def test_the_artifacts_own_file_then_the_sources_then_env(self, stocked: World) -> None:
        body = artifact(
            {".env": "own=1\ntable=own\nuser=own\nfile=own\n", "defaults/prod.env": "file='x y'\nother=2\n"}
        )
        stocked.s3.put_object(Bucket=ARTIFACTS, Key=KEY, Body=body)
        found = deployed(
            stocked,
            EnvFrom=[{"Artifact": "defaults/prod.env"}, {"ParameterPath": "/app/prod"}, {"SecretId": "db"}],
            Env={"user": "template"},
        )
        assert {name: found[name] for name in ("own", "table", "user", "file", "other")} == {
            "own": "1",
            "table": "orders",
            "user": "template",
            "file": "x y",
            "other": "2",
        }

    def test_two_sources_of_one_name_are_an_error_unless_the_later_one_is_to_win(self, world: World) -> None:
        world.parameters.put("/app/a/TABLE", "a")
        world.parameters.put("/app/b/TABLE", "b")
        sources = [{"ParameterPath": "/app/a"}, {"ParameterPath": "/app/b"}]
        assert refused(world, EnvFrom=sources) == (
            "EnvFrom[1].TABLE is also given by EnvFrom[0]; set Override: true if this one is to win [CI217]"
        )
        assert deployed(world, EnvFrom=[sources[0], {**sources[1], "Override": True}]) == {"TABLE": "b"}

    def test_one_source_that_gives_a_name_twice_is_an_error(self, world: World) -> None:
        world.parameters.put("/app/a/x-y", "1")
        world.parameters.put("/app/a/x/y", "2")
        assert "EnvFrom[0].x_y is also given by EnvFrom[0]; rename one of the two" in refused(
            world, EnvFrom=[{"ParameterPath": "/app/a", "Override": True}]
        )

    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("AWS_REGION", "is reserved by Lambda"),
            ("PATH", "decides which code is loaded"),
            ("1st", "is not a valid variable name"),
            ("OUTSIDE", "is also in Environment.Variables"),
        ],
    )
    def test_the_rules_for_names_are_those_of_env(self, world: World, name: str, told: str) -> None:
        world.parameters.put(f"/app/a/{name}", "x")
        environment = {"Variables": {"OUTSIDE": "x"}}
        sources = [{"ParameterPath": "/app/a"}]
        assert f"EnvFrom[0].{name} {told}" in refused(world, EnvFrom=sources, Environment=environment)

    def test_a_value_with_a_nul_is_refused_as_in_env(self, world: World) -> None:
        world.secrets.put("db", json.dumps({"A": "x\0y"}))
        assert "EnvFrom[0].A contains a NUL character" in refused(world, EnvFrom=[{"SecretId": "db"}])
        reference = {"B": "{{resolve:secretsmanager:db:SecretString:A}}"}
        assert "Env.B contains a NUL character" in refused(world, Env=reference)


class TestWhatCannotBeRead:
    @pytest.mark.parametrize(
        ("source", "told"),
        [
            ({"ParameterPath": "/app/none/"}, "the path /app/none, which contains no parameters; create one"),
            ({"ParameterPath": "/app/prod/table"}, "the path /app/prod/table, which contains no parameters"),
            ({"SecretId": "app/none"}, "the secret app/none, which does not exist; create it"),
            (
                {"SecretId": "db", "VersionStage": "AWSPENDING"},
                "the secret db in version AWSPENDING, which does not exist; create it",
            ),
            ({"Artifact": "none.env"}, "the file none.env of the artifact, which does not exist; create it"),
        ],
    )
    def test_a_missing_source_is_named_unless_it_may_be_missing(
        self, stocked: World, source: dict[str, str], told: str
    ) -> None:
        assert f"EnvFrom[0] refers to {told}" in refused(stocked, EnvFrom=[source])
        assert deployed(stocked, EnvFrom=[{**source, "Optional": True}]) == {}

    def test_a_denied_source_is_an_error_even_if_it_may_be_missing(self, stocked: World) -> None:
        stocked.parameters.denied.add("/app/prod")
        stocked.secrets.denied.add("db")
        for source, what in (
            ({"ParameterPath": "/app/prod"}, "the path /app/prod"),
            ({"SecretId": "db"}, "the secret db"),
        ):
            told = refused(stocked, EnvFrom=[{**source, "Optional": True}])
            assert f"EnvFrom[0] refers to {what}, which the provider's role may not read" in told
            assert "kms:Decrypt" in told

    def test_a_key_that_the_provider_may_not_use_is_told(self, stocked: World) -> None:
        stocked.parameters.put("/app/prod/own", CANARY, "SecureString", key="alias/team")
        stocked.secrets.undecryptable.add("db")
        assert "kms:Decrypt" in refused(stocked, EnvFrom=[{"ParameterPath": "/app/prod"}])
        assert "the secret db, which cannot be decrypted; allow the provider's role kms:Decrypt" in refused(
            stocked, EnvFrom=[{"SecretId": "db"}]
        )

    def test_a_deleted_secret_is_told(self, stocked: World) -> None:
        stocked.secrets.secrets["db"].deleted = True
        assert "the secret db, which has no value now; restore it" in refused(stocked, EnvFrom=[{"SecretId": "db"}])

    @pytest.mark.parametrize(
        ("properties", "told"),
        [
            ({"EnvFrom": [{"SecretId": "db", "Name": "A", "VersionId": "1"}]}, "EnvFrom[0] refers to the secret db in"),
            ({"Env": {"A": "{{resolve:secretsmanager:db::::1}}"}}, "Env.A refers to the secret db in version 1"),
            ({"EnvFrom": [{"ParameterPath": f"/app/{'x' * 2048}"}]}, "EnvFrom[0] refers to the path /app/xxx"),
        ],
    )
    def test_what_aws_does_not_accept_as_a_name_or_a_version_is_to_be_corrected(
        self, stocked: World, properties: dict[str, Any], told: str
    ) -> None:
        reason = refused(stocked, **properties)
        assert reason.startswith(told)
        assert reason.endswith("whose name or version AWS does not accept; correct it [CI219]")

    def test_another_error_of_aws_is_told_by_its_code(self, stocked: World) -> None:
        def hook(name: str) -> None:
            if name == "GetSecretValue":
                raise Fault("InternalServiceError", "oops", 500)

        stocked.wire.hook = hook
        assert "the secret db, for which AWS answered InternalServiceError" in refused(
            stocked, EnvFrom=[{"SecretId": "db"}]
        )


class TestReferences:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("{{resolve:secretsmanager:db:SecretString:password}}", CANARY),
            ("{{resolve:secretsmanager:db:SecretString:port}}", "3306"),
            ("{{resolve:secretsmanager:db:SecretString:password:AWSCURRENT}}", CANARY),
            ("{{resolve:secretsmanager:app/token}}", f"{CANARY}-token"),
            ("{{resolve:secretsmanager:app/token:SecretString:::}}", f"{CANARY}-token"),
            ("{{resolve:ssm-secure:/app/prod/key}}", f"{CANARY}-1"),
            ("{{resolve:ssm-secure:/app/prod/key:1}}", f"{CANARY}-1"),
            ("{{resolve:ssm:/app/prod/table:1}}", "orders"),
            (
                "db://{{resolve:secretsmanager:db:SecretString:user}}@{{resolve:ssm:/app/prod/db/host-name}}/x",
                "db://app@db.internal/x",
            ),
        ],
    )
    def test_whole_or_within_a_text(self, stocked: World, text: str, value: str) -> None:
        stocked.parameters.put("/app/prod/unused", "x")
        stocked.parameters.parameters["/app/prod/table"].values.append("later")
        assert deployed(stocked, Env={"A": text, "B": "plain"}) == {"A": value, "B": "plain"}

    def test_a_version_by_its_id_and_an_arn(self, world: World) -> None:
        first = world.secrets.put("db", '{"a": "one"}')
        world.secrets.put("db", '{"a": "two"}')
        arn = world.secrets.arn("db")
        env = {
            "OLD": f"{{{{resolve:secretsmanager:db:SecretString:a::{first}}}}}",
            "NEW": f"{{{{resolve:secretsmanager:{arn}:SecretString:a}}}}",
            "PREVIOUS": "{{resolve:secretsmanager:db:SecretString:a:AWSPREVIOUS}}",
        }
        assert deployed(world, Env=env) == {"OLD": "one", "NEW": "two", "PREVIOUS": "one"}

    def test_a_value_that_looks_like_a_reference_is_a_value(self, world: World) -> None:
        world.secrets.put("db", "secret")
        world.parameters.put("/app/a", "{{resolve:secretsmanager:db}}")
        assert deployed(world, Env={"A": "{{resolve:ssm:/app/a}}"}) == {"A": "{{resolve:secretsmanager:db}}"}

    def test_ten_parameters_a_call_and_each_secret_once(self, world: World) -> None:
        world.secrets.put("db", '{"a": "1", "b": "2"}')
        for number in range(25):
            world.parameters.put(f"/app/v{number}", str(number))
            world.parameters.put(f"/app/v{number}", "new")
        env = {f"V{number}": f"{{{{resolve:ssm:/app/v{number}:1}}}}" for number in range(25)}
        env |= {"LATEST": "{{resolve:ssm:/app/v0}}", "TWICE": "{{resolve:ssm:/app/v0:1}}"}
        env |= {name: f"{{{{resolve:secretsmanager:db:SecretString:{name}}}}}" for name in "ab"}
        found = deployed(world, Env=env)
        assert found["LATEST"] == "new"
        assert found["TWICE"] == "0"
        assert {found[f"V{number}"] for number in range(25)} == {str(number) for number in range(25)}
        assert [len(params["Names"]) for _, params in world.parameters.calls] == [10, 10, 6]
        assert len(world.secrets.calls) == 1

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("{{resolve:secretsmanager:app/none}}", "the secret app/none, which does not exist"),
            ("{{resolve:secretsmanager:db:SecretString:none}}", "the secret db, which has no member none"),
            (
                "{{resolve:secretsmanager:app/token:SecretString:a}}",
                "the secret app/token, whose value is not a JSON object",
            ),
            ("{{resolve:ssm:/app/none}}", "the parameter /app/none, which does not exist"),
            ("{{resolve:ssm:/app/prod/table:7}}", "the parameter /app/prod/table:7, which does not exist"),
        ],
    )
    def test_what_is_missing_is_named(self, stocked: World, text: str, told: str) -> None:
        assert f"Env.A refers to {told}" in refused(stocked, Env={"A": text, "B": "{{resolve:ssm:/app/prod/key}}"})

    def test_of_several_in_one_call_the_denied_one_is_named(self, stocked: World) -> None:
        stocked.parameters.denied.add("/app/prod/key")
        env = {"A": "{{resolve:ssm:/app/prod/table}}", "B": "{{resolve:ssm-secure:/app/prod/key}}"}
        assert "Env.B refers to the parameter /app/prod/key, which the provider's role may not" in refused(
            stocked, Env=env
        )

    @pytest.mark.parametrize(
        "text",
        [
            "{{resolve:secretsmanager:}}",
            "{{resolve:secretsmanager:db:SecretBinary}}",
            "{{resolve:secretsmanager:db:SecretString:a:AWSCURRENT:id}}",
            "{{resolve:secretsmanager:db:SecretString:a:b:c:d}}",
            "{{resolve:ssm:/app/a:latest}}",
            "{{resolve:ssm:}}",
            "x {{resolve:ssm-secure:/app/a",
            "{{resolve:ssm:/app/{{resolve:ssm:/app/a}}}}",
        ],
    )
    def test_what_aws_would_not_parse_is_refused_by_the_name_of_its_variable(self, world: World, text: str) -> None:
        told = refused(world, Env={"A": text})
        assert told.startswith("Env.A has a reference to ")
        assert "cannot be parsed" in told
        assert world.parameters.calls == world.secrets.calls == []


class TestBounds:
    """A stack reads what the provider's stack lists, and of that what is for its own name."""

    @pytest.mark.parametrize(
        ("properties", "told"),
        [
            (
                {"EnvFrom": [{"ParameterPath": "/application"}]},
                "the path /application, outside ParameterPaths",
            ),
            ({"EnvFrom": [{"ParameterPath": "/stacks/other"}]}, "the path /stacks/other, outside"),
            ({"EnvFrom": [{"ParameterPath": "/stacks"}]}, "the path /stacks, outside ParameterPaths"),
            ({"EnvFrom": [{"SecretId": "db2"}]}, "the secret db2, outside Secrets"),
            ({"EnvFrom": [{"SecretId": "stacks/other/db"}]}, "the secret stacks/other/db, outside Secrets"),
            ({"EnvFrom": [{"SecretId": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:db"}]}, "outside Secrets"),
            (
                {"EnvFrom": [{"SecretId": f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:db-a1B2c3"}]},
                "outside Secrets",
            ),
            (
                {"EnvFrom": [{"SecretId": f"arn:aws:secretsmanager:{REGION}:444455556666:secret:db-a1B2c3"}]},
                "outside Secrets",
            ),
            (
                {"Env": {"A": "{{resolve:ssm:/application/key}}"}},
                "Env.A refers to the parameter /application/key, outside",
            ),
            ({"Env": {"A": "{{resolve:ssm:key}}"}}, "the parameter key, outside ParameterPaths"),
            ({"Env": {"A": "{{resolve:secretsmanager:admin}}"}}, "Env.A refers to the secret admin, outside Secrets"),
        ],
    )
    def test_what_is_outside_is_refused_before_anything_is_read(
        self, world: World, properties: dict[str, Any], told: str, record_property: Callable[[str, object], None]
    ) -> None:
        record_property("attack", "a parameter or a secret outside the lists, or of another stack")
        assert told in refused(world, **properties)
        assert world.parameters.calls == world.secrets.calls == []

    def test_a_stack_reads_what_has_its_name(self, world: World) -> None:
        world.parameters.put(f"/stacks/{STACK}/a", "1")
        world.secrets.put(f"stacks/{STACK}/db", "2")
        sources = [{"ParameterPath": f"/stacks/{STACK}"}, {"SecretId": f"stacks/{STACK}/db", "Name": "b"}]
        assert deployed(world, EnvFrom=sources) == {"a": "1", "b": "2"}

    def test_an_arn_that_secrets_manager_completes_to_another_secret_is_refused(
        self, world: World, record_property: Callable[[str, object], None]
    ) -> None:
        record_property("attack", "the ARN of a secret outside the list that looks like one of the list")
        world.secrets.put("db-aaaaaa", CANARY)
        arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:db-aaaaaa"
        told = refused(world, EnvFrom=[{"SecretId": arn, "Name": "A"}])
        assert "outside Secrets" in told

    def test_without_lists_nothing_is_read(self, stocked: World) -> None:
        stocked.environ.pop("CFN_INJECTOR_PARAMETER_PATHS")
        stocked.environ["CFN_INJECTOR_SECRETS"] = ""
        assert "outside ParameterPaths" in refused(stocked, EnvFrom=[{"ParameterPath": "/app/prod"}])
        assert "outside Secrets" in refused(stocked, EnvFrom=[{"SecretId": "db"}])

    def test_an_update_beyond_the_bounds_changes_nothing(self, stocked: World) -> None:
        created = stocked.stack.send(stocked.stack.event("Create", BASE))
        name, before = created["PhysicalResourceId"], picture(stocked)
        beyond = changed(BASE, EnvFrom=[{"ParameterPath": "/elsewhere"}])
        answered = stocked.stack.send(stocked.stack.event("Update", beyond, physical_id=name, old=BASE))
        assert "outside ParameterPaths" in answered["Reason"]
        assert picture(stocked) == before


SOURCES: dict[str, Any] = {
    "EnvFrom": [{"ParameterPath": "/app/prod"}, {"SecretId": "db"}, {"SecretId": "app/token", "Name": "TOKEN"}],
    "Env": {"URL": "db://{{resolve:secretsmanager:db:SecretString:password}}@db"},
}


class TestRotation:
    """What was read is deployed until ``Refresh`` or something else of the package changes."""

    def _update(self, world: World, kind: str, old: dict[str, Any], new: dict[str, Any], physical_id: str) -> str:
        event = world.stack.event("Update", new, resource_type=kind, physical_id=physical_id, old=old)
        answered = world.stack.send(event)
        assert answered["Status"] == "SUCCESS", answered["Reason"]
        found: str = answered["PhysicalResourceId"]
        return found

    def test_a_function_reads_again_when_refresh_changes_and_not_before(self, stocked: World) -> None:
        first = {**BASE, **SOURCES, "Refresh": "1"}
        name = stocked.stack.send(stocked.stack.event("Create", first))["PhysicalResourceId"]
        stocked.parameters.put("/app/prod/table", "new")
        larger = changed(first, MemorySize=512)
        self._update(stocked, FUNCTION, first, larger, name)
        assert variables(stocked, name)["table"] == "orders"
        second = changed(larger, Refresh="2")
        self._update(stocked, FUNCTION, larger, second, name)
        assert variables(stocked, name)["table"] == "new"

    def test_a_rollback_of_a_function_returns_to_what_was_read_before_and_reads_nothing(self, stocked: World) -> None:
        first = {**BASE, **SOURCES, "Refresh": "1"}
        name = stocked.stack.send(stocked.stack.event("Create", first))["PhysicalResourceId"]
        stocked.secrets.put("db", json.dumps({"password": "rotated"}))
        second = changed(first, Refresh="2")
        self._update(stocked, FUNCTION, first, second, name)
        assert variables(stocked, name)["URL"] == "db://rotated@db"
        stocked.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        stocked.parameters.parameters.clear()
        stocked.secrets.secrets.clear()
        stocked.environ.update(CFN_INJECTOR_PARAMETER_PATHS="", CFN_INJECTOR_SECRETS="")
        self._update(stocked, FUNCTION, second, first, name)
        assert variables(stocked, name)["URL"] == f"db://{CANARY}@db"

    def test_the_key_of_code_depends_on_versions(self, stocked: World) -> None:
        first = {**INJECTED, **SOURCES}
        key = stocked.stack.send(stocked.stack.event("Create", first, resource_type=CODE))["PhysicalResourceId"]
        again = changed(first, ServiceTimeout="600")
        assert self._update(stocked, CODE, first, again, key) == key
        stocked.secrets.put("app/token", f"{CANARY}-token")  # a new version with the same value
        second = self._update(stocked, CODE, again, first, key)
        assert second != key
        stocked.clock.time += 1
        value = stocked.parameters.parameters.pop("/app/prod/table").values[0]
        stocked.parameters.put("/app/prod/table", value)  # created again, in version 1
        assert self._update(stocked, CODE, first, again, second) not in (key, second)

    def test_a_rollback_of_code_returns_to_the_old_object_and_reads_nothing(self, stocked: World) -> None:
        first = {**INJECTED, **SOURCES, "Refresh": "1"}
        key = stocked.stack.send(stocked.stack.event("Create", first, resource_type=CODE))["PhysicalResourceId"]
        stocked.secrets.put("db", json.dumps({"password": "rotated"}))
        second = changed(first, Refresh="2")
        new = self._update(stocked, CODE, first, second, key)
        assert new != key
        stocked.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        stocked.secrets.secrets.clear()
        calls = len(stocked.secrets.calls)
        assert self._update(stocked, CODE, second, first, new) == key
        assert len(stocked.secrets.calls) == calls

    @pytest.mark.parametrize("kind", [FUNCTION, CODE])
    @pytest.mark.parametrize(
        ("lost", "told"),
        [
            ("parameters", "EnvFrom[0] refers to the path /app/prod, which contains no parameters"),
            ("access", "EnvFrom[0] refers to the path /app/prod, outside ParameterPaths"),
            ("names", "EnvFrom[0].1st is not a valid variable name"),
        ],
    )
    def test_a_rollback_without_the_old_package_says_what_it_needs(
        self, stocked: World, kind: str, lost: str, told: str
    ) -> None:
        base = BASE if kind == FUNCTION else INJECTED
        first, second = {**base, **SOURCES}, {**base, "Env": {"A": "1"}}
        made = stocked.stack.send(stocked.stack.event("Create", second, resource_type=kind))["PhysicalResourceId"]
        stocked.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        if lost == "parameters":
            stocked.parameters.parameters.clear()
        elif lost == "access":
            stocked.environ["CFN_INJECTOR_PARAMETER_PATHS"] = ""
        else:
            stocked.parameters.put("/app/prod/1st", "x")
        event = stocked.stack.event("Update", first, resource_type=kind, physical_id=made, old=second)
        reason = stocked.stack.send(event)["Reason"]
        assert told in reason
        assert "continue-update-rollback" in reason

    def test_properties_without_sources_have_the_keys_that_they_had_before(self, world: World) -> None:
        from cfn_injector import env_from

        assert env_from.parse({"Env": {"A": "1"}}).inputs == ()


class TestSecretsStaySecret:
    def test_no_value_that_was_read_is_told(self, stocked: World) -> None:
        kinds: list[tuple[str, dict[str, Any]]] = [(FUNCTION, BASE), (CODE, INJECTED)]
        for kind, base in kinds:
            stocked.stack.send(stocked.stack.event("Create", {**base, **SOURCES}, resource_type=kind))
        told = json.dumps([stocked.stack.answers, stocked.log, stocked.tags(), stocked.staged()])
        assert CANARY not in told
        assert "orders" not in told

    def test_an_error_of_aws_that_quotes_one_is_masked(self, stocked: World) -> None:
        def quote(operation: str, params: dict[str, Any]) -> None:
            if operation == "CreateFunction":
                raise Fault("InvalidParameterValueException", f"it has {CANARY}-token, db.internal and 3306", 400)

        stocked.aws_lambda.before = quote
        answered = stocked.stack.send(stocked.stack.event("Create", {**BASE, **SOURCES}))
        assert "it has ***, *** and ***" in answered["Reason"]
        assert CANARY not in json.dumps([answered, stocked.log])


def test_groups_have_ten_names_at_most_and_no_name_twice() -> None:
    wanted = [ParameterReference(f"/a{number % 4}", str(number)) for number in range(12)]
    groups = stores.batches(wanted)
    assert sorted(each for group in groups for each in group) == sorted(wanted)
    assert all(len({each.name for each in group}) == len(group) <= stores.PAGE for group in groups)
