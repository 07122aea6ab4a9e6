"""The names of all entries of an archive, in one buffer.

``index_names`` takes the names as the central directory has them, and refuses those that two readers could interpret
differently. It returns ``Names``, which finds an entry by its normalized name. Few names are ever looked up; 100,000
names take 20 MB in a dict, and 6 MB in a buffer, which is searched in milliseconds.

Errors: ArtifactError.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from itertools import chain

from cfn_injector.archive.entry import is_unsafe, plain
from cfn_injector.errors import ArtifactError

MAX_NAME_BYTES = 4096
"""Linux opens no longer path: https://man7.org/linux/man-pages/man7/path_resolution.7.html."""
_BLOCK = 64 * 1024
_DOTS = re.compile(rb"\.[./]")

Show = Callable[[int], str]
"""The name of the entry at an index, for use in a message."""


@dataclass(frozen=True)
class Names:
    """The normalized names of all entries, and their aliases: other names by which some readers know an entry.

    ``joined`` holds a NUL before and after each: first the names in the order of the entries, then the aliases.
    ``aliased`` has the index of the entry of each alias.
    """

    entries: int
    joined: bytes = field(repr=False)
    aliased: Sequence[int] = field(repr=False)

    def find(self, name: bytes) -> int | None:
        """The index of the entry that has this name or alias."""
        at = self.joined.find(b"\0" + name + b"\0")
        if at < 0:
            return None
        place = self.joined.count(b"\0", 0, at)
        return place if place < self.entries else self.aliased[place - self.entries]

    def search(self, pattern: bytes) -> bytes | None:
        """The first name or alias that a regular expression matches as a whole. The expression must not match NUL."""
        found = re.search(rb"\0(" + pattern + rb")(?=\0)", self.joined)
        return found[1] if found else None

    def items(self) -> Iterator[tuple[bytes, int]]:
        """Each name and alias, with the index of its entry."""
        return zip(_split(self.joined), chain(range(self.entries), self.aliased), strict=True)


def _split(joined: bytes) -> Iterator[bytes]:
    """Each name. They are split off in blocks, because all at once take three times the memory of the buffer."""
    at = 0
    while at + 1 < len(joined):
        end = joined.find(b"\0", min(at + _BLOCK, len(joined) - 1))
        yield from joined[at + 1 : end].split(b"\0")
        at = end


def _joined(names: Iterable[bytes]) -> bytes:
    joined = BytesIO()  # unlike a bytearray, it yields bytes without a copy
    joined.write(b"\0")
    for name in names:
        joined.write(name + b"\0")
    return joined.getvalue()


def _normalized(names: bytes, show: Show) -> bytes:
    """The names without empty and ``.`` parts. Refuses names that no archive may have."""
    # Searching all names at once is fast; each name is looked at only if that search finds something.
    keys = names.replace(b"/\0", b"\0")
    parts = keys.replace(b"\0", b"/")
    if b"//" not in parts and b":" not in parts and not _DOTS.search(parts):
        return keys
    if any(part in names for part in (b"..", b"\0/", b":")):
        for index, name in enumerate(_split(names)):
            if is_unsafe(name):
                raise ArtifactError("has a name that points outside the archive", entry=show(index), code="CI312")
    keys = _joined(map(plain, _split(names)))
    for index, (name, key) in enumerate(zip(_split(names), _split(keys), strict=True)):
        if not key and not name.endswith(b"/"):
            raise ArtifactError("has a name that consists of dots only", entry=show(index), code="CI311")
    return keys


def _check_distinct(keys: bytes, entries: int, show: Show) -> None:
    if len(set(map(hash, _split(keys)))) == entries:  # different hashes, different names: half the memory
        return
    indexes = {key: index for index, key in enumerate(_split(keys))}
    for index, key in enumerate(_split(keys)):
        if indexes[key] != index:
            raise ArtifactError("occurs twice", entry=show(index), code="CI313")


def _with_aliases(names: bytes, keys: bytes, entries: int, aliases: Iterable[tuple[int, bytes]], show: Show) -> Names:
    """Refuses aliases that are unsafe, or that are the name or alias of another entry."""
    joined, aliased = BytesIO(), array("I")
    joined.write(keys)
    indexes = {hash(key): index for index, key in enumerate(_split(keys))}
    # A backslash is a separator to tools on Windows, and to some others.
    spelled = ((index, name.replace(b"\\", b"/")) for index, name in enumerate(_split(names)) if b"\\" in name)
    for index, alias in chain(aliases, spelled):
        if b"\0" in alias or is_unsafe(alias):
            problem = "has an alternative name that points outside the archive"
            raise ArtifactError(problem, entry=show(index), code="CI312")
        key = plain(alias)
        if indexes.setdefault(hash(key), index) != index and b"\0" + key + b"\0" in joined.getvalue():
            problem = "has an alternative name that another entry also has"
            raise ArtifactError(problem, entry=show(index), code="CI313")
        joined.write(key + b"\0")
        aliased.append(index)
    return Names(entries, joined.getvalue(), aliased)


def index_names(names: bytes, entries: int, longest: int, aliases: Sequence[tuple[int, bytes]], show: Show) -> Names:
    """The normalized names. Refuses unsafe names, and two names that are the same file.

    ``names`` has a NUL before and after each name; ``longest`` is the length of the longest. ``aliases`` are pairs
    of an index and another name of that entry.
    """
    keys = _normalized(names, show)
    if longest > MAX_NAME_BYTES:
        index = next(index for index, name in enumerate(_split(names)) if len(name) == longest)
        raise ArtifactError(f"has a name of more than {MAX_NAME_BYTES:,} bytes", entry=show(index), code="CI311")
    _check_distinct(keys, entries, show)
    if aliases or b"\\" in names:
        return _with_aliases(names, keys, entries, aliases, show)
    return Names(entries, keys, ())
