"""Properties that hold for any input.

``check`` takes any bytes and returns whether they are accepted as an archive. It raises AssertionError if a property
does not hold; any other exception is a defect as well.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from struct import unpack_from
from typing import NamedTuple

from cfn_injector.archive import Directory, Segment, plain
from cfn_injector.errors import ArtifactError, EnvFileError
from cfn_injector.injection import BytesSource, Source, inject, join
from tests.support.splicing import directory_of
from tests.support.zips import END, FULL, LOCAL, RECORD, RECORD_FIELDS, end_form
from wrapper.dotenv import parse

ENV = {"STAGE": "prod", "HOSTS": """["a", 'b']"""}
FORMER = {"STAGE": "it's $HOME\n", "HOSTS": "x" * 50}
TAILS = (22, 150, 65_600)
DESCRIPTOR_LENGTH = 24


class Part(NamedTuple):
    """An entry: name, central directory header without the offset, position, and all bytes up to the next entry.

    A copy of the offset, in a ZIP64 field that has all values, is not in the header either.
    """

    name: bytes
    record: bytes
    offset: int
    data: bytes


@dataclass
class _Memory:
    """A destination."""

    data: bytes = b""

    def assemble(self, source: Source, segments: Sequence[Segment]) -> None:
        self.data = join(source, segments)


def injected(data: bytes, env: Mapping[str, str]) -> bytes:
    """The archive with these variables."""
    destination = _Memory()
    done = inject(BytesSource(data), destination, env)
    assert done.size == len(destination.data)
    return destination.data


def _directory(data: bytes) -> Directory | str:
    """The central directory or why there is none. Neither depends on how many of the last bytes a source holds."""
    found: list[Directory | str] = []
    for tail in TAILS:
        try:
            found.append(directory_of(data, tail))
        except ArtifactError as error:
            found.append(str(error))
    assert found[0] == found[1] == found[2]
    return found[0]


def _zip64_field(extras: bytes) -> tuple[int, int]:
    """The start and the end of the ZIP64 field in the extra fields; 0, 0 if there is none."""
    at = 0
    while at + 4 <= len(extras):
        identifier, length = unpack_from("<2H", extras, at)
        if identifier == 1:
            return at + 4, at + 4 + int(length)
        at += 4 + length
    return 0, 0


def parts(data: bytes, directory: Directory) -> list[Part]:
    """The entries in the order of their headers, parsed without the code under test."""
    records, offsets, at = [], [], directory.layout.start
    for _ in range(directory.layout.entries):
        fields = dict(zip(RECORD_FIELDS, RECORD.unpack_from(data, at), strict=True))
        name_end = at + RECORD.size + fields["name_length"]
        extra_end = name_end + fields["extra_length"]
        end = extra_end + fields["comment_length"]
        record = bytearray(data[at:end])
        start, stop = (each + RECORD.size + fields["name_length"] for each in _zip64_field(data[name_end:extra_end]))
        if (offset := fields["offset"]) == FULL:
            start += 8 * (fields["size"], fields["packed"]).count(FULL)
            (offset,) = unpack_from("<Q", record, start)
            record[start : start + 8] = bytes(8)
        else:
            record[42:46] = bytes(4)
            start += 16
            if start + 8 <= stop and unpack_from("<Q", record, start) == (offset,):
                record[start : start + 8] = bytes(8)
        offsets.append(offset + directory.layout.base_offset)
        records.append((data[at + RECORD.size : name_end], bytes(record)))
        at = end
    following = dict(pairwise([*sorted(offsets), directory.layout.start]))
    return [Part(*known, at, data[at : following[at]]) for known, at in zip(records, offsets, strict=True)]


def _is_env(part: Part) -> bool:
    return plain(part.name) == b".env"


def _longest(env: Part) -> int:
    """The most bytes that belong to the entry, of those up to the next one or the central directory."""
    packed, name_length, extra_length = (*unpack_from("<I", env.record, 20), *unpack_from("<2H", env.data, 26))
    return len(env.data) if packed == FULL else LOCAL.size + name_length + extra_length + packed + DESCRIPTOR_LENGTH


def _check_kept(data: bytes, result: bytes, old: Directory, new: Directory) -> None:
    """Everything but the ``.env`` is unchanged, and the new ``.env`` is the last entry."""
    before = parts(data, old)
    was = next(filter(_is_env, before), None)
    *after, last = parts(result, new)
    assert _is_env(last)
    others = [part for part in before if part is not was]
    assert [(part.name, part.record) for part in after] == [(part.name, part.record) for part in others]
    assert all(now.data.startswith(then.data) for then, now in zip(others, after, strict=True))
    at, length = (was.offset, len(was.data)) if was else (old.layout.start, 0)
    moved = result[at : last.offset]
    assert result[:at] == data[:at]
    if was and at + length == old.layout.start:
        # Bytes after it that are not its own are kept; they now follow the entry before it.
        assert data[: old.layout.start].endswith(moved)
        assert len(moved) >= length - _longest(was)
    else:
        assert moved == data[at + length : old.layout.start]
    comment = old.layout.eocd[END.size :]
    assert end_form(result, comment) == end_form(data[: len(data) - old.layout.trailing], comment)
    assert not new.layout.trailing


def _check_read_alike(data: bytes, directory: Directory) -> None:
    """zipfile finds the same entries, if it can read the archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
    except Exception:  # zipfile raises many kinds
        return
    theirs = [(info.CRC, info.compress_type, info.compress_size, info.file_size, info.header_offset) for info in infos]
    ours = [(each.crc, each.method, each.compressed_size, each.size, each.offset) for each in directory.entries()]
    assert ours == theirs


def _listed_by_zipfile(data: bytes) -> tuple[list[tuple[str, int, int, int]], bytes | None] | None:
    """What zipfile knows about all other entries, and the ``.env``; None if zipfile cannot read the archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = [info for info in archive.infolist() if info.orig_filename not in (".env", "./.env")]
            known = [(info.orig_filename, info.CRC, info.compress_size, info.file_size) for info in infos]
            return known, archive.read(".env") if ".env" in archive.namelist() else None
    except Exception:  # zipfile raises many kinds
        return None


def _check_zipfile(data: bytes, result: bytes) -> None:
    """zipfile reads the same before and after."""
    before = _listed_by_zipfile(data)
    if before:
        after = _listed_by_zipfile(result)
        assert after
        assert after[0] == before[0]
        assert after[1] is not None
        variables = {binding.name: binding.value for binding in parse(after[1].decode())}
        assert variables.items() >= ENV.items()


def check(data: bytes) -> bool:
    """Whether these bytes are accepted, after all properties have been checked."""
    old = _directory(data)
    try:
        result = injected(data, ENV)
    except (ArtifactError, EnvFileError):
        return False
    assert isinstance(old, Directory)
    new = _directory(result)
    assert isinstance(new, Directory)
    _check_kept(data, result, old, new)
    _check_read_alike(data, old)
    _check_read_alike(result, new)
    _check_zipfile(data, result)
    assert injected(result, ENV) == result
    try:
        former = injected(data, FORMER)
    except ArtifactError:  # its offset happens to point to a directory in front of the archive
        assert old.layout.base_offset
    else:
        assert injected(former, ENV) == result
    return True
