"""One entry of a zip archive, and what its two headers have in common: names, flags and extra fields.

PKWARE's APPNOTE defines them in 4.3 to 4.6: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.
Errors: ArtifactError.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from struct import Struct

from cfn_injector.errors import ArtifactError

LOCAL_HEADER = Struct("<4s5H3I2H")
LOCAL_HEADER_SIGNATURE = b"PK\x03\x04"
ENCRYPTION_FLAGS = 1 << 0 | 1 << 6 | 1 << 13
UTF8_FLAG = 1 << 11
ZIP64_FIELD = 0x0001

UNICODE_PATH_FIELD = 0x7075  # Info-ZIP's: readers that know it prefer it to the entry's own name
_FIELD = Struct("<2H")
_TYPE, _FILE, _FOLDER = 0o170000, 0o100000, 0o040000
_DOS_FOLDER = 0x10
_UNSAFE = re.compile(rb"[/\\]|[A-Za-z]:[/\\]|(?:.*[/\\])?\.\.(?:[/\\]|\Z)", re.DOTALL)


@dataclass(frozen=True)
class Entry:
    """One entry, as the central directory describes it.

    ``offset`` is the position of its local header in the source. ``limit`` is the position of the next local header, or
    of the central directory if this entry is the ``last``. ``compressed_size`` and ``size`` are in bytes.
    ``host_system`` is the number of the system whose format ``attributes`` have: 0 for MS-DOS, 3 for Unix, 19 for macOS
    (APPNOTE 4.4.2).
    """

    index: int
    name: bytes
    host_system: int
    flags: int
    method: int
    crc: int
    compressed_size: int
    size: int
    attributes: int
    offset: int
    limit: int
    last: bool

    @property
    def display_name(self) -> str:
        """The name for use in a message."""
        return display_name(self.name, self.flags)

    @property
    def mode(self) -> int:
        """Type and permissions as in ``st_mode``, if the host system has them; 0 if it has none."""
        return self.attributes >> 16

    @property
    def is_file(self) -> bool:
        """Whether every reader treats it as a regular file: not as a folder, a link or a device."""
        if self.name.endswith(b"/") or self.attributes & _DOS_FOLDER:
            return False
        return self.mode & _TYPE in (0, _FILE)

    @property
    def is_folder(self) -> bool:
        """Whether every reader treats it as a folder."""
        return self.name.endswith(b"/") and self.mode & _TYPE in (0, _FILE, _FOLDER)


def display_name(name: bytes, flags: int) -> str:
    """A name, decoded as its flags require and cut to 200 characters."""
    text = name.decode("utf-8", "backslashreplace") if flags & UTF8_FLAG else name.decode("cp437")
    return text if len(text) <= 200 else f"{text[:200]}..."


def plain(name: bytes) -> bytes:
    """A name as tools unpack it: without its empty and ``.`` parts."""
    return b"/".join(part for part in name.split(b"/") if part not in (b"", b"."))


def is_unsafe(name: bytes) -> bool:
    """Whether a name points outside the folder that it is unpacked into, on Unix or on Windows."""
    return _UNSAFE.match(name) is not None


def extra_fields(data: bytes, at: int, end: int, name: bytes, flags: int) -> dict[int, tuple[int, int]]:
    """The positions in ``data`` of the values of the extra fields that matter.

    Up to three bytes of any value may follow the last field: too few for another one, and written by tools that align
    the content, such as zipalign.
    """
    fields: dict[int, tuple[int, int]] = {}
    while at + 4 <= end:
        identifier, length = _FIELD.unpack_from(data, at)
        at += 4 + length
        if identifier in (ZIP64_FIELD, UNICODE_PATH_FIELD):
            if identifier in fields:
                raise ArtifactError("has the same extra field twice", entry=display_name(name, flags), code="CI308")
            fields[identifier] = at - length, at
    if at > end:
        problem = "has extra fields that exceed their declared length"
        raise ArtifactError(problem, entry=display_name(name, flags), code="CI308")
    return fields
