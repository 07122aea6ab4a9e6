"""Supplies the reader of ``.env`` where package.json requires it from outside of the source.

Takes the copy of a project in which npm installs. Removes the reader from its package.json and lock files, and returns
its files by their names in the bundle.

``npm install ../cfn-injector/wrapper/node``, or of the tarball of that package, writes a path that leads out of the
source. Other packages by such a path are refused, because the source alone would not determine the bundle. The reader's
code is known: if it is the one of this installation, byte for byte, the bundle takes it from here.
"""

from __future__ import annotations

import io
import json
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cfn_injector.cli.bundling.npm_manifests import LOCKS, MODULES, PACKAGE, leaves, mapping, read_json, texts
from cfn_injector.cli.bundling.reader_files import NODE_FILES, NODE_NAME, NODE_READER

_CODE = "index.cjs"
_BUNDLED, _OMITTED = ("dependencies", "optionalDependencies"), ("devDependencies",)
_LARGEST = 256 * 1024
"""Bytes of a file or a tarball: many times what the reader has."""


def _content(path: Path) -> bytes:
    """The bytes of a regular file, or none. A device or a pipe could block, or never end."""
    return path.read_bytes() if path.is_file() and path.stat().st_size <= _LARGEST else b""


def _unpacked(tarball: bytes) -> tuple[bytes, bytes]:
    with tarfile.open(fileobj=io.BytesIO(tarball)) as archive:
        found = (archive.extractfile(f"package/{name}") for name in (PACKAGE, _CODE))
        manifest, code = (file.read(_LARGEST) if file else b"" for file in found)
        return manifest, code


def _is_reader(place: Path) -> bool:
    """Whether the folder or the tarball is the package of the reader, with the code of this installation."""
    try:
        if place.is_dir():
            manifest, code = _content(place / PACKAGE), _content(place / _CODE)
        else:
            manifest, code = _unpacked(_content(place))
        name = mapping(json.loads(manifest)).get("name")
    except (OSError, ValueError, KeyError, EOFError, tarfile.TarError, zlib.error):
        return False
    return name == NODE_NAME and code == _content(NODE_READER / _CODE)


def _required(manifest: Mapping[str, Any], project: Path) -> Iterator[tuple[str, str]]:
    """The field and the name of each dependency on the reader by a path that leads out of the project."""
    for field in (*_BUNDLED, *_OMITTED):
        for name, spec in texts(manifest.get(field)).items():
            path = spec.removeprefix("file:")
            if spec.startswith(("file:", "../", "/")) and leaves(path) and _is_reader(project / path):
                yield field, name


def _without(package: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    """A manifest, or an entry of a lock file for one, without these dependencies."""
    kept = dict(package)
    for field in {*_BUNDLED, *_OMITTED} & kept.keys():
        kept[field] = {name: each for name, each in mapping(kept[field]).items() if name not in names}
    return kept


def _unlocked(lock: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    """A lock file of any version without these dependencies of the project. ``dependencies`` is of versions 1 and 2."""
    kept = _without(lock, names)
    if "packages" in lock:
        packages = mapping(lock["packages"])
        places = {f"{MODULES}/{name}" for name in names}
        places |= {str(mapping(packages.get(place)).get("resolved")) for place in places}
        kept["packages"] = {place: entry for place, entry in packages.items() if place not in places}
        kept["packages"][""] = _without(mapping(packages.get("")), names)
    return kept


def supplied(copy: Path, project: Path) -> Mapping[str, Path]:
    """``copy`` is the installers' copy of ``project``, whose paths it has."""
    manifest = read_json(copy / PACKAGE)
    required = list(_required(manifest, project))
    if not required:
        return {}
    names = {name for _, name in required}
    (copy / PACKAGE).write_text(json.dumps(_without(manifest, names)), "utf-8")
    for lock in LOCKS:
        if (copy / lock).exists():
            (copy / lock).write_text(json.dumps(_unlocked(read_json(copy / lock), names)), "utf-8")
    bundled = sorted({name for field, name in required if field in _BUNDLED})
    return {f"{MODULES}/{name}/{file}": NODE_READER / file for name in bundled for file in NODE_FILES}
