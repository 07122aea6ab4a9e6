"""The answer is PUT to CloudFormation's host, again where that failed, and to nobody else."""

from __future__ import annotations

from typing import Any

import botocore.loaders
import pytest

from cfn_injector.errors import DeliveryError
from cfn_injector.protocol import delivery
from tests.fakes.response_server import Server


def test_the_body_arrives_with_an_empty_content_type_and_its_length_in_bytes(server: Server) -> None:
    delivery.send(server.url, "ü".encode(), hosts=[server.host])
    ((path, headers, body),) = server.got
    assert path == "/arn%3Aaws/path?X-Amz-Signature=s3cr3t"
    assert headers["Content-Type"] == ""
    assert headers["Content-Length"] == "2"
    assert body == "ü".encode()


@pytest.mark.parametrize("statuses", [[503, 503], [403], [500, 0], [302], [0, 0, 503]])
def test_what_was_not_accepted_is_sent_again(server: Server, statuses: list[int]) -> None:
    server.statuses = list(statuses)
    pauses: list[float] = []
    delivery.send(server.url, b"{}", hosts=[server.host], sleep=pauses.append, jitter=lambda: 1.0)
    assert len(server.got) == len(statuses) + 1
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0][: len(statuses)]
    assert all(path != "/elsewhere" for path, _, _ in server.got)


def test_answers_that_failed_at_once_do_not_return_at_once(server: Server) -> None:
    server.statuses, pauses = [503] * 5, list[float]()
    delivery.send(server.url, b"{}", hosts=[server.host], sleep=pauses.append, jitter=lambda: 0.0)
    assert pauses == [0.25, 0.5, 1.0, 2.0, 4.0]


def test_the_attempts_are_bounded_and_the_error_does_not_tell_the_url(server: Server) -> None:
    server.statuses = [503] * 10
    with pytest.raises(DeliveryError) as caught:
        delivery.send(server.url, b"{}", hosts=[server.host], sleep=lambda seconds: None)
    assert len(server.got) == delivery.ATTEMPTS
    assert "s3cr3t" not in str(caught.value)
    assert "503" in str(caught.value)


def test_a_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr(delivery, "TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(DeliveryError, match="TimeoutError"):
            delivery.send(f"http://{host}/", b"{}", hosts=[host], sleep=lambda seconds: None)


BUCKET = "cloudformation-custom-resource-response"


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(f"http://{BUCKET}-useast1.s3.amazonaws.com/x", id="without TLS"),
        pytest.param("https://evil.example/x", id="another host"),
        pytest.param(f"https://{BUCKET}-useast1.s3.amazonaws.com.evil.example/x", id="the host as a beginning"),
        pytest.param("https://evil.example/?.s3.amazonaws.com", id="the suffix in the query"),
        pytest.param("https://my-bucket.s3.amazonaws.com/x", id="another bucket"),
        pytest.param(f"https://{BUCKET}-useast1x.s3.amazonaws.com/x", id="a bucket whose name begins alike"),
        pytest.param(f"https://{BUCKET}-useast1-111122223333.s3.amazonaws.com/x", id="a bucket with an account"),
        pytest.param(f"https://{BUCKET}-euwest1.s3.eu-west-1.amazonaws.com/x", id="another Region's bucket"),
        pytest.param(
            f"https://{BUCKET}-useast1.s3.eu-west-1.amazonaws.com/x", id="the bucket at another Region's endpoint"
        ),
        pytest.param(f"https://{BUCKET}-useast1.s3.us-east-1.amazonaws.com.cn/x", id="another partition"),
        pytest.param(f"https://{BUCKET}-useast1.s3-accesspoint.us-east-1.amazonaws.com/x", id="an access point"),
        pytest.param(
            f"https://{BUCKET}-useast1-s3alias.s3.us-east-1.amazonaws.com/x", id="an alias of an access point"
        ),
        pytest.param(
            f"https://{BUCKET}-useast1.bucket.vpce-1a2b3c4d-5e6f.s3.us-east-1.vpce.amazonaws.com/x", id="a VPC endpoint"
        ),
        pytest.param(f"https://{BUCKET}-useast1.s3-website-us-east-1.amazonaws.com/x", id="a website"),
        pytest.param(f"https://{BUCKET}-useast1.s3.amazonaws.com:8443/x", id="another port"),
        pytest.param(f"https://user@{BUCKET}-useast1.s3.amazonaws.com/x", id="a user"),
        pytest.param("file:///etc/passwd", id="a file"),
        pytest.param("", id="nothing"),
    ],
)
def test_another_host_is_refused_before_anything_is_opened(url: str, record_property: Any) -> None:
    record_property("attack", f"a ResponseURL that is {url.partition('?')[0] or 'empty'}")
    with pytest.raises(DeliveryError, match="CFN_INJECTOR_RESPONSE_HOSTS"):
        delivery.send(url, b"{}", hosts=["127.0.0.1:1"], region="us-east-1")


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", f"{BUCKET}-useast1.s3.amazonaws.com"),
        ("eu-west-1", f"{BUCKET}-euwest1.s3.eu-west-1.amazonaws.com"),
        ("eu-west-1", f"{BUCKET}-euwest1.s3-eu-west-1.amazonaws.com"),
        ("eu-central-1", f"{BUCKET}-eucentral1.s3.eu-central-1.amazonaws.com"),
        ("ap-northeast-1", f"{BUCKET}-apnortheast1.s3-ap-northeast-1.amazonaws.com"),
        ("me-central-1", f"{BUCKET}-mecentral1.s3.me-central-1.amazonaws.com"),
        ("cn-north-1", f"{BUCKET}-cnnorth1.s3.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", f"{BUCKET}-usgovwest1.s3-us-gov-west-1.amazonaws.com"),
        ("us-isob-east-1", f"{BUCKET}-usisobeast1.s3.us-isob-east-1.sc2s.sgov.gov"),
    ],
)
def test_the_bucket_of_the_providers_own_region_is_answered(region: str, host: str) -> None:
    assert host in delivery.aws_hosts(region)


def test_no_host_is_known_without_a_region() -> None:
    assert delivery.aws_hosts("") == frozenset()


def partitions() -> list[tuple[str, str]]:
    """A Region and its suffix: each that botocore knows, and one that each partition could open."""
    found = []
    for each in botocore.loaders.create_loader().load_data("partitions")["partitions"]:
        begins, _, _ = each["regionRegex"].strip("^$").replace(r"\-", "-").partition(r"-\w+-\d+")
        before, _, rest = begins.partition("(")
        choices, _, after = rest.partition(")")
        future = [f"{before}{choice}{after}-north-9" for choice in choices.split("|")]
        known = [region for region in each["regions"] if not region.endswith("-global")]
        found += [(region, each["outputs"]["dnsSuffix"]) for region in (*known, *future)]
    return found


@pytest.mark.parametrize(("region", "suffix"), partitions())
def test_the_suffix_of_each_partition_is_botocores(region: str, suffix: str) -> None:
    assert f"{BUCKET}-{region.replace('-', '')}.s3.{region}.{suffix}" in delivery.aws_hosts(region)
    assert all(host.endswith(f".{suffix}") for host in delivery.aws_hosts(region))
