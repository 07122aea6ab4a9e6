"""Reads the indexes in pip's settings, for uv.

Takes the files and variables of https://pip.pypa.io/en/stable/topics/configuration/. Returns variables and options for
uv, which does not read them. Whoever names an index in pip's settings alone would otherwise get packages of the same
names from PyPI. An index in uv's own settings replaces all of this.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from configparser import ConfigParser
from configparser import Error as ConfigError
from pathlib import Path

from cfn_injector.cli.bundling.python_project import toml
from cfn_injector.cli.bundling.python_sources import UV_INDEX_KEYS
from cfn_injector.errors import InjectorError

_UV_VARIABLES = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
# A later section replaces an earlier one. Both "pip install" and "pip download" read these.
_SECTIONS = ("global", "install", "download")


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME", "~")).expanduser()


def _configuration(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("XDG_CONFIG_HOME") or _home(environ) / ".config")


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    """pip's files in its order: a later one replaces an earlier one."""
    named = environ.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return
    for folder in environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(os.pathsep):
        yield Path(folder) / "pip" / "pip.conf"
    yield Path("/etc/pip.conf")
    yield _home(environ) / ".pip" / "pip.conf"
    yield _configuration(environ) / "pip" / "pip.conf"
    yield Path(sys.prefix) / "pip.conf"
    if Path(named).is_absolute():
        yield Path(named)


def _settings(environ: Mapping[str, str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for path in _files(environ):
        parser = ConfigParser(interpolation=None)
        try:
            parser.read(path, "utf-8")
        except (ConfigError, UnicodeDecodeError) as error:
            raise InjectorError(
                f"cannot read pip's settings in {path}; correct them, or set UV_INDEX_URL", code="CI829"
            ) from error
        for section in _SECTIONS:
            if parser.has_section(section):
                found.update({key.replace("_", "-"): value for key, value in parser.items(section)})
    variables = {key: f"PIP_{key.upper().replace('-', '_')}" for key in UV_INDEX_KEYS if key != "index"}
    return {**found, **{key: environ[name] for key, name in variables.items() if name in environ}}


def _uv_has_indexes(environ: Mapping[str, str]) -> bool:
    if any(environ.get(name) for name in _UV_VARIABLES):
        return True
    user = _configuration(environ) / "uv" / "uv.toml"
    named = environ.get("UV_CONFIG_FILE", "")
    files = (Path(named),) if named else (user, Path("/etc/uv/uv.toml"))
    return any(toml(path).keys() & set(UV_INDEX_KEYS) for path in files)


def indexes_for_uv(environ: Mapping[str, str] = os.environ) -> tuple[Mapping[str, str], Sequence[str]]:
    """Variables and options that tell uv the indexes of pip's settings; none if uv's own settings name an index."""
    if _uv_has_indexes(environ):
        return {}, ()
    found, told = _settings(environ), {}
    for key, separator in (("index-url", " "), ("extra-index-url", " "), ("find-links", ",")):
        words = found.get(key, "").split()
        if words:
            told[f"UV_{key.upper().replace('-', '_')}"] = separator.join(words)
    if "UV_EXTRA_INDEX_URL" in told and "UV_INDEX_STRATEGY" not in environ:
        told["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # pip takes the highest version of all indexes
    has_no_index = found.get("no-index", "").lower() in ("1", "true", "yes", "on", "y", "t")
    return told, ("--no-index",) if has_no_index else ()
