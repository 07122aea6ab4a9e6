"""Installs the dependencies of a Node.js function.

Takes package.json and its lock file. Returns node_modules for Lambda's platform.

    package-lock.json -> npm ci, else npm install -> prebuilt binaries -> node_modules

npm installs no development dependencies and runs no scripts: scripts are other people's code, and would build for this
machine. The scripts of node-pre-gyp and prebuild-install only download prebuilt binaries. For packages that the caller
has named, this module runs these two programs itself, for Lambda's platform, as the caller's own registry has them.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from cfn_injector.cli.display import visible
from cfn_injector.cli.lambda_platform import Target, compiled_for
from cfn_injector.cli.npm_settings import LOCKS, NPMRC, PACKAGE, check_dependencies, read_npmrc
from cfn_injector.cli.source_files import Skip, files
from cfn_injector.cli.tools import Finished, ToolError, Workshop, program
from cfn_injector.errors import InjectorError

MODULES = "node_modules"
_SETTINGS = "NPM_CONFIG_"
_PUBLIC_REGISTRY = "https://registry.npmjs.org"
_OTHER_LOCKS = ("yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb")
_FACTS = ("code ", "syscall ", "path ", "errno ", "dest ")
"""The beginnings of error lines that are less helpful than the line that follows."""
_NO_CODE = (".package-lock.json", ".bin")

_FETCHERS: Mapping[str, Sequence[str]] = {
    "node-pre-gyp": ("@mapbox/node-pre-gyp/bin/node-pre-gyp", "node-pre-gyp/bin/node-pre-gyp"),
    "prebuild-install": ("prebuild-install/bin.js",),
}
"""The program with which a package's script begins, and the paths at which that program may be installed."""


def _npm() -> str:
    found = program("npm")
    if not found:
        raise InjectorError("npm is not on PATH; install Node.js, https://nodejs.org")
    return found


def _check(done: Finished, what: str, remedy: str) -> None:
    if done.status:
        errors = [line for line in done.lines if line.startswith(("npm error ", "npm ERR! "))]
        reasons = [line.split(" ", 2)[2] for line in errors]
        reason = next((each for each in reasons if not each.startswith(_FACTS)), f"status {done.status}")
        raise ToolError(f"{what}: {visible(reason)}; {remedy}", done.lines)


def _setting(workshop: Workshop, cwd: Path, name: str) -> str:
    """The value of npm's setting in this folder; ``undefined`` if npm does not know it."""
    lines = workshop.run([_npm(), "config", "get", name], cwd=cwd, settings=_SETTINGS).lines
    values = [line for line in lines if not line.startswith("npm ")]  # without warnings
    return values[-1] if values else ""


def _install(source: Path, target: Target, workshop: Workshop) -> Iterator[str]:
    """Run npm, and yield warnings."""
    if _setting(workshop, source, "libc") == "undefined":
        raise InjectorError("this npm cannot install for another platform; run: npm install --global npm")
    check_dependencies(source)
    has_lock = any((source / lock).exists() for lock in LOCKS)
    if not has_lock:
        if _setting(workshop, source, "allow-git") == "undefined":
            raise InjectorError(
                "without package-lock.json, this npm may build repositories; "
                "run: npm install --package-lock-only, or: npm install --global npm"
            )
        others = [lock for lock in _OTHER_LOCKS if (source / lock).exists()]
        problem = f"npm does not read {others[0]}" if others else "package-lock.json does not exist"
        yield f"{problem}, so npm chose the latest versions; run: npm install --package-lock-only"
    # npm also looks for a workspace above the copy, in folders in which others may write.
    alone = [] if '"workspaces"' in (source / PACKAGE).read_text("utf-8", "replace") else ["--no-workspaces"]
    done = workshop.run(
        [
            *(_npm(), "ci" if has_lock else "install", "--omit=dev", "--ignore-scripts", "--no-bin-links"),
            *("--os=linux", f"--cpu={target.cpu}", "--libc=glibc", "--no-audit", "--no-fund"),
            *("--allow-git=none", f"--git={os.devnull}", "--no-update-notifier", *alone),
        ],
        cwd=source,
        settings=_SETTINGS,
    )
    _check(done, "cannot install the dependencies", f"correct {PACKAGE} and its lock file")


