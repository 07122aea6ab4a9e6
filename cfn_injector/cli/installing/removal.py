"""Removes the provider from one Region: takes the name of its stack, returns what was done.

    imports and staged objects -> confirmation -> the provider's stack -> the bucket of its zip

It refuses while somebody uses the provider, and deletes only objects that the provider or this command has made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from cfn_injector.cli.display import some
from cfn_injector.cli.installing import code_bucket, stacks
from cfn_injector.cli.installing.installation import Result, check_own
from cfn_injector.cli.installing.parameters import CODE_BUCKET, CODE_KEY
from cfn_injector.cli.installing.stacks import Place, Stack
from cfn_injector.errors import InjectorError, message_of

STAGING = "StagingBucket"
OWN_PREFIXES = ("secret/", "tmp/")
"""What no function needs any more when the provider is gone."""
USED_PREFIXES = ("code/", "deployed/")
"""What functions are deployed with: ``deployed/STACK-HASH/FUNCTION/`` and ``code/STACK-HASH/``."""


def _importers(place: Place, export: str) -> list[str]:
    """The names of the stacks that import the export.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListImports.html
    """
    pages = place.client("cloudformation").get_paginator("list_imports").paginate(ExportName=export)
    try:
        return [name for page in pages for name in page["Imports"]]
    except ClientError as error:
        if "is not imported by any stack" in message_of(error):
            return []
        raise


def _check_imports(place: Place, stack: Stack) -> None:
    for export in stack.exports:
        if importers := _importers(place, export):
            raise InjectorError(
                f"{export} is imported by {some(importers)}; delete these stacks, or their custom resources, first",
                code="CI920",
            )


def _resources(place: Place, stack: Stack) -> Iterator[dict[str, Any]]:
    for page in place.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack.id):
        yield from page["StackResourceSummaries"]


def _staging_bucket(place: Place, stack: Stack) -> str | None:
    """The staging bucket, if it exists."""
    for each in _resources(place, stack):
        if each["LogicalResourceId"] == STAGING and each["ResourceStatus"] != "DELETE_COMPLETE":
            return each.get("PhysicalResourceId") or None
    return None


def _keys(place: Place, bucket: str, prefix: str) -> list[str]:
    pages = place.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def _check_staged(place: Place, bucket: str) -> None:
    for prefix in USED_PREFIXES:
        users = sorted({key.removeprefix(prefix).rpartition("/")[0] for key in _keys(place, bucket, prefix)})
        if users:
            raise InjectorError(
                f"s3://{bucket}/{prefix} has packages of {some(users)}; delete their stacks first. If the functions "
                f"are gone, or were retained: aws s3 rm --recursive s3://{bucket}/{prefix}",
                code="CI921",
            )


def _delete(place: Place, stack: Stack, bucket: str | None) -> None:
    """Delete the stack. Its staging bucket is emptied when everything else is gone: until then, the provider needs it.

    CloudFormation does not delete a bucket that has objects, and keeps the stack as DELETE_FAILED.
    """
    try:
        stacks.delete(place, stack)
    except InjectorError:
        left = {each["LogicalResourceId"] for each in _resources(place, stack) if _is_left(each)}
        if bucket is None or left != {STAGING}:
            raise
        _check_staged(place, bucket)
        place.say("emptying the staging bucket, which only the provider used, and deleting it")
        own = [{"Key": key} for prefix in OWN_PREFIXES for key in _keys(place, bucket, prefix)]
        code_bucket.delete_all(place, bucket, own)
        stacks.delete(place, stack)


def _is_left(resource: dict[str, Any]) -> bool:
    return bool(resource["ResourceStatus"] != "DELETE_COMPLETE")


def _check(place: Place, stack: Stack) -> None:
    """Raises InjectorError if the stack must not be deleted."""
    check_own(stack)
    if stack.is_in_progress:
        raise InjectorError(
            f"stack {stack.name} is {stack.status}; wait until that ends, and run the command again", code="CI914"
        )
    if stack.is_protected:
        raise InjectorError(f"stack {stack.name} has termination protection; turn it off first", code="CI919")
    _check_imports(place, stack)


def _zip(stack: Stack | None) -> str:
    """The place of the provider's zip."""
    values = stack.parameters if stack else {}
    return f"s3://{values.get(CODE_BUCKET, '')}/{values.get(CODE_KEY, '')}"


def uninstall(place: Place, name: str, confirm: Callable[[], None]) -> Result:
    """Delete the provider's stack ``name`` and the bucket of its zip.

    Raises InjectorError, before anything is deleted, while stacks import its exports or functions use its objects.
    """
    stack = stacks.describe(place, name)
    if stack and stack.status == stacks.REVIEW:
        remedy = f"delete it with: aws cloudformation delete-stack --stack-name {name}"
        raise InjectorError(
            f"stack {name} is {stack.status}: it waits for a change set, and has no resources; {remedy}", code="CI918"
        )
    if stack is None and stacks.existing(place, code_bucket.stack_of(name)) is None:
        return Result(place.region, name, "absent")
    bucket = None
    if stack:
        _check(place, stack)
        bucket = _staging_bucket(place, stack)
        if bucket:
            _check_staged(place, bucket)
    place.say(f"deletes stack {name} in account {place.account}, Region {place.region}, with all its resources,")
    place.say("and the bucket of the provider's zip, if this command created it")
    confirm()
    if stack:
        _delete(place, stack, bucket)
    return Result(place.region, name, "deleted", text=(code_bucket.remove(place, name, _zip(stack)),))
