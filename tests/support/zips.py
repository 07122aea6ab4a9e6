"""Real archives for tests: built by the standard library, by Info-ZIP, or byte by byte; and ways to damage them.

``written`` and ``streamed`` use ``zipfile`` on a map of names to contents. ``built`` makes an archive of ``Member``s,
whose fields can all be set, even to values that no tool would write. ``taken_apart`` parses an archive independently,
so that tests do not check the reader with itself.
"""

from __future__ import annotations

import io
import subprocess
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from struct import Struct, pack, unpack_from

DAY = (2024, 5, 17, 8, 30, 0)
LOCAL = Struct("<4s5H3I2H")
LOCAL_FIELDS = (
    *("mark", "needs", "flags", "method", "time", "date"),
    *("crc", "packed", "size", "name_length", "extra_length"),
)
RECORD = Struct("<4s6H3I5H2I")
RECORD_FIELDS = (
    *("mark", "made", "needs", "flags", "method", "time", "date", "crc", "packed", "size"),
    *("name_length", "extra_length", "comment_length", "disk", "internal", "attributes", "offset"),
)
END = Struct("<4s4H2IH")
END_FIELDS = ("mark", "disk", "first_disk", "here", "entries", "length", "offset", "comment_length")
ZIP64_END = Struct("<4sQ2H2I4Q")
ZIP64_END_FIELDS = ("mark", "rest", "made", "needs", "disk", "first_disk", "here", "entries", "length", "offset")
LOCATOR = Struct("<4sIQI")
LOCATOR_FIELDS = ("mark", "disk", "offset", "disks")
EMPTY = b"PK\x05\x06" + bytes(18)
FULL = 0xFFFFFFFF
UTF8, DESCRIBED, ENCRYPTED = 1 << 11, 1 << 3, 1
FILE, LINK, FOLDER = 0o100644 << 16, 0o120777 << 16, 0o040755 << 16 | 0x10

Files = Mapping[str, bytes] | Iterable[tuple[str, bytes]]


def _infos(files: Files) -> Iterable[tuple[zipfile.ZipInfo, bytes]]:
    for name, data in files.items() if isinstance(files, Mapping) else files:
        info = zipfile.ZipInfo(name, DAY)
        info.external_attr = FOLDER if name.endswith("/") else FILE
        info.compress_type = zipfile.ZIP_STORED if name.endswith("/") else zipfile.ZIP_DEFLATED
        yield info, data


def written(files: Files, comment: bytes = b"") -> bytes:
    """An archive as ``zipfile`` writes it, deflated."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.comment = comment
        for info, data in _infos(files):
            archive.writestr(info, data)
    return buffer.getvalue()


class _Pipe(io.RawIOBase):
    """A stream that cannot seek, so that writers have to use data descriptors."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # the one kind of buffer that zipfile writes
        self.data += data
        return len(data)


def streamed(files: Files, *, zip64: bool = False) -> bytes:
    """An archive as ``zipfile`` writes it into a pipe: with data descriptors."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:
        for info, data in _infos(files):
            with archive.open(info, "w", force_zip64=zip64) as member:
                member.write(data)
    return bytes(pipe.data)


def info_zip(folder: Path, files: Files, *options: str) -> bytes:
    """An archive as Info-ZIP's ``zip`` writes it into a pipe, or into a file if ``options`` name one."""
    for name, data in files.items() if isinstance(files, Mapping) else files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    names = [name for name, _ in (files.items() if isinstance(files, Mapping) else files)]
    target = [] if any(option.endswith(".zip") for option in options) else ["-"]
    done = subprocess.run(["zip", "-q", *options, *target, *names], cwd=folder, capture_output=True, check=True)
    return done.stdout if target else next(folder.glob("*.zip")).read_bytes()


def extra(identifier: int, value: bytes) -> bytes:
    """An extra field."""
    return pack("<2H", identifier, len(value)) + value


def unicode_path(name: bytes, text: str) -> bytes:
    """Info-ZIP's extra field for an alternative name."""
    return extra(0x7075, b"\1" + pack("<I", zlib.crc32(name)) + text.encode())


@dataclass(frozen=True)
class Member:
    """An entry whose every field can be set.

    ``wide`` lists the fields that are in the ZIP64 field of the central directory header ("size", "packed", "offset",
    "disk"), ``copied`` those that are there and in the header; ``local_wide`` puts both sizes into that of the local
    header. ``descriptor`` is "", "signed", "bare", "wide" or "bare wide". ``local`` and ``record`` overwrite fields
    with wrong values. ``behind`` are bytes between this entry and the next.
    """

    name: bytes
    data: bytes = b""
    deflated: bool = False
    flags: int = 0
    attributes: int = FILE
    made: int = 3 << 8 | 20
    local_extra: bytes = b""
    extra: bytes = b""
    comment: bytes = b""
    wide: tuple[str, ...] = ()
    copied: tuple[str, ...] = ()
    local_wide: bool = False
    descriptor: str = ""
    local: Mapping[str, int | bytes] = field(default_factory=dict)
    record: Mapping[str, int | bytes] = field(default_factory=dict)
    behind: bytes = b""


