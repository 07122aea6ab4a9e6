"""Finds sources of packages that a project declares and npm would not use.

Takes the folder of a project. Raises InjectorError, or returns warnings, before anything is installed.

npm alone knows nothing of a workspace above the folder, nor of what pnpm, Yarn and Lerna read. For a name that one of
them declares, it would install the public package of that name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cfn_injector.cli.bundling.npm_manifests import (
    LOCKS,
    OTHER_LOCKS,
    PACKAGE,
    PNPM_WORKSPACE,
    Workspace,
    is_version,
    mapping,
    overrides,
    read_json,
    read_yaml,
    texts,
    workspaces,
)
from cfn_injector.cli.display import redacted, visible
from cfn_injector.errors import InjectorError

_PACKED = "require a tarball of it (npm pack) that is in the source"


def required(package: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The dependencies that npm would install. Those for development are not bundled."""
    for field in ("dependencies", "optionalDependencies"):
        yield from texts(package.get(field)).items()
    optional = mapping(package.get("peerDependenciesMeta"))
    for name, spec in texts(package.get("peerDependencies")).items():
        if not mapping(optional.get(name)).get("optional"):
            yield name, spec


def _siblings(source: Path, workspace: Workspace, remedy: str) -> Iterator[str]:
    """What is wrong with each dependency that is a package of the workspace. PLACE in ``remedy`` is its folder."""
    for name, spec in required(read_json(source / PACKAGE)):
        if name in workspace.packages and is_version(spec):
            place = visible(os.path.relpath(workspace.packages[name], source))
            problem = f"is {place} in the workspace of {visible(str(workspace.root / workspace.file))}"
            yield (
                f"{PACKAGE}: {visible(name)} {problem}, and npm would install the registry's package of that name; "
                f"{remedy.replace('PLACE', place)}"
            )


def _lost(folder: Path, *, is_root: bool) -> Iterator[tuple[str, str, str, bool]]:
    """File, field, name and whether it is a version, of each override that npm does not use for the project.

    ``folder`` is the project, or the root of its workspace: of that, npm uses nothing.
    """
    package, settings = read_json(folder / PACKAGE), read_yaml(folder / PNPM_WORKSPACE)
    pnpm = mapping(package.get("pnpm"))
    fields = (
        *([(PACKAGE, "overrides", package.get("overrides"))] if is_root else []),
        (PACKAGE, "resolutions", package.get("resolutions")),
        (PACKAGE, "pnpm.overrides", pnpm.get("overrides")),
        (PNPM_WORKSPACE, "overrides", settings.get("overrides")),
    )
    known = {} if is_root else mapping(package.get("overrides"))
    own = dict(required(package))
    for file, field, value in fields:
        for name, spec in overrides(value):
            # "$name" is the version that the project itself requires: https://pnpm.io/settings#overrides
            if name not in known:
                yield file, field, name, is_version(own.get(spec[1:], spec) if spec.startswith("$") else spec)
    for file, found in ((PACKAGE, pnpm), (PNPM_WORKSPACE, settings)):
        yield from ((file, "patchedDependencies", name, False) for name in texts(found.get("patchedDependencies")))


def _check_overrides(source: Path, root: Path | None) -> Iterator[str]:
    ignored: dict[str, list[str]] = {}
    for folder in (source, *([root] if root else [])):
        for file, field, name, harmless in _lost(folder, is_root=folder is root):
            shown, place = redacted(visible(name)), file if folder is source else str(folder / file)
            what = f"{visible(place)}: npm does not read {field}"
            if not harmless:
                raise InjectorError(
                    f"{what}, which says where {shown} comes from; require that in {PACKAGE}", code="CI845"
                )
            ignored.setdefault(what, []).append(shown)
    for what, names in ignored.items():
        yield f"{what}, which says the version of {', '.join(names)}; write them as overrides in {PACKAGE}"


def lock_above(root: Path | None) -> Path | None:
    """The lock file of a workspace."""
    places = [root / name for name in (*LOCKS, *OTHER_LOCKS)] if root else []
    return next(filter(Path.exists, places), None)


def check_workspaces(source: Path, above: Workspace | None) -> list[str]:
    """Returns warnings. Raises InjectorError if npm would install another package than the project declares.

    ``above`` is the workspace to which the project belongs.
    """
    problems: list[str] = []
    if above:
        whole = f"bundle {visible(str(above.root))}, or " if above.file == PACKAGE else ""
        problems += _siblings(source, above, f"{whole}{_PACKED}")
    known = {name for each in workspaces(source) if each.file == PACKAGE for name in each.packages}
    for each in workspaces(source):
        if each.file != PACKAGE:
            unknown = {name: path for name, path in each.packages.items() if name not in known}
            problems += _siblings(source, each._replace(packages=unknown), "require it as file:PLACE")
    if problems:
        raise InjectorError(problems[0], code="CI844")
    return list(_check_overrides(source, above.root if above else None))
