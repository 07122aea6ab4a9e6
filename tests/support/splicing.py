"""Splice a new .env into an archive in memory, and compare the results.

``tail`` is how many of the last bytes a source holds; the others are read when they are needed.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest

from cfn_injector.archive import Directory, Insert, NewFile, Read, Segment, extract, read_directory, splice
from cfn_injector.cli.sources import FileSource
from cfn_injector.errors import ArtifactError
from tests.support.zips import Member, built, taken_apart

NEW = b"STAGE=prod\n"
OLD = Member(b".env", b"STAGE=none\n")
A, B = Member(b"a.py", b"print('a')\n" * 9, deflated=True), Member(b"lib/b.py", b"pass\n")
FILES = {"a.py": b"print('a')\n" * 9, "lib/": b"", "lib/b.py": b"pass\n", ".env": b"STAGE=none\n", "c.txt": b""}
TAIL = 65_600


class RecordedFile(io.BytesIO):
    """A file that records which ranges are read, as (start, end)."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.requested: list[tuple[int, int]] = []

    def read(self, size: int | None = -1) -> bytes:
        start = self.tell()
        data = super().read(size)
        self.requested.append((start, start + len(data)))
        return data


def reader(data: bytes, tail: int = TAIL) -> Read:
    """Reads ranges, and checks that S3 would accept them."""
    source = FileSource("the archive", io.BytesIO(data), len(data), data[-tail:], None)

    def read(start: int, end: int) -> bytes:
        assert 0 <= start < end <= len(data), "a range that S3 would refuse"
        return source.read(start, end)

    return read


def directory_of(data: bytes, tail: int = TAIL) -> Directory:
    return read_directory(reader(data, tail), len(data))


def planned(data: bytes, add: Sequence[NewFile] = (NewFile(".env", NEW),), tail: int = TAIL) -> list[Segment]:
    """The segments of the archive in which these files replace those of the same names."""
    directory = directory_of(data, tail)
    found = [directory.names.find(file.name.encode()) for file in add]
    cut = [extract(directory.entry(index), reader(data, tail)) for index in found if index is not None]
    return splice(directory, cut, add)


def joined(data: bytes, segments: Sequence[Segment]) -> bytes:
    return b"".join(each.data if isinstance(each, Insert) else data[each.start : each.end] for each in segments)


def spliced(data: bytes, content: bytes = NEW, tail: int = TAIL) -> bytes:
    return joined(data, planned(data, [NewFile(".env", content)], tail))


def others(data: bytes, comment: bytes = b"") -> list[tuple[bytes, tuple[bytes, bytes]]]:
    parts = taken_apart(data, comment).items()
    return [(name, part) for name, part in parts if name not in (b".env", b"./.env")]


def refusal(data: bytes, tail: int = TAIL) -> ArtifactError:
    with pytest.raises(ArtifactError) as caught:
        spliced(data, tail=tail)
    return caught.value


PLAIN = built([A, OLD, B])
ZIP64 = built([A, OLD, B], zip64=True)
START = PLAIN.index(b"PK\x01\x02")
LENGTH = len(PLAIN) - 22 - START


def env(**values: object) -> bytes:
    """An archive with this .env between other entries."""
    fields: dict[str, object] = {"name": b".env", "data": b"A=1\n" * 9, **values}
    return built([A, Member(**fields), B])  # type: ignore[arg-type]  # the rows of a table name the fields
