"""The archives that are accepted, and the results."""

from __future__ import annotations

import io
import shutil
import stat
import zipfile
import zlib
from pathlib import Path
from struct import pack, unpack_from

import pytest

from tests.support.splicing import FILES, NEW, OLD, A, B, directory_of, others, spliced
from tests.support.zip_readers import READERS, is_installed
from tests.support.zips import (
    EMPTY,
    FOLDER,
    LINK,
    UTF8,
    Member,
    built,
    end_form,
    extra,
    info_zip,
    pieces,
    signing_block,
    streamed,
    unicode_path,
    written,
)

SCRIPT = b"#!/bin/sh\n"
ACCEPTED: dict[str, tuple[bytes, bytes]] = {
    "an archive that zipfile wrote": (written(FILES), b""),
    "an archive without a .env": (written({"a.py": b"a"}), b""),
    "an archive that holds nothing but .env": (written({".env": b"A=1"}), b""),
    "an archive without entries": (EMPTY, b""),
    "an archive without entries but with a comment": (built([], comment=b"empty"), b"empty"),
    "an archive without entries, in ZIP64": (built([], zip64=True), b""),
    "a comment": (written(FILES, b"built by CI"), b"built by CI"),
    "a comment of 65,535 bytes": (written(FILES, b"c" * 65_535), b"c" * 65_535),
    "data descriptors": (streamed(FILES), b""),
    "data descriptors with sizes of 8 bytes": (streamed(FILES, zip64=True), b""),
    "a data descriptor without signature behind the .env": (
        built([A, Member(b".env", b"A=1", descriptor="bare"), B]),
        b"",
    ),
    "a wide data descriptor without signature behind the last entry": (
        built([A, Member(b".env", b"", descriptor="bare wide", local_wide=True)]),
        b"",
    ),
    "a data descriptor behind a header that has the sizes too": (
        built([A, Member(b".env", b"A=1", descriptor="signed", local={"crc": zlib.crc32(b"A=1"), "size": 3})]),
        b"",
    ),
    "ZIP64 end of central directory records": (built([A, OLD, B], zip64=True), b""),
    "ZIP64 end of central directory records with extensible data": (
        built([A, OLD, B], zip64=True, zip64_data=b"x" * 30),
        b"",
    ),
    "ZIP64 end of central directory records beside an end of central directory record that is full in no field": (
        built([B], zip64=True, end={"entries": 1, "here": 1, "length": 46 + 8, "offset": 30 + 8 + 5}),
        b"",
    ),
    "a locator that counts no disks": (built([A, OLD], zip64=True, locator={"disks": 0}), b""),
    "sizes in ZIP64 fields": (built([OLD, Member(b"a", b"a", wide=("size", "packed"), local_wide=True)]), b""),
    "a disk in a ZIP64 field": (built([OLD, Member(b"a", b"a", wide=("disk",))]), b""),
    "an offset in a ZIP64 field, which moves": (built([OLD, A, Member(b"b", b"b", wide=("offset",))]), b""),
    "everything in ZIP64 fields": (built([OLD, Member(b"b", wide=("size", "packed", "offset", "disk"))]), b""),
    "a size in a ZIP64 field that has the other size too": (
        built([OLD, Member(b"a", b"a", wide=("size",), copied=("packed",))]),
        b"",
    ),
    "sizes in ZIP64 fields that have the offset too, as yauzl's test file": (
        built([OLD, *(Member(name, name, wide=("size", "packed"), copied=("offset",)) for name in (b"a", b"b"))]),
        b"",
    ),
    "sizes in ZIP64 fields that have all values, as a test file of commons-compress": (
        built([OLD, *(Member(name, b"", wide=("size", "packed"), copied=("offset", "disk")) for name in (b"a", b"b"))]),
        b"",
    ),
    "an offset in a ZIP64 field that has the disk too": (
        built([OLD, Member(b"b", b"b", wide=("size", "packed", "offset"), copied=("disk",))]),
        b"",
    ),
    "a ZIP64 field of which nothing is needed": (
        built([OLD, A, Member(b"b", b"b", copied=("size", "packed", "offset", "disk"))]),
        b"",
    ),
    "a ZIP64 field of which nothing is needed, with another offset": (
        built([OLD, Member(b"b", b"b", extra=extra(1, pack("<3Q", 1, 1, 7)))]),
        b"",
    ),
    "a .env with its sizes in ZIP64 fields that have the offset too": (
        built([A, Member(b".env", b"A=1", wide=("size", "packed"), copied=("offset",), local_wide=True), B]),
        b"",
    ),
    "a .env with its sizes in ZIP64 fields": (
        built([Member(b".env", b"A=1", wide=("size", "packed"), local_wide=True), A]),
        b"",
    ),
    "a deflated .env": (built([A, Member(b".env", b"A=1\n" * 50, deflated=True), B]), b""),
    "names in Shift JIS, which hold backslashes": (built([Member("ソ表.py".encode("shift-jis")), OLD]), b""),
    "names in code page 437": (built([Member("é.py".encode("cp437")), OLD]), b""),
    "names in UTF-8": (built([OLD, Member("é.py".encode(), flags=UTF8)]), b""),
    "names that say that they are UTF-8 and are not": (built([OLD, Member(b"\xff\xfe.py", flags=UTF8)]), b""),
    "names with two dots in them": (built([OLD, Member(b"[...slug].js"), Member(b"a..b/c..")]), b""),
    "names with a colon": (built([OLD, Member(b"std::vector.md")]), b""),
    "names with backslashes": (built([OLD, Member(b"lib\\b.py"), Member(b"lib\\c.py")]), b""),
    "names that start with ./, as bsdtar writes them": (
        built([Member(b"./", attributes=FOLDER), Member(b"./.env", b"A=1"), Member(b"./a.py"), Member(b"./lib/b.py")]),
        b"",
    ),
    "symbolic links": (built([Member(b"current", b"a.py", attributes=LINK), A, OLD]), b""),
    "folders": (built([Member(b"lib/", attributes=FOLDER), B, OLD]), b""),
    "entries that are made on DOS": (built([Member(b"a", made=20, attributes=0x20), OLD]), b""),
    "a .env that is made on DOS": (built([Member(b".env", made=20, attributes=0x20), A]), b""),
    "a method of compression that only others know": (built([Member(b"a", b"?", record={"method": 93}), OLD]), b""),
    "extra fields, also of unknown kinds": (
        built([OLD, Member(b"a", extra=extra(0x5455, b"\1" + bytes(4)) + extra(0xCAFE, b""), local_extra=b"\0\0\0")]),
        b"",
    ),
    "a .env whose header is padded, as zipalign does": (built([A, Member(b".env", local_extra=b"\0\0\0"), B]), b""),
    "a directory record that is padded": (built([A, Member(b"x", extra=b"\0\0\0"), B]), b""),
    "a directory record that is padded by other bytes": (
        built(
            [A, OLD, Member(b"x", extra=extra(0x5455, b"\1" + bytes(4)) + b"\xff\xff\xff"), Member(b"y", extra=b"!")]
        ),
        b"",
    ),
    "a .env whose headers are padded by other bytes": (
        built([A, Member(b".env", b"A=1", extra=b"UT", local_extra=extra(0x5455, bytes(9)) + b"\xff"), B]),
        b"",
    ),
    "a directory record that is padded by many zeros": (
        built([A, OLD, Member(b"x", extra=bytes(4095), local_extra=bytes(4095)), B]),
        b"",
    ),
    "Unicode paths": (
        built([Member(b"#U00e9", extra=unicode_path(b"#U00e9", "é")), Member(b"b", extra=extra(0x7075, b"\1")), OLD]),
        b"",
    ),
    "a Unicode path that belongs to a former name": (built([Member(b"b", extra=unicode_path(b"x", "../b")), OLD]), b""),
    "comments of entries": (built([Member(b"a", comment=b"main"), OLD, Member(b"b", comment=b"PK\x01\x02")]), b""),
    "bytes in front, offsets from the start of the file": (built([A, OLD, B], prefix=b"#!/bin/sh\n"), b""),
    "bytes in front, offsets from the start of the archive": (
        built([A, OLD, B], prefix=b"#!/bin/sh\n", relative=True),
        b"",
    ),
    "an archive in front, offsets from the start of the archive": (
        built([A, OLD, B], prefix=written({"old.py": b"x"}), relative=True),
        b"",
    ),
    "bytes in front of ZIP64, offsets from the start of the file": (built([A, OLD, B], prefix=SCRIPT, zip64=True), b""),
    "bytes in front of ZIP64, offsets from the start of the archive, but for the locator's": (
        built([A, OLD, B], prefix=SCRIPT, relative=True, located=True, zip64=True),
        b"",
    ),
    "bytes in front of ZIP64 beside an end of central directory record that is full in no field": (
        built(
            [B], prefix=SCRIPT, zip64=True, end={"entries": 1, "here": 1, "length": 46 + 8, "offset": 10 + 30 + 8 + 5}
        ),
        b"",
    ),
    "a signing block behind other entries": (built([OLD, A], before_directory=signing_block(b"signed")), b""),
    "records in another order than their entries": (built([A, OLD, B], order=[2, 0, 1]), b""),
    "records in another order than their entries, in ZIP64": (built([A, OLD, B], order=[2, 0, 1], zip64=True), b""),
    "dead bytes between entries": (built([Member(b"a", behind=b"dead" * 50), OLD, B]), b""),
    "an entry that looks like the end of an archive": (built([A, OLD, Member(b"x.zip", written(FILES))]), b""),
}


