"""The server of the S3 stub: HTTP, counters, the model of a link, faults.

Each connection has its own thread. Answers are sent no sooner than the link would deliver them.
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.fakes.s3_api import OPERATIONS, Answer, Call, error_document, name_operation
from tests.fakes.s3_store import Rope, S3Error, Store

_CHUNK = 256 * 1024


class Request(NamedTuple):
    """A request that was answered, or dropped by a fault (``status`` 0). ``range`` is that of a read or a copy."""

    operation: str
    key: str
    status: int
    range: str
    if_match: str


@dataclass
class Fault:
    """A fault that ``Stub.fail`` requested; ``seen`` counts the operations since."""

    operation: str
    nth: int
    status: int
    code: str
    after: bool
    times: int
    cut: int
    seen: int = 0


@dataclass(frozen=True)
class Model:
    """The link between client and S3; 0 means no limit. Rates are in MB (10**6 bytes) per second."""

    latency_ms: float = 0.0
    mb_per_s: float = 0.0
    copy_mb_per_s: float = 0.0


class _Lane:
    """One direction of the link, which all requests share."""

    def __init__(self) -> None:
        self._free = 0.0
        self._lock = threading.Lock()

    def carry(self, length: int, rate: float) -> None:
        """Returns when ``length`` bytes would have arrived."""
        if not rate:
            return
        with self._lock:
            now = time.monotonic()
            self._free = max(self._free, now) + length / (rate * 1e6)
            wait = self._free - now
        time.sleep(wait)


class _State:
    """The state that all requests to a server share."""

    def __init__(self, buckets: Sequence[str]) -> None:
        self.store = Store(buckets)
        self.model = Model()
        self.up, self.down = _Lane(), _Lane()
        self.lock = threading.Lock()
        self.faults: list[Fault] = []
        self.counts: dict[str, list[int]] = {}
        self.calls: list[Request] = []
        self.reset()

    def reset(self, *, objects: bool = False) -> None:
        with self.lock:
            self.faults = []
            self.counts = defaultdict(lambda: [0, 0, 0, 0])
            self.calls = []
            if objects:
                self.store.clear()

    def fault(self, operation: str) -> Fault | None:
        """The fault that hits this request."""
        with self.lock:
            hit = None
            for fault in self.faults:
                if fault.operation == operation:
                    fault.seen += 1
                    if fault.nth <= fault.seen < fault.nth + fault.times:
                        hit = fault
            return hit

    def record(self, request: Request, down: int, up: int, copied: int) -> None:
        with self.lock:
            self.calls.append(request)
            count = self.counts[request.operation]
            for index, value in enumerate((1, down, up, copied)):
                count[index] += value

    def control(self, verb: str, query: Mapping[str, str]) -> Any:
        """Runs ``/_stub/verb``; returns the answer, which is sent as JSON."""
        if verb == "stats":
            with self.lock:
                return {name: list(count) for name, count in self.counts.items()}
        if verb == "calls":
            with self.lock:
                return list(self.calls)
        if verb == "reset":
            self.reset(objects=query.get("objects") == "1")
        elif verb == "model":
            self.model = Model(**{name: float(value) for name, value in query.items()})
        elif verb == "fail":
            numbers = {name: int(query[name]) for name in ("nth", "status", "times", "cut")}
            code, after = query["code"], query["after"] == "1"
            with self.lock:
                self.faults.append(Fault(query["operation"], code=code, after=after, **numbers))
        else:
            raise S3Error(404, "NotFound", f"/_stub/{verb}")
        return {}


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
    state: _State
    raw_requestline: bytes

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


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True
    block_on_close = False


def serving(buckets: Sequence[str]) -> ThreadingHTTPServer:
    """A server on a free port of this machine; call ``serve_forever`` to run it."""
    return _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": _State(buckets)}))
