"""Installs the dependencies of a Python function.

Takes requirements. Returns the files of their wheels for Lambda's platform.

    requirements.txt, else uv.lock, else pyproject.toml -> uv or pip -> a folder -> the files for the bundle

uv and pip resolve the requirements and install wheels only; this module describes the platform to them. Files that
describe this machine are left out: compiled Python, scripts that begin with the path of an interpreter, and records of
where a package came from. The list of installed files (RECORD) is corrected accordingly.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from cfn_injector.cli.display import visible
from cfn_injector.cli.lambda_platform import Target
from cfn_injector.cli.python_project import PROJECT, REQUIREMENTS, UV_TOML, project_dependencies, uv_options
from cfn_injector.cli.requirements_file import Requirements
from cfn_injector.cli.requirements_file import read as read_requirements
from cfn_injector.cli.source_files import Skip, files
from cfn_injector.cli.tools import Finished, ToolError, Workshop, cli_extra, uv_program
from cfn_injector.errors import InjectorError

UV_LOCK = "uv.lock"
FILES = (REQUIREMENTS, PROJECT, UV_LOCK)
_GET_UV = "install uv as described at https://docs.astral.sh/uv/"

# pip evaluates environment markers ("; python_version < '3.12'") for the Python that runs it, not for the target:
# https://github.com/pypa/pip/issues/11664. This replaces the environment that pip evaluates, and checks the result.
# pip builds a source distribution and clones a repository with other programs. It starts none here but keyring.
_PIP = """\
import sys
sys.path[:] = filter(None, sys.path)  # ignore the source's own modules
import json, os, runpy
from pip._vendor.packaging import markers
target = json.loads(sys.argv.pop(1))
markers.default_environment = lambda: dict(target)
for name in ("python_version", "platform_machine", "sys_platform"):
    if not markers.Marker(f"{name} == '{target[name]}'").evaluate():
        sys.exit("ERROR: this pip evaluates environment markers for this machine only; run: pip install uv")
def refuse(event, arguments):
    if event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty"):
        program = str(arguments[0] if arguments else "")
        if event != "subprocess.Popen" or os.path.basename(program) != "keyring":
            raise PermissionError("a wheel is installed without a program: " + program)
sys.addaudithook(refuse)
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""
_PIP_ENVIRON = {
    "PIP_USER": "0",
    "PIP_REQUIRE_VIRTUALENV": "0",
    "PIP_NO_INPUT": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}

_OF_THIS_MACHINE = ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json")
# Installers begin a script with the second form if the interpreter's path is long or contains a space.
_PYTHON_SCRIPT = re.compile(rb"#!.*python|#!/bin/sh\n'''exec' ")

_UP = re.compile(r"^(\.\./)+")

_NO_WHEEL = (
    re.compile(r"No matching distribution found for (?P<name>.+?)(?: \(from .*)?$"),
    re.compile(r"Because (?:all versions of )?(?P<name>\S+) ha(?:s|ve) no (?:usable wheels|wheels with)"),
    re.compile(r"hint: Wheels are (?:required|available) for `(?P<name>[^`]+)`"),
)
_INDEX_UNREACHABLE = re.compile(r"WARNING: Retrying \(|(error|cause): Failed to fetch: ")
_PROGRAM = re.compile(r"a wheel is installed without a program|uilding source distributions is disabled")
_REASON = re.compile(r"ERROR: (.*)|error: (.*)|\s+cause: (.*)")


def _installer(choice: str | None) -> str:
    if choice != "pip" and uv_program():
        return "uv"
    if choice == "uv":
        raise InjectorError(f"uv is not installed; {_GET_UV}")
    if not find_spec("pip"):
        raise InjectorError(f"neither uv nor pip is installed; {_GET_UV}")
    return "pip"


def _export(source: Path, workshop: Workshop) -> Path:
    """The versions in ``uv.lock`` as a requirements file. uv reads the lock file only, and none of the settings."""
    written = workshop.folder / "exported.txt"
    options = ("--frozen", "--no-dev", "--no-emit-project", "--no-header", "--no-annotate")
    alone = ("--no-config", "--offline", "--no-python-downloads", "--python", sys.executable)
    command = [uv_program(), "export", *options, *alone, "--output-file", str(written)]
    done = workshop.run(command, cwd=source, settings="UV_")
    _check(done, f"cannot read {UV_LOCK}", f"correct it, or list the requirements in {REQUIREMENTS}")
    return written


