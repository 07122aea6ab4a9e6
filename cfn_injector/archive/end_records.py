"""Find the central directory of a zip archive by the records at its end, and update these records.

    entries | central directory | ZIP64 end of central directory | ZIP64 locator | end of central directory, comment

``find_directory`` takes a function that reads ranges of the archive, and the archive's size; it returns a ``Layout``.
``end_records`` takes a layout and what the central directory has become; it returns the bytes that follow it. The
comment, ZIP64 records and their extensible data are kept.

PKWARE's APPNOTE defines the records in 4.3.14 to 4.3.16:
https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT. Errors: ArtifactError.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from struct import Struct

from cfn_injector.errors import ArtifactError

Read = Callable[[int, int], bytes]
"""``read(start, end)`` returns exactly that range of the archive; ``start`` is less than ``end``."""

CENTRAL_DIRECTORY_HEADER = Struct("<4s6H3I5H2I")
CENTRAL_DIRECTORY_SIGNATURE = b"PK\x01\x02"
UINT16_MAX = 0xFFFF  # a field that holds this has its value in a ZIP64 record or extra field
UINT32_MAX = 0xFFFFFFFF
ZIP64_VERSION = 45
MADE_BY_UNIX = 3 << 8

_ZIP64_EOCD = Struct("<4sQ2H2I4Q")
_ZIP64_EOCD_SIGNATURE = b"PK\x06\x06"
_ZIP64_LOCATOR = Struct("<4sIQI")
_ZIP64_LOCATOR_SIGNATURE = b"PK\x06\x07"
_EOCD = Struct("<4s4H2IH")  # the end of central directory record
_EOCD_SIGNATURE = b"PK\x05\x06"
_MAXIMA = (UINT16_MAX, UINT16_MAX, UINT32_MAX, UINT32_MAX)  # of: entries on this disk, entries, length, offset
_LONGEST_COMMENT = 0xFFFF
_LONGEST_ZIP64_EOCD = 0x10000
_MOST_CANDIDATES = 16

EMPTY_ARCHIVE = _EOCD.pack(_EOCD_SIGNATURE, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Layout:
    """Where the central directory starts and how long it is, in bytes, and how many entries it lists.

    Add ``base_offset`` to an offset that the archive records to get a position in the source; it is not 0 if bytes
    precede the archive. ``zip64_eocd`` and ``zip64_locator`` are empty if the archive has none. ``eocd`` is the end of
    central directory record with the comment.
    """

    start: int
    length: int
    base_offset: int
    entries: int
    zip64_eocd: bytes = field(repr=False)
    zip64_locator: bytes = field(repr=False)
    eocd: bytes = field(repr=False)


def checked(read: Read) -> Read:
    """``read``, but empty ranges are not read, and fewer bytes than requested raise ArtifactError."""

    def exact(start: int, end: int) -> bytes:
        data = read(start, end) if start < end else b""
        if len(data) != end - start:
            raise ArtifactError(f"ended at byte {start + len(data)} while it was being read", remedy="deploy again")
        return data

    return exact


def _spanned() -> ArtifactError:
    return ArtifactError("is one part of an archive that spans several disks", remedy="join the parts")


def _zip64_eocd(read: Read, locator_at: int, locator: bytes) -> bytes:
    """The ZIP64 end of central directory record that the locator points to, with its extensible data."""
    _, disk, at, disks = _ZIP64_LOCATOR.unpack(locator)
    if disk or disks > 1:
        raise _spanned()
    if _ZIP64_EOCD.size <= locator_at - at <= _LONGEST_ZIP64_EOCD:
        record = read(at, locator_at)
        signature, length = _ZIP64_EOCD.unpack_from(record)[:2]
        if signature == _ZIP64_EOCD_SIGNATURE and length == len(record) - 12:
            # Some readers use the last record before the locator, others the one that the locator points to.
            if record.rfind(_ZIP64_EOCD_SIGNATURE, len(record) - _ZIP64_EOCD.size) > 0:
                raise ArtifactError("has two ZIP64 end of central directory records")
            return record
    raise ArtifactError(
        "has no ZIP64 end of central directory record where its locator points, or has bytes in front of the archive"
    )


def _layout(read: Read, size: int, at: int) -> Layout:
    """The layout by the end of central directory record at ``at``, if that record can be valid."""
    eocd = read(at, size)
    values: Sequence[int] = _EOCD.unpack_from(eocd)[1:7]
    directory_end, zip64_eocd = at, b""
    locator = read(at - _ZIP64_LOCATOR.size, at) if at >= _ZIP64_LOCATOR.size else b""
    if locator.startswith(_ZIP64_LOCATOR_SIGNATURE):
        zip64_eocd = _zip64_eocd(read, at - _ZIP64_LOCATOR.size, locator)
        directory_end = at - _ZIP64_LOCATOR.size - len(zip64_eocd)
        zip64 = _ZIP64_EOCD.unpack_from(zip64_eocd)[4:]
        maxima = (UINT16_MAX, UINT16_MAX, *_MAXIMA)
        if any(short not in (full, long) for short, full, long in zip(values, maxima, zip64, strict=True)):
            raise ArtifactError("has two end of central directory records that disagree")
        values = zip64
    else:
        locator = b""
    disk, first_disk, entries_here, entries, length, offset = values
    if disk or first_disk or entries_here != entries:
        raise _spanned()
    start = directory_end - length
    if start < offset:
        raise ArtifactError(f"is truncated or damaged: no central directory of {length} bytes at byte {offset}")
    if not entries and start:
        raise ArtifactError(f"lists no entries in its {size} bytes")
    header = CENTRAL_DIRECTORY_HEADER.size
    possible = entries * header <= length <= entries * (header + 3 * 0xFFFF)
    if not possible or (entries and read(start, start + 4) != CENTRAL_DIRECTORY_SIGNATURE):
        raise ArtifactError(f"has no central directory of {entries} entries in the {length} bytes at byte {start}")
    return Layout(start, length, start - offset, entries, zip64_eocd, locator, eocd)


def find_directory(read: Read, size: int) -> Layout:
    """The layout of an archive of ``size`` bytes.

    Raises ArtifactError unless exactly one end of central directory record can be valid. Its comment must end with the
    archive.
    """
    first = max(size - _EOCD.size - _LONGEST_COMMENT, 0)
    window = read(first, size)
    layouts: list[Layout] = []
    problems: list[ArtifactError] = []
    at = window.rfind(_EOCD_SIGNATURE)
    while at >= 0:
        comment_length = len(window) - at - _EOCD.size
        if comment_length >= 0 and _EOCD.unpack_from(window, at)[-1] == comment_length:
            try:
                layouts.append(_layout(read, size, first + at))
            except ArtifactError as problem:
                problems.append(problem)
        if len(layouts) > 1 or len(problems) > _MOST_CANDIDATES:
            raise ArtifactError("has several end of central directory records that could be valid")
        at = window.rfind(_EOCD_SIGNATURE, 0, at)
    if layouts:
        return layouts[0]
    if problems:
        raise problems[-1]
    raise ArtifactError("is not a zip archive, or is truncated: no end of central directory record at its end")


def end_records(layout: Layout, entries: int, length: int, offset: int, *, prefixed: bool) -> bytes:
    """The records of ``layout``, updated for a central directory of ``length`` bytes at ``offset``.

    Adds ZIP64 records if they become necessary. Raises ArtifactError if they do and bytes precede the archive
    (``prefixed``).
    """
    zip64_eocd, locator, eocd = map(bytearray, (layout.zip64_eocd, layout.zip64_locator, layout.eocd))
    if not zip64_eocd and (entries >= UINT16_MAX or length >= UINT32_MAX or offset >= UINT32_MAX):
        if prefixed:
            raise ArtifactError("would need ZIP64, which is not supported with bytes in front of the archive")
        rest = (MADE_BY_UNIX | ZIP64_VERSION, ZIP64_VERSION, 0, 0, 0, 0, 0, 0)
        zip64_eocd += _ZIP64_EOCD.pack(_ZIP64_EOCD_SIGNATURE, _ZIP64_EOCD.size - 12, *rest)
        locator += _ZIP64_LOCATOR.pack(_ZIP64_LOCATOR_SIGNATURE, 0, 0, 1)
    values = (entries, entries, length, offset)
    short = [min(value, full) for value, full in zip(values, _MAXIMA, strict=True)]
    if zip64_eocd:
        Struct("<4Q").pack_into(zip64_eocd, 24, *values)
        Struct("<Q").pack_into(locator, 8, offset + length)
    if layout.zip64_eocd:  # a field that refers its readers to the ZIP64 record continues to do so
        old = _EOCD.unpack_from(eocd)[3:7]
        short = [full if was == full else now for was, full, now in zip(old, _MAXIMA, short, strict=True)]
    Struct("<2H2I").pack_into(eocd, 8, *short)
    return b"".join((zip64_eocd, locator, eocd))
