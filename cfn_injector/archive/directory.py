"""Read the central directory of a zip archive, strictly.

``read_directory`` takes a function that reads ranges of the archive, and the archive's size. It returns a
``Directory``: the raw bytes of the central directory, and the positions of its headers and of their entries. It does
not read the entries, apart from two signatures if bytes precede the archive.

Whatever two readers could interpret differently is refused: the archive decides which code runs in production.
PKWARE's APPNOTE defines the headers in 4.3 to 4.6: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.
Errors: ArtifactError.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from itertools import pairwise
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from cfn_injector.archive.end_records import (
    CENTRAL_DIRECTORY_HEADER,
    CENTRAL_DIRECTORY_SIGNATURE,
    UINT16_MAX,
    UINT32_MAX,
    Layout,
    Read,
    checked,
    find_directory,
)
from cfn_injector.archive.entry import (
    ENCRYPTION_FLAGS,
    UNICODE_PATH_FIELD,
    ZIP64_FIELD,
    Entry,
    display_name,
    extra_fields,
)
from cfn_injector.archive.names import Names, index_names
from cfn_injector.archive.prefix import check_prefix
from cfn_injector.errors import ArtifactError

MAX_ENTRIES = 100_000
MAX_DIRECTORY_BYTES = 16 * 1024 * 1024
"""Bounds within which the provider can read a directory in its memory; no function comes near them."""

_FULL = (UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT16_MAX)
_ZIP64_OFFSET_AT = 16  # in a ZIP64 field that holds all values
_SCANNED = Struct("<4s4xH10x2I4H6xI")  # the part of CENTRAL_DIRECTORY_HEADER that is checked for every entry


@dataclass(frozen=True)
class Directory:
    """The central directory of an archive.

    ``raw`` holds its bytes. ``positions`` (of the headers in ``raw``; the last one is their end) and ``offsets`` (as
    recorded) are indexed by entry. ``zip64_offsets`` maps that index to the position in ``raw`` of an offset that is in
    a ZIP64 extra field, or of a copy there. ``names`` finds the index of a name. ``bounds`` are the sorted positions in
    the source of all local headers and of the central directory. ``unpacked`` is the total size of all files, in bytes.
    """

    layout: Layout
    unpacked: int
    raw: bytes = field(repr=False)
    positions: Sequence[int] = field(repr=False)
    offsets: Sequence[int] = field(repr=False)
    zip64_offsets: Mapping[int, int] = field(repr=False)
    names: Names = field(repr=False)
    bounds: Sequence[int] = field(repr=False)

    def entry(self, index: int) -> Entry:
        """The entry at that index."""
        at = self.positions[index]
        header = CENTRAL_DIRECTORY_HEADER.unpack_from(self.raw, at)
        made_by, flags, method = header[1], *header[3:5]
        crc, compressed_size, size, name_length, extra_length = header[7:12]
        name_end = at + CENTRAL_DIRECTORY_HEADER.size + name_length
        name = self.raw[at + CENTRAL_DIRECTORY_HEADER.size : name_end]
        if UINT32_MAX in (compressed_size, size):
            fields = extra_fields(self.raw, name_end, name_end + extra_length, name, flags)
            short = (size, compressed_size, header[16], header[13])
            (size, compressed_size, _, _), _ = _zip64_values(self.raw, fields, short, name, flags)
        offset = self.offsets[index] + self.layout.base_offset
        limit = self.bounds[bisect_right(self.bounds, offset)]
        return Entry(
            index=index,
            name=name,
            host_system=made_by >> 8,
            flags=flags,
            method=method,
            crc=crc,
            compressed_size=compressed_size,
            size=size,
            attributes=header[15],
            offset=offset,
            limit=limit,
            last=limit == self.layout.start,
        )

    def entries(self) -> Iterator[Entry]:
        """All entries, in the order of their headers."""
        return map(self.entry, range(self.layout.entries))


def _zip64_values(
    raw: bytes, fields: Mapping[int, tuple[int, int]], short: Sequence[int], name: bytes, flags: int
) -> tuple[list[int], int]:
    """Size, compressed size, offset and disk, read from the ZIP64 field where ``short`` refers to it.

    The field may hold more than these, as some writers put all values into it. A reader then finds the values in their
    order or at their fixed positions, so both have to be the same: what is not needed follows what is (APPNOTE 4.5.3).
    The second value is the position of the offset in the field, or of its copy there, or 0.
    """
    start, end = fields.get(ZIP64_FIELD, (0, 0))
    at, offset_at = start, 0
    values: list[int] = []
    referred = [value == full for value, full in zip(short, _FULL, strict=True)]
    for value, refers, length in zip(short, referred, (8, 8, 8, 4), strict=True):
        if len(values) == 2 and refers:
            offset_at = at
        values.append(int.from_bytes(raw[at : at + length], "little") if refers else value)
        at += length if refers else 0
    if at > end or (at < end and referred != sorted(referred, reverse=True)):
        raise ArtifactError(
            "has a ZIP64 extra field that does not match its central directory header",
            entry=display_name(name, flags),
            code="CI308",
        )
    copy = start + _ZIP64_OFFSET_AT
    if at <= copy <= end - 8 and int.from_bytes(raw[copy : copy + 8], "little") == values[2]:
        offset_at = copy
    return values, offset_at


def _check_overlaps(offsets: Sequence[int], ends: Sequence[int], start: int, show: Callable[[int], str]) -> None:
    """Refuses entries that overlap each other or the central directory, which starts at ``start``."""
    order = sorted(range(len(offsets)), key=offsets.__getitem__)
    for index, following in pairwise(order):
        if ends[index] > offsets[following]:
            raise ArtifactError(f"overlaps the entry {show(following)!r}", entry=show(index), code="CI309")
    if ends[order[-1]] > start:
        raise ArtifactError("overlaps the central directory, or lies after it", entry=show(order[-1]), code="CI309")


def _unicode_path(raw: bytes, start: int, end: int, name: bytes) -> list[bytes]:
    """The name in a Unicode path field; none if the field belongs to an earlier name."""
    valid = raw[start : start + 5] == b"\1" + crc32(name).to_bytes(4, "little")
    return [raw[start + 5 : end]] if valid else []


class _Scanned(NamedTuple):
    """What the headers say. The first four are as in ``Directory``, or by entry like its ``offsets``.

    ``names`` has a NUL before and after each name, and ``longest`` is the length of the longest. ``aliases`` are pairs
    of an index and another name. ``in_order``: the entries are in the order of their headers, and do not overlap.
    """

    positions: array[int]
    offsets: array[int]
    packed: array[int]
    zip64_offsets: dict[int, int]
    names: bytes
    longest: int
    aliases: list[tuple[int, bytes]]
    unpacked: int
    in_order: bool


def _scan(raw: bytes, layout: Layout) -> _Scanned:
    """Check every header of the central directory, each by itself."""
    names = BytesIO()  # unlike a bytearray, it yields bytes without a copy
    names.write(b"\0")
    positions, offsets, packed = array("I"), array("Q"), array("Q")  # in a list, each int takes 40 bytes
    zip64_offsets: dict[int, int] = {}
    aliases: list[tuple[int, bytes]] = []
    at = unpacked = end = longest = 0
    length = len(raw)
    in_order = True
    scan = _SCANNED.unpack_from
    for index in range(layout.entries):
        if at + 46 > length:
            problem = f"declares {layout.entries} entries, but its central directory ends after {index}"
            raise ArtifactError(problem, code="CI305")
        signature, flags, compressed_size, size, name_length, extra_length, comment_length, disk, offset = scan(raw, at)
        name_end = at + 46 + name_length
        extra_end = name_end + extra_length
        name = raw[at + 46 : name_end]
        if signature != CENTRAL_DIRECTORY_SIGNATURE or extra_end + comment_length > length:
            problem = f"has a central directory that is damaged at entry {index + 1} of {layout.entries}"
            raise ArtifactError(problem, code="CI305")
        if not name:
            raise ArtifactError("has no name", entry="", code="CI311")
        if flags & ENCRYPTION_FLAGS:
            remedy = "build the artifact without encryption"
            raise ArtifactError("is encrypted", entry=display_name(name, flags), remedy=remedy, code="CI310")
        fields = extra_fields(raw, name_end, extra_end, name, flags) if extra_length else {}
        full = compressed_size == UINT32_MAX or size == UINT32_MAX or offset == UINT32_MAX or disk == UINT16_MAX
        if full or ZIP64_FIELD in fields:
            short = (size, compressed_size, offset, disk)
            (size, compressed_size, offset, disk), offset_at = _zip64_values(raw, fields, short, name, flags)
            if offset_at:
                zip64_offsets[index] = offset_at
        if disk:
            shown = display_name(name, flags)
            raise ArtifactError("is on another disk", entry=shown, remedy="join the parts", code="CI303")
        if UNICODE_PATH_FIELD in fields:
            aliases += ((index, alias) for alias in _unicode_path(raw, *fields[UNICODE_PATH_FIELD], name))
        names.write(name + b"\0")
        positions.append(at)
        offsets.append(offset)
        packed.append(compressed_size)
        in_order = in_order and end <= offset
        longest = name_length if name_length > longest else longest
        end = offset + 30 + name_length + compressed_size
        unpacked += size
        at = extra_end + comment_length
    if at != len(raw):
        raise ArtifactError(
            f"has {len(raw) - at} more bytes in its central directory than its {layout.entries} entries take",
            code="CI305",
        )

    positions.append(at)
    in_order = in_order and end <= layout.start - layout.base_offset
    return _Scanned(positions, offsets, packed, zip64_offsets, names.getvalue(), longest, aliases, unpacked, in_order)


def _name(raw: bytes, at: int) -> bytes:
    """The name in the header at ``at``."""
    start = at + CENTRAL_DIRECTORY_HEADER.size
    return raw[start : start + _SCANNED.unpack_from(raw, at)[4]]


def _shown(raw: bytes, positions: Sequence[int], index: int) -> str:
    """The name of the entry at that index, for use in a message."""
    at = positions[index]
    return display_name(_name(raw, at), _SCANNED.unpack_from(raw, at)[1])


def _check(raw: bytes, layout: Layout, found: _Scanned) -> Directory:
    """Check all names and positions together."""
    positions, offsets = found.positions, found.offsets
    show = partial(_shown, raw, positions)
    if found.names.count(b"\0") != layout.entries + 1:
        index = next(index for index in range(layout.entries) if b"\0" in _name(raw, positions[index]))
        raise ArtifactError("has a NUL in its name", entry=show(index), code="CI311")
    names = index_names(found.names, layout.entries, found.longest, found.aliases, show)
    bounds = offsets
    if not found.in_order:
        rows = zip(positions[:-1], offsets, found.packed, strict=True)
        ends = [offset + 30 + len(_name(raw, at)) + packed for at, offset, packed in rows]
        _check_overlaps(offsets, ends, layout.start - layout.base_offset, show)
        bounds = array("Q", sorted(offsets))
    if layout.base_offset:
        bounds = array("Q", [offset + layout.base_offset for offset in bounds])
    bounds = bounds + array("Q", [layout.start])
    return Directory(layout, found.unpacked, raw, positions, offsets, found.zip64_offsets, names, bounds)


def read_directory(read: Read, size: int) -> Directory:
    """The central directory of an archive of ``size`` bytes; ``read(start, end)`` returns a range of it.

    Raises ArtifactError for an archive that cannot be rewritten safely.
    """
    read = checked(read)
    layout = find_directory(read, size)
    if layout.entries > MAX_ENTRIES or layout.length > MAX_DIRECTORY_BYTES:
        raise ArtifactError(
            f"lists {layout.entries:,} entries in {layout.length:,} bytes, more than the {MAX_ENTRIES:,} entries or "
            f"{MAX_DIRECTORY_BYTES:,} bytes that can be read safely",
            remedy="take files out of it",
            code="CI307",
        )
    raw = read(layout.start, layout.start + layout.length)
    directory = _check(raw, layout, _scan(raw, layout))
    check_prefix(directory.layout, directory.bounds[0], read)
    return directory
