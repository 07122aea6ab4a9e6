"""``doctor`` without AWS: how beliefs are judged, shown and charged, and that everything is removed."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cfn_injector.cli import doctor as command
from cfn_injector.cli.main import main
from cfn_injector.doctor import archive_beliefs, catalogue, functions
from cfn_injector.doctor.base import Base, empty, template
from cfn_injector.doctor.beliefs import Answer, Belief, Finding, compare, judge, unknown
from cfn_injector.doctor.cleanup import Removals, explained
from cfn_injector.doctor.costs import PRICES, estimate
from cfn_injector.doctor.examine import Report, examine
from cfn_injector.doctor.functions import PLAIN, Memory
from cfn_injector.doctor.recorder import SOURCE
from cfn_injector.doctor.report import as_facts, as_text
from cfn_injector.doctor.session import Session, UnobservedError
from cfn_injector.errors import FunctionError
from cfn_injector.injection import BytesSource, inject

RIGHT = compare("the sky", "blue", "blue")
WRONG = compare("the grass", "green", "red")
UNKNOWN = unknown("the sea", "deep", "it is far away")


class Clients:
    """``client("sts")`` describes an account; no other service is there."""

    def __init__(self) -> None:
        self.meta = type("Meta", (), {"region_name": "eu-west-1"})

    def __call__(self, service: str, **options: Any) -> Clients:
        assert service == "sts"
        return self

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": "111122223333"}


def belief(letter: str, *answers: Answer, **others: Any) -> Belief:
    return Belief(letter, f"{letter} holds", f"{letter} breaks", lambda session: answers, **others)


def session(said: list[str] | None = None) -> Session:
    said = [] if said is None else said
    time = iter(range(1_000_000))
    return Session(
        name="cfn-injector-doctor-0000",
        client=Clients(),
        provider_zip=bytes,
        provider_template="",
        say=said.append,
        now=lambda: next(time),
        sleep=lambda seconds: None,
    )


def failing(error: BaseException) -> Callable[[Session], Iterator[Answer]]:
    def check(session: Session) -> Iterator[Answer]:
        yield RIGHT
        raise error

    return check


def denied() -> ClientError:
    return ClientError({"Error": {"Code": "AccessDenied", "Message": "not allowed\nhere"}}, "CreateStack")


# Beliefs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ([RIGHT, RIGHT], "right"),
        ([RIGHT, UNKNOWN], "unknown"),
        ([UNKNOWN, WRONG, RIGHT], "wrong"),
        ([], "unknown"),
    ],
)
def test_a_belief_is_as_right_as_its_worst_answer(answers: list[Answer], verdict: str) -> None:
    assert Finding(belief("A"), answers).verdict == verdict


def test_a_check_can_decide_by_itself() -> None:
    assert judge("the moon", "round", "an ellipse", right=True).verdict == "right"


def test_every_letter_of_the_catalogue_is_there_once_and_in_order() -> None:
    assert catalogue.LETTERS == "ABCDEFGHIJKLMNOPQRS"


def test_beliefs_are_chosen_by_their_letters_in_the_order_of_the_table() -> None:
    assert [each.letter for each in catalogue.chosen("q, a,N")] == ["A", "N", "Q"]


@pytest.mark.parametrize("form", archive_beliefs.FORMS)
def test_a_form_of_archive_that_is_tried_is_one_that_is_accepted(form: str) -> None:
    data, target = archive_beliefs.FORMS[form], Memory()
    inject(BytesSource(data), target, {"A": "1"})
    for archive in (data, target.data):
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            assert opened.testzip() is None
            assert opened.read("index.py").decode() == PLAIN


def created(error: Exception | None, answer: functions.Invoked) -> list[Answer]:
    """The answers if the creation of a function fails, or if its invocation is answered."""

    def make(session: Session, label: str, code: bytes) -> dict[str, str]:
        if error:
            raise error
        return {"FunctionName": label}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(functions, "make", make)
        patch.setattr(functions, "invoke", lambda session, name: answer)
        return list(archive_beliefs.check_forms(session()))


@pytest.mark.parametrize(
    ("code", "answer", "verdict"),
    [
        ("", functions.Invoked({}, b"", ""), "right"),
        ("", functions.Invoked(None, b"", ""), "unknown"),
        ("", functions.Invoked({"errorType": "Runtime.ImportModuleError"}, b"", "Unhandled"), "wrong"),
        ("InvalidParameterValueException", functions.Invoked({}, b"", ""), "wrong"),
        ("AccessDeniedException", functions.Invoked({}, b"", ""), "unknown"),
    ],
)
def test_a_form_of_archive_is_judged_by_the_creation_and_the_invocation(
    code: str, answer: functions.Invoked, verdict: str
) -> None:
    error = ClientError({"Error": {"Code": code, "Message": "Could not unzip"}}, "CreateFunction") if code else None
    answers = created(error, answer)
    assert [each.question for each in answers] == list(archive_beliefs.FORMS)
    assert {each.verdict for each in answers} == {verdict}


def test_the_documentation_lists_every_belief() -> None:
    text = (Path(__file__).parents[1] / "docs" / "command-line.md").read_text("utf-8")
    assert "".join(f"| {each.letter} | {each.sentence} |\n" for each in catalogue.BELIEFS) in text


def test_a_run_costs_cents_and_every_assumption_has_a_price() -> None:
    whole = estimate(catalogue.BELIEFS)
    assert 0 < whole.dollars <= 0.10
    assert whole.usage.keys() <= PRICES.keys()
    assert all(set(each.usage) <= set(PRICES) for each in catalogue.BELIEFS)
    assert estimate([belief("A", usage={"GB between Regions": 1000})]).dollars == pytest.approx(20.01)


# The examination ----------------------------------------------------------------------------------------------------


def test_a_check_that_fails_is_unknown_and_the_others_go_on() -> None:
    beliefs = [replace(belief("A"), check=failing(denied())), belief("B", RIGHT)]
    first, second = examine(session(), beliefs).findings
    assert first.answers == [RIGHT, unknown("the check", "to be finished", "AccessDenied: not allowed here")]
    assert (first.verdict, second.verdict) == ("unknown", "right")


def test_what_could_not_be_created_once_is_not_tried_again() -> None:
    tries = list[int]()

    def make(session: Session) -> str:
        tries.append(1)
        raise denied()

    where = session()
    for _ in range(2):
        with pytest.raises(UnobservedError, match="the stack could not be created: AccessDenied: not allowed here"):
            where.once("the stack", make)
    assert tries == [1]


def test_what_was_created_is_created_once() -> None:
    where, made = session(), iter("ab")
    assert [where.once("it", lambda session: next(made)) for _ in range(2)] == ["a", "a"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()])
def test_an_interruption_removes_everything_and_goes_on(error: BaseException) -> None:
    removed, said = list[str](), list[str]()
    where = session(said)

    def check(session: Session) -> Iterator[Answer]:
        session.removals.add("one", lambda: removed.append("one"))
        session.removals.add("two", lambda: removed.append("two"))
        yield from failing(error)(session)

    with pytest.raises(type(error)):
        examine(where, [replace(belief("A"), check=check)])
    assert removed == ["two", "one"]
    assert said[-1] == "removing everything"


def test_what_cannot_be_removed_is_named_and_does_not_stop_the_rest() -> None:
    removed, said = list[str](), list[str]()
    where = session(said)

    def fail() -> None:
        raise denied()

    where.removals.add("bucket b", lambda: removed.append("b"))
    where.removals.add("stack s", fail)
    report = examine(where, [belief("A", RIGHT)])
    assert report.left == ["stack s: AccessDenied: not allowed here"]
    assert removed == ["b"]
    assert said[-1] == "NOT REMOVED: stack s: AccessDenied: not allowed here"


def test_a_removal_that_is_interrupted_names_everything_that_is_left() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    removals = Removals()
    removals.add("first", lambda: None)
    removals.add("second", interrupted)
    assert removals.run() == ["second: interrupted", "first: interrupted"]
    assert removals.run() == []


def test_a_bucket_that_was_never_created_is_empty() -> None:
    class Buckets:
        def get_paginator(self, operation: str) -> Any:
            raise ClientError({"Error": {"Code": "NoSuchBucket"}}, operation)

    empty(Buckets(), "bucket")


# Checks -------------------------------------------------------------------------------------------------------------


def pages(*contents: dict[str, Any]) -> Any:
    return type("Paginator", (), {"paginate": lambda self, **arguments: list(contents)})()


class Functions:
    """An Inactive function; ``publish_version`` returns ``published``."""

    def __init__(self, published: str) -> None:
        self.published = published
        self.deleted = list[str]()

    def get_function_configuration(self, FunctionName: str, Qualifier: str = "") -> dict[str, str]:
        return {"State": "Active" if Qualifier else "Inactive"}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_versions_by_function"
        return pages({"Versions": [{"Version": "$LATEST"}]}, {"Versions": [{"Version": "7"}]})

    def publish_version(self, FunctionName: str) -> dict[str, str]:
        return {"Version": self.published}

    def delete_function(self, FunctionName: str, Qualifier: str) -> None:
        self.deleted.append(Qualifier)


@pytest.mark.parametrize(("published", "verdict", "deleted"), [("7", "unknown", []), ("8", "right", ["8"])])
def test_a_version_that_was_there_before_is_not_deleted(published: str, verdict: str, deleted: list[str]) -> None:
    client = Functions(published)
    where = replace(session(), client=lambda service: client, inactive_function="theirs")
    report = examine(where, catalogue.chosen("L"))
    assert [each.verdict for each in report.findings] == [verdict]
    assert (client.deleted, report.left) == (deleted, [])


class Refusing:
    """An account whose CloudFormation refuses every template with these words."""

    def __init__(self, words: str) -> None:
        self.words = words

    def __call__(self, service: str) -> Refusing:
        return self

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        return lambda **arguments: {}

    def get_paginator(self, operation: str) -> Any:
        return pages({})

    def create_stack(self, **arguments: Any) -> None:
        raise ClientError({"Error": {"Code": "ValidationError", "Message": self.words}}, "CreateStack")

    def describe_stacks(self, StackName: str) -> None:
        raise ClientError({"Error": {"Code": "ValidationError", "Message": "it does not exist"}}, "DescribeStacks")


@pytest.mark.parametrize(
    ("words", "verdicts"),
    [
        ("SSM Secure reference is not supported in: [Custom::It/Properties]", ["unknown", "right", "unknown"]),
        ("Template format error", ["unknown", "unknown", "unknown"]),
    ],
)
def test_a_reference_that_is_refused_is_as_good_as_one_that_arrives_as_it_is(words: str, verdicts: list[str]) -> None:
    where = replace(session(), client=Refusing(words))
    where.once("the shared stack", lambda session: Base("artifacts", "staging", "role", "token"))
    report = examine(where, catalogue.chosen("P"))
    answers = report.findings[0].answers
    assert [each.verdict for each in answers] == verdicts
    assert all(each.observed == f"REFUSED; {words}" for each in answers)
    assert report.left == []


# The recorder -------------------------------------------------------------------------------------------------------


def test_the_recorder_writes_down_neither_the_url_nor_a_value() -> None:
    answers = {"Stacks": [{"StackStatus": "CREATE_IN_PROGRESS"}], "StackEvents": []}
    service = type("Service", (), {"__getattr__": lambda self, name: lambda **arguments: answers})
    names: dict[str, Any] = {}
    exec(SOURCE.replace("import boto3", ""), names)
    names["boto3"] = type("boto3", (), {"client": staticmethod(lambda name: service())})
    event = {
        "RequestType": "Create",
        "LogicalResourceId": "A",
        "StackId": "arn:aws:cloudformation:eu-west-1:111122223333:stack/s/1",
        "ResponseURL": "https://host/secret-path?X-Amz-Date=20260101T000000Z&X-Amz-Signature=secret-signature",
        "ResourceProperties": {"Kinds": {"It": "secret-value", "Ref": "{{resolve:ssm:a}}", "Empty": {}}},
    }
    facts = names["facts"](event)
    assert "secret" not in json.dumps(facts)
    assert facts["host"] == "host"
    assert facts["date"] == "20260101T000000Z"
    assert facts["query"] == ["X-Amz-Date", "X-Amz-Signature"]
    assert facts["kinds"] == {"It": "text", "Ref": "literal", "Empty": "{}"}
    assert facts["stack"] == "CREATE_IN_PROGRESS"


def test_everything_in_the_shared_stack_that_has_a_name_has_the_sessions() -> None:
    shared = template("cfn-injector-doctor-0000")
    names = [
        value
        for resource in shared["Resources"].values()
        for key, value in resource.get("Properties", {}).items()
        if key.endswith("Name") or key == "Path"
    ]
    assert names
    assert all("cfn-injector-doctor-0000" in name for name in names)


# What is shown ------------------------------------------------------------------------------------------------------

REPORT = Report(
    [
        Finding(belief("A"), [RIGHT]),
        Finding(belief("B"), [RIGHT, WRONG, compare("the leaves", "green", "red")]),
        Finding(belief("C"), [UNKNOWN]),
    ],
    ["stack s: denied"],
    61.4,
)


def test_the_table_names_what_a_wrong_belief_means() -> None:
    lines = [" ".join(line.split()) for line in as_text(REPORT, width=150).splitlines()]
    assert "| A A holds | | | right | |" in lines
    assert "| - the sky | blue | blue | right | |" in lines
    assert "| B B holds | | | wrong | B breaks |" in lines
    assert "| - the grass, the leaves | green | red | wrong | |" in lines
    assert "| - the sea | deep | it is far away | unknown | |" in lines
    assert lines[-1] == "1 right, 1 wrong, 1 unknown in 61 s"


def test_text_of_aws_is_not_markup() -> None:
    report = Report([Finding(belief("A"), [unknown("[red]q", "[bold]", "[/]")])], [], 0)
    assert "[red]q" in as_text(report, width=150)


def test_the_facts_have_every_answer() -> None:
    facts = as_facts(REPORT)
    assert facts["seconds"] == 61
    assert facts["left"] == ["stack s: denied"]
    assert facts["beliefs"][2] == {
        "letter": "C",
        "belief": "C holds",
        "verdict": "unknown",
        "means_if_wrong": "C breaks",
        "answers": [{"question": "the sea", "expected": "deep", "observed": "it is far away", "verdict": "unknown"}],
    }
    json.dumps(facts)


# The command --------------------------------------------------------------------------------------------------------

Table = Callable[..., None]


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    """Puts these beliefs into the catalogue, and an account without services behind the command."""

    def put(*beliefs: Belief) -> None:
        monkeypatch.setattr(catalogue, "BELIEFS", beliefs)
        monkeypatch.setattr(catalogue, "LETTERS", "".join(each.letter for each in beliefs))
        monkeypatch.setattr(command, "clients", lambda arguments, attempts: Clients())

    return put


def test_right_beliefs_are_success(table: Table, capsys: pytest.CaptureFixture[str]) -> None:
    table(belief("A", RIGHT), belief("B", UNKNOWN))
    assert main(["doctor", "--yes"]) == 0
    out, err = capsys.readouterr()
    assert "1 right, 0 wrong, 1 unknown" in out
    assert "in account 111122223333, Region eu-west-1" in err
    assert "estimated cost: at most $0.01" in err


def test_a_wrong_belief_is_a_failure_after_the_table(table: Table, capsys: pytest.CaptureFixture[str]) -> None:
    table(belief("A", RIGHT), belief("B", WRONG))
    assert main(["doctor", "--yes"]) == 1
    out, err = capsys.readouterr()
    assert "1 right, 1 wrong, 0 unknown" in out
    assert err.endswith("cfn-injector: wrong: B; do not use what depends on it, and report it to the project [CI933]\n")


def test_something_left_is_a_failure_that_names_it(table: Table, capsys: pytest.CaptureFixture[str]) -> None:
    def check(session: Session) -> Iterator[Answer]:
        session.removals.add("bucket b", lambda: (_ for _ in ()).throw(denied()))
        yield RIGHT

    table(replace(belief("A"), check=check))
    assert main(["doctor", "--yes"]) == 1
    expected = "cfn-injector: not removed: bucket b: AccessDenied: not allowed here; remove it by hand [CI934]\n"
    assert capsys.readouterr().err.endswith(expected)


def test_a_wrong_belief_and_something_left_have_a_code_each(table: Table, capsys: pytest.CaptureFixture[str]) -> None:
    def check(session: Session) -> Iterator[Answer]:
        session.removals.add("bucket b", lambda: (_ for _ in ()).throw(denied()))
        yield WRONG

    table(replace(belief("A"), check=check))
    assert main(["doctor", "--yes"]) == 1
    err = capsys.readouterr().err
    assert "report it to the project [CI933]. not removed: bucket b: " in err
    assert err.endswith("remove it by hand [CI934]\n")


def test_an_interruption_is_status_130_and_says_what_is_left(table: Table, capsys: pytest.CaptureFixture[str]) -> None:
    def check(session: Session) -> Iterator[Answer]:
        session.removals.add("bucket b", lambda: (_ for _ in ()).throw(denied()))
        yield from failing(KeyboardInterrupt())(session)

    table(replace(belief("A"), check=check))
    assert main(["doctor", "--yes"]) == 130
    out, err = capsys.readouterr()
    assert out == ""
    assert "NOT REMOVED: bucket b: AccessDenied: not allowed here\n" in err


def test_json_is_one_object(table: Table, capsys: pytest.CaptureFixture[str]) -> None:
    table(belief("A", RIGHT), belief("B", WRONG))
    assert main(["doctor", "--yes", "--json"]) == 1
    facts = json.loads(capsys.readouterr().out)
    assert facts.keys() == {"name", "place", "seconds", "beliefs", "left"}
    assert facts["name"].startswith("cfn-injector-doctor-")
    assert facts["place"] == "account 111122223333, Region eu-west-1"
    assert [each["verdict"] for each in facts["beliefs"]] == ["right", "wrong"]


def test_only_the_chosen_beliefs_are_checked(table: Table, capsys: pytest.CaptureFixture[str]) -> None:
    table(belief("A", RIGHT), belief("B", WRONG))
    assert main(["doctor", "--yes", "--json", "--only", "a"]) == 0
    assert [each["letter"] for each in json.loads(capsys.readouterr().out)["beliefs"]] == ["A"]


def test_a_letter_that_is_not_there_is_an_invalid_argument(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["doctor", "--only", "A,Z"])
    assert stopped.value.code == 2
    assert "unknown belief: Z; choose from A, B, C," in capsys.readouterr().err


def test_the_list_needs_no_account(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--list", "--only", "N"]) == 0
    assert capsys.readouterr().out == "N  UpdateFunctionConfiguration takes each value that resets a property\n"


def never(session: Session) -> Iterator[Answer]:
    pytest.fail("nothing may be checked")


def test_without_a_terminal_and_without_yes_the_arguments_are_invalid(
    table: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    table(replace(belief("A"), check=never))
    assert main(["doctor"]) == 2
    assert "without a terminal to ask on, give --yes" in capsys.readouterr().err


class Terminal:
    """A standard input that a person types one line into."""

    def __init__(self, line: str) -> None:
        self.line = line

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return self.line


@pytest.mark.parametrize("typed", ["", "\n", "n\n", "yeah\n"])
def test_nothing_is_created_without_a_yes(
    typed: str, table: Table, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table(replace(belief("A"), check=never))
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    assert main(["doctor"]) == 1
    assert capsys.readouterr().err.endswith("not confirmed, so nothing was created; answer y, or give --yes [CI924]\n")


@pytest.mark.parametrize("typed", ["y\n", "YES\n"])
def test_a_yes_starts_the_checks(
    typed: str, table: Table, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table(belief("A", RIGHT))
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    assert main(["doctor"]) == 0
    assert "1 right" in capsys.readouterr().out


def test_credentials_that_are_missing_are_named_before_anything_is_created(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert main(["doctor", "--yes", "--region", "eu-west-1"]) == 1
    assert "cannot call AWS: there are no AWS credentials; give --profile" in capsys.readouterr().err


def test_an_error_of_the_provider_is_told_with_its_code() -> None:
    assert explained(FunctionError("function shop\nfailed", code="CI413")) == "function shop failed [CI413]"
