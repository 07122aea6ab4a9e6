"""Properties of ``Custom::EventSourceMapping``, and in what a mapping differs from them.

In: the properties of a template, a mapping as Lambda tells of it, and botocore's model of the Lambda API. Out: typed
arguments, every problem at once, the property that needs a new mapping, or the arguments of an update.

The mapping itself is compared and not the old properties: in a rollback these are the ones that failed.

https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.utils import parse_to_aware_datetime

from cfn_injector.plugin import PropertyError, arguments, limit_problems, template_tags

OURS = frozenset({"ServiceToken", "ServiceTimeout", "FunctionRegion", "Tags"})
"""Properties that are no arguments."""

OTHER_NAMES = {"StreamArn": "EventSourceArn", "KmsKeyArn": "KMSKeyArn"}
"""Streambot's and CloudFormation's names of what the API calls otherwise."""

MAX_TAGS = 44
"""Lambda takes 50, of which the provider needs up to six."""

DEFAULTS: Mapping[str, Any] = {
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {},
    "FilterCriteria": {},
    "FunctionResponseTypes": [],
    "KMSKeyArn": "",
    "LoggingConfig": {},
    "MaximumBatchingWindowInSeconds": 0,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "MetricsConfig": {"Metrics": []},
    "ParallelizationFactor": 1,
    "ProvisionedPollerConfig": {},
    "ScalingConfig": {},
    "SourceAccessConfigurations": [],
    "TumblingWindowInSeconds": 0,
}
"""What an argument of UpdateEventSourceMapping has to be for a property that the template no longer has."""

INSISTING: Mapping[str, Any] = {"DestinationConfig": {"OnFailure": {"Destination": ""}}}
"""The same where the default did not clear it. (An OnFailure without a Destination is refused.)"""

_NO_STREAMS = frozenset({"sqs", "mq"})
_KAFKA = ("AmazonManagedKafkaEventSourceConfig", "SelfManagedKafkaEventSourceConfig")
_CREATE, _UPDATE = "CreateEventSourceMapping", "UpdateEventSourceMapping"


def read(
    properties: Mapping[str, Any], model: Any, region: str, stack_tags: Mapping[str, str]
) -> tuple[dict[str, Any], list[PropertyError]]:
    """The arguments of CreateEventSourceMapping but for tags, with streambot's defaults; and everything that is wrong.

    What is wrong is not among the arguments.
    """
    shape = model.operation_model(_CREATE).input_shape
    stated = {name: value for name, value in properties.items() if name not in OURS | OTHER_NAMES.keys()}
    problems = []
    for other, name in OTHER_NAMES.items():
        if other in properties and name in properties:
            problems.append(PropertyError(other, f"stands beside {name}", "keep one of the two"))
        elif other in properties:
            stated[name] = properties[other]
    found = arguments(stated, shape)
    problems += [value for value in found.values() if isinstance(value, PropertyError)]
    wanted = {name: value for name, value in found.items() if not isinstance(value, PropertyError)}
    if "FunctionName" not in found:
        problems.append(PropertyError("FunctionName", "is missing", "name the function"))
    if not found.keys() & {"EventSourceArn", "SelfManagedEventSource"}:
        problems.append(PropertyError("EventSourceArn", "is missing", "name the source or give SelfManagedEventSource"))
    if properties.get("FunctionRegion", region) != region:
        problems.append(PropertyError("FunctionRegion", f"is not {region}", "deploy the stack where the function is"))
    problems += _tag_problems(properties, stack_tags)
    if "StartingPositionTimestamp" in wanted:
        try:
            wanted["StartingPositionTimestamp"] = parse_to_aware_datetime(wanted["StartingPositionTimestamp"])
        except ValueError:
            del wanted["StartingPositionTimestamp"]
            remedy = "give seconds since 1970, or ISO 8601"
            problems.append(PropertyError("StartingPositionTimestamp", "is no time", remedy))
    wanted.setdefault("Enabled", True)
    if not _NO_STREAMS.intersection(wanted.get("EventSourceArn", "").split(":")[2:3]):
        wanted = {"BatchSize": 100, "StartingPosition": "TRIM_HORIZON", **wanted}
    return wanted, problems or limit_problems(wanted, shape)


def _tag_problems(properties: Mapping[str, Any], stack_tags: Mapping[str, str]) -> list[PropertyError]:
    try:
        count = len({**stack_tags, **template_tags(properties)})
    except PropertyError as problem:
        return [problem]
    if count <= MAX_TAGS:
        return []
    return [PropertyError("Tags", f"and the stack's tags are {count}, over the {MAX_TAGS} that fit", "remove some")]


def tags_in(properties: Mapping[str, Any]) -> dict[str, str]:
    """The template's tags, as far as they can be read."""
    try:
        return template_tags(properties)
    except PropertyError:
        return {}


