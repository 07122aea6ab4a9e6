"""Reads which versions the lock file of Yarn 1 has.

Takes ``yarn.lock``. Returns the versions of each package.

npm uses the versions in that file if there is no ``package-lock.json``. It does not report when it installs a different
version, so the caller compares the result. Yarn 2 and later write a format that npm does not read.
https://docs.npmjs.com/cli/v11/commands/npm-install#description
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cfn_injector.cli.bundling.npm_installed import Package

YARN_LOCK = "yarn.lock"

_HEADER = re.compile(r"^#\s*yarn lockfile v1\s*$", re.MULTILINE)
_NAME = re.compile(r'"?(@?[^@"\s]+)@')
_VERSION = re.compile(r'  version "?([^"\s]+)"?')


def is_of_yarn_1(path: Path) -> bool:
    """Whether the file exists and is of Yarn 1."""
    return path.is_file() and _HEADER.search(path.read_text("utf-8", "replace")) is not None


def _versions(path: Path) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    names: set[str] = set()
    for line in path.read_text("utf-8", "replace").splitlines():
        version = _VERSION.fullmatch(line)
        if version:
            for name in names:
                found.setdefault(name, set()).add(version[1])
        elif line and not line.startswith(("#", " ")):
            names = {match[1] for match in map(_NAME.match, line.split(", ")) if match}
    return found


def not_locked(path: Path, installed: Sequence[Package]) -> Iterator[Package]:
    """Packages of a registry that npm has installed in a version that the file does not have."""
    versions = _versions(path)
    for each in installed:
        if each.is_of_registry and each.manifest.get("version") not in versions.get(each.name, ()):
            yield each
