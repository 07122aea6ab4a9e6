"""Read the directory of a zip archive, strictly.

In: the last bytes of an archive, the size of the whole, and a function that gives any other range of it.
Out: a ``Directory``: the bytes of the central directory as they are, and where its records and their
entries stand. Of the entries nothing is read, but for one signature where bytes stand in front of the
archive.

What two readers could understand in two ways is refused: this decides which code runs in production.
Layouts of records are PKWARE's, APPNOTE 4.3 to 4.6,
https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT. Errors: ArtifactError.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import le
from struct import Struct
from zlib import crc32

from cfn_injector.archive.end_records import FULL_16, FULL_32, RECORD, RECORD_MARK, Layout, Read, find_directory
from cfn_injector.errors import ArtifactError

HEADER = Struct("<4s5H3I2H")
HEADER_MARK = b"PK\x03\x04"
ENCRYPTED = 1 << 0 | 1 << 6 | 1 << 13
IN_UTF8 = 1 << 11
ZIP64_FIELD = 0x0001

_PATH_FIELD = 0x7075  # Info-ZIP's Unicode path: readers that know it prefer it to the entry's own name
_SCANNED = Struct("<4s4xH10x2I4H6xI")  # the part of RECORD that is looked at in every record
_FIELD = Struct("<2H")
_TYPE, _FILE, _FOLDER = 0o170000, 0o100000, 0o040000
_DOS_FOLDER = 0x10
_UNSAFE = re.compile(rb"[/\\]|[A-Za-z]:[/\\]|(?:.*[/\\])?\.\.(?:[/\\]|\Z)", re.DOTALL)


@dataclass(frozen=True)
class Entry:
    """One record of the directory.

    ``offset`` is where its local header stands in the source, ``limit`` where the next one does, or the
    directory if this entry is the ``last``. ``packed`` and ``size`` count bytes.
    """

    index: int
    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    attributes: int
    offset: int
    limit: int
    last: bool

    @property
    def shown(self) -> str:
        """The name as it may stand in a message."""
        return shown(self.name, self.flags)

    @property
    def is_file(self) -> bool:
        """Whether every reader takes it for a regular file: not for a folder, a link or a device."""
        if self.name.endswith(b"/") or self.attributes & _DOS_FOLDER:
            return False
        return self.attributes >> 16 & _TYPE in (0, _FILE)

    @property
    def is_folder(self) -> bool:
        """Whether every reader takes it for a folder."""
        return self.name.endswith(b"/") and self.attributes >> 16 & _TYPE in (0, _FILE, _FOLDER)


@dataclass(frozen=True)
class Directory:
    """The directory of an archive.

    ``raw`` are its bytes. ``positions`` (of the records in ``raw``) and ``offsets`` (as recorded) go by
    index of record; ``wide`` leads from that index to the place in ``raw`` of an offset that stands in a
    ZIP64 field. ``names`` leads from what each name means to the index. ``bounds`` are the sorted positions
    in the source of all local headers and of the directory. ``unpacked`` counts the bytes of all files.
    """

    layout: Layout
    unpacked: int
    raw: bytes = field(repr=False)
    positions: Sequence[int] = field(repr=False)
    offsets: Sequence[int] = field(repr=False)
    wide: Mapping[int, int] = field(repr=False)
    names: Mapping[bytes, int] = field(repr=False)
    bounds: Sequence[int] = field(repr=False)

    def entry(self, index: int) -> Entry:
        """The record of that index."""
        at = self.positions[index]
        record = RECORD.unpack_from(self.raw, at)
        flags, method, crc, packed, size, name_length, extra_length = (*record[3:5], *record[7:12])
        name_end = at + RECORD.size + name_length
        name = self.raw[at + RECORD.size : name_end]
        if FULL_32 in (packed, size):
            fields = extra_fields(self.raw, name_end, name_end + extra_length, name, flags)
            short = (size, packed, record[16], record[13])
            (size, packed, _, _), _ = _widened(self.raw, fields, short, name, flags)
        offset = self.offsets[index] + self.layout.shift
        limit = self.bounds[bisect_right(self.bounds, offset)]
        last = limit == self.layout.start
        return Entry(index, name, flags, method, crc, packed, size, record[15], offset, limit, last)


def shown(name: bytes, flags: int) -> str:
    """A name in the encoding that its flags tell, cut where it would fill a message."""
    text = name.decode("utf-8", "backslashreplace") if flags & IN_UTF8 else name.decode("cp437")
    return text if len(text) <= 200 else f"{text[:200]}..."


def plain(name: bytes) -> bytes:
    """What a name means to those who unpack it: without its empty and ``.`` parts."""
    return b"/".join(part for part in name.split(b"/") if part not in (b"", b"."))


def is_unsafe(name: bytes) -> bool:
    """Whether a name leads out of the folder that it is unpacked into, here or on Windows."""
    return _UNSAFE.match(name) is not None


def extra_fields(data: bytes, at: int, end: int, name: bytes, flags: int) -> dict[int, tuple[int, int]]:
    """Where in ``data`` the extra fields that matter have their values. Up to three zeros may pad them."""
    fields: dict[int, tuple[int, int]] = {}
    while at + 4 <= end:
        identifier, length = _FIELD.unpack_from(data, at)
        at += 4 + length
        if identifier in (ZIP64_FIELD, _PATH_FIELD):
            if identifier in fields:
                raise ArtifactError("has the same extra field twice", entry=shown(name, flags))
            fields[identifier] = at - length, at
    if at != end and (at > end or any(data[at:end])):
        raise ArtifactError("has extra fields that overrun their space", entry=shown(name, flags))
    return fields


def _widened(
    raw: bytes, fields: Mapping[int, tuple[int, int]], short: Sequence[int], name: bytes, flags: int
) -> tuple[list[int], int]:
    """Size, packed size, offset and disk, the full ones from the ZIP64 field; the offset's place in it."""
    at, end = fields.get(ZIP64_FIELD, (0, 0))
    values: list[int] = []
    offset_at = 0
    for value, full, length in zip(short, (FULL_32, FULL_32, FULL_32, FULL_16), (8, 8, 8, 4), strict=True):
        if value != full:
            values.append(value)
            continue
        if len(values) == 2:
            offset_at = at
        values.append(int.from_bytes(raw[at : at + length], "little"))
        at += length
    if at != end:
        raise ArtifactError("has a ZIP64 field that does not fit its record", entry=shown(name, flags))
    return values, offset_at