class _Package(NamedTuple):
    """An installed package: its folder, its manifest, and its entry in npm's own list."""

    folder: Path
    manifest: Mapping[str, Any]
    entry: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The name by which it is required; the manifest may say something else."""
        return self.folder.as_posix().rpartition(f"/{MODULES}/")[2]


def _packages(modules: Path) -> Iterator[_Package]:
    """The packages that npm has installed, from its own list."""
    try:
        listed = json.loads((modules / ".package-lock.json").read_text("utf-8"))["packages"]
    except FileNotFoundError:  # there are no dependencies
        return
    for place, entry in listed.items():
        folder = modules.parent / place
        if (folder / PACKAGE).exists():
            yield _Package(folder, json.loads((folder / PACKAGE).read_text("utf-8")), entry)


def _search_path(folder: Path, modules: Path) -> Iterator[Path]:
    """The folders in which Node.js looks for a package's dependencies."""
    while folder != modules.parent:
        if folder.name != MODULES:
            yield folder / MODULES
        folder = folder.parent
    yield modules


def _fetch_words(package: Mapping[str, Any]) -> list[str]:
    """The words of a package's ``install`` script, if all that it does is to download a binary."""
    script = package.get("scripts", {}).get("install", "")
    try:
        words = shlex.split(script.partition("||")[0])
    except ValueError:
        return []
    return words if words and words[0] in _FETCHERS else []


def _fetch_command(words: Sequence[str], path: Path, package: Mapping[str, Any], target: Target) -> list[str]:
    # Binaries for Node-API run on every version of Node.js.
    version = (
        [] if package.get("binary", {}).get("napi_versions") or "napi" in words else [f"--target={target.node}.0.0"]
    )
    if words[0] == "node-pre-gyp":
        platform = ["--target_platform=linux", f"--target_arch={target.cpu}", "--target_libc=glibc"]
        return [str(path), "install", *platform, *version]
    return [str(path), *words[1:], "--platform=linux", f"--arch={target.cpu}", "--libc=glibc", *version]


class _Registry(NamedTuple):
    """Tells whether packages are what the caller's registry has under their names."""

    source: Path
    workshop: Workshop
    installed: Mapping[Path, _Package]
    urls: dict[str, str | None]

    def _url(self, scope: str) -> str | None:
        """The registry of a scope, if it is the same with the project's settings and without them."""
        if scope not in self.urls:
            folders = (self.workshop.folder, self.source)
            own, projects = (_setting(self.workshop, folder, f"{scope}registry") for folder in folders)
            if own == projects == "undefined":
                self.urls[scope] = self._url("")
            else:
                self.urls[scope] = own.rstrip("/") if own == projects else None
        return self.urls[scope]

    def _has(self, package: _Package) -> bool:
        name, entry = package.name, package.entry
        is_renamed = entry.get("name", name) != name or package.manifest.get("name") != name
        if entry.get("inBundle") or entry.get("link") or is_renamed:
            return False
        url = self._url(f"{name.partition('/')[0]}:" if name.startswith("@") else "")
        places = tuple(f"{each}/{name}/-/" for each in (url, _PUBLIC_REGISTRY))
        # npm may omit the URL of a package of the registry.
        return url is not None and str(entry.get("resolved", places[0])).startswith(places)

    def has(self, package: _Package, modules: Path, seen: set[Path]) -> bool:
        """Whether this holds for the package and for everything that it requires."""
        if package.folder in seen:
            return True
        seen.add(package.folder)
        if not self._has(package):
            return False
        required = {**package.manifest.get("dependencies", {}), **package.manifest.get("optionalDependencies", {})}
        for name in required:
            places = (place / name for place in _search_path(package.folder, modules))
            found = next((self.installed[place] for place in places if place in self.installed), None)
            if found and not self.has(found, modules, seen):
                return False
        return True


