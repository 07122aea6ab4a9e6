"""Methods of an API: put, brought to what is wanted, deleted; with their integrations and responses.

In: a job, what is wanted, a method as API Gateway describes it. Out: the method, complete.

A method comes into being with its mark, and before its integration. So the mark tells whose half a method is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from cfn_injector.plugin import OwnershipError, code_of
from cfn_injector.resources.api_gateway_resource.job import Job, Target
from cfn_injector.resources.api_gateway_resource.marks import mark_on
from cfn_injector.resources.api_gateway_resource.template import Wanted

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
        found = None
    if found is None:
        _put_anew(job, target, wanted, operation_name)
    job.log("put-integration", key=str(target))
    made = job.call("the integration", job.gateway.put_integration, **_ids(target), **wanted.integration)
    _put_responses(job, target, wanted, found or {}, made)


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
