"""The bucket of the provider's zip: takes a place and a zip, returns the bucket, and puts the zip under its key.

The key is a hash of the zip's contents, so a zip that is there is not uploaded again. The bucket is one that was given,
or one with a stack of its own.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from cfn_injector.cli.installing.stacks import CREATED, Place, check_updatable, delete, existing, follow
from cfn_injector.cli.installing.stacks import remove as remove_stack
from cfn_injector.cli.template_files import template_path
from cfn_injector.cli.uploads import is_there
from cfn_injector.doctor.cleanup import Removals
from cfn_injector.errors import InjectorError, code_of

UNKNOWN = "the-bucket-that-install-creates"
"""The value of CodeBucket in a dry run, if the bucket does not exist yet."""

_OWN_KEY = re.compile(r"provider/[0-9a-f]{64}\.zip")
_BATCH = 1000
"""https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html"""


class Location(NamedTuple):
    """Where a zip is. ``owner`` is the account that must own the bucket; it is empty for a bucket that was given."""

    bucket: str
    key: str
    owner: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def request(self) -> dict[str, str]:
        """A bucket that was deleted may come back in another account, which then could replace the provider's code.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
        """
        owner = {"ExpectedBucketOwner": self.owner} if self.owner else {}
        return {"Bucket": self.bucket, "Key": self.key, **owner}


def stack_of(stack: str) -> str:
    """The name of the stack that holds the bucket."""
    return f"{stack}-code"


def key_of(content: str) -> str:
    """The key of a zip with this hash of its contents."""
    return f"provider/{content}.zip"


def of_stack(place: Place, stack: str) -> str | None:
    """The bucket that an earlier run created for this stack of a provider. None if there is none."""
    found = existing(place, stack_of(stack))
    if found is None:
        return None
    check_updatable(found)
    if "Bucket" not in found.outputs:
        raise InjectorError(
            f"stack {found.name} is not a stack of this command; give another --stack-name", code="CI911"
        )
    return found.outputs["Bucket"]


def _created(place: Place, stack: str, name: str, response_hosts: str) -> str:
    token = str(uuid.uuid4())
    values = {"Name": name, "ResponseHosts": response_hosts}
    made = place.client("cloudformation").create_stack(
        StackName=stack_of(stack),
        TemplateBody=template_path("provider-bucket.yaml").read_text("utf-8"),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
        OnFailure="DELETE",
        ClientRequestToken=token,
    )
    return follow(place, made["StackId"], token, CREATED).outputs["Bucket"]


def create(place: Place, stack: str, name: str, response_hosts: str, undo: Removals) -> str:
    """Create the bucket, and a way to remove it again."""
    place.say(f"creating stack {stack_of(stack)} with a bucket for the provider's zip: private, encrypted, versioned")
    undo.add(f"stack {stack_of(stack)}", lambda: remove_stack(place, stack_of(stack)))
    return _created(place, stack, name, response_hosts)


def check_given(place: Place, bucket: str) -> None:
    """Raises InjectorError if the bucket is not in the provider's Region: Lambda reads no other.

    S3 tells the Region to everybody, even if it denies the call.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
    """
    try:
        found = place.client("s3").head_bucket(Bucket=bucket)
    except ClientError as error:
        if code_of(error) in ("404", "NoSuchBucket"):
            raise InjectorError(
                f"bucket {bucket} does not exist; create it, or leave out --bucket", code="CI909"
            ) from error
        if code_of(error) != "403":
            raise
        found = error.response
    region = found["ResponseMetadata"].get("HTTPHeaders", {}).get("x-amz-bucket-region", place.region)
    if region != place.region:
        raise InjectorError(
            f"bucket {bucket} is in {region}, not in {place.region}; give one of the provider's Region", code="CI910"
        )


def upload(place: Place, location: Location, zipped: Path, undo: Removals, is_used: Callable[[], bool]) -> None:
    """Put the zip where it is not yet. An undo keeps it if it ``is_used``."""
    client = place.client("s3")
    if is_there(client, **location.request):
        return
    made: dict[str, Any] = {}

    def remove() -> None:
        version = {"VersionId": made["VersionId"]} if "VersionId" in made else {}
        if not is_used():
            client.delete_object(**location.request, **version)

    undo.add(str(location), remove)
    place.say(f"uploading the provider to {location}")
    made.update(client.put_object(**location.request, Body=zipped.read_bytes(), ContentType="application/zip"))


def _versions(place: Place, bucket: str) -> Iterator[dict[str, str]]:
    """Key and VersionId of all versions and delete markers."""
    for page in place.client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket):
        for each in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
            yield {"Key": each["Key"], "VersionId": each["VersionId"]}


def delete_all(place: Place, bucket: str, versions: list[dict[str, str]]) -> None:
    """Delete these objects. Raises InjectorError if one stays."""
    for start in range(0, len(versions), _BATCH):
        request = {"Objects": versions[start : start + _BATCH], "Quiet": True}
        answer = place.client("s3").delete_objects(Bucket=bucket, Delete=request)
        if answer.get("Errors"):
            first = answer["Errors"][0]
            raise InjectorError(
                f"s3://{bucket}/{first['Key']} cannot be deleted: {first.get('Code', 'unknown')}", code="CI922"
            )


def remove(place: Place, stack: str, zipped: str) -> str:
    """Delete the bucket that was created for this stack of a provider, and return what was done with it.

    It is kept if it holds something else than zips of this command. ``zipped`` is the place of the stack's zip.
    """
    found = existing(place, stack_of(stack))
    if found is None:
        return f"the provider's zip was kept: {zipped}"
    bucket = found.outputs.get("Bucket", "")
    versions = list(_versions(place, bucket)) if bucket else []
    if others := sorted({each["Key"] for each in versions if not _OWN_KEY.fullmatch(each["Key"])}):
        return f"bucket {bucket} of stack {found.name} was kept, because it has other objects, such as {others[0]}"
    delete_all(place, bucket, versions)
    delete(place, found)
    return f"bucket {bucket} was deleted with stack {found.name}"
