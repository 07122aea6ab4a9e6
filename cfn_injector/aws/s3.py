"""S3 as source and destination of an injection.

In: a boto3 client and the place of an object. Out: an ``S3Source`` to read ranges from, an ``S3Destination`` to
assemble segments into. Every request after the first carries the version or ETag of what was seen first, so that two
states of an object are never mixed. Errors: StorageError, which names the object and what to look at.

    up to 8 MB    read, join, PutObject
    above         in parts: S3 copies the ranges that are kept (UploadPartCopy), the rest is uploaded: kilobytes, or up
                  to 5 MiB where the old file stands near the beginning; completed, and compared with the plan; or
                  aborted, whatever the failure

https://docs.aws.amazon.com/AmazonS3/latest/userguide/CopyingObjectsMPUapi.html
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cfn_injector.archive.splice import Segment
from cfn_injector.aws.multipart import COPIES, PART, Copy, Part, Upload, length, plan
from cfn_injector.errors import StorageError, code_of
from cfn_injector.injection import TAIL_BYTES, Source, join

COMPARED_BYTES = 16 * 1024
"""As much of an assembled object's end is read again and compared with the plan."""

_MISSING = frozenset({"NoSuchKey", "NoSuchBucket", "NoSuchVersion", "404", "NotFound"})
_DENIED = frozenset({"AccessDenied", "403", "Forbidden", "AllAccessDisabled"})
_CHANGED = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict"})
_CHUNK = 1 << 20


@contextmanager
def _telling(place: str, action: str) -> Iterator[None]:
    """S3's errors in the words of the person who deploys."""
    try:
        yield
    except ClientError as error:
        raise StorageError(_told(place, action, code_of(error))) from error
    except BotoCoreError as error:
        raise StorageError(f"{place} failed on {action} with {type(error).__name__}; deploy again") from error


def _told(place: str, action: str, code: str) -> str:
    if code in _MISSING:
        return f"{place} does not exist ({code}); upload the artifact first, or correct Code"
    if code in _DENIED:
        return (
            f"{place} is denied to the provider; name its bucket in SourceBuckets of the provider's stack, and see "
            f"that the bucket's policy allows {action}, and that of its KMS key kms:Decrypt and kms:GenerateDataKey"
        )
    if code in _CHANGED:
        return f"{place} was replaced while it was read; give each build a key of its own and deploy again"
    return f"{place} failed on {action} with {code}; deploy again"


def _ranged(answer: Mapping[str, Any], start: int, end: int) -> bytes:
    """The bytes of a range. Where a server answers with the whole object, no more of that is kept than is wanted."""
    body = answer["Body"]
    if "ContentRange" in answer:
        return bytes(body.read())
    kept, at = bytearray(), 0
    while at < end and (chunk := body.read(_CHUNK)):
        kept += chunk[max(start - at, 0) : max(end - at, 0)]
        at += len(chunk)
    return bytes(kept)


