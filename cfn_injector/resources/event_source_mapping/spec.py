"""Parses the properties of ``Custom::EventSourceMapping`` and compares them with an event source mapping.

Takes the properties of a template, a mapping as Lambda describes it, and botocore's model of the Lambda API. Returns a
``MappingSpec``, the property that requires a replacement, or the arguments of an update.

The specification is compared with the observed mapping and not with the old properties: in a rollback, the old
properties are the ones that failed.

https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.utils import parse_to_aware_datetime

from cfn_injector.plugin import PropertyError, arguments, limit_problems, tag_problems, template_tags, without_empty

NOT_ARGUMENTS = frozenset({"ServiceToken", "ServiceTimeout", "FunctionRegion", "Tags"})
"""Properties that are not passed to Lambda as they are."""

ALIASES = {"StreamArn": "EventSourceArn", "KmsKeyArn": "KMSKeyArn"}
"""Names of streambot and of CloudFormation, and the API's names for the same."""

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
"""The arguments of UpdateEventSourceMapping that undo a property which the template no longer has."""

FALLBACK_DEFAULTS: Mapping[str, Any] = {"DestinationConfig": {"OnFailure": {"Destination": ""}}}
"""The same for mappings that the default did not clear. (Lambda rejects an OnFailure without a Destination.)"""

_WITHOUT_POSITION = frozenset({"sqs", "mq"})
"""Services whose sources have no starting position."""

KAFKA = ("AmazonManagedKafkaEventSourceConfig", "SelfManagedKafkaEventSourceConfig")
"""Arguments whose ``ConsumerGroupId`` only a new mapping can have."""

_CREATE, _UPDATE = "CreateEventSourceMapping", "UpdateEventSourceMapping"


@dataclass(frozen=True)
class MappingSpec:
    """The desired mapping.

    ``arguments`` are those of CreateEventSourceMapping, typed and with streambot's defaults, without tags. Properties
    that are wrong are not among them; ``problems`` names every one.
    """

    arguments: Mapping[str, Any] = field(repr=False)
    problems: tuple[PropertyError, ...]

    @property
    def source(self) -> str:
        """The ARN of the event source; empty if it has none."""
        return str(self.arguments.get("EventSourceArn", ""))

    @property
    def function(self) -> str:
        """The function's name or ARN as the template states it; empty if it is missing or wrong."""
        return str(self.arguments.get("FunctionName", ""))

    @property
    def enabled(self) -> bool:
        return bool(self.arguments["Enabled"])


def parse(properties: Mapping[str, Any], model: Any, region: str, stack_tags: Mapping[str, str]) -> MappingSpec:
    """The specification in the properties.

    Never raises for a property, so that a mapping can also be deleted when its properties are wrong.
    """
    shape = model.operation_model(_CREATE).input_shape
    stated, problems = _without_aliases(properties)
    found = arguments(without_empty(stated, shape), shape)
    problems += [value for value in found.values() if isinstance(value, PropertyError)]
    desired = {name: value for name, value in found.items() if not isinstance(value, PropertyError)}
    if "FunctionName" not in found:
        problems.append(PropertyError("FunctionName", "is missing", "name the function", code="CI239"))
    if not found.keys() & {"EventSourceArn", "SelfManagedEventSource"}:
        remedy = "name the source or give SelfManagedEventSource"
        problems.append(PropertyError("EventSourceArn", "is missing", remedy, code="CI239"))
    if properties.get("FunctionRegion", region) != region:
        remedy = "deploy the stack in the function's Region"
        problems.append(PropertyError("FunctionRegion", f"is not {region}", remedy, code="CI269"))
    problems += _tag_problems(properties, stack_tags)
    if "StartingPositionTimestamp" in desired:
        try:
            desired["StartingPositionTimestamp"] = parse_to_aware_datetime(desired["StartingPositionTimestamp"])
        except (ValueError, RuntimeError):  # RuntimeError if the time is outside the range of datetime
            del desired["StartingPositionTimestamp"]
            remedy = "give seconds since 1970, or ISO 8601"
            problems.append(PropertyError("StartingPositionTimestamp", "is not a time", remedy, code="CI270"))
    desired.setdefault("Enabled", True)
    if not _WITHOUT_POSITION.intersection(desired.get("EventSourceArn", "").split(":")[2:3]):
        desired = {"BatchSize": 100, "StartingPosition": "TRIM_HORIZON", **desired}
    return MappingSpec(desired, tuple(problems or limit_problems(desired, shape)))


