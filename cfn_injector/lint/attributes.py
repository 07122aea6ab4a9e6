"""Attributes in ``Fn::GetAtt`` and ``Fn::Sub`` that the provider does not return: takes a template, returns findings.

cfn-lint accepts every attribute of a custom resource. CloudFormation finds out while it deploys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from cfn_injector.errors import with_code
from cfn_injector.lint import values
from cfn_injector.lint.resource_types import attributes
from cfn_injector.lint.templates import Finding, served
from cfn_injector.transform import references

_SECTIONS = ("Resources", "Outputs")


def findings(template: Mapping[str, Any]) -> Iterator[Finding]:
    """A finding for each attribute that a resource of the provider does not have."""
    known = {
        each.logical_id: (each.type, attributes(each.type, values.read(each.properties, each.path, {})))
        for each in served(template)
    }
    if not known:
        return
    for section in _SECTIONS:
        for reference in references(template.get(section), (section,)):
            resource_type, names = known.get(reference.logical_id, ("", None))
            if names is not None and reference.attribute and reference.attribute not in names:
                close = get_close_matches(reference.attribute, names, 1)
                remedy = f"use {close[0]}" if close else f"use one of {', '.join(sorted(names))}"
                message = f"{reference.attribute} is not an attribute of {reference.logical_id}, a {resource_type}"
                yield Finding(reference.path, with_code(f"{message}; {remedy}", "CI646"))
