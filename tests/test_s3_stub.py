"""The S3 stub keeps the promises of S3 that the assembly relies on, counts correctly, and fails on demand."""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import BotoCoreError, ClientError, SSLError

from tests.fakes.s3_stub import BUCKETS, Model, Stub, running, spawned
from tests.support.tls import Authority

MIB = 1024 * 1024
BUCKET, OTHER = BUCKETS
BODY = bytes(range(256)) * 4096 * 6  # 6 MiB
ONCE = {"retries": {"total_max_attempts": 1}}


@pytest.fixture(scope="module")
def server() -> Iterator[Stub]:
    with running() as stub:
        yield stub


@pytest.fixture
def stub(server: Stub) -> Stub:
    server.reset(objects=True)
    server.model(Model())
    return server


@pytest.fixture(scope="module")
def s3(server: Stub) -> Any:
    return server.client(**ONCE)


def put(s3: Any, body: bytes = BODY, key: str = "app.zip") -> str:
    etag: str = s3.put_object(Bucket=BUCKET, Key=key, Body=body)["ETag"]
    return etag


def stored(s3: Any, key: str, bucket: str = BUCKET) -> bytes:
    body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def begun(s3: Any, key: str = "new.zip") -> dict[str, Any]:
    upload = s3.create_multipart_upload(Bucket=OTHER, Key=key)["UploadId"]
    return {"Bucket": OTHER, "Key": key, "UploadId": upload}


def sent(s3: Any, upload: dict[str, Any], number: int, body: bytes) -> dict[str, Any]:
    return {"PartNumber": number, "ETag": s3.upload_part(**upload, PartNumber=number, Body=body)["ETag"]}


def copied(s3: Any, upload: dict[str, Any], number: int, *, source: str = "app.zip", **more: str) -> dict[str, Any]:
    place = {"Bucket": BUCKET, "Key": source}
    answer = s3.upload_part_copy(**upload, PartNumber=number, CopySource=place, **more)
    return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}


def complete(s3: Any, upload: dict[str, Any], parts: list[dict[str, Any]]) -> Any:
    return s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})


def refused(call: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        call()
    answer: Any = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


@pytest.mark.parametrize("key", ["app.zip", "tmp/a b+c&d=é%.zip"])
@pytest.mark.parametrize("size", [0, 1, 1000, 2 * MIB])
def test_what_is_put_is_what_is_got(stub: Stub, s3: Any, size: int, key: str) -> None:
    put(s3, BODY[:size], key)
    assert stored(s3, key) == BODY[:size]
    assert s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"] == size


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=10-", 10, len(BODY)),
        ("bytes=-7", len(BODY) - 7, len(BODY)),
        ("bytes=-99999999", 0, len(BODY)),
        ("bytes=5-99999999", 5, len(BODY)),
    ],
)
def test_a_range_is_the_bytes_it_names(stub: Stub, s3: Any, asked: str, start: int, end: int) -> None:
    put(s3)
    answer = s3.get_object(Bucket=BUCKET, Key="app.zip", Range=asked)
    assert answer["ContentRange"] == f"bytes {start}-{end - 1}/{len(BODY)}"
    assert answer["Body"].read() == BODY[start:end]


def test_what_does_not_exist_or_has_changed_is_refused(stub: Stub, s3: Any) -> None:
    old = put(s3)
    assert put(s3) != old
    get = {"Bucket": BUCKET, "Key": "app.zip"}
    assert refused(lambda: s3.get_object(**get, IfMatch=old)) == (412, "PreconditionFailed")
    assert refused(lambda: s3.get_object(**get, Range=f"bytes={len(BODY)}-")) == (416, "InvalidRange")
    assert refused(lambda: s3.get_object(Bucket=BUCKET, Key="none")) == (404, "NoSuchKey")
    assert refused(lambda: s3.get_object(Bucket="none", Key="none")) == (404, "NoSuchBucket")
    assert refused(lambda: s3.put_object(**get, Body=b"", IfNoneMatch="*")) == (412, "PreconditionFailed")
    assert refused(lambda: s3.head_object(Bucket=BUCKET, Key="none"))[0] == 404