@dataclass(frozen=True)
class S3Source:
    """An object in S3, as it was when it was opened. ``end`` holds its last bytes; ``size`` counts all of them."""

    client: Any = field(repr=False)
    bucket: str
    key: str
    version: str | None
    etag: str
    size: int
    end: bytes = field(repr=False)

    @classmethod
    def open(cls, client: Any, bucket: str, key: str, version: str | None = None) -> S3Source:
        """One request: size, ETag and the object's last 512 KiB. Another one for the rest, where that is little too."""
        chosen = {"VersionId": version} if version else {}
        with _telling(f"s3://{bucket}/{key}", "s3:GetObject"):
            answer = client.get_object(Bucket=bucket, Key=key, Range=f"bytes=-{TAIL_BYTES}", **chosen)
            whole = int(answer.get("ContentRange", "").rpartition("/")[2] or answer["ContentLength"])
            end = _ranged(answer, max(whole - TAIL_BYTES, 0), whole)
        source = cls(client, bucket, key, version or answer.get("VersionId"), answer["ETag"], whole, end)
        if len(end) < whole <= PART:
            return replace(source, end=source.read(0, whole - len(end)) + end)
        return source

    @property
    def place(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def copy_source(self) -> dict[str, str]:
        """The object as S3 wants it named in a copy."""
        return {"Bucket": self.bucket, "Key": self.key, **self._chosen}

    @property
    def _chosen(self) -> dict[str, str]:
        return {"VersionId": self.version} if self.version else {}

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
        wanted = {"Range": f"bytes={start}-{end - 1}", "IfMatch": self.etag, **self._chosen}
        with _telling(self.place, "s3:GetObject"):
            body = _ranged(self.client.get_object(Bucket=self.bucket, Key=self.key, **wanted), start, end)
        if len(body) != end - start:
            raise StorageError(f"{self.place} gave {len(body)} bytes for {end - start}; deploy again")
        return body


@dataclass(frozen=True)
class S3Destination:
    """Where the assembled archive goes.

    With ``scratch``, another key of the bucket, an archive that is assembled of parts comes to be there, and is copied
    to ``key`` when it is whole: what is at ``key`` is always complete, and S3 computes its SHA-256 on the way.
    ``tagging`` are tags for the object, encoded as in a query; without ``scratch`` only small objects get them. A key
    that is not ``exclusive`` may have been used before, and by others: nothing there is swept or deleted.
    """

    client: Any = field(repr=False)
    bucket: str
    key: str
    scratch: str | None = None
    tagging: str = ""
    exclusive: bool = True

    def assemble(self, source: Source, segments: Sequence[Segment]) -> str | None:
        """Writes the object; returns the base64 SHA-256 of its bytes, which is Lambda's CodeSha256, where it is known.

        It is known of what fits into one request, and with ``scratch``.
        """
        if sum(map(length, segments)) <= PART:
            return self._put(join(source, segments))
        parts = plan(segments, copyable=isinstance(source, S3Source))
        if self.scratch is None:
            self._assemble_parts(source, parts, self.key)
            return None
        with ExitStack() as afterwards:
            afterwards.callback(discard, self.client, self.bucket, self.scratch)
            etag = self._assemble_parts(source, parts, self.scratch)
            return self._copy_hashed(self.scratch, etag)

    def _place(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def _put(self, body: bytes) -> str:
        digest = b64encode(sha256(body).digest()).decode()
        with _telling(self._place(self.key), "s3:PutObject"):
            self.client.put_object(
                Bucket=self.bucket,
                Key=self.key,
                Body=body,
                ContentType="application/zip",
                ChecksumSHA256=digest,
                **({"Tagging": self.tagging} if self.tagging else {}),
            )
        return digest

    def _assemble_parts(self, source: Source, parts: Sequence[Part], key: str) -> str:
        """Uploads and copies all parts at once; returns the object's ETag once it is what was planned."""
        with ExitStack() as failure:
            upload = self._begin(key)
            failure.callback(self._abort, key, upload)
            with ThreadPoolExecutor(max_workers=COPIES + 1) as threads:
                try:
                    futures = [
                        threads.submit(self._part, source, part, key, upload, number)
                        for number, part in enumerate(parts, start=1)
                    ]
                    done = [future.result() for future in futures]
                except BaseException:
                    threads.shutdown(cancel_futures=True)
                    raise
            etag = self._complete(source, parts, key, upload, done)
            failure.pop_all()
        return etag

    def _begin(self, key: str) -> str:
        with _telling(self._place(key), "s3:PutObject"):
            try:
                answer = self.client.create_multipart_upload(Bucket=self.bucket, Key=key, ContentType="application/zip")
            except (ClientError, BotoCoreError):
                with suppress(ClientError, BotoCoreError):
                    self._abort_others(key, "")
                raise
        upload: str = answer["UploadId"]
        if answer["ResponseMetadata"].get("RetryAttempts"):
            with suppress(ClientError, BotoCoreError):
                self._abort_others(key, upload)
        return upload

    def _abort_others(self, key: str, upload: str) -> None:
        """Ends the uploads whose beginning was not answered."""
        if not self.exclusive:
            return
        listed = self.client.list_multipart_uploads(Bucket=self.bucket, Prefix=key)
        for other in listed.get("Uploads", []):
            if other["Key"] == key and other["UploadId"] != upload:
                self._abort(key, other["UploadId"])

    def _abort(self, key: str, upload: str) -> None:
        """Where this fails too, the bucket's lifecycle rule ends the upload; what is told is the first error."""
        with suppress(ClientError, BotoCoreError):
            _twice(self.client.abort_multipart_upload, Bucket=self.bucket, Key=key, UploadId=upload)

    def _part(self, source: Source, part: Part, key: str, upload: str, number: int) -> dict[str, Any]:
        place = {"Bucket": self.bucket, "Key": key, "UploadId": upload, "PartNumber": number}
        if isinstance(part, Upload):
            body = join(source, part.pieces)
            with _telling(self._place(key), "s3:PutObject"):
                answer = self.client.upload_part(**place, Body=body)
        else:
            assert isinstance(source, S3Source)
            with _telling(source.place, "s3:GetObject"):
                answer = self.client.upload_part_copy(
                    **place,
                    CopySource=source.copy_source,
                    CopySourceIfMatch=source.etag,
                    CopySourceRange=f"bytes={part.start}-{part.end - 1}",
                )["CopyPartResult"]
        checksums = {
            name: value for name, value in answer.items() if name.startswith("Checksum") and name != "ChecksumType"
        }
        return {"PartNumber": number, "ETag": answer["ETag"], **checksums}

    def _complete(
        self, source: Source, parts: Sequence[Part], key: str, upload: str, done: list[dict[str, Any]]
    ) -> str:
        """Completes the upload; the ETag of the object, which was compared with the plan.

        Where the answer is an error, or lost, the comparison tells whether the object came to be nevertheless.
        """
        try:
            with _telling(self._place(key), "s3:PutObject"):
                self.client.complete_multipart_upload(
                    Bucket=self.bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": done}
                )
        except StorageError as error:
            try:
                return self._compare(source, parts, key)
            except StorageError:
                raise error from None
        with ExitStack() as failure:
            if self.exclusive:
                failure.callback(discard, self.client, self.bucket, key)
            etag = self._compare(source, parts, key)
            failure.pop_all()
        return etag

    def _compare(self, source: Source, parts: Sequence[Part], key: str) -> str:
        """The ETag of the object, which has the planned size and ends as planned."""
        size = sum(part.end - part.start if isinstance(part, Copy) else sum(map(length, part.pieces)) for part in parts)
        last = parts[-1]
        assert isinstance(last, Upload)
        expected = join(source, last.pieces[-1:])[-COMPARED_BYTES:]
        with _telling(self._place(key), "s3:GetObject"):
            answer = self.client.get_object(Bucket=self.bucket, Key=key, Range=f"bytes=-{len(expected)}")
            whole = int(answer.get("ContentRange", "").rpartition("/")[2] or answer["ContentLength"])
            found = _ranged(answer, whole - len(expected), whole)
        if whole != size or found != expected:
            raise StorageError(
                f"{self._place(key)} was not assembled as planned: {whole} bytes for {size}; deploy again"
            )
        etag: str = answer["ETag"]
        return etag

    def _copy_hashed(self, scratch: str, etag: str) -> str:
        """Copies the whole object to its key; S3 computes the SHA-256, or it is read where S3 does not."""
        with _telling(self._place(self.key), "s3:PutObject"):
            answer = self.client.copy_object(
                Bucket=self.bucket,
                Key=self.key,
                CopySource={"Bucket": self.bucket, "Key": scratch},
                CopySourceIfMatch=etag,
                ChecksumAlgorithm="SHA256",
                Tagging=self.tagging,
                TaggingDirective="REPLACE",
            )
        digest = answer["CopyObjectResult"].get("ChecksumSHA256")
        return str(digest) if digest else stored_sha256(self.client, self.bucket, self.key) or ""


def staging_bucket(environ: Mapping[str, str]) -> str:
    """The bucket for what is assembled. Raises StorageError where the provider's environment does not name one."""
    if not environ.get("CFN_INJECTOR_STAGING_BUCKET"):
        raise StorageError("the provider's own environment lacks CFN_INJECTOR_STAGING_BUCKET; deploy its stack anew")
    return environ["CFN_INJECTOR_STAGING_BUCKET"]


def stored_sha256(client: Any, bucket: str, key: str) -> str | None:
    """The base64 SHA-256 of an object, None where none is; the object is read where S3 does not keep it."""
    place = f"s3://{bucket}/{key}"
    with _telling(place, "s3:GetObject"):
        try:
            head = client.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        except ClientError as error:
            if code_of(error) in _MISSING:
                return None
            raise
        if "ChecksumSHA256" in head and "-" not in head["ChecksumSHA256"]:  # a dash: a hash of the parts' hashes
            return str(head["ChecksumSHA256"])
        digest = sha256()
        for chunk in client.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(_CHUNK):
            digest.update(chunk)
    return b64encode(digest.digest()).decode()


def tags_of(client: Any, bucket: str, key: str) -> dict[str, str]:
    """The tags of an object; none where there is no object."""
    with _telling(f"s3://{bucket}/{key}", "s3:GetObjectTagging"):
        try:
            found = client.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
        except ClientError as error:
            if code_of(error) not in _MISSING:
                raise
            return {}
    return {tag["Key"]: tag["Value"] for tag in found}


def untag(client: Any, bucket: str, key: str) -> None:
    """Takes all tags from an object."""
    with _telling(f"s3://{bucket}/{key}", "s3:DeleteObjectTagging"):
        _twice(client.delete_object_tagging, Bucket=bucket, Key=key)


def keys_below(client: Any, bucket: str, prefix: str) -> list[str]:
    """The keys of all objects whose keys begin so."""
    with _telling(f"s3://{bucket}/{prefix}", "s3:ListBucket"):
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]


def discard(client: Any, bucket: str, key: str) -> None:
    """Deletes an object; that it is gone already is no error."""
    with _telling(f"s3://{bucket}/{key}", "s3:DeleteObject"):
        _twice(client.delete_object, Bucket=bucket, Key=key)


def _twice(call: Callable[..., Any], **arguments: Any) -> None:
    """Calls again where a call failed, or its answer was lost: only for calls that may be repeated."""
    try:
        call(**arguments)
    except (ClientError, BotoCoreError):
        call(**arguments)
