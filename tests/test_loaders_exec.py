"""``EnvLoader: exec``: what a runtime is started with, byte for byte, for runtimes of several languages.

.NET, which Lambda starts in the same way, is not run here.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cfn_injector.env_loader import EXEC_WRAPPER, desired
from tests.support.sandbox import NODE_3, PYTHON, Runtime, deployed, program, run, unpack

# Each tells its environment as hexadecimal digits of bytes, or where it knows no bytes, of the text as UTF-8.
SOURCES = {
    "app.py": """\
import os, sys
environ = {name.hex(): value.hex() for name, value in os.environb.items()}
beside = [os.getppid(), os.listdir("/proc/self/fd"), sys.orig_argv, os.umask(0)]
def handler(event, context):
    return {"environ": environ, "beside": beside}
""",
    "app.js": """\
const hex = (text) => Buffer.from(text).toString("hex");
const environ = Object.fromEntries(Object.entries(process.env).map((pair) => pair.map(hex)));
exports.handler = async () => ({ environ, beside: [process.ppid, process.argv] });
""",
    "app.rb": """\
require "json"
puts JSON.generate("environ" => ENV.to_h { |name, value| [name.unpack1("H*"), value.unpack1("H*")] })
""",
    "App.java": """\
import java.util.*;
import static java.nio.charset.StandardCharsets.UTF_8;

class App {
  static String hex(String text) {
    var digits = new StringBuilder();
    for (byte each : text.getBytes(UTF_8)) {
      digits.append(Character.forDigit(each >> 4 & 15, 16)).append(Character.forDigit(each & 15, 16));
    }
    return '"' + digits.toString() + '"';
  }

  public static void main(String[] arguments) {
    var pairs = new ArrayList<String>();
    System.getenv().forEach((name, value) -> pairs.add(hex(name) + ":" + hex(value)));
    System.out.println("{\\"environ\\":{" + String.join(",", pairs) + "}}");
  }
}
""",
}
RUNTIMES = (
    PYTHON,
    NODE_3,
    program("ruby3.4", "ruby", "app.rb"),
    program("java21", "java", "-XX:TieredStopAtLevel=1", "App.java"),
)

SHELL = (
    *("_", "BASH", "BASHOPTS", "BASHPID", "BASH_ENV", "BASH_VERSINFO", "CDPATH", "DIRSTACK", "ENV", "EUID", "FUNCNAME"),
    *("GLOBIGNORE", "GROUPS", "HISTCMD", "HOME", "HOSTNAME", "IFS", "LINENO", "OLDPWD", "OPTIND", "POSIXLY_CORRECT"),
    *("PPID", "PS4", "PWD", "RANDOM", "REPLY", "SECONDS", "SHELLOPTS", "TMOUT", "UID"),
    *("given", "others", "record", "winning"),
)
"""Names that bash sets, uses or does not let be set, and those of the loader's own variables."""
FILE = {
    "EVERY": "".join(map(chr, range(1, 256))),
    "EMOJI": "\N{BUG}\N{VARIATION SELECTOR-16}\U0010ffff",
    "BLANKS": " \t both \t ",
    "LINES": "\na\r\nb\rc\n\n",
    "QUOTED": "'\"'\\\\'\\",
    "CALLS": "$HOME ${HOME} $(id) `id` ~ * ? {a,b} !! # & ; | > /tmp/x",
    "EQUALS": "=a==b=",
    "OPTION": "--help",
    "EMPTY": "",
    "LARGE": "é" * 50_000,
    "HELD": "of the file",
    "HELD_EMPTY": "of the file",
    "TZ": "XYZ+3",
    "LANG": "C.UTF-8",
    "PATH": "/of/the/file",
    **{name: f"{name} of the file" for name in SHELL},
}
CONFIGURED = {
    "HELD": "real",
    "HELD_EMPTY": "",
    "LANG": "C.utf8",
    "BROKEN": os.fsdecode(b"a\xffb"),
    "CUT": os.fsdecode(b"a\xc3"),
    "BEHIND_THE_CUT": "here",
    "a.name-no-shell": "has",
    "KEPT": " 'as'\n\"it\" $is ",
    "BASH_FUNC_other%%": "() { echo other; }",
}
"""What the environment holds before; the bytes of one are no UTF-8."""
DIFFERENT = [os.fsencode(name).hex() for name in (EXEC_WRAPPER, "AWS_LAMBDA_RUNTIME_API")]


def hexed(environ: Mapping[str, str]) -> dict[str, str]:
    return {os.fsencode(name).hex(): os.fsencode(value).hex() for name, value in environ.items()}


def told(
    runtime: Runtime, properties: Mapping[str, Any], env: Mapping[str, str], real: Mapping[str, str], root: Path
) -> dict[str, Any]:
    """What a runtime tells of itself, in a folder that has the same name every time."""
    loader = desired(properties)
    wrapper = {EXEC_WRAPPER: loader.exec_wrapper} if loader else {}
    folder = unpack(deployed(SOURCES, properties, env), root)
    (outcome,) = run(folder, runtime, "app.handler", configured={**real, **wrapper})
    shutil.rmtree(root)
    tells: dict[str, Any] = json.loads(outcome.posted.body if outcome.posted else outcome.printed)
    for name in DIFFERENT:
        tells["environ"].pop(name, None)
    return tells


@pytest.mark.parametrize("runtime", RUNTIMES, ids=lambda runtime: runtime.name)
def test_a_runtime_is_started_as_if_the_variables_were_configured(runtime: Runtime, tmp_path: Path) -> None:
    if runtime.missing:
        pytest.skip(runtime.missing)
    properties = {
        "EnvLoader": "exec",
        "AllowLoaderVariables": "true",
        "Handler": "app.handler",
        "Runtime": runtime.name,
    }
    without = told(runtime, {}, FILE, {**FILE, **CONFIGURED, "LANG": FILE["LANG"]}, tmp_path / "root")
    with_loader = told(runtime, properties, FILE, CONFIGURED, tmp_path / "root")
    assert with_loader == without
    expected = hexed({**FILE, "HELD": "real", "HELD_EMPTY": ""})
    assert {name: with_loader["environ"].get(name) for name in expected} == expected


def test_variables_that_load_code_stay_as_they_are_unless_the_template_allows_them(tmp_path: Path) -> None:
    if PYTHON.missing:
        pytest.skip(PYTHON.missing)
    own = {"PATH": "/nowhere", "LD_PRELOAD": "/nowhere.so", "PYTHONPATH": "/nowhere", "TABLE": "orders"}
    without = told(PYTHON, {}, own, {"TABLE": "orders"}, tmp_path / "root")
    assert told(PYTHON, {"EnvLoader": "exec"}, own, {}, tmp_path / "root") == without
