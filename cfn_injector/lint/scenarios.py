"""The possible outcomes of the conditions that a resource depends on, by cfn-lint's solver.

Takes cfn-lint's template and a resource. Returns a list of outcomes: whether each condition is true.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cfn_injector.lint.templates import Resource
from cfn_injector.lint.values import conditions_in


def of(cfn: Any, resource: Resource) -> list[Mapping[str, bool]]:
    """The outcomes with which the resource exists; none if its condition is never true."""
    stated = [resource.properties, resource.body.get("Metadata")]
    wanted = {name: {True, False} for name in sorted(conditions_in(stated)) if cfn.conditions.get(name)}
    own = resource.body.get("Condition")
    if isinstance(own, str) and cfn.conditions.get(own):
        wanted[str(own)] = {True}
    return list(cfn.conditions.build_scenarios(wanted)) if wanted else [{}]
