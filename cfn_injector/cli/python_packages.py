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
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from cfn_injector.cli.display import visible
from cfn_injector.cli.lambda_platform import Target
from cfn_injector.cli.source_files import Skip, files
from cfn_injector.cli.tools import Finished, ToolError, Workshop, cli_extra
from cfn_injector.errors import InjectorError

REQUIREMENTS, PROJECT, UV_LOCK = "requirements.txt", "pyproject.toml", "uv.lock"
FILES = (REQUIREMENTS, PROJECT, UV_LOCK)
_GET_UV = "install uv as described at https://docs.astral.sh/uv/"

# pip evaluates environment markers ("; python_version < '3.12'") for the Python that runs it, not for the target:
# https://github.com/pypa/pip/issues/11664. This replaces the environment that pip evaluates, and checks the result.
_PIP = """\
import sys
sys.path[:] = filter(None, sys.path)  # ignore the source's own modules
import json, runpy
from pip._vendor.packaging import markers
target = json.loads(sys.argv.pop(1))
markers.default_environment = lambda: dict(target)
for name in ("python_version", "platform_machine", "sys_platform"):
    if not markers.Marker(f"{name} == '{target[name]}'").evaluate():
        sys.exit("ERROR: this pip evaluates environment markers for this machine only; run: pip install uv")
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
_REASON = re.compile(r"ERROR: (.*)|error: (.*)|\s+cause: (.*)")


def _project_dependencies(path: Path) -> list[str]:
    toml = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        read = toml.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InjectorError(f"cannot read {PROJECT}: {error}; correct it") from error
    project = read.get("project", {})
    if "dependencies" in project.get("dynamic", ()) or (not project and "poetry" in read.get("tool", {})):
        raise InjectorError(f"{PROJECT} does not list [project].dependencies; list them in {REQUIREMENTS}")
    listed: list[str] = project.get("dependencies", [])
    return listed


def _uv_program() -> str:
    """The path of uv, or an empty string. uv may be installed beside this command without being on PATH."""
    return which("uv") or which("uv", path=str(Path(sys.executable).parent)) or ""


def _installer(choice: str | None) -> str:
    if choice != "pip" and _uv_program():
        return "uv"
    if choice == "uv":
        raise InjectorError(f"uv is not installed; {_GET_UV}")
    if not find_spec("pip"):
        raise InjectorError(f"neither uv nor pip is installed; {_GET_UV}")
    return "pip"


def _requirements(source: Path, installer: str, workshop: Workshop) -> tuple[Path, Sequence[str]]:
    """The path of a requirements file, and warnings about it."""
    if (source / REQUIREMENTS).exists():
        return source / REQUIREMENTS, ()
    written, warnings = workshop.folder / REQUIREMENTS, []
    if (source / UV_LOCK).exists() and installer == "uv":
        options = ("--frozen", "--no-dev", "--no-emit-project", "--no-header", "--no-annotate")
        done = workshop.run([_uv_program(), "export", *options, "--output-file", str(written)], cwd=source)
        _check(done, f"cannot read {UV_LOCK}", f"correct it, or list the requirements in {REQUIREMENTS}")
        return written, ()
    if (source / UV_LOCK).exists():
        warnings.append(f"only uv reads {UV_LOCK}, so pip chose versions by {PROJECT}; {_GET_UV}")
    written.write_text("".join(f"{line}\n" for line in _project_dependencies(source / PROJECT)), "utf-8")
    return written, warnings


def _check(done: Finished, what: str, remedy: str) -> None:
    if done.status:
        reasons = [next(filter(None, match.groups())) for match in map(_REASON.match, done.lines) if match]
        reason = ": ".join(reasons[: 2 if "uv" in done.command[0] else 1]) or f"status {done.status}"
        raise ToolError(f"{what}: {visible(reason).rstrip('.')}; {remedy}", done.lines)


def _check_installed(done: Finished, target: Target, requirements: str) -> None:
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


def _uv(target: Target, requirements: Path, folder: Path, workshop: Workshop, cwd: Path) -> Finished:
    # uv supports only the versions of glibc for which wheels are published.
    glibc = target.glibc if target.glibc > 26 else 17
    command = [
        *(_uv_program(), "pip", "install", "--target", str(folder), "--requirement", str(requirements)),
        *("--python-version", f"3.{target.python}", "--python-platform", f"{target.machine}-manylinux_2_{glibc}"),
        *("--only-binary", ":all:", "--no-compile-bytecode", "--link-mode", "copy"),
        *("--python", sys.executable, "--no-progress"),
    ]
    return workshop.run(command, cwd=cwd)


def _pip(target: Target, requirements: Path, folder: Path, workshop: Workshop, cwd: Path) -> Finished:
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
    download = ["download", "--dest", str(wheels), "--requirement", str(requirements), *platform]
    done = workshop.run([*pip, *download], cwd=cwd, **_PIP_ENVIRON)
    found = sorted(wheels.glob("*.whl"))
    downloaded = " ".join(line.partition("Successfully downloaded ")[2] for line in done.lines).split()
    names = {canonicalize_name(name) for name in downloaded}
    _refuse_sources(names - {canonicalize_name(wheel.name.partition("-")[0]) for wheel in found})
    if done.status or not found:
        return done
    offline = ("--no-index", "--no-deps", "--no-compile", "--ignore-requires-python")
    install = ["install", "--target", str(folder), *offline, *platform, *map(str, found)]
    environ = {**_PIP_ENVIRON, "PIP_REQUIRE_HASHES": "0"}  # the first step has checked them
    return workshop.run([*pip, *install], cwd=cwd, **environ)


INSTALLERS: Mapping[str, Callable[[Target, Path, Path, Workshop, Path], Finished]] = {"uv": _uv, "pip": _pip}


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
    source: Path, target: Target, workshop: Workshop, skip: Skip, *, installer: str | None = None
) -> tuple[Mapping[str, Path], Sequence[str]]:
    """Install the dependencies of ``source``. Returns the path of each file by its name in the bundle, and warnings.

    ``source`` is a copy, because uv and pip may write beside the requirements. Raises InjectorError if the installer
    fails or if a requirement is not a wheel.
    """
    installer = _installer(installer)
    requirements, warnings = _requirements(source, installer, workshop)
    folder = workshop.folder / "python"
    folder.mkdir()
    done = INSTALLERS[installer](target, requirements, folder, workshop, source)
    _check_installed(done, target, REQUIREMENTS if (source / REQUIREMENTS).exists() else PROJECT)
    _refuse_sources(_built_here(folder))
    kept = {name: path for name, path in files(folder, skip) if not _describes_this_machine(name, path)}
    for name in kept:
        if name.count("/") == 1 and name.endswith(".dist-info/RECORD"):
            _correct_record(folder / name, kept)
    return kept, warnings
