"""Warns of what an installation without scripts leaves open.

Takes the project and the packages that npm has installed. Returns warnings.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cfn_injector.cli.bundling.lambda_platform import Target
from cfn_injector.cli.bundling.node_binaries import is_built
from cfn_injector.cli.bundling.node_engines import fits
from cfn_injector.cli.bundling.npm_installed import Package, packages, search_path
from cfn_injector.cli.bundling.npm_manifests import (
    MODULES,
    PACKAGE,
    Workspace,
    mapping,
    npm_lock,
    read_json,
    workspaces,
)
from cfn_injector.cli.display import visible

_SCRIPTS = ("preinstall", "install", "postinstall")
"""https://docs.npmjs.com/cli/v11/using-npm/scripts#life-cycle-operation-order"""


def _engines(manifest: Mapping[str, Any]) -> str:
    node = mapping(manifest.get("engines")).get("node")
    return node if isinstance(node, str) else "*"


def _on_engines(source: Path, installed: Sequence[Package], target: Target) -> Iterator[str]:
    major = target.node or 0
    own = _engines(read_json(source / PACKAGE))
    if not fits(own, major):
        yield f"{PACKAGE} requires Node.js {visible(own)} by its engines, and --runtime is {target.runtime}"
    wrong = [each for each in installed if not fits(_engines(each.manifest), major)]
    if wrong:
        labels = ", ".join(f"{each.label} ({visible(_engines(each.manifest))})" for each in wrong)
        yield f"by their engines, packages do not support {target.runtime}: {labels}"


def _scripts(folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    """The scripts that npm runs when it installs a package. Of one with binding.gyp, that is a build."""
    scripts = mapping(manifest.get("scripts"))
    found = [name for name in _SCRIPTS if scripts.get(name)]
    is_gyp = (folder / "binding.gyp").exists() and manifest.get("gypfile") is not False
    return found or (["install"] if is_gyp else [])


def _on_scripts(source: Path, installed: Sequence[Package], target: Target, settled: Collection[str]) -> Iterator[str]:
    own = _scripts(source, read_json(source / PACKAGE))
    if own:
        yield f"the project's own scripts were not run: {', '.join(own)}; run them before, and bundle what they make"
    waiting = [
        each.label
        for each in installed
        if each.name not in settled and _scripts(each.folder, each.manifest) and not is_built(each.folder, target)
    ]
    if waiting:
        remedy = "if the function needs what they do, install with npm and use --no-install"
        yield f"install scripts were not run: {', '.join(dict.fromkeys(waiting))}; {remedy}"


def _on_namesakes(source: Path, installed: Sequence[Package], above: Workspace | None) -> Iterator[str]:
    """npm links a package of the workspace only if its version is in the range that a dependency asks for."""
    named = {name for each in (*workspaces(source), *([above] if above else [])) for name in each.packages}
    for each in installed:
        if each.name in named and each.is_of_registry:
            yield (
                f"{each.label} is the registry's package, although the workspace has one of that name; "
                "require a version that the workspace's package has"
            )


def _is_for(entry: Mapping[str, Any], target: Target) -> bool:
    """Whether a package supports the platform: https://docs.npmjs.com/cli/v11/configuring-npm/package-json#os"""
    for field, value in (("os", "linux"), ("cpu", target.cpu), ("libc", "glibc")):
        named = entry.get(field)
        supported = [named] if isinstance(named, str) else named if isinstance(named, list) else []
        included = [each for each in supported if not str(each).startswith("!")]
        if f"!{value}" in supported or (included and value not in included):
            return False
    return True


def _on_optional(source: Path, installed: Sequence[Package], target: Target) -> Iterator[str]:
    """npm leaves out an optional package that it cannot get, or that does not support npm's own Node.js."""
    lock = npm_lock(source)
    entries = mapping(read_json(lock).get("packages")) if lock else {}
    locked = {source / place: mapping(entry) for place, entry in entries.items()}
    roots = [(source, read_json(source / PACKAGE)), *((each.folder, each.manifest) for each in installed)]
    lost: dict[str, None] = {}
    for folder, manifest in roots:
        for name in mapping(manifest.get("optionalDependencies")):
            places = (above / name for above in search_path(folder, source / MODULES))
            place = next((each for each in places if each in locked), None)
            if place and _is_for(locked[place], target) and not place.exists():
                lost[name] = None
    if lost:
        yield f"npm left out optional packages: {', '.join(map(visible, lost))}; check the network and your credentials"


def _on_own_modules(source: Path, project: Path) -> Iterator[str]:
    """Packages that somebody has put into the project's node_modules."""
    listed = mapping(read_json(project / MODULES / ".package-lock.json").get("packages"))
    if not listed:
        return
    places = [*(project / MODULES).glob("[!.@]*"), *(project / MODULES).glob("@*/*")]
    names = (each.relative_to(project).as_posix() for each in places if each.is_dir())
    lost = [name for name in sorted(names) if name not in listed and not (source / name).exists()]
    if lost:
        yield f"{', '.join(map(visible, lost))} is not bundled, because {PACKAGE} does not require it"


def check_installed(
    source: Path, project: Path, target: Target, *, above: Workspace | None, settled: Collection[str]
) -> Iterator[str]:
    """Yield warnings. ``source`` is the copy of ``project`` in which npm has installed.

    ``above`` is the project's workspace. ``settled`` names packages whose scripts the caller knows about.
    """
    installed = [each for each in packages(source / MODULES) if MODULES in each.folder.relative_to(source).parts]
    yield from _on_engines(source, installed, target)
    yield from _on_scripts(source, installed, target, settled)
    yield from _on_namesakes(source, installed, above)
    yield from _on_optional(source, installed, target)
    yield from _on_own_modules(source, project)
