"""The fake Lambda with event source mappings, which take a while for every change and refuse another one meanwhile.

A mapping is Creating, Updating, Enabling, Disabling or Deleting until the clock says that it is done. Lambda describes
defaults and empty structures that were never given, and accepts only one mapping of the same source and function.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.fakes.aws_lambda import ACCOUNT, REGION, FakeLambda, Fault

LAMBDA = f"arn:aws:lambda:{REGION}:{ACCOUNT}"
STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/orders"
OTHER_STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/returns"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/orders/stream/2026-01-01T00:00:00.000"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"
CLUSTER = f"arn:aws:kafka:{REGION}:{ACCOUNT}:cluster/orders/1b0a3a4c-9f0e-4d0b-8a43-0d3f0c1b2a39-25"
BROKER = f"arn:aws:mq:{REGION}:{ACCOUNT}:broker:orders:b-1b0a3a4c-9f0e-4d0b-8a43-0d3f0c1b2a39"
DOCUMENTS = f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:orders"

STREAM_DEFAULTS = {
    "BatchSize": 100,
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {"OnFailure": {}},
    "FunctionResponseTypes": [],
    "MaximumBatchingWindowInSeconds": 0,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "TumblingWindowInSeconds": 0,
}
QUEUE_DEFAULTS = {"BatchSize": 10, "FunctionResponseTypes": [], "MaximumBatchingWindowInSeconds": 0}
OTHER_DEFAULTS = {"BatchSize": 100, "FunctionResponseTypes": []}
DEFAULTS = {"kinesis": STREAM_DEFAULTS, "dynamodb": STREAM_DEFAULTS, "sqs": QUEUE_DEFAULTS}
KAFKA = {"kafka": "AmazonManagedKafkaEventSourceConfig", "": "SelfManagedKafkaEventSourceConfig"}
IDENTITY = ("FunctionArn", "EventSourceArn", "Topics", "Queues", "SelfManagedEventSource")


@dataclass
class EventSource:
    """A mapping: its description, what Lambda is doing with it until ``ready_at``, and the state afterwards."""

    configuration: dict[str, Any]
    tags: dict[str, str]
    doing: str
    state: str
    ready_at: float


def kind_of(configuration: dict[str, Any]) -> str:
    """The service of the source; empty for a self-managed Kafka cluster."""
    arn = configuration.get("EventSourceArn", "")
    return str(arn.split(":")[2]) if arn else ""


def function_arn(name: str) -> str:
    return name if name.startswith("arn:") else f"{LAMBDA}:function:{name}"


class FakeEventSources(FakeLambda):
    """``page`` is how many mappings are on one page of a list."""

    STATE = (*FakeLambda.STATE, "mappings")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.mappings: dict[str, EventSource] = {}
        self.page = 100
        self.reason = "USER_INITIATED"
        self.ends_as: dict[str, str] = {}
        self.empty_destination_clears = True
        self._made = 0

    # -- the model

    def there(self) -> dict[str, EventSource]:
        """All mappings except those whose deletion is done."""
        now = self.clock.now()
        gone = [uuid for uuid, each in self.mappings.items() if each.doing == "Deleting" and each.ready_at <= now]
        for uuid in gone:
            del self.mappings[uuid]
        return self.mappings

    def add(self, tags: dict[str, str] | None = None, **configuration: Any) -> str:
        """Adds an existing mapping, which nobody owns if it has no tags. Returns its UUID."""
        uuid: str = self.CreateEventSourceMapping({**configuration, "Tags": tags or {}})["UUID"]
        self.mappings[uuid].ready_at = 0
        return uuid

    def _mapping(self, uuid: str) -> EventSource:
        if uuid not in self.there():
            raise Fault("ResourceNotFoundException", "The resource you requested does not exist.", 404)
        return self.mappings[uuid]

    def _stable(self, uuid: str) -> EventSource:
        mapping = self._mapping(uuid)
        if self.clock.now() < mapping.ready_at:
            message = f"Cannot update the event source mapping because it is in use. State: {mapping.doing}"
            raise Fault("ResourceInUseException", message)
        return mapping

    def _describe_mapping(self, mapping: EventSource) -> dict[str, Any]:
        busy = self.clock.now() < mapping.ready_at
        state = mapping.doing if busy else mapping.state
        return {**mapping.configuration, "State": state, "StateTransitionReason": self.reason}

    def _begin(self, mapping: EventSource, doing: str) -> dict[str, Any]:
        mapping.doing, mapping.ready_at = doing, self.clock.now() + self.busy_seconds
        return self._describe_mapping(mapping)

    def _refuse_a_second(self, configuration: dict[str, Any]) -> None:
        identity = [configuration.get(name) for name in IDENTITY]
        for uuid, other in self.there().items():
            there = other.configuration
            if uuid != configuration.get("UUID") and [there.get(name) for name in IDENTITY] == identity:
                what = f'event source arn (" {there.get("EventSourceArn")} ") and function (" {there["FunctionArn"]} ")'
                then = f"Please update or delete the existing mapping with UUID {uuid}"
                message = f"The {what} provided mapping already exists. {then}"
                raise Fault("ResourceConflictException", message, 409)

    def _put(self, configuration: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
        """The configuration with these arguments; empty ones remove what was there."""
        changed = {**configuration, **params}
        destination = params.get("DestinationConfig", {})
        if destination.get("OnFailure") == {}:
            message = "The Destination field is required for an OnFailure configuration."
            raise Fault("InvalidParameterValueException", message)
        if destination == {} and "DestinationConfig" in params and not self.empty_destination_clears:
            changed["DestinationConfig"] = configuration["DestinationConfig"]
        elif "DestinationConfig" in params and not destination.get("OnFailure", {}).get("Destination"):
            changed["DestinationConfig"] = {"OnFailure": {}}
        for name in KAFKA.values():
            if name in params:
                changed[name] = {**configuration.get(name, {}), **params[name]}
        return {name: value for name, value in changed.items() if value not in ({}, "", {"Metrics": []})}

    # -- operations

    def CreateEventSourceMapping(self, params: dict[str, Any]) -> dict[str, Any]:
        self._made += 1
        uuid = f"00000000-0000-4000-8000-{self._made:012}"
        given = {name: value for name, value in params.items() if name not in ("Tags", "Enabled", "FunctionName")}
        kind = kind_of(given)
        if kind in KAFKA:
            given[KAFKA[kind]] = {"ConsumerGroupId": uuid, **given.get(KAFKA[kind], {})}
        described: dict[str, Any] = {"UUID": uuid, "EventSourceMappingArn": f"{LAMBDA}:event-source-mapping:{uuid}"}
        described |= {"FunctionArn": function_arn(params["FunctionName"]), "LastModified": self.clock.now()}
        configuration = self._put({**DEFAULTS.get(kind, OTHER_DEFAULTS), **described}, given)
        self._refuse_a_second(configuration)
        state = self.ends_as.get(params["FunctionName"], "Enabled" if params.get("Enabled", True) else "Disabled")
        mapping = EventSource(configuration, dict(params.get("Tags", {})), "", state, 0.0)
        self.mappings[uuid] = mapping
        return self._begin(mapping, "Creating")

    def GetEventSourceMapping(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._describe_mapping(self._mapping(params["UUID"]))

    def ListEventSourceMappings(self, params: dict[str, Any]) -> dict[str, Any]:
        function = params.get("FunctionName")
        found = [
            self._describe_mapping(mapping)
            for mapping in self.there().values()
            if params.get("EventSourceArn") in (None, mapping.configuration.get("EventSourceArn"))
            and (function is None or mapping.configuration["FunctionArn"] == function_arn(function))
        ]
        start = int(params.get("Marker", 0))
        end = start + min(self.page, int(params.get("MaxItems", 100)))
        more = {"NextMarker": str(end)} if end < len(found) else {}
        return {"EventSourceMappings": found[start:end], **more}

    def UpdateEventSourceMapping(self, params: dict[str, Any]) -> dict[str, Any]:
        mapping = self._stable(params["UUID"])
        changed = {name: value for name, value in params.items() if name not in ("UUID", "Enabled", "FunctionName")}
        configuration = self._put(mapping.configuration, changed)
        if "FunctionName" in params:
            configuration["FunctionArn"] = function_arn(params["FunctionName"])
            self._refuse_a_second(configuration)
        mapping.configuration, doing = configuration, "Updating"
        if "Enabled" in params:
            mapping.state = "Enabled" if params["Enabled"] else "Disabled"
            doing = "Enabling" if params["Enabled"] else "Disabling"
        return self._begin(mapping, doing)

    def DeleteEventSourceMapping(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._begin(self._stable(params["UUID"]), "Deleting")

    def _tags_by_arn(self, params: dict[str, Any]) -> dict[str, str]:
        _, found, uuid = params["Resource"].partition(":event-source-mapping:")
        return self._mapping(uuid).tags if found else self._by_arn(params).tags

    def ListTags(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"Tags": self._tags_by_arn(params)}

    def TagResource(self, params: dict[str, Any]) -> None:
        self._tags_by_arn(params).update(params["Tags"])

    def UntagResource(self, params: dict[str, Any]) -> None:
        tags = self._tags_by_arn(params)
        for key in params["TagKeys"]:
            tags.pop(key, None)

    def live(self) -> Iterator[dict[str, Any]]:
        """The description of each mapping that is not being deleted."""
        return (self._describe_mapping(each) for each in self.there().values() if each.doing != "Deleting")
