"""``Custom::APIGatewayResource``: a method of a REST API, with the resources on its path and its integration.

Takes a request and the services. Returns an Outcome whose ID is ``{RestApiId}/{resource's ID}/{METHOD}`` and whose data
are the attributes for ``Fn::GetAtt``, or raises an InjectorError.

The type is off unless the provider's stack turns it on. A Create and an Update then fail before their first call; a
Delete does not, because a Create that failed created nothing.

The steps of a change: check every property; create the missing resources on the path; put the method, recorded as
pending; complete it; permit API Gateway to call its function; deploy; and last, record that this request is answered.
What a failed request created is deleted again.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from cfn_injector.plugin import Operation, Outcome, Request, RequestError, Services, Verdict, check_function
from cfn_injector.resources.api_gateway_resource import claim, cleanup, deployments, methods, paths, permissions
from cfn_injector.resources.api_gateway_resource.calls import Target, place_of, spec_of, target_in, url_of
from cfn_injector.resources.api_gateway_resource.paths import Tree
from cfn_injector.resources.api_gateway_resource.permissions import functions_called, functions_named
from cfn_injector.resources.api_gateway_resource.spec import MethodSpec, refuse
from cfn_injector.resources.api_gateway_resource.tags import Owner, owner_for, owner_of, verdict_on

SERVICES = ("apigateway", "cloudformation", "lambda")
REF = "`{RestApiId}/{ResourceId}/{Method}`"
"""What ``Ref`` returns."""
STAGE_ATTRIBUTES: Mapping[str, str] = {
    "Url": "with `StageName`: `https://{api}.execute-api.{region}.amazonaws.com/{stage}{path}`, with the domain of the "
    "partition",
    "DeploymentId": "with `StageName`: the deployment that the stage points to",
}
"""What ``Fn::GetAtt`` returns with ``StageName`` only."""
ATTRIBUTES: Mapping[str, str] = {
    "RestApiId": "the API",
    "ResourceId": "the resource of the method",
    "ParentId": "the parent of that resource; the root has none",
    "Path": "the full path, such as `/orders/{id}/lines`",
    "Method": "the HTTP method",
    **STAGE_ATTRIBUTES,
}
"""What ``Fn::GetAtt`` returns."""


def _is_on(services: Services) -> bool:
    return services.environ.get("CFN_INJECTOR_API_GATEWAY") == "true"


def _check_on(services: Services) -> None:
    """Raises RequestError if the provider's stack does not turn the type on."""
    if not _is_on(services):
        problem = "Custom::APIGatewayResource is turned off; set ApiGateway: true in the provider's stack"
        raise RequestError(problem, code="CI103")


def _check(operation: Operation, desired: MethodSpec, accepted: MethodSpec | None) -> None:
    """Raises PropertiesError with all that is wrong, in an Update only with what is newly wrong.

    A rollback returns to properties that were accepted once, so it is not checked.
    """
    if not (operation.stack.rolling_back and accepted):
        refuse(desired, accepted)


def _check_function(operation: Operation, desired: MethodSpec, found: Mapping[str, Any] | None) -> None:
    """Raises OwnershipError if another stack holds the function, unless the method ``found`` calls it already."""
    if desired.function and desired.function not in functions_called(found, place_of(operation)):
        check_function(operation, desired.function, "IntegrationRequest.FunctionArn")


def _flatten(operation: Operation, tree: Tree, target: Target, desired: MethodSpec, deployment: str) -> Outcome:
    """The attributes; each is a string, and none is empty."""
    path, verb = tree.pair(target)
    data = {
        "RestApiId": target.api,
        "ResourceId": target.resource,
        "ParentId": tree.resources[target.resource].get("parentId") or "",
        "Path": path,
        "Method": verb,
        "Url": url_of(place_of(operation), target.api, desired.stage, path) if desired.stage else "",
        "DeploymentId": deployment,
    }
    return Outcome(str(target), {name: value for name, value in data.items() if value})


def _answer_again(operation: Operation, tree: Tree, target: Target, desired: MethodSpec) -> Outcome:
    """The answer to an event that an earlier delivery has served completely."""
    operation.log("already-made", key=str(target))
    deployment = deployments.find_current(operation, desired.api, desired.stage) if desired.stage else ""
    return _flatten(operation, tree, target, desired, deployment)


def _deploy(operation: Operation, desired: MethodSpec, tree: Tree, target: Target) -> str:
    """The ID of the deployment with the method; empty if the template names no stage."""
    return deployments.deploy(operation, desired.api, desired.stage, tree.pair(target)) if desired.stage else ""


def create(request: Request, services: Services) -> Outcome:
    """Creates the method, or finds what an earlier delivery of the same request created."""
    _check_on(services)
    operation = Operation.begin(request, services)
    desired = spec_of(operation, request.properties)
    _check(operation, desired, None)
    _check_function(operation, desired, None)
    return _create(operation, desired)


