"""Installs the dependencies of a Node.js function.

Takes package.json and its lock file. Returns node_modules for Lambda's platform.

    what the project declares is checked -> npm ci, else npm install -> prebuilt binaries -> checks -> node_modules

npm installs no development dependencies and runs no scripts: scripts are other people's code, and would build for this
machine.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath

from cfn_injector.cli.bundling import node_binaries, node_prisma
from cfn_injector.cli.bundling.lambda_platform import Target
from cfn_injector.cli.bundling.node_checks import check_installed
from cfn_injector.cli.bundling.npm_dependencies import check_dependencies, omit_development
from cfn_injector.cli.bundling.npm_installed import packages
from cfn_injector.cli.bundling.npm_manifests import (
    MODULES,
    OTHER_LOCKS,
    PACKAGE,
    Workspace,
    local_packages,
    npm_lock,
    workspace_above,
)
from cfn_injector.cli.bundling.npm_program import SETTINGS, check, npm, setting
from cfn_injector.cli.bundling.npm_reader import supplied
from cfn_injector.cli.bundling.npm_registries import NPMRC, check_registries, ignored, npmrc_text, read_settings
from cfn_injector.cli.bundling.npm_workspaces import check_workspaces, lock_above
from cfn_injector.cli.bundling.source_files import Exclusions, Skip, files
from cfn_injector.cli.bundling.yarn_lock import YARN_LOCK, is_of_yarn_1, not_locked
from cfn_injector.cli.display import has_credentials, visible
from cfn_injector.cli.tools import Workshop
from cfn_injector.errors import InjectorError

_NO_CODE = (".package-lock.json", ".bin")


def _check_npm(source: Path, workshop: Workshop, *, has_lock: bool) -> None:
    if setting(workshop, source, "libc") == "undefined":
        raise InjectorError("this npm cannot install for another platform; run: npm install --global npm", code="CI838")
    if not has_lock and setting(workshop, source, "allow-git") == "undefined":
        raise InjectorError(
            "without package-lock.json, this npm may build repositories; "
            "run: npm install --package-lock-only, or: npm install --global npm",
            code="CI838",
        )


def _check_lock(source: Path, exclude: Sequence[str]) -> None:
    """Refuse a lock file that npm does not read, unless the caller excludes it."""
    if npm_lock(source) or is_of_yarn_1(source / YARN_LOCK):
        return
    is_excluded = Exclusions(exclude)
    for name, tool in OTHER_LOCKS.items():
        if (source / name).exists() and not is_excluded(name):
            raise InjectorError(
                f"npm does not read this {name}, which locks the versions; run: npm install --package-lock-only, "
                f"install with {tool} and use --no-install, or --exclude {name} to take the latest versions",
                code="CI839",
            )


def _check_locked(source: Path, locked: Path) -> None:
    """Raises InjectorError if npm has chosen other versions than the lock file of Yarn 1 has."""
    others = [each.label for each in not_locked(locked, list(packages(source / MODULES)))]
    if others:
        raise InjectorError(
            f"npm would install {', '.join(others)}, which {YARN_LOCK} does not have; "
            "run: npm install --package-lock-only, or install with yarn and use --no-install",
            code="CI840",
        )


def _install(source: Path, target: Target, workshop: Workshop, above: Workspace | None) -> Iterator[str]:
    """Run npm, and yield warnings."""
    has_lock, by_yarn = npm_lock(source) is not None, is_of_yarn_1(source / YARN_LOCK)
    _check_npm(source, workshop, has_lock=has_lock)
    locked = workshop.folder / YARN_LOCK
    if by_yarn and not has_lock:
        shutil.copy(source / YARN_LOCK, locked)  # npm rewrites its own
    if not has_lock and not by_yarn:
        lock = lock_above(above.root if above else None)
        problem = f"{visible(str(lock))} is not read for one package" if lock else "package-lock.json does not exist"
        remedy = f"npm install --package-lock-only{' --no-workspaces' if above else ''}"
        yield f"{problem}, so npm chose the latest versions; run: {remedy}"
    # npm also looks for a workspace above the copy, in folders in which others may write.
    alone = [] if '"workspaces"' in (source / PACKAGE).read_text("utf-8", "replace") else ["--no-workspaces"]
    done = workshop.run(
        [
            *(npm(), "ci" if has_lock else "install", "--omit=dev", "--ignore-scripts", "--no-bin-links"),
            *("--os=linux", f"--cpu={target.cpu}", "--libc=glibc", "--no-audit", "--no-fund"),
            *("--allow-git=none", f"--git={os.devnull}", "--no-update-notifier", *alone),
        ],
        cwd=source,
        settings=SETTINGS,
    )
    check(done, "cannot install the dependencies", f"correct {PACKAGE} and its lock file")
    if locked.exists():
        _check_locked(source, locked)


def _check_project(source: Path, project: Path, workshop: Workshop, above: Workspace | None) -> list[str]:
    """Write the settings that npm may read. Returns warnings; raises InjectorError for what npm would not honor."""
    settings = read_settings(project, above.root if above else None)
    warnings = [
        f"{visible(file)} is read for registries and credentials only, not for {', '.join(names)}; "
        "set them in ~/.npmrc or as NPM_CONFIG_*"
        for file, names in ignored(settings)
    ]
    for folder in (source, *local_packages(source)):
        manifest = folder / PACKAGE
        if has_credentials(manifest.read_text("utf-8", "replace")):
            problem = (
                f"{visible(manifest.relative_to(source).as_posix())} has credentials in a URL, and is in the bundle"
            )
            warnings.append(f"{problem}; remove them, and set them in ~/.npmrc")
    omit_development(source, above)
    check_dependencies(source)
    check_registries(source, settings, lambda key: setting(workshop, workshop.folder, key))
    warnings += check_workspaces(project, above)
    text = npmrc_text(settings)
    if text:
        (source / NPMRC).write_text(text, "utf-8")
    return warnings


def _installed_files(source: Path, skip: Skip) -> Iterator[tuple[str, Path]]:
    """The files of node_modules, also of those that npm has put into folders of the source."""

    def is_skipped(name: str) -> bool:
        return skip(name) or PurePath(name).name in _NO_CODE

    for folder in (source, *local_packages(source)):
        if (folder / MODULES).is_dir():
            yield from files(source, is_skipped, below=(folder.relative_to(source) / MODULES).as_posix())


def install(
    source: Path,
    target: Target,
    workshop: Workshop,
    skip: Skip,
    *,
    project: Path,
    exclude: Sequence[str] = (),
    allow_scripts: Sequence[str] = (),
) -> tuple[Mapping[str, Path], Sequence[str]]:
    """Install ``node_modules``. Returns the path of each file by its name in the bundle, and warnings.

    ``source`` is a copy of ``project``, in which npm installs, and which lacks the project's settings. ``exclude`` are
    patterns of lock files that npm does not read and need not. Prebuilt binaries are downloaded for the packages in
    ``allow_scripts``. Raises InjectorError if npm fails, if it would not install what the project declares, or if such
    a binary is missing.
    """
    above = workspace_above(project)
    _check_lock(source, exclude)
    reader = {name: path for name, path in supplied(source, project).items() if not skip(name)}
    about_project = _check_project(source, project, workshop, above)
    about_install = list(_install(source, target, workshop, above))
    modules = source / MODULES
    if not modules.exists():
        return reader, [*about_project, *check_installed(source, project, target, above=above, settled=())]
    warnings = [*about_project, *about_install, *node_binaries.fetch(source, target, workshop, allow_scripts)]
    unbuilt = list(node_binaries.unbuilt(modules, target))
    settled = {*allow_scripts, *(package.name for package, _ in unbuilt)}
    warnings += [warning for _, warning in unbuilt]
    warnings += check_installed(source, project, target, above=above, settled=settled)
    generated = node_prisma.generated(project, modules, target, skip)
    return {**dict(_installed_files(source, skip)), **generated, **reader}, warnings
