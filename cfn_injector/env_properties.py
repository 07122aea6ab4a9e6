"""The properties that say what to inject: ``Env``, ``EnvFile``, ``AllowLoaderVariables``, ``Code``.

Takes a template's properties. Returns the variables as text, or every problem with them. Messages name variables and
never contain their values.

Reserved names: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from cfn_injector.errors import PropertiesError, PropertyError

DEFAULT_ENV_FILE = ".env"
CONNECT = "Connect"
"""A property that is in templates alone: cfn_injector.transform replaces it by ``Env`` and a policy."""
PROPERTIES: Mapping[str, tuple[str, str]] = {
    "Env": (
        "Map",
        "the variables: names with strings, numbers or booleans. They override the same names in the artifact's own "
        "file",
    ),
    "EnvFile": ("String", f"the path of the file in the archive. Default: `{DEFAULT_ENV_FILE}`"),
    "AllowLoaderVariables": (
        "Boolean",
        "allow names in `Env` that decide which code is loaded, such as `PATH`, `PYTHONPATH` and `NODE_OPTIONS`",
    ),
    CONNECT: (
        "Map",
        "the resources that the function works with. `cfn-injector transform` replaces it by `Env` and a policy; the "
        "provider refuses it",
    ),
}
"""The properties of this module that have the same meaning in all types: type and meaning."""

MAX_PROPERTIES_BYTES = 450 * 1024
"""An Update event carries the old and the new properties. CloudFormation cannot deliver an event over 1 MB."""

LOADER_VARIABLES = frozenset({"PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "PYTHONPATH", "NODE_OPTIONS", "NODE_PATH"})
RESERVED_VARIABLES = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_MAX_CONCURRENCY",
        "AWS_LAMBDA_METADATA_API",
        "AWS_LAMBDA_METADATA_TOKEN",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
    }
)

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RENAME = "choose another name"
_CODE_NAMES = frozenset(
    {"S3Bucket", "S3Key", "S3ObjectVersion", "S3ObjectStorageMode", "SourceKMSKeyArn", "ZipFile", "ImageUri"}
)


def flag(properties: Mapping[str, Any], name: str) -> bool:
    """A boolean property, which CloudFormation sends as text. False if it is absent. Raises PropertyError."""
    value = str(properties.get(name, "false")).lower()
    if value not in ("true", "false"):
        raise PropertyError(name, "is not a boolean", "use true or false", code="CI244")
    return value == "true"


def is_set(properties: Mapping[str, Any], name: str) -> bool:
    """Whether a boolean property is true. ``flag`` reports a value that is not a boolean."""
    return str(properties.get(name)).lower() == "true"


def refuse(found: Iterable[PropertyError], accepted: Iterable[PropertyError] = ()) -> None:
    """Raises PropertiesError with the problems in ``found``, except those that are in ``accepted`` too."""
    known = set(accepted)
    problems = [problem for problem in found if problem not in known]
    if problems:
        raise PropertiesError(problems)


def env_file(properties: Mapping[str, Any]) -> str:
    """The path of the file in the archive."""
    return str(properties.get("EnvFile", DEFAULT_ENV_FILE))


def variables(properties: Mapping[str, Any]) -> dict[str, str]:
    """``Env`` as text; booleans are ``true`` and ``false``. The properties must have been checked."""
    env: Mapping[str, Any] = properties.get("Env") or {}
    return {name: _text(value) for name, value in env.items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def problems(properties: Mapping[str, Any]) -> Iterator[PropertyError]:
    """Every problem with what is injected and with the location of the code."""
    yield from _size_problems(properties)
    if CONNECT in properties:
        remedy = (
            "run cfn-injector transform or cfn-injector package on the template, which replace it, and deploy theirs"
        )
        yield PropertyError(CONNECT, "is for templates that are not deployed as they are", remedy, code="CI210")
    yield from _env_problems(properties)
    yield from _env_file_problems(properties)
    yield from _code_problems(properties)


def _size_problems(properties: Mapping[str, Any]) -> Iterator[PropertyError]:
    import json  # not at the top: the command line needs the names in this module, and no JSON

    size = len(json.dumps(properties, default=str).encode())
    if size > MAX_PROPERTIES_BYTES:
        yield PropertyError(
            "Properties",
            f"are {size:,} bytes together; CloudFormation can deliver an update of at most {MAX_PROPERTIES_BYTES:,}",
            "put large values into a file of the artifact",
            code="CI248",
        )


def _env_problems(properties: Mapping[str, Any]) -> Iterator[PropertyError]:
    env = properties.get("Env", {})
    if not isinstance(env, Mapping):
        yield PropertyError("Env", f"is a {_kind(env)}", "use a map of names to values", code="CI240")
        return
    outside = declared(properties)
    loaders_allowed = is_set(properties, "AllowLoaderVariables")
    for name, value in env.items():
        yield from variable_problems(f"Env.{name}", name, value, outside, loaders_allowed=loaders_allowed)


def variable_problems(
    where: str, name: str, value: Any, outside: Collection[str] = (), *, loaders_allowed: bool
) -> Iterator[PropertyError]:
    """Every problem with one variable. ``outside`` are the names in ``Environment.Variables``."""
    if not _NAME.fullmatch(name):
        remedy = "use letters, digits and _, and do not start with a digit"
        yield PropertyError(where, "is not a valid variable name", remedy, code="CI204")
    if name in RESERVED_VARIABLES:
        yield PropertyError(where, "is reserved by Lambda", _RENAME, code="CI205")
    if name in LOADER_VARIABLES and not loaders_allowed:
        yield PropertyError(
            where, "decides which code is loaded", "set AllowLoaderVariables: true if you mean it", code="CI206"
        )
    if name in outside:
        yield PropertyError(where, "is also in Environment.Variables", "keep one of the two", code="CI207")
    yield from _value_problems(where, value)


def declared(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """The variables of ``Environment``."""
    environment = properties.get("Environment")
    found = environment.get("Variables") if isinstance(environment, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _value_problems(where: str, value: Any) -> Iterator[PropertyError]:
    if value is None:
        yield PropertyError(where, "is null", "set a value, or leave the variable out with AWS::NoValue", code="CI202")
    elif not isinstance(value, str | int | float):
        yield PropertyError(where, f"is a {_kind(value)}", "use Fn::ToJsonString", code="CI201")
    elif isinstance(value, str) and "\0" in value:
        yield PropertyError(where, "contains a NUL character", "encode it, for example with Fn::Base64", code="CI203")
    elif isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        yield PropertyError(where, "contains half a surrogate pair", "use valid Unicode", code="CI203")


def _kind(value: Any) -> str:
    return {"list": "list", "dict": "map", "NoneType": "null"}.get(type(value).__name__, type(value).__name__)


def _env_file_problems(properties: Mapping[str, Any]) -> Iterator[PropertyError]:
    path = properties.get("EnvFile", DEFAULT_ENV_FILE)
    remedy = "use a relative path such as .env or config/.env"
    if not isinstance(path, str) or not path:
        yield PropertyError("EnvFile", "is not a path", remedy, code="CI208")
    elif path.startswith("/") or "\\" in path or "\0" in path:
        yield PropertyError("EnvFile", "is absolute, or contains a backslash or NUL", remedy, code="CI208")
    elif any(part in ("", ".", "..") for part in path.split("/")):
        yield PropertyError("EnvFile", "has an empty, . or .. part", remedy, code="CI208")


def _code_problems(properties: Mapping[str, Any]) -> Iterator[PropertyError]:
    code = properties.get("Code")
    if not isinstance(code, Mapping):
        yield PropertyError(
            "Code", "is missing" if code is None else "is not a map", "set S3Bucket and S3Key, or ZipFile", code="CI252"
        )
        return
    for name in sorted(code.keys() - _CODE_NAMES):
        yield PropertyError(
            f"Code.{name}", "is not a known name", f"use one of {', '.join(sorted(_CODE_NAMES))}", code="CI236"
        )
    for name in sorted(code.keys() & _CODE_NAMES):
        if not isinstance(code[name], str):
            yield PropertyError(f"Code.{name}", f"is a {_kind(code[name])}", "use a string", code="CI242")
    if "ImageUri" in code:
        yield PropertyError(
            "Code.ImageUri", "is a container image, which cannot take a file", "deploy a zip", code="CI253"
        )
    elif "ZipFile" in code:
        if code.keys() & {"S3Bucket", "S3Key", "S3ObjectVersion"}:
            yield PropertyError(
                "Code.ZipFile", "is set together with an object in S3", "keep one of the two", code="CI246"
            )
    else:
        for name in ("S3Bucket", "S3Key"):
            if name not in code:
                yield PropertyError(
                    f"Code.{name}", "is missing", "set it to the artifact's location in S3", code="CI252"
                )
    if code.get("S3ObjectStorageMode", "COPY") != "COPY":
        yield PropertyError(
            "Code.S3ObjectStorageMode", "is not COPY, and the injected object is temporary", "use COPY", code="CI254"
        )
