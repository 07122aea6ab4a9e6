"""What Lambda described when a deployment was complete, in a tag that reveals nothing.

Takes a function's configuration and its spec. Returns the values to compare, and a tag with a short keyed hash of each
one. A later description that gives another hash was changed by hand. The hashes have a key that only the provider's
account has, and depend on the function: nobody can test a guess of a value with them, or see which functions share one.

Properties that have calls of their own count only if the template states them.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any

from cfn_injector.resources.lambda_function.spec import FunctionSpec

DESCRIBED = "cfn-injector:described"

CODE = "Code"
CONFIGURATION = (
    *("Role", "Handler", "Runtime", "Architectures", "Description", "Timeout", "MemorySize", "Environment"),
    *("VpcConfig", "DeadLetterConfig", "KMSKeyArn", "TracingConfig", "Layers", "FileSystemConfigs", "EphemeralStorage"),
    *("SnapStart", "LoggingConfig"),
)
"""Members of GetFunctionConfiguration's answer."""
SEPARATE = ("ReservedConcurrentExecutions", "RecursiveLoop", "RuntimeManagementConfig", "CodeSigningConfigArn")
"""Properties that GetFunctionConfiguration does not describe."""
NAMES = (CODE, *CONFIGURATION, *SEPARATE)
"""In the order of the tag. New names are added at the end, and none is removed: deployed functions have the tag."""

KeyedHash = Callable[[Any], str]
"""Returns hexadecimal digits for a JSON value."""

_DIGITS = 6
"""The length of a hash in base64: 36 bits. All fit into a tag's 256 characters."""
_UNSTATED = "-" * _DIGITS


def described(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The values to compare, by name, of a function's configuration as Lambda describes it.

    Without ``Environment`` if Lambda describes an error in its place: its caller may not use the function's KMS key.
    https://docs.aws.amazon.com/lambda/latest/api/API_EnvironmentResponse.html
    """
    found = {name: configuration.get(name) for name in CONFIGURATION}
    vpc, environment = found["VpcConfig"] or {}, found["Environment"] or {}
    values = {
        CODE: configuration["CodeSha256"],
        **found,
        "Environment": environment.get("Variables") or {},
        "VpcConfig": {
            **{name: sorted(vpc.get(name) or []) for name in ("SubnetIds", "SecurityGroupIds")},
            "Ipv6AllowedForDualStack": bool(vpc.get("Ipv6AllowedForDualStack")),
        },
        "Layers": [layer["Arn"] for layer in found["Layers"] or []],
        "DeadLetterConfig": (found["DeadLetterConfig"] or {}).get("TargetArn") or None,
        "SnapStart": (found["SnapStart"] or {}).get("ApplyOn") or "None",
    }
    return {name: value for name, value in values.items() if not (name == "Environment" and "Error" in environment)}


def stated(spec: FunctionSpec) -> dict[str, Any]:
    """The values to compare of the properties with calls of their own, as far as the template states them."""
    return {name: comparable(name, spec.separate[name]) for name in SEPARATE if name in spec.separate}


def comparable(name: str, value: Any) -> Any:
    """A value without what Lambda adds to it, such as a function's name."""
    if name != "RuntimeManagementConfig":
        return value
    return [value.get("UpdateRuntimeOn", "Auto"), value.get("RuntimeVersionArn") or None]


def digest(keyed: KeyedHash, function_arn: str, name: str, value: Any) -> str:
    """The hash of one value of a function."""
    own = ":".join(function_arn.split(":")[:7])
    return urlsafe_b64encode(bytes.fromhex(keyed([own, name, value])))[:_DIGITS].decode()


def tag(keyed: KeyedHash, configuration: Mapping[str, Any], spec: FunctionSpec) -> dict[str, str]:
    """The tag of a function that was deployed with the spec, and has this configuration now."""
    values, arn = {**described(configuration), **stated(spec)}, configuration["FunctionArn"]
    hashes = (digest(keyed, arn, name, values[name]) if name in values else _UNSTATED for name in NAMES)
    return {DESCRIBED: "".join(hashes)}


def recorded(tags: Mapping[str, str]) -> dict[str, str]:
    """The hashes by name that a function's tag holds; empty without the tag, which older providers did not write."""
    text = tags.get(DESCRIBED, "")
    hashes = [text[at : at + _DIGITS] for at in range(0, len(text), _DIGITS)]
    return {name: found for name, found in zip(NAMES, hashes, strict=False) if found != _UNSTATED}
