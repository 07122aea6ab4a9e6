"""Read the central directory of a zip archive, strictly.

``read_directory`` takes a function that reads ranges of the archive, and the archive's size. It returns a
``Directory``: the raw bytes of the central directory, and the positions of its headers and of their entries. It does
not read the entries, apart from one signature if bytes precede the archive.

Whatever two readers could interpret differently is refused: the archive decides which code runs in production.
PKWARE's APPNOTE defines the headers in 4.3 to 4.6: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.
Errors: ArtifactError.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import le
from struct import Struct
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
    LOCAL_HEADER_SIGNATURE,
    UNICODE_PATH_FIELD,
    ZIP64_FIELD,
    Entry,
    display_name,
    extra_fields,
    is_unsafe,
    plain,
)
from cfn_injector.errors import ArtifactError

MAX_ENTRIES = 100_000
MAX_DIRECTORY_BYTES = 16 * 1024 * 1024
"""Bounds within which the provider can read a directory in its memory; no function comes near them."""
MAX_NAME_BYTES = 4096
"""Linux opens no longer path: https://man7.org/linux/man-pages/man7/path_resolution.7.html."""

_SCANNED = Struct("<4s4xH10x2I4H6xI")  # the part of CENTRAL_DIRECTORY_HEADER that is checked for every entry


