"""Compiles Python modules for the Python of a Lambda runtime.

Takes sources by name, and a minor version of Python. Returns the content of a ``.pyc`` file for each source, or None if
this machine does not have that Python.

A function's folder is read-only in Lambda, so without these files Python compiles every module at every cold start. The
files are of the kind ``unchecked-hash``: Python uses them whatever the date of the source. Other versions of Python
ignore them (https://peps.python.org/pep-0552/). The same sources and the same release of Python give the same bytes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from cfn_injector.cli.tools import program, uv_program

# Version 2 of the format has no references between objects. Whether a later version writes one depends on what else the
# process did: https://github.com/python/cpython/issues/78274. Python 3.14 can write slices only in a later version.
_COMPILE = """\
import sys
sys.path[:] = filter(None, sys.path)  # ignore modules in the working directory
import importlib.util, json, marshal, platform
release = sys.version_info
if sys.implementation.cache_tag != sys.argv[1] or release.releaselevel != "final":
    sys.exit("this is another Python")
def compiled(name, source):
    code = compile(source, name, "exec", dont_inherit=True)
    try:
        body = marshal.dumps(code, 2)
    except ValueError:
        body = marshal.dumps(code)
    return importlib.util.MAGIC_NUMBER + b"\\1\\0\\0\\0" + importlib.util.source_hash(source) + body
found = {}
for name, source in json.load(sys.stdin).items():
    try:
        found[name] = compiled(name, source.encode("latin-1")).decode("latin-1")
    except SyntaxError:
        pass
json.dump([platform.python_version(), found], sys.stdout)
"""


class Bytecode(NamedTuple):
    """``files`` are the contents of ``.pyc`` files by the names of their sources; ``release`` is Python's version."""

    release: str
    files: Mapping[str, bytes]


def tag(minor: int) -> str:
    """The part of a ``.pyc`` file's name that says for which Python it is."""
    return f"cpython-3{minor}"


def cached_name(source: str, minor: int) -> str:
    """Where Python looks for the bytecode of a source file: ``a/__pycache__/b.cpython-313.pyc`` for ``a/b.py``."""
    path = PurePosixPath(source)
    return str(path.parent / "__pycache__" / f"{path.stem}.{tag(minor)}.pyc")


def _uv_find(minor: int) -> str | None:
    uv = uv_program()
    if not uv:
        return None
    alone = ("--no-config", "--no-project", "--no-python-downloads", "--managed-python")
    command = [uv, "python", "find", *alone, f"cpython@3.{minor}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def _interpreters(minor: int) -> Iterator[str]:
    """Programs that may be this version of Python."""
    if sys.version_info[:2] == (3, minor):
        yield sys.executable
    yield from filter(None, (program(f"python3.{minor}"), _uv_find(minor)))


def compile_for(minor: int, sources: Mapping[str, bytes]) -> Bytecode | None:
    """The bytecode of these sources for Python 3.``minor``. What does not compile is left out."""
    given = json.dumps({name: source.decode("latin-1") for name, source in sources.items()})
    # No settings and no installed packages of this machine. The seed decides the order of sets before Python 3.11.
    environ = {"PYTHONHASHSEED": "0", "PATH": os.defpath}
    for python in _interpreters(minor):
        command = [python, "-S", "-s", "-W", "ignore", "-c", _COMPILE, tag(minor)]
        done = subprocess.run(command, input=given, env=environ, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            release, files = json.loads(done.stdout)
            return Bytecode(release, {name: body.encode("latin-1") for name, body in files.items()})
    return None