def _indexed(names: Sequence[bytes], aliases: list[tuple[int, bytes]], show: Callable[[int], str]) -> dict[bytes, int]:
    """What each name means, to its index. Refuses a name that leads elsewhere, and two that mean the same."""
    # One search in all names together costs little; only where it finds something is each name looked at.
    joined = b"\0".join((b"", *names, b""))
    if joined.count(b"\0") != len(names) + 1:
        index = next(index for index, name in enumerate(names) if b"\0" in name)
        raise ArtifactError("has a NUL in its name", entry=show(index))
    if any(part in joined for part in (b"..", b"\0/", b":")):
        for index, name in enumerate(names):
            if is_unsafe(name):
                raise ArtifactError("has a name that leads out of the archive", entry=show(index))
    if any(part in joined for part in (b"./", b"//", b"/.\0", b"\0.\0")):
        keys = [plain(name) for name in names]
        for index, key in enumerate(keys):
            if not key and not names[index].endswith(b"/"):
                raise ArtifactError("has a name that is empty but for dots", entry=show(index))
    else:
        keys = [name.rstrip(b"/") for name in names]
    indexes = dict(zip(keys, range(len(keys)), strict=True))
    if len(indexes) != len(keys):
        index = next(index for index, key in enumerate(keys) if indexes[key] != index)
        raise ArtifactError("occurs twice", entry=show(index))
    if b"\\" in joined:  # a separator to the tools of Windows, and to some others
        aliases += [(index, name.replace(b"\\", b"/")) for index, name in enumerate(names) if b"\\" in name]
    for index, alias in aliases:
        if b"\0" in alias or is_unsafe(alias):
            raise ArtifactError("has a second name that leads out of the archive", entry=show(index))
        if indexes.setdefault(plain(alias), index) != index:
            raise ArtifactError("has a second name, which another entry has too", entry=show(index))
    return indexes


def _bounds(offsets: Sequence[int], ends: Sequence[int], start: int, show: Callable[[int], str]) -> list[int]:
    """The sorted positions of all entries and of the directory. Refuses entries that overlap."""
    bounds = [*offsets, start]
    if all(map(le, ends, bounds[1:])):  # so they are sorted, as nearly always
        return bounds
    order = sorted(range(len(offsets)), key=offsets.__getitem__)
    for index, following in pairwise(order):
        if ends[index] > offsets[following]:
            raise ArtifactError(f"overlaps the entry {show(following)!r}", entry=show(index))
    if ends[order[-1]] > start:
        raise ArtifactError("overlaps the directory, or stands behind it", entry=show(order[-1]))
    return sorted(bounds)


