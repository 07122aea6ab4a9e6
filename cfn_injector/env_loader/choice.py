"""Which loader a template asks for, and every reason why it cannot be added.

Takes a template's properties. Returns the kind of loader, the shim for the runtime, the handlers, or the problems.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cfn_injector.archive import NewFile
from cfn_injector.env_properties import declared, env_file, is_set, variables
from cfn_injector.errors import PropertyError

KINDS = ("auto", "none", "handler", "exec")
PROPERTIES: Mapping[str, tuple[str, str]] = {
    "EnvLoader": (
        "String",
        "what fills the environment of code that does not read the file. `auto` (default) is the loader for the "
        "runtime, if the template has `Env` or `EnvFrom`. `handler` and `exec` name a loader. With `none`, the code "
        "reads the file",
    )
}
"""The property that chooses the loader: type and meaning."""

FOLDER = "_cfn_injector"
RECORDS = f"{FOLDER}/environ"
"""The file of a loader that has the variables."""
EXEC_WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
_WEB_ADAPTER = "/opt/bootstrap"
"""The wrapper that starts ``Handler`` as a command:
https://awslabs.github.io/aws-lambda-web-adapter/getting-started/zip-packages.html
"""

LONGEST_RECORD = 128 * 1024 - 1
"""The longest ``NAME=VALUE``, in bytes, in a new program: https://man7.org/linux/man-pages/man2/execve.2.html."""

TOO_LONG = f"over {LONGEST_RECORD:,} bytes, name and = included, which Linux cannot pass to a program"
_AUTO = {"python": "handler", "nodejs": "handler", "java": "exec", "ruby": "exec", "dotnet": "exec"}
"""What ``auto`` is for runtimes whose names begin like this: those that start through a wrapper. Others get none."""
_GIVE_VARIABLES = frozenset({"Env", "EnvFrom"})
REQUIRED = {"handler": ("Handler", "Runtime"), "exec": ("Runtime",)}
"""The properties that a loader depends on."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")


@dataclass(frozen=True)
class Shim:
    """A handler that replaces the user's, for runtimes whose names begin with ``runtime``.

    ``name`` is the file that ``source`` becomes. ``module`` and ``extension`` are what a handler's module begins with,
    and what its file ends in. ``quoted`` writes a text as the language does, and ``find`` is a program around it.
    """

    runtime: str
    source: str
    name: str
    handler: str
    module: str
    extension: str
    quoted: Callable[[str], str]
    find: str

    def named(self, name: str) -> str:
        """The value for Lambda's Handler of the handler of this name in ``Handlers``."""
        return f"{self.module}{name}.handler"

    def file(self, name: str, handler: str) -> NewFile:
        """The file for it, which replaces the function's own ``handler``."""
        return NewFile(f"{FOLDER}/{name}{self.extension}", self.find.format(self.quoted(handler)).encode())


SHIMS = (
    Shim(
        runtime="python",
        source="python_handler.py",
        name="__init__.py",
        handler=f"{FOLDER}.handler",
        module=f"{FOLDER}.",
        extension=".py",
        quoted=ascii,
        find="from . import find\n\nhandler = find({})\n",
    ),
    Shim(
        runtime="nodejs",
        source="node_handler.mjs",
        name="index.mjs",
        handler=f"{FOLDER}/index.handler",
        module=f"{FOLDER}/",
        extension=".mjs",
        quoted=json.dumps,
        find='import {{ find }} from "./index.mjs";\n\nexport const handler = await find({});\n',
    ),
)


def is_auto(properties: Mapping[str, Any]) -> bool:
    return bool(properties.get("EnvLoader", "auto") == "auto")


def kind_of(properties: Mapping[str, Any]) -> Any:
    """The loader that is stated. ``auto`` chooses one by the runtime if the template has variables to load."""
    if not is_auto(properties):
        return properties["EnvLoader"]
    kind = next((kind for name, kind in _AUTO.items() if _runtime(properties).startswith(name)), "none")
    impossible = kind == "exec" and is_set(properties, "Edge")
    return "none" if impossible or not _GIVE_VARIABLES & properties.keys() else kind


