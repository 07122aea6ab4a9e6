"""The grammar of `.env`.

Takes the text of a file. Returns its statements, whose texts concatenate to the same text. Nothing is interpolated:
values are read as they are written.

A file is UTF-8, and a byte order mark at its start is skipped. Only LF and CRLF end a line. Blanks are spaces and tabs.
A line is blank, a comment (starts with `#`) or an assignment, and can be indented:

    [export ]NAME=bare      up to a blank followed by `#`, trimmed, without escapes
    [export ]NAME='raw'     everything up to the next '
    [export ]NAME="text"    a backslash escapes n, r, ", \\, $ and `; before anything else it is literal
    [export ]NAME=`raw`     everything up to the next `, as Node.js and dotenv read it

Blanks can surround `=`, quotes can span lines, and only blanks or a comment can follow a closing quote. A backtick that
is not closed like that is a character of a bare value. A name is any text without blanks, CR, `=`, `#`, `'`, `"` and
byte order marks. If a name is assigned several times, the last one wins.

This module uses no regular expressions, dataclasses or typing: compiling or importing those takes longer than reading a
hundred variables, and functions do it on every cold start.
"""

import os

BOM = "\ufeff"
BLANKS = " \t"
QUOTES = ("'", '"', "`")
AFTER_QUOTE = "has text after its closing quote"
ESCAPED_QUOTE = ": python-dotenv's set_key escapes quotes like this; put double quotes around the value"
INNER_QUOTE = ': "vercel env pull" does not escape quotes; put single quotes around the value, or write \\" inside it'
ESCAPES = {"n": "\n", "r": "\r", '"': '"', "\\": "\\", "$": "$", "`": "`"}
NEVER_IN_A_NAME = frozenset(" \t\r#'\"" + BOM)


class ParseError(ValueError):
    """The text is not a valid `.env` file.

    ``line`` is the line on which the statement starts, counted from 1. ``problem`` completes a sentence that begins
    with "line 3" ("has no ="). ``path`` is the file, if it is known. They never hold any of the file's content, which
    is secret. ``code``, such as "CI001", is the argument of ``cfn-injector explain``; ``str()`` ends with it.
    """

    def __init__(self, problem: str, line: int, path: "str | None" = None, *, code: str = "") -> None:
        super().__init__(problem, line, path)
        self.problem = problem
        self.line = line
        self.path = path
        self.code = code

    def __str__(self) -> str:
        where = "" if self.path is None else self.path + ", "
        code = f" [{self.code}]" if self.code else ""
        return f"{where}line {self.line} {self.problem}{code}"


class Binding:
    """One statement, or one blank or comment line (``name`` and ``value`` are None).

    ``value`` is decoded. ``text`` is the source with its line end. ``line`` is the number of its first line, from 1.
    ``repr`` shows neither value nor text, because they are secret.
    """

    __slots__ = ("line", "name", "text", "value")

    def __init__(self, name: "str | None", value: "str | None", text: str, line: int) -> None:
        self.name = name
        self.value = value
        self.text = text
        self.line = line

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Binding):
            return NotImplemented
        return all(getattr(self, field) == getattr(other, field) for field in self.__slots__)

    def __hash__(self) -> int:
        return hash((self.text, self.line))

    def __repr__(self) -> str:
        return f"Binding(name={self.name!r}, line={self.line})"


