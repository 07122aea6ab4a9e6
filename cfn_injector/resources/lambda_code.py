"""``Custom::LambdaCode``: the injected archive as an object in S3, for a function that stays a native resource.

Takes a request and the services. Returns an Outcome whose ID is the object's key, with bucket, key and CodeSha256 among
its attributes, or raises an InjectorError.

The key is a hash of everything that the object depends on. So a change gives a new key: CloudFormation updates the
function that refers to it, keeps the old object until it cleans up, and returns to it in a rollback.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from cfn_injector import env_from, env_loader, env_properties, injection
from cfn_injector.aws.s3 import S3Destination, S3Source, open_artifact
from cfn_injector.aws.s3_objects import (
    discard,
    keys_below,
    staging_bucket,
    stored_sha256,
    tags_of,
    untag,
)
from cfn_injector.env_from import EnvFrom, Resolved
from cfn_injector.env_loader import Loader
from cfn_injector.env_properties import is_set
from cfn_injector.errors import StorageError
from cfn_injector.plugin import PENDING, Operation, Outcome, PropertyError, Request, Services, Stack, flag
from cfn_injector.protocol import messages

SERVICES = ("cloudformation", "s3", *env_from.SERVICES)
RESOLVES = ("Env",)
"""The properties in whose values this type resolves dynamic references."""
REF = "the key of the object in the staging bucket"
"""What ``Ref`` returns."""
ATTRIBUTES: Mapping[str, str] = {
    "S3Bucket": "the staging bucket of the provider",
    "S3Key": "the key of the object",
    "Handler": "the handler to configure: the loader's, or the function's own if the loader is not `handler`. With "
    "`Handlers`, there is `Handler.NAME` for each name instead",
    "ExecWrapper": "the value for the variable `AWS_LAMBDA_EXEC_WRAPPER`; empty if the loader is not `exec`",
    "CodeSha256": "the hash of the object, as Lambda computes it. A changed value replaces an `AWS::Lambda::Version`",
}
"""What ``Fn::GetAtt`` returns."""

PROPERTIES: Mapping[str, tuple[str, str]] = {
    "ServiceToken": messages.PROPERTIES["ServiceToken"],
    "ServiceTimeout": messages.PROPERTIES["ServiceTimeout"],
    "Code": ("Map", "the artifact in S3: `S3Bucket`, `S3Key` and `S3ObjectVersion`"),
    **env_properties.PROPERTIES,
    **env_from.PROPERTIES,
    **env_loader.PROPERTIES,
    "Handler": ("String", "the function's own handler, which the loader `handler` calls"),
    "Handlers": ("Map", "instead of `Handler`: the handlers of several functions with this code, by names of yours"),
    "Runtime": ("String", "the function's runtime, on which the loader depends"),
    "Edge": (
        "Boolean",
        "the function is for Lambda@Edge: its runtime is Python or Node.js, and the archive has at most 50 MB",
    ),
}
"""Type and meaning of each property."""

REPLACING = frozenset({"Code", "Env", "EnvFile", *env_from.PROPERTIES})
"""A change of one of these is always a new object."""
IF_LOADED = frozenset({"AllowLoaderVariables", "EnvLoader", "Handler", "Handlers", "Runtime"})
"""A change of one of these is a new object if it changes the files of the loader."""


@dataclass(frozen=True)
class CodeSpec:
    """The properties, typed. ``source`` is bucket, key and version; the handlers are the functions' own."""

    source: tuple[str, str, str | None]
    env_from: EnvFrom
    env_file: str
    loader: Loader | None
    handler: str
    handlers: Mapping[str, str]
    problems: tuple[PropertyError, ...]


