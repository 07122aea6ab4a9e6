"""``build-provider``: builds the zip of the provider's function.

Takes installed distributions. Returns one zip.

    root distributions -> their requirements -> their files -> the files that the provider needs -> bytecode -> one zip

The zip is self-contained: Lambda's handler is ``cfn_injector.aws_lambda.handler``, and botocore has the version that
the provider was tested with. The zip leaves out lists of installed files, botocore's examples, and what the provider
does not call of botocore's models.

Beside each source it holds the bytecode for the Python of the provider's runtime; other versions ignore it, and compile
the sources. It also holds the bytecode of the loader, for the runtimes of the functions that the loader is added to.
The same installed files, and the same releases of Python, give the same bytes.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from importlib.metadata import Distribution, distributions
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from cfn_injector.archive import Insert
from cfn_injector.cli import provider_models
from cfn_injector.cli.archive import SMALLEST, Item, write_zip
from cfn_injector.cli.bundling.lambda_platform import Target
from cfn_injector.cli.bytecode import cached_name, compile_for, tag
from cfn_injector.cli.destinations import LocalDestination
from cfn_injector.cli.tools import cli_extra
from cfn_injector.cli.usage import checking_arguments
from cfn_injector.errors import InjectorError
from cfn_injector.injection import EMPTY
from cfn_injector.protocol import registry

HELP = "build the zip of the provider's function"
ROOTS = ("cfn-injector",)
RUNTIME = "python3.13"
"""The runtime in ``templates/provider.yaml``."""

# An editable install does not list the files of these packages, so they are found as Python finds them.
_OUR_PACKAGES = ("cfn_injector", "wrapper")
_LEFT_OUT = (
    *(f"cfn_injector/{name}" for name in ("__main__.py", "cli/", "doctor/", "lint/", "local/", "templates/")),
    *("boto3/data/", "boto3/examples/"),
    # The reader's own package.
    *(f"wrapper/{name}" for name in ("README.md", "pyproject.toml", "build/", "cfn_injector_reader.egg-info/")),
)
_METADATA_KEPT = ("METADATA", "entry_points.txt")
_LICENSE_STARTS = ("LICENSE", "LICENCE", "NOTICE", "COPYING", "AUTHORS", "licenses/")
_LOADER = "cfn_injector/env_loader/python_handler.py"
_LOADER_IN_FUNCTIONS = "_cfn_injector/__init__.py"
_FUNCTION_PYTHONS = range(10, 15)
"""The minor versions that functions can run on: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html."""


class ProviderZip(NamedTuple):
    """The zip that was written: its path, its size in bytes, and its SHA-256 digest in hexadecimal.

    ``content`` is a digest of the names and bytes of its files, whichever zlib compressed them.
    ``release`` is the version of Python that compiled the provider, or None. ``loader_releases`` are the versions that
    compiled the loader.
    """

    path: Path
    size: int
    sha256: str
    release: str | None
    loader_releases: tuple[str, ...]
    content: str


class Compiled(NamedTuple):
    """Files to add to the zip, by name. The releases are those of ``ProviderZip``."""

    files: Mapping[str, bytes]
    release: str | None
    loader_releases: tuple[str, ...]


def _python(runtime: str) -> int:
    """The minor version of a runtime for the provider."""
    minor = Target.of(runtime, "x86_64").python
    if minor is None or minor < _FUNCTION_PYTHONS.start:
        raise InjectorError(
            f"--runtime {runtime} does not run the provider; use python3.{_FUNCTION_PYTHONS.start} or later",
            code="CI851",
        )
    return minor


def _environment(runtime: str) -> dict[str, str]:
    """The environment in which the zip runs, for requirements with environment markers."""
    version = f"3.{_python(runtime)}"
    fixed = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
    return {**fixed, "python_version": version, "python_full_version": f"{version}.0"}


def _installed(name: str) -> Distribution:
    # An editable install leaves a second copy of the metadata in the checkout. Only pip's own copy has METADATA.
    found = list(distributions(name=name))
    for distribution in found:
        if distribution.read_text("METADATA") is not None:
            return distribution
    if found:  # pip before 23.1, without the package wheel
        raise InjectorError(
            f"the installation of {name} does not list its files; "
            f"run: pip install --upgrade pip && pip install --force-reinstall {name}",
            code="CI852",
        )
    raise InjectorError(f"{name} is not installed; run: pip install {name}", code="CI801")


def _resolve(roots: Iterable[str], runtime: str) -> list[Distribution]:
    """The named distributions and all of their requirements, sorted by name."""
    with cli_extra():
        from packaging.requirements import Requirement

    target = _environment(runtime)
    found: dict[str, Distribution] = {}
    done: set[str] = set()
    waiting = [("cfn-injector build-provider", Requirement(root)) for root in roots]
    while waiting:
        dependent, requirement = waiting.pop()
        if str(requirement) in done:
            continue
        done.add(str(requirement))
        distribution = _installed(requirement.name)
        if not requirement.specifier.contains(distribution.version, prereleases=True):
            needed = f"{requirement.name}{requirement.specifier}"
            raise InjectorError(
                f"{requirement.name} {distribution.version} is installed, "
                f"but {dependent} requires {requirement.specifier}; run: pip install '{needed}'",
                code="CI853",
            )
        found[distribution.name] = distribution
        for required in map(Requirement, distribution.requires or ()):
            environments = [{**target, "extra": extra} for extra in ("", *requirement.extras)]
            if required.marker is None or any(map(required.marker.evaluate, environments)):
                waiting.append((distribution.name, required))
    return [found[name] for name in sorted(found)]


def _listed_files(distribution: Distribution) -> Iterator[tuple[str, Path]]:
    if distribution.files is None:
        raise InjectorError(
            f"{distribution.name} does not have a list of its files; install it with pip in a virtual environment",
            code="CI852",
        )
    for file in distribution.files:
        if ".." not in file.parts:  # scripts and manual pages are outside the package folder
            yield file.as_posix(), Path(str(file.locate()))


def _package_files(package: str) -> Iterator[tuple[str, Path]]:
    spec = find_spec(package)
    if spec is None:
        raise InjectorError(f"the package {package} is not installed; install cfn-injector again", code="CI801")
    for folder in spec.submodule_search_locations or ():
        for path in Path(folder).rglob("*"):
            if path.is_file():
                yield f"{package}/{path.relative_to(folder).as_posix()}", path


def _is_metadata(name: str) -> bool:
    return name.partition("/")[0].endswith(".dist-info")


def _is_needed_metadata(name: str) -> bool:
    inside = name.partition("/")[2]
    return inside in _METADATA_KEPT or inside.startswith(_LICENSE_STARTS)


def _is_needed_code(name: str) -> bool:
    path = PurePosixPath(name)
    return not ("__pycache__" in path.parts or path.suffix == ".pyc" or name.startswith(_LEFT_OUT))


def _files(distribution: Distribution) -> Iterator[tuple[str, Path]]:
    """The files that the zip takes from one distribution: name in the zip, and path."""
    listed = list(_listed_files(distribution))
    yield from ((name, path) for name, path in listed if _is_metadata(name) and _is_needed_metadata(name))
    if distribution.name == ROOTS[0]:
        code = [file for package in _OUR_PACKAGES for file in _package_files(package)]
    else:
        code = [(name, path) for name, path in listed if not _is_metadata(name)]
    for name, path in code:
        if not _is_needed_code(name):
            continue
        if path.suffix in (".so", ".pyd", ".dylib"):
            raise InjectorError(
                f"{distribution.name} contains {name}, which is compiled for this machine; "
                "install a version in pure Python",
                code="CI854",
            )
        yield name, path


def _added_types(distributions: Iterable[Distribution]) -> dict[str, str]:
    """The module of each resource type that is not built in, by the part of its name after ``Custom::``."""
    points = [point for each in distributions for point in each.entry_points.select(group=registry.GROUP)]
    return {point.name: point.value for point in points if point.name not in registry.BUILT_IN}


def contents(roots: Iterable[str] = ROOTS, runtime: str = RUNTIME) -> Mapping[str, bytes]:
    """The bytes of each file but bytecode, by its name in the zip, sorted by name.

    ``roots`` are names of installed distributions. The zip holds them and their requirements. botocore keeps the models
    of the services that their resource types call, cut as ``provider_models`` describes.
    """
    resolved = _resolve(roots, runtime)
    found = {name: path for distribution in resolved for name, path in _files(distribution)}
    whole = registry.services(_added_types(resolved))
    models = provider_models.needed(found, whole | registry.services(registry.BUILT_IN))
    kept = {name: path for name, path in found.items() if name in models or not provider_models.is_model(name)}
    return provider_models.cut({name: path.read_bytes() for name, path in kept.items()}, whole)


def bytecode(files: Mapping[str, bytes], runtime: str = RUNTIME) -> Compiled:
    """The bytecode of the zip's modules and of the loader, as far as this machine has the versions of Python."""
    minor = _python(runtime)
    own = compile_for(minor, {name: body for name, body in files.items() if name.endswith(".py")})
    found = {cached_name(name, minor): body for name, body in own.files.items()} if own else {}
    releases = []
    for each in _FUNCTION_PYTHONS:
        loader = compile_for(each, {_LOADER_IN_FUNCTIONS: files[_LOADER]})
        if loader:
            found[f"{_LOADER.removesuffix('.py')}.{tag(each)}.pyc"] = loader.files[_LOADER_IN_FUNCTIONS]
            releases.append(loader.release)
    return Compiled(found, own.release if own else None, tuple(releases))


