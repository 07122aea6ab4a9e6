"""Source folders for ``bundle``, and packages that can be installed without a registry."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import sys
import tarfile
import zipfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

# The first 20 bytes of an ELF file; machine 62 is x86_64, 183 is arm64.
X86_64, ARM64 = (b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00" + bytes([machine, 0]) for machine in (62, 183))

APP = {"app.py": "import lib.tool\nprint(lib.tool.NAME)\n", "lib/tool.py": "NAME = 'tool'\n", ".env": "STAGE=none\n"}
BUNDLE = [sys.executable, "-m", "cfn_injector", "bundle"]
ROOT = Path(__file__).parents[2]

# A build backend without requirements, so that only the build itself can be the reason for a refusal.
_BACKEND = """\
import os, zipfile
INFO = "made-1.0.dist-info"
METADATA = "Metadata-Version: 2.1\\nName: made\\nVersion: 1.0\\n"
def prepare_metadata_for_build_wheel(folder, config_settings=None):
    os.mkdir(f"{folder}/{INFO}")
    with open(f"{folder}/{INFO}/METADATA", "w") as file:
        file.write(METADATA)
    return INFO
def build_wheel(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(f"{folder}/made-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{INFO}/METADATA", METADATA)
        wheel.writestr(f"{INFO}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{INFO}/RECORD", "")
    return "made-1.0-py3-none-any.whl"
prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel
build_editable = build_wheel
"""
_PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
BUILDABLE = {"pyproject.toml": _PROJECT, "backend.py": _BACKEND}

State = Mapping[str, tuple[int, int, bytes]]


def tree(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write these files to the folder, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def link(folder: Path, name: str, to: str) -> None:
    """Make a symbolic link with this name in the folder."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).symlink_to(to)


def state(folder: Path) -> State:
    """Mode, time and bytes of every file in a folder, by name."""

    def seen() -> Iterator[tuple[str, tuple[int, int, bytes]]]:
        for path in sorted(folder.rglob("*")):
            facts = path.lstat()
            body = path.read_bytes() if path.is_file() else b""
            yield path.relative_to(folder).as_posix(), (facts.st_mode, facts.st_mtime_ns, body)

    return dict(seen())


def contents(archive: Path | bytes) -> dict[str, bytes]:
    """The bytes of each entry by its name, in the order of the archive."""
    with zipfile.ZipFile(io.BytesIO(archive) if isinstance(archive, bytes) else archive) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def modes(archive: Path) -> dict[str, str]:
    """The mode of each entry by its name, in octal."""
    with zipfile.ZipFile(archive) as opened:
        return {entry.filename: oct(entry.external_attr >> 16) for entry in opened.infolist()}


def find_wheels_in(folder: Path, patched: pytest.MonkeyPatch) -> None:
    """Lets pip and uv look into one folder only, whatever the settings of this machine are."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        patched.delenv(name)
    for name, value in {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}.items():
        patched.setenv(name, value)


def _record(name: str, body: bytes) -> list[str]:
    digest = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()
    return [name, f"sha256={digest}", str(len(body))]


def wheel(
    folder: Path,
    name: str,
    files: Mapping[str, str | bytes],
    *,
    version: str = "1.0",
    tag: str = "py3-none-any",
    metadata: str = "",
    scripts: Mapping[str, str] | None = None,
    executable: Collection[str] = (),
) -> Path:
    """Write a wheel, as a build would; ``scripts`` are console entry points, ``executable`` are names of files."""
    info = f"{name}-{version}.dist-info"
    points = "".join(f"{script} = {where}\n" for script, where in (scripts or {}).items())
    everything = {
        **{each: body.encode() if isinstance(body, str) else body for each, body in files.items()},
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{metadata}".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
        f"{info}/entry_points.txt": f"[console_scripts]\n{points}".encode(),
    }
    listed = io.StringIO()
    rows = [_record(each, body) for each, body in everything.items()]
    csv.writer(listed, lineterminator="\n").writerows([*rows, [f"{info}/RECORD", "", ""]])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for each, body in [*everything.items(), (f"{info}/RECORD", listed.getvalue().encode())]:
            entry = zipfile.ZipInfo(each)
            entry.external_attr = (0o100755 if ".data/scripts/" in each or each in executable else 0o100644) << 16
            archive.writestr(entry, body)
    return path


def tarball(path: Path, package: Mapping[str, Any], files: Mapping[str, str | bytes], top: str = "package") -> Path:
    """Write a package, as npm packs it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    everything = {**files, "package.json": json.dumps(package)} if package else dict(files)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in everything.items():
            body = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return path