def test_a_version_stays_and_a_deleted_object_is_gone(stub: Stub, s3: Any) -> None:
    s3.create_bucket(Bucket="versions")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="versions", Key="a", Body=b"1")["VersionId"]
    s3.put_object(Bucket="versions", Key="a", Body=b"2")
    assert s3.get_object(Bucket="versions", Key="a", VersionId=first)["Body"].read() == b"1"
    assert stored(s3, "a", "versions") == b"2"
    s3.delete_object(Bucket="versions", Key="a")
    assert refused(lambda: stored(s3, "a", "versions")) == (404, "NoSuchKey")
    source = {"Bucket": "versions", "Key": "a", "VersionId": first}
    s3.copy_object(Bucket=BUCKET, Key="b", CopySource=source)
    assert stored(s3, "b") == b"1"


def test_a_list_shows_what_a_prefix_has_page_by_page(stub: Stub, s3: Any) -> None:
    for number in range(5):
        put(s3, b"x" * number, f"tmp/{number}")
    put(s3, b"", "code/0")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="tmp/", MaxKeys=2)
    assert [(item["Key"], item["Size"]) for page in pages for item in page["Contents"]] == [
        (f"tmp/{number}", number) for number in range(5)
    ]


def test_a_sum_that_is_sent_along_is_checked_and_kept(stub: Stub, s3: Any) -> None:
    right = base64.b64encode(hashlib.sha256(b"abc").digest()).decode()
    s3.put_object(Bucket=BUCKET, Key="a", Body=b"abc", ChecksumSHA256=right)
    assert s3.head_object(Bucket=BUCKET, Key="a", ChecksumMode="ENABLED")["ChecksumSHA256"] == right
    other = {"Bucket": BUCKET, "Key": "b", "Body": b"abd"}
    assert refused(lambda: s3.put_object(**other, ChecksumSHA256=right)) == (400, "BadDigest")


def test_a_copy_with_a_sum_has_that_of_the_whole_object(stub: Stub, s3: Any) -> None:
    upload = begun(s3)
    put(s3)
    complete(s3, upload, [copied(s3, upload, 1), sent(s3, upload, 2, b"end")])
    source = {"Bucket": OTHER, "Key": "new.zip"}
    answer = s3.copy_object(Bucket=OTHER, Key="copy.zip", CopySource=source, ChecksumAlgorithm="SHA256")
    expected = base64.b64encode(hashlib.sha256(BODY + b"end").digest()).decode()
    assert answer["CopyObjectResult"]["ChecksumSHA256"] == expected
    assert s3.head_object(Bucket=OTHER, Key="copy.zip", ChecksumMode="ENABLED")["ChecksumSHA256"] == expected
    assert stored(s3, "copy.zip", OTHER) == BODY + b"end"


def test_parts_that_are_sent_and_copied_become_one_object(stub: Stub, s3: Any) -> None:
    etag = put(s3)
    upload = begun(s3)
    parts = [
        copied(s3, upload, 1, CopySourceRange=f"bytes=1-{5 * MIB}", CopySourceIfMatch=etag),
        sent(s3, upload, 2, BODY[: 5 * MIB]),
        sent(s3, upload, 3, b"end"),
    ]
    etag = complete(s3, upload, parts)["ETag"]
    assert stored(s3, "new.zip", OTHER) == BODY[1 : 5 * MIB + 1] + BODY[: 5 * MIB] + b"end"
    assert s3.head_object(Bucket=OTHER, Key="new.zip")["ETag"] == etag
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=OTHER)
    assert refused(lambda: complete(s3, upload, parts)) == (404, "NoSuchUpload")


def test_a_part_of_a_source_that_changed_is_not_copied(stub: Stub, s3: Any) -> None:
    old = put(s3)
    put(s3)
    upload = begun(s3)
    assert refused(lambda: copied(s3, upload, 1, CopySourceIfMatch=old)) == (412, "PreconditionFailed")


@pytest.mark.parametrize(
    ("size", "asked", "answer"),
    [
        (6 * MIB, f"bytes=0-{6 * MIB}", (400, "InvalidArgument")),
        (6 * MIB, f"bytes={6 * MIB}-{7 * MIB}", (416, "InvalidRange")),
        (5 * MIB, "bytes=0-9", (400, "InvalidRequest")),
    ],
    ids=["over the end", "behind the end", "of a source of no more than 5 MiB"],
)
def test_a_range_that_cannot_be_copied_is_refused(
    stub: Stub, s3: Any, size: int, asked: str, answer: tuple[int, str]
) -> None:
    put(s3, BODY[:size])
    upload = begun(s3)
    assert refused(lambda: copied(s3, upload, 1, CopySourceRange=asked)) == answer


