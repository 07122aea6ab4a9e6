"""Finds, puts, changes and deletes methods of an API, with their integrations and responses.

Takes an operation, the desired method, and a method as API Gateway describes it. Returns when the method is complete.

A method is put with its owner in its operation name, and before its integration. So even an incomplete method has an
owner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from cfn_injector.plugin import NOT_OWNED, Operation, OwnershipError, PropertyError, code_of, denies_passing_role
from cfn_injector.resources.api_gateway_resource import calls
from cfn_injector.resources.api_gateway_resource.calls import Target, call
from cfn_injector.resources.api_gateway_resource.spec import MethodSpec
from cfn_injector.resources.api_gateway_resource.tags import Owner, owner_of, verdict_on

_SETTINGS = (
    "authorizationType",
    "authorizerId",
    "apiKeyRequired",
    "requestParameters",
    "requestModels",
    "requestValidatorId",
    "authorizationScopes",
)
_RESPONSE = ("responseParameters", "responseModels")


def _ids(target: Target) -> dict[str, str]:
    return {"restApiId": target.api, "resourceId": target.resource, "httpMethod": target.verb}


def find(operation: Operation, target: Target) -> Mapping[str, Any] | None:
    """The method as it is; None if it does not exist."""
    get_method = operation.client("apigateway").get_method
    found: Mapping[str, Any] | None = calls.find(operation, f"method {target}", get_method, **_ids(target))
    return found


def check_owned(operation: Operation, found: Mapping[str, Any], key: str, target: Target) -> Owner:
    """The owner of the method. Raises OwnershipError if it does not belong to this custom resource."""
    owner = owner_of(found)
    if owner is None or verdict_on(operation, owner) in NOT_OWNED:
        raise OwnershipError(
            f"{key} of API {target.api} already exists and does not belong to {operation.request.logical_id}; choose "
            "another Path or Method, or delete that method first",
            code="CI511",
        )
    return owner


def put(operation: Operation, target: Target, desired: MethodSpec, owner: Owner) -> Mapping[str, Any]:
    """Puts the method without an integration. Raises ClientError with ConflictException if it exists."""
    operation.log("put-method", key=str(target))
    arguments = {**_ids(target), **desired.method, "operationName": owner.text}
    method: Mapping[str, Any] = call(operation, "the method", operation.client("apigateway").put_method, **arguments)
    return method


def set_owner(operation: Operation, target: Target, owner: Owner) -> None:
    """Changes a method's operation name, which records its owner."""
    patch = [{"op": "replace", "path": "/operationName", "value": owner.text}]
    update_method = operation.client("apigateway").update_method
    call(operation, "the operation name of the method", update_method, **_ids(target), patchOperations=patch)


def delete(operation: Operation, target: Target) -> None:
    """Deletes the method; it is not an error if it does not exist."""
    operation.log("delete-method", key=str(target))
    calls.find(operation, "the method", operation.client("apigateway").delete_method, **_ids(target))


