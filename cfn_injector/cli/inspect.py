"""``inspect``: show what an archive holds, and warn about what an injection or Lambda would do with it.

Reads only the central directory and the ``.env``. Values are shown only on request.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from heapq import nlargest

from cfn_injector.archive import Directory, Entry, Segment, entry_name, extract, plain, read_directory
from cfn_injector.cli import advice
from cfn_injector.cli.aws_options import JSON, add_aws, add_format, clients
from cfn_injector.cli.display import archive_named, entry_path, shown, visible
from cfn_injector.cli.sources import opened
from cfn_injector.env_properties import DEFAULT_ENV_FILE
from cfn_injector.errors import ArtifactError, EnvFileError
from cfn_injector.injection import Source, inject
from wrapper.dotenv import Binding, ParseError, decode, parse

HELP = "show the .env file of an archive and its sizes, and warn about problems for Lambda and .env parsers"

_LARGEST = 5
_MASK = "***"


@dataclass(frozen=True)
class EnvFile:
    """The file of variables; ``bindings`` is None if it cannot be read."""

    entry: Entry
    bindings: Sequence[Binding] | None = field(repr=False)

    @property
    def values(self) -> dict[str, str]:
        found = self.bindings or ()
        return {each.name: each.value for each in found if each.name is not None and each.value is not None}


@dataclass(frozen=True)
class Found:
    """What an archive holds. Sizes are in bytes; those of files are unpacked. ``notes`` are not about problems."""

    size: int
    entries: int
    unpacked: int
    largest: Sequence[tuple[int, str]]
    env_file: EnvFile | None
    warnings: Sequence[str]
    notes: Sequence[str]


class _Nowhere:
    """A destination that writes nothing."""

    def assemble(self, source: Source, segments: Sequence[Segment]) -> None:
        return None


def _env_file(directory: Directory, path: str, source: Source) -> EnvFile | None:
    """The file of that name, with or without a leading ``./``."""
    name = entry_name(path)
    index = directory.names.find(name)
    if index is None:
        return None
    entry = directory.entry(index)
    bindings = None
    if plain(entry.name) == name:
        with suppress(ArtifactError, ParseError):  # _refusal reports the reason
            bindings = parse(decode(extract(entry, source.read).data))
    return EnvFile(entry, bindings)


def _refusal(source: Source, path: str) -> Iterator[str]:
    """Why an injection would fail; found by injecting no variables into no destination."""
    try:
        inject(source, _Nowhere(), {}, path=path)
    except (ArtifactError, EnvFileError) as error:
        yield f"variables cannot be injected: {error.full_message}"


def _notes(directory: Directory, size: int, path: str) -> Iterator[str]:
    if size > advice.DIRECT_UPLOAD:
        yield f"an archive over {advice.DIRECT_UPLOAD} bytes must be uploaded to Lambda through S3"
    if directory.layout.trailing:
        yield f"{directory.layout.trailing} bytes follow the end of the archive, and an injection leaves them out"
    if directory.names.find(entry_name(path)) is None:
        for name, index in dict(directory.names.items()).items():  # an alias may be the name itself
            if name.rpartition(b"/")[2].startswith(b".env") and directory.entry(index).is_file:
                yield f"the archive also holds {visible(directory.entry(index).display_name)}"


def look(source: Source, path: str = DEFAULT_ENV_FILE) -> Found:
    """What the archive holds. Raises ArtifactError if its central directory cannot be read."""
    directory = read_directory(source.read, source.size)
    env_file = _env_file(directory, path, source)
    bindings = (env_file.bindings if env_file else None) or ()
    files = (entry for entry in directory.entries() if entry.is_file)
    warnings = [
        *_refusal(source, path),
        *advice.on_size(directory.unpacked),
        *advice.on_permissions(directory),
        *advice.on_entries(directory),
        *advice.on_names(dict.fromkeys(each.name for each in bindings if each.name is not None)),
        *advice.on_readers(path, bindings),
    ]
    return Found(
        size=source.size,
        entries=directory.layout.entries,
        unpacked=directory.unpacked,
        largest=[
            (file.size, visible(file.display_name)) for file in nlargest(_LARGEST, files, key=lambda file: file.size)
        ],
        env_file=env_file,
        warnings=warnings,
        notes=list(_notes(directory, source.size, path)),
    )


def _as_json(place: str, found: Found, *, show_values: bool) -> str:
    env_file: dict[str, object] | None = None
    if found.env_file:
        entry, values = found.env_file.entry, found.env_file.values
        names = list(values) if show_values else list(map(advice.shown_name, values))
        env_file = {"name": entry.display_name, "size": entry.size, "names": names}
        if show_values:
            env_file["values"] = values
    facts = {"input": place, "size": found.size, "entries": found.entries, "unpacked": found.unpacked}
    largest = [{"name": name, "size": size} for size, name in found.largest]
    problems = {"warnings": found.warnings, "notes": found.notes}
    return json.dumps({**facts, "largest": largest, "env_file": env_file, **problems})


def _as_text(place: str, found: Found, path: str, *, show_values: bool) -> Iterator[str]:
    yield f"{place}  {found.size} bytes  {found.entries} entries  {found.unpacked} bytes unpacked"
    yield from (f"  {size:>12}  {name}" for size, name in found.largest)
    if found.env_file is None:
        yield f"{visible(path)}  none"
    elif found.env_file.bindings is None:
        yield f"{visible(found.env_file.entry.display_name)}  cannot be read"
    else:
        values = found.env_file.values
        yield f"{visible(found.env_file.entry.display_name)}  {len(values)} variables"
        for name, value in values.items():
            yield f"  {visible(name)}={visible(value)}" if show_values else f"  {advice.shown_name(name)}={_MASK}"
    yield from (f"warning: {warning}" for warning in found.warnings)
    yield from (f"note: {note}" for note in found.notes)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "input", metavar="IN", help="the archive: a path, an s3 URL, or any other URL that smart_open reads"
    )
    parser.add_argument(
        "--path", default=DEFAULT_ENV_FILE, metavar="PATH", help="the file in the archive (default: %(default)s)"
    )
    parser.add_argument("--show-values", action="store_true", help="show the values, which are secrets")
    add_format(parser)
    add_aws(parser)


def run(arguments: argparse.Namespace) -> str:
    path = entry_path(arguments.path)
    with archive_named(arguments.input), opened(arguments.input, clients(arguments)) as source:
        found = look(source, path)
    place = shown(arguments.input)
    if arguments.output == JSON:
        return _as_json(place, found, show_values=arguments.show_values)
    return "\n".join(_as_text(place, found, path, show_values=arguments.show_values))
