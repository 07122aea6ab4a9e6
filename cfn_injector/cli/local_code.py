"""Finds the local code that a template names.

Takes a template as plain data. Returns where it names a path of this machine, and which platform that code runs on.

    Code of AWS::Lambda::Function, Custom::LambdaFunction, Custom::LambdaCode   -> {S3Bucket, S3Key}
    Content of AWS::Lambda::LayerVersion                                        -> {S3Bucket, S3Key}
    CodeUri of AWS::Serverless::Function and of Globals.Function                -> s3://BUCKET/KEY
    ContentUri of AWS::Serverless::LayerVersion                                 -> s3://BUCKET/KEY

They may be in a loop (``Fn::ForEach``). Everything else stays as it is, for ``aws cloudformation package`` or ``sam``:
so do container images, and what ``Metadata.BuildMethod`` leaves to ``sam build``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from cfn_injector.cli.display import split
from cfn_injector.transform import NATIVE, OURS, SAM, Path, Resource, at, resources

_CODE = "Custom::LambdaCode"
_GLOBALS: Final[Path] = ("Globals", "Function")


class Kind(NamedTuple):
    """A type of resource with code. ``is_url`` says that its property holds an S3 URL, not a bucket and a key."""

    property: str
    is_url: bool = False
    is_layer: bool = False


KINDS: Mapping[str, Kind] = {
    NATIVE: Kind("Code"),
    "AWS::Lambda::LayerVersion": Kind("Content", is_layer=True),
    SAM: Kind("CodeUri", is_url=True),
    "AWS::Serverless::LayerVersion": Kind("ContentUri", is_url=True, is_layer=True),
    _CODE: Kind("Code"),
    OURS: Kind("Code"),
}


class LocalCode(NamedTuple):
    """Code of this machine.

    ``path`` leads to the property, which may not be there if ``source``, the path of the text, is in Globals.
    ``runtime`` and ``architecture`` are what the template says: a text, an intrinsic function, or None.
    """

    logical_id: str
    path: Path
    source: Path
    location: str
    kind: Kind
    runtime: Any
    architecture: Any


def _with_code(template: Mapping[str, Any]) -> Iterator[tuple[Resource, Kind, Mapping[str, Any]]]:
    """The resources with code, with their kinds and properties."""
    for resource in resources(template):
        properties = resource.body.get("Properties")
        if resource.type in KINDS and isinstance(properties, dict):
            yield resource, KINDS[resource.type], properties


def _platform(template: Mapping[str, Any], type_name: str, properties: Mapping[str, Any], name: str) -> Any:
    inherited = at(template, (*_GLOBALS, name)) if type_name == SAM else None
    return properties.get(name, inherited)


def _users(template: Mapping[str, Any], logical_id: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Type and properties of the functions whose code is that of a ``Custom::LambdaCode``."""
    for resource, kind, properties in _with_code(template):
        code = properties.get(kind.property) if not kind.is_layer else None
        keys = [code.get("S3Key"), code.get("Key")] if isinstance(code, dict) else []
        if {"Fn::GetAtt": [logical_id, "S3Key"]} in keys:
            yield resource.type, properties


def _of_users(template: Mapping[str, Any], logical_id: str, name: str) -> Any:
    """What all functions with the code of a ``Custom::LambdaCode`` say, or None."""
    found = [_platform(template, type_name, each, name) for type_name, each in _users(template, logical_id)]
    return found[0] if found and all(each == found[0] for each in found) else None


def _is_local(location: Any, resource: Resource) -> bool:
    """Whether it is a path of this machine. In a loop, ``./${Name}`` is a path that only CloudFormation knows."""
    if not isinstance(location, str) or not location or split(location)[0]:
        return False
    return not (resource.is_repeated and re.search(r"[$&]\{", location))


def local_code(template: Mapping[str, Any]) -> Iterator[LocalCode]:
    """The local code of a template, in its order. The code of a loop is that of everything that the loop makes."""
    for resource, kind, properties in _with_code(template):
        if "BuildMethod" in (resource.body.get("Metadata") or {}):
            continue
        path = source = (*resource.path, "Properties", kind.property)
        if resource.type == SAM:
            if _platform(template, SAM, properties, "PackageType") == "Image" or "InlineCode" in properties:
                continue
            if kind.property not in properties:
                source = (*_GLOBALS, kind.property)
        location = at(template, source)
        if not _is_local(location, resource):
            continue
        runtime = _platform(template, resource.type, properties, "Runtime")
        architecture = _platform(template, resource.type, properties, "Architectures")
        if resource.type == _CODE:
            runtime = runtime or _of_users(template, resource.logical_id, "Runtime")
            architecture = _of_users(template, resource.logical_id, "Architectures")
        yield LocalCode(resource.logical_id, path, source, location, kind, runtime, architecture)


def resolved(template: Mapping[str, Any], value: Any) -> Any:
    """The value of a property before the deployment: that of a parameter is its default.

    Returns None if it depends on more: a parameter without a default, or a condition with different values.
    """
    if isinstance(value, list):
        return [resolved(template, each) for each in value]
    if not isinstance(value, dict) or len(value) != 1:
        return value
    ((name, argument),) = value.items()
    return _FUNCTIONS[name](template, argument) if name in _FUNCTIONS else None


def _default(template: Mapping[str, Any], name: Any) -> Any:
    parameter = at(template, ("Parameters", str(name))) or {}
    default = parameter.get("Default")
    if parameter.get("Type") == "CommaDelimitedList" and isinstance(default, str):
        return [each.strip() for each in default.split(",")]
    return default


def _either(template: Mapping[str, Any], argument: Any) -> Any:
    values = [resolved(template, each) for each in argument[1:]] if isinstance(argument, list) else []
    return values[0] if len(values) == 2 and values[0] == values[1] else None


_FUNCTIONS: Mapping[str, Callable[[Mapping[str, Any], Any], Any]] = {"Ref": _default, "Fn::If": _either}
