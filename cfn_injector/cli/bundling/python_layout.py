"""Arranges the files of a project for the top of a bundle.

Takes the files of the source. Returns the files for the bundle, and what was changed.

- A build takes the modules of a project with a source layout from ``src/``. Lambda imports from the top of the bundle.
- Lists of requirements may name an index by a URL with a password. No function reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from cfn_injector.cli.bundling.python_project import is_src_layout
from cfn_injector.cli.display import has_credentials, visible
from cfn_injector.errors import InjectorError

_SRC = "src/"
_LISTS = (
    *("*requirements*.txt", "*requirements*.in", "*constraints*.txt", "requirements/*", "pyproject.toml", "setup.cfg"),
    *("uv.lock", "pylock*.toml", "poetry.toml", "poetry.lock", "pdm.toml", "pdm.lock", "Pipfile*"),
)
_LARGEST_LIST = 32 * 1024 * 1024


def _with_credentials(files: Mapping[str, Path]) -> Iterator[str]:
    for name, path in files.items():
        is_list = any(fnmatchcase(name, each) or fnmatchcase(name.rpartition("/")[2], each) for each in _LISTS)
        if is_list and path.stat().st_size <= _LARGEST_LIST and has_credentials(path.read_text("utf-8", "replace")):
            yield name


def _flattened(files: Mapping[str, Path]) -> dict[str, Path]:
    """The files, with those of ``src/`` at the top."""
    found = {name: path for name, path in files.items() if not name.startswith(_SRC)}
    for name, path in files.items():
        if name.startswith(_SRC):
            top = name.removeprefix(_SRC)
            if top in found:
                raise InjectorError(
                    f"{visible(name)} and {visible(top)} have the same place in the bundle; rename one", code="CI833"
                )
            found[top] = path
    return found


def arranged(source: Path, files: Mapping[str, Path], *, is_built: bool) -> tuple[dict[str, Path], list[str]]:
    """The files by their names in the bundle, and a sentence about each change.

    Unless ``is_built``, the source is the bundle already, and all modules stay where they are.
    """
    secret = set(_with_credentials(files))
    found = {name: path for name, path in files.items() if name not in secret}
    changes = [f"{visible(name)} holds a password in a URL; the bundle does not contain it" for name in sorted(secret)]
    if is_built and is_src_layout(source):
        found = _flattened(found)
        changes.append("the modules in src/ are at the top of the bundle, where a build puts them")
    return found, changes
