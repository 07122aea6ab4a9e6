"""The archives that are refused, with the reason and the entry that the refusal names."""

from __future__ import annotations

import re
from struct import pack

import pytest

from tests.support.splicing import FILES, LENGTH, OLD, PLAIN, START, ZIP64, A, B, env, refusal
from tests.support.zips import (
    DESCRIBED,
    EMPTY,
    ENCRYPTED,
    FOLDER,
    FULL,
    LINK,
    UTF8,
    ZIP64_END,
    Member,
    built,
    changed,
    extra,
    unicode_path,
    with_end,
    with_local,
    with_record,
    written,
)

FAKE_END = b"PK\x05\x06" + pack("<4H2IH", 0, 0, 1, 1, 60, 10, 0)
# Each row: the archive, the problem, and the name of the entry, if the problem is about one.
REFUSED: dict[str, tuple[bytes, str, str | None]] = {
    # ambiguous
    "the old file is not followed by the next entry": (
        built([Member(b".env", b"A=1", behind=b"x"), Member(b"a", record={"offset": 37})], prefix=b"#", relative=True),
        "is not followed by the entry that the central directory lists next",
        ".env",
    ),
    "a second ZIP64 end of central directory record within the first": (
        built([Member(b".env", b"A=1")], zip64=True, zip64_data=ZIP64_END.pack(b"PK\6\6", 44, 45, 45, *[0] * 6)),
        "two ZIP64 end of central directory records",
        None,
    ),
    # not an archive
    "nothing": (b"", "not a zip archive", None),
    "something else": (b"#!/bin/sh\necho hello\n" * 9, "not a zip archive", None),
    "a tarball's zeros": (bytes(10_240), "not a zip archive", None),
    "a single local header": (PLAIN[:60], "not a zip archive", None),
    "the signature of an end of central directory record alone": (b"PK\x05\x06", "not a zip archive", None),
    # truncated, or too long
    "the last byte is missing": (PLAIN[:-1], "no end of central directory record in its last 65,557 bytes", None),
    "the end of central directory record is missing": (
        PLAIN[:-22],
        "no end of central directory record in its last 65,557 bytes",
        None,
    ),
    "the first half is missing": (PLAIN[len(PLAIN) // 2 :], "truncated or damaged", None),
    "the first byte is missing": (PLAIN[1:], "truncated or damaged", None),
    "a byte is missing in the middle": (PLAIN[:40] + PLAIN[41:], "truncated or damaged", None),
    "the directory is missing": (PLAIN[:START] + PLAIN[-22:], "truncated or damaged", None),
    "65,536 bytes follow": (PLAIN + bytes(65_536), "no end of central directory record in its last 65,557 bytes", None),
    "65,536 bytes follow with the comment": (
        written(FILES, b"c" * 1_000) + bytes(64_536),
        "no end of central directory record in its last 65,557 bytes",
        None,
    ),
    "a comment is shorter than it says": (written(FILES, b"comment")[:-1], "its comment is shorter", None),
    "a comment is shorter than it says, in an archive behind another": (
        PLAIN + written(FILES, b"comment")[:-1],
        "its comment is shorter",
        None,
    ),
    "an extra byte is between the entries": (PLAIN[:90] + b"x" + PLAIN[90:], "is 1 bytes off", None),
    "an extra byte is before the directory": (
        PLAIN[:START] + b"x" + PLAIN[START:],
        "is 1 bytes off",
        None,
    ),
    "an extra byte is after the directory": (
        PLAIN[:-22] + b"x" + PLAIN[-22:],
        "no central directory of 3",
        None,
    ),
    "an extra byte is within the directory": (
        PLAIN[: START + 60] + b"x" + PLAIN[START + 60 :],
        "no central directory of 3",
        None,
    ),
    "two archives' ends follow one another": (PLAIN + EMPTY, "lists no entries", None),
    "an archive is emptied by its end of central directory record alone": (
        PLAIN[:-22] + EMPTY,
        "lists no entries",
        None,
    ),
    # several ends
    "a comment is an archive of its own": (
        written(FILES, written({"x": b"y"})),
        "several end of central directory records",
        None,
    ),
    "a comment ends in a copy of the end of central directory record": (
        with_end(PLAIN, comment_length=22) + b"PK\x05\x06" + pack("<4H2IH", 0, 0, 3, 3, LENGTH + 22, START, 0),
        "several end of central directory records",
        None,
    ),
    "a comment is full of end of central directory records": (
        written(
            {}, b"".join(b"PK\x05\x06" + pack("<4H2IH", 0, 0, 1, 1, 46, 0, 22 * (40 - index)) for index in range(41))
        ),
        "several end of central directory records",
        None,
    ),
    "an end of central directory record is damaged and a comment holds another": (
        built([A], end={"disk": 1}, comment=b"x" + EMPTY),
        "several end of central directory records",
        None,
    ),
    "a comment holds an end of central directory record which does not reach its end": (
        written(FILES, FAKE_END + b"!"),
        "several end of central directory records",
        None,
    ),
    "a comment ends in an end of central directory record which cannot be true": (
        written(FILES, b"x" + FAKE_END),
        "several end of central directory records",
        None,
    ),
    "a comment ends in the end of central directory record of an empty archive": (
        written(FILES, b"x" + EMPTY),
        "several end of central directory records",
        None,
    ),
    "a comment holds the signature of an end of central directory record": (
        written(FILES, b"x" + EMPTY[:4]),
        "several end of central directory records",
        None,
    ),
    "the bytes that follow hold the signature of an end of central directory record": (
        PLAIN + b"x" + EMPTY[:4] + b"xyz",
        "several end of central directory records",
        None,
    ),
    "the bytes that follow hold a whole end of central directory record": (
        PLAIN + b"x" + EMPTY + b"x",
        "lists no entries",
        None,
    ),
    "the bytes that follow are a second directory, and its end": (
        PLAIN + PLAIN[START:] + b"x",
        "bytes off, but its entries are not",
        None,
    ),
    "the bytes that follow are the comment of an earlier end of central directory record": (
        with_end(built([Member(b"evil.py")]), comment_length=len(PLAIN) + 5) + PLAIN + b"bytes",
        "several end of central directory records",
        None,
    ),
    # several disks
    "it is the second disk": (with_end(PLAIN, disk=1), "several disks", None),
    "its directory is on another disk": (with_end(PLAIN, first_disk=1), "several disks", None),
    "some entries are on another disk": (with_end(PLAIN, here=2), "several disks", None),
    "an entry is on another disk": (with_record(PLAIN, 2, disk=1), "another disk", "lib/b.py"),
    "an entry is on another disk, says its ZIP64 field": (
        built([Member(b"a", extra=extra(1, pack("<I", 1)), record={"disk": 0xFFFF}), OLD]),
        "another disk",
        "a",
    ),
    "the ZIP64 end of central directory record is on another disk": (
        built([A], zip64=True, locator={"disk": 1}),
        "several disks",
        None,
    ),
    "there are two disks in ZIP64": (built([A], zip64=True, locator={"disks": 2}), "several disks", None),
    "its directory is on another disk in ZIP64": (
        built([A], zip64=True, zip64_end={"first_disk": 1}, end={"first_disk": 1}),
        "several disks",
        None,
    ),
    # counts, sizes and offsets that disagree
    "it declares one entry less": (with_end(PLAIN, here=2, entries=2), "54 more bytes in its central directory", None),
    "it declares one entry more": (with_end(PLAIN, here=4, entries=4), "no central directory of 4", None),
    "it declares one entry more, and there is room": (
        with_end(built([Member(b"long" * 30), OLD]), here=3, entries=3),
        "ends after 2",
        None,
    ),
    "it declares no entries": (with_end(PLAIN, here=0, entries=0), "lists no entries", None),
    "it declares 65,535 entries": (with_end(PLAIN, here=65_535, entries=65_535), "no central directory of 65535", None),
    "its directory is longer than it says": (with_end(PLAIN, length=LENGTH - 4), "no central directory of 3", None),
    "its directory is shorter than it says": (with_end(PLAIN, length=LENGTH + 4), "truncated or damaged", None),
    "its directory's length is huge": (with_end(PLAIN, length=FULL), "truncated or damaged", None),
    "its directory is declared to start earlier": (
        with_end(PLAIN, offset=START - 7),
        "overlaps the central directory",
        "lib/b.py",
    ),
    "its directory is declared to start later": (with_end(PLAIN, offset=START + 7), "truncated or damaged", None),
    "its directory is declared to start after its end": (with_end(PLAIN, offset=FULL), "truncated or damaged", None),
    "all its directory's fields are full": (
        with_end(PLAIN, here=65_535, entries=65_535, length=FULL, offset=FULL),
        "truncated or damaged",
        None,
    ),
    "a header's signature is damaged": (changed(PLAIN, START + 50, b"XX"), "damaged at entry 2 of 3", None),
    "the first header's signature is damaged": (changed(PLAIN, START, b"XX"), "no central directory of 3", None),
    "a record's name is longer than it says": (with_record(PLAIN, 0, name_length=3), "damaged at entry 2", None),
    "a record's name reaches behind the directory": (with_record(PLAIN, 2, name_length=999), "entry 3 of 3", None),
    "a record's comment reaches behind the directory": (
        with_record(PLAIN, 2, comment_length=1),
        "damaged at entry 3 of 3",
        None,
    ),
    "a record's comment swallows the next one": (
        with_record(PLAIN, 0, comment_length=50),
        "ends after 2",
        None,
    ),
    "a signature follows the records": (
        with_end(PLAIN[:-22] + b"PK\x05\x05\2\0xx" + PLAIN[-22:], length=LENGTH + 8),
        "8 more bytes",
        None,
    ),
    # ZIP64
    "the ZIP64 end of central directory record is damaged": (
        built([A], zip64=True, zip64_end={"mark": b"PK\0\0"}),
        "no ZIP64 end",
        None,
    ),
    "the ZIP64 end of central directory record is longer than it says": (
        built([A], zip64=True, zip64_end={"rest": 40}),
        "no ZIP64",
        None,
    ),
    "the ZIP64 end of central directory record's length is huge": (
        built([A], zip64=True, zip64_end={"rest": 1 << 63}),
        "no ZIP64",
        None,
    ),
    "the ZIP64 end of central directory record holds 70,000 bytes": (
        built([A], zip64=True, zip64_data=bytes(70_000)),
        "no ZIP64",
        None,
    ),
    "the locator points elsewhere": (
        built([A], zip64=True, locator={"offset": 3}),
        "no ZIP64 end of central directory record",
        None,
    ),
    "the locator points behind the archive": (built([A], zip64=True, locator={"offset": 1 << 63}), "no ZIP64", None),
    "the locator is missing": (ZIP64[:-42] + ZIP64[-22:], "truncated or damaged", None),
    "two end of central directory records disagree about the entries": (
        built([A], zip64=True, end={"here": 2, "entries": 2}),
        "two end of central directory records that disagree",
        None,
    ),
    "two end of central directory records disagree about the offset": (
        built([A], zip64=True, end={"offset": 0}),
        "disagree",
        None,
    ),
    "the locator is shorter than one": (b"PK\x06\x07" + bytes(9) + EMPTY, "lists no entries", None),
    "the number of entries is huge": (
        built([A], zip64=True, zip64_end={"here": 1 << 62, "entries": 1 << 62}),
        "no central directory of 4611686018427387904",
        None,
    ),
    "the directory's length is huge in ZIP64": (
        built([A], zip64=True, zip64_end={"length": 1 << 63}),
        "truncated",
        None,
    ),
    "the directory's offset is huge in ZIP64": (
        built([A], zip64=True, zip64_end={"offset": 1 << 63}),
        "truncated",
        None,
    ),
    "a ZIP64 field is missing": (
        built([Member(b"a", record={"size": FULL}), OLD]),
        "ZIP64 extra field that does not match its central directory header",
        "a",
    ),
    "a ZIP64 field is too short": (
        built([Member(b"a", record={"size": FULL, "packed": FULL}, extra=extra(1, bytes(8))), OLD]),
        "ZIP64 extra field that does not match its central directory header",
        "a",
    ),
    "a ZIP64 field holds the sizes in front of the offset, which the header does not": (
        built([Member(b"a", wide=("offset",), copied=("size", "packed")), OLD]),
        "ZIP64 extra field that does not match its central directory header",
        "a",
    ),
    "a ZIP64 field holds the size in front of the other size": (
        built([Member(b"a", b"a" * 99, deflated=True, wide=("packed",), copied=("size",)), OLD]),
        "ZIP64 extra field that does not match its central directory header",
        "a",
    ),
    "a ZIP64 field holds the offset in front of the disk": (
        built([Member(b"a", wide=("size", "packed", "disk"), copied=("offset",)), OLD]),
        "ZIP64 extra field that does not match its central directory header",
        "a",
    ),
    "a ZIP64 field is too long": (
        built([Member(b"a", record={"offset": FULL}, extra=extra(1, bytes(24))), OLD]),
        "ZIP64 extra field that does not match its central directory header",
        "a",
    ),
    "there are two ZIP64 fields": (
        built([Member(b"a", wide=("size",), extra=extra(1, bytes(8))), OLD]),
        "same extra field twice",
        "a",
    ),
    "a size is huge in its ZIP64 field": (
        built([Member(b"a", record={"packed": FULL}, extra=extra(1, pack("<Q", 1 << 63))), OLD]),
        "overlaps",
        "a",
    ),
    "bytes are in front of ZIP64, offsets from the archive's start": (
        built([A], zip64=True, prefix=b"#!sh", relative=True),
        "bytes in front",
        None,
    ),
    "bytes are in front of ZIP64 that has extensible data": (
        built([A], zip64=True, prefix=b"#!sh", zip64_data=b"x"),
        "bytes in front of the archive, and ZIP64 records with extensible data",
        None,
    ),
    "bytes are in front of ZIP64 whose locator counts no disks": (
        built([A], zip64=True, prefix=b"#!sh", locator={"disks": 0}),
        "or of no disk",
        None,
    ),
    "bytes are in front of ZIP64, of which the end of central directory record says nothing": (
        built(
            [B],
            zip64=True,
            prefix=b"#!sh",
            relative=True,
            located=True,
            end={"entries": 1, "here": 1, "length": 46 + 8, "offset": 30 + 8 + 5},
        ),
        "ZIP64 records that not every reader looks for",
        None,
    ),
    "bytes in front of the archive hold a directory where its offset points": (
        built([A, OLD, B], prefix=PLAIN[:START].replace(b"a.py", b"evil") + PLAIN[START:], relative=True),
        "two central directories",
        None,
    ),
    # extra fields
    "an extra field overruns": (built([Member(b"a", extra=b"UT\x09\0\0"), OLD]), "exceed their declared length", "a"),
    "an extra field is longer than the bytes behind its header": (
        built([Member(b"a", extra=extra(0x5455, b"\1") + b"UT\1\0"), OLD]),
        "exceed their declared length",
        "a",
    ),
    "an extra field follows zeros that are not a whole field": (
        built([Member(b"a", extra=b"\0\0" + extra(0x5455, bytes(5))), OLD]),
        "exceed their declared length",
        "a",
    ),
    "the extra fields reach into the comment": (
        built([Member(b"a", extra=b"UT\2\0", comment=b"xx"), OLD]),
        "exceed their declared length",
        "a",
    ),
    # positions
    "two entries are one": (built([A, Member(b"b", record={"offset": 0}), OLD]), "overlaps the entry", "a.py"),
    "an entry is within another": (
        built([Member(b"a", bytes(99)), Member(b"b", record={"offset": 40}), OLD]),
        "overlaps the entry 'b'",
        "a",
    ),
    "an entry's bytes reach into the next": (with_record(PLAIN, 0, packed=99), "overlaps the entry '.env'", "a.py"),
    "an entry's last byte is the next one's first": (
        with_record(PLAIN, 1, packed=len(OLD.data) + 1),
        "overlaps the entry 'lib/b.py'",
        ".env",
    ),
    "an entry's bytes reach into the directory": (
        with_record(PLAIN, 2, packed=999),
        "overlaps the central directory",
        "lib/b.py",
    ),
    "an entry is in the directory": (
        with_record(PLAIN, 0, offset=START + 4),
        "overlaps the central directory",
        "a.py",
    ),
    "an entry is after the archive": (
        with_record(PLAIN, 0, offset=FULL - 1),
        "overlaps the central directory",
        "a.py",
    ),
    # encryption
    "an entry is encrypted": (built([Member(b"a", flags=ENCRYPTED), OLD]), "encrypted", "a"),
    "an entry is encrypted strongly": (built([Member(b"a", flags=1 << 6), OLD]), "encrypted", "a"),
    "the directory is masked": (built([Member(b"a", flags=1 << 13), OLD]), "encrypted", "a"),
    "the .env is encrypted": (env(flags=ENCRYPTED), "encrypted", ".env"),
    # names
    "a name occurs twice": (built([A, A, OLD]), "occurs twice", "a.py"),
    "a name occurs twice, once with ./": (built([A, Member(b"./a.py"), OLD]), "occurs twice", "a.py"),
    "a name occurs twice, once with //": (built([Member(b"a/b"), Member(b"a//b"), OLD]), "occurs twice", "a/b"),
    "a name occurs twice, once with /.": (built([Member(b"a"), Member(b"a/."), OLD]), "occurs twice", "a"),
    "a name is a file's and a folder's": (built([Member(b"a"), Member(b"a/"), OLD]), "occurs twice", "a"),
    ".env occurs twice": (built([OLD, A, OLD]), "occurs twice", ".env"),
    ".env and ./.env": (built([OLD, A, Member(b"./.env")]), "occurs twice", ".env"),
    "an absolute name": (built([Member(b"/etc/passwd"), OLD]), "points outside", "/etc/passwd"),
    "an absolute name of Windows": (built([Member(b"\\a"), OLD]), "points outside", "\\a"),
    "a name with a drive": (built([Member(b"C:\\a"), OLD]), "points outside", "C:\\a"),
    "a name with a drive and /": (built([Member(b"c:/a"), OLD]), "points outside", "c:/a"),
    "the folder above": (built([Member(b".."), OLD]), "points outside", ".."),
    "a name in the folder above": (built([Member(b"../a"), OLD]), "points outside", "../a"),
    "a name that goes up": (built([Member(b"a/../../b"), OLD]), "points outside", "a/../../b"),
    "a name that goes up at its end": (built([Member(b"a/.."), OLD]), "points outside", "a/.."),
    "a name that goes up on Windows": (built([Member(b"a\\..\\b"), OLD]), "points outside", "a\\..\\b"),
    "a name with a line feed that goes up": (built([Member(b"a\n/../b"), OLD]), "points outside", "a\n/../b"),
    "a NUL in a name": (built([Member(b".env\0.txt"), A]), "NUL in its name", ".env\0.txt"),
    "an empty name": (built([Member(b""), OLD]), "has no name", ""),
    "a name of nothing but a dot": (built([Member(b"."), OLD]), "consists of dots only", "."),
    "an alternative name that leads out": (
        built([Member(b"a", extra=unicode_path(b"a", "../a")), OLD]),
        "alternative name that points outside",
        "a",
    ),
    "an alternative name with a NUL": (
        built([Member(b"a", extra=unicode_path(b"a", "b\0")), OLD]),
        "alternative name that points outside",
        "a",
    ),
    "an alternative name that is another's": (
        built([Member(b"a", extra=unicode_path(b"a", ".env")), OLD]),
        "alternative name that another entry also has",
        "a",
    ),
    "backslashes that make one name of two": (
        built([B, Member(b"lib\\b.py"), OLD]),
        "alternative name that another entry also has",
        "lib\\b.py",
    ),
    # the .env
    "the .env is a symbolic link": (env(attributes=LINK), "not a regular file", ".env"),
    "the .env is a symbolic link, made on DOS": (env(attributes=LINK, made=20), "not a regular file", ".env"),
    "the .env is a device": (env(attributes=0o020644 << 16), "not a regular file", ".env"),
    "the .env is a folder": (env(name=b".env/", data=b"", attributes=FOLDER), "not a regular file", ".env/"),
    "the .env is a folder by its attributes": (env(data=b"", attributes=0x10), "not a regular file", ".env"),
    "the .env is a folder with a file in it": (built([Member(b".env/a"), A]), "is a folder", ".env"),
    "the .env is compressed by bzip2": (env(record={"method": 12}), "method 12", ".env"),
    "the .env is larger than 1 MiB": (env(data=b"#" * (1 << 20) + b"\n", deflated=True), "larger than 1 MiB", ".env"),
    "the .env is declared larger than 1 MiB": (env(record={"size": FULL - 1}), "larger than 1 MiB", ".env"),
    "the .env is packed into more than 2 MiB": (
        env(data=b"", local={"packed": 3 << 20}, record={"packed": 3 << 20}, behind=bytes(3 << 20)),
        "larger than 1 MiB",
        ".env",
    ),
    "the .env's local header is missing": (with_local(PLAIN, 1, mark=b"PK\0\0"), "local header that disagrees", ".env"),
    "the .env has another name in its local header": (
        changed(PLAIN, PLAIN.index(b".env"), b".ENV"),
        "local header that disagrees",
        ".env",
    ),
    "the .env's local header has another length of name": (with_local(PLAIN, 1, name_length=3), "disagrees", ".env"),
    "the .env's local header has another method": (with_local(PLAIN, 1, method=8), "disagrees", ".env"),
    "the .env's local header is encrypted": (with_local(PLAIN, 1, flags=ENCRYPTED), "disagrees", ".env"),
    "the .env's local header has another CRC": (with_local(PLAIN, 1, crc=1), "disagrees", ".env"),
    "the .env's local header has another size": (with_local(PLAIN, 1, size=1), "disagrees", ".env"),
    "the .env's local header has another packed size": (with_local(PLAIN, 1, packed=1), "disagrees", ".env"),
    "the .env's local header announces a descriptor": (with_local(PLAIN, 1, flags=DESCRIBED), "disagrees", ".env"),
    "the .env's extra fields reach into the next entry": (
        with_local(PLAIN, 1, extra_length=9000),
        "disagrees",
        ".env",
    ),
    "the .env's local extra fields overrun": (env(local_extra=b"UT\x50\0"), "exceed their declared length", ".env"),
    "the .env's local ZIP64 field is missing": (env(local={"size": FULL}), "does not match its local", ".env"),
    "the .env's local ZIP64 field has other sizes": (
        env(local={"size": FULL, "packed": FULL}, local_extra=extra(1, pack("<2Q", 1, 2))),
        "disagrees",
        ".env",
    ),
    "the .env's descriptor is missing": (env(flags=DESCRIBED), "no data descriptor", ".env"),
    "the .env's descriptor is another one": (
        env(flags=DESCRIBED, behind=b"PK\x07\x08" + pack("<3I", 1, 2, 3)),
        "no data descriptor",
        ".env",
    ),
    "the .env's bytes are damaged": (PLAIN.replace(b"STAGE=none", b"STAGE=nine"), "size or CRC", ".env"),
    "the .env's deflated bytes are damaged": (
        changed(env(deflated=True), env(deflated=True).index(b".env") + 4, b"\xff\xff"),
        "cannot be decompressed",
        ".env",
    ),
    "the .env's deflated bytes are cut off": (
        env(deflated=True, local={"packed": 5}, record={"packed": 5}),
        "does not end where",
        ".env",
    ),
    "bytes follow the .env's deflated ones": (
        env(deflated=True, local={"packed": 12}, record={"packed": 12}, behind=bytes(20)),
        "does not end where",
        ".env",
    ),
    "the .env is stored in fewer bytes than it has": (
        env(local={"packed": 5}, record={"packed": 5}),
        "size or CRC",
        ".env",
    ),
    "the .env has more bytes than it says": (env(local={"size": 5}, record={"size": 5}), "size or CRC", ".env"),
    "the .env unpacks to more than it says": (
        env(data=bytes(99), deflated=True, local={"size": 7}, record={"size": 7}),
        "does not end where",
        ".env",
    ),
}


@pytest.mark.parametrize(("data", "problem", "entry"), REFUSED.values(), ids=REFUSED)
def test_refuses(data: bytes, problem: str, entry: str | None) -> None:
    error = refusal(data)
    assert problem in error.problem
    assert error.entry == entry
    assert "STAGE" not in str(error)


CODES = {
    "CI301": "not a zip archive|comment is shorter",
    "CI303": "several disks|another disk",
    "CI304": "two ZIP64 end of|several end of|two end of",
    "CI305": "central directory (ends|that is|of|than|is .* off)|where its locator|lists no entries",
    "CI306": "bytes in front of",
    "CI308": "extra field",
    "CI309": "overlaps",
    "CI310": "encrypted",
    "CI311": "has no name|NUL in its name|dots only",
    "CI312": "points outside",
    "CI313": "occurs twice|another entry also has",
    "CI316": "not a regular file",
    "CI317": "compression method",
    "CI318": "decompressed|size or CRC|compressed data ends",
    "CI319": "local header that disagrees|data descriptor|lists next",
    "CI320": "larger than",
    "CI322": "a file is to be written there",
}


@pytest.mark.parametrize("data", [data for data, _, _ in REFUSED.values()], ids=REFUSED)
def test_refuses_with_the_code_of_the_problem(data: bytes) -> None:
    error = refusal(data)
    assert [code for code, problems in CODES.items() if re.search(problems, error.problem)] == [error.code]


@pytest.mark.parametrize("data", [data for data, _, _ in REFUSED.values()], ids=REFUSED)
def test_refuses_for_the_same_reason_however_little_the_source_holds(data: bytes) -> None:
    assert str(refusal(data, tail=30)) == str(refusal(data))


def test_a_long_name_is_cut_in_the_message() -> None:
    assert len(str(refusal(built([Member(b"../" + b"x" * 60_000), OLD])))) < 400


def test_a_name_is_decoded_with_its_own_encoding() -> None:
    names = [(b"../\x82", 0, "../é"), ("../é".encode(), UTF8, "../é"), (b"../\xff", UTF8, "../\\xff")]
    for name, flags, decoded in names:
        assert refusal(built([Member(name, flags=flags), OLD])).entry == decoded
