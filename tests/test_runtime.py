"""What a running function gets from its file: in this process, and under every Python that is installed here."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import traceback
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wrapper
from tests.support.interpreters import READERS
from wrapper import ParseError, get_env, load, wrap
from wrapper.dotenv import parse

ROOT = Path(__file__).parent.parent
CASES = Path(__file__).parent / "data" / "dotenv_cases.json"
LOAD: list[dict[str, Any]] = json.loads(CASES.with_name("load_cases.json").read_text(encoding="utf-8"))["load"]

CONFORMS = r"""
import asyncio, json, os, sys, tempfile

source, cases, folder = sys.argv[1:]
sys.path.insert(0, source)
os.chdir(folder)
os.environ["LAMBDA_TASK_ROOT"] = folder
os.environ["HELD"] = "real"

from wrapper import ParseError, get_env, load, wrap
from wrapper.dotenv import decode, parse

with open(os.path.join(os.path.dirname(cases), "load_cases.json"), encoding="utf-8") as file:
    load_cases = json.load(file)["load"]
with open(cases, encoding="utf-8") as file:
    cases = json.load(file)

def write(case):
    with open(".env", "wb") as file:
        file.write(bytes.fromhex(case["hex"]) if "hex" in case else case["file"].encode())

for case in cases["read"]:
    write(case)
    assert get_env() == case["variables"], case["name"]
    environ = {}
    assert load(environ=environ) == environ == case["variables"], case["name"]
for case in cases["refused"]:
    write(case)
    for read in (get_env, load):
        try:
            read()
        except ParseError as error:
            place = "%s, line %d" % (os.path.abspath(".env"), case["line"])
            message = "%s %s [%s]" % (place, case["problem"], case["code"])
            assert str(error) == message, case["name"]
        else:
            raise AssertionError(case["name"])
for case in cases["unset"]:
    write(case)
    try:
        load()
    except ParseError as error:
        assert (error.line, error.code) == (case["line"], "CI008"), case["name"]
    else:
        raise AssertionError(case["name"])
for case in cases["written"]:
    assert parse("A=" + case["text"])[0].value == case["value"], case["name"]
for case in load_cases:
    write(case)
    options = {name: case[name] for name in ("override", "allow") if name in case}
    assert load(environ=case["environ"], **options) == case["set"], case["name"]

write({"file": "TABLE='t \u00e9'\nHELD=file\nTZ=XYZ+3\nPATH=/nowhere\n"})

@wrap
async def handler(event, context):
    return os.environ["TABLE"], os.environ["HELD"], os.environ["PATH"] != "/nowhere"

assert asyncio.run(handler({}, None)) == ("t \u00e9", "real", True)
import time
assert time.tzname[0] == "XYZ" and time.timezone == 3 * 3600, "TZ is set but not in force"
"""


PROPERTY = settings(max_examples=200, deadline=None, derandomize=True)
VALUES = st.lists(st.sampled_from([*"'\"\\# \t\r=nx$é", "\0", "\u2028"]), max_size=5).map("".join)
LINES = st.lists(
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["A=", "B=", "A = ", "export A=", "a.b=", "é=", "#", "# A=", " #", "\ufeffA=", "", "=", "A"]),
        VALUES | VALUES.map("'{}'".format) | VALUES.map('"{}"'.format) | VALUES.map("`{}`".format),
        st.sampled_from(["", "", "", " ", "#", " # x"]),
        st.sampled_from(["\n", "\n", "\r\n", ""]),
    ),
    max_size=4,
)


def run(*arguments: str, python: str = sys.executable, **environ: str) -> str:
    done = subprocess.run(
        [python, "-I", "-B", *arguments], capture_output=True, text=True, env={**os.environ, **environ}, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def task_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the function's code, which is not the working directory."""
    root, elsewhere = tmp_path / "task", tmp_path / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(root))
    return root


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.mark.parametrize("python", [pytest.param(path, id=version) for version, path in READERS.items()])
def test_every_python_reads_alike_and_warns_of_nothing(python: str, tmp_path: Path) -> None:
    run("-W", "error", "-c", CONFORMS, str(ROOT), str(CASES), str(tmp_path), python=python)


def test_importing_brings_nothing_that_a_function_does_not_have_already() -> None:
    script = f"""
import logging, json, os, sys
sys.path.insert(0, {str(ROOT)!r})
held = set(sys.modules)
import wrapper
print(*sorted(set(sys.modules) - held))
"""
    assert run("-c", script).split() == ["wrapper"]


def test_a_file_of_plain_lines_is_read_without_importing_the_grammar(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"# x=\nA=a=b\n\nB='b #\"$b'\nC=\"it's\"\nD=\nE=''\nF=\xc3\xa9")
    script = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from wrapper import get_env, load
