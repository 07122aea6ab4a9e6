"""``Custom::LambdaCode``: the injected archive as an object in S3, for a function that stays a native resource.

In: a request and the services. Out: an Outcome whose id is the object's key, with bucket, key and CodeSha256 as
attributes, or an InjectorError.

The key is a hash of all that the object depends on. So a change is a new key, CloudFormation updates the function that
refers to it, keeps the old object until it cleans up, and goes back to it in a rollback.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from cfn_injector import env_loader, env_properties, injection
from cfn_injector.aws import stacks
from cfn_injector.aws.s3 import S3Destination, S3Source
from cfn_injector.aws.s3_objects import discard, keys_below, staging_bucket, stored_sha256, tags_of, untag
from cfn_injector.env_properties import flag, is_set
from cfn_injector.errors import PropertyError, StorageError
from cfn_injector.protocol import ownership
from cfn_injector.protocol.messages import Outcome, Request, Services

SERVICES = ("cloudformation", "s3")

KNOWN = frozenset(
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


_NEEDED = {"handler": ("Handler", "Runtime"), "exec": ("Runtime",)}
"""What has to be known of the function for each loader."""


def _problems(properties: Mapping[str, Any]) -> list[PropertyError]:
    found = [*env_properties.problems(properties), *env_loader.problems(properties)]
    for name in sorted(properties.keys() - KNOWN):
        found.append(PropertyError(name, "is no property of Custom::LambdaCode", "remove it"))
    for name in ("Edge", "AllowLoaderVariables"):
        try:
            flag(properties, name)
        except PropertyError as problem:
            found.append(problem)
    for name in _NEEDED.get(str(properties.get("EnvLoader")), ()):
        if not properties.get(name):
            found.append(PropertyError(name, "is missing", "EnvLoader depends on it; give the function's own"))
    runtime = str(properties.get("Runtime", "nodejs"))
    if is_set(properties, "Edge") and not runtime.startswith(("nodejs", "python")):
        found.append(PropertyError("Runtime", "is not supported by Lambda@Edge", "use Node.js or Python"))
    code = properties.get("Code")
    for name in ("ZipFile", "SourceKMSKeyArn"):
        if isinstance(code, Mapping) and name in code:
            found.append(PropertyError(f"Code.{name}", "belongs to the function", "name an object in S3 here"))
    return found


def _prefix(request: Request) -> str:
    """Below which all objects of this resource stand; no other resource's do."""
    stack = sha256(request.stack_id.encode()).hexdigest()[:16]
    return f"code/{request.stack_name}-{stack}/{request.logical_id}/"


def _stem(request: Request, source: S3Source) -> str:
    """The key but for its end: what the object depends on by the template and the artifact."""
    properties = request.properties
    env, path = env_properties.variables(properties), env_properties.env_file(properties)
    inputs: list[Any] = [source.bucket, source.key, source.version, source.etag, sorted(env.items()), path]
    loader = env_loader.wanted(properties)
    if loader is not None:
        inputs.append(loader.rules)
    return f"{_prefix(request)}{sha256(json.dumps(inputs).encode()).hexdigest()}"


def _key(request: Request, services: Services, source: S3Source, stack: stacks.Stack) -> str:
    """Where the object stands; in a rollback where it stood, also if another version of the provider made it."""
    stem, loader = _stem(request, source), env_loader.wanted(request.properties)
    if loader is None:
        return f"{stem}.zip"
    key = f"{stem}-{loader.sources}.zip"
    if not stack.rolling_back:
        return key
    client, bucket = services.client("s3"), staging_bucket(services.environ)
    there = [
        found
        for found in keys_below(client, bucket, f"{stem}-")
        if ownership.PENDING not in tags_of(client, bucket, found)
    ]
    return key if key in there or not there else there[0]


def create(request: Request, services: Services) -> Outcome:
    """Makes the object, or finds it made."""
    env_properties.refuse(_problems(request.properties))
    return _provide(request, services, _stack(request, services))


