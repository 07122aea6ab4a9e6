"""Finds or creates the resources on the path to a method, and deletes them when they are no longer used.

Takes an operation, the ID of an API and the desired method. Returns the API's resources as they are, and the ID of the
method's own resource.

A resource has no tags, and its ID is known only when it exists. So a missing resource is created under a hidden name,
is recorded in a tag of the API, and is then renamed to its part of the path. Whatever is interrupted in between is
found by that name or by its tag. The hidden name depends on the part alone: of many events that create the same
resource at once, API Gateway accepts one, and the others go on with what that one has created.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from cfn_injector.plugin import Operation, PropertyError, ResourceError, code_of, message_of, name_of, short_hash
from cfn_injector.resources.api_gateway_resource import calls
from cfn_injector.resources.api_gateway_resource.calls import Target, call, place_of, spec_of
from cfn_injector.resources.api_gateway_resource.spec import MethodSpec

CREATED = "cfn-injector:made:"
"""The prefix of the keys of the tags that record resources. The rest is the ID, the value is who created it."""
MAX_TAGS = 50
"""Tags of AWS do not count. https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html"""
PAGED = {"PageSize": 500}
"""The most that API Gateway lists at once."""

Pair = tuple[str, str]
"""A path and a verb."""


@dataclass(frozen=True)
class Tree:
    """The tags of an API, and its resources as API Gateway describes them, by ID."""

    api: str
    tags: Mapping[str, str]
    resources: Mapping[str, Mapping[str, Any]]

    @cached_property
    def _children(self) -> Mapping[tuple[str, str], str]:
        return {(each.get("parentId") or "", each.get("pathPart") or ""): id for id, each in self.resources.items()}

    def child(self, parent: str, part: str) -> str | None:
        return self._children.get((parent, part))

    def method(self, target: Target) -> Mapping[str, Any] | None:
        methods = self.resources.get(target.resource, {}).get("resourceMethods") or {}
        found: Mapping[str, Any] | None = methods.get(target.verb)
        return found

    def methods(self) -> Iterator[tuple[Target, Mapping[str, Any]]]:
        for id, resource in self.resources.items():
            for verb, method in (resource.get("resourceMethods") or {}).items():
                yield Target(self.api, id, verb), method

    def pair(self, target: Target) -> Pair:
        return self.resources[target.resource]["path"], target.verb

    @cached_property
    def pairs(self) -> frozenset[Pair]:
        return frozenset(self.pair(target) for target, _ in self.methods())

    @property
    def created(self) -> dict[str, str]:
        """The names of the custom resources that created the recorded resources, by the IDs of these."""
        return {key.removeprefix(CREATED): who for key, who in self.tags.items() if key.startswith(CREATED)}

    def ancestors(self, resource: str) -> list[str]:
        """The resource itself and those above it."""
        found = []
        while resource in self.resources:
            found.append(resource)
            resource = self.resources[resource].get("parentId") or ""
        return found

    def below(self, resource: str) -> list[str]:
        """The resource itself and those below it."""
        return [id for id in self.resources if resource in self.ancestors(id)]

    def is_unused(self, resource: str) -> bool:
        return not self.resources[resource].get("resourceMethods") and len(self.below(resource)) == 1


def find(operation: Operation, api: str) -> Tree | None:
    """The API as it is; None if it does not exist.

    Tags are read first, so that whatever is recorded and not among the resources does not exist any more.
    """
    arn = _arn(operation, api)
    get_tags = operation.client("apigateway").get_tags
    answer = calls.find(operation, f"the tags of API {api}", get_tags, resourceArn=arn)
    tree = None if answer is None else find_resources(operation, api)
    return tree and replace(tree, tags=(answer or {}).get("tags") or {})


def find_resources(operation: Operation, api: str) -> Tree | None:
    """The API as it is, without its tags; None if it does not exist."""
    pages = operation.client("apigateway").get_paginator("get_resources")

    def resources() -> list[Mapping[str, Any]]:
        found = pages.paginate(restApiId=api, embed=["methods"], PaginationConfig=PAGED)
        return [each for page in found for each in page["items"]]

    listed = calls.find(operation, f"the resources of API {api}", resources)
    return None if listed is None else Tree(api, {}, {each["id"]: each for each in listed})


def _arn(operation: Operation, api: str) -> str:
    place = place_of(operation)
    return f"arn:{place.partition}:apigateway:{place.region}::/restapis/{api}"


def tag(operation: Operation, api: str, tags: Mapping[str, str]) -> None:
    """Adds tags to the API."""
    tag_resource = operation.client("apigateway").tag_resource
    call(operation, "a tag", tag_resource, resourceArn=_arn(operation, api), tags=tags)


def untag(operation: Operation, api: str, keys: Collection[str]) -> None:
    """Removes tags from the API. It is not an error if the API lacks them or does not exist."""
    if keys:
        untag_resource = operation.client("apigateway").untag_resource
        calls.find(operation, "a tag", untag_resource, resourceArn=_arn(operation, api), tagKeys=sorted(keys))


def room(tree: Tree) -> int:
    """How many more tags the API accepts."""
    return MAX_TAGS - sum(not key.startswith("aws:") for key in tree.tags)


def start(tree: Tree, desired: MethodSpec) -> str | None:
    """The resource where the path begins; None if it does not exist."""
    if not desired.parent:
        return next((id for id, each in tree.resources.items() if not each.get("parentId")), None)
    return desired.parent if desired.parent in tree.resources else None


def descend(tree: Tree, desired: MethodSpec) -> tuple[str | None, tuple[str, ...]]:
    """The last resource on the path that exists, None if not even its start does; and the parts that are missing."""
    at, parts = start(tree, desired), desired.parts
    while at and parts and (child := tree.child(at, parts[0])):
        at, parts = child, parts[1:]
    return at, parts


def create(operation: Operation, tree: Tree, desired: MethodSpec) -> Tree | None:
    """Creates what is missing on the path and returns the API with it; None if another request was in the way.

    Raises PropertyError before anything is created if the parent does not exist or the API has no room for the tags,
    and ResourceError if API Gateway refuses the path.
    """
    at, missing = descend(tree, desired)
    if at is None:
        remedy = "give the ID of one, or remove ParentId to start at the root"
        raise PropertyError("ParentId", f"is not a resource of API {desired.api}", remedy, code="CI273")
    _check_room(tree, missing)
    try:
        return _create_all(operation, tree, at, missing)
    except ClientError as error:
        if code_of(error) in ("BadRequestException", "LimitExceededException"):
            problem = f"Path {'/'.join(desired.parts)} cannot be created: {message_of(error)}"
            raise ResourceError(problem, code="CI424") from error
        if code_of(error) not in ("NotFoundException", "ConflictException"):
            raise
        return None


def _check_room(tree: Tree, missing: Collection[str]) -> None:
    if len(missing) > room(tree):
        present = MAX_TAGS - room(tree)
        raise PropertyError(
            "Path",
            f"needs {len(missing)} more resources and a tag for each; API {tree.api} has {present} of {MAX_TAGS} tags",
            "declare resources on the path as AWS::ApiGateway::Resource",
            code="CI275",
        )


def _hidden(part: str) -> str:
    """The name under which a resource for this part of a path is created."""
    return f"cfn-injector-{short_hash(part)}-pending"


def _hidden_names(operation: Operation) -> set[str]:
    """The names of what an interrupted request for this custom resource may have created.

    Earlier versions of the provider named it after the custom resource.
    """
    request = operation.request
    desired = [spec_of(operation, each) for each in (request.properties, request.old_properties)]
    return {f"{name_of(request)}-pending", *(_hidden(part) for each in desired for part in each.parts)}


def _create_all(operation: Operation, tree: Tree, at: str, missing: Collection[str]) -> Tree | None:
    """Creates the missing resources, each hidden at first. One that is hidden already is recorded and used.

    None if another event created one of them since the tree was read.
    """
    operation.log("make-resources", key="/".join(missing))
    resources, tags, path = dict(tree.resources), dict(tree.tags), tree.resources[at]["path"].rstrip("/")
    for part in missing:
        id = tree.child(at, _hidden(part)) or _create_hidden(operation, tree.api, at, part)
        if id is None:
            return None
        record = {CREATED + id: name_of(operation.request)}
        if not record.keys() <= tags.keys():
            tag(operation, tree.api, record)
        _rename(operation, tree.api, id, part)
        tags, path = record | tags, f"{path}/{part}"
        resources[id] = {"id": id, "parentId": at, "pathPart": part, "path": path}
        at = id
    return Tree(tree.api, tags, resources)


def _create_hidden(operation: Operation, api: str, parent: str, part: str) -> str | None:
    """Creates a hidden resource and returns its ID; None if the resource exists under its own name.

    Under throttling, another event may have created and renamed that since the tree was read. No event can do so while
    the hidden name is taken; but one that finds the hidden resource may have renamed it already.
    """
    gateway, arguments = operation.client("apigateway"), {"parentId": parent, "pathPart": _hidden(part)}
    id: str = call(operation, "a resource", gateway.create_resource, restApiId=api, **arguments)["id"]
    tree = find_resources(operation, api)
    if tree is None or tree.child(parent, part) in (None, id):
        return id
    calls.find(operation, "a resource", gateway.delete_resource, restApiId=api, resourceId=id)
    return None


def _rename(operation: Operation, api: str, resource: str, part: str) -> None:
    patch = [{"op": "replace", "path": "/pathPart", "value": part}]
    gateway, ids = operation.client("apigateway"), {"restApiId": api, "resourceId": resource}
    try:
        call(operation, "the name of a resource", gateway.update_resource, **ids, patchOperations=patch)
    except ClientError as error:
        found = calls.find(operation, "a resource", gateway.get_resource, **ids)
        if found and found.get("pathPart") == part:
            return  # another event renamed it
        if code_of(error) in ("ConflictException", "NotFoundException"):
            clean(operation, api)  # somebody created one of that name meanwhile, which is used instead, or deleted it
        raise


def near(tree: Tree, target: Target, desired: MethodSpec) -> set[str]:
    """The resources where a method is, was or would be, with those above them."""
    last, _ = descend(tree, desired)
    return {*tree.ancestors(target.resource), *tree.ancestors(last or "")}


def clean(operation: Operation, api: str, at: Collection[str] = ()) -> None:
    """Deletes unused resources that this custom resource created, and those ``at`` that any custom resource did.

    The resource that an Update is about stays: its method may be missing for a moment. A hidden one stays if another
    custom resource has recorded it. API Gateway deletes a resource with everything below it, so the API is read again
    before each call.
    """
    names = _hidden_names(operation)
    request, delete_resource = operation.request, operation.client("apigateway").delete_resource
    current = calls.target_in(request.physical_id) if request.type == "Update" else None
    kept = {current.resource} if current and current.api == api else set[str]()
    while (tree := find(operation, api)) is not None:
        hidden = [id for id, each in tree.resources.items() if each.get("pathPart") in names and id not in tree.created]
        created = {id for id, who in tree.created.items() if who == name_of(request) or id in at} - kept
        unused = hidden or [id for id in created if id in tree.resources and tree.is_unused(id)]
        gone = [id for id in tree.created if id not in tree.resources]
        if unused:
            gone += tree.below(unused[0])
            operation.log("delete-resource", key=tree.resources[unused[0]]["path"])
            calls.find(operation, "a resource", delete_resource, restApiId=api, resourceId=unused[0])
        untag(operation, api, [CREATED + id for id in gone if id in tree.created])
        if not unused:
            return
