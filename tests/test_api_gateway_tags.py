"""The owner that an operation name records, as text, as ownership tags, and as a verdict."""

from __future__ import annotations

from typing import Any

import pytest

from cfn_injector.plugin import REQUEST_ID, Request, Stack, Verdict, ownership_tags, verdict
from cfn_injector.protocol.messages import not_created
from cfn_injector.resources.api_gateway_resource.tags import Owner, description, owner_for, owner_in, tags_of

STACK_ID = "arn:aws:cloudformation:us-east-1:111122223333:stack/shop-dev/0a1b2c3d"
NAME = "shop-dev-Function-X7WL7KB63ZIJ"


def request(kind: str = "Update", request_id: str = "request-1", **fields: Any) -> Request:
    stated = {"logical_id": "Function", "physical_id": "", "issued_at": 1800000000.0, **fields}
    return Request(kind, request_id, STACK_ID, resource_type="Custom::X", properties={}, old_properties={}, **stated)


@pytest.mark.parametrize("issued_at", [None, 1800000000.9])
@pytest.mark.parametrize("pending", [False, True])
def test_the_text_and_the_description_record_the_owner(issued_at: float | None, pending: bool) -> None:
    owner = owner_for(request(issued_at=issued_at), pending=pending)
    assert owner_in(owner.text) == owner
    assert owner_in(f"{owner.text} of {STACK_ID}") == owner
    assert owner_in(description(request(issued_at=issued_at))) == owner._replace(pending=False)


def test_the_text_is_the_one_that_deployed_apis_have() -> None:
    """A change of the format would disown every method that exists."""
    owner = owner_for(request(), pending=True)
    assert owner.text == f"{NAME}-DHYQMS3BTVE5-1800000000-pending"
    assert owner_for(request(issued_at=None)).text == f"{NAME}-DHYQMS3BTVE5"


@pytest.mark.parametrize("text", [None, "", "GetOrders", "shop-dev-Function-X7WL7KB63ZIJ", "a-b of stack"])
def test_any_other_text_records_no_owner(text: str | None) -> None:
    assert owner_in(text) is None
    assert tags_of(owner_in(text), request()) == {}


@pytest.mark.parametrize("pending", [False, True])
def test_the_tags_of_the_request_itself_are_those_of_any_other_type(pending: bool) -> None:
    assert tags_of(owner_for(request(), pending=pending), request()) == ownership_tags(request(), pending=pending)


MINE, OTHER = owner_for(request()), owner_for(request(request_id="request-2"))


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        pytest.param(None, Verdict.UNCLAIMED, id="no owner"),
        pytest.param(MINE, Verdict.ANSWERED, id="this request"),
        pytest.param(MINE._replace(pending=True), Verdict.PENDING, id="this request, not answered"),
        pytest.param(OTHER, Verdict.OWNED, id="an earlier request"),
        pytest.param(OTHER._replace(pending=True), Verdict.PENDING, id="an earlier request, not answered"),
        pytest.param(OTHER._replace(served="1800000001"), Verdict.STALE, id="a later event was served"),
        pytest.param(OTHER._replace(served=""), Verdict.OWNED, id="nothing is known about the order"),
        pytest.param(owner_for(request(logical_id="Other")), Verdict.FOREIGN, id="another resource of the stack"),
    ],
)
def test_the_verdict_follows_from_the_tags(owner: Owner | None, expected: Verdict) -> None:
    assert verdict(tags_of(owner, request()), request(), Stack({})) is expected


def test_a_delete_with_a_marker_recognizes_the_failed_create() -> None:
    delete = request("Delete", "request-9", physical_id=not_created("request-2"))
    assert tags_of(OTHER, delete)[REQUEST_ID] == "request-2"
    assert tags_of(MINE, delete)[REQUEST_ID] == MINE.request
