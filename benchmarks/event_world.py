"""AWS around the provider for ``benchmarks.event``: S3, Lambda, CloudFormation and the presigned URL, over TLS.

Runs as a process, so that its cost does not count as the provider's. Takes a certificate with its key, and an artifact.
Prints lines of JSON: first the provider's environment, then an answer to each line on standard input:

    create    deletes what the last event made, and gives the event of a Create
    answered  gives ``status`` and ``reason`` of the response, and how many ``connections`` and ``calls`` it took

Time is real: a new function is Pending for a second.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks.job import ENV
from cfn_injector.aws.s3_objects import SECRET_KEY
from tests.fakes.aws_lambda import Clock, FakeLambda
from tests.fakes.cloudformation import FakeCloudFormation
from tests.fakes.listening import Server
from tests.fakes.s3_server import serving
from tests.fakes.s3_stub import Stub
from tests.support.lambda_functions import PLAIN
from tests.support.world import ARTIFACTS, ENVIRON, KEY, STAGING

BUSY_SECONDS = 1.0

Respond = Callable[[Any], Any]
"""Takes a request (``url``, ``method``, ``headers``, ``body``), returns a response as botocore has it."""


class _RealClock(Clock):
    def now(self) -> float:
        return time.time()


def _served(respond: Respond, connections: list[None], certificate: Path) -> str:
    """A server of these responses, which records its connections. Returns its host and port."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            connections.append(None)
            super().setup()

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            url = f"https://{self.headers['Host']}{self.path}"
            with lock:
                answer = respond(SimpleNamespace(url=url, method=self.command, headers=self.headers, body=body))
            lines = {**answer.headers, "Content-Length": len(answer.content)}
            head = [f"HTTP/1.1 {answer.status_code} ", *(f"{name}: {value}" for name, value in lines.items()), "", ""]
            self.wfile.write("\r\n".join(head).encode() + answer.content)

        do_GET = do_PUT = do_POST = do_DELETE = _serve

        def log_message(self, format: str, *args: Any) -> None: ...

    server = Server(Handler, certificate)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"127.0.0.1:{server.server_port}"


def _package(bucket: str, key: str, version: str | None) -> bytes:
    """Stands for the bytes of a package, whose reading here would take time that is not the provider's."""
    return f"{bucket}/{key}/{version}".encode()


@dataclass
class _AWS:
    """``host`` takes the responses; ``environ`` is the provider's environment, with everybody's addresses."""

    s3: Stub
    stack: FakeCloudFormation
    functions: FakeLambda
    host: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    connections: list[None] = field(default_factory=list)

    @classmethod
    def start(cls, certificate: Path, artifact: Path) -> _AWS:
        clock, server = _RealClock(), serving([ARTIFACTS, STAGING], certificate)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        functions = FakeLambda(clock, _package, busy_seconds=BUSY_SECONDS)
        functions.client()  # which reads the routes of Lambda's API
        found = cls(Stub(f"http://127.0.0.1:{server.server_port}"), FakeCloudFormation(clock), functions)
        found.s3.client().put_object(Bucket=ARTIFACTS, Key=KEY, Body=artifact.read_bytes())
        catches = {"LAMBDA": functions._catch, "CLOUDFORMATION": found.stack._catch}
        hosts = {name: _served(catch, found.connections, certificate) for name, catch in catches.items()}
        found.host = _served(found._take, found.connections, certificate)
        found.environ = {
            **ENVIRON,
            "AWS_ENDPOINT_URL_S3": found.s3.secure_url,
            **{f"AWS_ENDPOINT_URL_{name}": f"https://{host}" for name, host in hosts.items()},
            "CFN_INJECTOR_RESPONSE_HOSTS": found.host,
        }
        return found

    def _take(self, request: Any) -> Any:
        self.stack.answers.append(json.loads(request.body))
        return SimpleNamespace(status_code=200, headers={}, content=b"")

    def create(self) -> dict[str, Any]:
        client = self.s3.client()
        for item in client.list_objects_v2(Bucket=STAGING).get("Contents", []):
            if item["Key"] != SECRET_KEY:
                client.delete_object(Bucket=STAGING, Key=item["Key"])
        self.s3.reset()
        for made in (self.functions.functions, self.functions.calls, self.stack.calls, self.connections):
            made.clear()
        event = self.stack.event("Create", {**PLAIN, "Env": ENV})
        return {**event, "ResponseURL": f"https://{self.host}/answer?X-Amz-Signature=s3cr3t"}

    def answered(self) -> dict[str, Any]:
        answer = self.stack.answers[-1]
        calls = len(self.s3.calls()) + len(self.functions.calls) + len(self.stack.calls)
        connections = self.s3.connections() + len(self.connections)
        return {
            "status": answer["Status"],
            "reason": answer.get("Reason", ""),
            "connections": connections,
            "calls": calls,
        }


def main(certificate: str, artifact: str) -> None:
    """Serves until standard input ends."""
    found = _AWS.start(Path(certificate), Path(artifact))
    print(json.dumps(found.environ), flush=True)
    verbs = {"create": found.create, "answered": found.answered}
    for line in sys.stdin:
        print(json.dumps(verbs[line.strip()]()), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
