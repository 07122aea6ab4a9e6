"""Artifacts for tests: archives of texts, archives of a given size, and a destination in memory."""

from __future__ import annotations

import hashlib
import io
import zipfile
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from cfn_injector.archive.splice import Segment
from cfn_injector.injection import Source, join

MIB = 1024 * 1024


def artifact(entries: Mapping[str, str]) -> bytes:
    """An archive with these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in entries.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return buffer.getvalue()


def archive(*sizes: float, env_at: int | None = None) -> bytes:
    """An archive of stored entries of these sizes in MiB, with a .env before the entry of number ``env_at``."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for number, size in enumerate((*sizes, 0)):
            if number == env_at:
                target.writestr(zipfile.ZipInfo(".env"), "TABLE=old\nKEPT=1\n")
            if number < len(sizes):
                content = hashlib.sha256(str(number).encode()).digest() * int(size * MIB / 32)
                target.writestr(zipfile.ZipInfo(f"entry-{number}"), content)
    return buffer.getvalue()


@dataclass
class Memory:
    """A destination that keeps every archive that it gets."""

    written: list[bytes] = field(default_factory=list)
    knows_sha256: bool = True

    def assemble(self, source: Source, segments: Sequence[Segment]) -> str | None:
        self.written.append(join(source, segments))
        return b64encode(sha256(self.written[-1]).digest()).decode() if self.knows_sha256 else None
