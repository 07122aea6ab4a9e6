"""Plan a new archive out of an old one: what is kept, what is put in.

In: the ``Directory`` of an archive, the entries to cut out of it, the files to add. Out: segments, which
joined are the new archive: ranges of the old one, and one piece that holds the added entries, the directory
and the end records. What is not cut keeps its bytes, and of its directory record nothing changes but the
offset.

    source    | a.py |  .env | b.py | signing block | directory | end records
    segments  | Keep |       | Keep                 | Insert(new .env, directory, end records)

The result is the same wherever the entry that was cut stood. Errors: ArtifactError.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from struct import Struct
from typing import NamedTuple

from cfn_injector.archive.directory import (
    ENCRYPTED,
    HEADER,
    HEADER_MARK,
    IN_UTF8,
    ZIP64_FIELD,
    Directory,
    Entry,
    extra_fields,
    is_unsafe,
    plain,
    read_directory,
    through,
)
from cfn_injector.archive.end_records import (
    EMPTY_ARCHIVE,
    FULL_16,
    FULL_32,
    MADE_ON_UNIX,
    NEEDS_ZIP64,
    RECORD,
    RECORD_MARK,
    Read,
    end_records,
)
from cfn_injector.errors import ArtifactError

__all__ = [
    "EMPTY_ARCHIVE",
    "LARGEST_FILE",
    "Directory",
    "Entry",
    "Extracted",
    "Insert",
    "Keep",
    "NewFile",
    "Read",
    "Segment",
    "entry_name",
    "extract",
    "plain",
    "read_directory",
    "splice",
    "through",
]

LARGEST_FILE = 1024 * 1024

_STORED, _DEFLATED = 0, 8
_DESCRIBED = 1 << 3  # CRC and sizes stand in a data descriptor behind the content
_COMPARED = ENCRYPTED | _DESCRIBED
_LONGEST_DESCRIPTOR = 24
_LONGEST_PATH = 4096  # Linux unpacks no longer one
_NEEDS = 20
_FIRST_DAY = 1 << 5 | 1  # 1980-01-01
_OFFSET_AT = 42  # in a record
_OFFSET, _WIDE_OFFSET = Struct("<I"), Struct("<Q")


class Keep(NamedTuple):
    """A range of the source, in bytes; ``end`` is not part of it."""

    start: int
    end: int


class Insert(NamedTuple):
    """Bytes that are not in the source."""

    data: bytes


Segment = Keep | Insert


class NewFile(NamedTuple):
    """A file to add, stored, dated 1980-01-01. ``name`` is relative, with ``/`` between its parts."""

    name: str
    data: bytes
    mode: int = 0o644


class Extracted(NamedTuple):
    """An entry, its content, and where its bytes end in the source."""

    entry: Entry
    data: bytes
    end: int


def entry_name(path: str) -> bytes:
    """The name in an archive of the file at this path, without ``.`` parts. Refuses what leads elsewhere."""
    name = path.encode("utf-8", "ignore")
    parts = [part for part in name.split(b"/") if part != b"."]
    odd = is_unsafe(name) or b"\\" in name or b"\0" in name or name.decode() != path
    if odd or not parts or not all(parts) or len(name) > _LONGEST_PATH:
        remedy = "give a relative path of UTF-8 text, at most 4096 bytes, with / between its parts"
        raise ArtifactError("cannot have that name", entry=path, remedy=remedy)
    return b"/".join(parts)


def _content(entry: Entry, packed: bytes) -> bytes:
    """What an entry holds, of the recorded size and CRC."""
    data = packed
    if entry.method == _DEFLATED:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            data = inflater.decompress(packed, entry.size + 1)
        except zlib.error:
            raise ArtifactError("cannot be decompressed", entry=entry.shown) from None
        if not inflater.eof or inflater.unused_data:
            raise ArtifactError("does not end where its compressed bytes do", entry=entry.shown)
    if len(data) != entry.size or zlib.crc32(data) != entry.crc:
        raise ArtifactError("is damaged: its size or CRC is not the recorded one", entry=entry.shown)
    return data


def _descriptor_length(entry: Entry, behind: bytes, *, wide: bool) -> int:
    """How long the data descriptor is that ``behind`` starts with; its signature is optional."""
    for width in (8, 4) if wide else (4, 8):
        sizes = entry.packed.to_bytes(width, "little") + entry.size.to_bytes(width, "little")
        values = entry.crc.to_bytes(4, "little") + sizes
        for descriptor in (b"PK\x07\x08" + values, values):
            if behind.startswith(descriptor):
                return len(descriptor)
    raise ArtifactError("has no data descriptor that agrees with the directory", entry=entry.shown)


def extract(directory: Directory, entry: Entry, read: Read) -> Extracted:
    """The content of a file in the archive, at most 1 MiB, and where its bytes end.

    Its local header and data descriptor must agree with its record. ``read(start, end)`` gives a range of
    the source.
    """
    if not entry.is_file:
        raise ArtifactError("is no regular file", entry=entry.shown)
    if entry.method not in (_STORED, _DEFLATED):
        problem = f"is compressed by method {entry.method}"
        raise ArtifactError(problem, entry=entry.shown, remedy="build the artifact with deflate")
    if entry.size > LARGEST_FILE or entry.packed > 2 * LARGEST_FILE:
        raise ArtifactError("is larger than 1 MiB", entry=entry.shown)
    longest = HEADER.size + 2 * FULL_16 + entry.packed + _LONGEST_DESCRIPTOR
    stop = min(entry.limit, entry.offset + longest)
    data = read(entry.offset, stop if entry.last else stop + len(HEADER_MARK))
    if not entry.last:
        data, behind = data[: -len(HEADER_MARK)], data[-len(HEADER_MARK) :]
        if stop < entry.limit:
            behind = read(entry.limit, entry.limit + len(HEADER_MARK))
        if behind != HEADER_MARK:
            raise ArtifactError("is not followed by the entry that the directory tells of", entry=entry.shown)
    mark, _, flags, method, _, _, crc, packed, size, name_length, extra_length = HEADER.unpack_from(data)
    name_end = HEADER.size + name_length
    start = name_end + extra_length
    end = start + entry.packed
    found = (mark, flags & _COMPARED, method, data[HEADER.size : name_end])
    if found != (HEADER_MARK, entry.flags & _COMPARED, entry.method, entry.name) or end > len(data):
        raise ArtifactError("has a local header that disagrees with the directory", entry=entry.shown)
    wide_at, wide_end = extra_fields(data, name_end, start, entry.name, entry.flags).get(ZIP64_FIELD, (0, 0))
    if FULL_32 in (packed, size):
        if wide_end - wide_at < 16:
            raise ArtifactError("has a ZIP64 field that does not fit its local header", entry=entry.shown)
        size, packed = Struct("<2Q").unpack_from(data, wide_at)
    recorded = (entry.crc, entry.packed, entry.size)
    unknown = (0, 0, 0) if flags & _DESCRIBED else recorded
    if any(value not in known for value, *known in zip((crc, packed, size), recorded, unknown, strict=True)):
        raise ArtifactError("has a local header that disagrees with the directory", entry=entry.shown)
    content = _content(entry, data[start:end])
    if flags & _DESCRIBED:
        end += _descriptor_length(entry, data[end:], wide=wide_end > 0)
    return Extracted(entry, content, entry.offset + end if entry.last else entry.limit)


def _check_room(directory: Directory, gone: Sequence[int], names: Sequence[bytes]) -> None:
    """Refuses a name that is taken, that is a folder, or that stands in a folder that is none."""
    listed = b"\0".join((b"", *directory.names, *names))
    for place, name in enumerate(names):
        if directory.names.get(name, -1) not in (-1, *gone) or name in names[:place]:
            raise ArtifactError("would be in the archive twice", entry=name.decode())
        if b"\0" + name + b"/" in listed:
            raise ArtifactError("is a folder, where a file is to be written", entry=name.decode())
        for parent in (name[:at] for at, byte in enumerate(name) if byte == 0x2F):
            if parent in directory.names:
                entry = directory.entry(directory.names[parent])
                if not entry.is_folder or plain(entry.name) != parent:
                    raise ArtifactError(f"is no folder, which {name.decode()!r} needs", entry=entry.shown)


def _kept(cut: Sequence[Keep], end: int) -> Iterator[Keep]:
    """What lies between the sorted cuts, up to ``end``."""
    for before, behind in pairwise((Keep(0, 0), *cut, Keep(end, end))):
        if before.end < behind.start:
            yield Keep(before.end, behind.start)


def _moved(directory: Directory, cut: Sequence[Keep], gone: Sequence[int]) -> bytearray:
    """The records of what is kept, with the offsets that they have after the cuts."""
    raw = bytearray(directory.raw)
    if not cut:
        return raw
    starts = [start - directory.layout.shift for start, _ in cut]
    removed = [0, *accumulate(end - start for start, end in cut)]
    for index, offset in enumerate(directory.offsets):
        if offset > starts[0]:
            moved = offset - removed[bisect_left(starts, offset)]
            if index in directory.wide:
                _WIDE_OFFSET.pack_into(raw, directory.wide[index], moved)
            else:
                _OFFSET.pack_into(raw, directory.positions[index] + _OFFSET_AT, moved)
    ends = (*directory.positions[1:], len(raw))
    for index in sorted(gone, reverse=True):
        del raw[directory.positions[index] : ends[index]]
    return raw


def _new_entry(name: bytes, file: NewFile, offset: int) -> tuple[bytes, bytes]:
    """Local header and content, and the directory record, of a file whose header stands at ``offset``."""
    needs, wide = _NEEDS, b""
    if offset >= FULL_32:
        needs, wide = NEEDS_ZIP64, Struct("<2HQ").pack(ZIP64_FIELD, 8, offset)
    flags = 0 if name.isascii() else IN_UTF8
    length = len(file.data)
    facts = (needs, flags, _STORED, 0, _FIRST_DAY, zlib.crc32(file.data), length, length, len(name))
    header = HEADER.pack(HEADER_MARK, *facts, 0)
    attributes = (0o100000 | file.mode) << 16
    rest = (len(wide), 0, 0, 0, attributes, min(offset, FULL_32))
    record = RECORD.pack(RECORD_MARK, MADE_ON_UNIX | needs, *facts, *rest)
    return header + name + file.data, record + name + wide


def splice(directory: Directory, cut: Sequence[Extracted], add: Sequence[NewFile]) -> list[Segment]:
    """The segments of the archive without what is cut, and with what is added behind the rest."""
    names = [entry_name(file.name) for file in add]
    gone = [extracted.entry.index for extracted in cut]
    _check_room(directory, gone, names)
    ranges = sorted(Keep(extracted.entry.offset, extracted.end) for extracted in cut)
    kept = list(_kept(ranges, directory.layout.start))
    offset = sum(end - start for start, end in kept) - directory.layout.shift
    records = _moved(directory, ranges, gone)
    entries = bytearray()
    for name, file in zip(names, add, strict=True):
        entry, record = _new_entry(name, file, offset + len(entries))
        entries += entry
        records += record
    count = len(directory.offsets) - len(cut) + len(add)
    at = offset + len(entries)
    end = end_records(directory.layout, count, len(records), at, prefixed=directory.bounds[0] > 0)
    return [*kept, Insert(b"".join((entries, records, end)))]
