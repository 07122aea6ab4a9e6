"""Kinds of handlers, and what AWS's runtime client reports for each of them.

``test_loaders_run`` runs every kind without a loader and checks the report below, then with each loader and checks that
the report is the same: the response or the error, its message, the user's own frames, and the environment that the
first line of the user's code finds.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.support.sandbox import NODE_3, NODE_4, PYTHON, Runtime

LOADERS = ("none", "handler", "exec")


class Kind(NamedTuple):
    """``reported`` is a response, the type of an error, or how the process ends; a pair where the clients differ.

    ``handler`` is the function's own; ``files`` are texts.
    """

    name: str
    reported: str | tuple[str, str]
    files: dict[str, str]
    handler: str = "app.handler"
    events: int = 1


_PYTHON = "import os\nENVIRON = dict(os.environ)\n\n"
_TELLS = f"{_PYTHON}def handler(event, context):\n    return [ENVIRON, event, context.aws_request_id]\n"
_PACKAGE = {"pkg/__init__.py": "", "pkg/sub/__init__.py": "", "pkg/sub/app.py": _TELLS}
_IMPORTS = "import inner\n"


def _python(text: str, **others: str) -> dict[str, str]:
    return {"app.py": _PYTHON + text, **{f"{name}.py": other for name, other in others.items()}}


PYTHON_KINDS = (
    Kind("a function", "response", {"app.py": _TELLS}),
    Kind("a function in a package, with slashes", "response", _PACKAGE, "pkg/sub/app.handler"),
    Kind("a function in a package, with dots", "response", _PACKAGE, "pkg.sub.app.handler"),
    Kind("a function in a folder that is no package", "response", {"src/app.py": _TELLS}, "src/app.handler"),
    Kind(
        "an instance that can be called",
        "response",
        _python("class Tell:\n    def __call__(self, event, context):\n        return ENVIRON\n\nhandler = Tell()\n"),
    ),
    Kind(
        "a module that keeps state and is imported once",
        "response",
        _python(
            "import builtins\nbuiltins.times = getattr(builtins, 'times', 0) + 1\ncalls = []\n\n"
            "def handler(event, context):\n    calls.append(event)\n    return [builtins.times, calls]\n"
        ),
        events=2,
    ),
    Kind(
        "a function that looks at its own name",
        "response",
        _python("def handler(event, context):\n    return [os.environ['_HANDLER'], __name__, __file__]\n"),
    ),
    Kind(
        "a module that reads the clock on the wall",
        "response",
        _python(
            "import time\nzone = time.strftime('%H %Z', time.localtime(0))\n\n"
            "def handler(event, context):\n    return [zone, time.tzname]\n"
        ),
    ),
    Kind(
        "a coroutine function",
        "Runtime.MarshalError",
        _python("async def handler(event, context):\n    return ENVIRON\n"),
    ),
    Kind("a generator function", "Runtime.MarshalError", _python("def handler(event, context):\n    yield ENVIRON\n")),
    Kind(
        "a function that raises",
        "Refused",
        _python(
            "from inner import refuse\n\ndef handler(event, context):\n    refuse(event)\n",
            inner="class Refused(Exception): ...\n\ndef refuse(event):\n    raise Refused('no', event)\n",
        ),
    ),
    Kind("a module that is missing", "Runtime.ImportModuleError", _python(""), "lib/other.handler"),
    Kind("a module whose package is missing", "Runtime.ImportModuleError", _python(""), "lib.other.handler"),
    Kind("a module named as one of Python's", "Runtime.BuiltInModuleConflict", _python(""), "sys.handler"),
    Kind("a module that lacks the name", "Runtime.HandlerNotFound", _python(""), "app.gone"),
    Kind("a text", "TypeError", _python("handler = 'text'\n")),
    Kind("a module that imports a missing one", "Runtime.ImportModuleError", _python(_IMPORTS, inner="import gone\n")),
    Kind("a module that imports a missing name", "Runtime.ImportModuleError", _python("from os import gone\n")),
    Kind("a module that is no Python", "Runtime.UserCodeSyntaxError", _python("def handler(event:\n    pass\n")),
    Kind("a module that imports what is no Python", "Runtime.UserCodeSyntaxError", _python(_IMPORTS, inner="1 +\n")),
    Kind(
        "a module that raises",
        "ValueError",
        _python(_IMPORTS, inner="def load(name):\n    raise ValueError(name)\n\nload('settings')\n"),
    ),
    Kind("a module that raises without a message", "KeyError", _python("raise KeyError\n")),
    Kind("a module that ends the process", "ends with 3", _python("import sys\nsys.exit(3)\n")),
)

_NODE = "const environ = { ...process.env };\n"
_ASYNC = "async (event, context) => [environ, event, context.awsRequestId]"
_CJS = f"{_NODE}exports.handler = {_ASYNC};\n"
_ESM = f"{_NODE}export const handler = {_ASYNC};\n"
_MODULE = {"package.json": '{"type": "module"}'}
_STREAMED = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.write(JSON.stringify(environ));
  %s;
});
"""


