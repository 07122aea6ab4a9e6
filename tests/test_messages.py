"""Events become requests, outcomes become bodies of at most 4096 bytes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfn_injector.errors import InjectorError, PropertyError, RequestError
from cfn_injector.protocol.messages import MAX_BODY_BYTES, Outcome, failed, not_created, parse_request, succeeded
from tests.fakes.aws_lambda import Clock
from tests.fakes.cloudformation import STACK_ID, FakeCloudFormation


def event(request_type: str = "Create", **fields: Any) -> dict[str, Any]:
    made = FakeCloudFormation(Clock()).event(request_type, {}, physical_id="f" if request_type != "Create" else None)
    return {**made, **fields}


def test_an_event_is_read_with_its_ids_and_properties() -> None:
    request = parse_request(event("Update", OldResourceProperties={"A": "1"}))
    assert (request.type, request.request_id, request.stack_id) == ("Update", "request-1", STACK_ID)
    assert (request.logical_id, request.physical_id, request.stack_name) == ("Function", "f", "shop-dev")
    assert request.old_properties == {"A": "1"}


def test_a_request_shows_no_property_and_no_url() -> None:
    assert "arn:provider" not in repr(parse_request(event()))
    assert "s3cr3t" not in repr(parse_request(event()))


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"RequestType": "Destroy"}, "RequestType 'Destroy' is not one of Create, Update, Delete"),
        ({"RequestType": None}, "RequestType None"),
        ({"StackId": ""}, "StackId"),
        ({"StackId": "no-arn"}, "StackId"),
        ({"LogicalResourceId": 7}, "LogicalResourceId"),
        ({"ResponseURL": None}, "ResponseURL"),
        ({"ResourceProperties": {"ServiceTimeout": "soon"}}, "ServiceTimeout"),
        ({"ResourceProperties": {"ServiceTimeout": "3601"}}, "ServiceTimeout"),
        ({"RequestType": "Update"}, "PhysicalResourceId"),
    ],
)
def test_a_field_that_is_missing_or_wrong_is_named(fields: dict[str, Any], named: str) -> None:
    with pytest.raises((RequestError, PropertyError), match="^.*" + named.replace("(", r"\(")):
        parse_request(event(**fields))


def test_a_delete_reads_no_property() -> None:
    assert parse_request(event("Delete", ResourceProperties={"ServiceTimeout": "soon"})).service_timeout == 3600


def test_the_age_of_an_event_comes_from_the_date_that_its_url_is_signed_with() -> None:
    url = "https://h/?X-Amz-Date=20270115T080000Z&X-Amz-Expires=7200"
    assert parse_request(event(ResponseURL=url)).issued_at == 1_800_000_000.0
    assert parse_request(event(ResponseURL="https://h/?X-Amz-Date=never")).issued_at is None


@given(st.text(max_size=9000))
def test_any_reason_fits_into_the_body(reason: str) -> None:
    body = failed(event(), reason).body()
    assert len(body) <= MAX_BODY_BYTES
    assert json.loads(body)["Status"] == "FAILED"


def test_a_long_reason_keeps_its_beginning_and_its_end() -> None:
    body = failed(event(), "begin " + "ü" * 9000 + " end").body()
    told = json.loads(body)["Reason"]
    assert 3000 < len(body) <= MAX_BODY_BYTES
    assert told.startswith("begin")
    assert told.endswith("end")


def test_an_attribute_is_never_cut_but_refused() -> None:
    with pytest.raises(RequestError, match="attributes of Function make the answer"):
        succeeded(parse_request(event()), Outcome("f", {"Arn": "x" * 4096})).body()


def test_an_attribute_that_is_no_json_is_refused() -> None:
    with pytest.raises(RequestError, match="return strings"):
        succeeded(parse_request(event()), Outcome("f", {"Arn": {1, 2}}))  # type: ignore[dict-item]  # the very mistake


def test_an_empty_physical_id_is_refused() -> None:
    with pytest.raises(RequestError, match="empty physical id"):
        succeeded(parse_request(event()), Outcome("", {}))


@pytest.mark.parametrize(
    ("request_type", "expected"), [("Create", not_created("request-1")), ("Update", "f"), ("Delete", "f")]
)
def test_a_failure_echoes_the_id_and_a_failed_create_answers_a_marker(request_type: str, expected: str) -> None:
    assert failed(event(request_type), "no").physical_id == expected


def test_a_failure_is_told_of_an_event_that_lacks_everything() -> None:
    assert json.loads(failed({}, "no").body())["PhysicalResourceId"]


def test_a_failure_needs_the_standard_library_alone() -> None:
    script = (
        "import sys\n"
        "class Nothing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('boto3', 'botocore', 'cfnlambda'): raise ImportError(name)\n"
        "sys.meta_path.insert(0, Nothing())\n"
        "from cfn_injector import aws_lambda\n"
        "from cfn_injector.protocol import delivery, messages, provider\n"
        "print(messages.failed({'RequestId': 'r'}, 'no').body().decode())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout)["Status"] == "FAILED"


def test_our_errors_have_one_root() -> None:
    assert issubclass(PropertyError, InjectorError)
