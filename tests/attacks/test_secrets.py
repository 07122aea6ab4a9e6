"""Values of ``Env`` and ``Environment``, in whatever AWS's errors quote them."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, quote_plus
from xml.sax import saxutils

import pytest
from botocore.exceptions import ClientError

from cfn_injector.protocol import masking, provider
from cfn_injector.protocol.masking import masked, secrets_in
from cfn_injector.protocol.messages import Outcome, Request, Services
from tests.fakes.aws_lambda import Fault
from tests.fakes.cloudformation import Context
from tests.support.lambda_functions import BASE, changed, created
from tests.support.world import World

SECRET = "s3cr3t \"quoted\" & 'more' <ü>"
LINES = "-----BEGIN KEY-----\nMIIBVgIBADANBg\n-----END KEY-----"
SHORT = "xy7"
ENVIRONMENT = {"DB_PASSWORD": SECRET, "KEY": LINES, "PIN": SHORT}

MEASURED = (
    "Lambda was unable to configure your environment variables because the environment variables you have provided "
    "exceeded the 4KB limit. String measured: {}"
)
CONSTRAINT = (
    "1 validation error detected: Value '{}' at 'environment.variables' failed to satisfy constraint: Map value"
)

QUOTES = (
    ("Lambda's error for more than 4 KB, which quotes all variables", MEASURED.format(json.dumps(ENVIRONMENT))),
    (
        "the same, with characters outside ASCII as they are",
        MEASURED.format(json.dumps(ENVIRONMENT, ensure_ascii=False)),
    ),
    (
        "the same, in single quotes and without an end",
        MEASURED.format("{" + ",".join(f"'{name}' :'{value}'" for name, value in ENVIRONMENT.items())),
    ),
    (
        "the same, inside a validation error",
        f"1 validation error detected: Value '{MEASURED.format(json.dumps(ENVIRONMENT))}' at 'environment' failed",
    ),
    (
        "a validation error whose value looks like its end",
        CONSTRAINT.format(f"{{A=' at 'role', PIN={SHORT}, KEY={LINES}}}"),
    ),
    ("a validation error that quotes the variables as Java does", CONSTRAINT.format(f"{{PIN={SHORT}, KEY={LINES}}}")),
    ("a validation error that quotes one value", CONSTRAINT.format(SECRET)),
    ("a value as Python quotes it", f"Invalid value: {SECRET!r}"),
    ("a value as XML quotes it", "&lt;s3cr3t: s3cr3t &quot;quoted&quot; &amp; &apos;more&apos; &lt;ü&gt;"),
    ("a value as a URL quotes it", "https://lambda/?v=s3cr3t%20%22quoted%22%20%26%20%27more%27%20%3C%C3%BC%3E"),
    ("one line of a value", "unexpected MIIBVgIBADANBg in line 2"),
)
"""Reports of these messages: https://github.com/github-aws-runners/terraform-aws-github-runner/issues/3594 (JSON) and
https://github.com/aws-samples/aws-genai-llm-chatbot/issues/583 (inside a validation error)."""


def shown(text: str) -> list[str]:
    """The secrets that a text shows."""
    return [
        part
        for part in ("s3cr3t \\", 's3cr3t "', "s3cr3t%", "s3cr3t &quot", "MIIBVg", f"={SHORT}", f'"{SHORT}"')
        if part in text
    ]


@pytest.mark.parametrize(("sentence", "message"), QUOTES, ids=[sentence for sentence, _ in QUOTES])
@pytest.mark.parametrize("where", ["Env", "Environment", "old"])
def test_what_aws_quotes_is_masked_in_answers_and_logs(
    world: World, sentence: str, message: str, where: str, record_property: Any
) -> None:
    record_property("attack", f"{sentence}, from {where}")
    properties = changed(
        BASE, **({"Env": ENVIRONMENT} if where == "Env" else {"Environment": {"Variables": ENVIRONMENT}})
    )
    first = world.stack.send(world.stack.event("Create", BASE))["PhysicalResourceId"]
    old, new = (properties, changed(BASE, Timeout=9)) if where == "old" else (BASE, properties)

    def refuse(operation: str, params: dict[str, Any]) -> None:
        if operation.startswith("UpdateFunction"):
            raise Fault("InvalidParameterValueException", message)

    world.aws_lambda.before = refuse
    answered = world.stack.send(world.stack.event("Update", new, physical_id=first, old=old))
    assert answered["Status"] == "FAILED"
    assert shown(answered["Reason"]) == []
    assert " [CI108]; see log stream" in answered["Reason"]
    assert shown(repr(world.log)) == []


@pytest.mark.parametrize(
    "message",
    [
        "The role's name at 'x' is wrong",
        "1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: Map keys must "
        "satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]",
        "Lambda was unable to configure your environment variables because the environment variables you have provided "
        "contains reserved keys that are currently not supported for modification. Reserved keys used in this request: "
        "AWS_REGION",
    ],
)
def test_a_message_that_quotes_nothing_stays_as_it_is(message: str) -> None:
    """The second is in https://github.com/trek10inc/serverless-secrets/issues/39."""
    error = ClientError({"Error": {"Code": "E", "Message": message}}, "CreateFunction")
    assert masked(str(error), secrets_in({"ResourceProperties": {"Env": ENVIRONMENT}})) == str(error)


