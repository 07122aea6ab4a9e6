"""Claims a method while it is created: puts it with its owner, completes it, and confirms that it is answered.

Takes an operation, the desired method, and the owner that the request records while it is not answered. Returns the
method, confirmed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from cfn_injector.plugin import (
    Operation,
    OwnershipError,
    PropertyError,
    ResourceError,
    Verdict,
    code_of,
    is_pending_for,
    message_of,
)
from cfn_injector.resources.api_gateway_resource import calls, methods, paths
from cfn_injector.resources.api_gateway_resource.calls import Target
from cfn_injector.resources.api_gateway_resource.cleanup import check_reachable, is_leftover, sweep, undo_permission
from cfn_injector.resources.api_gateway_resource.paths import Tree
from cfn_injector.resources.api_gateway_resource.spec import MethodSpec
from cfn_injector.resources.api_gateway_resource.tags import Owner, owner_of, tags_of, verdict_on

_GONE = re.compile(r"Invalid (Resource|Method) identifier")


class Claim(NamedTuple):
    """The API, the method, the method as API Gateway describes it, and its owner before it was completed."""

    tree: Tree
    target: Target
    found: Mapping[str, Any]
    owner: Owner


def find_api(operation: Operation, desired: MethodSpec, known: Tree | None = None) -> Tree:
    """The API as it is; ``known`` was just read. Raises PropertyError if there is none, OwnershipError if another stack
    holds it."""
    tree = known or paths.find(operation, desired.api)
    if tree is None:
        region = calls.place_of(operation).region
        problem = f"{desired.api} is not a REST API in {region}"
        raise PropertyError("RestApiId", problem, "correct it", code="CI272")
    check_reachable(operation, tree)
    return tree


def desired_target(tree: Tree, desired: MethodSpec) -> Target | None:
    """The desired method, if its resource exists."""
    at, missing = paths.descend(tree, desired)
    return Target(desired.api, at, desired.verb) if at and not missing else None


def _check_owned(operation: Operation, tree: Tree, target: Target, found: Mapping[str, Any]) -> Owner:
    """The owner of the method. Raises OwnershipError if it is not owned, and in a Create also if it was retained."""
    path, verb = tree.pair(target)
    owner = methods.check_owned(operation, found, f"{verb} {path}", target)
    created = verdict_on(operation, owner) in (Verdict.ANSWERED, Verdict.PENDING)
    if operation.request.type == "Create" and not created:
        raise OwnershipError(
            f"{verb} {path} of API {target.api} already exists: an earlier {operation.request.logical_id} of this "
            "stack was retained; delete that method first",
            code="CI512",
        )
    return owner


def _claim(operation: Operation, desired: MethodSpec, pending: Owner) -> Claim | None:
    """The method: put with its owner, or found, if it is owned.

    None if another request was in the way, so that it is worth looking again. Raises OwnershipError like
    ``_check_owned``.
    """
    tree = find_api(operation, desired)
    if any(is_leftover(operation, tags_of(owner_of(method), operation.request)) for _, method in tree.methods()):
        sweep(operation, [desired.api], is_leftover)
        return None
    target = desired_target(tree, desired)
    if target is None:
        created = paths.create(operation, tree, desired)
        target = desired_target(created, desired) if created else None
        if created is None or target is None:
            return None
        tree = created
    found = tree.method(target)
    if found is not None:
        return Claim(tree, target, found, _check_owned(operation, tree, target, found))
    try:
        return Claim(tree, target, methods.put(operation, target, desired, pending), pending)
    except ClientError as error:
        if not _is_gone(error) and code_of(error) != "ConflictException":
            raise
        return None  # somebody deleted the resource, or put a method; or the answer to this call was lost


def _is_gone(error: ClientError) -> bool:
    """Whether the method's resource, or the method, does not exist; what the method refers to may not exist either."""
    return code_of(error) == "NotFoundException" and _GONE.search(message_of(error)) is not None


def _is_complete(operation: Operation, desired: MethodSpec, claim: Claim, pending: Owner) -> bool:
    """Completes the method; False if somebody deleted its resource meanwhile, with everything below it."""
    try:
        methods.apply(operation, claim.target, desired, claim.found, pending)
    except ClientError as error:
        if not _is_gone(error):
            raise
        return False
    return True


def put(operation: Operation, desired: MethodSpec, pending: Owner, failure: ExitStack) -> Claim:
    """Puts the method with its integration and responses, but without permission and deployment.

    A method that exists and is answered is returned as it is: this very request created it, or an update returns to
    it. What has to be undone if the request fails later is added to ``failure``.
    """

    def attempt() -> Claim | None:
        claim = _claim(operation, desired, pending)
        if claim is None or verdict_on(operation, claim.owner) is not Verdict.PENDING:
            return claim
        failure.callback(undo_permission, operation, desired, claim.target)
        return claim if _is_complete(operation, desired, claim, pending) else None

    what = f"{desired.verb} {'/'.join(desired.parts)} of API {desired.api}"
    return calls.wait_for(operation, what, attempt)


def confirm(operation: Operation, target: Target, pending: Owner) -> None:
    """Records that the request is answered, unless another delivery of it has done so already.

    Raises ResourceError if CloudFormation deleted the resource meanwhile, or no longer waits for it.
    """

    def tags() -> dict[str, str]:
        return tags_of(owner_of(methods.find(operation, target)), operation.request)

    observed = {} if operation.has_given_up() else tags()
    if is_pending_for(observed, operation.request):
        try:
            return methods.set_owner(operation, target, pending._replace(pending=False))
        except (ClientError, BotoCoreError):
            observed = tags()  # the call may have taken effect although its answer was lost
            if is_pending_for(observed, operation.request):
                raise
    if operation.verdict(observed) is not Verdict.ANSWERED:
        problem = f"{operation.request.logical_id} was deleted while it was being created"
        raise ResourceError(f"{problem}; deploy again", code="CI411")
