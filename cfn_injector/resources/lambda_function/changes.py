"""What an update of a function has to change.

Takes the desired spec and the function as GetFunction describes it. Returns ``Changes``: whether the code changes, the
arguments of UpdateFunctionConfiguration, and the properties that have calls of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cfn_injector import env_loader
from cfn_injector.resources.lambda_function.applied import Applied, inputs, recorded
from cfn_injector.resources.lambda_function.spec import SEPARATE_CALLS, FunctionSpec

# The argument of UpdateFunctionConfiguration that resets a property which the template no longer has, and the members
# of a structure that the template leaves out.
RESETS: dict[str, Any] = {
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
RESERVED = "ReservedConcurrentExecutions"
PUT_ON_VERSIONS = frozenset({"FunctionScalingConfig"})
"""Properties of a version, which each new version needs."""

_JSON_LOG_LEVELS = {"ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"}
_UNORDERED = frozenset({"SubnetIds", "SecurityGroupIds"})


@dataclass(frozen=True)
class Changes:
    """What an update has to do. A value of None in ``separate`` resets that property to its default."""

    code: bool
    configuration: Mapping[str, Any] = field(repr=False)
    separate: Mapping[str, Any]


NOTHING = Changes(False, {}, {})


def of_new(spec: FunctionSpec) -> Changes:
    """What remains to do for a function that was just created with the spec's code and arguments."""
    return Changes(False, {}, spec.separate)


def changes(
    old: FunctionSpec | None,
    new: FunctionSpec,
    found: Mapping[str, Any],
    model: Any,
    expected: Callable[[FunctionSpec], Applied],
) -> Changes:
    """What turns a function, as GetFunction describes it, into what the new spec says.

    The configuration is compared with the function's. A property that the template does not have is reset to its
    default, as CloudFormation does. The package and the separate properties are compared with the tag that records
    them; if there is none, with the ``old`` spec; and if that is None, everything is set that the template has.
    """
    there, desired = recorded(found["Tags"]), expected(new)
    return Changes(
        code=there.package != desired.package if there else _differ(old, new, found["Configuration"]),
        configuration=_configuration(new, found["Configuration"], model),
        separate={
            **_separate(old, new, there, desired, expected),
            **_concurrency(new, found),
            **{key: value for key, value in new.separate.items() if key in PUT_ON_VERSIONS},
        },
    )


def _differ(old: FunctionSpec | None, new: FunctionSpec, observed: Mapping[str, Any]) -> bool:
    """Whether the package changes by what the templates say, and by whether the function runs the loader.

    An old template without ``EnvLoader`` can be that of a function without a loader, which was once the default.
    """
    started = new.loader is None or env_loader.is_started(observed, new.loader)
    return old is None or inputs(old) != inputs(new) or not started


def _configuration(new: FunctionSpec, observed: Mapping[str, Any], model: Any) -> dict[str, Any]:
    members = model.operation_model("UpdateFunctionConfiguration").input_shape.members
    defaults = _with_log_group(RESETS, observed["FunctionName"])
    described = {**defaults, **observed, "Layers": [layer["Arn"] for layer in observed.get("Layers", [])]}
    unknown = observed.get("LastUpdateStatus") == "Failed" or "Error" in observed.get("Environment", {})
    return {
        key: value
        for key, value in _completed(new, observed["FunctionName"]).items()
        if key in members
        and key != "FunctionName"
        and (unknown or not _agrees(value, described.get(key), members[key], key))
    }


def _agrees(desired: Any, observed: Any, shape: Any, name: str) -> bool:
    """Whether Lambda describes the desired value. Of a structure only the members count that the template has."""
    if shape.type_name == "structure":
        found = observed or {}
        return all(_agrees(value, found.get(key), shape.members[key], key) for key, value in desired.items())
    if name in _UNORDERED:
        return sorted(desired) == sorted(observed or [])
    return bool(desired == observed) or not (desired or observed)


def _separate(
    old: FunctionSpec | None,
    new: FunctionSpec,
    there: Applied | None,
    desired: Applied,
    expected: Callable[[FunctionSpec], Applied],
) -> dict[str, Any]:
    if there is not None and there.separate == desired.separate:
        return {}
    if there is not None and (old is None or there.separate != expected(old).separate):
        return {key: new.separate.get(key) for key in SEPARATE_CALLS}  # it is unknown what is set
    if old is None:
        return dict(new.separate)
    return {key: new.separate.get(key) for key in SEPARATE_CALLS if old.separate.get(key) != new.separate.get(key)}


def _concurrency(new: FunctionSpec, found: Mapping[str, Any]) -> dict[str, Any]:
    """GetFunction describes this one. A limit that somebody set by hand stays if the template has none."""
    desired = new.separate.get(RESERVED)
    observed = found.get("Concurrency", {}).get(RESERVED)
    return {} if desired in (None, observed) else {RESERVED: desired}


def _with_log_group(arguments: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {**arguments, "LoggingConfig": {"LogGroup": f"/aws/lambda/{name}", **arguments["LoggingConfig"]}}


def _completed(spec: FunctionSpec, name: str) -> dict[str, Any]:
    """All arguments, with every member of a structure: Lambda keeps the members that an update leaves out."""
    result = {**RESETS, **spec.arguments}
    for key in ("VpcConfig", "LoggingConfig"):
        result[key] = {**RESETS[key], **result[key]}
    if result["LoggingConfig"]["LogFormat"] == "JSON":
        result["LoggingConfig"] = {**_JSON_LOG_LEVELS, **result["LoggingConfig"]}
    return _with_log_group(result, name)