def _problems(properties: Mapping[str, Any]) -> Iterator[PropertyError]:
    yield from env_properties.problems(properties)
    yield from env_from.problems(properties)
    yield from env_loader.problems(properties)
    for name in sorted(properties.keys() - PROPERTIES.keys()):
        yield PropertyError(name, "is not a property of Custom::LambdaCode", "remove it", code="CI237")
    for name in ("Edge", "AllowLoaderVariables"):
        try:
            flag(properties, name)
        except PropertyError as problem:
            yield problem
    for name in env_loader.REQUIRED.get(str(properties.get("EnvLoader")), ()):
        if not properties.get(name) and not (name == "Handler" and properties.get("Handlers")):
            yield PropertyError(name, "is missing", "EnvLoader depends on it; give the function's own", code="CI235")
    runtime = str(properties.get("Runtime", "nodejs"))
    if is_set(properties, "Edge") and not runtime.startswith(("nodejs", "python")):
        yield PropertyError("Runtime", "is not supported by Lambda@Edge", "use Node.js or Python", code="CI265")
    code = properties.get("Code")
    for name in ("ZipFile", "SourceKMSKeyArn"):
        if isinstance(code, Mapping) and name in code:
            yield PropertyError(f"Code.{name}", "belongs to the function", "name an object in S3 here", code="CI237")


def parse(properties: Mapping[str, Any]) -> CodeSpec:
    """The properties, typed, and every problem."""
    code = properties.get("Code")
    code = code if isinstance(code, Mapping) else {}
    return CodeSpec(
        source=(code.get("S3Bucket", ""), code.get("S3Key", ""), code.get("S3ObjectVersion")),
        env_from=env_from.parse(properties),
        env_file=env_properties.env_file(properties),
        loader=env_loader.desired(properties),
        handler=str(properties.get("Handler", "")),
        handlers=env_loader.handlers_of(properties),
        problems=tuple(_problems(properties)),
    )


def _prefix(request: Request) -> str:
    """The prefix of all objects of this resource, and of no other resource's."""
    return f"code/{request.folder}"


def _stem(operation: Operation, desired: CodeSpec) -> str:
    """The beginning of the key: what the object depends on by the template.

    The hash is keyed with a secret of the provider, so that nobody can test a guess of a value by the key.
    """
    rules = desired.loader.rules if desired.loader else None
    env = sorted(desired.env_from.env.items())
    inputs = [desired.source, env, desired.env_file, rules, *desired.env_from.inputs]
    return f"{_prefix(operation.request)}{operation.keyed_hash(inputs)[:32]}-"


def _key(operation: Operation, desired: CodeSpec, source: S3Source, resolved: Resolved) -> str:
    """The object's key. It also depends on the states of the artifact, of parameters and secrets, and of the loader."""
    state = operation.keyed_hash([source.version, source.etag, *resolved.versions])[:32]
    loader = f"-{desired.loader.sources}" if desired.loader else ""
    return f"{_stem(operation, desired)}{state}{loader}.zip"


def _deployed_before(operation: Operation, desired: CodeSpec) -> tuple[CodeSpec, str] | None:
    """The object that a rollback returns to, and what it was made of; None if there is none.

    So a rollback does not need the artifact, and returns to the state of it that was deployed. If several objects fit
    the template, the one that the event names is the one that failed.
    """
    client, bucket = operation.client("s3"), staging_bucket(operation.services.environ)
    found = [
        (spec, key)
        for spec in _as_deployed(operation.request, desired)
        for key in keys_below(client, bucket, _stem(operation, spec))
        if PENDING not in tags_of(client, bucket, key)
    ]
    others = [each for each in found if each[1] != operation.request.physical_id]
    return next(iter(others or found), None)


def _as_deployed(request: Request, desired: CodeSpec) -> list[CodeSpec]:
    """What a rollback can return to: first, what an earlier version of the provider made of the template."""
    former = parse(env_loader.before_auto(request.properties))
    return [desired] if former.loader == desired.loader else [former, desired]


def create(request: Request, services: Services) -> Outcome:
    """Creates the object, or finds it created."""
    desired = parse(request.properties)
    env_properties.refuse(desired.problems)
    return _provide(Operation.begin(request, services), desired)


def update(request: Request, services: Services) -> Outcome:
    """Like create: the new key is a new ID, and CloudFormation deletes the old object once nothing needs it."""
    operation, desired = Operation.begin(request, services), parse(request.properties)
    if not operation.stack.rolling_back:
        env_properties.refuse(desired.problems, accepted=parse(request.old_properties).problems)
    return _provide(operation, desired)


