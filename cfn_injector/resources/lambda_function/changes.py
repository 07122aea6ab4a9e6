"""What an update of a function has to change.

Takes the spec of the old properties and that of the new ones. Returns ``Changes``: whether the code changes, the
arguments of UpdateFunctionConfiguration, and the properties that have calls of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
_JSON_LOG_LEVELS = {"ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"}


@dataclass(frozen=True)
class Changes:
    """What an update has to do. A value of None in ``separate`` resets that property to its default."""

    code: bool
    configuration: Mapping[str, Any] = field(repr=False)
    separate: Mapping[str, Any]


NOTHING = Changes(False, {}, {})


def changes(old: FunctionSpec | None, new: FunctionSpec, model: Any, name: str) -> Changes:
    """What turns the function ``name`` from the old spec to the new one.

    A property that the template no longer has is reset to its default, as CloudFormation does. If ``old`` is None the
    current state is unknown: everything is set that the template has or that UpdateFunctionConfiguration can reset.
    """
    allowed = model.operation_model("UpdateFunctionConfiguration").input_shape.members.keys() - {"FunctionName"}
    desired = {key: value for key, value in _completed(new, name).items() if key in allowed}
    if old is None:
        return Changes(True, desired, new.separate)
    before = _completed(old, name)
    return Changes(
        _code_differs(old, new),
        {key: value for key, value in desired.items() if key not in before or before[key] != value},
        # FunctionScalingConfig is set on each new version.
        {
            key: new.separate.get(key)
            for key in SEPARATE_CALLS
            if old.separate.get(key) != new.separate.get(key)
            or (key in new.separate and key == "FunctionScalingConfig")
        },
    )


def _code_differs(old: FunctionSpec, new: FunctionSpec) -> bool:
    def package(spec: FunctionSpec) -> tuple[Any, ...]:
        loader = (spec.loader.added, spec.loader.rules, spec.loader.exec_wrapper) if spec.loader else None
        inline = spec.inline_name if "ZipFile" in spec.code else ""
        return spec.code, spec.env, spec.env_file, loader, spec.architectures, inline

    return package(old) != package(new)


def _completed(spec: FunctionSpec, name: str) -> dict[str, Any]:
    """All arguments, with every member of a structure: Lambda keeps the members that an update leaves out."""
    result = {**RESETS, **spec.arguments}
    for key in ("VpcConfig", "LoggingConfig"):
        result[key] = {**RESETS[key], **result[key]}
    levels = _JSON_LOG_LEVELS if result["LoggingConfig"]["LogFormat"] == "JSON" else {}
    result["LoggingConfig"] = {"LogGroup": f"/aws/lambda/{name}", **levels, **result["LoggingConfig"]}
    return result