def _without_aliases(properties: Mapping[str, Any]) -> tuple[dict[str, Any], list[PropertyError]]:
    """The properties that are arguments, by the API's names, and a problem for each that is stated twice."""
    stated = {name: value for name, value in properties.items() if name not in NOT_ARGUMENTS | ALIASES.keys()}
    problems = []
    for alias, name in ALIASES.items():
        if alias in properties and name in properties:
            problem = f"has the same meaning as {name}"
            problems.append(PropertyError(alias, problem, "keep one of the two", code="CI246"))
        elif alias in properties:
            stated[name] = properties[alias]
    return stated, problems


def _tag_problems(properties: Mapping[str, Any], stack_tags: Mapping[str, str]) -> list[PropertyError]:
    try:
        return tag_problems(stack_tags, template_tags(properties))
    except PropertyError as problem:
        return [problem]


def function_of(name: str) -> str:
    """``name`` or ``name:qualifier`` of a function, from any form that the API accepts."""
    _, separator, tail = name.partition(":function:")
    return (tail if separator else name.removeprefix("function:")).removesuffix(":$LATEST")


def replacing(model: Any) -> set[str]:
    """The arguments that only a new mapping can have."""
    return _members(model, _CREATE) - _members(model, _UPDATE) - {"Tags"}


def replacement_reason(observed: Mapping[str, Any], desired: Mapping[str, Any], model: Any) -> str:
    """The property that only a new mapping can have; empty if an update is enough."""
    for name in sorted(replacing(model)):
        known = name in observed and name in desired  # Lambda does not describe the starting position of every source
        if (known or not name.startswith("StartingPosition")) and not _same(observed.get(name), desired.get(name)):
            return name
    for name in KAFKA:
        group = desired.get(name, {}).get("ConsumerGroupId")  # Lambda generates one if the template has none
        if group and group != observed.get(name, {}).get("ConsumerGroupId"):
            return f"{name}.ConsumerGroupId"
    return ""


def changes(observed: Mapping[str, Any], desired: Mapping[str, Any], model: Any) -> dict[str, Any]:
    """The arguments of UpdateEventSourceMapping that bring the observed mapping to the desired state."""
    arn, enabled = observed["FunctionArn"], observed["State"] == "Enabled"
    current = {**observed, "Enabled": enabled, "FunctionName": function_of(arn)}
    target = {**desired, "FunctionName": function_of(desired.get("FunctionName", arn))}
    names = sorted(desired.keys() & _members(model, _UPDATE))
    found = {name: desired[name] for name in names if not _same(current.get(name), target[name])}
    for name in KAFKA:  # the consumer group cannot be changed, so it is left out
        registry = desired.get(name, {}).get("SchemaRegistryConfig", {})
        surplus = _is_set(observed.get(name, {}).get("SchemaRegistryConfig")) and not registry
        if surplus or name in found:
            found[name] = {"SchemaRegistryConfig": registry}
    batch_size = 10 if ":sqs:" in observed.get("EventSourceArn", "") else 100
    return {**found, **resets(observed, desired, {**DEFAULTS, "BatchSize": batch_size})}


def resets(observed: Mapping[str, Any], desired: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults of what is set on the mapping and is not desired."""
    hidden = {"FilterCriteria": "encrypted"} if "FilterCriteriaError" in observed else {}
    surplus = {name: value for name, value in {**observed, **hidden}.items() if name not in desired and _is_set(value)}
    return {name: value for name, value in defaults.items() if name in surplus and not _same(surplus[name], value)}


def _members(model: Any, operation: str) -> set[str]:
    return set(model.operation_model(operation).input_shape.members)


def _is_set(value: Any) -> bool:
    """Whether a value holds anything: Lambda describes empty structures for arguments that were never given."""
    return any(map(_is_set, value.values())) if isinstance(value, Mapping) else value not in (None, "", [])


def _same(observed: Any, desired: Any) -> bool:
    """Whether the observed value is the desired one. Members that Lambda adds to a structure do not count."""
    if not _is_set(desired):
        return not _is_set(observed)
    if isinstance(desired, Mapping):
        return isinstance(observed, Mapping) and all(
            _same(observed.get(name), value) for name, value in desired.items()
        )
    if isinstance(desired, list) and isinstance(observed, list):
        return len(observed) == len(desired) and all(any(_same(each, item) for each in observed) for item in desired)
    if isinstance(desired, datetime) and isinstance(observed, datetime):
        return abs((observed - desired).total_seconds()) < 1
    return bool(observed == desired)
