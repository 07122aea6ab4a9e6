"""The provider's zip, unpacked as Lambda does: of this checkout or of a commit, with or without bytecode.

The checkout's own ``build-provider`` builds each zip, for this Python if it knows runtimes.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]

_SECONDS = 600


def _run(*command: str, folder: Path) -> bytes:
    environ = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, capture_output=True, env=environ, timeout=_SECONDS)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr.decode(errors='replace')[-2000:]}")
    return done.stdout


def checkout(commit: str, folder: Path, repository: Path = ROOT) -> Path:
    """Writes the files of a commit into a folder. Raises RuntimeError if the repository does not have the commit."""
    with zipfile.ZipFile(io.BytesIO(_run("git", "archive", "--format=zip", commit, folder=repository))) as files:
        files.extractall(folder)
    return folder


def built(source: Path, folder: Path) -> Path:
    """Builds the provider of a checkout, and unpacks it into the folder."""
    command = (sys.executable, "-m", "cfn_injector", "build-provider")
    runtime = f"--runtime=python3.{sys.version_info.minor}"
    options = [runtime] if b"--runtime" in _run(*command, "--help", folder=source) else []
    archive = folder.with_suffix(".zip")
    _run(*command, "--output", str(archive), *options, folder=source)
    with zipfile.ZipFile(archive) as files:
        files.extractall(folder)
    return folder


def without_bytecode(provider: Path, folder: Path) -> Path:
    """A copy of an unpacked provider, without the bytecode of its modules."""
    return Path(shutil.copytree(provider, folder, ignore=shutil.ignore_patterns("__pycache__")))
