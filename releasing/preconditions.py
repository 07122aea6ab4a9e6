"""What must hold before a release is built.

Takes a checkout, and the tag of the release if there is one. Reports everything that is wrong, not only the first
problem. Needs nothing but the standard library and Git.
"""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Iterator
from pathlib import Path

from cfn_injector.errors import InjectorError
from releasing import changelog, versions

_MAIN = "origin/main"


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise InjectorError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout


def _changed_files(root: Path) -> Iterator[str]:
    changed = [line[3:] for line in _git(root, "status", "--porcelain").splitlines()]
    if changed:
        shown = ", ".join(changed[:5]) + (f" and {len(changed) - 5} more" if len(changed) > 5 else "")
        yield f"the working tree has changes that are not committed: {shown}; commit or remove them"


def _tag(root: Path, tag: str, version: str) -> Iterator[str]:
    if tag != f"v{version}":
        yield f"the tag is {tag}, but the version is {version}; tag v{version}"
    if not _git(root, "branch", "--remotes", "--contains", "HEAD", "--list", _MAIN).strip():
        yield f"the tagged commit is not on {_MAIN}; merge it, and tag a commit of main"


def _versions(root: Path, version: str) -> Iterator[str]:
    for place in versions.places(root):
        if place.version != version:
            yield (
                f"{place.path}, line {place.line}, has version {place.version}, not {version}; "
                f"run: python3 -m releasing.versions {version}"
            )


def _changelog(text: str, version: str) -> Iterator[str]:
    try:
        changelog.released(text, version)
    except InjectorError as error:
        yield str(error)
    left = next((section for section in changelog.sections(text) if section.name == changelog.UNRELEASED), None)
    if left and left.entries:
        yield f"CHANGELOG.md has entries under {changelog.UNRELEASED}; move them to the section of {version}"


def problems(root: Path, tag: str | None = None) -> list[str]:
    """What prevents a release of this checkout, one message for each problem."""
    version = versions.current(root)
    text = (root / "CHANGELOG.md").read_text("utf-8")
    found = _tag(root, tag, version) if tag is not None else ()
    return [*found, *_changed_files(root), *_versions(root, version), *_changelog(text, version)]


def main(arguments: list[str] | None = None, root: Path = versions.ROOT) -> None:
    parser = argparse.ArgumentParser(prog="release", description="Check whether this checkout can be released.")
    parser.add_argument("--tag", help="the tag of the release, which must name the version, and a commit of main")
    given = parser.parse_args(arguments)
    try:
        found = problems(root, given.tag)
    except InjectorError as error:
        found = [str(error)]
    if found:
        parser.exit(1, "".join(f"release: {problem}\n" for problem in found))


if __name__ == "__main__":
    main()
