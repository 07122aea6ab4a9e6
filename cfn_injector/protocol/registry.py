"""Finds the module that serves a resource type.

Takes a type's name. Returns a module with ``create``, ``update`` and ``delete``. Other packages add types with the
entry point group ``cfn_injector.resources``: an entry point's name is the part after ``Custom::``,
and its value is the module.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import cast

from cfn_injector.errors import InjectorError, RequestError
from cfn_injector.protocol.messages import Resource

GROUP = "cfn_injector.resources"
PREFIX = "Custom::"

BUILT_IN = {
    "LambdaFunction": "cfn_injector.resources.lambda_function",
    "LambdaCode": "cfn_injector.resources.lambda_code",
    "EventSourceMapping": "cfn_injector.resources.event_source_mapping",
    "APIGatewayResource": "cfn_injector.resources.api_gateway_resource",
}


def services(modules: Mapping[str, str]) -> set[str]:
    """The AWS services that these resource types call, by their botocore names: ``SERVICES`` of each module.

    Raises InjectorError if a module is not a resource type.
    """
    found = set[str]()
    for name, module in modules.items():
        try:
            loaded = import_module(module)
        except ImportError as error:
            problem = f"{module}, the module of {PREFIX}{name}, cannot be imported: {error}"
            raise InjectorError(problem, code="CI119") from error
        lacking = [verb for verb in ("create", "update", "delete") if not callable(getattr(loaded, verb, None))]
        if lacking:
            problem = f"{module}, the module of {PREFIX}{name}, has no function {lacking[0]}; add it"
            raise InjectorError(problem, code="CI120")
        found.update(getattr(loaded, "SERVICES", ()))
    return found


@cache
def _modules() -> dict[str, str]:
    return {point.name: point.value for point in entry_points(group=GROUP)} | BUILT_IN


def known() -> set[str]:
    """All resource types that have a module."""
    return {PREFIX + name for name in _modules()}


def is_known(resource_type: str) -> bool:
    """Whether a module serves this type."""
    return resource_type.startswith(PREFIX) and resource_type.removeprefix(PREFIX) in _modules()


def find(resource_type: str) -> Resource:
    """The module of a type. Raises RequestError, which lists the known types, if there is none."""
    modules, name = _modules(), resource_type.removeprefix(PREFIX)
    if not resource_type.startswith(PREFIX) or name not in modules:
        types = ", ".join(sorted(known()))
        problem = f"ResourceType {resource_type} is not known to this provider; use one of {types}"
        raise RequestError(problem, code="CI102")
    return cast(Resource, import_module(modules[name]))
