"""Write reproducible archives: the same files give the same bytes.

``write_zip`` takes names, and bytes or the files that hold them. It writes a zip with these entries in this order, with
a fixed date and world-readable. The archive depends on nothing else: no path, owner, time or umask of the machine.

``content_hash`` takes an archive and returns a hash of what it holds, whatever compressed it and when.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import IO, NamedTuple

from cfn_injector.cli.bundling.source_files import unreadable
from cfn_injector.errors import InjectorError

SMALLEST = 9
QUICK = 6
"""Compression levels. For compiled libraries, SMALLEST saves half a percent and takes twice as long."""

DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""What zipfile raises for an archive that is damaged or encrypted, or whose compression it cannot read."""
_CHUNK = 1024 * 1024
_DATE = (1980, 1, 1, 0, 0, 0)
_UNIX = 3


class Item(NamedTuple):
    """An entry to write: its name, its bytes or the file that holds them, and whether it is executable."""

    name: str
    content: bytes | Path
    executable: bool = False


def _bytes(content: bytes | Path) -> bytes:
    if isinstance(content, bytes):
        return content
    try:
        return content.read_bytes()
    except OSError as error:
        raise unreadable(str(content), error) from error


def write_zip(
    target: IO[bytes], items: Iterable[Item], *, level: int, written: Callable[[int], None] = lambda size: None
) -> None:
    """Write the items in their order; ``written`` is called with the size of each.

    Modes are 0644, or 0755 for executables: Lambda runs code as a user that owns none of the files
    (https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html).
    """
    with zipfile.ZipFile(target, "w") as archive:
        for item in items:
            entry = zipfile.ZipInfo(item.name, _DATE)
            entry.external_attr = (stat.S_IFREG | (0o755 if item.executable else 0o644)) << 16
            entry.create_system = _UNIX
            body = _bytes(item.content)
            archive.writestr(entry, body, zipfile.ZIP_DEFLATED, compresslevel=level)
            written(len(body))


def content_hash(file: IO[bytes], name: str) -> str:
    """A SHA-256 in hexadecimal of the names, modes and contents in a zip. ``name`` is the zip's, for messages.

    Order, dates and compression do not count: another zlib makes other bytes of the same files. Raises InjectorError.
    """
    found = []
    try:
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                content = sha256()
                with archive.open(entry) as body:
                    while chunk := body.read(_CHUNK):
                        content.update(chunk)
                found.append(f"{entry.filename!r} {entry.external_attr >> 16:o} {content.hexdigest()}")
    except DAMAGED as error:
        raise InjectorError(f"{name} cannot be read as a zip: {error}; build it again", code="CI756") from error
    return sha256("\n".join(sorted(found)).encode()).hexdigest()
