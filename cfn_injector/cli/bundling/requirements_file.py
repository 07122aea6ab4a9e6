"""Reads requirements files, and refuses what would build or run code.

Takes a requirements file of the project. Returns lines for uv or pip, which never read the file itself.

    a file, and the files that it includes (-r, -c) -> logical lines -> checked -> requirements, constraints, options

A line is accepted if it is a requirement by name, a wheel, or one of the options below. Everything else is refused
before anything is installed: a folder, a repository or a source distribution would be built, and an option such as
``--no-binary`` would allow that. No message quotes a URL, which may contain a password.
The format: https://pip.pypa.io/en/stable/reference/requirements-file-format/
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from cfn_injector.cli.display import visible
from cfn_injector.cli.tools import cli_extra
from cfn_injector.errors import InjectorError

_COMMENT = re.compile(r"(^|\s+)#.*$")
_OPTION = re.compile(r"--?[A-Za-z][A-Za-z-]*")
_HASH = re.compile(r"--hash[= ][a-z0-9]+:[A-Fa-f0-9]+")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_BARE = re.compile(r"(?P<place>[^\s;\[\]]+?)(?P<extras>\[[\w\s,.-]*\])?(\s*;\s*(?P<marker>.+))?")
_BUILD_IT = "build one, and require the wheel"


@dataclass
class Requirements:
    """Checked lines for a requirements file and for a constraints file."""

    lines: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _File:
    """A file that is being read. ``numbered`` is false if people cannot see its lines."""

    root: Path
    path: Path
    label: str
    numbered: bool
    lines: list[str]
    is_constraints: bool
    result: Requirements
    seen: frozenset[Path]
    placed: Callable[[str], str]

    def error(self, number: int, problem: str, *, code: str) -> InjectorError:
        place = f"{visible(self.label)}, line {number}" if self.numbered else visible(self.label)
        return InjectorError(f"{place}: {problem}", code=code)


def _one_word(file: _File, number: int, value: str) -> str:
    """The value, if it cannot end a word of the line that is written. Raises InjectorError otherwise."""
    if not value or re.search(r"[\s\"'\\]", value):
        raise file.error(number, "a path or URL contains a space or a quotation mark; rename it", code="CI822")
    return value


def _inside(file: _File, number: int, text: str, base: Path) -> Path:
    """The path in the source. Raises InjectorError if it is a URL or leads out of the source."""
    if _URL.match(text) or "\\" in text:
        raise file.error(
            number, "only a path in the source is allowed here; copy the file into the source", code="CI822"
        )
    path = (base / text).resolve()
    if not path.is_relative_to(file.root.resolve()):
        raise file.error(number, "the path leads out of the source; copy the file into the source", code="CI822")
    return path


def _include(file: _File, number: int, value: str, *, constraints: bool) -> None:
    path = _inside(file, number, value, file.path.parent)
    if path in file.seen:
        return
    label = path.relative_to(file.root.resolve()).as_posix()
    if not path.is_file():
        raise file.error(number, f"{visible(label)} does not exist; correct it", code="CI822")
    constrains = constraints or file.is_constraints
    lines = file.result.constraints if constrains else file.result.lines
    seen = file.seen | {path}
    _read(replace(file, path=path, label=label, numbered=True, lines=lines, is_constraints=constrains, seen=seen))


def _index(file: _File, number: int, option: str, value: str) -> None:
    if urlsplit(value).scheme not in ("https", "http"):
        raise file.error(
            number, f"{option} is not an http or https URL; use a URL, or --find-links with a folder", code="CI823"
        )
    file.result.lines.append(f"{option} {_one_word(file, number, value)}")


def _find_links(file: _File, number: int, value: str) -> None:
    if urlsplit(value).scheme not in ("https", "http"):
        beside = file.path.parent / value
        path = _inside(file, number, value, beside.parent if beside.exists() else file.root)
        path = path if path.exists() else _inside(file, number, value, file.root)
        value = path.relative_to(file.root.resolve()).as_posix()
    file.result.lines.append(f"--find-links {_one_word(file, number, value)}")


def _only_binary(file: _File, number: int, value: str) -> None:
    if not re.fullmatch(r"[\w.,:-]+", value) or ":none:" in value:
        raise file.error(number, "--only-binary would allow to build a package; remove it", code="CI824")


_VALUES: Mapping[str, Callable[[_File, int, str], None]] = {
    "--requirement": lambda file, number, value: _include(file, number, value, constraints=False),
    "--constraint": lambda file, number, value: _include(file, number, value, constraints=True),
    "--index-url": lambda file, number, value: _index(file, number, "--index-url", value),
    "--extra-index-url": lambda file, number, value: _index(file, number, "--extra-index-url", value),
    "--find-links": _find_links,
    "--only-binary": _only_binary,
}
_FLAGS = ("--no-index", "--pre", "--prefer-binary", "--require-hashes")
_SHORT = {"-r": "--requirement", "-c": "--constraint", "-i": "--index-url", "-f": "--find-links"}


def _options(file: _File, number: int, line: str) -> None:
    try:
        words = shlex.split(line)
    except ValueError:
        raise file.error(number, "the line is not valid; correct it", code="CI815") from None
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=") if word.startswith("--") else (word[:2], "", word[2:])
        name = _SHORT.get(name, name)
        if name in _FLAGS and not value and not equals:
            file.result.lines.append(name)
        elif name in _VALUES:
            if not equals and not value:
                if not words:
                    raise file.error(number, f"{name} has no value; add one", code="CI815")
                value = words.pop(0)
            _VALUES[name](file, number, value)
        elif name in ("-e", "--editable"):
            source = visible(value or (words[0] if words else ""))
            what = "a repository" if _URL.match(source) else source
            raise file.error(number, f"{what} is not a wheel; {_BUILD_IT}", code="CI821")
        else:
            shown = name if _OPTION.fullmatch(name) else "this option"
            raise file.error(number, f"{shown} is not allowed, because it could run code; remove it", code="CI824")


def _check_wheel(file: _File, number: int, place: str) -> str:
    """The place of a wheel, as uv and pip take it. Raises InjectorError if it is not a wheel."""
    parts = urlsplit(place)
    what = "a URL" if _URL.match(place) and parts.scheme != "file" else visible(place)
    if "+" in parts.scheme or parts.scheme in ("git", "ssh"):
        what = "a repository"
    if PurePosixPath(unquote(parts.path)).suffix != ".whl":
        raise file.error(number, f"{what} is not a wheel; {_BUILD_IT}", code="CI821")
    if parts.scheme in ("https", "http"):
        return _one_word(file, number, place)
    if parts.scheme not in ("", "file") or parts.netloc:
        raise file.error(number, f"{what} is not a wheel; {_BUILD_IT}", code="CI821")
    path = _inside(file, number, unquote(parts.path), file.root)
    if not path.is_file():
        raise file.error(number, f"{what} does not exist; correct it", code="CI822")
    return _one_word(file, number, f"./{path.relative_to(file.root.resolve()).as_posix()}")


def _requirement(file: _File, number: int, text: str) -> str:
    """The text of a requirement, if it is one by name or a wheel."""
    with cli_extra():
        from packaging.markers import InvalidMarker, Marker
        from packaging.requirements import InvalidRequirement, Requirement
    try:
        parsed = Requirement(text)
    except InvalidRequirement:
        bare = _BARE.fullmatch(text)
        if not bare or not ("/" in text or _URL.match(text) or bare["place"].endswith(".whl") or text[0] == "."):
            raise file.error(
                number, f"the line is not a valid requirement; correct {visible(file.label)}", code="CI815"
            ) from None
        try:
            marker = f" ; {Marker(bare['marker'])}" if bare["marker"] else ""
        except InvalidMarker:
            raise file.error(
                number, f"the line is not a valid requirement; correct {visible(file.label)}", code="CI815"
            ) from None
        return f"{_check_wheel(file, number, bare['place'])}{bare['extras'] or ''}{marker}"
    if parsed.url is None:
        return text
    place = _check_wheel(file, number, parsed.url)
    marker = f" ; {parsed.marker}" if parsed.marker else ""
    extras = f"[{','.join(sorted(parsed.extras))}]" if parsed.extras else ""
    return f"{place}{extras}{marker}" if place.startswith("./") else f"{parsed.name}{extras} @ {place}{marker}"


def _line(file: _File, number: int, line: str) -> None:
    if "${" in line:
        problem = "the line contains an environment variable, which is not passed on"
        raise file.error(number, f"{problem}; set UV_INDEX_URL or PIP_INDEX_URL instead", code="CI825")
    if not line.isprintable():
        raise file.error(number, "the line contains a control character; correct it", code="CI815")
    if line.startswith("-"):
        _options(file, number, line)
        return
    text, *options = re.split(r"\s+(?=-)", line)
    for option in options:
        if not _HASH.fullmatch(option):
            found = _OPTION.match(option)
            shown = found[0] if found else "this option"
            raise file.error(number, f"{shown} is not allowed, because it could run code; remove it", code="CI824")
    if not options and not file.is_constraints:  # a digest keeps another package of that name out
        text = file.placed(text)
    file.lines.append(" ".join([_requirement(file, number, text), *options]))


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments, and with the lines that a backslash continues; with the number of the first line."""
    first, parts = 0, ""
    for number, each in enumerate(text.replace("\t", " ").splitlines(), start=1):
        first = first or number
        is_comment = each.lstrip().startswith("#")
        if each.endswith("\\") and not is_comment:
            parts += each[:-1]
            continue
        line = _COMMENT.sub("", parts + (" " if is_comment else "") + each).strip()
        if line:
            yield first, line
        first, parts = 0, ""
    if parts.strip():
        yield first, _COMMENT.sub("", parts).strip()


