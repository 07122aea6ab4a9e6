"""Deploys an API to a stage, so that the stage serves a method or no longer does.

Takes an operation, an API, a stage, and a method's path and verb. Returns the ID of the deployment that the stage
points to.

A stage serves a deployment, which is a snapshot of the whole API. So one deployment carries the methods of all custom
resources that were complete when it was begun, which its description says; whoever waits looks whether there is one
before creating another. An older snapshot can reach the stage after a newer one, and is then replaced.

An account can create one deployment every five seconds. It fails while any method of the API has no integration.
https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from cfn_injector.plugin import NOT_OWNED, Operation, ResourceError, Verdict, code_of, message_of
from cfn_injector.resources.api_gateway_resource import calls, paths
from cfn_injector.resources.api_gateway_resource.paths import PAGED, Pair
from cfn_injector.resources.api_gateway_resource.properties import VERBS
from cfn_injector.resources.api_gateway_resource.tags import (
    Owner,
    begun_in,
    description,
    owner_in,
    owner_of,
    verdict_on,
)

INCOMPLETE_SECONDS = 120.0
"""How long to wait while the same methods have no integration. Another request may be creating them."""

CLOCK_SKEW = 1.0
"""By how much the clocks of two providers may differ, in seconds."""

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
    text = description(operation.request, operation.services.now())
    operation.log("deploy", key=name)
    stage = {"stageName": name, **({"stageDescription": description(operation.request)} if new else {})}
    # Throttling means that others deploy.
    create_deployment = operation.without_waiting().client("apigateway").create_deployment
    id: str = create_deployment(restApiId=api, description=text, **stage)["id"]
    return id


def find_current(operation: Operation, api: str, name: str) -> str:
    """The ID of the deployment that the stage points to; empty if the stage does not exist."""
    stage = _find_stage(operation, api, name)
    return str(stage.get("deploymentId") or "") if stage else ""


class _Patience:
    """How long one stage has been waiting for methods without an integration."""

    def __init__(self, operation: Operation, api: str) -> None:
        self.operation, self.api = operation, api
        self.missing, self.since = frozenset[calls.Target](), 0.0

    def ends(self) -> bool:
        """Whether the same methods have lacked integrations for too long. Called after a deployment failed for that."""
        tree, now = paths.find_resources(self.operation, self.api), self.operation.services.now()
        found = tree.methods() if tree else ()
        missing = frozenset(target for target, method in found if not method.get("methodIntegration"))
        if missing != self.missing or not self.since:
            self.missing, self.since = missing, now
        return now - self.since > INCOMPLETE_SECONDS


def deploy(operation: Operation, api: str, name: str, pair: Pair) -> str:
    """Makes the stage serve the method, which is complete. Returns the ID of the deployment.

    One that another custom resource has begun since is as good as one of this request. If the summary of a deployment
    lacks the method, the API is deployed again. After that a deployment is accepted whatever its summary says, because
    the method existed before it.
    """
    began, created, rejected = operation.services.now(), list[str](), set[str]()
    patience = _Patience(operation, api)

    def serves(stage: Mapping[str, Any] | None) -> str | None:
        """The ID of the deployment that the stage points to, if that has the method."""
        if stage is None or stage.get("deploymentId") in rejected:
            return None
        deployment = _find_deployment(operation, api, stage)
        own = verdict_on(operation, _owner_of(deployment)) is Verdict.ANSWERED
        later = begun_in(deployment.get("description")) > began + CLOCK_SKEW
        if (own or later) and (pair in _pairs(deployment) or len(created) > 1):
            return str(deployment["id"])
        rejected.add(stage.get("deploymentId") or "")
        return None

    def attempt() -> str | None:
        stage = _find_stage(operation, api, name)
        if id := serves(stage):
            return id
        try:
            created.append(_create(operation, api, name, new=stage is None))
            rejected.clear()
        except ClientError as error:
            if calls.is_transient(error):
                return None  # somebody else is just deploying, so theirs may do
            if _INCOMPLETE not in message_of(error):
                raise
            if patience.ends():
                raise ResourceError(
                    f"API {api} cannot be deployed to stage {name}, because one of its methods has no integration; "
                    "complete or delete that method",
                    code="CI423",
                ) from error
            return None
        return serves(_find_stage(operation, api, name))

    found = calls.wait_in_turn(operation, f"the deployment of API {api} to stage {name}", attempt)
    if created:
        prune(operation, api, keep=found)
    return found


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
    changed = list[str]()
    for stage in observed:
        verdicts = [verdict_on(operation, each) for each in (_owner_of(stage), owners.get(stage.get("deploymentId")))]
        if stage["stageName"] in stages or not NOT_OWNED.issuperset(verdicts):
            name, patience = stage["stageName"], _Patience(operation, api)
            attempt = partial(_is_withdrawn, operation, api, name, pairs, undone, patience, changed)
            calls.wait_in_turn(operation, f"the deployment of API {api} to stage {name}", attempt)
    if changed or undone:
        prune(operation, api)


def _is_withdrawn(
    operation: Operation,
    api: str,
    name: str,
    pairs: Collection[Pair],
    undone: bool,
    patience: _Patience,
    changed: list[str],
) -> bool | None:
    """Whether the stage serves nothing that is gone. If it does, deploys again; None means to look again.

    Whatever is created, or deleted with the stage, is added to ``changed``.
    """
    stage = _find_stage(operation, api, name)
    if stage is None or stage.get("deploymentId") in changed:
        return True
    deployment = _find_deployment(operation, api, stage)
    served, owner = _pairs(deployment), _owner_of(stage)
    if not served.intersection(pairs):
        deployed_by = verdict_on(operation, _owner_of(deployment))
        tree = None if deployed_by in NOT_OWNED else paths.find_resources(operation, api)
        if tree is None or served <= tree.pairs:
            return True
    if undone and verdict_on(operation, owner) not in NOT_OWNED and not _has_others(operation, api):
        return _delete_stage(operation, api, name, changed)
    if served.issubset(pairs) and _is_empty(operation, api):
        return _delete_stage(operation, api, name, changed) if owner else True
    try:
        changed.append(_create(operation, api, name, new=False))
        return True if find_current(operation, api, name) == changed[-1] else None
    except ClientError as error:
        if _EMPTY in message_of(error):
            return _delete_stage(operation, api, name, changed) if owner else True
        if _INCOMPLETE in message_of(error):
            if not patience.ends():
                return None
            operation.log("left-behind", key=f"stage {name}", error=code_of(error))  # nobody can deploy this API
            return True
        if not calls.is_transient(error) and code_of(error) != "NotFoundException":
            raise
        return None


def _is_empty(operation: Operation, api: str) -> bool:
    """Whether the API has no methods. AWS refuses to deploy it then; an emulator may not."""
    tree = paths.find_resources(operation, api)
    return tree is not None and not tree.pairs


def _has_others(operation: Operation, api: str) -> bool:
    """Whether the API has methods of custom resources."""
    tree = paths.find_resources(operation, api)
    return tree is not None and any(owner_of(method) for _, method in tree.methods())


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
        _delete_stage(operation, api, name, [])


def _delete_stage(operation: Operation, api: str, name: str, changed: list[str]) -> bool:
    operation.log("delete-stage", key=name)
    delete_stage = operation.client("apigateway").delete_stage
    calls.find(operation, "the stage", delete_stage, restApiId=api, stageName=name)
    changed.append(name)
    return True


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
