"""Archives of many entries and of more bytes than memory should hold."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Sequence
from struct import pack

import pytest

from cfn_injector.zip_splice import Insert, NewFile, Segment, extract, read_directory, splice
from tests.splicing import NEW, OLD, env, refusal, spliced
from tests.zips import FULL, Member, built, extra, pieces


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

    def test_an_offset_beyond_4_gib_brings_zip64(self) -> None:
        source = Sparse(5 << 30)
        assert zipfile.ZipFile(source).namelist() == ["big.bin", ".env"]
        segments = self.planned(source)
        result = source.rearranged(segments)
        with zipfile.ZipFile(result) as archive:
            assert archive.read(".env") == NEW
            assert archive.namelist() == ["big.bin", ".env"]
            assert archive.getinfo(".env").header_offset > 5 << 30
        assert result.rearranged(self.planned(result)).pieces == result.pieces

    def planned(self, source: Sparse) -> list[Segment]:
        directory = read_directory(source.range(source.size - 1000, source.size), source.size, source.range)
        old = extract(directory, directory.entry(directory.names[b".env"]), source.range)
        return splice(directory, [old], [NewFile(".env", NEW)])


class Sparse(io.RawIOBase):
    """An archive of a few pieces and otherwise zeros, larger than memory should hold."""

    def __init__(self, hole: int, pieces: dict[int, bytes] | None = None, size: int = 0) -> None:
        big = Member(b"big.bin", local={"crc": 0, "packed": FULL, "size": FULL}, local_extra=extra(1, bytes(16)))
        if pieces is None:
            start = built([big])[: 30 + 7 + 20]
            env = built([OLD])
            header = env[: 30 + 4 + len(OLD.data)]
            at = len(start) + hole
            wide = Member(b"big.bin", record={"size": FULL, "packed": FULL}, extra=extra(1, pack("<2Q", hole, hole)))
            records = self._record(wide) + self._record(
                Member(b".env", OLD.data, record={"offset": FULL}, extra=extra(1, pack("<Q", at)))
            )
            behind = at + len(header)
            end = b"PK\x06\x06" + pack("<Q2H2I4Q", 44, 45, 45, 0, 0, 2, 2, len(records), behind)
            end += b"PK\x06\x07" + pack("<IQI", 0, behind + len(records), 1)
            end += b"PK\x05\x06" + pack("<4H2IH", 0, 0, 2, 2, len(records), FULL, 0)
            pieces = {0: start, at: header + records + end}
            size = at + len(pieces[at])
        self.pieces, self.size, self.position = pieces, size, 0

    @staticmethod
    def _record(member: Member) -> bytes:
        data = built([member])
        return data[data.index(b"PK\x01\x02") : -22]

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
        return Sparse(0, pieces, at)

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
