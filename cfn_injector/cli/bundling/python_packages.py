"""Installs the dependencies of a Python function.

Takes the source of a function. Returns the files of the wheels that it requires, for Lambda's platform.

    requirements.txt, a lock or pyproject.toml -> uv or pip -> a folder -> files in conflict settled -> the files

Files that describe this machine are left out: compiled Python, scripts that begin with the path of an interpreter, and
records of where a package came from. The list of installed files (RECORD) is corrected accordingly.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from cfn_injector.cli.bundling import python_conflicts, python_installers, python_manifest
from cfn_injector.cli.bundling.lambda_platform import Target
from cfn_injector.cli.bundling.pip_settings import indexes_for_uv
from cfn_injector.cli.bundling.python_installers import INSTALLERS, Installation
from cfn_injector.cli.bundling.source_files import Skip, files
from cfn_injector.cli.tools import Workshop

_OF_THIS_MACHINE = ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json")
# C headers, which no function needs. pip puts them below the version of the Python that it runs on, and uv does not.
_HEADER = re.compile(r"include/.+\.(h|hh|hpp|hxx)")
# Installers begin a script with the second form if the interpreter's path is long or contains a space.
_PYTHON_SCRIPT = re.compile(rb"#!.*python|#!/bin/sh\n'''exec' ")


def _built_here(folder: Path) -> Iterator[str]:
    for record in folder.glob("*.dist-info/direct_url.json"):
        if {"dir_info", "vcs_info"} & json.loads(record.read_text("utf-8")).keys():
            yield record.parent.name.partition("-")[0]


def _describes_this_machine(name: str, path: Path) -> bool:
    folder, _, base = name.rpartition("/")
    if folder.endswith(".dist-info"):
        return base in _OF_THIS_MACHINE
    if folder == "bin":
        with path.open("rb") as file:
            return _PYTHON_SCRIPT.match(file.read(4096)) is not None
    return name == ".lock" or _HEADER.fullmatch(name) is not None  # the lock is uv's


def _correct_record(record: Path, kept: Mapping[str, Path]) -> None:
    rows = sorted(row for row in python_conflicts.listed(record) if row[0] in kept)
    with record.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    record.chmod(0o644)  # uv keeps the mode that it has in the wheel


def install(
    source: Path, target: Target, workshop: Workshop, skip: Skip, *, original: Path, installer: str | None = None
) -> tuple[Mapping[str, Path], Sequence[str]]:
    """Install the dependencies of ``source``. Returns the path of each file by its name in the bundle, and warnings.

    ``source`` is a copy of ``original``, because uv and pip may write beside the requirements, and lacks the files of
    settings. Raises InjectorError if the installer fails or if a requirement is not a wheel.
    """
    name = python_installers.chosen(installer)
    manifest = python_manifest.read(source, original, name, target, workshop)
    if all(line.startswith("-") for line in manifest.requirements.lines):
        return {}, manifest.warnings
    folder = workshop.folder / "python"
    folder.mkdir()
    environ, indexes = indexes_for_uv() if name == "uv" else ({}, ())
    options = [*python_manifest.write(manifest, source, name, workshop), *indexes]
    job = Installation(target, options, environ, folder, workshop, source)
    program = INSTALLERS[name]
    done = program.install(job)
    python_installers.check_installed(done, target, manifest.label)
    python_installers.refuse_sources(_built_here(folder))
    kept = {name: path for name, path in files(folder, skip) if not _describes_this_machine(name, path)}

    kept, conflicts = python_conflicts.settled(kept, partial(program.content, job))
    for record in python_conflicts.records(kept).values():
        _correct_record(record, kept)
    return kept, [*manifest.warnings, *conflicts]