def _packed(member: Member) -> bytes:
    if not member.deflated:
        return member.data
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(member.data) + packer.flush()


def _entry(member: Member) -> bytes:
    """Local header, content and data descriptor."""
    packed, crc = _packed(member), zlib.crc32(member.data)
    sizes = {"crc": crc, "packed": len(packed), "size": len(member.data)}
    flags = member.flags | (DESCRIBED if member.descriptor else 0)
    fields = {"mark": b"PK\x03\x04", "needs": 20, "method": 8 * member.deflated, "time": 0, "date": 33, **sizes}
    if member.descriptor:
        fields |= {"crc": 0, "packed": 0, "size": 0}
    local_extra = member.local_extra
    if member.local_wide:
        zip64 = (0, 0) if member.descriptor else (sizes["size"], sizes["packed"])
        local_extra += extra(1, pack("<2Q", *zip64))
        fields |= {"packed": FULL, "size": FULL}
    fields |= {"flags": flags, "name_length": len(member.name), "extra_length": len(local_extra), **member.local}
    behind = b""
    if member.descriptor:
        behind = b"" if "bare" in member.descriptor else b"PK\x07\x08"
        behind += pack("<IQQ" if "wide" in member.descriptor else "<3I", *sizes.values())
    header = LOCAL.pack(*(fields[name] for name in LOCAL_FIELDS))
    return header + member.name + local_extra + packed + behind


def _record(member: Member, offset: int) -> bytes:
    """The central directory header."""
    facts = {"size": len(member.data), "packed": len(_packed(member)), "offset": offset, "disk": 0}
    both = member.wide + member.copied
    zip64 = [pack("<I" if name == "disk" else "<Q", facts[name]) for name in facts if name in both]
    extras = (extra(1, b"".join(zip64)) if zip64 else b"") + member.extra
    facts |= {name: 0xFFFF if name == "disk" else FULL for name in member.wide}
    flags = member.flags | (DESCRIBED if member.descriptor else 0)
    fields = {
        **{"mark": b"PK\x01\x02", "made": member.made, "needs": 20, "flags": flags, "method": 8 * member.deflated},
        **{"time": 0, "date": 33, "crc": zlib.crc32(member.data), **facts, "name_length": len(member.name)},
        **{"extra_length": len(extras), "comment_length": len(member.comment), "internal": 0},
        **{"attributes": member.attributes, **member.record},
    }
    return RECORD.pack(*(fields[name] for name in RECORD_FIELDS)) + member.name + extras + member.comment


def built(
    members: Sequence[Member],
    *,
    prefix: bytes = b"",
    relative: bool = False,
    located: bool = False,
    before_directory: bytes = b"",
    order: Sequence[int] | None = None,
    zip64: bool = False,
    zip64_data: bytes = b"",
    zip64_end: Mapping[str, int | bytes] | None = None,
    locator: Mapping[str, int | bytes] | None = None,
    end: Mapping[str, int | bytes] | None = None,
    comment: bytes = b"",
) -> bytes:
    """An archive, byte by byte.

    ``relative``: offsets count from the end of the ``prefix``, but for that of the locator if ``located``. ``order`` is
    that of the central directory headers. ``zip64`` adds a ZIP64 end of central directory record with ``zip64_data`` as
    its extensible data, and sets the fields of the other record to their maxima. ``zip64_end``, ``locator`` and ``end``
    overwrite fields with wrong values.
    """
    data = bytearray(prefix)
    base = len(prefix) if relative else 0
    records = []
    for member in members:
        records.append(_record(member, len(data) - base))
        data += _entry(member) + member.behind
    data += before_directory
    facts = {"entries": len(members), "here": len(members), "offset": len(data) - base}
    directory = b"".join(records[index] for index in order or range(len(members)))
    facts |= {"length": len(directory), "disk": 0, "first_disk": 0}
    data += directory
    if zip64:
        position = len(data) - (0 if located else base)
        rest = {"mark": b"PK\x06\x06", "rest": 44 + len(zip64_data), "made": 45, "needs": 45}
        fields = {**rest, **facts, **(zip64_end or {})}
        data += ZIP64_END.pack(*(fields[name] for name in ZIP64_END_FIELDS)) + zip64_data
        fields = {"mark": b"PK\x06\x07", "disk": 0, "offset": position, "disks": 1, **(locator or {})}
        data += LOCATOR.pack(*(fields[name] for name in LOCATOR_FIELDS))
        facts |= {"entries": 0xFFFF, "here": 0xFFFF, "length": FULL, "offset": FULL}
    fields = {"mark": b"PK\x05\x06", **facts, "comment_length": len(comment), **(end or {})}
    data += END.pack(*(fields[name] for name in END_FIELDS)) + comment
    return bytes(data)


