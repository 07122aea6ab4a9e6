"""The server of the S3 stub.

Each connection has its own thread. Answers are sent no sooner than the link would deliver them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http.client import responses
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.fakes.listening import Server
from tests.fakes.s3_api import OPERATIONS, Answer, Call, error_document, name_operation
from tests.fakes.s3_state import Fault, Request, State
from tests.fakes.s3_store import Rope, S3Error

_CHUNK = 256 * 1024


class _Dropped(Exception):
    """The connection ends without an answer, or in the middle of it."""


def _unframed(body: bytearray) -> tuple[bytearray, dict[str, str]]:
    """A body and its trailing headers, decoded from AWS's own chunked encoding.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
    """
    found = bytearray()
    at = 0
    while True:
        line_end = body.index(b"\r\n", at)
        length = int(body[at:line_end].split(b";")[0], 16)
        start = line_end + 2
        if not length:
            break
        found += body[start : start + length]
        at = start + length + 2
    lines = bytes(body[start:]).decode("latin-1").splitlines()
    trailers = dict(line.split(":", 1) for line in lines if ":" in line)
    return found, {name.strip().lower(): value.strip() for name, value in trailers.items()}


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    state: State
    raw_requestline: bytes
    counted = False

    def _read(self, length: int) -> bytearray:
        """``length`` bytes of the body, no faster than the link."""
        data = bytearray(length)
        view = memoryview(data)
        for at in range(0, length, _CHUNK):
            piece = view[at : at + _CHUNK]
            if self.rfile.readinto(piece) != len(piece):
                raise _Dropped
            self.state.up.carry(len(piece), self.state.model.mb_per_s)
        return data

    def _read_chunked(self) -> tuple[bytearray, int]:
        """A body of unknown length, and how many bytes it took on the wire."""
        data, framing = bytearray(), 0
        while True:
            line = self.rfile.readline()
            length = int(line.split(b";")[0], 16)
            data += self._read(length)
            framing += len(line) + len(self.rfile.readline())
            if not length:
                return data, len(data) + framing

    def _send(
        self,
        answer: Answer,
        *,
        head_only: bool = False,
        limit: int | None = None,
        count: Callable[[int], None] = lambda sent: None,
    ) -> None:
        """Sends the header and at most ``limit`` bytes of the body.

        ``count`` is called before the client can have received everything, or after it has disconnected.
        """
        head = self._head(answer)
        body = Rope() if head_only else answer.body.cut(0, answer.body.size if limit is None else limit)
        pieces: list[bytes | memoryview] = [head, *body.chunks(_CHUNK)]
        if body.size < _CHUNK:
            pieces = [b"".join(pieces)]
        sent, total = 0, len(head) + body.size
        try:
            for piece in pieces:
                self.state.down.carry(len(piece), self.state.model.mb_per_s)
                sent += len(piece)
                if sent == total:
                    count(total)
                self.wfile.write(piece)
        except ConnectionError:
            if sent < total:
                count(sent)
            raise

    def _head(self, answer: Answer) -> bytes:
        lines = [f"HTTP/1.1 {answer.status} {responses.get(answer.status, '')}", "x-amz-request-id: stub"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        if answer.status != 204:
            lines.append(f"Content-Length: {answer.body.size}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _perform(self, call: Call, fault: Fault | None) -> Answer:
        failed = S3Error(fault.status, fault.code, "as the test requested") if fault and fault.cut < 0 else None
        try:
            if failed and fault and not fault.after:
                raise failed
            answer = OPERATIONS[call.operation](self.state.store, call)
            if failed:
                raise failed
        except S3Error as error:
            body = Rope.of(error_document(error))
            return Answer({"Content-Type": "application/xml"}, body, error.status)
        return answer

    def handle(self) -> None:
        """Ignores clients that disconnect between two requests."""
        with suppress(ConnectionError):
            super().handle()

    def _serve(self) -> None:
        with suppress(_Dropped, ConnectionError):
            self._answer()
            return
        self.close_connection = True

    def _answer(self) -> None:
        target = urlsplit(self.path)
        query = dict(parse_qsl(target.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        up = len(self.raw_requestline) + sum(len(name) + len(value) + 4 for name, value in headers.items()) + 2
        if headers.get("transfer-encoding") == "chunked":
            body, length = self._read_chunked()
        else:
            length = int(headers.get("content-length", "0"))
            body = self._read(length)
        if "aws-chunked" in headers.get("content-encoding", ""):
            body, trailers = _unframed(body)
            headers |= trailers
        if target.path.startswith("/_stub/"):
            self._control(target.path.removeprefix("/_stub/"), query)
            return
        if not self.counted:
            self.counted = True
            self.state.connect()
        began = time.monotonic()
        bucket, _, key = unquote(target.path).removeprefix("/").partition("/")
        try:
            operation = name_operation(self.command, key, query, headers)
        except S3Error as error:
            self._send(Answer({}, Rope.of(error_document(error)), error.status))
            return
        fault = self.state.fault(operation)
        call = Call(operation, bucket, key, query, headers, body)
        answer = Answer({}, status=0) if _dropped_before(fault) else self._perform(call, fault)
        model = self.state.model
        copying = answer.copied / (model.copy_mb_per_s * 1e6) if model.copy_mb_per_s else 0.0
        if (left := began + model.latency_ms / 1e3 + copying - time.monotonic()) > 0:
            time.sleep(left)
        self._finish(call, answer, fault, up + length)

    def _finish(self, call: Call, answer: Answer, fault: Fault | None, up: int) -> None:
        """Counts the request, and sends the part of the answer that the fault leaves."""
        limit = fault.cut if fault and fault.cut >= 0 else None
        lost = fault is not None and fault.status == 0 and limit is None
        span = call.headers.get("x-amz-copy-source-range", call.headers.get("range", ""))
        if_match = call.headers.get("x-amz-copy-source-if-match", call.headers.get("if-match", ""))
        request = Request(call.operation, call.key, 0 if lost else answer.status, span, if_match)

        def count(sent: int) -> None:
            self.state.record(request, sent, up, answer.copied)

        if lost:
            count(0)
            raise _Dropped
        self._send(answer, head_only=call.operation.startswith("Head"), limit=limit, count=count)
        if limit is not None:
            raise _Dropped

    def _control(self, verb: str, query: Mapping[str, str]) -> None:
        try:
            text = json.dumps(self.state.control(verb, query))
        except (S3Error, KeyError, TypeError, ValueError) as error:
            self._send(Answer({}, Rope.of(f"{error}\n".encode()), 400))
            return
        self._send(Answer({"Content-Type": "application/json"}, Rope.of(text.encode())))

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are recorded in ``calls`` instead."""


def _dropped_before(fault: Fault | None) -> bool:
    return fault is not None and fault.status == 0 and not fault.after and fault.cut < 0


def serving(buckets: Sequence[str], certificate: Path | None = None) -> Server:
    """A server on a free port of this machine; call ``serve_forever`` to run it.

    With a certificate, which is a file that holds its key too, the port also takes TLS.
    """
    return Server(type("Handler", (_Handler,), {"state": State(buckets)}), certificate)
