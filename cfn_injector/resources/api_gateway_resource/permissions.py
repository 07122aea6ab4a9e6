"""Permits API Gateway to call a function, by a statement in the function's own policy.

Takes an operation, a method, and the ARN of a function, a version or an alias. Returns when the statement is there
exactly once, or is gone.

The statement's ID is derived from the custom resource and the method. So a method that replaces another has a statement
of its own, and each statement is deleted with its method.
https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from botocore.exceptions import ClientError

from cfn_injector.plugin import Operation, PropertyError, code_of, message_of, name_of, short_hash
from cfn_injector.resources.api_gateway_resource import paths
from cfn_injector.resources.api_gateway_resource.calls import Target, call, find, place_of
from cfn_injector.resources.api_gateway_resource.spec import Place, is_function_at

PRINCIPAL, ACTION = "apigateway.amazonaws.com", "lambda:InvokeFunction"
FORMER = "cfn-injector:former:"
"""The prefix of the key of an API's tag that records which function a method called before."""

_DENIED = frozenset({"AccessDeniedException", "AccessDenied"})
_WHERE = "IntegrationRequest.FunctionArn"
_FULL = (
    "names a function whose policy has no room for another method",
    "set IntegrationRequest.Credentials, or use Type: AWS_PROXY and one AWS::Lambda::Permission for the whole API",
)
_IN_URI = re.compile(r"/functions/(arn:[^/]+)/(?:response-streaming-)?invocations\Z")


def functions_named(properties: Mapping[str, Any], place: Place) -> set[str]:
    """The function that properties name, if it is in the place; the properties need not be valid."""
    integration = properties.get("IntegrationRequest")
    arn = integration.get("FunctionArn") if isinstance(integration, Mapping) else None
    return {arn} if isinstance(arn, str) and is_function_at(arn, place) else set()


def functions_called(method: Mapping[str, Any] | None, place: Place) -> set[str]:
    """The function that a method calls, as API Gateway describes it, if it is in the place."""
    integration = (method or {}).get("methodIntegration") or {}
    return {arn for arn in _IN_URI.findall(integration.get("uri") or "")[:1] if is_function_at(arn, place)}


def statement_id(operation: Operation, target: Target) -> str:
    """At most 100 characters of ``[A-Za-z0-9-_]``."""
    return f"{name_of(operation.request)}-{short_hash(str(target))}"


def source_arn(place: Place, target: Target, path: str) -> str:
    """The method in all stages of its API, with any value for the variables of its path."""
    verb = "*" if target.verb == "ANY" else target.verb
    any_values = re.sub(r"\{[^/}]*\}", "*", path)
    return f"arn:{place.partition}:execute-api:{place.region}:{place.account}:{target.api}/*/{verb}{any_values}"


def _function(arn: str) -> dict[str, str]:
    """The arguments that name a function. $LATEST has no policy of its own."""
    name, qualifier = ":".join(arn.split(":")[:7]), arn.split(":")[7:]
    return {"FunctionName": name, **({"Qualifier": qualifier[0]} if qualifier and qualifier != ["$LATEST"] else {})}


def _name(function: Mapping[str, str]) -> str:
    return function["FunctionName"].split(":")[-1]


def grant(operation: Operation, target: Target, arn: str, path: str) -> None:
    """Permits API Gateway to call the function for this method only. A statement that is there is kept or corrected.

    Raises PropertyError if the function does not exist or is outside the provider's permissions.
    """
    function, statement = _function(arn), statement_id(operation, target)
    source = source_arn(place_of(operation), target, path)
    operation.log("permit", function=_name(function))
    try:
        _add(operation, function, statement, source)
    except ClientError as error:
        code = code_of(error)
        if code in _DENIED:
            raise PropertyError(
                _WHERE,
                "is outside the provider's permissions",
                "use a function whose name begins with the FunctionNamePrefix of the provider's stack",
                code="CI259",
            ) from error
        if code == "ResourceNotFoundException":
            problem = f"does not exist: {message_of(error)}"
            raise PropertyError(_WHERE, problem, "correct it", code="CI277") from error
        if code == "PolicyLengthExceededException":
            raise PropertyError(_WHERE, *_FULL, code="CI279") from error
        if code != "ResourceConflictException":
            raise
        if not _is_present(operation, function, statement, source):
            revoke(operation, target, [arn])
            _add(operation, function, statement, source)


def _add(operation: Operation, function: Mapping[str, str], statement: str, source: str) -> None:
    call(
        operation,
        "the permission to call the function",
        operation.client("lambda").add_permission,
        **function,
        StatementId=statement,
        Action=ACTION,
        Principal=PRINCIPAL,
        SourceArn=source,
    )


def _is_present(operation: Operation, function: Mapping[str, str], statement: str, source: str) -> bool:
    answer = find(operation, "the function's policy", operation.client("lambda").get_policy, **function)
    statements = json.loads(answer["Policy"])["Statement"] if answer else []
    observed = [_flatten(each) for each in statements if each.get("Sid") == statement]
    return observed == [("Allow", PRINCIPAL, ACTION, [source])]


def _flatten(statement: Mapping[str, Any]) -> tuple[Any, ...]:
    """Effect, principal, action and source ARNs of a statement as Lambda describes it."""
    principal, conditions = statement.get("Principal"), statement.get("Condition") or {}
    sources = [value for operator in conditions.values() for value in operator.values()]
    service = principal.get("Service") if isinstance(principal, Mapping) else principal
    return statement.get("Effect"), service, statement.get("Action"), sources


def revoke(operation: Operation, target: Target, arns: Collection[str]) -> None:
    """Revokes the permission to call these functions. It is not an error if there is no permission or no function.

    Nor is it if the function is outside the provider's permissions: then the provider never granted this one, or the
    function was excluded later.
    """
    for arn in sorted(arns):
        function = _function(arn)
        try:
            find(
                operation,
                "the permission to call the function",
                operation.client("lambda").remove_permission,
                **function,
                StatementId=statement_id(operation, target),
            )
        except ClientError as error:
            if code_of(error) not in _DENIED:
                raise
            operation.log("left-behind", function=_name(function), error=code_of(error))


def _key(target: Target) -> str:
    return f"{FORMER}{target.resource}:{target.verb}"


def recorded(tree: paths.Tree, target: Target) -> set[str]:
    """The former function that stages may still call for the method."""
    arn = tree.tags.get(_key(target))
    return {arn} if arn else set()


def record(operation: Operation, tree: paths.Tree, target: Target, arns: Collection[str]) -> None:
    """Keeps the permission of a former function until the next change of the method.

    A stage that others deploy to calls that function until they deploy again. If the API has no room for another tag,
    the permission is revoked now.
    """
    kept = {":".join(_function(arn).values()) for arn in sorted(arns)[:1]}
    if kept and (recorded(tree, target) or paths.room(tree)):
        paths.tag(operation, target.api, {_key(target): kept.pop()})
    else:
        revoke(operation, target, arns)


def forget(operation: Operation, target: Target, arns: Collection[str]) -> None:
    """Deletes the record of a former function; ``arns`` are what is recorded."""
    if arns:
        paths.untag(operation, target.api, [_key(target)])
