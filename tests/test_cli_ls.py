"""``ls`` on the command line: which functions there are, and what is told about each."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from botocore.client import BaseClient

from cfn_injector.cli import aws_options
from cfn_injector.cli.main import main
from cfn_injector.protocol.ownership import STACK_ID
from cfn_injector.resources.lambda_function.steps import ARTIFACT
from tests.fakes.aws_lambda import ACCOUNT, REGION, Fault, Function
from tests.fakes.cloudformation import STACK_ID as STACK
from tests.fakes.tagging import FakeTagging
from tests.support.calls import at, raising
from tests.support.lambda_functions import CANARY, created, somebody
from tests.support.world import ARTIFACTS, KEY, World

Run = Callable[..., tuple[int, str, str]]
GONE = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/shop-old/9c2fa620"
MODIFIED = "2026-11-01T12:00:00.000+0000"


@pytest.fixture
def tagging(world: World) -> FakeTagging:
    def tagged() -> dict[str, dict[str, str]]:
        return {each.configuration["FunctionArn"]: each.tags for each in world.aws_lambda.functions.values()}

    return FakeTagging(tagged)


@pytest.fixture
def run(world: World, tagging: FakeTagging, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def client(service: str, **options: Any) -> Any:
        return tagging.client() if service == "resourcegroupstaggingapi" else world.client(service, **options)

    monkeypatch.setattr(aws_options, "clients", lambda *_, **__: client)

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["ls", *arguments])
        out, err = capsys.readouterr()
        assert CANARY not in out + err
        assert "X-Amz" not in out + err
        return status, out, err

    return run


def deployed(world: World, logical_id: str = "Function", **properties: Any) -> Function:
    """A function of the stack, which is at rest."""
    world.stack.logical_id = logical_id
    function = world.aws_lambda.functions[created(world, **{"Env": {"TABLE": CANARY}, **properties})]
    function.configuration["LastModified"] = MODIFIED
    world.stack.status = "UPDATE_COMPLETE"
    return function


def found(run: Run, *arguments: str) -> list[dict[str, Any]]:
    status, out, _ = run("--json", *arguments)
    assert status == 0
    listed: list[dict[str, Any]] = json.loads(out)
    return listed


def test_each_function_is_a_row_of_aligned_columns(world: World, run: Run) -> None:
    names = [deployed(world, each).configuration["FunctionName"] for each in ("B", "A")]
    world.aws_lambda.functions["other"] = somebody("other")
    status, out, err = run()
    header, *rows = out.splitlines()
    assert (status, err) == (0, "")
    assert header.split("  ")[0] == "FUNCTION"
    assert [row.split() for row in rows] == [
        [name, "shop-dev", logical_id, f"{ARTIFACTS}/{KEY}", "$LATEST", "handler", MODIFIED]
        for name, logical_id in zip(reversed(names), "AB", strict=True)
    ]
    for title in ("STACK", "LOGICAL ID", "ARTIFACT", "VERSION", "LOADER", "LAST MODIFIED"):
        start = header.index(title)
        assert all(row[start - 1] == " " != row[start] for row in rows)


def test_json_says_the_same(world: World, run: Run) -> None:
    function = deployed(world)
    assert found(run) == [
        {
            "function": function.configuration["FunctionName"],
            "stack": "shop-dev",
            "stack_id": STACK,
            "stack_status": "UPDATE_COMPLETE",
            "logical_id": "Function",
            "artifact": f"{ARTIFACTS}/{KEY}",
            "version": "$LATEST",
            "loader": "handler",
            "last_modified": MODIFIED,
            "env": None,
        }
    ]


def test_the_tags_are_read_in_pages(world: World, tagging: FakeTagging, run: Run) -> None:
    for number in range(5):
        deployed(world, f"Function{number}")
    tagging.page = 2
    assert [each["logical_id"] for each in found(run)] == [f"Function{number}" for number in range(5)]
    assert len(tagging.calls) == 3
    assert tagging.calls[0]["TagFilters"] == [{"Key": STACK_ID}]


def test_the_last_published_version_is_shown(world: World, run: Run) -> None:
    function = deployed(world, Publish=True)
    function.versions |= {str(number): dict(function.versions["1"]) for number in (2, 9, 10)}
    assert found(run)[0]["version"] == "10"


@pytest.mark.parametrize(
    ("properties", "loader"),
    [
        ({"Runtime": "nodejs22.x"}, "handler"),
        ({"Runtime": "java21"}, "exec"),
        ({"EnvLoader": "none"}, "none"),
        ({"EnvLoader": "none", "Environment": {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/own"}}}, "none"),
    ],
)
def test_the_loader_is_known_by_the_configuration(
    properties: dict[str, Any], loader: str, world: World, run: Run
) -> None:
    deployed(world, **properties)
    assert found(run)[0]["loader"] == loader


def test_a_stack_that_is_gone_is_marked_and_each_stack_is_asked_for_once(world: World, run: Run) -> None:
    for number in range(3):
        deployed(world, f"Function{number}")
    for name in ("Function1", "Function2"):
        function = next(each for each in world.aws_lambda.functions.values() if name in str(each.configuration))
        function.tags[STACK_ID] = GONE
    world.stack.calls.clear()
    assert [(each["stack"], each["stack_status"]) for each in found(run)] == [
        ("shop-dev", "UPDATE_COMPLETE"),
        *[("shop-old", "DELETE_COMPLETE")] * 2,
    ]
    assert "shop-old (gone)" in run()[1]
    world.stack.statuses[GONE] = "DELETE_COMPLETE"
    assert "shop-old (gone)" in run()[1]


def test_a_function_that_was_deleted_meanwhile_is_left_out(world: World, tagging: FakeTagging, run: Run) -> None:
    function = deployed(world)
    tags = {function.configuration["FunctionArn"]: dict(function.tags)}
    tagging.tagged = lambda: tags
    function.tags.clear()
    assert found(run) == []
    world.aws_lambda.functions.clear()
    assert run() == (0, "no functions\n", "")


def test_a_tag_that_is_no_stack_is_shown_as_it_is(world: World, run: Run) -> None:
    deployed(world).tags[STACK_ID] = "by\nhand"
    assert "by\\nhand (gone)" in run()[1]


# Variables ------------------------------------------------------------------------------------------------------------


def _download(world: World, monkeypatch: pytest.MonkeyPatch, archive: bytes) -> None:
    world.s3.put_object(Bucket=ARTIFACTS, Key="code-of-lambda", Body=archive)
    url = world.s3.generate_presigned_url("get_object", {"Bucket": ARTIFACTS, "Key": "code-of-lambda"})
    monkeypatch.setattr("tests.fakes.aws_lambda._location", lambda _: url)


def test_names_of_variables_are_listed_on_request(world: World, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    function = deployed(world, Env={"TABLE": CANARY, "B": CANARY})
    _download(world, monkeypatch, function.archive)
    assert found(run, "--env")[0]["env"] == ["B", "TABLE"]
    header, row = run("--env")[1].splitlines()
    assert (header.split()[-1], row.split()[-1]) == ("ENV", "B,TABLE")


def test_an_archive_that_cannot_be_read_is_a_note_and_the_others_are_listed(
    world: World, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed(world)
    _download(world, monkeypatch, b"no archive")
    status, out, err = run("--env")
    assert (status, out.splitlines()[1].split()[-1], err.count("\n")) == (0, "?", 1)
    assert err.startswith("cfn-injector: note: ")


# Old artifacts --------------------------------------------------------------------------------------------------------


def _uploaded(world: World, times: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects that were uploaded in this order; moto's clock has seconds, and the test does not wait for it."""
    call = BaseClient._make_api_call

    def made(self: Any, operation: str, params: dict[str, Any]) -> Any:
        answer = call(self, operation, params)
        if operation == "HeadObject":
            day = times[params["Key"]]
            answer["LastModified"] = datetime(2026, 1, day, tzinfo=timezone.utc)
        return answer

    for key in times:
        world.s3.copy_object(Bucket=ARTIFACTS, Key=key, CopySource={"Bucket": ARTIFACTS, "Key": KEY})
    monkeypatch.setattr(BaseClient, "_make_api_call", made)


