"""The belief that Lambda unpacks the unusual archives that the provider accepts. Lambda does not document this.

docs/rewriting.md lists the forms.

Each form is an archive of one file. A function is created from it and invoked.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from struct import pack, pack_into

from botocore.exceptions import ClientError

from cfn_injector.doctor import functions
from cfn_injector.doctor.beliefs import Answer, compare, unknown
from cfn_injector.doctor.cleanup import explained
from cfn_injector.doctor.session import Session
from cfn_injector.errors import code_of

_EXPECTED = "unpacked"
_PREFIX = b"#!/bin/sh\nexit 0\n"
_CENTRAL_DIRECTORY_HEADER = b"PK\x01\x02"
_FULL = 0xFFFFFFFF


def _archive(extra: bytes = b"") -> bytes:
    """An archive of one file, whose two headers have these extra fields."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        entry = zipfile.ZipInfo("index.py", (1980, 1, 1, 0, 0, 0))
        entry.external_attr = 0o100644 << 16
        entry.extra = extra
        archive.writestr(entry, functions.PLAIN)
    return target.getvalue()


def _with_spare_offset() -> bytes:
    """The sizes are in a ZIP64 field, with the offset, which the header has too."""
    size = len(functions.PLAIN)
    data = bytearray(_archive(pack("<2H3Q", 1, 24, size, size, 0)))
    pack_into("<2I", data, data.index(_CENTRAL_DIRECTORY_HEADER) + 20, _FULL, _FULL)
    return bytes(data)


def _zip64_behind_prefix(base: int) -> bytes:
    """A prefix, then an archive with ZIP64 records; ``base`` is what its offsets count of the prefix."""
    data = _archive()
    start = data.index(_CENTRAL_DIRECTORY_HEADER)
    directory = bytearray(data[start:-22])
    pack_into("<I", directory, 42, base)
    values = (1, 1, len(directory), start + base)
    record = pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, *values)
    locator = pack("<4sIQI", b"PK\x06\x07", 0, len(_PREFIX) + start + len(directory), 1)
    end = pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, _FULL, _FULL, 0)
    return b"".join((_PREFIX, data[:start], directory, record, locator, end))


FORMS: Mapping[str, bytes] = {
    "a ZIP64 field with more than is needed": _with_spare_offset(),
    "extra fields with padding behind them": _archive(pack("<2HB4s", 0x5455, 5, 1, bytes(4)) + b"\xff"),
    "NULs behind the archive": _archive() + bytes(1000),
    "ZIP64 behind a prefix that offsets count": _zip64_behind_prefix(len(_PREFIX)),
    "ZIP64 behind a prefix that only the locator counts": _zip64_behind_prefix(0),
}


def check_forms(session: Session) -> Iterator[Answer]:
    for number, (form, archive) in enumerate(FORMS.items()):
        try:
            made = functions.make(session, f"form-{number}", archive)
        except ClientError as error:
            refused = code_of(error) == "InvalidParameterValueException"  # Could not unzip uploaded file
            yield (compare if refused else unknown)(form, _EXPECTED, explained(error))
            continue
        answer = functions.invoke(session, made["FunctionName"])
        if answer.payload is None and not answer.error:
            yield unknown(form, _EXPECTED, "the function was not run")
        else:
            yield compare(form, _EXPECTED, f"{answer.error}: {answer.payload}" if answer.error else _EXPECTED)
