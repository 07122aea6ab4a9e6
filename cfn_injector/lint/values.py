"""What is known of a value before the template is deployed.

Takes a value of a template as cfn-lint reads it, and the outcomes of its conditions. Returns plain data, the place in
the template of each part, and the parts that CloudFormation will fill in; or the problems that the value has whatever
these will be. A part is named as in the provider's errors: ``Env.HOSTS``, ``EnvFrom[0].Prefix``.

``AWS::NoValue`` is removed, and of ``Fn::If`` the branch of the condition stays.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any, Final, NamedTuple

from cfn_injector.errors import PropertyError
from cfn_injector.transform import Path

NO_VALUE = {"Ref": "AWS::NoValue"}
MAX_ASSUMPTIONS = 64
"""How many combinations of stand-ins are tried. If there are more, nothing is said about the value."""

_FLAG: Final = ("true", "false")
_STAND_INS: Mapping[str, Sequence[Any]] = {
    "Runtime": ("python3.13", "nodejs22.x", "java21", "provided.al2023"),
    "EnvLoader": ("auto", "none", "handler", "exec"),
    "Edge": _FLAG,
    "Publish": _FLAG,
    "PublishToLatestPublished": _FLAG,
    "Adopt": _FLAG,
    "AllowLoaderVariables": _FLAG,
    "PackageType": ("Zip",),
    "IntegrationRequest.Type": ("Lambda", "AWS_PROXY"),
    "Code": ({"S3Bucket": "bucket", "S3Key": "key"},),
    "Env": ({},),
    "EnvFrom": ([],),
    "Environment": ({},),
    "Environment.Variables": ({},),
    "Handlers": ({"Name": "app.handler"},),
}
"""Values of properties that decide whether others are right. All are tried, and what is wrong with one may be right."""

_OTHERS = ("1", "1" * 40)
"""Values for everything else: text, and numbers, of two lengths."""

_KINDS: Sequence[Any] = ("true", "app.handler", {}, [])
"""A value of each other kind."""

_DEPENDS = {"IntegrationResponses": "MethodResponses"}
"""Where a problem with one property, as a whole, can be due to another one."""


_NO_NAME = "NameOfNothing"

Check = Callable[[Mapping[str, Any]], Collection[PropertyError]]
"""Finds the problems of properties."""


# No dataclasses: cfn-lint reads the files of a folder of rules without making modules of them, which dataclasses need.


class Value(NamedTuple):
    """``data`` is plain, with None where an intrinsic function is; ``unknown`` names these parts.

    ``places`` has the path in the template of each part.
    """

    data: Any
    places: Mapping[str, Path]
    unknown: frozenset[str]

    def place(self, name: str) -> Path:
        """The path in the template of the part, or of what contains it if the part is missing."""
        while name and name not in self.places:
            name = name[: max(name.rfind("."), name.rfind("["), 0)]
        return self.places[name]

    def is_unknown(self, name: str) -> bool:
        """Whether CloudFormation will put the part, or what contains it, there."""
        return any(_is_within(name, part) for part in self.unknown)


class _Parts(NamedTuple):
    """What is found on the way through a value."""

    conditions: Mapping[str, bool]
    of_intrinsic: Callable[[Any], Any]
    places: dict[str, Path]
    unknown: set[str]


def _is_within(name: str, part: str) -> bool:
    return name == part or not part or name.startswith((f"{part}.", f"{part}["))


def is_intrinsic(value: Any) -> bool:
    """Whether CloudFormation replaces the value, or adds to it."""
    if not isinstance(value, Mapping):
        return False
    return any(str(name).startswith("Fn::") for name in value) or value.keys() in ({"Ref"}, {"Condition"})


def branches(value: Any) -> tuple[str, Any, Any] | None:
    """Condition and branches of ``Fn::If``; None for anything else."""
    match value:
        case {"Fn::If": [str(name), first, second]} if len(value) == 1:
            return str(name), first, second
    return None


def conditions_in(value: Any) -> set[str]:
    """The conditions of all ``Fn::If`` in a value."""
    inner = list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list) else []
    found = branches(value)
    return {name for item in inner for name in conditions_in(item)} | ({found[0]} if found else set())


def read(
    value: Any, path: Path, conditions: Mapping[str, bool], of_intrinsic: Callable[[Any], Any] = lambda _: None
) -> Value:
    """The value at ``path`` of the template. An ``Fn::If`` whose condition is not among ``conditions`` is unknown.

    ``of_intrinsic`` returns what ``data`` has for an intrinsic function.
    """
    parts = _Parts(conditions, of_intrinsic, {}, set())
    data = _read(value, "", path, parts)
    places = {"": path, **parts.places}
    return Value({} if data is NO_VALUE else data, places, frozenset(parts.unknown))


def _read(value: Any, name: str, path: Path, parts: _Parts) -> Any:
    if value == NO_VALUE:
        return NO_VALUE
    found = branches(value)
    if found and found[0] in parts.conditions:
        index = 1 if parts.conditions[found[0]] else 2
        return _read(found[index], name, (*path, "Fn::If", index), parts)
    parts.places[name] = path
    if is_intrinsic(value):
        parts.unknown.add(name)
        return parts.of_intrinsic(value)
    if isinstance(value, Mapping):
        members = {
            str(key): _read(item, f"{name}.{key}".lstrip("."), (*path, key), parts) for key, item in value.items()
        }
        return {key: item for key, item in members.items() if item is not NO_VALUE}
    if isinstance(value, list):
        items: list[Any] = []
        for index, item in enumerate(value):
            read_item = _read(item, f"{name}[{len(items)}]", (*path, index), parts)
            items += [] if read_item is NO_VALUE else [read_item]
        return items
    return str(value) if isinstance(value, str) else value


def _filled(data: Any, name: str, stand_ins: Mapping[str, Any]) -> Any:
    if name in stand_ins:
        return stand_ins[name]
    if isinstance(data, Mapping):
        return {key: _filled(item, f"{name}.{key}".lstrip("."), stand_ins) for key, item in data.items()}
    if isinstance(data, list):
        return [_filled(item, f"{name}[{index}]", stand_ins) for index, item in enumerate(data)]
    return data


def _assumptions(unknown: Collection[str]) -> Iterator[dict[str, Any]]:
    """Each combination of stand-ins, by the parts they stand for."""
    deciding = sorted(name for name in unknown if name in _STAND_INS)
    others = sorted(name for name in unknown if name not in _STAND_INS)
    for other in _OTHERS if others else _OTHERS[:1]:
        for chosen in product(*(_STAND_INS[name] for name in deciding)):
            yield {**dict.fromkeys(others, other), **dict(zip(deciding, chosen, strict=True))}


def _renamed(data: Any, part: str, name: str = "") -> Any:
    """The data with another name for a part."""
    if isinstance(data, Mapping):
        inner = {key: (f"{name}.{key}".lstrip("."), item) for key, item in data.items()}
        return {_NO_NAME if path == part else key: _renamed(item, part, path) for key, (path, item) in inner.items()}
    if isinstance(data, list):
        return [_renamed(item, part, f"{name}[{index}]") for index, item in enumerate(data)]
    return data


def _is_of_name(data: Any, problem: PropertyError, check: Check) -> bool:
    """Whether a problem is with the name of a part: every value has it, and so has every wrong name."""
    parent = problem.name.rpartition(".")[0]
    if parent == "Env":  # where every text is a right value, so that only the name can be wrong
        return True
    if any(problem not in check(_filled(data, "", {problem.name: value})) for value in _KINDS):
        return False
    renamed = f"{parent}.{_NO_NAME}".lstrip(".")
    return any((each.name, each.problem) == (renamed, problem.problem) for each in check(_renamed(data, problem.name)))


def _may_be_right(value: Value, data: Any, problem: PropertyError, check: Check) -> bool:
    """Whether the problem can be due to a stand-in in its place."""
    if problem.name in value.unknown and _is_of_name(data, problem, check):
        return False
    other = _DEPENDS.get(problem.name)
    return value.is_unknown(problem.name) or (
        other is not None and any(_is_within(name, other) for name in value.unknown)
    )


def problems(value: Value, check: Check) -> list[PropertyError]:
    """The problems that ``check`` finds whatever CloudFormation will put in the unknown parts."""
    if not isinstance(value.data, Mapping):
        return []
    assumptions = list(islice(_assumptions(value.unknown), MAX_ASSUMPTIONS + 1))
    if len(assumptions) > MAX_ASSUMPTIONS:
        return []
    filled = [_filled(value.data, "", stand_ins) for stand_ins in assumptions]
    found = [list(check(data)) for data in filled]
    everywhere = [problem for problem in found[0] if all(problem in others for others in found[1:])]
    return [problem for problem in dict.fromkeys(everywhere) if not _may_be_right(value, filled[0], problem, check)]
