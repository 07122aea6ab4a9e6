"""What a template says to the transform: ``Metadata: {CfnInjector: {...}}`` of a function and of the template.

Takes the metadata and the options of the command. Returns typed settings, or a problem for each name that is wrong.
What the template says is the default for its functions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cfn_injector.env_properties import flag, is_set
from cfn_injector.errors import PropertyError
from cfn_injector.transform.edits import at
from cfn_injector.transform.functions import Function, mapping

KEY = "CfnInjector"
METADATA = ("Metadata", KEY)

INJECTED = ("Env", "EnvFrom", "EnvFile", "EnvLoader", "Refresh", "AllowLoaderVariables", "Edge")
"""The names that ``Custom::LambdaCode`` takes as they are."""

MOVE = "MoveEnvironment"
_AS_PROPERTY = "as the property of `Custom::LambdaCode`"
OF_FUNCTION: Mapping[str, str] = {
    **dict.fromkeys(INJECTED, _AS_PROPERTY),
    "Connect": "the resources that the function works with: becomes `Env` and a policy",
    MOVE: "whether the variables of `Environment` move. It takes precedence over the command and over the template",
    "Keep": "a list of further names that stay in `Environment`; `*` stands for any text",
    "ServiceToken": "the property of the `Custom::LambdaCode`. Default: what the stack `cfn-injector` exports",
    "ServiceTimeout": "the property of the `Custom::LambdaCode`. Default: 1200",
}
"""What each name in the metadata of a function means."""
OF_TEMPLATE: Mapping[str, str] = {
    MOVE: "whether the variables of all functions move: `true`, `false`, or a list of logical IDs",
    **{name: OF_FUNCTION[name] for name in ("Keep", "EnvFile", "EnvLoader", "ServiceToken", "ServiceTimeout")},
}
"""The same for the metadata of the template, which has defaults for its functions."""
_NAMES = {"function": OF_FUNCTION, "template": OF_TEMPLATE}
_TIMEOUT = 1200
"""Seconds: how long the provider may wait for a place, and then work."""


def _ignore(text: str) -> None:
    """Drops a note."""


@dataclass(frozen=True)
class Options:
    """What the command, or the macro, says.

    ``move`` is whether the variables of all functions move, or the logical IDs of those whose variables do.
    ``service_token`` is a value or an intrinsic function. ``parameters`` are values of the template's parameters, as
    far as they are known. ``note`` takes a sentence about each function that is left as it is.
    """

    move: bool | Collection[str] = False
    service_token: Any = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    note: Callable[[str], None] = _ignore

    @property
    def named(self) -> Collection[str]:
        """The logical IDs that were given."""
        return () if isinstance(self.move, bool) else self.move


@dataclass(frozen=True)
class Settings:
    """What is to be done with a function.

    ``injected`` are properties of ``Custom::LambdaCode``. ``moves`` is whether the variables of ``Environment`` join
    them, all but those whose names are in ``keep``. ``is_asked_for`` is whether the function itself was meant, by its
    metadata or by its name: then what cannot be done is an error.
    """

    injected: Mapping[str, Any]
    service: Mapping[str, Any]
    keep: tuple[str, ...]
    moves: bool
    is_asked_for: bool


def settings(template: Mapping[str, Any], function: Function, options: Options) -> Settings:
    """The settings of a function. The metadata must have been checked."""
    shared, own = mapping(at(template, METADATA)), mapping(at(function.resource.body, METADATA))
    stated = {**shared, **own}
    token = options.service_token or {"Fn::ImportValue": "cfn-injector-ServiceToken"}
    is_named = function.logical_id in options.named or function.logical_id in named(template)
    return Settings(
        injected={name: stated[name] for name in INJECTED if name in stated},
        service={
            "ServiceToken": stated.get("ServiceToken", token),
            "ServiceTimeout": stated.get("ServiceTimeout", _TIMEOUT),
        },
        keep=tuple(stated.get("Keep", ())),
        moves=(is_named and MOVE not in own) or is_set({MOVE: options.move is True, **shared, **own}, MOVE),
        is_asked_for=is_named or is_set(own, MOVE) or bool(own.keys() - {MOVE}),
    )


def named(template: Mapping[str, Any]) -> list[str]:
    """The logical IDs of the functions whose variables move, if the template lists them."""
    stated = mapping(at(template, METADATA)).get(MOVE)
    return stated if isinstance(stated, list) else []


def problems(template: Mapping[str, Any], found: Collection[Function]) -> Iterator[PropertyError]:
    """Every problem with the metadata of the template and of its functions."""
    yield from _problems("template", "", at(template, METADATA))
    for function in found:
        yield from _problems("function", f"{function.logical_id}.", at(function.resource.body, METADATA))


def _problems(place: str, where: str, stated: Any) -> Iterator[PropertyError]:
    where = f"{where}Metadata.{KEY}"
    if stated is not None and not isinstance(stated, Mapping):
        yield PropertyError(where, "is not a map", "use a map with names such as Env", code="CI604")
    for name in sorted(mapping(stated).keys() - _NAMES[place].keys()):
        yield PropertyError(
            f"{where}.{name}", f"is not a name for a {place}", f"use {', '.join(sorted(_NAMES[place]))}", code="CI605"
        )
    if place == "function" or not isinstance(mapping(stated).get(MOVE), list):
        try:
            flag(mapping(stated), MOVE)
        except PropertyError as problem:
            yield PropertyError(f"{where}.{MOVE}", problem.problem, problem.remedy, code=problem.code)
    keep = mapping(stated).get("Keep", [])
    if not isinstance(keep, list) or not all(isinstance(name, str) for name in keep):
        yield PropertyError(
            f"{where}.Keep", "is not a list of names", "use a list such as [DD_SITE, OTEL_*]", code="CI606"
        )
