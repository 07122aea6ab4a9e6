"""Lists the packages that npm has installed.

Takes the folder ``node_modules``. Returns each package with its manifest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cfn_injector.cli.bundling.npm_manifests import MODULES, PACKAGE
from cfn_injector.cli.display import visible


class Package(NamedTuple):
    """An installed package: its folder, its manifest, and its entry in npm's own list."""

    folder: Path
    manifest: Mapping[str, Any]
    entry: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The name by which it is required; the manifest may say something else."""
        return self.folder.as_posix().rpartition(f"/{MODULES}/")[2]

    @property
    def label(self) -> str:
        """Name and version, for a message."""
        return visible(f"{self.name} {self.manifest.get('version')}")

    @property
    def is_of_registry(self) -> bool:
        """Whether npm has downloaded it. npm may omit the URL of a package of the registry."""
        return not self.folder.is_symlink() and str(self.entry.get("resolved", "http")).startswith("http")


def packages(modules: Path) -> Iterator[Package]:
    """The packages that npm has installed, from its own list."""
    try:
        listed = json.loads((modules / ".package-lock.json").read_text("utf-8"))["packages"]
    except FileNotFoundError:  # npm writes no list if it installs nothing
        return
    for place, entry in listed.items():
        folder = modules.parent / place
        if (folder / PACKAGE).exists():
            yield Package(folder, json.loads((folder / PACKAGE).read_text("utf-8")), entry)


def search_path(folder: Path, modules: Path) -> Iterator[Path]:
    """The folders in which Node.js looks for a package's dependencies."""
    while folder != modules.parent:
        if folder.name != MODULES:
            yield folder / MODULES
        folder = folder.parent
    yield modules
