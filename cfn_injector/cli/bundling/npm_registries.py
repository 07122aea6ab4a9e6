"""Reads from which registries a project takes its packages.

Takes the project's settings of npm, Yarn and Bun. Returns the lines of an ``.npmrc`` that npm may read.

A setting such as ``git``, ``script-shell`` or ``node-options`` names a program, so registries and their credentials are
all that is read. A registry that cannot be read is not ignored if npm would then ask another one, which may have a
public package of the same name.

    bunfig.toml, .yarnrc, .yarnrc.yml -> registries
    .npmrc                            -> registries and credentials
    .npmrc of the workspace's root    -> the same; they win, as in npm
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from cfn_injector.cli.bundling.npm_manifests import MODULES, PACKAGE, mapping, npm_lock, read_json, read_toml, read_yaml
from cfn_injector.cli.bundling.npm_workspaces import required
from cfn_injector.cli.display import visible
from cfn_injector.errors import InjectorError

NPMRC, YARNRC_YML, YARNRC, BUNFIG = ".npmrc", ".yarnrc.yml", ".yarnrc", "bunfig.toml"

_REGISTRY = re.compile(r"(@[\w.-]+:)?registry")
_CREDENTIAL = re.compile(r"//[^\s=]+:(_authToken|_auth|username|_password|email|certfile|keyfile)")
_OTHERS = ("always-auth", "cafile", "legacy-peer-deps")
_SHOWN = re.compile(r"[@\w:./-]{1,80}")
_YARN_LINE = re.compile(r'"?(?P<key>(@[\w.-]+:)?registry)"?\s+"?(?P<value>[^"\s]*)"?')
_NOT_SET = ("undefined", "https://registry.npmjs.org/")


class Setting(NamedTuple):
    """A line of a file, and whether npm may read it."""

    file: str
    key: str
    value: str

    @property
    def is_registry(self) -> bool:
        return _REGISTRY.fullmatch(self.key) is not None

    @property
    def is_allowed(self) -> bool:
        if "${" in self.value or not self.value.isprintable():
            return False
        if self.is_registry:
            return "$" not in self.value and urlsplit(self.value).scheme in ("https", "http")
        return self.key in _OTHERS or _CREDENTIAL.fullmatch(self.key) is not None


def _npmrc(folder: Path, label: str) -> Iterator[Setting]:
    try:
        lines = (folder / NPMRC).read_text("utf-8-sig").splitlines()
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise InjectorError(f"cannot read {visible(label)}; write it in UTF-8", code="CI814") from error
    for line in map(str.strip, lines):
        if line and not line.startswith((";", "#")):
            key, _, value = (part.strip() for part in line.partition("="))
            yield Setting(label, key, value)


def _yarnrc(folder: Path) -> Iterator[Setting]:
    """https://classic.yarnpkg.com/en/docs/yarnrc"""
    path = folder / YARNRC
    for line in path.read_text("utf-8", "replace").splitlines() if path.is_file() else ():
        found = _YARN_LINE.fullmatch(line.strip())
        if found:
            yield Setting(YARNRC, found["key"], found["value"])


def _yarnrc_yml(folder: Path) -> Iterator[Setting]:
    """https://yarnpkg.com/configuration/yarnrc"""
    settings = read_yaml(folder / YARNRC_YML)
    server = settings.get("npmRegistryServer")
    if server:
        yield Setting(YARNRC_YML, "registry", str(server))
    for scope, values in mapping(settings.get("npmScopes")).items():
        server = mapping(values).get("npmRegistryServer")
        if server:
            yield Setting(YARNRC_YML, f"@{scope}:registry", str(server))


def _bunfig(folder: Path) -> Iterator[Setting]:
    """https://bun.com/docs/runtime/bunfig"""
    install = mapping(read_toml(folder / BUNFIG).get("install"))
    registries = {"registry": install.get("registry")}
    for scope, value in mapping(install.get("scopes")).items():
        registries[f"@{scope.removeprefix('@')}:registry"] = value
    for key, value in registries.items():
        url = mapping(value).get("url") or value
        if url:
            yield Setting(BUNFIG, key, str(url))


def read_settings(source: Path, root: Path | None) -> Sequence[Setting]:
    """All settings of the project, and of the root of the workspace to which it belongs. Later ones win."""
    others = [*_bunfig(source), *_yarnrc(source), *(_yarnrc_yml(root) if root else ()), *_yarnrc_yml(source)]
    above = [*_npmrc(root, str(root / NPMRC))] if root else []
    # What .npmrc says about registries replaces what the other files say.
    return [*(each for each in others if each.is_registry), *_npmrc(source, NPMRC), *above]


def ignored(settings: Sequence[Setting]) -> Iterator[tuple[str, list[str]]]:
    """File and names of the settings that npm may not read."""
    found: dict[str, set[str]] = {}
    for each in settings:
        if not each.is_allowed:
            is_shown = _SHOWN.fullmatch(each.key) and "@" not in each.key.lstrip("@")
            found.setdefault(each.file, set()).add(visible(each.key) if is_shown else "a line")
    yield from ((file, sorted(names)) for file, names in found.items())


def npmrc_text(settings: Sequence[Setting]) -> str:
    """The lines that npm may read."""
    return "".join(f"{each.key}={each.value}\n" for each in settings if each.is_allowed)


def _needs(source: Path, key: str) -> bool:
    """Whether npm would ask this registry for a package. Without a lock file, it may be for any package."""
    lock = npm_lock(source)
    if lock is None:
        return any(required(read_json(source / PACKAGE)))
    packages = mapping(read_json(lock).get("packages"))
    unknown = [place for place, entry in packages.items() if MODULES in place and not mapping(entry).get("resolved")]
    scope = key.removesuffix("registry").replace(":", "/")
    return any(place.rpartition(f"{MODULES}/")[2].startswith(scope) for place in unknown)


def check_registries(source: Path, settings: Sequence[Setting], own: Callable[[str], str]) -> None:
    """Raises InjectorError if the project names a registry that npm would not use.

    ``own`` returns a setting of the caller, which also counts.
    """
    last = {each.key: each for each in settings if each.is_registry}
    for key, setting in last.items():
        if not setting.is_allowed and own(key) in _NOT_SET and _needs(source, key):
            raise InjectorError(
                f"{visible(setting.file)}: {key} is not an http or https URL without variables, so npm would ask "
                f"another registry for packages of the same names; set {key} in ~/.npmrc",
                code="CI846",
            )
