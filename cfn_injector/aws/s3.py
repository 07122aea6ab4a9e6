"""S3 as the source and the destination of an injection.

Takes a boto3 client and the location of an object. ``S3Source`` reads ranges of an object; ``S3Destination`` assembles
segments into one. Every request after the first names the version or the ETag that the first one returned, so that two
states of an object are never mixed. Errors: StorageError, which names the object and what to check.

    up to 8 MB    read, join, PutObject
    above         in parts: S3 copies the ranges that are kept (UploadPartCopy). The rest is uploaded: kilobytes, or up
                  to 5 MiB if the old file is near the beginning. The upload is completed and compared with the plan, or
                  aborted on any failure.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/CopyingObjectsMPUapi.html
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cfn_injector.archive import Segment
from cfn_injector.aws.multipart import COPIES, PART, Copy, Part, Upload, length, plan
from cfn_injector.aws.s3_objects import CHUNK, discard, sha256_in, staging_bucket, stored_sha256, translated, twice
from cfn_injector.errors import PropertyError, StorageError
from cfn_injector.injection import TAIL_BYTES, Source, join

COMPARED_BYTES = 16 * 1024
"""This much of the end of an assembled object is read back and compared with the plan."""

_BUCKET = re.compile(r"[A-Za-z0-9._-]+")
_ACCESS_POINTS = ("-s3alias", "--ol-s3", "--xa-s3", ".mrap")
"""The ends of names of access points, which no bucket's name has.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
"""


def _ranged(answer: Mapping[str, Any], start: int, end: int) -> bytes:
    """The bytes of a range. If a server answers with the whole object, only that range is kept in memory."""
    body = answer["Body"]
    if "ContentRange" in answer:
        return bytes(body.read())
    kept, at = bytearray(), 0
    while at < end and (chunk := body.read(CHUNK)):
        kept += chunk[max(start - at, 0) : max(end - at, 0)]
        at += len(chunk)
    return bytes(kept)


@dataclass(frozen=True)
class S3Source:
    """An object in S3, in the state that it had when it was opened.

    ``size`` is in bytes. ``tail`` holds the last bytes, which no further request reads.
    """

    client: Any = field(repr=False)
    bucket: str
    key: str
    version: str | None
    etag: str
    size: int
    tail: bytes = field(repr=False)

    @classmethod
    def open(cls, client: Any, bucket: str, key: str, version: str | None = None) -> S3Source:
        """Reads size, ETag and the last 512 KiB in one request. A second one reads the rest of a small object."""
        chosen = {"VersionId": version} if version else {}
        with translated(f"s3://{bucket}/{key}", "s3:GetObject", version):
            answer = client.get_object(Bucket=bucket, Key=key, Range=f"bytes=-{TAIL_BYTES}", **chosen)
            whole = int(answer.get("ContentRange", "").rpartition("/")[2] or answer["ContentLength"])
            tail = _ranged(answer, max(whole - TAIL_BYTES, 0), whole)
        source = cls(client, bucket, key, version or answer.get("VersionId"), answer["ETag"], whole, tail)
        return replace(source, tail=source.read(0, whole)) if whole <= PART else source

    @property
    def place(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def copy_source(self) -> dict[str, str]:
        """The object, as CopySource."""
        return {"Bucket": self.bucket, "Key": self.key, **self._chosen}

    @property
    def _chosen(self) -> dict[str, str]:
        return {"VersionId": self.version} if self.version else {}

    def read(self, start: int, end: int) -> bytes:
        """The bytes from ``start`` up to ``end``; requests only those that are not in ``tail``."""
        held = self.size - len(self.tail)
        requested = self._request(start, min(end, held)) if start < min(end, held) else b""
        return requested + self.tail[max(start - held, 0) : max(end - held, 0)]

    def _request(self, start: int, end: int) -> bytes:
        condition = {"Range": f"bytes={start}-{end - 1}", "IfMatch": self.etag, **self._chosen}
        with translated(self.place, "s3:GetObject", self.version):
            body = _ranged(self.client.get_object(Bucket=self.bucket, Key=self.key, **condition), start, end)
        if len(body) != end - start:
            problem = f"{self.place} returned {len(body)} of {end - start} bytes"
            raise StorageError(f"{problem}; deploy again", code="CI404")
        return body


def check_bucket(environ: Mapping[str, str], bucket: str) -> None:
    """Raises PropertyError if a template names the staging bucket, which has all stacks' values, as a source.

    An access point, by its ARN or alias, can lead to any bucket, so it is refused too.
    """
    remedy = "name the bucket that the artifact was uploaded to"
    if bucket.lower() == staging_bucket(environ).lower():
        raise PropertyError(
            "Code.S3Bucket", "is the provider's staging bucket, which is not a source", remedy, code="CI256"
        )
    if not _BUCKET.fullmatch(bucket) or bucket.lower().endswith(_ACCESS_POINTS):
        raise PropertyError("Code.S3Bucket", "is not the name of a bucket", remedy, code="CI256")


def open_artifact(
    client: Any, environ: Mapping[str, str], bucket: str, key: str, version: str | None = None
) -> S3Source:
    """The artifact that a template names. Raises PropertyError, before anything is read, as ``check_bucket`` does."""
    check_bucket(environ, bucket)
    return S3Source.open(client, bucket, key, version)


@dataclass(frozen=True)
class S3Destination:
    """The object that the assembled archive is written to.

    ``scratch`` is another key of the bucket. If it is given, an archive that is assembled from parts is assembled there
    and then copied to ``key``: the object at ``key`` is always complete, and S3 computes its SHA-256 during the copy.
    ``tagging`` holds tags for the object, encoded as a query string; without ``scratch`` only small objects get them.
    Set ``exclusive`` to False if others may have used the key: then nothing that exists there is aborted or deleted.
    """

    client: Any = field(repr=False)
    bucket: str
    key: str
    scratch: str | None = None
    tagging: str = ""
    exclusive: bool = True

    def assemble(self, source: Source, segments: Sequence[Segment]) -> str | None:
        """Writes the object. Returns the base64 SHA-256 of its bytes, which is Lambda's CodeSha256.

        Returns None if the object is assembled from parts without ``scratch``.
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
        with translated(self._place(self.key), "s3:PutObject"):
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
        """Uploads and copies all parts in parallel. Returns the object's ETag, once the object matches the plan."""
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
        with translated(self._place(key), "s3:PutObject"):
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
        """Aborts uploads to the key that were created by requests whose answers were lost."""
        if not self.exclusive:
            return
        listed = self.client.list_multipart_uploads(Bucket=self.bucket, Prefix=key)
        for other in listed.get("Uploads", []):
            if other["Key"] == key and other["UploadId"] != upload:
                self._abort(key, other["UploadId"])

    def _abort(self, key: str, upload: str) -> None:
        """Hides its own errors: the first error is reported, and the bucket's lifecycle rule aborts the upload."""
        with suppress(ClientError, BotoCoreError):
            twice(self.client.abort_multipart_upload, Bucket=self.bucket, Key=key, UploadId=upload)

    def _part(self, source: Source, part: Part, key: str, upload: str, number: int) -> dict[str, Any]:
        """Uploads or copies a part. Returns its number and ETag.

        S3 may also return a checksum that nobody requested, and then refuses it at completion with InvalidPart.
        """
        place = {"Bucket": self.bucket, "Key": key, "UploadId": upload, "PartNumber": number}
        if isinstance(part, Upload):
            body = join(source, part.pieces)
            with translated(self._place(key), "s3:PutObject"):
                answer = self.client.upload_part(**place, Body=body)
        else:
            assert isinstance(source, S3Source)
            with translated(source.place, "s3:GetObject", source.version):
                answer = self.client.upload_part_copy(
                    **place,
                    CopySource=source.copy_source,
                    CopySourceIfMatch=source.etag,
                    CopySourceRange=f"bytes={part.start}-{part.end - 1}",
                )["CopyPartResult"]
        return {"PartNumber": number, "ETag": answer["ETag"]}

    def _complete(
        self, source: Source, parts: Sequence[Part], key: str, upload: str, done: list[dict[str, Any]]
    ) -> str:
        """Completes the upload. Returns the ETag of the object, which was compared with the plan.

        If the request fails or its answer is lost, the comparison shows whether the object exists nevertheless.
        """
        try:
            with translated(self._place(key), "s3:PutObject"):
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
        """The ETag of the object. Raises StorageError unless it has the planned size and end."""
        size = sum(part.end - part.start if isinstance(part, Copy) else sum(map(length, part.pieces)) for part in parts)
        last = parts[-1]
        assert isinstance(last, Upload)
        expected = join(source, last.pieces[-1:])[-COMPARED_BYTES:]
        with translated(self._place(key), "s3:GetObject"):
            answer = self.client.get_object(Bucket=self.bucket, Key=key, Range=f"bytes=-{len(expected)}")
            whole = int(answer.get("ContentRange", "").rpartition("/")[2] or answer["ContentLength"])
            found = _ranged(answer, whole - len(expected), whole)
        if whole != size or found != expected:
            problem = f"{self._place(key)} was not assembled as planned: it has {whole} bytes instead of {size}"
            raise StorageError(f"{problem}; deploy again", code="CI405")
        etag: str = answer["ETag"]
        return etag

    def _copy_hashed(self, scratch: str, etag: str) -> str:
        """Copies the assembled object to ``key``. S3 computes the SHA-256; if it does not, the object is read."""
        with translated(self._place(self.key), "s3:PutObject"):
            answer = self.client.copy_object(
                Bucket=self.bucket,
                Key=self.key,
                CopySource={"Bucket": self.bucket, "Key": scratch},
                CopySourceIfMatch=etag,
                ChecksumAlgorithm="SHA256",
                Tagging=self.tagging,
                TaggingDirective="REPLACE",
            )
        return sha256_in(answer["CopyObjectResult"]) or stored_sha256(self.client, self.bucket, self.key) or ""
