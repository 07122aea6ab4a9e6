"""Makes versions follow their functions' artifacts: takes a template, returns edits.

A ``Custom::LambdaCode`` changes the code of a function without a change in the template's text. A version does not
notice, and the alias that names it stays where it is. So what replaces a version gets the attribute ``CodeSha256``:

    AWS::Lambda::Version          its CodeSha256
    SAM's AutoPublishAlias        VersionDescription, which becomes the version's Description

AutoPublishCodeSha256 takes texts and parameters, and no attribute. A change of CodeSha256 or Description replaces the
version: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-version.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cfn_injector.transform.artifact import code_of
from cfn_injector.transform.edits import Edit
from cfn_injector.transform.functions import SAM, Function, Resource, functions, resources

VERSION = "AWS::Lambda::Version"


def version_edits(template: Mapping[str, Any], note: Callable[[str], None]) -> list[Edit]:
    """The edits for every function whose code comes from a ``Custom::LambdaCode``."""
    edits = list[Edit]()
    for function in functions(template):
        code = code_of(function, template)
        if code:
            sha256 = {"Fn::GetAtt": [code, "CodeSha256"]}
            edits += _description_edits(function, sha256)
            edits += _native_edits(template, function, sha256, note)
    return edits


def _description_edits(function: Function, sha256: Mapping[str, Any]) -> Iterator[Edit]:
    own = function.properties.get("VersionDescription")
    if function.type == SAM and "AutoPublishAlias" in function.properties and not _mentions(own, sha256):
        described = {"Fn::Join": [" ", [own, sha256]]} if own else sha256
        yield Edit((*function.path, "Properties", "VersionDescription"), described)


def _native_edits(
    template: Mapping[str, Any], function: Function, sha256: Mapping[str, Any], note: Callable[[str], None]
) -> Iterator[Edit]:
    """One version of a function can follow it. If there are several, it is the one that something refers to."""
    found = [each for each in resources(template) if each.type == VERSION and _is_of(each, function)]
    if len(found) > 1:
        found = [each for each in found if _is_referred_to(template, each)]
    if len(found) > 1:
        names = ", ".join(each.logical_id for each in found)
        note(f"{names} are left as they are: only one version of {function.logical_id} can follow its artifact")
        return
    for version in found:
        if "CodeSha256" not in version.body["Properties"]:
            yield Edit((*version.path, "Properties", "CodeSha256"), sha256)
            if "UpdateReplacePolicy" not in version.body:
                yield Edit((*version.path, "UpdateReplacePolicy"), "Retain")


def _is_of(version: Resource, function: Function) -> bool:
    own = function.logical_id
    names: list[Any] = [{"Ref": own}, {"Fn::GetAtt": [own, "Arn"]}, {"Fn::GetAtt": f"{own}.Arn"}]
    names += [{"Fn::Sub": f"${{{own}}}"}, {"Fn::Sub": f"${{{own}.Arn}}"}, function.properties.get("FunctionName")]
    stated = version.body.get("Properties", {}).get("FunctionName")
    return stated is not None and stated in names and function.resource.scope == version.scope


def _is_referred_to(template: Mapping[str, Any], version: Resource) -> bool:
    own = version.logical_id
    others = [each.body for each in resources(template) if each.logical_id != own]
    text = json.dumps([*others, template.get("Outputs")])
    forms = (json.dumps({"Ref": own}), f'"Fn::GetAtt": ["{own}"', f'"Fn::GetAtt": "{own}.', f"${{{own}}}", f"${{{own}.")
    return any(form in text for form in forms)


def _mentions(value: Any, part: Any) -> bool:
    return json.dumps(part) in json.dumps(value)