@pytest.fixture
def ages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions with artifacts that are older, the same, newer, gone, and unknown."""
    _uploaded(world, {"older.zip": 1, "same.zip": 2, "equal.zip": 2, "newer.zip": 3}, monkeypatch)
    for name in ("Older", "Same", "Equal", "Newer", "Gone", "Unknown"):
        deployed(world, name).tags[ARTIFACT] = f"{ARTIFACTS}/{name.lower()}.zip"
        if name == "Unknown":
            del next(each for each in world.aws_lambda.functions.values() if name in str(each.tags)).tags[ARTIFACT]


@pytest.mark.parametrize("stated", [f"{ARTIFACTS}/same.zip", f"s3://{ARTIFACTS}/same.zip"])
def test_functions_with_an_older_artifact_or_one_that_is_gone_are_listed(ages: None, stated: str, run: Run) -> None:
    assert [each["logical_id"] for each in found(run, "--artifact-older-than", stated)] == ["Gone", "Older"]


def test_functions_that_name_no_artifact_are_a_note(ages: None, run: Run) -> None:
    _, _, err = run("--artifact-older-than", f"{ARTIFACTS}/same.zip")
    assert err.startswith("cfn-injector: note: shop-dev-Unknown-")
    assert err.endswith(" name no artifact\n")


def test_the_artifact_to_compare_with_has_to_exist(world: World, run: Run) -> None:
    status, out, err = run("--artifact-older-than", f"{ARTIFACTS}/none.zip")
    assert (status, out) == (1, "")
    assert err == f"cfn-injector: s3://{ARTIFACTS}/none.zip does not exist; name an artifact that does [CI738]\n"


@pytest.mark.parametrize("stated", ["app.zip", "/app.zip", "https://a/b", "bucket/"])
def test_what_is_not_an_object_is_wrong_usage(stated: str, run: Run) -> None:
    status, out, err = run("--artifact-older-than", stated)
    assert (status, out) == (2, "")
    assert "is not an object; give BUCKET/KEY" in err


# What is not allowed --------------------------------------------------------------------------------------------------


def test_a_missing_permission_is_named(world: World, tagging: FakeTagging, run: Run) -> None:
    tagging.wire.hook = lambda _: raising(Fault("AccessDeniedException", CANARY))()
    assert run()[2] == (
        "cfn-injector: the tags of functions: AccessDeniedException; your credentials need tag:GetResources; "
        "check the Region, too [CI737]\n"
    )
    tagging.wire.hook = lambda _: None
    deployed(world)
    world.aws_lambda.before = at("ListVersionsByFunction", raising(Fault("AccessDeniedException", CANARY, 403)))
    assert "AccessDeniedException; check the Region and your permissions" in run()[2]
