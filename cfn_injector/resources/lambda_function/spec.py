"""Reads the properties of ``Custom::LambdaFunction``.

Takes the properties of a template, in which CloudFormation sends every scalar as a string, and botocore's model of the
Lambda API. Returns one ``FunctionSpec`` with typed arguments and every problem. A property that the model does not know
is a problem, too: nothing is passed on unread.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cfn_injector import env_from, env_loader, env_properties
from cfn_injector.env_from import EnvFrom
from cfn_injector.env_loader import Loader
from cfn_injector.env_properties import is_set
from cfn_injector.plugin import PropertyError, arguments, expect, flag, stated_tags, template_tags, typed, without_empty
from cfn_injector.resources.lambda_function import edge
from cfn_injector.resources.lambda_function.properties import OWN

OWN_PROPERTIES = frozenset({"ServiceToken", "ServiceTimeout", *OWN})
"""Properties that ``AWS::Lambda::Function`` does not have."""

API_NAMES = {"KmsKeyArn": "KMSKeyArn"}
"""Properties that the API spells differently."""

SEPARATE_CALLS = {
    "ReservedConcurrentExecutions": "PutFunctionConcurrency",
    "CodeSigningConfigArn": "PutFunctionCodeSigningConfig",
    "RecursiveLoop": "PutFunctionRecursionConfig",
    "RuntimeManagementConfig": "PutRuntimeManagementConfig",
    "FunctionScalingConfig": "PutFunctionScalingConfig",
}
"""Properties that have a call of their own."""

PLACE = frozenset({"FunctionName", "Qualifier"})
"""What says which function a separate call is about."""

_NOT_ARGUMENTS = frozenset({"Code", "Tags", "PublishToLatestPublished"})
"""Properties of ``AWS::Lambda::Function`` that are not passed to CreateFunction as they are."""

_NOT_PROPERTIES = frozenset({"Publish", "PublishTo"})
"""Arguments of CreateFunction that are not properties of ``AWS::Lambda::Function``."""

_FLAGS = ("Publish", "Edge", "Adopt", "AllowLoaderVariables", "PublishToLatestPublished")
PUBLISHING = ("Publish", "Edge", "PublishToLatestPublished")
_INLINE_NAMES = {"python": "index.py", "nodejs": "index.js"}
FUNCTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_UNKNOWN = "is not known to this provider's model of the API", "correct its name"


@dataclass(frozen=True)
class FunctionSpec:
    """The properties of a function, typed. What could not be typed is in ``problems`` and nowhere else.

    ``arguments`` are those of CreateFunction except Code and Tags; with a loader, those that start the loader first.
    ``separate`` has the values of ``SEPARATE_CALLS``. ``handler`` is the function's own. ``inline_name`` is the file
    that inline source becomes, empty if the runtime does not allow inline source.
    """

    name: str | None
    arguments: Mapping[str, Any] = field(repr=False)
    separate: Mapping[str, Any] = field(repr=False)
    tags: Mapping[str, str]
    code: Mapping[str, Any] = field(repr=False)
    architectures: tuple[str, ...]
    handler: str
    inline_name: str
    env_from: EnvFrom
    env_file: str
    loader: Loader | None
    publish: bool
    publish_to_latest: bool
    keep_versions: int | None
    edge: bool
    adopt: bool
    problems: tuple[PropertyError, ...]


def _without_empty(properties: Mapping[str, Any], model: Any) -> dict[str, Any]:
    """The properties without empty structures. Those of the separate calls have no required members in a template."""
    found = without_empty(properties, model.operation_model("CreateFunction").input_shape)
    return {name: value for name, value in found.items() if name not in SEPARATE_CALLS or value != {}}


def _expand(properties: Mapping[str, Any], model: Any) -> dict[str, Any | PropertyError]:
    """Each property that CreateFunction takes, typed, under the API's name; or its problem under its own."""
    others = OWN_PROPERTIES | SEPARATE_CALLS.keys() | _NOT_ARGUMENTS
    stated = {name: value for name, value in properties.items() if name not in others}
    shape = model.operation_model("CreateFunction").input_shape
    return arguments(stated, shape, names=API_NAMES, refused=_NOT_PROPERTIES)


def native_shapes(model: Any) -> dict[str, Any]:
    """Each property that ``AWS::Lambda::Function`` has, too, with botocore's shape of its value."""
    spelled = {argument: name for name, argument in API_NAMES.items()}
    created = model.operation_model("CreateFunction").input_shape.members
    found = {spelled.get(name, name): shape for name, shape in created.items() if name not in _NOT_PROPERTIES}
    for name, operation in SEPARATE_CALLS.items():
        shape = model.operation_model(operation).input_shape
        found[name] = shape.members.get(name, shape)
    return {**found, "PublishToLatestPublished": created["Publish"]}


def _expand_separate(properties: Mapping[str, Any], model: Any) -> dict[str, Any | PropertyError]:
    found: dict[str, Any | PropertyError] = {}
    for name in SEPARATE_CALLS.keys() & properties.keys():
        shape = model.operation_model(SEPARATE_CALLS[name]).input_shape
        try:
            found[name] = _typed_separate(name, properties[name], shape)
        except PropertyError as problem:
            found[name] = problem
    return found


