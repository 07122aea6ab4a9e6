"""Makes the zips of the local code of a template.

Takes a folder or a file. Returns a zip and the hash of its content.

folder, Python or Node.js   bundled, with its dependencies for the platform, as by ``bundle``
folder, other runtime       its files
folder of a layer           its files
zip                         the file itself
other file                  the file alone in a zip
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from zipfile import is_zipfile

from cfn_injector.cli.archive import QUICK, Item, content_hash, write_zip
from cfn_injector.cli.bundling.bundle_files import choose, merged
from cfn_injector.cli.bundling.function_zip import Options, bundle
from cfn_injector.cli.bundling.lambda_platform import is_known
from cfn_injector.cli.display import explained, visible
from cfn_injector.cli.progress import Progress
from cfn_injector.errors import InjectorError


class CodeZip(NamedTuple):
    """The zip of the source ``name``: its file, the hash of its content in hexadecimal, and sentences about it."""

    name: str
    path: Path
    content_hash: str
    warnings: Sequence[str] = ()
    notes: Sequence[str] = ()


def _written(items: Mapping[str, Path], target: Path) -> None:
    with explained("a temporary file cannot be written", "set TMPDIR to a folder with more room", code="CI721"):
        modes = {name: bool(path.stat().st_mode & 0o100) for name, path in items.items()}
        with target.open("wb") as file:
            write_zip(file, (Item(name, path, modes[name]) for name, path in items.items()), level=QUICK)


def _hashed(path: Path, name: str, warnings: Sequence[str] = (), notes: Sequence[str] = ()) -> CodeZip:
    with explained(f"{name} cannot be read", "check its permissions", code="CI716"), path.open("rb") as file:
        return CodeZip(name, path, content_hash(file, name), warnings, notes)


def code_zip(source: Path, target: Path, options: Options, bar: Progress, *, is_layer: bool) -> CodeZip:
    """The zip of ``source``, which is written to ``target`` if it has to be made. Raises InjectorError."""
    name = visible(os.path.relpath(source))
    if source.is_dir():
        if not is_layer and (options.runtime is None or is_known(options.runtime)):
            made = bundle(str(source), str(target), options, bar)
            return _hashed(target, name, made.warnings, made.notes)
        chosen = choose(source, options.rules._replace(installs=False), None)
        if not chosen.own:
            raise InjectorError(f"{name} has no files; name the folder with the code", code="CI643")
        _written(merged(chosen.own, {}), target)
        return _hashed(target, name, list(chosen.warnings()), list(chosen.notes()))
    if is_zipfile(source):
        return _hashed(source, name)
    _written({source.name: source}, target)
    return _hashed(target, name)
