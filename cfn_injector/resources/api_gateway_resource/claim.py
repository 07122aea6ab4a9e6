"""A method in the making: claimed with its mark, completed, confirmed.

In: a job, what is wanted, the mark of the request while it is not answered. Out: the method, marked as answered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cfn_injector.plugin import OwnershipError, PropertyError, ResourceError, code_of, has_given_up, message_of
from cfn_injector.resources.api_gateway_resource import methods, paths
from cfn_injector.resources.api_gateway_resource.cleanup import sweep, undo_permission
from cfn_injector.resources.api_gateway_resource.operation import Job, Target
from cfn_injector.resources.api_gateway_resource.paths import Tree
from cfn_injector.resources.api_gateway_resource.spec import Wanted
from cfn_injector.resources.api_gateway_resource.tags import Mark, mark_of, mark_on

_GONE = re.compile(r"Invalid (Resource|Method) identifier")

Claim = tuple[Tree, Target, Mapping[str, Any]]


def tree_of(job: Job, wanted: Wanted) -> Tree:
    tree = paths.look(job, wanted.api)
    if tree is None:
        raise PropertyError("RestApiId", f"{wanted.api} is no REST API in {job.place.region}", "correct it")
    return tree


def target_of(tree: Tree, wanted: Wanted) -> Target | None:
    """The method that is wanted, if its resource exists."""
    at, missing = paths.descend(tree, wanted)
    return Target(wanted.api, at, wanted.verb) if at and not missing else None


def _leftovers(job: Job, tree: Tree, pending: Mark) -> bool:
    """Whether there is what an earlier request for this resource left pending."""
    marks = [mark_on(method) for _, method in tree.methods()]
    return any(mark.owner == job.owner and mark.pending and mark != pending for mark in marks if mark)


def _check_whose(job: Job, found: Mapping[str, Any], target: Target, tree: Tree, wanted: Wanted) -> None:
    path, verb = tree.pair(target)
    methods.check_ours(job, found, f"{verb} {path}", target)
    mark = mark_on(found)
    retained = mark and not mark.pending and mark.request != mark_of(job.request).request
    if retained and job.request.type == "Create":
        raise OwnershipError(
            f"{verb} {path} of API {wanted.api} exists already: an earlier {job.request.logical_id} of this stack was "
            "retained; delete that method first"
        )


def _claim(job: Job, wanted: Wanted, pending: Mark) -> Claim | None:
    """The resource, and on it the method: put with its mark, or found, if it is ours.

    None where somebody was in the way, so that it is worth looking again. Raises OwnershipError where the method is not
    ours. For a Create that is also one that an earlier life of the stack retained.
    """
    tree = tree_of(job, wanted)
    if _leftovers(job, tree, pending):
        sweep(job, [wanted.api], lambda mark: mark.pending and mark.request != pending.request)
        return None
    target = target_of(tree, wanted)
    if target is None:
        made = paths.make(job, tree, wanted)
        target = target_of(made, wanted) if made else None
        if made is None or target is None:
            return None
        tree = made
    found = tree.method(target)
    if found is not None:
        _check_whose(job, found, target, tree, wanted)
        return tree, target, found
    try:
        return tree, target, methods.put(job, target, wanted, pending.text)
    except ClientError as error:
        gone = code_of(error) == "NotFoundException" and _GONE.search(message_of(error))
        if not gone and code_of(error) != "ConflictException":
            raise
        return None  # somebody deleted the resource, or put a method; or the answer to this was lost


def _is_complete(job: Job, target: Target, wanted: Wanted, found: Mapping[str, Any], pending: Mark) -> bool:
    """Completes the method; False where somebody deleted its resource meanwhile, with all that was below it."""
    try:
        methods.bring(job, target, wanted, found, pending.text)
    except ClientError as error:
        if code_of(error) != "NotFoundException" or not _GONE.search(message_of(error)):
            raise
        return False
    return True


def put(job: Job, wanted: Wanted, pending: Mark, failure: ExitStack) -> tuple[Tree, Target, Mark | None]:
    """Puts the method, complete but for what is around it.

    With the mark of one that stands there already, is ours, and is answered: made by this very request, or to go back
    to. ``failure`` is told what to do where the rest fails.
    """

    def attempt() -> tuple[Tree, Target, Mark | None] | None:
        claim = _claim(job, wanted, pending)
        if claim is None:
            return None
        tree, target, found = claim
        mark = mark_on(found)
        if mark and not mark.pending:
            return tree, target, mark
        failure.callback(undo_permission, job, wanted, target, pending)
        return (tree, target, None) if _is_complete(job, target, wanted, found, pending) else None

    return job.until(f"{wanted.verb} {'/'.join(wanted.parts)} of API {wanted.api}", attempt)


def confirm(job: Job, target: Target, pending: Mark) -> None:
    """Takes from the mark that the request is not answered, unless another delivery of it has done so already.

    Raises ResourceError where CloudFormation deleted, or gave up, meanwhile what it asked for.
    """
    cloudformation = job.services.client("cloudformation")
    gone = has_given_up(cloudformation, job.request.stack_id, job.request.logical_id, job.stack)
    mark = None if gone else mark_on(methods.describe(job, target))
    done = pending._replace(pending=False)
    if mark == pending:
        try:
            return methods.name(job, target, done.text)
        except (ClientError, BotoCoreError):
            mark = mark_on(methods.describe(job, target))  # it may have taken effect, and the answer was lost
            if mark == pending:
                raise
    if mark is None or mark.pending or (mark.owner, mark.request) != (done.owner, done.request):
        raise ResourceError(f"{job.request.logical_id} was deleted while it was being made; deploy again")
