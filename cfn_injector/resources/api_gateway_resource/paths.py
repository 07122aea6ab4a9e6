"""The resources of an API: those on the way to a method are found, or made, and go again when nobody uses them.

In: a job, the id of an API, what is wanted. Out: the API's resources as they are, and the id of the one for the method.

A resource bears no tags, and its id is only known when it exists. So what is missing of a path is made under a name of
this custom resource's own, which nobody else walks through; is remembered by tags of the API, one for each resource;
and then gets the name that was asked for. Whatever is interrupted in between is found by that name, or by its tag.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from cfn_injector.plugin import PropertyError, ResourceError, code_of, message_of
from cfn_injector.resources.api_gateway_resource.operation import Job, Target
from cfn_injector.resources.api_gateway_resource.spec import Wanted

MADE = "cfn-injector:made:"
"""How the keys of the tags begin that remember resources; the rest is the id, the value is who made it."""
MAX_TAGS = 50
"""Those of AWS are not counted. https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html"""
PAGED = {"PageSize": 500}
"""The most that API Gateway lists at once."""

Pair = tuple[str, str]
"""A path and a verb."""


@dataclass(frozen=True)
class Tree:
    """The tags of an API, and its resources as API Gateway describes them, by their ids."""

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
    def made(self) -> dict[str, str]:
        """Who made it, by the ids of the resources that are remembered."""
        return {key.removeprefix(MADE): who for key, who in self.tags.items() if key.startswith(MADE)}

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


def look(job: Job, api: str) -> Tree | None:
    """The API as it is; None where there is none.

    Tags come first: whatever is remembered and is not among the resources then does not exist any more.
    """
    arn = _arn(job, api)
    told = job.found(f"the tags of API {api}", job.gateway.get_tags, resourceArn=arn)
    pages = job.gateway.get_paginator("get_resources")

    def resources() -> list[Mapping[str, Any]]:
        found = pages.paginate(restApiId=api, embed=["methods"], PaginationConfig=PAGED)
        return [each for page in found for each in page["items"]]

    listed = None if told is None else job.found(f"the resources of API {api}", resources)
    if told is None or listed is None:
        return None
    return Tree(api, told.get("tags") or {}, {each["id"]: each for each in listed})


def _arn(job: Job, api: str) -> str:
    return f"arn:{job.place.partition}:apigateway:{job.place.region}::/restapis/{api}"


def tag(job: Job, api: str, tags: Mapping[str, str]) -> None:
    """Adds tags to the API."""
    job.call("a tag", job.gateway.tag_resource, resourceArn=_arn(job, api), tags=tags)


def untag(job: Job, api: str, keys: Collection[str]) -> None:
    """Takes tags from the API; that it has none of them, or is gone, is no error."""
    if keys:
        job.found("a tag", job.gateway.untag_resource, resourceArn=_arn(job, api), tagKeys=sorted(keys))


def room(tree: Tree) -> int:
    """How many tags more the API takes."""
    return MAX_TAGS - sum(not key.startswith("aws:") for key in tree.tags)


def _start(tree: Tree, wanted: Wanted) -> str | None:
    if not wanted.parent:
        return next((id for id, each in tree.resources.items() if not each.get("parentId")), None)
    return wanted.parent if wanted.parent in tree.resources else None


def descend(tree: Tree, wanted: Wanted) -> tuple[str | None, tuple[str, ...]]:
    """The last resource on the path that there is, None where not even its start is; and the parts that are missing."""
    at, parts = _start(tree, wanted), wanted.parts
    while at and parts and (child := tree.child(at, parts[0])):
        at, parts = child, parts[1:]
    return at, parts


def make(job: Job, tree: Tree, wanted: Wanted) -> Tree | None:
    """Makes what is missing on the way; returns the API with it. None: somebody was in the way; look again.

    Raises PropertyError before anything is made where there is no such parent, or no room to remember what was made;
    ResourceError where API Gateway refuses the path.
    """
    at, missing = descend(tree, wanted)
    if at is None:
        raise PropertyError("ParentId", f"is no resource of API {wanted.api}", "give one, or none for the root")
    _check_room(tree, missing)
    try:
        return _make(job, tree, at, missing)
    except ClientError as error:
        if code_of(error) in ("BadRequestException", "LimitExceededException"):
            raise ResourceError(f"Path {'/'.join(wanted.parts)} cannot be made: {message_of(error)}") from error
        if code_of(error) not in ("NotFoundException", "ConflictException"):
            raise
        return None


def _check_room(tree: Tree, missing: Collection[str]) -> None:
    if len(missing) > room(tree):
        present = MAX_TAGS - room(tree)
        raise PropertyError(
            "Path",
            f"lacks {len(missing)} resources, and each takes a tag; API {tree.api} has {present} of {MAX_TAGS}",
            "declare resources on the way as AWS::ApiGateway::Resource",
        )


def _hidden(job: Job) -> str:
    """The name under which resources are made."""
    return f"{job.owner}-pending"


def _make(job: Job, tree: Tree, at: str, missing: Collection[str]) -> Tree:
    """Makes the missing resources, each hidden at first; one that an interrupted request left so is used."""
    job.log("make-resources", key="/".join(missing))
    made, tags, path = dict(tree.resources), dict(tree.tags), tree.resources[at]["path"].rstrip("/")
    for part in missing:
        id = tree.child(at, _hidden(job)) or _create(job, tree.api, at)
        tag(job, tree.api, {MADE + id: job.owner})
        _show(job, tree.api, id, part)
        tags[MADE + id], path = job.owner, f"{path}/{part}"
        made[id] = {"id": id, "parentId": at, "pathPart": part, "path": path}
        at = id
    return Tree(tree.api, tags, made)


def _create(job: Job, api: str, parent: str) -> str:
    arguments = {"restApiId": api, "parentId": parent, "pathPart": _hidden(job)}
    id: str = job.call("a resource", job.gateway.create_resource, **arguments)["id"]
    return id


def _show(job: Job, api: str, resource: str, part: str) -> None:
    patch = [{"op": "replace", "path": "/pathPart", "value": part}]
    try:
        call = job.gateway.update_resource
        job.call("the name of a resource", call, restApiId=api, resourceId=resource, patchOperations=patch)
    except ClientError as error:
        if code_of(error) == "ConflictException":  # somebody made one of that name meanwhile, and it is theirs we use
            clean(job, api)
        raise


def near(tree: Tree, target: Target, wanted: Wanted) -> set[str]:
    """The resources at which a method that is gone, or goes, stood or would stand, with those above them."""
    last, _ = descend(tree, wanted)
    return {*tree.ancestors(target.resource), *tree.ancestors(last or "")}


def clean(job: Job, api: str, at: Collection[str] = ()) -> None:
    """Deletes what was made and nobody uses: what this custom resource made, and of any other's what is among ``at``.

    What an Update is about stays: its method may be missing for a moment. API Gateway deletes a resource with all that
    is below it, so it is looked at again before each one.
    """
    update, current = job.request.type == "Update", job.current
    stays = {current.resource} if update and current and current.api == api else set[str]()
    while (tree := look(job, api)) is not None:
        hidden = [id for id, each in tree.resources.items() if each.get("pathPart") == _hidden(job)]
        made = {id for id, who in tree.made.items() if who == job.owner or id in at} - stays
        unused = hidden or [id for id in made if id in tree.resources and tree.is_unused(id)]
        gone = [id for id in tree.made if id not in tree.resources]
        if unused:
            gone += tree.below(unused[0])
            job.log("delete-resource", key=tree.resources[unused[0]]["path"])
            job.found("a resource", job.gateway.delete_resource, restApiId=api, resourceId=unused[0])
        untag(job, api, [MADE + id for id in gone if id in tree.made])
        if not unused:
            return