def _read(file: _File) -> None:
    try:
        text = file.path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InjectorError(f"cannot read {visible(file.label)}; write it in UTF-8", code="CI814") from error
    for number, line in _logical_lines(text):
        _line(file, number, line)


def checked(root: Path, lines: Iterable[str], label: str) -> list[str]:
    """The lines, if each is a requirement by name or a wheel in ``root``. Raises InjectorError otherwise."""
    result = Requirements()
    file = _File(root, root, label, False, result.lines, True, result, frozenset(), str)
    for line in lines:
        if line.startswith("-") or "\n" in line:
            raise file.error(0, "a dependency is not a valid requirement; correct it", code="CI815")
        _line(file, 0, line)
    return result.lines


def read(
    root: Path,
    path: Path,
    *,
    label: str,
    numbered: bool = True,
    options: Iterable[str] = (),
    placed: Callable[[str], str] = str,
) -> Requirements:
    """Read and check a requirements file.

    ``root`` is the folder that no path may leave. ``options`` are lines of options from the settings for uv,
    which are checked, too. ``label`` names the file in messages. ``placed`` returns a requirement with the place that
    the project names for it. Raises InjectorError that names the file and the line.
    """
    result = Requirements()
    file = _File(root, path, label, numbered, result.lines, False, result, frozenset({path.resolve()}), placed)
    _read(file)
    settings = replace(file, label="the source's settings for uv", numbered=False)
    own_index = any(line.startswith("--index-url ") for line in result.lines)
    for line in options:
        if not (own_index and line.startswith("--index-url ")):
            _line(settings, 0, line)
    return result
