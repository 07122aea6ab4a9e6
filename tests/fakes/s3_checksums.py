"""Checksums of the S3 stub, by algorithm (``sha256``), in base64.

Takes the headers of a request and bytes. Errors: S3Error, if a checksum is wrong.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Mapping, Sequence

from tests.fakes.s3_store import Listed, Rope, S3Error, Upload


def digest(algorithm: str, body: Rope) -> str:
    """The checksum of bytes, in base64."""
    if algorithm == "crc32":
        crc = 0
        for piece in body.pieces:
            crc = zlib.crc32(piece, crc)
        return base64.b64encode(crc.to_bytes(4, "big")).decode()
    found = hashlib.new(algorithm)
    for piece in body.pieces:
        found.update(piece)
    return base64.b64encode(found.digest()).decode()


def composite(upload: Upload, listed: Sequence[Listed]) -> dict[str, str]:
    """The checksum of an object that is made of parts: that of the parts' checksums, and their number."""
    if not upload.algorithm:
        return {}
    sums = [upload.parts[part.number].checksum for part in listed if part.number in upload.parts]
    joined = Rope.of(b"".join(map(base64.b64decode, sums)))
    return {upload.algorithm: f"{digest(upload.algorithm, joined)}-{len(sums)}"}


def checked(headers: Mapping[str, str], body: Rope) -> dict[str, str]:
    """The checksums that the client sent. Raises S3Error if one is wrong."""
    found = {}
    for algorithm in ("sha256", "sha1", "crc32"):
        sent = headers.get(f"x-amz-checksum-{algorithm}")
        if sent is not None:
            if sent != digest(algorithm, body):
                raise S3Error(400, "BadDigest", f"The {algorithm} you specified did not match what we received.")
            found[algorithm] = sent
    return found


def unrequested(body: Rope) -> dict[str, str]:
    """The checksum of a part that S3 returns although nobody requested one; its value is made up."""
    return {"crc64nvme": base64.b64encode(hashlib.sha256(str(body.size).encode()).digest()[:8]).decode()}


def headers_of(checksums: Mapping[str, str]) -> dict[str, str]:
    return {f"x-amz-checksum-{algorithm}": value for algorithm, value in checksums.items()}


def fields_of(checksums: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(f"Checksum{algorithm.upper()}", value) for algorithm, value in checksums.items()]
