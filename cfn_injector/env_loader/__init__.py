"""The loaders of ``EnvLoader``: they fill the environment of code that does not read the ``.env`` file itself.

Takes a template's properties. Returns the problems with them, or a ``Loader``: the files to add to the archive, and the
configuration that makes the function run them first.

    _cfn_injector/environ      the variables, as records NAME=VALUE that end with NUL
    _cfn_injector/__init__.py  Python: replaces the function's own handler. Bytecode for some versions is in __pycache__
    _cfn_injector/index.mjs    Node.js: the same
    _cfn_injector/exec         starts the runtime, for each of Lambda's managed runtimes

A package contains every loader that fits its runtime, not only the one that the template names, so that a function can
switch between them. This module parses the ``.env`` file once, during deployment. A loader therefore has no grammar to
compile at each cold start, and a shell script can be exact. These paths and names must not change: deployed functions
refer to them until their next update.

AWS_LAMBDA_EXEC_WRAPPER: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfn_injector.archive import NewFile
from cfn_injector.env_properties import (
    LOADER_VARIABLES,
    RESERVED_VARIABLES,
    declared,
    env_file,
    is_set,
    variables,
)
from cfn_injector.errors import EnvFileError, PropertyError
from wrapper import PRESET_BY_LAMBDA

if TYPE_CHECKING:
    from zipfile import Path as ZipPath

KINDS = ("auto", "none", "handler", "exec")
FOLDER = "_cfn_injector"
EXEC_WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
LONGEST_RECORD = 128 * 1024 - 1
"""The longest ``NAME=VALUE``, in bytes, in a new program: https://man7.org/linux/man-pages/man2/execve.2.html."""

_TOO_LONG = f"over {LONGEST_RECORD:,} bytes, name and = included, which Linux cannot pass to a program"
_WRAPPER = f"/var/task/{FOLDER}/exec"
_SOURCES = Path(__file__).parent
_EXECUTABLE = 0o755
_AUTO = {"python": "handler", "nodejs": "handler", "java": "exec", "ruby": "exec", "dotnet": "exec"}
"""What ``auto`` is for runtimes whose names begin like this: those that start through a wrapper. Others get none."""
_VARIABLES = frozenset({"Env", "EnvFrom"})
REQUIRED = {"handler": ("Handler", "Runtime"), "exec": ("Runtime",)}
"""The properties that a loader depends on."""


@dataclass(frozen=True)
class _Shim:
    """A handler that replaces the user's, for runtimes whose names begin with ``runtime``."""

    runtime: str
    source: str
    name: str
    handler: str


_SHIMS = (
    _Shim("python", "python_handler.py", "__init__.py", f"{FOLDER}.handler"),
    _Shim("nodejs", "node_handler.mjs", "index.mjs", f"{FOLDER}/index.handler"),
)


@dataclass(frozen=True)
class Loader:
    """``handler`` is the value for Lambda's Handler, ``exec_wrapper`` the one for AWS_LAMBDA_EXEC_WRAPPER, or empty.

    ``added`` lists the files that are the same for every function. ``handler_of_code`` is the handler that a shim
    replaces, empty if there is no shim. The loader always sets the names in ``winning``, even if the environment has
    them, and never sets those in ``left_out``. ``path`` is the file that the variables come from.
    """

    handler: str
    exec_wrapper: str
    added: tuple[NewFile, ...]
    handler_of_code: str
    winning: frozenset[str]
    left_out: frozenset[str]
    path: str

    @property
    def configuration(self) -> dict[str, str]:
        """What makes the function run the loader: its ``Handler``, or the variable ``AWS_LAMBDA_EXEC_WRAPPER``."""
        return {EXEC_WRAPPER: self.exec_wrapper} if self.exec_wrapper else {"Handler": self.handler}

    @property
    def rules(self) -> list[list[str]]:
        """Everything in the template, except variables, that the added files depend on."""
        return [[self.handler_of_code], sorted(self.winning), sorted(self.left_out)]

    @property
    def sources(self) -> str:
        """A hash of the files that are the same for every function. It changes only with the provider."""
        return sha256(repr(self.added).encode()).hexdigest()[:16]

    def files(self, variables: Mapping[str, str]) -> list[NewFile]:
        """The files to add to an archive whose ``.env`` file holds these variables. Raises EnvFileError."""
        settable = {name: value for name, value in variables.items() if name not in self.left_out}
        winning = {name: value for name, value in settable.items() if name in self.winning}
        others = {name: value for name, value in settable.items() if name not in self.winning}
        own = {"_HANDLER": self.handler_of_code} if self.handler_of_code else {}
        block = b"\0".join(self._records(each) for each in (winning, others, own))
        return [*self.added, NewFile(f"{FOLDER}/environ", block)]

    def _records(self, variables: Mapping[str, str]) -> bytes:
        return b"".join(self._record(name, value) for name, value in variables.items())

    def _record(self, name: str, value: str) -> bytes:
        record = f"{name}={value}".encode()
        if b"\0" in record:
            raise EnvFileError(self.path, f"sets {name!r} to a value with a NUL, which no variable can hold")
        if self.exec_wrapper and _is_too_long(name, value):
            raise EnvFileError(self.path, f"sets {name!r} to {_TOO_LONG}")
        return record + b"\0"