@pytest.mark.parametrize(("data", "comment"), ACCEPTED.values(), ids=ACCEPTED)
class TestAccepts:
    def test_other_entries_keep_every_byte_and_their_order(self, data: bytes, comment: bytes) -> None:
        assert others(spliced(data), comment) == others(data, comment)

    def test_the_new_entry_is_the_last_and_the_only_one_of_its_name(self, data: bytes, comment: bytes) -> None:
        *_, last = found = pieces(spliced(data), comment)
        assert [piece.name for piece in found].count(b".env") == 1
        assert last.name == b".env"
        assert last.offset == max(piece.offset for piece in found)

    def test_doing_it_again_changes_nothing(self, data: bytes, comment: bytes) -> None:
        once = spliced(data)
        assert spliced(once) == once
        assert spliced(spliced(data, b"OTHER=1\n")) == once

    def test_the_end_of_the_archive_keeps_its_form(self, data: bytes, comment: bytes) -> None:
        assert end_form(spliced(data), comment) == end_form(data, comment)

    def test_how_much_of_it_the_source_holds_makes_no_difference(self, data: bytes, comment: bytes) -> None:
        assert spliced(data, tail=30) == spliced(data)


TRAILING: dict[str, tuple[bytes, bytes]] = {
    "a line feed": (written(FILES), b"\n"),
    "NULs, as bsdtar writes them into a pipe": (streamed(FILES), bytes(10_240)),
    "65,535 bytes": (written(FILES), b"x" * 65_535),
    "65,535 bytes with the comment": (written(FILES, b"c" * 1_000), b"x" * 64_535),
    "NULs behind a comment": (written(FILES, b"built by CI"), bytes(100)),
    "NULs behind ZIP64": (built([A, OLD, B], zip64=True), bytes(100)),
    "NULs behind no entries": (EMPTY, bytes(100)),
    "NULs behind an archive that has bytes in front": (built([A, OLD, B], prefix=SCRIPT, relative=True), bytes(100)),
    "all other signatures": (written(FILES), b"PK\1\2PK\3\4PK\6\6PK\6\7PK\7\x08PK\5"),
    "an archive that is cut off": (written(FILES), written(FILES)[:-22]),
}


