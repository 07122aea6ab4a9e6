"""A stub of S3 on this machine: it counts requests and bytes, models a link, and fails on demand.

It accepts requests of any S3 client. It runs in a thread of this process (``running``), in its own process
(``spawned``), or from the command line until its standard input ends:

    python -m tests.fakes.s3_stub [--certificate FILE] BUCKET ...

With a certificate, its port takes both HTTP and HTTPS. In addition to S3's operations it has ``/_stub/``: ``stats``,
``connections``, ``calls``, ``reset``, ``model`` and ``fail``, for which ``Stub`` has methods. Signatures are not
checked.
"""

from __future__ import annotations

import argparse
import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from tests.fakes.s3_server import serving
from tests.fakes.s3_state import Model, Request

__all__ = ["BUCKETS", "Count", "Model", "Request", "Stats", "Stub", "running", "spawned"]

BUCKETS = ("artifacts", "staging")

_ROOT = Path(__file__).parents[2]
_CODES = {403: "AccessDenied", 404: "NoSuchKey", 409: "ConditionalRequestConflict", 412: "PreconditionFailed"}
_CODES |= {200: "InternalError", 500: "InternalError", 503: "SlowDown"}


class Count(NamedTuple):
    """The requests and bytes of one operation, including headers. ``bytes_copied`` never left the server."""

    requests: int = 0
    bytes_down: int = 0
    bytes_up: int = 0
    bytes_copied: int = 0


class Stats(dict[str, Count]):
    """Counts by operation; zero for an operation that was not requested."""

    def __missing__(self, operation: str) -> Count:
        return Count()

    @property
    def total(self) -> Count:
        return Count(*map(sum, zip(*self.values(), strict=True))) if self else Count()


@cache
def _session() -> Any:
    import boto3

    return boto3.Session("stub", "stub", region_name="us-east-1")


@dataclass(frozen=True)
class Stub:
    """A running server, by its URL. ``roots`` is the file of the certificates that clients trust, if it is HTTPS."""

    url: str
    roots: str = ""

    @property
    def secure_url(self) -> str:
        """The HTTPS URL of a server that has a certificate."""
        return self.url.replace("http:", "https:", 1)

    def client(self, **settings: Any) -> Any:
        """An S3 client of boto3; the settings are those of botocore's Config."""
        from botocore.config import Config

        config = Config(**{"proxies": {}, **settings})
        return _session().client("s3", endpoint_url=self.url, verify=self.roots or None, config=config)

    def _control(self, verb: str, **query: Any) -> Any:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        try:
            connection.request("POST", f"/_stub/{verb}?{urlencode(query)}")
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise ValueError(f"the stub refused {verb}: {text.decode().strip()}")
        return json.loads(text)

    def stats(self) -> Stats:
        """The counts since ``reset``, by operation."""
        return Stats({name: Count(*values) for name, values in self._control("stats").items()})

    def connections(self) -> int:
        """How many connections have sent requests to S3 since ``reset``."""
        return int(self._control("connections"))

    def calls(self) -> list[Request]:
        """The requests since ``reset``, in the order of their answers."""
        return [Request(*values) for values in self._control("calls")]

    def reset(self, *, objects: bool = False) -> None:
        """Resets counters and faults, and with ``objects`` also deletes all objects."""
        self._control("reset", objects=int(objects))

    def model(self, model: Model) -> None:
        """Sets the model of the link."""
        self._control("model", **asdict(model))

    def fail(
        self,
        operation: str,
        nth: int = 1,
        *,
        status: int | None = 500,
        code: str = "",
        after: bool = False,
        times: int = 1,
        cut: int | None = None,
    ) -> None:
        """Makes the nth of these operations from now on fail, and those that follow it, ``times`` in total.

        ``status`` None drops the connection; 200 is an error in the body of a success, which S3 returns for copies.
        With ``after`` the operation takes effect nevertheless. ``cut`` instead ends the connection after that many
        bytes of the answer's body.
        """
        code = code or _CODES.get(status or 0, "Failed")
        faults = {"nth": nth, "status": status or 0, "times": times, "cut": -1 if cut is None else cut}
        self._control("fail", operation=operation, code=code, after=int(after), **faults)


@contextmanager
def running(*buckets: str) -> Iterator[Stub]:
    """A server in a thread of this process, with these buckets, or ``BUCKETS``."""
    server = serving(buckets or BUCKETS)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield Stub(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def spawned(*buckets: str, certificate: Path | None = None) -> Iterator[Stub]:
    """A server in its own process, so that its cost does not count as the client's."""
    secured = ["--certificate", str(certificate)] if certificate else []
    command = [sys.executable, "-m", "tests.fakes.s3_stub", *secured, *buckets]
    process = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin
    assert process.stdout
    try:
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError("the stub did not start")
        yield Stub(url)
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def main(arguments: list[str]) -> None:
    """Serves until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("buckets", nargs="*", default=BUCKETS)
    options = parser.parse_args(arguments)
    server = serving(options.buckets, options.certificate)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1:])
