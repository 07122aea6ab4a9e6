"""Reads the files in which Python's tools lock the versions of a project.

Takes a lock file and the function's platform. Returns lines of a requirements file, one for each package to install.

    pylock.toml  -> the URL or path of each wheel: https://packaging.python.org/en/latest/specifications/pylock-toml/
    uv.lock      -> ``uv export`` writes a pylock.toml
    poetry.lock  -> name, version, marker and digests of the packages of the group ``main``
    Pipfile.lock -> name, version, marker and digests of the packages of ``default``: https://pipenv.pypa.io/

A lock names all packages. So nothing is resolved, and a digest keeps a package of the same name from another index out.
A package that is not a wheel is refused by its name.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import unquote, urlsplit

from cfn_injector.cli.bundling.lambda_platform import Target
from cfn_injector.cli.bundling.python_installers import explain
from cfn_injector.cli.bundling.python_project import PROJECT, applies, check_python, requirement_name, toml, tool
from cfn_injector.cli.display import visible
from cfn_injector.cli.tools import Workshop, cli_extra, uv_program
from cfn_injector.errors import InjectorError

if TYPE_CHECKING:
    from packaging.markers import Environment

PYLOCK, UV_LOCK, POETRY_LOCK, PIPFILE_LOCK = "pylock.toml", "uv.lock", "poetry.lock", "Pipfile.lock"
PIPFILE = "Pipfile"


class Locked(NamedTuple):
    """A lock. ``lines`` are not checked yet; ``label`` is the file that people see."""

    label: str
    lines: Sequence[str]


def _refused(label: str, name: str, what: str) -> InjectorError:
    return InjectorError(
        f"{label}: {visible(name)} is {what}, not a wheel; build one, and require the wheel", code="CI821"
    )


def _check_fresh(source: Path, label: str, locked: set[str], remedy: str) -> None:
    """Raises InjectorError if a dependency of the project is not in its lock."""
    project = toml(source / PROJECT)
    listed = [*project.get("project", {}).get("dependencies", ()), *tool(project, "poetry").get("dependencies", ())]
    missing = sorted({requirement_name(each, PROJECT) for each in listed if each != "python"} - locked)
    if missing:
        raise InjectorError(
            f"{label} does not contain {visible(missing[0])}, which {PROJECT} lists; run: {remedy}", code="CI818"
        )


def _tags(target: Target) -> list[Any]:
    with cli_extra():
        from packaging.tags import compatible_tags, cpython_tags
    platforms, version, minor = list(target.wheel_platforms()), (3, target.python or 0), f"cp3{target.python}"
    return [*cpython_tags(version, [minor], platforms), *compatible_tags(version, minor, platforms)]


def _wheel_line(name: str, found: Any, label: str) -> str:
    url, digests = found.url, found.hashes
    if found.path is not None:
        place = f"./{Path(found.path).as_posix()}"
    elif urlsplit(url or "").scheme == "file":
        place = unquote(urlsplit(url).path)
    else:
        place = f"{name} @ {url}"
    if any(each.isspace() for each in place.removeprefix(f"{name} @ ")):
        raise InjectorError(f"{label}: the path or URL of {visible(name)} contains a space; rename it", code="CI822")
    return " ".join([place, *(f"--hash={kind}:{digest}" for kind, digest in sorted(digests.items()))])


def _pylock(read: Mapping[str, Any], target: Target, label: str) -> Iterator[str]:
    with cli_extra():
        from packaging import pylock
    try:
        lock = pylock.Pylock.from_dict(read)
        if lock.requires_python:
            check_python(target, str(lock.requires_python), label)
        chosen = list(lock.select(environment=cast("Environment", dict(target.markers)), tags=_tags(target)))
    except (pylock.PylockValidationError, pylock.PylockSelectError) as error:
        raise InjectorError(
            f"cannot install {label} for {target}: {visible(str(error))}; correct it", code="CI819"
        ) from error
    for package, found in chosen:
        if isinstance(found, pylock.PackageSdist) and package.wheels:
            raise InjectorError(
                f"found no wheel of {package.name} for {target} in {label}; lock a version that has one, or choose "
                "another --architecture or --runtime",
                code="CI826",
            )
        if isinstance(found, pylock.PackageVcs | pylock.PackageDirectory | pylock.PackageSdist):
            kinds = {pylock.PackageVcs: "a repository", pylock.PackageDirectory: "a folder"}
            raise _refused(label, package.name, kinds.get(type(found), "a source distribution"))
        if isinstance(found, pylock.PackageArchive) and not urlsplit(found.url or found.path or "").path.endswith(
            ".whl"
        ):
            raise _refused(label, package.name, "an archive")
        yield _wheel_line(package.name, found, label)


def _read_pylock(source: Path, target: Target, workshop: Workshop) -> Locked:
    return Locked(PYLOCK, list(_pylock(toml(source / PYLOCK), target, PYLOCK)))


def _read_uv(source: Path, target: Target, workshop: Workshop) -> Locked:
    """uv reads the lock only, and none of the settings."""
    written = source / PYLOCK  # paths in it are relative to its folder
    options = ("--frozen", "--no-default-groups", "--no-emit-project", "--no-header", "--format", PYLOCK)
    alone = ("--no-config", "--offline", "--no-python-downloads", "--python", sys.executable)
    command = [uv_program(), "export", *options, *alone, "--output-file", str(written)]
    done = workshop.run(command, cwd=source, settings="UV_")
    explain(done, f"cannot read {UV_LOCK}", "correct it, or list the requirements in requirements.txt", code="CI819")
    read = toml(source / UV_LOCK)
    names = {requirement_name(str(each.get("name")), UV_LOCK) for each in read.get("package", ())}
    _check_fresh(source, UV_LOCK, names, "uv lock")
    check_python(target, str(read.get("requires-python", "")), UV_LOCK)
    lines = list(_pylock(toml(written), target, UV_LOCK))
    written.unlink()
    return Locked(UV_LOCK, lines)


def _digests(files: Sequence[Mapping[str, str]]) -> str:
    return "".join(f" --hash={each['hash']}" for each in files if str(each.get("file", "")).endswith(".whl"))


def _poetry_marker(package: Mapping[str, Any]) -> str:
    markers = package.get("markers", "")
    return str(markers.get("main", "") if isinstance(markers, Mapping) else markers)


def _poetry_line(package: Mapping[str, Any]) -> str:
    name, source = str(package["name"]), package.get("source", {})
    kind, place = source.get("type"), str(source.get("url", ""))
    digests = _digests(package.get("files", ()))
    if kind in ("git", "hg", "directory"):
        raise _refused(POETRY_LOCK, name, "a folder" if kind == "directory" else "a repository")
    if kind in ("file", "url"):
        if not urlsplit(place).path.endswith(".whl"):
            raise _refused(POETRY_LOCK, name, "an archive")
        text = f"{name} @ {place}" if kind == "url" else f"./{place}"
    else:
        text = f"{name}=={package['version']}"
    if not digests:
        raise _refused(POETRY_LOCK, name, "locked without a wheel's digest")
    return f"{text}{digests}"


def _read_poetry(source: Path, target: Target, workshop: Workshop) -> Locked:
    read = toml(source / POETRY_LOCK)
    packages, metadata = read.get("package", []), read.get("metadata", {})
    if not all("groups" in each for each in packages):
        remedy = "run: poetry lock, with Poetry 2, or poetry export -o requirements.txt"
        raise InjectorError(f"{POETRY_LOCK} does not say which packages are for development; {remedy}", code="CI820")
    check_python(target, str(metadata.get("python-versions", "")), POETRY_LOCK)
    _check_fresh(
        source, POETRY_LOCK, {requirement_name(str(each["name"]), POETRY_LOCK) for each in packages}, "poetry lock"
    )
    main = [each for each in packages if "main" in each["groups"] and not each.get("optional")]
    chosen = [each for each in main if applies(_poetry_marker(each), target, POETRY_LOCK)]
    urls = {each["source"]["url"] for each in chosen if each.get("source", {}).get("type") == "legacy"}
    return Locked(POETRY_LOCK, [*(f"--extra-index-url {url}" for url in sorted(urls)), *map(_poetry_line, chosen)])


def _is_project(entry: object) -> bool:
    """Whether an entry is the project itself, which people list so that its modules can be imported."""
    return isinstance(entry, Mapping) and entry.get("path") in (".", "./")


def _pipenv_line(name: str, package: Mapping[str, Any]) -> str:
    if "git" in package or "path" in package or package.get("editable"):
        raise _refused(PIPFILE_LOCK, name, "a repository" if "git" in package else "a folder")
    place = str(package.get("file", ""))
    if place and not urlsplit(place).path.endswith(".whl"):
        raise _refused(PIPFILE_LOCK, name, "an archive")
    text = place or f"{name}{package.get('version', '')}"
    return f"{text}{''.join(f' --hash={each}' for each in package.get('hashes', ()))}"


def _read_pipenv(source: Path, target: Target, workshop: Workshop) -> Locked:
    try:
        read = json.loads((source / PIPFILE_LOCK).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InjectorError(f"cannot read {PIPFILE_LOCK}; run: pipenv lock", code="CI814") from error
    requires = read.get("_meta", {}).get("requires", {})
    version = requires.get("python_full_version", "").rpartition(".")[0] or requires.get("python_version", "")
    if version:
        check_python(target, f"=={version}.*", PIPFILE_LOCK)
    packages = {name: each for name, each in read.get("default", {}).items() if not _is_project(each)}
    listed = toml(source / PIPFILE).get("packages", {})
    direct = {requirement_name(name, PIPFILE) for name, each in listed.items() if not _is_project(each)}
    missing = sorted(direct - {requirement_name(name, PIPFILE_LOCK) for name in packages})
    if missing:
        raise InjectorError(
            f"{PIPFILE_LOCK} does not contain {visible(missing[0])} of {PIPFILE}; run: pipenv lock", code="CI818"
        )
    urls = [str(each.get("url", "")) for each in read.get("_meta", {}).get("sources", ())]
    indexes = [f"--{'extra-' if number else ''}index-url {url}" for number, url in enumerate(urls)]
    chosen = [
        (name, each)
        for name, each in sorted(packages.items())
        if applies(str(each.get("markers", "")), target, PIPFILE_LOCK)
    ]
    return Locked(PIPFILE_LOCK, [*indexes, *starmap(_pipenv_line, chosen)])


LOCKS: Mapping[str, Callable[[Path, Target, Workshop], Locked]] = {
    PYLOCK: _read_pylock,
    UV_LOCK: _read_uv,
    POETRY_LOCK: _read_poetry,
    PIPFILE_LOCK: _read_pipenv,
}
"""How each lock is read. An earlier one replaces a later one."""
