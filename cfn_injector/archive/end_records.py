"""The records at the end of a zip archive: find the directory by them, strictly, and write them anew.

In: a function that gives ranges of the archive, and its size. Out: a ``Layout``, which tells where the
directory stands; or, for a layout and what the directory has become, the bytes that follow it.

    entries | directory | ZIP64 end record | locator | end record | comment

Their form stays: a comment, ZIP64 records and what these hold beyond the usual. Layouts of records are
PKWARE's, APPNOTE 4.3.14 to 4.3.16, https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT. Errors:
ArtifactError.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from struct import Struct

from cfn_injector.errors import ArtifactError

Read = Callable[[int, int], bytes]  # read(start, end) gives exactly that range of the source

RECORD = Struct("<4s6H3I5H2I")
RECORD_MARK = b"PK\x01\x02"
FULL_16 = 0xFFFF  # what a field holds whose value stands in a ZIP64 field
FULL_32 = 0xFFFFFFFF
NEEDS_ZIP64 = 45
MADE_ON_UNIX = 3 << 8

_ZIP64_END = Struct("<4sQ2H2I4Q")
_ZIP64_END_MARK = b"PK\x06\x06"
_LOCATOR = Struct("<4sIQI")
_LOCATOR_MARK = b"PK\x06\x07"
_END = Struct("<4s4H2IH")
_END_MARK = b"PK\x05\x06"
_FULL = (FULL_16, FULL_16, FULL_32, FULL_32)  # of: entries on this disk, entries, length, offset
_LONGEST_COMMENT = 0xFFFF
_LONGEST_ZIP64_END = 0x10000
_MOST_CANDIDATES = 16

EMPTY_ARCHIVE = _END.pack(_END_MARK, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Layout:
    """Where the directory stands and how long it is, in bytes, and how many entries it tells of.

    ``shift`` is what the archive's own offsets lack, where bytes stand in front. ``zip64_end`` and
    ``locator`` are empty where there are none; ``end`` is the end record with the comment.
    """

    start: int
    length: int
    shift: int
    entries: int
    zip64_end: bytes = field(repr=False)
    locator: bytes = field(repr=False)
    end: bytes = field(repr=False)


def _disks() -> ArtifactError:
    return ArtifactError("is one part of an archive over several disks", remedy="join the parts")


def _zip64_end(read: Read, locator_at: int, locator: bytes) -> bytes:
    """The ZIP64 end record that the locator points to, with its extensible data."""
    _, disk, at, disks = _LOCATOR.unpack(locator)
    if disk or disks > 1:
        raise _disks()
    if _ZIP64_END.size <= locator_at - at <= _LONGEST_ZIP64_END:
        record = read(at, locator_at)
        mark, length = _ZIP64_END.unpack_from(record)[:2]
        if mark == _ZIP64_END_MARK and length == len(record) - 12:
            # Some readers take the last record before the locator, others the one that the locator points to.
            if record.rfind(_ZIP64_END_MARK, len(record) - _ZIP64_END.size) > 0:
                raise ArtifactError("has two ZIP64 end records")
            return record
    raise ArtifactError("has no ZIP64 end record where its locator points, or has bytes in front of it")


def _layout(read: Read, size: int, at: int) -> Layout:
    """The layout that the end record at ``at`` tells, if it can be true."""
    end = read(at, size)
    values: Sequence[int] = _END.unpack_from(end)[1:7]
    behind, zip64_end = at, b""
    locator = read(at - _LOCATOR.size, at) if at >= _LOCATOR.size else b""
    if locator.startswith(_LOCATOR_MARK):
        zip64_end = _zip64_end(read, at - _LOCATOR.size, locator)
        behind = at - _LOCATOR.size - len(zip64_end)
        wide = _ZIP64_END.unpack_from(zip64_end)[4:]
        full = (FULL_16, FULL_16, *_FULL)
        if any(short not in (mask, long) for short, mask, long in zip(values, full, wide, strict=True)):
            raise ArtifactError("has two end records that disagree")
        values = wide
    else:
        locator = b""
    disk, first_disk, entries_here, entries, length, offset = values
    if disk or first_disk or entries_here != entries:
        raise _disks()
    start = behind - length
    if start < offset:
        raise ArtifactError(f"is cut off or damaged: no directory of {length} bytes stands at byte {offset}")
    if not entries and start:
        raise ArtifactError(f"lists no entries in its {size} bytes")
    possible = entries * RECORD.size <= length <= entries * (RECORD.size + 3 * 0xFFFF)
    if not possible or (entries and read(start, start + 4) != RECORD_MARK):
        raise ArtifactError(f"has no directory of {entries} entries in the {length} bytes at byte {start}")
    return Layout(start, length, start - offset, entries, zip64_end, locator, end)


def find_directory(read: Read, size: int) -> Layout:
    """The layout by the one end record that reaches the last byte of the archive and can be true."""
    first = max(size - _END.size - _LONGEST_COMMENT, 0)
    window = read(first, size)
    layouts: list[Layout] = []
    problems: list[ArtifactError] = []
    at = window.rfind(_END_MARK)
    while at >= 0:
        comment_length = len(window) - at - _END.size
        if comment_length >= 0 and _END.unpack_from(window, at)[-1] == comment_length:
            try:
                layouts.append(_layout(read, size, first + at))
            except ArtifactError as problem:
                problems.append(problem)
        if len(layouts) > 1 or len(problems) > _MOST_CANDIDATES:
            raise ArtifactError("has several end records, each of which could be the one")
        at = window.rfind(_END_MARK, 0, at)
    if layouts:
        return layouts[0]
    if problems:
        raise problems[-1]
    raise ArtifactError("is no zip archive, or is cut off: no end record reaches its last byte")


def end_records(layout: Layout, entries: int, length: int, offset: int, *, prefixed: bool) -> bytes:
    """What follows a directory of ``length`` bytes at ``offset``: ``layout``'s records, brought up to date.

    ZIP64 records are made where they become necessary, which is refused where bytes stand in front
    (``prefixed``).
    """
    zip64_end, locator, end = bytearray(layout.zip64_end), bytearray(layout.locator), bytearray(layout.end)
    if not zip64_end and (entries >= FULL_16 or length >= FULL_32 or offset >= FULL_32):
        if prefixed:
            raise ArtifactError("would need ZIP64, which is refused with bytes in front")
        rest = (MADE_ON_UNIX | NEEDS_ZIP64, NEEDS_ZIP64, 0, 0, 0, 0, 0, 0)
        zip64_end += _ZIP64_END.pack(_ZIP64_END_MARK, _ZIP64_END.size - 12, *rest)
        locator += _LOCATOR.pack(_LOCATOR_MARK, 0, 0, 1)
    values = (entries, entries, length, offset)
    short = [min(value, full) for value, full in zip(values, _FULL, strict=True)]
    if zip64_end:
        Struct("<4Q").pack_into(zip64_end, 24, *values)
        Struct("<Q").pack_into(locator, 8, offset + length)
    if layout.zip64_end:  # a field that sent its readers to the ZIP64 record goes on doing so
        old = _END.unpack_from(end)[3:7]
        short = [full if was == full else now for was, full, now in zip(old, _FULL, short, strict=True)]
    Struct("<2H2I").pack_into(end, 8, *short)
    return b"".join((zip64_end, locator, end))
