"""Places for archives of the command line: an HTTP server, and a smart_open scheme in memory."""

from __future__ import annotations

import gzip
import io
import random
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
import smart_open.transport

from cfn_injector.archive import Segment
from cfn_injector.injection import BytesSource, Source, inject, join
from tests.support.world import STAGING
from tests.support.zips import Member, built, written

CANARY = "c4nary-w0uld-be-secret"
SMALL = written({"app.py": b"print('hi')\n", ".env": b"# built\nSTAGE=none\n", "lib/": b"", "lib/b.py": b"pass\n"})
LARGE = built([Member(b"model.bin", random.Random(7).randbytes(12_000_000)), Member(b".env", b"STAGE=none\n")])
RANGES, IGNORES_RANGES, REFUSES_RANGES, NO_LENGTH = "ranges", "ignores ranges", "refuses ranges", "no length"
COMPRESSES = "ignores ranges, and compresses although it was not asked to"


@dataclass
class Site:
    """The files that are served; ``stalled`` is set when a response stops in the middle.

    ``asked`` are the ranges of the requests, and ``sent`` the bytes of each answer.
    Requests with another ETag than ``etag`` fail, as they do after a change. ``stated_range`` is a wrong Content-Range.
    """

    kind: str
    files: Mapping[str, bytes]
    stalls: bool = False
    url: str = ""
    etag: str = '"1"'
    stated_range: str | None = None
    asked: list[str] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)
    stalled: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)


def _span(first: str, last: str, size: int) -> tuple[int, int]:
    """Start and end of a range of bytes; without a first byte it is that many of the last ones."""
    if not first:
        return max(size - int(last), 0), size
    return int(first), min(int(last) + 1, size) if last else size


class _Handler(BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        data = self.site.files.get(self.path.partition("?")[0].strip("/"))
        if data is None:
            self.send_error(404)
            return
        if self.headers.get("If-Match", self.site.etag) != self.site.etag:
            self.send_error(412)
            return
        self.site.credentials.append(self.headers.get("Authorization", ""))
        self.site.asked.append(self.headers.get("Range", ""))
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", "")) if self.site.kind == RANGES else None
        if self.site.kind == COMPRESSES:
            data = gzip.compress(data)
        start, end = _span(asked[1], asked[2], len(data)) if asked else (0, len(data))
        self.send_response(206 if asked else 200)
        if asked:
            right = f"bytes {start}-{end - 1}/{len(data)}"
            self.send_header("Content-Range", right if self.site.stated_range is None else self.site.stated_range)
        self.send_header("ETag", self.site.etag)
        if self.site.kind == REFUSES_RANGES:
            self.send_header("Accept-Ranges", "none")
        if self.site.kind == COMPRESSES:
            self.send_header("Content-Encoding", "gzip")
        if self.site.kind != NO_LENGTH:
            self.send_header("Content-Length", str(end - start))
        self.end_headers()
        self.site.sent.append(end - start)
        try:
            if self.site.stalls and asked and start == 0:
                self.wfile.write(data[: end // 2])
                self.site.stalled.set()
                self.site.ended.wait(60)
            else:
                self.wfile.write(data[start:end])
        except OSError:
            pass  # the client has disconnected

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def served(files: Mapping[str, bytes], kind: str = RANGES, *, stalls: bool = False) -> Iterator[Site]:
    """An HTTP server with these files."""
    site = Site(kind, files, stalls)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"site": site}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    yield site
    site.ended.set()
    server.shutdown()
    thread.join()
    server.server_close()


class Memory(ModuleType):
    """A smart_open transport, as its EXTENDING.md requires: ``memory://NAME`` is an item of ``files``.

    ``reading`` and ``writing`` are exceptions to raise after half of the bytes.
    """

    SCHEME = "memory"

    def __init__(self) -> None:
        super().__init__("memory_transport")
        self.reset()

    def reset(self) -> None:
        self.files: dict[str, bytes] = {}
        self.seekable = True
        self.reading: BaseException | None = None
        self.writing: BaseException | None = None

    def parse_uri(self, uri: str) -> dict[str, str]:
        return {"scheme": self.SCHEME, "name": uri.partition("://")[2]}

    def open_uri(self, uri: str, mode: str, transport_params: object) -> Any:
        return self.open(self.parse_uri(uri)["name"], mode)

    def open(self, name: str, mode: str) -> Any:
        if mode == "wb":
            return _Written(self, name)
        if name not in self.files:
            raise FileNotFoundError(2, "No such file or directory")
        return _Read(self, self.files[name])


class _Read(io.BytesIO):
    def __init__(self, memory: Memory, data: bytes) -> None:
        super().__init__(data)
        self.memory = memory
        self.half = len(data) // 2

    def seekable(self) -> bool:
        return self.memory.seekable

    def seek(self, offset: int, whence: int = 0) -> int:
        if not self.memory.seekable:
            raise io.UnsupportedOperation
        return super().seek(offset, whence)

    def read(self, size: int | None = -1) -> bytes:
        if self.memory.reading and self.tell() < self.half:
            raise self.memory.reading
        return super().read(size)


class _Written(io.RawIOBase):
    """Keeps each byte immediately, like a server without transactions."""

    def __init__(self, memory: Memory, name: str) -> None:
        self.memory, self.name = memory, name
        memory.files[name] = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        half = data if self.memory.writing is None else data[: len(data) // 2]
        self.memory.files[self.name] += half
        if self.memory.writing:
            raise self.memory.writing
        return len(data)


MEMORY = Memory()
smart_open.transport.register_transport(MEMORY)


def use_s3(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Configures boto3 to use this S3 through the environment, as a person would."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


class _Joined:
    data = b""

    def assemble(self, source: Source, segments: Sequence[Segment]) -> None:
        self.data = join(source, segments)


def expected(data: bytes, path: str = ".env", **env: str) -> bytes:
    """The result of an injection into this archive, in memory."""
    joined = _Joined()
    inject(BytesSource(data), joined, env, path=path)
    return joined.data


def content(output: str, s3: Any) -> bytes:
    """The content of one of the outputs of the tests."""
    if output.startswith("s3://"):
        body: bytes = s3.get_object(Bucket=STAGING, Key="out/put.zip")["Body"].read()
        return body
    if output.startswith("memory://"):
        return MEMORY.files["out.zip"]
    return Path(output.removeprefix("file://")).read_bytes()
