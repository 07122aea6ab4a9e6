"""The properties ``EnvFrom``, ``Refresh`` and the references in ``Env``.

Takes a template's properties. Returns every problem with them, or an ``EnvFrom``, which says what has to be read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cfn_injector import env_loader, env_properties
from cfn_injector.env_from import references
from cfn_injector.env_from.references import SECRET_ID, Reference, SecretReference
from cfn_injector.env_properties import flag, is_set
from cfn_injector.errors import PropertyError

PROPERTIES: Mapping[str, tuple[str, str]] = {
    "EnvFrom": ("List of Map", "sources of more variables: Parameter Store, Secrets Manager and files of the artifact"),
    "Refresh": ("Any", "a change of it has the provider read the sources again"),
}
"""The properties that only this package reads: type and meaning."""

_FLAGS = ("Upper", "Optional", "Override")
_COMMON = frozenset({"Prefix", *_FLAGS})
KINDS = {
    "ParameterPath": _COMMON,
    "SecretId": _COMMON | {"Name", "VersionStage", "VersionId"},
    "Artifact": _COMMON,
}
"""What a source is named by, and the further names that it takes."""

MEMBERS: Mapping[str, tuple[str, str]] = {
    "ParameterPath": (
        "String",
        "a path in Parameter Store. It gives each parameter below it, at any depth: String, StringList and "
        "SecureString. `/app/prod/db/host` is `db_host` below `/app/prod/`",
    ),
    "SecretId": ("String", "the name or the complete ARN of a secret. It gives each member of its JSON object"),
    "Artifact": (
        "String",
        "the path of a file in the artifact, in the grammar of `.env`. It gives each variable in it",
    ),
    "Name": ("String", "makes the whole secret one variable with this name"),
    "VersionStage": ("String", "the stage of the secret's version. Default: `AWSCURRENT`"),
    "VersionId": ("String", "the secret's version, instead of a stage"),
    "Prefix": ("String", "the beginning of each name; not with `Name`"),
    "Upper": ("Boolean", "names in capital letters, apart from `Prefix`; not with `Name`"),
    "Optional": (
        "Boolean",
        "a source that does not exist is not an error. A source that the provider may not read still is",
    ),
    "Override": (
        "Boolean",
        "this source wins over those before it. Otherwise two sources that give the same name are an error",
    ),
}
"""The names of a source: type and meaning."""

_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
_FORMS = {
    "ParameterPath": (r"(?:/[A-Za-z0-9_.-]+)+/?", "is not a path of Parameter Store", "use a path such as /app/prod/"),
    "SecretId": (
        SECRET_ID,
        "is not the name or the ARN of a secret",
        "use a name such as prod/db",
    ),
    "Artifact": (
        r"(?!/)(?!(?:.*/)?\.{0,2}(?:/|$))[^\\\0]+",
        "is not the path of a file in the artifact",
        "use a relative path such as config/prod.env",
    ),
    "Prefix": (_VARIABLE, "is not the beginning of a variable name", "use letters, digits and _"),
    "Name": (_VARIABLE, "is not a valid variable name", "use letters, digits and _"),
}
_SEPARATORS = re.compile(r"[/.-]")


@dataclass(frozen=True)
class Source:
    """One entry of ``EnvFrom``. ``kind`` is the name in ``KINDS`` that it has, ``target`` that name's value."""

    where: str
    kind: str
    target: str
    prefix: str
    name: str
    stage: str
    version: str
    upper: bool
    optional: bool
    override: bool

    @property
    def path(self) -> str:
        """The path of parameters as IAM knows it: without a slash at the end."""
        return self.target.rstrip("/")

    @property
    def secret(self) -> SecretReference:
        return SecretReference(self.target, "", self.stage, self.version)

    def variable(self, name: str) -> str:
        """The variable for a parameter, a member of a secret, or a variable of a file."""
        plain = _SEPARATORS.sub("_", name)
        return self.prefix + (plain.upper() if self.upper else plain)

    def __str__(self) -> str:
        return {
            "ParameterPath": f"the path {self.path}",
            "SecretId": str(self.secret),
            "Artifact": f"the file {self.target} of the artifact",
        }[self.kind]


