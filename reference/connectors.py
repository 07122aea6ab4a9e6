"""What ``Connect`` gives for each type: takes the connectors, returns a table."""

from __future__ import annotations

from collections.abc import Iterable

from cfn_injector.transform.connector import READ, WRITE, Condition, Connector, Statement, Variable, always
from cfn_injector.transform.connectors import CONNECTORS
from reference.markdown import code, listed, table


def _with_condition(text: str, when: Condition) -> str:
    """The text, followed by the condition, which is the first line of the function's documentation."""
    condition = (when.__doc__ or "").rstrip(".")
    return text if when is always else f"{text} ({condition[0].lower()}{condition[1:]})"


def _variables(variables: Iterable[Variable]) -> str:
    """Each suffix once. Two values of one suffix have opposite conditions, so there is always one of them."""
    conditions: dict[str, list[Condition]] = {}
    for variable in variables:
        conditions.setdefault(variable.suffix, []).append(variable.when)
    return ", ".join(
        _with_condition(code(suffix), always if len(found) > 1 else found[0]) for suffix, found in conditions.items()
    )


def _actions(statements: Iterable[Statement]) -> str:
    found = list[str]()
    for statement in statements:
        names = listed(statement.actions)
        found.append(_with_condition(f"{names} through the URL" if statement.condition else names, statement.when))
    return "<br>".join(found)


def _row(kinds: Iterable[str], connector: Connector) -> tuple[str, ...]:
    actions = [_actions(connector.access.get(access, ())) for access in (READ, WRITE)]
    return ("<br>".join(map(code, kinds)), _variables(connector.variables), *actions)


def given() -> str:
    """A row for each connector, with all of its types."""
    kinds: dict[int, list[str]] = {}
    for kind, connector in CONNECTORS.items():
        kinds.setdefault(id(connector), []).append(kind)
    return table(
        ("type", "variables", "`Read`", "`Write`"), (_row(each, CONNECTORS[each[0]]) for each in kinds.values())
    )
