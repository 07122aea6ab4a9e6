"""Reads what ``EnvFrom`` and the references in ``Env`` name.

Takes an operation, the parsed properties, and the artifact. Returns the variables to inject, and what identifies the
versions of everything that was read. Errors: PropertyError or PropertiesError, which name sources and never contain
values. As soon as a value arrives, it is kept out of the answer and the log.

    bounds -> sources, in their order -> references -> Env with values in the place of references
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from cfn_injector import injection
from cfn_injector.archive import LARGEST_FILE
from cfn_injector.aws.operation import Operation
from cfn_injector.env_file import merge_variables
from cfn_injector.env_from import references, stores
from cfn_injector.env_from.access import Bounds, bounds
from cfn_injector.env_from.references import ParameterReference, Reference, SecretReference
from cfn_injector.env_from.spec import EnvFrom, Source
from cfn_injector.env_from.stores import Parameter, Secret, trouble
from cfn_injector.env_properties import refuse, variable_problems
from cfn_injector.errors import PropertyError, code_of

_CORRECT = "correct the name or the value"


@dataclass(frozen=True)
class Resolved:
    """``env`` are the variables to inject. ``versions`` change whenever a value that was read can have changed."""

    env: Mapping[str, str] = field(repr=False)
    versions: list[list[str]]


class _Found(NamedTuple):
    """The values of one source by the source's own names, and their versions."""

    values: Mapping[str, str]
    versions: list[list[str]]


_NOTHING = _Found({}, [])


def _outside(where: str, what: object, setting: str) -> PropertyError:
    problem = f"refers to {what}, outside {setting} of the provider's stack"
    return PropertyError(where, problem, f"add it to {setting}, or use another one", code="CI218")


def _access_problems(wanted: EnvFrom, allowed: Bounds) -> Iterator[PropertyError]:
    for source in wanted.sources:
        if source.kind == "ParameterPath" and not allowed.include_parameter(source.path):
            yield _outside(source.where, source, "ParameterPaths")
        if source.kind == "SecretId" and not allowed.include_secret(source.target):
            yield _outside(source.where, source, "Secrets")
    for reference, where in wanted.references.items():
        if isinstance(reference, ParameterReference) and not allowed.include_parameter(reference.name):
            yield _outside(where, reference, "ParameterPaths")
        if isinstance(reference, SecretReference) and not allowed.include_secret(reference.secret):
            yield _outside(where, reference, "Secrets")


def check_access(operation: Operation, wanted: EnvFrom) -> Bounds:
    """The stack's bounds. Raises PropertiesError, before anything is read, if a source is outside them."""
    allowed = bounds(operation.services.environ, operation.request.stack_id)
    refuse(_access_problems(wanted, allowed))
    return allowed


@contextmanager
def _named(where: str, what: object) -> Iterator[None]:
    """Turns AWS's errors into PropertyErrors that name the source."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        found = trouble(error)
        raise PropertyError(where, f"refers to {what}, {found.problem}", found.remedy, code=found.code) from error


def _members(where: str, what: object, text: str, remedy: str) -> dict[str, Any]:
    """The members of a secret's JSON object. Numbers are text as in the secret."""
    try:
        members = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        members = None
    if not isinstance(members, dict):
        problem = f"refers to {what}, whose value is not a JSON object"
        raise PropertyError(where, problem, remedy, code="CI227")
    return members


