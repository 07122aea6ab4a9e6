"""Throw-away stacks: takes a session, a name and a template, returns how the stack came to rest.

A stack that fails is a result, not an error: many checks are about failures.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from botocore.exceptions import ClientError

from cfn_injector.doctor.session import Session, UnobservedError
from cfn_injector.errors import code_of, message_of

REFUSED = "REFUSED"
STACK_SECONDS = 900.0
INLINE_BYTES = 51_200
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""

_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]


class Rest(NamedTuple):
    """A stack at rest. ``reasons`` are those of the resources that failed in its last operation, the oldest first.

    The status REFUSED is not AWS's: CloudFormation refused the template, and nothing was created or changed.
    """

    name: str
    id: str
    status: str
    outputs: Mapping[str, str]
    reasons: tuple[str, ...]


def _describe(client: Any, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in message_of(error):
            return None
        raise
    return found


def _at_rest(session: Session, name: str) -> dict[str, Any]:
    """The stack, once nothing is in progress; its status is DELETE_COMPLETE if it does not exist."""
    client = session.client("cloudformation")

    def look() -> dict[str, Any] | None:
        found = _describe(client, name) or {"StackId": name, "StackStatus": "DELETE_COMPLETE"}
        return None if found["StackStatus"].endswith("_IN_PROGRESS") else found

    return session.within(STACK_SECONDS).wait_for(f"stack {name}", look)


def _reasons(client: Any, stack_id: str) -> tuple[str, ...]:
    """Why resources failed since the last operation of the user began."""
    found = list[str]()
    for page in client.get_paginator("describe_stack_events").paginate(StackName=stack_id):
        for event in page["StackEvents"]:
            if event["ResourceStatus"].endswith("_FAILED"):
                found.append(f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}")
            own = event["LogicalResourceId"] == event["StackName"]
            if own and event["ResourceStatus"] in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"):
                return tuple(reversed(found))
    return tuple(reversed(found))


def _rest(session: Session, name: str, stack_id: str) -> Rest:
    found = _at_rest(session, stack_id)
    outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
    failed = found["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE")
    reasons = _reasons(session.client("cloudformation"), stack_id) if failed else ()
    return Rest(name, stack_id, found["StackStatus"], outputs, reasons)


def _rest_after(session: Session, name: str, call: Callable[[], Any]) -> Rest:
    """The stack at rest after an operation that ``call`` begins."""
    try:
        answer = session.patiently(f"stack {name}", call)
    except ClientError as error:
        if code_of(error) != "ValidationError":
            raise
        return Rest(name, "", REFUSED, {}, (message_of(error),))
    return _rest(session, name, answer["StackId"])


def _template(session: Session, name: str, template: Mapping[str, Any] | str, bucket: str) -> dict[str, str]:
    """The template as an argument: inline, or, if it is too large, as the URL of an object in ``bucket``."""
    text = template if isinstance(template, str) else json.dumps(template)
    if len(text.encode()) <= INLINE_BYTES:
        return {"TemplateBody": text}
    s3, place = session.client("s3"), {"Bucket": bucket, "Key": f"templates/{name}.json"}
    s3.put_object(**place, Body=text.encode())
    # The URL without its signature: CloudFormation reads the object with its caller's permissions.
    signed = urlsplit(s3.generate_presigned_url("get_object", Params=place))
    return {"TemplateURL": urlunsplit(signed._replace(query=""))}


def _arguments(
    session: Session, name: str, template: Mapping[str, Any] | str, parameters: Mapping[str, str], bucket: str
) -> dict[str, Any]:
    return {
        "StackName": name,
        **_template(session, name, template, bucket),
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        "Capabilities": _CAPABILITIES,
    }


def create(
    session: Session,
    label: str,
    template: Mapping[str, Any] | str,
    parameters: Mapping[str, str] | None = None,
    *,
    bucket: str = "",
) -> Rest:
    """Creates a stack, which will be removed with the session, and waits. ``bucket`` takes templates over 50 KB."""
    name, client = f"{session.name}-{label}", session.client("cloudformation")
    arguments = _arguments(session, name, template, parameters or {}, bucket)
    session.removals.add(f"stack {name}", lambda: remove(session, name))
    return _rest_after(session, name, lambda: client.create_stack(**arguments))


def update(session: Session, stack: Rest, template: Mapping[str, Any], *, bucket: str = "") -> Rest:
    """Updates a stack, and waits."""
    client = session.client("cloudformation")
    arguments = {**_arguments(session, stack.name, template, {}, bucket), "StackName": stack.id}
    return _rest_after(session, stack.name, lambda: client.update_stack(**arguments))


def delete(session: Session, stack: Rest) -> Rest:
    """Deletes a stack, and waits."""
    session.patiently(f"stack {stack.name}", lambda: session.client("cloudformation").delete_stack(StackName=stack.id))
    return _rest(session, stack.name, stack.id)


def remove(session: Session, name: str) -> None:
    """Deletes a stack that may not exist. Raises UnobservedError if it stays.

    A stack whose update is in progress cannot be deleted, so this waits before it.
    """
    found = _at_rest(session, name)
    if found["StackStatus"] == "DELETE_COMPLETE":
        return
    rest = delete(session, Rest(name, found["StackId"], found["StackStatus"], {}, ()))
    if rest.status != "DELETE_COMPLETE":
        raise UnobservedError(f"it is {explain(rest)}")


def explain(stack: Rest) -> str:
    """The stack's status, and why it failed."""
    return "; ".join([stack.status, *stack.reasons])


def require(stack: Rest, status: str) -> Rest:
    """The stack. Raises UnobservedError if it has another status."""
    if stack.status != status:
        raise UnobservedError(f"stack {stack.name} is not {status} but {explain(stack)}")
    return stack
