"""A fake of Lambda behind botocore's own client, on a clock that moves only when somebody sleeps.

Requests are serialised and validated by botocore, caught before they leave, and answered from a model of what Lambda
does: functions are Pending for a while, updates InProgress, and calls conflict meanwhile. A ``Fault`` that a hook
raises fails the call, before or after it takes effect.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from cfn_injector.aws.clients import view

REGION, ACCOUNT = "us-east-1", "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/cfn-injector/app"


SESSION = boto3.session.Session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name=REGION)
"""One for all tests: botocore's models are read once."""


class Clock:
    """Seconds since the epoch, moved by sleeping."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self.time = start
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


class Fault(Exception):
    """An error of the API: ``code`` is its name, ``status`` its HTTP status."""

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(code)
        self.code, self.message, self.status = code, message, status


MAX_POLICY = 20_480
LARGEST_LOCATION = 1_000_000


def _policy_document(statements: list[dict[str, Any]]) -> str:
    document = {"Version": "2012-10-17", "Id": "default", "Statement": statements}
    return json.dumps(document, separators=(",", ":"))


def _location(archive: bytes) -> str:
    """Where the archive can be read. Every answer repeats it, so a large archive gets a URL that nothing serves."""
    if len(archive) > LARGEST_LOCATION:
        return f"https://{REGION}.archives.example/{hashlib.sha256(archive).hexdigest()}"
    return f"data:application/zip;base64,{base64.b64encode(archive).decode()}"


def no_hook(name: str) -> None:
    """Does nothing before an exchange."""


THROTTLING = {
    "lambda": ("TooManyRequestsException", "Rate exceeded", 429),
    "apigateway": ("TooManyRequestsException", "Too Many Requests", 429),
    "cloudformation": ("Throttling", "Rate exceeded", 400),
    "secretsmanager": ("ThrottlingException", "Rate exceeded", 400),
    "ssm": ("ThrottlingException", "Rate exceeded", 400),
    "s3": ("SlowDown", "Please reduce your request rate.", 503),
}
"""The error of each service for a call that it throttles: code, message and HTTP status."""

DUAL_STACK = (
    "Ipv6AllowedForDualStack cannot be true without subnet or security groups. Please remove Ipv6AllowedForDualStack "
    "value from your request and try again."
)

THROTTLED_TIMES = 3
"""How many exchanges in a row are throttled."""


class Wire:
    """Every exchange with AWS passes here, in order, and one of them can fail.

    ``struck`` is the number of that exchange and how it fails. ``refused``: it does not take effect. ``lost``: it takes
    effect, but its response is an error. ``throttled``: neither it nor the two after it take effect, and their service
    says so. ``hook`` is called before each exchange, with its name.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.struck: tuple[int, str] | None = None
        self.hook: Callable[[str], None] = no_hook

    def before(self, name: str, service: str) -> int:
        self.hook(name)
        self.names.append(name)
        number = len(self.names) - 1
        self._fail(number, "refused")
        first, kind = self.struck or (0, "")
        if kind == "throttled" and first <= number < first + THROTTLED_TIMES:
            raise Fault(*THROTTLING[service])
        return number

    def after(self, number: int) -> None:
        self._fail(number, "lost")

    def _fail(self, number: int, kind: str) -> None:
        if self.struck == (number, kind):
            raise Fault("ServiceException", "struck", 500)


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Any:
        yield self.read()


def answer(url: str, status: int, body: bytes, headers: dict[str, str]) -> AWSResponse:
    return AWSResponse(url, status, headers, _Raw(body))


def client_for(service: str, catch: Callable[..., AWSResponse], region: str = REGION, attempts: int = 1) -> Any:
    """A real boto3 client whose requests ``catch`` answers; nothing reaches a network."""
    client = view(plain_client(service, region, f"https://{service}.{region}.amazonaws.com", attempts))
    client.meta.events.register("before-send", catch)
    return client


@cache
def plain_client(service: str, region: str, endpoint: str, attempts: int) -> Any:
    """A boto3 client, made once, because that takes long. Register event handlers with views of it only."""
    config = Config(retries={"total_max_attempts": attempts, "mode": "standard"})
    return SESSION.client(service, region_name=region, endpoint_url=endpoint, config=config)