def _fetch(source: Path, target: Target, workshop: Workshop, allowed: Sequence[str]) -> Iterator[str]:
    """Download the binaries of the packages that the caller has named; yield warnings."""
    modules = source / MODULES
    installed = {package.folder: package for package in _packages(modules)}
    registry = _Registry(source, workshop, installed, {})
    fetching = [(each, _fetch_words(each.manifest)) for each in installed.values() if each.name in allowed]
    for name in sorted({*allowed} - {package.name for package, words in fetching if words}):
        yield f"--allow-scripts {visible(name)} does nothing: no such package downloads a binary"
    for package, words in fetching:
        if not words:
            continue
        places = (above / path for path in _FETCHERS[words[0]] for above in _search_path(package.folder, modules))
        path, node = next(filter(Path.exists, places), None), program("node")
        shown = visible(f"{package.name} {package.manifest.get('version')}")
        if path is None or node is None:
            continue
        fetcher = next((installed[folder] for folder in path.parents if folder in installed), None)
        if fetcher is None or not all(registry.has(each, modules, set()) for each in (package, fetcher)):
            problem = f"{shown} or its {words[0]} does not come from your registry"
            raise InjectorError(f"--allow-scripts: {problem}; set NPM_CONFIG_REGISTRY, or choose another version")
        command = [node, *_fetch_command(words, path, package.manifest, target)]
        done = workshop.run(command, cwd=package.folder, settings=_SETTINGS, trusted=False)
        if done.status:
            raise ToolError(
                f"cannot download a prebuilt binary of {shown} for {target}; "
                "choose another version, --architecture or --runtime",
                done.lines,
            )


def _is_built(folder: Path, target: Target) -> bool:
    return any(compiled_for(path) == target.architecture for path in folder.rglob("*.node"))


def _unbuilt(modules: Path, target: Target) -> Iterator[str]:
    """Warn of packages without a binary for the target."""
    for installed in _packages(modules):
        folder, package, _ = installed
        name = visible(f"{installed.name} {package.get('version')}")
        builds = [each for each in package.get("optionalDependencies", {}) if "linux" in each and "musl" not in each]
        fitting = [each for each in builds if target.cpu in each]
        if fitting:
            if not any((place / each).exists() for each in fitting for place in _search_path(folder, modules)):
                problem = f"needs {fitting[0]}, which its lock file does not list"
                yield f"{name} {problem}; remove that file, and run: npm install"
            continue
        fetches = _fetch_words(package)
        if (fetches or (folder / "binding.gyp").exists()) and not builds and not _is_built(folder, target):
            remedy = f", or --allow-scripts {visible(installed.name)}" if fetches else ""
            yield f"{name} is not compiled for the function's platform; choose a version with prebuilt binaries{remedy}"


def install(
    source: Path, target: Target, workshop: Workshop, skip: Skip, *, npmrc: Path, allow_scripts: Sequence[str] = ()
) -> tuple[Mapping[str, Path], Sequence[str]]:
    """Install ``node_modules``. Returns the path of each file by its name in the bundle, and warnings.

    ``source`` is a copy, in which npm installs, and ``npmrc`` the project's own settings, which the copy lacks.
    Prebuilt binaries are downloaded for the packages in ``allow_scripts``. Raises InjectorError if npm fails, or if
    such a binary is missing.
    """
    settings, ignored = read_npmrc(npmrc)
    if settings:
        (source / NPMRC).write_text(settings, "utf-8")
    warnings = []
    if ignored:
        remedy = "set them in ~/.npmrc or as NPM_CONFIG_*"
        warnings.append(f"{NPMRC} is read for registries and credentials only, not for {', '.join(ignored)}; {remedy}")
    warnings.extend(_install(source, target, workshop))
    modules = source / MODULES
    if not modules.exists():
        return {}, warnings[: bool(ignored)]
    warnings.extend(_fetch(source, target, workshop, allow_scripts))
    warnings.extend(_unbuilt(modules, target))

    def is_skipped(name: str) -> bool:
        return skip(name) or PurePath(name).name in _NO_CODE

    return dict(files(source, is_skipped, below=MODULES)), warnings
