"""``Custom::APIGatewayResource``: a method of a REST API, with the resources on the way to it and its integration.

In: a request and the services. Out: an Outcome whose id is ``{RestApiId}/{resource's id}/{METHOD}`` and whose data are
the attributes for ``Fn::GetAtt``, or an InjectorError.

The way of a change: check every property; make what is missing of the path; put the method, marked as pending; complete
it; permit its function to be called; deploy; and last, take from the mark that this request is not answered yet. What a
failed request made is deleted again.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from cfn_injector.plugin import Outcome, Request, RequestError, Services, Stack, stack_of
from cfn_injector.resources.api_gateway_resource import claim, deployments, methods, permissions, spec
from cfn_injector.resources.api_gateway_resource.cleanup import apis_of, remove, sweep, undo
from cfn_injector.resources.api_gateway_resource.operation import Job, Target
from cfn_injector.resources.api_gateway_resource.paths import Tree
from cfn_injector.resources.api_gateway_resource.spec import Wanted
from cfn_injector.resources.api_gateway_resource.tags import Mark, is_overtaken, is_unfinished, mark_of, mark_on

SERVICES = ("apigateway", "cloudformation", "lambda")

_SUFFIXES = {"aws-cn": "amazonaws.com.cn", "aws-iso": "c2s.ic.gov", "aws-iso-b": "sc2s.sgov.gov"}


def _job(request: Request, services: Services) -> Job:
    return Job(request, services, stack_of(request, services))


def _wanted(job: Job, accepted: Mapping[str, Any] | None = None) -> Wanted:
    """Raises PropertiesError with all that is wrong; of an Update only what is newly so, of a rollback nothing."""
    if job.stack.rolling_back and accepted is not None:
        accepted = job.request.properties
    return spec.read(job.request.properties, job.gateway.meta.service_model, job.place, accepted)


def _outcome(job: Job, tree: Tree, target: Target, wanted: Wanted, deployment: str = "") -> Outcome:
    """The attributes; every one is a string, and none is empty."""
    path, verb = tree.pair(target)
    suffix = _SUFFIXES.get(job.place.partition, "amazonaws.com")
    host = f"{target.api}.execute-api.{job.place.region}.{suffix}"
    data = {
        "RestApiId": target.api,
        "ResourceId": target.resource,
        "ParentId": tree.resources[target.resource].get("parentId") or "",
        "Path": path,
        "Method": verb,
        "Url": f"https://{host}/{wanted.stage}{path}" if wanted.stage else "",
        "DeploymentId": deployment,
    }
    return Outcome(str(target), {name: value for name, value in data.items() if value})


def _tell_again(job: Job, tree: Tree, target: Target, wanted: Wanted) -> Outcome:
    """The answer to an event whose earlier delivery did all there was to do."""
    job.log("already-made", key=str(target))
    return _outcome(job, tree, target, wanted, _deployed(job, wanted))


def _deployed(job: Job, wanted: Wanted) -> str:
    return deployments.current(job, wanted.api, wanted.stage) if wanted.stage else ""


def _deploy(job: Job, wanted: Wanted, tree: Tree, target: Target) -> str:
    """The id of the deployment that holds the method; empty where the template leaves deploying to others."""
    if not wanted.stage:
        return ""
    deployment = deployments.deploy(job, wanted.api, wanted.stage, tree.pair(target))
    deployments.prune(job, wanted.api, but=deployment)
    return deployment


def create(request: Request, services: Services) -> Outcome:
    """Makes the method, or finds what an earlier delivery of the same request made."""
    job = _job(request, services)
    return _make(job, _wanted(job))


def _make(job: Job, wanted: Wanted) -> Outcome:
    """Makes the method, or completes what an earlier delivery left of it.

    What this request made is deleted again where it fails.
    """
    pending = mark_of(job.request, pending=True)
    with ExitStack() as failure:
        failure.callback(undo, job, wanted, pending)
        tree, target, settled = claim.put(job, wanted, pending, failure)
        if settled:
            failure.pop_all()
            return _settle(job, wanted, tree, target, settled)
        if wanted.function:
            permissions.grant(job, target, wanted.function, tree.pair(target)[0])
        deployment = _deploy(job, wanted, tree, target)
        claim.confirm(job, target, pending)
        failure.pop_all()
    return _outcome(job, tree, target, wanted, deployment)


def _settle(job: Job, wanted: Wanted, tree: Tree, target: Target, mark: Mark) -> Outcome:
    """The method stands where it is wanted, and is ours: made by this very request, or to go back to."""
    if mark.request == mark_of(job.request).request:
        return _tell_again(job, tree, target, wanted)
    if not job.stack.rolling_back:
        return _change(job, wanted, tree, target)
    _mark(job, target, mark, mark_of(job.request, made_by=mark.request))
    _drop_stage(job, wanted, mark)
    return _tell_again(job, tree, target, wanted)


def _mark(job: Job, target: Target, mark: Mark, wanted: Mark) -> None:
    """Says which event was served last."""
    if mark != wanted:
        methods.name(job, target, wanted.text)


def update(request: Request, services: Services) -> Outcome:
    """Changes the method in place, or makes the one that replaces it; CloudFormation then deletes the old one."""
    job = _job(request, services)
    wanted, old, mine = _wanted(job, request.old_properties), job.current, mark_of(request).request
    former = job.stack.rolling_back  # then there may be what an update left that was ended before it marked anything
    sweep(job, apis_of(request, old), lambda mark: mark.pending and mark.request != mine, always=former)
    tree = claim.tree_of(job, wanted)
    here = claim.target_of(tree, wanted)
    if here and here == old:
        return _change(job, wanted, tree, here)
    if old:
        _check_order(job, mark_on(methods.describe(job, old)))
    return _make(job, wanted)


def _check_order(job: Job, mark: Mark | None) -> None:
    """An update that comes after its own rollback changes nothing."""
    if mark and mark.owner == job.owner and is_overtaken(mark, job.request):
        raise RequestError(f"a newer event than this one was served for {job.request.logical_id}; nothing was changed")


def _change(job: Job, wanted: Wanted, tree: Tree, target: Target) -> Outcome:
    """Brings the method to what is wanted. That it is missing is no error: the physical id says that it was ours."""
    found = methods.describe(job, target)
    path, verb = tree.pair(target)
    if found is not None:
        methods.check_ours(job, found, f"{verb} {path}", target)
    mark = mark_on(found)
    _check_order(job, mark)
    new = mark_of(job.request, made_by=mark.request if mark else "")
    methods.bring(job, target, wanted, found, new.text)
    if wanted.function:
        permissions.grant(job, target, wanted.function, path)
    deployment = _deploy(job, wanted, tree, target)
    _part_with(job, wanted, tree, target, found)
    if mark:
        _mark(job, target, mark, new)
        _drop_stage(job, wanted, mark)
    return _outcome(job, tree, target, wanted, deployment)


def _part_with(job: Job, wanted: Wanted, tree: Tree, target: Target, found: Mapping[str, Any] | None) -> None:
    """Takes former functions their permission, but for the last one where others deploy: stages still call that one."""
    known = permissions.remembered(tree, target)
    named = spec.functions_named(job.request.old_properties, job.place)
    called = spec.functions_called(found, job.place) or named
    former = (called | named | known) - {wanted.function}
    if wanted.stage or job.stack.rolling_back:
        permissions.revoke(job, target, former)
        permissions.forget(job, target, known)
    elif last := called - {wanted.function}:
        permissions.revoke(job, target, former - last)
        permissions.remember(job, tree, target, last)


def _drop_stage(job: Job, wanted: Wanted, mark: Mark) -> None:
    """A rollback takes away the stage that the update made which is rolled back; ``mark`` is what the method bore."""
    former = job.request.old_properties.get("StageName")
    if job.stack.rolling_back and isinstance(former, str) and former and former != wanted.stage:
        deployments.drop(job, wanted.api, former, mark)
        deployments.prune(job, wanted.api)


def delete(request: Request, services: Services) -> Outcome:
    """Deletes the method that the id names, if it is ours; else what is pending for this resource.

    No property is checked, so that whatever was accepted once can be deleted.
    """
    job = Job(request, services, Stack({}))
    if job.current is None:
        sweep(job, apis_of(request, None), lambda mark: is_unfinished(mark, request), always=True)
    else:
        remove(job, job.current)
    return Outcome(request.physical_id)
