"""Puts records into a stream and reads objects from a bucket: takes payloads, returns bytes by their names in S3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cfn_injector.local.command import ApplicationError

# Everything that could be altered by mistake: text, line endings, JSON, base64, every byte, and an empty record.
PAYLOADS: Sequence[bytes] = (
    b"hello",
    b"one line\r\nand another\n",
    '{"grüße": "\U0001f680"}'.encode(),
    b"aGVsbG8=",
    bytes(range(256)),
    b"\xff\xfe\x00\x00 is neither UTF-8 nor the end",
    b"",
    bytes(range(255, -1, -1)) * 1000,
)


def put(kinesis: Any, stream: str, payloads: Sequence[bytes]) -> dict[str, bytes]:
    """Put records. Returns ``shard/sequence number`` -> the bytes of the object with that name below the prefix."""
    records = [{"Data": payload, "PartitionKey": f"key {number}"} for number, payload in enumerate(payloads)]
    answers = kinesis.put_records(StreamName=stream, Records=records)
    if answers["FailedRecordCount"]:
        raise ApplicationError(f"{answers['FailedRecordCount']} records were refused by {stream}")
    names = [f"{answer['ShardId']}/{answer['SequenceNumber']}" for answer in answers["Records"]]
    return dict(zip(names, payloads, strict=True))


def stored(s3: Any, bucket: str, prefix: str = "") -> dict[str, bytes]:
    """Key without the prefix -> bytes, for all objects below the prefix."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    return {key.removeprefix(prefix): s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def differences(expected: Mapping[str, bytes], found: Mapping[str, bytes]) -> list[str]:
    """A sentence for each object that is missing, differs, or does not belong to a record."""
    return [
        *(f"{name} is missing" for name in expected.keys() - found.keys()),
        *(f"{name} does not belong to a record" for name in found.keys() - expected.keys()),
        *(f"{name} differs" for name in expected.keys() & found.keys() if expected[name] != found[name]),
    ]
