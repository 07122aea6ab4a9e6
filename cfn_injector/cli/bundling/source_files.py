"""Lists the files of a folder that belong in a bundle.

Takes a folder and a rule for what to skip. Returns the name and the path of each file.

Symbolic links are followed: a bundle holds the link's target under the link's own name. AWS does not document links in
archives, and extractors that do not support them, such as Python's, write text files that hold a path. A link that
leads out of the folder is refused, because the folder alone would not determine the contents of the bundle.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from cfn_injector.cli.display import visible
from cfn_injector.cli.tools import cli_extra
from cfn_injector.errors import InjectorError

IGNORE_FILE = ".bundleignore"
CREDENTIALS = (".npmrc", ".pypirc", ".netrc")
NO_CODE = (
    *(".git", ".hg", ".svn", ".DS_Store", ".idea", ".vscode", ".aws-sam", ".serverless", "cdk.out"),
    *("__pycache__", "*.pyc", "*.pyo", ".venv", ".tox", ".nox", ".coverage"),
    *(".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", IGNORE_FILE),
)
"""Names that are skipped in every folder. A virtual environment is skipped under any name."""
TOOL_SETTINGS = (
    *("pip.conf", "uv.toml", ".python-version", ".python-versions", ".yarnrc", ".yarnrc.yml", ".pnpmfile.cjs"),
    *(".nvmrc", ".node-version", ".tool-versions", "mise.toml", ".mise.toml", ".mise", ".envrc", ".corepack.env"),
    *(".prebuild-installrc", ".prebuild-installrc.json", ".node-pre-gyprc"),
)
"""Files by which a project may choose the program or the settings that an installation runs with."""

Skip = Callable[[str], bool]
"""Whether to skip a file or a folder. The name of a folder ends with ``/``."""


def _matches(name: str, pattern: str) -> bool:
    path = pattern.removeprefix("./").rstrip("/")
    if "/" in path or pattern.startswith("./"):
        return fnmatchcase(name, path.removeprefix("/"))
    return fnmatchcase(name.rpartition("/")[2], path)


@dataclass(frozen=True)
class Exclusions:
    """The patterns of ``--exclude``. ``matched`` collects the patterns that have skipped something.

    A pattern without ``/`` matches the name of a file or folder at any depth. A pattern with ``/`` matches a path from
    the top. ``*`` matches any characters, including ``/``. Skipping a folder skips everything in it.
    """

    patterns: Sequence[str]
    matched: set[str] = field(default_factory=set)

    def __call__(self, name: str) -> bool:
        found = [pattern for pattern in self.patterns if _matches(name.removesuffix("/"), pattern)]
        self.matched.update(found)
        return bool(found)


def _matches_entry(regex: re.Pattern[str], name: str) -> bool:
    """Whether one of pathspec's expressions matches this entry itself, and not only a folder that contains it.

    Its only group is the ``/`` at the end of a folder that the pattern matches.
    """
    found = regex.search(name.removesuffix("/"))
    if found and found.lastgroup is None:
        return True
    return name.endswith("/") and any(each.end() == len(name) for each in regex.finditer(name) if each.lastgroup)


@dataclass(frozen=True)
class IgnoreFile:
    """The patterns of ``.bundleignore``, with the rules of https://git-scm.com/docs/gitignore.

    pathspec translates the patterns. Its own verdict is for files only: of "*" and "!*/" it takes the first one for a
    folder. Here, as in Git, the last pattern that matches an entry decides, and a skipped folder is not searched.
    """

    patterns: Sequence[tuple[re.Pattern[str], bool]]

    def __call__(self, name: str) -> bool:
        return next((skips for regex, skips in reversed(self.patterns) if _matches_entry(regex, name)), False)


def ignore_file(folder: Path) -> IgnoreFile:
    """Read the folder's own ``.bundleignore``. Without that file, nothing is ignored."""
    try:
        lines = (folder / IGNORE_FILE).read_text("utf-8-sig").split("\n")
    except FileNotFoundError:
        return IgnoreFile(())
    except (OSError, UnicodeDecodeError) as error:
        raise InjectorError(f"cannot read {IGNORE_FILE}; write one pattern per line, in UTF-8", code="CI809") from error
    with cli_extra():
        from pathspec import GitIgnoreSpec
    try:
        patterns = GitIgnoreSpec.from_lines(lines).patterns
    except ValueError as error:
        raise InjectorError(
            f"{IGNORE_FILE} has an invalid pattern: {visible(str(error))}; correct it", code="CI809"
        ) from error
    return IgnoreFile([(each.regex, bool(each.include)) for each in patterns if each.regex is not None])


def unreadable(place: str, error: OSError) -> InjectorError:
    """The error for a file or folder that the operating system does not let us read."""
    return InjectorError(
        f"cannot read {visible(place)}: {error.strerror}; make it readable, or --exclude it", code="CI808"
    )


@dataclass(frozen=True)
class _Walk:
    root: str
    skip: Skip
    strict: bool

    def _problem(self, entry: os.DirEntry[str], inside: tuple[str, ...]) -> str | None:
        real = os.path.realpath(entry.path)
        if entry.is_symlink():
            if os.path.commonpath([self.root, real]) != self.root:
                return "is a link that leads out of the folder; replace it with a copy"
            if not Path(real).exists():
                return "is a link to a file that does not exist; correct it"
        if real in inside:
            return "is a link to a folder that contains it; remove it"
        if not (entry.is_file() or entry.is_dir()):
            return "is not a file or a folder; remove it"
        if not os.access(entry.path, os.R_OK):
            return "is not readable; make it readable"
        try:
            entry.name.encode()
        except UnicodeEncodeError:
            return "has a name that is not UTF-8; rename it"
        return None

    def files(self, folder: str, prefix: str, inside: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
        try:
            with os.scandir(folder) as entries:
                found = list(entries)
        except OSError as error:
            raise unreadable(folder, error) from error
        if prefix and any(entry.name == "pyvenv.cfg" for entry in found):
            return
        inside = (*inside, os.path.realpath(folder))
        for entry in found:
            is_folder = Path(entry.path).is_dir()
            name = f"{prefix}{entry.name}"
            if self.skip(f"{name}/" if is_folder else name):
                continue
            problem = self._problem(entry, inside)
            if problem and self.strict:
                raise InjectorError(f"{visible(name)} {problem}, or --exclude it", code="CI808")
            if not problem:
                yield from self.files(entry.path, f"{name}/", inside) if is_folder else [(name, Path(entry.path))]


def files(root: Path, skip: Skip, *, below: str = "", strict: bool = True) -> Iterator[tuple[str, Path]]:
    """Yield the name, with ``/`` between folders, and the path of each file in ``root``.

    ``below`` limits the search to one folder of the root; names still begin at the root. Raises InjectorError for an
    entry that cannot be read or bundled, or, if not ``strict``, skips it.
    """
    prefix = f"{below}/" if below else ""
    yield from _Walk(os.path.realpath(root), skip, strict).files(str(root / below), prefix, ())
