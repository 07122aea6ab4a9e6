"""Functions of AWS Lambda: found, created, updated and deleted, with the waits and retries that Lambda needs.

Takes a boto3 client, typed arguments, and a ``Deadline`` that bounds every wait. Returns the function's configuration
as Lambda describes it. Raises ResourceError with Lambda's own reason, OutOfTimeError, or botocore's ClientError. A
FunctionError, which is a ResourceError, says that something failed, and so can be deleted.

Lambda works asynchronously: a call returns while the function is Pending or an update InProgress, and the next call
conflicts until that is over. https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html

All waits poll by GetFunction, which has a quota of its own: 100 calls per second in an account. All other calls share
15 per second. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#api-requests
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from cfn_injector.aws.waiting import LOOKS, Deadline
from cfn_injector.errors import FunctionError, OutOfTimeError, ResourceError, code_of, message_of
from cfn_injector.plugin import Operation
from cfn_injector.resources.lambda_function.changes import RESETS

READY = frozenset({"Active", "Inactive", "ActiveNonInvocable"})
ENDED = frozenset({"Deactivating", "Deactivated", "Deleting"})
"""States that no wait leads out of."""
DETACH_SECONDS = 120.0
"""What detaching from a network may take before a function is deleted."""

# Errors that go away: a new role or key grant has not propagated yet, an update is still in progress.
_TRANSIENT = {
    "InvalidParameterValueException": re.compile(
        r"cannot be assumed by Lambda|execution role does not have permissions|throttled by EC2|CreateGrant"
        r"|KMS.*(grant|not.*ready|propagat)|concurrent update|replicated function",
        re.I | re.S,
    ),
    "KMSAccessDeniedException": re.compile("grant", re.I),
    "EC2ThrottledException": re.compile(""),
    "ResourceConflictException": re.compile(r"\A(?!.*already exist)", re.I | re.S),
}
"""Error codes, and what their messages have to match."""

_STILL_NEEDED = frozenset({"InvalidParameterValueException", "ResourceConflictException", "ResourceNotFoundException"})


def is_transient(error: ClientError) -> bool:
    """Whether the same call may succeed a moment later."""
    pattern = _TRANSIENT.get(code_of(error))
    return pattern is not None and pattern.search(message_of(error)) is not None


def _retry(deadline: Deadline, what: str, call: Callable[..., Any], **arguments: Any) -> Any:
    """Calls until Lambda accepts it; an error that is not transient is raised at once."""
    return deadline.retry(what, partial(call, **arguments), is_transient)


def find(client: Any, name: str, version: str = "") -> dict[str, Any] | None:
    """GetFunction's answer with ``Configuration`` and ``Tags``; None if the function or its version does not exist."""
    qualifier = {"Qualifier": version} if version else {}
    try:
        found: dict[str, Any] = client.get_function(FunctionName=name, **qualifier)
    except ClientError as error:
        if code_of(error) == "ResourceNotFoundException":
            return None
        raise
    if "TagsError" in found:
        raise FunctionError(
            f"the tags of function {name} cannot be read ({found['TagsError'].get('ErrorCode')}), so its owner "
            "is unknown; allow lambda:ListTags",
            code="CI416",
        )
    found.setdefault("Tags", {})
    return found


def _describe(client: Any, what: str, **arguments: str) -> dict[str, Any]:
    """The configuration. Raises ResourceError if the function or version is in a state that no wait leads out of."""
    found: dict[str, Any] = client.get_function(**arguments)["Configuration"]
    if found.get("State") in ENDED:
        reason = f"{found.get('StateReasonCode')}, {found.get('StateReason')}"
        raise ResourceError(f"{what} is {found['State']}: {reason}", code="CI415")
    return found


def _is_busy(found: Mapping[str, Any]) -> bool:
    """Whether an update would conflict. While SnapStart prepares a version, LastUpdateStatus is missing."""
    return found.get("State") == "Pending" or found.get("LastUpdateStatus", "InProgress") == "InProgress"


def _is_ready(found: Mapping[str, Any]) -> bool:
    return found.get("State") in READY and found.get("LastUpdateStatus") == "Successful"


def wait_until_ready(
    client: Any, name: str, deadline: Deadline, qualifier: str | None = None, *, at_once: bool = True
) -> dict[str, Any]:
    """The configuration, once the function or its version is Active and no update is in progress.

    ``at_once=False``: a change has only just begun.
    """
    arguments = {"FunctionName": name} if qualifier is None else {"FunctionName": name, "Qualifier": qualifier}
    what = f"function {name}" if qualifier is None else f"version {qualifier} of function {name}"

    def look() -> dict[str, Any] | None:
        found = _describe(client, what, **arguments)
        if found.get("State") == "Failed":
            reason = f"{found.get('StateReasonCode')}, {found.get('StateReason')}"
            raise FunctionError(f"{what} failed: {reason}", code="CI413")
        if found.get("LastUpdateStatus") == "Failed":
            reason = f"{found.get('LastUpdateStatusReasonCode')}, {found.get('LastUpdateStatusReason')}"
            raise FunctionError(f"an update of {what} failed: {reason}", code="CI414")
        done = found.get("State") in READY if qualifier else _is_ready(found)
        return found if done else None

    return deadline.wait_for(what, look, pace=LOOKS, at_once=at_once)


def create(client: Any, arguments: Mapping[str, Any], deadline: Deadline) -> dict[str, Any]:
    """Creates a function and waits until it is Active; returns its configuration.

    Raises ClientError with ResourceConflictException where a function of that name exists.
    """
    _retry(deadline, f"the creation of function {arguments['FunctionName']}", client.create_function, **arguments)
    return wait_until_ready(client, arguments["FunctionName"], deadline, at_once=False)