def _is_auto(properties: Mapping[str, Any]) -> bool:
    return bool(properties.get("EnvLoader", "auto") == "auto")


def _kind(properties: Mapping[str, Any]) -> Any:
    """The loader that is stated. ``auto`` chooses one by the runtime if the template has variables to load."""
    if not _is_auto(properties):
        return properties["EnvLoader"]
    kind = next((kind for name, kind in _AUTO.items() if _runtime(properties).startswith(name)), "none")
    impossible = kind == "exec" and is_set(properties, "Edge")
    return "none" if impossible or not _VARIABLES & properties.keys() else kind


def before_auto(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """The properties as earlier versions of the provider read them, for which the default was ``none``."""
    return {"EnvLoader": "none", **properties}


def _runtime(properties: Mapping[str, Any]) -> str:
    return str(properties.get("Runtime", ""))


def _shim(properties: Mapping[str, Any]) -> _Shim | None:
    return next((shim for shim in _SHIMS if _runtime(properties).startswith(shim.runtime)), None)


def desired(properties: Mapping[str, Any], sources: Path | ZipPath = _SOURCES) -> Loader | None:
    """The loader that the properties request, or None. The properties must have been checked.

    ``sources`` is the folder with the loader's files: this one, or the one in a provider's zip.
    With ``auto``, the function keeps working without a loader if none can be added: an earlier version of the provider
    accepted these properties, or they are refused.
    """
    kind, handler = _kind(properties), str(properties.get("Handler", ""))
    shim = _shim(properties) if handler else None
    if kind not in ("handler", "exec") or (kind == "handler" and shim is None):
        return None
    if _is_auto(properties) and any(_PROBLEMS[kind](properties)):
        return None
    allowed = LOADER_VARIABLES if is_set(properties, "AllowLoaderVariables") else frozenset()
    return Loader(
        handler=shim.handler if shim and kind == "handler" else handler,
        exec_wrapper=_WRAPPER if kind == "exec" else "",
        added=tuple(_added(shim, sources)),
        handler_of_code=handler if shim else "",
        winning=PRESET_BY_LAMBDA | allowed,
        left_out=(LOADER_VARIABLES | RESERVED_VARIABLES) - allowed,
        path=env_file(properties),
    )


def _added(shim: _Shim | None, sources: Path | ZipPath) -> Iterator[NewFile]:
    yield NewFile(f"{FOLDER}/exec", (sources / "exec.sh").read_bytes(), _EXECUTABLE)
    if shim:
        yield NewFile(f"{FOLDER}/{shim.name}", (sources / shim.source).read_bytes())
        yield from _bytecode(shim, sources)


def _bytecode(shim: _Shim, sources: Path | ZipPath) -> Iterator[NewFile]:
    """Compiled sources, as far as the provider's zip contains them: the runtime takes the one for its own version."""
    source = Path(shim.source).stem
    for compiled in sorted(path.name for path in sources.iterdir() if fnmatch(path.name, f"{source}.*.pyc")):
        name = compiled.replace(source, Path(shim.name).stem, 1)
        yield NewFile(f"{FOLDER}/__pycache__/{name}", (sources / compiled).read_bytes())


def differ(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether packages with the old and with the new properties hold different loaders, or only one holds a loader."""
    held = [(loader.added, loader.rules) if loader else None for loader in map(desired, (old, new))]
    return held[0] != held[1]


def is_started(observed: Mapping[str, Any], loader: Loader) -> bool:
    """Whether a function with this configuration, as Lambda describes it, runs the loader first."""
    if loader.exec_wrapper:
        return bool(observed.get("Environment", {}).get("Variables", {}).get(EXEC_WRAPPER) == loader.exec_wrapper)
    return bool(observed.get("Handler") == loader.handler)


def stopped(observed: Mapping[str, Any], handler: str) -> dict[str, Any]:
    """The change of configuration after which a function runs without a loader; empty if it has none.

    ``observed`` is the function's configuration as Lambda describes it, ``handler`` the function's own handler.
    """
    change: dict[str, Any] = {}
    if observed.get("Handler") in {shim.handler for shim in _SHIMS}:
        change["Handler"] = handler
    present = observed.get("Environment", {}).get("Variables", {})
    if present.get(EXEC_WRAPPER) == _WRAPPER:
        change["Environment"] = {"Variables": {name: present[name] for name in present if name != EXEC_WRAPPER}}
    return change


def started(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """The properties with the Handler and Environment that make the loader run first."""
    loader = desired(properties)
    if loader is None:
        return properties
    if not loader.exec_wrapper:
        return {**properties, "Handler": loader.handler}
    return {**properties, "Environment": {"Variables": {**declared(properties), EXEC_WRAPPER: loader.exec_wrapper}}}


def problems(properties: Mapping[str, Any]) -> Iterator[PropertyError]:
    """Every reason why a loader cannot be added."""
    if env_file(properties).split("/")[0] == FOLDER:
        yield PropertyError("EnvFile", f"is in {FOLDER}, the folder of the loaders", "choose another folder")
    kind = _kind(properties)
    if kind not in KINDS:
        yield PropertyError("EnvLoader", f"is not one of: {', '.join(KINDS)}", "choose one of them")
    elif kind in _PROBLEMS:
        for problem in _PROBLEMS[kind](properties):
            way_out = ", or set EnvLoader: none" if _is_auto(properties) else ""
            yield PropertyError(problem.name, problem.problem, problem.remedy + way_out)


def _handler_problems(properties: Mapping[str, Any]) -> Iterator[PropertyError]:
    if _runtime(properties) and _shim(properties) is None:
        yield PropertyError(
            "EnvLoader",
            f"handler is for Python and Node.js, and Runtime is {_runtime(properties)}",
            "use exec, or none and read the file in the code",
        )
    handler = str(properties.get("Handler", ""))
    if handler and (".." in handler or "." not in handler.rpartition("/")[2].strip(".")):
        yield PropertyError("Handler", "is not a module, a dot and a name", "use the form app.handler")


def _exec_problems(properties: Mapping[str, Any]) -> Iterator[PropertyError]:
    runtime = _runtime(properties)
    if is_set(properties, "Edge"):
        yield PropertyError(
            "EnvLoader", "exec needs an environment variable, which Lambda@Edge forbids", "use handler, or none"
        )
    if runtime and not runtime.startswith(tuple(_AUTO)):
        yield PropertyError(
            "EnvLoader",
            f"exec has no effect with {runtime}, whose bootstrap is your own",
            "use none and read the file in the bootstrap",
        )
    env, loader = properties.get("Env"), "EnvLoader: exec"
    if _is_auto(properties):
        loader = f"EnvLoader: auto, which is exec for {runtime}"
    for where, names in (("Env", env), ("Environment.Variables", declared(properties))):
        if isinstance(names, Mapping) and EXEC_WRAPPER in names:
            yield PropertyError(f"{where}.{EXEC_WRAPPER}", f"is set by {loader}", "remove one of the two")
    for name, value in variables(properties).items() if isinstance(env, Mapping) else ():
        if _is_too_long(name, value):
            yield PropertyError(f"Env.{name}", f"is {_TOO_LONG}", "put it into a file of the artifact")


def _is_too_long(name: str, value: str) -> bool:
    return len(f"{name}={value}".encode("utf-8", "surrogatepass")) > LONGEST_RECORD


_PROBLEMS = {"handler": _handler_problems, "exec": _exec_problems}
