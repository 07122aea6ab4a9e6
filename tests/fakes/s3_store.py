"""The objects of the S3 stub, in memory.

Errors: S3Error, with S3's own code. A copy shares the bytes of its source, so that it costs the same for any size.
ETags identify the state of an object and are not hashes of it, as for encrypted objects.

Limits are S3's: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise
from threading import RLock
from typing import NamedTuple

MIN_PART = 5 * 1024 * 1024
MAX_PARTS = 10_000


class S3Error(Exception):
    """An error response of S3."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True)
class Rope:
    """Bytes in pieces, which other ropes may share."""

    pieces: tuple[memoryview, ...] = ()

    @classmethod
    def of(cls, data: bytes | bytearray) -> Rope:
        return cls((memoryview(data).toreadonly(),)) if data else cls()

    @classmethod
    def joined(cls, ropes: Iterable[Rope]) -> Rope:
        return cls(tuple(piece for rope in ropes for piece in rope.pieces))

    @property
    def size(self) -> int:
        return sum(map(len, self.pieces))

    def cut(self, start: int, end: int) -> Rope:
        """The bytes from ``start`` up to ``end``."""
        found, at = [], 0
        for piece in self.pieces:
            part = piece[max(start - at, 0) : max(end - at, 0)]
            at += len(piece)
            if part:
                found.append(part)
        return Rope(tuple(found))

    def chunks(self, size: int) -> Iterator[memoryview]:
        """The bytes, at most ``size`` at a time."""
        for piece in self.pieces:
            for at in range(0, len(piece), size):
                yield piece[at : at + size]


@dataclass(frozen=True)
class Stored:
    """One version of an object. ``checksums`` maps the algorithm (``sha256``) to the base64 value."""

    body: Rope
    etag: str
    version: str
    content_type: str
    checksums: Mapping[str, str]
    modified: float


class Part(NamedTuple):
    """A part that was uploaded or copied."""

    body: Rope
    etag: str
    checksum: str


class Listed(NamedTuple):
    """A part as CompleteMultipartUpload lists it, with checksums by algorithm."""

    number: int
    etag: str
    checksums: Mapping[str, str]


@dataclass(frozen=True)
class Upload:
    """A multipart upload that was neither completed nor aborted. ``algorithm`` is empty, or that of its checksums."""

    bucket: str
    key: str
    content_type: str
    algorithm: str = ""
    parts: dict[int, Part] = field(default_factory=dict)


@dataclass
class Bucket:
    """Objects by key, oldest version first; None is a delete marker."""

    versioned: bool = False
    objects: dict[str, list[Stored | None]] = field(default_factory=dict)


def _check_part(upload: Upload, listed: Listed) -> None:
    """Raises S3Error unless the upload has the part, and the listed checksums are those of the upload's algorithm."""
    part = upload.parts.get(listed.number)
    if part and upload.algorithm and upload.algorithm not in listed.checksums:
        problem = "The complete request must include the checksum for each part."
        raise S3Error(400, "InvalidRequest", f"The upload was created using a {upload.algorithm} checksum. {problem}")
    expected = {upload.algorithm: part.checksum} if part and upload.algorithm else {}
    if not part or part.etag.strip('"') != listed.etag.strip('"') or listed.checksums != expected:
        raise S3Error(400, "InvalidPart", f"One or more of the specified parts could not be found: {listed.number}")


