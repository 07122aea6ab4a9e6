"""Builds the zip of a function.

Takes the folder of the function's source. Writes a zip and returns its facts.

    SRC -> a copy, in which uv, pip or npm install the dependencies for Lambda's platform
    SRC, its dependencies, and the reader that SRC imports -> sorted, .env last
    all files -> checked against Lambda's limits -> a zip -> OUT

The same files and versions give the same bytes, independent of the path and the owner of SRC. Nothing is written to
SRC, and OUT is written completely or not at all. ``.env`` is the last entry, so that an injection moves no other entry.
"""

from __future__ import annotations

import os
import tempfile
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, NamedTuple
from zipfile import is_zipfile

from cfn_injector.archive import Keep
from cfn_injector.cli.advice import shown_name
from cfn_injector.cli.archive import QUICK, Item, content_hash, write_zip
from cfn_injector.cli.aws_options import Clients, no_clients
from cfn_injector.cli.bundling import node_packages, other_languages, python_layout, python_manifest, python_packages
from cfn_injector.cli.bundling.bundle_files import Rules, choose, copy_for_installers, merged
from cfn_injector.cli.bundling.compiled_files import foreign
from cfn_injector.cli.bundling.lambda_platform import NODE, PYTHON, Target
from cfn_injector.cli.bundling.npm_manifests import MODULES, PACKAGE
from cfn_injector.cli.bundling.reader_files import readers
from cfn_injector.cli.bundling.source_files import Skip
from cfn_injector.cli.destinations import LocalDestination, destination
from cfn_injector.cli.display import shown, visible
from cfn_injector.cli.progress import Progress
from cfn_injector.cli.sources import FileSource
from cfn_injector.cli.tools import Workshop
from cfn_injector.env_loader import FOLDER
from cfn_injector.env_properties import DEFAULT_ENV_FILE
from cfn_injector.errors import InjectorError
from cfn_injector.injection import LAMBDA_MAX_UNPACKED, Destination
from wrapper.dotenv import ParseError, decode, parse

_MB = 1024 * 1024
_LARGEST = 5
HASH = "{hash}"
"""Stands in an output for the hash of what a bundle holds."""
_GIVE = "specify the folder with the function's source"


class Options(NamedTuple):
    """How to build a bundle.

    If ``runtime`` is None, the files in the source determine it. ``installer`` is ``uv`` or ``pip``; None is uv if
    installed, else pip. If ``install`` is false, the source already holds its dependencies. ``allow_scripts`` names
    packages of npm whose prebuilt binaries may be downloaded by a script. ``include`` are patterns of files that may
    hold secrets, or that Git ignores, and are bundled nevertheless. ``reader`` adds the reader without an import of it.
    """

    runtime: str | None = None
    architecture: str = "x86_64"
    exclude: Sequence[str] = ()
    installer: str | None = None
    install: bool = True
    allow_scripts: Sequence[str] = ()
    include: Sequence[str] = ()
    gitignore: bool = False
    reader: bool = False

    @property
    def rules(self) -> Rules:
        """Which files the caller wants."""
        return Rules(self.exclude, self.include, self.gitignore, self.install)


@dataclass(frozen=True)
class Bundle:
    """A bundle that was written. Sizes are in bytes, and uncompressed except for ``size``.

    ``largest`` lists packages, and folders and files at the top. ``runtime`` is None if nothing was installed.
    ``env_files`` has the names of the variables in each file of variables.
    """

    output: str
    size: int
    unpacked: int
    entries: int
    digest: bytes
    runtime: str | None
    architecture: str
    largest: Sequence[tuple[int, str]]
    env_files: Mapping[str, Sequence[str]]
    warnings: Sequence[str]
    notes: Sequence[str]

    @property
    def sha256(self) -> str:
        """The digest in hexadecimal, as sha256sum prints it."""
        return self.digest.hex()

    @property
    def code_sha256(self) -> str:
        """The digest in base64, as Lambda returns it."""
        return b64encode(self.digest).decode()


