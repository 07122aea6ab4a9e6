"""Installs the dependencies of a Node.js function.

Takes package.json and its lock file. Returns node_modules for Lambda's platform.

    package-lock.json -> npm ci, else npm install -> prebuilt binaries -> node_modules

npm installs no development dependencies and runs no scripts, because scripts would build for this machine. The scripts
of node-pre-gyp and prebuild-install only download prebuilt binaries; this module runs them for Lambda's platform.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from shutil import which
from typing import Any

from cfn_injector.cli.display import visible
from cfn_injector.cli.lambda_platform import Target, compiled_for
from cfn_injector.cli.source_files import Skip, files
from cfn_injector.cli.tools import Finished, ToolError, Workshop
from cfn_injector.errors import InjectorError

PACKAGE, MODULES = "package.json", "node_modules"
LOCKS = ("npm-shrinkwrap.json", "package-lock.json")
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
    found = which("npm")
    if not found:
        raise InjectorError("npm is not on PATH; install Node.js, https://nodejs.org")
    return found


def _check(done: Finished, what: str, remedy: str) -> None:
    if done.status:
        errors = [line for line in done.lines if line.startswith(("npm error ", "npm ERR! "))]
        reasons = [line.split(" ", 2)[2] for line in errors]
        reason = next((each for each in reasons if not each.startswith(_FACTS)), f"status {done.status}")
        raise ToolError(f"{what}: {visible(reason)}; {remedy}", done.lines)


def _install(source: Path, target: Target, workshop: Workshop) -> Iterator[str]:
    """Run npm, and yield warnings."""
    npm = _npm()
    libc = workshop.run([npm, "config", "get", "libc"], cwd=source)
    if "undefined" in libc.lines:
        raise InjectorError("this npm cannot install for another platform; run: npm install --global npm")
    has_lock = any((source / lock).exists() for lock in LOCKS)
    if not has_lock:
        others = [lock for lock in _OTHER_LOCKS if (source / lock).exists()]
        problem = f"npm does not read {others[0]}" if others else "package-lock.json does not exist"
        yield f"{problem}, so npm chose the latest versions; run: npm install --package-lock-only"
    done = workshop.run(
        [
            *(npm, "ci" if has_lock else "install", "--omit=dev", "--ignore-scripts", "--no-bin-links"),
            *("--os=linux", f"--cpu={target.cpu}", "--libc=glibc", "--no-audit", "--no-fund"),
        ],
        cwd=source,
    )
    _check(done, "cannot install the dependencies", f"correct {PACKAGE} and its lock file")


def _packages(modules: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The packages that npm has installed, from its own list."""
    try:
        listed = json.loads((modules / ".package-lock.json").read_text("utf-8"))["packages"]
    except FileNotFoundError:  # there are no dependencies
        return
    for place in listed:
        folder = modules.parent / place
        if (folder / PACKAGE).exists():
            yield folder, json.loads((folder / PACKAGE).read_text("utf-8"))


def _search_path(folder: Path, modules: Path) -> Iterator[Path]:
    """The folders in which Node.js looks for a package's dependencies."""
    while folder != modules.parent:
        if folder.name != MODULES:
            yield folder / MODULES
        folder = folder.parent
    yield modules


def _fetch_command(folder: Path, package: Mapping[str, Any], modules: Path, target: Target) -> list[str] | None:
    words = shlex.split(package.get("scripts", {}).get("install", "").partition("||")[0])
    if not words or words[0] not in _FETCHERS:
        return None
    places = (place / program for program in _FETCHERS[words[0]] for place in _search_path(folder, modules))
    program = next(filter(Path.exists, places), None)
    node = which("node")
    if program is None or node is None:
        return None
    # Binaries for Node-API run on every version of Node.js.
    version = (
        [] if package.get("binary", {}).get("napi_versions") or "napi" in words else [f"--target={target.node}.0.0"]
    )
    if words[0] == "node-pre-gyp":
        platform = ["--target_platform=linux", f"--target_arch={target.cpu}", "--target_libc=glibc"]
        return [node, str(program), "install", *platform, *version]
    return [node, str(program), *words[1:], "--platform=linux", f"--arch={target.cpu}", "--libc=glibc", *version]


def _fetch(modules: Path, target: Target, workshop: Workshop) -> None:
    for folder, package in list(_packages(modules)):
        command = _fetch_command(folder, package, modules, target)
        if command is None:
            continue
        done = workshop.run(command, cwd=folder)
        if done.status:
            raise ToolError(
                f"cannot download a prebuilt binary of {visible(package['name'])} {package['version']} for {target}; "
                "choose another version, --architecture or --runtime",
                done.lines,
            )


def _is_built(folder: Path, target: Target) -> bool:
    return any(compiled_for(path) == target.architecture for path in folder.rglob("*.node"))


def _unbuilt(modules: Path, target: Target) -> Iterator[str]:
    """Warn of packages without a binary for the target."""
    for folder, package in _packages(modules):
        name = visible(f"{package.get('name')} {package.get('version')}")
        builds = [each for each in package.get("optionalDependencies", {}) if "linux" in each and "musl" not in each]
        fitting = [each for each in builds if target.cpu in each]
        if fitting:
            if not any((place / each).exists() for each in fitting for place in _search_path(folder, modules)):
                problem = f"needs {fitting[0]}, which its lock file does not list"
                yield f"{name} {problem}; remove that file, and run: npm install"
        elif (folder / "binding.gyp").exists() and not builds and not _is_built(folder, target):
            yield f"{name} is not compiled for the function's platform; choose a version with prebuilt binaries"


def install(source: Path, target: Target, workshop: Workshop, skip: Skip) -> tuple[Mapping[str, Path], Sequence[str]]:
    """Install ``node_modules``. Returns the path of each file by its name in the bundle, and warnings.

    ``source`` is a copy, in which npm installs. Raises InjectorError if npm fails or a prebuilt binary is missing.
    """
    warnings = list(_install(source, target, workshop))
    modules = source / MODULES
    if not modules.exists():
        return {}, ()
    _fetch(modules, target, workshop)
    warnings.extend(_unbuilt(modules, target))

    def is_skipped(name: str) -> bool:
        return skip(name) or PurePath(name).name in _NO_CODE

    return dict(files(source, is_skipped, below=MODULES)), warnings
