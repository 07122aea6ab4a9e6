"""Limits what a project tells npm.

Takes the project's ``.npmrc``, ``package.json`` and lock file. Returns the settings that npm may read, and refuses
dependencies for which npm would run code.

A setting such as ``git``, ``script-shell`` or ``node-options`` names a program, so ``.npmrc`` is read for registries
and their credentials only. npm builds a dependency from a repository with that repository's own settings, which may run
code even with ``--ignore-scripts``: https://github.com/npm/cli/issues/4101. Versions, tarballs and folders of the
source remain.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from cfn_injector.cli.display import visible
from cfn_injector.errors import InjectorError

NPMRC, PACKAGE = ".npmrc", "package.json"
LOCKS = ("npm-shrinkwrap.json", "package-lock.json")

_REGISTRY = re.compile(r"(@[\w.-]+:)?registry")
_CREDENTIAL = re.compile(r"//[^\s=]+:(_authToken|_auth|username|_password|email|certfile|keyfile)")
_OTHERS = ("always-auth", "cafile")

_FIELDS = ("dependencies", "optionalDependencies", "devDependencies", "peerDependencies", "requires")
_PATH = ("file:", ".", "/", "~/")
_RANGE = re.compile(r"[\w.*^~<>=|+ -]*")
_NPM_ALIAS = re.compile(r"npm:(@[\w.-]+/)?[\w.-]+(@[\w.*^~<>=|+ -]*)?")
_REFERENCE = re.compile(r"\$(@[\w.-]+/)?[\w.-]+")
# https://github.com/npm/hosted-git-info: of these hosts, npm takes most URLs for a repository.
_GIT_HOSTS = ("github.com", "gitlab.com", "bitbucket.org", "gist.github.com", "git.sr.ht")


_OUTSIDE = "leads out of the source; copy the package into the source"
_MAY_RUN = "is not a version, a tarball or a folder of the source, and npm may run its code; require a version"


def _is_allowed(key: str, value: str) -> bool:
    if "${" in value or not value.isprintable():
        return False
    if _REGISTRY.fullmatch(key):
        return urlsplit(value).scheme in ("https", "http")
    return key in _OTHERS or _CREDENTIAL.fullmatch(key) is not None


def read_npmrc(path: Path) -> tuple[str, Sequence[str]]:
    """The settings that npm may read, and the names of the others. Without the file, there are none."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except FileNotFoundError:
        return "", ()
    except (OSError, UnicodeDecodeError) as error:
        raise InjectorError(f"cannot read {NPMRC}; write it in UTF-8") from error
    kept, ignored = [], []
    for line in map(str.strip, lines):
        key, _, value = (part.strip() for part in line.partition("="))
        if not line or line.startswith((";", "#")):
            continue
        if _is_allowed(key, value):
            kept.append(f"{key}={value}\n")
        else:
            ignored.append(visible(key) if re.fullmatch(r"[@\w:./-]{1,80}", key) else "a line")
    return "".join(kept), sorted({*ignored})


def _leaves(path: str) -> bool:
    """Whether a relative path leads out of the folder that it begins in."""
    depth = 0
    for part in PurePosixPath(path).parts:
        depth += -1 if part == ".." else 0 if part == "." else 1
        if depth < 0:
            return True
    return path.startswith(("/", "~"))


def _is_repository(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http"):
        return True
    host = (parts.hostname or "").removeprefix("www.")
    segments = [unquote(each) for each in parts.path.split("/") if each]
    is_file = host == "github.com" and len(segments) > 3 and segments[2] != "tree"
    return host in _GIT_HOSTS and not is_file


def _is_refused(spec: str, folder: str | None) -> bool:
    """Whether the value of a dependency is anything but a version, a tarball or a folder of the source.

    ``folder`` is that in which it is declared, relative to the source, or None for an installed package.
    """
    if spec.startswith(_PATH):
        path = spec.removeprefix("file:")
        return folder is not None and (path.startswith("~") or _leaves(str(PurePosixPath(folder) / path)))
    if _RANGE.fullmatch(spec) or _NPM_ALIAS.fullmatch(spec) or _REFERENCE.fullmatch(spec):
        return False
    return _is_repository(spec)


def _declared(package: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for each in _FIELDS:
        values = package.get(each)
        if isinstance(values, dict):
            yield from ((name, spec) for name, spec in values.items() if isinstance(spec, str))
    waiting = [package.get("overrides"), package.get("resolutions")]
    while waiting:
        overrides = waiting.pop()
        if isinstance(overrides, dict):
            yield from ((name, spec) for name, spec in overrides.items() if isinstance(spec, str))
            waiting.extend(overrides.values())


def _locked(lock: Mapping[str, Any]) -> Iterator[tuple[str | None, str, str]]:
    """Folder, name and value of each dependency in a lock file of any version."""
    packages = lock.get("packages")
    for place, entry in packages.items() if isinstance(packages, dict) else ():
        if not isinstance(entry, dict):
            continue
        resolved = entry.get("resolved")
        if isinstance(resolved, str):
            yield "", place, f"./{resolved}" if entry.get("link") is True and ":" not in resolved else resolved
        folder = None if "node_modules" in place else place
        yield from ((folder, name, spec) for name, spec in _declared(entry))
    waiting = [lock.get("dependencies")]
    while waiting:
        dependencies = waiting.pop()
        for name, entry in dependencies.items() if isinstance(dependencies, dict) else ():
            if isinstance(entry, dict):
                values = (entry.get("version"), entry.get("resolved"))
                yield from (("", name, each) for each in values if isinstance(each, str))
                waiting.append(entry.get("dependencies"))


def _json(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError):
        return {}  # npm explains what is wrong with it
    return found if isinstance(found, dict) else {}


def _workspaces(source: Path, package: Mapping[str, Any]) -> Iterator[Path]:
    found = package.get("workspaces")
    patterns = found.get("packages") if isinstance(found, dict) else found
    for pattern in patterns if isinstance(patterns, list) else ():
        if isinstance(pattern, str) and pattern.strip("./") and not _leaves(pattern):
            yield from (path.parent for path in source.glob(f"{pattern.removeprefix('./').rstrip('/')}/{PACKAGE}"))


def check_dependencies(source: Path) -> None:
    """Raises InjectorError if a manifest or a lock file requires a repository, or a file outside of the source."""
    package = _json(source / PACKAGE)
    found: list[tuple[str, str | None, str, str]]
    found = [(PACKAGE, "", name, spec) for name, spec in _declared(package)]
    for folder in _workspaces(source, package):
        place = folder.relative_to(source).as_posix()
        found += [(f"{place}/{PACKAGE}", place, name, spec) for name, spec in _declared(_json(folder / PACKAGE))]
    for lock in LOCKS:
        found += [(lock, *each) for each in _locked(_json(source / lock))]
    for file, within, name, spec in found:
        if _is_refused(spec, within):
            raise InjectorError(f"{visible(file)}: {visible(name)} {_OUTSIDE if spec.startswith(_PATH) else _MAY_RUN}")