DEFAULTS: dict[str, Any] = {
    "Description": "",
    "Timeout": 3,
    "MemorySize": 128,
    "TracingConfig": {"Mode": "PassThrough"},
    "EphemeralStorage": {"Size": 512},
    "SnapStart": {"ApplyOn": "None"},
}
"""What Lambda describes if CreateFunction does not say. Other properties are missing then."""


@dataclass
class Function:
    configuration: dict[str, Any]
    tags: dict[str, str]
    archive: bytes
    ready_at: float
    versions: dict[str, dict[str, Any]] = field(default_factory=dict)
    archives: dict[str, bytes] = field(default_factory=dict)
    separate: dict[str, Any] = field(default_factory=dict)
    """What calls of its own have set: concurrency, recursion, runtime management, scaling and code signing."""
    aliases: dict[str, dict[str, Any]] = field(default_factory=dict)
    published_as: str = ""
    revision: int = 0
    gone_at: float | None = None
    """When a deletion that is in progress ends."""

    def env_file(self, path: str = ".env") -> str:
        return zipfile.ZipFile(io.BytesIO(self.archive)).read(path).decode()


class FakeLambda:
    """``fetch(bucket, key, version)`` returns the bytes of a deployment package."""

    STATE: tuple[str, ...] = ("functions", "policies")
    """The attributes that hold the whole state, so that a test can restore an earlier one."""

    def __init__(
        self, clock: Clock, fetch: Callable[[str, str, str | None], bytes], *, busy_seconds: float = 2.0
    ) -> None:
        self.clock, self.fetch, self.busy_seconds = clock, fetch, busy_seconds
        self.functions: dict[str, Function] = {}
        self.policies: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
        """Statements by ID, by function and qualifier."""
        self.denied: set[str] = set()
        """Functions whose policies the caller has no permission for."""
        self.wire, self.attempts = Wire(), 1
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.before: Callable[[str, dict[str, Any]], None] = lambda operation, params: None
        self.after: Callable[[str, dict[str, Any]], None] = lambda operation, params: None
        self.fails_to_become_active: set[str] = set()
        self.states: dict[str, tuple[str, str]] = {}
        """State and reason code of functions that are in another state than the model's, by name."""
        self.deleting_seconds = 0.0
        """How long a deleted function is Deleting, as a durable function is while its executions end."""
        self.failing_versions = False
        self.signing_policy = "Warn"
        self._routes: list[tuple[str, re.Pattern[str], Any]] = []

    # -- transport

    def client(self, region: str = REGION) -> Any:
        made = client_for("lambda", self._catch, region, self.attempts)
        if not self._routes:
            for name in made.meta.service_model.operation_names:
                operation = made.meta.service_model.operation_model(name)
                path = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(operation.http["requestUri"].split("?")[0]))
                path = path.replace(r"/(?P<Resource>[^/]+)", r"/(?P<Resource>.+)")
                self._routes.append((operation.http["method"], re.compile(path), operation))
        return made

    def _catch(self, request: Any, **_: Any) -> AWSResponse:
        url = urlsplit(request.url)
        operation, path = self._route(request.method, url.path)
        params: dict[str, Any] = {name: unquote(value) for name, value in path.items()}
        for key, value in parse_qsl(url.query):
            member = next(
                (n for n, s in operation.input_shape.members.items() if s.serialization.get("name") == key), key
            )
            params[member] = [*params.get(member, []), value] if member == "TagKeys" else value
        if request.body:
            params |= json.loads(request.body)
        name = operation.name
        self.calls.append((name, params))
        try:
            number = self.wire.before(name, "lambda")
            self.before(name, params)
            result = getattr(self, name)(params)
            self.after(name, params)
            self.wire.after(number)
        except Fault as fault:
            body = json.dumps({"Message": fault.message, "message": fault.message}).encode()
            return answer(request.url, fault.status, body, {"x-amzn-errortype": fault.code})
        return answer(request.url, operation.http.get("responseCode", 200), json.dumps(result or {}).encode(), {})

    def _route(self, method: str, path: str) -> tuple[Any, dict[str, str]]:
        for known, pattern, operation in self._routes:
            match = pattern.fullmatch(path) or pattern.fullmatch(path.rstrip("/"))
            if known == method and match:
                return operation, match.groupdict()
        raise AssertionError(f"no operation for {method} {path}")

    def operations(self) -> list[str]:
        return [name for name, _ in self.calls]

    def changes(self) -> list[str]:
        return [name for name in self.operations() if not name.startswith(("Get", "List"))]

    # -- the model

    def _found(self, params: dict[str, Any]) -> Function:
        name = params["FunctionName"].rpartition("function:")[2].partition(":")[0]
        function = self.functions.get(name)
        if function and function.gone_at is not None and function.gone_at <= self.clock.now():
            del self.functions[name]
            function = None
        if function is None:
            raise Fault("ResourceNotFoundException", f"Function not found: {name}", 404)
        return function

    def _idle(self, params: dict[str, Any]) -> Function:
        function = self._found(params)
        if self.clock.now() < function.ready_at or function.gone_at is not None:
            raise Fault("ResourceConflictException", "An update is in progress for resource", 409)
        return function

    def _describe_function(self, function: Function) -> dict[str, Any]:
        configuration = dict(function.configuration)
        busy = self.clock.now() < function.ready_at
        created = configuration.pop("_created", True)
        configuration["Layers"] = [{"Arn": arn} for arn in configuration.get("Layers", [])]
        if configuration["FunctionName"] in self.fails_to_become_active and not busy:
            return {**configuration, "State": "Failed", "StateReason": "no room", "StateReasonCode": "InternalError"}
        configuration["State"] = "Pending" if busy and created else "Active"
        configuration["LastUpdateStatus"] = "InProgress" if busy else "Successful"
        if configuration["FunctionName"] in self.states:
            state, reason = self.states[configuration["FunctionName"]]
            configuration |= {"State": state, "StateReasonCode": reason, "StateReason": "as a test says"}
        if function.gone_at is not None:
            configuration |= {"State": "Deleting", "StateReasonCode": "DrainingDurableExecutions"}
            configuration["StateReason"] = "Executions are still running"
        return {**configuration, "RevisionId": f"revision-{function.revision}"}

    def _touch(self, function: Function, *, created: bool = False) -> None:
        function.ready_at = self.clock.now() + self.busy_seconds
        function.configuration["_created"] = created
        function.revision += 1

    def _load(self, function: Function, code: dict[str, Any]) -> None:
        if "ZipFile" in code:
            function.archive = base64.b64decode(code["ZipFile"])
        else:
            function.archive = self.fetch(code["S3Bucket"], code["S3Key"], code.get("S3ObjectVersion"))
        digest = hashlib.sha256(function.archive).digest()
        function.configuration["CodeSha256"] = base64.b64encode(digest).decode()

    # -- operations

    def CreateFunction(self, params: dict[str, Any]) -> dict[str, Any]:
        name = params["FunctionName"]
        if name in self.functions:
            raise Fault("ResourceConflictException", f"Function already exist: {name}", 409)
        configuration = {
            key: value for key, value in params.items() if key not in ("Code", "Tags", "CodeSigningConfigArn")
        }
        logging = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}", **params.get("LoggingConfig", {})}
        configuration = {**DEFAULTS, **configuration, "LoggingConfig": logging}
        configuration["FunctionArn"] = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
        configuration["Version"] = "$LATEST"
        function = Function(configuration, dict(params.get("Tags", {})), b"", 0)
        if "CodeSigningConfigArn" in params:
            function.separate["signing"] = params["CodeSigningConfigArn"]
        self._load(function, params["Code"])
        self._touch(function, created=True)
        self.functions[name] = function
        return self._describe_function(function)

    def GetFunction(self, params: dict[str, Any]) -> dict[str, Any]:
        function = self._found(params)
        version = params.get("Qualifier", "")
        archive = function.archives.get(version, function.archive)
        code = {"RepositoryType": "S3", "Location": _location(archive)}
        tags = {} if version else function.tags
        found = {"Configuration": self.GetFunctionConfiguration(params), "Tags": tags, "Code": code}
        if "concurrency" in function.separate:
            found["Concurrency"] = {"ReservedConcurrentExecutions": function.separate["concurrency"]}
        return found

    def GetFunctionConfiguration(self, params: dict[str, Any]) -> dict[str, Any]:
        function = self._found(params)
        version = params.get("Qualifier")
        if version is None:
            return self._describe_function(function)
        if version not in function.versions:
            raise Fault("ResourceNotFoundException", f"Function not found: {version}", 404)
        described = dict(function.versions[version])
        ready = described.pop("_ready_at") <= self.clock.now()
        if ready and self.failing_versions:
            return {
                **described,
                "State": "Failed",
                "StateReason": "snapshot failed",
                "StateReasonCode": "FunctionError",
            }
        return {**described, "State": "Active" if ready else "Pending"}

    def UpdateFunctionCode(self, params: dict[str, Any]) -> dict[str, Any]:
        function = self._idle(params)
        self._load(function, params)
        if "Architectures" in params:
            function.configuration["Architectures"] = params["Architectures"]
        self._touch(function)
        return self._describe_function(function)

    def UpdateFunctionConfiguration(self, params: dict[str, Any]) -> dict[str, Any]:
        function = self._idle(params)
        changed = {key: value for key, value in params.items() if key != "FunctionName" and value != {}}
        if "VpcConfig" in changed:  # members that an update leaves out stay
            network = {**function.configuration.get("VpcConfig", {}), **changed["VpcConfig"]}
            if network.get("Ipv6AllowedForDualStack") and not network.get("SubnetIds"):
                raise Fault("InvalidParameterValueException", DUAL_STACK)
            changed["VpcConfig"] = network
        function.configuration |= changed
        self._touch(function)
        return self._describe_function(function)

    def DeleteFunction(self, params: dict[str, Any]) -> None:
        function = self._found(params)
        version = params.get("Qualifier")
        if version:
            function.versions.pop(version)
            function.published_as = ""
        elif self.deleting_seconds:
            function.gone_at = function.gone_at or self.clock.now() + self.deleting_seconds
        else:
            del self.functions[function.configuration["FunctionName"]]

    def PublishVersion(self, params: dict[str, Any]) -> dict[str, Any]:
        function = self._idle(params)
        if params.get("RevisionId") != f"revision-{function.revision}":
            raise Fault("PreconditionFailedException", "The RevisionId provided does not match", 412)
        state = json.dumps({k: v for k, v in function.configuration.items() if k != "_created"}, sort_keys=True)
        if function.published_as == state:
            latest = max(function.versions, key=int)
        else:
            numbers = [int(number) for number in function.archives] or [0]
            latest = str(max(numbers) + 1)
            arn = f"{function.configuration['FunctionArn']}:{latest}"
            described = {**self._describe_function(function), "Version": latest, "FunctionArn": arn}
            function.versions[latest] = {**described, "_ready_at": self.clock.now() + self.busy_seconds}
            function.archives[latest] = function.archive
            function.published_as = state
            function.revision += 1
        return {key: value for key, value in function.versions[latest].items() if key != "_ready_at"}

    def ListVersionsByFunction(self, params: dict[str, Any]) -> dict[str, Any]:
        function = self._found(params)
        numbers = ["$LATEST", *sorted(function.versions, key=int)]
        return {"Versions": [{"FunctionName": params["FunctionName"], "Version": number} for number in numbers]}

    def ListAliases(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"Aliases": list(self._found(params).aliases.values())}

    def _by_arn(self, params: dict[str, Any]) -> Function:
        return self._found({"FunctionName": params["Resource"]})

    def TagResource(self, params: dict[str, Any]) -> None:
        self._by_arn(params).tags.update(params["Tags"])

    def UntagResource(self, params: dict[str, Any]) -> None:
        for key in params["TagKeys"]:
            self._by_arn(params).tags.pop(key, None)

    def PutFunctionConcurrency(self, params: dict[str, Any]) -> dict[str, Any]:
        self._found(params).separate["concurrency"] = params["ReservedConcurrentExecutions"]
        return {}

    def DeleteFunctionConcurrency(self, params: dict[str, Any]) -> None:
        self._found(params).separate.pop("concurrency", None)

    def PutFunctionCodeSigningConfig(self, params: dict[str, Any]) -> dict[str, Any]:
        self._found(params).separate["signing"] = params["CodeSigningConfigArn"]
        return {}

    def DeleteFunctionCodeSigningConfig(self, params: dict[str, Any]) -> None:
        self._found(params).separate.pop("signing", None)

    def GetCodeSigningConfig(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"CodeSigningConfig": {"CodeSigningPolicies": {"UntrustedArtifactOnDeployment": self.signing_policy}}}

    def PutFunctionRecursionConfig(self, params: dict[str, Any]) -> dict[str, Any]:
        self._found(params).separate["recursion"] = params["RecursiveLoop"]
        return {}

    def GetFunctionCodeSigningConfig(self, params: dict[str, Any]) -> dict[str, Any]:
        function = self._found(params)
        found = {"FunctionName": function.configuration["FunctionName"]}
        arn = function.separate.get("signing")
        return {**found, **({"CodeSigningConfigArn": arn} if arn else {})}

    def GetFunctionRecursionConfig(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"RecursiveLoop": self._found(params).separate.get("recursion", "Terminate")}

    def PutRuntimeManagementConfig(self, params: dict[str, Any]) -> dict[str, Any]:
        function = self._found(params)
        function.separate["runtime"] = params["UpdateRuntimeOn"]
        function.separate.pop("runtime-version", None)
        if "RuntimeVersionArn" in params:
            function.separate["runtime-version"] = params["RuntimeVersionArn"]
        return {}

    def GetRuntimeManagementConfig(self, params: dict[str, Any]) -> dict[str, Any]:
        function = self._found(params)
        version = function.separate.get("runtime-version")
        return {
            "FunctionArn": function.configuration["FunctionArn"],
            "UpdateRuntimeOn": function.separate.get("runtime", "Auto"),
            **({"RuntimeVersionArn": version} if version else {}),
        }

    def PutFunctionScalingConfig(self, params: dict[str, Any]) -> dict[str, Any]:
        self._found(params).separate["scaling"] = (params["Qualifier"], params.get("FunctionScalingConfig"))
        return {}

    # -- who may call a function

    def _policy(self, params: dict[str, Any]) -> tuple[str, dict[str, dict[str, Any]]]:
        """The ARN that the statements apply to, and the statements. Every version and alias has its own policy."""
        name, qualifier = params["FunctionName"].split(":")[-1], params.get("Qualifier", "")
        if name in self.denied:
            raise Fault("AccessDeniedException", "not authorized to perform that on this resource", 403)
        function = self._found({"FunctionName": name})
        if qualifier and qualifier not in {*function.versions, *function.aliases}:
            raise Fault("ResourceNotFoundException", f"Cannot find version or alias: {qualifier}", 404)
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}" + (f":{qualifier}" if qualifier else "")
        return arn, self.policies.setdefault((name, qualifier), {})

    def AddPermission(self, params: dict[str, Any]) -> dict[str, Any]:
        arn, statements = self._policy(params)
        id = params["StatementId"]
        if re.fullmatch(r"[a-zA-Z0-9-_]{1,100}", id) is None:
            raise Fault("ValidationException", "1 validation error detected: statementId", 400)
        if id in statements:
            message = (
                f"The statement id ({id}) provided already exists. Please provide a new statement id, or remove it."
            )
            raise Fault("ResourceConflictException", message, 409)
        statement = {
            "Sid": id,
            "Effect": "Allow",
            "Principal": {"Service": params["Principal"]},
            "Action": params["Action"],
            "Resource": arn,
            "Condition": {"ArnLike": {"AWS:SourceArn": params["SourceArn"]}},
        }
        size = len(_policy_document([*statements.values(), statement]))
        if size > MAX_POLICY:
            message = f"The final policy size ({size}) is bigger than the limit ({MAX_POLICY})."
            raise Fault("PolicyLengthExceededException", message, 400)
        statements[id] = statement
        return {"Statement": json.dumps(statements[id])}

    def RemovePermission(self, params: dict[str, Any]) -> None:
        _, statements = self._policy(params)
        if statements.pop(params["StatementId"], None) is None:
            message = f"Statement {params['StatementId']} is not found in resource policy."
            raise Fault("ResourceNotFoundException", message, 404)

    def GetPolicy(self, params: dict[str, Any]) -> dict[str, Any]:
        _, statements = self._policy(params)
        if not statements:
            raise Fault("ResourceNotFoundException", "The resource you requested does not exist.", 404)
        return {"Policy": _policy_document(list(statements.values()))}