def _provide(operation: Operation, desired: CodeSpec) -> Outcome:
    request, client, bucket = operation.request, operation.client("s3"), staging_bucket(operation.services.environ)
    deployed = _deployed_before(operation, desired) if operation.stack.rolling_back else None
    if deployed:
        spec, key = deployed
        _sweep(operation, keep=key)
        return _outcome(operation, spec, key, stored_sha256(client, bucket, key) or "")
    source, resolved = _open(operation, desired)
    key = _key(operation, desired, source, resolved)
    _sweep(operation, keep=key)
    with ExitStack() as failure:
        digest = stored_sha256(client, bucket, key)
        if digest is None:
            failure.callback(_undo, operation, key)
            digest = _inject(operation, desired, source, resolved.env, key)
        if operation.has_given_up():
            problem = f"{request.logical_id} was deleted while it was being created"
            raise StorageError(f"{problem}; deploy again", code="CI411")
        untag(client, bucket, key)
        failure.pop_all()
    return _outcome(operation, desired, key, digest)


def _open(operation: Operation, desired: CodeSpec) -> tuple[S3Source, Resolved]:
    """The artifact, and the variables to inject."""
    with operation.restoring():
        source = open_artifact(operation.client("s3"), operation.services.environ, *desired.source)
        return source, env_from.read(operation, desired.env_from, source)


def _handlers(desired: CodeSpec) -> dict[str, str]:
    """The attributes ``Handler.NAME`` for ``Handlers``, or ``Handler``."""
    found = desired.loader or desired
    named = {f"Handler.{name}": handler for name, handler in found.handlers.items()}
    return named or {"Handler": found.handler}


def _outcome(operation: Operation, desired: CodeSpec, key: str, digest: str) -> Outcome:
    return Outcome(
        key,
        {
            "S3Bucket": staging_bucket(operation.services.environ),
            "S3Key": key,
            **_handlers(desired),
            "ExecWrapper": desired.loader.exec_wrapper if desired.loader else "",
            "CodeSha256": digest,
        },
    )


def _undo(operation: Operation, key: str) -> None:
    """Deletes what this request wrote, unless another delivery of it has been answered with that."""
    operation = operation.for_undoing()
    with operation.best_effort(key=key):
        client, bucket = operation.client("s3"), staging_bucket(operation.services.environ)
        if tags_of(client, bucket, key).get(PENDING) == operation.request.request_id:
            discard(client, bucket, key)


def _inject(operation: Operation, desired: CodeSpec, source: S3Source, env: Mapping[str, str], key: str) -> str:
    """Writes the object, tagged as pending; returns its CodeSha256."""
    request = operation.request
    operation.log("inject", env_keys=sorted(env))
    destination = S3Destination(
        operation.client("s3"),
        staging_bucket(operation.services.environ),
        key,
        scratch=f"tmp/{request.request_id}/{uuid4()}.zip",
        tagging=urlencode({PENDING: request.request_id}),
    )
    injected = injection.inject(
        source,
        destination,
        env,
        path=desired.env_file,
        loader=desired.loader,
        max_unpacked=injection.LAMBDA_MAX_UNPACKED,
        max_size=injection.EDGE_MAX_SIZE if operation.newly_set("Edge") else injection.LAMBDA_MAX_SIZE,
    )
    operation.log("injected", size=injected.size, entries=injected.entries)
    return injected.code_sha256 or ""


def _sweep(operation: Operation, keep: str = "") -> None:
    """Deletes the objects that unanswered requests of this resource left pending, and nothing else."""
    client, bucket = operation.client("s3"), staging_bucket(operation.services.environ)
    for key in keys_below(client, bucket, _prefix(operation.request)):
        if key != keep and PENDING in tags_of(client, bucket, key):
            operation.log("delete-pending", key=key)
            discard(client, bucket, key)


def delete(request: Request, services: Services) -> Outcome:
    """Deletes the object that the ID names, if it is this resource's; else what is pending for the resource."""
    operation = Operation(request, services, Stack({}))
    if request.physical_id.startswith(_prefix(request)):
        discard(operation.client("s3"), staging_bucket(services.environ), request.physical_id)
    else:
        _sweep(operation)
    return Outcome(request.physical_id)
