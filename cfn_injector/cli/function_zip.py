"""A function's source, made into what Lambda runs: a folder goes in, a zip comes out.

    SRC -> a copy, in which uv, pip or npm install what it requires for Lambda's platform
    SRC and what was installed -> sorted, .env last -> checked against Lambda's limits -> a zip -> OUT

The same files and versions give the same bytes, wherever SRC is and whoever's it is. Nothing is written into SRC, and
OUT is there as a whole or not at all. ``.env`` is the last entry, so that an injection moves nothing else.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from filecmp import cmp
from hashlib import sha256
from pathlib import Path
from typing import IO, NamedTuple
from zipfile import is_zipfile

from cfn_injector.archive import Keep
from cfn_injector.cli import node_packages, python_packages
from cfn_injector.cli.advice import DIRECT_UPLOAD
from cfn_injector.cli.archive import QUICK, Item, write_zip
from cfn_injector.cli.destinations import LocalDestination, destination
from cfn_injector.cli.display import shown, visible
from cfn_injector.cli.lambda_platform import NODE, PYTHON, Target, compiled_for, is_library
from cfn_injector.cli.progress import Progress
from cfn_injector.cli.source_files import CREDENTIALS, NO_CODE, Exclusions, Skip, files, ignored
from cfn_injector.cli.sources import FileSource
from cfn_injector.cli.tools import Workshop
from cfn_injector.env_loader import FOLDER
from cfn_injector.env_properties import DEFAULT_ENV_FILE
from cfn_injector.errors import InjectorError
from cfn_injector.injection import LAMBDA_MAX_UNPACKED, Destination

_MB = 1024 * 1024
_LARGEST = 5
_NAMED = 3
_GIVE = "give the folder with the function's source"


class Options(NamedTuple):
    """How a bundle is made.

    Without ``runtime``, what the source requires decides. ``installer`` is ``uv`` or ``pip``, None uv where it is on
    PATH. Without ``install``, dependencies are those that are in the folder.
    """

    runtime: str | None = None
    architecture: str = "x86_64"
    exclude: Sequence[str] = ()
    installer: str | None = None
    install: bool = True


@dataclass(frozen=True)
class Bundled:
    """A bundle that was written. Sizes in bytes, unpacked ones but for ``size``.

    ``largest`` are packages, folders and files at the top. ``runtime`` is None where nothing was installed.
    """

    output: str
    size: int
    unpacked: int
    entries: int
    digest: bytes
    runtime: str | None
    architecture: str
    largest: Sequence[tuple[int, str]]
    warnings: Sequence[str]
    notes: Sequence[str]

    @property
    def sha256(self) -> str:
        """In hexadecimal, as sha256sum shows it."""
        return self.digest.hex()

    @property
    def code_sha256(self) -> str:
        """In base64, as Lambda shows it."""
        return b64encode(self.digest).decode()


def megabytes(size: int) -> str:
    """For people; a MB has 1024 * 1024 bytes, as with Lambda."""
    return f"{size / _MB:.1f} MB" if size >= _MB // 10 else f"{size / 1024:.1f} KB"


@contextmanager
def _keeping() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        problem = f"no temporary file can be written: {error.strerror}"
        raise InjectorError(f"{problem}; set TMPDIR to a folder with more room") from error


def _source(folder: str) -> Path:
    source = Path(folder)
    if not source.is_dir():
        problem = "is no folder" if source.exists() else "does not exist"
        raise InjectorError(f"{visible(folder)} {problem}; {_GIVE}")
    return source


def _new_file(to: Destination, output: str, source: Path) -> str | None:
    """The path of the new archive, where it is a file of this machine. In the source it is no part of that."""
    if not isinstance(to, LocalDestination):
        return None
    path = os.path.realpath(to.path)
    if not os.access(os.path.dirname(path), os.W_OK):
        problem = "its folder is missing, or not yours to write in"
        raise InjectorError(f"{shown(output)} cannot be written, as {problem}; choose another --output")
    if os.path.isfile(path) and Path(path).is_relative_to(source.resolve()) and not is_zipfile(path):
        raise InjectorError(f"{shown(output)} is a file of the source, and no zip; choose another --output")
    return path


def _target(source: Path, runtime: str | None, architecture: str) -> Target:
    python = [name for name in python_packages.FILES if (source / name).exists()]
    node = [name for name in (node_packages.PACKAGE,) if (source / name).exists()]
    if runtime is None and python and node:
        raise InjectorError(f"the source holds {python[0]} and {node[0]}; say by --runtime which of them is meant")
    default = NODE if node else PYTHON
    return Target.of(default if runtime is None else runtime, architecture)


def _copy(source: Path, to: Path) -> None:
    """What an installation may look at: all but the function's variables and what is no part of any source."""
    skip = Exclusions((*NO_CODE, node_packages.MODULES, f"./{DEFAULT_ENV_FILE}"))
    to.mkdir()
    for name, path in files(source, skip, strict=False):
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, to / name)


def _dependencies(
    source: Path, target: Target, workshop: Workshop, skip: Skip, installer: str | None
) -> tuple[Mapping[str, Path], Sequence[str]]:
    """What the source requires, installed for the target: place by name in the bundle; and warnings."""
    wanted = python_packages.FILES if target.python else (node_packages.PACKAGE,)
    if not any((source / name).exists() for name in wanted):
        return {}, ()
    workshop.tell(f"installing for {target}")
    copy = workshop.folder / "source"
    with _keeping():
        _copy(source, copy)
    if target.python:
        return python_packages.install(copy, target, workshop, skip, installer=installer)
    return node_packages.install(copy, target, workshop, skip)


