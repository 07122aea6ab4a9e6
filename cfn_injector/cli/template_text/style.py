"""Writes values of templates in the style of a text: takes plain data, returns JSON or YAML without its indentation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from cfn_injector.cli.template_text.nodes import Document, Entry, Kind, Node

_PLAIN = re.compile(r"[A-Za-z./_$][\w./+@=*$-]*(?:(?: |:+)[\w./+@=*$-]+)*", re.ASCII)
# What YAML 1.1 or 1.2 reads as something other than text.
_WORDS = re.compile(r"y|yes|n|no|on|off|true|false|null|\.inf|\.nan|[.\d_+-]+(e[+-]?\d+)?", re.IGNORECASE)
_EXPONENT = re.compile(r"^(-?\d+)e")
_LONGEST_FLOW = 80


class Style(NamedTuple):
    """How a text is written.

    ``unit`` is one level of indentation. ``dash`` is how far a YAML list is indented below its key. ``is_short`` says
    that functions have their short forms. ``colon`` and ``comma`` separate in JSON on one line.
    """

    newline: str
    unit: str
    dash: str = ""
    quote: str = '"'
    is_short: bool = True
    colon: str = ": "
    comma: str = ", "
    is_ascii: bool = False


class Written(NamedTuple):
    """A value in block style: what stands behind the key or the dash, and the lines below it.

    Behind a key, the lines are indented by ``indent``.
    """

    head: str
    lines: Sequence[str] = ()
    indent: str = ""


def column(text: str, offset: int) -> int:
    """How many characters stand before the offset in its line."""
    return offset - line_start(text, offset)


def line_start(text: str, offset: int) -> int:
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def is_first_in_line(text: str, offset: int) -> bool:
    return not text[line_start(text, offset) : offset].strip("\ufeff \t")


def _nodes(node: Node, above: Entry | None = None) -> Iterator[tuple[Entry | None, Node]]:
    yield above, node
    for entry in node.entries:
        yield from _nodes(entry.node, entry)


def style_of(document: Document) -> Style:
    """The style of a document; where it shows none, that of AWS's examples."""
    text = document.text
    newline = "\r\n" if "\r\n" in text else "\n"
    if document.is_json:
        indented = re.search(r"[\r\n]([ \t]+)\S", text)
        colon = ": " if re.search(r'"\s*: ', text) else ":"
        unit = indented[1] if indented else ""
        return Style(newline, unit, colon=colon, comma=", " if colon == ": " else ",", is_ascii=text.isascii())
    found = list(_nodes(document.root))
    blocks = [
        (each.kind, column(text, each.entries[0].start) - column(text, above.start))
        for above, each in found
        if above and isinstance(above.key, str) and each.entries and not (each.is_flow or each.tag)
    ]
    units = [width for kind, width in blocks if kind is Kind.MAPPING and width > 0]
    dashes = [
        column(text, each.start) - column(text, above.start)
        for above, each in found
        if above and isinstance(above.key, str) and each.kind is Kind.SEQUENCE and not (each.is_flow or each.tag)
    ]
    quotes = [text[each.start] for _, each in found if each.kind is Kind.SCALAR and each.end > each.start]
    tags = any(each.tag for _, each in found)
    functions = any(isinstance(each.data, dict) and function_of(each.data) and not each.tag for _, each in found)
    unit = " " * (units[0] if units else 2)
    return Style(
        newline,
        unit,
        dash=" " * (dashes[0] if dashes and dashes[0] >= 0 else len(unit)),
        quote="'" if quotes.count("'") > quotes.count('"') else '"',
        is_short=tags or not functions,
    )


def json_text(value: Any, style: Style, prefix: str | None) -> str:
    """JSON, on several lines if ``prefix`` is not None: the indentation of the line that it stands in."""
    if prefix is None or not style.unit:
        return json.dumps(value, separators=(style.comma, style.colon), ensure_ascii=style.is_ascii)
    lines = json.dumps(value, indent=style.unit, separators=(",", style.colon), ensure_ascii=style.is_ascii)
    return lines.replace("\n", style.newline + prefix)


