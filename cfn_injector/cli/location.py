"""Archives wherever a person keeps them: in a file, in S3, or at any other URL that smart_open opens.

In: what stands on the command line. Out: the ``Source`` or the ``Destination`` of an injection.

                    read                                    written
    path, file://   in ranges                               beside it, and renamed when it is whole
    s3://           in ranges; S3 copies what stays         in one step, by PutObject or a multipart upload
    other URLs      in ranges where the server gives them,  at last, from a temporary file that is whole
                    else by a temporary copy

boto3 and smart_open are imported where a URL needs them. Errors: InjectorError, before anything is at the
destination; only where a library fails while it writes to a URL may a part be there, and the error says so.
No message shows what may be a credential: the user, the password and the query of a URL.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
import tempfile
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from io import UnsupportedOperation
from shutil import copyfileobj
from threading import Lock
from typing import IO, Any
from urllib.parse import unquote

from cfn_injector.archive.splice import Insert, Keep, Segment
from cfn_injector.errors import InjectorError, StorageError
from cfn_injector.injection import TAIL_BYTES, Destination, Source

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_S3_OBJECT = re.compile(r"([^/:@]+)/(.+?)(?:\?versionId=([^&?]+))?", re.DOTALL)
_LOCAL, _S3, _HTTP = ("", "file"), ("s3", "s3a", "s3n"), ("http", "https")
_HTTP_TIMEOUT = 60.0
_CHUNK = 8 * 1024 * 1024
_ANY = (Exception,)  # every scheme has a library of its own, with exceptions of its own
_SEE = "see that it exists and that you may read it"
_CHOOSE = "choose another --output"


def visible(text: str) -> str:
    """The text without what a terminal would obey, and without line ends."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def _parts(location: str) -> tuple[str, str]:
    """The scheme, in small letters, and what follows; no scheme is a path."""
    match = _URL.fullmatch(location)
    return (match[1].lower(), match[2]) if match else ("", location)


def _s3_object(location: str) -> tuple[str, str, str | None]:
    """Bucket, key and version."""
    match = _S3_OBJECT.fullmatch(_parts(location)[1])
    if not match:
        raise InjectorError(
            "an s3 URL names no object; give s3://BUCKET/KEY, and credentials as the AWS CLI takes them"
        )
    return match[1], match[2], match[3]


def shown(location: str) -> str:
    """A place as it may stand in a message."""
    scheme, rest = _parts(location)
    if scheme in _LOCAL:
        return visible(location)
    if scheme in _S3:
        bucket, key, _ = _s3_object(location)
        return visible(f"s3://{bucket}/{key}")
    host, slash, path = re.split("[?#]", rest, maxsplit=1)[0].partition("/")
    return visible(f"{scheme}://{host.rpartition('@')[2]}{slash}{path}")


def _path(location: str) -> str:
    """The path of what is a path or a file URL."""
    scheme, rest = _parts(location)
    if not scheme:
        return location
    host, slash, path = rest.partition("/")
    if host not in ("", "localhost") or not slash:
        raise InjectorError(f"{visible(location)} is no file of this machine; give file:///PATH, or a path alone")
    return unquote(f"/{path}", errors="surrogateescape")


