"""A server on a free port of this machine, which takes TLS on the same port if it has a certificate."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_HANDSHAKE = b"\x16"
"""The first byte of a TLS connection; that of an HTTP request is a letter."""


class Server(ThreadingHTTPServer):
    """Each connection has its own thread, in which its handshake takes place."""

    request_queue_size = 128
    daemon_threads = True
    block_on_close = False

    def __init__(self, handler: type[BaseHTTPRequestHandler], certificate: Path | None) -> None:
        """``certificate`` is a file that holds its key too."""
        super().__init__(("127.0.0.1", 0), handler)
        self.tls: ssl.SSLContext | None = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(certificate)

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.tls is None or request.recv(1, socket.MSG_PEEK) != _HANDSHAKE:
            super().finish_request(request, client_address)
            return
        with suppress(OSError), self.tls.wrap_socket(request, server_side=True) as wrapped:
            super().finish_request(wrapped, client_address)
