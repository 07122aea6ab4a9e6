"""The steps of a change: stage the injected archive, create or update the function, publish a version.

Takes an operation, the desired spec, and a function's name. Returns the function's configuration as Lambda describes
it, or the attributes for ``Fn::GetAtt``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from cfn_injector import env_loader, injection
from cfn_injector.archive import NewFile
from cfn_injector.aws.s3 import S3Destination, check_bucket, open_artifact
from cfn_injector.aws.s3_objects import discard, staging_bucket
from cfn_injector.env_properties import is_set
from cfn_injector.plugin import Operation, Outcome, code_of
from cfn_injector.resources.lambda_function import api, claim
from cfn_injector.resources.lambda_function.changes import Changes
from cfn_injector.resources.lambda_function.spec import FunctionSpec

BEFORE_CODE = ("CodeSigningConfigArn",)
BEFORE_PUBLISHING = ("ReservedConcurrentExecutions", "RecursiveLoop", "RuntimeManagementConfig")
AFTER_PUBLISHING = ("FunctionScalingConfig",)


@contextmanager
def _staged_code(operation: Operation, desired: FunctionSpec) -> Iterator[dict[str, str]]:
    """``Code`` as Lambda takes it: the injected archive in an object that is deleted afterwards."""
    client, bucket = operation.client("s3"), staging_bucket(operation.services.environ)
    key = f"tmp/{operation.request.request_id}/{uuid4()}.zip"
    source, files = _source(operation, desired)
    operation.log("inject", env_keys=sorted(desired.env))
    with ExitStack() as afterwards:
        afterwards.callback(_discard, operation, bucket, key)
        injected = injection.inject(
            source,
            S3Destination(client, bucket, key),
            desired.env,
            path=desired.env_file,
            files=files,
            loader=desired.loader,
            max_unpacked=injection.LAMBDA_MAX_UNPACKED,
            max_size=injection.EDGE_MAX_SIZE if _becomes_edge(operation, desired) else injection.LAMBDA_MAX_SIZE,
        )
        operation.log("injected", size=injected.size, entries=injected.entries)
        kms_key = desired.code.get("SourceKMSKeyArn")
        yield {"S3Bucket": bucket, "S3Key": key, **({"SourceKMSKeyArn": kms_key} if kms_key else {})}


def _becomes_edge(operation: Operation, desired: FunctionSpec) -> bool:
    """Whether the function is new to Lambda@Edge. A rollback returns to what was accepted once."""
    return desired.edge and not operation.stack.rolling_back and not is_set(operation.request.old_properties, "Edge")


def _source(operation: Operation, desired: FunctionSpec) -> tuple[injection.Source, list[NewFile]]:
    """The shared artifact; for inline source an empty archive and the file to add to it."""
    code = desired.code
    if "ZipFile" in code:
        return injection.EMPTY, [NewFile(desired.inline_name, code["ZipFile"].encode())]
    place = (code["S3Bucket"], code["S3Key"], code.get("S3ObjectVersion"))
    return open_artifact(operation.client("s3"), operation.services.environ, *place), []


def _discard(operation: Operation, bucket: str, key: str) -> None:
    """An object that stays behind is not an error: the bucket's lifecycle rule deletes it."""
    with operation.best_effort(key=key):
        discard(operation.client("s3"), bucket, key)


def create_function(operation: Operation, desired: FunctionSpec, name: str, tags: Mapping[str, str]) -> dict[str, Any]:
    """Creates the function. If Lambda's answer to an attempt was lost, finds what that attempt created."""
    arguments = {**desired.arguments, "FunctionName": name, "Tags": tags}
    client = operation.client("lambda")
    operation.log("create-function", function=name)
    with _staged_code(operation, desired) as code:
        try:
            return api.create(client, {**arguments, "Code": code}, operation.deadline)
        except ClientError as error:
            conflict = code_of(error) == "ResourceConflictException"
            if not conflict or not claim.is_pending(operation, name):
                raise
            return api.wait_until_ready(client, name, operation.deadline)