def _js(text: str, **others: str) -> dict[str, str]:
    return {"app.js": _NODE + text, **{f"{name}.js": other for name, other in others.items()}}


def _mjs(text: str, **others: str) -> dict[str, str]:
    return {"app.mjs": _NODE + text, **{f"{name}.mjs": other for name, other in others.items()}}


NODE_KINDS = (
    Kind("an async function", "response", {"app.js": _CJS}),
    Kind("a function that returns at once", "response", _js("exports.handler = () => environ;\n")),
    Kind(
        "a function that calls back",
        ("response", "Runtime.CallbackHandlerDeprecated"),
        _js("exports.handler = (event, context, callback) => callback(null, environ);\n"),
    ),
    Kind("a function in a folder", "response", {"dir/app.js": _CJS}, "dir/app.handler"),
    Kind("a function in a folder with a dot", "response", {"v1.2/app.js": _CJS}, "v1.2/app.handler"),
    Kind("a nested export", "response", _js(f"exports.sub = {{ handler: {_ASYNC} }};\n"), "app.sub.handler"),
    Kind(
        "a static method",
        ("response", "Runtime.HandlerNotFound"),
        _js(f"module.exports = class {{ static handler = {_ASYNC} }};\n"),
    ),
    Kind(
        "a name that is made while loading",
        "response",
        _js(f"Object.assign(module.exports, {{ ['han' + 'dler']: {_ASYNC} }});\n"),
    ),
    Kind("a .js file in a package of ES modules", "response", {"app.js": _ESM, **_MODULE}),
    Kind("a .js file below a package of ES modules", "response", {"dir/app.js": _ESM, **_MODULE}, "dir/app.handler"),
    Kind("a .js file with ES syntax in no such package", ("Runtime.UserCodeSyntaxError", "response"), {"app.js": _ESM}),
    Kind(
        "a .js file with ES syntax that awaits",
        ("Runtime.UserCodeSyntaxError", "response"),
        {"app.js": f"await null;\n{_ESM}"},
    ),
    Kind(
        "an ES module that awaits",
        "response",
        _mjs(f"await new Promise((go) => setTimeout(go, 5));\nexport const handler = {_ASYNC};\n"),
    ),
    Kind(
        "an ES module's default export",
        ("Runtime.HandlerNotFound", "response"),
        _mjs(f"export default {{ handler: {_ASYNC} }};\n"),
    ),
    Kind("a .cjs file", "response", {"app.cjs": _CJS}),
    Kind("a .cjs file in a package of ES modules", "response", {"app.cjs": _CJS, **_MODULE}),
    Kind("a file without an extension beside another", "response", {"app": _CJS, "app.js": "throw 1;\n"}),
    Kind("a folder with index.js", ("response", "Error"), {"app/index.js": _CJS}),
    Kind("a file beside a folder of its name", ("response", "Error"), {"app.js": _CJS, "app/index.js": "throw 1;\n"}),
    Kind("a package in node_modules", "response", {"node_modules/app/index.js": _CJS}),
    Kind(
        "a module that keeps state and is loaded once",
        "response",
        _js(
            "globalThis.times = (globalThis.times ?? 0) + 1;\nconst calls = [];\n"
            "exports.handler = async (event) => [globalThis.times, calls.push(event)];\n"
        ),
        events=2,
    ),
    Kind(
        "a function that looks at its own name",
        "response",
        _js("exports.handler = async () => [process.env._HANDLER, module.id, module.parent?.id, require.main?.id];\n"),
    ),
    Kind(
        "a module that reads the clock on the wall",
        "response",
        _js("const zone = String(new Date(0));\nexports.handler = async () => [zone, String(new Date(0))];\n"),
    ),
    Kind("a streaming function", "response", _js(_STREAMED % "stream.end()")),
    Kind(
        "a streaming function with a status",
        "response",
        _js(
            "exports.handler = awslambda.streamifyResponse(async (event, stream) => {\n"
            "  awslambda.HttpResponseStream.from(stream, { statusCode: 201 }).end(JSON.stringify(environ));\n"
            "}, { highWaterMark: 1024 });\n"
        ),
    ),
    Kind("a streaming function that throws", "Error", _js(_STREAMED % "throw new Error('cut')")),
    Kind(
        "a function that throws",
        "Refused",
        _js(
            "const refuse = require('./inner');\nexports.handler = async (event) => refuse(event);\n",
            inner="class Refused extends Error { name = 'Refused' }\n"
            "module.exports = (event) => { throw new Refused(JSON.stringify(event)) };\n",
        ),
    ),
    Kind("a function that throws at once", "TypeError", _js("exports.handler = () => { null.name };\n")),
    Kind("a function that rejects with a text", "string", _js("exports.handler = () => Promise.reject('no');\n")),
    Kind("a module that is missing", "Runtime.ImportModuleError", _js(""), "lib/other.handler"),
    Kind("a module that lacks the name", "Runtime.HandlerNotFound", _js(""), "app.gone"),
    Kind("an ES module that lacks the name", "Runtime.HandlerNotFound", _mjs("export const other = 1;\n"), "app.gone"),
    Kind("a text", "Runtime.HandlerNotFound", _js("exports.handler = 'text';\n")),
    Kind(
        "a module that requires a missing one",
        "Runtime.ImportModuleError",
        _js("require('./inner');\n", inner="require('gone');\n"),
    ),
    Kind("an ES module that imports a missing one", "Error", _mjs("import './inner.mjs';\n", inner="import 'gone';\n")),
    Kind(
        "an ES module that imports a missing name", "Runtime.UserCodeSyntaxError", _mjs("import { gone } from 'fs';\n")
    ),
    Kind("a module that is no JavaScript", "Runtime.UserCodeSyntaxError", _js("exports.handler = (;\n")),
    Kind("an ES module that is no JavaScript", "Runtime.UserCodeSyntaxError", _mjs("export const handler = (;\n")),
    Kind(
        "a module that requires what is no JavaScript",
        "Runtime.UserCodeSyntaxError",
        _js("require('./inner');\n", inner="1 +;\n"),
    ),
    Kind(
        "a module that throws",
        "RangeError",
        _js("require('./inner')('settings');\n", inner="module.exports = (name) => { throw new RangeError(name) };\n"),
    ),
    Kind("a module that throws a text", "string", _js("throw 'no';\n")),
    Kind("an ES module that throws after awaiting", "RangeError", _mjs("await null;\nthrow new RangeError('late');\n")),
    Kind("a module that ends the process", "ends with 3", _js("process.exit(3);\n")),
    Kind(
        "an ES module that never ends loading", ("ends with 13", "ends with 0"), _mjs("await new Promise(() => {});\n")
    ),
    Kind(
        "a module that leaves a rejection behind",
        ("Runtime.UnhandledPromiseRejection", "ends with 1"),
        _js(f"Promise.reject(new Error('left'));\nexports.handler = {_ASYNC};\n"),
    ),
)


def _cell(reported: str | tuple[str, str], client: int) -> str:
    return reported if isinstance(reported, str) else reported[client]


class Row(NamedTuple):
    """One kind under one runtime."""

    kind: Kind
    runtime: Runtime
    reported: str


ROWS = (
    *(Row(kind, PYTHON, _cell(kind.reported, 0)) for kind in PYTHON_KINDS),
    *(
        Row(kind, runtime, _cell(kind.reported, at))
        for kind in NODE_KINDS
        for at, runtime in enumerate((NODE_3, NODE_4))
    ),
)
