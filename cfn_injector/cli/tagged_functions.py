"""Reads the functions that the tags of a provider mark, in an account and Region: takes clients, returns ``Listed``.

    tags -> ARNs -> the configuration, the versions and the stack of each function, and its variables on request

https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Any

from cfn_injector import env_loader
from cfn_injector.aws import stacks
from cfn_injector.aws.s3_objects import uploaded_at
from cfn_injector.cli import addresses
from cfn_injector.cli.aws_errors import calls_explained, object_explained
from cfn_injector.cli.aws_options import Clients
from cfn_injector.cli.contents import contents_at
from cfn_injector.cli.display import s3_object, shown
from cfn_injector.errors import InjectorError
from cfn_injector.protocol.ownership import LOGICAL_ID, STACK_ID
from cfn_injector.resources.lambda_function import api
from cfn_injector.resources.lambda_function.steps import ARTIFACT

AT_ONCE = 8
GONE = "DELETE_COMPLETE"
UNPUBLISHED = "$LATEST"
_CHECK = "check the Region and your permissions"


@dataclass(frozen=True)
class Listed:
    """A function. ``stack_status`` is ``GONE`` if its stack does not exist.

    ``artifact`` is bucket and key, and empty if the function's tags do not name them. ``version`` is the last one that
    was published. ``env`` are the names in the file of variables: None if they were not requested or cannot be read,
    which ``problem`` explains.
    """

    function: str
    stack_id: str
    stack_status: str
    logical_id: str
    artifact: str
    version: str
    loader: str
    last_modified: str
    env: Sequence[str] | None = None
    problem: str = ""

    @property
    def stack(self) -> str:
        """The name of the stack."""
        return [*self.stack_id.split("/"), self.stack_id][1]

    @property
    def stack_is_gone(self) -> bool:
        return self.stack_status == GONE


def _arns(client: Any) -> Iterator[str]:
    pages = client.get_paginator("get_resources").paginate(
        TagFilters=[{"Key": STACK_ID}], ResourceTypeFilters=["lambda:function"], ResourcesPerPage=100
    )
    for page in pages:
        yield from (each["ResourceARN"] for each in page["ResourceTagMappingList"])


def _last_version(client: Any, name: str) -> str:
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    numbers = [each["Version"] for page in pages for each in page["Versions"] if each["Version"].isdecimal()]
    return max(numbers, key=int, default=UNPUBLISHED)


def _env(arn: str, path: str, clients: Clients) -> dict[str, Any]:
    try:
        return {"env": sorted(contents_at(f"{addresses.LAMBDA}://{arn}", path, clients).env)}
    except InjectorError as error:
        return {"problem": error.full_message}


def _read(arn: str, path: str | None, clients: Clients, status: Callable[[str], str]) -> Listed | None:
    """None if the function was deleted, or lost its tags, after the list of tags was read."""
    client = clients("lambda")
    with calls_explained(f"function {arn}", _CHECK):
        found = api.find(client, arn)
        tags = found["Tags"] if found else {}
        if found is None or not tags.get(STACK_ID):
            return None
        configuration = found["Configuration"]
        version = _last_version(client, arn)
    return Listed(
        function=configuration["FunctionName"],
        stack_id=tags[STACK_ID],
        stack_status=status(tags[STACK_ID]),
        logical_id=tags.get(LOGICAL_ID, ""),
        artifact=tags.get(ARTIFACT, ""),
        version=version,
        loader=env_loader.running(configuration),
        last_modified=configuration.get("LastModified", ""),
        **(_env(arn, path, clients) if path else {}),
    )


def functions(clients: Clients, path: str | None = None) -> list[Listed]:
    """All functions, ordered by stack and logical ID; ``path`` is the file of variables, None not to read any."""

    @cache
    def status(stack_id: str) -> str:
        with calls_explained(f"stack {stack_id}", _CHECK):
            found = stacks.find(clients("cloudformation"), stack_id)
        return found.status if found else GONE

    with calls_explained("the tags of functions", "your credentials need tag:GetResources; check the Region, too"):
        arns = list(_arns(clients("resourcegroupstaggingapi")))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda arn: _read(arn, path, clients, status), arns))
    return sorted(filter(None, found), key=lambda each: (each.stack, each.logical_id, each.function))


def _uploaded(location: str, clients: Clients) -> datetime | None:
    """When the artifact at BUCKET/KEY was uploaded; None if there is none."""
    url = f"s3://{location}"
    bucket, key, _ = s3_object(url)
    with object_explained(url):
        return uploaded_at(clients("s3"), bucket, key)


def older_than(location: str, found: Sequence[Listed], clients: Clients) -> list[Listed]:
    """Those whose artifact was uploaded before the one at BUCKET/KEY, or is gone; without those that name none."""
    then = _uploaded(location, clients)
    if then is None:
        raise InjectorError(f"{shown(f's3://{location}')} does not exist; name an artifact that does", code="CI738")
    artifacts = sorted({each.artifact for each in found if each.artifact})
    with ThreadPoolExecutor(AT_ONCE) as pool:
        times = dict(zip(artifacts, pool.map(partial(_uploaded, clients=clients), artifacts), strict=True))
    old = {artifact for artifact, time in times.items() if time is None or time < then}
    return [each for each in found if each.artifact in old]