def _digest(files: Iterable[tuple[str, bytes]]) -> str:
    digest = sha256()
    for name, body in files:
        digest.update(f"{name}\n{sha256(body).hexdigest()}\n".encode())
    return digest.hexdigest()


def build(output: Path, roots: Iterable[str] = ROOTS, runtime: str = RUNTIME) -> ProviderZip:
    """Write the zip to ``output``, which is replaced if it exists.

    Raises InjectorError if a distribution is missing or does not have the required version, if ``runtime`` is not a
    Python that runs the provider, or if ``output`` cannot be written.
    """
    sources = contents(roots, runtime)
    compiled = bytecode(sources, runtime)
    files = sorted({**sources, **compiled.files}.items())
    archive = io.BytesIO()
    write_zip(archive, (Item(name, body) for name, body in files), level=SMALLEST)
    body = archive.getvalue()
    LocalDestination(os.fspath(output)).assemble(EMPTY, [Insert(body)])
    digest, content = sha256(body).hexdigest(), _digest(files)
    return ProviderZip(output, len(body), digest, compiled.release, compiled.loader_releases, content)


def add_packages(parser: argparse.ArgumentParser) -> None:
    """Adds the option that names packages with more resource types."""
    parser.add_argument(
        "--with",
        dest="packages",
        action="append",
        default=[],
        metavar="PACKAGE",
        help="an installed package that adds resource types; may be repeated",
    )


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("cfn-injector-provider.zip"),
        metavar="FILE",
        help="the zip to write (default: %(default)s)",
    )
    add_packages(parser)
    parser.add_argument(
        "--runtime",
        default=RUNTIME,
        metavar="ID",
        help="the Runtime of the provider in its template (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")


def warnings(built: ProviderZip, runtime: str) -> Iterator[str]:
    """What the zip lacks."""
    if built.release is None:
        version = runtime.removeprefix("python")
        problem = (
            f"this machine does not have Python {version}, so the zip has no bytecode, and the provider starts slowly"
        )
        yield f"{problem}; run: uv python install {version}"


def run(arguments: argparse.Namespace) -> str:
    with checking_arguments():
        _python(arguments.runtime)
    built = build(arguments.output, [*ROOTS, *arguments.packages], arguments.runtime)
    for problem in warnings(built, arguments.runtime):
        print(f"cfn-injector: warning: {problem}", file=sys.stderr)
    if arguments.json:
        shown = {"output": os.fspath(built.path), "size": built.size, "sha256": built.sha256, "content": built.content}
        return json.dumps({**shown, "python": built.release, "loader_pythons": built.loader_releases})
    return f"{built.path}  {built.size} bytes  SHA-256 {built.sha256}"
