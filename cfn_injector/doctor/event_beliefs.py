"""Beliefs about the events of custom resources: where they are answered, their dates, their size, their properties."""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Callable, Iterator, Sequence
from time import strptime
from typing import Any

from botocore.exceptions import ClientError

from cfn_injector.doctor import stacks
from cfn_injector.doctor.base import base
from cfn_injector.doctor.beliefs import Answer, compare, judge, unknown
from cfn_injector.doctor.recorder import Record, records, resource
from cfn_injector.doctor.scenario import life
from cfn_injector.doctor.session import Session
from cfn_injector.errors import code_of
from cfn_injector.protocol.delivery import aws_hosts

CLOCK_SECONDS = 300.0
"""How far a date may be from this machine's clock."""

_ENV_BYTES = 300_000
_UNSUPPORTED = re.compile(r"ssm.?secure.*not supported|not support.*ssm.?secure", re.IGNORECASE | re.DOTALL)
_MISSING = ("ResourceNotFoundException", "ParameterNotFound")


def _template(**resources: Any) -> dict[str, Any]:
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}


def _seconds(date: str) -> float | None:
    """An X-Amz-Date in seconds since the epoch; None if it is not one."""
    try:
        return float(timegm(strptime(date, "%Y%m%dT%H%M%SZ")))
    except ValueError:
        return None


def check_url(session: Session) -> Iterator[Answer]:
    region = session.client("cloudformation").meta.region_name
    seen, hosts = life(session).created[0], aws_hosts(region)
    shortest = min(hosts, key=len, default="a host of AWS")
    yield judge("host of the ResponseURL", f"{shortest}, or alike", seen.host, right=seen.host in hosts)
    issued = _seconds(seen.date)
    expected = "X-Amz-Date within five minutes of the event"
    if issued is None:
        named = ", ".join(seen.query) or "none"
        yield judge("date of the ResponseURL", expected, f"no date; parameters: {named}", right=False)
    else:
        late = abs(seen.at - issued) <= CLOCK_SECONDS
        yield judge("date of the ResponseURL", expected, f"{seen.at - issued:.0f} s before the event", right=late)


def _in_order(earlier: Record, later: Record, question: str) -> Answer:
    dates = [_seconds(each.date) for each in (earlier, later)]
    if dates[0] is None or dates[1] is None:
        return unknown(question, "not earlier", "the ResponseURLs have no date")
    return judge(question, "not earlier", f"{dates[1] - dates[0]:+.0f} s", right=dates[1] >= dates[0])


def check_dates(session: Session) -> Iterator[Answer]:
    happened = life(session)

    def updates(events: Sequence[Record]) -> list[Record]:
        return [each for each in events if (each.logical, each.type) == ("A", "Update")]

    yield _in_order(happened.created[0], updates(happened.updated)[0], "the update, after the creation")
    failed = updates(happened.rolled_back)
    if len(failed) < 2:
        yield unknown("the rollback, after its update", "not earlier", "the resource did not get both events")
    else:
        yield _in_order(failed[0], failed[1], "the rollback, after its update")


