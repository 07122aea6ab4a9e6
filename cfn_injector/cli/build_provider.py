"""``build-provider``: the installed distributions go in, the zip of the provider's function comes out.

    root distributions -> all that they require -> their files, cut to what the provider needs -> one zip

The zip stands alone: Lambda's handler is ``cfn_injector.aws_lambda.handler``, and botocore is the one it was
tested with. The same installed files give the same bytes. What an installation has beside them is left out:
compiled Python, lists of files, botocore's examples and the models of services that nothing here calls.
"""

from __future__ import annotations

import argparse
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from importlib.metadata import Distribution, distributions
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from cfn_injector.archive import Insert
from cfn_injector.cli.archive import SMALLEST, Item, write_zip
from cfn_injector.cli.destinations import LocalDestination
from cfn_injector.errors import InjectorError
from cfn_injector.injection import EMPTY
from cfn_injector.protocol import registry

HELP = "build the zip of the provider's function"
ROOTS = ("cfn-injector",)

# Where ours is installed editable, no list of files names these; they are found as Python finds them.
_OUR_PACKAGES = ("cfn_injector", "wrapper")
_LEFT_OUT = ("cfn_injector/__main__.py", "cfn_injector/cli/", "boto3/data/", "boto3/examples/")
_METADATA_KEPT = ("METADATA", "entry_points.txt")
_LICENSE_STARTS = ("LICENSE", "LICENCE", "NOTICE", "COPYING", "AUTHORS", "licenses/")
_TARGET = {
    "python_version": "3.13",
    "python_full_version": "3.13.0",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "os_name": "posix",
}
"""Where the zip will run, for requirements that differ by environment."""


class Bundle(NamedTuple):
    """The zip that was written: where, its size in bytes, its SHA-256 in hexadecimal."""

    path: Path
    size: int
    sha256: str


def _installed(name: str) -> Distribution:
    # An editable install leaves a second copy of the metadata in the checkout; only pip's own has METADATA.
    found = list(distributions(name=name))
    for distribution in found:
        if distribution.read_text("METADATA") is not None:
            return distribution
    if found:  # pip before 23.1, without the package wheel
        raise InjectorError(
            f"{name} is installed in a way that lists no files; "
            f"run: pip install --upgrade pip && pip install --force-reinstall {name}"
        )
    raise InjectorError(f"{name} is not installed here; run: pip install {name}")


def _resolve(roots: Iterable[str]) -> list[Distribution]:
    """The distributions named and all that they require."""
    try:
        from packaging.requirements import Requirement
    except ModuleNotFoundError as error:
        raise InjectorError(f"{error.name} is missing here; run: pip install 'cfn-injector[cli]'") from error

    found: dict[str, Distribution] = {}
    done: set[str] = set()
    waiting = [("cfn-injector build-provider", Requirement(root)) for root in roots]
    while waiting:
        asker, wanted = waiting.pop()
        if str(wanted) in done:
            continue
        done.add(str(wanted))
        distribution = _installed(wanted.name)
        if not wanted.specifier.contains(distribution.version, prereleases=True):
            raise InjectorError(
                f"{wanted.name} {distribution.version} is installed, "
                f"but {asker} requires {wanted.specifier}; run: pip install '{wanted.name}{wanted.specifier}'"
            )
        found[distribution.name] = distribution
        for required in map(Requirement, distribution.requires or ()):
            environments = [{**_TARGET, "extra": extra} for extra in ("", *wanted.extras)]
            if required.marker is None or any(map(required.marker.evaluate, environments)):
                waiting.append((distribution.name, required))
    return [found[name] for name in sorted(found)]


def _listed_files(distribution: Distribution) -> Iterator[tuple[str, Path]]:
    if distribution.files is None:
        raise InjectorError(f"{distribution.name} has no list of its files; install it by pip in a virtual environment")
    for file in distribution.files:
        if ".." not in file.parts:  # scripts and manual pages stand outside
            yield file.as_posix(), Path(str(file.locate()))


