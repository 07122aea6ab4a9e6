"""Deploys an API to a stage, so that the stage serves a method or no longer does.

Takes an operation, an API, a stage, and a method's path and verb. Returns the ID of the deployment that the stage
points to.

A stage serves a deployment, which is a snapshot of the whole API. So several custom resources of one API deploy each
other's methods. An older snapshot can reach the stage after a newer one, and is then replaced.

An account can create one deployment every five seconds. It fails while any method of the API has no integration.
https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from cfn_injector.plugin import Operation, ResourceError, Verdict, code_of, message_of
from cfn_injector.resources.api_gateway_resource import calls, paths
from cfn_injector.resources.api_gateway_resource.paths import PAGED, Pair
from cfn_injector.resources.api_gateway_resource.spec import VERBS
from cfn_injector.resources.api_gateway_resource.tags import (
    NOT_OWNED,
    Owner,
    description,
    owner_in,
    owner_of,
    verdict_on,
)

INCOMPLETE_SECONDS = 120.0
"""How long to wait for a method without an integration, which another request may be creating."""

_INCOMPLETE, _EMPTY = "No integration defined for method", "doesn't contain any methods"


def _find_stage(operation: Operation, api: str, name: str) -> Mapping[str, Any] | None:
    get_stage = operation.client("apigateway").get_stage
    found: Mapping[str, Any] | None = calls.find(operation, f"stage {name}", get_stage, restApiId=api, stageName=name)
    return found


def _find_stages(operation: Operation, api: str) -> list[Mapping[str, Any]]:
    """All stages of the API; none if the API does not exist."""
    get_stages = operation.client("apigateway").get_stages
    answer = calls.find(operation, f"the stages of API {api}", get_stages, restApiId=api)
    return list((answer or {}).get("item", []))


def _find_deployment(operation: Operation, api: str, stage: Mapping[str, Any]) -> Mapping[str, Any]:
    """The deployment that the stage points to; empty if it does not exist."""
    id = stage.get("deploymentId") or "none"
    arguments = {"restApiId": api, "deploymentId": id, "embed": ["apisummary"]}
    return calls.find(operation, f"deployment {id}", operation.client("apigateway").get_deployment, **arguments) or {}


def _find_deployments(operation: Operation, api: str) -> list[Mapping[str, Any]]:
    """All deployments of the API."""
    pages = operation.client("apigateway").get_paginator("get_deployments")
    found = calls.find(
        operation,
        f"the deployments of API {api}",
        lambda: [each for page in pages.paginate(restApiId=api, PaginationConfig=PAGED) for each in page["items"]],
    )
    return found or []


def _pairs(deployment: Mapping[str, Any]) -> frozenset[Pair]:
    """The methods of a deployment. A name in its summary that is not a verb means ANY."""
    summary = deployment.get("apiSummary") or {}
    return frozenset((path, verb if verb in VERBS else "ANY") for path, verbs in summary.items() for verb in verbs)


def _owner_of(described: Mapping[str, Any] | None) -> Owner | None:
    """The owner of a deployment or a stage as API Gateway describes it."""
    return owner_in(described.get("description")) if described else None


def _create(operation: Operation, api: str, name: str, *, new: bool) -> str:
    """Deploys the API to the stage. If the stage is ``new``, this creates it, and its description names its owner."""
    text = description(operation.request)
    operation.log("deploy", key=name)
    stage = {"stageName": name, **({"stageDescription": text} if new else {})}
    create_deployment = operation.client("apigateway").create_deployment
    id: str = create_deployment(restApiId=api, description=text, **stage)["id"]
    return id


def find_current(operation: Operation, api: str, name: str) -> str:
    """The ID of the deployment that the stage points to; empty if the stage does not exist."""
    stage = _find_stage(operation, api, name)
    return str(stage.get("deploymentId") or "") if stage else ""


def deploy(operation: Operation, api: str, name: str, pair: Pair) -> str:
    """Makes the stage serve the method, once for a request. Returns the ID of the deployment.

    If the summary of a deployment lacks the method, the API is deployed again. The second deployment is accepted
    whatever its summary says, because the method existed before it.
    """
    began, created = operation.services.now(), list[str]()

    def served(stage: Mapping[str, Any] | None) -> str | None:
        """The ID of the deployment that the stage points to, if this request created it and it has the method."""
        deployment = _find_deployment(operation, api, stage) if stage else {}
        own = verdict_on(operation, _owner_of(deployment)) is Verdict.ANSWERED
        complete = pair in _pairs(deployment) or deployment.get("id") in created[1:]
        return str(deployment["id"]) if own and complete else None

    def attempt() -> str | None:
        stage = _find_stage(operation, api, name)
        if id := served(stage):
            return id
        try:
            created.append(_create(operation, api, name, new=stage is None))
        except ClientError as error:
            if _INCOMPLETE not in message_of(error):
                raise
            if operation.services.now() - began > INCOMPLETE_SECONDS:
                raise ResourceError(
                    f"API {api} cannot be deployed to stage {name}, because one of its methods has no integration; "
                    "complete or delete that method"
                ) from error
            return None
        return served(_find_stage(operation, api, name))

    return calls.wait_for(operation, f"the deployment of API {api} to stage {name}", attempt)


def withdraw(
    operation: Operation, api: str, stages: Collection[str], pairs: Collection[Pair], *, undone: bool = False
) -> None:
    """Makes stages no longer serve methods that do not exist any more.

    These are the ``stages`` named, and those that this custom resource created or deployed to last. An API without
    methods cannot be deployed: then a stage that a custom resource created is deleted. If the creation of a method is
    ``undone``, so is a stage that this custom resource created, unless the API has other methods of custom resources.
    """
    observed = _find_stages(operation, api)
    owners = {each["id"]: _owner_of(each) for each in _find_deployments(operation, api)} if observed else {}
    for stage in observed:
        verdicts = [verdict_on(operation, each) for each in (_owner_of(stage), owners.get(stage.get("deploymentId")))]
        if stage["stageName"] in stages or not NOT_OWNED.issuperset(verdicts):
            name, began = stage["stageName"], operation.services.now()
            attempt = partial(_is_clean, operation, api, name, pairs, undone, began)
            calls.wait_for(operation, f"the deployment of API {api} to stage {name}", attempt)


def _is_clean(
    operation: Operation, api: str, name: str, pairs: Collection[Pair], undone: bool, began: float
) -> bool | None:
    """Whether the stage serves nothing that is gone. If it does, deploys again; None means to look again."""
    stage = _find_stage(operation, api, name)
    tree = paths.find(operation, api) if stage else None
    if stage is None or tree is None:
        return True
    deployment = _find_deployment(operation, api, stage)
    deployed_by, created_by = verdict_on(operation, _owner_of(deployment)), verdict_on(operation, _owner_of(stage))
    gone = _pairs(deployment) - tree.pairs
    if not gone.intersection(pairs) and not (gone and deployed_by not in NOT_OWNED):
        return True
    others = any(owner_of(method) for _, method in tree.methods())
    if (created_by is not Verdict.UNCLAIMED and not tree.pairs) or (
        undone and created_by not in NOT_OWNED and not others
    ):
        _delete_stage(operation, api, name)
        return True
    if not tree.pairs:
        return True
    try:
        id = _create(operation, api, name, new=False)
        return True if find_current(operation, api, name) == id else None
    except ClientError as error:
        incomplete = _INCOMPLETE in message_of(error)
        if not incomplete and _EMPTY not in message_of(error) and code_of(error) != "NotFoundException":
            raise
        if incomplete and operation.services.now() - began > INCOMPLETE_SECONDS:  # nobody can deploy this API as it is
            operation.log("left-behind", key=f"stage {name}", error=code_of(error))
            return True
    return None


def drop(operation: Operation, api: str, name: str, known: Owner) -> None:
    """Deletes a stage that this custom resource created, unless somebody else deployed to it later.

    ``known`` is the owner of the method: a stage that is older than the event which the method records existed before
    the update that is rolled back.
    """
    stage = _find_stage(operation, api, name)
    created_by = _owner_of(stage)
    if stage is None or verdict_on(operation, created_by) in NOT_OWNED:
        return
    if created_by and created_by.served and known.served and int(created_by.served) < int(known.served):
        return
    if verdict_on(operation, _owner_of(_find_deployment(operation, api, stage))) not in NOT_OWNED:
        _delete_stage(operation, api, name)


def _delete_stage(operation: Operation, api: str, name: str) -> None:
    operation.log("delete-stage", key=name)
    delete_stage = operation.client("apigateway").delete_stage
    calls.find(operation, "the stage", delete_stage, restApiId=api, stageName=name)


def prune(operation: Operation, api: str, keep: str = "") -> None:
    """Deletes deployments of custom resources that no stage points to. One that remains is deleted the next time."""
    with operation.best_effort(key=f"deployments of API {api}"):
        unused = {each["id"] for each in _find_deployments(operation, api) if _owner_of(each)} - {keep}
        for stage in _find_stages(operation, api) if unused else []:
            unused -= {stage.get("deploymentId"), (stage.get("canarySettings") or {}).get("deploymentId")}
        for id in sorted(unused):
            _delete(operation, api, id)


def _delete(operation: Operation, api: str, id: str) -> None:
    delete_deployment = operation.client("apigateway").delete_deployment
    try:
        calls.find(operation, "a deployment", delete_deployment, restApiId=api, deploymentId=id)
    except ClientError as error:
        if code_of(error) != "BadRequestException":  # otherwise a stage points to it again
            raise