def test_of_several_validation_errors_every_value_is_cut_and_every_constraint_stays() -> None:
    first, second = "Value '{A=x1}' at 'environment'", "Value 'y2' at 'role'"
    text = f"2 validation errors detected: {first} failed to satisfy constraint: P; {second} failed to satisfy: Q"
    expected = "2 validation errors detected: Value at 'environment' failed to satisfy constraint: P; Value at 'role' "
    assert masked(text, []) == f"{expected}failed to satisfy: Q"


ODD = "p/w =+\"<ü&\U0001f511>' \\end"
FORMS = {
    "plain": ODD,
    "JSON": json.dumps(ODD),
    "JSON with other characters as they are": json.dumps(ODD, ensure_ascii=False),
    "JSON with digits in capitals": json.dumps(ODD).replace("\\ud83d\\udd11", "\\uD83D\\uDD11").replace("00fc", "00FC"),
    "JSON with escaped slashes": json.dumps(ODD).replace("/", "\\/"),
    "JSON as Java's Gson writes it": re.sub("[<>&='](?!$)", lambda c: f"\\u{ord(c.group()):04x}", json.dumps(ODD)),
    "JSON in JSON": json.dumps(json.dumps(ODD)),
    "Python's repr": repr(ODD),
    "Python's ascii": ascii(ODD),
    "XML": saxutils.escape(ODD),
    "XML in an attribute": saxutils.escape(ODD, {'"': "&quot;"}),
    "XML with both quotes escaped": saxutils.escape(ODD, {'"': "&quot;", "'": "&apos;"}),
    "HTML": html.escape(ODD),
    "HTML as Go writes it": saxutils.escape(ODD, {'"': "&#34;", "'": "&#39;"}),
    "a URL's path": quote(ODD),
    "a URL's parameter": quote(ODD, safe=""),
    "a URL's query": quote_plus(ODD),
    "a URL with digits in small letters": re.sub("%..", lambda c: c.group().lower(), quote_plus(ODD)),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize(
    "properties",
    [
        {"Env": {"A": ODD}},
        {"EnvFrom": [{"Parameter": {"Path": [ODD]}}]},
        {"Environment": {"Variables": {"A": ODD}}},
        {"Env": {"A": f"first\r\n  {ODD}\nlast"}},
    ],
    ids=["Env", "EnvFrom", "Environment", "a line"],
)
@pytest.mark.parametrize("generation", ["ResourceProperties", "OldResourceProperties"])
def test_a_value_is_masked_in_whatever_form_it_is_quoted(form: str, properties: Any, generation: str) -> None:
    assert "end" not in masked(f"it is {form}.", secrets_in({generation: properties}))


def test_a_variable_with_the_value_of_a_status_hides_no_metric(world: World) -> None:
    """Identifiers are never secret, and a log without them is of no use."""
    name = created(world, FunctionName="payroll", Env={"A": "SUCCESS", "B": "payroll"})
    assert world.log[-1][1]["status"] == "SUCCESS"
    assert name in {fields.get("function") for _, fields in world.log}


def test_texts_in_the_log_are_masked(world: World) -> None:
    def create(request: Request, services: Services) -> Outcome:
        services.log("left-behind", error=f"it was {SECRET}", reason=f"because of {SECRET!r}")
        return Outcome("id")

    event = world.stack.event("Create", {"Env": ENVIRONMENT})
    module = SimpleNamespace(create=create, update=create, delete=create)
    services = world.services()
    provider.serve(event, Context(900), find=lambda _: module, send=world.stack.take, services=services)
    assert "left-behind" in world.steps()
    assert shown(repr(world.log)) == []


def test_ten_thousands_of_secret_lines_are_searched_in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts the forms, which are what takes time and memory: none for what the text cannot contain."""
    made = list[str]()

    def counted(value: str) -> Iterator[str]:
        made.append(value)
        return iter(())

    monkeypatch.setattr(masking, "_json_forms", counted)
    lines = "\n".join(f'{number:05}"<&é' for number in range(40_000))
    secrets = secrets_in({"ResourceProperties": {"Env": {"A": lines}}})
    assert masked("line 00017 is wrong", secrets) == "line 00017 is wrong"
    assert made == ['00017"<&é']


def test_what_never_ends_is_searched_in_linear_time() -> None:
    """A search that tried every beginning with every end would take hours."""
    for text in ("Value '" * 60_000, "Value '" * 60_000 + " at 'x'", "' at 'x'" * 60_000, " " * 400_000):
        assert isinstance(masked(text, []), str)


NESTED: dict[str, Any] = {"Env": {}}
for _ in range(5000):  # deeper than Python can recurse
    NESTED = {"Env": NESTED}


@pytest.mark.parametrize(
    "properties",
    [
        NESTED,
        {"Env": ["a list"]},
        {"Env": "text"},
        {"Environment": "text"},
        {"Environment": {"Variables": None}},
        None,
        "text",
    ],
)
def test_properties_of_any_shape_can_be_searched_for_secrets(properties: Any) -> None:
    assert isinstance(secrets_in({"ResourceProperties": properties}), list)
