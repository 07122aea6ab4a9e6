"""Values that are written and files that are merged: the reader and a shell read them back unchanged."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cfn_injector.env_file import merge, merge_variables, misread_by_node, quote
from cfn_injector.errors import EnvFileError
from tests.support.node_js import needs_node, read_with_node, run_node
from wrapper.dotenv import Binding, ParseError, decode, parse

WRITTEN: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "dotenv_cases.json").read_text(encoding="utf-8")
)["written"]

DUMP = """
import json, os, sys
json.dump({name: value for name, value in os.environ.items() if name.startswith("CFN_")}, sys.stdout)
"""

PROPERTY = settings(max_examples=200, deadline=None, derandomize=True)
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
HOSTILE = st.lists(
    st.sampled_from([*"\n\r\t #=aA'\"\\$`nr~", "\\\\", "\r\n", "\u2028", "\x85", "\x0b", "é", "😀", "\ufeff"])
).map("".join)
VALUES = TEXT | HOSTILE
NAMES = st.sampled_from(["A", "B", "c_1", "_", "export"]) | st.from_regex("[A-Za-z_][A-Za-z0-9_]*", fullmatch=True)
ENVS = st.dictionaries(NAMES, VALUES, max_size=4)

OWN_NAMES = NAMES | st.sampled_from(["foo.bar", "my-key", "ключ"])
LINE_ENDS = st.sampled_from(["\n", "\r\n"])
BLANKS = st.sampled_from(["", " ", "\t", " \t "])
COMMENTS = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=5).map("#{}".format)


@st.composite
def assignments(draw: st.DrawFn) -> str:
    start = draw(BLANKS) + draw(st.sampled_from(["", "export ", "export\t"]))
    odd = ["'x\r\ny'", '"x\r\n"', "a b", "it's", 'x"', "#", "x\ry", "\\"]
    odd += ["`x y`", "`\n#`", "`x", "`x`y", '"\\"\nB=1"', '"\\""']
    value = draw(VALUES.map(quote) | st.sampled_from(odd))
    end = draw(BLANKS) + draw(st.just("") | COMMENTS.map(" {}".format))
    return f"{start}{draw(OWN_NAMES)}{draw(BLANKS)}={draw(BLANKS)}{value}{end}"


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """The bytes of files that can be read, with any mixture of line ends, and with or without one at the end."""
    lines = draw(st.lists(assignments() | BLANKS | COMMENTS, max_size=6))
    text = "".join(line + draw(LINE_ENDS) for line in lines)
    last = draw(st.sampled_from(["", "A=1", "B='2'", "C=3\r", "D=\r", "foo.bar= x # y\r", "# x\r", "\t", "# x"]))
    return (draw(st.sampled_from(["", "\ufeff"])) + text + last).encode()


def variables(data: bytes) -> dict[str, str | None]:
    return {binding.name: binding.value for binding in parse(decode(data)) if binding.name is not None}


def as_a_shell_reads_it(data: bytes, folder: Path) -> dict[str, str]:
    (folder / ".env").write_bytes(data)
    script = 'set -a; . ./.env; exec "$0" -X utf8 -c "$1"'
    done = subprocess.run(["sh", "-c", script, sys.executable, DUMP], cwd=folder, capture_output=True, check=True)
    result: dict[str, str] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize("case", WRITTEN, ids=lambda case: case["name"])
def test_quote(case: dict[str, Any]) -> None:
    assert quote(case["value"]) == case["text"]


@PROPERTY
@given(VALUES)
def test_what_is_quoted_is_read_wherever_it_stands(value: str) -> None:
    text = quote(value)
    [binding] = parse(f"A={text}")
    assert binding.value == value
    before, between, after = parse(f"B='1'\r\nA={text}\nC=2\n")
    assert (before.value, between.value, after.value) == ("1", value, "2")


def test_a_shell_reads_what_is_written_unless_it_holds_a_carriage_return_or_a_line_feed_and_both_quotes(
    tmp_path: Path,
) -> None:
    values = [case["value"] for case in WRITTEN if "\r" not in case["value"] and not {*"'\"\n"} <= {*case["value"]}]
    env = {f"CFN_{i}": value for i, value in enumerate(values)}
    assert len(env) > 40
    assert as_a_shell_reads_it(merge(b"CFN_0=old\n", env), tmp_path) == env


def test_a_shell_reads_the_new_lines_of_a_file_that_ends_its_own_in_crlf(tmp_path: Path) -> None:
    own = b"CFN_A=1\r\nCFN_B='old' # comment\r\nCFN_C='own'\r\n"
    merged = merge(own, {"CFN_B": "b 'b", "CFN_D": "d\nd", "CFN_E": "e"})
    assert as_a_shell_reads_it(merged, tmp_path) == {
        "CFN_A": "1\r",
        "CFN_B": "b 'b",
        "CFN_C": "own\r",
        "CFN_D": "d\nd",
        "CFN_E": "e",
    }


@pytest.mark.parametrize(
    ("original", "env", "merged"),
    [
        pytest.param(b"", {}, b"", id="nothing and nothing is nothing"),
        pytest.param(b"", {"B": "2", "A": "1 1"}, b"A='1 1'\nB=2\n", id="a file is made, its names sorted"),
        pytest.param(b"", {"b": "1", "B": "2", "_": "3"}, b"B=2\n_=3\nb=1\n", id="sorting is by code point"),
        pytest.param(b"# x\n\nA = 1 # y\n", {}, b"# x\n\nA = 1 # y\n", id="nothing to set changes nothing"),
        pytest.param(b"A=1", {}, b"A=1", id="nothing to set does not even end the last line"),
        pytest.param(b"A=1\nB=2\nC=3\n", {"B": "x"}, b"A=1\nB=x\nC=3\n", id="a name is rewritten in its place"),
        pytest.param(b"A=1\n", {"A": ""}, b"A=\n", id="an empty value is written"),
        pytest.param(b"A=1\nB=2\nA=3\nC=4\n", {"A": "5"}, b"B=2\nA=5\nC=4\n", id="the last duplicate stays"),
        pytest.param(b"A=1\nB=2\nA=3\n", {"B": "5"}, b"A=1\nB=5\nA=3\n", id="duplicates of other names stay"),
        pytest.param(b"Z=1\n", {"B": "2", "A": "3", "Z": "4"}, b"Z=4\nA=3\nB=2\n", id="new names follow, sorted"),
        pytest.param(b"a=1\n", {"A": "2"}, b"a=1\nA=2\n", id="names that differ by case are two"),
        pytest.param(b"A=1", {"B": "2"}, b"A=1\nB=2\n", id="a last line is ended before another follows"),
        pytest.param(b"A=1", {"A": "2"}, b"A=2\n", id="a last line that is rewritten is ended"),
        pytest.param(b"# x", {"B": "2"}, b"# x\nB=2\n", id="a comment at the end does not swallow what follows"),
        pytest.param(b"A=1\n# x", {"A": "2"}, b"A=2\n# x", id="a last line behind a rewritten one stays as it is"),
        pytest.param(b"export A=1\nexport B=2\n", {"A": "3"}, b"A=3\nexport B=2\n", id="export is kept, not written"),
        pytest.param(b" A = '1\n2' # x\nB=3\n", {"A": "4"}, b"A=4\nB=3\n", id="all of a statement is replaced"),
        pytest.param(b"A=1\n", {"A": "x\nB=2"}, b'A="x\nB=2"\n', id="a line feed does not set another variable"),
        pytest.param(b"foo.bar=1\nmy-key=2\n", {"A": "3"}, b"foo.bar=1\nmy-key=2\nA=3\n", id="odd names stay"),
        pytest.param(b"# A=1\n", {"A": "2"}, b"# A=1\nA=2\n", id="a statement in a comment is a comment"),
        pytest.param(b"A='\nB=1\n'\n", {"B": "2"}, b"A='\nB=1\n'\nB=2\n", id="a statement in quotes is a value"),
        pytest.param(b"A=1\n \t\nB=2\n# x\n \n", {}, b"A=1\n\nB=2\n# x\n\n", id="a line of blanks becomes empty"),
        pytest.param(b"A=1\r\n \r\nB=2\r\n", {}, b"A=1\r\n\r\nB=2\r\n", id="a line of blanks keeps its CRLF"),
        pytest.param(b"A=1\n  ", {"B": "2"}, b"A=1\nB=2\n", id="blanks at the end go"),
        pytest.param(b"A='1\n \n2'\n", {}, b"A='1\n \n2'\n", id="a line of blanks in a value stays"),
        pytest.param(b"\xef\xbb\xbfA=1\n", {"B": "2"}, b"A=1\nB=2\n", id="a byte order mark goes"),
        pytest.param(b"\xef\xbb\xbf \nA=1\n", {}, b"\nA=1\n", id="a byte order mark before blanks goes, and they go"),
        pytest.param(b"\xef\xbb\xbfA=1\nB=2\n", {"A": "3"}, b"A=3\nB=2\n", id="the line of the mark is rewritten"),
        pytest.param(b"\xef\xbb\xbf", {}, b"", id="a byte order mark alone goes"),
        pytest.param(
            b"A=1\r\nB=2\r\n# x\r\n",
            {"A": "3", "C": "4"},
            b"A=3\nB=2\r\n# x\r\nC=4\n",
            id="own lines keep CRLF, new ones end in LF",
        ),
        pytest.param(b"A=1\r\nB=2", {"C": "3"}, b"A=1\r\nB=2\nC=3\n", id="a last line among CRLF is ended by LF"),
        pytest.param(b"A=1\r", {"B": "2"}, b'A="1\\r"\nB=2\n', id="a CR that ends the file stays part of its value"),
        pytest.param(b"A='1'#\r", {"B": "2"}, b"A='1'#\r\nB=2\n", id="a CR that ends a comment may join a line end"),
        pytest.param(
            "A=x\u2028B=y\x85\x0b\x0c\n".encode(),
            {"B": "2"},
            "A=x\u2028B=y\x85\x0b\x0c\nB=2\n".encode(),
            id="other separators are no line ends",
        ),
    ],
)
def test_merge(original: bytes, env: dict[str, str], merged: bytes) -> None:
    assert merge(original, env) == merged


@PROPERTY
@given(files(), ENVS)
def test_what_is_merged_is_the_union_and_env_wins(original: bytes, env: dict[str, str]) -> None:
    assert variables(merge(original, env)) == {**variables(original), **env}


@PROPERTY
@given(files(), ENVS)
def test_the_variables_of_the_merged_file_are_those_that_are_read_from_it(original: bytes, env: dict[str, str]) -> None:
    data, found = merge_variables(original, env)
    assert list(found.items()) == list(variables(data).items())


@PROPERTY
@given(files(), ENVS)
def test_merging_twice_is_merging_once(original: bytes, env: dict[str, str]) -> None:
    once = merge(original, env)
    assert merge(once, env) == once


@PROPERTY
@given(files(), ENVS)
def test_every_name_that_is_set_is_written_once(original: bytes, env: dict[str, str]) -> None:
    bindings = parse(decode(merge(original, env)))
    written = sorted(binding.text for binding in bindings if binding.name in env)
    assert written == sorted(f"{name}={quote(value)}\n" for name, value in env.items())


RESPELLED = [
    pytest.param("A= \nB=2\n", "A=\nB=2\n", id="blanks instead of a value"),
    pytest.param("A= \t\r\nB=2\r\n", "A=\r\nB=2\r\n", id="blanks instead of a value before CRLF"),
    pytest.param("A = \n", "A=\n", id="blanks instead of a value and before ="),
    pytest.param("A= ", "A=", id="a blank at the end of the file"),
    pytest.param("  # x\nA=1\n", "# x\nA=1\n", id="an indented comment"),
    pytest.param("\t# x=y\r\nA=1\n", "# x=y\r\nA=1\n", id="a comment behind a tab"),
    pytest.param("A=1\n# x=y", "A=1\n# x=y\n", id="a comment with = at the end of the file"),
    pytest.param("A=1\n \t\nB=2\n", "A=1\n\nB=2\n", id="a line of blanks"),
    pytest.param("export A=\nB=2\n", "export A=''\nB=2\n", id="an empty value behind export"),
    pytest.param("export A= \nB=2\n", "export A=''\nB=2\n", id="blanks behind export and ="),
    pytest.param("export  A=1\n", "export A=1\n", id="two blanks behind export"),
    pytest.param("export\tA='1' # x\n", "export A='1' # x\n", id="a tab behind export"),
    pytest.param("\tA=1\n", "A=1\n", id="a tab before a name"),
    pytest.param("A\t= 1\n", "A=1\n", id="a tab behind a name"),
    pytest.param("A=\t'x\ty'\n", "A='x\ty'\n", id="a tab before a value"),
    pytest.param("A=x\ty\t\n", "A=x\ty\n", id="a tab behind a value"),
    pytest.param("A=x\t# y\n", "A=x # y\n", id="a tab before a comment"),
    pytest.param("A=`a b` # x\n", "A='a b' # x\n", id="backticks"),
    pytest.param("A=`it's`#x\n", 'A="it\'s" #x\n', id="backticks before a comment without a blank"),
    pytest.param("A=`x\nB=2`\n", 'A="x\nB=2"\n', id="backticks over lines"),
    pytest.param("export A=``\n", "export A=''\n", id="backticks with nothing in them"),
    pytest.param("A=`x\nB=2\n", "A='`x'\nB=2\n", id="a backtick that a later one could close"),
    pytest.param("A=`x`y\n", "A='`x`y'\n", id="backticks with text after them"),
    pytest.param('A="\\"\nB=2\n" # x\n', "A='\"\nB=2\n' # x\n", id="escaped quotes in several lines"),
    pytest.param('A="it\'s\n\\"\n"\n', 'A="it\'s\\n\\"\\n"\n', id="escaped quotes in several lines, and a single one"),
]


@pytest.mark.parametrize(("original", "merged"), RESPELLED)
def test_a_line_that_node_misreads_is_spelled_so_that_all_parsers_read_it_alike(original: str, merged: str) -> None:
    assert merge(original.encode(), {}) == merged.encode()
    assert variables(merged.encode()) == variables(original.encode())
    assert all(misread_by_node(binding) is None for binding in parse(merged))


@needs_node
def test_node_reads_what_replaces_lines_that_it_misreads() -> None:
    merged = [merge(str(case.values[0]).encode(), {"LAST": "x"}) for case in RESPELLED]
    if run_node("-p", "typeof process.loadEnvFile") != "function\n":
        pytest.skip("this Node.js has no parser of .env files")
    read = [outcomes[0].get("variables") for outcomes in read_with_node("process.loadEnvFile", merged)]
    # The last line's value has \\", which Node.js does not know; no variable is lost.
    assert read[:-1] == [variables(data) for data in merged[:-1]]
    assert [dict(found) for found in read][-1].keys() == {"A", "LAST"}


@pytest.mark.parametrize(
    "kept",
    [
        "A=1 \n",
        " A = 1 # x\n",
        "A= # x\n",
        "A=''\t\n",
        "export A= # x\n",
        "export A=1\n",
        "# x",
        "A=a#b\n",
        "A=x`y`\n",
        'A="{\\"a\\": 1}"\n',
        "A='x\n\"\n'\n",
        'A="\n\t"\n',
        "A=x\ty\n",
        "exported  =1\n",
        "A='x'\t# y\n",
        "A=",
    ],
)
def test_a_line_that_node_reads_like_the_others_keeps_its_bytes(kept: str) -> None:
    assert merge(kept.encode(), {}) == kept.encode()


@PROPERTY
@given(files(), ENVS)
def test_the_other_lines_keep_their_order_and_their_bytes_unless_node_misreads_them(
    original: bytes, env: dict[str, str]
) -> None:
    def others(data: bytes) -> list[Binding]:
        bindings = parse(decode(data).removeprefix("\ufeff"))
        return [binding for binding in bindings if binding.name not in env and binding.text.strip(" \t\r\n")]

    before, after = others(original), others(merge(original, env))
    assert [(each.name, each.value) for each in before] == [(each.name, each.value) for each in after]
    assert [misread_by_node(each) for each in after] == [None] * len(after)
    for old, new in zip(before, after, strict=True):
        at_end = old is before[-1] and (new.text == old.text + "\n" or old.text.endswith("\r"))
        assert new.text == old.text or misread_by_node(old) or at_end


@PROPERTY
@given(HOSTILE, ENVS)
def test_any_text_is_merged_or_refused_with_its_line(text: str, env: dict[str, str]) -> None:
    try:
        before = variables(text.encode())
    except ParseError as refused:
        line = refused.line
        with pytest.raises(EnvFileError, match=rf"^settings/.env, line {line} in the artifact "):
            merge(text.encode(), env, "settings/.env")
    else:
        merged = merge(text.encode(), env)
        assert variables(merged) == {**before, **env}
        assert merge(merged, env) == merged


def test_the_result_does_not_depend_on_the_order_of_the_map() -> None:
    env = {name: name for name in "DBACE"}
    assert merge(b"C=1\n", env) == merge(b"C=1\n", dict(sorted(env.items())))


@pytest.mark.parametrize(
    ("original", "line", "problem"),
    [
        (b"A=1\nB='hunter2\n", 2, "opens a quote that is never closed"),
        (b"A=1\nhunter2\n", 2, "has no ="),
        (b"A='hunter2'hunter2\n", 1, "has text after its closing quote"),
        (b"A=1\r\n\r\nhunter 2=3", 3, "has no valid name before its ="),
        (b"A=1\nB=hunter2\xff", 2, "is not UTF-8"),
        (2 * b"\xef\xbb\xbf" + b"hunter=2", 1, "has no valid name before its ="),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_by_its_line_and_not_its_content(
    original: bytes, line: int, problem: str
) -> None:
    with pytest.raises(EnvFileError) as caught:
        merge(original, {"A": "2"}, "settings/.env")
    assert (caught.value.path, caught.value.line, caught.value.problem) == ("settings/.env", line, problem)
    assert "hunter" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("value", ["hunter2\0", "hunter2\ud800", "\udfffhunter2"], ids=ascii)
def test_a_value_that_no_file_can_hold_is_refused_and_not_in_the_error(value: str) -> None:
    with pytest.raises(ValueError, match=r"^the value contains a ") as from_quote:
        quote(value)
    with pytest.raises(ValueError, match=r"^the value of A contains a ") as from_merge:
        merge(b"", {"A": value})
    for caught in (from_quote, from_merge):
        assert not isinstance(caught.value, UnicodeError)
        assert caught.value.__context__ is None
        assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("name", ["", "1A", "A B", "A=B", "A\n", "foo.bar", "my-key", "é", "A\0", "export A"])
def test_an_invalid_variable_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not a valid variable name"):
        merge(b"", {name: "1"})


def test_the_documentation_shows_what_is_written() -> None:
    page = (Path(__file__).parent.parent / "docs" / "env-file.md").read_text(encoding="utf-8")
    original, env, merged = re.findall(r"^```(?:dotenv|yaml)\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)[:3]
    assert merge(original.encode(), yaml.safe_load(env)) == merged.encode()