def _package_files(package: str) -> Iterator[tuple[str, Path]]:
    spec = find_spec(package)
    if spec is None:
        raise InjectorError(f"the package {package} cannot be found; run: pip install cfn-injector")
    for folder in spec.submodule_search_locations or ():
        for path in Path(folder).rglob("*"):
            if path.is_file():
                yield f"{package}/{path.relative_to(folder).as_posix()}", path


def _is_metadata(name: str) -> bool:
    return name.partition("/")[0].endswith(".dist-info")


def _is_wanted_metadata(name: str) -> bool:
    inside = name.partition("/")[2]
    return inside in _METADATA_KEPT or inside.startswith(_LICENSE_STARTS)


def _is_wanted_code(name: str) -> bool:
    path = PurePosixPath(name)
    return not ("__pycache__" in path.parts or path.suffix == ".pyc" or name.startswith(_LEFT_OUT))


def _is_botocore_model(name: str) -> bool:
    return name.startswith("botocore/data/") and name.count("/") > 2


def _wanted_models(names: Iterable[str], services: Iterable[str]) -> set[str]:
    """Of botocore's models, those of the latest API version of each service, examples aside."""
    wanted: set[str] = set()
    names = list(names)
    for service in services:
        prefix = f"botocore/data/{service}/"
        versions = {name.split("/")[3] for name in names if name.startswith(prefix)}
        latest = f"{prefix}{max(versions, default='')}/"
        wanted.update(name for name in names if name.startswith(latest) and "/examples-" not in name)
    return wanted


def _files(distribution: Distribution) -> Iterator[tuple[str, Path]]:
    """What one distribution brings: name in the zip, and where it is now."""
    listed = list(_listed_files(distribution))
    yield from ((name, path) for name, path in listed if _is_metadata(name) and _is_wanted_metadata(name))
    if distribution.name == ROOTS[0]:
        code = [file for package in _OUR_PACKAGES for file in _package_files(package)]
    else:
        code = [(name, path) for name, path in listed if not _is_metadata(name)]
    for name, path in code:
        if not _is_wanted_code(name):
            continue
        if path.suffix in (".so", ".pyd", ".dylib"):
            raise InjectorError(
                f"{distribution.name} holds {name}, which is compiled for this machine; "
                "install a version that is Python alone"
            )
        yield name, path


def _resource_types(distributions: Iterable[Distribution]) -> dict[str, str]:
    """What follows ``Custom::`` -> module, of all types that the zip will serve."""
    points = [point for each in distributions for point in each.entry_points.select(group=registry.GROUP)]
    return {**{point.name: point.value for point in points}, **registry.BUILT_IN}


def contents(roots: Iterable[str] = ROOTS) -> Mapping[str, bytes]:
    """Name in the zip -> bytes, sorted by name.

    ``roots`` are names of installed distributions; what they require comes along. botocore keeps the models of the
    services that their resource types call.
    """
    resolved = _resolve(roots)
    found = {name: path for distribution in resolved for name, path in _files(distribution)}
    models = _wanted_models(found, registry.services(_resource_types(resolved)))
    return {
        name: path.read_bytes()
        for name, path in sorted(found.items())
        if name in models or not _is_botocore_model(name)
    }


def build(output: Path, roots: Iterable[str] = ROOTS) -> Bundle:
    """Write the zip to ``output``, which is replaced if it exists.

    Raises ``InjectorError`` where a distribution is missing or of another version than required, or where
    ``output`` cannot be written.
    """
    archive = io.BytesIO()
    write_zip(archive, (Item(name, body) for name, body in contents(roots).items()), level=SMALLEST)
    body = archive.getvalue()
    LocalDestination(os.fspath(output)).assemble(EMPTY, [Insert(body)])
    return Bundle(output, len(body), sha256(body).hexdigest())


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("cfn-injector-provider.zip"),
        metavar="FILE",
        help="the zip to write (default: %(default)s)",
    )

    parser.add_argument(
        "--with",
        dest="packages",
        action="append",
        default=[],
        metavar="PACKAGE",
        help="an installed package with resource types of its own; may be repeated",
    )


def run(arguments: argparse.Namespace) -> str:
    bundle = build(arguments.output, [*ROOTS, *arguments.packages])
    return f"{bundle.path}  {bundle.size} bytes  SHA-256 {bundle.sha256}"
