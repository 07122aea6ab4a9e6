"""Writes variables into the text of a `.env`.

In flow the file that the artifact was built with, as bytes, and a map of names to values; out flow the bytes
of the file to deploy. What is written is what most parsers of `.env` files read alike; ``wrapper.dotenv``
reads all of it.

``quote`` is also a boundary of security: a raw line feed in a value would set a second variable.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from cfn_injector.errors import EnvFileError
from wrapper.dotenv import BOM, Binding, ParseError, decode, parse

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
BARE = re.compile(r"[A-Za-z0-9_./:@%+,-][A-Za-z0-9_./:@%+,=-]*|")
AMISS_IN_SINGLE_QUOTES = frozenset("'\r\n")
AMISS_IN_DOUBLE_QUOTES = frozenset('"$\\`\r')
ESCAPES = {character: f"\\{character}" for character in '"$\\`'}
ESCAPED = str.maketrans(ESCAPES)
ESCAPED_LINE_ENDS_TOO = str.maketrans({**ESCAPES, "\r": "\\r", "\n": "\\n"})


def _problem(value: str) -> str | None:
    if "\0" in value:
        return "holds a NUL, which no environment variable can"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "holds a lone surrogate, which UTF-8 cannot encode"
    return None


def _encoded(value: str) -> str:
    if BARE.fullmatch(value):
        return value
    if AMISS_IN_SINGLE_QUOTES.isdisjoint(value):
        return f"'{value}'"
    if AMISS_IN_DOUBLE_QUOTES.isdisjoint(value):
        return f'"{value}"'
    if "\r" in value:
        return f'"{value.translate(ESCAPED_LINE_ENDS_TOO)}"'
    if "'" not in value:
        return f"'{value}'"
    return f'"{value.translate(ESCAPED)}"'


def _own(binding: Binding, *, followed: bool) -> str:
    """What stays of a statement of the file's own; where it is the last one, ``followed`` says if more comes.

    A line of blanks becomes an empty one, as Node.js 20 loses the names behind it. A bare value may end in CR
    where the file ends; a line feed behind it would make that CR a part of the line end.
    """
    text = binding.text.removeprefix(BOM)
    if binding.name is None and not text.strip():
        return text.lstrip(" \t")
    if text.endswith("\n") or not followed:
        return text
    if binding.value is not None and binding.value.endswith("\r") and text.endswith("\r"):
        return f"{binding.name}={_encoded(binding.value)}\n"
    return f"{text}\n"


def quote(value: str) -> str:
    """What to write behind ``NAME=`` so that ``value`` is read: bare, or in single or double quotes.

    Raises ValueError, which does not hold the value, for a NUL or a lone surrogate.
    """
    if problem := _problem(value):
        raise ValueError(f"the value {problem}")
    return _encoded(value)


def merge(original: bytes, env: Mapping[str, str], path: str = ".env") -> bytes:
    """The bytes of ``original`` with the variables of ``env`` set; ``b""`` is no file.

    A name that ``env`` holds is rewritten at its last place, its earlier duplicates go, and what the file
    does not have yet follows at its end, sorted. Everything else stays as it is, but for a byte order mark
    and for blanks in otherwise empty lines, which real parsers stumble over.

    Every line written here ends in LF, also in a file of CRLF: all parsers that read CRLF read LF, and in a
    mixed file too; shells take the CR for a part of the value, and so read at least the new lines right.

    ``path`` is the file's name for messages. Raises EnvFileError, with the line, where ``original`` cannot be
    read, and ValueError for a name that is not `[A-Za-z_][A-Za-z0-9_]*` or a value that ``quote`` refuses.
    """
    lines: dict[str | None, str] = {}
    for name in sorted(env):
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of an environment variable")
        if problem := _problem(env[name]):
            raise ValueError(f"the value of {name} {problem}")
        lines[name] = f"{name}={_encoded(env[name])}\n"
    try:
        bindings = parse(decode(original))
    except ParseError as error:
        raise EnvFileError(path, error.problem, line=error.line) from None

    last = {binding.name: index for index, binding in enumerate(bindings)}
    new = [line for name, line in lines.items() if name not in last]
    merged = []
    for index, binding in enumerate(bindings):
        if binding.name not in lines:
            merged.append(_own(binding, followed=bool(new)))
        elif last[binding.name] == index:
            merged.append(lines[binding.name])
    return "".join(merged + new).encode()
