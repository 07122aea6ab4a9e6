"""Reads where a project says that its dependencies come from.

Takes the tables of ``pyproject.toml``. Returns the index, URL or path of each package that the project names one for,
and the indexes and limits that hold for all packages.

A name is not enough to find a package: whoever installs it from another place may get other code of the same name. So
a source is either kept, or the package is refused by name before anything is installed.

- uv: https://docs.astral.sh/uv/concepts/projects/dependencies/#dependency-sources
- Poetry: https://python-poetry.org/docs/dependency-specification/
- PDM: https://pdm-project.org/en/latest/usage/config/#configure-the-package-indexes
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from cfn_injector.cli.bundling.lambda_platform import Target
from cfn_injector.cli.bundling.python_project import PROJECT, UV_TOML, applies, requirement_name, toml, tool
from cfn_injector.cli.bundling.requirements_file import checked
from cfn_injector.cli.display import visible
from cfn_injector.errors import InjectorError

# Settings of uv that describe the project and not an installation.
_UV_PROJECT = (
    *("dev-dependencies", "sources", "workspace", "package", "managed", "default-groups", "dependency-groups"),
    *("conflicts", "environments", "required-environments", "build-constraint-dependencies", "build-backend"),
    *("cache-keys", "required-version", "publish-url", "check-url", "trusted-publishing"),
)
UV_INDEX_KEYS = ("index", "index-url", "extra-index-url", "find-links", "no-index")
_UV_LIMITS = ("constraint-dependencies", "override-dependencies", "exclude-dependencies")
# Settings of other tools that say where packages come from. Only these tools' own locks and exports keep them.
_OTHERS = {
    "poetry": (("source",), "poetry lock"),
    "pdm": (("source", "resolution"), "pdm export -o requirements.txt"),
    "pixi": (("dependencies", "pypi-dependencies"), "pixi's own export to requirements.txt"),
    "rye": (("sources",), "uv export -o requirements.txt"),
}


class Index(NamedTuple):
    """The index that one package comes from. ``format`` is ``simple`` or ``flat``."""

    name: str
    url: str
    format: str


_UNKNOWN = Index("", "", "")


class Refusal(NamedTuple):
    """Why a package cannot be installed, and the code of this error."""

    problem: str
    code: str


@dataclass(frozen=True)
class Sources:
    """Where packages come from.

    ``places`` is the URL or path of a wheel by the package's name, ``indexes`` its only index. ``refused`` says of a
    package why it cannot be installed. ``options`` are lines of a requirements file, ``searched_first`` names indexes
    that are to be searched before others; ``constraints``, ``overrides`` and ``excludes`` are requirements.
    ``ignored`` are settings that have no effect. ``in_workspace``: a workspace of uv above the project has the lock.
    """

    places: Mapping[str, str] = field(default_factory=dict)
    indexes: Mapping[str, Index] = field(default_factory=dict)
    refused: Mapping[str, Refusal] = field(default_factory=dict)
    options: Sequence[str] = ()
    searched_first: Sequence[str] = ()
    constraints: Sequence[str] = ()
    overrides: Sequence[str] = ()
    excludes: Sequence[str] = ()
    ignored: Sequence[str] = ()
    in_workspace: bool = False


def _workspace(folder: Path) -> Mapping[str, Any]:
    """The pyproject.toml of the uv workspace that the folder is a member of, or no tables."""
    folder = folder.resolve()
    for parent in folder.parents:
        try:
            found = toml(parent / PROJECT)
        except InjectorError:
            continue
        members = tool(found, "uv").get("workspace", {}).get("members", ())
        if any(folder.relative_to(parent).match(str(pattern).rstrip("/")) for pattern in members):
            return found
    return {}


def _holds(entry: Mapping[str, Any], target: Target) -> bool:
    """Whether a source is for the function's platform, and not for an extra or a group of development."""
    if "extra" in entry or "group" in entry:
        return False
    return applies(str(entry.get("marker", entry.get("markers", ""))), target, PROJECT)


