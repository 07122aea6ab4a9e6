"""Read archives from a file, from S3, or from any other URL that smart_open opens.

``opened`` takes a location from the command line and yields the ``Source`` of an injection.

    lambda://, stack://  the code of a deployed function, by the URL that Lambda gives for it
    path, file://   ranges are read
    s3://           ranges are read; S3 copies what is kept
    http(s)://      ranges are read if the server supports them; if not, the archive is copied to a temporary file
    other URLs      smart_open reads them, and they are copied unless they are seekable

boto3 and smart_open are imported only if a URL needs them. Errors: InjectorError.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import IO, Any

from cfn_injector.cli import addresses, display
from cfn_injector.cli.aws_errors import object_explained
from cfn_injector.cli.aws_options import Clients
from cfn_injector.cli.usage import UsageError
from cfn_injector.errors import InjectorError
from cfn_injector.injection import TAIL_BYTES, Source

CHUNK = 8 * 1024 * 1024

_CHECK = "check that it exists and that you may read it"


def _reading(place: str) -> AbstractContextManager[None]:
    return display.explained(f"{place} cannot be read", _CHECK, display.ANY_ERROR, code="CI716")


def writing_temporary_file() -> AbstractContextManager[None]:
    """Explains errors of a temporary file."""
    return display.explained(
        "a temporary file cannot be written", "set TMPDIR to a folder with more space", code="CI721"
    )


def import_smart_open(location: str) -> Any:
    """The module smart_open. Raises InjectorError unless it supports this URL and has what it needs for that."""
    place = display.shown(location)
    with display.explained(f"{place} is not a URL that can be opened", "correct it", display.ANY_ERROR, code="CI715"):
        try:
            import smart_open

            smart_open.parse_uri(location)
        except ModuleNotFoundError as error:
            raise InjectorError(
                f"{place} needs {error.name}; run: pip install 'cfn-injector[cli]'", code="CI714"
            ) from error
        except ImportError as error:
            extra = re.search(r"smart_open\[\w+\]", str(error))
            raise InjectorError(
                f"{place} needs more; run: pip install '{extra[0] if extra else 'smart_open[all]'}'", code="CI714"
            ) from error
        except NotImplementedError as error:  # what smart_open raises for an unknown scheme
            raise UsageError(
                f"{place} has a scheme that smart_open does not support; give a path, or an s3 URL", code="CI715"
            ) from error
    return smart_open


def _open(location: str) -> IO[bytes]:
    scheme = display.split(location)[0]
    if scheme in display.LOCAL:
        return open(display.local_path(location), "rb")  # noqa: PTH123 (Path would ignore a slash at the end)
    library = import_smart_open(location)
    file: IO[bytes] = library.open(location, "rb", compression="disable")
    return file


def _state(file: IO[bytes]) -> tuple[int, int] | None:
    """What changes if a file on this machine changes: size and time of modification. None for other files."""
    try:
        found = os.fstat(file.fileno())
    except (AttributeError, OSError):
        return None
    return found.st_size, found.st_mtime_ns


@dataclass(frozen=True)
class FileSource:
    """An archive in a seekable file; several threads may read it at once.

    ``size`` is in bytes. ``tail`` holds the last bytes, which are not read from the file again. ``state`` is what
    ``_state`` returned when the file was opened.
    """

    place: str
    file: IO[bytes] = field(repr=False)
    size: int
    tail: bytes = field(repr=False)
    state: tuple[int, int] | None
    lock: Any = field(default_factory=Lock, repr=False)

    @classmethod
    def of(cls, place: str, file: IO[bytes]) -> FileSource:
        """Raises UnsupportedOperation if the file can only be read from its beginning to its end."""
        size = file.seek(0, os.SEEK_END)  # also flushes a temporary file
        state = _state(file)
        file.seek(max(size - TAIL_BYTES, 0))
        return cls(place, file, size, file.read(min(size, TAIL_BYTES)), state)

    def read(self, start: int, end: int) -> bytes:
        """The bytes from ``start`` up to ``end``."""
        held = self.size - len(self.tail)
        data = self._from_file(start, min(end, held)) if start < min(end, held) else b""
        return data + self.tail[max(start - held, 0) : max(end - held, 0)]

    def _from_file(self, start: int, end: int) -> bytes:
        with self.lock, _reading(self.place):
            self.file.seek(start)
            data = self.file.read(end - start)
            if len(data) != end - start or _state(self.file) != self.state:
                raise InjectorError(
                    f"{self.place} changed while it was being read; try again when it is complete", code="CI717"
                )
            return data


def _copied(place: str, file: IO[bytes], copy: IO[bytes]) -> FileSource:
    """A copy of a file that can only be read from its beginning to its end."""
    while True:
        with _reading(place):
            chunk = file.read(CHUNK)
        with writing_temporary_file():
            if not chunk:
                return FileSource.of(place, copy)
            copy.write(chunk)


def _temporary(files: ExitStack) -> IO[bytes]:
    from tempfile import TemporaryFile

    with writing_temporary_file():
        return files.enter_context(TemporaryFile())


def _served(place: str, url: str, files: ExitStack) -> Source:
    """The archive at an http URL."""
    with _reading(place):
        try:
            from cfn_injector.cli.http_source import HttpSource, open_url

            found = open_url(place, url)
        except ModuleNotFoundError as error:
            raise InjectorError(
                f"{place} needs {error.name}; run: pip install 'cfn-injector[cli]'", code="CI714"
            ) from error
    if isinstance(found, HttpSource):
        files.enter_context(found.session)
        return found
    files.enter_context(found)
    return _copied(place, found.raw, _temporary(files))


@contextmanager
def opened(location: str, clients: Clients, place: str = "") -> Iterator[Source]:
    """The archive at a path, a URL or a function's address. ``clients`` makes clients for AWS.

    ``place`` is what messages call it, if not by its location.
    """
    place = place or display.shown(location)
    with ExitStack() as files:
        if display.split(location)[0] in display.S3:
            from cfn_injector.aws.s3 import S3Source

            files.enter_context(object_explained(location))
            yield S3Source.open(clients("s3"), *display.s3_object(location))
            return
        if addresses.is_address(location):
            location = addresses.deployed(location, clients).archive
        if display.split(location)[0] in display.HTTP:
            yield _served(place, location, files)
            return
        with _reading(place):
            file = files.enter_context(_open(location))
            source = FileSource.of(place, file) if file.seekable() else None
        yield source or _copied(place, file, _temporary(files))
