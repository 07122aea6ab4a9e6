"""``Custom::EventSourceMapping``: the stream, queue or broker that Lambda reads, and the function that it invokes.

Takes a request and the services. Returns an Outcome whose ID is the mapping's UUID and whose data are the attributes
for ``Fn::GetAtt``, or raises an InjectorError.

A change parses every property, compares the specification with what exists, and creates, updates or replaces the
mapping. It waits until Lambda is done. Last, it removes the tag that says that the request is not answered yet. What a
failed request created is deleted again.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from cfn_injector.plugin import (
    Operation,
    Outcome,
    OwnershipError,
    PropertiesError,
    Request,
    RequestError,
    ResourceError,
    Services,
    Verdict,
    check_function,
    check_mapping,
    holds_itself,
    is_pending_for,
)
from cfn_injector.resources.event_source_mapping import api
from cfn_injector.resources.event_source_mapping.api import Owned
from cfn_injector.resources.event_source_mapping.spec import (
    FALLBACK_DEFAULTS,
    MappingSpec,
    changes,
    function_of,
    parse,
    replacement_reason,
    resets,
)

SERVICES = ("cloudformation", "lambda")
REF = "the UUID of the mapping"
"""What ``Ref`` returns."""
ATTRIBUTES: Mapping[str, str] = {
    "Id": "the UUID of the mapping",
    "EventSourceMappingArn": "the ARN of the mapping",
    "EventSourceArn": "the ARN of the source, if it has one",
    "FunctionArn": "the ARN of the function, with its version or alias",
    "State": "`Enabled` or `Disabled`",
}
"""What ``Fn::GetAtt`` returns."""


def _model(operation: Operation) -> Any:
    """botocore's model of the Lambda API."""
    return operation.client("lambda").meta.service_model


def _parse(operation: Operation, properties: Mapping[str, Any]) -> MappingSpec:
    region = operation.client("lambda").meta.region_name
    return parse(properties, _model(operation), region, operation.stack.tags)


def _outcome(described: Mapping[str, Any]) -> Outcome:
    """The attributes of the mapping. Every one is a string."""
    names = ("EventSourceMappingArn", "EventSourceArn", "FunctionArn", "State")
    attributes = {name: str(described[name]) for name in names if described.get(name)}
    return Outcome(described["UUID"], {"Id": described["UUID"], **attributes})


def _stale(operation: Operation) -> RequestError:
    logical_id = operation.request.logical_id
    return RequestError(f"a newer event was already served for {logical_id}; nothing was changed", code="CI110")


def _earlier_answer(operation: Operation, found: list[Owned]) -> Outcome | None:
    """The answer again, if an earlier delivery of this event did everything. Raises RequestError for a stale event."""
    match {each.verdict: each.mapping["UUID"] for each in found}:
        case {Verdict.ANSWERED: uuid}:
            operation.log("already-made", key=uuid)
            return _outcome(api.wait(operation, uuid))
        case {Verdict.STALE: _}:
            raise _stale(operation)
    return None


def _create(operation: Operation, spec: MappingSpec, reason: str = "") -> Outcome:
    """Creates the mapping, or completes what an earlier delivery of this request created."""
    found = api.find_owned(operation, spec)
    answer = _earlier_answer(operation, found)
    if answer:
        return answer
    if operation.stack.stable or operation.stack.deleting:  # Lambda reads as soon as a mapping exists
        problem = f"the stack no longer waits for {operation.request.logical_id}"
        raise ResourceError(f"{problem}; nothing was created", code="CI411")
    pending = [each for each in found if each.verdict is Verdict.PENDING]
    begun = [each.mapping["UUID"] for each in pending if is_pending_for(each.tags, operation.request)][:1]
    with ExitStack() as on_failure:
        on_failure.callback(api.undo, operation, spec)
        for each in pending:
            if each.mapping["UUID"] not in begun:
                api.delete(operation, each.mapping["UUID"])
        uuid = begun[0] if begun else api.create(operation, spec, reason)
        described = api.wait(operation, uuid, spec.enabled)
        api.confirm(operation, described)
        on_failure.pop_all()
    return _outcome(described)


def _update(operation: Operation, mapping: Mapping[str, Any], tags: Mapping[str, str], spec: MappingSpec) -> Outcome:
    """Brings a mapping to the desired state."""
    api.claim(operation, mapping, tags)
    observed = api.wait(operation, mapping["UUID"])
    changed = changes(observed, spec.arguments, _model(operation))
    observed = api.update(operation, observed, changed, spec.enabled)
    changed = resets(observed, spec.arguments, FALLBACK_DEFAULTS)
    return _outcome(api.update(operation, observed, changed, spec.enabled))


