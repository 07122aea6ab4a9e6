"""A Python function's dependencies: requirements go in; the files of their wheels, for Lambda's platform, come out.

    requirements.txt, else uv.lock, else pyproject.toml -> uv, or pip -> a folder -> what of it belongs into a bundle

uv and pip resolve and install, wheels alone; here is only what they have to be told about the platform. What speaks of
this machine is left out: compiled Python, scripts that begin with the path of an interpreter, who installed a package
from where. The list of files that remains (RECORD) is true.
"""

from __future__ import annotations

import csv
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from cfn_injector.cli.display import visible
from cfn_injector.cli.lambda_platform import Target
from cfn_injector.cli.source_files import Skip, files
from cfn_injector.cli.tools import Finished, ToolError, Workshop
from cfn_injector.errors import InjectorError

REQUIREMENTS, PROJECT, UV_LOCK = "requirements.txt", "pyproject.toml", "uv.lock"
FILES = (REQUIREMENTS, PROJECT, UV_LOCK)

# pip decides conditions ("; python_version < '3.12'") by the Python that runs it, whatever it installs for:
# https://github.com/pypa/pip/issues/11664. What it asks is replaced, and asked for a proof.
_PIP = """\
import sys
sys.path[:] = filter(None, sys.path)  # not the source's own modules
import json, runpy
from pip._vendor.packaging import markers
target = json.loads(sys.argv.pop(1))
markers.default_environment = lambda: dict(target)
for name in ("python_version", "platform_machine", "sys_platform"):
    if not markers.Marker(f"{name} == '{target[name]}'").evaluate():
        sys.exit("ERROR: this pip decides conditions for this machine only; run: pip install uv")
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""
_PIP_ENVIRON = {
    "PIP_USER": "0",
    "PIP_REQUIRE_VIRTUALENV": "0",
    "PIP_NO_INPUT": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}

_OF_THIS_MACHINE = ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json")
# The second is how installers begin a script where the interpreter's path is long or holds a blank.
_PYTHON_SCRIPT = re.compile(rb"#!.*python|#!/bin/sh\n'''exec' ")

_UP = re.compile(r"^(\.\./)+")

_NO_WHEEL = (
    re.compile(r"No matching distribution found for (?P<name>.+?)(?: \(from .*)?$"),
    re.compile(r"Because (?:all versions of )?(?P<name>\S+) ha(?:s|ve) no (?:usable wheels|wheels with)"),
    re.compile(r"hint: Wheels are (?:required|available) for `(?P<name>[^`]+)`"),
)
_NO_ANSWER = re.compile(r"WARNING: Retrying \(|(error|cause): Failed to fetch: ")
_TELLING = re.compile(r"ERROR: (.*)|error: (.*)|\s+cause: (.*)")


def _project_dependencies(path: Path) -> list[str]:
    toml = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        read = toml.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InjectorError(f"{PROJECT} cannot be read: {error}; correct it") from error
    project = read.get("project", {})
    if "dependencies" in project.get("dynamic", ()) or (not project and "poetry" in read.get("tool", {})):
        raise InjectorError(f"{PROJECT} does not list [project].dependencies; write them to {REQUIREMENTS}")
    listed: list[str] = project.get("dependencies", [])
    return listed


def _uv_program() -> str:
    """Its path, or nothing. It may be installed beside this command without being on PATH."""
    return which("uv") or which("uv", path=os.path.dirname(sys.executable)) or ""


def _installer(wanted: str | None) -> str:
    if wanted != "pip" and _uv_program():
        return "uv"
    if wanted == "uv":
        raise InjectorError("uv is not here; run: pip install uv")
    if not find_spec("pip"):
        raise InjectorError("there is neither uv nor pip here; run: pip install uv")
    return "pip"


def _requirements(source: Path, installer: str, workshop: Workshop) -> tuple[Path, Sequence[str]]:
    """A file of requirements, and what is to be known about it."""
    if (source / REQUIREMENTS).exists():
        return source / REQUIREMENTS, ()
    made, warnings = workshop.folder / REQUIREMENTS, []
    if (source / UV_LOCK).exists() and installer == "uv":
        what = ("--frozen", "--no-dev", "--no-emit-project", "--no-header", "--no-annotate")
        done = workshop.run([_uv_program(), "export", *what, "--output-file", str(made)], cwd=source)
        _check(done, f"{UV_LOCK} cannot be read", f"correct it, or write what is required to {REQUIREMENTS}")
        return made, ()
    if (source / UV_LOCK).exists():
        warnings.append(f"{UV_LOCK} is read by uv alone, so pip chose versions by {PROJECT}; run: pip install uv")
    made.write_text("".join(f"{line}\n" for line in _project_dependencies(source / PROJECT)), "utf-8")
    return made, warnings


def _check(done: Finished, what: str, remedy: str) -> None:
    if done.status:
        told = [next(filter(None, match.groups())) for match in map(_TELLING.match, done.lines) if match]
        reason = ": ".join(told[: 2 if "uv" in done.command[0] else 1]) or f"status {done.status}"
        raise ToolError(f"{what}: {visible(reason).rstrip('.')}; {remedy}", done.lines)


def _check_installed(done: Finished, target: Target, requirements: str) -> None:
    if done.status and any(map(_NO_ANSWER.search, done.lines)):
        raise ToolError("the index of packages does not answer; see that it can be reached, and by you", done.lines)
    for pattern in _NO_WHEEL:
        found = [match["name"] for match in map(pattern.search, done.lines) if match]
        if done.status and found:
            raise ToolError(
                f"no wheel of {visible(found[0])} for {target} was found; require a version that has one, "
                "choose another --architecture or --runtime, or build a wheel there and require that",
                done.lines,
            )
    _check(done, "the dependencies cannot be installed", f"correct {requirements}")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _refuse_sources(names: Iterable[str]) -> None:
    """What is no wheel would be built by this machine, for this machine."""
    for name in sorted(names):
        raise InjectorError(f"{visible(name)} is required as source; build a wheel of it, and require that")


def _built_here(folder: Path) -> Iterator[str]:
    for record in folder.glob("*.dist-info/direct_url.json"):
        if {"dir_info", "vcs_info"} & json.loads(record.read_text("utf-8")).keys():
            yield record.parent.name.partition("-")[0]


def _uv(target: Target, requirements: Path, folder: Path, workshop: Workshop, cwd: Path) -> Finished:
    # Of glibc's versions, uv knows those that wheels are made for.
    glibc = target.glibc if target.glibc > 26 else 17
    command = [
        *(_uv_program(), "pip", "install", "--target", str(folder), "--requirement", str(requirements)),
        *("--python-version", f"3.{target.python}", "--python-platform", f"{target.machine}-manylinux_2_{glibc}"),
        *("--only-binary", ":all:", "--no-compile-bytecode", "--link-mode", "copy"),
        *("--python", sys.executable, "--no-progress"),
    ]
    return workshop.run(command, cwd=cwd)


def _pip(target: Target, requirements: Path, folder: Path, workshop: Workshop, cwd: Path) -> Finished:
    # In two steps: "pip install" compares what packages say of their Python with the one that runs pip.
    pip = [sys.executable, "-c", _PIP, json.dumps(target.markers)]
    wheels = workshop.folder / "wheels"
    platform = [
        *(word for platform in target.wheel_platforms() for word in ("--platform", platform)),
        *("--python-version", f"3.{target.python}", "--implementation", "cp", "--abi", f"cp3{target.python}"),
        *("--only-binary", ":all:", "--progress-bar", "off"),
    ]
    download = ["download", "--dest", str(wheels), "--requirement", str(requirements), *platform]
    done = workshop.run([*pip, *download], cwd=cwd, **_PIP_ENVIRON)
    found = sorted(wheels.glob("*.whl"))
    said = " ".join(line.partition("Successfully downloaded ")[2] for line in done.lines)
    _refuse_sources({*map(_normal, said.split())} - {_normal(wheel.name.partition("-")[0]) for wheel in found})
    if done.status or not found:
        return done
    alone = ("--no-index", "--no-deps", "--no-compile", "--ignore-requires-python")
    install = ["install", "--target", str(folder), *alone, *platform, *map(str, found)]
    environ = {**_PIP_ENVIRON, "PIP_REQUIRE_HASHES": "0"}  # the first step has compared them
    return workshop.run([*pip, *install], cwd=cwd, **environ)


INSTALLERS: Mapping[str, Callable[[Target, Path, Path, Workshop, Path], Finished]] = {"uv": _uv, "pip": _pip}


def _is_of_this_machine(name: str, path: Path) -> bool:
    folder, _, base = name.rpartition("/")
    if folder.endswith(".dist-info"):
        return base in _OF_THIS_MACHINE
    if folder == "bin":
        with path.open("rb") as file:
            return _PYTHON_SCRIPT.match(file.read(4096)) is not None
    return name == ".lock"  # uv's


def _correct_record(record: Path, kept: Mapping[str, Path]) -> None:
    with record.open(encoding="utf-8", newline="") as file:
        # pip means the folder that it moved scripts and data from.
        listed = ([_UP.sub("", row[0]), *row[1:]] for row in csv.reader(file) if row)
        rows = sorted(row for row in listed if row[0] in kept)
    with record.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def install(
    source: Path, target: Target, workshop: Workshop, skip: Skip, *, installer: str | None = None
) -> tuple[Mapping[str, Path], Sequence[str]]:
    """What the dependencies of ``source`` bring: place by name in the bundle; and what is to be known about it.

    ``source`` is a copy, as uv and pip may write beside the requirements. Raises InjectorError where one of them fails,
    or where what is required is no wheel.
    """
    installer = _installer(installer)
    requirements, warnings = _requirements(source, installer, workshop)
    folder = workshop.folder / "python"
    folder.mkdir()
    done = INSTALLERS[installer](target, requirements, folder, workshop, source)
    _check_installed(done, target, REQUIREMENTS if (source / REQUIREMENTS).exists() else PROJECT)
    _refuse_sources(_built_here(folder))
    kept = {name: path for name, path in files(folder, skip) if not _is_of_this_machine(name, path)}
    for name in kept:
        if name.count("/") == 1 and name.endswith(".dist-info/RECORD"):
            _correct_record(folder / name, kept)
    return kept, warnings
