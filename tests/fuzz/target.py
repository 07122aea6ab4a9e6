"""The function that libFuzzer calls: ``python -m tests.fuzz.target [OPTION...] [FILE|FOLDER...]``, with its options.

Every second mutation is mended, so that it passes the first checks: the end records then match the central directory,
and the header of a stored ``.env`` matches its content.
"""

from __future__ import annotations

import shlex
import sys
import zlib
from struct import pack_into, unpack_from

import atheris

with atheris.instrument_imports(include=["cfn_injector", "wrapper"]):
    from tests.fuzz.check import check

END, RECORD, LOCAL = b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04"
ZIP64_END, LOCATOR = b"PK\x06\x06", b"PK\x06\x07"


def _mend_env(data: bytearray, record: int, local: int) -> None:
    """Writes size and CRC of the content into both headers, if the entry is stored."""
    if data[local : local + 4] != LOCAL or len(data) < local + 30 or data[record + 10 : record + 12] != b"\0\0":
        return
    name_length, extra_length = unpack_from("<2H", data, local + 26)
    start = local + 30 + name_length + extra_length
    (packed,) = unpack_from("<I", data, record + 20)
    content = data[start : start + packed]
    facts = zlib.crc32(content), len(content), len(content)
    pack_into("<3I", data, record + 16, *facts)
    if data[local + 14 : local + 18] != bytes(4):
        pack_into("<3I", data, local + 14, *facts)


def mended(original: bytes, *, comment: bool = True) -> bytes:
    """The archive with correct end records, if its central directory can be found.

    Unless ``comment`` is set, what follows these records is not made the comment.
    """
    data = bytearray(original)
    start, end = data.find(RECORD), data.rfind(END)
    if not 0 <= start <= end - 46 <= len(data) - 68:
        return original
    count, at = 0, start
    first = max(data.find(LOCAL, 0, start), 0) if unpack_from("<I", data, start + 42) == (0,) else 0
    while data[at : at + 4] == RECORD and at + 46 <= end:
        lengths = unpack_from("<3H", data, at + 28)
        (offset,) = unpack_from("<I", data, at + 42)
        if bytes(data[at + 46 : at + 46 + lengths[0]]) in (b".env", b"./.env"):
            _mend_env(data, at, first + offset)
        at += 46 + sum(lengths)
        count += 1
    values = count, count, at - start, start - first
    if data[at : at + 4] == ZIP64_END and at + 76 <= end and data[end - 20 : end - 16] == LOCATOR:
        pack_into("<Q", data, at + 4, end - 20 - at - 12)
        pack_into("<4Q", data, at + 24, *values)
        pack_into("<Q", data, end - 12, at)
    else:
        pack_into("<2H2I", data, end + 8, *values)
    if comment:
        pack_into("<H", data, end + 20, len(data) - end - 22)
    return bytes(data)


def mutate(data: bytes, longest: int, seed: int) -> bytes:
    changed: bytes = atheris.Mutate(data, longest)
    return mended(changed, comment=seed % 4 == 1) if seed % 2 else changed


def run(data: bytes) -> None:
    check(data)


if __name__ == "__main__":
    # To merge, libFuzzer runs its first argument in a shell.
    itself = f"{shlex.quote(sys.executable)} -m tests.fuzz.target"
    atheris.Setup([itself, *sys.argv[1:]], run, custom_mutator=mutate)
    atheris.Fuzz()