@dataclass(frozen=True)
class EnvFrom:
    """What is read to get the variables.

    ``env`` is ``Env`` as text, with its references. ``outside`` are the names in ``Environment.Variables``. ``inputs``
    holds ``EnvFrom`` and ``Refresh`` as the template has them: a change of it creates the package again.
    """

    sources: tuple[Source, ...]
    env: Mapping[str, str] = field(repr=False)
    outside: frozenset[str]
    loaders_allowed: bool
    inputs: tuple[str, ...]

    @property
    def references(self) -> dict[Reference, str]:
        """The references in ``Env``, each with the place where it occurs first."""
        found: dict[Reference, str] = {}
        for name, value in self.env.items():
            for reference in references.references(value):
                found.setdefault(reference, f"Env.{name}")
        return found


def _entries(properties: Mapping[str, Any]) -> list[Any]:
    stated = properties.get("EnvFrom")
    return stated if isinstance(stated, list) else []


def _kind(entry: Any) -> str | None:
    """The one name in ``KINDS`` that the entry has; None if it has none or several."""
    kinds = [kind for kind in KINDS if kind in entry] if isinstance(entry, Mapping) else []
    return kinds[0] if len(kinds) == 1 else None


def _entry_problems(where: str, entry: Any) -> Iterator[PropertyError]:
    kind = _kind(entry)
    if kind is None:
        yield PropertyError(where, "is not one source", f"set exactly one of {', '.join(KINDS)}", code="CI214")
        return
    for name in sorted(entry.keys() - {kind} - KINDS[kind]):
        yield PropertyError(f"{where}.{name}", f"is not a name for a source with {kind}", "remove it", code="CI215")
    for name in sorted(entry.keys() & {kind, *KINDS[kind]} - set(_FLAGS)):
        form, problem, remedy = _FORMS.get(name, (r"[^:\s]+", "is not the name of a version", "correct it"))
        if not isinstance(entry[name], str) or not re.fullmatch(form, entry[name]):
            yield PropertyError(f"{where}.{name}", problem, remedy, code="CI216")
    for name in _FLAGS:
        try:
            flag(entry, name)
        except PropertyError as problem:
            yield PropertyError(f"{where}.{name}", problem.problem, problem.remedy, code=problem.code)
    for name in ("Prefix", "Upper"):
        if "Name" in entry and name in entry:
            yield PropertyError(f"{where}.{name}", "does not apply to Name", "remove it", code="CI215")
    if "VersionStage" in entry and "VersionId" in entry:
        yield PropertyError(
            f"{where}.VersionId", "is set together with VersionStage", "keep one of the two", code="CI246"
        )


def problems(properties: Mapping[str, Any]) -> Iterator[PropertyError]:
    """Every problem with the sources and with the references in ``Env``."""
    stated = properties.get("EnvFrom", [])
    if not isinstance(stated, list):
        yield PropertyError("EnvFrom", "is not a list", "use a list of sources", code="CI241")
    for index, entry in enumerate(_entries(properties)):
        yield from _entry_problems(f"EnvFrom[{index}]", entry)
    env = properties.get("Env")
    for name, value in env.items() if isinstance(env, Mapping) else ():
        if isinstance(value, str):
            yield from references.problems(f"Env.{name}", value)


def _source(index: int, entry: Mapping[str, Any], kind: str) -> Source:
    def text(name: str) -> str:
        return str(entry.get(name, ""))

    upper, optional, override = (is_set(entry, name) for name in _FLAGS)
    return Source(
        where=f"EnvFrom[{index}]",
        kind=kind,
        target=text(kind),
        prefix=text("Prefix"),
        name=text("Name"),
        stage=text("VersionStage"),
        version=text("VersionId"),
        upper=upper,
        optional=optional,
        override=override,
    )


def parse(properties: Mapping[str, Any]) -> EnvFrom:
    """The properties, typed. They must have been checked."""
    entries = [(index, entry, _kind(entry)) for index, entry in enumerate(_entries(properties))]
    stated = {name: properties[name] for name in sorted(PROPERTIES.keys() & properties.keys())}
    env = properties.get("Env")
    return EnvFrom(
        sources=tuple(_source(index, entry, kind) for index, entry, kind in entries if kind),
        env=env_properties.variables(properties) if isinstance(env, Mapping) else {},
        outside=frozenset(env_properties.declared(env_loader.started(properties))),
        loaders_allowed=is_set(properties, "AllowLoaderVariables"),
        inputs=(json.dumps(stated, sort_keys=True),) if stated else (),
    )
