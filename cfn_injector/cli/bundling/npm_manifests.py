"""Reads what a JavaScript project says about its packages.

Takes the folder of a project. Returns the contents of its files, the dependencies that they declare, and the packages
of its workspace. Nothing here is checked, and a file that is missing or invalid is empty: its own tool explains what is
wrong with it.

    package.json (npm, Yarn, Bun), pnpm-workspace.yaml, lerna.json -> patterns -> the packages of a workspace
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from cfn_injector.cli.tools import cli_extra, toml_module

PACKAGE, PNPM_WORKSPACE, LERNA = "package.json", "pnpm-workspace.yaml", "lerna.json"
LOCKS = ("npm-shrinkwrap.json", "package-lock.json")
OTHER_LOCKS = {"yarn.lock": "yarn", "pnpm-lock.yaml": "pnpm", "bun.lock": "bun", "bun.lockb": "bun"}
"""Lock files that npm does not read, and the program of each."""
MODULES = "node_modules"

_FIELDS = ("dependencies", "optionalDependencies", "devDependencies", "peerDependencies", "requires")
_RANGE = re.compile(r"[\w.*^~<>=|+ -]*")
_NPM_ALIAS = re.compile(r"npm:(@[\w.-]+/)?[\w.-]+(@[\w.*^~<>=|+ -]*)?")
_BRACES = re.compile(r"\{([^{}]*)\}")


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def read_json(path: Path) -> Mapping[str, Any]:
    """The object in a file."""
    try:
        return mapping(json.loads(path.read_text("utf-8-sig")))
    except (OSError, ValueError):
        return {}


def read_yaml(path: Path) -> Mapping[str, Any]:
    """The mapping in a file. Raises InjectorError if the file exists and PyYAML is not installed."""
    if not path.is_file():
        return {}
    with cli_extra():
        import yaml
    try:
        return mapping(yaml.safe_load(path.read_text("utf-8-sig")))
    except (OSError, ValueError, yaml.YAMLError):
        return {}


def read_toml(path: Path) -> Mapping[str, Any]:
    """The tables in a file."""
    if not path.is_file():
        return {}
    try:
        return mapping(toml_module().loads(path.read_text("utf-8")))
    except (OSError, ValueError):
        return {}


def npm_lock(folder: Path) -> Path | None:
    """The lock file that npm reads."""
    return next((folder / name for name in LOCKS if (folder / name).exists()), None)


def texts(value: object) -> Mapping[str, str]:
    """The members of a mapping whose values are strings."""
    return {name: text for name, text in mapping(value).items() if isinstance(text, str)}


def is_version(spec: str) -> bool:
    """Whether the value of a dependency is a range of versions or a tag, and so means the registry."""
    return _RANGE.fullmatch(spec) is not None


def is_of_registry(spec: str) -> bool:
    """Whether npm takes the package from a registry, maybe under another name."""
    return is_version(spec) or _NPM_ALIAS.fullmatch(spec) is not None


def overrides(value: object) -> Iterator[tuple[str, str]]:
    """Name and value of each override, at any depth."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        yield from texts(found).items()
        waiting.extend(mapping(found).values())


def declared(package: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and value of each dependency and override of a manifest."""
    for field in _FIELDS:
        yield from texts(package.get(field)).items()
    for field in ("overrides", "resolutions"):
        yield from overrides(package.get(field))


def leaves(path: str) -> bool:
    """Whether a relative path leads out of the folder that it begins in."""
    depth = 0
    for part in PurePosixPath(path).parts:
        depth += -1 if part == ".." else 0 if part == "." else 1
        if depth < 0:
            return True
    return path.startswith(("/", "~"))


class Workspace(NamedTuple):
    """The packages of a workspace by name, and the file that declares them."""

    root: Path
    file: str
    packages: Mapping[str, Path]


def _without_braces(pattern: str) -> Iterator[str]:
    found = _BRACES.search(pattern)
    if not found:
        yield pattern
        return
    for word in found[1].split(","):
        yield from _without_braces(f"{pattern[: found.start()]}{word}{pattern[found.end() :]}")


def _folders(root: Path, patterns: object) -> Iterator[Path]:
    """The folders of a workspace's packages. A pattern with ``!`` removes what earlier ones have found."""
    found: dict[Path, None] = {}
    for pattern in patterns if isinstance(patterns, list) else ():
        if not isinstance(pattern, str):
            continue
        for each in _without_braces(pattern.removeprefix("!").removeprefix("./").rstrip("/")):
            if not each.strip("./") or leaves(each):
                continue
            for path in root.glob(f"{each}/{PACKAGE}"):
                if MODULES in path.relative_to(root).parts:
                    continue
                if pattern.startswith("!"):
                    found.pop(path.parent, None)
                else:
                    found[path.parent] = None
    return iter(found)


def workspaces(root: Path) -> Iterator[Workspace]:
    """The workspaces whose root is this folder, one for each file that declares one."""
    package = read_json(root / PACKAGE)
    npm = package.get("workspaces")
    declarations = {
        PACKAGE: npm.get("packages") if isinstance(npm, dict) else npm,
        PNPM_WORKSPACE: read_yaml(root / PNPM_WORKSPACE).get("packages"),
        LERNA: read_json(root / LERNA).get("packages"),
    }
    for file, patterns in declarations.items():
        folders = sorted(_folders(root, patterns))
        if folders:
            named = {read_json(each / PACKAGE).get("name", each.name): each for each in folders}
            yield Workspace(root, file, {name: each for name, each in named.items() if isinstance(name, str)})


def workspace_above(source: Path) -> Workspace | None:
    """The workspace to which the package in this folder belongs, if its root is above."""
    folder = source.resolve()
    for root in folder.parents:
        for each in workspaces(root):
            if any(path.resolve() == folder for path in each.packages.values()):
                return each
    return None


def local_packages(source: Path) -> Iterator[Path]:
    """The packages of a source that npm links: those of its workspace, and those that a dependency names by a path."""
    members = {path for each in workspaces(source) if each.file == PACKAGE for path in each.packages.values()}
    found = dict.fromkeys(sorted(members))
    for folder in (source, *members):
        for _, spec in declared(read_json(folder / PACKAGE)):
            place = os.path.relpath(folder / spec.removeprefix("file:"), source)
            if spec.startswith(("file:", "./", "../")) and not leaves(place) and (source / place / PACKAGE).is_file():
                found[source / place] = None
    return iter(found)
