"""The provider's clients: made once for a process, before the first event, and with event handlers of each event."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from cfn_injector import aws_lambda
from cfn_injector.aws.clients import view
from cfn_injector.errors import AlreadyAnsweredError
from cfn_injector.protocol import provider, registry
from cfn_injector.protocol.messages import Outcome, Request, Services
from tests.fakes.aws_lambda import SESSION, Clock, answer
from tests.fakes.cloudformation import Context, FakeCloudFormation
from tests.support.lambda_functions import CODE, FUNCTION, INJECTED, PLAIN
from tests.support.world import World

BODIES = {
    "s3": b"",
    "lambda": b"{}",
    "cloudformation": b"<X><DescribeStacksResult/></X>",
    "apigateway": b"{}",
    "secretsmanager": b"{}",
    "ssm": b"{}",
}
SERVICES = tuple(BODIES)


def answers(made: Any, log: list[str], name: str) -> None:
    """The client's calls reach nobody, and are logged under this name."""

    def respond(request: Any, **_: Any) -> AWSResponse:
        log.append(name)
        return answer(request.url, 200, BODIES[made.meta.service_model.service_name], {})

    made.meta.events.register("before-send", respond)


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_registered_on_a_view_is_called_for_its_own_calls_and_for_no_others(service: str) -> None:
    """If this fails after an update of botocore, find out where a client keeps its event handlers now."""
    inner, log = SESSION.client(service), list[str]()
    one, two = view(inner), view(inner)
    operation = {
        "s3": "list_buckets",
        "lambda": "list_functions",
        "apigateway": "get_rest_apis",
        "secretsmanager": "list_secrets",
        "ssm": "describe_parameters",
    }
    for made, name in ((one, "one"), (two, "two"), (inner, "inner")):
        answers(made, log, name)
    for made, name in ((two, "two"), (one, "one"), (inner, "inner"), (two, "two")):
        getattr(made, operation.get(service, "describe_stacks"))()
        assert log == [name]
        log.clear()


def test_a_view_shares_connections_and_model_and_what_throttling_taught_its_client() -> None:
    inner = SESSION.client("lambda")
    made = view(inner)
    assert made._endpoint.http_session is inner._endpoint.http_session
    assert made.meta.service_model is inner.meta.service_model
    assert made.exceptions is inner.exceptions


def test_a_view_outlives_every_other_reference_to_its_client() -> None:
    made, log = (
        view(boto3.Session().client("s3", "eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")),
        list[str](),
    )
    answers(made, log, "view")
    made.list_buckets()
    assert log == ["view"]


def test_paginators_and_transfers_of_a_view_pass_its_handlers(tmp_path: Any) -> None:
    inner, log = SESSION.client("s3"), list[str]()
    made = view(inner)
    answers(made, log, "view")
    list(made.get_paginator("list_objects_v2").paginate(Bucket="bucket"))
    (tmp_path / "x").write_bytes(b"x")
    made.upload_file(str(tmp_path / "x"), "bucket", "key")
    assert log == ["view", "view"]


def test_there_is_no_view_of_a_client_that_keeps_its_handlers_elsewhere() -> None:
    inner = boto3.Session().client("s3", "eu-west-1")
    inner._endpoint._event_emitter = None
    with pytest.raises(AttributeError, match="event handlers"):
        view(inner)


