"""Reads what a project says about its dependencies and its Python.

Takes ``pyproject.toml``, ``setup.cfg`` and ``.python-version``. Returns lines of a requirements file, which are not
checked yet, and facts about the project.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from configparser import Error as ConfigError
from pathlib import Path
from typing import Any

from cfn_injector.cli.bundling.lambda_platform import Target
from cfn_injector.cli.display import visible
from cfn_injector.cli.tools import cli_extra, toml_module
from cfn_injector.errors import InjectorError

REQUIREMENTS, PROJECT, UV_TOML, SETUP_CFG = "requirements.txt", "pyproject.toml", "uv.toml", "setup.cfg"
_PYTHON_VERSION = ".python-version"
_LIST = f"list them in {REQUIREMENTS}"


def toml(path: Path) -> Mapping[str, Any]:
    """The file's tables; none if it does not exist."""
    try:
        read: Mapping[str, Any] = toml_module().loads(path.read_text("utf-8") if path.exists() else "")
    except (OSError, ValueError) as error:
        raise InjectorError(f"cannot read {path.name}: {error}; correct it", code="CI814") from error
    return read


def tool(project: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The settings of a tool, by pyproject.toml's tables."""
    found = project.get("tool", {}).get(name, {})
    return found if isinstance(found, Mapping) else {}


def requirement_name(text: str, where: str) -> str:
    """The normalized name of a requirement. Raises InjectorError if the text is not a requirement."""
    with cli_extra():
        from packaging.requirements import InvalidRequirement, Requirement
        from packaging.utils import canonicalize_name
    try:
        return canonicalize_name(Requirement(text).name)
    except (InvalidRequirement, TypeError) as error:
        raise InjectorError(f"{where}: a dependency is not a valid requirement; correct it", code="CI815") from error


def project_dependencies(path: Path) -> list[str]:
    """The lines of ``[project].dependencies``. Raises InjectorError if they are invalid or made by a build."""
    read = toml(path)
    project = read.get("project", {})
    if "dependencies" in project.get("dynamic", ()) or (not project and "dependencies" in tool(read, "poetry")):
        lock = ", or run: poetry lock" if tool(read, "poetry") else ""
        raise InjectorError(f"{PROJECT} does not list [project].dependencies; {_LIST}{lock}", code="CI816")
    listed: list[str] = project.get("dependencies", [])
    for each in listed:
        requirement_name(each, PROJECT)
    return [" ".join(each.split()).replace("{root:uri}/", "./") for each in listed]  # hatchling's name of the source


def setup_cfg(path: Path) -> tuple[list[str], str]:
    """``install_requires`` and ``python_requires`` of setup.cfg. Raises InjectorError if another file lists them."""
    parser = ConfigParser(interpolation=None)
    try:
        parser.read(path, "utf-8")
    except (ConfigError, UnicodeDecodeError) as error:
        raise InjectorError(f"cannot read {SETUP_CFG}: {type(error).__name__}; correct it", code="CI814") from error
    text = parser.get("options", "install_requires", fallback="")
    if text.strip().startswith(("file:", "attr:")):
        raise InjectorError(f"{SETUP_CFG} does not list install_requires; {_LIST}", code="CI816")
    lines = [line.strip() for line in (text if "\n" in text else text.replace(";;", "\n")).splitlines()]
    required = [line for line in lines if line and not line.startswith("#")]
    return required, parser.get("options", "python_requires", fallback="")


def applies(marker: str, target: Target, where: str) -> bool:
    """Whether an environment marker holds for the function, for which no extra is chosen. An empty one holds."""
    with cli_extra():
        from packaging.markers import InvalidMarker, Marker
    try:
        return not marker.strip() or Marker(marker).evaluate({**target.markers, "extra": ""})
    except InvalidMarker as error:
        raise InjectorError(
            f"{where}: the environment marker {visible(marker)} is not valid; correct it", code="CI815"
        ) from error


def check_python(target: Target, required: str, where: str) -> None:
    """Raises InjectorError if the runtime's Python is not one that ``required`` allows, such as ``>=3.12``.

    Poetry's own operators, ``^`` and ``~``, are translated. Anything else is left to the tool that wrote it.
    """
    with cli_extra():
        from packaging.specifiers import InvalidSpecifier, SpecifierSet
    text = re.sub(r"\^\s*(\d+)", r">=\1", required)
    text = re.sub(r"~\s*(\d+\.\d+)(?![.\d])", r"==\1.*", text)
    try:
        allowed = SpecifierSet(text)
    except InvalidSpecifier:
        return
    if not allowed.contains(target.full_version, prereleases=True):
        problem = f"{where} requires Python {visible(required)}, and {target.runtime} has {target.full_version}"
        raise InjectorError(f"{problem}; choose another --runtime, or correct {where}", code="CI817")


def python_warnings(folder: Path, target: Target) -> Iterator[str]:
    """A warning if ``.python-version`` names another Python than the runtime's."""
    path = folder / _PYTHON_VERSION
    try:
        versions = re.findall(r"(?m)^\s*(?:cpython-)?(3\.\d+)", path.read_text("utf-8")) if path.is_file() else []
    except (OSError, UnicodeDecodeError):
        versions = []
    if versions and f"3.{target.python}" not in versions:
        problem = f"{_PYTHON_VERSION} names Python {versions[0]}, and the bundle is for {target.runtime}"
        yield f"{problem}; choose --runtime python{versions[0]} if the function has that runtime"


def is_src_layout(folder: Path) -> bool:
    """Whether a build of the project takes its modules from ``src/``.

    True if the project names a build system, and ``src`` is a folder of packages and not a package itself:
    https://packaging.python.org/en/latest/discussions/src-layout-vs-flat-layout/
    """
    src = folder / "src"
    if not src.is_dir() or (src / "__init__.py").exists():
        return False
    if not any(each.is_dir() and (each / "__init__.py").exists() for each in src.iterdir()):
        return False
    is_built = "build-system" in toml(folder / PROJECT) if (folder / PROJECT).is_file() else False
    return is_built or (folder / "setup.py").is_file()
