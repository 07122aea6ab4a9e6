"""Everything that a release publishes, in one folder.

Takes a checkout, and an environment with what releasing/provider.txt and releasing/tools.txt pin. Writes packages, the
provider's zip with its template and bill of materials, the application for `sam publish`, and the file SHA256SUMS.

    packages -> the wheel, installed -> the provider's zip -> bill of materials
                                                           -> application
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from cfn_injector.cli.archive import SMALLEST, Item, write_zip
from cfn_injector.errors import InjectorError
from releasing import packages, sbom, serverless_repository
from releasing.versions import ROOT, current

CHECKSUMS = "SHA256SUMS"


def locked(text: str) -> dict[str, str]:
    """The versions that a file of pinned requirements states, by name."""
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE))


def checksums(folder: Path) -> str:
    """The digests of the files in a folder, as `sha256sum --check` reads them."""
    files = sorted(path for path in folder.iterdir() if path.name != CHECKSUMS)
    return "".join(f"{sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)


def provider(wheel: Path, output: Path, work: Path) -> dict[str, Any]:
    """Build the provider's zip from the wheel, not from the checkout. Returns what build-provider prints as JSON."""
    installed = work / "installed"
    alone = ("--no-deps", "--no-index", "--no-compile")
    packages.run([sys.executable, "-m", "pip", "install", "--quiet", *alone, "--target", installed, wheel], work)
    command = [sys.executable, "-m", "cfn_injector", "build-provider", "--json", "--output", os.fspath(output)]
    environ = {**os.environ, "PYTHONPATH": os.fspath(installed)}  # uv finds its Pythons below the user's folder
    done = subprocess.run(command, cwd=work, env=environ, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise InjectorError("the provider's zip was not built")
    built: dict[str, Any] = json.loads(done.stdout)
    return built


def check_components(document: Mapping[str, Any], expected: Mapping[str, str]) -> None:
    """Raise InjectorError if the zip holds other distributions than ``expected``, or other versions."""
    found = {each["name"]: each["version"] for each in document["components"]}
    different = sorted({name for name, _ in found.items() ^ expected.items()})
    if different:
        shown = ", ".join(f"{name} ({found.get(name, 'none')}, not {expected.get(name, 'any')})" for name in different)
        raise InjectorError(f"the provider's zip contains other packages than are pinned: {shown}; run: make release")


def check_pythons(built: Mapping[str, Any], expected: Iterable[str]) -> None:
    """Raise InjectorError if other releases of Python than ``expected`` compiled the provider and its loader."""
    missing = sorted({*expected} - {built["python"], *built["loader_pythons"]})
    if missing:
        raise InjectorError(
            f"no bytecode was compiled by Python {', '.join(missing)}; run: uv python install {' '.join(missing)}, "
            "and see 'Release' in CONTRIBUTING.md"
        )


def write(root: Path, dist: Path, pythons: Iterable[str] = ()) -> None:
    """Replace the folder ``dist``. ``pythons`` are the releases of Python that must compile the bytecode."""
    work = root / "build" / "release"
    for folder in (work, dist):
        shutil.rmtree(folder, ignore_errors=True)
    (work / "dist").mkdir(parents=True)
    _build(root, work / "dist", work, pythons)
    shutil.move(work / "dist", dist)


def _build(root: Path, dist: Path, work: Path, pythons: Iterable[str]) -> None:
    version = current(root)
    source = packages.copy_tracked(root, work / "source")

    packages.reader_wheel(source, dist, work)
    packages.reader_for_npm(source, dist, work)
    # From the source distribution, so that whoever builds from it gets the same.
    wheel = packages.wheel(packages.source_distribution(source, version, dist, work), dist, work)

    code = dist / f"{sbom.PROVIDER}-{version}.zip"
    built = provider(wheel, code, work)
    check_pythons(built, pythons)
    built_with = {
        "bytecode": built["python"] or "none",
        "bytecode-of-the-loader": ", ".join(built["loader_pythons"]) or "none",
        "content-sha256": built["content"],
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
    }
    document = sbom.bill_of_materials(code, version, built_with)
    pinned = locked((root / "releasing/provider.txt").read_text("utf-8"))
    check_components(document, {**pinned, "cfn-injector": version})
    code.with_suffix(".cdx.json").write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    shutil.copyfile(source / "templates/provider.yaml", code.with_suffix(".yaml"))

    application = work / "sar"
    serverless_repository.write(application, source, code)
    with (dist / f"cfn-injector-sar-{version}.zip").open("wb") as file:
        write_zip(file, (Item(path.name, path) for path in sorted(application.iterdir())), level=SMALLEST)
    (dist / CHECKSUMS).write_text(checksums(dist), "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="release", description="Build everything that a release publishes.")
    parser.add_argument("folder", type=Path, help="the folder to write; it is replaced")
    parser.add_argument("--pythons", nargs="+", default=[], metavar="VERSION", help="the releases that compile")
    given = parser.parse_args()
    try:
        write(ROOT, given.folder.resolve(), given.pythons)
    except InjectorError as error:
        parser.exit(1, f"release: {error}\n")
    print((given.folder / CHECKSUMS).read_text("utf-8"), end="")


if __name__ == "__main__":
    main()
