"""``Custom::LambdaFunction``: a Lambda function whose code is a shared artifact with the template's ``Env`` in it.

In: a request and the services. Out: an Outcome whose id is the function's name and whose data are the attributes for
``Fn::GetAtt``, or an InjectorError.

The way of a change: check every property; inject into a staged object; create, or update code, then configuration;
what has calls of its own; publish; and last, take the mark away that says that this request is not answered yet. What a
failed request made is deleted again.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from cfn_injector.aws import stacks
from cfn_injector.aws.coerce import template_tags
from cfn_injector.env_properties import flag
from cfn_injector.errors import FunctionError, OwnershipError, PropertyError, RequestError
from cfn_injector.protocol import ownership
from cfn_injector.protocol.messages import Outcome, Request, Services
from cfn_injector.resources.lambda_function import api, claim, spec, steps
from cfn_injector.resources.lambda_function.operation import Job

SERVICES = ("cloudformation", "lambda", "s3")
NOTHING = spec.Changes(False, {}, {})


def _job(request: Request, services: Services) -> Job:
    return Job(request, services, stacks.describe(services.client("cloudformation"), request.stack_id))


def _check(job: Job, accepted: Mapping[str, Any] | None) -> None:
    """All that can be refused before anything is touched; of an update only what is newly wrong.

    A rollback goes to what was accepted once, so it is not checked.
    """
    if job.stack.rolling_back and accepted is not None:
        return
    spec.check(job.wanted, job.model, accepted)
    claim.check_tags(job)
    if flag(job.wanted, "Edge") and job.client.meta.region_name != "us-east-1":
        raise PropertyError("Edge", "is for functions in us-east-1", "deploy the stack there")
    _refuse_enforced_signing(job)


def _refuse_enforced_signing(job: Job) -> None:
    """A changed archive has no valid signature."""
    arn = job.wanted.get("CodeSigningConfigArn")
    if not arn or arn == job.request.old_properties.get("CodeSigningConfigArn"):
        return
    config = job.client.get_code_signing_config(CodeSigningConfigArn=arn)["CodeSigningConfig"]
    if config.get("CodeSigningPolicies", {}).get("UntrustedArtifactOnDeployment") == "Enforce":
        raise PropertyError(
            "CodeSigningConfigArn", "enforces signatures, which an injected archive cannot have", "use one that warns"
        )


def _make(job: Job, name: str, found: Mapping[str, Any] | None, replaces: str = "") -> Outcome:
    """Creates the function, or completes what was found.

    What this request made is deleted again where it fails; a function that was there before stays, and becomes ours
    only when all is done.
    """
    request = job.request
    everything = spec.changes(None, job.wanted, job.model, name)
    if found is not None and ownership.PENDING not in found["Tags"]:
        return _take_over(job, name, found, everything, replaces)
    marks = ownership.marks(request, pending=True, replaces=replaces)
    with ExitStack() as failure:
        failure.callback(claim.undo, job, name)
        if found is None:
            settled = steps.create_function(job, name, claim.all_tags(job, marks))
            steps.put_apart(job, name, everything, steps.BEFORE_PUBLISHING)
        else:
            job.log("complete-function", function=name)
            claim.claim(job, found, marks, {})
            settled = steps.apply(job, found["Configuration"], everything)
        told = steps.publish(job, name, settled, everything)
        claim.confirm(job, name, settled["FunctionArn"])
        failure.pop_all()
    return steps.outcome(name, told)


def _take_over(job: Job, name: str, found: Mapping[str, Any], everything: spec.Changes, replaces: str) -> Outcome:
    """Brings a function that was there before to the wanted state; it is adopted unless it is our own former one."""
    request = job.request
    adopted = request.type == "Create" or not ownership.is_ours(found["Tags"], request)
    reason = _replacement_reason(job, name, found["Configuration"])
    if adopted and reason:
        raise PropertyError(
            reason, f"differs from that of function {name}, for good", "adopt it as it is, or make anew"
        )
    claim.check_tags(job, found["Tags"])
    job.log("take-over", function=name)
    told = steps.publish(job, name, steps.apply(job, found["Configuration"], everything), everything)
    claim.check_wanted(job, name)
    marks = ownership.marks(request, pending=False, adopted=adopted, replaces=replaces)
    claim.claim(job, found, marks, {})
    return steps.outcome(name, told)


def _tell_again(job: Job, name: str) -> Outcome:
    """The answer to an event whose earlier delivery did all there was to do."""
    job.log("already-made", function=name)
    settled = api.wait_until_ready(job.client, name, job.patience)
    return steps.outcome(name, steps.publish(job, name, settled, NOTHING))


def create(request: Request, services: Services) -> Outcome:
    """Creates the function, or finds what an earlier delivery of the same request made."""
    job = _job(request, services)
    _check(job, None)
    name, found = claim.place(job)
    return _tell_again(job, name) if claim.is_answered(job, found) else _make(job, name, found)


def update(request: Request, services: Services) -> Outcome:
    """Updates the function in place, or makes its replacement; CloudFormation then deletes the old one."""
    job, name = _job(request, services), request.physical_id
    _check(job, request.old_properties)
    found = api.describe(job.client, name)
    if found is None:
        return _tell_replacement(job)
    tags = found["Tags"]
    if not ownership.is_ours(tags, request) and ownership.marks_in(tags):
        raise OwnershipError(f"function {name} belongs to another resource by now; remove {request.logical_id} here")
    if ownership.is_overtaken(tags, request):
        raise RequestError(f"a newer event than this one was served for {request.logical_id}; nothing was changed")
    reason = _replacement_reason(job, name, found["Configuration"])
    if reason:
        return _replace(job, found, reason)
    claim.sweep(job, request.old_properties, replaced=name)
    marks = ownership.marks(request, pending=False)
    marks[ownership.REQUEST] = tags.get(ownership.REQUEST, request.request_id)
    claim.claim(job, found, marks, _former_tags(request))
    changes = spec.changes(request.old_properties, job.wanted, job.model, name)
    settled = steps.apply(job, found["Configuration"], changes)
    return steps.outcome(name, steps.publish(job, name, settled, changes))


def _tell_replacement(job: Job) -> Outcome:
    """The function is gone: this is a late delivery of the update that replaced it, or somebody deleted it."""
    name, found = claim.place(job, replaced=job.request.physical_id)
    if claim.is_answered(job, found):
        return _tell_again(job, name)
    raise FunctionError(
        f"function {job.request.physical_id} does not exist any more, somebody deleted it; remove "
        f"{job.request.logical_id} from the template, deploy, and add it again"
    )


def _former_tags(request: Request) -> dict[str, str]:
    """The tags that the template had before, as far as they can be read."""
    try:
        return template_tags(request.old_properties)
    except PropertyError:
        return {}


def _replacement_reason(job: Job, name: str, actual: Mapping[str, Any]) -> str:
    """The property for which the function ``name`` cannot be brought to the wanted state; empty where it can.

    The function itself is asked, not the old properties: in a rollback these are the ones that failed.
    """
    stated, formerly = job.wanted.get("FunctionName"), job.request.old_properties.get("FunctionName")
    if stated != name if stated is not None else formerly == name:
        return "FunctionName"
    wanted = spec.create_arguments(job.wanted, job.model)
    if wanted.get("PackageType", "Zip") != actual.get("PackageType", "Zip"):
        return "PackageType"
    if wanted.get("TenancyConfig") != actual.get("TenancyConfig"):
        return "TenancyConfig"
    if actual.get("CapacityProviderConfig") and "CapacityProviderConfig" not in wanted:
        return "CapacityProviderConfig"
    return "DurableConfig" if ("DurableConfig" in wanted) != bool(actual.get("DurableConfig")) else ""


def _replace(job: Job, found: Mapping[str, Any], reason: str) -> Outcome:
    name = job.request.physical_id
    if job.wanted.get("FunctionName") == name:
        raise PropertyError(
            reason,
            "can only be set by a new function, which cannot have the name of the old one",
            "change FunctionName too",
        )
    job.log("replace", function=name, properties=[reason])
    new, there = _before(job, found) or claim.place(job, replaced=name)
    if claim.is_answered(job, there) or _is_untouched(job, there):
        return _tell_again(job, new)
    return _make(job, new, there, replaces=name)


def _is_untouched(job: Job, there: Mapping[str, Any] | None) -> bool:
    """Whether this is the function that a rollback goes back to: a replacement leaves the old one as it was."""
    tags = there["Tags"] if there else {}
    return job.stack.rolling_back and ownership.is_ours(tags, job.request) and ownership.PENDING not in tags


def _before(job: Job, found: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """The function that this one replaced, where it still exists and is what is wanted: a rollback goes back to it."""
    name = found["Tags"].get(ownership.REPLACES)
    if not name or "FunctionName" in job.wanted:
        return None
    previous = api.describe(job.client, name)
    if previous is None or not ownership.is_ours(previous["Tags"], job.request):
        return None
    return None if _replacement_reason(job, name, previous["Configuration"]) else (name, previous)


def delete(request: Request, services: Services) -> Outcome:
    """Deletes the function that the id names, if it is ours, and what is pending for this resource.

    No property is checked, so that whatever was accepted once can be deleted. A function that was taken over by what is
    being rolled back is let go.
    """
    job, name = Job(request, services, stacks.Stack({})), request.physical_id
    found = claim.seen(job, name) if "/" not in name else None
    tags = found["Tags"] if found else {}
    if found is None:
        claim.sweep(job, request.properties)
    elif ownership.is_overtaken(tags, request):  # the name went and came back since this Delete was issued
        job.log("overtaken", function=name)
    elif ownership.is_ours(tags, request) and ownership.ADOPTED in tags and _job(request, services).stack.rolling_back:
        job.log("let-go", function=name)
        arn = found["Configuration"]["FunctionArn"]
        api.untag(job.client, arn, ownership.marks_in(tags), job.patience)
    elif ownership.is_ours(tags, request) or (not ownership.marks_in(tags) and ownership.is_derived(name, request)):
        job.log("delete-function", function=name)
        api.delete(job.client, name, job.patience)
        claim.sweep(job, {}, replaced=name)
    else:
        job.log("not-ours", function=name)
    return Outcome(name)