class Store:
    """All buckets and uploads. Each method is safe to call from any thread."""

    def __init__(self, buckets: Sequence[str] = ()) -> None:
        self.buckets = {name: Bucket() for name in buckets}
        self.uploads: dict[str, Upload] = {}
        self._numbers = count(1)
        self._lock = RLock()

    def _etag(self) -> str:
        return f'"{next(self._numbers):032x}"'

    def clear(self) -> None:
        """Empties all buckets."""
        with self._lock:
            self.buckets = {name: Bucket() for name in self.buckets}
            self.uploads.clear()

    def create_bucket(self, name: str) -> None:
        with self._lock:
            self.buckets.setdefault(name, Bucket())

    def bucket(self, name: str) -> Bucket:
        if name not in self.buckets:
            raise S3Error(404, "NoSuchBucket", "The specified bucket does not exist")
        return self.buckets[name]

    def find(self, bucket: str, key: str, version: str | None = None) -> Stored:
        """The newest version of an object, or the given one."""
        with self._lock:
            versions = self.bucket(bucket).objects.get(key, [])
            if version is not None:
                for stored in versions:
                    if stored and stored.version == version:
                        return stored
                raise S3Error(404, "NoSuchVersion", "The specified version does not exist.")
            if not versions or versions[-1] is None:
                raise S3Error(404, "NoSuchKey", "The specified key does not exist.")
            return versions[-1]

    def keys(self, bucket: str, prefix: str) -> list[tuple[str, Stored]]:
        """The objects whose keys start with ``prefix``, in the order of their keys."""
        with self._lock:
            newest = [(key, versions[-1]) for key, versions in self.bucket(bucket).objects.items() if versions]
        return sorted((key, stored) for key, stored in newest if stored and key.startswith(prefix))

    def put(
        self,
        bucket: str,
        key: str,
        body: Rope,
        content_type: str,
        checksums: Mapping[str, str],
        *,
        etag: str | None = None,
        only_new: bool = False,
    ) -> Stored:
        """A new object, or a new version of it. With ``only_new``, raises S3Error if the object exists."""
        with self._lock:
            home = self.bucket(bucket)
            versions = home.objects.setdefault(key, [])
            if only_new and versions and versions[-1]:
                raise S3Error(
                    412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold"
                )
            if not home.versioned:
                versions.clear()
            version = f"v{next(self._numbers)}" if home.versioned else "null"
            stored = Stored(body, etag or self._etag(), version, content_type, checksums, time.time())
            versions.append(stored)
            return stored

    def delete(self, bucket: str, key: str, version: str | None = None) -> None:
        """Deletes an object, or one version of it; it is not an error if there is none."""
        with self._lock:
            home = self.bucket(bucket)
            versions = home.objects.get(key, [])
            if version is not None:
                versions[:] = [stored for stored in versions if not stored or stored.version != version]
            elif home.versioned:
                home.objects.setdefault(key, []).append(None)
            else:
                home.objects.pop(key, None)

    def begin(self, bucket: str, key: str, content_type: str, algorithm: str = "") -> str:
        """Begins a multipart upload; returns its id."""
        with self._lock:
            self.bucket(bucket)
            name = f"upload-{next(self._numbers)}"
            self.uploads[name] = Upload(bucket, key, content_type, algorithm)
            return name

    def upload(self, bucket: str, key: str, name: str) -> Upload:
        with self._lock:
            self.bucket(bucket)
            upload = self.uploads.get(name)
            if upload is None or (upload.bucket, upload.key) != (bucket, key):
                raise S3Error(404, "NoSuchUpload", "The specified upload does not exist.")
            return upload

    def add_part(self, upload: Upload, number: int, body: Rope, checksum: str = "") -> Part:
        if not 1 <= number <= MAX_PARTS:
            message = "Part number must be an integer between 1 and 10000, inclusive"
            raise S3Error(400, "InvalidArgument", message)
        with self._lock:
            part = upload.parts[number] = Part(body, self._etag(), checksum)
            return part

    def complete(
        self,
        bucket: str,
        key: str,
        name: str,
        parts: Sequence[Listed],
        checksums: Mapping[str, str],
        *,
        only_new: bool = False,
    ) -> Stored:
        """Makes an object of these parts, and ends the upload. ``checksums`` are the object's."""
        with self._lock:
            upload = self.upload(bucket, key, name)
            if not parts:
                raise S3Error(400, "MalformedXML", "The XML you provided was not well-formed")
            if any(number >= following for (number, *_), (following, *_) in pairwise(parts)):
                raise S3Error(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
            for part in parts:
                _check_part(upload, part)
            bodies = [upload.parts[part.number].body for part in parts]
            if any(body.size < MIN_PART for body in bodies[:-1]):
                raise S3Error(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
            etag = f"{self._etag()[:-1]}-{len(parts)}" + '"'
            stored = self.put(
                bucket, key, Rope.joined(bodies), upload.content_type, checksums, etag=etag, only_new=only_new
            )
            del self.uploads[name]
            return stored

    def abort(self, bucket: str, key: str, name: str) -> None:
        with self._lock:
            self.upload(bucket, key, name)
            del self.uploads[name]
