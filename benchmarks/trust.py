"""Certificates for one run of a benchmark: a server's, and the roots that clients verify it with.

The roots are botocore's own, and the authority that signed the server's certificate. So a client that loads them, or
verifies a certificate, has to do as much as with AWS.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from botocore.httpsession import DEFAULT_CA_BUNDLE

from tests.support.tls import Authority


@dataclass(frozen=True)
class Trust:
    """PEM files: the server's certificate with its key, the authority's certificate, and the roots."""

    certificate: Path
    authority: Path
    roots: Path

    @classmethod
    def create(cls, folder: Path) -> Trust:
        authority, roots = Authority.create(folder, "authority"), folder / "roots.pem"
        roots.write_bytes(Path(DEFAULT_CA_BUNDLE).read_bytes() + authority.bundle.read_bytes())
        return cls(authority.certificate(), authority.bundle, roots)
