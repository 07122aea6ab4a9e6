"""Deletes a method, what a request left that was never answered, and what was created for either.

Takes an operation and a method, or a condition on ownership tags. Returns when the API, its stages and its functions'
policies no longer have them. It is not an error if something is gone already.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from cfn_injector.plugin import (
    NOT_OWNED,
    REQUEST_ID,
    Operation,
    OwnershipError,
    Request,
    Verdict,
    check_api,
    is_pending_for,
)
from cfn_injector.resources.api_gateway_resource import deployments, methods, paths, permissions
from cfn_injector.resources.api_gateway_resource.calls import Target, place_of, spec_of
from cfn_injector.resources.api_gateway_resource.paths import Tree
from cfn_injector.resources.api_gateway_resource.permissions import functions_called, functions_named
from cfn_injector.resources.api_gateway_resource.spec import MethodSpec, is_api
from cfn_injector.resources.api_gateway_resource.tags import failed_create, owner_of, tags_of, verdict_on

NOT_DELETED = {Verdict.FOREIGN: "not-owned", Verdict.UNCLAIMED: "not-owned", Verdict.STALE: "stale"}
"""The log steps for methods that a Delete leaves alone."""

Condition = Callable[[Operation, Mapping[str, str]], bool]
"""Whether a sweep deletes the method with these ownership tags."""


def is_own(operation: Operation, tags: Mapping[str, str]) -> bool:
    """Whether this request put the method and did not complete it."""
    return is_pending_for(tags, operation.request)


def is_leftover(operation: Operation, tags: Mapping[str, str]) -> bool:
    """Whether an earlier request for this resource put the method and did not complete it."""
    return operation.verdict(tags) is Verdict.PENDING and not is_own(operation, tags)


def is_unfinished(operation: Operation, tags: Mapping[str, str]) -> bool:
    """Whether a Delete that names no method deletes this one.

    That is what is pending, and what the failed Create completed whose marker the Delete names.
    """
    verdict, failed = operation.verdict(tags), failed_create(operation.request)
    return verdict is Verdict.PENDING or (verdict is Verdict.OWNED and failed != "" and tags[REQUEST_ID] == failed)


def apis_of(request: Request, target: Target | None) -> list[str]:
    """The APIs in which a request for this resource may have created something."""
    named = [properties.get("RestApiId") for properties in (request.properties, request.old_properties)]
    return sorted({each for each in (*named, target and target.api) if each and is_api(each)})


def _stages(operation: Operation) -> set[str]:
    return {name for name in [operation.request.properties.get("StageName")] if isinstance(name, str)}


def _pairs(tree: Tree, target: Target, desired: MethodSpec) -> list[paths.Pair]:
    """Path and verb of a method, even if its resource is gone."""
    if target.resource in tree.resources:
        return [tree.pair(target)]
    start = paths.start(tree, desired)
    if start is None:
        return []
    return [("/".join((tree.resources[start]["path"].rstrip("/"), *desired.parts)) or "/", target.verb)]


def check_reachable(operation: Operation, tree: Tree) -> None:
    """Raises OwnershipError if another stack holds the API, unless this resource has a method there already."""
    if all(verdict_on(operation, owner_of(method)) in NOT_OWNED for _, method in tree.methods()):
        check_api(operation, tree.tags, tree.api)


def _is_reachable(operation: Operation, tree: Tree) -> bool:
    try:
        check_reachable(operation, tree)
    except OwnershipError:
        return False
    return True


def delete(operation: Operation, target: Target) -> None:
    """Deletes the method and all that was created for it. Resources that others use are kept."""
    functions = functions_named(operation.request.properties, place_of(operation))
    tree = paths.find(operation, target.api)
    if tree is None:
        return permissions.revoke(operation, target, functions)
    found = tree.method(target)
    if found is None and not _is_reachable(operation, tree):
        return operation.log("not-owned", key=str(target))
    step = NOT_DELETED.get(verdict_on(operation, owner_of(found))) if found is not None else None
    if step:
        return operation.log(step, key=str(target))
    desired = spec_of(operation, operation.request.properties)
    around = paths.near(tree, target, desired)
    pairs = _pairs(tree, target, desired)
    if found is not None:
        methods.delete(operation, target)
    deployments.withdraw(operation, target.api, _stages(operation), pairs)
    recorded = permissions.recorded(tree, target)
    functions |= functions_called(found, place_of(operation)) | recorded
    permissions.revoke(operation, target, functions)
    permissions.forget(operation, target, recorded)
    paths.clean(operation, target.api, around)


def sweep(
    operation: Operation,
    apis: Collection[str],
    condition: Condition,
    *,
    always: bool = False,
    known: Tree | None = None,
) -> bool:
    """Deletes the methods of which the condition is true and what was created for them, and nothing else.

    With ``always``, it looks for what was created even if no method meets the condition. ``known`` is an API that was
    just read. Permissions are revoked first: the method shows where they are. Returns whether something may have been
    deleted.
    """
    swept = False
    request, place = operation.request, place_of(operation)
    named = functions_named(request.properties, place) | functions_named(request.old_properties, place)
    for api in apis:
        tree = known if known and known.api == api else paths.find(operation, api)
        if tree and not _is_reachable(operation, tree):
            operation.log("not-owned", key=api)
            continue
        found = [
            (target, method)
            for target, method in (tree.methods() if tree else ())
            if condition(operation, tags_of(owner_of(method), request))
        ]
        for target, method in found:
            operation.log("delete-pending", key=str(target))
            permissions.revoke(operation, target, named | functions_called(method, place))
            methods.delete(operation, target)
        if tree and (found or always):
            pairs = [tree.pair(target) for target, _ in found]
            deployments.withdraw(operation, api, _stages(operation), pairs, undone=True)
            paths.clean(operation, api)
            swept = True
    return swept


def undo(operation: Operation, desired: MethodSpec) -> None:
    """Deletes what this request created, within the time that is reserved for it.

    An error here is only logged: the answer quotes the one before, and a Delete sweeps what is still pending.
    """
    with operation.best_effort(key=desired.api):
        sweep(operation.for_undoing(), [desired.api], is_own, always=True)


def undo_permission(operation: Operation, desired: MethodSpec, target: Target) -> None:
    """Revokes the permission, which remains if somebody deleted the method meanwhile."""
    undoing = operation.for_undoing()
    with operation.best_effort(key=str(target)):
        verdict = verdict_on(undoing, owner_of(methods.find(undoing, target)))
        if desired.function and verdict in (Verdict.PENDING, Verdict.FOREIGN, Verdict.UNCLAIMED):
            permissions.revoke(undoing, target, [desired.function])
