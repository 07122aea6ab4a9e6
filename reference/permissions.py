"""The statements of the policies in the provider's template: takes the template, returns lists and sections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from cfn_injector.cli.installing.permissions import SENTENCES
from reference.markdown import anchor, code, items, listed, page, plain, section
from reference.templates import Statement, condition, expressions, statements

TEMPLATE = "provider.yaml"


def in_words() -> str:
    """What ``cfn-injector install`` says about the role, with the statements that each sentence stands for."""
    lines = []
    for sentence in SENTENCES:
        text = plain(sentence.text.replace("{", "`").replace("}", "`"))
        sids = ", ".join(map(anchor, sentence.sids))
        lines.append(f"{text} ({sids})" if sids else text)
    return f"\n{items(lines)}\n"


def policies() -> str:
    """A section for each policy, and in it one for each statement."""
    return page(_sections())


def _sections() -> Iterator[str]:
    for resource, found in groupby(statements(TEMPLATE), key=lambda each: each.resource):
        yield section(2, resource)
        yield from map(_section, found)


def _section(statement: Statement) -> str:
    sources = ", ".join(f"[source]({url})" for url in statement.sources)
    reason = plain(statement.reason) + (f" ({sources})" if sources else "")
    return "\n\n".join([f"### {_name(statement.data)}", reason, items(_facts(statement))])


def _name(data: Mapping[str, Any]) -> str:
    if "Sid" in data:
        return code(data["Sid"])
    return "Trust policy" if data["Action"] == "sts:AssumeRole" else "Without a Sid"


def _facts(statement: Statement) -> Iterator[str]:
    data = statement.data
    verb = {"Allow": "Allows", "Deny": "Denies"}[data["Effect"]]
    yield f"{verb}: {_all_but('Action', data)}"
    if "Principal" in data:
        yield f"Principal: {_principal(data['Principal'])}"
    if "Resource" in data or "NotResource" in data:
        yield f"Resources: {_all_but('Resource', data)}"
    yield from (f"Condition: {each}" for each in _conditions(data.get("Condition", {})))
    parts = [condition(TEMPLATE, key, holds) for key, holds in statement.conditions]
    if parts:
        yield f"Part of the policy if {', and '.join(parts)}"


def _all_but(name: str, data: Mapping[str, Any]) -> str:
    """The values of an element, or of its negation."""
    negated = f"Not{name}" in data
    return f"{'everything but ' if negated else ''}{listed(expressions(data[f'Not{name}' if negated else name]))}"


def _principal(value: Any) -> str:
    return "everybody" if value == "*" else listed(value.values())


def _conditions(stated: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for operator, keys in stated.items():
        for key, value in keys.items():
            yield f"{code(key)} {code(operator)} {listed(expressions(value))}"
