"""Deployments of an API to a stage: one that holds the method, or no longer does.

In: a job, an API, a stage, a method's path and verb. Out: the id of the deployment that the stage points to.

A stage serves a deployment, which is a snapshot of the whole API. So several custom resources of one API deploy each
other's methods; an older snapshot may come to the stage after a newer one, and is then replaced.

Deployments are limited to one in five seconds for a whole account, and fail while any method has no integration yet.
https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from cfn_injector.plugin import ResourceError, code_of, message_of
from cfn_injector.resources.api_gateway_resource.operation import Job
from cfn_injector.resources.api_gateway_resource.paths import PAGED, Pair, look
from cfn_injector.resources.api_gateway_resource.spec import VERBS
from cfn_injector.resources.api_gateway_resource.tags import Mark, description, mark_in, mark_of, mark_on

HALF_SECONDS = 120.0
"""How long a method may be without an integration, because somebody is still making it."""

_HALF, _EMPTY = "No integration defined for method", "doesn't contain any methods"


def _stage(job: Job, api: str, name: str) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = job.found(f"stage {name}", job.gateway.get_stage, restApiId=api, stageName=name)
    return found


def _deployment(job: Job, api: str, stage: Mapping[str, Any]) -> Mapping[str, Any]:
    """The deployment that the stage points to; nothing where it is gone."""
    id = stage.get("deploymentId") or "none"
    get = job.gateway.get_deployment
    return job.found(f"deployment {id}", get, restApiId=api, deploymentId=id, embed=["apisummary"]) or {}


def _held(deployment: Mapping[str, Any]) -> frozenset[Pair]:
    """What a deployment holds. Whatever is no verb in its summary stands for ANY."""
    summary = deployment.get("apiSummary") or {}
    return frozenset((path, verb if verb in VERBS else "ANY") for path, verbs in summary.items() for verb in verbs)


def _create(job: Job, api: str, name: str, *, new: bool) -> str:
    """Deploys the API to the stage; ``new``: the stage is made by that, and described as ours."""
    told = description(job.request)
    job.log("deploy", key=name)
    stage = {"stageName": name, **({"stageDescription": told} if new else {})}
    id: str = job.gateway.create_deployment(restApiId=api, description=told, **stage)["id"]
    return id


def current(job: Job, api: str, name: str) -> str:
    """The id of the deployment that the stage points to; empty where there is no such stage."""
    stage = _stage(job, api, name)
    return str(stage.get("deploymentId") or "") if stage else ""


def deploy(job: Job, api: str, name: str, pair: Pair) -> str:
    """Makes the stage serve the method, once for a request; returns the id of the deployment.

    A deployment whose summary does not tell of the method is made anew. The second one is believed all the same: the
    method was there before.
    """
    mine, began, made = mark_of(job.request), job.services.now(), list[str]()

    def served(stage: Mapping[str, Any] | None) -> str | None:
        """The id of the deployment that the stage points to, if it is this request's own and holds the method."""
        deployment = _deployment(job, api, stage) if stage else {}
        mark = mark_in(deployment.get("description"))
        own = mark is not None and (mark.owner, mark.request) == (mine.owner, mine.request)
        holds = pair in _held(deployment) or deployment.get("id") in made[1:]
        return str(deployment["id"]) if own and holds else None

    def attempt() -> str | None:
        stage = _stage(job, api, name)
        if id := served(stage):
            return id
        try:
            made.append(_create(job, api, name, new=stage is None))
        except ClientError as error:
            if _HALF not in message_of(error):
                raise
            if job.services.now() - began > HALF_SECONDS:
                raise ResourceError(
                    f"API {api} cannot be deployed to stage {name}, because one of its methods has no integration; "
                    "complete or delete that method"
                ) from error
            return None
        return served(_stage(job, api, name))

    return job.until(f"the deployment of API {api} to stage {name}", attempt)


