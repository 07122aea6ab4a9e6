"""The provider's AWS clients, and artifacts that are in another region, denied, or replaced while they are read."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from cfn_injector import aws_lambda
from cfn_injector.archive import Insert, Keep
from cfn_injector.aws.multipart import PART
from cfn_injector.aws.s3 import S3Destination, S3Source
from cfn_injector.errors import StorageError
from tests.fakes.aws_lambda import ACCOUNT, REGION, answer
from tests.fakes.s3_stub import BUCKETS, Stub, running
from tests.support.lambda_functions import created
from tests.support.world import ARTIFACTS, World

MIB = 1024 * 1024


@pytest.mark.parametrize("service", ["lambda", "s3", "cloudformation"])
def test_a_client_is_bounded_in_attempts_and_time(service: str, credentials: None) -> None:
    """Throttling is not botocore's affair, so it has no rate limiter: see test_throttling."""
    config = aws_lambda._client(service, region_name=REGION).meta.config
    assert config.retries["mode"] == "standard"
    assert 3 <= config.retries["total_max_attempts"] <= 10
    assert config.connect_timeout <= 10
    assert config.read_timeout <= 60


def test_an_artifact_in_another_region_is_read_there(credentials: None) -> None:
    client = aws_lambda._client("s3", region_name=REGION)
    asked = list[str]()

    def catch(request: Any, **_: Any) -> Any:
        asked.append(request.url.split("/")[2])
        if "eu-west-1" in asked[-1]:
            headers = {"Content-Length": "3", "Content-Range": "bytes 0-2/3", "ETag": '"e"'}
            return answer(request.url, 206, b"zip", headers)
        body = b"<Error><Code>PermanentRedirect</Code><Bucket>builds-eu</Bucket></Error>"
        return answer(request.url, 301, body, {"x-amz-bucket-region": "eu-west-1"})

    client.meta.events.register("before-send", catch)
    source = S3Source.open(client, "builds-eu", "app.zip")
    assert (source.size, source.read(0, 3)) == (3, b"zip")
    assert asked == ["builds-eu.s3.amazonaws.com", "builds-eu.s3.eu-west-1.amazonaws.com"]


def test_the_error_for_a_denied_artifact_names_every_permission_to_check(credentials: None) -> None:
    client = aws_lambda._client("s3", region_name=REGION)

    def deny(request: Any, **_: Any) -> Any:
        body = f"<Error><Code>AccessDenied</Code><Message>{ACCOUNT} may not kms:Decrypt</Message></Error>"
        return answer(request.url, 403, body.encode(), {})

    client.meta.events.register("before-send", deny)
    with pytest.raises(StorageError) as caught:
        S3Source.open(client, "builds", "app.zip")
    for text in ("s3://builds/app.zip", "SourceBuckets", "s3:GetObject", "kms:Decrypt"):
        assert text in str(caught.value)


@pytest.fixture
def stub() -> Iterator[Stub]:
    with running() as made:
        yield made


@pytest.mark.parametrize("megabytes", [1, 2 * PART // MIB])
def test_the_error_for_a_denied_version_names_the_permission_for_versions_too(stub: Stub, megabytes: int) -> None:
    """Reading the object without its version is allowed, as by a policy that has only s3:GetObject."""
    client, (bucket, staging) = stub.client(retries={"total_max_attempts": 1}), BUCKETS
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    client.put_object(Bucket=bucket, Key="app.zip", Body=b"1" * megabytes * MIB)

    def deny(request: Any, **_: Any) -> Any:
        named = request.url + request.headers.get("x-amz-copy-source", b"").decode()
        body = b"<Error><Code>AccessDenied</Code></Error>"
        return answer(request.url, 403, body, {}) if "versionId=" in named else None

    client.meta.events.register("before-send", deny)

    def assemble() -> None:
        source = S3Source.open(client, bucket, "app.zip")
        S3Destination(client, staging, "tmp/1.zip").assemble(source, [Keep(0, source.size), Insert(b"end")])

    with pytest.raises(StorageError, match="s3:GetObject and s3:GetObjectVersion"):
        assemble()


def test_an_artifact_that_is_replaced_before_it_is_copied_is_reported_and_nothing_stays(stub: Stub) -> None:
    """The uploaded part is not read from the artifact, so the copy has to detect the change."""
    client, (bucket, staging) = stub.client(retries={"total_max_attempts": 1}), BUCKETS
    client.put_object(Bucket=bucket, Key="app.zip", Body=b"1" * 2 * PART)
    source = S3Source.open(client, bucket, "app.zip")
    client.put_object(Bucket=bucket, Key="app.zip", Body=b"2" * 2 * PART)
    with pytest.raises(StorageError, match=r"s3://artifacts/app\.zip was replaced while it was being read"):
        S3Destination(client, staging, "tmp/1.zip").assemble(source, [Keep(0, 2 * PART), Insert(b"end")])
    assert "Contents" not in client.list_objects_v2(Bucket=staging)
    assert "Uploads" not in client.list_multipart_uploads(Bucket=staging)


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o777, None])
def test_the_file_can_be_read_by_lambdas_user_whatever_mode_it_had_before(world: World, mode: int | None) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        if mode is not None:
            entry = zipfile.ZipInfo(".env")
            entry.external_attr = (0o100000 | mode) << 16
            archive.writestr(entry, "TABLE=none\n")
    world.s3.put_object(Bucket=ARTIFACTS, Key="app-2.zip", Body=buffer.getvalue())
    name = created(world, Code={"S3Bucket": ARTIFACTS, "S3Key": "app-2.zip"})
    *_, entry = zipfile.ZipFile(io.BytesIO(world.aws_lambda.functions[name].archive)).infolist()
    assert (entry.filename, oct(entry.external_attr >> 16)) == (".env", "0o100644")
