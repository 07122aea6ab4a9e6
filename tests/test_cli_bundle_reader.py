"""``bundle`` adds the reader of ``.env`` to a function that imports it, and to no other one."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from cfn_injector.cli.bundling.javascript_imports import imported
from cfn_injector.cli.main import main
from tests.support.cli_projects import contents, state, tree
from tests.support.interpreters import INTERPRETERS, run_bare
from tests.support.node_js import needs_node, run_node

PYTHON = {"wrapper/__init__.py", "wrapper/dotenv.py"}
OTHER_PYTHON = {"cfn_injector_reader/__init__.py", "cfn_injector_reader/dotenv.py"}
NODE = {f"node_modules/wrapper/{name}" for name in ("index.cjs", "index.mjs", "package.json")}
OTHER_NODE = {name.replace("wrapper", "cfn-injector-reader") for name in NODE}


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "app.zip"


def _bundled(files: Mapping[str, str | bytes], output: Path, *arguments: str) -> set[str]:
    """The names that are in the bundle beside those of the source."""
    source = tree(output.parent / "src", files)
    before = state(source)
    assert main(["bundle", str(source), "-o", str(output), "--no-install", *arguments]) == 0
    assert state(source) == before
    return contents(output).keys() - files.keys()


# Imports in Python ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("from wrapper import get_env\n", id="names"),
        pytest.param("from wrapper import (\n    load,\n)\n", id="names in parentheses"),
        pytest.param("from wrapper import *\n", id="all names"),
        pytest.param("from wrapper import other, wrap\n", id="a name among others"),
        pytest.param("import wrapper\n", id="the module"),
        pytest.param("import os, wrapper as reader\n", id="the module under another name"),
        pytest.param("import os, \\\n    wrapper\n", id="a line that goes on"),
        pytest.param("import wrapper.dotenv\n", id="its own module"),
        pytest.param("from wrapper.dotenv import parse\n", id="names of its own module"),
        pytest.param("def handler(e, c):\n    from wrapper import load\n", id="in a function"),
        pytest.param("try:\n    import wrapper\nexcept ImportError:\n    pass\n", id="in a try"),
        pytest.param("import os\nif os.environ.get('A'):\n    import wrapper\n", id="in a condition"),
        pytest.param(b"# -*- coding: latin-1 -*-\nNAME = '\xe4'\nimport wrapper\n", id="another encoding"),
        pytest.param("import wrapper; A = '\\d'\n", id="code that Python warns of"),
    ],
)
def test_an_import_of_the_python_reader_is_found(code: str | bytes, output: Path) -> None:
    assert _bundled({"lib/tool.py": code}, output) == PYTHON


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("# import wrapper\n", id="a comment"),
        pytest.param("CODE = 'import wrapper'\n", id="a string"),
        pytest.param('"""\nfrom wrapper import load\n"""\n', id="a docstring"),
        pytest.param("wrapper = 1\n", id="a variable"),
        pytest.param("from . import wrapper\n", id="a module of the package"),
        pytest.param("from .wrapper import load\n", id="names of a module of the package"),
        pytest.param("from functools import wrapper\n", id="a name of another module"),
        pytest.param("import lib.wrapper\n", id="a module of another package"),
        pytest.param("import wrappers\n", id="a longer name"),
        pytest.param("import wrapper.sub\n", id="a module that the reader does not have"),
        pytest.param("from wrapper.sub import load\n", id="names of a module that it does not have"),
        pytest.param("from wrapper import Wrapper\n", id="a name that it does not have"),
    ],
)
def test_what_only_looks_like_an_import_adds_nothing(code: str, output: Path) -> None:
    assert _bundled({"lib/tool.py": code}, output) == set()


@pytest.mark.parametrize(
    "there",
    [
        pytest.param("wrapper.py", id="a module"),
        pytest.param("wrapper/__init__.py", id="a package"),
        pytest.param("wrapper/get_env/a.py", id="a namespace"),
        pytest.param("wrapper.cpython-313-x86_64-linux-gnu.so", id="a library"),
        pytest.param("lib/wrapper.py", id="a module beside the one that imports it"),
    ],
)
def test_a_python_module_of_that_name_stays(there: str, output: Path) -> None:
    files = {"lib/tool.py": "from wrapper import load\n", there: "load = print\n"}
    assert _bundled(files, output) == set()
    assert contents(output)[there] == b"load = print\n"
    assert _bundled({**files, "app.py": "import cfn_injector_reader\n"}, output) == OTHER_PYTHON


def test_files_that_are_no_module_do_not_keep_the_reader_out(output: Path) -> None:
    assert _bundled({"app.py": "import wrapper\n", "wrapper/README.md": "", "wrapper.md": ""}, output) == PYTHON


def test_code_that_this_python_cannot_read_is_a_warning(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"app.py": "print 'wrapper'\n", "other.py": "print 'nothing'\n", "null.py": "import wrapper\0\n"}
    assert _bundled(files, output) == set()
    version = ".".join(map(str, sys.version_info[:2]))
    unknown = f"is not valid in Python {version}, so its imports are unknown; if it imports the reader of .env"
    assert capsys.readouterr().err.splitlines() == [
        f"cfn-injector: warning: {name} {unknown}, use --reader" for name in ("app.py", "null.py")
    ]


# Imports in JavaScript ------------------------------------------------------------------------------------------------

FOUND = {
    "require": 'const { load } = require("wrapper");',
    "single quotes": "require('wrapper').load()",
    "a template": "require(`wrapper`)",
    "blanks and comments": 'require /* a */ ( // b\n "wrapper" )',
    "an import": 'import { load } from "wrapper";',
    "a minified import": 'import{load as a}from"wrapper";a()',
    "an import of all names": 'import * as reader from "wrapper"',
    "an import over several lines": 'import {\n  load,\n} from "wrapper";',
    "an import for its effect": 'import "wrapper";',
    "an import with attributes": 'import a from "wrapper" with { type: "x" };',
    "an export": 'export { load } from "wrapper";',
    "an import when it runs": 'const { load } = await import("wrapper");',
    "a call with options": 'import("wrapper", {})',
    "TypeScript's output": 'const wrapper_1 = require("wrapper");\n(0, wrapper_1.load)();',
    "TypeScript's output for a default": 'const wrapper_1 = __importDefault(require("wrapper"));',
    "esbuild's output": 'var import_wrapper = __toESM(__require("wrapper"));',
    "an expression in a template": 'const a = `${require("wrapper").getEnv().A}`;',
    "after a template with expressions": 'const a = `a${`b${{ c: 1 }.c}`}"`; require("wrapper");',
    "after a regular expression with a quote": 'x.match(/["]/g); require("wrapper");',
    "after a regular expression that is returned": 'return /"/.test(a) || require("wrapper")',
    "after divisions": 'a = b / c; d = (e) / 2 / "f".length; require("wrapper");',
    "after a comment with a quote": '// don\'t\nrequire("wrapper"); /* " */',
    "after a first line for a shell": '#!/usr/bin/env node "\nrequire("wrapper");',
    "after a string with a quote": "a = 'it\\'s'; require(\"wrapper\");",
    "after a quote that is never closed": 'a = "\nrequire("wrapper")',
    "a file of it": 'require("wrapper/index.cjs")',
}
NOT_FOUND = {
    "a comment": '// require("wrapper")',
    "a comment over several lines": '/*\nimport "wrapper"\n*/',
    "a string": "a = 'require(\"wrapper\")'",
    "a string after an escape": "a = 'it\\'s require(\"wrapper\")'",
    "a template": '`require("wrapper")`',
    "a template after an escape": '`\\`require("wrapper")\\${require("wrapper")}`',
    "a template after an expression": '`${a}require("wrapper")`',
    "a regular expression": 'a = /require("wrapper")/;',
    "a class in a regular expression": 'a = /[/]require("wrapper")/;',
    "a relative import": 'require("./wrapper"); import "../wrapper";',
    "a method": 'loader.require("wrapper"); loader?.import("wrapper")',
    "another function": 'requireAll("wrapper"); my_require("wrapper")',
    "a place": 'require.resolve("wrapper")',
    "a part of a name": 'require("wrapper" + version)',
    "a variable": "require(wrapper)",
    "a value": 'const from = "wrapper"; f(from, "wrapper"); ["import", "wrapper"]',
    "a longer name": 'require("wrapper-x"); require("@a/wrapper"); require("wrapper/lib/a")',
    "a template that is never closed": '`require("wrapper")',
    "nothing but an escape": "`\\",
}


@pytest.mark.parametrize("suffix", ["js", "cjs", "mjs"])
def test_imports_of_the_node_js_reader_are_found(suffix: str, output: Path) -> None:
    assert _bundled({f"lib/a.{suffix}": 'require("wrapper")\n'}, output) == NODE


@pytest.mark.parametrize("name", FOUND)
def test_an_import_in_javascript_is_found(name: str) -> None:
    assert {"wrapper", "wrapper/index.cjs"} & set(imported(FOUND[name]))


@pytest.mark.parametrize("name", NOT_FOUND)
def test_what_only_looks_like_an_import_in_javascript_is_not(name: str, output: Path) -> None:
    assert "wrapper" not in set(imported(NOT_FOUND[name]))


def test_text_that_looks_like_imports_adds_no_node_js_reader(output: Path) -> None:
    assert _bundled({f"{number}.js": code for number, code in enumerate(NOT_FOUND.values())}, output) == set()


@pytest.mark.parametrize(
    ("name", "there"),
    [
        pytest.param("node_modules/wrapper/index.js", "", id="a package"),
        pytest.param("lib/node_modules/wrapper/index.js", "", id="a package beside the module"),
        pytest.param("wrapper/index.js", "", id="a folder at the top, which is in NODE_PATH"),
        pytest.param("wrapper.js", "", id="a module at the top"),
        pytest.param("package.json", '{"name": "wrapper"}', id="the function itself"),
        pytest.param("lib/package.json", '{"devDependencies": {"wrapper": "1"}}', id="a package that a layer may have"),
    ],
)
def test_a_node_js_package_of_that_name_stays(name: str, there: str, output: Path) -> None:
    files = {"lib/a.js": 'require("wrapper")\n', name: there}
    assert _bundled(files, output) == set()
    assert _bundled({**files, "lib/b.js": 'import "cfn-injector-reader"\n'}, output) == OTHER_NODE


def test_what_dependencies_import_is_not_looked_at(output: Path) -> None:
    assert _bundled({"node_modules/a/index.js": 'require("wrapper")'}, output) == set()


# The bundle -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({"app.py": ""}, PYTHON | OTHER_PYTHON, id="Python"),
        pytest.param({"app.js": "", "package.json": "{}"}, NODE | OTHER_NODE, id="Node.js"),
        pytest.param({"app.py": "import cfn_injector_reader"}, OTHER_PYTHON, id="an import says which name"),
        pytest.param({"app.py": "", "wrapper.py": ""}, OTHER_PYTHON, id="a name that is taken"),
    ],
)
def test_the_reader_is_added_on_demand(files: Mapping[str, str], expected: set[str], output: Path) -> None:
    assert _bundled(files, output, "--reader") == expected


def test_an_empty_source_is_refused_even_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "src").mkdir()
    assert main(["bundle", str(tmp_path / "src"), "-o", str(tmp_path / "a.zip"), "--reader"]) == 1
    assert "has no files to bundle" in capsys.readouterr().err


@pytest.mark.parametrize("pattern", ["wrapper", "./wrapper", "wrapper/*"])
def test_the_reader_can_be_left_out(pattern: str, output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _bundled({"app.py": "import wrapper"}, output, "--exclude", pattern) == set()
    assert "warning" not in capsys.readouterr().err


def test_a_note_says_what_was_added_and_why(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"b.py": "import wrapper", "a.py": "import wrapper", "c.py": "import cfn_injector_reader"}
    _bundled(files, output, "--json")
    assert json.loads(capsys.readouterr().out)["notes"] == [
        "the reader of .env is in the bundle as cfn_injector_reader/, because c.py imports it",
        "the reader of .env is in the bundle as wrapper/, because a.py imports it",
    ]


def test_the_same_source_gives_the_same_bytes_and_env_stays_last(output: Path) -> None:
    files = {"a.py": "import wrapper", "z.js": 'require("wrapper")', ".env": "A=1\n"}
    assert _bundled(files, output) == PYTHON | NODE
    first = output.read_bytes()
    assert list(contents(output))[-1] == ".env"
    assert _bundled(files, output) == PYTHON | NODE
    assert output.read_bytes() == first


@pytest.mark.parametrize("version", INTERPRETERS)
def test_both_names_read_the_same_in_python(version: str, output: Path, tmp_path: Path) -> None:
    code = "import cfn_injector_reader, wrapper\nprint([each.get_env() for each in (cfn_injector_reader, wrapper)])\n"
    _bundled({"app.py": code, ".env": "A=\"x\\n\"\nB='y'\n"}, output)
    shutil.unpack_archive(output, tmp_path / "task")
    variables, environ = {"A": "x\n", "B": "y"}, {"LAMBDA_TASK_ROOT": str(tmp_path / "task")}
    assert run_bare(INTERPRETERS[version], tmp_path / "task", "import app", environ) == f"{[variables, variables]}\n"


@needs_node
def test_both_names_read_the_same_in_node_js(output: Path, tmp_path: Path) -> None:
    code = (
        'import a from "wrapper";\nimport { getEnv } from "cfn-injector-reader";\n'
        "console.log(JSON.stringify([a.getEnv(), getEnv()]));"
    )
    _bundled({"app.mjs": code, ".env": "A=\"x\\n\"\nB='y'\n"}, output)
    shutil.unpack_archive(output, tmp_path / "task")
    found = json.loads(run_node("app.mjs", cwd=tmp_path / "task", LAMBDA_TASK_ROOT=str(tmp_path / "task")))
    assert found == [{"A": "x\n", "B": "y"}] * 2
