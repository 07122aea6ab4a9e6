"""Archives with many entries, and archives that are too large for memory."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from struct import pack, unpack_from

import pytest

from cfn_injector.archive import Insert, NewFile, Segment, extract, read_directory, splice
from cfn_injector.injection import BytesSource, Source, inject
from tests.support.splicing import NEW, OLD, env, refusal, spliced
from tests.support.zips import FULL, Member, built, extra, pieces


def names(count: int) -> list[bytes]:
    """Names as long as those in ordinary artifacts."""
    return [b"site-packages/package%d/subpackage/another/module_number_%05d.py" % (at % 700, at) for at in range(count)]


@dataclass
class Discarded:
    """A destination that records how much memory is held while the archive is written."""

    held: int = 0

    def assemble(self, source: Source, segments: Sequence[Segment]) -> None:
        self.held = tracemalloc.get_traced_memory()[0]


class TestManyEntries:
    @pytest.mark.parametrize(("entries", "peak", "held"), [(5_000, 2 << 20, 1 << 20), (100_000, 36 << 20, 12 << 20)])
    def test_the_central_directory_takes_little_more_memory_than_twice_its_size(
        self, entries: int, peak: int, held: int
    ) -> None:
        source = BytesSource(built([OLD, *map(Member, names(entries - 1))], zip64=True))
        destination = Discarded()
        tracemalloc.start()
        try:
            assert inject(source, destination, {"A": "1"}).entries == entries
            assert tracemalloc.get_traced_memory()[1] < peak
        finally:
            tracemalloc.stop()
        assert destination.held < held

    def test_each_entry_is_found_by_its_name(self) -> None:
        expected = names(5_000)
        data = built(list(map(Member, expected)))
        found = read_directory(BytesSource(data).read, len(data)).names
        assert [name for name, _ in found.items()] == expected
        for index in (0, 1, 1_000, 2_500, 4_998, 4_999):
            assert found.find(expected[index]) == index
        assert found.find(b"site-packages") is found.find(expected[0][1:]) is found.find(expected[0] + b"/") is None

    @pytest.mark.parametrize("first", [0, 2_500, 4_998])
    @pytest.mark.parametrize("folder", [b"", b"/"])
    def test_a_name_that_occurs_twice_is_found_wherever_it_is(self, first: int, folder: bytes) -> None:
        twice = names(5_000)
        twice[4_999] = twice[first] + folder
        problem = refusal(built(list(map(Member, twice))))
        assert (problem.problem, problem.entry) == ("occurs twice", twice[first].decode())

    def test_many_names_with_backslashes_have_no_second_entry(self) -> None:
        spelled = [name.replace(b"/", b"\\") for name in names(5_000)]
        data = built(list(map(Member, spelled)))
        found = read_directory(BytesSource(data).read, len(data)).names
        assert found.find(names(5_000)[4_000]) == found.find(spelled[4_000]) == 4_000
        problem = refusal(built([*map(Member, spelled), Member(names(5_000)[4_000])]))
        assert problem.problem == "has an alternative name that another entry also has"
        assert problem.entry == spelled[4_000].decode()


class TestSizes:
    @pytest.mark.parametrize(("entries", "zip64"), [(65_533, False), (65_534, True)])
    def test_the_65535th_entry_brings_zip64(self, entries: int, zip64: bool) -> None:
        data = built([Member(b"%d" % index) for index in range(entries)])
        result = spliced(data)
        assert (result[-42:-38] == b"PK\x06\x07") is zip64
        assert len(zipfile.ZipFile(io.BytesIO(result)).namelist()) == entries + 1
        assert spliced(result) == result

    def test_65535_entries_are_read_without_zip64_as_zipfile_writes_them(self) -> None:
        data = built([Member(b"%d" % index) for index in range(65_535)])
        assert data[-42:-38] != b"PK\x06\x07"
        assert len(pieces(spliced(data))) == 65_536

    @pytest.mark.parametrize(
        ("packed", "zip64"),
        [
            pytest.param(5 << 30, True, id="an archive that is ZIP64 already"),
            pytest.param(FULL - 200, False, id="an archive that becomes ZIP64"),
        ],
    )
    def test_beyond_4_gib_the_result_is_zip64(self, packed: int, zip64: bool) -> None:
        source = large(packed, zip64=zip64)
        assert zipfile.ZipFile(source).namelist() == ["big.bin", ".env"]
        result = source.rearranged(replaced(source))
        with zipfile.ZipFile(result) as archive:
            assert archive.read(".env") == LONG
            assert archive.namelist() == ["big.bin", ".env"]
            assert archive.start_dir > FULL
            assert (archive.getinfo(".env").header_offset > FULL) is zip64
        assert result.rearranged(replaced(result)).pieces == result.pieces

    def test_a_file_that_is_added_beyond_4_gib_has_its_offset_in_a_zip64_field(self) -> None:
        source = large(FULL - 200, zip64=False)
        long = source.rearranged(replaced(source))
        result = long.rearranged(replaced(long, ".other"))
        with zipfile.ZipFile(result) as archive:
            assert archive.getinfo(".other").header_offset > FULL
            assert archive.read(".other") == archive.read(".env") == LONG

    def test_bytes_in_front_stay_there_in_an_archive_that_becomes_zip64(self) -> None:
        source = large(FULL - 200, zip64=False, prefix=b"#!sh\n")
        result = source.rearranged(replaced(source))
        with zipfile.ZipFile(result) as archive:
            assert archive.read(".env") == LONG
            assert archive.getinfo("big.bin").header_offset == 5
        assert result.rearranged(replaced(result)).pieces == result.pieces

    @pytest.mark.parametrize("relative", [False, True])
    def test_the_65535th_entry_brings_zip64_behind_other_bytes(self, relative: bool) -> None:
        data = built([Member(b"%d" % index) for index in range(65_534)], prefix=b"#!sh\n", relative=relative)
        result = spliced(data)
        (located,) = unpack_from("<Q", result, len(result) - 22 - 12)
        assert result[located : located + 4] == b"PK\x06\x06"
        assert zipfile.ZipFile(io.BytesIO(result)).read(".env") == NEW
        assert spliced(result) == result


LONG = b"# long\n" * 100


def replaced(source: Sparse, name: str = ".env") -> list[Segment]:
    """The segments of the archive in which another file replaces that of this name."""
    directory = read_directory(source.range, source.size)
    index = directory.names.find(name.encode())
    cut = [] if index is None else [extract(directory.entry(index), source.range)]
    return splice(directory, cut, [NewFile(name, LONG)])


def large(packed: int, *, zip64: bool, prefix: bytes = b"") -> Sparse:
    """An archive of ``big.bin``, which has ``packed`` zeros, and ``.env``."""
    start, env = built([Member(b"big.bin")], prefix=prefix)[: len(prefix) + 37], built([OLD])[: 34 + len(OLD.data)]
    at = len(start) + packed
    values: dict[str, int | bytes] = {"size": packed, "packed": packed, "offset": len(prefix)}
    big = Member(b"big.bin", record=values)
    small = Member(OLD.name, OLD.data, record={"offset": at})
    if zip64:
        big = replace(big, record=values | {"size": FULL, "packed": FULL}, extra=extra(1, pack("<2Q", packed, packed)))
        small = replace(small, record={"offset": FULL}, extra=extra(1, pack("<Q", at)))
    members = built([big, small])
    records = members[members.index(b"PK\x01\x02") : -22]
    place = {"entries": 2, "here": 2, "length": len(records), "offset": at + len(env)}
    locator = {"offset": at + len(env) + len(records)}
    end = built([], zip64=zip64, zip64_end=place, locator=locator, end={} if zip64 else place)
    return Sparse({0: start, at: env + records + end}, locator["offset"] + len(end))


class Sparse(io.RawIOBase):
    """A file of a few pieces and otherwise zeros, which is too large for memory."""

    def __init__(self, pieces: dict[int, bytes], size: int) -> None:
        self.pieces, self.size, self.position = pieces, size, 0

    def range(self, start: int, end: int) -> bytes:
        data = bytearray(end - start)
        for at, piece in self.pieces.items():
            part = piece[max(start - at, 0) : max(end - at, 0)]
            if part:
                data[max(at - start, 0) : max(at - start, 0) + len(part)] = part
        return bytes(data)

    def rearranged(self, segments: Sequence[Segment]) -> Sparse:
        pieces: dict[int, bytes] = {}
        at = 0
        for segment in segments:
            if isinstance(segment, Insert):
                pieces[at] = segment.data
                at += len(segment.data)
                continue
            for start, piece in self.pieces.items():
                part = piece[max(segment.start - start, 0) : max(segment.end - start, 0)]
                if part:
                    pieces[at + max(start - segment.start, 0)] = part
            at += segment.end - segment.start
        return Sparse(pieces, at)

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self.position = offset + (0, self.position, self.size)[whence]
        return self.position

    def tell(self) -> int:
        return self.position

    def read(self, size: int = -1) -> bytes:
        end = self.size if size < 0 else min(self.position + size, self.size)
        start, self.position = self.position, end
        return self.range(start, end)


def test_a_deflate_bomb_is_not_unpacked() -> None:
    bomb = env(data=bytes(64 << 20), deflated=True, local={"size": 9}, record={"size": 9})
    tracemalloc.start()
    try:
        assert "does not end where" in refusal(bomb).problem
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()
