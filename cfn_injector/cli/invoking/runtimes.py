"""The programs that run handlers: for each runtime of Lambda, the Python or the Node.js of this machine.

Takes the ID of a runtime, such as ``python3.13`` or ``nodejs22.x``. Returns a command, and a note where the version is
another one than Lambda's. Errors: InjectorError.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from cfn_injector.cli.display import visible
from cfn_injector.cli.tools import program
from cfn_injector.cli.usage import UsageError
from cfn_injector.errors import InjectorError

_SECONDS = 30
_HERE = Path(__file__).parent
_ASK_PYTHON = "import json, sys; print(json.dumps([sys.executable, '%d.%d' % sys.version_info[:2], []]))"
_DISABLED = ("--no-experimental-require-module", "--no-experimental-detect-module")
"""Up to nodejs22.x: https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html"""
_FIRST_WITH_BOTH = 24
_ASK_NODE = (
    "const known = process.argv.slice(1).filter((each) => process.allowedNodeEnvironmentFlags.has(each));"
    "console.log(JSON.stringify([process.execPath, process.version.slice(1).split('.')[0], known]))"
)


class Interpreter(NamedTuple):
    """A command that takes no arguments, and what to tell about it; ``note`` may be empty."""

    command: list[str]
    note: str


class _Found(NamedTuple):
    """A program that answers: its real path, its version, and those of the flags that it knows."""

    path: str
    version: str
    flags: list[str]


def _asked(*command: str) -> _Found | None:
    """None if the program does not work, as a shim of pyenv for a version that is not active."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=_SECONDS
        )
        return _Found(*json.loads(done.stdout))
    except (OSError, ValueError, TypeError, subprocess.TimeoutExpired):
        return None


def _python(version: str, folder: Path) -> Interpreter:
    path = program(f"python{version}")
    found = _asked(path, "-I", "-c", _ASK_PYTHON) if path else None
    arguments = ["-u", str(_HERE / "python_runner.py")]  # what is printed is not lost if the process is killed
    if found and found.version == version:
        return Interpreter([found.path, *arguments], "")
    current = f"{sys.version_info.major}.{sys.version_info.minor}"
    note = "" if current == version else f"python{version} is not on PATH; Python {current} runs the handler"
    return Interpreter([sys.executable, *arguments], note)


def _node(version: str, folder: Path) -> Interpreter:
    flags = _DISABLED if int(version) < _FIRST_WITH_BOTH else ()
    path = program("node")
    found = _asked(path, "-e", _ASK_NODE, "--", *flags) if path else None
    if not found:
        raise InjectorError(
            "Node.js is not installed, or node is not on PATH; install it to run the handler", code="CI751"
        )
    note = (
        ""
        if found.version == version
        else f"node on PATH has version {found.version}, not {version}; it runs the handler"
    )
    return Interpreter([found.path, *found.flags, str(_HERE / "node_runner.mjs"), str(folder)], note)


_INTERPRETERS: dict[str, Callable[[str, Path], Interpreter]] = {"python": _python, "nodejs": _node}


def interpreter(runtime: str, folder: Path) -> Interpreter:
    """The program for a runtime. ``folder`` is where AWS's runtime client for Node.js may be installed, too."""
    parts = re.fullmatch(r"(python)(3\.\d+)|(nodejs)(\d+)\.x", runtime)
    if not parts:
        raise UsageError(
            f"--local-handler runs Python and Node.js, and the runtime is {visible(runtime)}; "
            "give --runtime an ID such as python3.13 or nodejs22.x, or use run ADDRESS -- COMMAND",
            code="CI752",
        )
    name, version = (each for each in parts.groups() if each)
    return _INTERPRETERS[name](version, folder)