def _requirements(source: Path, installer: str, workshop: Workshop, uv_toml: Path) -> tuple[Requirements, list[str]]:
    """Checked requirements, and warnings about them."""
    warnings: list[str] = []
    options, ignored = uv_options(uv_toml, source / PROJECT) if installer == "uv" else ((), ())
    if ignored:
        problem = f"uv's settings in the source are read for indexes only, not for {', '.join(map(visible, ignored))}"
        warnings.append(f"{problem}; set them in ~/.config/uv/uv.toml or as UV_*")
    if (source / REQUIREMENTS).exists():
        return read_requirements(source, source / REQUIREMENTS, label=REQUIREMENTS, options=options), warnings
    if (source / UV_LOCK).exists() and installer == "uv":
        exported = _export(source, workshop)
        return read_requirements(source, exported, label=UV_LOCK, numbered=False, options=options), warnings
    if (source / UV_LOCK).exists():
        warnings.append(f"only uv reads {UV_LOCK}, so pip chose versions by {PROJECT}; {_GET_UV}")
    written = workshop.folder / "project.txt"
    written.write_text("".join(f"{line}\n" for line in project_dependencies(source / PROJECT)), "utf-8")
    return read_requirements(source, written, label=PROJECT, numbered=False, options=options), warnings


def _write(requirements: Requirements, source: Path, workshop: Workshop) -> Sequence[str]:
    """Write what uv and pip may read. Returns their options for it.

    The copy then lacks the project's settings for uv. An empty file keeps uv from looking for others in the folders
    above. Paths in requirements are relative to the copy.
    """
    (source / PROJECT).unlink(missing_ok=True)
    (source / UV_TOML).write_text("", "utf-8")
    (source / REQUIREMENTS).write_text("".join(f"{line}\n" for line in requirements.lines), "utf-8")
    constraints = workshop.folder / "constraints.txt"
    constraints.write_text("".join(f"{line}\n" for line in requirements.constraints), "utf-8")
    options = ("--requirement", str(source / REQUIREMENTS))
    return (*options, "--constraint", str(constraints)) if requirements.constraints else options


def _check(done: Finished, what: str, remedy: str) -> None:
    if done.status:
        reasons = [next(filter(None, match.groups())) for match in map(_REASON.match, done.lines) if match]
        reason = ": ".join(reasons[: 2 if "uv" in done.command[0] else 1]) or f"status {done.status}"
        raise ToolError(f"{what}: {visible(reason).rstrip('.')}; {remedy}", done.lines)


def _check_installed(done: Finished, target: Target, requirements: str) -> None:
    if done.status and any(_PROGRAM.search(line) for line in done.lines):
        raise ToolError("a dependency is not a wheel, and would run code; require a version with a wheel", done.lines)
    if done.status and any(map(_INDEX_UNREACHABLE.search, done.lines)):
        raise ToolError(
            "the package index does not respond; check the network, the index URL and your credentials", done.lines
        )
    for pattern in _NO_WHEEL:
        found = [match["name"] for match in map(pattern.search, done.lines) if match]
        if done.status and found:
            raise ToolError(
                f"found no wheel of {visible(found[0])} for {target}; require a version that has one, choose another "
                "--architecture or --runtime, or build a wheel on that platform and require the wheel",
                done.lines,
            )
    _check(done, "cannot install the dependencies", f"correct {requirements}")


def _refuse_sources(names: Iterable[str]) -> None:
    """Anything but a wheel would be built by this machine, for this machine."""
    for name in sorted(names):
        raise InjectorError(f"{visible(name)} is not a wheel; build one, and require the wheel")


def _built_here(folder: Path) -> Iterator[str]:
    for record in folder.glob("*.dist-info/direct_url.json"):
        if {"dir_info", "vcs_info"} & json.loads(record.read_text("utf-8")).keys():
            yield record.parent.name.partition("-")[0]


