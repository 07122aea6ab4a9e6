"""The answer is PUT to CloudFormation's host, again where that failed, and to nobody else."""

from __future__ import annotations

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
    delivery.send(server.url, b"{}", hosts=[server.host], sleep=pauses.append)
    assert len(server.got) == len(statuses) + 1
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0][: len(statuses)]
    assert all(path != "/elsewhere" for path, _, _ in server.got)


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


@pytest.mark.parametrize(
    "url",
    [
        "http://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/x",
        "https://evil.example/x",
        "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com.evil.example/x",
        "https://evil.example/?.s3.amazonaws.com",
        "https://my-bucket.s3.amazonaws.com/x",
        "https://user@cloudformation-custom-resource-response-useast1.s3.amazonaws.com/x",
        "file:///etc/passwd",
        "",
    ],
)
def test_another_host_is_refused_before_anything_is_opened(url: str) -> None:
    with pytest.raises(DeliveryError, match="CFN_INJECTOR_RESPONSE_HOSTS"):
        delivery.send(url, b"{}", hosts=["127.0.0.1:1"])


@pytest.mark.parametrize(
    "host",
    [
        "cloudformation-custom-resource-response-useast1.s3.amazonaws.com",
        "cloudformation-custom-resource-response-euwest1.s3.eu-west-1.amazonaws.com",
        "cloudformation-custom-resource-response-euwest1.s3-eu-west-1.amazonaws.com",
        "cloudformation-custom-resource-response-cnnorth1.s3.cn-north-1.amazonaws.com.cn",
        "cloudformation-custom-resource-response-usgovwest1.s3-us-gov-west-1.amazonaws.com",
    ],
)
def test_cloudformations_own_hosts_are_known(host: str) -> None:
    assert delivery._AWS_HOST.fullmatch(host)