def check_size(session: Session) -> Iterator[Answer]:
    shared = base(session)

    def template(letter: str) -> dict[str, Any]:
        env = {f"NAME_{number}": letter * 3000 for number in range(_ENV_BYTES // 3000)}
        return _template(A=resource(shared.token, Env=env))

    def sizes(name: str) -> dict[str, int]:
        return {each.type: each.size for each in records(session, shared.artifacts, name)}

    created = stacks.create(session, "large", template("a"), bucket=shared.artifacts)
    found = sizes(created.name)
    question = "a Create with 300 KB"
    right = found.get("Create", 0) > _ENV_BYTES
    observed = f"{created.status}; {found.get('Create', 0)} bytes arrived"
    yield judge(question, "more than 300,000 bytes arrive", observed, right=right)
    if created.status == "CREATE_COMPLETE":
        updated = stacks.update(session, created, template("b"), bucket=shared.artifacts)
        arrived = sizes(created.name).get("Update", 0)
        observed = f"{updated.status}; {arrived} bytes arrived"
        expected = "more than 600,000 bytes arrive"
        yield judge("an Update with 300 KB, old and new", expected, observed, right=arrived > 2 * _ENV_BYTES)


def _ignoring_missing(call: Callable[..., Any], **arguments: Any) -> Callable[[], None]:
    def remove() -> None:
        try:
            call(**arguments)
        except ClientError as error:
            if code_of(error) not in _MISSING:
                raise

    return remove


def _make_references(session: Session) -> dict[str, str]:
    """A secret and two parameters with a value that is not secret. Returns the references to them."""
    name, secrets, ssm = f"{session.name}-value", session.client("secretsmanager"), session.client("ssm")
    forced = {"SecretId": name, "ForceDeleteWithoutRecovery": True}
    session.removals.add(f"secret {name}", _ignoring_missing(secrets.delete_secret, **forced))
    secrets.create_secret(Name=name, SecretString="doctor")
    for each, sort in ((name, "String"), (f"{name}-secure", "SecureString")):
        session.removals.add(f"parameter {each}", _ignoring_missing(ssm.delete_parameter, Name=each))
        ssm.put_parameter(Name=each, Type=sort, Value="doctor")
    return {
        "secretsmanager": f"{{{{resolve:secretsmanager:{name}}}}}",
        "ssm-secure": f"{{{{resolve:ssm-secure:{name}-secure:1}}}}",
        "ssm": f"{{{{resolve:ssm:{name}:1}}}}",
    }


def check_references(session: Session) -> Iterator[Answer]:
    shared = base(session)
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
    expected = {"secretsmanager": "literal", "ssm-secure": "literal", "ssm": "text"}
    for kind, reference in _make_references(session).items():
        # Each has its own stack, because CloudFormation may refuse one of them: then nothing wrong arrives.
        question = f"{kind} reference"
        stack = stacks.create(session, f"ref-{kind}", _template(A=resource(shared.token, Kinds={"It": reference})))
        found = [each.kinds["It"] for each in records(session, shared.artifacts, stack.name)]
        explanation = stacks.explain(stack)
        if found:
            yield compare(question, expected[kind], found[0])
        elif kind == "ssm-secure" and _UNSUPPORTED.search(explanation):
            yield judge(question, "literal, or refused", explanation, right=True)
        else:
            yield unknown(question, expected[kind], explanation)


def check_emptied(session: Session) -> Iterator[Answer]:
    shared, absent = base(session), {"Ref": "AWS::NoValue"}
    name = f"{session.name}-emptied"

    def template(value: Any) -> dict[str, Any]:
        native = {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                **{"FunctionName": name, "Runtime": "python3.13", "Handler": "index.handler", "Role": shared.role},
                "Code": {"ZipFile": "def handler(event, context):\n    return {}\n"},
                "Environment": {"Variables": value},
            },
        }
        kinds = {"Environment": {"Variables": value}}
        return _template(A=resource(shared.token, Kinds=kinds), Native=native)

    created = stacks.create(session, "emptied", template({"NAME": "value"}))
    stack = stacks.update(session, stacks.require(created, "CREATE_COMPLETE"), template(absent))
    seen = [each for each in records(session, shared.artifacts, stack.name) if each.type == "Update"]
    question = "a structure whose only member is AWS::NoValue"
    if seen:
        yield compare(question, "{}", seen[0].kinds.get("Environment", "missing"))
    else:
        yield unknown(question, "{}", stacks.explain(stack))
    stacks.require(stack, "UPDATE_COMPLETE")
    left = session.client("lambda").get_function_configuration(FunctionName=name).get("Environment", {})
    names = ", ".join(left.get("Variables", {})) or "no variables"
    yield compare("AWS::Lambda::Function with such an Environment", "no variables", names)
