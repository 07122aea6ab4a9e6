"""Properties of ``Custom::LambdaFunction`` become arguments of Lambda's API.

In: the properties of a template, in which CloudFormation sends every scalar as a string, and botocore's model of the
Lambda API. Out: typed arguments, every problem at once, or what an update has to change.

A property that the model does not know is refused by its name; nothing is passed on unread.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cfn_injector import env_loader, env_properties
from cfn_injector.aws.coerce import UNKNOWN, arguments, expect, template_tags, typed
from cfn_injector.env_properties import flag, is_set
from cfn_injector.errors import PropertyError

OURS = frozenset(
    {
        "ServiceToken",
        "ServiceTimeout",
        "Env",
        "EnvFile",
        "EnvLoader",
        "AllowLoaderVariables",
        "Publish",
        "KeepVersions",
        "Edge",
        "Adopt",
    }
)
"""Properties that are not CreateFunction's."""

API_NAMES = {"KmsKeyArn": "KMSKeyArn"}
"""Where CloudFormation and the API spell the same thing differently."""

APART = {
    "ReservedConcurrentExecutions": "PutFunctionConcurrency",
    "CodeSigningConfigArn": "PutFunctionCodeSigningConfig",
    "RecursiveLoop": "PutFunctionRecursionConfig",
    "RuntimeManagementConfig": "PutRuntimeManagementConfig",
    "FunctionScalingConfig": "PutFunctionScalingConfig",
}
"""Properties that have a call of their own."""

CODE = frozenset({"Code", "Env", "EnvFile", "EnvLoader", "Architectures"})
"""Properties whose change makes a new deployment package; Architectures travels with it."""

_FUNCTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

# What an argument of UpdateFunctionConfiguration has to be for a property that the template no longer has; the members
# of a structure that the template leaves out as well.
_RESETS: dict[str, Any] = {
    "Description": "",
    "Timeout": 3,
    "MemorySize": 128,
    "Environment": {"Variables": {}},
    "DeadLetterConfig": {"TargetArn": ""},
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": [], "Ipv6AllowedForDualStack": False},
    "Layers": [],
    "FileSystemConfigs": [],
    "KMSKeyArn": "",
    "TracingConfig": {"Mode": "PassThrough"},
    "EphemeralStorage": {"Size": 512},
    "SnapStart": {"ApplyOn": "None"},
    "LoggingConfig": {"LogFormat": "Text"},
}
_JSON_LOG_LEVELS = {"ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"}

# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-at-edge-function-restrictions.html
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-lambda-at-edge
_LONGEST_AT_THE_EDGE = 30
_FORBIDDEN_AT_THE_EDGE = {
    "Environment": "use Env",
    "Layers": "put their content into the artifact",
    "VpcConfig": "reach the resource through a public endpoint",
    "DeadLetterConfig": "remove it",
    "FileSystemConfigs": "remove it",
    "KmsKeyArn": "remove it",
    "CapacityProviderConfig": "remove it",
    "DurableConfig": "remove it",
    "TenancyConfig": "remove it",
    "PublishToLatestPublished": "remove it, CloudFront takes numbered versions",
}


@dataclass(frozen=True)
class Changes:
    """What an update has to do. In ``apart`` None means that the property goes back to its default."""

    code: bool
    configuration: Mapping[str, Any]
    apart: Mapping[str, Any]


def _arguments(properties: Mapping[str, Any], model: Any) -> dict[str, Any | PropertyError]:
    """Each property that CreateFunction takes, typed, under the API's name; or its problem under its own."""
    apart = OURS | APART.keys() | {"Code", "Tags", "PublishToLatestPublished"}
    stated = {name: value for name, value in properties.items() if name not in apart}
    shape = model.operation_model("CreateFunction").input_shape
    return arguments(stated, shape, names=API_NAMES, refused=frozenset({"Publish", "PublishTo"}))


def _apart(properties: Mapping[str, Any], model: Any) -> dict[str, Any | PropertyError]:
    found: dict[str, Any | PropertyError] = {}
    for name, operation in APART.items():
        if name not in properties:
            continue
        shape = model.operation_model(operation).input_shape
        try:
            found[name] = _typed_apart(name, properties[name], shape)
        except PropertyError as problem:
            found[name] = problem
    return found


