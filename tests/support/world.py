"""A provider in a world of fakes, and the names of its buckets and of its artifact."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from botocore.httpsession import URLLib3Session

from cfn_injector.aws.clients import view
from cfn_injector.aws.s3_objects import SECRET_KEY
from cfn_injector.aws_lambda import find
from cfn_injector.protocol import delivery, ownership, provider, registry
from cfn_injector.protocol.messages import parse_request
from tests.fakes import rest_apis
from tests.fakes.api_gateway import FakeApiGateway
from tests.fakes.aws_lambda import REGION, Clock, Fault, Wire, answer, plain_client
from tests.fakes.cloudformation import RESPONSE_URL, Context, FakeCloudFormation
from tests.fakes.event_sources import FakeEventSources
from tests.fakes.parameter_store import FakeParameterStore
from tests.fakes.response_server import Server
from tests.fakes.secrets_manager import FakeSecretsManager

ARTIFACTS, STAGING = "artifacts", "staging"
KEY = "app-1.zip"
HTTP = URLLib3Session()
ENVIRON = {
    "CFN_INJECTOR_STAGING_BUCKET": STAGING,
    "CFN_INJECTOR_ROLE_PATH": "/cfn-injector/",
    "CFN_INJECTOR_API_GATEWAY": "true",
    "CFN_INJECTOR_PARAMETER_PATHS": "/app,/stacks/${StackName}",
    "CFN_INJECTOR_SECRETS": "db,app/*,stacks/${StackName}/*",
}
"""The provider's own environment variables."""


def s3_client(endpoint: str, attempts: int = 1) -> Any:
    return view(plain_client("s3", REGION, endpoint, attempts))


@dataclass
class World:
    """A provider with everything around it. Time moves only when the provider sleeps."""

    clock: Clock
    s3: Any
    aws_lambda: FakeEventSources
    stack: FakeCloudFormation
    region: str = REGION
    seconds: float = 900.0
    attempts: int = 1
    wire: Wire = field(default_factory=Wire)
    log: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=lambda: dict(ENVIRON))
    gateway: FakeApiGateway = field(init=False)
    parameters: FakeParameterStore = field(init=False)
    secrets: FakeSecretsManager = field(init=False)

    def __post_init__(self) -> None:
        self.gateway = FakeApiGateway(self.clock)
        self.parameters, self.secrets = FakeParameterStore(self.clock), FakeSecretsManager(self.clock)

    @property
    def fakes(self) -> dict[str, Any]:
        """The fake of each service but S3, by the service's name."""
        return {
            "lambda": self.aws_lambda,
            "cloudformation": self.stack,
            "apigateway": self.gateway,
            "ssm": self.parameters,
            "secretsmanager": self.secrets,
        }

    @property
    def now(self) -> Any:
        return self.clock.now

    @property
    def sleep(self) -> Any:
        return self.clock.sleep

    def client(self, name: str, **_: Any) -> Any:
        if name == "s3":
            client = s3_client(self.s3.meta.endpoint_url, self.attempts)
            client.meta.events.register("before-send", self._through_the_wire)
            return client
        fake = self.fakes[name]
        fake.wire, fake.attempts = self.wire, self.attempts
        return fake.client(self.region)

    def _through_the_wire(self, request: Any, event_name: str, **_: Any) -> Any:
        """Sends the request itself, so that its response can be lost."""
        try:
            number = self.wire.before(event_name.rpartition(".")[2], "s3")
            sent = HTTP.send(request)
            self.wire.after(number)
        except Fault as fault:
            code = "InternalError" if fault.status == 500 else fault.code
            error = f"<Error><Code>{code}</Code><Message>{fault.message}</Message></Error>".encode()
            return answer(request.url, fault.status, b"" if request.method == "HEAD" else error, {})
        return sent

    def conceal(self, values: Iterable[str]) -> None:
        """Nothing: the provider masks what it answers and logs."""

    def log_step(self, step: str, **fields: Any) -> None:
        self.log.append((step, fields))

    def services(self) -> Any:
        return _Services(self)

    def deliver(self, event: dict[str, Any]) -> None:
        provider.serve(event, Context(self.seconds), find=find, send=self.stack.take, services=_Services(self))

    def deliver_over_http(self, event: dict[str, Any], server: Server) -> None:
        """Like ``deliver``, but the response goes over HTTP and may be delivered more than once."""

        def status() -> int:
            try:
                self.wire.after(self.wire.before("PUT", "s3"))
            except Fault:
                return 503
            return 200

        server.got.clear()
        server.status = status
        services, send = self.services(), partial(delivery.send, hosts=[server.host], sleep=self.clock.sleep)
        event = {**event, "ResponseURL": server.url}
        provider.serve(event, Context(self.seconds), find=find, send=send, services=services)
        (body,) = {body for _, _, body in server.got}
        self.stack.take(RESPONSE_URL, body)

    def deliver_unguarded(self, event: dict[str, Any]) -> None:
        """Like a provider that is killed: an exception ends it, and it sends no response."""
        request = parse_request(event)
        module = registry.find(request.resource_type)
        getattr(module, request.type.lower())(request, _Services(self))

    def staged(self, prefix: str = "") -> list[str]:
        """The keys in the staging bucket, except that of the provider's secret, which stays."""
        listed = self.s3.list_objects_v2(Bucket=STAGING, Prefix=prefix)
        return [item["Key"] for item in listed.get("Contents", []) if item["Key"] != SECRET_KEY]

    def packages(self) -> Counter[str]:
        """How many packages the staging bucket has, by the function's name."""
        return Counter(key.split("/")[3] for key in self.staged("deployed/"))

    def made(self) -> dict[str, set[str]]:
        """The physical IDs of everything that exists, by resource type."""
        return {
            "Custom::LambdaFunction": {*self.aws_lambda.functions, *self.packages()},
            "Custom::LambdaCode": {*self.staged("code/"), *self.staged("tmp/")},
            "Custom::EventSourceMapping": {mapping["UUID"] for mapping in self.aws_lambda.live()},
            "Custom::APIGatewayResource": {
                *rest_apis.physical_ids(self.gateway.apis),
                *rest_apis.leftovers(self.gateway.apis, self.aws_lambda.policies),
            },
        }

    def tags(self) -> list[dict[str, str]]:
        """The tags of everything that exists and can have tags."""
        functions, mappings = self.aws_lambda.functions.values(), self.aws_lambda.mappings.values()
        pending = [{ownership.PENDING: name} for name in rest_apis.pending(self.gateway.apis)]
        return [*(function.tags for function in functions), *(mapping.tags for mapping in mappings), *pending]

    def steps(self) -> list[str]:
        return [step for step, _ in self.log]


@dataclass(frozen=True)
class _Services:
    world: World

    def __getattr__(self, name: str) -> Any:
        return self.world.log_step if name == "log" else getattr(self.world, name)


def issued(world: World, kind: str, properties: Mapping[str, Any], **ids: Any) -> dict[str, Any]:
    """An event that CloudFormation sends half a minute after the last one."""
    world.clock.time += 30
    world.stack.check_url = False
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(world.clock.now()))
    return {**world.stack.event(kind, properties, **ids), "ResponseURL": f"{RESPONSE_URL}&X-Amz-Date={date}"}
