"""``Custom::LambdaFunction``: a Lambda function whose code is a shared artifact with the template's ``Env`` injected.

Takes a request and the services. Returns an Outcome whose ID is the function's name and whose data are the attributes
for ``Fn::GetAtt``, or raises an InjectorError.

The steps of a change: check every property; inject into a staged object; create, or update code, then configuration;
set what has a call of its own; publish; and last, remove the tag which says that the request is not answered yet. What
a failed request created is deleted again.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from cfn_injector.env_properties import refuse
from cfn_injector.plugin import (
    ADOPTED,
    REPLACES,
    REQUEST_ID,
    FunctionError,
    Operation,
    Outcome,
    OwnershipError,
    PropertiesError,
    PropertyError,
    Request,
    Services,
    Verdict,
    is_derived,
    ownership_tags,
    ownership_tags_in,
    stated_tags,
    tag_problems,
)
from cfn_injector.resources.lambda_function import adoption, api, claim, spec, steps
from cfn_injector.resources.lambda_function.changes import NOTHING, Changes, changes
from cfn_injector.resources.lambda_function.claim import Found
from cfn_injector.resources.lambda_function.spec import FunctionSpec

SERVICES = ("cloudformation", "lambda", "s3")

_NOT_OWNED = (Verdict.FOREIGN, Verdict.UNCLAIMED)


def _parse(operation: Operation, properties: Mapping[str, Any]) -> FunctionSpec:
    return spec.parse(properties, operation.client("lambda").meta.service_model)


def _changes(operation: Operation, old: FunctionSpec | None, desired: FunctionSpec, name: str) -> Changes:
    return changes(old, desired, operation.client("lambda").meta.service_model, name)


def _check(operation: Operation, desired: FunctionSpec, accepted: FunctionSpec | None) -> None:
    """Refuses whatever can be refused before anything is touched; in an update only what is newly wrong.

    A rollback returns to properties that were accepted once, so it is not checked.
    """
    if operation.stack.rolling_back and accepted is not None:
        return
    refuse(desired.problems, accepted.problems if accepted else ())
    _check_tags(operation)
    if desired.edge and operation.client("lambda").meta.region_name != "us-east-1":
        raise PropertyError("Edge", "is for functions in us-east-1", "deploy the stack there")
    _refuse_enforced_signing(operation, desired)


def _check_tags(operation: Operation, present: Mapping[str, str] | None = None) -> None:
    problems = tag_problems(operation.tags({}), present or {})
    if problems:
        raise PropertiesError(problems)


def _refuse_enforced_signing(operation: Operation, desired: FunctionSpec) -> None:
    """A changed archive has no valid signature."""
    arn = desired.separate.get("CodeSigningConfigArn")
    if not arn or arn == operation.request.old_properties.get("CodeSigningConfigArn"):
        return
    config = operation.client("lambda").get_code_signing_config(CodeSigningConfigArn=arn)["CodeSigningConfig"]
    if config.get("CodeSigningPolicies", {}).get("UntrustedArtifactOnDeployment") == "Enforce":
        raise PropertyError(
            "CodeSigningConfigArn", "enforces signatures, which an injected archive cannot have", "use one that warns"
        )


def _make(operation: Operation, desired: FunctionSpec, name: str, found: Found | None, replaces: str = "") -> Outcome:
    """Creates the function, completes a pending one, or adopts one that was there before.

    What this request created is deleted again if it fails. An adopted function stays, and becomes owned only when
    everything is done.
    """
    if found is not None and operation.verdict(found["Tags"]) is not Verdict.PENDING:
        return _take(operation, desired, name, found, replaces)
    everything = _changes(operation, None, desired, name)
    own = ownership_tags(operation.request, pending=True, replaces=replaces)
    with ExitStack() as failure:
        failure.callback(claim.undo, operation, name)
        if found is None:
            stable = steps.create_function(operation, desired, name, operation.tags(own))
            steps.put_separately(operation, name, everything, steps.BEFORE_PUBLISHING)
        else:
            operation.log("complete-function", function=name)
            claim.set_tags(operation, found, own, {})
            stable = steps.apply(operation, desired, found["Configuration"], everything)
        published = steps.publish(operation, desired, name, stable, everything)
        claim.confirm(operation, name, stable["FunctionArn"])
        failure.pop_all()
    return steps.outcome(name, published)


def _take(operation: Operation, desired: FunctionSpec, name: str, found: Found, replaces: str) -> Outcome:
    """Takes a function that was there before: one that this resource owned before, or one to adopt."""
    tags = found["Tags"]
    _check_tags(operation, tags)
    if operation.request.type == "Update" and operation.verdict(tags) not in _NOT_OWNED:
        own = ownership_tags(operation.request, pending=False, replaces=replaces)
        return _bring(operation, desired, name, found, own)
    reason = _replacement_reason(operation, desired, name, found["Configuration"])
    if reason:
        problem = f"differs from that of function {name} and cannot be changed"
        raise PropertyError(reason, problem, "adopt the function as it is, or create another one")
    adoption.check_adoptable(operation, name, found)
    adoption.check_restorable(operation, desired, found)
    version = adoption.keep_version(operation, name, found["Configuration"])
    own = ownership_tags(operation.request, pending=False, adopted=version, replaces=replaces)
    with ExitStack() as failure:
        failure.callback(adoption.undo, operation, name, version)
        outcome = _bring(operation, desired, name, found, own)
        failure.pop_all()
    return outcome


def _bring(operation: Operation, desired: FunctionSpec, name: str, found: Found, own: Mapping[str, str]) -> Outcome:
    """Brings a function in an unknown state to the desired state. It becomes owned only when everything is done."""
    operation.log("take-over", function=name)
    everything = _changes(operation, None, desired, name)
    stable = steps.apply(operation, desired, found["Configuration"], everything)
    published = steps.publish(operation, desired, name, stable, everything)
    claim.check_awaited(operation, name)
    claim.set_tags(operation, found, own, {})
    return steps.outcome(name, published)


def _answer_again(operation: Operation, desired: FunctionSpec, name: str) -> Outcome:
    """The answer to an event that an earlier delivery has served completely."""
    operation.log("already-made", function=name)
    stable = api.wait_until_ready(operation.client("lambda"), name, operation.deadline)
    return steps.outcome(name, steps.publish(operation, desired, name, stable, NOTHING))


def _is_answered(operation: Operation, found: Found | None) -> bool:
    return found is not None and operation.verdict(found["Tags"]) is Verdict.ANSWERED


def create(request: Request, services: Services) -> Outcome:
    """Creates the function, or finds what an earlier delivery of the same request created."""
    operation = Operation.begin(request, services)
    desired = _parse(operation, request.properties)
    _check(operation, desired, None)
    name, found = claim.find_place(operation, desired)
    if _is_answered(operation, found):
        return _answer_again(operation, desired, name)
    return _make(operation, desired, name, found)


def update(request: Request, services: Services) -> Outcome:
    """Updates the function in place, or creates its replacement; CloudFormation then deletes the old function."""
    operation, name = Operation.begin(request, services), request.physical_id
    desired, old = _parse(operation, request.properties), _parse(operation, request.old_properties)
    _check(operation, desired, old)
    found = api.find(operation.client("lambda"), name) if spec.FUNCTION_NAME.fullmatch(name) else None
    if found is None:
        return _find_replacement(operation, desired)
    match operation.verdict(found["Tags"]):
        case Verdict.FOREIGN:
            raise OwnershipError(f"function {name} belongs to another resource now; remove {request.logical_id} here")
        case Verdict.STALE:
            raise claim.refuse_stale(operation)
        case Verdict.UNCLAIMED:
            adoption.check_held_without_tags(operation, name, found)
        case _:
            adoption.check_not_imported(operation, name, found)
    reason = _replacement_reason(operation, desired, name, found["Configuration"])
    if reason:
        return _replace(operation, desired, found, reason)
    claim.sweep(operation, request.old_properties, replaced=name)
    own = ownership_tags(request, pending=False)
    own[REQUEST_ID] = found["Tags"].get(REQUEST_ID, request.request_id)
    claim.set_tags(operation, found, own, stated_tags(request.old_properties))
    changed = _changes(operation, old, desired, name)
    stable = steps.apply(operation, desired, found["Configuration"], changed)
    return steps.outcome(name, steps.publish(operation, desired, name, stable, changed))


def _find_replacement(operation: Operation, desired: FunctionSpec) -> Outcome:
    """The function is gone: this is a late delivery of the update that replaced it, or somebody deleted it."""
    name, found = claim.find_place(operation, desired, replaced=operation.request.physical_id)
    if _is_answered(operation, found):
        return _answer_again(operation, desired, name)
    raise FunctionError(
        f"function {operation.request.physical_id} does not exist; somebody deleted it. Remove "
        f"{operation.request.logical_id} from the template, deploy, and add it again"
    )


def _replacement_reason(operation: Operation, desired: FunctionSpec, name: str, observed: Mapping[str, Any]) -> str:
    """The property because of which the function ``name`` has to be replaced; empty if it can be updated.

    The observed function is compared, not the old properties: in a rollback these are the ones that failed.
    """
    formerly = operation.request.old_properties.get("FunctionName")
    if desired.name != name if desired.name is not None else formerly == name:
        return "FunctionName"
    if desired.arguments.get("PackageType", "Zip") != observed.get("PackageType", "Zip"):
        return "PackageType"
    if desired.arguments.get("TenancyConfig") != observed.get("TenancyConfig"):
        return "TenancyConfig"
    if observed.get("CapacityProviderConfig") and "CapacityProviderConfig" not in desired.arguments:
        return "CapacityProviderConfig"
    return "DurableConfig" if ("DurableConfig" in desired.arguments) != bool(observed.get("DurableConfig")) else ""


def _replace(operation: Operation, desired: FunctionSpec, found: Found, reason: str) -> Outcome:
    name = operation.request.physical_id
    if desired.name == name:
        raise PropertyError(
            reason,
            "can only be set by a new function, which cannot have the name of the old one",
            "change FunctionName too",
        )
    operation.log("replace", function=name, properties=[reason])
    new, there = _find_replaced(operation, desired, found) or claim.find_place(operation, desired, replaced=name)
    if _is_answered(operation, there) or _is_untouched(operation, there):
        return _answer_again(operation, desired, new)
    return _make(operation, desired, new, there, replaces=name)


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
    if previous is None or operation.verdict(previous["Tags"]) in _NOT_OWNED:
        return None
    return None if _replacement_reason(operation, desired, name, previous["Configuration"]) else (name, previous)


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


def _delete(operation: Operation, name: str) -> None:
    operation.log("delete-function", function=name)
    api.delete(operation.client("lambda"), name, operation.deadline)
    claim.sweep(operation, {}, replaced=name)