def _reason(error: Exception) -> str:
    """What a foreign library reports, without its text: that may show the URL with its credentials."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is not None:
        return f"HTTP {status}"
    return getattr(error, "strerror", None) or type(error).__name__


@contextmanager
def _told(problem: str, remedy: str, kinds: tuple[type[Exception], ...] = (OSError, ValueError)) -> Iterator[None]:
    try:
        yield
    except InjectorError:
        raise
    except kinds as error:
        raise InjectorError(f"{problem}: {_reason(error)}; {remedy}") from error


def _reading(place: str) -> AbstractContextManager[None]:
    return _told(f"{place} cannot be read", _SEE, _ANY)


def _keeping() -> AbstractContextManager[None]:
    return _told("no temporary file can be written", "set TMPDIR to a folder with more room")


@contextmanager
def _aws_told(location: str) -> Iterator[None]:
    """What AWS reports about this object, for a person with credentials of their own."""
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, key, _ = _s3_object(location)
    try:
        yield
    except (BotoCoreError, ClientError, StorageError) as error:
        cause = error.__cause__ if isinstance(error, StorageError) else error
        if isinstance(error, StorageError) and not str(error).startswith(f"s3://{bucket}/{key} "):
            raise
        if isinstance(cause, ClientError):
            code = cause.response.get("Error", {}).get("Code", "")
            problem = f"{cause.operation_name} failed with {code}"
        elif isinstance(cause, BotoCoreError):
            problem = " ".join(str(cause).split()).rstrip(".")
        else:
            raise
        remedy = "see that it exists, stays as it is, and that your credentials and its KMS key allow this"
        raise InjectorError(f"{shown(location)}: {problem}; {remedy}") from cause


def _smart_open(location: str) -> Any:
    """smart_open, which knows the scheme of this URL and has what it needs for that."""
    place = shown(location)
    with _told(f"{place} is no URL that can be opened", "correct it", _ANY):
        try:
            import smart_open

            smart_open.parse_uri(location)
        except ModuleNotFoundError as error:
            raise InjectorError(f"{place} needs {error.name}; run: pip install 'cfn-injector[cli]'") from error
        except ImportError as error:
            extra = re.search(r"smart_open\[\w+\]", str(error))
            raise InjectorError(
                f"{place} needs more; run: pip install '{extra[0] if extra else 'smart_open[all]'}'"
            ) from error
        except NotImplementedError as error:
            raise InjectorError(
                f"{place} has a scheme that smart_open does not know; give a path, or an s3 URL"
            ) from error
    return smart_open


def _open(location: str) -> IO[bytes]:
    scheme = _parts(location)[0]
    if scheme in _LOCAL:
        return open(_path(location), "rb")
    parameters = {"timeout": _HTTP_TIMEOUT} if scheme in _HTTP else {}
    file: IO[bytes] = _smart_open(location).open(location, "rb", compression="disable", transport_params=parameters)
    return file


def _state(file: IO[bytes]) -> tuple[int, int] | None:
    """What changes where a file of this machine does."""
    try:
        found = os.fstat(file.fileno())
    except (AttributeError, OSError):
        return None
    return found.st_size, found.st_mtime_ns


@dataclass(frozen=True)
class FileSource:
    """An archive in a file that can be read from any place, by several threads. ``end`` holds its last bytes."""

    place: str
    file: IO[bytes] = field(repr=False)
    size: int
    end: bytes = field(repr=False)
    state: tuple[int, int] | None
    lock: Any = field(default_factory=Lock, repr=False)

    @classmethod
    def of(cls, place: str, file: IO[bytes]) -> FileSource:
        """Raises UnsupportedOperation where the file has to be read from its beginning to its end."""
        size = file.seek(0, os.SEEK_END)  # which also writes what a temporary file still has to write
        state = _state(file)
        file.seek(max(size - TAIL_BYTES, 0))
        return cls(place, file, size, file.read(min(size, TAIL_BYTES)), state)

    def tail(self, length: int) -> tuple[bytes, int]:
        """The last ``length`` bytes, or all, and the size of the whole."""
        if length <= len(self.end) or len(self.end) == self.size:
            return self.end[-length:], self.size
        return self.read(max(self.size - length, 0), self.size), self.size

    def read(self, start: int, end: int) -> bytes:
        """The bytes from start up to end."""
        with self.lock, _reading(self.place):
            self.file.seek(start)
            data = self.file.read(end - start)
            if len(data) != end - start or _state(self.file) != self.state:
                raise InjectorError(f"{self.place} changed while it was read; run this again when it is complete")
            return data


def _copied(place: str, file: IO[bytes], copy: IO[bytes]) -> FileSource:
    """What can only be read from its beginning to its end."""
    while True:
        with _reading(place):
            chunk = file.read(_CHUNK)
        with _keeping():
            if not chunk:
                return FileSource.of(place, copy)
            copy.write(chunk)


@contextmanager
def opened(location: str) -> Iterator[Source]:
    """The archive at a path or URL."""
    place = shown(location)
    with ExitStack() as files:
        if _parts(location)[0] in _S3:
            import boto3

            from cfn_injector.aws.s3 import S3Source

            files.enter_context(_aws_told(location))
            yield S3Source.open(boto3.client("s3"), *_s3_object(location))
            return
        source = None
        with _reading(place):
            file = files.enter_context(_open(location))
            if file.seekable():
                with suppress(UnsupportedOperation):
                    source = FileSource.of(place, file)
                if source is None:  # a server that gives no ranges, although it did not say so
                    file = files.enter_context(_open(location))
        if source is None:
            with _keeping():
                copy = files.enter_context(tempfile.TemporaryFile())
            source = _copied(place, file, copy)
        yield source


def _write(source: Source, segments: Sequence[Segment], file: IO[bytes]) -> str:
    """Writes what the segments stand for; returns its base64 SHA-256."""
    digest = sha256()

    def write(data: bytes) -> None:
        file.write(data)
        digest.update(data)

    for segment in segments:
        if isinstance(segment, Insert):
            write(segment.data)
            continue
        for start in range(segment.start, segment.end, _CHUNK):
            write(source.read(start, min(start + _CHUNK, segment.end)))
    return b64encode(digest.digest()).decode()


@contextmanager
def _whole(source: Source, segments: Sequence[Segment]) -> Iterator[tuple[IO[bytes], str]]:
    """A temporary file with the new archive, read from its beginning, and the base64 SHA-256."""
    with ExitStack() as files:
        with _keeping():
            file = files.enter_context(tempfile.TemporaryFile())
            digest = _write(source, segments, file)
            file.seek(0)
        yield file, digest


@dataclass(frozen=True)
class LocalDestination:
    """A file of this machine; where it is a link, what that points to. It keeps the permissions that it has."""

    path: str

    def assemble(self, source: Source, segments: Sequence[Segment]) -> str:
        """Writes a file beside it and renames that, so that only a whole archive is ever seen there."""
        with _told(f"{visible(self.path)} cannot be written", _CHOOSE):
            target = os.path.realpath(self.path)
            mode = os.stat(target).st_mode if os.path.exists(target) else None
            if mode is not None and not stat.S_ISREG(mode):
                raise InjectorError(f"{visible(self.path)} is no regular file; {_CHOOSE}")
            part = os.path.join(os.path.dirname(target), f".cfn-injector-{secrets.token_hex(8)}.part")
            try:
                # The umask takes from these permissions, as from those of any new file.
                new = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else mode & 0o777)
                with open(new, "wb") as file:
                    digest = _write(source, segments, file)
                    if mode is not None:
                        os.fchmod(new, mode & 0o777)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(part, target)
            except BaseException:
                with suppress(OSError):
                    os.unlink(part)
                raise
            return digest


@dataclass(frozen=True)
class S3ObjectDestination:
    """An object in S3. From another object S3 copies by itself; what comes from elsewhere is put together here."""

    location: str

    def assemble(self, source: Source, segments: Sequence[Segment]) -> str | None:
        """Returns the base64 SHA-256, but for what S3 copied in parts."""
        import boto3

        from cfn_injector.aws.s3 import S3Destination, S3Source

        bucket, key, _ = _s3_object(self.location)
        with _aws_told(self.location):
            target = S3Destination(boto3.client("s3"), bucket, key, exclusive=False)
            if isinstance(source, S3Source):
                return target.assemble(source, segments)
            with _whole(source, segments) as (file, digest):
                whole = FileSource.of("the temporary file", file)
                target.assemble(whole, [Keep(0, whole.size)])
                return digest


@dataclass(frozen=True)
class UrlDestination:
    """What smart_open can write, but not rename."""

    location: str

    def assemble(self, source: Source, segments: Sequence[Segment]) -> str:
        """Writes to the URL what is whole already."""
        library = _smart_open(self.location)
        remedy = "a part of the archive may be there now: remove it, or run this again"
        with (
            _whole(source, segments) as (file, digest),
            _told(f"{shown(self.location)} cannot be written", remedy, _ANY),
            library.open(self.location, "wb", compression="disable") as there,
        ):
            copyfileobj(file, there, _CHUNK)
        return digest


def destination(location: str) -> Destination:
    """Where a path or URL leads; refused where nothing can be written there whatever it is."""
    scheme = _parts(location)[0]
    if scheme in _LOCAL:
        return LocalDestination(_path(location))
    if scheme in _HTTP:
        raise InjectorError(f"{shown(location)} cannot be written, as http only reads; {_CHOOSE}")
    if scheme not in _S3:
        _smart_open(location)
        return UrlDestination(location)
    if _s3_object(location)[2]:
        raise InjectorError(f"{shown(location)} stands with a versionId, which S3 gives by itself; leave it out")
    return S3ObjectDestination(location)