class TestOfOneProcess:
    @pytest.fixture(autouse=True)
    def _own_process(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        aws_lambda._shared_client.cache_clear()
        yield
        aws_lambda._shared_client.cache_clear()

    def test_the_answer_to_one_event_closes_its_gate_and_no_other_events(self) -> None:
        """A thread that an answered event left behind gets no further, although another event is served."""
        kept, seen = list[Any](), list[str]()

        class Keeps:
            def create(self, request: Request, services: Services) -> Outcome:
                made = services.client("lambda")
                answers(made, seen, request.request_id)
                made.list_functions()
                for earlier in kept:
                    with pytest.raises(AlreadyAnsweredError):
                        earlier.list_functions()
                kept.append(made)
                return Outcome("id")

            update = delete = create

        stack = FakeCloudFormation(Clock())
        for _ in range(3):
            event = stack.event("Create", {})
            world = aws_lambda._World(aws_lambda._ids(event), {}, now=stack.clock.now)
            provider.serve(event, Context(), find=lambda _: Keeps(), send=stack.take, services=world)
            assert stack.answers[-1]["Status"] == "SUCCESS", stack.answers[-1]
        assert len(kept) == len(set(seen)) == 3

    def test_a_process_makes_one_client_of_a_service_however_many_events_it_serves(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = Counter[str]()
        monkeypatch.setattr(boto3, "client", lambda name, **_: (made.update([name]), SESSION.client(name))[1])
        for _ in range(3):
            for service in SERVICES:
                aws_lambda._client(service)
        assert made == dict.fromkeys(SERVICES, 1)


@pytest.mark.parametrize(
    ("properties", "resource_type", "services"),
    [(PLAIN, FUNCTION, {"cloudformation", "s3", "lambda"}), (INJECTED, CODE, {"cloudformation", "s3"})],
)
def test_an_event_makes_one_client_of_each_service_and_its_verification_uses_the_same(
    properties: dict[str, Any],
    resource_type: str,
    services: set[str],
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, given = Counter[str](), Counter[str]()

    @cache
    def make(name: str) -> Any:
        made.update([name])
        return world.client(name)

    @dataclass(frozen=True)
    class Served:
        environ: Any = field(default_factory=lambda: world.environ)
        now: Any = world.now
        sleep: Any = world.sleep
        log: Any = world.log_step
        conceal: Any = world.conceal

        def client(self, name: str) -> Any:
            given.update([name])
            return aws_lambda._client(name)

    monkeypatch.setattr(aws_lambda, "_shared_client", make)
    event = world.stack.event("Create", properties, resource_type=resource_type)
    provider.serve(event, Context(), find=aws_lambda.find, send=world.stack.take, services=Served())
    assert world.stack.answers[-1]["Status"] == "SUCCESS", world.stack.answers[-1]
    assert made == dict.fromkeys(services, 1)
    assert given["cloudformation"] > 1


INITIALIZED = """
import json, sys
import boto3
made, client = [], boto3.client
boto3.client = lambda name, **arguments: (made.append(name), client(name, **arguments))[1]
from cfn_injector import aws_lambda
print(json.dumps({"made": made, "modules": sorted(sys.modules)}))
"""


def initialized(**environ: str) -> dict[str, list[str]]:
    """What the process has after Lambda's INIT phase: the clients that were made, and the modules."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    command = [sys.executable, "-c", INITIALIZED]
    ran = subprocess.run(command, env={**plain, **keys, **environ}, capture_output=True, timeout=60, check=True)
    found: dict[str, list[str]] = json.loads(ran.stdout)
    return found


def test_lambdas_init_phase_loads_all_types_and_makes_one_client_of_each_service_that_they_call() -> None:
    found = initialized(AWS_LAMBDA_FUNCTION_NAME="provider", AWS_DEFAULT_REGION="eu-west-1")
    assert sorted(found["made"]) == sorted(SERVICES)
    assert {*registry.BUILT_IN.values(), "cfn_injector.aws.verification", "cfnlambda"} <= {*found["modules"]}


def test_an_import_elsewhere_loads_no_type_and_makes_no_client() -> None:
    found = initialized()
    assert found["made"] == []
    assert not {*registry.BUILT_IN.values()} & {*found["modules"]}


def test_lambdas_init_phase_ends_well_where_no_client_can_be_made() -> None:
    found = initialized(AWS_LAMBDA_FUNCTION_NAME="provider", AWS_DEFAULT_REGION="not a region")
    assert {*registry.BUILT_IN.values()} <= {*found["modules"]}
