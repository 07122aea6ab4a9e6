"""Reads parameters from Parameter Store and secrets from Secrets Manager.

Takes a boto3 client and names. Returns values with what identifies their versions. Errors are those of AWS; ``trouble``
says in words what one of them means.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cfn_injector.env_from.references import ParameterReference, SecretReference
from cfn_injector.errors import code_of

PAGE = 10
"""The most parameters of an answer of GetParametersByPath, and of a call of GetParameters."""

MISSING = frozenset({"ParameterNotFound", "ParameterVersionNotFound", "ResourceNotFoundException"})

_KEY = "allow the provider's role kms:Decrypt on its KMS key, by ExtraPolicyArns and in the key's policy"
_INVALID = ("ParamValidationError", "ValidationException", "InvalidParameterException")


class Trouble(NamedTuple):
    """What is wrong with a source, what to do, and the error's code in the catalogue of errors."""

    problem: str
    remedy: str
    code: str


_TROUBLES = {
    **dict.fromkeys(_INVALID, Trouble("whose name or version AWS does not accept", "correct it", "CI219")),
    **dict.fromkeys(MISSING, Trouble("which does not exist", "create it, or correct the name or the version", "CI220")),
    "AccessDeniedException": Trouble(
        "which the provider's role may not read, or which does not exist",
        f"create it, update the provider's stack, whose parameters ParameterPaths and Secrets list it, and {_KEY}",
        "CI221",
    ),
    "InvalidKeyId": Trouble("whose KMS key cannot be used", _KEY, "CI222"),
    "DecryptionFailure": Trouble("which cannot be decrypted", _KEY, "CI222"),
    "InvalidRequestException": Trouble(
        "which has no value now", "restore it if it is scheduled for deletion, or set a value", "CI223"
    ),
}


class Parameter(NamedTuple):
    """A parameter. A deleted one that was created again has the same numbers of versions, so its date counts too."""

    name: str
    value: str
    version: tuple[str, ...]


class Secret(NamedTuple):
    """A secret. ``text`` is None if its value is binary."""

    name: str
    text: str | None
    version: tuple[str, ...]


def trouble(error: Exception) -> Trouble:
    """What is wrong with a source whose call failed with this error of botocore."""
    code, kind = code_of(error), type(error).__name__
    unknown = f"for which AWS answered {code}" if code else f"which cannot be read ({kind})"
    return _TROUBLES.get(code or kind, Trouble(unknown, "deploy again", "CI224"))


def _parameter(found: Mapping[str, Any]) -> Parameter:
    changed = found.get("LastModifiedDate")
    version = (found["Name"], str(found.get("Version", "")), str(changed.timestamp()) if changed else "")
    return Parameter(found["Name"], found["Value"], version)


def parameters_below(client: Any, path: str) -> Iterator[list[Parameter]]:
    """The parameters at any depth below a path, page by page."""
    pages = client.get_paginator("get_parameters_by_path").paginate(
        Path=path, Recursive=True, WithDecryption=True, MaxResults=PAGE
    )
    for page in pages:
        yield [_parameter(found) for found in page["Parameters"]]


def batches(wanted: Iterable[ParameterReference]) -> list[list[ParameterReference]]:
    """Groups for one call each, in which no name occurs twice."""
    found: list[list[ParameterReference]] = []
    for each in wanted:
        for batch in found:
            if len(batch) < PAGE and each.name not in (other.name for other in batch):
                batch.append(each)
                break
        else:
            found.append([each])
    return found


def parameters(client: Any, batch: Sequence[ParameterReference]) -> dict[ParameterReference, Parameter]:
    """The parameters of one group. What does not exist is not in the answer."""
    answer = client.get_parameters(Names=[each.selector for each in batch], WithDecryption=True)
    by_selector = {f"{found['Name']}{found.get('Selector', '')}": found for found in answer["Parameters"]}
    return {each: _parameter(by_selector[each.selector]) for each in batch if each.selector in by_selector}


def secret(client: Any, wanted: SecretReference) -> Secret:
    """The secret, in its current version if the reference has none."""
    stage = {"VersionStage": wanted.stage} if wanted.stage else {}
    version = {"VersionId": wanted.version} if wanted.version else {}
    answer = client.get_secret_value(SecretId=wanted.secret, **stage, **version)
    return Secret(answer["Name"], answer.get("SecretString"), (answer["ARN"], answer["VersionId"]))
