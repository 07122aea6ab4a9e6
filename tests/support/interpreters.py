"""The Pythons of this machine, and a way to run one with nothing but a folder beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

OLDEST_READER, OLDEST_PROVIDER = (3, 7), (3, 10)


def _interpreters() -> Mapping[str, str]:
    """Version -> path of every Python that the reader runs on, as far as this machine has it."""
    in_path = [shutil.which(f"python3.{minor}") for minor in range(OLDEST_READER[1], 20)]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [sys.executable, *filter(None, in_path), *map(str, pyenv.glob("versions/3.*/bin/python"))]
    found: dict[str, str] = {}
    for path in candidates:
        script = "import sys; print('%d.%d' % sys.version_info[:2])"
        asked = subprocess.run([path, "-I", "-S", "-c", script], capture_output=True, text=True)
        version = asked.stdout.strip()
        if asked.returncode == 0 and _number(version) >= OLDEST_READER:
            found.setdefault(version, path)
    return found


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


READERS = _interpreters()
"""Where a function's own reader and loader are tested."""

INTERPRETERS = {version: path for version, path in READERS.items() if _number(version) >= OLDEST_PROVIDER}
"""Where the provider is tested."""


def run_bare(python: str, folder: Path, script: str, environ: Mapping[str, str], stdin: str = "") -> str:
    """What the script prints, run by an interpreter that sees its standard library and the folder alone."""
    command = [python, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(folder)!r})\n{script}"]
    done = subprocess.run(
        command, env=dict(environ), cwd=folder.parent, input=stdin, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