def before_auto(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """The properties as earlier versions of the provider read them, for which the default was ``none``."""
    return {"EnvLoader": "none", **properties}


def _runtime(properties: Mapping[str, Any]) -> str:
    return str(properties.get("Runtime", ""))


def shim_of(properties: Mapping[str, Any]) -> Shim | None:
    return next((shim for shim in SHIMS if _runtime(properties).startswith(shim.runtime)), None)


def handlers_of(properties: Mapping[str, Any]) -> dict[str, str]:
    """The function's own handlers by their names in ``Handlers``."""
    stated = properties.get("Handlers")
    return {name: str(handler) for name, handler in stated.items()} if isinstance(stated, Mapping) else {}


def problems(properties: Mapping[str, Any]) -> Iterator[PropertyError]:
    """Every reason why a loader cannot be added."""
    if env_file(properties).split("/")[0] == FOLDER:
        yield PropertyError(
            "EnvFile", f"is in {FOLDER}, the folder of the loaders", "choose another folder", code="CI209"
        )
    yield from _name_problems(properties)
    kind = kind_of(properties)
    if kind not in KINDS:
        yield PropertyError("EnvLoader", f"is not one of: {', '.join(KINDS)}", "choose one of them", code="CI245")
    elif kind in PROBLEMS:
        for problem in PROBLEMS[kind](properties):
            way_out = ", or set EnvLoader: none" if is_auto(properties) else ""
            yield PropertyError(problem.name, problem.problem, problem.remedy + way_out, code=problem.code)


def _name_problems(properties: Mapping[str, Any]) -> Iterator[PropertyError]:
    stated = properties.get("Handlers", {})
    if not isinstance(stated, Mapping):
        yield PropertyError("Handlers", "is not a map", "use a map of names to handlers", code="CI240")
        return
    if stated and properties.get("Handler"):
        yield PropertyError("Handlers", "is set together with Handler", "keep one of the two", code="CI246")
    for name, handler in stated.items():
        if not _NAME.fullmatch(name):
            yield PropertyError(
                f"Handlers.{name}",
                "is not a valid name",
                "use up to 64 letters and digits, and begin with a letter",
                code="CI234",
            )
        elif name == "index":
            yield PropertyError(
                f"Handlers.{name}", "is the name of the loader's own file", "choose another name", code="CI234"
            )
        if not isinstance(handler, str) or not handler:
            yield PropertyError(f"Handlers.{name}", "is not a handler", "use the form app.handler", code="CI233")


def _handler_problems(properties: Mapping[str, Any]) -> Iterator[PropertyError]:
    if _runtime(properties) and shim_of(properties) is None:
        yield PropertyError(
            "EnvLoader",
            f"handler is for Python and Node.js, and Runtime is {_runtime(properties)}",
            "use exec, or none and read the file in the code",
            code="CI229",
        )
    stated = {"Handler": str(properties.get("Handler", ""))}
    stated |= {f"Handlers.{name}": handler for name, handler in handlers_of(properties).items()}
    for where, handler in stated.items():
        if handler and (".." in handler or "." not in handler.rpartition("/")[2].strip(".")):
            yield PropertyError(where, "is not a module, a dot and a name", "use the form app.handler", code="CI233")
    if declared(properties).get(EXEC_WRAPPER) == _WEB_ADAPTER:
        yield PropertyError(
            f"Environment.Variables.{EXEC_WRAPPER}",
            "is Lambda Web Adapter's, which starts Handler as a command, without a loader",
            "remove it",
            code="CI230",
        )


def _exec_problems(properties: Mapping[str, Any]) -> Iterator[PropertyError]:
    runtime = _runtime(properties)
    if is_set(properties, "Edge"):
        yield PropertyError(
            "EnvLoader",
            "exec needs an environment variable, which Lambda@Edge forbids",
            "use handler, or none",
            code="CI229",
        )
    if runtime and not runtime.startswith(tuple(_AUTO)):
        yield PropertyError(
            "EnvLoader",
            f"exec has no effect with {runtime}, whose bootstrap is your own",
            "use none and read the file in the bootstrap",
            code="CI229",
        )
    env, loader = properties.get("Env"), "EnvLoader: exec"
    if is_auto(properties):
        loader = "EnvLoader: auto, which is exec for this runtime"
    for where, names in (("Env", env), ("Environment.Variables", declared(properties))):
        if isinstance(names, Mapping) and EXEC_WRAPPER in names:
            yield PropertyError(f"{where}.{EXEC_WRAPPER}", f"is set by {loader}", "remove one of the two", code="CI231")
    for name, value in variables(properties).items() if isinstance(env, Mapping) else ():
        if is_too_long(name, value):
            yield PropertyError(f"Env.{name}", f"is {TOO_LONG}", "put it into a file of the artifact", code="CI232")


def is_too_long(name: str, value: str) -> bool:
    return len(f"{name}={value}".encode("utf-8", "surrogatepass")) > LONGEST_RECORD


PROBLEMS = {"handler": _handler_problems, "exec": _exec_problems}
