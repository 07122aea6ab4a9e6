"""CloudFormation as the deployer of one template sees it: stacks, change sets, events and exports.

In: the parameters of a real client's calls, which botocore has validated. Out: answers that match botocore's model.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.validate import validate_parameters

from cfn_injector.aws.clients import view
from tests.fakes.aws_lambda import REGION, Clock, Fault, plain_client

ACCOUNT = "111122223333"
NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
NO_UPDATES = "No updates are to be performed."
UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
BUSY_SECONDS = 10


class _Loader(yaml.SafeLoader):
    """Keeps the short forms of functions apart from text, and compares them."""


_Loader.add_multi_constructor("!", lambda loader, suffix, node: [suffix, str(node)])


@cache
def _parsed(body: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.load(body, _Loader)
    return content


@dataclass
class Record:
    """A stack. ``pending`` is what it will be, and when."""

    name: str
    id: str
    status: str
    template: dict[str, Any] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    resources: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    protected: bool = False
    pending: list[tuple[float, str, Callable[[], object]]] = field(default_factory=list)
    on_failure: str = ""


@dataclass
class Set:
    """A change set that becomes ``status`` at ``ready``."""

    id: str
    stack: Record
    kind: str
    template: dict[str, Any]
    values: dict[str, str]
    changes: list[dict[str, Any]]
    reason: str
    ready: float
    on_failure: str


class FakeStacks:
    """``fails`` has logical IDs whose creation or update fails; ``importers`` maps exports to stacks.

    ``before`` is called with the name of each operation. ``empty`` is the reason of a change set without changes.
    ``make`` and ``delete`` are called with a bucket when a stack creates or deletes one.
    """

    def __init__(self, clock: Clock, make: Callable[[str], None], delete: Callable[[str], bool]) -> None:
        self.clock, self.make, self.delete = clock, make, delete
        self.stacks: dict[str, Record] = {}
        self.sets: dict[str, Set] = {}
        self.fails: set[str] = set()
        self.importers: dict[str, list[str]] = {}
        self.empty = NO_CHANGES
        self.replaced: set[str] = set()
        self.calls: list[str] = []
        self.before: Callable[[str], None] = lambda operation: None

    # The transport: botocore validates a call, and this answers before anything is sent.

    def client(self) -> Any:
        found = view(plain_client("cloudformation", REGION, f"https://cloudformation.{REGION}.amazonaws.com", 1))
        given: dict[str, Any] = {}

        def remember(params: dict[str, Any], **_: Any) -> None:
            given.clear()
            given.update(params)

        found.meta.events.register("before-parameter-build.cloudformation", remember)
        found.meta.events.register("before-call.cloudformation", lambda model, **_: self._answer(model, dict(given)))
        return found

    def _answer(self, model: Any, params: dict[str, Any]) -> tuple[AWSResponse, dict[str, Any]]:
        self.calls.append(model.name)
        self._advance()
        try:
            self.before(model.name)
            result = getattr(self, f"_{xform_name(model.name)}")(**params)
        except Fault as fault:
            error = {"Error": {"Code": fault.code, "Message": fault.message}, "ResponseMetadata": {}}
            return AWSResponse("", fault.status, {}, None), error
        if model.output_shape:
            validate_parameters(result, model.output_shape)
        return AWSResponse("", 200, {}, None), {**result, "ResponseMetadata": {}}

    def _advance(self) -> None:
        """Let everything happen that is due."""
        for record in list(self.stacks.values()):
            while record.pending and record.pending[0][0] <= self.clock.now():
                _, status, effect = record.pending.pop(0)
                record.status = status
                effect()

    def _later(self, record: Record, *steps: tuple[str, Callable[[], object]]) -> None:
        record.pending = [
            (self.clock.now() + BUSY_SECONDS * (number + 1) / len(steps), status, effect)
            for number, (status, effect) in enumerate(steps)
        ]

    def _event(self, record: Record, logical_id: str, kind: str, status: str, token: str, reason: str = "") -> None:
        record.events.append(
            {
                "StackId": record.id,
                "EventId": str(uuid.uuid4()),
                "StackName": record.name,
                "LogicalResourceId": logical_id,
                "ResourceType": kind,
                "ResourceStatus": status,
                "Timestamp": "2026-01-01T00:00:00Z",
                **({"ClientRequestToken": token} if token else {}),
                **({"ResourceStatusReason": reason} if reason else {}),
            }
        )

    def _own_event(self, record: Record, status: str, token: str) -> None:
        self._event(record, record.name, "AWS::CloudFormation::Stack", status, token)

    # Stacks

    def _named(self, name: str) -> Record:
        for record in self.stacks.values():
            if name == record.id or (name == record.name and record.status != "DELETE_COMPLETE"):
                return record
        raise Fault("ValidationError", f"Stack with id {name} does not exist")

    def _found(self, name: str) -> Record | None:
        return next(
            (each for each in self.stacks.values() if each.name == name and each.status != "DELETE_COMPLETE"), None
        )

    def _new(self, name: str, status: str) -> Record:
        id = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{name}/{uuid.uuid4()}"
        self.stacks[id] = Record(name, id, status)
        return self.stacks[id]

    def _outputs(self, record: Record) -> list[dict[str, str]]:
        if not record.status.startswith(("CREATE_COMPLETE", "UPDATE")):
            return []
        name = record.values.get("Name", "")
        if "Function" in record.resources:
            arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
            return [
                {"OutputKey": "ServiceToken", "OutputValue": arn, "ExportName": f"{name}-ServiceToken"},
                {
                    "OutputKey": "StagingBucket",
                    "OutputValue": record.resources["StagingBucket"],
                    "ExportName": f"{name}-StagingBucket",
                },
            ]
        return [{"OutputKey": key, "OutputValue": value} for key, value in record.resources.items() if key == "Bucket"]

    def _describe_stacks(self, StackName: str) -> dict[str, Any]:
        record = self._named(StackName)
        return {
            "Stacks": [
                {
                    "StackName": record.name,
                    "StackId": record.id,
                    "StackStatus": record.status,
                    "CreationTime": "2026-01-01T00:00:00Z",
                    "EnableTerminationProtection": record.protected,
                    "Parameters": [
                        {"ParameterKey": key, "ParameterValue": each} for key, each in record.values.items()
                    ],
                    "Outputs": self._outputs(record),
                }
            ]
        }

    def _describe_stack_events(self, StackName: str, **_: Any) -> dict[str, Any]:
        return {"StackEvents": self._named(StackName).events[::-1]}

    def _list_stack_resources(self, StackName: str, **_: Any) -> dict[str, Any]:
        record = self._named(StackName)
        summaries = [
            {
                "LogicalResourceId": key,
                "PhysicalResourceId": value,
                "ResourceType": record.template["Resources"][key]["Type"],
                "ResourceStatus": "DELETE_FAILED" if record.status == "DELETE_FAILED" else "CREATE_COMPLETE",
                "LastUpdatedTimestamp": "2026-01-01T00:00:00Z",
            }
            for key, value in record.resources.items()
        ]
        return {"StackResourceSummaries": summaries}

    def _list_imports(self, ExportName: str, **_: Any) -> dict[str, Any]:
        if not self.importers.get(ExportName):
            raise Fault("ValidationError", f"Export '{ExportName}' is not imported by any stack.")
        return {"Imports": self.importers[ExportName]}

    def _values(
        self, parameters: list[dict[str, Any]], template: dict[str, Any], old: dict[str, str]
    ) -> dict[str, str]:
        declared, found = template.get("Parameters", {}), dict[str, str]()
        for each in parameters:
            name = each["ParameterKey"]
            if name not in declared:
                raise Fault("ValidationError", f"Parameters: [{name}] do not exist in the template")
            if each.get("UsePreviousValue") and name not in old:
                raise Fault("ValidationError", f"Invalid input for parameter key {name}. Cannot use previous value")
            found[name] = old[name] if each.get("UsePreviousValue") else each["ParameterValue"]
        values = {**{name: each["Default"] for name, each in declared.items() if "Default" in each}, **found}
        if lacking := sorted(declared.keys() - values.keys()):
            raise Fault("ValidationError", f"Parameters: [{', '.join(lacking)}] must have values")
        return values

    def _create_stack(
        self,
        StackName: str,
        TemplateBody: str,
        Parameters: list[dict[str, Any]],
        OnFailure: str,
        ClientRequestToken: str,
    ) -> dict[str, Any]:
        if self._found(StackName):
            raise Fault("AlreadyExistsException", f"Stack [{StackName}] already exists")
        template = deepcopy(_parsed(TemplateBody))
        record = self._new(StackName, "CREATE_IN_PROGRESS")
        self._start_create(record, template, self._values(Parameters, template, {}), OnFailure, ClientRequestToken)
        return {"StackId": record.id}

    def _start_create(
        self, record: Record, template: dict[str, Any], values: dict[str, str], on_failure: str, token: str
    ) -> None:
        record.template, record.values = template, values
        self._own_event(record, "CREATE_IN_PROGRESS", token)
        failing = sorted(self.fails & template["Resources"].keys())

        def fail() -> None:
            kind = template["Resources"][failing[0]]["Type"]
            self._event(record, failing[0], kind, "CREATE_FAILED", token, f"{failing[0]} is not possible")
            self._event(record, "Other", kind, "CREATE_FAILED", token, "Resource creation cancelled")
            self._own_event(record, "CREATE_FAILED", token)

        def gone() -> None:
            self._remove(record)
            self._own_event(record, "DELETE_COMPLETE", "")

        def done() -> None:
            for key, each in template["Resources"].items():
                record.resources[key] = f"{record.name}-{key}-{uuid.uuid4().hex[:8]}".lower()
                if each["Type"] == "AWS::S3::Bucket":
                    self.make(record.resources[key])
                self._event(record, key, each["Type"], "CREATE_COMPLETE", token)
            self._own_event(record, "CREATE_COMPLETE", token)

        if not failing:
            self._later(record, ("CREATE_IN_PROGRESS", lambda: None), ("CREATE_COMPLETE", done))
        elif on_failure == "DELETE":
            self._later(record, ("DELETE_IN_PROGRESS", fail), ("DELETE_COMPLETE", gone))
        else:
            self._later(record, ("ROLLBACK_IN_PROGRESS", fail), ("ROLLBACK_COMPLETE", lambda: self._remove(record)))

    def _remove(self, record: Record) -> bool:
        """Delete the resources; a bucket with objects stays."""
        for key, each in reversed(list(record.template.get("Resources", {}).items())):
            physical = record.resources.get(key)
            if physical and each["Type"] == "AWS::S3::Bucket" and not self.delete(physical):
                continue
            record.resources.pop(key, None)
        return not record.resources

    def _delete_stack(self, StackName: str, ClientRequestToken: str) -> dict[str, Any]:
        record = self._named(StackName)
        if record.protected:
            message = f"Stack [{record.name}] cannot be deleted while TerminationProtection is enabled"
            raise Fault("ValidationError", message)
        exports = [each["ExportName"] for each in self._outputs(record) if "ExportName" in each]
        used = next((name for name in exports if self.importers.get(name)), None)
        record.status = "DELETE_IN_PROGRESS"
        self._own_event(record, "DELETE_IN_PROGRESS", ClientRequestToken)

        def end() -> None:
            if used is None and self._remove(record):
                self._own_event(record, "DELETE_COMPLETE", ClientRequestToken)
                return
            record.status = "DELETE_FAILED"
            for key in record.resources if used is None else ():
                kind = record.template["Resources"][key]["Type"]
                reason = "The bucket you tried to delete is not empty"
                self._event(record, key, kind, "DELETE_FAILED", ClientRequestToken, reason)
            self._own_event(record, "DELETE_FAILED", ClientRequestToken)

        self._later(record, ("DELETE_COMPLETE", end))
        return {}

    def _cancel_update_stack(self, StackName: str) -> dict[str, Any]:
        record = self._named(StackName)
        if record.status != "UPDATE_IN_PROGRESS":
            raise Fault("ValidationError", "CancelUpdateStack cannot be called from current stack status")
        record.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        self._later(record, ("UPDATE_ROLLBACK_COMPLETE", lambda: None))
        return {}

    # Change sets

    def _create_change_set(
        self,
        StackName: str,
        ChangeSetName: str,
        TemplateBody: str,
        Parameters: list[dict[str, Any]],
        Capabilities: list[str],
        Description: str,
        ChangeSetType: str,
        OnStackFailure: str = "",
    ) -> dict[str, Any]:
        if OnStackFailure == "DELETE" and ChangeSetType != "CREATE":
            raise Fault("ValidationError", "OnStackFailure DELETE is only valid with ChangeSetType CREATE")
        template, found = deepcopy(_parsed(TemplateBody)), self._found(StackName)
        if any(each["Type"].startswith("AWS::IAM::") for each in template["Resources"].values()) and not Capabilities:
            raise Fault("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]")
        if ChangeSetType == "CREATE":
            if found and found.status != "REVIEW_IN_PROGRESS":
                message = f"Stack [{StackName}] already exists and cannot be created again with the changeSet"
                raise Fault("ValidationError", message)
            values = self._values(Parameters, template, {})
            record = found or self._new(StackName, "REVIEW_IN_PROGRESS")
        elif found is None or found.status == "REVIEW_IN_PROGRESS":
            raise Fault("ValidationError", f"Stack [{StackName}] does not exist")
        elif found.status not in UPDATABLE:
            message = f"Stack:{found.id} is in {found.status} state and can not be updated."
            raise Fault("ValidationError", message)
        else:
            record, values = found, self._values(Parameters, template, found.values)
        changes = list(self._changes(record, template, values))
        id = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:changeSet/{ChangeSetName}/{uuid.uuid4()}"
        reason, ready = "" if changes else self.empty, self.clock.now() + BUSY_SECONDS
        self.sets[id] = Set(id, record, ChangeSetType, template, values, changes, reason, ready, OnStackFailure)
        return {"Id": id, "StackId": record.id}

    def _changes(self, record: Record, template: dict[str, Any], values: dict[str, str]) -> Iterator[dict[str, Any]]:
        new, old = template["Resources"], record.template.get("Resources", {})
        for key in sorted({*new, *old}):
            change: dict[str, Any] = {"LogicalResourceId": key, "ResourceType": (new.get(key) or old[key])["Type"]}
            if key not in old:
                yield {"Type": "Resource", "ResourceChange": {**change, "Action": "Add"}}
            elif key not in new:
                yield {"Type": "Resource", "ResourceChange": {**change, "Action": "Remove"}}
            elif new[key] != old[key] or (key == "Function" and values != record.values):
                detail = {"Target": {"Attribute": "Properties", "Name": "Code", "RequiresRecreation": "Never"}}
                more = {"Action": "Modify", "Replacement": str(key in self.replaced), "Details": [detail]}
                yield {"Type": "Resource", "ResourceChange": {**change, **more}}

    def _by_id(self, name: str) -> Set:
        if name not in self.sets:
            raise Fault("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404)
        return self.sets[name]

    def _describe_change_set(self, ChangeSetName: str, NextToken: str = "") -> dict[str, Any]:
        """Two changes on each page."""
        found = self._by_id(ChangeSetName)
        if self.clock.now() < found.ready:
            return {"Status": "CREATE_IN_PROGRESS", "ExecutionStatus": "UNAVAILABLE"}
        if found.reason:
            return {"Status": "FAILED", "ExecutionStatus": "UNAVAILABLE", "StatusReason": found.reason}
        start = int(NextToken or 0)
        more = {"NextToken": str(start + 2)} if start + 2 < len(found.changes) else {}
        page = found.changes[start : start + 2]
        return {"Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE", "Changes": page, **more}

    def _execute_change_set(self, ChangeSetName: str, ClientRequestToken: str) -> dict[str, Any]:
        found = self._by_id(ChangeSetName)
        if found.reason or self.clock.now() < found.ready:
            raise Fault("InvalidChangeSetStatus", f"ChangeSet [{ChangeSetName}] cannot be executed")
        record = found.stack
        for id in [each.id for each in self.sets.values() if each.stack is record]:
            del self.sets[id]
        start = self._start_create if found.kind == "CREATE" else self._start_update

        # For a moment, the stack is as it was.
        def begin() -> None:
            record.status = f"{found.kind}_IN_PROGRESS"
            start(record, found.template, found.values, found.on_failure, ClientRequestToken)

        record.pending = [(self.clock.now() + 1, record.status, begin)]
        return {}

    def _start_update(
        self, record: Record, template: dict[str, Any], values: dict[str, str], _on_failure: str, token: str
    ) -> None:
        old = record.template, record.values
        record.template, record.values = template, values
        self._own_event(record, "UPDATE_IN_PROGRESS", token)
        failing = sorted(self.fails & template["Resources"].keys())

        def fail() -> None:
            kind = template["Resources"][failing[0]]["Type"]
            self._event(record, failing[0], kind, "UPDATE_FAILED", token, f"{failing[0]} is not possible")
            record.template, record.values = old

        def done(status: str) -> Callable[[], None]:
            return lambda: self._own_event(record, status, token)

        if failing:
            end = "UPDATE_ROLLBACK_COMPLETE"
            self._later(record, ("UPDATE_ROLLBACK_IN_PROGRESS", fail), (end, done(end)))
        else:
            cleanup = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
            self._later(record, (cleanup, done(cleanup)), ("UPDATE_COMPLETE", done("UPDATE_COMPLETE")))

    def _delete_change_set(self, StackName: str, ChangeSetName: str) -> dict[str, Any]:
        record = self._named(StackName)
        for id, each in list(self.sets.items()):
            if each.stack is record and ChangeSetName in (id, id.split("/")[1]):
                del self.sets[id]
        return {}
