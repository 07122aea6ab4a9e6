"""The version of this project, in each file that states it.

Takes the folder of a checkout. Returns what each place says; with a version as argument, writes it to all of them.

``cfn_injector/__init__.py`` decides. The others cannot read it: npm and the reader's package have files of their own,
and the documentation shows commands with a version.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cfn_injector.errors import InjectorError

ROOT = Path(__file__).parents[1]
VERSION = r"\d+\.\d+\.\d+"

# Path -> what stands before a version there.
PLACES = {
    "cfn_injector/__init__.py": r'^__version__ = "',
    "wrapper/pyproject.toml": r'^version = "',
    "wrapper/node/package.json": r'^  "version": "',
    "docs/clients.md": r"cfn-injector/cfn-injector@v|cfn-injector-sar-",
    "docs/install.md": r"my-provider/|CodeKey=|cfn[-_]injector-(?:provider-)?",
    "docs/quick-start.md": r"cfn_injector-",
    "docs/security.md": r"(?:download |--branch |tags/)v|cfn-injector-(?:provider-)?",
}
_SOURCE = next(iter(PLACES))


class Place(NamedTuple):
    """A version that a file states: the file's path below the checkout, the line, and the version."""

    path: str
    line: int
    version: str


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(rf"({PLACES[path]})({VERSION})", re.MULTILINE)


def places(root: Path = ROOT) -> Iterator[Place]:
    """Every version that the files state. Raises InjectorError if one of the files states none."""
    for path in PLACES:
        text = (root / path).read_text("utf-8")
        found = list(_pattern(path).finditer(text))
        if not found:
            raise InjectorError(f"{path} states no version; correct the file, or its row in releasing/versions.py")
        yield from (Place(path, text.count("\n", 0, each.start(2)) + 1, each[2]) for each in found)


def current(root: Path = ROOT) -> str:
    """The version of the package ``cfn_injector``."""
    return next(place.version for place in places(root) if place.path == _SOURCE)


def write(version: str, root: Path = ROOT) -> None:
    """Give every place this version. Raises InjectorError if it is not three numbers, as 1.2.3 is."""
    if not re.fullmatch(VERSION, version):
        raise InjectorError(f"{version} is not a version; give three numbers, such as 1.2.3")
    for path in PLACES:
        file = root / path
        file.write_text(_pattern(path).sub(rf"\g<1>{version}", file.read_text("utf-8")), "utf-8")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Print the version of this checkout, or write another one.")
    parser.add_argument("version", nargs="?", help="the version to write")
    given = parser.parse_args(arguments)
    try:
        if given.version:
            write(given.version)
        print(current())
    except InjectorError as error:
        parser.exit(1, f"releasing.versions: {error}\n")


if __name__ == "__main__":
    main()