@pytest.mark.parametrize(("data", "behind"), TRAILING.values(), ids=TRAILING)
class TestBytesBehindTheArchive:
    def test_are_not_in_the_result(self, data: bytes, behind: bytes) -> None:
        assert spliced(data + behind) == spliced(data)

    def test_are_read_with_the_end_of_the_archive(self, data: bytes, behind: bytes) -> None:
        assert spliced(data + behind, tail=30) == spliced(data)
        assert directory_of(data + behind).layout.trailing == len(behind)


def test_a_copy_of_an_offset_moves_with_it() -> None:
    members = [OLD, *(Member(name, name, copied=("size", "packed", "offset")) for name in (b"a", b"b"))]
    result = spliced(built(members))
    at = result.index(b"PK\x01\x02")
    for offset in (0, 30 + 1 + 1):
        assert unpack_from("<I", result, at + 42) == unpack_from("<Q", result, at + 46 + 1 + 4 + 16) == (offset,)
        at += 46 + 1 + 4 + 24


READ_BY_ZIPFILE = {
    name: data
    for name, (data, _) in ACCEPTED.items()
    if name
    not in {
        "names that say that they are UTF-8 and are not",  # which zipfile cannot decode
        "a method of compression that only others know",
        # some releases of zipfile refuse the next two
        "a directory record that is padded",
        "a directory record that is padded by other bytes",
        "Unicode paths",
        "a disk in a ZIP64 field",  # zipfile does not look for it
        "everything in ZIP64 fields",
        "ZIP64 end of central directory records with extensible data",  # zipfile before 3.13 expects none
    }
}