@pytest.mark.parametrize(("short", "answer"), [(0, None), (1, (400, "EntityTooSmall"))])
def test_every_part_but_the_last_has_5_mib(stub: Stub, s3: Any, short: int, answer: tuple[int, str] | None) -> None:
    upload = begun(s3)
    parts = [sent(s3, upload, 1, BODY[: 5 * MIB - short]), sent(s3, upload, 2, b"end")]
    if answer is None:
        complete(s3, upload, parts)
        assert len(stored(s3, "new.zip", OTHER)) == 5 * MIB + 3
    else:
        assert refused(lambda: complete(s3, upload, parts)) == answer
        assert [item["Key"] for item in s3.list_multipart_uploads(Bucket=OTHER)["Uploads"]] == ["new.zip"]


def test_parts_are_taken_by_number_and_etag(stub: Stub, s3: Any) -> None:
    upload = begun(s3)
    parts = [sent(s3, upload, 1, BODY), sent(s3, upload, 2, b"end")]
    changed = [parts[0], {"PartNumber": 2, "ETag": parts[0]["ETag"]}]
    assert refused(lambda: complete(s3, upload, changed)) == (400, "InvalidPart")
    assert refused(lambda: complete(s3, upload, parts[::-1])) == (400, "InvalidPartOrder")
    assert refused(lambda: sent(s3, upload, 10_001, b"")) == (400, "InvalidArgument")
    complete(s3, upload, parts)


WITHOUT_SUMS = {**ONCE, "request_checksum_calculation": "when_required"}


@pytest.mark.parametrize("settings", [ONCE, WITHOUT_SUMS], ids=["sent with a sum", "sent without one"])
def test_a_part_has_a_sum_that_nobody_requested_and_completion_refuses_it(stub: Stub, settings: Any) -> None:
    client = stub.client(**settings)
    put(client)
    upload = begun(client)
    sent_part = client.upload_part(**upload, PartNumber=1, Body=BODY)
    copied_part = client.upload_part_copy(**upload, PartNumber=2, CopySource={"Bucket": BUCKET, "Key": "app.zip"})
    plain = [
        {"PartNumber": number, "ETag": answer["ETag"]}
        for number, answer in enumerate((sent_part, copied_part["CopyPartResult"]), start=1)
    ]
    for index, answer in enumerate((sent_part, copied_part["CopyPartResult"])):
        (name,) = [name for name in answer if name.startswith("Checksum")]
        listed = [dict(part) for part in plain]
        listed[index][name] = answer[name]
        assert refused(partial(complete, client, upload, listed)) == (400, "InvalidPart")
    complete(client, upload, plain)
    assert stored(client, "new.zip", OTHER) == BODY * 2


def test_an_upload_with_an_algorithm_takes_the_sum_of_each_part_and_has_one_of_these_sums(stub: Stub, s3: Any) -> None:
    put(s3)
    place = {"Bucket": OTHER, "Key": "new.zip"}
    begun_with = s3.create_multipart_upload(**place, ChecksumAlgorithm="SHA256")
    assert (begun_with["ChecksumAlgorithm"], begun_with["ChecksumType"]) == ("SHA256", "COMPOSITE")
    upload = {**place, "UploadId": begun_with["UploadId"]}
    assert refused(lambda: sent(s3, upload, 1, BODY)) == (400, "InvalidRequest")
    answers = [
        s3.upload_part(**upload, PartNumber=1, Body=BODY, ChecksumAlgorithm="SHA256"),
        s3.upload_part_copy(**upload, PartNumber=2, CopySource={"Bucket": BUCKET, "Key": "app.zip"})["CopyPartResult"],
    ]
    part_sum = hashlib.sha256(BODY).digest()
    assert [answer["ChecksumSHA256"] for answer in answers] == [base64.b64encode(part_sum).decode()] * 2
    parts = [{"PartNumber": number, "ETag": answer["ETag"]} for number, answer in enumerate(answers, start=1)]
    assert refused(lambda: complete(s3, upload, parts)) == (400, "InvalidRequest")
    wrong = [{**part, "ChecksumSHA256": "AAAA"} for part in parts]
    assert refused(lambda: complete(s3, upload, wrong)) == (400, "InvalidPart")
    expected = f"{base64.b64encode(hashlib.sha256(part_sum * 2).digest()).decode()}-2"
    listed = [{**part, "ChecksumSHA256": answers[0]["ChecksumSHA256"]} for part in parts]
    assert complete(s3, upload, listed)["ChecksumSHA256"] == expected
    assert s3.head_object(**place, ChecksumMode="ENABLED")["ChecksumSHA256"] == expected


