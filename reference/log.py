"""The provider's log and metrics: takes the tables of ``log_lines`` and the calls that log, returns tables."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import cfn_injector
from cfn_injector.protocol import registry
from cfn_injector.protocol.log_lines import ADDED, DIMENSIONS, LOGGED, METRICS, STEPS
from cfn_injector.resources.api_gateway_resource import cleanup
from cfn_injector.transform import macro
from reference.markdown import code, listed, table

PACKAGE = Path(cfn_injector.__file__).parent
SERVED = ("aws_lambda.py", "aws/**/*.py", "protocol/**/*.py", "resources/**/*.py")
"""The code that serves events."""
COMPUTED = {"cfn_injector.resources.api_gateway_resource.cleanup": sorted(set(cleanup.NOT_DELETED.values()))}
"""The steps of modules that log one which is not written in the call."""
_BEST_EFFORT = "best_effort"
"""A method that logs an error, with the fields that it takes."""


class Call(NamedTuple):
    """A call that logs: its module, its step, and the fields that it gives. ``step`` is None if it is computed."""

    module: str
    step: str | None
    fields: frozenset[str]


def calls() -> Iterator[Call]:
    """Every call in the code that logs a step."""
    for path in sorted(path for pattern in SERVED for path in PACKAGE.glob(pattern)):
        module = ".".join([PACKAGE.name, *path.relative_to(PACKAGE).with_suffix("").parts])
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield from _calls(module, node, node.func.attr)


def _calls(module: str, node: ast.Call, method: str) -> Iterator[Call]:
    fields = frozenset(each.arg for each in node.keywords if each.arg)
    if method == _BEST_EFFORT:
        yield Call(module, "left-behind", fields | {"error"})
    elif method == "log" and isinstance(node.args[0], ast.Constant):
        yield Call(module, str(node.args[0].value), fields)
    elif method == "log":
        yield from (Call(module, step, fields) for step in COMPUTED.get(module, [None]))


def _types(modules: Collection[str]) -> str:
    """The resource types that these modules belong to; nothing if they are all."""
    found = [
        name
        for name, package in registry.BUILT_IN.items()
        if any(f"{module}.".startswith(f"{package}.") for module in modules)
    ]
    return f" ({listed(found)})" if 0 < len(found) < len(registry.BUILT_IN) else ""


def steps() -> str:
    """The steps. In parentheses are the resource types of those that only some have."""
    found = list(calls())
    rows = []
    for step, meaning in STEPS.items():
        own = [call for call in found if call.step == step]
        fields = [name for name in LOGGED if any(name in call.fields for call in own)]
        rows.append((code(step), meaning + _types({call.module for call in own}), listed(fields)))
    return table(("step", "meaning", "fields"), rows)


def fields() -> str:
    """The fields of all lines, in the order of a line."""
    found = {"step": ADDED["step"], **LOGGED, **ADDED}
    return table(("field", "value"), ((code(name), meaning) for name, meaning in found.items()))


def metrics() -> str:
    return table(("metric", "unit", "meaning"), ((code(name), *each) for name, each in METRICS.items()))


def dimensions() -> str:
    return table(("dimension", "value"), ((code(name), meaning) for name, meaning in DIMENSIONS.items()))


def macro_fields() -> str:
    """The fields of the macro's log."""
    return table(("field", "value"), ((code(name), meaning) for name, meaning in macro.LOGGED.items()))