def megabytes(size: int) -> str:
    """The size for people. A MB is 1024 * 1024 bytes, as in Lambda's limits."""
    return f"{size / _MB:.1f} MB" if size >= _MB // 10 else f"{size / 1024:.1f} KB"


@contextmanager
def _temporary_files() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        problem = f"cannot write a temporary file: {error.strerror}"
        raise InjectorError(f"{problem}; set TMPDIR to a folder with more room", code="CI721") from error


def _source(folder: str) -> Path:
    source = Path(folder)
    if not source.is_dir():
        problem = "is not a folder" if source.exists() else "does not exist"
        raise InjectorError(f"{visible(folder)} {problem}; {_GIVE}", code="CI802")
    return source


def _new_file(to: Destination, output: str, source: Path) -> str | None:
    """The path of the new archive, or None if it is not a local file. The bundle leaves this file out."""
    if not isinstance(to, LocalDestination):
        return None
    path = Path(os.path.realpath(to.path))
    if not os.access(path.parent, os.W_OK | os.X_OK):
        problem = "its folder does not exist or is not writable"
        raise InjectorError(f"cannot write {shown(output)}: {problem}; choose another --output", code="CI719")
    if HASH in output and path.is_relative_to(source.resolve()):
        raise InjectorError(
            f"{shown(output)} would be a file of the next bundle; choose an --output outside of SRC", code="CI804"
        )
    if path.is_file() and path.is_relative_to(source.resolve()) and not is_zipfile(path):
        raise InjectorError(
            f"{shown(output)} is a file of the source, and not a zip; choose another --output", code="CI804"
        )
    return os.fspath(path)


def _target(source: Path, runtime: str | None, architecture: str) -> Target:
    python = next((name for name in python_manifest.FILES if (source / name).exists()), None)
    node = (source / PACKAGE).exists()
    if runtime is None and python and node:
        raise InjectorError(f"the source has {python} and {PACKAGE}; choose one with --runtime", code="CI805")
    default = NODE if node else PYTHON
    return Target.of(default if runtime is None else runtime, architecture)


def _dependencies(
    source: Path, target: Target, workshop: Workshop, skip: Skip, options: Options
) -> tuple[Mapping[str, Path], Sequence[str]]:
    """Install the dependencies. Returns the path of each file by its name in the bundle, and warnings."""
    if not (python_manifest.is_in(source) if target.python else (source / PACKAGE).exists()):
        if options.runtime is None:
            other_languages.refuse(source)
        return {}, ()
    workshop.show(f"installing for {target}")
    copy = workshop.folder / "source"
    with _temporary_files():
        copy_for_installers(source, copy, options.rules)
    if target.python:
        return python_packages.install(copy, target, workshop, skip, original=source, installer=options.installer)
    exclude, allowed = options.exclude, options.allow_scripts
    return node_packages.install(copy, target, workshop, skip, project=source, exclude=exclude, allow_scripts=allowed)


def _check_reserved(names: Mapping[str, Path]) -> None:
    if any(name.partition("/")[0] == FOLDER for name in names):
        raise InjectorError(
            f"{FOLDER} is reserved for the loaders of EnvLoader; rename the folder, or --exclude it", code="CI807"
        )


def _group(name: str) -> str:
    """The package, folder or file at the top to which a file's size is added."""
    parts = name.split("/")
    depth = 1
    if parts[0] == MODULES and len(parts) > 2:
        depth = 3 if parts[1].startswith("@") else 2
    return "/".join(parts[:depth]) + ("/" if len(parts) > depth else "")


def _largest(sizes: Mapping[str, int]) -> list[tuple[int, str]]:
    groups: Counter[str] = Counter()
    for name, size in sizes.items():
        groups[_group(name)] += size
    ordered = sorted(groups.items(), key=lambda each: (-each[1], each[0]))
    return [(size, visible(name)) for name, size in ordered[:_LARGEST]]


