"""The wheel of this project, and an environment that has it and what one of its extras requires.

In: folders of a test. Out: a wheel, and the Python of a virtual environment. Nothing comes from an index: the
environment links to what is installed here.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
FOLDERS = {"cfn_injector": "cfn_injector", "wrapper": "wrapper", "templates": "cfn_injector/templates"}
"""Folder of the checkout -> its folder in the wheel."""


def pip(*arguments: str | Path) -> None:
    offline = ["--quiet", "--no-index", "--no-deps"]
    command = [sys.executable, "-m", "pip", *arguments, *offline]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def build_wheel(source: Path, target: Path) -> Path:
    """The wheel of a copy of this project, which is made in ``source``."""
    for name in ("setup.cfg", "pyproject.toml", "LICENSE", "README.md"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, source)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    pip("wheel", "--no-build-isolation", "--wheel-dir", target, source)
    (built,) = target.iterdir()
    return built


def _required(name: str, extras: frozenset[str], done: dict[str, Distribution]) -> Iterator[Distribution]:
    """What a distribution requires with these extras, directly or not."""
    for text in distribution(name).requires or ():
        requirement = Requirement(text)
        marker = requirement.marker
        if marker and not any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            continue
        found = done.get(requirement.name)
        if found is None or requirement.extras:
            found = done[requirement.name] = distribution(requirement.name)
            yield found
            yield from _required(requirement.name, frozenset(requirement.extras), done)


def fresh_environment(folder: Path, wheel: Path, extra: str) -> Path:
    """A virtual environment with the wheel and its extra, and nothing else. Returns the folder of its programs."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=60)
    python = folder / "bin" / "python"
    pip("--python", python, "install", wheel)
    (packages,) = folder.glob("lib/python*/site-packages")
    for each in _required("cfn-injector", frozenset({extra}), {}):
        tops = {file.parts[0] for file in each.files or () if file.parts[0] not in ("..", "__pycache__")}
        for top in tops:
            link = packages / top
            if not link.exists():
                link.symlink_to(Path(str(each.locate_file(top))))
    return python.parent
