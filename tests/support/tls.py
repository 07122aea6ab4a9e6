"""A TLS server on this machine, with certificates of a certificate authority that nobody else has."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _builder(subject: str, issuer: str, key: Any, ends: datetime.datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 2 * DAY)
        .not_valid_after(ends)
    )


@dataclass(frozen=True)
class Authority:
    """A certificate authority; ``bundle`` is the file with its certificate, which clients can trust."""

    folder: Path
    name: str
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def create(cls, folder: Path, name: str = "tests") -> Authority:
        authority = cls(folder, name, ec.generate_private_key(ec.SECP256R1()))
        builder = _builder(name, name, authority.key, NOW + DAY)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        certificate = (
            builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority.key.public_key()), critical=False)
            .sign(authority.key, hashes.SHA256())
        )
        authority.bundle.write_bytes(_pem(certificate))
        return authority

    @property
    def bundle(self) -> Path:
        return self.folder / f"{self.name}.pem"

    def certificate(self, host: str = "127.0.0.1", *, expired: bool = False) -> Path:
        """A file with a certificate for a name or an IP address, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        is_address = host.replace(".", "").isdigit()
        name = x509.IPAddress(ipaddress.ip_address(host)) if is_address else x509.DNSName(host)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        certificate = (
            _builder(host, self.name, key, NOW - DAY if expired else NOW + DAY)
            .add_extension(x509.SubjectAlternativeName([name]), critical=False)
            .add_extension(issuer, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = self.folder / f"{self.name}-{host}{'-expired' if expired else ''}.pem"
        path.write_bytes(_pem(certificate) + private)
        return path


class _Handler(BaseHTTPRequestHandler):
    """Closes the connection after each request, so that each request needs a handshake."""

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.server.got.append((self.command, self.rfile.read(length)))  # type: ignore[attr-defined]  # _Server's own
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_PUT = do_POST = _answer

    def log_message(self, format: str, *args: Any) -> None: ...


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, tls: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tls, self.got = tls, list[tuple[str, bytes]]()

    def finish_request(self, request: Any, client_address: Any) -> None:
        try:
            with self.tls.wrap_socket(request, server_side=True) as wrapped:
                super().finish_request(wrapped, client_address)
        except OSError:  # the client refused the certificate
            pass


@dataclass(frozen=True)
class TlsServer:
    """``got`` lists the method and the body of each request that arrived."""

    host: str
    got: list[tuple[str, bytes]]

    @property
    def url(self) -> str:
        return f"https://{self.host}"


@contextmanager
def tls_server(certificate: Path) -> Iterator[TlsServer]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    server = _Server(tls)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield TlsServer(f"127.0.0.1:{server.server_port}", server.got)
    finally:
        server.shutdown()
        server.server_close()