def update(
    client: Any,
    name: str,
    deadline: Deadline,
    *,
    observed: Mapping[str, Any] | None = None,
    code: Mapping[str, Any] | None = None,
    configuration: Mapping[str, Any] | None = None,
) -> Mapping[str, Any]:
    """Updates code, then configuration, and waits after each; returns the function's configuration.

    ``observed`` is the configuration as far as it is known: see ``wait_until_idle``.
    """
    steps = ((client.update_function_code, code), (client.update_function_configuration, configuration))
    stable = wait_until_idle(client, name, deadline, observed)
    for call, arguments in steps:
        if arguments:
            _retry(deadline, f"the update of function {name}", call, FunctionName=name, **arguments)
            stable = wait_until_ready(client, name, deadline, at_once=False)
    return stable


def wait_until_idle(
    client: Any, name: str, deadline: Deadline, observed: Mapping[str, Any] | None = None
) -> Mapping[str, Any]:
    """Like ``wait_until_ready``, but goes on if an earlier update failed: the next update may correct that.

    ``observed`` is the configuration as far as it is known; if it is idle, nothing is asked.
    """

    def look() -> Mapping[str, Any] | None:
        found = _describe(client, f"function {name}", FunctionName=name)
        return None if _is_busy(found) else found

    if observed is not None and not _is_busy(observed) and observed.get("State") not in ENDED:
        return observed
    return deadline.wait_for(f"function {name}", look, pace=LOOKS)


def tag(client: Any, arn: str, tags: Mapping[str, str], deadline: Deadline) -> None:
    """Adds tags to a function, or changes them."""
    _retry(deadline, f"the tags of {arn}", client.tag_resource, Resource=arn, Tags=dict(tags))


def untag(client: Any, arn: str, keys: Sequence[str], deadline: Deadline) -> None:
    """Removes tags from a function; tags that it does not have are ignored."""
    _retry(deadline, f"the tags of {arn}", client.untag_resource, Resource=arn, TagKeys=list(keys))


def put(client: Any, name: str, kind: str, value: Any, deadline: Deadline, qualifier: str = "") -> None:
    """Sets a property that has a call of its own; None resets it. ``qualifier`` names a version."""
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
    _retry(deadline, f"{kind} of function {name}", call, FunctionName=name, **arguments)


def publish(
    client: Any, name: str, deadline: Deadline, stable: Mapping[str, Any], *, to_latest: bool
) -> dict[str, Any]:
    """Publishes the ``stable`` configuration as a version, waits until that is Active, and returns its configuration.

    The revision is the one of ``stable``, or one that is read now if something changed since then. If nothing changed
    since the last version, Lambda publishes nothing and returns that. So a version that fails is deleted, or Lambda
    would return it again and again.
    """
    target = {"PublishTo": "LATEST_PUBLISHED"} if to_latest else {}
    known = [stable] if _is_ready(stable) else []

    def attempt() -> dict[str, Any] | None:
        now = known.pop() if known else wait_until_ready(client, name, deadline)
        if now["CodeSha256"] != stable["CodeSha256"]:
            problem = f"the code of function {name} was changed by someone else meanwhile"
            raise FunctionError(f"{problem}; deploy again", code="CI417")
        try:
            published: dict[str, Any] = _retry(
                deadline,
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

    version = deadline.wait_for(f"the publishing of function {name}", attempt)["Version"]
    try:
        return wait_until_ready(client, name, deadline, version, at_once=False)
    except FunctionError:
        client.delete_function(FunctionName=name, Qualifier=version)
        raise


def prune(client: Any, name: str, keep: int) -> list[str]:
    """Deletes versions except the newest, ``keep`` before it, and those that an alias names; returns the deleted ones.

    At least one before the newest stays, because resources that refer to it are updated after this function. A version
    that Lambda cannot delete yet, such as one with Lambda@Edge replicas, stays until the next time.
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
            if code_of(error) not in _STILL_NEEDED:
                raise
        else:
            deleted.append(version)
    return deleted


def _detach(client: Any, name: str, deadline: Deadline) -> None:
    """Takes the function out of its VPC, if it is in one."""
    found = find(client, name)
    if not found or not found["Configuration"].get("VpcConfig", {}).get("SubnetIds"):
        return
    nowhere = {"VpcConfig": RESETS["VpcConfig"]}
    what = f"the network of function {name}"
    _retry(deadline, what, client.update_function_configuration, FunctionName=name, **nowhere)
    wait_until_ready(client, name, deadline, at_once=False)


def delete(operation: Operation, name: str) -> None:
    """Deletes a function with its versions, and waits until it is gone; one that is gone already is ignored.

    A function in a VPC is detached first: its network interfaces would otherwise hold subnets and security groups for
    up to 40 minutes. A function that cannot be updated, for example because its role is gone, can still be deleted. A
    Lambda@Edge function can be deleted only hours after its distribution no longer uses it. A durable function is
    Deleting until its executions have ended.
    """
    client, deadline, what = operation.client("lambda"), operation.deadline, f"the deletion of function {name}"
    brief = operation.within(DETACH_SECONDS)
    with brief.best_effort(function=name):
        _detach(brief.client("lambda"), name, brief.deadline)
    try:
        _retry(deadline, what, client.delete_function, FunctionName=name)
    except OutOfTimeError as error:
        if "replicated function" not in str(error):
            raise
        raise OutOfTimeError(
            f"function {name} still has Lambda@Edge replicas, which CloudFront removes some hours after its last "
            "association is removed; delete the stack again later, or set DeletionPolicy: Retain and delete it by hand",
            code="CI418",
        ) from None
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
    deadline.wait_for(what, lambda: find(client, name) is None or None, pace=LOOKS)
