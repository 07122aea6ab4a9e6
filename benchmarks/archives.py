"""Build realistic archives from files that are installed on this machine, the same in each run.

``build`` takes a ``Shape`` (size, number of entries, position of the ``.env``) and writes a zip file. Nine of ten
entries are text: pieces of installed files, under the names of installed files. Half of the others are pieces of native
libraries. The other half does not compress; it fills the archive up to its size without exceeding Lambda's limit of 250
MB when unpacked. All entries are deflated, even those that do not compress, as zip libraries do.
"""

from __future__ import annotations

import random
import sysconfig
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from struct import Struct
from typing import BinaryIO, NamedTuple

OLD_ENV = b"# what the artifact was built with\nTABLE=local\nLOG_LEVEL=debug\nREGION=us-east-1\n"
PLACES = {"absent": None, "first": 0.0, "early": 0.02, "middle": 0.5, "last": 1.0}
"""Positions of the ``.env``, as fractions of the archive's bytes."""

_UNPACKED = 250_000_000
_TEXT = (".c", ".css", ".h", ".html", ".js", ".json", ".md", ".py", ".pyi", ".txt", ".yaml")
_NATIVE = (".dylib", ".so")
_CORPUS = 32_000_000
_LARGE = 256 * 1024
_DATE = 46 << 9 | 1 << 5 | 1  # 2026-01-01
_HEADER, _RECORD, _END = Struct("<4s5H3I2H"), Struct("<4s6H3I5H2I"), Struct("<4s4H2IH")
_DEFLATED = 8


@dataclass(frozen=True)
class Shape:
    """The approximate size of an archive in bytes, and its exact number of entries, including the ``.env``."""

    size: int
    entries: int
    env_at: str = "first"

    @property
    def name(self) -> str:
        return f"{self.size // 1_000_000}MB-{self.entries}-{self.env_at}"


class _Packed(NamedTuple):
    """The content of an entry, compressed."""

    data: bytes
    crc: int
    size: int


def _packed(data: bytes) -> _Packed:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return _Packed(deflater.compress(data) + deflater.flush(), zlib.crc32(data), len(data))


@cache
def _installed(kinds: tuple[str, ...]) -> list[tuple[str, Path]]:
    """Files with these suffixes, and their names in an archive."""
    roots = [Path(sysconfig.get_paths()[name]) for name in ("purelib", "stdlib")]
    found = {path.relative_to(root).as_posix(): path for root in roots for path in root.rglob("*")}
    return sorted((name, path) for name, path in found.items() if path.suffix in kinds and path.is_file())


@cache
def _corpus(kinds: tuple[str, ...]) -> bytes:
    """The content of a random selection of such files."""
    files = [path for _, path in _installed(kinds)]
    random.Random(len(files)).shuffle(files)
    found = bytearray()
    for path in files:
        found += path.read_bytes()
        if len(found) > _CORPUS:
            break
    return bytes(found)


def _names() -> Iterator[str]:
    names = [name for name, _ in _installed(_TEXT)]
    copy = 0
    while True:
        yield from (f"layer{copy}/{name}" if copy else name for name in names)
        copy += 1


@cache
def _piece(kinds: tuple[str, ...], length: int, variant: int) -> _Packed:
    corpus = _corpus(kinds)
    start = random.Random(f"{length} {variant}").randrange(max(len(corpus) - length, 1))
    return _packed(corpus[start : start + length])


@cache
def _noise(length: int, variant: int) -> _Packed:
    return _packed(random.Random(variant).randbytes(length))


def _rounded(length: float) -> int:
    """Round to one of few lengths, so that few pieces have to be compressed."""
    step = 1 << max(int(length).bit_length() - 2, 4)
    return max(int(length) // step, 1) * step


def _pieces(kinds: tuple[str, ...], count: int, unpacked: float, most: float) -> list[_Packed]:
    """``count`` pieces of ``unpacked`` bytes in total, and at most ``most`` bytes after compression."""
    chance = random.Random(count)
    factors = [chance.lognormvariate(0, 1) for _ in range(count)]
    mean = unpacked / sum(factors)
    while True:
        lengths = [_rounded(mean * factor) for factor in factors]
        found = [_piece(kinds, length, index % (2 if length > _LARGE else 6)) for index, length in enumerate(lengths)]
        packed = sum(len(each.data) for each in found)
        if packed <= most or mean < 1:
            return found
        mean *= 0.98 * most / packed


def _contents(shape: Shape) -> Iterator[tuple[str, _Packed]]:
    """Names and contents of all entries except the ``.env``."""
    count = shape.entries - (PLACES[shape.env_at] is not None)
    names = list(islice(_names(), count))
    directory = sum(_HEADER.size + _RECORD.size + 2 * len(name.encode()) for name in names)
    room = max(shape.size - directory, 0)
    blobs = max(count // 10, 1)
    fills = max(blobs // 2, 1)
    unpacked = min(4 * room, (_UNPACKED - room) / 0.7)  # text and libraries compress to 0.3 or less
    texts = _pieces(_TEXT, count - blobs, 0.6 * unpacked, 0.5 * room)
    natives = _pieces(_NATIVE, blobs - fills, 0.4 * unpacked, 0.45 * room) if blobs > fills else []
    rest = room - sum(len(each.data) for each in (*texts, *natives))
    length = max(rest // fills - rest // fills // 3000 - 16, 0)  # deflate adds this much
    waiting = iter(texts)
    others = iter([_noise(length, index % 4) for index in range(fills)] + natives)
    for index, name in enumerate(names):
        other = None if index % 10 else next(others, None)
        yield name, other or next(waiting)


def _write(target: BinaryIO, shape: Shape) -> None:
    place = PLACES[shape.env_at]
    env_at = None if place is None else place * shape.size * 0.97  # the rest is the directory
    records = bytearray()
    count = 0

    def write(name: str, packed: _Packed) -> None:
        nonlocal count, records
        raw = name.encode()
        sizes = (packed.crc, len(packed.data), packed.size, len(raw))
        facts = (20, 0 if raw.isascii() else 1 << 11, _DEFLATED, 0, _DATE, *sizes, 0)
        offset = target.tell()
        target.write(_HEADER.pack(b"PK\3\4", *facts) + raw + packed.data)
        records += _RECORD.pack(b"PK\1\2", 3 << 8 | 20, *facts, 0, 0, 0, 0o100644 << 16, offset) + raw
        count += 1

    for name, packed in _contents(shape):
        if env_at is not None and place != 1 and target.tell() >= env_at:
            write(".env", _packed(OLD_ENV))
            env_at = None
        write(name, packed)
    if env_at is not None:
        write(".env", _packed(OLD_ENV))
    offset = target.tell()
    counts = (min(count, 0xFFFF),) * 2
    if count >= 0xFFFF:
        wide = Struct("<4sQ2H2I4Q").pack(b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(records), offset)
        records += wide + Struct("<4sIQI").pack(b"PK\6\7", 0, offset + len(records), 1)
    length = len(records) - (76 if count >= 0xFFFF else 0)
    target.write(records + _END.pack(b"PK\5\6", 0, 0, *counts, length, offset, 0))


def build(shape: Shape, path: Path) -> None:
    """Writes the archive."""
    with path.open("wb") as target:
        _write(target, shape)