def withdraw(job: Job, api: str, stages: Collection[str], pairs: Collection[Pair], *, undone: bool = False) -> None:
    """Makes stages no longer serve methods that do not exist any more: those named, made or last deployed to for ours.

    Where no method is left, nothing can be deployed: then a stage that was made by one of our deployments is deleted.
    ``undone``: so is one that this custom resource made for what did not come to be, if no other of ours is left.
    """
    told = job.found(f"the stages of API {api}", job.gateway.get_stages, restApiId=api)
    by = {each["id"]: mark_in(each.get("description")) for each in _listed(job, api)} if told else {}
    for stage in (told or {}).get("item", []):
        marks = [mark_in(stage.get("description")), by.get(stage.get("deploymentId"))]
        if stage["stageName"] in stages or any(mark and mark.owner == job.owner for mark in marks):
            what = f"the deployment of API {api} to stage {stage['stageName']}"
            job.until(what, partial(_is_clean, job, api, stage["stageName"], pairs, undone, job.services.now()))


def _listed(job: Job, api: str) -> list[Mapping[str, Any]]:
    """All deployments of the API."""
    pages = job.gateway.get_paginator("get_deployments")
    found = job.found(
        f"the deployments of API {api}",
        lambda: [each for page in pages.paginate(restApiId=api, PaginationConfig=PAGED) for each in page["items"]],
    )
    return found or []


def _is_clean(job: Job, api: str, name: str, pairs: Collection[Pair], undone: bool, began: float) -> bool | None:
    """Looks at the stage, and acts if there is need to; then it is worth looking again."""
    stage = _stage(job, api, name)
    tree = look(job, api) if stage else None
    if stage is None or tree is None:
        return True
    deployment = _deployment(job, api, stage)
    by, made = mark_in(deployment.get("description")), mark_in(stage.get("description"))
    stale = _held(deployment) - tree.pairs
    if not stale.intersection(pairs) and not (stale and by and by.owner == job.owner):
        return True
    ours = any(mark_on(method) for _, method in tree.methods())
    if (made and not tree.pairs) or (undone and made and made.owner == job.owner and not ours):
        _delete_stage(job, api, name)
        return True
    if not tree.pairs:
        return True
    try:
        id = _create(job, api, name, new=False)
        return True if current(job, api, name) == id else None
    except ClientError as error:
        half = _HALF in message_of(error)
        if not half and _EMPTY not in message_of(error) and code_of(error) != "NotFoundException":
            raise
        if half and job.services.now() - began > HALF_SECONDS:  # nobody can deploy this API as it is
            job.log("left-behind", key=f"stage {name}", error=code_of(error))
            return True
    return None


def drop(job: Job, api: str, name: str, known: Mark) -> None:
    """Deletes a stage that this custom resource made, if nobody else deployed to it since.

    One that is older than what the method's mark, ``known``, tells of was there before the update that is rolled back.
    """
    stage = _stage(job, api, name)
    made = mark_in(stage.get("description")) if stage else None
    if made and made.served and known.served and int(made.served) < int(known.served):
        return
    if stage and made and made.owner == job.owner:
        by = mark_in(_deployment(job, api, stage).get("description"))
        if by and by.owner == job.owner:
            _delete_stage(job, api, name)


def _delete_stage(job: Job, api: str, name: str) -> None:
    job.log("delete-stage", key=name)
    job.found("the stage", job.gateway.delete_stage, restApiId=api, stageName=name)


def prune(job: Job, api: str, but: str = "") -> None:
    """Deletes the deployments that were made here and that no stage points to. One that stays goes the next time."""
    with job.leaving_behind(f"deployments of API {api}"):
        ours = {each["id"] for each in _listed(job, api) if mark_in(each.get("description"))} - {but}
        told = job.found(f"the stages of API {api}", job.gateway.get_stages, restApiId=api) if ours else None
        for stage in (told or {}).get("item", []):
            ours -= {stage.get("deploymentId"), (stage.get("canarySettings") or {}).get("deploymentId")}
        for id in sorted(ours):
            _delete(job, api, id)


def _delete(job: Job, api: str, id: str) -> None:
    try:
        job.found("a deployment", job.gateway.delete_deployment, restApiId=api, deploymentId=id)
    except ClientError as error:
        if code_of(error) != "BadRequestException":  # else a stage points to it again
            raise
