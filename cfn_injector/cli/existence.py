"""Whether a resource of the provider exists that ``drift`` does not compare: takes clients and a physical ID."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cfn_injector.errors import code_of
from cfn_injector.resources.api_gateway_resource.calls import target_in

Client = Callable[[str], Any]
"""``client(service)`` returns a client in the resource's Region."""

_MISSING = frozenset({"NotFoundException", "ResourceNotFoundException"})


def _mapping(client: Client, physical_id: str) -> None:
    client("lambda").get_event_source_mapping(UUID=physical_id)


def _method(client: Client, physical_id: str) -> None:
    target = target_in(physical_id)
    if target:
        client("apigateway").get_method(restApiId=target.api, resourceId=target.resource, httpMethod=target.verb)


_READ: Mapping[str, Callable[[Client, str], None]] = {
    "Custom::EventSourceMapping": _mapping,
    "Custom::APIGatewayResource": _method,
}
KINDS = tuple(_READ)


def exists(client: Client, kind: str, physical_id: str) -> bool:
    """Whether the resource of this type exists; ``kind`` is one of ``KINDS``. Raises botocore's errors."""
    from botocore.exceptions import ClientError

    try:
        _READ[kind](client, physical_id)
    except ClientError as error:
        if code_of(error) not in _MISSING:
            raise
        return False
    return True
