"""A Node.js function's dependencies: package.json and its lock go in; node_modules for Lambda's platform come out.

    package-lock.json -> npm ci, else npm install -> prebuilt binaries -> node_modules

npm installs no development dependencies and runs no scripts: these would build for this machine. Two kinds of scripts
only fetch what somebody built before, node-pre-gyp's and prebuild-install's; they are told the platform.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
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
"""How lines of npm's begin that say less than the next one."""
_NO_CODE = (".package-lock.json", ".bin")

_FETCHERS: Mapping[str, Sequence[str]] = {
    "node-pre-gyp": ("@mapbox/node-pre-gyp/bin/node-pre-gyp", "node-pre-gyp/bin/node-pre-gyp"),
    "prebuild-install": ("prebuild-install/bin.js",),
}
"""The program that a package's script begins with -> where it is installed."""


def _npm() -> str:
    found = which("npm")
    if not found:
        raise InjectorError("npm is not on PATH; install Node.js, https://nodejs.org")
    return found


def _check(done: Finished, what: str, remedy: str) -> None:
    if done.status:
        told = [line for line in done.lines if line.startswith(("npm error ", "npm ERR! "))]
        reasons = [line.split(" ", 2)[2] for line in told]
        reason = next((each for each in reasons if not each.startswith(_FACTS)), f"status {done.status}")
        raise ToolError(f"{what}: {visible(reason)}; {remedy}", done.lines)


def _install(source: Path, target: Target, workshop: Workshop) -> Iterator[str]:
    """Runs npm; yields what is to be known."""
    npm = _npm()
    known = workshop.run([npm, "config", "get", "libc"], cwd=source)
    if "undefined" in known.lines:
        raise InjectorError("this npm cannot install for another machine; run: npm install --global npm")
    has_lock = any((source / lock).exists() for lock in LOCKS)
    if not has_lock:
        others = [lock for lock in _OTHER_LOCKS if (source / lock).exists()]
        problem = f"{others[0]} is no lock of npm's" if others else "there is no package-lock.json"
        yield f"{problem}, so versions were chosen anew; run: npm install --package-lock-only"
    done = workshop.run(
        [
            *(npm, "ci" if has_lock else "install", "--omit=dev", "--ignore-scripts", "--no-bin-links"),
            *("--os=linux", f"--cpu={target.cpu}", "--libc=glibc", "--no-audit", "--no-fund"),
        ],
        cwd=source,
    )
    _check(done, "the dependencies cannot be installed", f"correct {PACKAGE} and its lock")


def _packages(modules: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The packages that npm installed, by its own list."""
    try:
        listed = json.loads((modules / ".package-lock.json").read_text("utf-8"))["packages"]
    except FileNotFoundError:  # nothing is required
        return
    for place in listed:
        folder = modules.parent / place
        if (folder / PACKAGE).exists():
            yield folder, json.loads((folder / PACKAGE).read_text("utf-8"))


def _above(folder: Path, modules: Path) -> Iterator[Path]:
    """Where Node.js looks for what a package requires."""
    while folder != modules.parent:
        if folder.name != MODULES:
            yield folder / MODULES
        folder = folder.parent
    yield modules


def _fetch_command(folder: Path, package: Mapping[str, Any], modules: Path, target: Target) -> list[str] | None:
    words = shlex.split(package.get("scripts", {}).get("install", "").partition("||")[0])
    if not words or words[0] not in _FETCHERS:
        return None
    places = (above / program for program in _FETCHERS[words[0]] for above in _above(folder, modules))
    program = next(filter(Path.exists, places), None)
    node = which("node")
    if program is None or node is None:
        return None
    # What is built for Node-API runs on every Node.js; else the version decides.
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
                f"{visible(package['name'])} {package['version']} has no prebuilt binary for {target}, or it cannot be "
                "fetched; choose another version, --architecture or --runtime",
                done.lines,
            )


def _is_built(folder: Path, target: Target) -> bool:
    return any(compiled_for(path) == target.architecture for path in folder.rglob("*.node"))


def _unbuilt(modules: Path, target: Target) -> Iterator[str]:
    """Packages that lack what was compiled for the target."""
    for folder, package in _packages(modules):
        name = visible(f"{package.get('name')} {package.get('version')}")
        builds = [each for each in package.get("optionalDependencies", {}) if "linux" in each and "musl" not in each]
        fitting = [each for each in builds if target.cpu in each]
        if fitting:
            if not any((above / each).exists() for each in fitting for above in _above(folder, modules)):
                yield f"{name} lacks {fitting[0]}, which its lock does not hold; remove the lock, and run: npm install"
        elif (folder / "binding.gyp").exists() and not builds and not _is_built(folder, target):
            yield f"{name} was not compiled, as that would be for this machine; choose a version with prebuilt binaries"


def install(source: Path, target: Target, workshop: Workshop, skip: Skip) -> tuple[Mapping[str, Path], Sequence[str]]:
    """``node_modules``: place by name in the bundle; and what is to be known about it.

    ``source`` is a copy, in which npm installs. Raises InjectorError where npm fails, or where a prebuilt binary is
    missing.
    """
    warnings = list(_install(source, target, workshop))
    modules = source / MODULES
    if not modules.exists():
        return {}, ()
    _fetch(modules, target, workshop)
    warnings.extend(_unbuilt(modules, target))

    def is_left_out(name: str) -> bool:
        return skip(name) or os.path.basename(name) in _NO_CODE

    return dict(files(source, is_left_out, below=MODULES)), warnings