def _typed_separate(name: str, value: Any, shape: Any) -> Any:
    """RuntimeManagementConfig is a structure in a template; its members are plain arguments of its call."""
    if name in shape.members:
        return typed(value, shape.members[name], name)
    expect(isinstance(value, Mapping), name, "is not a map", code="CI240")
    members = shape.members.keys() - PLACE
    for member in value:
        expect(member in members, f"{name}.{member}", *_UNKNOWN, code="CI236")
    return {member: typed(item, shape.members[member], f"{name}.{member}") for member, item in value.items()}


def _keep_versions(properties: Mapping[str, Any]) -> int | None:
    stated = properties.get("KeepVersions")
    if stated is None:
        return None
    expect(str(stated).isdecimal(), "KeepVersions", "is not a whole number", "give 0 or more", code="CI243")
    return int(str(stated))


def _flag_problems(properties: Mapping[str, Any]) -> Iterator[PropertyError]:
    for name in _FLAGS:
        try:
            flag(properties, name)
        except PropertyError as problem:
            yield problem


def _publishes(properties: Mapping[str, Any]) -> bool:
    return any(is_set(properties, name) for name in PUBLISHING)


def _inline_name(properties: Mapping[str, Any]) -> str:
    runtime = str(properties.get("Runtime", ""))
    return next((name for kind, name in _INLINE_NAMES.items() if runtime.startswith(kind)), "")


def _shape_problems(properties: Mapping[str, Any]) -> Iterator[PropertyError]:
    if properties.get("PackageType", "Zip") != "Zip" or "ImageConfig" in properties:
        name = "ImageConfig" if "ImageConfig" in properties else "PackageType"
        yield PropertyError(
            name, "is for container images, into which no file can be injected", "deploy a zip", code="CI253"
        )
    for name in ("Role", "Runtime", "Handler"):
        if not properties.get(name):
            yield PropertyError(name, "is missing", "a function that is deployed as a zip needs it", code="CI239")
    function_name = properties.get("FunctionName")
    if function_name is not None and not FUNCTION_NAME.fullmatch(str(function_name)):
        remedy = "use 1 to 64 letters, digits, - and _"
        yield PropertyError("FunctionName", "is not a valid function name", remedy, code="CI258")
    if is_set(properties, "Adopt") and function_name is None:
        yield PropertyError("Adopt", "does not say which function to adopt", "add FunctionName", code="CI266")
    if "FunctionScalingConfig" in properties and not _publishes(properties):
        yield PropertyError(
            "FunctionScalingConfig", "is for versions, and none is published", "set Publish: true", code="CI261"
        )
    code = properties.get("Code")
    if isinstance(code, Mapping) and "ZipFile" in code and not _inline_name(properties):
        yield PropertyError(
            "Code.ZipFile", "is for Python and Node.js only", "give the code as an object in S3", code="CI255"
        )


def parse(properties: Mapping[str, Any], model: Any) -> FunctionSpec:
    """The properties, typed; ``model`` is botocore's service model of Lambda (``client.meta.service_model``)."""
    properties = _without_empty(properties, model)
    problems = [*env_properties.problems(properties), *env_from.problems(properties), *env_loader.problems(properties)]
    found, separate = _expand(env_loader.started(properties), model), _expand_separate(properties, model)
    problems += [value for value in (*found.values(), *separate.values()) if isinstance(value, PropertyError)]
    problems += _flag_problems(properties)
    keep = None
    try:
        keep = _keep_versions(properties)
        template_tags(properties)
    except PropertyError as problem:
        problems.append(problem)
    problems += _shape_problems(properties)
    if is_set(properties, "Edge"):
        problems += edge.problems(properties)
    typed_arguments = {name: value for name, value in found.items() if not isinstance(value, PropertyError)}
    typed_separate = {name: value for name, value in separate.items() if not isinstance(value, PropertyError)}
    signing = typed_separate.get("CodeSigningConfigArn")
    if isinstance(signing, str):
        typed_arguments["CodeSigningConfigArn"] = signing
    code = properties.get("Code")
    name = properties.get("FunctionName")
    return FunctionSpec(
        name=None if name is None else str(name),
        arguments=typed_arguments,
        separate=typed_separate,
        tags=stated_tags(properties),
        code=code if isinstance(code, Mapping) else {},
        architectures=tuple(typed_arguments.get("Architectures", ["x86_64"])),
        handler=str(properties.get("Handler", "")),
        inline_name=_inline_name(properties),
        env_from=env_from.parse(properties),
        env_file=env_properties.env_file(properties),
        loader=env_loader.desired(properties),
        publish=_publishes(properties),
        publish_to_latest=is_set(properties, "PublishToLatestPublished"),
        keep_versions=keep,
        edge=is_set(properties, "Edge"),
        adopt=is_set(properties, "Adopt"),
        problems=tuple(problems),
    )
