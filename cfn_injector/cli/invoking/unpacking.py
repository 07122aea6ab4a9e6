"""Unpacks an archive into a folder, as Lambda does.

Takes a source and an empty folder. Writes every file, folder and symbolic link with the permissions in the archive.
Nothing is written outside the folder: names that lead out of it are refused, and links are made after everything else,
so that no file is written through one. Errors: InjectorError.
"""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
from pathlib import Path

from cfn_injector.archive import Entry, plain, read_directory
from cfn_injector.cli.archive import DAMAGED
from cfn_injector.cli.display import explained
from cfn_injector.cli.sources import CHUNK, writing_temporary_file
from cfn_injector.errors import ArtifactError
from cfn_injector.injection import LAMBDA_MAX_UNPACKED, Source

_PERMISSIONS, _OWNER = 0o777, 0o700
_FILE = 0o644
"""The permissions of an entry that has none."""
_LONGEST_TARGET = 4096


def _copy(source: Source, path: Path) -> None:
    with writing_temporary_file(), path.open("wb") as file:
        for start in range(0, source.size, CHUNK):
            file.write(source.read(start, min(start + CHUNK, source.size)))


def _write(archive: zipfile.ZipFile, info: zipfile.ZipInfo, entry: Entry, path: bytes) -> None:
    """Makes the file or the folder."""
    if entry.is_folder:
        os.makedirs(path, exist_ok=True)
        os.chmod(path, (entry.mode & _PERMISSIONS or _OWNER) | _OWNER)
    elif entry.is_file:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with archive.open(info) as packed, open(path, "xb") as file:
            shutil.copyfileobj(packed, file)
        os.chmod(path, entry.mode & _PERMISSIONS or _FILE)
    else:
        raise ArtifactError("is neither a file, a folder nor a link", entry=entry.display_name, code="CI328")


def _link(archive: zipfile.ZipFile, info: zipfile.ZipInfo, entry: Entry, path: bytes) -> None:
    with archive.open(info) as packed:
        target = packed.read(_LONGEST_TARGET + 1)
    if len(target) > _LONGEST_TARGET:
        raise ArtifactError("is a link with too long a target", entry=entry.display_name, code="CI328")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.symlink(target, path)


def unpack(source: Source, folder: Path) -> None:
    """Writes the content of the archive into ``folder``, which exists. The archive itself is copied beside it first."""
    directory = read_directory(source.read, source.size)
    entries = list(directory.entries())
    if sum(entry.size for entry in entries) > LAMBDA_MAX_UNPACKED:
        problem = f"holds more than {LAMBDA_MAX_UNPACKED} bytes when unpacked, which Lambda does not take"
        raise ArtifactError(problem, code="CI324")
    copy = folder.with_name(f"{folder.name}.zip")
    _copy(source, copy)
    root = os.fsencode(folder)
    try:
        with zipfile.ZipFile(copy) as archive:
            for makes_links in (False, True):
                for info, entry in zip(archive.infolist(), entries, strict=True):
                    if stat.S_ISLNK(entry.mode) is makes_links:
                        path = os.path.join(root, plain(entry.name))
                        with explained(
                            f"{entry.display_name} cannot be unpacked", "rename it in the archive", code="CI757"
                        ):
                            (_link if makes_links else _write)(archive, info, entry, path)
    except DAMAGED as error:
        raise ArtifactError(f"cannot be unpacked: {error}", code="CI329") from error
    copy.unlink()
