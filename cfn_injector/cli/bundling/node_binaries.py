"""Downloads and checks the compiled files of installed packages.

Takes the folder in which npm has installed. Downloads prebuilt binaries, and returns warnings.

The scripts of node-pre-gyp and prebuild-install only download prebuilt binaries. For packages that the caller has
named, this module runs these two programs itself, for Lambda's platform, as the caller's own registry has them.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cfn_injector.cli.bundling.lambda_platform import Target, compiled_for
from cfn_injector.cli.bundling.npm_installed import Package, packages, search_path
from cfn_injector.cli.bundling.npm_manifests import MODULES
from cfn_injector.cli.bundling.npm_program import SETTINGS, setting
from cfn_injector.cli.display import visible
from cfn_injector.cli.tools import ToolError, Workshop, program
from cfn_injector.errors import InjectorError

_PUBLIC_REGISTRY = "https://registry.npmjs.org"

_FETCHERS: Mapping[str, Sequence[str]] = {
    "node-pre-gyp": ("@mapbox/node-pre-gyp/bin/node-pre-gyp", "node-pre-gyp/bin/node-pre-gyp"),
    "prebuild-install": ("prebuild-install/bin.js",),
}
"""The program with which a package's script begins, and the paths at which that program may be installed."""


def fetch_words(package: Mapping[str, Any]) -> list[str]:
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
    installed: Mapping[Path, Package]
    urls: dict[str, str | None]

    def _url(self, scope: str) -> str | None:
        """The registry of a scope, if it is the same with the project's settings and without them."""
        if scope not in self.urls:
            folders = (self.workshop.folder, self.source)
            own, projects = (setting(self.workshop, folder, f"{scope}registry") for folder in folders)
            if own == projects == "undefined":
                self.urls[scope] = self._url("")
            else:
                self.urls[scope] = own.rstrip("/") if own == projects else None
        return self.urls[scope]

    def _has(self, package: Package) -> bool:
        name, entry = package.name, package.entry
        is_renamed = entry.get("name", name) != name or package.manifest.get("name") != name
        if entry.get("inBundle") or entry.get("link") or is_renamed:
            return False
        url = self._url(f"{name.partition('/')[0]}:" if name.startswith("@") else "")
        places = tuple(f"{each}/{name}/-/" for each in (url, _PUBLIC_REGISTRY))
        # npm may omit the URL of a package of the registry.
        return url is not None and str(entry.get("resolved", places[0])).startswith(places)

    def has(self, package: Package, modules: Path, seen: set[Path]) -> bool:
        """Whether this holds for the package and for everything that it requires."""
        if package.folder in seen:
            return True
        seen.add(package.folder)
        if not self._has(package):
            return False
        required = {**package.manifest.get("dependencies", {}), **package.manifest.get("optionalDependencies", {})}
        for name in required:
            places = (place / name for place in search_path(package.folder, modules))
            found = next((self.installed[place] for place in places if place in self.installed), None)
            if found and not self.has(found, modules, seen):
                return False
        return True


def fetch(source: Path, target: Target, workshop: Workshop, allowed: Sequence[str]) -> Iterator[str]:
    """Download the binaries of the packages that the caller has named; yield warnings."""
    modules = source / MODULES
    installed = {package.folder: package for package in packages(modules)}
    registry = _Registry(source, workshop, installed, {})
    fetching = [(each, fetch_words(each.manifest)) for each in installed.values() if each.name in allowed]
    for name in sorted({*allowed} - {package.name for package, words in fetching if words}):
        yield f"--allow-scripts {visible(name)} does nothing: no such package downloads a binary"
    for package, words in fetching:
        if not words:
            continue
        places = (above / path for path in _FETCHERS[words[0]] for above in search_path(package.folder, modules))
        path, node = next(filter(Path.exists, places), None), program("node")
        shown = package.label
        if path is None or node is None:
            continue
        fetcher = next((installed[folder] for folder in path.parents if folder in installed), None)
        if fetcher is None or not all(registry.has(each, modules, set()) for each in (package, fetcher)):
            problem = f"{shown} or its {words[0]} does not come from your registry"
            raise InjectorError(
                f"--allow-scripts: {problem}; set NPM_CONFIG_REGISTRY, or choose another version", code="CI847"
            )
        command = [node, *_fetch_command(words, path, package.manifest, target)]
        done = workshop.run(command, cwd=package.folder, settings=SETTINGS, trusted=False)
        if done.status:
            raise ToolError(
                f"cannot download a prebuilt binary of {shown} for {target}; "
                "choose another version, --architecture or --runtime",
                done.lines,
                code="CI848",
            )


def is_built(folder: Path, target: Target) -> bool:
    """Whether a package has an add-on for the target."""
    return any(compiled_for(path) == target.architecture for path in folder.rglob("*.node"))


def unbuilt(modules: Path, target: Target) -> Iterator[tuple[Package, str]]:
    """Packages without a binary for the target, each with a warning."""
    for package in packages(modules):
        folder, manifest, _ = package
        name = package.label
        builds = [each for each in manifest.get("optionalDependencies", {}) if "linux" in each and "musl" not in each]
        fitting = [each for each in builds if target.cpu in each]
        if fitting:
            if not any((place / each).exists() for each in fitting for place in search_path(folder, modules)):
                problem = f"needs {fitting[0]}, which its lock file does not list"
                yield package, f"{name} {problem}; remove that file, and run: npm install"
            continue
        fetches = fetch_words(manifest)
        if (fetches or (folder / "binding.gyp").exists()) and not builds and not is_built(folder, target):
            remedy = f", or --allow-scripts {visible(package.name)}" if fetches else ""
            problem = "is not compiled for the function's platform; choose a version with prebuilt binaries"
            yield package, f"{name} {problem}{remedy}"