def _replace(operation: Operation, spec: MappingSpec, reason: str) -> Outcome:
    """Creates a new mapping. A rollback returns to the previous one, which a replacement leaves unchanged."""
    operation.log("replace", key=operation.request.physical_id, properties=[reason])
    for mapping, tags, verdict in api.find_owned(operation, spec) if operation.stack.rolling_back else []:
        match verdict:
            case Verdict.OWNED | Verdict.ANSWERED:
                if not replacement_reason(mapping, spec.arguments, _model(operation)):
                    return _update(operation, mapping, tags, spec)
    return _create(operation, spec, reason)


def _make_again(operation: Operation, spec: MappingSpec) -> Outcome:
    """The mapping is gone: the update that replaced it is delivered again, or somebody deleted the mapping.

    What somebody deleted is created again, with a new UUID.
    """
    answer = _earlier_answer(operation, api.find_owned(operation, spec))
    if answer:
        return answer
    uuid = operation.request.physical_id
    if not holds_itself(operation):
        problem = f"event source mapping {uuid} does not exist"
        raise ResourceError(f"{problem}; deploy {operation.request.logical_id} again", code="CI412")
    _check_function(operation, spec)
    operation.log("make-again", key=uuid)
    return _create(operation, spec)


def _is_reachable(operation: Operation, tags: Mapping[str, str], observed: Mapping[str, Any]) -> bool:
    """Whether no other stack holds a mapping without ownership tags, or its function."""
    try:
        check_mapping(operation, tags, observed)
    except OwnershipError:
        return False
    return True


def _check_function(operation: Operation, spec: MappingSpec) -> None:
    if spec.function:
        check_function(operation, spec.function, "FunctionName")


def create(request: Request, services: Services) -> Outcome:
    """Creates the mapping, or finds what an earlier delivery of the same request created."""
    operation = Operation.begin(request, services)
    spec = _parse(operation, request.properties)
    if spec.problems:
        raise PropertiesError(spec.problems)
    _check_function(operation, spec)
    return _create(operation, spec)


def update(request: Request, services: Services) -> Outcome:
    """Updates the mapping in place, or creates its replacement; CloudFormation then deletes the old one.

    Only new problems are refused. A rollback is not checked, because its properties were accepted once.
    """
    operation, uuid = Operation.begin(request, services), request.physical_id
    spec, old = _parse(operation, request.properties), _parse(operation, request.old_properties)
    problems = [problem for problem in spec.problems if problem not in old.problems]
    if problems and not operation.stack.rolling_back:
        raise PropertiesError(problems)
    observed = api.find(operation, uuid)
    if observed is None:
        return _make_again(operation, spec)
    tags = api.find_tags(operation, observed)
    match operation.verdict(tags):
        case Verdict.FOREIGN:
            raise OwnershipError(
                f"event source mapping {uuid} belongs to another resource now; remove {request.logical_id}",
                code="CI507",
            )
        case Verdict.STALE:
            raise _stale(operation)
        case Verdict.UNCLAIMED:  # somebody removed the tags
            check_mapping(operation, tags, observed)
    if function_of(spec.function) != function_of(observed["FunctionArn"]):
        _check_function(operation, spec)
    reason = replacement_reason(observed, spec.arguments, _model(operation))
    if reason:
        return _replace(operation, spec, reason)
    api.sweep(operation, old)
    return _update(operation, observed, tags, spec)


def delete(request: Request, services: Services) -> Outcome:
    """Deletes the mapping that the ID names, if it is owned, and what is pending for this resource.

    Problems of the properties are ignored, so that every mapping that was created can be deleted.
    """
    operation, uuid = Operation.begin(request, services), request.physical_id
    observed = api.find(operation, uuid)
    if observed is not None:
        tags = api.find_tags(operation, observed)
        match operation.verdict(tags):
            case Verdict.STALE:
                operation.log("stale", key=uuid)
            case Verdict.FOREIGN:
                operation.log("not-owned", key=uuid)
            case Verdict.UNCLAIMED if not _is_reachable(operation, tags, observed):
                operation.log("not-owned", key=uuid)
            case _:  # also if somebody removed the tags
                api.delete(operation, uuid)
    api.sweep(operation, _parse(operation, request.properties))
    return Outcome(uuid)
