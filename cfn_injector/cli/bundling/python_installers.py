"""Runs uv and pip for Lambda's platform.

Takes a target, and options that name what to install. Returns a program that has ended, and its files in a folder.

Both programs resolve the requirements and install only wheels, by default for the machine that they run on. Each gets
the function's platform from the place where it looks up its own: uv from an interpreter, pip from its environment
markers. Both then use the same markers, the same version of Python and the same platform tags.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

from cfn_injector.cli.bundling.lambda_platform import Target
from cfn_injector.cli.display import visible
from cfn_injector.cli.tools import Finished, ToolError, Workshop, cli_extra, uv_program
from cfn_injector.errors import InjectorError

GET_UV = "install uv as described at https://docs.astral.sh/uv/"

# uv knows manylinux_2_17 and manylinux_2_28, but not the glibc of Amazon Linux 2. It takes the platform from what an
# interpreter prints. This interpreter is the one that runs this program, and prints the function's platform.
_INTERPRETER = """\
#!/bin/sh
exec {python} -I -c {program} "$@"
"""
_TELL_UV = """\
import json, subprocess, sys
target = {target!r}
done = subprocess.run([sys.executable, *sys.argv[1:]], stdout=subprocess.PIPE)
told = json.loads(done.stdout or "null")
try:
    told["markers"].update(target["markers"])
    told["os"].update(name="manylinux", major=2, minor=target["glibc"])
    told["arch"] = target["markers"]["platform_machine"]
except (KeyError, TypeError, AttributeError):
    sys.exit("ERROR: this uv asks for the platform in another way; use --installer pip")
told.update(manylinux_compatible=True, gil_disabled=False, debug_enabled=False)
if "cpu_info" in told:
    told["cpu_info"] = {{"unavailable": "the processor of a function is not this one"}}
print(json.dumps(told))
"""

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


_NO_WHEEL = (
    re.compile(r"No matching distribution found for (?P<name>.+?)(?: \(from .*)?$"),
    re.compile(r"Because (?:all versions of )?(?P<name>\S+) ha(?:s|ve) no (?:usable wheels|wheels with)"),
    re.compile(r"hint: Wheels are (?:required|available) for `(?P<name>[^`]+)`"),
)
_INDEX_UNREACHABLE = re.compile(r"WARNING: Retrying \(|(error|cause): Failed to fetch: ")
_PROGRAM = re.compile(r"a wheel is installed without a program|uilding source distributions is disabled")
_REASON = re.compile(r"ERROR: (.*)|error: (.*)|\s+cause: (.*)")


class Installation(NamedTuple):
    """What to install, and where. ``options`` name the requirements; ``environ`` are variables for the installer."""

    target: Target
    options: Sequence[str]
    environ: Mapping[str, str]
    folder: Path
    workshop: Workshop
    cwd: Path


def explain(done: Finished, what: str, remedy: str, *, code: str) -> None:
    """Raises ToolError with the program's own reason if it failed."""
    if done.status:
        reasons = [next(filter(None, match.groups())) for match in map(_REASON.match, done.lines) if match]
        reason = ": ".join(reasons[: 2 if Path(done.command[0]).name == "uv" else 1]) or f"status {done.status}"
        raise ToolError(f"{what}: {visible(reason).rstrip('.')}; {remedy}", done.lines, code=code)


def check_installed(done: Finished, target: Target, requirements: str) -> None:
    """Raises ToolError if the installation failed. ``requirements`` names the file to correct."""
    if done.status and any(_PROGRAM.search(line) for line in done.lines):
        raise ToolError(
            "a dependency is not a wheel, and would run code; require a version with a wheel", done.lines, code="CI821"
        )
    if done.status and any(map(_INDEX_UNREACHABLE.search, done.lines)):
        raise ToolError(
            "the package index does not respond; check the network, the index URL and your credentials",
            done.lines,
            code="CI827",
        )
    for pattern in _NO_WHEEL:
        found = [match["name"] for match in map(pattern.search, done.lines) if match]
        if done.status and found:
            raise ToolError(
                f"found no wheel of {visible(found[0])} for {target}; require a version that has one, choose another "
                "--architecture or --runtime, or build a wheel on that platform and require the wheel",
                done.lines,
                code="CI826",
            )
    explain(done, "cannot install the dependencies", f"correct {requirements}", code="CI828")


def refuse_sources(names: Iterable[str]) -> None:
    """Anything but a wheel would be built by this machine, for this machine."""
    for name in sorted(names):
        raise InjectorError(f"{visible(name)} is not a wheel; build one, and require the wheel", code="CI821")