def _member_text(where: str, what: object, name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        problem = f"refers to {what}, whose member {name} is not a string, a number or a boolean"
        raise PropertyError(where, problem, _CORRECT, code="CI227")
    return value


class _Reader:
    """The reads of one request. Each secret in each version is read once."""

    def __init__(self, operation: Operation, allowed: Bounds, artifact: injection.Source) -> None:
        self._operation, self._allowed, self._artifact = operation, allowed, artifact
        self._secrets: dict[SecretReference, Secret] = {}

    def read(self, source: Source) -> _Found:
        kinds = {"ParameterPath": self._parameters, "SecretId": self._secret_source, "Artifact": self._file}
        return kinds[source.kind](source)

    def _conceal(self, *values: str) -> None:
        self._operation.services.conceal(values)

    def _parameters(self, source: Source) -> _Found:
        values, versions, size = dict[str, str](), list[list[str]](), 0
        with _named(source.where, source):
            for page in stores.parameters_below(self._operation.client("ssm"), source.path):
                self._conceal(*(found.value for found in page))
                values |= {found.name.removeprefix(f"{source.path}/"): found.value for found in page}
                versions += [list(found.version) for found in page]
                size += sum(len(found.value) for found in page)
                if size > LARGEST_FILE:
                    problem = f"refers to {source}, whose values are larger than 1 MiB"
                    raise PropertyError(source.where, problem, "read fewer of them", code="CI225")
        if not values and not source.optional:
            problem = f"refers to {source}, which contains no parameters"
            raise PropertyError(source.where, problem, "create one, or set Optional: true", code="CI220")
        return _Found(values, sorted(versions))

    def _secret(self, where: str, wanted: SecretReference) -> str:
        """The text of a secret. Raises PropertyError, and ClientError if it does not exist."""
        if wanted not in self._secrets:
            found = stores.secret(self._operation.client("secretsmanager"), wanted)
            self._conceal(found.text or "")
            if not self._allowed.include_secret(found.name):  # Secrets Manager may complete an ARN in another way
                raise _outside(where, wanted, "Secrets")
            self._secrets[wanted] = found
        text = self._secrets[wanted].text
        if text is None:
            raise PropertyError(
                where, f"refers to {wanted}, whose value is binary", "store the value as text", code="CI226"
            )
        return text

    def _secret_source(self, source: Source) -> _Found:
        with _named(source.where, source):
            try:
                text = self._secret(source.where, source.secret)
            except ClientError as error:
                if source.optional and code_of(error) in stores.MISSING:
                    return _NOTHING
                raise
        versions = [list(self._secrets[source.secret].version)]
        if source.name:
            return _Found({source.name: text}, versions)
        values = {
            name: _member_text(source.where, source, name, value)
            for name, value in _members(source.where, source, text, "set Name, or correct the value").items()
        }
        self._conceal(*values.values())
        return _Found(values, versions)

    def _file(self, source: Source) -> _Found:
        data = injection.read_file(self._artifact, source.target)
        if data is None and not source.optional:
            problem = f"refers to {source}, which does not exist"
            raise PropertyError(source.where, problem, "create it, or set Optional: true", code="CI220")
        values = merge_variables(data or b"", {}, source.target).variables
        self._conceal(*values.values())
        return _Found(values, [])  # the artifact has a state of its own

    def references(self, wanted: Mapping[Reference, str]) -> tuple[dict[Reference, str], list[list[str]]]:
        """The values of the references, and their versions."""
        names = {each: where for each, where in wanted.items() if isinstance(each, ParameterReference)}
        parameters = self._referenced_parameters(names)
        values: dict[Reference, str] = {each: found.value for each, found in parameters.items()}
        versions = [list(found.version) for found in parameters.values()]
        for each, where in wanted.items():
            if isinstance(each, SecretReference):
                values[each] = self._referenced_secret(each, where)
                versions.append(list(self._secrets[each._replace(member="")].version))
        return values, versions

    def _referenced_parameters(self, wanted: Mapping[ParameterReference, str]) -> dict[ParameterReference, Parameter]:
        found: dict[ParameterReference, Parameter] = {}
        for batch in stores.batches(wanted):
            there = self._batch(batch, wanted)
            self._conceal(*(each.value for each in there.values()))
            found |= there
        for each, where in wanted.items():
            if each not in found:
                problem = f"refers to {each}, which does not exist"
                raise PropertyError(where, problem, "create it, or correct the name or the version", code="CI220")
        return found

    def _batch(
        self, batch: list[ParameterReference], wanted: Mapping[ParameterReference, str]
    ) -> dict[ParameterReference, Parameter]:
        """What one call finds. If it fails, each parameter is read alone, so that the error names the right one."""
        client = self._operation.client("ssm")
        if len(batch) == 1:
            with _named(wanted[batch[0]], batch[0]):
                return stores.parameters(client, batch)
        try:
            return stores.parameters(client, batch)
        except (ClientError, BotoCoreError):
            alone = [self._batch([each], wanted) for each in batch]
            return {name: found for each in alone for name, found in each.items()}

    def _referenced_secret(self, wanted: SecretReference, where: str) -> str:
        whole = wanted._replace(member="")
        with _named(where, whole):
            text = self._secret(where, whole)
        if not wanted.member:
            return text
        members = _members(where, whole, text, _CORRECT)
        if wanted.member not in members:
            raise PropertyError(
                where, f"refers to {whole}, which has no member {wanted.member}", _CORRECT, code="CI228"
            )
        value = _member_text(where, whole, wanted.member, members[wanted.member])
        self._conceal(value)
        return value


def _merged(wanted: EnvFrom, found: Mapping[Source, _Found]) -> dict[str, str]:
    """The variables of all sources. Raises PropertiesError."""
    env, origin, problems = dict[str, str](), dict[str, Source](), list[PropertyError]()
    for source, each in found.items():
        for own, value in each.values.items():
            name = own if own == source.name else source.variable(own)
            where = f"{source.where}.{name}"
            problems += variable_problems(where, name, value, wanted.outside, loaders_allowed=wanted.loaders_allowed)
            before = origin.get(name)
            if before is source or (before and not source.override):
                remedy = "rename one of the two" if before is source else "set Override: true if this one is to win"
                problems.append(PropertyError(where, f"is also given by {before.where}", remedy, code="CI217"))
            env[name], origin[name] = value, source
    refuse(problems)
    return env


def read(operation: Operation, wanted: EnvFrom, artifact: injection.Source) -> Resolved:
    """The variables to inject: those of the sources, in their order, and ``Env``, which wins."""
    reader = _Reader(operation, check_access(operation, wanted), artifact)
    found = {source: reader.read(source) for source in wanted.sources}
    values, versions = reader.references(wanted.references)
    env = {name: references.resolved(text, values.__getitem__) for name, text in wanted.env.items()}
    operation.services.conceal([value for name, value in env.items() if value != wanted.env[name]])
    refuse(
        problem
        for name, value in env.items()
        if value != wanted.env[name]
        for problem in variable_problems(f"Env.{name}", name, value, loaders_allowed=True)
    )
    merged = {**_merged(wanted, found), **env}
    return Resolved(merged, [*(version for each in found.values() for version in each.versions), *versions])
