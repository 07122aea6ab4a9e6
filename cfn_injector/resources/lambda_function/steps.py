"""The steps of a change: create or update the function, record what was applied, publish a version.

Takes an operation, the desired spec, and a function's name. Returns the function's configuration as Lambda describes
it, or the attributes for ``Fn::GetAtt``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from botocore.exceptions import ClientError

from cfn_injector import env_loader
from cfn_injector.plugin import PREFIX, Operation, Outcome, code_of
from cfn_injector.resources.lambda_function import api, claim, described, packages, role
from cfn_injector.resources.lambda_function.applied import expected
from cfn_injector.resources.lambda_function.changes import Changes
from cfn_injector.resources.lambda_function.spec import FunctionSpec

BEFORE_CODE = ("CodeSigningConfigArn",)
BEFORE_PUBLISHING = ("ReservedConcurrentExecutions", "RecursiveLoop", "RuntimeManagementConfig")
AFTER_PUBLISHING = ("FunctionScalingConfig",)
ARTIFACT = "cfn-injector:artifact"
"""The tag with bucket and key of the artifact."""
_ROOMY = 40
"""With so many tags of the stack and the template, all of the provider's own fit into Lambda's 50."""
_LONGEST_TAG = 256
_NOT_IN_TAGS = re.compile(r"[^\w\s.:/=+@-]")
"""https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html#tag-conventions"""

PRUNE_SECONDS = 120.0
"""What deleting old versions may take while Lambda throttles."""


def create_function(
    operation: Operation, desired: FunctionSpec, name: str, tags: Mapping[str, str]
) -> Mapping[str, Any]:
    """Creates the function. If Lambda's answer to an attempt was lost, finds what that attempt created."""
    arguments = {**desired.arguments, "FunctionName": name, "Tags": tags}
    client = operation.client("lambda")
    operation.log("create-function", function=name)
    code = packages.provide(operation, desired, name)
    try:
        with role.explained(operation, desired.arguments["Role"]):
            return api.create(client, {**arguments, "Code": code}, operation.deadline)
    except ClientError as error:
        conflict = code_of(error) == "ResourceConflictException"
        if not conflict or not claim.is_pending(operation, name):
            raise
        return api.wait_until_ready(client, name, operation.deadline)


def apply(
    operation: Operation, desired: FunctionSpec, observed: Mapping[str, Any], changes: Changes
) -> Mapping[str, Any]:
    """Brings an existing function to the desired state, except for publishing; ``observed`` is its configuration.

    A loader that is added is in the code before the configuration starts it. One that is removed is no longer started
    before it leaves the code.
    """
    name = observed["FunctionName"]
    code = packages.provide(operation, desired, name) if changes.code else None
    put_separately(operation, name, changes, BEFORE_CODE)
    if code:
        if desired.loader is None:
            stopped = env_loader.stopped(observed, _own_handler(operation, desired))
            observed = _configure(operation, name, stopped, observed)
        operation.log("update-code", function=name)
        code_arguments = {**code, "Architectures": list(desired.architectures)}
        client, deadline = operation.client("lambda"), operation.deadline
        observed = api.update(client, name, deadline, observed=observed, code=code_arguments)
    stable = _configure(operation, name, changes.configuration, observed)
    put_separately(operation, name, changes, BEFORE_PUBLISHING)
    return stable


def records(
    operation: Operation, desired: FunctionSpec, stable: Mapping[str, Any], tags: Mapping[str, str]
) -> dict[str, str]:
    """The tags that say what was applied. Those that serve people alone are left out if there is no room for them."""
    applied = expected(operation, desired, stable["CodeSha256"]).tag
    present = {key for key in (*operation.tags({}), *tags) if not key.startswith(PREFIX)}
    if len(present) > _ROOMY:
        return applied
    return {**applied, **described.tag(operation.keyed_hash, stable, desired), **_artifact(desired)}


def _artifact(desired: FunctionSpec) -> dict[str, str]:
    """The tag with the artifact's location, as far as a tag can hold it; none for inline source."""
    if "ZipFile" in desired.code:
        return {}
    location = "/".join([desired.code["S3Bucket"], desired.code["S3Key"]])
    return {ARTIFACT: _NOT_IN_TAGS.sub("_", location)[:_LONGEST_TAG]}


def record(operation: Operation, desired: FunctionSpec, stable: Mapping[str, Any], tags: Mapping[str, str]) -> None:
    """Writes what was applied into the function's tags, as far as ``tags`` do not say so already."""
    wanted = records(operation, desired, stable, tags)
    missing = {key: value for key, value in wanted.items() if tags.get(key) != value}
    if missing:
        api.tag(operation.client("lambda"), stable["FunctionArn"], missing, operation.deadline)


def discard_old_packages(operation: Operation, desired: FunctionSpec, old: Collection[FunctionSpec], name: str) -> None:
    """Keeps the package that is deployed and, unless this is a rollback, those that a rollback can return to."""
    specs = [desired] if operation.stack.rolling_back else [desired, *old]
    packages.discard_others(operation, name, keep={packages.key_of(operation, spec, name) for spec in specs})


def _own_handler(operation: Operation, desired: FunctionSpec) -> str:
    """The handler in the code that is deployed, as far as the template says: the old one if that had a loader."""
    old = operation.request.old_properties
    return str(old["Handler"]) if env_loader.desired(old) else desired.handler


def _configure(
    operation: Operation, name: str, configuration: Mapping[str, Any], observed: Mapping[str, Any]
) -> Mapping[str, Any]:
    if configuration:
        operation.log("update-configuration", function=name, properties=sorted(configuration))
    client, deadline = operation.client("lambda"), operation.deadline
    with role.explained(operation, configuration.get("Role", observed["Role"])):
        return api.update(client, name, deadline, observed=observed, configuration=configuration)


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
    if desired.keep_versions is not None and not operation.stack.rolling_back:  # an alias may return to any version
        brief = operation.within(PRUNE_SECONDS)
        with brief.best_effort(function=name):  # versions that stay are deleted the next time
            api.prune(brief.client("lambda"), name, desired.keep_versions)
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