def _check_size(unpacked: int, largest: Sequence[tuple[int, str]]) -> None:
    if unpacked > LAMBDA_MAX_UNPACKED:
        places = ", ".join(f"{name} {megabytes(size)}" for size, name in largest)
        raise InjectorError(
            f"the bundle has {megabytes(unpacked)} unpacked, which exceeds Lambda's limit of "
            f"{megabytes(LAMBDA_MAX_UNPACKED)}: {places}; --exclude what the function does not need, such as tests, or "
            "packages that the runtime provides (boto3, botocore)",
            code="CI812",
        )


def _digest(file: IO[bytes]) -> bytes:
    digest = sha256()
    file.seek(0)
    while chunk := file.read(_MB):
        digest.update(chunk)
    return digest.digest()


def _env_files(own: Mapping[str, Path]) -> tuple[Mapping[str, Sequence[str]], Sequence[str]]:
    """The names of the variables in each file of variables, and warnings. Every stage gets these values."""
    found: dict[str, Sequence[str]] = {}
    warnings = []
    for name, path in sorted(own.items()):
        if name.rpartition("/")[2] == DEFAULT_ENV_FILE:
            try:
                bindings = parse(decode(path.read_bytes()))
            except ParseError as error:
                warnings.append(f"variables cannot be injected: {visible(name)}: {error}")
            else:
                found[visible(name)] = [shown_name(each.name) for each in bindings if each.name is not None]
    return found, warnings


def bundle(folder: str, output: str, options: Options, bar: Progress, clients: Clients = no_clients) -> Bundle:
    """Write the bundle of ``folder`` to ``output``, a path or URL. ``clients`` makes the client for S3.

    ``{hash}`` in ``output`` becomes the hash of what the bundle holds.

    Raises InjectorError before anything is written. If an installer failed, the error is a ToolError with its output.
    """
    source, to = _source(folder), destination(output, clients)
    new = _new_file(to, output, source)
    target = _target(source, options.runtime, options.architecture)
    chosen = choose(source, options.rules, new)
    is_python = target.python is not None
    is_built = options.install and is_python
    own, changes = python_layout.arranged(source, chosen.own, is_built=is_built)
    _check_reserved(own)
    env_files, unreadable = _env_files(own)
    installed: Mapping[str, Path] = {}
    warnings: Sequence[str] = ()
    with ExitStack() as opened:
        if options.install:
            with _temporary_files():
                scratch = opened.enter_context(tempfile.TemporaryDirectory(prefix="cfn-injector-"))
            workshop = Workshop(Path(os.path.realpath(scratch)), bar.show)
            installed, warnings = _dependencies(source, target, workshop, chosen.skip, options)
            _check_reserved(installed)
        added, unsure, about_reader = readers(own, installed, chosen.skip, python=is_python, forced=options.reader)
        found = merged(own, {**installed, **added})
        if not (own or installed):
            raise InjectorError(f"{visible(folder)} has no files to bundle; {_GIVE}", code="CI803")
        stats = {name: path.stat() for name, path in found.items()}
        executable = {name: bool(stat.st_mode & 0o100) for name, stat in stats.items()}
        sizes = {name: stat.st_size for name, stat in stats.items()}
        unpacked, largest = sum(sizes.values()), _largest(sizes)
        _check_size(unpacked, largest)
        foreign_files = list(foreign(found, executable, target.architecture))
        bar.show(f"writing {shown(output)}", unpacked)
        with _temporary_files():
            archive = opened.enter_context(tempfile.TemporaryFile())
            items = (Item(name, path, executable[name]) for name, path in found.items())
            write_zip(archive, items, level=QUICK, written=bar.advance)
            digest = _digest(archive)
        if HASH in output:
            output = output.replace(HASH, content_hash(archive, "the bundle"))
            to = destination(output, clients)
        whole = FileSource.of("the temporary file", archive)
        to.assemble(whole, [Keep(0, whole.size)])
    return Bundle(
        output=shown(output),
        size=whole.size,
        unpacked=unpacked,
        entries=len(found),
        digest=digest,
        runtime=target.runtime if installed else None,
        architecture=target.architecture,
        largest=largest,
        env_files=env_files,
        warnings=[*unreadable, *warnings, *unsure, *foreign_files, *chosen.warnings()],
        notes=[*changes, *about_reader, *chosen.notes()],
    )
