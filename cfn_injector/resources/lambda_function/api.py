"""Functions of AWS Lambda: created, updated and deleted, with the waits and retries that Lambda needs.

In: a boto3 client, typed arguments, and a ``Patience`` that bounds every wait. Out: the function's configuration as
Lambda describes it. Errors: FunctionError with Lambda's own reason, OutOfTimeError, or botocore's ClientError.

Lambda works asynchronously: a call returns while the function is Pending or an update InProgress, and the next call
conflicts until that is over. https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from cfn_injector.aws.waiting import Patience
from cfn_injector.errors import FunctionError, OutOfTimeError, code_of, message_of

READY = frozenset({"Active", "Inactive", "ActiveNonInvocable"})
DETACH_SECONDS = 120.0
"""What the way out of a network may take before a function is deleted."""

# What passes by itself: a new role or key grant that has not spread, an update that is still going on.
_PASSING = {
    "InvalidParameterValueException": re.compile(
        r"cannot be assumed by Lambda|execution role does not have permissions|throttled by EC2|CreateGrant"
        r"|KMS.*(grant|not.*ready|propagat)|concurrent update|replicated function",
        re.I | re.S,
    ),
    "KMSAccessDeniedException": re.compile("grant", re.I),
    "EC2ThrottledException": re.compile(""),
    "ResourceConflictException": re.compile(r"\A(?!.*already exist)", re.I | re.S),
}
"""Codes, and what their messages have to match."""

_STAYS = frozenset({"InvalidParameterValueException", "ResourceConflictException", "ResourceNotFoundException"})


def _passes(error: ClientError) -> bool:
    pattern = _PASSING.get(code_of(error))
    return pattern is not None and pattern.search(message_of(error)) is not None


def _persist(patience: Patience, what: str, call: Callable[..., Any], **arguments: Any) -> Any:
    """Calls until Lambda takes it; errors that do not pass by themselves are raised at once."""
    return patience.persist(what, partial(call, **arguments), _passes)


def describe(client: Any, name: str) -> dict[str, Any] | None:
    """GetFunction's answer with ``Configuration`` and ``Tags``; None where there is no such function."""
    try:
        found: dict[str, Any] = client.get_function(FunctionName=name)
    except ClientError as error:
        if code_of(error) == "ResourceNotFoundException":
            return None
        raise
    if "TagsError" in found:
        raise FunctionError(
            f"the tags of function {name} cannot be read ({found['TagsError'].get('ErrorCode')}), so it is not known "
            "whose it is; allow lambda:ListTags"
        )
    found.setdefault("Tags", {})
    return found


def wait_until_ready(client: Any, name: str, patience: Patience, qualifier: str | None = None) -> dict[str, Any]:
    """The configuration once the function, or its version, is Active and no update goes on."""
    arguments = {"FunctionName": name} if qualifier is None else {"FunctionName": name, "Qualifier": qualifier}
    what = f"function {name}" if qualifier is None else f"version {qualifier} of function {name}"

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = client.get_function_configuration(**arguments)
        if found.get("State") == "Failed":
            raise FunctionError(f"{what} failed: {found.get('StateReasonCode')}, {found.get('StateReason')}")
        if found.get("LastUpdateStatus") == "Failed":
            reason = f"{found.get('LastUpdateStatusReasonCode')}, {found.get('LastUpdateStatusReason')}"
            raise FunctionError(f"an update of {what} failed: {reason}")
        # While SnapStart prepares a version, LastUpdateStatus is missing.
        done = found.get("State") in READY and (qualifier or found.get("LastUpdateStatus") == "Successful")
        return found if done else None

    return patience.until(what, look)


def create(client: Any, arguments: Mapping[str, Any], patience: Patience) -> dict[str, Any]:
    """Creates a function and waits until it is Active; returns its configuration.

    Raises ClientError with ResourceConflictException where a function of that name exists.
    """
    _persist(patience, f"the creation of function {arguments['FunctionName']}", client.create_function, **arguments)
    return wait_until_ready(client, arguments["FunctionName"], patience)


