"""A fake of the Resource Groups Tagging API behind botocore's own client: GetResources, in pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.awsrequest import AWSResponse

from tests.fakes.aws_lambda import REGION, Wire, client_for
from tests.fakes.json_rpc import serve


class FakeTagging:
    """``tagged()`` returns the tags of all resources by ARN. ``page`` is how many resources a page has at most."""

    def __init__(self, tagged: Callable[[], Mapping[str, Mapping[str, str]]]) -> None:
        self.tagged, self.page = tagged, 100
        self.wire, self.attempts = Wire(), 1
        self.calls: list[dict[str, Any]] = []

    def client(self, region: str = REGION) -> Any:
        return client_for("resourcegroupstaggingapi", self._catch, region, self.attempts)

    def _catch(self, request: Any, **_: Any) -> AWSResponse:
        return serve(request, "resourcegroupstaggingapi", self.wire, {"GetResources": self._resources}.__getitem__)

    def _resources(self, params: dict[str, Any]) -> dict[str, Any]:
        """The token of the last page is an empty text."""
        self.calls.append(params)
        assert params["ResourceTypeFilters"] == ["lambda:function"]
        keys = {each["Key"] for each in params["TagFilters"]}
        found = [(arn, tags) for arn, tags in self.tagged().items() if keys <= tags.keys()]
        first = int(params.get("PaginationToken") or 0)
        last = first + min(self.page, params.get("ResourcesPerPage", self.page))
        mappings = [
            {"ResourceARN": arn, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
            for arn, tags in found[first:last]
        ]
        return {"ResourceTagMappingList": mappings, "PaginationToken": str(last) if last < len(found) else ""}
