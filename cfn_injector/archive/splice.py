"""Plan a new archive out of an old one: what is kept, what is inserted.

``splice`` takes the ``Directory`` of an archive, the entries to cut out of it, and the files to add. It returns
segments, which joined are the new archive: ranges of the old one, and one piece that holds the added entries, the
central directory and the end records. Entries that are kept do not change a byte, and their central directory headers
change only the offset.

    source    | a.py |  .env | b.py | signing block | central directory | end records
    segments  | Keep |       | Keep                 | Insert(new .env, central directory, end records)

The result does not depend on the position of the entry that was cut. Errors: ArtifactError.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import accumulate, pairwise
from struct import Struct
from typing import NamedTuple

from cfn_injector.archive.directory import Directory
from cfn_injector.archive.end_records import (
    CENTRAL_DIRECTORY_HEADER,
    CENTRAL_DIRECTORY_SIGNATURE,
    MADE_BY_UNIX,
    UINT16_MAX,
    UINT32_MAX,
    ZIP64_VERSION,
    Read,
    checked,
    end_records,
)
from cfn_injector.archive.entry import (
    ENCRYPTION_FLAGS,
    LOCAL_HEADER,
    LOCAL_HEADER_SIGNATURE,
    UTF8_FLAG,
    ZIP64_FIELD,
    Entry,
    extra_fields,
    is_unsafe,
    plain,
)
from cfn_injector.errors import ArtifactError

LARGEST_FILE = 1024 * 1024

_STORED, _DEFLATED = 0, 8
_DESCRIPTOR_FLAG = 1 << 3  # CRC and sizes are in a data descriptor after the content
_COMPARED_FLAGS = ENCRYPTION_FLAGS | _DESCRIPTOR_FLAG
_LONGEST_DESCRIPTOR = 24
_LONGEST_PATH = 4096  # Linux's limit
_VERSION_NEEDED = 20
_FIRST_DAY = 1 << 5 | 1  # 1980-01-01
_OFFSET_AT = 42  # in a central directory header
_OFFSET, _ZIP64_OFFSET = Struct("<I"), Struct("<Q")


class Keep(NamedTuple):
    """A range of the source, in bytes; ``end`` is exclusive."""

    start: int
    end: int


class Insert(NamedTuple):
    """Bytes that are not in the source."""

    data: bytes


Segment = Keep | Insert


class NewFile(NamedTuple):
    """A file to add, uncompressed and dated 1980-01-01. ``name`` is a relative path with ``/`` separators."""

    name: str
    data: bytes
    mode: int = 0o644


class Extracted(NamedTuple):
    """An entry, its content, and the position in the source after its last byte."""

    entry: Entry
    data: bytes
    end: int


def entry_name(path: str) -> bytes:
    """The entry name for a file at this path, without ``.`` parts. Refuses paths that point outside the archive."""
    name = path.encode("utf-8", "ignore")
    parts = [part for part in name.split(b"/") if part != b"."]
    odd = is_unsafe(name) or b"\\" in name or b"\0" in name or name.decode() != path
    if odd or not parts or not all(parts) or len(name) > _LONGEST_PATH:
        remedy = "give a relative path of UTF-8 text, at most 4096 bytes, with / between its parts"
        raise ArtifactError("has an invalid name", entry=path, remedy=remedy, code="CI315")
    return b"/".join(parts)


def _content(entry: Entry, compressed: bytes) -> bytes:
    """The content of an entry, checked against its size and CRC."""
    data = compressed
    if entry.method == _DEFLATED:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            data = inflater.decompress(compressed, entry.size + 1)
        except zlib.error:
            raise ArtifactError("cannot be decompressed", entry=entry.display_name, code="CI318") from None
        if not inflater.eof or inflater.unused_data:
            problem = "does not end where its compressed data ends"
            raise ArtifactError(problem, entry=entry.display_name, code="CI318")
    if len(data) != entry.size or zlib.crc32(data) != entry.crc:
        problem = "is damaged: its size or CRC does not match the central directory"
        raise ArtifactError(problem, entry=entry.display_name, code="CI318")
    return data


def _descriptor_length(entry: Entry, data: bytes, *, zip64: bool) -> int:
    """The length of the data descriptor at the start of ``data``; its signature is optional."""
    for width in (8, 4) if zip64 else (4, 8):
        sizes = entry.compressed_size.to_bytes(width, "little") + entry.size.to_bytes(width, "little")
        values = entry.crc.to_bytes(4, "little") + sizes
        for descriptor in (b"PK\x07\x08" + values, values):
            if data.startswith(descriptor):
                return len(descriptor)
    problem = "has no data descriptor that matches the central directory"
    raise ArtifactError(problem, entry=entry.display_name, code="CI319")


def _entry_bytes(entry: Entry, read: Read) -> bytes:
    """The entry's bytes up to ``limit``, or as many as it can have. Checks the signature of the entry that follows."""
    longest = LOCAL_HEADER.size + 2 * UINT16_MAX + entry.compressed_size + _LONGEST_DESCRIPTOR
    stop = min(entry.limit, entry.offset + longest)
    if entry.last:
        return read(entry.offset, stop)
    length = len(LOCAL_HEADER_SIGNATURE)
    data = read(entry.offset, stop + length)
    following = data[-length:] if stop == entry.limit else read(entry.limit, entry.limit + length)
    if following != LOCAL_HEADER_SIGNATURE:
        problem = "is not followed by the entry that the central directory lists next"
        raise ArtifactError(problem, entry=entry.display_name, code="CI319")
    return data[:-length]


