"""``Custom::EventSourceMapping``: properties for every kind of source, events, and failures of Lambda."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.aws_lambda import Fault
from tests.fakes.event_sources import BROKER, CLUSTER, DOCUMENTS, LAMBDA, QUEUE, STREAM
from tests.support.world import World

MAPPING = "Custom::EventSourceMapping"
BASE = {"FunctionName": "orders", "StreamArn": STREAM}
KAFKA = {"FunctionName": "orders", "EventSourceArn": CLUSTER, "Topics": ["orders"]}
ORDERS = f"{LAMBDA}:function:orders"
ENDPOINTS = {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["one:9092", "two:9092"]}}
GROUP = {"ConsumerGroupId": "shop"}
REGISTRY = {"SchemaRegistryURI": "https://registry", "EventRecordFormat": "JSON"}
DESTINATION = {"OnFailure": {"Destination": QUEUE}}
FILTER = {"Filters": [{"Pattern": '{"a": [1]}'}]}
STREAM_PROPERTIES: dict[str, Any] = {
    "FunctionName": "orders",
    "EventSourceArn": STREAM,
    "StartingPosition": "AT_TIMESTAMP",
    "StartingPositionTimestamp": 1_700_000_000,
    "BatchSize": 500,
    "Enabled": False,
    "BisectBatchOnFunctionError": True,
    "DestinationConfig": DESTINATION,
    "FilterCriteria": FILTER,
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
    "KMSKeyArn": "arn:aws:kms:us-east-1:111122223333:key/1",
    "MaximumBatchingWindowInSeconds": 5,
    "MaximumRecordAgeInSeconds": 3600,
    "MaximumRetryAttempts": 3,
    "MetricsConfig": {"Metrics": ["EventCount"]},
    "ParallelizationFactor": 4,
    "TumblingWindowInSeconds": 30,
}
QUEUE_PROPERTIES: dict[str, Any] = {
    "FunctionName": "orders",
    "EventSourceArn": QUEUE,
    "ScalingConfig": {"MaximumConcurrency": 5},
}
KAFKA_PROPERTIES: dict[str, Any] = {
    "FunctionName": "orders",
    "EventSourceArn": CLUSTER,
    "Topics": ["orders"],
    "AmazonManagedKafkaEventSourceConfig": {**GROUP, "SchemaRegistryConfig": REGISTRY},
    "LoggingConfig": {"SystemLogLevel": "INFO"},
    "ProvisionedPollerConfig": {"MinimumPollers": 1, "MaximumPollers": 3},
    "SourceAccessConfigurations": [{"Type": "VPC_SUBNET", "URI": "subnet:subnet-1"}],
}
OWN_KAFKA_PROPERTIES: dict[str, Any] = {
    "FunctionName": "orders",
    "SelfManagedEventSource": ENDPOINTS,
    "Topics": ["orders"],
    "SelfManagedKafkaEventSourceConfig": GROUP,
}
BROKER_PROPERTIES: dict[str, Any] = {"FunctionName": "orders", "EventSourceArn": BROKER, "Queues": ["orders"]}
DOCUMENT_PROPERTIES: dict[str, Any] = {
    "FunctionName": "orders",
    "EventSourceArn": DOCUMENTS,
    "DocumentDBEventSourceConfig": {"DatabaseName": "shop", "CollectionName": "orders", "FullDocument": "UpdateLookup"},
}
EVERY_SOURCE: dict[str, dict[str, Any]] = {
    "stream": STREAM_PROPERTIES,
    "queue": QUEUE_PROPERTIES,
    "Kafka": KAFKA_PROPERTIES,
    "Kafka of one's own": OWN_KAFKA_PROPERTIES,
    "broker": BROKER_PROPERTIES,
    "documents": DOCUMENT_PROPERTIES,
}


def event(world: World, kind: str, properties: dict[str, Any], **ids: Any) -> dict[str, Any]:
    return world.stack.event(kind, properties, resource_type=MAPPING, **ids)


def created(world: World, **properties: Any) -> str:
    answered = world.stack.send(event(world, "Create", {**BASE, **properties}))
    assert answered["Status"] == "SUCCESS", answered["Reason"]
    uuid: str = answered["PhysicalResourceId"]
    return uuid


def deleted(world: World, physical_id: str, properties: dict[str, Any] = BASE) -> None:
    assert world.stack.send(event(world, "Delete", properties, physical_id=physical_id))["Status"] == "SUCCESS"


def asked(world: World, operation: str) -> list[dict[str, Any]]:
    """The parameters of every call of an operation."""
    return [params for name, params in world.aws_lambda.calls if name == operation]


def killed_after(world: World, operation: str, doomed: dict[str, Any]) -> None:
    """Delivers an event to a provider that is killed when this call has taken effect."""

    def kill(name: str, params: dict[str, Any]) -> None:
        if operation in world.aws_lambda.operations():
            raise KeyboardInterrupt

    world.aws_lambda.calls.clear()
    world.aws_lambda.after = kill
    with pytest.raises(KeyboardInterrupt):
        world.deliver_unguarded(doomed)
    world.aws_lambda.after = lambda name, params: None


def fails(operation: str, code: str, message: str, times: int = 1_000_000) -> Any:
    """A hook that fails the first ``times`` calls of an operation."""
    left = [times]

    def fail(name: str, params: dict[str, Any]) -> None:
        if name == operation and left[0]:
            left[0] -= 1
            raise Fault(code, message, 409 if code == "ResourceConflictException" else 400)

    return fail
