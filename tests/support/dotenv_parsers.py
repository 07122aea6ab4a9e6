"""Parsers of `.env` files that this machine has, and values that are difficult for them.

In flow data/dotenv_values.json and the installed parsers; out flow values, and parsers that read the bytes of files.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import decouple
import environ
import honcho.environ
import starlette.config
from dotenv import dotenv_values

from tests.support.node_js import HAS_PACKAGES, NODE, PACKAGES, read_with_node, run_node
from wrapper import get_env

Variables = Mapping[str, str | None]


class Value(NamedTuple):
    """A value, and the class of values that it is an example of."""

    group: str
    name: str
    text: str


class Parser(NamedTuple):
    """``read`` gives the variables of each file, None for one that it refuses. ``pinned``: always of this version."""

    name: str
    version: str
    pinned: bool
    read: Callable[[Sequence[bytes]], Iterable[Variables | None]]


def values() -> list[Value]:
    path = Path(__file__).parents[1] / "data" / "dotenv_values.json"
    cases = json.loads(path.read_text(encoding="utf-8"))["values"]
    return [Value(case["class"], case["name"], case["value"] * case.get("times", 1)) for case in cases]


def _with_python(read: Callable[[Path], Variables], files: Sequence[bytes]) -> Iterable[Variables | None]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, ".env")
        for file in files:
            path.write_bytes(file)
            try:
                yield read(path)
            except Exception:  # whatever a parser raises, it did not read the file
                yield None


def _django_environ(path: Path) -> Variables:
    found: dict[str, str] = {}
    reader: Any = type("Env", (environ.Env,), {"ENVIRON": found})
    reader.read_env(path)
    return {name: reader().str(name) for name in found}


def _with_node(reader: str, files: Sequence[bytes]) -> Iterable[Variables | None]:
    return [outcomes[0].get("variables") for outcomes in read_with_node(reader, files)]


def _with_shell(shell: str, files: Sequence[bytes]) -> Iterable[Variables | None]:
    command = ["env", "-i", shell, "-c", "set -a; . ./.env; exec /usr/bin/env -0"]
    with tempfile.TemporaryDirectory() as folder:
        held = None
        for file in [b"", *files]:
            Path(folder, ".env").write_bytes(file)
            done = subprocess.run(command, cwd=folder, capture_output=True)
            pairs = (line.partition("=") for line in done.stdout.decode().split("\0")[:-1])
            found = {name: value for name, _, value in pairs if name != "_"}
            if held is not None:
                yield {name: found[name] for name in found if name not in held} if done.returncode == 0 else None
            held = held or found


def _version_of_package(name: str) -> str:
    """The version of what npm installed."""
    path = PACKAGES / name.replace(" ", "-") / "package.json"
    return str(json.loads(path.read_text(encoding="utf-8"))["version"])


def _version_of_shell(shell: str) -> str:
    asked = subprocess.run([shell, "-c", 'echo "${BASH_VERSION%%(*}"'], capture_output=True, text=True)
    return asked.stdout.strip()


def parsers() -> list[Parser]:
    """Those that this machine has."""
    in_python: dict[str, Callable[[Path], Variables]] = {
        "python-dotenv uninterpolated": partial(dotenv_values, interpolate=False),
        "python-dotenv": dotenv_values,
        "django-environ": _django_environ,
        "honcho": lambda path: honcho.environ.parse(path.read_text(encoding="utf-8")),
        "starlette": lambda path: starlette.config.Config(path, environ={}).file_values,
        "python-decouple": lambda path: decouple.RepositoryEnv(path).data,
    }
    found = [Parser("wrapper, Python", "", True, partial(_with_python, get_env))]
    if NODE:
        found.append(Parser("wrapper, Node.js", "", True, partial(_with_node, "wrapper")))
    for name, read in in_python.items():
        found.append(Parser(name, version(name.partition(" ")[0]), True, partial(_with_python, read)))
    if HAS_PACKAGES:
        for name in ("dotenv", "dotenv-expand", "dotenv-expand 1000"):
            found.append(Parser(name, _version_of_package(name), True, partial(_with_node, name)))
    if NODE and run_node("-p", "typeof process.loadEnvFile") == "function\n":
        read_by_node = partial(_with_node, "process.loadEnvFile")
        found.append(Parser("Node.js --env-file", run_node("--version").strip("v\n"), False, read_by_node))
    for shell in filter(shutil.which, ("bash", "dash")):
        found.append(Parser(shell, _version_of_shell(shell), False, partial(_with_shell, shell)))
    return found
