"""``Custom::EventSourceMapping``: from which stream, queue or broker Lambda reads, and which function it calls with it.

In: a request and the services. Out: an Outcome whose id is the mapping's UUID and whose data are the attributes for
``Fn::GetAtt``, or an InjectorError.

The way of a change: read every property; compare what there is with what is wanted; create, update, or make a
replacement; wait until Lambda is done; and last, take the mark away that says that this request is not answered yet.
What a failed request made is deleted again.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from cfn_injector.plugin import (
    PENDING,
    Outcome,
    OwnershipError,
    PropertiesError,
    PropertyError,
    Request,
    RequestError,
    ResourceError,
    Services,
    Stack,
    is_ours,
    is_overtaken,
    marks_in,
    stack_of,
)
from cfn_injector.resources.event_source_mapping import api
from cfn_injector.resources.event_source_mapping.api import Job
from cfn_injector.resources.event_source_mapping.spec import INSISTING, changes, read, replacement_reason, resets

SERVICES = ("cloudformation", "lambda")


def _job(request: Request, services: Services) -> Job:
    return Job(request, services, stack_of(request, services))


def _read(job: Job, properties: Mapping[str, Any]) -> tuple[dict[str, Any], list[PropertyError]]:
    return read(properties, job.model, job.client.meta.region_name, job.stack.tags)


def _checked(job: Job) -> dict[str, Any]:
    """The arguments that are wanted. Of an update only what is newly wrong is refused.

    A rollback goes to what was accepted once, so it is not checked.
    """
    request = job.request
    wanted, problems = _read(job, request.properties)
    if request.type == "Update":
        accepted = problems if job.stack.rolling_back else _read(job, request.old_properties)[1]
        problems = [problem for problem in problems if problem not in accepted]
    if problems:
        raise PropertiesError(problems)
    return wanted


def _outcome(live: Mapping[str, Any]) -> Outcome:
    """The attributes of the mapping. Every one is a string."""
    names = ("EventSourceMappingArn", "EventSourceArn", "FunctionArn", "State")
    told = {name: str(live[name]) for name in names if live.get(name)}
    return Outcome(live["UUID"], {"Id": live["UUID"], **told})


def _tell_again(job: Job, uuid: str) -> Outcome:
    """The answer to an event whose earlier delivery did all there was to do."""
    job.log("already-made", key=uuid)
    return _outcome(api.settled(job, uuid))


def _make(job: Job, wanted: Mapping[str, Any], reason: str = "") -> Outcome:
    """Creates the mapping, or completes or tells what an earlier delivery of this request made."""
    there = api.ours(job, job.request.properties)
    for mapping, tags in there:
        if api.is_answered(job, tags):
            return _tell_again(job, mapping["UUID"])
    if job.stack.settled or job.stack.deleting:  # a mapping reads as soon as it is there
        raise ResourceError(f"the stack does not wait for {job.request.logical_id} any more; nothing was made")
    begun = [mapping["UUID"] for mapping, tags in there if api.is_pending(job, tags)][:1]
    with ExitStack() as failure:
        failure.callback(api.undo, job)
        for mapping, tags in there:
            if PENDING in tags and mapping["UUID"] not in begun:
                api.remove(job, mapping["UUID"])
        uuid = begun[0] if begun else api.create(job, wanted, reason)
        live = api.settled(job, uuid, wanted["Enabled"])
        api.confirm(job, live)
        failure.pop_all()
    return _outcome(live)


def _bring(job: Job, mapping: Mapping[str, Any], tags: Mapping[str, str], wanted: Mapping[str, Any]) -> Outcome:
    """Brings a mapping of ours to the wanted state."""
    api.claim(job, mapping, tags)
    live = api.settled(job, mapping["UUID"])
    live = api.update(job, live, changes(live, wanted, job.model), enabled=wanted["Enabled"])
    live = api.update(job, live, resets(live, wanted, INSISTING), enabled=wanted["Enabled"])
    return _outcome(live)


def create(request: Request, services: Services) -> Outcome:
    """Creates the mapping, or finds what an earlier delivery of the same request made."""
    job = _job(request, services)
    return _make(job, _checked(job))


def update(request: Request, services: Services) -> Outcome:
    """Updates the mapping in place, or makes its replacement; CloudFormation then deletes the old one."""
    job, uuid = _job(request, services), request.physical_id
    wanted, live = _checked(job), api.get(job, uuid)
    if live is None:
        return _tell_replacement(job)
    tags = api.tags_of(job, live)
    if not is_ours(tags, request) and marks_in(tags):
        raise OwnershipError(f"event source mapping {uuid} is another resource's by now; remove {request.logical_id}")
    if is_overtaken(tags, request):
        raise RequestError(f"a newer event than this one was served for {request.logical_id}; nothing was changed")
    reason = replacement_reason(live, wanted, job.model)
    if reason:
        return _replace(job, wanted, reason)
    api.sweep(job, request.old_properties)
    return _bring(job, live, tags, wanted)


def _tell_replacement(job: Job) -> Outcome:
    """The mapping is gone: this is a late delivery of the update that replaced it, or somebody deleted it."""
    for mapping, tags in api.ours(job, job.request.properties):
        if api.is_answered(job, tags):
            return _tell_again(job, mapping["UUID"])
    raise ResourceError(
        f"event source mapping {job.request.physical_id} does not exist any more, somebody deleted it; remove "
        f"{job.request.logical_id} from the template, deploy, and add it again"
    )


def _replace(job: Job, wanted: Mapping[str, Any], reason: str) -> Outcome:
    """A new mapping; in a rollback the one that was there before, which a replacement leaves as it was."""
    job.log("replace", key=job.request.physical_id, properties=[reason])
    for mapping, tags in api.ours(job, job.request.properties) if job.stack.rolling_back else []:
        if PENDING not in tags and not replacement_reason(mapping, wanted, job.model):
            return _bring(job, mapping, tags, wanted)
    return _make(job, wanted, reason)


def delete(request: Request, services: Services) -> Outcome:
    """Deletes the mapping that the id names, if it is ours, and what is pending for this resource.

    No property is checked, so that whatever was accepted once can be deleted.
    """
    job, uuid = Job(request, services, Stack({})), request.physical_id
    live = api.get(job, uuid)
    tags = api.tags_of(job, live) if live else {}
    if is_overtaken(tags, request):
        job.log("overtaken", key=uuid)
    elif marks_in(tags) and not is_ours(tags, request):
        job.log("not-ours", key=uuid)
    elif live:
        api.remove(job, uuid)
    api.sweep(job, request.properties)
    return Outcome(uuid)
