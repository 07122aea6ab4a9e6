"""Finds what JavaScript imports, without running it.

Takes the text of a module: CommonJS or an ES module, as written by a person, by TypeScript or by a bundler. Returns
the names in ``require("x")``, ``import("x")``, ``import "x"`` and ``from "x"``, but none in comments, strings,
templates and regular expressions.

Whether ``/`` divides or begins a regular expression follows from the token before it. That is right but for a regular
expression after ``)`` or ``}``: https://tc39.es/ecma262/#sec-ecmascript-language-lexical-grammar
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
    (?P<blank> \s+ | //[^\n]* | /\*(?s:.*?)(?:\*/|\Z) | \A\#![^\n]* )
  | (?P<text> "(?:[^"\\\n]|\\(?s:.))*" | '(?:[^'\\\n]|\\(?s:.))*' )
  | (?P<pattern> /(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/\w* )
  | (?P<word> [\w$]+ )
  | (?P<mark> . )
    """,
    re.VERBOSE,
)
_TEMPLATE = re.compile(r"(?:[^`\\$]|\\(?s:.)|\$(?!\{))*(?:`|\$\{|\Z|\\\Z)")
"""The text of a template, up to its end or to the ``${`` of an expression."""
_WORDS_BEFORE_A_PATTERN = frozenset(
    ["await", "case", "delete", "do", "else", "in", "instanceof", "of", "return", "throw", "typeof", "void", "yield"]
)
_CALLS = ("require", "__require", "import")  # esbuild writes the second one
_CLAUSES = ("from", "import")


class _Token(NamedTuple):
    kind: str
    text: str

    @property
    def ends_a_value(self) -> bool:
        """Whether ``/`` divides if it follows."""
        if self.kind == "word":
            return self.text not in _WORDS_BEFORE_A_PATTERN
        return self.kind in ("text", "template", "pattern") or self.text in (")", "]", "}")


_NOTHING = _Token("mark", "")


def _tokens(text: str) -> Iterator[_Token]:
    """The tokens without blanks and comments. A template with expressions gives the tokens of these, too."""
    place, before = 0, _NOTHING
    open_braces: list[int] = []  # for each template whose expression we are in, how many braces are open there
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            return
        kind, end = str(found.lastgroup), found.end()
        if kind == "pattern" and before.ends_a_value:
            kind, end = "mark", place + 1
        token = _Token(kind, text[place:end])
        goes_on = token.text == "}" and open_braces[-1:] == [0]
        if token.text == "`" or goes_on:
            part = _TEMPLATE.match(text, end)
            end = part.end() if part else len(text)
            if goes_on:
                open_braces.pop()
            is_open = text.endswith("${", place, end)
            if is_open:
                open_braces.append(0)
            token = _Token("mark" if is_open else "template" if goes_on else "text", text[place:end])
        elif open_braces and token.text in ("{", "}"):
            open_braces[-1] += 1 if token.text == "{" else -1
        place = end
        if kind != "blank":
            yield token
            before = token


def imported(text: str) -> Iterator[str]:
    """Yield the name in each import."""
    window = deque([_NOTHING] * 5, maxlen=5)
    for token in chain(_tokens(text), [_NOTHING]):
        window.append(token)
        owner, call, opening, name, closing = window
        if name.kind != "text":
            continue
        is_call = call.kind == "word" and call.text in _CALLS and opening.text == "(" and closing.text in (")", ",")
        is_clause = opening.kind == "word" and opening.text in _CLAUSES
        if is_clause or (is_call and owner.text not in (".", "?")):
            yield name.text[1:-1]
