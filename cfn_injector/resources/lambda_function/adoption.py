"""Adopts a function that the request's resource did not create.

Takes an operation, the desired spec and the function as it is. Returns nothing, or raises before the first change.

Adoption gives a template's code the function's role, and gives its stack the right to delete the function. So it is
allowed only if no stack holds the function, and if both its name and its role are within the bounds that the provider's
administrator set. Before the first change the function is published, so that its code and configuration can be restored
if the adoption fails or is rolled back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.request import urlopen
from uuid import uuid4

from cfn_injector.aws import holders
from cfn_injector.aws.s3_objects import discard, staging_bucket, upload
from cfn_injector.plugin import FunctionError, Operation, OwnershipError, PropertyError
from cfn_injector.resources.lambda_function import api, role
from cfn_injector.resources.lambda_function.changes import RESETS
from cfn_injector.resources.lambda_function.claim import Found
from cfn_injector.resources.lambda_function.spec import FunctionSpec

_DOWNLOAD_SECONDS = 60.0

_NOT_RESTORED = frozenset({"FunctionName", "RevisionId"})
_MEMBERS = {"VpcConfig": ("SubnetIds", "SecurityGroupIds", "Ipv6AllowedForDualStack"), "SnapStart": ("ApplyOn",)}
"""Structures of which an update takes only some of the members that Lambda describes."""


def is_held_elsewhere(operation: Operation, name: str, found: Found) -> bool:
    """Whether another stack holds the function."""
    stack_id = holders.find_holder(operation, found["Tags"], name, holders.FUNCTION_TYPES)
    return stack_id not in (None, operation.request.stack_id)


def check_adoptable(operation: Operation, name: str, found: Found) -> None:
    """Raises OwnershipError or PropertyError if the function may not be adopted."""
    _check_bounds(operation, name, found["Configuration"])
    stack_id = holders.find_holder(operation, found["Tags"], name, holders.FUNCTION_TYPES)
    if stack_id not in (None, operation.request.stack_id):
        raise OwnershipError(
            f"function {name} cannot be adopted: stack {stack_id.split('/')[1]} holds it. Set DeletionPolicy: Retain "
            "there, remove the function from that template, and deploy both stacks again",
            code="CI505",
        )


def check_restorable(operation: Operation, desired: FunctionSpec, found: Found) -> None:
    """Raises an error if a failed adoption could not give the function back as it was."""
    name, configuration = found["Configuration"]["FunctionName"], found["Configuration"]
    if "Error" in configuration.get("Environment", {}):
        raise FunctionError(
            f"function {name} cannot be adopted: the provider cannot decrypt its environment variables, and so cannot "
            "restore them; allow kms:Decrypt for the provider's role",
            code="CI419",
        )
    if desired.separate:
        problem = f"cannot be set while function {name} is adopted, because a rollback could not reset it"
        remedy = "adopt the function first, and add it in the next update"
        raise PropertyError(min(desired.separate), problem, remedy, code="CI268")
    present, stated = found["Tags"], operation.tags({})
    changed = sorted(key for key in present.keys() & stated.keys() if present[key] != stated[key])
    if changed:
        problem = f"would change the tag {changed[0]} of function {name}, which a rollback could not reset"
        remedy = "adopt the function first, and change the tag in the next update"
        raise PropertyError("Tags", problem, remedy, code="CI268")


def check_held_without_tags(operation: Operation, name: str, found: Found) -> None:
    """Raises an error unless the stack holds the function, from which somebody removed the ownership tags."""
    check_adoptable(operation, name, found)
    if not holders.holds_itself(operation):
        problem = f"function {name} is not {operation.request.logical_id}'s"
        raise OwnershipError(f"{problem}; set Adopt: true to adopt it", code="CI506")


def check_not_imported(operation: Operation, name: str, found: Found) -> None:
    """Raises OwnershipError if another stack holds a function that still has this resource's ownership tags."""
    native = found["Tags"].get(holders.AWS_STACK_ID, operation.request.stack_id)
    if native != operation.request.stack_id and is_held_elsewhere(operation, name, found):
        problem = f"function {name} belongs to another stack now"
        raise OwnershipError(f"{problem}; remove {operation.request.logical_id} here", code="CI507")


def _check_bounds(operation: Operation, name: str, configuration: Mapping[str, Any]) -> None:
    role_path = role.path_of(operation)
    if not name.startswith(operation.services.environ.get("CFN_INJECTOR_FUNCTION_NAME_PREFIX", "")):
        problem = f"{name} is outside the provider's permissions"
        remedy = "begin it with the FunctionNamePrefix of the provider's stack"
        raise PropertyError("FunctionName", problem, remedy, code="CI259")
    found = role.path_and_name(configuration.get("Role", ""))
    if not role_path or not found.startswith(role_path):
        raise PropertyError(
            "Adopt",
            f"is refused: the role of function {name}, {found}, is outside the provider's RolePath",
            "give the function a role below RolePath first",
            code="CI262",
        )


def keep_version(operation: Operation, name: str, stable: Mapping[str, Any]) -> str:
    """Publishes the function as it is; returns the version's number.

    If nothing changed since the last version, that version is returned.
    """
    version = api.publish(operation.client("lambda"), name, operation.deadline, stable, to_latest=False)
    return str(version["Version"])


def restore(operation: Operation, name: str, version: str) -> None:
    """Gives the function the code and the configuration that the version has."""
    client, deadline = operation.client("lambda"), operation.deadline
    found = api.find(client, name, version)
    if found is None:
        problem = f"version {version} of function {name} is gone, so the function cannot be restored"
        raise FunctionError(problem, code="CI420")
    operation.log("restore", function=name, version=version)
    configuration = _expand(found["Configuration"], client.meta.service_model)
    bucket, key = staging_bucket(operation.services.environ), f"tmp/{operation.request.request_id}/{uuid4()}.zip"
    s3 = operation.client("s3")
    try:
        _copy_package(s3, bucket, key, found["Code"]["Location"])
        architectures = found["Configuration"].get("Architectures", ["x86_64"])
        code = {"S3Bucket": bucket, "S3Key": key, "Architectures": architectures}
        api.update(client, name, deadline, code=code, configuration=configuration)
    finally:
        with operation.best_effort(key=key):
            discard(s3, bucket, key)


def _copy_package(s3: Any, bucket: str, key: str, location: str) -> None:
    try:
        with urlopen(location, timeout=_DOWNLOAD_SECONDS) as package:
            upload(s3, bucket, key, package)
    except OSError as error:  # its text may show the presigned URL
        problem = f"the code of the function cannot be downloaded ({type(error).__name__})"
        raise FunctionError(problem, code="CI421") from None


def _expand(observed: Mapping[str, Any], model: Any) -> dict[str, Any]:
    """A configuration as Lambda describes it, as arguments of UpdateFunctionConfiguration."""
    members = model.operation_model("UpdateFunctionConfiguration").input_shape.members
    found = {key: value for key, value in observed.items() if key in members and key not in _NOT_RESTORED}
    for key, names in _MEMBERS.items():
        if key in found:
            found[key] = {**RESETS[key], **{name: found[key][name] for name in names if name in found[key]}}
    found["Layers"] = [layer["Arn"] for layer in observed.get("Layers", [])]
    found["Environment"] = {"Variables": observed.get("Environment", {}).get("Variables", {})}
    return {**RESETS, **found}


def undo(operation: Operation, name: str, version: str) -> None:
    """As ``restore``, within the time that is reserved for undoing; an error here is only logged."""
    operation = operation.for_undoing()
    with operation.best_effort(function=name):
        restore(operation, name, version)