def test_an_upload_that_is_aborted_is_gone(stub: Stub, s3: Any) -> None:
    upload, other = begun(s3), begun(s3, "other.zip")
    s3.abort_multipart_upload(**upload)
    listed = s3.list_multipart_uploads(Bucket=OTHER)["Uploads"]
    assert [(item["Key"], item["UploadId"]) for item in listed] == [("other.zip", other["UploadId"])]
    assert refused(lambda: sent(s3, upload, 1, b"")) == (404, "NoSuchUpload")


def test_requests_and_bytes_are_counted_by_operation(stub: Stub, s3: Any) -> None:
    put(s3)
    stub.reset()
    s3.get_object(Bucket=BUCKET, Key="app.zip", Range="bytes=-1000")["Body"].read()
    upload = begun(s3)
    parts = [
        copied(s3, upload, 1, CopySourceRange=f"bytes=0-{5 * MIB - 1}", CopySourceIfMatch="*"),
        sent(s3, upload, 2, b"x" * 5000),
    ]
    complete(s3, upload, parts)
    stats = stub.stats()
    assert {name: count.requests for name, count in stats.items()} == {
        "GetObject": 1,
        "CreateMultipartUpload": 1,
        "UploadPartCopy": 1,
        "UploadPart": 1,
        "CompleteMultipartUpload": 1,
    }
    assert 1000 < stats["GetObject"].bytes_down < 2000
    assert 5000 < stats["UploadPart"].bytes_up < 6500
    assert stats["UploadPartCopy"].bytes_copied == 5 * MIB
    assert stats.total.requests == 5
    assert stats.total.bytes_down + stats.total.bytes_up < 15_000
    assert stats["PutObject"].requests == 0
    [copy] = [call for call in stub.calls() if call.operation == "UploadPartCopy"]
    assert copy == ("UploadPartCopy", "new.zip", 200, f"bytes=0-{5 * MIB - 1}", "*")


def test_of_a_body_that_nobody_reads_to_its_end_only_what_was_sent_is_counted(stub: Stub, s3: Any) -> None:
    upload = begun(s3)
    complete(s3, upload, [sent(s3, upload, number, BODY) for number in range(1, 6)])
    stub.model(Model(mb_per_s=40))
    body = s3.get_object(Bucket=OTHER, Key="new.zip")["Body"]
    body.read(10)
    body.close()
    for _ in range(100):
        if counted := stub.stats()["GetObject"].bytes_down:
            break
        time.sleep(0.05)
    assert 10 < counted < 4 * len(BODY)


def test_an_operation_fails_before_its_effect_or_after(stub: Stub, s3: Any) -> None:
    put(s3)
    stub.fail("DeleteObject", 2, status=503)
    stub.fail("PutObject", status=500, after=True)
    s3.delete_object(Bucket=BUCKET, Key="app.zip")
    assert refused(lambda: put(s3)) == (500, "InternalError")
    assert stored(s3, "app.zip") == BODY
    assert refused(lambda: s3.delete_object(Bucket=BUCKET, Key="app.zip")) == (503, "SlowDown")
    assert stored(s3, "app.zip") == BODY
    s3.delete_object(Bucket=BUCKET, Key="app.zip")
    assert refused(lambda: stored(s3, "app.zip")) == (404, "NoSuchKey")


