"""Dynamic references in the values of ``Env``, which CloudFormation does not resolve in custom resources.

Takes a text. Returns the references in it, the problems with them, or the text with values in their place. A value that
looks like a reference is not resolved again.

    {{resolve:ssm:name:version}}, {{resolve:ssm-secure:name:version}}
    {{resolve:secretsmanager:secret:SecretString:json-key:version-stage:version-id}}

Everything behind the name is optional. ``ssm`` and ``ssm-secure`` are read alike.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-ssm.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-ssm-secure-strings.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from cfn_injector.dynamic_references import REFERENCE
from cfn_injector.errors import PropertyError

SECRET_ID = r"(?:arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:)?[A-Za-z0-9/_+=.@-]+"
"""The name of a secret, or its ARN."""

_WHOLE = re.compile(r"\{\{resolve:(secretsmanager|ssm-secure|ssm):([^{}]*)\}\}")
_PARAMETER = re.compile(r"([A-Za-z0-9_./-]+)(?::([0-9]+))?")
_SECRET = re.compile(rf"({SECRET_ID})(?::(?:SecretString)?(?::([^:]*)(?::([^:]*)(?::([^:]*))?)?)?)?")


class ParameterReference(NamedTuple):
    """A parameter of Parameter Store, in a version or, if that is empty, in its latest one."""

    name: str
    version: str

    @property
    def selector(self) -> str:
        """As GetParameters takes it."""
        return f"{self.name}:{self.version}" if self.version else self.name

    def __str__(self) -> str:
        return f"the parameter {self.selector}"


class SecretReference(NamedTuple):
    """A secret, or one member of its JSON object. ``stage`` and ``version`` are not both set."""

    secret: str
    member: str = ""
    stage: str = ""
    version: str = ""

    def __str__(self) -> str:
        chosen = self.version or self.stage
        return f"the secret {self.secret}" + (f" in version {chosen}" if chosen else "")


Reference = ParameterReference | SecretReference


def _parameter(key: str) -> Reference | None:
    found = _PARAMETER.fullmatch(key)
    return ParameterReference(found[1], found[2] or "") if found else None


def _secret(key: str) -> Reference | None:
    found = _SECRET.fullmatch(key)
    if found is None or (found[3] and found[4]):
        return None
    return SecretReference(found[1], *(found[group] or "" for group in (2, 3, 4)))


_PARSERS = {"ssm": _parameter, "ssm-secure": _parameter, "secretsmanager": _secret}


def _parsed(found: re.Match[str]) -> Reference | None:
    return _PARSERS[found[1]](found[2])


def references(text: str) -> list[Reference]:
    """The references in a text, in their order. The text must have been checked."""
    return [reference for found in _WHOLE.finditer(text) if (reference := _parsed(found))]


def problems(where: str, text: str) -> Iterator[PropertyError]:
    """A problem if some reference in the text does not have the form that AWS documents. The text is not quoted."""
    complete = {found.start() for found in _WHOLE.finditer(text) if _parsed(found)}
    malformed = next((found for found in REFERENCE.finditer(text) if found.start() not in complete), None)
    if malformed:
        yield PropertyError(
            where,
            f"has a reference to {malformed[1]} that cannot be parsed",
            "correct it: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html",
            code="CI213",
        )


def resolved(text: str, value_of: Callable[[Reference], str]) -> str:
    """The text with the value of each reference in its place."""

    def value(found: re.Match[str]) -> str:
        reference = _parsed(found)
        return value_of(reference) if reference else found[0]

    return _WHOLE.sub(value, text)
