"""Lambda's Runtime API for one invocation, on 127.0.0.1.

Takes an event. Puts what happens into a queue: that the event was fetched, the answer or the error, and that the next
event is asked for, which ends an invocation. That request gets no answer, because one invocation has one event.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any, NamedTuple

_PREFIX = "/2018-06-01/runtime"
_ERROR = "lambda-runtime-function-error-"


class Event(NamedTuple):
    """``body`` is JSON, ``seconds`` the function's timeout. ``request_id`` and ``arn`` go to the handler's context."""

    body: bytes
    request_id: str
    arn: str
    seconds: float


class Fetched(NamedTuple):
    """The runtime has the event: the timeout begins."""


class Answered(NamedTuple):
    """``body`` is the answer; JSON unless the handler streamed it."""

    body: bytes
    streamed: bool


class Failed(NamedTuple):
    """An error of the handler, of its module, or of its process."""

    kind: str
    message: str


class Finished(NamedTuple):
    """The runtime asks for another event."""


class Ended(NamedTuple):
    """The process ended. ``status`` is negative for a signal."""

    status: int


Message = Fetched | Answered | Failed | Finished | Ended


def _failed(body: bytes, kind: str) -> Failed:
    """The error that a runtime describes; ``kind`` is what its header says."""
    try:
        told = json.loads(body)
    except ValueError:
        told = None
    told = told if isinstance(told, Mapping) else {}
    return Failed(str(told.get("errorType") or kind or "Error"), str(told.get("errorMessage") or ""))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    event: Event
    messages: Queue[Message]
    stopped: threading.Event
    fetched: threading.Event

    def do_GET(self) -> None:
        if self.path != f"{_PREFIX}/invocation/next":
            return self._answer(404)
        if self.fetched.is_set():
            self.messages.put(Finished())
            self.stopped.wait()
            self.close_connection = True
            return None
        self.fetched.set()
        self.messages.put(Fetched())
        headers = {
            "Lambda-Runtime-Aws-Request-Id": self.event.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self.event.seconds) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self.event.arn,
            "Content-Type": "application/json",
        }
        return self._answer(200, self.event.body, headers)

    def do_POST(self) -> None:
        body, trailers = self._body()
        told = {name.lower(): value for name, value in (*self.headers.items(), *trailers.items())}
        kind = told.get(f"{_ERROR}type", "")
        invocation = f"{_PREFIX}/invocation/{self.event.request_id}"
        if self.path in (f"{_PREFIX}/init/error", f"{invocation}/error"):
            self.messages.put(_failed(body, kind))
        elif self.path == f"{invocation}/response" and kind:
            self.messages.put(_failed(base64.b64decode(told.get(f"{_ERROR}body", "")), kind))
        elif self.path == f"{invocation}/response":
            self.messages.put(Answered(body, told.get("lambda-runtime-function-response-mode") == "streaming"))
        else:
            return self._answer(404)
        return self._answer(202, b'{"status":"OK"}\n', {"Content-Type": "application/json"})

    def _body(self) -> tuple[bytes, dict[str, str]]:
        """The body, and the trailers of a chunked one."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0))), {}
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        return b"".join(chunks), dict(self._trailers())

    def _trailers(self) -> Iterator[tuple[str, str]]:
        while line := self.rfile.readline().decode("latin-1").strip():
            name, _, value = line.partition(":")
            yield name.lower(), value.strip()

    def _answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that ends in the middle of a request is told by the end of its process."""


@contextmanager
def serving(event: Event, messages: Queue[Message]) -> Iterator[str]:
    """Serves the event, and yields the value of AWS_LAMBDA_RUNTIME_API."""
    stopped = threading.Event()
    state = {"event": event, "messages": messages, "stopped": stopped, "fetched": threading.Event()}
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), state))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()