def _check_reserved(names: Mapping[str, Path]) -> None:
    if any(name.partition("/")[0] == FOLDER for name in names):
        raise InjectorError(f"{FOLDER} is the folder where EnvLoader puts its loaders; rename yours, or --exclude it")


def _merged(own: Mapping[str, Path], installed: Mapping[str, Path]) -> dict[str, Path]:
    """All, sorted by name, ``.env`` last."""
    both = [name for name in own.keys() & installed.keys() if not cmp(own[name], installed[name], shallow=False)]
    if both:
        remedy = "remove it from the source, or bundle what is there by --no-install"
        raise InjectorError(f"the source and its dependencies both bring {visible(min(both))}; {remedy}")
    found = {**own, **installed}
    return {name: found[name] for name in sorted(found, key=lambda name: (name == DEFAULT_ENV_FILE, name))}


def _group(name: str) -> str:
    """The package, folder or file at the top that a file is counted with."""
    parts = name.split("/")
    depth = 1
    if parts[0] == node_packages.MODULES and len(parts) > 2:
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
            f"the bundle holds {megabytes(unpacked)} when unpacked, more than the {megabytes(LAMBDA_MAX_UNPACKED)} "
            f"that Lambda takes: {places}; --exclude what the function does not need, such as tests, or what the "
            "runtime has already (boto3, botocore)"
        )


def _foreign(found: Mapping[str, Path], executable: Mapping[str, bool], architecture: str) -> Iterator[str]:
    """Compiled files that cannot be loaded there; of those in prebuilds/, packages take what fits."""
    wrong: dict[str, list[str]] = {}
    for name, path in found.items():
        if (is_library(name) or executable[name]) and "/prebuilds/" not in f"/{name}":
            made = compiled_for(path)
            if made not in (None, architecture):
                wrong.setdefault(str(made), []).append(visible(name))
    for made, names in sorted(wrong.items()):
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield f"{', '.join(names[:_NAMED])}{more} cannot run on {architecture}, as made for {made}"


def _digest(file: IO[bytes]) -> bytes:
    digest = sha256()
    file.seek(0)
    while chunk := file.read(_MB):
        digest.update(chunk)
    return digest.digest()


def bundle(folder: str, output: str, options: Options, bar: Progress) -> Bundled:
    """Write the bundle of ``folder`` to ``output``, a path or URL.

    Raises InjectorError before anything is there; where it was a program that failed, ToolError with what it said.
    """
    source, to = _source(folder), destination(output)
    new = _new_file(to, output, source)
    target = _target(source, options.runtime, options.architecture)
    skip = Exclusions((*ignored(source), *options.exclude, *NO_CODE, *CREDENTIALS))
    is_installed = options.install and (source / node_packages.PACKAGE).exists()
    skip_modules = Exclusions([f"./{node_packages.MODULES}"] if is_installed else [])

    def is_skipped(name: str) -> bool:
        return skip_modules(name) or skip(name) or (new is not None and os.path.realpath(source / name) == new)

    own = dict(files(source, is_skipped))
    _check_reserved(own)
    installed: Mapping[str, Path] = {}
    warnings: Sequence[str] = ()
    with ExitStack() as opened:
        if options.install:
            with _keeping():
                scratch = opened.enter_context(tempfile.TemporaryDirectory(prefix="cfn-injector-"))
            workshop = Workshop(Path(os.path.realpath(scratch)), bar.tell)
            installed, warnings = _dependencies(source, target, workshop, skip, options.installer)
            _check_reserved(installed)
        found = _merged(own, installed)
        if not found:
            raise InjectorError(f"{visible(folder)} holds nothing to bundle; {_GIVE}")
        stats = {name: path.stat() for name, path in found.items()}
        executable = {name: bool(stat.st_mode & 0o100) for name, stat in stats.items()}
        sizes = {name: stat.st_size for name, stat in stats.items()}
        unpacked, largest = sum(sizes.values()), _largest(sizes)
        _check_size(unpacked, largest)
        foreign = list(_foreign(found, executable, target.architecture))
        bar.tell(f"writing {shown(output)}", unpacked)
        with _keeping():
            archive = opened.enter_context(tempfile.TemporaryFile())
            items = (Item(name, path, executable[name]) for name, path in found.items())
            write_zip(archive, items, level=QUICK, written=bar.advance)
            digest = _digest(archive)
        whole = FileSource.of("the temporary file", archive)
        to.assemble(whole, [Keep(0, whole.size)])
    idle = [f"--exclude {visible(each)} leaves nothing out" for each in options.exclude if each not in skip.matched]
    note = f"an archive over {megabytes(DIRECT_UPLOAD)} reaches Lambda only by way of S3"
    return Bundled(
        output=shown(output),
        size=whole.size,
        unpacked=unpacked,
        entries=len(found),
        digest=digest,
        runtime=target.runtime if installed else None,
        architecture=target.architecture,
        largest=largest,
        warnings=[*warnings, *foreign, *idle],
        notes=[note] if whole.size > DIRECT_UPLOAD else [],
    )
