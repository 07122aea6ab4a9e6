"""The loaders of ``EnvLoader``: they fill the environment of code that does not read the ``.env`` file itself.

Takes a template's properties. Returns the problems with them, or a ``Loader``: the files to add to the archive, and the
configuration that makes the function run them first.

    _cfn_injector/environ      the variables, as records NAME=VALUE that end with NUL
    _cfn_injector/__init__.py  Python: replaces the function's own handler. Bytecode for some versions is in __pycache__
    _cfn_injector/index.mjs    Node.js: the same
    _cfn_injector/NAME.py      Python: replaces the handler of this name in Handlers; NAME.mjs for Node.js
    _cfn_injector/exec         starts the runtime, for each of Lambda's managed runtimes

A package contains every loader that fits its runtime, not only the one that the template names, so that a function can
switch between them. This module parses the ``.env`` file once, during deployment. A loader therefore has no grammar to
compile at each cold start, and a shell script can be exact. These paths and names must not change: deployed functions
refer to them until their next update.

AWS_LAMBDA_EXEC_WRAPPER: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfn_injector.archive import NewFile
from cfn_injector.env_loader.choice import (
    EXEC_WRAPPER,
    FOLDER,
    LONGEST_RECORD,
    PROBLEMS,
    PROPERTIES,
    RECORDS,
    REQUIRED,
    SHIMS,
    TOO_LONG,
    Shim,
    before_auto,
    handlers_of,
    is_auto,
    is_too_long,
    kind_of,
    problems,
    shim_of,
)
from cfn_injector.env_properties import LOADER_VARIABLES, RESERVED_VARIABLES, declared, env_file, is_set
from cfn_injector.errors import EnvFileError
from wrapper import PRESET_BY_LAMBDA

if TYPE_CHECKING:
    from zipfile import Path as ZipPath

__all__ = [
    "EXEC_WRAPPER",
    "FOLDER",
    "LONGEST_RECORD",
    "PROPERTIES",
    "RECORDS",
    "REQUIRED",
    "Loader",
    "before_auto",
    "desired",
    "differ",
    "handlers_of",
    "is_started",
    "kind_of",
    "problems",
    "running",
    "shim_of",
    "started",
    "stopped",
]

_WRAPPER = f"/var/task/{FOLDER}/exec"
_SOURCES = Path(__file__).parent
_EXECUTABLE = 0o755


@dataclass(frozen=True)
class Loader:
    """``handler`` is the value for Lambda's Handler, ``exec_wrapper`` the one for AWS_LAMBDA_EXEC_WRAPPER, or empty.

    ``added`` lists the files that are the same for every function. ``handler_of_code`` is the handler that a shim
    replaces, empty if there is no shim. The loader always sets the names in ``winning``, even if the environment has
    them, and never sets those in ``left_out``. ``path`` is the file that the variables come from. ``handlers`` are the
    values for Lambda's Handler by the names in ``Handlers``, and ``named`` are the files for them.
    """

    handler: str
    exec_wrapper: str
    added: tuple[NewFile, ...]
    handler_of_code: str
    winning: frozenset[str]
    left_out: frozenset[str]
    path: str
    handlers: Mapping[str, str] = field(default_factory=dict)
    named: tuple[NewFile, ...] = ()

    @property
    def configuration(self) -> dict[str, str]:
        """What makes the function run the loader: its ``Handler``, or the variable ``AWS_LAMBDA_EXEC_WRAPPER``."""
        return {EXEC_WRAPPER: self.exec_wrapper} if self.exec_wrapper else {"Handler": self.handler}

    @property
    def rules(self) -> list[list[str]]:
        """Everything in the template, except variables, that the added files depend on."""
        named = [[file.name, file.data.decode()] for file in self.named]
        return [[self.handler_of_code], sorted(self.winning), sorted(self.left_out), *named]

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
        return [*self.added, *self.named, NewFile(RECORDS, block)]

    def _records(self, variables: Mapping[str, str]) -> bytes:
        return b"".join(self._record(name, value) for name, value in variables.items())

    def _record(self, name: str, value: str) -> bytes:
        record = f"{name}={value}".encode()
        if b"\0" in record:
            problem = f"sets {name!r} to a value with a NUL, which no variable can hold and only EnvLoader: none allows"
            raise EnvFileError(self.path, problem, code="CI326")
        if self.exec_wrapper and is_too_long(name, value):
            raise EnvFileError(self.path, f"sets {name!r} to {TOO_LONG}", code="CI327")
        return record + b"\0"


def desired(properties: Mapping[str, Any], sources: Path | ZipPath = _SOURCES) -> Loader | None:
    """The loader that the properties request, or None. The properties must have been checked.

    ``sources`` is the folder with the loader's files: this one, or the one in a provider's zip.
    With ``auto``, the function keeps working without a loader if none can be added: an earlier version of the provider
    accepted these properties, or they are refused.
    """
    kind, handler, handlers = kind_of(properties), str(properties.get("Handler", "")), handlers_of(properties)
    shim = shim_of(properties) if handler or handlers else None
    if kind not in ("handler", "exec") or (kind == "handler" and shim is None):
        return None
    if is_auto(properties) and any(PROBLEMS[kind](properties)):
        return None
    allowed = LOADER_VARIABLES if is_set(properties, "AllowLoaderVariables") else frozenset()
    return Loader(
        handler=shim.handler if shim and handler and kind == "handler" else handler,
        exec_wrapper=_WRAPPER if kind == "exec" else "",
        added=tuple(_added(shim, sources)),
        handler_of_code=handler if shim else "",
        winning=PRESET_BY_LAMBDA | allowed,
        left_out=(LOADER_VARIABLES | RESERVED_VARIABLES) - allowed,
        path=env_file(properties),
        handlers={name: shim.named(name) for name in handlers} if shim and kind == "handler" else handlers,
        named=tuple(shim.file(name, own) for name, own in sorted(handlers.items())) if shim else (),
    )


def _added(shim: Shim | None, sources: Path | ZipPath) -> Iterator[NewFile]:
    yield NewFile(f"{FOLDER}/exec", (sources / "exec.sh").read_bytes(), _EXECUTABLE)
    if shim:
        yield NewFile(f"{FOLDER}/{shim.name}", (sources / shim.source).read_bytes())
        yield from _bytecode(shim, sources)


def _bytecode(shim: Shim, sources: Path | ZipPath) -> Iterator[NewFile]:
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


def running(observed: Mapping[str, Any]) -> str:
    """The loader that a function with this configuration runs first: ``handler``, ``exec`` or ``none``."""
    if observed.get("Handler") in {shim.handler for shim in SHIMS}:
        return "handler"
    return "exec" if observed.get("Environment", {}).get("Variables", {}).get(EXEC_WRAPPER) == _WRAPPER else "none"


def stopped(observed: Mapping[str, Any], handler: str) -> dict[str, Any]:
    """The change of configuration after which a function runs without a loader; empty if it has none.

    ``observed`` is the function's configuration as Lambda describes it, ``handler`` the function's own handler.
    """
    change: dict[str, Any] = {}
    if observed.get("Handler") in {shim.handler for shim in SHIMS}:
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
