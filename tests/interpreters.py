"""The Pythons of this machine, and a way to run one with nothing but a folder beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def _interpreters() -> Mapping[str, str]:
    """Version -> path of every Python that the provider may run on, as far as this machine has it."""
    in_path = [shutil.which(f"python3.{minor}") for minor in range(10, 20)]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [sys.executable, *filter(None, in_path), *map(str, pyenv.glob("versions/3.*/bin/python"))]
    found: dict[str, str] = {}
    for path in candidates:
        script = "import sys; print('%d.%d' % sys.version_info[:2])"
        asked = subprocess.run([path, "-I", "-S", "-c", script], capture_output=True, text=True)
        version = asked.stdout.strip()
        if asked.returncode == 0 and tuple(map(int, version.split("."))) >= (3, 10):
            found.setdefault(version, path)
    return found


INTERPRETERS = _interpreters()


def run_bare(python: str, folder: Path, script: str, environ: Mapping[str, str], stdin: str = "") -> str:
    """What the script prints, run by an interpreter that sees its standard library and the folder alone."""
    command = [python, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(folder)!r})\n{script}"]
    done = subprocess.run(
        command, env=dict(environ), cwd=folder.parent, input=stdin, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
