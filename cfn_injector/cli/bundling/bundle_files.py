"""Chooses the files of a bundle.

Takes the folder of a function's source and the caller's patterns. Returns the files of the source, a copy for the
installers, and all files of the bundle in order.

    SRC -> without what no function needs, without secrets, --exclude, .bundleignore, --gitignore -> the source's files
    SRC -> code, without the function's variables and without settings of tools                   -> the copy
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from filecmp import cmp
from pathlib import Path
from typing import NamedTuple

from cfn_injector.cli.bundling.git_ignore import ignored_by_git
from cfn_injector.cli.bundling.npm_manifests import MODULES, PACKAGE, local_packages
from cfn_injector.cli.bundling.secret_files import Inclusions, Secrets
from cfn_injector.cli.bundling.source_files import (
    CREDENTIALS,
    NO_CODE,
    TOOL_SETTINGS,
    Exclusions,
    Skip,
    files,
    ignore_file,
)
from cfn_injector.cli.display import visible
from cfn_injector.env_properties import DEFAULT_ENV_FILE
from cfn_injector.errors import InjectorError


class Rules(NamedTuple):
    """What the caller says about files. ``installs`` is whether npm installs the source's node_modules anew."""

    exclude: Sequence[str] = ()
    include: Sequence[str] = ()
    gitignore: bool = False
    installs: bool = True


class Choice(NamedTuple):
    """The source's files by name, what to skip in dependencies, and sentences about both."""

    own: Mapping[str, Path]
    skip: Skip
    rules: Rules
    matched: set[str]
    secrets: Secrets

    def warnings(self) -> Iterator[str]:
        """Patterns without effect. Those of --exclude also apply to dependencies, once these are listed."""
        for option, patterns in (("--exclude", self.rules.exclude), ("--include", self.rules.include)):
            yield from (f"{option} {visible(each)} matches nothing" for each in patterns if each not in self.matched)

    def notes(self) -> Iterator[str]:
        """What was left out although nobody asked for it."""
        yield from self.secrets.notes()


def choose(source: Path, rules: Rules, new: str | None) -> Choice:
    """The files of ``source`` that the rules select.

    ``new`` is the path of the bundle itself, or None. If it is inside the source, it is left out.
    """
    matched: set[str] = set()
    excluded = Exclusions((*rules.exclude, *NO_CODE, *CREDENTIALS), matched)
    keep, ignored = Inclusions(Exclusions(rules.include, matched)), ignore_file(source)
    secrets = Secrets(source, keep)
    by_git = ignored_by_git(source) if rules.gitignore else frozenset()
    replaced = {f"{folder}{MODULES}/" for folder in _node_folders(source)} if rules.installs else set()

    def skip(name: str) -> bool:
        return excluded(name) or ignored(name)

    def skip_source(name: str) -> bool:
        if name in replaced or skip(name):
            return True
        if new is not None and os.path.realpath(source / name) == new:
            return True
        return (name.rstrip("/") in by_git and not keep(name)) or secrets(name) or secrets.is_lock_file(name)

    return Choice(dict(files(source, skip_source)), skip, rules, matched, secrets)


def _node_folders(source: Path) -> Iterator[str]:
    """The folders in which npm installs: the source, and packages of it."""
    if (source / PACKAGE).exists():
        yield ""
        yield from (f"{folder.relative_to(source).as_posix()}/" for folder in local_packages(source))


def copy_for_installers(source: Path, to: Path, rules: Rules) -> None:
    """Copy the files that an installer may read: code, but no variables of the function and no settings of tools."""
    patterns = Exclusions((*NO_CODE, *CREDENTIALS, *TOOL_SETTINGS, MODULES, f"./{DEFAULT_ENV_FILE}"))
    secrets = Secrets(source, Inclusions(Exclusions(rules.include)))
    to.mkdir()
    for name, path in files(source, lambda name: patterns(name) or secrets(name), strict=False):
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, to / name)


def merged(own: Mapping[str, Path], installed: Mapping[str, Path]) -> dict[str, Path]:
    """All files, sorted by name, ``.env`` last."""
    both = [name for name in own.keys() & installed.keys() if not cmp(own[name], installed[name], shallow=False)]
    if both:
        remedy = "remove it from the source, or use --no-install"
        raise InjectorError(f"the source and a dependency both contain {visible(min(both))}; {remedy}", code="CI811")
    found = {**own, **installed}
    return {name: found[name] for name in sorted(found, key=lambda name: (name == DEFAULT_ENV_FILE, name))}
