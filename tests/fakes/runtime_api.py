"""A fake of Lambda's Runtime API on this machine: sends events, and keeps exactly what a runtime client posts.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any, NamedTuple
from urllib.parse import unquote

PREFIX = "/2018-06-01/runtime/"
SECONDS = 30
"""How long an invocation may take, and the longest wait."""
ARN = "arn:aws:lambda:eu-central-1:123456789012:function:shop"
TRACE = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0"


class Posted(NamedTuple):
    """One request of the client: ``what`` is ``response``, ``error`` or ``init/error``.

    Names of headers are lower-case. ``request_id`` is the ID of the invocation, or empty for ``init/error``.
    ``trailers`` follow a chunked body.
    """

    what: str
    request_id: str
    headers: dict[str, str]
    body: bytes
    trailers: dict[str, str]


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores clients that are killed while they read a response."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class RuntimeApi:
    """Sends the events one by one, then keeps the client waiting, as Lambda does with an idle sandbox.

    ``posted`` has the requests in order. Whoever knows that there will be no more puts None there.
    """

    def __init__(self, events: Sequence[bytes]) -> None:
        self.posted: Queue[Posted | None] = Queue()
        self.stopped = threading.Event()
        self._events = iter([(f"request-{number}", event) for number, event in enumerate(events, 1)])
        api = self

        class Handler(_Handler):
            def next_event(self) -> tuple[str, bytes] | None:
                return next(api._events, None)

            def idle(self) -> None:
                api.stopped.wait(SECONDS)

            def keep(self, posted: Posted) -> None:
                api.posted.put(posted)

        self.http = _Server(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.http.server_port}"
        """The value of AWS_LAMBDA_RUNTIME_API."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = SECONDS

    def next_event(self) -> tuple[str, bytes] | None:
        raise NotImplementedError

    def idle(self) -> None:
        raise NotImplementedError

    def keep(self, posted: Posted) -> None:
        raise NotImplementedError

    def do_GET(self) -> None:
        if self.path != f"{PREFIX}invocation/next":
            return self._answer(404, b"", {})
        event = self.next_event()
        if event is None:
            self.idle()
            self.close_connection = True
            return None
        headers = {
            "Lambda-Runtime-Aws-Request-Id": event[0],
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + SECONDS) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": ARN,
            "Lambda-Runtime-Trace-Id": TRACE,
            "Content-Type": "application/json",
        }
        return self._answer(200, event[1], headers)

    def do_POST(self) -> None:
        parts = self.path.removeprefix(PREFIX).split("/")
        body, trailers = self._body()
        if parts == ["init", "error"]:
            what, request_id = "init/error", ""
        elif len(parts) == 3 and parts[0] == "invocation" and parts[2] in ("response", "error"):
            what, request_id = parts[2], unquote(parts[1])
        else:
            return self._answer(404, b"", {})
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.keep(Posted(what, request_id, headers, body, trailers))
        return self._answer(202, b'{"status":"OK"}\n', {"Content-Type": "application/json"})

    def _body(self) -> tuple[bytes, dict[str, str]]:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0))), {}
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        return body, dict(self._trailers())

    def _trailers(self) -> Iterator[tuple[str, str]]:
        while line := self.rfile.readline().decode("latin-1").strip():
            name, _, value = line.partition(":")
            yield name.lower(), value.strip()

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...


@contextmanager
def runtime_api(events: Sequence[bytes]) -> Iterator[RuntimeApi]:
    """Runs a server for one client until the block ends."""
    api = RuntimeApi(events)
    thread = threading.Thread(target=api.http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield api
    finally:
        api.stopped.set()
        api.http.shutdown()
        api.http.server_close()
        thread.join(SECONDS)