def _interpreter(target: Target, workshop: Workshop) -> Path:
    path = workshop.folder / "python-of-the-function"
    if not path.exists():
        program = _TELL_UV.format(target={"markers": dict(target.markers), "glibc": target.glibc})
        path.write_text(_INTERPRETER.format(python=shlex.quote(sys.executable), program=shlex.quote(program)), "utf-8")
        path.chmod(0o700)
    return path


def _uv(job: Installation, *more: str) -> Finished:
    command = [
        *(uv_program(), "pip", "install", "--target", str(job.folder), *job.options, *more),
        *("--only-binary", ":all:", "--no-compile-bytecode", "--link-mode", "copy", "--no-python-downloads"),
        *("--python", str(_interpreter(job.target, job.workshop)), "--no-progress"),
    ]
    return job.workshop.run(command, cwd=job.cwd, settings="UV_", extra=job.environ)


def _wheels(job: Installation) -> Path:
    return job.workshop.folder / "wheels"


def _pip(job: Installation) -> Finished:
    # Two steps, because "pip install" checks Requires-Python against the Python that runs pip.
    with cli_extra():
        from packaging.utils import canonicalize_name
    target, wheels = job.target, _wheels(job)
    pip = [sys.executable, "-c", _PIP, json.dumps(target.markers)]
    platform = [
        *(word for platform in target.wheel_platforms() for word in ("--platform", platform)),
        *("--python-version", target.full_version, "--implementation", "cp", "--abi", f"cp3{target.python}"),
        *("--only-binary", ":all:", "--progress-bar", "off"),
    ]
    download = ["download", "--dest", str(wheels), *job.options, *platform]
    done = job.workshop.run([*pip, *download], cwd=job.cwd, settings="PIP_", extra={**_PIP_ENVIRON, **job.environ})
    found = sorted(wheels.glob("*.whl"))
    downloaded = " ".join(line.partition("Successfully downloaded ")[2] for line in done.lines).split()
    names = {canonicalize_name(name) for name in downloaded}
    refuse_sources(names - {canonicalize_name(wheel.name.partition("-")[0]) for wheel in found})
    if done.status or not found:
        return done
    offline = ("--no-index", "--no-deps", "--no-compile", "--ignore-requires-python")
    install = ["install", "--target", str(job.folder), *offline, *platform, *map(str, found)]
    environ = {**_PIP_ENVIRON, "PIP_REQUIRE_HASHES": "0"}  # the first step has checked them
    return job.workshop.run([*pip, *install], cwd=job.cwd, settings="PIP_", extra=environ)


def _from_uv(job: Installation, package: str, name: str) -> bytes:
    """The package's own content of a file that several packages contain: uv installs this package over the others."""
    done = _uv(job, "--reinstall-package", package)
    path = job.folder / name
    if done.status or not path.is_file():
        raise InjectorError(f"cannot install {visible(package)} again; use --installer pip", code="CI831")
    return path.read_bytes()


def _from_pip(job: Installation, package: str, name: str) -> bytes:
    """The package's own content of a file that several packages contain, from its wheel."""
    with cli_extra():
        from packaging.utils import canonicalize_name
    for wheel in _wheels(job).glob("*.whl"):
        if canonicalize_name(wheel.name.partition("-")[0]) == package:
            with ZipFile(wheel) as opened:
                for each in opened.namelist():
                    if each == name or each.endswith((f".data/purelib/{name}", f".data/platlib/{name}")):
                        return opened.read(each)
    raise InjectorError(f"cannot find the wheel of {visible(package)} again; use --installer uv", code="CI831")


class Installer(NamedTuple):
    """``install`` installs everything. ``content`` is one package's content of a file, by its name."""

    install: Callable[[Installation], Finished]
    content: Callable[[Installation, str, str], bytes]


INSTALLERS: Mapping[str, Installer] = {"uv": Installer(_uv, _from_uv), "pip": Installer(_pip, _from_pip)}


def chosen(choice: str | None) -> str:
    """The name of an installer that is here. Raises InjectorError if there is none, or not the chosen one."""
    if choice != "pip" and uv_program():
        return "uv"
    if choice == "uv":
        raise InjectorError(f"uv is not installed; {GET_UV}", code="CI832")
    if not find_spec("pip"):
        raise InjectorError(f"neither uv nor pip is installed; {GET_UV}", code="CI832")
    return "pip"
