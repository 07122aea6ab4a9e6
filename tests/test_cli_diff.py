"""``diff`` on the command line: which variables differ, and whether the code is the same artifact."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cfn_injector.cli import addresses, aws_options, contents, diff
from cfn_injector.cli.main import main
from cfn_injector.cli.sources import opened
from cfn_injector.errors import InjectorError
from cfn_injector.injection import BytesSource, inject
from tests.support.cli_places import CANARY, SMALL, expected, served
from tests.support.zips import Member, built, written

OTHER = f"{CANARY}-other"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["diff", *arguments])
        return status, *capsys.readouterr()

    return run


def archive(folder: Path, name: str, **env: str) -> str:
    """The same artifact with these variables."""
    (folder / name).write_bytes(expected(SMALL, **env))
    return str(folder / name)


# Two archives ---------------------------------------------------------------------------------------------------------


def test_two_stages_of_one_artifact_differ_in_their_variables_alone(tmp_path: Path, run: Run) -> None:
    dev = archive(tmp_path, "dev.zip", STAGE="dev", OLD=CANARY, SAME=CANARY)
    prod = archive(tmp_path, "prod.zip", STAGE=CANARY, NEW=CANARY, SAME=CANARY)
    assert run(dev, prod) == (
        1,
        "+ NEW\n- OLD\n~ STAGE ***\n1 variable is equal\ncode: the same artifact, 3 entries\n",
        "",
    )


def test_nothing_differs_between_an_archive_and_itself(tmp_path: Path, run: Run) -> None:
    dev = archive(tmp_path, "dev.zip", STAGE="dev")
    assert run(dev, dev) == (0, "1 variable is equal\ncode: the same artifact, 3 entries\n", "")


def test_values_are_shown_on_request(tmp_path: Path, run: Run) -> None:
    dev, prod = archive(tmp_path, "dev.zip", A="1", B="x\ny"), archive(tmp_path, "prod.zip", A="2", C="3")
    status, out, _ = run(dev, prod, "--show-values")
    assert (status, out.splitlines()[:3]) == (1, ["~ A 1 -> 2", "- B=x\\ny", "+ C=3"])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({"app.py": b"print('ho')\n"}, "1 changed: app.py", id="another content"),
        pytest.param({"more.py": b""}, "1 added: more.py", id="another file"),
        pytest.param({"app.py": None}, "1 removed: app.py", id="no such file"),
    ],
)
def test_another_artifact_is_told_by_its_files(
    changes: Mapping[str, bytes | None], told: str, tmp_path: Path, run: Run
) -> None:
    files = {"app.py": b"print('hi')\n", ".env": b"A=1\n"}
    (tmp_path / "a.zip").write_bytes(written(files))
    (tmp_path / "b.zip").write_bytes(
        written({name: data for name, data in {**files, **changes}.items() if data is not None})
    )
    status, out, _ = run(str(tmp_path / "a.zip"), str(tmp_path / "b.zip"))
    assert (status, out.splitlines()[-1]) == (1, f"code of {tmp_path}/b.zip differs; {told}")


def test_permissions_are_a_part_of_the_code(tmp_path: Path, run: Run) -> None:
    for name, mode in (("a.zip", 0o100755), ("b.zip", 0o100644)):
        (tmp_path / name).write_bytes(built([Member(b"bootstrap", attributes=mode << 16), Member(b".env", b"A=1\n")]))
    status, out, _ = run(str(tmp_path / "a.zip"), str(tmp_path / "b.zip"))
    assert (status, "1 changed: bootstrap" in out) == (1, True)


def test_order_comments_and_compression_are_no_difference(tmp_path: Path, run: Run) -> None:
    (tmp_path / "a.zip").write_bytes(
        built([Member(b"a", b"1" * 99), Member(b"b", b"2"), Member(b".env", b"A=1\nB=2\n")])
    )
    (tmp_path / "b.zip").write_bytes(
        built([Member(b".env", b"# x\nB=2\nA='1'\n"), Member(b"b", b"2"), Member(b"a", b"1" * 99)])
    )
    assert run(str(tmp_path / "a.zip"), str(tmp_path / "b.zip"))[0] == 0


def test_a_loader_that_only_one_stage_has_is_a_difference_and_no_part_of_the_code(tmp_path: Path, run: Run) -> None:
    dev = archive(tmp_path, "dev.zip", A="1")
    prod = str(tmp_path / "prod.zip")
    options = ("--loader", "handler", "--runtime", "python3.13", "--handler", "app.main")
    assert main(["inject", dev, "--env", "A=1", *options, "--output", prod]) == 0
    status, out, _ = run(dev, prod)
    assert (status, out.splitlines()[-2:]) == (1, ["code: the same artifact, 3 entries", "loader: differs"])


def test_other_variables_are_no_difference_of_the_loader_that_sets_them(tmp_path: Path, run: Run) -> None:
    options = ("--loader", "handler", "--runtime", "python3.13", "--handler", "app.main")
    stages = [str(tmp_path / f"{stage}.zip") for stage in ("dev", "prod")]
    for stage in stages:
        assert main(["inject", archive(tmp_path, "app.zip"), "--env", f"A={stage}", *options, "--output", stage]) == 0
    status, out, _ = run(*stages)
    assert (status, "loader" in out) == (1, False)


@pytest.mark.parametrize("content", [pytest.param(b"no zip", id="no archive"), pytest.param(None, id="a bad line")])
def test_an_archive_that_cannot_be_read_is_named_once(content: bytes | None, tmp_path: Path, run: Run) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(written({".env": b"A='" + CANARY.encode()}) if content is None else content)
    status, out, err = run(archive(tmp_path, "dev.zip"), str(broken))
    assert (status, out) == (1, "")
    assert err.startswith(f"cfn-injector: {broken}: ")
    assert err.count("broken.zip") == 1
    assert CANARY not in err


def test_less_than_a_megabyte_of_two_archives_of_60_mb_is_read(tmp_path: Path, run: Run) -> None:
    members = [
        Member(b"model.bin", bytes(60_000_000)),
        *(Member(f"lib/{i}.py".encode(), b"pass\n") for i in range(2000)),
    ]
    data = built([*members, Member(b".env", b"A=1\n")])
    with served({"a.zip": data, "b.zip": data}) as site:
        assert run(f"{site.url}/a.zip", f"{site.url}/b.zip")[0] == 0
        assert sum(site.sent) < 1_000_000


# Several stages -------------------------------------------------------------------------------------------------------


def test_several_stages_get_a_letter_for_each_value(tmp_path: Path, run: Run) -> None:
    stages = [
        archive(tmp_path, f"{n}.zip", **env) for n, env in enumerate(({"A": "1"}, {"A": "2"}, {"A": "1", "B": "3"}))
    ]
    status, out, _ = run(*stages)
    assert status == 1
    assert out.splitlines()[:5] == [
        *(f"stage {number}: {place}" for number, place in enumerate(stages, start=1)),
        "~ A  A  B  A",
        "~ B  -  -  A",
    ]


def test_json_says_the_same_without_values(tmp_path: Path, run: Run) -> None:
    dev, prod = archive(tmp_path, "dev.zip", A=CANARY, B="1"), archive(tmp_path, "prod.zip", A=OTHER)
    status, out, _ = run(dev, prod, "--json")
    (function,) = json.loads(out)["functions"]
    states = {each["name"]: (each["state"], each["groups"]) for each in function["variables"]}
    assert (status, states, function["same_code"]) == (
        1,
        {"A": ("different", [0, 1]), "B": ("missing", [0, None]), "STAGE": ("equal", [0, 0])},
        True,
    )
    assert CANARY not in out
    shown = json.loads(run(dev, prod, "--json", "--show-values")[1])
    assert shown["functions"][0]["variables"][0]["values"] == [CANARY, OTHER]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(["a.zip"], "there is nothing to compare with; give two or more stages", id="one stage"),
        pytest.param(["stack://a", "lambda://f"], "a stack is compared with stacks; give", id="a stack and a function"),
        pytest.param(["lambda://a/b", "lambda://f"], "lambda://a/b does not name a function", id="no name"),
        pytest.param(["stack://a b", "stack://c"], "stack://a b does not name a stack", id="no stack"),
        pytest.param(["a.zip", "b.zip", "--path", "../x"], "--path ../x has an invalid name", id="a wrong path"),
    ],
)
def test_wrong_usage_has_status_2(arguments: list[str], problem: str, run: Run) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith(f"cfn-injector: {problem}")


# The page -------------------------------------------------------------------------------------------------------------


def test_the_page_shows_every_variable_of_every_stage_and_no_value(tmp_path: Path, run: Run) -> None:
    dev, prod = archive(tmp_path, "dev.zip", A=CANARY, B=CANARY), archive(tmp_path, "prod.zip", A=OTHER, B=CANARY)
    page = tmp_path / "page.html"
    run(dev, prod, "--html", str(page))
    text = page.read_text()
    assert CANARY not in text
    rows = re.findall(r'<tr class="(\w+)"><th scope="row">(\w+)</th>(.*?)</tr>', text)
    cells = {name: (state, re.findall(r"<td>(.*?)</td>", rest)) for state, name, rest in rows}
    assert cells["A"] == ("different", ["set (A)", "set (B)", "different"])
    assert cells["B"] == ("equal", ["set (A)", "set (A)", "equal"])
    assert cells["code"] == ("equal", ["the same", "the same", "equal"])
    assert "http" not in text.replace("http-equiv", "")
    assert (page.stat().st_mode & 0o777) == 0o600


def test_names_and_values_on_the_page_are_text(tmp_path: Path, run: Run) -> None:
    dev, prod = archive(tmp_path, "<b>.zip", A="<script>x</script>"), archive(tmp_path, "prod.zip", A="&")
    page = tmp_path / "page.html"
    run(dev, prod, "--html", str(page), "--show-values")
    text = page.read_text()
    assert "<script" not in text
    assert "&lt;script&gt;x&lt;/script&gt;" in text
    assert "&lt;b&gt;.zip" in text


# Deployed functions ---------------------------------------------------------------------------------------------------


class Account:
    """Stacks with functions, as CloudFormation and Lambda describe them; the code is on an HTTP server."""

    def __init__(self, url: str, stacks: Mapping[str, Mapping[str, str]], environment: Mapping[str, str]) -> None:
        self.url, self.stacks, self.environment = url, stacks, environment
        self.images: dict[str, str] = {}
        self.asked: list[dict[str, str]] = []

    def __call__(self, service: str, **_: Any) -> Account:
        return self

    def get_paginator(self, operation: str) -> Account:
        assert operation == "list_stack_resources"
        return self

    def paginate(self, StackName: str) -> Iterator[dict[str, Any]]:
        for name, physical_id in self.stacks[StackName].items():
            kind = "AWS::CloudFormation::Stack" if physical_id in self.stacks else "Custom::LambdaFunction"
            yield {
                "StackResourceSummaries": [
                    {"LogicalResourceId": name, "ResourceType": kind, "PhysicalResourceId": physical_id},
                    {"LogicalResourceId": f"{name}Role", "ResourceType": "AWS::IAM::Role", "PhysicalResourceId": "r"},
                ]
            }

    def describe_stack_resource(self, StackName: str, LogicalResourceId: str) -> dict[str, Any]:
        physical_id = self.stacks[StackName][LogicalResourceId]
        kind = "AWS::CloudFormation::Stack" if physical_id in self.stacks else "Custom::LambdaFunction"
        return {"StackResourceDetail": {"ResourceType": kind, "PhysicalResourceId": physical_id}}

    def get_function(self, **request: str) -> dict[str, Any]:
        self.asked.append(request)
        name = request["FunctionName"]
        variables = {"Environment": {"Variables": dict(self.environment)}} if self.environment else {}
        if name in self.images:
            return {
                "Configuration": {"FunctionName": name, "PackageType": "Image", **variables},
                "Code": {"RepositoryType": "ECR", "ResolvedImageUri": self.images[name]},
            }
        return {
            "Configuration": {"FunctionName": name, "PackageType": "Zip", **variables},
            "Code": {"Location": f"{self.url}/{name}.zip?X-Amz-Signature={CANARY}"},
        }


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    files = {
        "dev-list.zip": expected(SMALL, STAGE="dev"),
        "dev-inner.zip": expected(SMALL, STAGE="dev"),
        "prod-list.zip": expected(SMALL, STAGE=CANARY),
    }
    stacks = {
        "dev": {"List": "dev-list", "Nested": "dev-nested"},
        "dev-nested": {"Inner": "dev-inner"},
        "prod": {"List": "prod-list"},
    }
    with served(files) as site:
        account = Account(site.url, stacks, {"LOG": CANARY, "AWS_LAMBDA_EXEC_WRAPPER": "/var/task/x"})
        monkeypatch.setattr(aws_options, "clients", lambda _: account)
        yield account


def test_stacks_are_compared_function_by_function(account: Account, run: Run) -> None:
    status, out, err = run("stack://dev", "stack://prod")
    assert (status, err) == (1, "")
    assert out.splitlines() == [
        "List",
        "  ~ STAGE ***",
        "  1 variable is equal",
        "  code: the same artifact, 3 entries",
        "Nested/Inner",
        "  not in stack://prod",
        "  0 variables are equal",
    ]
    assert CANARY not in out


def test_one_function_of_a_nested_stack_has_an_address(account: Account, run: Run) -> None:
    status, out, _ = run("stack://dev/Nested/Inner", "lambda://dev-list")
    assert (status, out) == (0, "2 variables are equal\ncode: the same artifact, 3 entries\n")


def test_variables_of_the_configuration_are_named(account: Account, run: Run, tmp_path: Path) -> None:
    (tmp_path / "app.zip").write_bytes(expected(SMALL, STAGE="dev"))
    page = tmp_path / "page.html"
    status, out, _ = run(str(tmp_path / "app.zip"), "lambda://dev-list", "--html", str(page))
    assert (status, out.splitlines()[0]) == (1, "+ LOG (Environment)")
    assert '<th scope="row">LOG (Environment)</th>' in page.read_text()
    assert CANARY not in f"{out}{page.read_text()}"


@pytest.mark.parametrize(
    ("other", "told"),
    [
        pytest.param("sha256:1", "code: the same artifact", id="the same image, of another account"),
        pytest.param("sha256:2", "code of lambda://prod-list differs; 1 changed: container image", id="another image"),
    ],
)
def test_container_images_are_compared_by_their_digests(other: str, told: str, account: Account, run: Run) -> None:
    account.images = {
        "dev-list": "111122223333.dkr.ecr.us-east-1.amazonaws.com/app@sha256:1",
        "prod-list": f"444455556666.dkr.ecr.us-east-1.amazonaws.com/app@{other}",
    }
    out = run("stack://dev", "stack://prod")[1]
    assert out.splitlines()[1] == "  1 variable is equal"
    assert out.splitlines()[2].startswith(f"  {told}")


def test_a_container_image_has_no_archive(account: Account) -> None:
    account.images = {"dev-list": "111122223333.dkr.ecr.us-east-1.amazonaws.com/app@sha256:1"}
    with (
        pytest.raises(InjectorError, match="lambda://dev-list is a container image, which has no archive"),
        opened("lambda://dev-list", account),
    ):
        pass


def test_variables_that_lambda_cannot_decrypt_do_not_look_as_if_they_were_missing(account: Account, run: Run) -> None:
    class Encrypted(Account):
        def get_function(self, **request: str) -> dict[str, Any]:
            found = super().get_function(**request)
            found["Configuration"]["Environment"] = {"Error": {"ErrorCode": "AccessDeniedException", "Message": "no"}}
            return found

    account.__class__ = Encrypted
    status, out, err = run("lambda://dev-list", "lambda://prod-list")
    assert (status, out) == (1, "")
    problem = "Lambda does not return the environment variables (AccessDeniedException)"
    assert err.startswith(f"cfn-injector: lambda://dev-list: {problem}; ")


@pytest.mark.parametrize(
    ("address", "request_"),
    [
        ("lambda://app", {"FunctionName": "app"}),
        ("lambda://app:live", {"FunctionName": "app", "Qualifier": "live"}),
        ("lambda://app:$LATEST", {"FunctionName": "app", "Qualifier": "$LATEST"}),
        *(
            (f"lambda://{arn}{qualifier}", {"FunctionName": arn, **({"Qualifier": "7"} if qualifier else {})})
            for arn in ("arn:aws-us-gov:lambda:us-gov-west-1:999999999999:function:app",)
            for qualifier in ("", ":7")
        ),
    ],
)
def test_an_arn_names_a_function_of_its_own_account(address: str, request_: dict[str, str], account: Account) -> None:
    addresses.deployed(address, account)
    assert account.asked == [request_]


def test_an_error_ends_what_has_not_begun(account: Account) -> None:
    account.stacks = {"dev": {f"F{number}": f"gone-{number}" for number in range(200)}}
    with pytest.raises(InjectorError, match="lambda://gone-0 cannot be read: HTTP 404"):
        diff.comparisons(["stack://dev", "stack://dev"], ".env", account)
    assert len(account.asked) < 400


def test_functions_are_read_at_the_same_time(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    account.stacks = {stage: {f"F{number}": f"{stage}-list" for number in range(4)} for stage in ("dev", "prod")}
    together = threading.Barrier(8)

    def read(*_: Any) -> contents.Contents:
        together.wait(30)
        return contents.Contents("it", {}, {}, {})

    monkeypatch.setattr(diff, "contents_at", read)
    assert len(diff.comparisons(["stack://dev", "stack://prod"], ".env", account)) == 4


def test_the_url_of_the_code_reaches_no_message(account: Account, run: Run) -> None:
    status, out, err = run("lambda://gone", "lambda://dev-list")
    assert (status, out) == (1, "")
    problem = "lambda://gone cannot be read: HTTP 404; check that it exists and that you may read it [CI716]"
    assert err == f"cfn-injector: {problem}\n"


def test_contents_reveal_no_value(account: Account) -> None:
    found = contents.contents_at("lambda://prod-list", ".env", account)
    assert CANARY not in repr(found)
    assert CANARY not in repr(addresses.deployed("lambda://prod-list", account))


def test_the_command_reads_stages_at_the_same_time_and_in_order(account: Account) -> None:
    found = diff.comparisons(["stack://dev", "stack://prod"], ".env", account)
    assert [[stage and stage.place for stage in each.stages] for each in found] == [
        ["lambda://dev-list", "lambda://prod-list"],
        ["lambda://dev-inner", None],
    ]


def test_an_injection_changes_no_code() -> None:
    class Kept:
        data = b""

        def assemble(self, source: Any, segments: Any) -> None:
            from cfn_injector.injection import join

            self.data = join(source, segments)

    kept = Kept()
    inject(BytesSource(SMALL), kept, {"A": "1"})
    before, after = (contents.contents_of(BytesSource(data), ".env", "it") for data in (SMALL, kept.data))
    assert before.code == after.code


def test_a_stack_that_is_given_by_its_id_has_its_functions_in_its_own_region() -> None:
    regions = []
    stack = "arn:aws-cn:cloudformation:cn-north-1:111122223333:stack/dev/1c2fa620"
    account = Account("https://code.example", {stack: {"List": "dev-list"}}, {})

    def client(service: str, **options: str) -> Account:
        regions.append((service, options.get("region_name")))
        return account

    (address,) = addresses.functions(f"stack://{stack}", client).values()
    assert address == "lambda://arn:aws-cn:lambda:cn-north-1:111122223333:function:dev-list"
    for each in (address, f"stack://{stack}/List"):
        addresses.deployed(each, client)
    assert {region for _, region in regions} == {"cn-north-1"}
