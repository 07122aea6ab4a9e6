"""Reads what a project says about its dependencies and about uv.

Takes ``pyproject.toml`` and ``uv.toml``. Returns lines of a requirements file, which are not checked yet.

A project's settings for uv may name programs, and allow builds. Only its indexes are returned; uv itself sees none of
the settings: https://docs.astral.sh/uv/reference/settings/
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from cfn_injector.cli.tools import cli_extra
from cfn_injector.errors import InjectorError

REQUIREMENTS, PROJECT, UV_TOML = "requirements.txt", "pyproject.toml", "uv.toml"

# Settings of uv that describe the project and not an installation.
_UV_PROJECT = (
    *("dev-dependencies", "sources", "workspace", "package", "managed", "default-groups", "dependency-groups"),
    *("conflicts", "environments", "required-environments", "constraint-dependencies", "override-dependencies"),
    *("exclude-dependencies", "build-constraint-dependencies", "build-backend", "cache-keys", "required-version"),
    *("publish-url", "check-url", "trusted-publishing"),
)


def _toml(path: Path) -> Mapping[str, Any]:
    """The file's tables; none if it does not exist."""
    toml = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        read: Mapping[str, Any] = toml.loads(path.read_text("utf-8") if path.exists() else "")
    except (OSError, ValueError) as error:
        raise InjectorError(f"cannot read {path.name}: {error}; correct it") from error
    return read


def project_dependencies(path: Path) -> list[str]:
    """The lines of ``[project].dependencies``. Raises InjectorError if they are invalid or made by a build."""
    with cli_extra():
        from packaging.requirements import InvalidRequirement, Requirement
    read = _toml(path)
    project = read.get("project", {})
    if "dependencies" in project.get("dynamic", ()) or (not project and "poetry" in read.get("tool", {})):
        raise InjectorError(f"{PROJECT} does not list [project].dependencies; list them in {REQUIREMENTS}")
    listed: list[str] = project.get("dependencies", [])
    for each in listed:
        try:
            Requirement(each)
        except (InvalidRequirement, TypeError) as error:
            raise InjectorError(f"{PROJECT}: a dependency is not a valid requirement; correct it") from error
    return [" ".join(each.split()) for each in listed]


def uv_options(uv_toml: Path, project: Path) -> tuple[Sequence[str], Sequence[str]]:
    """The indexes that the project's settings for uv name, as lines of a requirements file; and ignored settings."""
    # As in uv, a uv.toml replaces the settings in pyproject.toml.
    read = _toml(uv_toml) if uv_toml.exists() else _toml(project).get("tool", {}).get("uv", {})
    lines = []
    for index in read.get("index", ()):
        if not index.get("explicit"):
            flat = "--find-links" if index.get("format") == "flat" else "--extra-index-url"
            lines.append(f"{'--index-url' if index.get('default') else flat} {index.get('url')}")
    lines += [f"--index-url {read['index-url']}"] if "index-url" in read else []
    for name in ("extra-index-url", "find-links"):
        lines += [f"--{name} {value}" for value in read.get(name, ())]
    lines += ["--no-index"] if read.get("no-index") else []
    known = {"index", "index-url", "extra-index-url", "find-links", "no-index", *_UV_PROJECT}
    return lines, sorted(read.keys() - known)
