"""``Custom::LambdaFunction``: a Lambda function whose code is a shared artifact with the template's ``Env`` injected.

Takes a request and the services. Returns an Outcome whose ID is the function's name and whose data are the attributes
for ``Fn::GetAtt``, or raises an InjectorError.

The steps of a change: check every property; compare with what Lambda describes; inject into a staged package; create,
or update code, then configuration; set what has a call of its own; record in a tag what was applied; publish; and last,
remove the tag which says that the request is not answered yet. What a failed request created is deleted again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cfn_injector import env_from, env_loader
from cfn_injector.env_properties import refuse
from cfn_injector.plugin import (
    ADOPTED,
    NOT_OWNED,
    REPLACES,
    REQUEST_ID,
    SERVED,
    FunctionError,
    Operation,
    Outcome,
    OwnershipError,
    PropertyError,
    Request,
    Services,
    Verdict,
    holds_itself,
    is_derived,
    ownership_tags,
    ownership_tags_in,
    stated_tags,
)
from cfn_injector.resources.lambda_function import adoption, api, claim, making, packages, spec, steps
from cfn_injector.resources.lambda_function.applied import expected, inputs, recorded
from cfn_injector.resources.lambda_function.changes import PUT_ON_VERSIONS, Changes
from cfn_injector.resources.lambda_function.claim import Found
from cfn_injector.resources.lambda_function.spec import FunctionSpec

SERVICES = ("cloudformation", "lambda", "s3", *env_from.SERVICES)
RESOLVES = ("Env",)
"""The properties in whose values this type resolves dynamic references."""
REF = "the function's name"
"""What ``Ref`` returns."""
ATTRIBUTES: Mapping[str, str] = {
    "Arn": "the function's ARN, without a version",
    "FunctionName": "the function's name",
    "Version": "the number of the version that was published; `$LATEST` without `Publish`",
    "VersionArn": "the ARN of that version",
    "CodeSha256": "the hash of the injected archive",
    "LogGroupName": "the function's log group",
    "LogGroupArn": "the ARN of the log group, which ends in `:*`",
    "SnapStartResponse.ApplyOn": "`PublishedVersions` or `None`",
    "SnapStartResponse.OptimizationStatus": "`On` or `Off`",
}
"""What ``Fn::GetAtt`` returns."""


def _parse(operation: Operation, properties: Mapping[str, Any]) -> FunctionSpec:
    return spec.parse(properties, operation.client("lambda").meta.service_model)


def _check(operation: Operation, desired: FunctionSpec, accepted: FunctionSpec | None) -> None:
    """Refuses whatever can be refused before anything is touched; in an update only what is newly wrong.

    A rollback returns to properties that were accepted once, so it is not checked.
    """
    if operation.stack.rolling_back and accepted is not None:
        return
    refuse(desired.problems, accepted.problems if accepted else ())
    making.check_tags(operation)
    if desired.edge and operation.client("lambda").meta.region_name != "us-east-1":
        raise PropertyError("Edge", "is for functions in us-east-1", "deploy the stack there", code="CI264")
    _refuse_enforced_signing(operation, desired)


def _refuse_enforced_signing(operation: Operation, desired: FunctionSpec) -> None:
    """A changed archive has no valid signature."""
    arn = desired.separate.get("CodeSigningConfigArn")
    if not arn or arn == operation.request.old_properties.get("CodeSigningConfigArn"):
        return
    config = operation.client("lambda").get_code_signing_config(CodeSigningConfigArn=arn)["CodeSigningConfig"]
    if config.get("CodeSigningPolicies", {}).get("UntrustedArtifactOnDeployment") == "Enforce":
        raise PropertyError(
            "CodeSigningConfigArn",
            "enforces signatures, which an injected archive cannot have",
            "use one that warns",
            code="CI257",
        )


def create(request: Request, services: Services) -> Outcome:
    """Creates the function, or finds what an earlier delivery of the same request created."""
    operation = Operation.begin(request, services)
    desired = _parse(operation, request.properties)
    _check(operation, desired, None)
    name, found = claim.find_place(operation, desired)
    if making.is_answered(operation, found):
        return making.answer_again(operation, desired, name)
    return making.make(operation, desired, name, found)


def update(request: Request, services: Services) -> Outcome:
    """Updates the function in place, or creates its replacement; CloudFormation then deletes the old function."""
    operation, name = Operation.begin(request, services), request.physical_id
    desired, old = _parse(operation, request.properties), _parse(operation, request.old_properties)
    _check(operation, desired, old)
    desired = _as_deployed(operation, old, desired)
    found: Found | None = api.find(operation.client("lambda"), name) if spec.FUNCTION_NAME.fullmatch(name) else None
    if found is None:
        return _make_again(operation, desired)
    match operation.verdict(found["Tags"]):
        case Verdict.FOREIGN:
            problem = f"function {name} belongs to another resource now"
            raise OwnershipError(f"{problem}; remove {request.logical_id} here", code="CI507")
        case Verdict.STALE:
            raise claim.refuse_stale(operation)
        case Verdict.UNCLAIMED:
            adoption.check_held_without_tags(operation, name, found)
        case _:
            adoption.check_not_imported(operation, name, found)
    reason = making.replacement_reason(operation, desired, name, found["Configuration"])
    if reason:
        return _replace(operation, desired, found, reason)
    claim.sweep(operation, request.old_properties, replaced=name)
    found = making.idle(operation, found)
    _forget_former(operation, old, found)
    todo = making.changes_of(operation, old, desired, found)
    if todo.code:
        packages.check_source(operation, desired)
    own = {**ownership_tags(request, pending=False), **_uncertain(found, todo)}
    own[REQUEST_ID] = found["Tags"].get(REQUEST_ID, request.request_id)
    claim.set_tags(operation, found, own, stated_tags(request.old_properties))
    stable = steps.apply(operation, desired, found["Configuration"], todo)
    steps.record(operation, desired, stable, {**found["Tags"], **own})
    if todo.code or operation.stack.rolling_back:
        former = _former(operation, request.old_properties)
        steps.discard_old_packages(operation, desired, (old, former), name)
    return steps.outcome(name, steps.publish(operation, desired, name, stable, todo))


def _former(operation: Operation, properties: Mapping[str, Any]) -> FunctionSpec:
    """What an earlier version of the provider made of the properties."""
    return _parse(operation, env_loader.before_auto(properties))


def _as_deployed(operation: Operation, old: FunctionSpec, desired: FunctionSpec) -> FunctionSpec:
    """What a rollback returns to: without a loader, if an earlier version of the provider deployed the template so.

    An update that removed the loader, and failed, made the same package. ``old`` is what that update deployed.
    """
    if not operation.stack.rolling_back or desired.loader is None:
        return desired
    name, former = operation.request.physical_id, _former(operation, operation.request.properties)
    if former.loader or not packages.is_kept(operation, former, name):
        return desired
    removed = inputs(old) == inputs(former) and packages.is_kept(operation, desired, name)
    return desired if removed else former


def _forget_former(operation: Operation, old: FunctionSpec, found: Found) -> None:
    """Deletes the package without a loader once the function has the one with it: no rollback returns to it.

    An event that is delivered again finds what it made itself, and its rollback returns to what was there before.
    """
    request, tags = operation.request, found["Tags"]
    again = SERVED in tags and tags[SERVED] == ownership_tags(request, pending=False).get(SERVED)
    if operation.stack.rolling_back or again or old.loader is None:
        return
    former, there = _former(operation, request.old_properties), recorded(tags)
    deployed = expected(operation, old, found["Configuration"]["CodeSha256"])
    if former.loader is None and there and there.package == deployed.package:
        packages.discard_one(operation, former, request.physical_id)


def _uncertain(found: Found, todo: Changes) -> dict[str, str]:
    """The tag to write before separate properties change, so that an update which fails half-way is not trusted."""
    there = recorded(found["Tags"])
    if there is None or not todo.separate.keys() - PUT_ON_VERSIONS:
        return {}
    return there._replace(separate="").tag


def _make_again(operation: Operation, desired: FunctionSpec) -> Outcome:
    """The function is gone: this is a late delivery of the update that replaced it, or somebody deleted it.

    What somebody deleted is created again, under its name if the template allows that.
    """
    physical_id = operation.request.physical_id
    name, found = claim.find_place(operation, desired, replaced=physical_id)
    if making.is_answered(operation, found):
        return making.answer_again(operation, desired, name)
    if not spec.FUNCTION_NAME.fullmatch(physical_id) or not holds_itself(operation):
        problem = f"function {physical_id} does not exist"
        raise FunctionError(f"{problem}; deploy {operation.request.logical_id} again", code="CI412")
    if desired.name is None and is_derived(physical_id, operation.request):
        name, found = physical_id, None
    operation.log("make-again", function=name)
    return making.make(operation, desired, name, found)


def _replace(operation: Operation, desired: FunctionSpec, found: Found, reason: str) -> Outcome:
    name = operation.request.physical_id
    if desired.name == name:
        raise PropertyError(
            reason,
            "can only be set by a new function, which cannot have the name of the old one",
            "change FunctionName too",
            code="CI260",
        )
    operation.log("replace", function=name, properties=[reason])
    new, there = _find_replaced(operation, desired, found) or claim.find_place(operation, desired, replaced=name)
    if making.is_answered(operation, there) or _is_untouched(operation, there):
        return making.answer_again(operation, desired, new)
    return making.make(operation, desired, new, there, replaces=name)


def _is_untouched(operation: Operation, there: Found | None) -> bool:
    """Whether this is the function that a rollback returns to: a replacement leaves the old one unchanged."""
    returnable = (Verdict.OWNED, Verdict.ADOPTED)
    return operation.stack.rolling_back and there is not None and operation.verdict(there["Tags"]) in returnable


def _find_replaced(operation: Operation, desired: FunctionSpec, found: Found) -> tuple[str, Found] | None:
    """The function that this one replaced, if it still exists and can be updated: a rollback returns to it."""
    name = found["Tags"].get(REPLACES)
    if not name or desired.name is not None:
        return None
    previous = api.find(operation.client("lambda"), name)
    if previous is None or operation.verdict(previous["Tags"]) in NOT_OWNED:
        return None
    return None if making.replacement_reason(operation, desired, name, previous["Configuration"]) else (name, previous)


def delete(request: Request, services: Services) -> Outcome:
    """Deletes the function that the ID names, if it is owned, and what is pending for this resource.

    No property is checked, so that whatever was accepted once can be deleted. A function whose adoption is being rolled
    back is released, not deleted.
    """
    operation, name = Operation.begin(request, services), request.physical_id
    found = claim.find_for_delete(operation, name) if spec.FUNCTION_NAME.fullmatch(name) else None
    if found is None:
        claim.sweep(operation, request.properties)
        return Outcome(name)
    match operation.verdict(found["Tags"]):
        case Verdict.STALE:  # the name was deleted and used again after this Delete was issued
            operation.log("stale", function=name)
        case Verdict.ADOPTED:
            _release(operation, name, found)
        case Verdict.OWNED | Verdict.PENDING | Verdict.ANSWERED:
            _delete(operation, name)
        case Verdict.UNCLAIMED if is_derived(name, request) and not adoption.is_held_elsewhere(operation, name, found):
            _delete(operation, name)
        case _:
            operation.log("not-owned", function=name)
    return Outcome(name)


def _release(operation: Operation, name: str, found: Found) -> None:
    """Gives the function back: its code and configuration as they were before the adoption, without ownership tags."""
    version = found["Tags"][ADOPTED]
    if version.isdecimal():
        adoption.restore(operation, name, version)
    operation.log("release", function=name)
    arn = found["Configuration"]["FunctionArn"]
    api.untag(operation.client("lambda"), arn, ownership_tags_in(found["Tags"]), operation.deadline)
    packages.discard_others(operation, name)


def _delete(operation: Operation, name: str) -> None:
    operation.log("delete-function", function=name)
    claim.delete(operation, name)
    claim.sweep(operation, {}, replaced=name)