@pytest.mark.parametrize("after", [False, True])
def test_a_connection_is_dropped_before_the_effect_or_after(stub: Stub, s3: Any, after: bool) -> None:
    stub.fail("PutObject", status=None, after=after)
    with pytest.raises(BotoCoreError):
        put(s3)
    listed = s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    assert [item["Key"] for item in listed] == ["app.zip"][: int(after)]


def test_a_copy_fails_within_an_answer_that_began_well(stub: Stub, s3: Any) -> None:
    put(s3)
    upload = begun(s3)
    stub.fail("UploadPartCopy", status=200)
    assert refused(lambda: copied(s3, upload, 1))[1] == "InternalError"
    copied(s3, upload, 1)


def test_a_body_ends_early(stub: Stub, s3: Any) -> None:
    put(s3)
    stub.fail("GetObject", cut=1000)
    body = s3.get_object(Bucket=BUCKET, Key="app.zip")["Body"]
    with pytest.raises(BotoCoreError):
        body.read()
    assert stored(s3, "app.zip") == BODY


def test_a_client_that_tries_again_gets_through(stub: Stub) -> None:
    stub.fail("PutObject", times=2, status=503)
    put(stub.client(retries={"total_max_attempts": 3}), b"x")
    assert [call.status for call in stub.calls()] == [503, 503, 200]


def test_a_body_in_chunks_is_taken_with_its_trailing_sum(stub: Stub, s3: Any) -> None:
    crc = base64.b64encode((0x352441C2).to_bytes(4, "big")).decode()  # of "abc"
    for framed, status in ((crc, 200), ("AAAAAA==", 400)):
        body = io.BytesIO(f"1;chunk-signature=0\r\na\r\n2\r\nbc\r\n0\r\nx-amz-checksum-crc32:{framed}\r\n\r\n".encode())
        headers = {
            "Content-Encoding": "aws-chunked",
            "Transfer-Encoding": "chunked",
            "X-Amz-Trailer": "x-amz-checksum-crc32",
            "X-Amz-Content-SHA256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        }
        connection = http.client.HTTPConnection(urlsplit(stub.url).netloc)
        connection.request("PUT", f"/{BUCKET}/{status}", body, headers, encode_chunked=True)
        assert connection.getresponse().status == status
        connection.close()
    assert stored(s3, "200") == b"abc"


def test_the_model_delays_requests_bytes_and_copies(stub: Stub, s3: Any) -> None:
    put(s3)
    upload = begun(s3)

    def seconds(call: Callable[[], Any]) -> float:
        began = time.monotonic()
        call()
        return time.monotonic() - began

    stub.model(Model(latency_ms=80))
    assert seconds(lambda: s3.head_object(Bucket=BUCKET, Key="app.zip")) >= 0.08
    stub.model(Model(mb_per_s=40))
    assert len(BODY) / 40e6 <= seconds(lambda: stored(s3, "app.zip"))
    assert len(BODY) / 40e6 <= seconds(lambda: put(s3))
    stub.model(Model(copy_mb_per_s=30))
    assert len(BODY) / 30e6 <= seconds(lambda: copied(s3, upload, 1))
    assert seconds(lambda: s3.head_object(Bucket=BUCKET, Key="app.zip")) < 0.08


def test_a_stub_in_a_process_of_its_own_answers_and_ends() -> None:
    with spawned("only") as stub:
        s3 = stub.client(**ONCE)
        s3.put_object(Bucket="only", Key="a", Body=b"1")
        assert stub.stats()["PutObject"].requests == 1
        with pytest.raises(ValueError, match="refused"):
            stub._control("model", speed=1)
    with pytest.raises(BotoCoreError):
        s3.head_object(Bucket="only", Key="a")


def test_a_server_with_a_certificate_takes_both_http_and_https(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path)
    with spawned(BUCKET, certificate=authority.certificate()) as stub:
        secure = Stub(stub.secure_url, str(authority.bundle)).client(**ONCE)
        put(secure, b"over TLS")
        assert stored(stub.client(**ONCE), "app.zip") == b"over TLS"
        put(secure, b"again")
        assert stub.connections() == 2
        with pytest.raises(SSLError):
            put(Stub(stub.secure_url).client(**ONCE), b"by a client that does not know the authority")
        assert stored(secure, "app.zip") == b"again"
        stub.reset()
        assert stub.connections() == 0
