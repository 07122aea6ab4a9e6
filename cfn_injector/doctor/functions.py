"""Throw-away functions: takes a session, code and arguments, returns a function that is Active, or what it answers."""

from __future__ import annotations

import io
import json
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple

from cfn_injector.archive import Segment
from cfn_injector.doctor.base import RUNTIME, base
from cfn_injector.doctor.session import Session
from cfn_injector.errors import code_of
from cfn_injector.injection import Source, join
from cfn_injector.resources.lambda_function import api

PLAIN = "def handler(event, context):\n    return {}\n"


@dataclass
class Memory:
    """A destination in memory."""

    data: bytes = field(default=b"", repr=False)

    def assemble(self, source: Source, segments: Sequence[Segment]) -> str:
        """Returns the base64 SHA-256, which is Lambda's CodeSha256."""
        self.data = join(source, segments)
        return b64encode(sha256(self.data).digest()).decode()


class Invoked(NamedTuple):
    """``payload`` is what the function returned, ``log`` the end of its log; ``error`` is empty if it succeeded."""

    payload: Any
    log: bytes
    error: str


def zipped(files: Mapping[str, bytes | str], prefix: bytes = b"", modes: Mapping[str, int] | None = None) -> bytes:
    """A zip of files, stored and not compressed, behind a prefix. A mode is 0644 unless ``modes`` says otherwise."""
    target = io.BytesIO()
    target.write(prefix)
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = (0o100000 | (modes or {}).get(name, 0o644)) << 16
            archive.writestr(entry, content)
    return target.getvalue()


def _remove(session: Session, name: str) -> None:
    try:
        session.client("lambda").delete_function(FunctionName=name)
    except Exception as error:
        if code_of(error) != "ResourceNotFoundException":
            raise


def make(session: Session, label: str, code: Mapping[str, Any] | bytes, **arguments: Any) -> dict[str, Any]:
    """Creates a function, which will be removed with the session. Returns its configuration, once it is Active."""
    name = f"{session.name}-{label}"
    defaults = {"Runtime": RUNTIME, "Handler": "index.handler", "Role": base(session).role, "Timeout": 30}
    where = {"ZipFile": code} if isinstance(code, bytes) else dict(code)
    session.removals.add(f"function {name}", lambda: _remove(session, name))
    wanted = {**defaults, "FunctionName": name, "Code": where, **arguments}
    return api.create(session.client("lambda"), wanted, session.within())


def plain(session: Session, label: str, **arguments: Any) -> dict[str, Any]:
    """A function that returns an empty object."""
    return make(session, label, zipped({"index.py": PLAIN}), **arguments)


def invoke(session: Session, name: str) -> Invoked:
    """Invokes a function, and waits for its answer."""
    answer = session.client("lambda").invoke(FunctionName=name, LogType="Tail")
    body = answer["Payload"].read()
    return Invoked(json.loads(body or b"null"), b64decode(answer.get("LogResult", "")), answer.get("FunctionError", ""))