print(load() == get_env() == {{"A": "a=b", "B": 'b #"$b', "C": "it's", "D": "", "E": "", "F": "\u00e9"}})
print("wrapper.dotenv" in sys.modules)
"""
    assert run("-c", script, LAMBDA_TASK_ROOT=str(tmp_path)).split() == ["True", "False"]


@PROPERTY
@given(LINES)
def test_any_file_is_read_as_the_grammar_says(folder: Path, lines: list[str]) -> None:
    file = folder / "a.env"
    file.write_bytes("".join(lines).encode())
    try:
        expected = {binding.name: binding.value for binding in parse("".join(lines)) if binding.name is not None}
    except ParseError as refused:
        message = f"{file}, line {refused.line} {refused.problem} [{refused.code}]"
        with pytest.raises(ParseError, match=f"^{re.escape(message)}$"):
            get_env(file)
    else:
        assert get_env(file) == expected


def test_it_works_under_any_package_name(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "wrapper", tmp_path / "elsewhere" / "reader")
    (tmp_path / ".env").write_bytes(b"A=1\n")
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import elsewhere.reader as r; print(r.get_env())"
    assert run("-c", script, LAMBDA_TASK_ROOT=str(tmp_path)) == "{'A': '1'}\n"


def test_all_names_of_the_package_exist() -> None:
    assert wrapper.__all__ == ["ParseError", "get_env", "load", "wrap"]
    assert all(hasattr(wrapper, name) for name in wrapper.__all__)
    assert not hasattr(wrapper, "get_environ")


def test_get_env_gives_the_file_and_nothing_of_the_environment(task_root: Path) -> None:
    (task_root / ".env").write_bytes(b"# x\nexport A=1\n\nLAMBDA_TASK_ROOT='of the file'\nA=\"2\\n\"\nPATH=/x\n")
    assert get_env() == {"A": "2\n", "LAMBDA_TASK_ROOT": "of the file", "PATH": "/x"}
    assert os.environ["LAMBDA_TASK_ROOT"] == str(task_root)


def test_a_relative_path_is_looked_for_beside_the_code_first(task_root: Path) -> None:
    (task_root / ".env").write_bytes(b"A=code\n")
    Path(".env").write_bytes(b"A=working directory\n")
    assert get_env() == {"A": "code"}
    assert load(environ={}) == {"A": "code"}


def test_a_relative_path_is_then_looked_for_in_the_working_directory(task_root: Path) -> None:
    Path("settings").mkdir()
    Path("settings/a.env").write_bytes(b"A=working directory\n")
    assert get_env("settings/a.env") == {"A": "working directory"}
    assert load(Path("settings/a.env"), environ={}) == {"A": "working directory"}


@pytest.mark.parametrize("root", [None, ""])
def test_without_a_folder_of_code_there_is_the_working_directory(
    root: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LAMBDA_TASK_ROOT", raising=False)
    Path(".env").write_bytes(b"A=1\n")
    assert load(environ={} if root is None else {"LAMBDA_TASK_ROOT": root}) == {"A": "1"}


def test_an_absolute_path_is_taken_as_it_is(task_root: Path, tmp_path: Path) -> None:
    (tmp_path / "other.env").write_bytes(b"A=1\n")
    assert get_env(tmp_path / "other.env") == get_env(os.fsencode(tmp_path / "other.env")) == {"A": "1"}


def test_the_given_environment_says_where_the_code_is(task_root: Path, tmp_path: Path) -> None:
    (task_root / ".env").write_bytes(b"A=real\n")
    (tmp_path / ".env").write_bytes(b"A=given\n")
    assert load(environ={"LAMBDA_TASK_ROOT": str(tmp_path)}) == {"A": "given"}


def test_get_env_without_a_file_names_the_places_it_looked_at(task_root: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        get_env("a.env")
    assert str(task_root / "a.env") in str(caught.value)
    assert str(Path.cwd() / "a.env") in str(caught.value)
    assert caught.value.errno == errno.ENOENT
    assert str(caught.value).endswith(" [CI009]")


def test_get_env_names_one_place_once(task_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(task_root)
    with pytest.raises(FileNotFoundError) as caught:
        get_env()
    assert str(caught.value) == f"[Errno {errno.ENOENT}] No such file, tried {task_root / '.env'} [CI009]"


def test_load_without_a_file_sets_nothing(task_root: Path) -> None:
    environ: dict[str, str] = {}
    assert load(environ=environ) == environ == {}


def test_a_folder_in_the_place_of_the_file_is_an_error(task_root: Path) -> None:
    (task_root / ".env").mkdir()
    with pytest.raises(IsADirectoryError):
        load(environ={})


@pytest.mark.parametrize("case", LOAD, ids=lambda case: case["name"])
def test_load(task_root: Path, case: dict[str, Any]) -> None:
    (task_root / ".env").write_text(case["file"])
    environ = dict(case["environ"])
    options = {name: case[name] for name in ("override", "allow") if name in case}
    assert load(environ=environ, **options) == case["set"]
    assert environ == {**case["environ"], **case["set"]}


def test_allow_may_be_any_iterable(task_root: Path) -> None:
    (task_root / ".env").write_bytes(b"PATH=f\nNODE_PATH=f\nLD_PRELOAD=f\n")
    assert load(environ={}, allow=(name for name in ["NODE_PATH", "PATH"])) == {"PATH": "f", "NODE_PATH": "f"}


def test_load_fills_the_environment_of_this_process_and_of_its_children(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("CFN_A='é 1'\n".encode())
    script = f"""