def update(request: Request, services: Services) -> Outcome:
    """As create: the new key is a new id, and CloudFormation deletes the old object once nothing needs it."""
    stack = _stack(request, services)
    if not stack.rolling_back:
        env_properties.refuse(_problems(request.properties), accepted=_problems(request.old_properties))
    return _provide(request, services, stack)


def _stack(request: Request, services: Services) -> stacks.Stack:
    return stacks.describe(services.client("cloudformation"), request.stack_id)


def _provide(request: Request, services: Services, stack: stacks.Stack) -> Outcome:
    client, bucket = services.client("s3"), staging_bucket(services.environ)
    code = request.properties["Code"]
    source = S3Source.open(client, code["S3Bucket"], code["S3Key"], code.get("S3ObjectVersion"))
    key = _key(request, services, source, stack)
    _sweep(request, services, keep=key)
    with ExitStack() as failure:
        digest = stored_sha256(client, bucket, key)
        if digest is None:
            failure.callback(_undo, request, services, key)
            digest = _inject(request, services, source, key, stack)
        cloudformation = services.client("cloudformation")
        if stacks.has_given_up(cloudformation, request.stack_id, request.logical_id, stack):
            raise StorageError(f"{request.logical_id} was deleted while it was being made; deploy again")
        untag(client, bucket, key)
        failure.pop_all()
    loader = env_loader.wanted(request.properties)
    return Outcome(
        key,
        {
            "S3Bucket": bucket,
            "S3Key": key,
            "Handler": loader.handler if loader else request.properties.get("Handler", ""),
            "ExecWrapper": loader.exec_wrapper if loader else "",
            "CodeSha256": digest,
        },
    )


def _undo(request: Request, services: Services, key: str) -> None:
    """Deletes what this request wrote, unless another delivery of it has answered with that."""
    client, bucket = services.client("s3"), staging_bucket(services.environ)
    if tags_of(client, bucket, key).get(ownership.PENDING) == request.request_id:
        discard(client, bucket, key)


def _inject(request: Request, services: Services, source: S3Source, key: str, stack: stacks.Stack) -> str:
    """Writes the object, tagged as pending; returns its CodeSha256."""
    env = env_properties.variables(request.properties)
    services.log("inject", env_keys=sorted(env))
    destination = S3Destination(
        services.client("s3"),
        staging_bucket(services.environ),
        key,
        scratch=f"tmp/{request.request_id}/{uuid4()}.zip",
        tagging=urlencode({ownership.PENDING: request.request_id}),
    )
    comes_to_the_edge = env_properties.comes_to_the_edge(request.properties, request.old_properties)
    injected = injection.inject(
        source,
        destination,
        env,
        path=env_properties.env_file(request.properties),
        loader=env_loader.wanted(request.properties),
        max_unpacked=injection.LAMBDA_MAX_UNPACKED,
        max_size=injection.EDGE_MAX_SIZE if comes_to_the_edge and not stack.rolling_back else None,
    )
    services.log("injected", size=injected.size, entries=injected.entries)
    return injected.code_sha256 or ""


def _sweep(request: Request, services: Services, keep: str = "") -> None:
    """Deletes the objects of this resource that a request left whose answer never arrived, and no other."""
    client, bucket = services.client("s3"), staging_bucket(services.environ)
    for key in keys_below(client, bucket, _prefix(request)):
        if key != keep and ownership.PENDING in tags_of(client, bucket, key):
            services.log("delete-pending", key=key)
            discard(client, bucket, key)


def delete(request: Request, services: Services) -> Outcome:
    """Deletes the object that the id names, if it is one of this resource's; else what is pending for the resource."""
    if request.physical_id.startswith(_prefix(request)):
        discard(services.client("s3"), staging_bucket(services.environ), request.physical_id)
    else:
        _sweep(request, services)
    return Outcome(request.physical_id)
