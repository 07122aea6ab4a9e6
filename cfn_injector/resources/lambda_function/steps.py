"""The steps of a change: stage the injected archive, create or update, publish, and tell of it.

In: a job and a function's name. Out: the function's configuration as Lambda describes it, or the attributes that a
template can ask for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from cfn_injector import env_loader, env_properties, injection
from cfn_injector.archive import NewFile
from cfn_injector.aws.s3 import S3Destination, S3Source
from cfn_injector.aws.s3_objects import discard, staging_bucket
from cfn_injector.env_properties import flag
from cfn_injector.errors import AlreadyAnsweredError, InjectorError, StorageError, code_of
from cfn_injector.protocol.messages import Outcome
from cfn_injector.resources.lambda_function import api, claim, spec
from cfn_injector.resources.lambda_function.operation import Job

BEFORE_CODE = ("CodeSigningConfigArn",)
BEFORE_PUBLISHING = ("ReservedConcurrentExecutions", "RecursiveLoop", "RuntimeManagementConfig")
AFTER_PUBLISHING = ("FunctionScalingConfig",)


@contextmanager
def _staged_code(job: Job) -> Iterator[dict[str, str]]:
    """``Code`` as Lambda wants it: the injected archive as an object that is gone afterwards."""
    client, bucket = job.services.client("s3"), staging_bucket(job.services.environ)
    destination = S3Destination(client, bucket, f"tmp/{job.request.request_id}/{uuid4()}.zip")
    env, path = env_properties.variables(job.wanted), env_properties.env_file(job.wanted)
    source, files = _source(job, client)
    job.log("inject", env_keys=sorted(env))
    with ExitStack() as afterwards:
        afterwards.callback(_discard, job, destination)
        injected = injection.inject(
            source,
            destination,
            env,
            path=path,
            files=files,
            loader=env_loader.wanted(job.wanted),
            max_unpacked=injection.LAMBDA_MAX_UNPACKED,
            max_size=injection.EDGE_MAX_SIZE if _comes_to_the_edge(job) else None,
        )
        job.log("injected", size=injected.size, entries=injected.entries)
        key = job.wanted["Code"].get("SourceKMSKeyArn")
        yield {"S3Bucket": bucket, "S3Key": destination.key, **({"SourceKMSKeyArn": key} if key else {})}


def _comes_to_the_edge(job: Job) -> bool:
    """A rollback goes to what was accepted once, and so does an update of what is there already."""
    return not job.stack.rolling_back and env_properties.comes_to_the_edge(job.wanted, job.request.old_properties)


def _source(job: Job, client: Any) -> tuple[injection.Source, list[NewFile]]:
    """The shared artifact; for inline source an empty archive and the file that is put into it."""
    code = job.wanted["Code"]
    if "ZipFile" in code:
        return injection.EMPTY, [NewFile(spec.inline_name(job.wanted), code["ZipFile"].encode())]
    return S3Source.open(client, code["S3Bucket"], code["S3Key"], code.get("S3ObjectVersion")), []


def _discard(job: Job, staged: S3Destination) -> None:
    """That an object stays behind is no reason to fail: the bucket's lifecycle rule sweeps it."""
    try:
        discard(staged.client, staged.bucket, staged.key)
    except StorageError as error:
        job.log("left-behind", error=type(error).__name__, key=staged.key)


def create_function(job: Job, name: str, tags: Mapping[str, str]) -> dict[str, Any]:
    """Creates the function; finds its own half where an answer of Lambda's was lost."""
    arguments = {**spec.create_arguments(job.wanted, job.model), "FunctionName": name, "Tags": tags}
    job.log("create-function", function=name)
    with _staged_code(job) as code:
        try:
            return api.create(job.client, {**arguments, "Code": code}, job.patience)
        except ClientError as error:
            conflict = code_of(error) == "ResourceConflictException"
            if not conflict or not claim.is_pending(job, name):
                raise
            return api.wait_until_ready(job.client, name, job.patience)


def apply(job: Job, live: Mapping[str, Any], changes: spec.Changes) -> dict[str, Any]:
    """Brings an existing function, which Lambda told of, to the wanted state, publishing aside.

    A loader that comes is in the code before the configuration starts it; one that goes is not started any more before
    the code lacks it.
    """
    name = live["FunctionName"]
    put_apart(job, name, changes, BEFORE_CODE)
    if changes.code:
        architectures = job.wanted.get("Architectures", ["x86_64"])
        with _staged_code(job) as code:
            if env_loader.wanted(job.wanted) is None:
                _configure(job, name, env_loader.stopped(live, _own_handler(job)))
            job.log("update-code", function=name)
            api.update(job.client, name, job.patience, code={**code, "Architectures": architectures})
    settled = _configure(job, name, changes.configuration)
    put_apart(job, name, changes, BEFORE_PUBLISHING)
    return settled


def _own_handler(job: Job) -> str:
    """The handler in the code that is there, as far as the template tells: the old one where that had a loader."""
    old = job.request.old_properties
    return str((old if env_loader.wanted(old) else job.wanted)["Handler"])


def _configure(job: Job, name: str, configuration: Mapping[str, Any]) -> dict[str, Any]:
    if configuration:
        job.log("update-configuration", function=name, properties=sorted(configuration))
    return api.update(job.client, name, job.patience, configuration=configuration)


def put_apart(job: Job, name: str, changes: spec.Changes, kinds: tuple[str, ...], qualifier: str = "") -> None:
    """The properties that have calls of their own."""
    for kind in kinds:
        if kind in changes.apart:
            job.log("put", function=name, properties=[kind])
            api.put(job.client, name, kind, changes.apart[kind], job.patience, qualifier)


def publish(job: Job, name: str, settled: Mapping[str, Any], changes: spec.Changes) -> Mapping[str, Any]:
    """The configuration that the attributes tell of: the version's where one is published, else the function's."""
    if not spec.publishes(job.wanted):
        return settled
    to_latest = flag(job.wanted, "PublishToLatestPublished")
    version = api.publish(job.client, name, job.patience, settled, to_latest=to_latest)
    job.log("published", function=name, version=version["Version"])
    put_apart(job, name, changes, AFTER_PUBLISHING, "$LATEST.PUBLISHED" if to_latest else version["Version"])
    _prune(job, name)
    return version


def _prune(job: Job, name: str) -> None:
    """Versions that stay because a call failed go the next time: that is no reason to fail what is done."""
    keep = spec.keep_versions(job.wanted)
    if keep is None:
        return
    try:
        api.prune(job.client, name, keep)
    except AlreadyAnsweredError:
        raise
    except (InjectorError, ClientError, BotoCoreError) as error:
        job.log("left-behind", function=name, error=type(error).__name__)


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
