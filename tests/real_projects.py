"""Bundles what public projects require, for several runtimes and with both installers, and prints a table.

    python -m tests.real_projects [PROJECT ...] [--runtime ID ...] [--architecture ARCHITECTURE ...] [--runs N]

In flow lists of requirements (data/real_projects.json) and whatever index the settings of uv and pip name. Out flows a
row for each project, runtime and architecture. A row is sound if

- uv and pip, and each of ``--runs`` runs of them, give the same digest;
- uv's resolver chooses the same versions when its own options describe the platform. It has no option for the glibc of
  Amazon Linux 2: there, each version is between those that it chooses for an older and for a newer one;
- each wheel has a tag of the runtime, each library is for its processor, and needs no newer glibc.

The status is the number of rows that are not sound.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from hashlib import sha256
from io import StringIO
from itertools import product
from pathlib import Path
from typing import NamedTuple

from packaging.tags import compatible_tags, cpython_tags, parse_tag
from packaging.utils import canonicalize_name
from packaging.version import Version

from cfn_injector.cli.bundling.lambda_platform import ARCHITECTURES, Target
from cfn_injector.cli.bundling.python_installers import INSTALLERS
from cfn_injector.cli.main import main as cfn_injector
from cfn_injector.cli.tools import uv_program
from tests.support.cli_projects import contents, tree

PROJECTS: Mapping[str, Sequence[str]] = json.loads((Path(__file__).parent / "data" / "real_projects.json").read_text())
RUNTIMES = ("python3.10", "python3.11", "python3.12", "python3.13", "python3.14")

_ELF_MACHINES = {62: "x86_64", 183: "arm64"}
_GLIBC = re.compile(rb"GLIBC_2\.(\d+)")


class Row(NamedTuple):
    """``faults`` are sentences. ``glibc`` is the newest minor version that a library needs, or 0."""

    project: str
    target: Target
    digest: str
    packages: int
    glibc: int
    faults: Sequence[str]

    def __str__(self) -> str:
        cells = (self.project, self.target, self.packages, f"2.{self.glibc}", self.digest[:12], "; ".join(self.faults))
        return f"| {' | '.join(map(str, cells))} |"


def _bundle(folder: Path, target: Target, installer: str) -> Mapping[str, bytes] | str:
    """The files of the bundle, or the error."""
    output, told = folder.parent / "app.zip", StringIO()
    options = ["--runtime", target.runtime, "--architecture", target.architecture, "--installer", installer]
    with redirect_stdout(StringIO()), redirect_stderr(told):
        status = cfn_injector(["bundle", str(folder), "--output", str(output), *options])
    if status:
        return told.getvalue().splitlines()[-1]
    return {**contents(output), "": output.read_bytes()}


def _versions(names: Iterator[str]) -> dict[str, Version]:
    return {canonicalize_name(name): Version(version) for name, version in (each.split("-", 1) for each in names)}


def _resolved(requirements: Path, target: Target, glibc: int) -> dict[str, Version]:
    """What uv's resolver chooses when its own options describe the platform."""
    platform = ["--python-platform", f"{target.machine}-manylinux_2_{glibc}", "--python-version", target.full_version]
    command = [uv_program(), "pip", "compile", str(requirements), *platform, "--only-binary", ":all:", "--no-header"]
    done = subprocess.run([*command, "--no-annotate", "--quiet"], capture_output=True, text=True)
    lines = (line.split(" ;")[0].split("==") for line in done.stdout.splitlines() if "==" in line)
    return {canonicalize_name(name): Version(version) for name, version in lines}


def _other_versions(installed: Mapping[str, Version], requirements: Path, target: Target) -> Iterator[str]:
    glibcs = (34, 34) if target.glibc == 34 else (17, 28)
    low, high = (_resolved(requirements, target, glibc) for glibc in glibcs)
    if installed.keys() not in (low.keys(), high.keys()):
        yield f"the resolver chooses other packages: {', '.join(sorted(installed.keys() ^ high.keys()))}"
    for name, version in installed.items():
        if not low.get(name, version) <= version <= high.get(name, version):
            yield f"the resolver chooses {name} {high[name]}, and not {version}"


def _of_another_platform(found: Mapping[str, bytes], target: Target) -> Iterator[str]:
    platforms, python = list(target.wheel_platforms()), f"cp3{target.python}"
    version = (3, target.python or 0)
    known = {*cpython_tags(version, [python], platforms), *compatible_tags(version, python, platforms)}
    for name, body in found.items():
        if name.endswith(".dist-info/WHEEL"):
            lines = [line.removeprefix("Tag: ") for line in body.decode().splitlines() if line.startswith("Tag: ")]
            if not any(known & parse_tag(line) for line in lines):
                yield f"{name.partition('/')[0]} has no tag of the runtime"
        if body.startswith(b"\x7fELF"):
            machine = _ELF_MACHINES.get(int.from_bytes(body[18:20], "little"))
            if machine != target.architecture:
                yield f"{name} is for {machine}"
            if _newest_glibc({name: body}) > target.glibc:
                yield f"{name} needs glibc 2.{_newest_glibc({name: body})}"


def _newest_glibc(found: Mapping[str, bytes]) -> int:
    libraries = [body for body in found.values() if body.startswith(b"\x7fELF")]
    return max((int(minor) for body in libraries for minor in _GLIBC.findall(body)), default=0)


def examine(project: str, requirements: Sequence[str], target: Target, folder: Path, runs: int = 1) -> Row:
    """Bundle the requirements with each installer, ``runs`` times each, in ``folder``."""
    source = tree(folder / "src", {"app.py": "", "requirements.txt": "".join(f"{line}\n" for line in requirements)})
    faults, digests, found = [], set(), {"": b""}
    for installer, _ in product(INSTALLERS, range(runs)):
        made = _bundle(source, target, installer)
        if isinstance(made, str):
            faults.append(f"{installer}: {made}")
        else:
            found = dict(made)
            digests.add(sha256(found[""]).hexdigest())
    faults += [f"{len(digests)} digests"] if len(digests) > 1 else []
    del found[""]
    installed = _versions(name.partition(".dist-info/")[0] for name in found if name.endswith(".dist-info/METADATA"))
    if found:
        faults += [
            *_other_versions(installed, source / "requirements.txt", target),
            *_of_another_platform(found, target),
        ]
    return Row(project, target, min(digests, default=""), len(installed), _newest_glibc(found), faults)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.real_projects")
    parser.add_argument("projects", nargs="*", metavar="PROJECT", default=list(PROJECTS))
    parser.add_argument("--runtime", action="append")
    parser.add_argument("--architecture", action="append")
    parser.add_argument("--runs", type=int, default=1)
    chosen = parser.parse_args(arguments)
    faulty = 0
    print("| project | platform | packages | newest glibc | digest | faults |\n|---|---|---|---|---|---|", flush=True)
    for project, runtime, architecture in product(
        chosen.projects, chosen.runtime or RUNTIMES, chosen.architecture or ARCHITECTURES
    ):
        with tempfile.TemporaryDirectory() as folder:
            target = Target.of(runtime, architecture)
            row = examine(project, PROJECTS[project], target, Path(folder), chosen.runs)
        faulty += bool(row.faults)
        print(row, flush=True)
    return faulty


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
