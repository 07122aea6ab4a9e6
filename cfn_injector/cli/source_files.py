"""The files of a folder: the folder goes in, their names and places come out, without what is no code.

Links are followed: what one points to stands under the link's own name. AWS says nothing of links in archives, and
extractors that do not know them, Python's among them, make files of them that hold a path. A link that leads out of the
folder is refused, as nobody could tell from the folder what the bundle holds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from cfn_injector.cli.display import visible
from cfn_injector.errors import InjectorError

IGNORE_FILE = ".bundleignore"
CREDENTIALS = (".npmrc", ".pypirc", ".netrc")
NO_CODE = (
    *(".git", ".hg", ".svn", ".DS_Store", ".idea", ".vscode", ".aws-sam", ".serverless", "cdk.out"),
    *("__pycache__", "*.pyc", "*.pyo", ".venv", ".tox", ".nox", ".coverage"),
    *(".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", IGNORE_FILE),
)
"""What is left out by its name, wherever it is. A virtual environment is, whatever its name."""

Skip = Callable[[str], bool]


def _matches(name: str, pattern: str) -> bool:
    wanted = pattern.removeprefix("./").rstrip("/")
    if "/" in wanted or pattern.startswith("./"):
        return fnmatchcase(name, wanted.removeprefix("/"))
    return fnmatchcase(name.rpartition("/")[2], wanted)


@dataclass(frozen=True)
class Exclusions:
    """Patterns of names. ``matched`` are those that have left something out.

    One without ``/`` is the name of a file or folder at any depth, one with ``/`` a path from the top. ``*`` matches
    any characters, ``/`` included. With a folder goes all that it holds.
    """

    patterns: Sequence[str]
    matched: set[str] = field(default_factory=set)

    def __call__(self, name: str) -> bool:
        found = [pattern for pattern in self.patterns if _matches(name, pattern)]
        self.matched.update(found)
        return bool(found)


def ignored(folder: Path) -> list[str]:
    """The patterns of the folder's own file, one on each line; lines that begin with # are comments."""
    try:
        lines = (folder / IGNORE_FILE).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise InjectorError(f"{IGNORE_FILE} cannot be read; correct it: one pattern on each line, in UTF-8") from error
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def unreadable(place: str, error: OSError) -> InjectorError:
    """What to say of a file or folder that the operating system does not give."""
    return InjectorError(f"{visible(place)} cannot be read: {error.strerror}; make it readable, or --exclude it")


@dataclass(frozen=True)
class _Walk:
    root: str
    skip: Skip
    strict: bool

    def _problem(self, entry: os.DirEntry[str], inside: tuple[str, ...]) -> str | None:
        real = os.path.realpath(entry.path)
        if entry.is_symlink():
            if os.path.commonpath([self.root, real]) != self.root:
                return "is a link that leads out of the folder; put a copy in its place"
            if not os.path.exists(real):
                return "is a link that leads nowhere; correct it"
        if real in inside:
            return "is a link to a folder that it is in; remove it"
        if not (entry.is_file() or entry.is_dir()):
            return "is neither a file nor a folder; remove it"
        if not os.access(entry.path, os.R_OK):
            return "cannot be read; make it readable"
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
            name = f"{prefix}{entry.name}"
            if self.skip(name):
                continue
            problem = self._problem(entry, inside)
            if problem and self.strict:
                raise InjectorError(f"{visible(name)} {problem}, or --exclude it")
            if not problem:
                yield from self.files(entry.path, f"{name}/", inside) if entry.is_dir() else [(name, Path(entry.path))]


def files(root: Path, skip: Skip, *, below: str = "", strict: bool = True) -> Iterator[tuple[str, Path]]:
    """Name, with ``/`` between folders, and place of each file; ``below`` is a folder of the root that alone is meant.

    ``skip`` is asked with the name of each file and folder. Raises InjectorError for what cannot be read or bundled;
    not ``strict``, that is left out.
    """
    prefix = f"{below}/" if below else ""
    yield from _Walk(os.path.realpath(root), skip, strict).files(os.path.join(root, below), prefix, ())