def _scan(raw: bytes, layout: Layout) -> Directory:
    """All records of the directory: each is checked alone, then names and places are checked together."""
    names: list[bytes] = []
    positions: list[int] = []
    offsets: list[int] = []
    ends: list[int] = []
    wide: dict[int, int] = {}
    aliases: list[tuple[int, bytes]] = []
    at = unpacked = 0
    scan = _SCANNED.unpack_from
    for index in range(layout.entries):
        if at + 46 > len(raw):
            raise ArtifactError(f"tells of {layout.entries} entries, but its directory ends after {index}")
        mark, flags, packed, size, name_length, extra_length, comment_length, disk, offset = scan(raw, at)
        name_end = at + 46 + name_length
        extra_end = name_end + extra_length
        name = raw[at + 46 : name_end]
        if mark != RECORD_MARK or extra_end + comment_length > len(raw):
            raise ArtifactError(f"has a directory that is damaged at record {index + 1} of {layout.entries}")
        if not name:
            raise ArtifactError("has no name", entry="")
        if flags & ENCRYPTED:
            remedy = "build the artifact without encryption"
            raise ArtifactError("is encrypted", entry=shown(name, flags), remedy=remedy)
        fields = extra_fields(raw, name_end, extra_end, name, flags) if extra_length else {}
        if packed == FULL_32 or size == FULL_32 or offset == FULL_32 or disk == FULL_16:
            short = (size, packed, offset, disk)
            (size, packed, offset, disk), offset_at = _widened(raw, fields, short, name, flags)
            if offset_at:
                wide[index] = offset_at
        if disk:
            raise ArtifactError("stands on another disk", entry=shown(name, flags), remedy="join the parts")
        if _PATH_FIELD in fields:
            start, end = fields[_PATH_FIELD]
            if raw[start : start + 5] == b"\1" + crc32(name).to_bytes(4, "little"):
                aliases.append((index, raw[start + 5 : end]))
        names.append(name)
        positions.append(at)
        offsets.append(offset)
        ends.append(offset + 30 + name_length + packed)
        unpacked += size
        at = extra_end + comment_length
    if at != len(raw):
        raise ArtifactError(f"has {len(raw) - at} more bytes in its directory than {layout.entries} entries")

    def show(index: int) -> str:
        return shown(names[index], scan(raw, positions[index])[1])

    indexes = _indexed(names, aliases, show)
    bounds = _bounds(offsets, ends, layout.start - layout.shift, show)
    if layout.shift:
        bounds = [bound + layout.shift for bound in bounds]
    return Directory(layout, unpacked, raw, positions, offsets, wide, indexes, bounds)


def through(tail: bytes, size: int, read: Read) -> Read:
    """A ``Read`` that asks ``read`` only for what ``tail``, the last of ``size`` bytes, lacks."""
    held = size - len(tail)

    def ranged(start: int, end: int) -> bytes:
        if start >= held:
            return tail[start - held : end - held]
        if start == end:
            return b""
        stop = min(end, held)
        data = read(start, stop)
        if len(data) != stop - start:
            raise ArtifactError(f"ended at byte {start + len(data)} while it was read", remedy="deploy again")
        return data + tail[: end - held] if end > held else data

    return ranged


def read_directory(tail: bytes, size: int, read: Read) -> Directory:
    """The directory of the archive of ``size`` bytes whose last bytes are ``tail``.

    ``read(start, end)`` gives a range of it, and is called only for what ``tail`` lacks. Raises
    ArtifactError for whatever cannot be rewritten without a doubt.
    """
    ranged = through(tail, size, read)
    layout = find_directory(ranged, size)
    directory = _scan(ranged(layout.start, layout.start + layout.length), layout)
    first = directory.bounds[0]
    if first and layout.zip64_end:
        raise ArtifactError("has bytes in front, which are refused with ZIP64")
    if layout.shift and ranged(first, first + 4) != HEADER_MARK:
        raise ArtifactError(f"is damaged: its directory stands {layout.shift} bytes off, but not its entries")
    return directory
