"""``install`` in a world of fakes: what is asked, what is undone, and what is refused."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from cfn_injector.cli import aws_options
from cfn_injector.cli import install as command
from cfn_injector.cli.installing import parameters, permissions
from cfn_injector.cli.installing.code_bucket import UNKNOWN
from cfn_injector.cli.installing.installation import Result, Wanted, Zip, install
from cfn_injector.cli.installing.removal import uninstall
from cfn_injector.cli.installing.stacks import Place
from cfn_injector.cli.main import main
from cfn_injector.cli.usage import UsageError
from cfn_injector.errors import InjectorError
from tests.fakes.aws_lambda import REGION, Clock, Fault
from tests.fakes.stacks import ACCOUNT, NO_CHANGES, NO_UPDATES, UPDATABLE, FakeStacks
from tests.support.templates import PROVIDER
from tests.support.world import s3_client

STACK = "cfn-injector"
GIVEN = {"SourceBuckets": "artifacts", "FunctionNamePrefix": "shop-"}
TOKEN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{STACK}"


@dataclass
class Account:
    """An account without a provider. ``said`` collects what was shown."""

    clock: Clock
    s3: Any
    zipped: Path
    said: list[str] = field(default_factory=list)
    content: str = "a" * 64
    answer: Callable[[], None] = lambda: None
    cloudformation: FakeStacks = field(init=False)

    def __post_init__(self) -> None:
        self.cloudformation = FakeStacks(self.clock, lambda bucket: self.s3.create_bucket(Bucket=bucket), self._delete)

    def _delete(self, bucket: str) -> bool:
        if self.objects(bucket):
            return False
        self.s3.delete_bucket(Bucket=bucket)
        return True

    def objects(self, bucket: str) -> list[str]:
        return [each["Key"] for each in self.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]

    def place(self) -> Place:
        clients = {"cloudformation": self.cloudformation.client(), "s3": self.s3}
        return Place(ACCOUNT, REGION, clients.__getitem__, self.said.append, self.clock.now, self.clock.sleep)

    def install(self, values: dict[str, str] | None = None, **others: Any) -> Result:
        wanted = Wanted(STACK, GIVEN if values is None else values, None, False, "deploy", lambda: self.answer())
        return install(self.place(), wanted._replace(**others), Zip(self.zipped, self.content))

    def uninstall(self) -> Result:
        return uninstall(self.place(), STACK, lambda: self.answer())

    def stack(self, name: str = STACK) -> Any:
        return self.cloudformation._found(name)

    def left(self) -> list[str]:
        """Everything that exists."""
        buckets = [bucket["Name"] for bucket in self.s3.list_buckets()["Buckets"]]
        objects = [f"{bucket}/{key}" for bucket in buckets for key in self.objects(bucket)]
        stacks = [
            f"{each.name} {each.status}"
            for each in self.cloudformation.stacks.values()
            if each.status != "DELETE_COMPLETE"
        ]
        return sorted([*buckets, *objects, *stacks, *self.cloudformation.sets])


@pytest.fixture
def account(moto_s3: Any, moto_server: str, tmp_path: Path) -> Account:
    for bucket in moto_s3.list_buckets()["Buckets"]:
        moto_s3.delete_bucket(Bucket=bucket["Name"])
    zipped = tmp_path / "provider.zip"
    zipped.write_bytes(b"the provider")
    return Account(Clock(), s3_client(moto_server), zipped)


# The options ----------------------------------------------------------------------------------------------------------


def test_there_is_an_option_for_each_parameter_of_the_template() -> None:
    own = {parameters.CODE_BUCKET, parameters.CODE_KEY}
    assert {option.parameter for option in parameters.OPTIONS} == PROVIDER["Parameters"].keys() - own
    assert parameters.declared().keys() == PROVIDER["Parameters"].keys()


@pytest.mark.parametrize("option", parameters.OPTIONS, ids=lambda option: option.flag)
def test_an_option_is_what_the_template_says(option: parameters.Option) -> None:
    declared = PROVIDER["Parameters"][option.parameter]
    switch = declared.get("AllowedValues") == ["true", "false"]
    kind = "list" if declared["Type"] == "CommaDelimitedList" else "switch" if switch else "text"
    assert option.kind == kind
    assert option.flag.removeprefix("--").replace("-", "") == option.parameter.lower()


def given(*arguments: str) -> dict[str, str]:
    parser = argparse.ArgumentParser()
    command.configure(parser)
    return parameters.given(parser.parse_args(arguments))


def test_values_are_given_as_the_aws_cli_takes_lists_and_as_the_template_has_them() -> None:
    assert given("--source-buckets", "a", "b", "--source-buckets", "c,d", "--api-gateway", "--role-path", "/x/") == {
        "SourceBuckets": "a,b,c,d",
        "ApiGateway": "true",
        "RolePath": "/x/",
    }
    assert given("--allow-cross-stack", "false", "--secrets", "") == {"AllowCrossStack": "false", "Secrets": ""}
    assert given() == {}


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        ("SourceBuckets", "a-bucket,*", "a-bucket,b-bucket"),
        ("RolePath", "app", "/app-"),
        ("ReservedConcurrency", "0", ""),
        ("Secrets", "a,b*", "a,b/*"),
        ("Name", "a" * 33, "a" * 32),
    ],
)
def test_what_cloudformation_would_refuse_is_told_by_the_option(name: str, wrong: str, right: str) -> None:
    (problem,) = parameters.problems({name: wrong}, parameters.declared())
    assert problem.startswith(f"{parameters.flag_of(name)}: ")
    assert list(parameters.problems({name: right}, parameters.declared())) == []


def test_a_parameter_that_the_template_no_longer_has_is_not_passed_on() -> None:
    request = parameters.as_request({"Name": "a"}, {"Name": "b", "Former": "c", "Secrets": "d"}, parameters.declared())
    assert request == [
        {"ParameterKey": "Name", "ParameterValue": "a"},
        {"ParameterKey": "Secrets", "UsePreviousValue": True},
    ]


# The role in words ----------------------------------------------------------------------------------------------------


def statements(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "Sid" in node and "Effect" in node:
            yield node["Sid"]
        for value in node.values():
            yield from statements(value)
    elif isinstance(node, list):
        for value in node:
            yield from statements(value)


def test_every_statement_of_the_role_is_told() -> None:
    resources = {name: each for name, each in PROVIDER["Resources"].items() if each["Type"].startswith("AWS::IAM::")}
    told = {sid for sentence in permissions.SENTENCES for sid in sentence.sids}
    assert set(statements(resources)) == told


def test_only_what_the_parameters_turn_on_is_told() -> None:
    defaults = parameters.effective(GIVEN, {}, parameters.declared())
    every = {**defaults, "FunctionNamePrefix": "*", "ApiGateway": "true", "Secrets": "db", "ExtraPolicyArns": "arn:x"}
    few, many = "\n".join(permissions.sentences(defaults)), "\n".join(permissions.sentences(every))
    for words in ("REST API", "secrets", "EVERY", "arn:x", "emulator", "boundary"):
        assert words not in few
    for words in ("EVERY REST API", "read the secrets db", "EVERY function", "arn:x"):
        assert words in many
    assert "begin with shop-" in few
    assert "{" not in few + many


# An installation ------------------------------------------------------------------------------------------------------


def test_a_new_provider_gets_a_bucket_a_zip_and_a_stack(account: Account) -> None:
    result = account.install()
    assert (result.outcome, result.token, result.export) == ("created", TOKEN, f"{STACK}-ServiceToken")
    bucket = account.stack("cfn-injector-code").resources["Bucket"]
    assert account.objects(bucket) == [f"provider/{'a' * 64}.zip"]
    values = account.stack().values
    assert (values["CodeBucket"], values["CodeKey"]) == (bucket, f"provider/{'a' * 64}.zip")
    assert {name: values[name] for name in GIVEN} == GIVEN
    said = "\n".join(account.said)
    for words in ("+ Function  AWS::Lambda::Function", "begin with shop-", "CREATE_COMPLETE"):
        assert words in said
    assert len(result.changes) == len(PROVIDER["Resources"])  # of all pages


@pytest.mark.parametrize("reason", [NO_CHANGES, NO_UPDATES])
def test_the_same_again_is_no_change(account: Account, reason: str) -> None:
    account.install()
    account.cloudformation.empty, before = reason, account.left()
    result = account.install({})
    assert (result.outcome, result.token) == ("unchanged", TOKEN)
    assert account.left() == before


def test_a_change_set_that_fails_for_another_reason_is_an_error(account: Account) -> None:
    account.install()
    account.cloudformation.empty, before = "Transform failed", account.left()
    with pytest.raises(InjectorError, match="cannot compute the changes of stack cfn-injector: Transform failed"):
        account.install({})
    assert account.left() == before


def test_an_upgrade_keeps_the_values_that_are_not_given(account: Account) -> None:
    account.install({**GIVEN, "RolePath": "/a/", "Secrets": "db"})
    account.content = "b" * 64
    result = account.install({"RolePath": "/b/"}, upgrade=True)
    assert result.outcome == "updated"
    values = account.stack().values
    assert (values["RolePath"], values["Secrets"], values["SourceBuckets"]) == ("/b/", "db", "artifacts")
    assert values["CodeKey"] == f"provider/{'b' * 64}.zip"
    assert len(account.objects(values["CodeBucket"])) == 2  # a rollback needs the one before


def test_an_existing_stack_changes_only_with_upgrade(account: Account) -> None:
    account.install()
    account.content, before = "b" * 64, account.left()
    with pytest.raises(InjectorError, match="give --upgrade"):
        account.install({})
    assert account.left() == before
    assert account.stack().status == "CREATE_COMPLETE"


def test_a_zip_that_is_there_is_not_uploaded_again(account: Account) -> None:
    account.install()
    bucket = account.stack().values["CodeBucket"]
    before = account.s3.head_object(Bucket=bucket, Key=account.stack().values["CodeKey"])["LastModified"]
    account.zipped.write_bytes(b"the same contents, compressed by another zlib")
    assert account.install({}).outcome == "unchanged"
    assert account.s3.head_object(Bucket=bucket, Key=account.stack().values["CodeKey"])["LastModified"] == before
    assert not any("uploading" in line for line in account.said[-3:])


def test_a_bucket_that_is_given_is_used_and_stays_in_use(account: Account) -> None:
    account.s3.create_bucket(Bucket="mine")
    account.install(bucket="mine")
    account.content = "b" * 64
    account.install({}, upgrade=True)
    assert account.objects("mine") == [f"provider/{letter * 64}.zip" for letter in "ab"]
    assert account.stack("cfn-injector-code") is None
    assert account.uninstall().text == (f"the provider's zip was kept: s3://mine/provider/{'b' * 64}.zip",)
    assert account.objects("mine") == [f"provider/{letter * 64}.zip" for letter in "ab"]


def test_a_bucket_that_was_created_must_belong_to_this_account(account: Account) -> None:
    asked = list[dict[str, Any]]()
    account.s3.meta.events.register(
        "provide-client-params.s3", lambda params, model, **_: asked.append({model.name: params})
    )
    account.install()
    owners = [params.get("ExpectedBucketOwner") for each in asked for name, params in each.items() if "Object" in name]
    assert owners[:2] == [ACCOUNT, ACCOUNT]


def test_a_bucket_of_another_region_or_of_nobody_is_refused(account: Account) -> None:
    account.s3.create_bucket(Bucket="far", CreateBucketConfiguration={"LocationConstraint": "ap-south-1"})
    before = account.left()
    with pytest.raises(InjectorError, match=r"bucket far is in ap-south-1, not in"):
        account.install(bucket="far")
    with pytest.raises(InjectorError, match="bucket missing does not exist"):
        account.install(bucket="missing")
    assert account.left() == before


def test_a_dry_run_leaves_nothing(account: Account) -> None:
    result = account.install(mode="dry-run")
    assert result.outcome == "reviewed"
    assert f"  CodeBucket: {UNKNOWN}" in result.text
    assert account.left() == []


def test_a_dry_run_of_an_upgrade_leaves_everything_as_it_is(account: Account) -> None:
    account.install()
    account.content, before = "b" * 64, account.left()
    result = account.install({}, mode="dry-run")
    assert [change.logical_id for change in result.changes] == ["Function"]
    assert account.left() == before


def test_a_change_set_can_be_left_to_somebody_else(account: Account) -> None:
    result = account.install(mode="no-execute")
    assert [result.change_set] == list(account.cloudformation.sets)
    assert account.stack().status == "REVIEW_IN_PROGRESS"
    assert account.install().outcome == "created"  # a stack in review is one that does not exist yet


# What is refused ------------------------------------------------------------------------------------------------------


def test_a_new_provider_needs_what_has_no_default(account: Account) -> None:
    with pytest.raises(UsageError, match="--function-name-prefix"):
        account.install({"SourceBuckets": "artifacts"})
    assert account.left() == []


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("CREATE_IN_PROGRESS", "wait until that ends"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "wait until that ends"),
        ("DELETE_IN_PROGRESS", "wait until that ends"),
        ("ROLLBACK_COMPLETE", "remove it with --uninstall"),
        ("ROLLBACK_FAILED", "remove it with --uninstall"),
        ("CREATE_FAILED", "remove it with --uninstall"),
        ("DELETE_FAILED", "remove it with --uninstall"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"),
    ],
)
def test_a_stack_that_cannot_be_updated_is_told_with_what_to_do(account: Account, status: str, words: str) -> None:
    assert status not in UPDATABLE
    account.install()
    account.stack().status, before = status, account.cloudformation.calls[:]
    with pytest.raises(InjectorError, match=f"stack cfn-injector is {status}.*{words}"):
        account.install({}, upgrade=True)
    assert account.cloudformation.calls == [*before, "DescribeStacks"]


def test_a_stack_without_a_provider_is_not_touched(account: Account) -> None:
    record = account.cloudformation._new(STACK, "CREATE_COMPLETE")
    record.values = {"Stage": "prod"}
    with pytest.raises(InjectorError, match="stack cfn-injector exists and has no provider"):
        account.install(upgrade=True)
    with pytest.raises(InjectorError, match="stack cfn-injector exists and has no provider"):
        account.uninstall()
    assert account.left() == ["cfn-injector CREATE_COMPLETE"]


def test_a_name_that_is_in_use_never_changes(account: Account) -> None:
    account.install()
    with pytest.raises(InjectorError, match="its name can never change"):
        account.install({"Name": "other"}, upgrade=True)


@pytest.mark.parametrize("logical_id", ["Function", "StagingBucket"])
def test_an_update_that_would_replace_what_others_use_is_refused(account: Account, logical_id: str) -> None:
    account.install()
    account.content, before = "b" * 64, account.left()
    account.stack().template["Resources"][logical_id]["Former"] = True
    account.cloudformation.replaced = {logical_id}
    with pytest.raises(InjectorError, match=f"{logical_id} would be replaced or removed"):
        account.install({}, upgrade=True)
    assert account.left() == before


# What is undone -------------------------------------------------------------------------------------------------------


def decline() -> None:
    raise InjectorError("not confirmed")


def test_a_no_leaves_nothing(account: Account) -> None:
    account.answer = decline
    with pytest.raises(InjectorError, match="not confirmed"):
        account.install()
    assert account.left() == []


def test_a_no_to_an_upgrade_leaves_the_provider_as_it_was(account: Account) -> None:
    account.install()
    account.content, account.answer, before = "b" * 64, decline, account.left()
    with pytest.raises(InjectorError, match="not confirmed"):
        account.install({}, upgrade=True)
    assert account.left() == before


@pytest.mark.parametrize("logical_id", ["Role", "Bucket"])
def test_a_creation_that_fails_leaves_nothing_and_tells_why(account: Account, logical_id: str) -> None:
    account.cloudformation.fails = {logical_id}
    with pytest.raises(InjectorError) as raised:
        account.install()
    assert f"{logical_id} CREATE_FAILED: {logical_id} is not possible" in str(raised.value)
    assert "cancelled" not in str(raised.value)
    assert account.left() == []


def test_an_update_that_fails_is_rolled_back_and_leaves_no_zip(account: Account) -> None:
    account.install()
    before = [each for each in account.left() if not each.startswith("cfn-injector ")]
    account.content, account.cloudformation.fails = "b" * 64, {"Function"}
    with pytest.raises(InjectorError, match="is UPDATE_ROLLBACK_COMPLETE; Function UPDATE_FAILED: Function is not"):
        account.install({}, upgrade=True)
    assert [each for each in account.left() if not each.startswith("cfn-injector ")] == before
    assert account.stack().values["CodeKey"] == f"provider/{'a' * 64}.zip"


def interrupt_at(account: Account, number: int, error: BaseException) -> None:
    """The call with this number is interrupted; those after it work."""
    calls = iter(range(10_000))

    def before(_operation: str) -> None:
        if next(calls) == number:
            raise error

    account.cloudformation.before = before


def calls_of(account: Account, do: Callable[[], Any]) -> int:
    before = len(account.cloudformation.calls)
    do()
    return len(account.cloudformation.calls) - before


def test_an_interruption_at_any_call_of_a_creation_leaves_nothing(account: Account) -> None:
    total = calls_of(account, account.install)
    account.uninstall()
    assert account.left() == []
    for number in range(total):
        interrupt_at(account, number, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            account.install()
        assert account.left() == [], number


def test_an_interruption_at_any_call_of_an_update_leaves_the_provider_whole(account: Account) -> None:
    account.install()
    account.content = "b" * 64
    total = calls_of(account, lambda: account.install({}, upgrade=True))
    for number in range(total):
        account.content = f"{number % 8 + 1}" * 64
        interrupt_at(account, number, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            account.install({}, upgrade=True)
        stack = account.stack()
        assert stack.status in UPDATABLE, number
        assert stack.values["CodeKey"] in account.objects(stack.values["CodeBucket"]), number
        assert account.cloudformation.sets == {}, number


def test_what_cannot_be_undone_is_named(account: Account) -> None:
    def before(operation: str) -> None:
        if account.stack() and account.stack().status == "CREATE_IN_PROGRESS":
            raise Fault("ExpiredToken", "The security token included in the request is expired", 403)

    account.cloudformation.before = before
    with pytest.raises(ClientError, match="ExpiredToken"):
        account.install()
    assert any(line.startswith("not removed: stack cfn-injector: ExpiredToken") for line in account.said)


# Removal --------------------------------------------------------------------------------------------------------------


def test_a_removal_leaves_nothing(account: Account) -> None:
    account.install()
    account.content = "b" * 64
    account.install({}, upgrade=True)
    staging = account.stack().resources["StagingBucket"]
    for key in ("secret/key", "tmp/x.zip"):
        account.s3.put_object(Bucket=staging, Key=key, Body=b"x")
    assert account.uninstall().outcome == "deleted"
    assert account.left() == []
    assert account.uninstall().outcome == "absent"


@pytest.mark.parametrize("export", ["cfn-injector-ServiceToken", "cfn-injector-StagingBucket"])
def test_a_removal_is_refused_while_stacks_import_an_export(account: Account, export: str) -> None:
    account.install()
    account.cloudformation.importers[export], before = ["shop", "blog"], account.left()
    with pytest.raises(InjectorError, match=f"{export} is imported by shop, blog"):
        account.uninstall()
    assert account.left() == before


@pytest.mark.parametrize("prefix", ["code/shop-0123456789abcdef/", "deployed/shop-0123456789abcdef/shop-list/"])
def test_a_removal_is_refused_while_functions_use_its_objects(account: Account, prefix: str) -> None:
    account.install()
    account.s3.put_object(Bucket=account.stack().resources["StagingBucket"], Key=f"{prefix}x.zip", Body=b"x")
    before = account.left()
    with pytest.raises(InjectorError, match="has packages of shop-0123456789abcdef"):
        account.uninstall()
    assert account.left() == before


def test_a_removal_is_refused_while_the_stack_is_protected_or_in_progress(account: Account) -> None:
    account.install()
    account.stack().protected = True
    with pytest.raises(InjectorError, match="termination protection"):
        account.uninstall()
    account.stack().protected, account.stack().status = False, "UPDATE_IN_PROGRESS"
    with pytest.raises(InjectorError, match="wait until that ends"):
        account.uninstall()


def test_a_change_set_that_waits_is_not_removed_with_its_stack(account: Account) -> None:
    account.install(mode="no-execute")
    before = account.left()
    with pytest.raises(InjectorError, match=r"it waits for a change set.*delete-stack --stack-name cfn-injector"):
        account.uninstall()
    assert account.left() == before


def test_an_import_that_comes_during_the_removal_keeps_the_providers_secret(account: Account) -> None:
    account.install()
    staging = account.stack().resources["StagingBucket"]
    account.s3.put_object(Bucket=staging, Key="secret/key", Body=b"x")

    def before(operation: str) -> None:
        if operation == "DeleteStack":
            account.cloudformation.importers["cfn-injector-ServiceToken"] = ["shop"]

    account.cloudformation.before = before
    with pytest.raises(InjectorError, match="DELETE_FAILED"):
        account.uninstall()
    assert account.objects(staging) == ["secret/key"]


def test_a_removal_empties_nothing_that_somebody_else_made(account: Account) -> None:
    account.install()
    bucket = account.stack().values["CodeBucket"]
    account.s3.put_object(Bucket=bucket, Key="notes.txt", Body=b"x")
    result = account.uninstall()
    assert "was kept, because it has other objects, such as notes.txt" in result.text[0]
    assert account.objects(bucket) == ["notes.txt", f"provider/{'a' * 64}.zip"]
    assert account.stack() is None


def test_a_removal_is_confirmed(account: Account) -> None:
    account.install()
    account.answer, before = decline, account.left()
    with pytest.raises(InjectorError, match="not confirmed"):
        account.uninstall()
    assert account.left() == before


def test_the_rest_of_a_failed_creation_can_be_removed(account: Account) -> None:
    account.install()
    account.stack().status = "ROLLBACK_COMPLETE"
    assert account.uninstall().outcome == "deleted"
    assert account.left() == []


# The command ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give --yes"),
        (["--uninstall"], "give --yes"),
        (["--upgrade", "--dry-run"], "not allowed with"),
        (["--yes", "--region", "a", "--regions", "b,c"], "exclude each other"),
        (["--yes", "--bucket", "b", "--regions", "b,c"], "--bucket is in one Region"),
        (["--yes", "--name", "-a"], "expected one argument"),
        (["--yes", "--name", "1a"], "give --stack-name"),
        (["--yes", "--source-buckets", "A_B"], "--source-buckets: names of buckets"),
        (["--yes", "--api-gateway", "maybe"], "invalid choice"),
    ],
)
def test_wrong_usage_is_status_2_before_anything_is_called(
    arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "clients", None)
    monkeypatch.setattr(command, "build", None)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    try:
        status = main(["install", *arguments])
    except SystemExit as ended:
        status = int(ended.code or 0)
    assert status == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ClientError({"Error": {"Code": "ExpiredToken", "Message": "expired"}}, "CreateChangeSet"), "have expired"),
        (NoCredentialsError(), "no AWS credentials"),
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "a may not b"}}, "CreateStack"),
            "CreateStack failed with AccessDenied: a may not b",
        ),
        (
            ClientError(
                {"Error": {"Code": "InsufficientCapabilitiesException", "Message": "Requires x"}}, "CreateChangeSet"
            ),
            "Requires x",
        ),
    ],
)
def test_an_error_of_aws_is_told_in_one_line(error: Exception, words: str) -> None:
    with pytest.raises(InjectorError, match=re.escape(words)) as raised, command._explained():
        raise error
    assert "KMS" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("http://127.0.0.1:4566", "127.0.0.1:4566,localhost:4566"),
        ("http://emulator", "emulator,localhost,127.0.0.1"),
        ("https://vpce-1.cloudformation.eu-west-1.vpce.amazonaws.com", ""),
        ("", ""),
    ],
)
def test_only_an_endpoint_without_tls_is_an_emulator(url: str, hosts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert aws_options.response_hosts(argparse.Namespace(endpoint_url=url)) == hosts