def _stated(described: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The members that were set. API Gateway describes others as empty, or by their defaults."""
    stated = {name: described[name] for name in names if described.get(name)}
    return {name: sorted(value) if isinstance(value, list) else value for name, value in stated.items()}


def apply(
    operation: Operation, target: Target, desired: MethodSpec, observed: Mapping[str, Any] | None, owner: Owner
) -> None:
    """Brings the observed method to the desired state, or puts it if there is none.

    Settings that one call cannot change are changed by putting the method anew. An integration is replaced in one
    call, so that a deployment that somebody creates meanwhile has the old one or the new one.
    """
    if observed is not None and _stated(observed, _SETTINGS) != _stated(desired.method, _SETTINGS):
        delete(operation, target)
        with _restoring(operation, target, observed):
            _put_anew(operation, target, desired, owner)
        observed = None
    elif observed is None:
        _put_anew(operation, target, desired, owner)
    operation.log("put-integration", key=str(target))
    integration = _put_integration(operation, target, desired)
    _put_responses(operation, target, desired, observed or {}, integration)


def _put_integration(operation: Operation, target: Target, desired: MethodSpec) -> Mapping[str, Any]:
    arguments = {**_ids(target), **desired.integration}
    try:
        return call(operation, "the integration", operation.client("apigateway").put_integration, **arguments)
    except ClientError as error:
        if not denies_passing_role(error):
            raise
        problem = f"is {arguments.get('credentials')}, which the provider is not allowed to pass to API Gateway"
        remedy = "allow iam:PassRole for it in a policy of ExtraPolicyArns of the provider's stack"
        raise PropertyError("IntegrationRequest.Credentials", problem, remedy, code="CI282") from error


@contextmanager
def _restoring(operation: Operation, target: Target, observed: Mapping[str, Any]) -> Iterator[None]:
    """If API Gateway refuses the new method, the old one is put again, so that no deployment lacks it."""
    try:
        yield
    except ClientError:
        with operation.best_effort(key=f"method {target}"):
            _restore(operation, target, observed)
        raise


def _restore(operation: Operation, target: Target, observed: Mapping[str, Any]) -> None:
    """Puts a method as API Gateway described it."""
    gateway, ids = operation.client("apigateway"), _ids(target)
    settings = {name: observed[name] for name in (*_SETTINGS, "operationName") if name in observed}
    call(operation, "the method", gateway.put_method, **ids, **settings)
    for response in (observed.get("methodResponses") or {}).values():
        members = _arguments(gateway, "PutMethodResponse", response)
        call(operation, "a response", gateway.put_method_response, **ids, **members)
    integration = observed.get("methodIntegration")
    if not integration:
        return
    verb = {"integrationHttpMethod": integration.get("httpMethod")}  # None for a mock
    members = _arguments(gateway, "PutIntegration", {**integration, **verb})
    call(operation, "the integration", gateway.put_integration, **{**members, **ids})
    for response in (integration.get("integrationResponses") or {}).values():
        members = _arguments(gateway, "PutIntegrationResponse", response)
        call(operation, "a response", gateway.put_integration_response, **ids, **members)


def _arguments(gateway: Any, name: str, described: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a description that are arguments of the operation of this name."""
    shape = gateway.meta.service_model.operation_model(name).input_shape
    return {name: value for name, value in described.items() if name in shape.members and value is not None}


def _put_anew(operation: Operation, target: Target, desired: MethodSpec, owner: Owner) -> None:
    try:
        put(operation, target, desired, owner)
    except ClientError as error:
        found = find(operation, target) if code_of(error) == "ConflictException" else None
        if found is None:
            raise
        check_owned(operation, found, str(target), target)  # if owned, the answer to the first attempt was lost


def _put_responses(
    operation: Operation,
    target: Target,
    desired: MethodSpec,
    observed: Mapping[str, Any],
    integration: Mapping[str, Any],
) -> None:
    """Puts the desired responses and deletes all others.

    Responses of the integration refer to those of the method, and no two of them may have the same pattern. So the
    observed ones are deleted first.
    """
    gateway, ids = operation.client("apigateway"), _ids(target)
    for status in integration.get("integrationResponses") or {}:
        calls.find(operation, "a response", gateway.delete_integration_response, **ids, statusCode=status)
    kept = set()
    for status, response in (observed.get("methodResponses") or {}).items():
        like = desired.method_responses.get(status)
        if like is not None and _stated(response, _RESPONSE) == _stated(like, _RESPONSE):
            kept.add(status)
        else:
            calls.find(operation, "a response", gateway.delete_method_response, **ids, statusCode=status)
    for status, response in desired.method_responses.items():
        if status not in kept:
            _put_response(operation, target, gateway.put_method_response, status, response)
    for status, response in desired.integration_responses.items():
        _put_response(operation, target, gateway.put_integration_response, status, response)


def _put_response(
    operation: Operation, target: Target, put: Callable[..., Any], status: str, response: Mapping[str, Any]
) -> None:
    """Puts a response. If it exists, the answer to an earlier attempt was lost: all others were deleted before."""
    try:
        call(operation, "a response", put, **_ids(target), statusCode=status, **response)
    except ClientError as error:
        if code_of(error) != "ConflictException":
            raise
