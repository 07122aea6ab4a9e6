"""Put variables into the ``.env`` file of an archive.

In: a source of byte ranges, a destination of segments, the variables. Out: the new archive, which the
destination writes, and what became of it. Nothing here knows S3 or a disk; of the archive no more is read
than its directory and the old file.

    tail -> read_directory -> extract the old file -> merge -> splice -> assemble

The result depends on the source's bytes and the variables alone; injecting the same again changes nothing.
Errors: ArtifactError and EnvFileError, always before anything is written, and those of source and
destination.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cfn_injector.archive.splice import (
    EMPTY_ARCHIVE,
    LARGEST_FILE,
    Directory,
    Extracted,
    Insert,
    NewFile,
    Read,
    Segment,
    entry_name,
    extract,
    plain,
    read_directory,
    splice,
    through,
)
from cfn_injector.env_file import merge
from cfn_injector.env_loader import FOLDER, Loader
from cfn_injector.errors import ArtifactError, EnvFileError
from wrapper.dotenv import parse

# What Lambda unpacks at most, layers included: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LAMBDA_MAX_UNPACKED = 250 * 1024 * 1024
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-lambda-at-edge
EDGE_MAX_SIZE = 50 * 1024 * 1024
TAIL_BYTES = 512 * 1024

# What AWS Signer adds to the archive that it signs.
_SIGNATURE = re.compile(rb"META[-_]INF/aws_signer_signature[^/]*\.SF", re.IGNORECASE)


class Source(Protocol):
    """An archive that does not change while it is read."""

    def tail(self, length: int) -> tuple[bytes, int]:
        """The last ``length`` bytes, all if there are fewer, and the size of the whole."""

    def read(self, start: int, end: int) -> bytes:
        """The bytes from ``start`` up to ``end``, which lie within the source."""


class Destination(Protocol):
    """Where a new archive is written."""

    def assemble(self, source: Source, segments: Sequence[Segment]) -> str | None:
        """Write the segments one behind the other; the base64 SHA-256 of the whole where that is known."""


@dataclass(frozen=True)
class BytesSource:
    """An archive in memory."""

    data: bytes

    def tail(self, length: int) -> tuple[bytes, int]:
        return self.data[-length:], len(self.data)

    def read(self, start: int, end: int) -> bytes:
        return self.data[start:end]


EMPTY = BytesSource(EMPTY_ARCHIVE)
"""An archive without entries."""


@dataclass(frozen=True)
class Injected:
    """A new archive. Sizes in bytes; ``names`` are those of all variables in its file, in its order."""

    size: int
    unpacked: int
    entries: int
    code_sha256: str | None
    names: tuple[str, ...]


def join(source: Source, segments: Sequence[Segment]) -> bytes:
    """The bytes that the segments stand for."""
    return b"".join(each.data if isinstance(each, Insert) else source.read(*each) for each in segments)


def _refuse_signed(directory: Directory) -> None:
    for name in directory.names:
        if b"aws_signer" in name.lower() and _SIGNATURE.fullmatch(name):
            raise ArtifactError(
                "is the signature of AWS Signer, which a change would break",
                entry=name.decode("utf-8", "backslashreplace"),
                remedy="give the artifact as it was before it was signed",
            )


def _old(directory: Directory, name: bytes, read: Read) -> Extracted | None:
    """The entry of that name, also spelled with ``./``."""
    index = directory.names.get(name)
    if index is None:
        return None
    entry = directory.entry(index)
    if plain(entry.name) != name:
        raise ArtifactError(f"is {name.decode()!r} to some readers and not to others", entry=entry.shown)
    return extract(directory, entry, read)


def _refuse_reserved(directory: Directory) -> None:
    """A loader's folder holds nothing but the loader."""
    reserved = FOLDER.encode()
    for name in directory.names:
        if name == reserved or name.startswith(reserved + b"/"):
            raise ArtifactError(
                "is where EnvLoader puts the loader",
                entry=name.decode("utf-8", "backslashreplace"),
                remedy=f"name that folder otherwise, or give the artifact as it was before {FOLDER} was added",
            )


def inject(
    source: Source,
    destination: Destination,
    env: Mapping[str, str],
    *,
    path: str = ".env",
    files: Sequence[NewFile] = (),
    loader: Loader | None = None,
    max_unpacked: int | None = None,
    max_size: int | None = None,
) -> Injected:
    """Write the archive of ``source`` to ``destination``, with ``env`` merged into its file at ``path``.

    ``files`` are added beside it, in place of those of the same names; so are those of ``loader``, with all variables
    that the file then holds. ``max_unpacked`` is how many bytes the archive may hold when unpacked
    (``LAMBDA_MAX_UNPACKED``), ``max_size`` how many it may have itself (``EDGE_MAX_SIZE``), None for any. A signed
    archive is always refused. Raises ValueError where ``env`` holds what is no variable.
    """
    names = [entry_name(each) for each in (*(file.name for file in files), path)]
    tail, size = source.tail(TAIL_BYTES)
    read = through(tail, size, source.read)
    directory = read_directory(tail, size, read)
    _refuse_signed(directory)
    if loader is not None:
        _refuse_reserved(directory)
    found = [_old(directory, name, read) for name in names]
    merged = merge(found[-1].data if found[-1] else b"", env, path)
    if len(merged) > LARGEST_FILE:
        raise EnvFileError(path, "would be larger than 1 MiB with the new variables")
    bindings = parse(merged.decode())
    variables = {each.name: each.value for each in bindings if each.name is not None and each.value is not None}
    cut = [old for old in found if old]
    add = [*files, *(loader.files(variables) if loader else ()), NewFile(path, merged)]
    unpacked = directory.unpacked - sum(len(old.data) for old in cut) + sum(len(file.data) for file in add)
    if max_unpacked is not None and unpacked > max_unpacked:
        problem = f"holds {unpacked} bytes when unpacked, more than the {max_unpacked} that Lambda takes"
        raise ArtifactError(problem, remedy="take files out of it")
    segments = splice(directory, cut, add)
    new_size = sum(len(each.data) if isinstance(each, Insert) else each.end - each.start for each in segments)
    if max_size is not None and new_size > max_size:
        problem = f"takes {new_size} bytes with its variables, more than the {max_size} that Lambda@Edge takes"
        raise ArtifactError(problem, remedy="take files out of it")
    return Injected(
        size=new_size,
        unpacked=unpacked,
        entries=len(directory.offsets) - len(cut) + len(add),
        code_sha256=destination.assemble(source, segments),
        names=tuple(variables),
    )
