"""What an archive, or a deployed function, consists of: its code, its loader and its variables.

Takes a source, or a location. Returns ``Contents``. Only the central directory and the ``.env`` file are read: the
directory holds the CRC of every file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from zlib import crc32

from cfn_injector.archive import Directory, entry_name, extract, plain, read_directory
from cfn_injector.cli import addresses
from cfn_injector.cli.aws_options import Clients
from cfn_injector.cli.display import archive_named, shown
from cfn_injector.cli.sources import opened
from cfn_injector.env_loader import EXEC_WRAPPER, FOLDER, RECORDS
from cfn_injector.errors import EnvFileError
from cfn_injector.injection import Source
from wrapper.dotenv import ParseError, decode, parse

_PERMISSIONS = 0o777
_IMAGE = "container image"


class File(NamedTuple):
    """CRC-32 and size (in bytes) of the unpacked content, and the permissions."""

    crc: int
    size: int
    mode: int


@dataclass(frozen=True)
class Contents:
    """``code`` and ``loader`` map names to files; the loader is what an injection added beside the variables.

    The code of a container image is one entry, which stands for its digest.

    ``env`` maps the variables in the ``.env`` file to their values, and ``environment`` those in the function's
    configuration; values are secrets.
    """

    place: str
    code: Mapping[str, File] = field(repr=False)
    loader: Mapping[str, File] = field(repr=False)
    env: Mapping[str, str] = field(repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


def _variables(directory: Directory, source: Source, path: str) -> dict[str, str]:
    """The variables in the file ``path``; empty if it does not exist. Raises EnvFileError."""
    index = directory.names.find(entry_name(path))
    if index is None:
        return {}
    try:
        bindings = parse(decode(extract(directory.entry(index), source.read).data))
    except ParseError as error:
        raise EnvFileError(path, error.problem, line=error.line, code=error.code) from None
    return {each.name: each.value for each in bindings if each.name is not None and each.value is not None}


def contents_of(source: Source, path: str, place: str) -> Contents:
    """What an archive consists of. Raises ArtifactError and EnvFileError."""
    directory = read_directory(source.read, source.size)
    code, loader = dict[str, File](), dict[str, File]()
    variables, folder = (entry_name(path), RECORDS.encode()), f"{FOLDER}/".encode()
    for entry in directory.entries():
        name = plain(entry.name)
        if name in variables:
            continue
        files = loader if name.startswith(folder) else code
        files[entry.display_name] = File(entry.crc, entry.size, entry.mode & _PERMISSIONS)
    return Contents(place, code, loader, _variables(directory, source, path))


def _archive_at(location: str, path: str, clients: Clients, place: str) -> Contents:
    with archive_named(place), opened(location, clients, place) as source:
        return contents_of(source, path, place)


def contents_at(location: str, path: str, clients: Clients) -> Contents:
    """What the archive or the deployed function at a location consists of. Raises InjectorError."""
    place = shown(location)
    if not addresses.is_address(location):
        return _archive_at(location, path, clients, place)
    function = addresses.deployed(location, clients)
    environment = {name: value for name, value in function.environment.items() if name != EXEC_WRAPPER}
    if function.image:
        return Contents(place, {_IMAGE: File(crc32(function.image.encode()), 0, 0)}, {}, {}, environment)
    return replace(_archive_at(function.code_url, path, clients, place), environment=environment)
