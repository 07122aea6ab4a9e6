"""Converts a template's values to the types that an AWS API expects.

Takes properties, in which CloudFormation sends every scalar as a string, and a shape from botocore's model of the API.
Returns typed values, or a problem for each value that cannot be converted. Messages name the path of a property and
never contain its value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.validate import ParamValidator, ValidationErrors

from cfn_injector.env_properties import flag
from cfn_injector.errors import PropertyError

UNKNOWN = "is not known to this provider's model of the API", "correct its name"


def typed(value: Any, shape: Any, where: str) -> Any:
    """A template's value, converted to the type of ``shape``, which is a botocore shape.

    Raises PropertyError, which names the path and never the value.
    """
    return _CONVERTERS.get(shape.type_name, _string)(value, shape, where)


def _structure(value: Any, shape: Any, where: str) -> dict[str, Any]:
    expect(isinstance(value, Mapping), where, "is not a map", code="CI240")
    result = {}
    for name, item in value.items():
        path = f"{where}.{name}"
        expect(name in shape.members, path, *UNKNOWN, code="CI236")
        result[name] = typed(item, shape.members[name], path)
    for name in shape.required_members:
        expect(name in result, f"{where}.{name}", "is missing", "add it", code="CI239")
    return result


def _list(value: Any, shape: Any, where: str) -> list[Any]:
    expect(isinstance(value, list), where, "is not a list", code="CI241")
    return [typed(item, shape.member, f"{where}[{index}]") for index, item in enumerate(value)]


def _map(value: Any, shape: Any, where: str) -> dict[str, Any]:
    expect(isinstance(value, Mapping), where, "is not a map", code="CI240")
    return {name: typed(item, shape.value, f"{where}.{name}") for name, item in value.items()}


def _string(value: Any, shape: Any, where: str) -> str:
    expect(isinstance(value, str | int | float), where, "is not a string", code="CI242")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _integer(value: Any, shape: Any, where: str) -> int:
    try:
        expect(not isinstance(value, bool), where, "is not a whole number", code="CI243")
        return int(str(value))
    except ValueError:
        raise PropertyError(where, "is not a whole number", "correct its value", code="CI243") from None


def _number(value: Any, shape: Any, where: str) -> float:
    try:
        return float(str(value))
    except ValueError:
        raise PropertyError(where, "is not a number", "correct its value", code="CI243") from None


def _boolean(value: Any, shape: Any, where: str) -> bool:
    return flag({where: value}, where)


def expect(condition: bool, where: str, problem: str, remedy: str = "correct its value", *, code: str = "") -> None:
    """Raises PropertyError unless the condition is met. ``code`` is a key of the catalogue of errors."""
    if not condition:
        raise PropertyError(where, problem, remedy, code=code)


_CONVERTERS = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "integer": _integer,
    "long": _integer,
    "float": _number,
    "double": _number,
    "boolean": _boolean,
}


def arguments(
    properties: Mapping[str, Any],
    shape: Any,
    *,
    names: Mapping[str, str] | None = None,
    refused: frozenset[str] = frozenset(),
) -> dict[str, Any | PropertyError]:
    """Maps each property to its typed value, under the API's name, or to its problem, under the property's name.

    ``shape`` is the input shape of an operation. ``names`` maps a property to the API's argument if the two names
    differ; a property with the argument's name is then unknown. ``refused`` lists arguments that are not properties.
    """
    names = names or {}
    found: dict[str, Any | PropertyError] = {}
    problems: dict[str, PropertyError] = {}  # apart, because another property may have the API's name for this one
    for name, value in properties.items():
        api_name = names.get(name, name)
        known = api_name in shape.members and api_name not in refused and name not in names.values()
        try:
            expect(known, name, *UNKNOWN, code="CI236")
            found[api_name] = typed(value, shape.members[api_name], name)
        except PropertyError as problem:
            problems[name] = problem
    return {**found, **problems}


def without_empty(properties: Mapping[str, Any], shape: Any) -> dict[str, Any]:
    """The properties without empty structures, which ``AWS::NoValue`` leaves: CloudFormation takes them as removed.

    A structure whose members are all empty structures is empty too. Lists and maps may be empty, and a structure with
    required members stays, because an empty one is an error.
    ``shape`` is the input shape of an operation whose optional structures mean nothing if they are empty.
    """
    kept = {name: _without_empty(value, shape.members.get(name)) for name, value in properties.items()}
    return {
        name: value
        for name, value in kept.items()
        if name in shape.required_members or not _is_removed(value, shape.members.get(name))
    }


def _without_empty(value: Any, shape: Any) -> Any:
    kind = shape.type_name if shape else ""
    if kind == "structure" and isinstance(value, Mapping):
        return without_empty(value, shape)
    if kind == "list" and isinstance(value, list):
        return [_without_empty(item, shape.member) for item in value]
    return value


def _is_removed(value: Any, shape: Any) -> bool:
    return bool(value == {} and shape and shape.type_name == "structure" and not shape.required_members)


def limit_problems(found: Mapping[str, Any], shape: Any) -> list[PropertyError]:
    """What botocore's validation rejects in typed arguments: ranges, lengths and missing values."""
    report = ParamValidator().validate(found, shape)
    if not report.has_errors():
        return []
    problems = "\n".join(_without_value(*error) for error in report._errors)
    return [PropertyError("Properties", f"are not valid: {problems}", "correct them", code="CI247")]


def _without_value(reason: str, name: str, details: Mapping[str, Any]) -> str:
    """One error of botocore's report. botocore quotes the value, in which the text around it can occur again."""
    single = ValidationErrors()
    single.report(name, reason, **details)
    text: str = single.generate_report()
    return text.replace(f", value: {details['param']}", "", 1) if "param" in details else text


def template_tags(properties: Mapping[str, Any]) -> dict[str, str]:
    """``Tags``, which a template lists as Key and Value, as the API's map. Raises PropertyError."""
    value = properties.get("Tags", [])
    expect(isinstance(value, list), "Tags", "is not a list", "use a list of Key and Value", code="CI241")
    result: dict[str, str] = {}
    for index, tag in enumerate(value):
        whole = isinstance(tag, Mapping) and tag.keys() == {"Key", "Value"}
        expect(whole, f"Tags[{index}]", "is not a Key with a Value", "set both", code="CI250")
        key = str(tag["Key"])
        reserved = key.startswith(("aws:", "cfn-injector:"))
        expect(not reserved, f"Tags[{index}].Key", "is reserved", "rename it", code="CI250")
        result[key] = str(tag["Value"])
    return result
