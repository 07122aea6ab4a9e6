"""Finds the file that lists the dependencies of a Python function, and reads it.

Takes a copy of the source. Returns checked requirements, the files of options for uv and pip, and warnings.

    requirements.txt, else a lock, else pyproject.toml, else setup.cfg -> checked lines -> the sources that the project
    names -> files that uv and pip may read

A project that lists its dependencies in another file only is refused: without them, the function would not start.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from cfn_injector.cli.bundling import python_sources
from cfn_injector.cli.bundling.lambda_platform import Target
from cfn_injector.cli.bundling.python_installers import GET_UV
from cfn_injector.cli.bundling.python_locks import LOCKS, PIPFILE, PYLOCK, UV_LOCK, Locked
from cfn_injector.cli.bundling.python_project import (
    PROJECT,
    REQUIREMENTS,
    SETUP_CFG,
    UV_TOML,
    applies,
    check_python,
    project_dependencies,
    python_warnings,
    requirement_name,
    setup_cfg,
    toml,
    tool,
)
from cfn_injector.cli.bundling.python_sources import Sources
from cfn_injector.cli.bundling.requirements_file import Requirements
from cfn_injector.cli.bundling.requirements_file import read as read_requirements
from cfn_injector.cli.display import visible
from cfn_injector.cli.tools import Workshop, uv_program
from cfn_injector.errors import InjectorError

_PDM_LOCK, _CONDA = "pdm.lock", ("environment.yml", "environment.yaml")
FILES = (REQUIREMENTS, *LOCKS, PROJECT, PIPFILE, _PDM_LOCK, "setup.py")
"""Files that only a Python function has."""

_OTHERS = (SETUP_CFG, "requirements.in", *_CONDA)
_NAMED_PYLOCKS = "pylock.*.toml"
_NAMED = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)\s*(?P<rest>\[[^]]*\])?")


class Manifest(NamedTuple):
    """What to install. ``label`` is the file that lists it. A ``locked`` list is complete."""

    label: str
    requirements: Requirements
    sources: Sources
    locked: bool
    warnings: Sequence[str]


def is_in(folder: Path) -> bool:
    """Whether the folder has a file that may list the dependencies of a Python function."""
    named = any((folder / name).exists() for name in (*FILES, *_OTHERS))
    return named or any(folder.glob(_NAMED_PYLOCKS)) or any(_unread(folder))


def _has_text(path: Path, pattern: str) -> bool:
    return path.is_file() and re.search(pattern, path.read_text("utf-8", "replace"), re.MULTILINE) is not None


def _refuse_unread(source: Path) -> None:
    """Raises InjectorError if dependencies are listed in a file that is not read."""
    found = {
        PIPFILE: ((source / PIPFILE).is_file() and bool(toml(source / PIPFILE).get("packages")), "pipenv lock"),
        _PDM_LOCK: ((source / _PDM_LOCK).is_file(), "pdm export -o requirements.txt"),
        "setup.py": (_has_text(source / "setup.py", "install_requires"), "uv pip compile setup.py -o requirements.txt"),
        "requirements.in": (
            _has_text(source / "requirements.in", r"^\s*[^#\s]"),
            "uv pip compile requirements.in -o requirements.txt",
        ),
        **{name: ((source / name).is_file(), "pip list --format=freeze > requirements.txt") for name in _CONDA},
        **{each.name: (True, f"cp {visible(each.name)} {PYLOCK}") for each in sorted(source.glob(_NAMED_PYLOCKS))},
        f"{PROJECT} ([tool.flit.metadata])": (
            bool(tool(toml(source / PROJECT), "flit").get("metadata", {}).get("requires")),
            "uv pip compile pyproject.toml -o requirements.txt",
        ),
    }
    for name, (lists, remedy) in found.items():
        if lists:
            raise InjectorError(
                f"the dependencies in {visible(name)} are not read; run: {remedy}, or use --no-install if SRC has them",
                code="CI816",
            )


def _lists_dependencies(project: Mapping[str, object]) -> bool:
    listed = project.get("project", {})
    return isinstance(listed, Mapping) and ("dependencies" in listed or "dependencies" in listed.get("dynamic", ()))


def _lines(source: Path, target: Target, workshop: Workshop, warnings: list[str]) -> tuple[Locked, bool]:
    """The lines of the first file that lists dependencies, and whether it is a lock."""
    for name, read in LOCKS.items():
        if not (source / name).exists():
            continue
        if name == UV_LOCK and not uv_program():
            warnings.append(f"only uv reads {UV_LOCK}, so pip chose versions by {PROJECT}; {GET_UV}")
            continue
        return read(source, target, workshop), True
    project = toml(source / PROJECT)
    if (source / _PDM_LOCK).exists() or not (_lists_dependencies(project) or tool(project, "poetry")):
        required, python = setup_cfg(source / SETUP_CFG)
        if required:
            check_python(target, python, SETUP_CFG)
            return Locked(SETUP_CFG, required), False
        _refuse_unread(source)
    python_sources.refuse_others(project)
    return Locked(PROJECT, project_dependencies(source / PROJECT)), False


def _placed(sources: Sources, label: str, target: Target) -> Callable[[str], str]:
    """A function that gives a requirement the place which the project names for the package."""

    def placed(text: str) -> str:
        named, (required, _, marker) = _NAMED.match(text), text.partition(";")
        if not named or "@" in required or required.rstrip().endswith(".whl"):
            return text
        name = requirement_name(named["name"], label)
        if name in sources.refused and applies(marker, target, label):
            refusal = sources.refused[name]
            raise InjectorError(f"{PROJECT}: {visible(name)} {refusal.problem}", code=refusal.code)
        if name not in sources.places:
            return text
        return f"{name}{named['rest'] or ''} @ {sources.places[name]}{f' ; {marker}' if marker else ''}"

    return placed


def _unread(source: Path) -> Iterator[str]:
    names = [each.name for each in sorted(source.glob("requirements*.txt"))]
    names += [f"requirements/{each.name}" for each in sorted(source.glob("requirements/*.txt"))]
    if names:
        yield f"{visible(names[0])} is not read; name it in {REQUIREMENTS} (-r {visible(names[0])}) if it is needed"


def _replaced(source: Path, requirements: Requirements) -> Iterator[str]:
    others = [name for name in LOCKS if (source / name).exists()]
    others += [PROJECT] if toml(source / PROJECT).get("project", {}).get("dependencies") else []
    if others and all(line.startswith("-") for line in requirements.lines):
        yield f"{REQUIREMENTS} lists nothing, and {others[0]} is not read beside it; remove one of them"


def read(source: Path, folder: Path, installer: str, target: Target, workshop: Workshop) -> Manifest:
    """Read what the function requires. ``source`` is a copy of ``folder`` that lacks some of its settings.

    Raises InjectorError if something could not be installed as the project says.
    """
    project, warnings = toml(source / PROJECT), list(python_warnings(folder, target))
    required = project.get("project", {}).get("requires-python") or tool(project, "poetry").get("dependencies", {}).get(
        "python"
    )
    check_python(target, str(required or ""), PROJECT)
    sources = python_sources.read(source, folder, target)
    if sources.ignored:
        problem = "uv's settings in the source are read for indexes only, not for "
        ignored = ", ".join(map(visible, sources.ignored))
        warnings.append(f"{problem}{ignored}; set them in ~/.config/uv/uv.toml or as UV_*")
    if (source / REQUIREMENTS).exists():
        found, locked = Locked(REQUIREMENTS, ()), False
        path = source / REQUIREMENTS
    else:
        found, locked = _lines(source, target, workshop, warnings)
        path = workshop.folder / "listed.txt"
        path.write_text("".join(f"{line}\n" for line in found.lines), "utf-8")
        warnings += [] if found.lines else _unread(source)
    if sources.in_workspace and found.label == PROJECT:
        problem = f"the project's workspace has its versions, and {UV_LOCK} is not in the source"
        warnings.append(f"{problem}; run: uv export --package NAME --no-emit-workspace -o requirements.txt")
    requirements = read_requirements(
        source,
        path,
        label=found.label,
        numbered=found.label == REQUIREMENTS,
        options=() if locked else sources.options,
        placed=str if locked else _placed(sources, found.label, target),
    )
    manifest = Manifest(found.label, requirements, Sources() if locked else sources, locked, warnings)
    _check_limits(manifest)
    warnings += _replaced(source, requirements) if found.label == REQUIREMENTS else []
    if installer == "pip":
        _check_pip(manifest)
        warnings += _of_any_index(manifest)
    return manifest


def _of_one_index(manifest: Manifest) -> dict[str, str]:
    """The requirements whose package comes from one index only, by name."""
    lines = {}
    for line in manifest.requirements.lines:
        named = _NAMED.match(line)
        if named and "@" not in line and "--hash" not in line and not line.startswith("-"):
            name = requirement_name(named["name"], manifest.label)
            if name in manifest.sources.indexes:
                lines[line] = name
    return lines


def _names(lines: Iterable[str]) -> set[str]:
    """The names of packages in lines of a requirements file."""
    return {requirement_name(named["name"], PROJECT) for named in map(_NAMED.match, lines) if named}


def _check_limits(manifest: Manifest) -> None:
    """Raises InjectorError if a limit is for a package with a source of its own, which would be lost.

    uv keeps the source of an override, or of a constraint for a dependency of a dependency, only in ``uv sync``.
    """
    sources = manifest.sources
    with_source = {*sources.places, *sources.indexes, *sources.refused}
    overridden = _names(line for line in sources.overrides if "@" not in line)
    constrained = _names(sources.constraints) - _names(manifest.requirements.lines)
    for kind, names in (("override", overridden), ("constraint", constrained)):
        for name in sorted(names & with_source):
            problem = f"{visible(name)} has a source of its own, which is lost by {kind}-dependencies"
            raise InjectorError(f"{PROJECT}: {problem}; list it in [project].dependencies only", code="CI835")


def _check_pip(manifest: Manifest) -> None:
    """Raises InjectorError if the project says what pip cannot do."""
    sources = manifest.sources
    given = " ".join(line for line in manifest.requirements.lines if line.startswith("-")).split()
    for name in _of_one_index(manifest).values():
        if sources.indexes[name].url not in given:
            problem = f"{PROJECT}: {visible(name)} comes from the index {visible(sources.indexes[name].name)}"
            raise InjectorError(
                f"{problem}, and pip cannot take one package from one index; use --installer uv", code="CI836"
            )
    if sources.searched_first:
        problem = f"uv's settings in the source search {visible(sources.searched_first[0])} before other indexes"
        raise InjectorError(f"{problem}, and pip searches all at once; use --installer uv", code="CI836")
    for name, found in (("override", sources.overrides), ("exclude", sources.excludes)):
        if found:
            raise InjectorError(f"{PROJECT}: pip has no {name}-dependencies; use --installer uv", code="CI836")


def _of_any_index(manifest: Manifest) -> Iterator[str]:
    lines = manifest.requirements.lines
    has_digests = all(line.startswith("-") or "--hash=" in line for line in lines)
    if any(line.startswith("--extra-index-url ") for line in lines) and not has_digests:
        problem = "pip takes the highest version of all indexes, so a package that is on two may come from either"
        yield f"{problem}; use --installer uv, which takes it from the first, or require digests (--hash)"


def _write_indexed(manifest: Manifest, lines: Mapping[str, str], folder: Path) -> Path:
    """A project for uv, because no line of a requirements file names the index of one package."""
    folder.mkdir()
    text = json.dumps
    indexes = {index.name: index for index in (manifest.sources.indexes[name] for name in lines.values())}
    parts = [f'[project]\nname = "cfn-injector-indexes"\nversion = "0"\ndependencies = {text(list(lines))}\n']
    parts += ["[tool.uv.sources]\n"]
    parts += [f"{text(name)} = {{ index = {text(manifest.sources.indexes[name].name)} }}\n" for name in lines.values()]
    for index in indexes.values():
        facts = f"name = {text(index.name)}\nurl = {text(index.url)}\nformat = {text(index.format)}\nexplicit = true\n"
        parts.append(f"[[tool.uv.index]]\n{facts}")
    path = folder / PROJECT
    path.write_text("".join(parts), "utf-8")
    return path


def write(manifest: Manifest, source: Path, installer: str, workshop: Workshop) -> Sequence[str]:
    """Write what uv and pip may read. Returns their options for it.

    The copy then lacks the project's settings for uv. An empty file keeps uv from looking for others in the folders
    above. Paths in requirements are relative to the copy.
    """
    (source / PROJECT).unlink(missing_ok=True)
    (source / UV_TOML).write_text("", "utf-8")
    indexed = _of_one_index(manifest) if installer == "uv" else {}
    requirements, sources = manifest.requirements, manifest.sources
    files = {
        "constraint": [*requirements.constraints, *sources.constraints],
        "override": sources.overrides,
        "excludes": sources.excludes,
    }
    listed = [line for line in requirements.lines if line not in indexed]
    (source / REQUIREMENTS).write_text("".join(f"{line}\n" for line in listed), "utf-8")
    options = ["--requirement", str(source / REQUIREMENTS)]
    for option, lines in files.items():
        if lines:
            path = workshop.folder / f"{option}.txt"
            path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
            options += [f"--{option}", str(path)]
    if indexed:
        options += ["--requirement", str(_write_indexed(manifest, indexed, workshop.folder / "indexed"))]
    if manifest.locked:
        options.append("--no-deps")
        if installer == "uv" and all("--hash=" in line for line in listed if not line.startswith("-")):
            options += ["--index-strategy", "unsafe-best-match"]  # digests decide; pip searches all indexes, too
    return options
