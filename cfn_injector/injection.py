"""Put variables into the ``.env`` file of an archive.

``inject`` takes a source that reads ranges of bytes, a destination that writes segments, and the variables. The
destination writes the new archive; ``inject`` returns a description of it. This module knows neither S3 nor files. It
reads no more of an archive than its central directory and the files that it replaces or returns.

    read_directory -> extract the old file -> merge -> splice -> assemble

The result depends only on the bytes of the source and the variables; injecting the same variables again changes
nothing. Errors: ArtifactError and EnvFileError, always before anything is written, and the errors of the source and the
destination.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cfn_injector.archive import (
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
)
from cfn_injector.env_file import merge_variables
from cfn_injector.errors import ArtifactError, EnvFileError

if TYPE_CHECKING:
    from cfn_injector.env_loader import Loader

# Lambda's quota for unzipped code, layers included: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LAMBDA_MAX_UNPACKED = 250 * 1024 * 1024
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-lambda-at-edge
EDGE_MAX_SIZE = 50 * 1024 * 1024
LAMBDA_MAX_SIZE = LAMBDA_MAX_UNPACKED + 32 * 1024 * 1024
"""No archive that Lambda can unpack is larger: this adds a directory of the largest size, and local headers."""
TAIL_BYTES = 512 * 1024
"""Sources for which each read is expensive read this many of the last bytes at once, and keep them."""

# The file that AWS Signer adds to an archive that it signs.
_SIGNATURE = rb"(?i:META[-_]INF/aws_signer_signature[^/\0]*\.SF)"


class Source(Protocol):
    """An archive that does not change while it is read. ``size`` is in bytes."""

    @property
    def size(self) -> int: ...

    def read(self, start: int, end: int) -> bytes:
        """The bytes from ``start`` up to ``end``, which are within the source."""


class Destination(Protocol):
    """The place that a new archive is written to."""

    def assemble(self, source: Source, segments: Sequence[Segment]) -> str | None:
        """Write the segments in their order. Returns the base64 SHA-256 of the whole, or None if it is not known."""


@dataclass(frozen=True)
class BytesSource:
    """An archive in memory."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, start: int, end: int) -> bytes:
        return self.data[start:end]


EMPTY = BytesSource(EMPTY_ARCHIVE)
"""An archive without entries."""


@dataclass(frozen=True)
class Injected:
    """A new archive. Sizes are in bytes; ``names`` lists all variables in its file, in the file's order."""

    size: int
    unpacked: int
    entries: int
    code_sha256: str | None
    names: tuple[str, ...]


def join(source: Source, segments: Sequence[Segment]) -> bytes:
    """The bytes of the segments."""
    return b"".join(each.data if isinstance(each, Insert) else source.read(*each) for each in segments)


def _read_back(source: Source, segments: Sequence[Segment]) -> Read:
    """Reads ranges of the archive that the segments will be."""

    def read(start: int, end: int) -> bytes:
        parts, at = [], 0
        for each in segments:
            length = len(each.data) if isinstance(each, Insert) else each.end - each.start
            low, high = max(start - at, 0), min(end - at, length)
            at += length
            if low >= high:
                continue
            if isinstance(each, Insert):
                parts.append(each.data[low:high])
            else:
                parts.append(source.read(each.start + low, each.start + high))
        return b"".join(parts)

    return read


def _refuse_signed(directory: Directory) -> None:
    name = directory.names.search(_SIGNATURE)
    if name is not None:
        raise ArtifactError(
            "is the signature of AWS Signer, which a change would break",
            entry=name.decode("utf-8", "backslashreplace"),
            remedy="give the artifact as it was before it was signed",
            code="CI314",
        )


def _old(directory: Directory, name: bytes, source: Source) -> Extracted | None:
    """The entry of that name, with or without a leading ``./``."""
    index = directory.names.find(name)
    if index is None:
        return None
    entry = directory.entry(index)
    if plain(entry.name) != name:
        problem = f"is {name.decode()!r} to some readers and not to others"
        raise ArtifactError(problem, entry=entry.display_name, code="CI321")
    return extract(entry, source.read)


def _refuse_reserved(directory: Directory) -> None:
    """Only the loader may be in a loader's folder."""
    from cfn_injector.env_loader import FOLDER

    name = directory.names.search(re.escape(FOLDER.encode()) + rb"(?:/[^\0]*)?")
    if name is not None:
        raise ArtifactError(
            "is where EnvLoader puts the loader",
            entry=name.decode("utf-8", "backslashreplace"),
            remedy=f"rename that folder, give the artifact as it was before {FOLDER} was added, or set EnvLoader: none",
            code="CI323",
        )


def read_file(source: Source, path: str) -> bytes | None:
    """The file at ``path`` in an archive, of at most 1 MiB, or None. Raises ArtifactError."""
    found = _old(read_directory(source.read, source.size), entry_name(path), source)
    return found.data if found else None


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

    ``files`` are added, and replace those of the same names. The files of ``loader`` are added as well, with all
    variables of the merged file. ``max_unpacked`` limits the unpacked size of the archive in bytes
    (``LAMBDA_MAX_UNPACKED``), ``max_size`` the size of the archive itself (``LAMBDA_MAX_SIZE`` or ``EDGE_MAX_SIZE``);
    None sets no limit. A signed archive is always refused. Raises ValueError if ``env`` holds an invalid name or value.
    """
    names = [entry_name(each) for each in (*(file.name for file in files), path)]
    directory = read_directory(source.read, source.size)
    _refuse_signed(directory)
    if loader is not None:
        _refuse_reserved(directory)
    found = [_old(directory, name, source) for name in names]
    merged, variables = merge_variables(found[-1].data if found[-1] else b"", env, path)
    if len(merged) > LARGEST_FILE:
        raise EnvFileError(path, "would be larger than 1 MiB with the new variables", code="CI320")
    cut = [old for old in found if old]
    add = [*files, *(loader.files(variables) if loader else ()), NewFile(path, merged)]
    unpacked = directory.unpacked - sum(len(old.data) for old in cut) + sum(len(file.data) for file in add)
    if max_unpacked is not None and unpacked > max_unpacked:
        problem = f"holds {unpacked} bytes when unpacked, more than the {max_unpacked} that Lambda takes"
        raise ArtifactError(problem, remedy="take files out of it", code="CI324")
    segments = splice(directory, cut, add)
    new_size = sum(len(each.data) if isinstance(each, Insert) else each.end - each.start for each in segments)
    if max_size is not None and new_size > max_size:
        problem = f"takes {new_size} bytes with its variables, more than the {max_size} that Lambda accepts here"
        raise ArtifactError(problem, remedy="take files out of it", code="CI325")
    entries = directory.layout.entries - len(cut) + len(add)
    prefixed = directory.layout.base_offset > 0
    del directory  # up to 40 MB, which nothing needs while the archive is written
    if prefixed:  # the new offset may point, from the start of the file, to what some readers take for a directory
        read_directory(_read_back(source, segments), new_size)
    return Injected(
        size=new_size,
        unpacked=unpacked,
        entries=entries,
        code_sha256=destination.assemble(source, segments),
        names=tuple(variables),
    )
