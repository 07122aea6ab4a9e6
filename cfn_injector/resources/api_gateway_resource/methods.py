"""Methods of an API: put, brought to what is wanted, deleted; with their integrations and responses.

In: a job, what is wanted, a method as API Gateway describes it. Out: the method, complete.

A method comes into being with its mark, and before its integration. So the mark tells whose half a method is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from cfn_injector.plugin import OwnershipError, code_of
from cfn_injector.resources.api_gateway_resource.operation import Job, Target
from cfn_injector.resources.api_gateway_resource.spec import Wanted
from cfn_injector.resources.api_gateway_resource.tags import mark_on

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


def describe(job: Job, target: Target) -> Mapping[str, Any] | None:
    """The method as it is; None where there is none."""
    found: Mapping[str, Any] | None = job.found(f"method {target}", job.gateway.get_method, **_ids(target))
    return found


def check_ours(job: Job, found: Mapping[str, Any], key: str, target: Target) -> None:
    """Raises OwnershipError where the method is not this custom resource's."""
    mark = mark_on(found)
    if mark is None or mark.owner != job.owner:
        raise OwnershipError(
            f"{key} of API {target.api} exists already and is not {job.request.logical_id}'s; choose another Path or "
            "Method, or delete that method first"
        )


def put(job: Job, target: Target, wanted: Wanted, operation_name: str) -> Mapping[str, Any]:
    """Puts the method, without integration. Raises ClientError with ConflictException where there is one."""
    job.log("put-method", key=str(target))
    arguments = {**_ids(target), **wanted.method, "operationName": operation_name}
    made: Mapping[str, Any] = job.call("the method", job.gateway.put_method, **arguments)
    return made


def name(job: Job, target: Target, operation_name: str) -> None:
    """Changes a method's operation name, by which it is known."""
    patch = [{"op": "replace", "path": "/operationName", "value": operation_name}]
    job.call("the mark of the method", job.gateway.update_method, **_ids(target), patchOperations=patch)


def delete(job: Job, target: Target) -> None:
    """Deletes the method; that it is gone already is no error."""
    job.log("delete-method", key=str(target))
    job.found("the method", job.gateway.delete_method, **_ids(target))


def _essence(told: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """What was set; API Gateway tells of what was not as nothing, or by its default."""
    return {
        each: sorted(told[each]) if isinstance(told[each], list) else told[each] for each in names if told.get(each)
    }


def bring(job: Job, target: Target, wanted: Wanted, found: Mapping[str, Any] | None, operation_name: str) -> None:
    """Brings the method to what is wanted; None where it is to be put.

    What cannot be changed in one call is put anew. An integration is replaced in one call, so that a deployment that
    somebody makes meanwhile holds the old one or the new one.
    """
    if found is not None and _essence(found, _SETTINGS) != _essence(wanted.method, _SETTINGS):
        delete(job, target)
        with _put_back(job, target, found):
            _put_anew(job, target, wanted, operation_name)
        found = None
    elif found is None:
        _put_anew(job, target, wanted, operation_name)
    job.log("put-integration", key=str(target))
    made = job.call("the integration", job.gateway.put_integration, **_ids(target), **wanted.integration)
    _put_responses(job, target, wanted, found or {}, made)


@contextmanager
def _put_back(job: Job, target: Target, found: Mapping[str, Any]) -> Iterator[None]:
    """Where API Gateway refuses the new method, the old one is put again, so that no deployment lacks it."""
    try:
        yield
    except ClientError:
        with job.leaving_behind(f"method {target}"):
            _put_as(job, target, found)
        raise


def _put_as(job: Job, target: Target, told: Mapping[str, Any]) -> None:
    """Puts a method as API Gateway told of one."""
    gateway, ids = job.gateway, _ids(target)
    settings = {name: told[name] for name in (*_SETTINGS, "operationName") if name in told}
    job.call("the method", gateway.put_method, **ids, **settings)
    for response in (told.get("methodResponses") or {}).values():
        job.call("a response", gateway.put_method_response, **ids, **_members(gateway, "PutMethodResponse", response))
    integration = told.get("methodIntegration")
    if not integration:
        return
    called_by = {"integrationHttpMethod": integration.get("httpMethod")}  # a mock is called by nothing
    arguments = _members(gateway, "PutIntegration", {**integration, **called_by})
    job.call("the integration", gateway.put_integration, **{**arguments, **ids})
    for response in (integration.get("integrationResponses") or {}).values():
        members = _members(gateway, "PutIntegrationResponse", response)
        job.call("a response", gateway.put_integration_response, **ids, **members)


def _members(gateway: Any, operation: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """What of a description is an argument."""
    shape = gateway.meta.service_model.operation_model(operation).input_shape
    return {name: value for name, value in told.items() if name in shape.members and value is not None}


def _put_anew(job: Job, target: Target, wanted: Wanted, operation_name: str) -> None:
    try:
        put(job, target, wanted, operation_name)
    except ClientError as error:
        there = describe(job, target) if code_of(error) == "ConflictException" else None
        if there is None:
            raise
        check_ours(job, there, str(target), target)  # ours: the answer to the first attempt was lost


def _put_responses(
    job: Job, target: Target, wanted: Wanted, found: Mapping[str, Any], integration: Mapping[str, Any]
) -> None:
    """The responses that are wanted, and no others.

    Those of the integration refer to those of the method, and no two may be chosen by the same pattern: what was there
    goes first.
    """
    gateway, ids = job.gateway, _ids(target)
    for status in integration.get("integrationResponses") or {}:
        job.found("a response", gateway.delete_integration_response, **ids, statusCode=status)
    stay = set()
    for status, response in (found.get("methodResponses") or {}).items():
        like = wanted.method_responses.get(status)
        if like is not None and _essence(response, _RESPONSE) == _essence(like, _RESPONSE):
            stay.add(status)
        else:
            job.found("a response", gateway.delete_method_response, **ids, statusCode=status)
    for status, response in wanted.method_responses.items():
        if status not in stay:
            _once(job, target, gateway.put_method_response, status, response)
    for status, response in wanted.integration_responses.items():
        _once(job, target, gateway.put_integration_response, status, response)


def _once(job: Job, target: Target, put: Callable[..., Any], status: str, response: Mapping[str, Any]) -> None:
    """Puts a response. As what was there is gone, one that exists is this one, whose answer was lost."""
    try:
        job.call("a response", put, **_ids(target), statusCode=status, **response)
    except ClientError as error:
        if code_of(error) != "ConflictException":
            raise
