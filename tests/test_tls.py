"""The process's connections to AWS: the root certificates are loaded once, and every certificate is still verified."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, SSLError

from cfn_injector import aws_lambda
from cfn_injector.aws import tls
from cfn_injector.aws.tls import share_roots, shared
from cfn_injector.errors import DeliveryError
from cfn_injector.protocol import delivery
from tests.support.tls import Authority, tls_server

SERVICES = ("s3", "lambda", "cloudformation", "apigateway")
SESSION = boto3.Session()
PLAIN = Config(retries={"total_max_attempts": 1})


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path)


@pytest.fixture(autouse=True)
def _own_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A process that has made no clients, in an environment without a bundle or a proxy."""
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setattr(tls, "_contexts", {})
    aws_lambda._shared_client.cache_clear()
    yield
    aws_lambda._shared_client.cache_clear()


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The file of each time that root certificates are loaded."""
    files, load, load_system = list[Any](), ssl.SSLContext.load_verify_locations, ssl.SSLContext.load_default_certs

    def counting(context: ssl.SSLContext, cafile: Any = None, capath: Any = None, cadata: Any = None) -> None:
        files.append(cafile)
        load(context, cafile, capath, cadata)

    def counting_system(context: ssl.SSLContext, *purpose: Any) -> None:
        files.append("system")
        load_system(context, *purpose)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counting)
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", counting_system)
    return files


def client(service: str, url: str, session: boto3.Session = SESSION, **arguments: Any) -> Any:
    made = session.client(service, endpoint_url=url, config=PLAIN, **arguments)
    assert share_roots(made)
    return made


def call(made: Any) -> None:
    made.get_object(Bucket="bucket", Key="key")


def answer(host: str) -> None:
    delivery.send(f"https://{host}/x", b"{}", hosts=[host], tls=shared(), sleep=lambda seconds: None)


def test_the_roots_are_loaded_once_for_all_clients_events_and_answers(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, loaded: list[Any]
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.bundle))
    with tls_server(authority.certificate()) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        for _ in range(2):
            for _ in range(2):
                call(aws_lambda._client("s3"))
                aws_lambda._client("lambda").get_account_settings()
            answer(server.host)
        assert len(server.got) == 10
    assert loaded == [str(authority.bundle)]


@pytest.mark.parametrize("service", SERVICES)
def test_every_client_of_the_provider_uses_the_one_context(service: str) -> None:
    """If this fails after an update of botocore or urllib3, find out where a client keeps its TLS context now."""
    made = aws_lambda._client(service)
    assert isinstance(shared(), ssl.SSLContext)
    assert tls._pool_settings(made)["ssl_context"] is shared()
    other = aws_lambda._client(service, region_name="cn-north-1")
    assert tls._pool_settings(other)["ssl_context"] is shared()
    assert len(tls._contexts) == 1


def test_the_context_verifies_as_botocores_own_and_host_names_too() -> None:
    aws_lambda._client("s3")
    plain, context = boto3.client("s3"), shared()
    assert context
    own: ssl.SSLContext = tls._pool_settings(plain)["ssl_context"]
    assert context.verify_mode == own.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert (context.minimum_version, context.maximum_version) == (own.minimum_version, own.maximum_version)
    assert context.verify_flags == own.verify_flags
    assert context.options & own.options == own.options
    assert context.get_ciphers() == own.get_ciphers()
    assert context.cert_store_stats()["x509_ca"] > 100


@pytest.mark.parametrize("where", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "ca_bundle", "verify"])
def test_a_bundle_replaces_the_roots_wherever_it_is_named(
    where: str, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, loaded: list[Any]
) -> None:
    bundle, arguments = str(authority.bundle), {}
    if where == "ca_bundle":
        (tmp_path / "config").write_text(f"[default]\nca_bundle = {bundle}\n", "utf-8")
    elif where == "verify":
        arguments = {"verify": bundle}
    else:
        monkeypatch.setenv(where, bundle)
    with tls_server(authority.certificate()) as server:
        call(client("s3", server.url, boto3.Session(), **arguments))
        answer(server.host)
        assert [method for method, _ in server.got] == ["GET", "PUT"]
    assert loaded == [bundle]


def test_two_bundles_are_never_mixed(authority: Authority, tmp_path: Path) -> None:
    other = Authority.create(tmp_path, "other")
    with tls_server(authority.certificate()) as server, tls_server(other.certificate()) as others:
        mine = client("s3", server.url, verify=str(authority.bundle))
        theirs = client("s3", others.url, verify=str(other.bundle))
        call(mine)
        call(theirs)
        with pytest.raises(SSLError):
            call(client("s3", others.url, verify=str(authority.bundle)))
    with pytest.raises(ValueError, match="other root certificates"):
        tls._pool_settings(mine)["ssl_context"].load_verify_locations(str(other.bundle))


def _of_the_same_name(authority: Authority, folder: Path) -> Path:
    (folder / "x").mkdir()
    return Authority.create(folder / "x", authority.name).certificate()


Certificate = Callable[[Authority, Path], Path]
REFUSED = [
    pytest.param(lambda authority, folder: authority.certificate("127.0.0.2"), "mismatch", id="another address"),
    pytest.param(lambda authority, folder: authority.certificate("evil.example"), "mismatch", id="another name"),
    pytest.param(lambda authority, folder: authority.certificate(expired=True), "expired", id="expired"),
    pytest.param(
        lambda authority, folder: Authority.create(folder, "evil").certificate(), "unable to get", id="untrusted"
    ),
    pytest.param(
        _of_the_same_name,
        "unable to get",
        id="untrusted, of a trusted name",
    ),
]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(("certificate", "problem"), REFUSED)
def test_a_client_refuses_a_server_whose_certificate_is_wrong(
    service: str, certificate: Certificate, problem: str, authority: Authority, tmp_path: Path, record_property: Any
) -> None:
    record_property("attack", f"a server in place of {service}, whose certificate is wrong: {problem}")
    calls: dict[str, Callable[[Any], Any]] = {
        "s3": call,
        "lambda": lambda made: made.get_account_settings(),
        "cloudformation": lambda made: made.describe_stacks(),
        "apigateway": lambda made: made.get_rest_apis(),
    }
    with tls_server(certificate(authority, tmp_path)) as server, tls_server(authority.certificate()) as right:
        calls["s3"](client("s3", right.url, verify=str(authority.bundle)))  # the context has been used already
        with pytest.raises(SSLError, match=problem):
            calls[service](client(service, server.url, verify=str(authority.bundle)))
        assert server.got == []


@pytest.mark.parametrize(("certificate", "problem"), REFUSED)
def test_an_answer_is_not_given_to_a_server_whose_certificate_is_wrong(
    certificate: Certificate, problem: str, authority: Authority, tmp_path: Path, record_property: Any
) -> None:
    record_property("attack", f"a server in place of CloudFormation, whose certificate is wrong: {problem}")
    with tls_server(certificate(authority, tmp_path)) as server:
        client("s3", server.url, verify=str(authority.bundle))
        with pytest.raises(DeliveryError, match="SSLCertVerificationError"):
            answer(server.host)
        assert server.got == []


def test_an_answer_goes_to_a_server_that_only_the_system_trusts(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    with tls_server(authority.certificate()) as server:
        client("s3", server.url)
        answer(server.host)
        assert server.got == [("PUT", b"{}")]


@pytest.mark.parametrize(("name", "value"), [("verify_mode", ssl.CERT_NONE), ("check_hostname", False)])
def test_nothing_turns_verification_off_for_all_clients(name: str, value: Any) -> None:
    aws_lambda._client("s3")
    with pytest.raises(ValueError, match=name):
        setattr(shared(), name, value)


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_a_client_that_does_not_verify_has_a_context_of_its_own(authority: Authority) -> None:
    with tls_server(authority.certificate()) as server:
        lax = boto3.client("s3", endpoint_url=server.url, verify=False, config=PLAIN)
        assert not share_roots(lax)
        strict = client("s3", server.url)
        call(lax)
        with pytest.raises(SSLError):
            call(strict)


def test_a_client_with_a_certificate_of_its_own_does_not_lend_it_to_others(authority: Authority) -> None:
    config = Config(client_cert=str(authority.certificate()))
    assert not share_roots(boto3.client("s3", config=config))
    assert shared() is None


@pytest.mark.parametrize("bundle", ["missing.pem", "empty.pem", "."])
def test_a_bundle_that_cannot_be_loaded_is_the_clients_own_error(
    bundle: str, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty.pem").touch()
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / bundle))
    with tls_server(authority.certificate()) as server:
        made = boto3.client("s3", endpoint_url=server.url, config=PLAIN)
        assert not share_roots(made)
        with pytest.raises(BotoCoreError):
            call(made)
        assert server.got == []


@pytest.mark.parametrize("missing", ["_endpoint", "http_session", "_manager", "connection_pool_kw", "_verify"])
def test_a_client_that_is_built_in_another_way_stays_as_it_is(
    missing: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Without:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __getattr__(self, name: str) -> Any:
            if name == missing:
                raise AttributeError(name)
            found = getattr(self.inner, name)
            return Without(found) if name in ("_endpoint", "http_session", "_manager") else found

    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.bundle))
    with tls_server(authority.certificate()) as server:
        made = boto3.client("s3", endpoint_url=server.url, config=PLAIN)
        assert not share_roots(Without(made))
        call(made)
        assert server.got == [("GET", b"")]


def test_a_client_behind_a_proxy_that_has_its_own_bundle_does_not_share_it(authority: Authority) -> None:
    proxies = Config(
        proxies={"https": "https://127.0.0.1:1"}, proxies_config={"proxy_ca_bundle": str(authority.bundle)}
    )
    made = boto3.client("s3", config=proxies.merge(PLAIN))
    share_roots(made)
    with pytest.raises(BotoCoreError):
        call(made)
    context = shared()
    assert context
    assert all(root["issuer"] != ((("commonName", "tests"),),) for root in context.get_ca_certs())
