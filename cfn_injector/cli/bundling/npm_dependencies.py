"""Refuses dependencies that npm would not install, or for which it would run code.

Takes the project's ``package.json`` and its lock file.

npm builds a dependency from a repository with that repository's own settings, which may run code even with
``--ignore-scripts``: https://github.com/npm/cli/issues/4101. Versions, tarballs and folders of the source remain.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from cfn_injector.cli.bundling.npm_manifests import (
    LOCKS,
    MODULES,
    PACKAGE,
    Workspace,
    declared,
    is_of_registry,
    leaves,
    local_packages,
    mapping,
    npm_lock,
    read_json,
    texts,
)
from cfn_injector.cli.bundling.npm_workspaces import required
from cfn_injector.cli.display import redacted, visible
from cfn_injector.errors import InjectorError

_PATH = ("file:", ".", "/", "~/")
_REFERENCE = re.compile(r"\$(@[\w.-]+/)?[\w.-]+")
# https://github.com/npm/hosted-git-info: of these hosts, npm takes most URLs for a repository.
_GIT_HOSTS = ("github.com", "gitlab.com", "bitbucket.org", "gist.github.com", "git.sr.ht")
# https://yarnpkg.com/protocols, https://pnpm.io/workspaces, https://pnpm.io/catalogs, https://jsr.io/docs/npm-compatibility
_OF_OTHERS = re.compile(r"(workspace|link|portal|catalog|patch|exec|jsr):")

_OUTSIDE = "leads out of the source; copy the package into the source"
_MAY_RUN = "is not a version, a tarball or a folder of the source, and npm may run its code; require a version"
_NOT_OF_NPM = "is required by {}:, which npm does not know; require a version, or file: with a folder of the source"


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
        return folder is not None and (path.startswith("~") or leaves(str(PurePosixPath(folder) / path)))
    if is_of_registry(spec) or _REFERENCE.fullmatch(spec):
        return False
    return _is_repository(spec)


def _locked(lock: Mapping[str, Any]) -> Iterator[tuple[str | None, str, str]]:
    """Folder, name and value of each dependency in a lock file of any version."""
    for place, entry in mapping(lock.get("packages")).items():
        if not isinstance(entry, dict):
            continue
        resolved = entry.get("resolved")
        if isinstance(resolved, str):
            yield "", place, f"./{resolved}" if entry.get("link") is True and ":" not in resolved else resolved
        folder = None if MODULES in place else place
        yield from ((folder, name, spec) for name, spec in declared(entry))
    waiting = [lock.get("dependencies")]
    while waiting:
        for name, entry in mapping(waiting.pop()).items():
            if isinstance(entry, dict):
                values = (entry.get("version"), entry.get("resolved"))
                yield from (("", name, each) for each in values if isinstance(each, str))
                waiting.append(entry.get("dependencies"))


def _problem(spec: str) -> tuple[str, str]:
    """What is wrong with the value of a dependency, and the code of the error."""
    other = _OF_OTHERS.match(spec)
    if other:
        return _NOT_OF_NPM.format(other[1]), "CI843"
    return (_OUTSIDE, "CI841") if spec.startswith(_PATH) else (_MAY_RUN, "CI842")


def omit_development(source: Path, above: Workspace | None) -> None:
    """Remove dependencies for development that npm cannot find from the manifest in ``source``, a copy.

    npm does not install any of them. But without a lock file it looks for all of them, and fails at a package that only
    the workspace ``above`` has, or that is required by a protocol which npm does not know.
    """
    package = read_json(source / PACKAGE)
    development = texts(package.get("devDependencies"))
    siblings = above.packages if above else {}
    unknown = {name for name, spec in development.items() if name in siblings or _is_refused(spec, "")}
    unknown -= dict(required(package)).keys()
    if unknown and not npm_lock(source):
        kept = {name: spec for name, spec in development.items() if name not in unknown}
        (source / PACKAGE).write_text(json.dumps({**package, "devDependencies": kept}), "utf-8")


def check_dependencies(source: Path) -> None:
    """Raises InjectorError if a manifest or a lock file requires what npm does not install, or should not.

    That is a repository, a file outside of the source, or a package by a protocol that npm does not know.
    """
    found: list[tuple[str, str | None, str, str]]
    found = [(PACKAGE, "", name, spec) for name, spec in declared(read_json(source / PACKAGE))]
    for folder in local_packages(source):
        place = folder.relative_to(source).as_posix()
        manifest = read_json(folder / PACKAGE)
        found += [(f"{place}/{PACKAGE}", place, name, spec) for name, spec in declared(manifest)]
    for lock in LOCKS:
        found += [(lock, *each) for each in _locked(read_json(source / lock))]
    for file, within, name, spec in found:
        if _is_refused(spec, within):
            problem, code = _problem(spec)
            raise InjectorError(f"{visible(file)}: {redacted(visible(name))} {problem}", code=code)
