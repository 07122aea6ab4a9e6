"""The transform as a CloudFormation macro: takes CloudFormation's event, returns the template that it deploys.

    event -> fragment, the whole template -> edits -> {"requestId", "status", "fragment"}, or an errorMessage

The macro may be listed before or behind ``AWS::Serverless-2016-10-31``: it knows SAM's functions and what SAM makes of
them. Behind it, versions get their CodeSha256 themselves, and keep their predecessors. The macro moves the variables of
all functions, unless the metadata of the template or of a function say otherwise.

A template may hold secrets. Neither the log nor an error has more of it than names.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros-author.html
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from cfn_injector.errors import InjectorError, RequestError, with_code
from cfn_injector.transform import Options, transform
from cfn_injector.transform.edits import applied

SERVICE_TOKEN = "CFN_INJECTOR_SERVICE_TOKEN"
"""The variable with the ARN of the provider in the macro's stack. AWS does not support Fn::ImportValue in macros."""

LOGGED: Mapping[str, str] = {
    "step": "`macro`",
    "request_id": "the ID of CloudFormation's request",
    "note": "why a function stays as it is, or why the macro failed",
}
"""The fields of each line of the log."""


def process(event: Mapping[str, Any], environ: Mapping[str, str], log: Callable[[str], None]) -> dict[str, Any]:
    """The answer to an event. ``log`` takes lines of JSON."""

    def note(text: str) -> None:
        log(json.dumps({"step": "macro", "request_id": event.get("requestId"), "note": text}))

    answer = {"requestId": event.get("requestId")}
    try:
        return {**answer, "status": "success", "fragment": _processed(event, environ, note)}
    except InjectorError as error:
        problem = error.full_message
    except Exception as error:  # its text may hold a value
        kind = type(error).__name__
        problem = with_code(f"the macro failed with {kind}; report it with the template's resources", "CI601")
    note(problem)
    return {**answer, "status": "failure", "errorMessage": problem}


def _processed(event: Mapping[str, Any], environ: Mapping[str, str], note: Callable[[str], None]) -> dict[str, Any]:
    fragment = event.get("fragment")
    if not isinstance(fragment, Mapping) or not isinstance(fragment.get("Resources"), Mapping):
        raise RequestError(
            "the macro is for whole templates; name it in the Transform section, not in Fn::Transform", code="CI602"
        )
    if event.get("params"):
        raise RequestError("the macro takes no parameters; use Metadata.CfnInjector of the template", code="CI603")
    given = event.get("templateParameterValues") or {}
    options = Options(
        move=True,
        service_token=environ.get(SERVICE_TOKEN),
        parameters={name: value for name, value in given.items() if isinstance(value, str)},
        note=note,
    )
    return applied(fragment, transform(fragment, options))


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Processes one template."""
    return process(event, os.environ, print)
