"""Write variables into the text of a ``.env`` file.

``merge`` takes the bytes of the file that the artifact was built with, and a map of names to values. It returns the
bytes of the file to deploy, in a syntax that most parsers of ``.env`` files read alike and ``wrapper.dotenv`` reads
completely. ``merge_variables`` returns the variables of that file, too.

``quote`` is also a security boundary: a raw line feed in a value would set a second variable.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from cfn_injector.errors import EnvFileError
from wrapper.dotenv import BLANKS, BOM, Binding, ParseError, decode, parse

MAX_LINES = 20_000
"""The most lines that the artifact's own file may have: more take seconds to read at each deployment."""

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
BARE = re.compile(r"[A-Za-z0-9_./:@%+,-][A-Za-z0-9_./:@%+,=-]*|")
NOT_IN_SINGLE_QUOTES = frozenset("'\r\n")
NOT_IN_DOUBLE_QUOTES = frozenset('"$\\`\r')
ESCAPES = {character: f"\\{character}" for character in '"$\\`'}
ESCAPED = str.maketrans(ESCAPES)
ESCAPED_LINE_ENDS_TOO = str.maketrans({**ESCAPES, "\r": "\\r", "\n": "\\n"})
INDENTS = tuple(BLANKS)
IN_QUOTES = re.compile(r"""(?:'[^']*'|`[^`]*`|"(?:[^"\\]|\\.)*")""", re.DOTALL)


class Merged(NamedTuple):
    """The bytes of a file, and the variables that it sets, in its order. The values are secret."""

    data: bytes
    variables: Mapping[str, str]


def _problem(value: str) -> str | None:
    if "\0" in value:
        return "contains a NUL, which an environment variable cannot contain"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "contains a lone surrogate, which UTF-8 cannot encode"
    return None


def _encoded(value: str) -> str:
    if BARE.fullmatch(value):
        return value
    if NOT_IN_SINGLE_QUOTES.isdisjoint(value):
        return f"'{value}'"
    if NOT_IN_DOUBLE_QUOTES.isdisjoint(value):
        return f'"{value}"'
    if "\r" in value or {"'", '"', "\n"} <= set(value):  # Node.js reads lines after \" as variables
        return f'"{value.translate(ESCAPED_LINE_ENDS_TOO)}"'
    if "'" not in value:
        return f"'{value}'"
    return f'"{value.translate(ESCAPED)}"'


class _Parts(NamedTuple):
    """An assignment: the text before ``=``, the blanks after it, the value as it is written, and the rest."""

    left: str
    blanks: str
    value: str
    rest: str


def _parts(binding: Binding) -> _Parts:
    left, _, right = binding.text.removeprefix(BOM).partition("=")
    body = right.lstrip(BLANKS)
    value, quoted = binding.value or "", IN_QUOTES.match(body)
    if quoted and not (body.startswith("`") and value.startswith("`")):
        value = quoted[0]
    return _Parts(left, right[: len(right) - len(body)], value, body[len(value) :])


def _needs_other_quotes(binding: Binding, written: str) -> bool:
    """Whether a quote inside the value ends it in some parsers, so that they read the rest as other statements."""
    spills = written.startswith('"') and "\n" in written and '"' in (binding.value or "")
    return spills or written.startswith("`")


def misread_by_node(binding: Binding) -> str | None:
    """How the parser of Node.js misreads a statement in a way that changes names or other statements.

    Node.js 20 reads tabs, blanks before a comment and a second blank after ``export`` as characters, and a comment that
    ends the file as a statement. Node.js 22, 24 and 26 skip line ends after ``=`` and a blank, and need a value after
    ``export NAME=``. None of them knows ``\\"``, and all close a backtick at the next one.
    """
    text = binding.text.removeprefix(BOM)
    if binding.name is None:
        if "=" in text and not text.endswith("\n"):
            return "is a comment without a line end, and Node.js 20 reads it as a variable"
        if not text.startswith(INDENTS):
            return None
        if not text.strip():
            return "contains only blanks, and Node.js 20 drops the names that follow"
        return "is an indented comment, and Node.js 20 reads it as part of the next name"
    left, blanks, value, rest = _parts(binding)
    empty = not value and not rest.strip()
    if empty and (blanks or rest.startswith(INDENTS)):
        return "has only blanks after its =, and Node.js 22 and later read the next line as its value"
    if empty and left.strip(BLANKS) != binding.name:
        return "exports an empty value, and Node.js 22 and later read export as part of the name"
    if "\t" in left or left.lstrip().startswith("export  "):
        return "has a tab or a second blank around its name, and Node.js 20 reads it as part of the name"
    if "\t" in blanks or (value == binding.value and "\t" in rest.partition("#")[0]):
        return "has a tab around its value, and Node.js 20 reads it as part of the value"
    if not _needs_other_quotes(binding, value):
        return None
    if value.startswith("`"):
        return "has a value that starts with a backtick, which only Node.js and dotenv read as a quote"
    return 'has \\" in a value of several lines, and Node.js reads the lines after it as variables'