def function_of(value: dict[str, Any]) -> str | None:
    """The function that a value calls, if it has a short form. A Condition is none: it may be a member of a policy."""
    name = next(iter(value)) if len(value) == 1 else ""
    return name if name == "Ref" or re.fullmatch(r"Fn::\w+", name) else None


def _escaped(character: str) -> str:
    if character.isprintable() and character not in '"\\':
        return character
    number = ord(character)
    return f"\\U{number:08x}" if number > 0xFFFF else json.dumps(character)[1:-1].replace("\x7f", "\\u007f")


def _text(text: str, style: Style) -> str:
    if _PLAIN.fullmatch(text) and not _WORDS.fullmatch(text):
        return text
    if style.quote == "'" and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(map(_escaped, text)) + '"'


def scalar(value: Any, style: Style) -> str:
    """A scalar in YAML, which reads the same in a block, in a flow, and as a key."""
    if isinstance(value, str):
        return _text(value, style)
    if isinstance(value, float):
        spelled = {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(repr(value), repr(value))
        return _EXPONENT.sub(r"\1.0e", spelled)
    return json.dumps(value)


def _short(value: Any, style: Style) -> tuple[str, Any] | None:
    """The tag and the argument of a function in its short form, or None if it has to be in its long form.

    A mapping behind a tag would be another function, which CloudFormation does not accept there.
    """
    name = function_of(value) if isinstance(value, dict) and style.is_short else None
    if not name:
        return None
    tag, argument = "!" + name.removeprefix("Fn::"), value[name]
    if name == "Fn::GetAtt" and isinstance(argument, list):
        is_plain = len(argument) == 2 and all(isinstance(each, str) for each in argument) and "." not in argument[0]
        return (tag, ".".join(argument)) if is_plain else (tag, argument)
    if isinstance(argument, list):
        return tag, argument
    return (tag, argument) if isinstance(argument, str) and name != "Fn::GetAtt" else None


def flow(value: Any, style: Style) -> str:
    """YAML on one line."""
    short = _short(value, style)
    if short:
        return f"{short[0]} {flow(short[1], style)}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(key, style)}: {flow(each, style)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(partial(flow, style=style), value)) + "]"
    return scalar(value, style)


def member(key: str, value: Any, style: Style) -> list[str]:
    """The lines of a member of a block mapping."""
    written = block(value, style)
    first = f"{scalar(key, style)}:{' ' if written.head else ''}{written.head}"
    return [first, *(written.indent + line for line in written.lines)]


def item(value: Any, style: Style) -> list[str]:
    """The lines of an item of a block sequence."""
    written = block(value, style)
    first, *others = [written.head, *written.lines] if written.head else written.lines
    return [f"- {first}", *(f"  {line}" for line in others)]


def _has_mapping(value: Any, style: Style) -> bool:
    if isinstance(value, list):
        return any(_has_mapping(each, style) for each in value)
    return isinstance(value, dict) and not _short(value, style)


def block(value: Any, style: Style) -> Written:
    """YAML in block style. A list behind a tag stays on one line if it is short and holds no mapping."""
    short = _short(value, style)
    if short:
        tag, argument = short
        on_one_line = flow(value, style)
        is_list = isinstance(argument, list)
        if not is_list or not argument or (len(on_one_line) <= _LONGEST_FLOW and not _has_mapping(argument, style)):
            return Written(on_one_line)
        return Written(tag, block(argument, style).lines, style.unit)
    if isinstance(value, dict) and value:
        return Written("", [line for key, each in value.items() for line in member(key, each, style)], style.unit)
    if isinstance(value, list) and value:
        return Written("", [line for each in value for line in item(each, style)], style.dash)
    return Written(flow(value, style))