import os, subprocess, sys
sys.path.insert(0, {str(ROOT)!r})
from wrapper import load
assert load() == {{"CFN_A": "\u00e9 1"}}
assert os.environ["CFN_A"] == "\u00e9 1"
subprocess.run([sys.executable, "-c", "import os; print(os.environ['CFN_A'] == '\u00e9 1')"], check=True)
"""
    assert run("-X", "utf8", "-c", script, LAMBDA_TASK_ROOT=str(tmp_path), PYTHONUTF8="1") == "True\n"


@pytest.mark.parametrize(
    "bad", [b"B='x", b"B=\xff", b"B", b"B=x\0", b"B\0=x"], ids=["quote", "UTF-8", "no =", "NUL in value", "NUL in name"]
)
def test_an_error_sets_nothing_and_tells_file_and_line_but_no_content(task_root: Path, bad: bytes) -> None:
    file = task_root / ".env"
    file.write_bytes(b"A=hunter2\n\n" + bad)
    environ: dict[str, str] = {}
    with pytest.raises(ParseError) as caught:
        load(environ=environ, override=True)
    assert environ == {}
    assert str(caught.value).startswith(f"{file}, line 3 ")
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_a_value_that_cannot_be_set_is_an_error_even_if_it_would_not_be_set(task_root: Path) -> None:
    (task_root / ".env").write_bytes(b"A=x\0\n")
    with pytest.raises(ParseError):
        load(environ={"A": "real"})


def test_the_file_of_an_error_in_the_working_directory_is_named_in_full(task_root: Path) -> None:
    Path("a.env").write_bytes(b"A")
    with pytest.raises(ParseError) as caught:
        get_env("a.env")
    assert caught.value.path == str(Path.cwd() / "a.env")


def test_a_character_that_the_environment_cannot_encode_is_an_error_before_anything_is_set(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("CFN_A=1\nCFN_B='é'\n".encode())
    script = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from wrapper import ParseError, load
assert sys.getfilesystemencoding() == "ascii"
try:
    load()
except ParseError as error:
    print(error.line, "CFN_A" in os.environ)
"""
    assert run("-X", "utf8=0", "-c", script, LAMBDA_TASK_ROOT=str(tmp_path), LC_ALL="C") == "2 False\n"


def plain(event: object, context: object) -> object:
    return event


async def coroutine(event: object, context: object) -> object:
    return event


def generator(event: object, context: object) -> Iterator[object]:
    yield event


async def async_generator(event: object, context: object) -> AsyncIterator[object]:
    yield event


class CallableObject:
    def __call__(self, event: object, context: object) -> object:
        return event


@pytest.mark.parametrize("handler", [plain, coroutine, generator, async_generator, CallableObject(), CallableObject])
def test_wrap_returns_the_handler_itself(task_root: Path, handler: object) -> None:
    assert wrap(handler) is handler


def test_wrap_loads_once_while_the_function_starts(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"CFN_A=first\n")
    script = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from wrapper import wrap

@wrap
def handler(event, context):
    return os.environ["CFN_A"]

os.remove(os.path.join(os.environ["LAMBDA_TASK_ROOT"], ".env"))
os.environ["CFN_A"] += "!"
print(handler(None, None), handler(None, None))
"""
    assert run("-c", script, LAMBDA_TASK_ROOT=str(tmp_path)) == "first! first!\n"


def test_wrap_does_not_hide_an_error_of_the_file(task_root: Path) -> None:
    (task_root / ".env").write_bytes(b"A='")
    with pytest.raises(ParseError):
        wrap(plain)


def documented() -> list[str]:
    page = (ROOT / "docs" / "env-file.md").read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("example", documented(), ids=["get_env", "load", "wrap"])
def test_the_examples_of_the_documentation_run(example: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"TABLE='table 1'\n")
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{example}\n"
    script += "print(handler({}, None) if 'handler' in globals() else table)"
    assert run("-c", script, LAMBDA_TASK_ROOT=str(tmp_path)) == "table 1\n"
