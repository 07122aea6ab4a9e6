"""S3 assembles large archives: what is sent, and what is left after a failure. Against moto's server."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import botocore.endpoint
import pytest
from botocore.config import Config
from botocore.httpsession import URLLib3Session

from cfn_injector.archive import Insert, Keep, Segment
from cfn_injector.aws.s3 import S3Destination, S3Source
from cfn_injector.aws.s3_objects import stored_sha256
from cfn_injector.errors import ArtifactError, StorageError
from cfn_injector.injection import BytesSource, inject, join
from tests.fakes import s3_stub
from tests.fakes.aws_lambda import SESSION, answer
from tests.support.artifacts import archive
from tests.support.world import ARTIFACTS, STAGING

MIB = 1024 * 1024
ENV = {"TABLE": "dev", "SECRET": "it's a secret"}


class Wire:
    """The requests of a client, any of which can be made to fail."""

    def __init__(self, client: Any) -> None:
        self.requests: list[str] = []
        self.sent = 0
        self.strike: Callable[[int, Any], Any] = lambda number, request: None
        client.meta.events.register("before-send.s3", self._seen)

    def _seen(self, request: Any, event_name: str, **_: Any) -> Any:
        self.requests.append(event_name.rpartition(".")[2])
        self.sent += len(request.body or b"") if isinstance(request.body, bytes) else 0
        return self.strike(len(self.requests) - 1, request)


@pytest.fixture
def client(moto_s3: Any) -> Any:
    return SESSION.client(
        "s3", endpoint_url=moto_s3.meta.endpoint_url, config=Config(retries={"total_max_attempts": 1})
    )


@pytest.fixture
def wire(client: Any) -> Wire:
    return Wire(client)


def run(client: Any, body: bytes, scratch: str | None = None) -> Any:
    client.put_object(Bucket=ARTIFACTS, Key="app.zip", Body=body)
    source = S3Source.open(client, ARTIFACTS, "app.zip")
    return inject(source, S3Destination(client, STAGING, "tmp/out.zip", scratch), ENV)


def stored(client: Any, key: str = "tmp/out.zip") -> bytes:
    body: bytes = client.get_object(Bucket=STAGING, Key=key)["Body"].read()
    return body


def in_memory(body: bytes) -> bytes:
    class Memory:
        def assemble(self, source: Any, segments: Sequence[Segment]) -> None:
            self.joined = join(source, segments)

    memory = Memory()
    inject(BytesSource(body), memory, ENV)
    return memory.joined


def left_over(client: Any) -> list[str]:
    uploads = client.list_multipart_uploads(Bucket=STAGING).get("Uploads", [])
    objects = client.list_objects_v2(Bucket=STAGING).get("Contents", [])
    return [item["Key"] for item in (*uploads, *objects)]


@pytest.mark.parametrize(
    "body",
    [
        archive(20),
        archive(20, env_at=0),
        archive(20, env_at=1),
        archive(10, 10, env_at=1),
        archive(1, 20, env_at=1),
        archive(20, 1, env_at=1),
        archive(0.1, 0.1, 9, env_at=2),
        archive(9, 0.5, 0.5, env_at=2),
        archive(4, 4, 4, env_at=1),
    ],
    ids=["absent", "first", "last", "middle", "early", "late", "very early", "very late", "between small ones"],
)
def test_the_assembled_object_is_the_one_that_is_joined_in_memory(client: Any, body: bytes) -> None:
    injected = run(client, body)
    assert stored(client) == in_memory(body)
    assert injected.size == len(stored(client))
    assert left_over(client) == ["tmp/out.zip"]
    assert client.get_object(Bucket=ARTIFACTS, Key="app.zip")["Body"].read() == body


def test_one_archive_comes_out_wherever_the_old_file_stood(client: Any) -> None:
    digests = set()
    for at in (None, 0, 1, 2):
        run(
            client,
            archive(10, 10, env_at=at).replace(b"KEPT=1", b"TABLE=") if at is None else archive(10, 10, env_at=at),
        )
        digests.add(hashlib.sha256(stored(client)).hexdigest())
    assert len(digests) == 2  # with and without the variables of the old file


def test_nothing_but_the_directory_and_the_new_file_is_sent(client: Any, wire: Wire) -> None:
    body = archive(40, env_at=0)
    client.put_object(Bucket=ARTIFACTS, Key="app.zip", Body=body)
    wire.requests.clear()
    wire.sent = 0
    source = S3Source.open(client, ARTIFACTS, "app.zip")
    inject(source, S3Destination(client, STAGING, "tmp/out.zip"), ENV)
    copies = wire.requests.count("UploadPartCopy")
    assert copies == 6
    assert sorted(set(wire.requests)) == [
        "CompleteMultipartUpload",
        "CreateMultipartUpload",
        "GetObject",
        "UploadPart",
        "UploadPartCopy",
    ]
    assert len(wire.requests) - copies <= 7
    assert wire.sent < 20_000


@pytest.mark.parametrize(("megabytes", "reads"), [(0.3, 1), (0.6, 2), (7.9, 2)])
def test_a_small_archive_takes_two_or_three_requests(client: Any, wire: Wire, megabytes: float, reads: int) -> None:
    client.put_object(Bucket=ARTIFACTS, Key="app.zip", Body=archive(megabytes, env_at=0))
    wire.requests.clear()
    inject(S3Source.open(client, ARTIFACTS, "app.zip"), S3Destination(client, STAGING, "tmp/out.zip"), ENV)
    assert wire.requests == ["GetObject"] * reads + ["PutObject"]


def test_with_a_scratch_key_the_object_is_whole_when_it_appears_and_its_sha256_is_known(client: Any) -> None:
    injected = run(client, archive(20), scratch="tmp/scratch.zip")
    digest = base64.b64encode(hashlib.sha256(stored(client)).digest()).decode()
    assert injected.code_sha256 == digest == stored_sha256(client, STAGING, "tmp/out.zip")
    assert left_over(client) == ["tmp/out.zip"]


def test_a_source_that_s3_does_not_hold_is_uploaded_in_parts(client: Any, wire: Wire) -> None:
    body = archive(20)
    inject(BytesSource(body), S3Destination(client, STAGING, "tmp/out.zip"), ENV)
    assert stored(client) == in_memory(body)
    assert "UploadPartCopy" not in wire.requests
    assert wire.requests.count("UploadPart") == 4


def test_a_version_of_the_source_is_copied_although_a_newer_one_is_there(client: Any) -> None:
    client.put_bucket_versioning(Bucket=ARTIFACTS, VersioningConfiguration={"Status": "Enabled"})
    body = archive(20)
    client.put_object(Bucket=ARTIFACTS, Key="app.zip", Body=body)
    source = S3Source.open(client, ARTIFACTS, "app.zip")
    client.put_object(Bucket=ARTIFACTS, Key="app.zip", Body=b"newer")
    inject(source, S3Destination(client, STAGING, "tmp/out.zip"), ENV)
    assert stored(client) == in_memory(body)


def _refused(request: Any) -> Any:
    return answer(request.url, 500, b"<Error><Code>InternalError</Code></Error>", {})


def _lost(request: Any) -> Any:
    """The request takes effect, and its answer is lost."""
    URLLib3Session().send(request)
    return _refused(request)


def _requests_of(client: Any, wire: Wire, scratch: str | None) -> list[str]:
    run(client, archive(10.5, env_at=0), scratch)
    return wire.requests[1:]


@pytest.mark.parametrize("scratch", [None, "tmp/scratch.zip"])
@pytest.mark.parametrize("fault", [_refused, _lost], ids=["refused", "answer lost"])
def test_a_fault_at_any_request_leaves_nothing_behind(
    client: Any, wire: Wire, fault: Callable[[Any], Any], scratch: str | None
) -> None:
    names = _requests_of(client, wire, scratch)
    client.delete_object(Bucket=STAGING, Key="tmp/out.zip")
    body = archive(10.5, env_at=0)
    assert len(names) >= 7
    for struck, name in enumerate(names):
        wire.requests.clear()

        def strike(number: int, request: Any, at: int = struck + 1) -> Any:
            return fault(request) if number == at else None

        wire.strike = strike
        if name in ("DeleteObject", "AbortMultipartUpload"):
            continue  # the bucket's lifecycle rule removes what is left
        done = fault is _lost and name in ("CompleteMultipartUpload", "CopyObject")
        if done and name != "CopyObject":
            run(client, body, scratch)
        else:
            with pytest.raises(StorageError, match=r"s3://(artifacts/app|staging/tmp/)") as caught:
                run(client, body, scratch)
            assert "it's a secret" not in str(caught.value)
        wire.strike = lambda number, request: None
        assert left_over(client) == (["tmp/out.zip"] if done else []), name
        client.delete_object(Bucket=STAGING, Key="tmp/out.zip")
        assert client.get_object(Bucket=ARTIFACTS, Key="app.zip")["Body"].read() == body


def test_an_upload_whose_beginning_was_answered_only_at_the_second_try_is_the_only_one_left(
    moto_s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(botocore.endpoint.time, "sleep", lambda seconds: None)
    client = SESSION.client(
        "s3", endpoint_url=moto_s3.meta.endpoint_url, config=Config(retries={"total_max_attempts": 3})
    )
    wire, struck = Wire(client), list[int]()

    def strike(number: int, request: Any) -> Any:
        if wire.requests[number] == "CreateMultipartUpload" and not struck:
            struck.append(number)
            return _lost(request)
        return None

    wire.strike = strike
    run(client, archive(20))
    assert struck
    assert left_over(client) == ["tmp/out.zip"]


def test_an_interruption_aborts_the_upload(client: Any, wire: Wire) -> None:
    def strike(number: int, request: Any) -> Any:
        if wire.requests[number] == "UploadPartCopy":
            raise KeyboardInterrupt
        return None

    wire.strike = strike
    with pytest.raises(KeyboardInterrupt):
        run(client, archive(20))
    wire.strike = lambda number, request: None
    assert left_over(client) == []


def test_a_source_that_is_replaced_meanwhile_is_not_mixed() -> None:
    with s3_stub.running(ARTIFACTS, STAGING) as stub:
        client = stub.client(retries={"total_max_attempts": 1})
        client.put_object(Bucket=ARTIFACTS, Key="app.zip", Body=archive(20))
        source = S3Source.open(client, ARTIFACTS, "app.zip")
        client.put_object(Bucket=ARTIFACTS, Key="app.zip", Body=archive(21))
        with pytest.raises(StorageError, match=r"s3://artifacts/app\.zip was replaced"):
            inject(source, S3Destination(client, STAGING, "tmp/out.zip"), ENV)
        assert left_over(client) == []


def test_every_s3_creates_the_same_bytes(client: Any) -> None:
    body = archive(10, 10, env_at=1)
    with s3_stub.running(ARTIFACTS, STAGING) as stub:
        run(stub.client(), body)
        run(client, body)
        assert stored(stub.client()) == stored(client) == in_memory(body)


@pytest.mark.parametrize("calculation", ["when_required", "when_supported"])
def test_a_checksum_that_nobody_requested_is_not_sent_back(calculation: str) -> None:
    body = archive(20, env_at=0)
    with s3_stub.running(ARTIFACTS, STAGING) as stub:
        client = stub.client(request_checksum_calculation=calculation)
        injected = run(client, body, scratch="tmp/scratch.zip")
        assert stored(client) == in_memory(body)
        assert injected.code_sha256 == base64.b64encode(hashlib.sha256(stored(client)).digest()).decode()


@pytest.mark.parametrize(
    "shown",
    [
        "<ChecksumSHA256>AAAA-3</ChecksumSHA256>",
        "<ChecksumSHA256>AAAA</ChecksumSHA256><ChecksumType>COMPOSITE</ChecksumType>",
    ],
    ids=["with its dash", "by its type"],
)
def test_a_hash_of_the_parts_hashes_is_not_taken_for_the_hash_of_the_object(
    client: Any, wire: Wire, shown: str
) -> None:
    def strike(number: int, request: Any) -> Any:
        if wire.requests[number] != "CopyObject":
            return None
        URLLib3Session().send(request)
        return answer(request.url, 200, f"<CopyObjectResult>{shown}</CopyObjectResult>".encode(), {})

    wire.strike = strike
    injected = run(client, archive(20), scratch="tmp/scratch.zip")
    assert injected.code_sha256 == base64.b64encode(hashlib.sha256(stored(client)).digest()).decode()


def test_an_object_that_was_not_assembled_as_planned_is_not_kept(client: Any, wire: Wire) -> None:
    def strike(number: int, request: Any) -> Any:
        if wire.requests[number] == "GetObject" and "tmp/out.zip" in request.url:
            return answer(request.url, 206, b"x" * 500, {"Content-Range": "bytes 0-499/500", "ETag": '"e"'})
        return None

    wire.strike = strike
    with pytest.raises(StorageError, match="was not assembled as planned"):
        run(client, archive(20))
    wire.strike = lambda number, request: None
    assert left_over(client) == []


@pytest.fixture
def damaged() -> bytes:
    body = bytearray(archive(20))
    body[-10] ^= 0xFF  # the offset of the central directory
    return bytes(body)


def test_what_is_refused_is_refused_before_anything_is_written(client: Any, wire: Wire, damaged: bytes) -> None:
    with pytest.raises(ArtifactError):
        run(client, damaged)
    assert wire.requests == ["PutObject", "GetObject"]
    assert left_over(client) == []


def test_segments_that_share_a_part_are_read_and_sent_together(client: Any) -> None:
    body = archive(12)
    client.put_object(Bucket=ARTIFACTS, Key="app.zip", Body=body)
    source = S3Source.open(client, ARTIFACTS, "app.zip")
    segments: list[Segment] = [
        Insert(b"begin"),
        Keep(0, 6 * MIB),
        Insert(b"middle"),
        Keep(7 * MIB, 7 * MIB + 10),
        Keep(8 * MIB, len(body)),
    ]
    S3Destination(client, STAGING, "tmp/out.zip").assemble(source, [*segments, Insert(b"end")])
    assert stored(client) == join(source, [*segments, Insert(b"end")])
