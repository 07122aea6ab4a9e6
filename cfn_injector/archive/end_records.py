"""Find the central directory of a zip archive by the records at its end, and update these records.

    entries | central directory | ZIP64 end of central directory | ZIP64 locator | end of central directory, comment

Other bytes may precede the entries, or follow the comment.

``find_directory`` takes a function that reads ranges of the archive, and the archive's size; it returns a ``Layout``.
``end_records`` takes a layout and what the central directory has become; it returns the bytes that follow it. The
comment, ZIP64 records and their extensible data are kept; bytes that follow the comment are not.

PKWARE's APPNOTE defines the records in 4.3.14 to 4.3.16:
https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT. Errors: ArtifactError.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from struct import Struct

from cfn_injector.archive.entry import LOCAL_HEADER_SIGNATURE
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
_SEARCHED = _EOCD.size + _LONGEST_COMMENT  # unzip, Go and Python look for the record in this many of the last bytes
_LONGEST_ZIP64_EOCD = 0x10000

EMPTY_ARCHIVE = _EOCD.pack(_EOCD_SIGNATURE, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Layout:
    """Where the central directory starts and how long it is, in bytes, and how many entries it lists.

    Add ``base_offset`` to an offset that the archive records to get a position in the source; it is not 0 if bytes
    precede the archive. ``zip64_eocd`` and ``zip64_locator`` are empty if the archive has none. ``eocd`` is the end of
    central directory record with the comment. ``trailing`` is how many bytes follow it.
    """

    start: int
    length: int
    base_offset: int
    entries: int
    zip64_eocd: bytes = field(repr=False)
    zip64_locator: bytes = field(repr=False)
    eocd: bytes = field(repr=False)
    trailing: int

    @property
    def plain_zip64(self) -> bool:
        """Whether the ZIP64 records have no extensible data, and count one disk, as every reader expects."""
        disks: int = _ZIP64_LOCATOR.unpack(self.zip64_locator)[3]
        return len(self.zip64_eocd) == _ZIP64_EOCD.size and disks == 1

    @property
    def needs_zip64(self) -> bool:
        """Whether readers that do not look for ZIP64 records by themselves are told to."""
        values: Sequence[int] = _EOCD.unpack_from(self.eocd)
        return values[4] == UINT16_MAX or values[6] == UINT32_MAX


def checked(read: Read) -> Read:
    """``read``, but empty ranges are not read, and fewer bytes than requested raise ArtifactError."""

    def exact(start: int, end: int) -> bytes:
        data = read(start, end) if start < end else b""
        if len(data) != end - start:
            problem = f"ended at byte {start + len(data)} while it was being read"
            raise ArtifactError(problem, remedy="deploy again", code="CI302")
        return data

    return exact


def _spanned() -> ArtifactError:
    return ArtifactError("is one part of an archive that spans several disks", remedy="join the parts", code="CI303")


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
                raise ArtifactError("has two ZIP64 end of central directory records", code="CI304")
            return record
    prefix = locator_at - _ZIP64_EOCD.size - at
    if prefix > 0 and read(prefix, prefix + 4) == LOCAL_HEADER_SIGNATURE:
        raise ArtifactError(
            "has a ZIP64 locator that does not count the bytes in front of the archive",
            remedy="remove these bytes, or rebuild the artifact with offsets that count them",
            code="CI306",
        )
    raise ArtifactError("has no ZIP64 end of central directory record where its locator points", code="CI305")


def _layout(read: Read, size: int, at: int, end: int) -> Layout:
    """The layout by the end of central directory record that starts at ``at``, and whose comment ends at ``end``."""
    eocd = read(at, end)
    values: Sequence[int] = _EOCD.unpack_from(eocd)[1:7]
    directory_end, zip64_eocd = at, b""
    locator = read(at - _ZIP64_LOCATOR.size, at) if at >= _ZIP64_LOCATOR.size else b""
    if locator.startswith(_ZIP64_LOCATOR_SIGNATURE):
        zip64_eocd = _zip64_eocd(read, at - _ZIP64_LOCATOR.size, locator)
        directory_end = at - _ZIP64_LOCATOR.size - len(zip64_eocd)
        zip64 = _ZIP64_EOCD.unpack_from(zip64_eocd)[4:]
        maxima = (UINT16_MAX, UINT16_MAX, *_MAXIMA)
        if any(short not in (full, long) for short, full, long in zip(values, maxima, zip64, strict=True)):
            raise ArtifactError("has two end of central directory records that disagree", code="CI304")
        values = zip64
    else:
        locator = b""
    disk, first_disk, entries_here, entries, length, offset = values
    if disk or first_disk or entries_here != entries:
        raise _spanned()
    start = directory_end - length
    if start < offset:
        problem = f"is truncated or damaged: no central directory of {length} bytes at byte {offset}"
        raise ArtifactError(problem, code="CI305")
    if not entries and start:
        raise ArtifactError(f"lists no entries in its {size} bytes", code="CI305")
    header = CENTRAL_DIRECTORY_HEADER.size
    possible = entries * header <= length <= entries * (header + 3 * 0xFFFF)
    if not possible or (entries and read(start, start + 4) != CENTRAL_DIRECTORY_SIGNATURE):
        problem = f"has no central directory of {entries} entries in the {length} bytes at byte {start}"
        raise ArtifactError(problem, code="CI305")
    return Layout(start, length, start - offset, entries, zip64_eocd, locator, eocd, size - end)


def _ends(window: bytes, at: int) -> int:
    """Where the comment of the end of central directory record at ``at`` ends."""
    return at + _EOCD.size + int(_EOCD.unpack_from(window, at)[-1])


def find_directory(read: Read, size: int) -> Layout:
    """The layout of an archive of ``size`` bytes.

    The last end of central directory record counts, as in unzip, Go and Python. Some readers skip a record whose
    comment does not end with the file, and Python also tries what only begins like a record. So ArtifactError is raised
    if there is a second record that any of them could take; and if no record is in the last 65,557 bytes.
    """
    first = max(size - _SEARCHED, 0)
    window = read(first, size)
    records = len(window) - _EOCD.size + len(_EOCD_SIGNATURE)  # the last signature of a whole record ends before this
    at = window.rfind(_EOCD_SIGNATURE, 0, max(records, 0))
    if at < 0:
        raise ArtifactError(
            "is not a zip archive, or is truncated: no end of central directory record in its last "
            f"{_SEARCHED:,} bytes",
            code="CI301",
        )
    end = _ends(window, at)
    if end > len(window):
        problem = "is truncated: its comment is shorter than its end of central directory record says"
        raise ArtifactError(problem, code="CI301")
    several = at + _EOCD.size < len(window) and _EOCD_SIGNATURE in window[at + 1 :]
    earlier = window.rfind(_EOCD_SIGNATURE, 0, at)
    while earlier >= 0 and not several:
        several = _ends(window, earlier) == len(window)
        earlier = window.rfind(_EOCD_SIGNATURE, 0, earlier)
    if several:
        raise ArtifactError("has several end of central directory records that could be valid", code="CI304")
    return _layout(read, size, first + at, first + end)


def end_records(layout: Layout, entries: int, length: int, offset: int) -> bytes:
    """The records of ``layout``, updated for a central directory of ``length`` bytes at the recorded ``offset``.

    Adds ZIP64 records if they become necessary. Go reads these where the locator points from the start of the file,
    whatever the other offsets count from.
    """
    zip64_eocd, locator, eocd = map(bytearray, (layout.zip64_eocd, layout.zip64_locator, layout.eocd))
    if not zip64_eocd and (entries >= UINT16_MAX or length >= UINT32_MAX or offset >= UINT32_MAX):
        rest = (MADE_BY_UNIX | ZIP64_VERSION, ZIP64_VERSION, 0, 0, 0, 0, 0, 0)
        zip64_eocd += _ZIP64_EOCD.pack(_ZIP64_EOCD_SIGNATURE, _ZIP64_EOCD.size - 12, *rest)
        locator += _ZIP64_LOCATOR.pack(_ZIP64_LOCATOR_SIGNATURE, 0, 0, 1)
    values = (entries, entries, length, offset)
    short = [min(value, full) for value, full in zip(values, _MAXIMA, strict=True)]
    if zip64_eocd:
        Struct("<4Q").pack_into(zip64_eocd, 24, *values)
        Struct("<Q").pack_into(locator, 8, layout.base_offset + offset + length)
    if layout.zip64_eocd:  # a field that refers its readers to the ZIP64 record continues to do so
        old = _EOCD.unpack_from(eocd)[3:7]
        short = [full if was == full else now for was, full, now in zip(old, _MAXIMA, short, strict=True)]
    Struct("<2H2I").pack_into(eocd, 8, *short)
    return b"".join((zip64_eocd, locator, eocd))
