"""Changes templates that people already have: takes a template as plain data, returns the edits that it needs.

    Connect -> Env in a function's metadata -> Custom::LambdaCode, Code, Handler, Environment -> versions

A template is what a JSON template holds: intrinsic functions in their long forms (``{"Fn::GetAtt": ["A", "Arn"]}``).
CloudFormation hands a macro the same. This package imports no parser: the provider's zip contains it, for the macro.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cfn_injector.errors import PropertiesError, PropertyError
from cfn_injector.transform.artifact import attribute_of
from cfn_injector.transform.connect import connect_edits
from cfn_injector.transform.edits import REMOVED, Edit, Path, applied, at
from cfn_injector.transform.environment import environment_edits
from cfn_injector.transform.functions import NATIVE, OURS, SAM, Resource, functions, resources
from cfn_injector.transform.references import references
from cfn_injector.transform.settings import INJECTED, METADATA, Options, problems
from cfn_injector.transform.versions import version_edits

__all__ = [
    "INJECTED",
    "METADATA",
    "NATIVE",
    "OURS",
    "REMOVED",
    "SAM",
    "Edit",
    "Options",
    "Path",
    "Resource",
    "applied",
    "at",
    "attribute_of",
    "connect_problems",
    "metadata_problems",
    "references",
    "resources",
    "transform",
]


def transform(template: Mapping[str, Any], options: Options) -> list[Edit]:
    """The edits, in their order. Raises PropertiesError with everything that was asked for and cannot be done."""
    edits = connect_edits(template)
    edits += environment_edits(applied(template, edits), options)
    edits += version_edits(applied(template, edits), options.note)
    return edits


def connect_problems(template: Mapping[str, Any]) -> list[PropertyError]:
    """Why ``Connect`` cannot be done: a problem for each connection."""
    try:
        connect_edits(template)
    except PropertiesError as error:
        return list(error.problems)
    return []


def metadata_problems(template: Mapping[str, Any]) -> list[PropertyError]:
    """A problem for each name in ``Metadata.CfnInjector`` that the transform does not know."""
    return list(problems(template, [each for each in functions(template) if each.type in (NATIVE, SAM)]))
