"""Which module serves which resource type.

In: a type's name. Out: a module with ``create``, ``update`` and ``delete``. Other packages add types by the entry point
group ``cfn_injector.resources``: an entry point's name is what follows ``Custom::``, its value is the module.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import cast

from cfn_injector.errors import RequestError
from cfn_injector.protocol import Resource

GROUP = "cfn_injector.resources"
PREFIX = "Custom::"

BUILT_IN = {
    "LambdaFunction": "cfn_injector.resources.lambda_function",
    "LambdaCode": "cfn_injector.resources.lambda_code",
}


def find(resource_type: str) -> Resource:
    """The module of a type. Raises RequestError, which names the known types."""
    modules = {point.name: point.value for point in entry_points(group=GROUP)} | BUILT_IN
    name = resource_type.removeprefix(PREFIX)
    if not resource_type.startswith(PREFIX) or name not in modules:
        known = ", ".join(PREFIX + known for known in sorted(modules))
        raise RequestError(f"ResourceType {resource_type} is not served here; known are {known}")
    return cast(Resource, import_module(modules[name]))
