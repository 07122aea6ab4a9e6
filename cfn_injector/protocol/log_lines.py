"""What is in the provider's log: the fields of a line, the steps that are logged, and the metrics of each answer.

Data alone: ``aws_lambda`` writes the lines, and docs/reference/log.md shows these tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

EVENT_NAMES: Mapping[str, str] = {
    "operation": "RequestType",
    "type": "ResourceType",
    "stack_id": "StackId",
    "logical_id": "LogicalResourceId",
    "request_id": "RequestId",
}
"""Fields of every line, and the members of CloudFormation's event that they come from."""

LOGGED: Mapping[str, str] = {
    **{field: f"`{name}` of CloudFormation's event" for field, name in EVENT_NAMES.items()},
    "milliseconds": "the time since the provider received the event",
    "bytes": "how many bytes the event has moved between the provider and AWS so far",
    "function": "the name of a function",
    "version": "the number of a version of the function",
    "key": "what the step is about, if it is not a function: the ID of a mapping, a method or an API, the key of an "
    "object, a path, or the name of a stage",
    "properties": "the names of properties or of arguments of the API",
    "env_keys": "the names of the variables that are injected",
    "size": "the size of the injected archive in bytes",
    "entries": "the number of entries in the injected archive",
    "error": "the code of AWS's error, or the kind of another error",
    "status": "`SUCCESS` or `FAILED`",
    "reason": "the reason that CloudFormation shows; empty for `SUCCESS`",
}
"""The fields that a step may log. An event holds secrets, and a URL with which anybody can answer for the provider."""

ADDED: Mapping[str, str] = {
    "step": "what the provider does",
    "memory": "the peak memory of the process so far, in bytes",
    "success": "1 or 0",
    "failure": "1 or 0",
    "_aws": "the directive of the embedded metric format, which turns the line into metrics",
}
"""The fields that the log itself adds: ``step`` to every line, the others to the line of the answer."""


class Metric(NamedTuple):
    """A metric of each answer: a field of its line."""

    unit: str
    meaning: str


NAMESPACE = "cfn_injector"
METRICS: Mapping[str, Metric] = {
    "success": Metric("Count", "events that were answered with SUCCESS"),
    "failure": Metric("Count", "events that were answered with FAILED"),
    "milliseconds": Metric("Milliseconds", "how long an event took"),
    "bytes": Metric("Bytes", "how much an event moved between the provider and AWS"),
    "memory": Metric("Bytes", "the peak memory of the process so far"),
}
UNKNOWN = "unknown"
"""The value of a dimension for events whose operation or resource type the provider does not serve."""
DIMENSIONS: Mapping[str, str] = {
    "operation": f"`Create`, `Update`, `Delete` or `{UNKNOWN}`",
    "type": f"the resource type; `{UNKNOWN}` if the provider does not serve it",
}

STEPS: Mapping[str, str] = {
    "start": "the resource type begins with the event",
    "answered": "CloudFormation has got the answer",
    "already-made": "an earlier delivery of the event did everything; its answer is given again",
    "complete-function": "an earlier delivery of the event left the function unfinished; it is completed",
    "create-function": "the function is created",
    "create-mapping": "the mapping is created",
    "delete-function": "the function and its packages are deleted",
    "delete-mapping": "the mapping is deleted",
    "delete-method": "the method is deleted",
    "delete-pending": "what a request that was never answered left is deleted",
    "delete-resource": "a resource of the API that no method needs is deleted",
    "delete-stage": "the stage, which the provider created, is deleted",
    "deploy": "the API is deployed to the stage",
    "inject": "the variables are written into a copy of the artifact",
    "injected": "the copy is complete",
    "left-behind": "something could not be deleted or restored. A later event tries again; otherwise delete it by hand",
    "make-again": "somebody deleted the resource; it is created again",
    "make-resources": "the resources of the API that are missing on the path are created",
    "none-listed": "Lambda lists no mappings of the source or the function",
    "not-delivered": "CloudFormation did not take the answer; `reason` says why",
    "not-owned": "what the event names is not this resource's; it is not changed",
    "permit": "API Gateway gets permission to call the function",
    "published": "a version is published",
    "put": "a property that has a call of its own is set",
    "put-integration": "the integration of the method and its responses are set",
    "put-method": "the method is created",
    "release": "the adoption is rolled back: the function loses the tags of the resource, and stays",
    "replace": "a change of these properties needs a new resource",
    "restore": "the function gets the code and the configuration back that it had before its adoption",
    "reuse-package": "the rollback uses the package that was deployed before",
    "stale": "a newer event was served for the resource; it is not changed",
    "take-over": "a function that exists is brought to the state of the template",
    "undone": "the function that the failed request created is deleted again",
    "update-code": "the function gets the new package",
    "update-configuration": "the configuration of the function is updated",
    "update-mapping": "the mapping is updated",
}
"""The steps of the provider and of its own resource types. Types of other packages log steps of their own."""