def _declared(project: Mapping[str, Any], target: Target) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Name, table and entry of each package for which a source is named."""
    for name, given in tool(project, "uv").get("sources", {}).items():
        entries = given if isinstance(given, list) else [given]
        held = [entry for entry in entries if isinstance(entry, Mapping) and _holds(entry, target)]
        if held:
            yield requirement_name(name, PROJECT), "[tool.uv.sources]", held[0]
    for name, given in tool(project, "poetry").get("dependencies", {}).items():
        for entry in given if isinstance(given, list) else [given]:
            if not isinstance(entry, Mapping) or not {"path", "file", "git", "url", "source"} & entry.keys():
                continue
            if _holds(entry, target):
                yield requirement_name(name, PROJECT), "[tool.poetry.dependencies]", entry


def _named_indexes(*projects: Mapping[str, Any]) -> Mapping[str, Index]:
    found: dict[str, Index] = {}
    for project in projects:
        for each in (*tool(project, "poetry").get("source", ()), *tool(project, "uv").get("index", ())):
            name, url = str(each.get("name", "")), str(each.get("url", ""))
            found.setdefault(name, Index(name, url, str(each.get("format", "simple"))))
    return found


def _why_refused(entry: Mapping[str, Any], place: str, table: str) -> str:
    where = "a repository" if "git" in entry else "this workspace" if "workspace" in entry else ""
    where = where or ("a URL" if "url" in entry else visible(place))
    return f"comes from {where} by {table}, which is not a wheel; build one, and name its path there"


def _uv_settings(settings: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The lines of options that uv's settings amount to, and the indexes that are searched before others."""
    lines, first = [], []
    for index in settings.get("index", ()):
        if index.get("explicit"):
            continue
        option = "--find-links" if index.get("format") == "flat" else "--extra-index-url"
        lines.append(f"{'--index-url' if index.get('default') else option} {index.get('url')}")
        first += [] if index.get("default") or index.get("format") == "flat" else [str(index.get("name", "an index"))]
    lines += [f"--index-url {settings['index-url']}"] if "index-url" in settings else []
    for name in ("extra-index-url", "find-links"):
        lines += [f"--{name} {value}" for value in settings.get(name, ())]
    first += ["extra-index-url"] if settings.get("extra-index-url") else []
    return lines + (["--no-index"] if settings.get("no-index") else []), first


def refuse_others(project: Mapping[str, Any]) -> None:
    """Raises InjectorError if the project says where all packages come from in a way that uv and pip do not read."""
    for name, (keys, remedy) in _OTHERS.items():
        settings = {key: tool(project, name).get(key) for key in keys}
        if name == "poetry":
            settings["source"] = [each for each in settings["source"] or () if each.get("priority") != "explicit"]
        found = [key for key, value in settings.items() if value]
        if found:
            problem = f"{PROJECT} says in [tool.{name}] where packages come from ({found[0]})"
            raise InjectorError(
                f"{problem}, which uv and pip do not read; use its lock or export: {remedy}", code="CI834"
            )


def read(copy: Path, folder: Path, target: Target) -> Sources:
    """What the project in ``folder`` says. ``copy`` has its pyproject.toml.

    Raises InjectorError if the settings name sources in a way that cannot be kept.
    """
    project, root = toml(copy / PROJECT), _workspace(folder)
    # As in uv, a uv.toml replaces the settings in pyproject.toml, but for the sources; and a workspace has one set.
    own = tool(root, "uv") or tool(project, "uv")
    settings = dict(toml(folder / UV_TOML) if (folder / UV_TOML).exists() else own)
    pip = settings.pop("pip", {})  # the settings of "uv pip", which replace the others
    settings.update({key: pip[key] for key in UV_INDEX_KEYS if key in pip})
    named = _named_indexes(project, root, {"tool": {"uv": settings}})
    places: dict[str, str] = {}
    indexes: dict[str, Index] = {}
    refused: dict[str, Refusal] = {}
    for is_root, tables in ((True, root), (False, project)):
        for name, table, entry in _declared(tables, target):
            for each in (places, indexes, refused):
                each.pop(name, None)
            index = entry.get("index") or entry.get("source")
            place = str(entry.get("url") or entry.get("path") or entry.get("file") or "")
            if index and urlsplit(named.get(str(index), _UNKNOWN).url).scheme in ("https", "http"):
                indexes[name] = named[str(index)]
            elif index:
                problem = f"comes from the index {visible(str(index))} by {table}, which has no http or https URL"
                refused[name] = Refusal(f"{problem}; add one", "CI823")
            elif place.partition("#")[0].endswith(".whl") and "git" not in entry and not (is_root and "path" in entry):
                places[name] = place
            else:
                refused[name] = Refusal(_why_refused(entry, place, table), "CI821")
    options, first = _uv_settings(settings)
    constraints, overrides, excludes = (
        checked(copy, map(str, settings.get(kind, own.get(kind, ()))), PROJECT) for kind in _UV_LIMITS
    )
    ignored = sorted(settings.keys() - {*UV_INDEX_KEYS, *_UV_LIMITS, *_UV_PROJECT})
    ignored += sorted(f"pip.{key}" for key in pip.keys() - {*UV_INDEX_KEYS})
    return Sources(places, indexes, refused, options, first, constraints, overrides, excludes, ignored, bool(root))
