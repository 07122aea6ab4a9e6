"""The provider's resource types as their own modules describe them.

Takes the properties of a resource as plain data. Returns the problems for which the provider would refuse it, and the
attributes that ``Fn::GetAtt`` has. Nothing is said twice: the provider parses the same properties by the same code.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from botocore.loaders import Loader
from botocore.model import ServiceModel

from cfn_injector.env_properties import CONNECT
from cfn_injector.errors import PropertyError
from cfn_injector.lint.values import Value
from cfn_injector.resources import api_gateway_resource, event_source_mapping, lambda_code, lambda_function
from cfn_injector.resources.api_gateway_resource import spec as method_spec
from cfn_injector.resources.event_source_mapping import spec as mapping_spec
from cfn_injector.resources.lambda_function import spec as function_spec

FUNCTION, CODE = "Custom::LambdaFunction", "Custom::LambdaCode"
MAPPING, METHOD = "Custom::EventSourceMapping", "Custom::APIGatewayResource"
Properties = Mapping[str, Any]


class ResourceType(NamedTuple):
    """``problems`` and ``attributes`` are functions; ``resolves`` are the maps in which references are resolved."""

    problems: Callable[[Properties], Sequence[PropertyError]]
    attributes: Callable[[Value], Collection[str]]
    resolves: Collection[str] = ()


@cache
def model(service: str) -> Any:
    """botocore's model of a service, which the provider's clients have too."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def _function_problems(properties: Properties) -> Sequence[PropertyError]:
    return function_spec.parse(_without_connect(properties), model("lambda")).problems


def _code_problems(properties: Properties) -> Sequence[PropertyError]:
    return lambda_code.parse(_without_connect(properties)).problems


def _mapping_problems(properties: Properties) -> Sequence[PropertyError]:
    region = str(properties.get("FunctionRegion", "us-east-1"))  # which one the stack is in is not known
    return mapping_spec.parse(properties, model("lambda"), region, {}).problems


def _method_problems(properties: Properties) -> Sequence[PropertyError]:
    return method_spec.parse(properties, model("apigateway"), _place(properties)).problems


def _place(properties: Properties) -> method_spec.Place:
    """Where the function is. Which Region and account the stack is in is not known."""
    request = properties.get("IntegrationRequest")
    arn = str(request.get("FunctionArn")) if isinstance(request, Mapping) else ""
    _, partition, _, region, account = (*arn.split(":")[:5], *[""] * 5)[:5]
    return method_spec.Place(partition, region, account)


def _without_connect(properties: Properties) -> Properties:
    """The properties without what ``cfn-injector transform`` removes."""
    return {name: value for name, value in properties.items() if name != CONNECT}


def _code_attributes(value: Value) -> Collection[str]:
    """Those of all packages, and ``Handler``, or ``Handler.NAME`` for each name in ``Handlers``."""
    handlers = value.data.get("Handlers")
    if not isinstance(handlers, Mapping):
        return lambda_code.ATTRIBUTES.keys()
    return lambda_code.ATTRIBUTES.keys() - {"Handler"} | {f"Handler.{name}" for name in handlers}


def _method_attributes(value: Value) -> Collection[str]:
    absent = () if "StageName" in value.data else api_gateway_resource.STAGE_ATTRIBUTES
    return api_gateway_resource.ATTRIBUTES.keys() - absent


TYPES: Mapping[str, ResourceType] = {
    FUNCTION: ResourceType(_function_problems, lambda _: lambda_function.ATTRIBUTES.keys(), lambda_function.RESOLVES),
    CODE: ResourceType(_code_problems, _code_attributes, lambda_code.RESOLVES),
    MAPPING: ResourceType(_mapping_problems, lambda _: event_source_mapping.ATTRIBUTES.keys()),
    METHOD: ResourceType(_method_problems, _method_attributes),
}


def attributes(resource_type: str, value: Value) -> Collection[str] | None:
    """The attributes of a resource; None if they depend on what is not known. ``value`` is of its properties."""
    if value.is_unknown("") or (resource_type == CODE and value.is_unknown("Handlers")):
        return None
    return TYPES[resource_type].attributes(value) if isinstance(value.data, Mapping) else None