def signing_block(value: bytes) -> bytes:
    """The block in front of the central directory of a signed APK."""
    pairs = pack("<QI", len(value) + 4, 0x7109871A) + value
    size = pack("<Q", len(pairs) + 24)
    return size + pairs + size + b"APK Sig Block 42"


@dataclass(frozen=True)
class Piece:
    """A central directory header with a blank offset, and the position of its entry."""

    name: bytes
    record: bytes
    offset: int


def end_position(data: bytes, comment: bytes = b"") -> int:
    """The position of the end of central directory record."""
    return len(data) - END.size - len(comment)


def pieces(data: bytes, comment: bytes = b"") -> list[Piece]:
    """The central directory headers of an archive with this comment, in their order."""
    at = end_position(data, comment)
    count, length, offset = unpack_from("<HII", data, at + 10)
    behind = at
    if data[at - 20 : at - 16] == b"PK\x06\x07":
        behind = unpack_from("<Q", data, at - 12)[0]
        count, length, offset = unpack_from("<QQQ", data, behind + 32)
    position = behind - length
    shift = position - offset
    found = []
    for _ in range(count):
        fields = dict(zip(RECORD_FIELDS, RECORD.unpack_from(data, position), strict=True))
        name_end = position + 46 + fields["name_length"]
        end = name_end + fields["extra_length"] + fields["comment_length"]
        record = bytearray(data[position:end])
        where = fields["offset"]
        if where == FULL:
            before = (fields["size"] == FULL) + (fields["packed"] == FULL)
            marked = bytes(record).index(b"\1\0", name_end - position) + 4 + 8 * before
            where = unpack_from("<Q", record, marked)[0]
            record[marked : marked + 8] = bytes(8)
        else:
            record[42:46] = bytes(4)
            copy = name_end - position
            while bytes(record[copy : copy + 2]) not in (b"\1\0", b""):
                copy += 4 + unpack_from("<H", record.ljust(copy + 4, b"\0"), copy + 2)[0]
            if unpack_from("<H", record.ljust(copy + 4, b"\0"), copy + 2)[0] >= 24:
                values = slice(copy + 4 + 16, copy + 4 + 24)
                record[values] = bytes(8) if record[values] == pack("<Q", where) else record[values]
        found.append(Piece(data[position + 46 : name_end], bytes(record), where + shift))
        position = end
    assert position == behind
    return found


def taken_apart(data: bytes, comment: bytes = b"") -> dict[bytes, tuple[bytes, bytes]]:
    """For each entry, by name: its bytes up to the next one, and its central directory header without the offset."""
    found = pieces(data, comment)
    at = end_position(data, comment)
    behind = unpack_from("<Q", data, at - 12)[0] if data[at - 20 : at - 16] == b"PK\x06\x07" else at
    starts = [*sorted(piece.offset for piece in found), behind - sum(len(piece.record) for piece in found)]
    following = dict(pairwise(starts))
    return {each.name: (data[each.offset : following[each.offset]], each.record) for each in found}


def end_form(data: bytes, comment: bytes = b"") -> tuple[object, ...]:
    """The parts of the end records that must not change: all but counts, lengths and offsets."""
    at = end_position(data, comment)
    end = dict(zip(END_FIELDS, END.unpack_from(data, at), strict=True))
    full = [value in (0xFFFF, FULL) for value in END.unpack_from(data, at)[3:7]]
    zip64 = b""
    if data[at - 20 : at - 16] == b"PK\x06\x07":
        record = data[unpack_from("<Q", data, at - 12)[0] : at - 20]
        zip64 = record[:24] + record[56:] + data[at - 20 : at - 12] + data[at - 4 : at]
    return end["disk"], end["first_disk"], end["comment_length"], full, zip64, data[at + END.size :]


def changed(data: bytes, at: int, new: bytes) -> bytes:
    """The data with other bytes at that position; negative positions count from the end."""
    at = at if at >= 0 else len(data) + at
    return data[:at] + new + data[at + len(new) :]


def with_end(data: bytes, **fields: int | bytes) -> bytes:
    """An archive without a comment, with other values in its end of central directory record."""
    old = dict(zip(END_FIELDS, END.unpack_from(data, end_position(data)), strict=True))
    return changed(data, end_position(data), END.pack(*(old | fields).values()))


def with_record(data: bytes, index: int, **fields: int | bytes) -> bytes:
    """An archive without a comment, with other values in one central directory header."""
    (offset,) = unpack_from("<I", data, end_position(data) + 16)
    offset += sum(len(piece.record) for piece in pieces(data)[:index])
    old = dict(zip(RECORD_FIELDS, RECORD.unpack_from(data, offset), strict=True))
    return changed(data, offset, RECORD.pack(*(old | fields).values()))


def with_local(data: bytes, index: int, **fields: int | bytes) -> bytes:
    """An archive without a comment, with other values in one local header."""
    offset = pieces(data)[index].offset
    old = dict(zip(LOCAL_FIELDS, LOCAL.unpack_from(data, offset), strict=True))
    return changed(data, offset, LOCAL.pack(*(old | fields).values()))
