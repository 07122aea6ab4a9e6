"""Parameters and outputs of the provider's templates: takes a template's file name, returns sections and tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cfn_injector.cli.installing.parameters import OPTIONS
from reference.markdown import code, items, page, plain, section, table
from reference.templates import document, expression

_OPTIONS = {option.parameter: option.flag for option in OPTIONS}
_LIST = "CommaDelimitedList"


def parameters(name: str, level: int = 2) -> str:
    """A section for each parameter."""
    found: Mapping[str, Mapping[str, Any]] = document(name).data["Parameters"]
    return page(
        section(level, each, _described(facts), items(_facts(name, each, facts))) for each, facts in found.items()
    )


def _described(facts: Mapping[str, Any]) -> str:
    return plain(" ".join(str(facts["Description"]).split()))


def _facts(template: str, name: str, facts: Mapping[str, Any]) -> Iterator[str]:
    yield f"Type: {'a list, separated by commas' if facts['Type'] == _LIST else facts['Type']}"
    yield "Required" if "Default" not in facts else f"Default: {_default(facts)}"
    if "AllowedValues" in facts:
        yield f"Values: {' or '.join(map(code, facts['AllowedValues']))}"
    if "AllowedPattern" in facts:
        of = "each: " if facts["Type"] == _LIST else ""
        yield f"Allowed: {plain(facts['ConstraintDescription'])} ({of}{code(facts['AllowedPattern'])})"
    if template == "provider.yaml" and name in _OPTIONS:
        yield f"Option of [`install`](commands.md#install): {code(_OPTIONS[name])}"


def parameter_table(name: str) -> str:
    """A table of the parameters."""
    found: Mapping[str, Mapping[str, Any]] = document(name).data["Parameters"]
    rows = (
        (code(each), _default(facts) if "Default" in facts else "required", _described(facts))
        for each, facts in found.items()
    )
    return table(("parameter", "default", "meaning"), rows)


def _default(facts: Mapping[str, Any]) -> str:
    return code(facts["Default"]) if facts["Default"] else "empty"


def outputs(name: str) -> str:
    """The outputs, and the names under which they are exported."""
    rows = (
        (code(output), code(expression(facts["Export"]["Name"])) if "Export" in facts else "", _described(facts))
        for output, facts in document(name).data["Outputs"].items()
    )
    return table(("output", "export", "meaning"), rows)