def _respelled(binding: Binding) -> str:
    """A statement that Node.js misreads, spelled so that it and the other parsers read what ``wrapper`` reads."""
    if binding.name is None or binding.value is None:
        text = binding.text.removeprefix(BOM).lstrip(BLANKS)
        return f"{text}\n" if "=" in text and not text.endswith("\n") else text
    left, _, value, rest = _parts(binding)
    export = "" if left.strip(BLANKS) == binding.name else "export "
    if _needs_other_quotes(binding, value):
        value = _encoded(binding.value)
    behind = rest.lstrip(BLANKS)
    if behind.startswith("#"):
        behind = f" {behind}"
    elif export and not value:
        value = "''"
    return f"{export}{binding.name}={value}{behind}"


def _own(binding: Binding, *, followed: bool) -> str:
    """The text of a statement that is kept. ``followed``: new lines are added at the end of the file.

    At the end of the file, an unquoted value may end in CR; a line feed after it would make that CR a part of the line
    end.
    """
    text = _respelled(binding) if misread_by_node(binding) else binding.text.removeprefix(BOM)
    if not text or text.endswith("\n") or not followed:
        return text
    if binding.value is not None and binding.value.endswith("\r") and text.endswith("\r"):
        return f"{binding.name}={_encoded(binding.value)}\n"
    return f"{text}\n"


def quote(value: str) -> str:
    """The text to write after ``NAME=`` for ``value``: unquoted, or in single or double quotes.

    Raises ValueError for a NUL or a lone surrogate; its message does not contain the value.
    """
    if problem := _problem(value):
        raise ValueError(f"the value {problem}")
    return _encoded(value)


def merge(original: bytes, env: Mapping[str, str], path: str = ".env") -> bytes:
    """The bytes of the file that ``merge_variables`` describes."""
    return merge_variables(original, env, path).data


def merge_variables(original: bytes, env: Mapping[str, str], path: str = ".env") -> Merged:
    """``original`` with the variables of ``env`` set. If there is no file, ``original`` is ``b""``.

    A name that is in ``env`` is rewritten at its last position, and its earlier duplicates are removed. Names that the
    file does not have yet are added at its end, sorted. Everything else is kept, apart from a byte order mark and from
    statements that ``misread_by_node`` finds, which are spelled so that all parsers read them alike.

    Each new line ends in LF, even in a file with CRLF. All parsers that read CRLF also read LF, and mixtures of both.
    Shells treat the CR as a part of the value, so that they read at least the new lines correctly.

    ``path`` is the file's name for messages. Raises EnvFileError, with the line, if ``original`` cannot be parsed, and
    without it if there are more than ``MAX_LINES`` lines. Raises ValueError for a name that does not match
    ``[A-Za-z_][A-Za-z0-9_]*`` or a value that ``quote`` refuses.
    """
    lines: dict[str, str] = {}
    for name in sorted(env):
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a valid variable name")
        if problem := _problem(env[name]):
            raise ValueError(f"the value of {name} {problem}")
        lines[name] = f"{name}={_encoded(env[name])}\n"
    if original.count(b"\n") > MAX_LINES:
        raise EnvFileError(path, f"has more than {MAX_LINES:,} lines", code="CI320")
    try:
        bindings = parse(decode(original))
    except ParseError as error:
        raise EnvFileError(path, error.problem, line=error.line, code=error.code) from None

    last = {binding.name: index for index, binding in enumerate(bindings)}
    new = [name for name in lines if name not in last]
    merged, variables = list[str](), dict[str, str]()
    for index, binding in enumerate(bindings):
        if binding.name is None or binding.name not in env:
            merged.append(_own(binding, followed=bool(new)))
        elif last[binding.name] == index:
            merged.append(lines[binding.name])
        else:
            continue
        if binding.name is not None:
            variables[binding.name] = env.get(binding.name, binding.value or "")
    merged += (lines[name] for name in new)
    return Merged("".join(merged).encode(), {**variables, **{name: env[name] for name in new}})
