"""S3 as source and destination, against moto's server."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from cfn_injector.archive import Insert, Keep
from cfn_injector.aws import s3_objects
from cfn_injector.aws.s3 import S3Destination, S3Source
from cfn_injector.errors import StorageError
from cfn_injector.injection import TAIL_BYTES, BytesSource
from tests.support.world import ARTIFACTS, STAGING

LARGE = bytes(range(256)) * 36 * 1024  # 9 MiB


def put(client: Any, body: bytes, key: str = "app.zip") -> None:
    client.put_object(Bucket=ARTIFACTS, Key=key, Body=body)


@pytest.mark.parametrize("size", [1, 100, TAIL_BYTES, TAIL_BYTES + 1, 8 << 20, len(LARGE)])
def test_an_object_of_any_size_is_read_in_any_range(moto_s3: Any, size: int) -> None:
    body = LARGE[:size]
    put(moto_s3, body)
    source = S3Source.open(moto_s3, ARTIFACTS, "app.zip")
    assert source.size == size
    near_end = max(size - 22, 0)
    for start, end in ((0, size), (0, 1), (near_end, size), (size // 2, size), (size // 3, size // 2), (size, size)):
        assert source.read(start, end) == body[start:end]


def test_an_object_that_is_replaced_while_it_is_read_is_reported(moto_s3: Any) -> None:
    put(moto_s3, LARGE)
    source = S3Source.open(moto_s3, ARTIFACTS, "app.zip")
    put(moto_s3, LARGE[::-1])
    with pytest.raises(StorageError, match="was replaced while it was being read"):
        source.read(0, 10)


def test_a_version_stays_what_it_was(moto_s3: Any) -> None:
    moto_s3.put_bucket_versioning(Bucket=ARTIFACTS, VersioningConfiguration={"Status": "Enabled"})
    put(moto_s3, LARGE)
    source = S3Source.open(moto_s3, ARTIFACTS, "app.zip")
    put(moto_s3, b"new")
    assert source.read(0, 300) == LARGE[:300]
    assert S3Source.open(moto_s3, ARTIFACTS, "app.zip", source.version).size == len(LARGE)


def test_only_the_bytes_that_are_not_held_yet_are_requested(moto_s3: Any) -> None:
    put(moto_s3, LARGE)
    source = S3Source.open(moto_s3, ARTIFACTS, "app.zip")
    requested: list[str] = []
    moto_s3.meta.events.register("before-send.s3", lambda request, **_: requested.append(request.headers["Range"]))
    held = len(LARGE) - TAIL_BYTES
    for start, end in ((held, len(LARGE)), (0, held), (held - 5, held + 5), (7, 7), (0, len(LARGE))):
        assert source.read(start, end) == LARGE[start:end]
    assert [str(each, "ascii") if isinstance(each, bytes) else each for each in requested] == [
        f"bytes=0-{held - 1}",
        f"bytes={held - 5}-{held - 1}",
        f"bytes=0-{held - 1}",
    ]


class _IgnoresRanges:
    """A server that answers a range with the whole object, as some servers do."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def get_object(self, **_: Any) -> dict[str, Any]:
        import io

        return {"Body": io.BytesIO(self.body), "ETag": '"e"', "ContentLength": len(self.body)}


def test_a_server_that_ignores_ranges_is_read_right() -> None:
    source = S3Source.open(_IgnoresRanges(LARGE), ARTIFACTS, "app.zip")
    assert source.size == len(LARGE)
    assert source.read(len(LARGE) - 10, len(LARGE)) == LARGE[-10:]
    assert source.read(5, 900) == LARGE[5:900]


@pytest.mark.parametrize(("bucket", "key"), [(ARTIFACTS, "nothing"), ("no-such-bucket", "app.zip")])
def test_what_is_missing_is_named(moto_s3: Any, bucket: str, key: str) -> None:
    with pytest.raises(StorageError, match=f"s3://{bucket}/{key} does not exist"):
        S3Source.open(moto_s3, bucket, key)


def test_segments_become_an_object_and_their_sha256(moto_s3: Any) -> None:
    destination = S3Destination(moto_s3, STAGING, "tmp/x.zip")
    digest = destination.assemble(BytesSource(b"0123456789"), [Keep(0, 3), Insert(b"abc"), Keep(8, 10)])
    body = moto_s3.get_object(Bucket=STAGING, Key="tmp/x.zip")["Body"].read()
    assert body == b"012abc89"
    assert digest == base64.b64encode(hashlib.sha256(body).digest()).decode()
    assert s3_objects.stored_sha256(moto_s3, STAGING, "tmp/x.zip") == digest


def test_the_sha256_of_an_object_that_s3_kept_none_of_is_read(moto_s3: Any) -> None:
    put(moto_s3, b"abc")
    digest = base64.b64encode(hashlib.sha256(b"abc").digest()).decode()
    assert s3_objects.stored_sha256(moto_s3, ARTIFACTS, "app.zip") == digest
    assert s3_objects.stored_sha256(moto_s3, ARTIFACTS, "nothing") is None


def test_an_object_is_discarded_once_or_twice(moto_s3: Any) -> None:
    put(moto_s3, b"x")
    s3_objects.discard(moto_s3, ARTIFACTS, "app.zip")
    s3_objects.discard(moto_s3, ARTIFACTS, "app.zip")
    assert "Contents" not in moto_s3.list_objects_v2(Bucket=ARTIFACTS)


def test_a_provider_without_a_staging_bucket_says_so() -> None:
    with pytest.raises(StorageError, match="CFN_INJECTOR_STAGING_BUCKET"):
        s3_objects.staging_bucket({})