@dataclass(frozen=True)
class Directory:
    """The central directory of an archive.

    ``raw`` holds its bytes. ``positions`` (of the headers in ``raw``) and ``offsets`` (as recorded) are indexed by
    entry. ``zip64_offsets`` maps that index to the position in ``raw`` of an offset that is in a ZIP64 extra field.
    ``names`` maps each name, normalized, to the index. ``bounds`` are the sorted positions in the source of all local
    headers and of the central directory. ``unpacked`` is the total size of all files, in bytes.
    """

    layout: Layout
    unpacked: int
    raw: bytes = field(repr=False)
    positions: Sequence[int] = field(repr=False)
    offsets: Sequence[int] = field(repr=False)
    zip64_offsets: Mapping[int, int] = field(repr=False)
    names: Mapping[bytes, int] = field(repr=False)
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

    The second value is the position of the offset in the field, or 0.
    """
    at, end = fields.get(ZIP64_FIELD, (0, 0))
    values: list[int] = []
    offset_at = 0
    for value, full, length in zip(short, (UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT16_MAX), (8, 8, 8, 4), strict=True):
        if value != full:
            values.append(value)
            continue
        if len(values) == 2:
            offset_at = at
        values.append(int.from_bytes(raw[at : at + length], "little"))
        at += length
    if at != end:
        raise ArtifactError(
            "has a ZIP64 extra field that does not match its central directory header", entry=display_name(name, flags)
        )
    return values, offset_at


def _add_aliases(indexes: dict[bytes, int], aliases: Iterable[tuple[int, bytes]], show: Callable[[int], str]) -> None:
    for index, alias in aliases:
        if b"\0" in alias or is_unsafe(alias):
            raise ArtifactError("has an alternative name that points outside the archive", entry=show(index))
        if indexes.setdefault(plain(alias), index) != index:
            raise ArtifactError("has an alternative name that another entry also has", entry=show(index))


def _indexed(
    names: Sequence[bytes], aliases: Iterable[tuple[int, bytes]], show: Callable[[int], str]
) -> dict[bytes, int]:
    """Map each normalized name to its index. Refuses unsafe names, and two names that are the same file."""
    # Searching all names at once is fast; each name is looked at only if that search finds something.
    joined = b"\0".join((b"", *names, b""))
    if joined.count(b"\0") != len(names) + 1:
        index = next(index for index, name in enumerate(names) if b"\0" in name)
        raise ArtifactError("has a NUL in its name", entry=show(index))
    if any(part in joined for part in (b"..", b"\0/", b":")):
        for index, name in enumerate(names):
            if is_unsafe(name):
                raise ArtifactError("has a name that points outside the archive", entry=show(index))
    if any(part in joined for part in (b"./", b"//", b"/.\0", b"\0.\0")):
        keys = [plain(name) for name in names]
        for index, key in enumerate(keys):
            if not key and not names[index].endswith(b"/"):
                raise ArtifactError("has a name that consists of dots only", entry=show(index))
    else:
        keys = [name.rstrip(b"/") for name in names]
    longest = max(names, key=len, default=b"")
    if len(longest) > MAX_NAME_BYTES:
        raise ArtifactError(f"has a name of more than {MAX_NAME_BYTES:,} bytes", entry=show(names.index(longest)))
    indexes = dict(zip(keys, range(len(keys)), strict=True))
    if len(indexes) != len(keys):
        index = next(index for index, key in enumerate(keys) if indexes[key] != index)
        raise ArtifactError("occurs twice", entry=show(index))
    _add_aliases(indexes, aliases, show)
    if b"\\" in joined:  # a separator to tools on Windows, and to some others
        del joined  # as large as all names, of which memory is about to hold a second spelling
        spelled = ((index, name.replace(b"\\", b"/")) for index, name in enumerate(names) if b"\\" in name)
        _add_aliases(indexes, spelled, show)
    return indexes


def _bounds(offsets: Sequence[int], ends: Sequence[int], start: int, show: Callable[[int], str]) -> list[int]:
    """The sorted positions of all entries and of the central directory. Refuses entries that overlap."""
    bounds = [*offsets, start]
    if all(map(le, ends, bounds[1:])):  # then they are sorted, as in nearly every archive
        return bounds
    order = sorted(range(len(offsets)), key=offsets.__getitem__)
    for index, following in pairwise(order):
        if ends[index] > offsets[following]:
            raise ArtifactError(f"overlaps the entry {show(following)!r}", entry=show(index))
    if ends[order[-1]] > start:
        raise ArtifactError("overlaps the central directory, or lies after it", entry=show(order[-1]))
    return sorted(bounds)


def _unicode_path(raw: bytes, start: int, end: int, name: bytes) -> list[bytes]:
    """The name in a Unicode path field; none if the field belongs to an earlier name."""
    valid = raw[start : start + 5] == b"\1" + crc32(name).to_bytes(4, "little")
    return [raw[start + 5 : end]] if valid else []


def _moved(bounds: list[int], by: int) -> list[int]:
    return [bound + by for bound in bounds] if by else bounds


def _scan(raw: bytes, layout: Layout) -> Directory:
    """Check every header of the central directory, then all names and positions together."""
    names: list[bytes] = []
    positions: list[int] = []
    offsets: list[int] = []
    ends: list[int] = []
    zip64_offsets: dict[int, int] = {}
    aliases: list[tuple[int, bytes]] = []
    at = unpacked = 0
    scan = _SCANNED.unpack_from
    for index in range(layout.entries):
        if at + 46 > len(raw):
            raise ArtifactError(f"declares {layout.entries} entries, but its central directory ends after {index}")
        signature, flags, compressed_size, size, name_length, extra_length, comment_length, disk, offset = scan(raw, at)
        name_end = at + 46 + name_length
        extra_end = name_end + extra_length
        name = raw[at + 46 : name_end]
        if signature != CENTRAL_DIRECTORY_SIGNATURE or extra_end + comment_length > len(raw):
            raise ArtifactError(f"has a central directory that is damaged at entry {index + 1} of {layout.entries}")
        if not name:
            raise ArtifactError("has no name", entry="")
        if flags & ENCRYPTION_FLAGS:
            remedy = "build the artifact without encryption"
            raise ArtifactError("is encrypted", entry=display_name(name, flags), remedy=remedy)
        fields = extra_fields(raw, name_end, extra_end, name, flags) if extra_length else {}
        if compressed_size == UINT32_MAX or size == UINT32_MAX or offset == UINT32_MAX or disk == UINT16_MAX:
            short = (size, compressed_size, offset, disk)
            (size, compressed_size, offset, disk), offset_at = _zip64_values(raw, fields, short, name, flags)
            if offset_at:
                zip64_offsets[index] = offset_at
        if disk:
            raise ArtifactError("is on another disk", entry=display_name(name, flags), remedy="join the parts")
        if UNICODE_PATH_FIELD in fields:
            aliases += ((index, alias) for alias in _unicode_path(raw, *fields[UNICODE_PATH_FIELD], name))
        names.append(name)
        positions.append(at)
        offsets.append(offset)
        ends.append(offset + 30 + name_length + compressed_size)
        unpacked += size
        at = extra_end + comment_length
    if at != len(raw):
        raise ArtifactError(
            f"has {len(raw) - at} more bytes in its central directory than its {layout.entries} entries take"
        )

    def show(index: int) -> str:
        return display_name(names[index], scan(raw, positions[index])[1])

    indexes = _indexed(names, aliases, show)
    bounds = _moved(_bounds(offsets, ends, layout.start - layout.base_offset, show), layout.base_offset)
    return Directory(layout, unpacked, raw, positions, offsets, zip64_offsets, indexes, bounds)


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
        )
    directory = _scan(read(layout.start, layout.start + layout.length), layout)
    first = directory.bounds[0]
    if first and layout.zip64_eocd:
        raise ArtifactError("has bytes in front of the archive, which is not supported with ZIP64")
    if layout.base_offset and read(first, first + 4) != LOCAL_HEADER_SIGNATURE:
        raise ArtifactError(
            f"is damaged: its central directory is {layout.base_offset} bytes off, but its entries are not"
        )
    return directory
