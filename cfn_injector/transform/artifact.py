"""The artifact of a function: takes a function, returns its location in S3 and the edits that replace it.

``Code`` of a native function and ``CodeUri`` of SAM's say the same in different names. A location is a map with the
names of ``Code``. PropertyError says why there is none.
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-functioncode.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cfn_injector.errors import PropertyError
from cfn_injector.transform.edits import Edit
from cfn_injector.transform.functions import NATIVE, SAM, Function, is_intrinsic, mapping

_NAMES = {
    NATIVE: {"S3Bucket": "S3Bucket", "S3Key": "S3Key", "S3ObjectVersion": "S3ObjectVersion"},
    SAM: {"S3Bucket": "Bucket", "S3Key": "Key", "S3ObjectVersion": "Version"},
}
"""The names in a function's own property, by the names in ``Code``."""

PROPERTY = {NATIVE: "Code", SAM: "CodeUri"}
_MODE = {NATIVE: "S3ObjectStorageMode", SAM: "StorageMode"}


def location(function: Function) -> Mapping[str, Any]:
    """``S3Bucket``, ``S3Key`` and, if it is stated, ``S3ObjectVersion``. Raises PropertyError."""
    properties, own = function.properties, PROPERTY[function.type]
    where = f"{function.logical_id}.{own}"
    stated = properties.get(own)
    if properties.get("PackageType") == "Image" or "ImageUri" in {*properties, *mapping(stated)}:
        raise PropertyError(
            f"{function.logical_id}.PackageType",
            "is Image, and an image cannot take a file",
            "deploy a zip",
            code="CI613",
        )
    if "InlineCode" in properties or "ZipFile" in mapping(stated):
        raise PropertyError(where, "is inline", "move the code to a file, and package the template first", code="CI614")
    if function.type == SAM and isinstance(stated, str):
        stated = _of_uri(stated)
    names = _NAMES[function.type]
    if (
        not isinstance(stated, Mapping)
        or is_intrinsic(stated)
        or not stated.keys() >= {names["S3Bucket"], names["S3Key"]}
    ):
        raise PropertyError(
            where, "is not an object in S3", "package the template first: cfn-injector package", code="CI615"
        )
    if stated.get(_MODE[function.type], "COPY") != "COPY":
        raise PropertyError(f"{where}.{_MODE[function.type]}", "is not COPY", "remove it", code="CI616")
    if "CodeSigningConfigArn" in properties:
        raise PropertyError(
            f"{function.logical_id}.CodeSigningConfigArn",
            "requires a signature, which injection breaks",
            "remove it",
            code="CI617",
        )
    return {name: stated[own] for name, own in names.items() if own in stated}


def _of_uri(uri: str) -> Mapping[str, str] | None:
    """SAM's location for ``s3://bucket/key?versionId=version``; None for a path of this machine."""
    parts = urlsplit(uri)
    if parts.scheme != "s3" or not parts.netloc or not parts.path.strip("/"):
        return None
    version = parse_qs(parts.query).get("versionId")
    place = {"Bucket": parts.netloc, "Key": parts.path.removeprefix("/")}
    return {**place, "Version": version[0]} if version else place


def code_of(function: Function, template: Mapping[str, Any]) -> str | None:
    """The logical ID of the ``Custom::LambdaCode`` that a function gets its code from, or None."""
    key = mapping(function.properties.get(PROPERTY.get(function.type, ""))).get(
        _NAMES.get(function.type, {}).get("S3Key", "")
    )
    source = attribute_of(key)
    container: Any = template
    for step in function.resource.scope:
        container = container[step]
    return source if mapping(container.get(source)).get("Type") == "Custom::LambdaCode" else None


def attribute_of(value: Any) -> str:
    """The logical ID of the resource whose attribute ``Fn::GetAtt`` returns; empty for anything else."""
    stated = mapping(value).get("Fn::GetAtt", "")
    return str(stated[0]) if isinstance(stated, list) and stated else str(stated).partition(".")[0]


def replaced(function: Function, code: str) -> Iterator[Edit]:
    """The edits after which the function gets its code from the ``Custom::LambdaCode`` with this logical ID."""
    own = PROPERTY[function.type]
    names = _NAMES[function.type]
    key = mapping(function.properties.get(own)).get("SourceKMSKeyArn")
    value = {names[name]: {"Fn::GetAtt": [code, name]} for name in ("S3Bucket", "S3Key")}
    yield Edit((*function.path, "Properties", own), {**value, **({"SourceKMSKeyArn": key} if key else {})})
