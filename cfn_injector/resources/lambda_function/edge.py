"""What Lambda@Edge does not allow.

Takes the properties of a template. Returns a problem for each property that CloudFront would refuse later.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-at-edge-function-restrictions.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-lambda-at-edge
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cfn_injector.plugin import PropertyError

_MAX_TIMEOUT = 30
_UNSUPPORTED = "is not supported by Lambda@Edge"
_FORBIDDEN = {
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
_ONLY_ALLOWED = (
    ("Architectures", "", ["x86_64"], "use x86_64"),
    ("TracingConfig", "Mode", "PassThrough", "remove it"),
    ("EphemeralStorage", "Size", "512", "remove it"),
    ("SnapStart", "ApplyOn", "None", "remove it"),
    ("RuntimeManagementConfig", "UpdateRuntimeOn", "Auto", "remove it"),
    ("Code", "SourceKMSKeyArn", None, "remove it"),
)
"""Property, its member, the only value that is allowed, and a remedy."""


def problems(properties: Mapping[str, Any]) -> Iterator[PropertyError]:
    for name in sorted(_FORBIDDEN.keys() & properties.keys()):
        yield PropertyError(name, _UNSUPPORTED, _FORBIDDEN[name], code="CI265")
    if not str(properties.get("Runtime", "")).startswith(("nodejs", "python")):
        yield PropertyError("Runtime", _UNSUPPORTED, "use Node.js or Python", code="CI265")
    timeout = str(properties.get("Timeout", ""))
    if timeout.isdecimal() and int(timeout) > _MAX_TIMEOUT:
        yield PropertyError("Timeout", _UNSUPPORTED, f"use {_MAX_TIMEOUT} seconds or less", code="CI265")
    for name, member, allowed, remedy in _ONLY_ALLOWED:
        value = properties.get(name, {} if member else allowed)
        if member:
            value = value.get(member, allowed) if isinstance(value, Mapping) else None
        if value != allowed and str(value) != allowed:
            yield PropertyError(f"{name}.{member}".rstrip("."), _UNSUPPORTED, remedy, code="CI265")