def function_of(name: str) -> str:
    """``name`` or ``name:qualifier`` of a function, whichever of the forms that the API takes is given."""
    _, whole, tail = name.partition(":function:")
    return (tail if whole else name.removeprefix("function:")).removesuffix(":$LATEST")


def replacement_reason(live: Mapping[str, Any], wanted: Mapping[str, Any], model: Any) -> str:
    """The property for which the mapping cannot be brought to the wanted state; empty where it can."""
    for name in sorted(_members(model, _CREATE) - _members(model, _UPDATE) - {"Tags"}):
        known = name in live and name in wanted  # Lambda does not tell everywhere where it began
        if (known or not name.startswith("StartingPosition")) and not _same(live.get(name), wanted.get(name)):
            return name
    for name in _KAFKA:
        group = wanted.get(name, {}).get("ConsumerGroupId")  # Lambda makes one up where none is given
        if group and group != live.get(name, {}).get("ConsumerGroupId"):
            return f"{name}.ConsumerGroupId"
    return ""


def changes(live: Mapping[str, Any], wanted: Mapping[str, Any], model: Any) -> dict[str, Any]:
    """The arguments of UpdateEventSourceMapping that bring the mapping to the wanted state."""
    told = {**live, "Enabled": live["State"] == "Enabled", "FunctionName": function_of(live["FunctionArn"])}
    aims = {**wanted, "FunctionName": function_of(wanted.get("FunctionName", live["FunctionArn"]))}
    names = sorted(wanted.keys() & _members(model, _UPDATE))
    found = {name: wanted[name] for name in names if not _same(told.get(name), aims[name])}
    for name in _KAFKA:  # the consumer group cannot be changed, so it is not named
        registry = wanted.get(name, {}).get("SchemaRegistryConfig", {})
        surplus = _is_set(live.get(name, {}).get("SchemaRegistryConfig")) and not registry
        if surplus or name in found:
            found[name] = {"SchemaRegistryConfig": registry}
    batch_size = 10 if ":sqs:" in live.get("EventSourceArn", "") else 100
    return {**found, **resets(live, wanted, {**DEFAULTS, "BatchSize": batch_size})}


def resets(live: Mapping[str, Any], wanted: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults of what is set on the mapping and not wanted."""
    hidden = {"FilterCriteria": "encrypted"} if "FilterCriteriaError" in live else {}
    told = {name: value for name, value in {**live, **hidden}.items() if name not in wanted and _is_set(value)}
    return {name: value for name, value in defaults.items() if name in told and not _same(told[name], value)}


def _members(model: Any, operation: str) -> set[str]:
    return set(model.operation_model(operation).input_shape.members)


def _is_set(value: Any) -> bool:
    """Whether there is anything in it: Lambda tells of empty structures where nothing was given."""
    return any(map(_is_set, value.values())) if isinstance(value, Mapping) else value not in (None, "", [])


def _same(live: Any, wanted: Any) -> bool:
    """Whether Lambda tells what is wanted; what it adds to a structure by itself does not matter."""
    if not _is_set(wanted):
        return not _is_set(live)
    if isinstance(wanted, Mapping):
        return isinstance(live, Mapping) and all(_same(live.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list) and isinstance(live, list):
        return len(live) == len(wanted) and all(any(_same(each, item) for each in live) for item in wanted)
    if isinstance(wanted, datetime) and isinstance(live, datetime):
        return abs((live - wanted).total_seconds()) < 1
    return bool(live == wanted)
