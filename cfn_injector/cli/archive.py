"""Archives that are the same whenever they are made of the same files.

In: names, and bytes or the files that hold them. Out: a zip with these entries in this order, of a fixed date, readable
by all. Nothing of the machine gets in: no path, owner, time or umask.
"""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, NamedTuple

from cfn_injector.cli.source_files import unreadable

SMALLEST = 9
QUICK = 6
"""Levels of compression. For compiled libraries, the first gains half a percent in twice the time."""

_DATE = (1980, 1, 1, 0, 0, 0)
_UNIX = 3


class Item(NamedTuple):
    """An entry to be: its name, its bytes or the file that holds them, and whether it can be executed."""

    name: str
    content: bytes | Path
    executable: bool = False


def _bytes(content: bytes | Path) -> bytes:
    if isinstance(content, bytes):
        return content
    try:
        return content.read_bytes()
    except OSError as error:
        raise unreadable(str(content), error) from error


def write_zip(
    target: IO[bytes], items: Iterable[Item], *, level: int, written: Callable[[int], None] = lambda size: None
) -> None:
    """Write the items as they come; ``written`` hears of the size of each.

    Modes are 0644, or 0755 for what can be executed: Lambda runs code as a user that owns no file
    (https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html).
    """
    with zipfile.ZipFile(target, "w") as archive:
        for item in items:
            entry = zipfile.ZipInfo(item.name, _DATE)
            entry.external_attr = (stat.S_IFREG | (0o755 if item.executable else 0o644)) << 16
            entry.create_system = _UNIX
            body = _bytes(item.content)
            archive.writestr(entry, body, zipfile.ZIP_DEFLATED, compresslevel=level)
            written(len(body))
