"""What is cut, kept and added, and where it is in the result."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable, Sequence

import pytest

from cfn_injector.archive import EMPTY_ARCHIVE, Insert, Keep, NewFile, extract, read_directory, splice
from cfn_injector.cli.sources import FileSource
from cfn_injector.errors import ArtifactError
from tests.support.splicing import (
    FILES,
    NEW,
    OLD,
    PLAIN,
    TAIL,
    A,
    B,
    RecordedFile,
    directory_of,
    joined,
    planned,
    spliced,
)
from tests.support.zips import FOLDER, LINK, Member, built, pieces, signing_block, taken_apart, unicode_path, written

POSITIONS = {
    "first": [OLD, A, B],
    "in the middle": [A, OLD, B],
    "last": [A, B, OLD],
    "absent": [A, B],
    "spelled with ./": [A, Member(b"./.env", b"x"), B],
    "deflated": [A, B, Member(b".env", b"x" * 99, deflated=True)],
    "behind a data descriptor": [A, Member(b".env", b"x" * 99, deflated=True, descriptor="signed"), B],
    "last, with a wide data descriptor": [A, B, Member(b".env", descriptor="wide", local_wide=True)],
    "in ZIP64": [A, Member(b".env", b"x", wide=("size", "packed"), local_wide=True), B],
}
FORMS: dict[str, Callable[[Sequence[Member]], bytes]] = {
    "plain": built,
    "ZIP64": lambda members: built(members, zip64=True),
    "behind other bytes": lambda members: built(members, prefix=b"#!sh\n", relative=True),
    "before a signing block": lambda members: built(members, before_directory=signing_block(b"s")),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("members", POSITIONS.values(), ids=POSITIONS)
def test_the_position_of_the_old_file_makes_no_difference(
    members: Sequence[Member], form: Callable[[Sequence[Member]], bytes]
) -> None:
    assert spliced(form(members)) == spliced(form([A, B]))


def test_a_signing_block_survives_behind_a_file_that_was_cut() -> None:
    block = signing_block(b"signed" * 10)
    result = spliced(built([A, Member(b".env", b"x", descriptor="signed")], before_directory=block))
    alone = built([A])
    assert result.startswith(alone[: alone.index(b"PK\x01\x02")] + block + b"PK\x03\x04")


def test_the_old_value_is_nowhere_in_the_result() -> None:
    assert b"STAGE=none" not in spliced(built([A, OLD, B]))
    assert spliced(built([A, OLD, B])).count(b".env") == 2


def test_the_segments_keep_what_surrounds_the_old_file() -> None:
    data = built([A, OLD, B])
    first, second, insert = planned(data)
    starts = {piece.name: piece.offset for piece in pieces(data)}
    assert first == Keep(0, starts[b".env"])
    assert second == Keep(starts[b"lib/b.py"], data.index(b"PK\x01\x02"))
    assert isinstance(insert, Insert)
    assert insert.data.startswith(b"PK\x03\x04")


def test_files_are_added_in_their_order_with_their_modes() -> None:
    add = [NewFile("_cfn_injector/wrap", b"#!/bin/sh\n", 0o755), NewFile("é.txt", b"e"), NewFile(".env", NEW)]
    result = joined(data := built([OLD, A]), planned(data, add))
    with zipfile.ZipFile(io.BytesIO(result)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["a.py", "_cfn_injector/wrap", "é.txt", ".env"]
        modes = [stat.filemode(info.external_attr >> 16) for info in archive.infolist()]
        assert modes == ["-rw-r--r--", "-rwxr-xr-x", "-rw-r--r--", "-rw-r--r--"]
    assert joined(result, planned(result, add)) == result


def test_inline_code_is_spliced_into_the_empty_archive() -> None:
    segments = planned(EMPTY_ARCHIVE, [NewFile("index.py", b"def handler(*_): ...\n")])
    with zipfile.ZipFile(io.BytesIO(joined(EMPTY_ARCHIVE, segments))) as archive:
        assert archive.read("index.py") == b"def handler(*_): ...\n"


class TestRoom:
    """A file can be added only if its name is free and means the same to every reader."""

    @pytest.mark.parametrize(
        ("data", "names", "problem", "entry"),
        [
            pytest.param(built([A]), ["a.py/.env"], "is not a folder", "a.py", id="a file is where a folder is needed"),
            pytest.param(
                built([Member(b"config", b"a.py", attributes=LINK)]),
                ["config/.env"],
                "is not a folder",
                "config",
                id="a symbolic link is where a folder is needed",
            ),
            pytest.param(
                built([Member(b"config/", b"..", attributes=LINK)]),
                ["config/.env"],
                "is not a folder",
                "config/",
                id="a symbolic link that ends in / is where a folder is needed",
            ),
            pytest.param(
                built([Member(b"x/", extra=unicode_path(b"x/", "config/"))]),
                ["config/.env"],
                "is not a folder",
                "x/",
                id="a folder is one only to some readers",
            ),
            pytest.param(built([B]), ["lib"], "is a folder", "lib", id="a folder is where the file is to be"),
            pytest.param(built([A]), ["a.py"], "twice", "a.py", id="an entry has the name and is not cut"),
            pytest.param(built([A]), ["b", "b"], "twice", "b", id="two added files have one name"),
            pytest.param(built([A]), ["b/c", "b"], "is a folder", "b", id="one added file is the folder of another"),
            pytest.param(
                built([Member(b"lib\\.env")]),
                ["lib/.env"],
                "twice",
                "lib/.env",
                id="a name with a backslash is the same to some",
            ),
        ],
    )
    def test_refuses(self, data: bytes, names: list[str], problem: str, entry: str) -> None:
        with pytest.raises(ArtifactError) as caught:
            splice(directory_of(data), [], [NewFile(name, b"") for name in names])
        assert problem in caught.value.problem
        assert caught.value.entry == entry

    def test_folders_on_the_way_are_kept(self) -> None:
        data = built([Member(b"config/", attributes=FOLDER), Member(b"./config/dev/"), A])
        assert taken_apart(joined(data, planned(data, [NewFile("config/dev/.env", NEW)]))).keys() == {
            *(b"config/", b"./config/dev/", b"a.py", b"config/dev/.env")
        }

    @pytest.mark.parametrize(
        "name",
        [
            *("", ".", "/", "/.env", "a/", "a//b", "..", "../.env", "a/../b"),
            *("a\\b", "C:/x", "a\0b", "a\ud800", "x" * 4097),
        ],
    )
    def test_refuses_a_name_that_is_not_a_relative_path(self, name: str) -> None:
        with pytest.raises(ArtifactError, match="give a relative path"):
            splice(directory_of(PLAIN), [], [NewFile(name, b"")])


class TestReads:
    def asked(self, data: bytes, tail: int) -> list[tuple[int, int]]:
        file = RecordedFile(data)
        source = FileSource("the archive", file, len(data), data[-tail:], None)
        read_directory(source.read, source.size)
        return file.requested

    def test_a_directory_within_the_tail_costs_no_additional_read(self) -> None:
        assert self.asked(written({f"{index}.py": b"x" * 5000 for index in range(99)}), TAIL) == []

    def test_of_a_longer_directory_only_what_is_missing_is_read(self) -> None:
        data = written({f"{index:0200}.py": b"x" for index in range(600)})
        start = data.index(b"PK\x01\x02")
        assert self.asked(data, 70_000) == [(start, start + 4), (start, len(data) - 70_000)]

    def test_of_what_follows_the_old_file_only_a_little_is_read(self) -> None:
        data = built([Member(b".env", b"A=1", behind=bytes(1 << 20)), A])
        directory = directory_of(data)
        asked: list[int] = []

        def read(start: int, end: int) -> bytes:
            asked.append(end - start)
            return data[start:end]

        assert extract(directory.entry(0), read).data == b"A=1"
        assert max(asked) < 140_000

    def test_a_comment_of_any_length_is_found(self) -> None:
        data = written(FILES, b"c" * 65_535)
        assert spliced(data, tail=65_557)[-65_535:] == b"c" * 65_535


def test_a_source_that_ends_while_it_is_read_is_refused() -> None:
    with pytest.raises(ArtifactError, match="while it was being read"):
        read_directory(lambda start, end: PLAIN[start:end][:-1], len(PLAIN))


def test_a_source_that_ends_before_the_old_file_is_read_is_refused() -> None:
    entry = directory_of(PLAIN).entry(1)
    with pytest.raises(ArtifactError, match="while it was being read"):
        extract(entry, lambda start, end: PLAIN[start:end][:-1])