def update(
    client: Any,
    name: str,
    patience: Patience,
    *,
    code: Mapping[str, Any] | None = None,
    configuration: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Updates code, then configuration, waiting after each; returns the function's configuration."""
    steps = ((client.update_function_code, code), (client.update_function_configuration, configuration))
    settled = wait_until_idle(client, name, patience)
    for call, arguments in steps:
        if arguments:
            _persist(patience, f"the update of function {name}", call, FunctionName=name, **arguments)
            settled = wait_until_ready(client, name, patience)
    return settled


def wait_until_idle(client: Any, name: str, patience: Patience) -> dict[str, Any]:
    """As ``wait_until_ready``, but a failure of an earlier update is no reason to stop: the next one may mend it."""

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = client.get_function_configuration(FunctionName=name)
        busy = found.get("State") == "Pending" or found.get("LastUpdateStatus", "InProgress") == "InProgress"
        return None if busy else found

    return patience.until(f"function {name}", look)


def tag(client: Any, arn: str, tags: Mapping[str, str], patience: Patience) -> None:
    """Adds tags to a function, or changes them."""
    _persist(patience, f"the tags of {arn}", client.tag_resource, Resource=arn, Tags=dict(tags))


def untag(client: Any, arn: str, keys: Sequence[str], patience: Patience) -> None:
    """Takes tags from a function; those that it has not are no error."""
    _persist(patience, f"the tags of {arn}", client.untag_resource, Resource=arn, TagKeys=list(keys))


def put(client: Any, name: str, kind: str, value: Any, patience: Patience, qualifier: str = "") -> None:
    """Sets a property that has a call of its own; None takes it back. ``qualifier`` names a version."""
    arguments: dict[str, Any] = {kind: value}
    if kind == "CodeSigningConfigArn":
        call = client.put_function_code_signing_config if value else client.delete_function_code_signing_config
        arguments = arguments if value else {}
    elif kind == "ReservedConcurrentExecutions":
        call = client.delete_function_concurrency if value is None else client.put_function_concurrency
        arguments = {} if value is None else arguments
    elif kind == "RecursiveLoop":
        call, arguments = client.put_function_recursion_config, {kind: value or "Terminate"}
    elif kind == "RuntimeManagementConfig":
        call, arguments = client.put_runtime_management_config, value or {"UpdateRuntimeOn": "Auto"}
    else:
        call, arguments = client.put_function_scaling_config, {"Qualifier": qualifier, kind: value or {}}
    _persist(patience, f"{kind} of function {name}", call, FunctionName=name, **arguments)


def publish(
    client: Any, name: str, patience: Patience, settled: Mapping[str, Any], *, to_latest: bool
) -> dict[str, Any]:
    """Publishes what was just settled as a version and waits until that is Active; returns the version's configuration.

    Lambda publishes nothing new where nothing changed: it returns the last version. A version that fails is deleted,
    for the same reason: it would be returned for ever.
    """
    target = {"PublishTo": "LATEST_PUBLISHED"} if to_latest else {}

    def attempt() -> dict[str, Any] | None:
        now = wait_until_ready(client, name, patience)
        if now["CodeSha256"] != settled["CodeSha256"]:
            raise FunctionError(f"the code of function {name} was changed by someone else meanwhile; deploy again")
        try:
            published: dict[str, Any] = _persist(
                patience,
                f"the publishing of function {name}",
                client.publish_version,
                FunctionName=name,
                CodeSha256=now["CodeSha256"],
                RevisionId=now["RevisionId"],
                **target,
            )
        except ClientError as error:
            if code_of(error) != "PreconditionFailedException":
                raise
            return None
        return published

    version = patience.until(f"the publishing of function {name}", attempt)["Version"]
    try:
        return wait_until_ready(client, name, patience, version)
    except FunctionError:
        client.delete_function(FunctionName=name, Qualifier=version)
        raise


def prune(client: Any, name: str, keep: int) -> list[str]:
    """Deletes versions but for the newest, ``keep`` before it, and those that an alias names; returns the deleted ones.

    One before the newest always stays: what else names it is updated later than this function. A version that Lambda
    does not give away yet, a Lambda@Edge replica for one, stays until the next time.
    """
    named = set()
    for page in client.get_paginator("list_aliases").paginate(FunctionName=name):
        for alias in page["Aliases"]:
            named |= {alias["FunctionVersion"], *alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})}
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    numbers = [item["Version"] for page in pages for item in page["Versions"] if item["Version"].isdecimal()]
    old = sorted(numbers, key=int, reverse=True)[max(keep, 1) + 1 :]
    deleted = []
    for version in reversed(old):
        if version in named:
            continue
        try:
            client.delete_function(FunctionName=name, Qualifier=version)
        except ClientError as error:
            if code_of(error) not in _STAYS:
                raise
        else:
            deleted.append(version)
    return deleted


def _detach(client: Any, name: str, patience: Patience) -> None:
    found = describe(client, name)
    if not found or not found["Configuration"].get("VpcConfig", {}).get("SubnetIds"):
        return
    nowhere: dict[str, Any] = {"VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []}}
    # What cannot be updated any more, because its role is gone for one, can still be deleted.
    with suppress(FunctionError, OutOfTimeError, ClientError):
        update(client, name, patience.briefly(DETACH_SECONDS), configuration=nowhere)


def delete(client: Any, name: str, patience: Patience) -> None:
    """Deletes a function with its versions; that it is gone already is no error.

    A function in a VPC is detached first: its network interfaces would otherwise hold subnets and security groups for
    up to 40 minutes. A Lambda@Edge function is given away only hours after its distribution forgot it.
    """
    try:
        _detach(client, name, patience)
        _persist(patience, f"the deletion of function {name}", client.delete_function, FunctionName=name)
    except OutOfTimeError as error:
        if "replicated function" not in str(error):
            raise
        raise OutOfTimeError(
            f"function {name} still has Lambda@Edge replicas, which CloudFront removes some hours after its last "
            "association is gone; delete the stack again later, or set DeletionPolicy: Retain and delete it by hand"
        ) from None
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
