"""The templates with events, versions and stages, deployed unchanged and called.

``NOT_RUN`` lists what the emulator cannot run, with the reason. Each of its rows first checks that this is still so,
and is then skipped.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from cfn_injector.local import stacks
from cfn_injector.local.deployment import fetch
from tests.e2e.account import Account
from tests.support.sam import translate
from tests.support.templates import ALL, TEMPLATES

NOT_RUN = {
    "kafka": "ministack reads no Kafka; without a secret, the Condition HasKafka leaves the mapping out",
    "alarm": "of an alarm's actions, ministack carries out those of SNS alone",
    "targets": "ministack ignores a target group's Targets; the load balancer's test registers the function itself",
    "shift": "ministack knows neither CodeDeploy nor an alias's weights; with Shift=none, a Condition leaves them out",
    "sam-http-api": "ministack ignores an HTTP API's Body, in which SAM declares the routes",
}

SECONDS = 30.0
NETWORK = {
    "LoadBalancerCertificate": "arn:aws:acm:us-east-1:111122223333:certificate/0f3c0a10",
    "LoadBalancerSubnets": "subnet-00000001,subnet-00000002",
    "LoadBalancerSecurityGroup": "sg-00000001",
}


@cache
def text_of(name: str) -> str:
    """The template as CloudFormation works on it."""
    if "Transform" in ALL[name]:
        return json.dumps(translate(ALL[name]))
    return (TEMPLATES / name).read_text("utf-8")


def eventually(look: Callable[[], Any]) -> Any:
    """What is seen as soon as that is something, or when the time is over."""
    until = time.monotonic() + SECONDS
    while not (seen := look()) and time.monotonic() < until:
        time.sleep(0.1)
    return seen


@dataclass(frozen=True)
class Deployment:
    """A stack of one of the templates, with parameters that all its deployments have."""

    account: Account
    template: str
    parameters: Mapping[str, str]

    @property
    def name(self) -> str:
        return f"e2e-{self.template.removesuffix('.yaml')}"

    def create(self, **parameters: str) -> Mapping[str, str]:
        """The outputs of a new stack."""
        return self._deploy(stacks.create, parameters)

    def update(self, **parameters: str) -> Mapping[str, str]:
        """The outputs of the stack after an update."""
        return self._deploy(stacks.update, parameters)

    def _deploy(self, verb: Callable[..., stacks.Stack], parameters: Mapping[str, str]) -> Mapping[str, str]:
        cloudformation, given = self.account.client("cloudformation"), {**self.parameters, **parameters}
        return verb(cloudformation, self.name, text_of(self.template), given).outputs

    def resources(self) -> dict[str, str]:
        """Logical id -> physical id."""
        described = self.account.client("cloudformation").describe_stack_resources(StackName=self.name)
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in described["StackResources"]}

    def delete(self) -> None:
        stacks.delete(self.account.client("cloudformation"), self.name)


Deploys = Callable[[str], Deployment]


@pytest.fixture(scope="module")
def deploys(account: Account) -> Iterator[Deploys]:
    """Deploys templates with the artifacts that lie beside them; deletes what is left."""
    made: list[Deployment] = []

    def deployment(template: str) -> Deployment:
        function = "events.py" if template == "events.yaml" else "app.py"
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as target:
            target.write(TEMPLATES / function, function)
        account.client("s3").put_object(Bucket=account.source_bucket, Key=f"{function}.zip", Body=archive.getvalue())
        place = {"ArtifactBucket": account.source_bucket, "ArtifactKey": f"{function}.zip"}
        made.append(Deployment(account, template, place))
        return made[-1]

    yield deployment
    for each in reversed(made):
        each.delete()


@dataclass(frozen=True)
class Events:
    """events.yaml deployed, and a way to cause each of its events."""

    deployment: Deployment
    outputs: Mapping[str, str]

    def client(self, service: str) -> Any:
        return self.deployment.account.client(service)

    def notes(self) -> dict[str, str]:
        """What the function has noted: kind of event -> value of Env."""
        items = self.client("dynamodb").scan(TableName=self.outputs["Notes"])["Items"]
        return {item["kind"]["S"]: item["greeting"]["S"] for item in items}

    def failures(self) -> list[Any]:
        messages = self.client("sqs").receive_message(QueueUrl=self.outputs["Failures"]).get("Messages", [])
        return [json.loads(message["Body"]) for message in messages]

    def targets(self) -> Any:
        group = self.deployment.resources()["TargetGroup"]
        return self.client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]

    def request_http_api(self) -> bytes:
        url = urlsplit(self.outputs["Url"])
        return fetch(self.deployment.account.emulator.api_url(url.netloc.split(".")[0], url.path.strip("/")))

    def put_event(self) -> None:
        entry = {"EventBusName": self.outputs["Bus"], "Source": "shop", "DetailType": "order", "Detail": "{}"}
        self.client("events").put_events(Entries=[entry])

    def write_log(self) -> None:
        place = {"logGroupName": self.outputs["OtherLogGroup"], "logStreamName": "lines"}
        self.client("logs").create_log_stream(**place)
        line = {"timestamp": int(time.time() * 1000), "message": "ERROR somewhere else"}
        self.client("logs").put_log_events(**place, logEvents=[line])

    def request_load_balancer(self) -> bytes:
        resources = self.deployment.resources()
        function = self.client("lambda").get_function_configuration(FunctionName=self.outputs["Function"])
        self.client("elbv2").register_targets(
            TargetGroupArn=resources["TargetGroup"], Targets=[{"Id": function["FunctionArn"]}]
        )
        name = resources["LoadBalancer"].split("/")[2]
        return fetch(f"{self.deployment.account.emulator.url}/_alb/{name}/")


CAUSES: dict[str, Callable[[Events], object]] = {
    "http-api": Events.request_http_api,
    "schedule": lambda events: None,  # it comes by itself
    "event-bus": Events.put_event,
    "sns": lambda events: events.client("sns").publish(TopicArn=events.outputs["Topic"], Message="hello"),
    "sqs": lambda events: events.client("sqs").send_message(QueueUrl=events.outputs["Queue"], MessageBody="hello"),
    "kinesis": lambda events: events.client("kinesis").put_record(
        StreamName=events.outputs["Stream"], Data=b"hello", PartitionKey="1"
    ),
    "dynamodb": lambda events: events.client("dynamodb").put_item(
        TableName=events.outputs["Table"], Item={"id": {"S": "1"}}
    ),
    "s3": lambda events: events.client("s3").put_object(Bucket=events.outputs["Bucket"], Key="hello", Body=b""),
    "log": Events.write_log,
    "alarm": lambda events: events.client("cloudwatch").set_alarm_state(
        AlarmName=events.outputs["Alarm"], StateValue="ALARM", StateReason="to see who is called"
    ),
    "load-balancer": Events.request_load_balancer,
}
DELIVERED = sorted(CAUSES.keys() - NOT_RUN.keys())


@dataclass(frozen=True)
class Seen:
    """What came of the events: the notes, the events that failed, and the targets that the template registered."""

    events: Events
    notes: Mapping[str, str]
    failures: list[Any]
    targets: Any


@pytest.fixture(scope="module")
def seen(deploys: Deploys) -> Iterator[Seen]:
    deployment = deploys("events.yaml")
    soon = datetime.now(timezone.utc) + timedelta(seconds=2)
    outputs = deployment.create(Greeting="one", Schedule=f"at({soon:%Y-%m-%dT%H:%M:%S})", **NETWORK)
    events = Events(deployment, outputs)
    targets = events.targets()
    unknown = {"FunctionName": outputs["Function"], "InvocationType": "Event", "Payload": b'{"nobody": "knows"}'}
    events.client("lambda").invoke(**unknown)
    for cause in CAUSES.values():
        cause(events)
    eventually(lambda: events.notes().keys() >= set(DELIVERED))
    yield Seen(events, events.notes(), eventually(events.failures), targets)
    events.client("s3").delete_object(Bucket=outputs["Bucket"], Key="hello")


class TestEvents:
    @pytest.mark.parametrize("kind", DELIVERED)
    def test_an_event_reaches_the_function_which_finds_its_env(self, seen: Seen, kind: str) -> None:
        assert seen.notes.get(kind) == "one"

    def test_an_asynchronous_event_goes_to_the_destination_if_the_function_fails(self, seen: Seen) -> None:
        assert [failure["requestPayload"] for failure in seen.failures] == [{"nobody": "knows"}]

    def test_a_change_of_env_leaves_every_wire_in_place(self, seen: Seen) -> None:
        events, kinds = seen.events, ("http-api", "event-bus", "sns", "sqs", "kinesis", "s3")

        events.deployment.update(Greeting="two", **NETWORK)
        for kind in kinds:
            CAUSES[kind](events)

        def reported() -> bool:
            notes = events.notes()
            return all(notes[kind] == "two" for kind in kinds)

        assert eventually(reported), events.notes()

    def test_kafka_is_left_out(self, seen: Seen) -> None:
        assert "KafkaRecords" in ALL["events.yaml"]["Resources"]
        assert "KafkaRecords" not in seen.events.deployment.resources()
        pytest.skip(NOT_RUN["kafka"])

    def test_the_alarm_does_not_call(self, seen: Seen) -> None:
        assert "Alarm" in seen.events.deployment.resources()
        assert "alarm" not in seen.events.notes()
        pytest.skip(NOT_RUN["alarm"])

    def test_the_load_balancer_does_not_know_its_function_by_the_template_alone(self, seen: Seen) -> None:
        assert seen.targets == []
        pytest.skip(NOT_RUN["targets"])


VERSIONED = ["alias.yaml", "alias-native.yaml", "sam.yaml"]


class TestVersions:
    @pytest.mark.parametrize("template", VERSIONED)
    def test_a_change_of_env_is_a_version_that_the_alias_moves_to(self, deploys: Deploys, template: str) -> None:
        deployment = deploys(template)

        before = deployment.create(Greeting="one", Shift="none")
        first = deployment.account.invoke(before["Alias"])
        after = deployment.update(Greeting="two", Shift="none")

        function, invoke = after["Function"], deployment.account.invoke
        assert (before["Version"], after["Version"]) == ("1", "2")
        assert first == {"greeting": "one", "version": "1"}
        assert invoke(after["Alias"]) == {"greeting": "two", "version": "2"}
        assert invoke(f"{function}:1") == {"greeting": "one", "version": "1"}
        deployment.delete()
        assert function not in deployment.account.functions()

    @pytest.mark.parametrize("template", VERSIONED)
    def test_what_would_shift_the_alias_is_left_out(self, deploys: Deploys, template: str) -> None:
        with pytest.raises(ClientError, match=r"Unrecognized resource types: \[AWS::CodeDeploy::Application"):
            deploys(template).create()
        pytest.skip(NOT_RUN["shift"])


@pytest.fixture(scope="module")
def sam(deploys: Deploys) -> Deployment:
    deployment = deploys("sam.yaml")
    deployment.create(Shift="none")
    return deployment


class TestSam:
    def test_an_event_of_sam_calls_the_function_itself(self, sam: Deployment) -> None:
        group, client = sam.resources()["LogGroup"], sam.account.client

        client("events").put_events(Entries=[{"Source": "shop", "DetailType": "order", "Detail": "{}"}])

        lines = eventually(lambda: client("logs").filter_log_events(logGroupName=group)["events"])
        assert any(line["message"].rstrip().endswith("Version: $LATEST") for line in lines), lines

    def test_the_http_api_of_sam_has_no_routes(self, sam: Deployment) -> None:
        api = sam.resources()["ServerlessHttpApi"]
        with pytest.raises(HTTPError, match="404"):
            fetch(sam.account.emulator.api_url(api, "greeting"))
        pytest.skip(NOT_RUN["sam-http-api"])


class TestStages:
    def test_two_stages_of_one_function_have_versions_and_env_of_their_own(self, deploys: Deploys) -> None:
        deployment = deploys("stages.yaml")
        invoke = deployment.account.invoke

        def answers(outputs: Mapping[str, str]) -> dict[str, Any]:
            return {stage: tuple(invoke(outputs[stage]).values()) for stage in ("Dev", "Prod") if stage in outputs}

        only_dev = deployment.create(Stage="dev", DevVersion="new", DevGreeting="a")
        assert answers(only_dev) == {"Dev": ("a", "1")}

        with pytest.raises(ClientError, match="Set DevVersion to the number of dev's version"):
            deployment.update(Stage="prod", DevVersion="new", ProdVersion="new", DevGreeting="a")
        both = deployment.update(Stage="prod", DevVersion="1", ProdVersion="new", DevGreeting="a", ProdGreeting="b")
        assert answers(both) == {"Dev": ("a", "1"), "Prod": ("b", "2")}

        with pytest.raises(ClientError, match="Set ProdVersion to the number of prod's version"):
            deployment.update(Stage="dev", DevVersion="new", ProdVersion="new", DevGreeting="c")
        given = {"Stage": "dev", "ProdVersion": both["ProdVersion"], "DevGreeting": "c", "ProdGreeting": "b"}
        changed = deployment.update(**given, DevVersion="new")
        assert answers(changed) == {"Dev": ("c", "3"), "Prod": ("b", "2")}

        back = deployment.update(**given, DevVersion="1")
        assert answers(back) == {"Dev": ("a", "1"), "Prod": ("b", "2")}
        assert back["Version"] == "3"
