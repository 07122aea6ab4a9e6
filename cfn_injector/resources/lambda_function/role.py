"""The role of a function, which the provider passes to Lambda.

Takes an operation and the role's ARN. Explains why the provider may not pass it: its policy allows roles below the
``RolePath`` of its stack, and AWS's error does not say that.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError

from cfn_injector.plugin import Operation, PropertyError, denies_passing_role


def path_and_name(arn: str) -> str:
    """``/service-role/app`` of ``arn:aws:iam::111122223333:role/service-role/app``."""
    return arn.partition(":role")[2]


def path_of(operation: Operation) -> str:
    """What ``path_and_name`` of a role has to begin with; empty if the provider's stack is older than its code."""
    return operation.services.environ.get("CFN_INJECTOR_ROLE_PATH", "")


@contextmanager
def explained(operation: Operation, arn: str) -> Iterator[None]:
    """Raises PropertyError, instead of AWS's error, if the provider may not pass the role."""
    try:
        yield
    except ClientError as error:
        if not denies_passing_role(error):
            raise
        raise _denied(path_and_name(arn), path_of(operation)) from error


def _denied(role: str, bound: str) -> PropertyError:
    if bound and role.startswith(bound):
        problem = f"is within the RolePath of the provider's stack, {bound}, but the provider is not allowed to pass it"
        remedy = "check the PermissionsBoundary of the provider's stack, and your organization's policies"
        return PropertyError("Role", problem, remedy, code="CI263")
    path, _, name = role.rpartition("/")
    shown = f" {bound}" if bound else ""
    problem = f"{name} has the path {path}/, which is outside the provider's RolePath{shown}"
    remedy = f"set Path: {bound} in the role" if bound.endswith("/") else "use a role whose path begins with RolePath"
    return PropertyError("Role", problem, remedy, code="CI262")