def _typed_apart(name: str, value: Any, shape: Any) -> Any:
    """RuntimeManagementConfig is a structure in a template whose members are plain arguments of its call."""
    if name in shape.members:
        return typed(value, shape.members[name], name)
    expect(isinstance(value, Mapping), name, "is not a map")
    members = shape.members.keys() - {"FunctionName", "Qualifier"}
    for member in value:
        expect(member in members, f"{name}.{member}", *UNKNOWN)
    return {member: typed(item, shape.members[member], f"{name}.{member}") for member, item in value.items()}


def keep_versions(properties: Mapping[str, Any]) -> int | None:
    """How many old versions stay; None: all."""
    stated = properties.get("KeepVersions")
    if stated is None:
        return None
    expect(str(stated).isdecimal(), "KeepVersions", "is not a whole number", "give 0 or more")
    return int(str(stated))


def publishes(properties: Mapping[str, Any]) -> bool:
    return any(flag(properties, name) for name in ("Publish", "Edge", "PublishToLatestPublished"))


def problems(properties: Mapping[str, Any], model: Any) -> list[PropertyError]:
    """Everything that is wrong with the properties of a function; empty where nothing is."""
    found = [*env_properties.problems(properties), *env_loader.problems(properties)]
    typed_values = (*_arguments(properties, model).values(), *_apart(properties, model).values())
    found += [value for value in typed_values if isinstance(value, PropertyError)]
    found += _flag_problems(properties)
    for check in (template_tags, keep_versions):
        try:
            check(properties)
        except PropertyError as problem:
            found.append(problem)
    found += _shape_problems(properties)
    if is_set(properties, "Edge"):
        found += _edge_problems(properties)
    return found


def _flag_problems(properties: Mapping[str, Any]) -> Iterator[PropertyError]:
    for name in ("Publish", "Edge", "Adopt", "AllowLoaderVariables", "PublishToLatestPublished"):
        try:
            flag(properties, name)
        except PropertyError as problem:
            yield problem


def _shape_problems(properties: Mapping[str, Any]) -> Iterator[PropertyError]:
    if properties.get("PackageType", "Zip") != "Zip" or "ImageConfig" in properties:
        name = "ImageConfig" if "ImageConfig" in properties else "PackageType"
        yield PropertyError(name, "is for container images, into which no file can be injected", "deploy a zip")
    for name in ("Role", "Runtime", "Handler"):
        if not properties.get(name):
            yield PropertyError(name, "is missing", "a function that is deployed as a zip needs it")
    function_name = properties.get("FunctionName")
    if function_name is not None and not _FUNCTION_NAME.fullmatch(str(function_name)):
        yield PropertyError("FunctionName", "is no name of a function", "use 1 to 64 letters, digits, - and _")
    if is_set(properties, "Adopt") and function_name is None:
        yield PropertyError("Adopt", "does not say which function is taken over", "add FunctionName")
    published = any(is_set(properties, name) for name in ("Publish", "Edge", "PublishToLatestPublished"))
    if "FunctionScalingConfig" in properties and not published:
        yield PropertyError("FunctionScalingConfig", "is for versions, and none is published", "set Publish: true")
    code = properties.get("Code")
    if isinstance(code, Mapping) and "ZipFile" in code and not inline_name(properties):
        yield PropertyError("Code.ZipFile", "is for Python and Node.js only", "give the code as an object in S3")


def inline_name(properties: Mapping[str, Any]) -> str:
    """The file that inline source becomes; empty where the runtime takes none."""
    runtime = str(properties.get("Runtime", ""))
    return next((name for kind, name in _INLINE_NAMES.items() if runtime.startswith(kind)), "")


_INLINE_NAMES = {"python": "index.py", "nodejs": "index.js"}


