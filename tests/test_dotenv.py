"""The reader's grammar: every case of the shared file of examples, and an independent reading of random text."""

from __future__ import annotations

import json
import pickle
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wrapper.dotenv import Binding, ParseError, decode, parse

CASES: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "data" / "dotenv_cases.json").read_text(encoding="utf-8")
)

# The grammar once more, as one regular expression: one statement with its line end.
STATEMENT = re.compile(
    r"""
    [ \t]*
    (?:
        \#[^\n]*?
    |
        (?:export[ \t]+)? (?P<name>[^ \t\r\n=#'"\ufeff]+) [ \t]*=
        (?:
            [ \t]* '(?P<raw>[^']*)' [ \t]* (?:\#[^\n]*?)?
        |
            [ \t]* "(?P<text>(?:[^"\\]|\\.)*)" [ \t]* (?:\#[^\n]*?)?
        |
            [ \t]* `(?P<ticked>[^`]*)` [ \t]* (?:\#[^\n]*?)?
        |
            (?![ \t]*['"]) (?P<bare>(?:(?![ \t]\#)[^\n])*?) (?:[ \t]\#[^\n]*?)?
        )
    )?
    (?:\r?\n|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
DECODED = {r"\n": "\n", r"\r": "\r", r"\"": '"', r"\\": "\\", r"\$": "$", r"\`": "`"}

PROPERTY = settings(max_examples=200, deadline=None, derandomize=True)
FRAGMENTS = [
    *"\n\r\t =#'\"\\$`nrAB",
    *("\r\n", " #", "export ", "A=", "B='", 'C="', "D=`", "`\n", "\\n", "\\\\"),
    *("\ufeff", "\0", "\u2028", "\x85", "\x0c", "é", "😀"),
]
HOSTILE_TEXT = st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join) | st.text(max_size=30)


def case_id(case: dict[str, Any]) -> str:
    return str(case["name"])


def content(case: dict[str, Any]) -> bytes:
    return bytes.fromhex(case["hex"]) if "hex" in case else str(case["file"]).encode()


def variables(text: str) -> dict[str, str | None]:
    return {binding.name: binding.value for binding in parse(text) if binding.name is not None}


def outcome(text: str) -> list[Binding] | int:
    """The bindings, or the line of the error."""
    try:
        return parse(text)
    except ParseError as error:
        return error.line


def outcome_by_expression(text: str) -> list[Binding] | int:
    bindings = []
    mark = text[: text.startswith("\ufeff")]
    position, line = 0, 1
    text = text[len(mark) :]
    while mark or position < len(text):
        match = STATEMENT.match(text, position)
        if match is None:
            return line
        name, raw, ticked, double, bare = match.group("name", "raw", "ticked", "text", "bare")
        if double is not None:
            double = re.sub(r"\\(.)", lambda m: DECODED.get(m[0], m[0]), double, flags=re.DOTALL)
        found = (raw, ticked, double, bare and bare.strip(" \t"))
        value = next((each for each in found if each is not None), None)
        bindings.append(Binding(name, value, mark + match[0], line))
        mark = ""
        line += match[0].count("\n")
        position = match.end()
    return bindings


@pytest.mark.parametrize("case", CASES["read"], ids=case_id)
def test_reads(case: dict[str, Any]) -> None:
    text = decode(content(case))
    assert variables(text) == case["variables"]
    assert "".join(binding.text for binding in parse(text)) == text


@pytest.mark.parametrize("case", CASES["refused"], ids=case_id)
def test_refuses(case: dict[str, Any]) -> None:
    with pytest.raises(ParseError) as caught:
        parse(decode(content(case)))
    assert (caught.value.line, caught.value.problem) == (case["line"], case["problem"])
    assert caught.value.code == case["code"]
    assert str(caught.value) == f"line {case['line']} {case['problem']} [{case['code']}]"


@pytest.mark.parametrize("case", CASES["unset"], ids=case_id)
def test_reads_what_cannot_be_set(case: dict[str, Any]) -> None:
    assert "".join(binding.text for binding in parse(case["file"])) == case["file"]


@pytest.mark.parametrize("case", CASES["written"], ids=case_id)
def test_reads_what_the_encoder_writes(case: dict[str, Any]) -> None:
    assert parse(f"A={case['text']}\n") == [Binding("A", case["value"], f"A={case['text']}\n", 1)]


def test_a_binding_keeps_its_source_and_the_number_of_its_first_line() -> None:
    assert parse("\ufeff# x\r\n\nexport A = 'a\nb' # c\r\n \t\nB=\"\\n\"\nA=2 #") == [
        Binding(None, None, "\ufeff# x\r\n", 1),
        Binding(None, None, "\n", 2),
        Binding("A", "a\nb", "export A = 'a\nb' # c\r\n", 3),
        Binding(None, None, " \t\n", 5),
        Binding("B", "\n", 'B="\\n"\n', 6),
        Binding("A", "2", "A=2 #", 7),
    ]


@PROPERTY
@given(HOSTILE_TEXT)
def test_any_text_is_read_as_the_grammar_says(text: str) -> None:
    assert outcome(text) == outcome_by_expression(text)


@PROPERTY
@given(HOSTILE_TEXT)
def test_the_texts_of_the_bindings_are_the_file(text: str) -> None:
    bindings = outcome(text)
    if isinstance(bindings, list):
        assert "".join(binding.text for binding in bindings) == text
        assert all(binding.text for binding in bindings)


@PROPERTY
@given(st.binary(max_size=30))
def test_any_bytes_are_text_or_an_error_with_the_first_line_that_is_not(data: bytes) -> None:
    good = len(data.decode(errors="ignore").encode()) == len(data)
    if good:
        assert decode(data).encode() == data
    else:
        with pytest.raises(ParseError) as caught:
            decode(data)
        *before, wrong = data.split(b"\n")[: caught.value.line]
        assert decode(b"\n".join(before)).encode() == b"\n".join(before)
        with pytest.raises(UnicodeDecodeError):
            wrong.decode()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('A="' + '\\"' * 500_000 + '"\n', id="escaped quotes"),
        pytest.param('A="' + "\\" * 4_000_000 + '"\n', id="backslashes"),
        pytest.param("A='" + "\n" * 1_000_000 + "'\n", id="lines in quotes"),
        pytest.param("A=`x\n" * 200_000, id="backticks that are not closed"),
        pytest.param("A=`x`y\n" * 200_000, id="backticks with text after them"),
        pytest.param("A=`" + "\n" * 1_000_000 + "`\n", id="lines in backticks"),
        pytest.param("#\n" * 500_000, id="comments"),
        pytest.param("A=" + " #" * 500_000 + "\n", id="comment signs"),
        pytest.param("A='\n'\n" * 200_000, id="short values in quotes that span lines"),
    ],
)
def test_millions_of_characters_take_no_more_than_seconds(text: str) -> None:
    began = time.process_time()
    assert "".join(binding.text for binding in parse(text)) == text
    assert time.process_time() - began < 5


def test_nothing_that_is_shown_holds_content() -> None:
    assert "hunter2" not in repr(parse("A=hunter2 # hunter2\n# hunter2\n"))


@pytest.mark.parametrize(
    "data",
    [b"hunter2", b"hunter 2=1", b"A='hunter2", b'A="hunter2', b"A='x' hunter2", b"A=hunter2\xff", b"=hunter2"],
)
def test_no_error_holds_content(data: bytes) -> None:
    with pytest.raises(ParseError) as caught:
        parse(decode(data))
    assert "hunter" not in repr(caught.value) + str(caught.value)
    assert caught.value.__context__ is None


def test_an_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(ParseError("has no =", 3, "/var/task/.env", code="CI001")))
    assert (error.problem, error.line, error.path, error.code) == ("has no =", 3, "/var/task/.env", "CI001")
    assert str(error) == "/var/task/.env, line 3 has no = [CI001]"


@pytest.mark.parametrize(
    "other",
    [
        Binding("B", "1", "A=1\n", 1),
        Binding("A", "2", "A=1\n", 1),
        Binding("A", "1", "A=1", 1),
        Binding("A", "1", "A=1\n", 2),
        ("A", "1", "A=1\n", 1),
    ],
    ids=["name", "value", "text", "line", "type"],
)
def test_bindings_that_differ_in_one_field_differ(other: object) -> None:
    assert Binding("A", "1", "A=1\n", 1) != other


def test_equal_bindings_are_one_in_a_set() -> None:
    assert len({Binding("A", "1", "A=1\n", 1), Binding("A", "1", "A=1\n", 1)}) == 1
