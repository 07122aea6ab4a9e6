"""What a running function gets from its file under Node.js, as a CommonJS and as an ES module."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cfn_injector import __version__
from tests.support.node_js import FOLDER, PACKAGES, ROOT, WRAPPER, needs_node, needs_packages, read_with_node, run_node

DATA = Path(__file__).parent / "data"
CASES: dict[str, list[dict[str, Any]]] = json.loads((DATA / "dotenv_cases.json").read_text(encoding="utf-8"))
LOAD: list[dict[str, Any]] = json.loads((DATA / "load_cases.json").read_text(encoding="utf-8"))["load"]
NAMES = ["ParseError", "getEnv", "load", "parse", "wrap"]
REQUIRE = f"const {{ {', '.join(NAMES)} }} = require({json.dumps(str(WRAPPER))});\n"
PARSE, GET_ENV, SET, ENVIRON = range(4)
"""The outcomes of ``node/read.cjs`` for the wrapper."""

pytestmark = needs_node


def named(cases: Sequence[dict[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=lambda case: case["name"])


def content(case: dict[str, Any]) -> bytes:
    return bytes.fromhex(case["hex"]) if "hex" in case else str(case["file"]).encode()


def run(script: str, cwd: Path, **environ: str) -> Any:
    """What the script prints, as JSON; its folder of code is ``cwd``, but where ``environ`` says otherwise."""
    return json.loads(run_node("-e", REQUIRE + script, cwd=cwd, **{"LAMBDA_TASK_ROOT": str(cwd), **environ}))


@pytest.fixture(scope="module")
def outcomes() -> dict[str, list[Any]]:
    """Name of a case -> what the reader makes of it."""
    files = [*CASES["read"], *CASES["refused"], *CASES["unset"]]
    written = [{**case, "name": f"written: {case['name']}", "file": f"A={case['text']}\n"} for case in CASES["written"]]
    cases = [*files, *written, *LOAD]
    requests: list[dict[str, Any]] = [
        {"environ": {}, **{name: case[name] for name in ("environ", "override", "allow") if name in case}}
        for case in cases
    ]
    read = read_with_node("wrapper", [content(case) for case in cases], requests)
    return {case["name"]: outcome for case, outcome in zip(cases, read, strict=True)}


@named(CASES["read"])
def test_reads(case: dict[str, Any], outcomes: dict[str, list[Any]]) -> None:
    assert outcomes[case["name"]] == [{"variables": case["variables"]}] * 4


@named(CASES["refused"])
def test_refuses(case: dict[str, Any], outcomes: dict[str, list[Any]]) -> None:
    error = {name: case[name] for name in ("code", "line", "problem")}
    assert outcomes[case["name"]] == [error, error, error, {"variables": {}}]


@named(CASES["unset"])
def test_reads_what_cannot_be_set(case: dict[str, Any], outcomes: dict[str, list[Any]]) -> None:
    found = outcomes[case["name"]]
    assert found[PARSE] == found[GET_ENV]
    assert "variables" in found[PARSE]
    problem = "holds a character that environment variables cannot hold"
    assert found[SET] == {"code": "CI008", "line": case["line"], "problem": problem}
    assert found[ENVIRON] == {"variables": {}}


@named(CASES["written"])
def test_reads_what_the_encoder_writes(case: dict[str, Any], outcomes: dict[str, list[Any]]) -> None:
    assert outcomes[f"written: {case['name']}"][PARSE] == {"variables": {"A": case["value"]}}


@named(LOAD)
def test_load(case: dict[str, Any], outcomes: dict[str, list[Any]]) -> None:
    found = outcomes[case["name"]]
    assert found[SET] == {"variables": case["set"]}
    assert found[ENVIRON] == {"variables": {**case["environ"], **case["set"]}}


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("a.cjs", 'const reader = require("./wrapper/node");'),
        ("a.cjs", 'const reader = require("./wrapper/node/index.cjs");'),
        ("a.mjs", 'import * as reader from "./wrapper/node/index.mjs";'),
        ("a.cjs", 'const reader = require("cfn-injector-reader");'),
        ("a.mjs", 'import * as reader from "cfn-injector-reader";'),
        ("a.js", 'import * as reader from "cfn-injector-reader";'),
    ],
)
def test_both_kinds_of_modules_find_it_as_a_folder_and_as_a_package(name: str, script: str, tmp_path: Path) -> None:
    for place in ("wrapper/node", "node_modules/cfn-injector-reader"):
        shutil.copytree(WRAPPER, tmp_path / place)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / ".env").write_bytes(b"A=1\n")
    shown = "console.log(JSON.stringify([Object.keys(reader), reader.getEnv()]));"
    (tmp_path / name).write_text(f"{script}\n{shown}\n")
    names, variables = json.loads(run_node(name, cwd=tmp_path))
    assert sorted(set(names) - {"default", "module.exports"}) == NAMES
    assert variables == {"A": "1"}


def test_the_reader_alone_works_under_any_name(tmp_path: Path) -> None:
    shutil.copy(WRAPPER / "index.cjs", tmp_path / "reader.cjs")
    (tmp_path / ".env").write_bytes(b"A=1\n")
    assert run_node("-p", 'require("./reader.cjs").getEnv().A', cwd=tmp_path) == "1\n"


def test_it_needs_nothing_but_node() -> None:
    source = (WRAPPER / "index.cjs").read_text(encoding="utf-8")
    required = set(re.findall(r"""require\(["']([^"']+)["']\)""", source))
    assert source.count("require(") == len(required)
    builtin = json.loads(run_node("-p", 'JSON.stringify(require("module").builtinModules)'))
    assert required <= set(builtin)


def test_its_package_has_the_version_of_this_project_and_every_file_that_it_names() -> None:
    package = json.loads((WRAPPER / "package.json").read_text(encoding="utf-8"))
    assert package["version"] == __version__
    named = set(re.findall(r'"\./([^"]+)"', json.dumps(package)))
    beside = {"package.json", "index.d.mts"}  # TypeScript finds the latter beside index.mjs
    assert named | beside == {path.name for path in WRAPPER.iterdir()}


def test_its_package_is_found_without_a_map_of_exports() -> None:
    """Node.js takes longer to look into one, with regular expressions of its own, than to read a hundred variables."""
    assert "exports" not in json.loads((WRAPPER / "package.json").read_text(encoding="utf-8"))


def test_get_env_gives_the_file_and_nothing_of_the_environment(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=1\nLAMBDA_TASK_ROOT='of the file'\nPATH=/x\n")
    script = "console.log(JSON.stringify([getEnv(), process.env.LAMBDA_TASK_ROOT, process.env.PATH !== '/x']))"
    assert run(script, tmp_path) == [{"A": "1", "LAMBDA_TASK_ROOT": "of the file", "PATH": "/x"}, str(tmp_path), True]


def test_no_name_means_anything_but_a_variable(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"__proto__=x\nconstructor=y\n")
    script = """
    const variables = getEnv();
    const environ = {};
    const set = load({ environ });
    console.log(JSON.stringify([
        Object.entries(variables), Object.entries(set), Object.entries(environ),
        variables.toString === undefined, Object.getPrototypeOf(environ) === Object.prototype,
        Object.keys(Object.prototype), ({}).constructor === Object,
        load() && process.env.__proto__, Object.keys(process.env).includes("__proto__"),
    ]));
    """
    pairs = [["__proto__", "x"], ["constructor", "y"]]
    assert run(script, tmp_path) == [pairs, pairs, pairs, True, True, [], True, "x", True]


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        pytest.param("", "code", id="a relative path is looked for beside the code first"),
        pytest.param("'only here.env'", "working directory", id="then in the working directory"),
        pytest.param("process.cwd() + '/.env'", "working directory", id="an absolute path is taken as it is"),
        pytest.param(
            "require('url').pathToFileURL('only here.env')", "working directory", id="a file: URL is an absolute path"
        ),
    ],
)
def test_the_file_is_found(argument: str, value: str, tmp_path: Path) -> None:
    code, elsewhere = tmp_path / "code", tmp_path / "elsewhere"
    for folder, content in ((code, b"A=code\n"), (elsewhere, b"A='working directory'\n")):
        folder.mkdir()
        (folder / ".env").write_bytes(content)
    (elsewhere / "only here.env").write_bytes(b"A='working directory'\n")
    below = code / (elsewhere / ".env").relative_to("/")
    below.parent.mkdir(parents=True)
    below.write_bytes(b"A='below the code'\n")
    options = f"{{ environ: {{}}, path: {argument or 'undefined'} }}"
    script = f"console.log(JSON.stringify([getEnv({argument}).A, load({options}).A]))"
    assert run(script, elsewhere, LAMBDA_TASK_ROOT=str(code)) == [value, value]


def test_the_given_environment_says_where_the_code_is(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / ".env").write_bytes(b"A=real\n")
    (tmp_path / "given" / ".env").write_bytes(b"A=given\n")
    script = "console.log(JSON.stringify(load({ environ: { LAMBDA_TASK_ROOT: process.cwd() + '/given' } })))"
    assert run(script, tmp_path) == {"A": "given"}


@pytest.mark.parametrize("root", ["", "the same folder"])
def test_without_a_folder_of_code_there_is_the_working_directory_alone(root: str, tmp_path: Path) -> None:
    script = "try { getEnv('a.env') } catch (error) { console.log(JSON.stringify([error.code, error.message])) }"
    code, message = run(script, tmp_path, LAMBDA_TASK_ROOT=root and str(tmp_path))
    assert (code, message) == ("ENOENT", f"ENOENT: no such file, tried {tmp_path / 'a.env'} [CI009]")


def test_get_env_without_a_file_names_the_places_it_looked_at(tmp_path: Path) -> None:
    script = "try { getEnv() } catch (error) { console.log(JSON.stringify(error.message)) }"
    message = run(script, tmp_path, LAMBDA_TASK_ROOT="/nowhere")
    assert message.endswith(f"tried /nowhere/.env and {tmp_path / '.env'} [CI009]")


def test_load_without_a_file_sets_nothing(tmp_path: Path) -> None:
    assert run("const environ = {}; console.log(JSON.stringify([load({ environ }), environ]))", tmp_path) == [{}, {}]


def test_a_folder_in_the_place_of_the_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    script = "try { load() } catch (error) { console.log(JSON.stringify(error.code)) }"
    assert run(script, tmp_path) == "EISDIR"


@pytest.mark.parametrize("call", ["getEnv(null)", "getEnv(7)", "parse(null)"])
def test_arguments_of_another_kind_are_errors(call: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=1\n")
    script = f"try {{ {call} }} catch (error) {{ console.log(JSON.stringify(error.name)) }}"
    assert run(script, tmp_path) == "TypeError"


@pytest.mark.parametrize("call", ["load('settings.env')", "load(null)"])
def test_options_that_are_no_object_are_an_error(call: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=1\n")
    script = f"try {{ {call} }} catch (error) {{ console.log(JSON.stringify([error.code, String(error)])) }}"
    message = "TypeError: load takes an object of options: load({ path }) [CI010]"
    assert run(script, tmp_path) == ["CI010", message]


def test_allow_may_be_any_iterable(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"PATH=f\nNODE_PATH=f\nLD_PRELOAD=f\n")
    script = "console.log(JSON.stringify(load({ environ: {}, allow: new Set(['PATH', 'NODE_PATH']).values() })))"
    assert run(script, tmp_path) == {"PATH": "f", "NODE_PATH": "f"}


def test_parse_takes_text_and_bytes(tmp_path: Path) -> None:
    script = r"""
    const text = "\ufeffA=é\n__proto__='1\n2'";
    const views = [text, Buffer.from(text), new Uint8Array(Buffer.from(`xx${text}`)).subarray(2)];
    console.log(JSON.stringify(views.map((view) => Object.entries(parse(view)))));
    """
    assert run(script, tmp_path) == [[["A", "é"], ["__proto__", "1\n2"]]] * 3


def test_load_fills_the_environment_of_this_process_and_of_its_children(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("CFN_A='é 1'\nCFN_B=file\nTZ=XYZ+3\n".encode())
    script = """
    load();
    const child = require("child_process").execFileSync(process.execPath, ["-p", "process.env.CFN_A"]);
    const { CFN_A, CFN_B } = process.env;
    console.log(JSON.stringify([CFN_A, CFN_B, child.toString(), new Date(0).getTimezoneOffset()]));
    """
    assert run(script, tmp_path, CFN_B="real", TZ=":UTC") == ["é 1", "real", "é 1\n", 180]


@pytest.mark.parametrize(
    "bad", [b"B='x", b"B=\xff", b"B", b"B=x\0", b"B\0=x"], ids=["quote", "UTF-8", "no =", "NUL in value", "NUL in name"]
)
def test_an_error_sets_nothing_and_tells_file_and_line_but_no_content(bad: bytes, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=hunter2\n\n" + bad)
    script = """
    const environ = {};
    try {
        load({ environ, override: true });
    } catch (error) {
        const shown = require("util").inspect(error, { depth: null, showHidden: true });
        console.log(JSON.stringify([environ, error instanceof ParseError, error.line, error.path, shown]));
    }
    """
    environ, is_parse_error, line, path, shown = run(script, tmp_path)
    assert (environ, is_parse_error, line, path) == ({}, True, 3, str(tmp_path / ".env"))
    assert re.search(rf"ParseError: {re.escape(path)}, line 3 .* \[CI\d{{3}}\]\n", shown)
    assert "hunter2" not in shown


def test_the_file_of_an_error_in_the_working_directory_is_named_in_full(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A")
    script = "try { getEnv() } catch (error) { console.log(JSON.stringify(error.path)) }"
    assert run(script, tmp_path, LAMBDA_TASK_ROOT="/nowhere") == str(tmp_path / ".env")


def test_the_error_of_a_text_names_its_line_and_no_file(tmp_path: Path) -> None:
    script = "try { parse('A=1\\nB') } catch (error) { console.log(JSON.stringify([String(error), { ...error }])) }"
    assert run(script, tmp_path) == [
        "ParseError: line 2 has no = [CI001]",
        {"name": "ParseError", "code": "CI001", "problem": "has no =", "line": 2},
    ]


def test_wrap_loads_at_once_and_returns_handlers_of_any_kind_themselves(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"CFN_A=first\n")
    script = """
    const streaming = Object.assign(async (event, stream, context) => {}, { [Symbol.for("aws.lambda.runtime")]: 1 });
    const handlers = [async () => {}, (event, context, callback) => callback(null), async function* () {}, streaming];
    console.log(JSON.stringify([handlers.every((handler) => wrap(handler) === handler), process.env.CFN_A]));
    """
    assert run(script, tmp_path) == [True, "first"]


def test_wrap_does_not_hide_an_error_of_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A='")
    assert run("try { wrap(() => {}) } catch (error) { console.log(JSON.stringify(error.line)) }", tmp_path) == 1


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("""`A="${'\\\\"'.repeat(500_000)}"`""", id="escaped quotes"),
        pytest.param("""`A="${"\\\\".repeat(4_000_000)}"`""", id="backslashes"),
        pytest.param("""`A='${"\\n".repeat(1_000_000)}'`""", id="lines in quotes"),
        pytest.param("""'#\\n'.repeat(500_000)""", id="comments"),
        pytest.param("""`A=x${' #'.repeat(500_000)}`""", id="comment signs"),
        pytest.param("""`A=x${' '.repeat(1_000_000)}x #`""", id="blanks"),
        pytest.param("""'A="x"\\n'.repeat(200_000) + 'A="\\\\n"'""", id="values before the first backslash"),
    ],
)
def test_millions_of_characters_take_no_more_than_seconds(text: str, tmp_path: Path) -> None:
    script = f"const text = {text}; const began = process.cpuUsage(); parse(text);"
    assert run(f"{script} console.log(process.cpuUsage(began).user)", tmp_path) < 5_000_000


TYPED = """
const table: string | undefined = getEnv().TABLE;
const environ: Record<string, string | undefined> = {};
const set: Variables = load({ path: new URL("file:///a"), environ, override: true, allow: new Set(["PATH"]) });
load();
load({ path: ".env", allow: "PATH" });
const handler: (event: object) => Promise<number> = wrap(async (event: object) => 1);
try {
  parse(new Uint8Array(3));
} catch (error) {
  if (error instanceof ParseError) {
    const line: number = error.line;
    const path: string | undefined = error.path;
    const code: string = error.code;
  }
}
// @ts-expect-error: options are an object
load(".env");
// @ts-expect-error: a value is text
const wrong: number = parse("A=1").A;
// @ts-expect-error: the reader alone makes these
new ParseError();
"""
DECLARED = "declare class URL { constructor(url: string); readonly href: string }\n"
NAMED = f"{{ {', '.join(NAMES)}, type Variables }}"


@needs_packages
def test_its_types_are_those_of_both_kinds_of_modules(tmp_path: Path) -> None:
    shutil.copytree(WRAPPER, tmp_path / "node_modules" / "cfn-injector-reader")
    sources = {
        "a.mts": f'import {NAMED} from "cfn-injector-reader";',
        "b.cts": f'import {NAMED} from "cfn-injector-reader";',
        "c.cts": 'import reader = require("cfn-injector-reader");\n'
        f"const {{ {', '.join(NAMES)} }} = reader; type Variables = reader.Variables;",
        "d.mts": f'import {NAMED} from "./node_modules/cfn-injector-reader/index.mjs";',
    }
    for name, first in sources.items():
        typed = TYPED if name != "c.cts" else TYPED.replace("instanceof ParseError", "instanceof reader.ParseError")
        (tmp_path / name).write_text(f"{first}\nexport {{}};\n{DECLARED}{typed}")
    compiler = PACKAGES / "typescript" / "bin" / "tsc"
    options = ["--noEmit", "--strict", "--module", "node16", "--target", "es2022", "--lib", "es2022"]
    assert run_node(compiler, *options, *sources, cwd=tmp_path) == ""


def test_the_lock_of_what_the_tests_install_names_no_place() -> None:
    lock = json.loads((FOLDER / "package-lock.json").read_text(encoding="utf-8"))
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert all("integrity" in package for name, package in lock["packages"].items() if name)


def documented() -> list[tuple[str, str]]:
    page = (ROOT / "docs" / "env-file.md").read_text(encoding="utf-8")
    return re.findall(r"^```(js|mjs)\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)


def test_the_examples_of_the_documentation_run(tmp_path: Path) -> None:
    assert [kind for kind, _ in documented()] == ["js", "js", "mjs"]
    shutil.copytree(WRAPPER, tmp_path / "node_modules" / "cfn-injector-reader")
    (tmp_path / ".env").write_bytes(b"TABLE='table 1'\n")
    for number, (kind, example) in enumerate(documented()):
        name = f"{number}.{'cjs' if kind == 'js' else 'mjs'}"
        handled = "exports.handler" if kind == "js" else "handler"
        ask = f"if ({handled}) {handled}({{}}).then((table) => console.log(table)); else console.log(table);"
        (tmp_path / name).write_text(
            f"{example}\n{ask}\n" if "handler" in example else f"{example}\nconsole.log(table)"
        )
        assert run_node(name, cwd=tmp_path, LAMBDA_TASK_ROOT=str(tmp_path)) == "table 1\n"
