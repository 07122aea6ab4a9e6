"""What a template says to the transform: takes its tables, returns tables."""

from __future__ import annotations

from cfn_injector.transform.connections import MEMBERS
from cfn_injector.transform.settings import OF_FUNCTION, OF_TEMPLATE
from reference.markdown import code, table


def of_function() -> str:
    """The names in ``Metadata: {CfnInjector: ...}`` of a function."""
    return table(("name", "meaning"), ((code(name), meaning) for name, meaning in OF_FUNCTION.items()))


def of_template() -> str:
    """The names in ``Metadata: {CfnInjector: ...}`` of the template."""
    return table(("name", "meaning"), ((code(name), meaning) for name, meaning in OF_TEMPLATE.items()))


def connections() -> str:
    """The members of an entry of ``Connect``."""
    return table(("member", "type", "meaning"), ((code(name), *each) for name, each in MEMBERS.items()))
