"""``Custom::LambdaCode``: the injected archive as an object in S3, for a function that stays a native resource.

Takes a request and the services. Returns an Outcome whose ID is the object's key, with bucket, key and CodeSha256 among
its attributes, or raises an InjectorError.

The key is a hash of everything that the object depends on. So a change gives a new key: CloudFormation updates the
function that refers to it, keeps the old object until it cleans up, and returns to it in a rollback.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from cfn_injector import env_loader, env_properties, injection
from cfn_injector.aws.s3 import S3Destination, S3Source, open_artifact
from cfn_injector.aws.s3_objects import (
    account_secret,
    discard,
    keys_below,
    staging_bucket,
    stored_sha256,
    tags_of,
    untag,
)
from cfn_injector.env_loader import Loader
from cfn_injector.env_properties import is_set
from cfn_injector.errors import StorageError
from cfn_injector.plugin import PENDING, Operation, Outcome, PropertyError, Request, Services, Stack, flag

SERVICES = ("cloudformation", "s3")

PROPERTIES = frozenset(
    {
        "ServiceToken",
        "ServiceTimeout",
        "Code",
        "Env",
        "EnvFile",
        "EnvLoader",
        "AllowLoaderVariables",
        "Handler",
        "Runtime",
        "Edge",
    }
)

_REQUIRED_BY_LOADER = {"handler": ("Handler", "Runtime"), "exec": ("Runtime",)}


@dataclass(frozen=True)
class CodeSpec:
    """The properties, typed. ``source`` is bucket, key and version; ``handler`` is the function's own."""

    source: tuple[str, str, str | None]
    env: Mapping[str, str] = field(repr=False)
    env_file: str
    loader: Loader | None
    handler: str
    edge: bool
    problems: tuple[PropertyError, ...]


def _problems(properties: Mapping[str, Any]) -> Iterator[PropertyError]:
    yield from env_properties.problems(properties)
    yield from env_loader.problems(properties)
    for name in sorted(properties.keys() - PROPERTIES):
        yield PropertyError(name, "is not a property of Custom::LambdaCode", "remove it")
    for name in ("Edge", "AllowLoaderVariables"):
        try:
            flag(properties, name)
        except PropertyError as problem:
            yield problem
    for name in _REQUIRED_BY_LOADER.get(str(properties.get("EnvLoader")), ()):
        if not properties.get(name):
            yield PropertyError(name, "is missing", "EnvLoader depends on it; give the function's own")
    runtime = str(properties.get("Runtime", "nodejs"))
    if is_set(properties, "Edge") and not runtime.startswith(("nodejs", "python")):
        yield PropertyError("Runtime", "is not supported by Lambda@Edge", "use Node.js or Python")
    code = properties.get("Code")
    for name in ("ZipFile", "SourceKMSKeyArn"):
        if isinstance(code, Mapping) and name in code:
            yield PropertyError(f"Code.{name}", "belongs to the function", "name an object in S3 here")


def parse(properties: Mapping[str, Any]) -> CodeSpec:
    """The properties, typed, and every problem."""
    code, env = properties.get("Code"), properties.get("Env")
    code = code if isinstance(code, Mapping) else {}
    return CodeSpec(
        source=(code.get("S3Bucket", ""), code.get("S3Key", ""), code.get("S3ObjectVersion")),
        env=env_properties.variables(properties) if isinstance(env, Mapping) else {},
        env_file=env_properties.env_file(properties),
        loader=env_loader.desired(properties),
        handler=str(properties.get("Handler", "")),
        edge=is_set(properties, "Edge"),
        problems=tuple(_problems(properties)),
    )


def _prefix(request: Request) -> str:
    """The prefix of all objects of this resource, and of no other resource's."""
    stack = sha256(request.stack_id.encode()).hexdigest()[:16]
    return f"code/{request.stack_name}-{stack}/{request.logical_id}/"


def _stem(operation: Operation, desired: CodeSpec, source: S3Source) -> str:
    """The key without its end: what the object depends on by the template and the artifact.

    The hash is keyed with a secret of the provider, so that nobody can test a guess of a value by the key.
    """
    version = [source.bucket, source.key, source.version, source.etag]
    inputs: list[Any] = [*version, sorted(desired.env.items()), desired.env_file]
    if desired.loader is not None:
        inputs.append(desired.loader.rules)
    secret = account_secret(operation.client("s3"), staging_bucket(operation.services.environ))
    digest = hmac.new(secret, json.dumps(inputs).encode(), sha256).hexdigest()
    return f"{_prefix(operation.request)}{digest}"


def _key(operation: Operation, desired: CodeSpec, source: S3Source) -> str:
    """The object's key. In a rollback, the key of the object that exists, even if an older provider created it."""
    stem = _stem(operation, desired, source)
    if desired.loader is None:
        return f"{stem}.zip"
    key = f"{stem}-{desired.loader.sources}.zip"
    if not operation.stack.rolling_back:
        return key
    client, bucket = operation.client("s3"), staging_bucket(operation.services.environ)
    keys = keys_below(client, bucket, f"{stem}-")
    there = [found for found in keys if PENDING not in tags_of(client, bucket, found)]
    return key if key in there or not there else there[0]


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
    source = open_artifact(client, operation.services.environ, *desired.source)
    key = _key(operation, desired, source)
    _sweep(operation, keep=key)
    with ExitStack() as failure:
        digest = stored_sha256(client, bucket, key)
        if digest is None:
            failure.callback(_undo, operation, key)
            digest = _inject(operation, desired, source, key)
        if operation.has_given_up():
            raise StorageError(f"{request.logical_id} was deleted while it was being created; deploy again")
        untag(client, bucket, key)
        failure.pop_all()
    return Outcome(
        key,
        {
            "S3Bucket": bucket,
            "S3Key": key,
            "Handler": desired.loader.handler if desired.loader else desired.handler,
            "ExecWrapper": desired.loader.exec_wrapper if desired.loader else "",
            "CodeSha256": digest,
        },
    )


def _undo(operation: Operation, key: str) -> None:
    """Deletes what this request wrote, unless another delivery of it has been answered with that."""
    client, bucket = operation.client("s3"), staging_bucket(operation.services.environ)
    if tags_of(client, bucket, key).get(PENDING) == operation.request.request_id:
        discard(client, bucket, key)


def _inject(operation: Operation, desired: CodeSpec, source: S3Source, key: str) -> str:
    """Writes the object, tagged as pending; returns its CodeSha256."""
    request = operation.request
    operation.log("inject", env_keys=sorted(desired.env))
    destination = S3Destination(
        operation.client("s3"),
        staging_bucket(operation.services.environ),
        key,
        scratch=f"tmp/{request.request_id}/{uuid4()}.zip",
        tagging=urlencode({PENDING: request.request_id}),
    )
    rolling_back = operation.stack.rolling_back
    becomes_edge = desired.edge and not rolling_back and not is_set(request.old_properties, "Edge")
    injected = injection.inject(
        source,
        destination,
        desired.env,
        path=desired.env_file,
        loader=desired.loader,
        max_unpacked=injection.LAMBDA_MAX_UNPACKED,
        max_size=injection.EDGE_MAX_SIZE if becomes_edge else injection.LAMBDA_MAX_SIZE,
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
