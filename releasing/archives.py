"""Packages with the same bytes for the same files.

Takes a tar archive that another tool compressed. Replaces it by one with the same regular files, sorted, without what
depends on the machine and the time: owners, dates, modes, folders, and the header and settings of the compression.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

from cfn_injector.errors import InjectorError

EPOCH = 315_532_800
"""1980-01-01, the first date that a zip can have. For SOURCE_DATE_EPOCH:
https://reproducible-builds.org/specs/source-date-epoch/"""


def _header(member: tarfile.TarInfo) -> tarfile.TarInfo:
    header = tarfile.TarInfo(member.name)
    header.size = member.size
    header.mode = 0o755 if member.mode & 0o100 else 0o644
    header.mtime = EPOCH
    return header


def normalize(path: Path) -> None:
    """Rewrite a ``.tar.gz``. Raises InjectorError if it has entries other than regular files and folders."""
    target = io.BytesIO()
    with tarfile.open(path) as source, tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member in sorted(source.getmembers(), key=lambda each: each.name):
            if member.isdir():
                continue
            if not member.isreg():
                raise InjectorError(f"{path.name} contains {member.name}, which is not a regular file; remove it")
            archive.addfile(_header(member), source.extractfile(member))
    with path.open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=EPOCH) as compressed:
        compressed.write(target.getvalue())