def apply(operation: Operation, desired: FunctionSpec, observed: Mapping[str, Any], changes: Changes) -> dict[str, Any]:
    """Brings an existing function to the desired state, except for publishing; ``observed`` is its configuration.

    A loader that is added is in the code before the configuration starts it. One that is removed is no longer started
    before it leaves the code.
    """
    name = observed["FunctionName"]
    if changes.code and "ZipFile" not in desired.code:
        check_bucket(operation.services.environ, desired.code["S3Bucket"])
    put_separately(operation, name, changes, BEFORE_CODE)
    if changes.code:
        with _staged_code(operation, desired) as code:
            if desired.loader is None:
                _configure(operation, name, env_loader.stopped(observed, _own_handler(operation, desired)))
            operation.log("update-code", function=name)
            code_arguments = {**code, "Architectures": list(desired.architectures)}
            api.update(operation.client("lambda"), name, operation.deadline, code=code_arguments)
    stable = _configure(operation, name, changes.configuration)
    put_separately(operation, name, changes, BEFORE_PUBLISHING)
    return stable


def _own_handler(operation: Operation, desired: FunctionSpec) -> str:
    """The handler in the code that is deployed, as far as the template says: the old one if that had a loader."""
    old = operation.request.old_properties
    return str(old["Handler"]) if env_loader.desired(old) else desired.handler


def _configure(operation: Operation, name: str, configuration: Mapping[str, Any]) -> dict[str, Any]:
    if configuration:
        operation.log("update-configuration", function=name, properties=sorted(configuration))
    return api.update(operation.client("lambda"), name, operation.deadline, configuration=configuration)


def put_separately(
    operation: Operation, name: str, changes: Changes, kinds: tuple[str, ...], qualifier: str = ""
) -> None:
    """Sets the properties that have calls of their own."""
    for kind in kinds:
        if kind in changes.separate:
            operation.log("put", function=name, properties=[kind])
            api.put(operation.client("lambda"), name, kind, changes.separate[kind], operation.deadline, qualifier)


def publish(
    operation: Operation, desired: FunctionSpec, name: str, stable: Mapping[str, Any], changes: Changes
) -> Mapping[str, Any]:
    """The configuration for the attributes: that of the version if one is published, else the function's."""
    if not desired.publish:
        return stable
    to_latest = desired.publish_to_latest
    version = api.publish(operation.client("lambda"), name, operation.deadline, stable, to_latest=to_latest)
    operation.log("published", function=name, version=version["Version"])
    qualifier = "$LATEST.PUBLISHED" if to_latest else version["Version"]
    put_separately(operation, name, changes, AFTER_PUBLISHING, qualifier)
    if desired.keep_versions is not None:
        with operation.best_effort(function=name):  # versions that stay are deleted the next time
            api.prune(operation.client("lambda"), name, desired.keep_versions)
    return version


def outcome(name: str, configuration: Mapping[str, Any]) -> Outcome:
    """The attributes of the function, or of its version. Every one is a string."""
    parts = configuration["FunctionArn"].split(":")
    arn, version = ":".join(parts[:7]), configuration.get("Version", "$LATEST")
    group = configuration.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{name}"
    snap_start = configuration.get("SnapStart", {})
    return Outcome(
        name,
        {
            "Arn": arn,
            "FunctionName": name,
            "Version": version,
            "VersionArn": f"{arn}:{version}",
            "CodeSha256": configuration["CodeSha256"],
            "LogGroupName": group,
            "LogGroupArn": f"arn:{parts[1]}:logs:{parts[3]}:{parts[4]}:log-group:{group}:*",
            "SnapStartResponse.ApplyOn": snap_start.get("ApplyOn", "None"),
            "SnapStartResponse.OptimizationStatus": snap_start.get("OptimizationStatus", "Off"),
        },
    )
