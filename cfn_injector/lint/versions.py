"""Versions that a change of ``Env`` does not publish: takes a template, returns findings.

CloudFormation creates an ``AWS::Lambda::Version`` once, and SAM's ``AutoPublishAlias`` looks at the template alone.
Neither sees that a package has changed. A change of ``CodeSha256`` or ``Description`` replaces the version; the latter
is ``VersionDescription`` in SAM. SAM publishes for a change of ``AutoPublishCodeSha256``, too, which takes a parameter.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-version.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cfn_injector.lint.resource_types import CODE, FUNCTION
from cfn_injector.lint.templates import Finding, resources, served
from cfn_injector.transform import NATIVE, SAM, references

_VERSION = "AWS::Lambda::Version"
_CODE = {NATIVE: "Code", SAM: "CodeUri"}


def injected(template: Mapping[str, Any]) -> dict[str, str]:
    """The functions whose code the provider makes: their logical IDs, and that of what has ``CodeSha256``."""
    packages = {each.logical_id for each in served(template, CODE)}
    found = {each.logical_id: each.logical_id for each in served(template, FUNCTION)}
    for function in resources(template, *_CODE):
        for reference in references(function.stated(_CODE[function.type]), ()):
            if reference.logical_id in packages:
                found[function.logical_id] = reference.logical_id
    return found


def unpublished(template: Mapping[str, Any]) -> Iterator[Finding]:
    """Versions without ``CodeSha256``."""
    functions = injected(template)
    for version in resources(template, _VERSION):
        if version.stated("CodeSha256") is not None:
            continue
        path = version.properties_path
        for reference in references(version.stated("FunctionName"), (*path, "FunctionName")):
            source = functions.get(reference.logical_id)
            if source and reference.attribute in ("", "Arn"):
                message = f"a change of Env publishes no version of {reference.logical_id}"
                yield Finding(path, f"{message}; set CodeSha256: !GetAtt {source}.CodeSha256")
                break


def aliases(template: Mapping[str, Any]) -> Iterator[Finding]:
    """SAM's ``AutoPublishAlias`` of functions whose code the provider makes."""
    functions = injected(template)
    for function in resources(template, SAM):
        source = functions.get(function.logical_id)
        if source is None or function.stated("AutoPublishAlias") is None:
            continue
        if function.stated("AutoPublishCodeSha256") is not None:  # a parameter that each deployment changes
            continue
        described = references(function.stated("VersionDescription"), ())
        if not any((each.logical_id, each.attribute) == (source, "CodeSha256") for each in described):
            remedy = f"set VersionDescription: !GetAtt {source}.CodeSha256, which becomes the version's Description"
            path = (*function.properties_path, "AutoPublishAlias")
            yield Finding(path, f"a change of Env never reaches the alias; {remedy}")
