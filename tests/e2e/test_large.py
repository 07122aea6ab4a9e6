"""A large artifact: the bytes that the provider transfers and keeps in memory, from its own log."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from cfn_injector.archive import Segment
from cfn_injector.injection import BytesSource, Source, inject, join
from tests.e2e.account import Account, Stacks, build_artifact

MB = 1_000_000
REF = {"Ref": "Function"}


def large(megabytes: int) -> bytes:
    """The artifact of the tests behind so much more, of which nothing can be compressed."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target, zipfile.ZipFile(io.BytesIO(build_artifact(1))) as small:
        for number in range(megabytes):
            content = hashlib.shake_256(str(number).encode()).digest(MB)
            target.writestr(zipfile.ZipInfo(f"data/{number}.bin"), content)
        for entry in small.infolist():
            target.writestr(entry, small.read(entry))
    return archive.getvalue()


class Memory:
    """A destination that hashes what it is given."""

    def assemble(self, source: Source, segments: Sequence[Segment]) -> str:
        return base64.b64encode(hashlib.sha256(join(source, segments)).digest()).decode()


def joined_in_memory(artifact: bytes, env: dict[str, str]) -> str | None:
    return inject(BytesSource(artifact), Memory(), env).code_sha256


def answers(account: Account, logical_id: str) -> list[dict[str, Any]]:
    """The provider's log lines for its answers."""
    pages = account.client("logs").get_paginator("filter_log_events").paginate(logGroupName="/aws/lambda/cfn-injector")
    lines = [line for page in pages for event in page["events"] for line in event["message"].splitlines()]
    entries = [json.loads(line) for line in lines if line.startswith("{")]
    return [line for line in entries if line["step"] == "answered" and line["logical_id"] == logical_id]


@pytest.fixture
def large_key(account: Account) -> Iterator[str]:
    key = "large.zip"
    account.client("s3").put_object(Bucket=account.source_bucket, Key=key, Body=large(60))
    yield key
    account.client("s3").delete_object(Bucket=account.source_bucket, Key=key)


@pytest.mark.parametrize("kind", ["LambdaFunction", "LambdaCode"])
def test_sixty_megabytes_are_deployed_with_little_memory_and_little_traffic(
    account: Account, stacks: Stacks, large_key: str, kind: str
) -> None:
    code = {"S3Bucket": account.source_bucket, "S3Key": large_key}
    make = account.function if kind == "LambdaFunction" else account.lambda_code
    file: dict[str, Any] = {"Env": {"TABLE": "one"}, "EnvLoader": "none"}
    small, big = f"Small{kind}", f"Big{kind}"
    sha = {"Fn::GetAtt": [big, "CodeSha256"]}
    stacks.create(f"e2e-small-{kind}", {small: make(**file)})
    stack = stacks.create(f"e2e-large-{kind}", {big: make(Code=code, **file)}, Sha=sha)

    (before,), (after,) = answers(account, small), answers(account, big)
    assert after["status"] == "SUCCESS"
    assert stack.outputs["Sha"] == joined_in_memory(large(60), {"TABLE": "one"})
    assert after["memory"] - before["memory"] < 8 * MB
    emulator_reads_it = 61 * MB if kind == "LambdaCode" else 0  # it computes no SHA-256 of a copy, as S3 does
    assert after["bytes"] - emulator_reads_it < 1.2 * MB
    assert account.staged() == [] or kind == "LambdaCode"