def _edge_problems(properties: Mapping[str, Any]) -> Iterator[PropertyError]:
    forbidden = "is not supported by Lambda@Edge"
    for name in sorted(_FORBIDDEN_AT_THE_EDGE.keys() & properties.keys()):
        yield PropertyError(name, forbidden, _FORBIDDEN_AT_THE_EDGE[name])
    if not str(properties.get("Runtime", "")).startswith(("nodejs", "python")):
        yield PropertyError("Runtime", forbidden, "use Node.js or Python")
    timeout = str(properties.get("Timeout", ""))
    if timeout.isdecimal() and int(timeout) > _LONGEST_AT_THE_EDGE:
        yield PropertyError("Timeout", forbidden, f"use {_LONGEST_AT_THE_EDGE} seconds or less")
    members = (
        ("Architectures", "", ["x86_64"], "use x86_64"),
        ("TracingConfig", "Mode", "PassThrough", "remove it"),
        ("EphemeralStorage", "Size", "512", "remove it"),
        ("SnapStart", "ApplyOn", "None", "remove it"),
        ("RuntimeManagementConfig", "UpdateRuntimeOn", "Auto", "remove it"),
        ("Code", "SourceKMSKeyArn", None, "remove it"),
    )
    for name, member, allowed, remedy in members:
        value = properties.get(name, {} if member else allowed)
        if member:
            value = value.get(member, allowed) if isinstance(value, Mapping) else None
        if value != allowed and str(value) != allowed:
            yield PropertyError(f"{name}.{member}".rstrip("."), forbidden, remedy)


def check(properties: Mapping[str, Any], model: Any, accepted: Mapping[str, Any] | None = None) -> None:
    """Raises PropertiesError with everything that is wrong; with ``accepted`` only with what is wrong newly.

    ``accepted`` are properties that a function was made with: what an earlier version of the provider let pass must not
    stop an update or a rollback.
    """
    env_properties.refuse(problems(properties, model), problems(accepted, model) if accepted is not None else ())


def create_arguments(properties: Mapping[str, Any], model: Any) -> dict[str, Any]:
    """Typed arguments of CreateFunction, but for ``Code`` and ``Tags``; with a loader, those that let it run first.

    ``model`` is botocore's service model of Lambda (``client.meta.service_model``). What cannot be typed is left out:
    ``check`` reports it.
    """
    found = _arguments(env_loader.started(properties), model)
    arguments = {name: value for name, value in found.items() if not isinstance(value, PropertyError)}
    signing = _apart(properties, model).get("CodeSigningConfigArn")
    return {**arguments, "CodeSigningConfigArn": signing} if isinstance(signing, str) else arguments


def changes(old: Mapping[str, Any] | None, new: Mapping[str, Any], model: Any, name: str) -> Changes:
    """What turns the function ``name`` from the old properties to the new ones.

    A property that the template no longer has goes back to its default, as CloudFormation does. ``old`` None: the
    state is not known, so everything is set that the template has or that UpdateFunctionConfiguration can reset.
    """
    allowed = model.operation_model("UpdateFunctionConfiguration").input_shape.members.keys() - {"FunctionName"}
    wanted = {**_completed(_RESETS, name), **_completed(create_arguments(new, model), name)}
    wanted = {key: value for key, value in wanted.items() if key in allowed}
    apart = {key: value for key, value in _apart(new, model).items() if not isinstance(value, PropertyError)}
    if old is None:
        return Changes(True, wanted, apart)
    changed = _changed(old, new)
    started = _changed(env_loader.started(old), env_loader.started(new))
    configuration = {key: wanted[key] for key in {API_NAMES.get(key, key) for key in started} & wanted.keys()}
    code = bool(changed & CODE) or ("Runtime" in changed and "ZipFile" in new.get("Code", {}))
    return Changes(
        code or env_loader.differ(old, new),
        configuration,
        # Scaling is set on each version anew.
        {key: apart.get(key) for key in APART if key in changed or (key in apart and key == "FunctionScalingConfig")},
    )


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str]:
    return {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}


def _completed(arguments: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Arguments whose structures say every member, because Lambda keeps those that an update leaves out."""
    result = dict(arguments)
    for key in result.keys() & {"VpcConfig", "LoggingConfig"}:
        result[key] = {**_RESETS[key], **result[key]}
    if "LoggingConfig" in result:
        levels = _JSON_LOG_LEVELS if result["LoggingConfig"]["LogFormat"] == "JSON" else {}
        result["LoggingConfig"] = {"LogGroup": f"/aws/lambda/{name}", **levels, **result["LoggingConfig"]}
    return result
