"""Beliefs about S3: uploads in parts, and whole assemblies."""

from __future__ import annotations

import os
import secrets
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from botocore.exceptions import ClientError

from cfn_injector.aws.multipart import MIN_PART
from cfn_injector.aws.s3 import S3Destination, S3Source
from cfn_injector.doctor import functions
from cfn_injector.doctor.base import base, empty
from cfn_injector.doctor.beliefs import Answer, compare, judge, unknown
from cfn_injector.doctor.session import Session
from cfn_injector.errors import code_of
from cfn_injector.injection import inject

LARGE = 12 * 1024 * 1024
"""The size of an artifact that is assembled from parts, in bytes."""

_ENV = {"DOCTOR": "injected"}


def _completed(s3: Any, bucket: str, key: str, checksum: dict[str, str] | None) -> tuple[str, dict[str, str]]:
    """Uploads one part without a checksum, and completes.

    Returns what S3 answered, and the checksums that UploadPart returned. ``checksum`` is given at the completion; None
    gives those that were returned.
    """
    place = {"Bucket": bucket, "Key": key}
    upload = s3.create_multipart_upload(**place)["UploadId"]
    part = s3.upload_part(**place, UploadId=upload, PartNumber=1, Body=bytes(MIN_PART))
    returned = {name: part[name] for name in part if name.startswith("Checksum") and name != "ChecksumType"}
    parts = [{"PartNumber": 1, "ETag": part["ETag"], **(returned if checksum is None else checksum)}]
    try:
        s3.complete_multipart_upload(**place, UploadId=upload, MultipartUpload={"Parts": parts})
    except ClientError as error:
        return code_of(error), returned
    return "completed", returned


def check_parts(session: Session) -> Iterator[Answer]:
    s3, bucket = session.client("s3"), base(session).artifacts
    observed, returned = _completed(s3, bucket, "parts/plain", {})
    yield compare("completion with part numbers and ETags alone", "completed", observed)
    question, expected = "completion with a checksum that the upload did not declare", "InvalidPart"
    # CRC32C needs a library, so SHA256 takes its place where S3 returns nothing.
    own = {"ChecksumSHA256": b64encode(sha256(bytes(MIN_PART)).digest()).decode()}
    observed, _ = _completed(s3, bucket, "parts/checksum", None if returned else own)
    named = ", ".join(returned) or "no checksum, so ChecksumSHA256 was given"
    right = observed in (expected, "InvalidRequest")
    yield judge(question, f"{expected} or InvalidRequest", f"{observed}; UploadPart returned {named}", right=right)


def _upload_twice(s3: Any, bucket: str) -> tuple[bytes, str]:
    """Puts an artifact, and then another one at the same key. Returns the first with its version."""
    first = functions.zipped({".env": "OLD=1\n", "index.py": functions.PLAIN, "data.bin": os.urandom(LARGE)})
    version = s3.put_object(Bucket=bucket, Key="artifact.zip", Body=first).get("VersionId", "")
    s3.put_object(Bucket=bucket, Key="artifact.zip", Body=functions.zipped({"index.py": functions.PLAIN}))
    return first, version


def _assemble(session: Session, label: str, bucket: str, uploaded_by: Any) -> Iterator[Answer]:
    """Assembles the older version of an artifact in ``bucket``, and creates a function with the result."""
    data, version = _upload_twice(uploaded_by, bucket)
    s3, staging, key = session.client("s3"), base(session).staging, f"{label.split()[0]}.zip"
    destination = S3Destination(s3, staging, key, scratch=f"scratch/{key}")
    local = functions.Memory()
    source = S3Source.open(s3, bucket, "artifact.zip", version or None)
    planned = inject(source, local, _ENV).code_sha256
    assembled = inject(source, destination, _ENV).code_sha256
    made = functions.make(session, label.split()[0], {"S3Bucket": staging, "S3Key": key})["CodeSha256"]
    read = "the older version" if source.size == len(data) else "another version"
    yield compare(f"{label}: what was read", "the older version", read)
    for who, digest in (("S3's SHA-256", assembled), ("Lambda's CodeSha256", made)):
        observed = "as planned" if digest == planned else f"{digest}, not {planned}"
        yield compare(f"{label}: {who}", "as planned", observed)


def _make_bucket(session: Session) -> tuple[Any, str]:
    """A bucket with versions in the other Region, and a client of that Region."""
    region, bucket = session.other_region, f"{session.name}-{secrets.token_hex(4)}"
    s3 = session.client("s3", region_name=region)

    def remove() -> None:
        empty(s3, bucket)
        try:
            s3.delete_bucket(Bucket=bucket)
        except ClientError as error:
            if code_of(error) != "NoSuchBucket":
                raise

    session.removals.add(f"bucket {bucket}", remove)
    there = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=bucket, **there)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return s3, bucket


def check_assembly(session: Session) -> Iterator[Answer]:
    yield from _assemble(session, "versioned bucket", base(session).artifacts, session.client("s3"))
    if not session.other_region:
        yield unknown("an artifact in another Region", "the same hash", "give --other-region REGION")
        return
    s3, bucket = _make_bucket(session)
    yield from _assemble(session, "other Region", bucket, s3)