def extract(entry: Entry, read: Read) -> Extracted:
    """The content of a file in the archive, at most 1 MiB, and where its bytes end.

    Its local header and data descriptor must agree with the central directory. ``read(start, end)`` returns a range of
    the source.
    """
    if not entry.is_file:
        raise ArtifactError("is not a regular file", entry=entry.display_name, code="CI316")
    if entry.method not in (_STORED, _DEFLATED):
        problem = f"uses compression method {entry.method}"
        remedy = "build the artifact with deflate"
        raise ArtifactError(problem, entry=entry.display_name, remedy=remedy, code="CI317")
    if entry.size > LARGEST_FILE or entry.compressed_size > 2 * LARGEST_FILE:
        raise ArtifactError("is larger than 1 MiB", entry=entry.display_name, code="CI320")
    data = _entry_bytes(entry, checked(read))
    signature, _, flags, method, _, _, crc, compressed_size, size, name_length, extra_length = LOCAL_HEADER.unpack_from(
        data
    )
    name_end = LOCAL_HEADER.size + name_length
    start = name_end + extra_length
    end = start + entry.compressed_size
    problem = "has a local header that disagrees with the central directory"
    mismatch = ArtifactError(problem, entry=entry.display_name, code="CI319")
    found = (signature, flags & _COMPARED_FLAGS, method, data[LOCAL_HEADER.size : name_end])
    expected = (LOCAL_HEADER_SIGNATURE, entry.flags & _COMPARED_FLAGS, entry.method, entry.name)
    if found != expected or end > len(data):
        raise mismatch
    fields = extra_fields(data, name_end, start, entry.name, entry.flags)
    zip64_at, zip64_end = fields.get(ZIP64_FIELD, (0, 0))
    if UINT32_MAX in (compressed_size, size):
        if zip64_end - zip64_at < 16:
            problem = "has a ZIP64 extra field that does not match its local header"
            raise ArtifactError(problem, entry=entry.display_name, code="CI308")
        size, compressed_size = Struct("<2Q").unpack_from(data, zip64_at)
    recorded = (entry.crc, entry.compressed_size, entry.size)
    unknown = (0, 0, 0) if flags & _DESCRIPTOR_FLAG else recorded
    values = zip((crc, compressed_size, size), recorded, unknown, strict=True)
    if any(value not in known for value, *known in values):
        raise mismatch
    content = _content(entry, data[start:end])
    if flags & _DESCRIPTOR_FLAG:
        end += _descriptor_length(entry, data[end:], zip64=zip64_end > 0)
    return Extracted(entry, content, entry.offset + end if entry.last else entry.limit)


