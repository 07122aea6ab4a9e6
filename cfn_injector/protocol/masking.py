"""Keeps values of variables out of answers and logs.

Takes an event, or a text that may quote its values. Returns the values that are secret, or the text without them.

AWS's errors quote input: Lambda's error for more than 4 KB of environment variables quotes all of them, and its
validation errors quote the value that is wrong. Some do so in an escaped form. So every form of a value is masked, and
what AWS quotes wholesale is removed.

A template can have a hundred thousand secret lines. So forms are made only of those that a text can contain.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"

_MIN_LENGTH = 4
"""Shorter values are not masked: they occur in many words, and to mask them would tell where."""
_NOT_SECRET = frozenset({"true", "false", "none", "null"})
_SOURCE_NAMES = frozenset({"ParameterPath", "SecretId", "Artifact", "Prefix", "Name", "VersionStage", "VersionId"})
"""What says where ``EnvFrom`` reads from. Errors name it, so it is not masked; anything else in ``EnvFrom`` is."""

_MEASURED = "String measured:"
_CUT = "AWS's message quotes the values, and is cut here."
_PATH = r"' at '[\w.\[\]-]+'"
_QUOTE_ENDS = (rf"({_PATH} failed to satisfy )", rf"({_PATH})")
"""Where AWS's quote of a value ends (``Value '...' at 'environment.variables' failed to satisfy constraint``).

The first is looked for first, because the value itself can contain what looks like the second.
"""

_CODE = re.compile(r" \[CI\d{3}\]\Z")
_PLAIN = re.compile(r"[A-Za-z0-9]+")
"""Characters that no form escapes."""
_ESCAPED = re.compile(r"%[0-9A-F]{2}")
_UNICODE = re.compile(r"(?<=\\u)[0-9a-f]{4}")
_HTML_SAFE = {ord(character): f"\\u{ord(character):04x}" for character in "<>&='"}


def _strings(value: Any) -> Iterator[str]:
    """Every scalar in a value of any depth, as text."""
    values = [value]
    while values:
        match values.pop():
            case Mapping() as items:
                values += items.values()
            case list() as items:
                values += items
            case None:
                pass
            case scalar:
                yield str(scalar)


def _values(properties: Any) -> Iterator[str]:
    if not isinstance(properties, Mapping):
        return
    yield from _strings(properties.get("Env"))
    stated = properties.get("EnvFrom")
    for source in stated if isinstance(stated, list) else [stated]:
        named = source if isinstance(source, Mapping) else {"": source}
        yield from _strings([value for name, value in named.items() if name not in _SOURCE_NAMES])
    environment = properties.get("Environment")
    yield from _strings(environment.get("Variables") if isinstance(environment, Mapping) else environment)


def _json_forms(value: str) -> Iterator[str]:
    """As JSON escapes it: ASCII alone or not, with slashes escaped, and for HTML as Java's Gson does."""
    for ensure_ascii in (True, False):
        form = json.dumps(value, ensure_ascii=ensure_ascii)[1:-1]
        for variant in (form, form.replace("/", "\\/"), form.translate(_HTML_SAFE)):
            yield variant
            yield _UNICODE.sub(lambda digits: digits.group().upper(), variant)
        yield json.dumps(form, ensure_ascii=ensure_ascii)[1:-1]  # JSON in JSON


def _forms(value: str) -> set[str]:
    """A value as messages may quote it: plain, and as JSON, Python, XML, HTML and URLs escape it."""
    forms = {value, *_json_forms(value), repr(value)[1:-1], ascii(value)[1:-1]}
    for double, single in (('"', "'"), ("&quot;", "'"), ("&quot;", "&apos;"), ("&quot;", "&#x27;"), ("&#34;", "&#39;")):
        forms.add(escape(value, quote=False).replace('"', double).replace("'", single))
    data = value.encode("utf-8", "replace")
    for form in (quote(data), quote(data, safe=""), quote_plus(data)):
        forms |= {form, _ESCAPED.sub(lambda digits: digits.group().lower(), form)}
    return forms


def _parts(value: str) -> Iterator[str]:
    """A value, and each of its lines."""
    yield value
    for line in value.splitlines():
        yield line
        yield line.strip()


def secrets_in(event: Mapping[str, Any]) -> list[str]:
    """The old and new values of ``Env``, ``EnvFrom`` and ``Environment``, and their lines, longest first.

    Values of less than four characters, blanks, and words such as ``true`` are not among them.
    """
    return maskable([*_values(event.get("ResourceProperties")), *_values(event.get("OldResourceProperties"))])


def maskable(values: Iterable[str]) -> list[str]:
    """The values to mask and their lines, longest first, without short ones, blanks, and words such as ``true``."""
    parts = {part for value in values for part in _parts(value)}
    hidden = [part for part in parts if len(part.strip()) >= _MIN_LENGTH and part.lower() not in _NOT_SECRET]
    return sorted(hidden, key=len, reverse=True)


def _keep_path(quote: re.Match[str]) -> str:
    return quote[1] + quote[2].removeprefix("'")


def _code_at_end(text: str) -> str:
    """The code of the error, with which its message ends; empty if there is none."""
    found = _CODE.search(text)
    return found.group() if found else ""


def _without_quotes(text: str) -> str:
    """The text without what AWS quotes wholesale, which can hold values that are too short to be masked."""
    before, measured, after = text.partition(_MEASURED)
    text = before + _CUT + _code_at_end(after) if measured else text
    for end in _QUOTE_ENDS:
        last = max((found.end() for found in re.finditer(end, text)), default=0)
        # Up to the last end, each quote has one, so the search takes linear time.
        text = re.sub(rf"\b(Value|value) '.*?{end}", _keep_path, text[:last], flags=re.DOTALL) + text[last:]
    return text


def masked(text: str, secrets: Sequence[str]) -> str:
    """The text without the secrets in any form, and without what AWS quotes wholesale."""
    text = _without_quotes(text)
    for secret in secrets:
        if all(found.group() in text for found in _PLAIN.finditer(secret)):
            for form in sorted(_forms(secret), key=len, reverse=True):
                text = text.replace(form, MASK)
    return text
