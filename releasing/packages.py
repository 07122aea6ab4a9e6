"""The packages of a release: the source distribution, the wheels, and the reader's package for npm.

Takes the files that Git tracks, as they are in the working tree. Returns packages whose bytes depend on these files and
on the releases of setuptools and zlib, but not on the folder, the time, the umask or the user's settings.

    tracked files -> a copy -> source distribution -> wheel
                            -> the reader's wheel
                            -> the reader's npm package
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from cfn_injector.errors import InjectorError
from releasing.archives import EPOCH, normalize
from releasing.changelog import absolute_links

_UMASK = 0o022
_FOLDERS = ("cfn_injector", "templates", "wrapper")
_FILES = ("LICENSE", "README.md", "pyproject.toml", "setup.cfg")


def run(command: Sequence[str | Path], folder: Path, **environ: str) -> str:
    """What the command prints, run in a folder without this machine's settings. Raises InjectorError if it fails."""
    fixed = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.fspath(folder),
        "LC_ALL": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PIP_CONFIG_FILE": os.devnull,  # https://pip.pypa.io/en/stable/topics/configuration/#pip-config-file
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "SOURCE_DATE_EPOCH": str(EPOCH),
    }
    try:
        done = subprocess.run(
            command, cwd=folder, env={**fixed, **environ}, umask=_UMASK, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise InjectorError(f"{command[0]} is not installed; install it, or add it to PATH") from None
    if done.returncode != 0:
        raise InjectorError(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def copy_tracked(root: Path, target: Path) -> Path:
    """Copy the files of the packages that Git tracks, readable by all."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", *_FOLDERS, *_FILES], cwd=root, capture_output=True, text=True, check=True
        ).stdout
    except (FileNotFoundError, subprocess.CalledProcessError):
        raise InjectorError(f"{root} is not a checkout; a release is built from the files that Git tracks") from None
    for name in filter(None, listed.split("\0")):
        if (root / name).exists():
            copy = target / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, copy)
            copy.chmod(0o755 if os.access(root / name, os.X_OK) else 0o644)
    return target


def wheel(source: Path, dist: Path, work: Path) -> Path:
    """The wheel of a folder or a source distribution, built with the setuptools of this environment."""
    built = work / "wheel"
    shutil.rmtree(built, ignore_errors=True)
    alone = ("--no-deps", "--no-build-isolation", "--no-index")
    run([sys.executable, "-m", "pip", "wheel", "--quiet", *alone, "--wheel-dir", built, source], work)
    (path,) = built.iterdir()
    return Path(shutil.move(path, dist))


def source_distribution(source: Path, version: str, dist: Path, work: Path) -> Path:
    """Build it in ``source``, a copy. Its readme, which package indexes show, has absolute links."""
    readme = source / "README.md"
    readme.write_text(absolute_links(readme.read_text("utf-8"), version), "utf-8")
    build = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
    run([sys.executable, "-c", build, dist], source)
    path = dist / f"cfn_injector-{version}.tar.gz"
    normalize(path)
    return path


def _reader(source: Path, files: str, target: Path) -> Path:
    """A folder with these files of the reader, its readme and the license."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in {*source.glob(files), source / "wrapper/README.md", source / "LICENSE"}:
        if path.is_file():
            shutil.copy(path, target)
    return target


def reader_wheel(source: Path, dist: Path, work: Path) -> Path:
    return wheel(_reader(source, "wrapper/*", work / "reader-wheel"), dist, work)


def reader_for_npm(source: Path, dist: Path, work: Path) -> Path:
    package = _reader(source, "wrapper/node/*", work / "reader-npm")
    name = run(["npm", "pack", "--silent", "--pack-destination", dist, package], work).split()[-1]
    normalize(dist / name)
    return dist / name
