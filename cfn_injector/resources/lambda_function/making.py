"""Creates a function, completes one that is pending, or takes one that was there before.

Takes an operation, the desired spec, a name, and the function of that name as GetFunction describes it, or None.
Returns the Outcome. What a failed request created is deleted again; a function that was there before stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from cfn_injector.plugin import (
    NOT_OWNED,
    Operation,
    Outcome,
    PropertiesError,
    PropertyError,
    Verdict,
    ownership_tags,
    tag_problems,
)
from cfn_injector.resources.lambda_function import adoption, api, claim, steps
from cfn_injector.resources.lambda_function.applied import expected
from cfn_injector.resources.lambda_function.changes import NOTHING, Changes, changes, of_new
from cfn_injector.resources.lambda_function.claim import Found
from cfn_injector.resources.lambda_function.spec import FunctionSpec


def changes_of(operation: Operation, old: FunctionSpec | None, desired: FunctionSpec, found: Found) -> Changes:
    """What an update has to change; ``found`` is in no update of its own any more."""
    code_sha256, model = found["Configuration"]["CodeSha256"], operation.client("lambda").meta.service_model
    return changes(old, desired, found, model, lambda each: expected(operation, each, code_sha256))


def idle(operation: Operation, found: Found) -> Found:
    """The function once no update of it is in progress."""
    name = found["Configuration"]["FunctionName"]
    configuration = api.wait_until_idle(operation.client("lambda"), name, operation.deadline, found["Configuration"])
    return {**found, "Configuration": configuration}


def check_tags(operation: Operation, present: Mapping[str, str] | None = None) -> None:
    problems = tag_problems(operation.tags({}), present or {})
    if problems:
        raise PropertiesError(problems)


def replacement_reason(operation: Operation, desired: FunctionSpec, name: str, observed: Mapping[str, Any]) -> str:
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


def _take(operation: Operation, desired: FunctionSpec, name: str, found: Found, replaces: str) -> Outcome:
    """Takes a function that was there before: one that this resource owned before, or one to adopt."""
    tags = found["Tags"]
    check_tags(operation, tags)
    if operation.request.type == "Update" and operation.verdict(tags) not in NOT_OWNED:
        own = ownership_tags(operation.request, pending=False, replaces=replaces)
        return _bring(operation, desired, name, found, own)
    reason = replacement_reason(operation, desired, name, found["Configuration"])
    if reason:
        problem = f"differs from that of function {name} and cannot be changed"
        raise PropertyError(reason, problem, "adopt the function as it is, or create another one", code="CI267")
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
    found = idle(operation, found)
    todo = changes_of(operation, None, desired, found)
    stable = steps.apply(operation, desired, found["Configuration"], todo)
    published = steps.publish(operation, desired, name, stable, todo)
    claim.check_awaited(operation, name)
    claim.set_tags(operation, found, {**own, **steps.records(operation, desired, stable, found["Tags"])}, {})
    return steps.outcome(name, published)


def answer_again(operation: Operation, desired: FunctionSpec, name: str) -> Outcome:
    """The answer to an event that an earlier delivery has served completely."""
    operation.log("already-made", function=name)
    stable = api.wait_until_ready(operation.client("lambda"), name, operation.deadline)
    return steps.outcome(name, steps.publish(operation, desired, name, stable, NOTHING))


def is_answered(operation: Operation, found: Found | None) -> bool:
    return found is not None and operation.verdict(found["Tags"]) is Verdict.ANSWERED


def make(operation: Operation, desired: FunctionSpec, name: str, found: Found | None, replaces: str = "") -> Outcome:
    """Creates the function, completes a pending one, or adopts one that was there before.

    What this request created is deleted again if it fails. An adopted function stays, and becomes owned only when
    everything is done.
    """
    if found is not None and operation.verdict(found["Tags"]) is not Verdict.PENDING:
        return _take(operation, desired, name, found, replaces)
    own = ownership_tags(operation.request, pending=True, replaces=replaces)
    with ExitStack() as failure:
        failure.callback(claim.undo, operation, name)
        if found is None:
            todo = of_new(desired)
            stable = steps.create_function(operation, desired, name, operation.tags(own))
            steps.put_separately(operation, name, todo, steps.BEFORE_PUBLISHING)
        else:
            operation.log("complete-function", function=name)
            claim.set_tags(operation, found, own, {})
            found = idle(operation, found)
            todo = changes_of(operation, None, desired, found)
            stable = steps.apply(operation, desired, found["Configuration"], todo)
        steps.record(operation, desired, stable, found["Tags"] if found else {})
        published = steps.publish(operation, desired, name, stable, todo)
        claim.confirm(operation, name, stable["FunctionArn"])
        failure.pop_all()
    return steps.outcome(name, published)
