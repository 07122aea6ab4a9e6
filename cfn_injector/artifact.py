"""S3 as source and destination of an injection.

In: a boto3 client and the place of an object. Out: an ``S3Source`` to read ranges from, an ``S3Destination`` to
assemble segments into. Every request after the first carries the version or ETag of what was seen first, so that two
states of an object are never mixed. Errors: StorageError, which names the object and what to look at.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from botocore.exceptions import ClientError

from cfn_injector.errors import StorageError
from cfn_injector.injection import TAIL_BYTES, Source
from cfn_injector.zip_splice import Insert, Segment

_MISSING = frozenset({"NoSuchKey", "NoSuchBucket", "NoSuchVersion", "404", "NotFound"})
_DENIED = frozenset({"AccessDenied", "403", "Forbidden", "AllAccessDisabled"})
_CHANGED = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict"})


def _told(error: ClientError, bucket: str, key: str, action: str) -> StorageError:
    """S3's error in the words of the person who deploys."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    place = f"s3://{bucket}/{key}"
    if code in _MISSING:
        return StorageError(f"{place} does not exist ({code}); upload the artifact first, or correct Code")
    if code in _DENIED:
        return StorageError(
            f"{place} is denied to the provider; name the bucket in its stack's SourceBuckets, and see that its "
            f"policy and its KMS key allow {action}"
        )
    if code in _CHANGED:
        return StorageError(
            f"{place} was replaced while it was read; give each build a key of its own and deploy again"
        )
    return StorageError(f"{place} failed on {action} with {code}; deploy again")


@dataclass(frozen=True)
class S3Source:
    """An object in S3, as it was when it was opened. ``end`` holds its last bytes, ``size`` counts all of them."""

    client: Any = field(repr=False)
    bucket: str
    key: str
    version: str | None
    etag: str
    size: int
    end: bytes = field(repr=False)

    @classmethod
    def open(cls, client: Any, bucket: str, key: str, version: str | None = None) -> S3Source:
        """One request: size, ETag and the object's last 512 KiB."""
        chosen = {"VersionId": version} if version else {}
        try:
            answer = client.get_object(Bucket=bucket, Key=key, Range=f"bytes=-{TAIL_BYTES}", **chosen)
            body = answer["Body"].read()
        except ClientError as error:
            raise _told(error, bucket, key, "s3:GetObject") from error
        size = int(answer["ContentRange"].rpartition("/")[2]) if "ContentRange" in answer else len(body)
        return cls(client, bucket, key, version or answer.get("VersionId"), answer["ETag"], size, body[-TAIL_BYTES:])

    def tail(self, length: int) -> tuple[bytes, int]:
        """The last ``length`` bytes, or all, and the size of the whole."""
        if length <= len(self.end) or len(self.end) == self.size:
            return self.end[-length:], self.size
        return self.read(max(self.size - length, 0), self.size), self.size

    def read(self, start: int, end: int) -> bytes:
        """The bytes from start up to end."""
        if start >= end:
            return b""
        held = self.size - len(self.end)
        if start >= held:
            return self.end[start - held : end - held]
        chosen = {"VersionId": self.version} if self.version else {}
        try:
            answer = self.client.get_object(
                Bucket=self.bucket, Key=self.key, Range=f"bytes={start}-{end - 1}", IfMatch=self.etag, **chosen
            )
            body: bytes = answer["Body"].read()
        except ClientError as error:
            raise _told(error, self.bucket, self.key, "s3:GetObject") from error
        if len(body) == self.size and "ContentRange" not in answer:  # not every server knows Range beside VersionId
            body = body[start:end]
        if len(body) != end - start:
            raise StorageError(f"s3://{self.bucket}/{self.key} gave {len(body)} bytes for {end - start}; deploy again")
        return body


@dataclass(frozen=True)
class S3Destination:
    """Where the assembled archive goes. S3 keeps its SHA-256 beside it."""

    client: Any = field(repr=False)
    bucket: str
    key: str

    def assemble(self, source: Source, segments: Sequence[Segment]) -> str:
        """Writes the object; returns the base64 SHA-256 of its bytes, which is Lambda's CodeSha256."""
        parts = [segment.data if isinstance(segment, Insert) else source.read(*segment) for segment in segments]
        body = b"".join(parts)
        digest = b64encode(sha256(body).digest()).decode()
        try:
            self.client.put_object(
                Bucket=self.bucket, Key=self.key, Body=body, ContentType="application/zip", ChecksumSHA256=digest
            )
        except ClientError as error:
            raise _told(error, self.bucket, self.key, "s3:PutObject") from error
        return digest


def staging_bucket(environ: Mapping[str, str]) -> str:
    """The bucket for what is assembled. Raises StorageError where the provider's environment does not name one."""
    if not environ.get("CFN_INJECTOR_STAGING_BUCKET"):
        raise StorageError("the provider's own environment lacks CFN_INJECTOR_STAGING_BUCKET; deploy its stack anew")
    return environ["CFN_INJECTOR_STAGING_BUCKET"]


def stored_sha256(client: Any, bucket: str, key: str) -> str | None:
    """The base64 SHA-256 of an object, None where none is; the object is read where S3 does not keep it."""
    try:
        head = client.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        if "ChecksumSHA256" in head:
            return str(head["ChecksumSHA256"])
        digest = sha256()
        for chunk in client.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(1 << 20):
            digest.update(chunk)
    except ClientError as error:
        if str(error.response.get("Error", {}).get("Code", "")) in _MISSING:
            return None
        raise _told(error, bucket, key, "s3:GetObject") from error
    return b64encode(digest.digest()).decode()


def discard(client: Any, bucket: str, key: str) -> None:
    """Deletes an object; that it is gone already is no error."""
    try:
        client.delete_object(Bucket=bucket, Key=key)
    except ClientError as error:
        raise _told(error, bucket, key, "s3:DeleteObject") from error
