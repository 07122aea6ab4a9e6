"""``Custom::LambdaCode``: the injected archive as an object in S3, for a function that stays a native resource.

In: a request and the services. Out: an Outcome whose id is the object's key, with bucket, key and CodeSha256 as
attributes, or an InjectorError.

The key is a hash of all that the object depends on. So a change is a new key, CloudFormation updates the function that
refers to it, keeps the old object until it cleans up, and goes back to it in a rollback.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from uuid import uuid4

from cfn_injector import env_properties, injection
from cfn_injector.artifact import S3Destination, S3Source, discard, staging_bucket, stored_sha256
from cfn_injector.env_properties import flag
from cfn_injector.errors import PropertiesError, PropertyError
from cfn_injector.protocol import Outcome, Request, Services

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


def _problems(properties: Mapping[str, Any]) -> list[PropertyError]:
    found = list(env_properties.problems(properties))
    for name in sorted(properties.keys() - KNOWN):
        found.append(PropertyError(name, "is no property of Custom::LambdaCode", "remove it"))
    for name in ("Edge", "AllowLoaderVariables"):
        try:
            flag(properties, name)
        except PropertyError as problem:
            found.append(problem)
    code = properties.get("Code")
    for name in ("ZipFile", "SourceKMSKeyArn"):
        if isinstance(code, Mapping) and name in code:
            found.append(PropertyError(f"Code.{name}", "belongs to the function", "name an object in S3 here"))
    return found


def _prefix(request: Request) -> str:
    """Below which all objects of this resource stand; no other resource's do."""
    stack = sha256(request.stack_id.encode()).hexdigest()[:16]
    return f"code/{request.stack_name}-{stack}/{request.logical_id}/"


def _key(request: Request, source: S3Source, env: Mapping[str, str], path: str) -> str:
    inputs = [source.bucket, source.key, source.version or source.etag, sorted(env.items()), path]
    return f"{_prefix(request)}{sha256(json.dumps(inputs).encode()).hexdigest()}.zip"


def create(request: Request, services: Services) -> Outcome:
    """Makes the object, or finds it made."""
    problems = _problems(request.properties)
    if problems:
        raise PropertiesError(problems)
    return _provide(request, services)


def update(request: Request, services: Services) -> Outcome:
    """As create: the new key is a new id, and CloudFormation deletes the old object once nothing needs it."""
    known = set(_problems(request.old_properties))
    problems = [problem for problem in _problems(request.properties) if problem not in known]
    if problems:
        raise PropertiesError(problems)
    return _provide(request, services)


def _provide(request: Request, services: Services) -> Outcome:
    client, bucket = services.client("s3"), staging_bucket(services.environ)
    code = request.properties["Code"]
    env, path = env_properties.variables(request.properties), env_properties.env_file(request.properties)
    source = S3Source.open(client, code["S3Bucket"], code["S3Key"], code.get("S3ObjectVersion"))
    key = _key(request, source, env, path)
    digest = stored_sha256(client, bucket, key)
    if digest is None:
        services.log("inject", env_keys=sorted(env))
        destination = S3Destination(client, bucket, key, scratch=f"tmp/{request.request_id}/{uuid4()}.zip")
        limit = injection.LAMBDA_MAX_UNPACKED
        injected = injection.inject(source, destination, env, path=path, max_unpacked=limit)
        services.log("injected", bytes=injected.size, entries=injected.entries)
        digest = injected.code_sha256 or ""
    return Outcome(
        key,
        {
            "S3Bucket": bucket,
            "S3Key": key,
            "Handler": request.properties.get("Handler", ""),
            "ExecWrapper": "",
            "CodeSha256": digest,
        },
    )


def delete(request: Request, services: Services) -> Outcome:
    """Deletes the object that the id names, if it is one of this resource's."""
    if request.physical_id.startswith(_prefix(request)):
        discard(services.client("s3"), staging_bucket(services.environ), request.physical_id)
    return Outcome(request.physical_id)
