"""Write archives to a file, to S3, or to any other URL that smart_open opens.

``destination`` takes a location from the command line and returns the ``Destination`` of an injection.

    path, file://   written next to the target, and renamed when it is complete
    s3://           written in one step, by PutObject or a multipart upload
    other URLs      written to a temporary file first, and copied when that is complete

boto3 and smart_open are imported only if a URL needs them. Errors: InjectorError, before the destination changes. The
exception is a library that fails while it writes to a URL: then a part of the archive may be there, and the error says
so.
"""

from __future__ import annotations

import os
import stat
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import IO

from cfn_injector.archive import Insert, Keep, Segment
from cfn_injector.cli.aws_errors import object_explained
from cfn_injector.cli.aws_options import Clients
from cfn_injector.cli.display import (
    ANY_ERROR,
    HTTP,
    LOCAL,
    S3,
    explained,
    local_path,
    s3_object,
    shown,
    split,
    visible,
)
from cfn_injector.cli.sources import CHUNK, FileSource, import_smart_open, writing_temporary_file
from cfn_injector.cli.usage import UsageError
from cfn_injector.errors import InjectorError
from cfn_injector.injection import Destination, Source

_CHOOSE = "choose another --output"


def _write(source: Source, segments: Sequence[Segment], file: IO[bytes]) -> str:
    """Writes the segments; returns the base64 SHA-256 of the whole."""
    digest = sha256()

    def write(data: bytes) -> None:
        file.write(data)
        digest.update(data)

    for segment in segments:
        if isinstance(segment, Insert):
            write(segment.data)
            continue
        for start in range(segment.start, segment.end, CHUNK):
            write(source.read(start, min(start + CHUNK, segment.end)))
    return b64encode(digest.digest()).decode()


@contextmanager
def _whole(source: Source, segments: Sequence[Segment]) -> Iterator[tuple[IO[bytes], str]]:
    """A temporary file with the new archive, positioned at its beginning, and the base64 SHA-256."""
    from tempfile import TemporaryFile

    with ExitStack() as files:
        with writing_temporary_file():
            file = files.enter_context(TemporaryFile())
            digest = _write(source, segments, file)
            file.seek(0)
        yield file, digest


@dataclass(frozen=True)
class LocalDestination:
    """A file on this machine. A link is followed. A file that exists keeps its permissions."""

    path: str

    def assemble(self, source: Source, segments: Sequence[Segment]) -> str:
        """Writes a file next to the target and renames it, so that the target is always complete."""
        with explained(f"{visible(self.path)} cannot be written", _CHOOSE, code="CI719"):
            target = Path(os.path.realpath(self.path))
            mode = target.stat().st_mode if target.exists() else None
            if mode is not None and not stat.S_ISREG(mode):
                raise InjectorError(f"{visible(self.path)} is not a regular file; {_CHOOSE}", code="CI720")
            part = target.with_name(f".cfn-injector-{os.urandom(8).hex()}.part")
            try:
                # The umask applies to these permissions, as to those of any new file.
                new = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else mode & 0o777)
                with os.fdopen(new, "wb") as file:
                    digest = _write(source, segments, file)
                    if mode is not None:
                        os.fchmod(new, mode & 0o777)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(target)
            except BaseException:
                with suppress(OSError):
                    part.unlink()
                raise
            return digest


@dataclass(frozen=True)
class S3ObjectDestination:
    """An object in S3. If the source is in S3 as well, S3 copies from it; if not, the archive is assembled here."""

    location: str
    clients: Clients = field(repr=False)

    def assemble(self, source: Source, segments: Sequence[Segment]) -> str | None:
        """Returns the base64 SHA-256, or None if S3 copied parts."""
        from cfn_injector.aws.s3 import S3Destination, S3Source

        bucket, key, _ = s3_object(self.location)
        with object_explained(self.location):
            target = S3Destination(self.clients("s3"), bucket, key, exclusive=False)
            if isinstance(source, S3Source):
                return target.assemble(source, segments)
            with _whole(source, segments) as (file, digest):
                whole = FileSource.of("the temporary file", file)
                target.assemble(whole, [Keep(0, whole.size)])
                return digest


@dataclass(frozen=True)
class UrlDestination:
    """A URL that smart_open can write to, but where it cannot rename."""

    location: str

    def assemble(self, source: Source, segments: Sequence[Segment]) -> str:
        """Writes to the URL once the archive is complete."""
        from shutil import copyfileobj

        library = import_smart_open(self.location)
        remedy = "a part of the archive may be there now: remove it, or try again"
        with (
            _whole(source, segments) as (file, digest),
            explained(f"{shown(self.location)} cannot be written", remedy, ANY_ERROR, code="CI719"),
            library.open(self.location, "wb", compression="disable") as there,
        ):
            copyfileobj(file, there, CHUNK)
        return digest


def destination(location: str, clients: Clients) -> Destination:
    """The destination at a path or URL; ``clients`` makes the client for S3.

    Raises UsageError for one that can never be written.
    """
    scheme = split(location)[0]
    if scheme in LOCAL:
        return LocalDestination(local_path(location))
    if scheme in HTTP:
        raise UsageError(f"{shown(location)} cannot be written, because http is read-only; {_CHOOSE}", code="CI720")
    if scheme not in S3:
        import_smart_open(location)
        return UrlDestination(location)
    if s3_object(location)[2]:
        raise UsageError(f"{shown(location)} has a versionId, but S3 assigns versions itself; remove it", code="CI720")
    return S3ObjectDestination(location, clients)