def decode(data: bytes) -> str:
    """The text of a file's bytes. Raises ParseError with the line of the first byte that is not UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    raise ParseError("is not UTF-8", line, code="CI007")


def _rest_of_line(text: str, start: int) -> "tuple[str, int]":
    """The rest of a line, without its line end, and the position at which the next line starts."""
    end = text.find("\n", start)
    if end < 0:
        return text[start:], len(text)
    return text[start : end - text.endswith("\r", start, end)], end + 1


def _quoted(text: str, opening: int, line: int) -> "tuple[str, int]":
    """The decoded value of the quotes that open at ``opening``, and the position after the closing quote."""
    quote = text[opening]
    start = opening + 1
    end = text.find(quote, start)
    parts = []
    while end >= 0:
        backslash = text.find("\\", start, end) if quote == '"' else -1
        if backslash < 0:
            parts.append(text[start:end])
            return "".join(parts), end + 1
        escaped = text[backslash + 1]
        parts += text[start:backslash], ESCAPES.get(escaped, "\\" + escaped)
        start = backslash + 2
        if escaped == quote:
            end = text.find(quote, start)
    raise ParseError("opens a quote that is never closed", line, code="CI003")


def _ends(rest: str) -> bool:
    """Whether a statement can end before the rest of its line."""
    return rest.strip(BLANKS)[:1] in ("", "#")


def _is_character(text: str, opening: int) -> bool:
    """Whether the quote at ``opening`` is a backtick that opens no quotes: most parsers read it as a character."""
    if text[opening] != "`":
        return False
    closing = text.find("`", opening + 1)
    return closing < 0 or not _ends(_rest_of_line(text, closing + 1)[0])


def _after_quote(quotes: str, rest: str, line: int) -> ParseError:
    """The error for text after quotes. If it looks like what a tool writes, it names the tool, and what to write."""
    if quotes.endswith("\\'"):
        return ParseError(AFTER_QUOTE + ESCAPED_QUOTE, line, code="CI005")
    if quotes[0] == '"' and rest.rstrip(BLANKS).endswith('"') and "\n" not in quotes:
        return ParseError(AFTER_QUOTE + INNER_QUOTE, line, code="CI006")
    return ParseError(AFTER_QUOTE, line, code="CI004")


def _binding(text: str, start: int, line: int) -> Binding:
    """The binding that starts at ``start``, which is on line ``line``."""
    visible = start + (line == 1 and text.startswith(BOM))
    body, end = _rest_of_line(text, visible)
    left, equals, right = body.partition("=")
    name, value = left.strip(BLANKS), right.strip(BLANKS)
    if name.startswith("#") or not name + equals:
        return Binding(None, None, text[start:end], line)
    if not equals:
        raise ParseError("has no =", line, code="CI001")
    if name.startswith(("export ", "export\t")):
        name = name[6:].lstrip(BLANKS)
    if not name or not NEVER_IN_A_NAME.isdisjoint(name):
        raise ParseError("has no valid name before its =", line, code="CI002")
    opening = visible + len(body) - len(right.lstrip(BLANKS))
    if value.startswith(QUOTES) and not _is_character(text, opening):
        value, closed = _quoted(text, opening, line)
        rest, end = _rest_of_line(text, closed)
        if not _ends(rest):
            raise _after_quote(text[opening:closed], rest, line)
    elif "#" in value:
        value = right.partition(" #")[0].partition("\t#")[0].strip(BLANKS)
    return Binding(name, value, text[start:end], line)


def parse(text: str) -> "list[Binding]":
    """The statements, blank lines and comments of a file, in order. Raises ParseError. Takes linear time."""
    bindings = []
    start, line = 0, 1
    while start < len(text):
        binding = _binding(text, start, line)
        bindings.append(binding)
        start += len(binding.text)
        line += binding.text.count("\n")
    return bindings


def _can_be_set(text: str) -> bool:
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def variables(data: bytes, path: str, settable: bool) -> "dict[str, str]":
    """The variables of a file's bytes. Raises ParseError, which names ``path``.

    With ``settable``, a variable that an environment cannot hold is an error.
    """
    found = {}
    try:
        for binding in parse(decode(data)):
            if binding.name is None or binding.value is None:
                continue
            if settable and not _can_be_set(binding.name + binding.value):
                problem = "holds a character that environment variables cannot hold"
                raise ParseError(problem, binding.line, code="CI008")
            found[binding.name] = binding.value
    except ParseError as error:
        raise ParseError(error.problem, error.line, path, code=error.code) from None
    return found
