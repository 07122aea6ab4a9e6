"""What goes: a method whose time is over, what a request left that was never answered, and what was made for both.

In: a job, a method or the marks of those that are to go. Out: an API, its stages and its functions' policies without
them. What is gone already is no error.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from cfn_injector.plugin import CLEANING_SECONDS, Request
from cfn_injector.resources.api_gateway_resource import deployments, methods, paths, permissions, spec
from cfn_injector.resources.api_gateway_resource.operation import Job, Target
from cfn_injector.resources.api_gateway_resource.paths import Tree
from cfn_injector.resources.api_gateway_resource.spec import Wanted
from cfn_injector.resources.api_gateway_resource.tags import Mark, is_overtaken, mark_on

UNDO_SECONDS = CLEANING_SECONDS * 2 / 3
"""Less than is kept for it, so that the watchdog does not answer while something is being deleted."""


def apis_of(request: Request, target: Target | None) -> list[str]:
    """The APIs in which a request for this resource may have made something."""
    named = [properties.get("RestApiId") for properties in (request.properties, request.old_properties)]
    return sorted({each for each in (*named, target and target.api) if each and spec.is_api(each)})


def _stages(job: Job) -> set[str]:
    return {name for name in [job.request.properties.get("StageName")] if isinstance(name, str)}


def _lenient(job: Job) -> Wanted:
    """What the properties want, as far as they can be read."""
    properties = job.request.properties
    return spec.read(properties, job.gateway.meta.service_model, job.place, properties)


def _pairs(tree: Tree, target: Target, wanted: Wanted) -> list[paths.Pair]:
    """Path and verb of a method, also where its resource is gone."""
    if target.resource in tree.resources:
        return [tree.pair(target)]
    start = paths.descend(tree, wanted._replace(parts=()))[0]
    return [("/".join((tree.resources[start]["path"].rstrip("/"), *wanted.parts)) or "/", target.verb)] if start else []


def remove(job: Job, target: Target) -> None:
    """Deletes the method and all that was made for it. What it stood on stays while somebody else needs it."""
    functions = spec.functions_named(job.request.properties, job.place)
    tree = paths.look(job, target.api)
    if tree is None:
        return permissions.revoke(job, target, functions)
    found = tree.method(target)
    mark = mark_on(found)
    if found is not None and (mark is None or mark.owner != job.owner or is_overtaken(mark, job.request)):
        return job.log("not-ours" if mark is None or mark.owner != job.owner else "overtaken", key=str(target))
    wanted = _lenient(job)
    around = paths.near(tree, target, wanted)
    pairs = _pairs(tree, target, wanted)
    if found is not None:
        methods.delete(job, target)
    deployments.withdraw(job, target.api, _stages(job), pairs)
    deployments.prune(job, target.api)
    known = permissions.remembered(tree, target)
    permissions.revoke(job, target, functions | spec.functions_called(found, job.place) | known)
    permissions.forget(job, target, known)
    paths.clean(job, target.api, around)


def sweep(job: Job, apis: Collection[str], unfinished: Callable[[Mark], bool], *, always: bool = False) -> None:
    """Deletes this resource's methods of which ``unfinished`` is true, and what was made for them, and nothing else.

    ``always``: what was made is looked for even where there is no such method. The permission goes first: what remains
    tells where it was.
    """
    for api in apis:
        known = paths.look(job, api)
        marked = [(target, method, mark_on(method)) for target, method in known.methods()] if known else []
        found = [
            (each, method) for each, method, mark in marked if mark and mark.owner == job.owner and unfinished(mark)
        ]
        for target, method in found:
            job.log("delete-pending", key=str(target))
            functions = spec.functions_named(job.request.properties, job.place)
            functions |= spec.functions_named(job.request.old_properties, job.place)
            permissions.revoke(job, target, functions | spec.functions_called(method, job.place))
            methods.delete(job, target)
        if known and (found or always):
            pairs = [known.pair(target) for target, _ in found]
            deployments.withdraw(job, api, _stages(job), pairs, undone=True)
            deployments.prune(job, api)
            paths.clean(job, api)


def undo(job: Job, wanted: Wanted, pending: Mark) -> None:
    """Deletes what this request made, within the time that is kept for it.

    An error here is only logged: what is told is the one that led here, and a Delete sweeps what is still pending.
    """
    job = replace(job, extra=UNDO_SECONDS)
    with job.leaving_behind(wanted.api):
        sweep(job, [wanted.api], lambda mark: mark.pending and mark.request == pending.request, always=True)


def undo_permission(job: Job, wanted: Wanted, target: Target, pending: Mark) -> None:
    """A permission outlives a method that somebody deleted meanwhile."""
    job = replace(job, extra=UNDO_SECONDS)
    with job.leaving_behind(str(target)):
        mark = mark_on(methods.describe(job, target))
        if wanted.function and (mark is None or mark.pending or mark.owner != pending.owner):
            permissions.revoke(job, target, [wanted.function])