def _uv(target: Target, requirements: Sequence[str], folder: Path, workshop: Workshop, cwd: Path) -> Finished:
    # uv supports only the versions of glibc for which wheels are published.
    glibc = target.glibc if target.glibc > 26 else 17
    command = [
        *(uv_program(), "pip", "install", "--target", str(folder), *requirements),
        *("--python-version", f"3.{target.python}", "--python-platform", f"{target.machine}-manylinux_2_{glibc}"),
        *("--only-binary", ":all:", "--no-compile-bytecode", "--link-mode", "copy"),
        *("--python", sys.executable, "--no-progress"),
    ]
    return workshop.run(command, cwd=cwd, settings="UV_")


def _pip(target: Target, requirements: Sequence[str], folder: Path, workshop: Workshop, cwd: Path) -> Finished:
    # Two steps, because "pip install" checks Requires-Python against the Python that runs pip.
    with cli_extra():
        from packaging.utils import canonicalize_name
    pip = [sys.executable, "-c", _PIP, json.dumps(target.markers)]
    wheels = workshop.folder / "wheels"
    platform = [
        *(word for platform in target.wheel_platforms() for word in ("--platform", platform)),
        *("--python-version", f"3.{target.python}", "--implementation", "cp", "--abi", f"cp3{target.python}"),
        *("--only-binary", ":all:", "--progress-bar", "off"),
    ]
    download = ["download", "--dest", str(wheels), *requirements, *platform]
    done = workshop.run([*pip, *download], cwd=cwd, settings="PIP_", extra=_PIP_ENVIRON)
    found = sorted(wheels.glob("*.whl"))
    downloaded = " ".join(line.partition("Successfully downloaded ")[2] for line in done.lines).split()
    names = {canonicalize_name(name) for name in downloaded}
    _refuse_sources(names - {canonicalize_name(wheel.name.partition("-")[0]) for wheel in found})
    if done.status or not found:
        return done
    offline = ("--no-index", "--no-deps", "--no-compile", "--ignore-requires-python")
    install = ["install", "--target", str(folder), *offline, *platform, *map(str, found)]
    environ = {**_PIP_ENVIRON, "PIP_REQUIRE_HASHES": "0"}  # the first step has checked them
    return workshop.run([*pip, *install], cwd=cwd, settings="PIP_", extra=environ)


INSTALLERS: Mapping[str, Callable[[Target, Sequence[str], Path, Workshop, Path], Finished]] = {"uv": _uv, "pip": _pip}


def _describes_this_machine(name: str, path: Path) -> bool:
    folder, _, base = name.rpartition("/")
    if folder.endswith(".dist-info"):
        return base in _OF_THIS_MACHINE
    if folder == "bin":
        with path.open("rb") as file:
            return _PYTHON_SCRIPT.match(file.read(4096)) is not None
    return name == ".lock"  # uv's


def _correct_record(record: Path, kept: Mapping[str, Path]) -> None:
    with record.open(encoding="utf-8", newline="") as file:
        # pip writes paths relative to a folder that it moved the scripts and data from.
        listed = ([_UP.sub("", row[0]), *row[1:]] for row in csv.reader(file) if row)
        rows = sorted(row for row in listed if row[0] in kept)
    with record.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def install(
    source: Path, target: Target, workshop: Workshop, skip: Skip, *, uv_toml: Path, installer: str | None = None
) -> tuple[Mapping[str, Path], Sequence[str]]:
    """Install the dependencies of ``source``. Returns the path of each file by its name in the bundle, and warnings.

    ``source`` is a copy, because uv and pip may write beside the requirements. ``uv_toml`` is the project's file of
    settings, which the copy lacks. Raises InjectorError if the installer fails or if a requirement is not a wheel.
    """
    installer = _installer(installer)
    label = REQUIREMENTS if (source / REQUIREMENTS).exists() else PROJECT
    requirements, warnings = _requirements(source, installer, workshop, uv_toml)
    folder = workshop.folder / "python"
    folder.mkdir()
    done = INSTALLERS[installer](target, _write(requirements, source, workshop), folder, workshop, source)
    _check_installed(done, target, label)
    _refuse_sources(_built_here(folder))
    kept = {name: path for name, path in files(folder, skip) if not _describes_this_machine(name, path)}
    for name in kept:
        if name.count("/") == 1 and name.endswith(".dist-info/RECORD"):
            _correct_record(folder / name, kept)
    return kept, warnings