def _check_room(directory: Directory, gone: Sequence[int], names: Sequence[bytes]) -> None:
    """Refuses a name that exists, that is a folder, or that is below something other than a folder."""
    for place, name in enumerate(names):
        if directory.names.find(name) not in (None, *gone) or name in names[:place]:
            raise ArtifactError("would be in the archive twice", entry=name.decode(), code="CI322")
        folder = name + b"/"
        if b"\0" + folder in directory.names.joined or any(other.startswith(folder) for other in names):
            problem = "is a folder, but a file is to be written there"
            raise ArtifactError(problem, entry=name.decode(), code="CI322")
        for parent in (name[:at] for at, byte in enumerate(name) if byte == 0x2F):
            index = directory.names.find(parent)
            if index is not None:
                entry = directory.entry(index)
                if not entry.is_folder or plain(entry.name) != parent:
                    problem = f"is not a folder, but {name.decode()!r} needs one"
                    raise ArtifactError(problem, entry=entry.display_name, code="CI322")


def _kept(cut: Sequence[Keep], end: int) -> Iterator[Keep]:
    """The ranges between the sorted cuts, up to ``end``."""
    for before, after in pairwise((Keep(0, 0), *cut, Keep(end, end))):
        if before.end < after.start:
            yield Keep(before.end, after.start)


def _write_headers(file: BytesIO, directory: Directory, cut: Sequence[Keep], gone: Sequence[int]) -> None:
    """Writes the central directory headers of the entries that are not gone, with their offsets after the cuts."""
    positions, offsets, raw = directory.positions, directory.offsets, memoryview(directory.raw)
    starts = [start - directory.layout.base_offset for start, _ in cut]
    removed = [0, *accumulate(end - start for start, end in cut)]
    for before, after in pairwise((-1, *sorted(gone), len(offsets))):
        first = before + 1
        shift = file.tell() - positions[first]
        file.write(raw[positions[first] : positions[after]])
        rows = zip(positions[first:after], offsets[first:after], strict=True)
        with file.getbuffer() as data:
            for index, (at, offset) in enumerate(rows, first):
                by = removed[bisect_left(starts, offset)]
                if not by:
                    continue
                if index in directory.zip64_offsets:
                    _ZIP64_OFFSET.pack_into(data, directory.zip64_offsets[index] + shift, offset - by)
                    if _OFFSET.unpack_from(raw, at + _OFFSET_AT)[0] == UINT32_MAX:
                        continue
                _OFFSET.pack_into(data, at + shift + _OFFSET_AT, offset - by)


def _new_entry(name: bytes, file: NewFile, offset: int) -> tuple[bytes, bytes]:
    """The local header and content, and the central directory header, of a file at ``offset``."""
    version, zip64 = _VERSION_NEEDED, b""
    if offset >= UINT32_MAX:
        version, zip64 = ZIP64_VERSION, Struct("<2HQ").pack(ZIP64_FIELD, 8, offset)
    flags = 0 if name.isascii() else UTF8_FLAG
    size = len(file.data)
    common = (version, flags, _STORED, 0, _FIRST_DAY, zlib.crc32(file.data), size, size, len(name))
    local = LOCAL_HEADER.pack(LOCAL_HEADER_SIGNATURE, *common, 0)
    attributes = (0o100000 | file.mode) << 16
    rest = (len(zip64), 0, 0, 0, attributes, min(offset, UINT32_MAX))
    central = CENTRAL_DIRECTORY_HEADER.pack(CENTRAL_DIRECTORY_SIGNATURE, MADE_BY_UNIX | version, *common, *rest)
    return local + name + file.data, central + name + zip64


def splice(directory: Directory, cut: Sequence[Extracted], add: Sequence[NewFile]) -> list[Segment]:
    """The segments of the archive without the entries in ``cut``, and with the files in ``add`` after the others."""
    names = [entry_name(file.name) for file in add]
    gone = [extracted.entry.index for extracted in cut]
    _check_room(directory, gone, names)
    ranges = sorted(Keep(extracted.entry.offset, extracted.end) for extracted in cut)
    kept = list(_kept(ranges, directory.layout.start))
    offset = sum(end - start for start, end in kept) - directory.layout.base_offset
    file, headers = BytesIO(), bytearray()  # BytesIO yields its bytes without a copy, which may take 16 MiB
    for name, new in zip(names, add, strict=True):
        entry, header = _new_entry(name, new, offset + file.tell())
        file.write(entry)
        headers += header
    at = file.tell()
    _write_headers(file, directory, ranges, gone)
    file.write(headers)
    count = len(directory.offsets) - len(cut) + len(add)
    file.write(end_records(directory.layout, count, file.tell() - at, offset + at))
    return [*kept, Insert(file.getvalue())]
