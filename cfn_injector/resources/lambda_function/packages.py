"""The packages of a function: archives with the template's ``Env``, in the staging bucket.

Takes an operation, the desired spec and the function's name. Returns ``Code`` as Lambda takes it.

A package stays in the bucket while it is deployed, and one deployment longer: a rollback returns to it, and does not
need the artifact, which may be gone. Its key is a keyed hash of what the template says about it. Packages are deleted
when a later deployment succeeds, when a rollback is complete, and with the function.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from cfn_injector import env_from, injection
from cfn_injector.archive import NewFile
from cfn_injector.aws.s3 import S3Destination, check_bucket, open_artifact
from cfn_injector.aws.s3_objects import discard, keys_below, staging_bucket
from cfn_injector.plugin import Operation
from cfn_injector.resources.lambda_function.applied import inputs
from cfn_injector.resources.lambda_function.spec import FunctionSpec


def prefix_of(folder: str, name: str) -> str:
    """The prefix of a function's packages, and of no other function's; ``folder`` is that of its resource."""
    return f"deployed/{folder}{name}/"


def _prefix(operation: Operation, name: str) -> str:
    return prefix_of(operation.request.folder, name)


def key_of(operation: Operation, spec: FunctionSpec, name: str) -> str:
    """The key of the package that the spec describes."""
    return f"{_prefix(operation, name)}{operation.keyed_hash(inputs(spec))}.zip"


def check_source(operation: Operation, desired: FunctionSpec) -> None:
    """Raises PropertyError if the artifact, a parameter or a secret is not one that the template may name."""
    if "ZipFile" not in desired.code:
        check_bucket(operation.services.environ, desired.code["S3Bucket"])
    if not operation.stack.rolling_back:  # it may find its package, and then reads nothing
        env_from.check_access(operation, desired.env_from)


def is_kept(operation: Operation, spec: FunctionSpec, name: str) -> bool:
    """Whether the package that the spec describes is in the bucket."""
    return key_of(operation, spec, name) in _keys(operation, name)


def provide(operation: Operation, desired: FunctionSpec, name: str) -> dict[str, str]:
    """``Code`` for the function: in a rollback the package that was deployed before, else a new one."""
    key = key_of(operation, desired, name)
    if operation.stack.rolling_back and is_kept(operation, desired, name):
        operation.log("reuse-package", key=key)
    else:
        with operation.restoring():
            _inject(operation, desired, key)
    kms_key = desired.code.get("SourceKMSKeyArn")
    place = {"S3Bucket": staging_bucket(operation.services.environ), "S3Key": key}
    return {**place, **({"SourceKMSKeyArn": kms_key} if kms_key else {})}


def _inject(operation: Operation, desired: FunctionSpec, key: str) -> None:
    source, files = _source(operation, desired)
    env = env_from.read(operation, desired.env_from, source).env
    operation.log("inject", env_keys=sorted(env))
    injected = injection.inject(
        source,
        S3Destination(operation.client("s3"), staging_bucket(operation.services.environ), key),
        env,
        path=desired.env_file,
        files=files,
        loader=desired.loader,
        max_unpacked=injection.LAMBDA_MAX_UNPACKED,
        max_size=injection.EDGE_MAX_SIZE if operation.newly_set("Edge") else injection.LAMBDA_MAX_SIZE,
    )
    operation.log("injected", size=injected.size, entries=injected.entries)


def _source(operation: Operation, desired: FunctionSpec) -> tuple[injection.Source, list[NewFile]]:
    """The shared artifact; for inline source an empty archive and the file to add to it."""
    code = desired.code
    if "ZipFile" in code:
        return injection.EMPTY, [NewFile(desired.inline_name, code["ZipFile"].encode())]
    place = (code["S3Bucket"], code["S3Key"], code.get("S3ObjectVersion"))
    return open_artifact(operation.client("s3"), operation.services.environ, *place), []


def _keys(operation: Operation, name: str) -> list[str]:
    return keys_below(operation.client("s3"), staging_bucket(operation.services.environ), _prefix(operation, name))


def discard_others(operation: Operation, name: str, keep: Collection[str] = ()) -> None:
    """Deletes the function's packages except those to keep. One that stays behind is deleted the next time."""
    client: Any = operation.client("s3")
    with operation.best_effort(function=name):
        for key in _keys(operation, name):
            if key not in keep:
                discard(client, staging_bucket(operation.services.environ), key)


def discard_one(operation: Operation, spec: FunctionSpec, name: str) -> None:
    """Deletes the package that the spec describes, if there is one."""
    with operation.best_effort(function=name):
        discard(operation.client("s3"), staging_bucket(operation.services.environ), key_of(operation, spec, name))
