"""Single operations on objects in S3, and S3's errors.

Takes a boto3 client, a bucket and a key. Errors: StorageError, which names the object and what to check.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from secrets import token_bytes
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from cfn_injector.errors import StorageError, code_of

T = TypeVar("T")

CHUNK = 1 << 20
SECRET_KEY = "secret/key"
"""The object whose bytes key the hashes of secrets. No lifecycle rule deletes it."""

_SECRET_BYTES = 32
_SECRET_ATTEMPTS = 5

_MISSING = frozenset({"NoSuchKey", "NoSuchBucket", "NoSuchVersion", "404", "NotFound"})
_DENIED = frozenset({"AccessDenied", "403", "Forbidden", "AllAccessDisabled"})
_CHANGED = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict"})


@contextmanager
def translated(place: str, action: str, version: str | None = None) -> Iterator[None]:
    """Turns S3's errors into StorageErrors that say what to do; ``action`` is the IAM action that is needed.

    Reading a version needs one more.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """
    if version:
        action = f"{action} and s3:GetObjectVersion"
    try:
        yield
    except ClientError as error:
        raise _failed(place, action, code_of(error)) from error
    except BotoCoreError as error:
        raise _failed(place, action, type(error).__name__) from error


def _failed(place: str, action: str, reason: str) -> StorageError:
    """The error for a request that failed with this code of S3, or in this way."""
    if reason in _MISSING:
        return StorageError(
            f"{place} does not exist ({reason}); upload the artifact first, or correct Code", code="CI401"
        )
    if reason in _DENIED:
        return StorageError(
            f"{place} is not accessible to the provider; add its bucket to SourceBuckets of the provider's stack, and "
            f"check that the bucket policy allows {action} and the policy of its KMS key allows kms:Decrypt and "
            f"kms:GenerateDataKey",
            code="CI402",
        )
    if reason in _CHANGED:
        problem = f"{place} was replaced while it was being read"
        return StorageError(f"{problem}; give each build its own key and deploy again", code="CI403")
    return StorageError(f"{place} failed on {action} with {reason}; deploy again", code="CI404")


def twice(call: Callable[..., T], **arguments: Any) -> T:
    """Calls, and calls once more if that fails. Only for idempotent calls: an answer may be lost."""
    try:
        return call(**arguments)
    except (ClientError, BotoCoreError):
        return call(**arguments)


def staging_bucket(environ: Mapping[str, str]) -> str:
    """The bucket for assembled objects. Raises StorageError if the provider's environment does not name one."""
    if not environ.get("CFN_INJECTOR_STAGING_BUCKET"):
        raise StorageError(
            "the provider's own environment lacks CFN_INJECTOR_STAGING_BUCKET; deploy the provider's stack again",
            code="CI408",
        )
    return environ["CFN_INJECTOR_STAGING_BUCKET"]


def account_secret(client: Any, bucket: str) -> bytes:
    """Random bytes that only this provider's account has: an object of the staging bucket, created on first use.

    S3 creates it only if it does not exist, so all who use it first read the same bytes. (If an emulator ignores the
    condition, one of two simultaneous first uses may have read bytes that the other one replaced. Then the next update
    of its resource gives a new key, although nothing changed.)
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """
    place = {"Bucket": bucket, "Key": SECRET_KEY}
    for _ in range(_SECRET_ATTEMPTS):
        try:
            found = bytes(client.get_object(**place)["Body"].read())
        except (ClientError, BotoCoreError) as error:
            if code_of(error) not in _MISSING:
                raise _no_secret(bucket, error) from error
        else:
            if len(found) != _SECRET_BYTES:
                raise StorageError(f"s3://{bucket}/{SECRET_KEY} is damaged; delete it, and deploy again", code="CI406")
            return found
        try:
            client.put_object(**place, Body=token_bytes(_SECRET_BYTES), IfNoneMatch="*")
        except (ClientError, BotoCoreError) as error:
            if code_of(error) not in _CHANGED:  # with these codes, another request creates it
                raise _no_secret(bucket, error) from error
    raise StorageError(f"s3://{bucket}/{SECRET_KEY} could not be created; deploy again", code="CI407")


def _no_secret(bucket: str, error: Exception) -> StorageError:
    code = code_of(error) or type(error).__name__
    problem = f"s3://{bucket}/{SECRET_KEY}, which keys the IDs of objects, failed with {code}"
    remedy = "update the provider's stack, whose role needs s3:GetObject and s3:PutObject for it"
    return StorageError(f"{problem}; {remedy if code in _DENIED else 'deploy again'}", code="CI407")


def sha256_in(answer: Mapping[str, Any]) -> str | None:
    """The base64 SHA-256 of an object's bytes in an answer of S3, or None.

    None also for a composite checksum, which is a hash of the hashes of parts. It ends in a dash and their number.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
    """
    digest = answer.get("ChecksumSHA256", "")
    composite = "-" in digest or answer.get("ChecksumType") == "COMPOSITE"
    return str(digest) if digest and not composite else None


def stored_sha256(client: Any, bucket: str, key: str) -> str | None:
    """The base64 SHA-256 of an object, or None if it does not exist. Reads the object if S3 stores no SHA-256."""
    place = f"s3://{bucket}/{key}"
    with translated(place, "s3:GetObject"):
        try:
            head = client.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        except ClientError as error:
            if code_of(error) in _MISSING:
                return None
            raise
        if stored := sha256_in(head):
            return stored
        digest = sha256()
        for chunk in client.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(CHUNK):
            digest.update(chunk)
    return b64encode(digest.digest()).decode()


def uploaded_at(client: Any, bucket: str, key: str) -> datetime | None:
    """When an object was written, or None if it does not exist."""
    with translated(f"s3://{bucket}/{key}", "s3:GetObject"):
        try:
            found: datetime = client.head_object(Bucket=bucket, Key=key)["LastModified"]
        except ClientError as error:
            if code_of(error) not in _MISSING:
                raise
            return None
    return found


def tags_of(client: Any, bucket: str, key: str) -> dict[str, str]:
    """The tags of an object; empty if there is no object."""
    with translated(f"s3://{bucket}/{key}", "s3:GetObjectTagging"):
        try:
            found = client.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
        except ClientError as error:
            if code_of(error) not in _MISSING:
                raise
            return {}
    return {tag["Key"]: tag["Value"] for tag in found}


def untag(client: Any, bucket: str, key: str) -> None:
    """Removes all tags from an object."""
    with translated(f"s3://{bucket}/{key}", "s3:DeleteObjectTagging"):
        twice(client.delete_object_tagging, Bucket=bucket, Key=key)


def keys_below(client: Any, bucket: str, prefix: str) -> list[str]:
    """The keys of all objects whose keys start with ``prefix``."""

    def listed() -> list[str]:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    with translated(f"s3://{bucket}/{prefix}", "s3:ListBucket"):
        return twice(listed)


def discard(client: Any, bucket: str, key: str) -> None:
    """Deletes an object; it is not an error if the object does not exist."""
    with translated(f"s3://{bucket}/{key}", "s3:DeleteObject"):
        twice(client.delete_object, Bucket=bucket, Key=key)


def upload(client: Any, bucket: str, key: str, body: Any) -> None:
    """Writes what the file object ``body`` holds, in parts, so that memory holds only a few of them."""
    with translated(f"s3://{bucket}/{key}", "s3:PutObject"):
        client.upload_fileobj(body, bucket, key)