@pytest.mark.parametrize("data", READ_BY_ZIPFILE.values(), ids=READ_BY_ZIPFILE)
def test_zipfile_reads_the_result(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(spliced(data))) as archive:
        assert archive.testzip() is None
        assert archive.read(".env") == NEW
        info = archive.getinfo(".env")
        assert stat.filemode(info.external_attr >> 16) == "-rw-r--r--"
        assert (info.date_time, info.compress_type) == ((1980, 1, 1, 0, 0, 0), zipfile.ZIP_STORED)


ALL_ACCEPTED = {name: data for name, (data, _) in ACCEPTED.items()} | {
    f"{name} behind the archive": data + behind for name, (data, behind) in TRAILING.items()
}
REFUSED_BY: dict[str, set[str]] = {
    "unzip": {"a locator that counts no disks"},
    "go": {"a locator that counts no disks"},
    "python3": {
        "names that say that they are UTF-8 and are not",
        # in some releases
        "ZIP64 end of central directory records with extensible data",
        "a directory record that is padded",
        "a directory record that is padded by other bytes",
        "Unicode paths",
    },
}
"""What a reader refuses. It does not read other entries there."""


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_finds_the_same_entries(reader: str, tmp_path: Path) -> None:
    if not is_installed(reader):
        pytest.skip(f"{reader} is not installed here")
    cases = {
        f"{when}: {name}": archive
        for name, data in ALL_ACCEPTED.items()
        for when, archive in (("before", data), ("after", spliced(data)))
    }
    paths = [tmp_path / f"{number}.zip" for number in range(len(cases))]
    for path, archive in zip(paths, cases.values(), strict=True):
        path.write_bytes(archive)
    ours = {
        name: [(entry.crc, entry.compressed_size, entry.size) for entry in directory_of(data).entries()]
        for name, data in cases.items()
    }
    theirs = dict(zip(cases, READERS[reader](paths), strict=True))
    different = {name for name in cases if theirs[name] != ours[name]}
    assert {name for name in different if theirs[name] is not None} == set()
    assert {name.partition(": ")[2] for name in different} <= REFUSED_BY[reader]


@pytest.mark.skipif(not shutil.which("zip"), reason="Info-ZIP's zip is not installed")
@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("o.zip",), id="into a file"),
        pytest.param((), id="into a pipe"),
        pytest.param(("-fz", "o.zip"), id="into a file in ZIP64"),
        pytest.param(("-0", "-X", "o.zip"), id="stored and without extra fields"),
    ],
)
def test_what_info_zip_writes_is_accepted(tmp_path: Path, options: tuple[str, ...]) -> None:
    data = info_zip(tmp_path, {".env": b"A=1\n", "a.py": b"x" * 500, "é.py": b"y", "lib/b.py": b""}, *options)
    result = spliced(data)
    assert others(result) == others(data)
    assert len(others(result)) == 3
    with zipfile.ZipFile(io.BytesIO(result)) as archive:
        assert archive.testzip() is None
        assert archive.read(".env") == NEW