def _create(operation: Operation, desired: MethodSpec) -> Outcome:
    """Creates the method, or completes what an earlier delivery left of it.

    If it fails, what this request created is deleted again.
    """
    pending = owner_for(operation.request, pending=True)
    with ExitStack() as failure:
        failure.callback(cleanup.undo, operation, desired)
        tree, target, _, owner = claim.put(operation, desired, pending, failure)
        if verdict_on(operation, owner) is not Verdict.PENDING:
            failure.pop_all()
            return _return_to(operation, desired, tree, target, owner)
        if desired.function:
            permissions.grant(operation, target, desired.function, tree.pair(target)[0])
        deployment = _deploy(operation, desired, tree, target)
        claim.confirm(operation, target, pending)
        failure.pop_all()
    return _flatten(operation, tree, target, desired, deployment)


def _return_to(operation: Operation, desired: MethodSpec, tree: Tree, target: Target, owner: Owner) -> Outcome:
    """The answer for a method that exists and is owned: this very request created it, or an update returns to it."""
    verdict = verdict_on(operation, owner)
    if verdict is Verdict.ANSWERED:
        return _answer_again(operation, tree, target, desired)
    if verdict is Verdict.STALE or not operation.stack.rolling_back:
        return _change(operation, desired, tree, target)
    _record_served(operation, target, owner)
    _drop_stage(operation, desired, owner)
    return _answer_again(operation, tree, target, desired)


def _record_served(operation: Operation, target: Target, owner: Owner) -> None:
    """Records which event was served last."""
    served = owner_for(operation.request, created_by=owner.request)
    if owner != served:
        methods.set_owner(operation, target, served)


def update(request: Request, services: Services) -> Outcome:
    """Changes the method in place, or creates the one that replaces it; CloudFormation then deletes the old one."""
    _check_on(services)
    operation, old = Operation.begin(request, services), target_in(request.physical_id)
    desired = spec_of(operation, request.properties)
    _check(operation, desired, spec_of(operation, request.old_properties))
    # An update that is rolled back may have been interrupted before it recorded anything.
    always = operation.stack.rolling_back
    known = paths.find(operation, desired.api) if desired.api else None
    apis = cleanup.apis_of(request, old)
    swept = cleanup.sweep(operation, apis, cleanup.is_leftover, always=always, known=known)
    tree = claim.find_api(operation, desired, None if swept else known)
    target = claim.desired_target(tree, desired)
    if target and target == old:
        return _change(operation, desired, tree, target)
    found = methods.find(operation, old) if old else None
    _check_order(operation, owner_of(found))
    _check_function(operation, desired, found)
    return _create(operation, desired)


def _check_order(operation: Operation, owner: Owner | None) -> None:
    """Raises RequestError for an update that comes after its own rollback."""
    if verdict_on(operation, owner) is Verdict.STALE:
        logical_id = operation.request.logical_id
        problem = f"a newer event than this one was served for {logical_id}; nothing was changed"
        raise RequestError(problem, code="CI110")


def _change(operation: Operation, desired: MethodSpec, tree: Tree, target: Target) -> Outcome:
    """Brings the method to the desired state. A missing one is put: the physical ID shows that it was owned."""
    found = methods.find(operation, target)
    path, verb = tree.pair(target)
    owner = methods.check_owned(operation, found, f"{verb} {path}", target) if found is not None else None
    _check_order(operation, owner)
    _check_function(operation, desired, found)
    new = owner_for(operation.request, created_by=owner.request if owner else "")
    methods.apply(operation, target, desired, found, new)
    if desired.function:
        permissions.grant(operation, target, desired.function, path)
    deployment = _deploy(operation, desired, tree, target)
    _revoke_former(operation, desired, tree, target, found)
    if owner:
        _record_served(operation, target, owner)
        _drop_stage(operation, desired, owner)
    return _flatten(operation, tree, target, desired, deployment)


def _revoke_former(
    operation: Operation, desired: MethodSpec, tree: Tree, target: Target, found: Mapping[str, Any] | None
) -> None:
    """Revokes the permission to call former functions.

    If others deploy, stages still call the last one of them, which keeps its permission until the next change.
    """
    recorded = permissions.recorded(tree, target)
    named = functions_named(operation.request.old_properties, place_of(operation))
    called = functions_called(found, place_of(operation)) or named
    former = (called | named | recorded) - {desired.function}
    if desired.stage or operation.stack.rolling_back:
        permissions.revoke(operation, target, former)
        permissions.forget(operation, target, recorded)
    elif last := called - {desired.function}:
        permissions.revoke(operation, target, former - last)
        permissions.record(operation, tree, target, last)


def _drop_stage(operation: Operation, desired: MethodSpec, owner: Owner) -> None:
    """In a rollback, deletes the stage that the update created; ``owner`` is the method's before the rollback."""
    former = operation.request.old_properties.get("StageName")
    if operation.stack.rolling_back and isinstance(former, str) and former and former != desired.stage:
        deployments.drop(operation, desired.api, former, owner)
        deployments.prune(operation, desired.api)


def delete(request: Request, services: Services) -> Outcome:
    """Deletes the method that the ID names, if it is owned. If the ID names none, deletes what is unfinished.

    No property is checked, so that whatever was accepted once can be deleted. While the type is off, the provider may
    not read APIs, and no Create has left anything.
    """
    operation, target = Operation.begin(request, services), target_in(request.physical_id)
    if target:
        cleanup.delete(operation, target)
    elif _is_on(services):
        cleanup.sweep(operation, cleanup.apis_of(request, None), cleanup.is_unfinished, always=True)
    return Outcome(request.physical_id)
