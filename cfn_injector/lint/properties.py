"""What the provider would refuse: properties of its own types, and ``Metadata.CfnInjector`` of functions.

Takes a resource and the possible outcomes of the template's conditions. Returns findings, by the provider's own rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cfn_injector import dynamic_references
from cfn_injector.errors import PropertyError
from cfn_injector.lint import values
from cfn_injector.lint.resource_types import CODE, TYPES
from cfn_injector.lint.templates import Finding, Resource, served
from cfn_injector.lint.values import Value
from cfn_injector.protocol.messages import service_timeout
from cfn_injector.transform import INJECTED, METADATA

Scenarios = Iterable[Mapping[str, bool]]
"""Each possible outcome of the conditions that a resource depends on."""

_FROM_FUNCTION = ("Handler", "Runtime", "PackageType")
_ARTIFACT = {"S3Bucket": "bucket", "S3Key": "key"}


def _once(findings: Iterable[Finding]) -> Iterator[Finding]:
    return iter(dict.fromkeys(findings))


def _type_problems(resource_type: str, properties: Mapping[str, Any]) -> list[PropertyError]:
    found = list(TYPES[resource_type].problems(properties))
    try:
        service_timeout(properties)
    except PropertyError as problem:
        found.append(problem)
    return found


def of_type(resource: Resource, scenarios: Scenarios) -> Iterator[Finding]:
    """What the provider refuses in the properties of one of its types."""
    return _once(_of_type(resource, scenarios))


def _of_type(resource: Resource, scenarios: Scenarios) -> Iterator[Finding]:
    for scenario in scenarios:
        value = values.read(resource.properties, resource.properties_path, scenario)
        for problem in values.problems(value, lambda properties: _type_problems(resource.type, properties)):
            yield Finding(value.place(problem.name), problem.full_message, problem.name)


def unresolved(resource: Resource, scenarios: Scenarios) -> Iterator[Finding]:
    """References to secrets outside of the properties in which the provider resolves them."""
    return _once(_unresolved(resource, scenarios))


def _unresolved(resource: Resource, scenarios: Scenarios) -> Iterator[Finding]:
    resolves = TYPES[resource.type].resolves
    for scenario in scenarios:
        value = values.read(resource.properties, resource.properties_path, scenario, of_intrinsic=_text)
        data = _without_parameters(value.data)
        for problem in dynamic_references.unresolved(data, resolves) if isinstance(data, Mapping) else ():
            if not (problem.name in resolves and value.is_unknown(problem.name)):
                yield Finding(value.place(problem.name), problem.full_message, problem.name)


def _text(value: Any) -> str:
    """All text in an intrinsic function."""
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return value if isinstance(value, str) else "".join(map(_text, inner))


def _without_parameters(data: Any) -> Any:
    """The data without references to plain parameters, which CloudFormation resolves before the provider sees them."""
    if isinstance(data, Mapping):
        return {name: _without_parameters(item) for name, item in data.items()}
    if isinstance(data, list):
        return [_without_parameters(item) for item in data]
    return data.replace("{{resolve:ssm:", "") if isinstance(data, str) else data


def of_metadata(resource: Resource, scenarios: Scenarios) -> Iterator[Finding]:
    """What ``Metadata.CfnInjector`` of a native function, or of SAM's, cannot be."""
    metadata = resource.body.get("Metadata")
    stated = metadata.get(METADATA[1]) if isinstance(metadata, Mapping) else None
    if isinstance(stated, Mapping):
        yield from _once(_of_metadata(resource, stated, scenarios))


def _of_metadata(resource: Resource, stated: Mapping[str, Any], scenarios: Scenarios) -> Iterator[Finding]:
    path = (*resource.path, *METADATA)
    for scenario in scenarios:
        value = values.read(stated, path, scenario)
        function = values.read(resource.properties, resource.properties_path, scenario)
        if value.is_unknown("") or function.is_unknown(""):
            continue
        for problem in values.problems(_with_function(value, function), _metadata_problems):
            yield Finding(value.place(problem.name), f"{'.'.join(METADATA)}.{problem.full_message}")


def _with_function(value: Value, function: Value) -> Value:
    """The metadata, with what else the ``Custom::LambdaCode`` of the function gets."""
    known = function.data if isinstance(function.data, Mapping) else {}
    own = {name: known[name] for name in _FROM_FUNCTION if name in known}
    unknown = {name for name in own if function.is_unknown(name)}
    return Value({**own, **value.data}, value.places, value.unknown | unknown)


def _metadata_problems(properties: Mapping[str, Any]) -> list[PropertyError]:
    if properties.get("PackageType", "Zip") != "Zip":
        return [
            PropertyError(
                "Env", "is for a container image, into which no file can be injected", "deploy a zip", code="CI613"
            )
        ]
    of_code = {name: value for name, value in properties.items() if name in (*INJECTED, "Handler", "Runtime")}
    return list(TYPES[CODE].problems({**of_code, "Code": _ARTIFACT}))


def without_timeout(template: Mapping[str, Any]) -> Iterator[Finding]:
    """Resources of the provider whose template does not say how long CloudFormation waits for it."""
    for resource in served(template):
        if not values.is_intrinsic(resource.properties) and resource.stated("ServiceTimeout") is None:
            message = (
                "ServiceTimeout is missing, so CloudFormation waits an hour if the provider cannot answer; set 1200"
            )
            yield Finding(resource.properties_path, message)
