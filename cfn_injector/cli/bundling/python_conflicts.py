"""Decides which package supplies a file that several packages contain.

Takes the installed files. Returns the files for the bundle, and sentences about those that were left out.

An installer unpacks one package over the other, in an order that changes from run to run. Each package lists its files
with their digests (RECORD: https://packaging.python.org/en/latest/specifications/recording-installed-packages/).

    the same digest in all lists                        -> the file
    LICENSE, README, tests/ and the like at the top     -> left out: no package imports them
    __init__.py that does no more than make a namespace -> that of the package whose name sorts first
    everything else                                     -> an error
"""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from cfn_injector.cli.display import visible
from cfn_injector.cli.tools import cli_extra
from cfn_injector.errors import InjectorError

Content = Callable[[str, str], bytes]
"""A package's own content of a file: takes the package's name and the file's."""

RECORD = ".dist-info/RECORD"
_UP = re.compile(r"^(\.\./)+")
_NEVER_IMPORTED = re.compile(
    r"(?!.*\.(?:py|so)$)(?i:LICEN[CS]E|COPYING|NOTICE|AUTHORS|README|CHANGES|CHANGELOG|HISTORY|CONTRIBUTING)[^/]*"
    r"|(?:tests?|docs?|examples?|benchmarks?|share)/.*"
)
_STATEMENTS = (ast.Import, ast.ImportFrom, ast.Try, ast.Expr, ast.Assign)


def listed(record: Path) -> Iterator[list[str]]:
    """The rows of a RECORD: name, digest and size of each file."""
    with record.open(encoding="utf-8", newline="") as file:
        # pip writes paths relative to a folder that it moved the scripts and data from.
        yield from ([_UP.sub("", row[0]), *row[1:]] for row in csv.reader(file) if row)


def records(files: Mapping[str, Path]) -> dict[str, Path]:
    """The RECORD of each package, by the package's name."""
    with cli_extra():
        from packaging.utils import canonicalize_name
    found = (name for name in sorted(files) if name.count("/") == 1 and name.endswith(RECORD))
    return {canonicalize_name(name.partition("-")[0]): files[name] for name in found}


def _owners(files: Mapping[str, Path]) -> dict[str, dict[str, str]]:
    """The digest of each file by package, for files that several packages contain."""
    found: dict[str, dict[str, str]] = {}
    for package, record in records(files).items():
        for name, digest, *_ in listed(record):
            if name in files and ".dist-info/" not in name:
                found.setdefault(name, {})[package] = digest
    return {name: digests for name, digests in sorted(found.items()) if len(set(digests.values())) > 1}


def _makes_namespace(content: bytes) -> bool:
    """Whether a module holds nothing but comments, imports, and a call that makes its package a namespace."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return False
    calls = (each.func for each in ast.walk(tree) if isinstance(each, ast.Call))
    called = {getattr(call, "attr", getattr(call, "id", "")) for call in calls}
    assigned = {
        getattr(target, "id", "") for each in ast.walk(tree) if isinstance(each, ast.Assign) for target in each.targets
    }
    imported = {each.module for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)}
    imported |= {name.name for each in ast.walk(tree) if isinstance(each, ast.Import) for name in each.names}
    return (
        all(isinstance(each, _STATEMENTS) for each in tree.body)
        and imported <= {"pkgutil", "pkg_resources"}
        and called <= {"extend_path", "declare_namespace", "__import__"}
        and assigned <= {"__path__"}
    )


def _namespace(name: str, packages: list[str], content: Content) -> bytes | None:
    """The first package's content, if the file makes a namespace in all of them."""
    if name.rpartition("/")[2] != "__init__.py":
        return None
    found = [content(package, name) for package in packages]
    return found[0] if all(map(_makes_namespace, found)) else None


def settled(files: Mapping[str, Path], content: Content) -> tuple[dict[str, Path], list[str]]:
    """The files without those that are left out, and warnings. The file of a namespace is overwritten on the disk.

    Raises InjectorError if packages contain different files of the same name, of which one would be lost.
    """
    left_out: dict[str, list[str]] = {}
    namespaces: dict[str, bytes] = {}
    for name, digests in _owners(files).items():
        packages = sorted(digests)
        both = " and ".join(map(visible, packages))
        if _NEVER_IMPORTED.fullmatch(name):
            left_out.setdefault(both, []).append(name)
            continue
        namespace = _namespace(name, packages, content)
        if namespace is None:
            problem = f"{both} contain different files {visible(name)}, and one would replace the other"
            raise InjectorError(f"{problem}; require one of these packages only, or --exclude the file", code="CI830")
        namespaces[name] = namespace
    for name, body in namespaces.items():  # last, because an installer may have to write the files again
        files[name].write_bytes(body)
    gone = {name for names in left_out.values() for name in names}
    warnings = [
        f"{both} contain different files {visible(names[0])}{f' and {len(names) - 1} more' if len(names) > 1 else ''}; "
        "the bundle contains neither"
        for both, names in left_out.items()
    ]
    return {name: path for name, path in files.items() if name not in gone}, warnings
