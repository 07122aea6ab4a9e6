"""That API Gateway may call a function: a statement in the function's own policy.

In: a job, a method, the ARN of a function, a version or an alias. Out: a statement that is there once, or is gone.

Its id is derived from the custom resource and from the method that it is for, so that the method that replaces another
has a statement of its own, and each goes with its method.
https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html
"""

from __future__ import annotations

import json
import re
from base64 import b32encode
from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Any

from botocore.exceptions import ClientError

from cfn_injector.plugin import PropertyError, code_of, message_of
from cfn_injector.resources.api_gateway_resource import paths
from cfn_injector.resources.api_gateway_resource.operation import Job, Target

PRINCIPAL, ACTION = "apigateway.amazonaws.com", "lambda:InvokeFunction"
FORMER = "cfn-injector:former:"
"""How the key of an API's tag begins that remembers which function a method called before."""

_DENIED = frozenset({"AccessDeniedException", "AccessDenied"})
_WHERE = "IntegrationRequest.FunctionArn"


def statement_id(job: Job, target: Target) -> str:
    """At most 100 characters of ``[A-Za-z0-9-_]``."""
    digest = b32encode(sha256(str(target).encode()).digest()).decode()[:12]
    return f"{job.owner}-{digest}"


def source_arn(job: Job, target: Target, path: str) -> str:
    """The method in all stages of its API; what stands in braces in its path may be anything."""
    verb = "*" if target.verb == "ANY" else target.verb
    anything = re.sub(r"\{[^/}]*\}", "*", path)
    return (
        f"arn:{job.place.partition}:execute-api:{job.place.region}:{job.place.account}:{target.api}/*/{verb}{anything}"
    )


def _function(arn: str) -> dict[str, str]:
    """The arguments that name a function; its newest code has no policy of its own."""
    name, qualifier = ":".join(arn.split(":")[:7]), arn.split(":")[7:]
    return {"FunctionName": name, **({"Qualifier": qualifier[0]} if qualifier and qualifier != ["$LATEST"] else {})}


def grant(job: Job, target: Target, arn: str, path: str) -> None:
    """Permits API Gateway to call the function, for this method alone. What is there already stays, or is corrected.

    Raises PropertyError where the provider may not touch that function, or where there is none.
    """
    function, statement, source = _function(arn), statement_id(job, target), source_arn(job, target, path)
    job.log("permit", function=function["FunctionName"].split(":")[-1])
    try:
        _add(job, function, statement, source)
    except ClientError as error:
        code = code_of(error)
        if code in _DENIED:
            raise PropertyError(
                _WHERE,
                "is not one that the provider may touch",
                "begin its name with the FunctionNamePrefix of the provider's stack",
            ) from error
        if code == "ResourceNotFoundException":
            raise PropertyError(_WHERE, f"does not exist: {message_of(error)}", "correct it") from error
        if code != "ResourceConflictException":
            raise
        if not _is_there(job, function, statement, source):
            revoke(job, target, [arn])
            _add(job, function, statement, source)


def _add(job: Job, function: Mapping[str, str], statement: str, source: str) -> None:
    job.call(
        "the permission to call the function",
        job.functions.add_permission,
        **function,
        StatementId=statement,
        Action=ACTION,
        Principal=PRINCIPAL,
        SourceArn=source,
    )


def _is_there(job: Job, function: Mapping[str, str], statement: str, source: str) -> bool:
    told = job.found("the function's policy", job.functions.get_policy, **function)
    found = [each for each in json.loads(told["Policy"])["Statement"] if each.get("Sid") == statement] if told else []
    return [_essence(each) for each in found] == [("Allow", PRINCIPAL, ACTION, [source])]


def _essence(statement: Mapping[str, Any]) -> tuple[Any, ...]:
    principal, conditions = statement.get("Principal"), statement.get("Condition") or {}
    sources = [value for operator in conditions.values() for value in operator.values()]
    service = principal.get("Service") if isinstance(principal, Mapping) else principal
    return statement.get("Effect"), service, statement.get("Action"), sources


def revoke(job: Job, target: Target, arns: Collection[str]) -> None:
    """Takes the permission back; that there is none, or no such function, is no error.

    Nor is it one that the provider may not touch the function: then it has never been permitted from here, or the
    function was taken out of the provider's reach since.
    """
    for arn in sorted(arns):
        function = _function(arn)
        try:
            job.found(
                "the permission to call the function",
                job.functions.remove_permission,
                **function,
                StatementId=statement_id(job, target),
            )
        except ClientError as error:
            if code_of(error) not in _DENIED:
                raise
            job.log("left-behind", function=function["FunctionName"].split(":")[-1], error=code_of(error))


def _key(target: Target) -> str:
    return f"{FORMER}{target.resource}:{target.verb}"


def remembered(tree: paths.Tree, target: Target) -> set[str]:
    """The function that may still be called for the method, although that calls another one by now."""
    arn = tree.tags.get(_key(target))
    return {arn} if arn else set()


def remember(job: Job, tree: paths.Tree, target: Target, arns: Collection[str]) -> None:
    """Keeps the permission of a former function until the next change of the method.

    A stage that others deploy to calls it until they do. Where the API takes no further tag, the permission goes now.
    """
    kept = {":".join(_function(arn).values()) for arn in sorted(arns)[:1]}
    if kept and (remembered(tree, target) or paths.room(tree)):
        paths.tag(job, target.api, {_key(target): kept.pop()})
    else:
        revoke(job, target, arns)


def forget(job: Job, target: Target, arns: Collection[str]) -> None:
    """For when no former function may be called any more; ``arns`` are those that are remembered."""
    if arns:
        paths.untag(job, target.api, [_key(target)])
