"""``run --local-handler``: invoke a handler of an artifact once, on this machine.

    event -> archive, unpacked into a temporary folder -> the handler's process -> its answer on standard output

The folder is private, and is removed at the end, also after a signal. Logs go to standard error. The exit status is 1
if the handler fails. Values are nowhere but in the folder and in the environment of the process.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cfn_injector.cli import addresses, aws_options, display
from cfn_injector.cli.aws_options import Clients
from cfn_injector.cli.contents import contents_of
from cfn_injector.cli.invoking import environment
from cfn_injector.cli.invoking.environment import Function
from cfn_injector.cli.invoking.events import read_event
from cfn_injector.cli.invoking.process import invoked
from cfn_injector.cli.invoking.runtime_api import Event, Failed
from cfn_injector.cli.invoking.runtimes import interpreter
from cfn_injector.cli.invoking.unpacking import unpack
from cfn_injector.cli.result import Result
from cfn_injector.cli.signals import interrupted_by_signals
from cfn_injector.cli.sources import opened, writing_temporary_file
from cfn_injector.cli.usage import UsageError
from cfn_injector.env_loader import EXEC_WRAPPER, FOLDER, RECORDS, shim_of

_NO_REGION = "us-east-1"


def _say(text: str) -> None:
    print(f"cfn-injector: {text}", file=sys.stderr, flush=True)


@contextmanager
def _private_folder() -> Iterator[Path]:
    """A folder that nobody else can open, without links in its path."""
    with writing_temporary_file():
        folder = tempfile.TemporaryDirectory(prefix="cfn-injector-", ignore_cleanup_errors=True)
    with folder as path:
        for name in ("task", "tmp"):
            Path(path, name).mkdir()
        yield Path(path).resolve()


def _fetched(arguments: argparse.Namespace, clients: Clients, task: Path) -> tuple[Mapping[str, Any], Collection[str]]:
    """Unpacks the artifact. Returns the configuration, which an archive has none of, and the names in its ``.env``."""
    location, configuration = arguments.address, dict[str, Any]()
    place = display.shown(location)
    if addresses.is_address(location):
        found = addresses.deployed(location, clients)
        location = found.archive
        configuration = {**found.configuration, "Environment": {"Variables": found.environment}}
    with display.archive_named(arguments.address), opened(location, clients, place) as source:
        names = contents_of(source, arguments.path, place).env.keys()
        unpack(source, task)
    return configuration, names


def _function(arguments: argparse.Namespace, configuration: Mapping[str, Any], task: Path) -> Function:
    """What to run. In an archive with a loader, the loader's handler is the function's."""
    handler, runtime = arguments.handler or "", arguments.runtime or ""
    if configuration:
        return environment.function_of(configuration, handler, runtime)
    if not runtime:
        raise UsageError("an archive does not say its runtime; give --runtime, such as python3.13", code="CI704")
    shim = shim_of({"Runtime": runtime})
    if not handler and shim and (task / RECORDS).is_file() and (task / FOLDER / shim.name).is_file():
        handler = shim.handler
    if not handler:
        raise UsageError("an archive does not say its handler; give --handler, such as app.handler", code="CI704")
    region = arguments.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or _NO_REGION
    name = re.sub(r"\W", "-", Path(display.shown(arguments.address)).stem)[:64] or "function"
    return environment.function_in_archive(name, handler, runtime, region)


def _command(function: Function, folder: Path) -> list[str]:
    """The interpreter, behind the function's wrapper if it has one."""
    found = interpreter(function.runtime, Path.cwd())
    exec_wrapper = function.variables.get(EXEC_WRAPPER, "")
    wrapper = environment.wrapper_of(exec_wrapper, folder / "task")
    if found.note:
        _say(f"note: {found.note}")
    if function.layers:
        _say("note: the layers of the function are left out")
    if exec_wrapper and not wrapper:
        _say(f"note: {EXEC_WRAPPER} names a file of a layer, and is left out")
    return [*([str(wrapper)] if wrapper else []), *found.command]


def _environ(arguments: argparse.Namespace, function: Function, names: Collection[str], folder: Path) -> dict[str, str]:
    chosen = {"AWS_PROFILE": arguments.profile, "AWS_ENDPOINT_URL": arguments.endpoint_url}
    environ = {**os.environ, **{name: value for name, value in chosen.items() if value}}
    refused = environment.left_out(function, arguments.allow)
    if refused:
        _say(f"note: {display.some(refused, 20)} {'is' if len(refused) == 1 else 'are'} not set; see --allow")
    return environment.environment(function, environ, names, arguments.allow, folder)


def run(arguments: argparse.Namespace) -> Result:
    """The handler's answer is printed as it was posted; the Result has the status alone."""
    body = read_event(arguments.local_handler)
    clients = aws_options.clients(arguments)
    with interrupted_by_signals(), _private_folder() as folder:
        configuration, names = _fetched(arguments, clients, folder / "task")
        function = _function(arguments, configuration, folder / "task")
        command = _command(function, folder)
        environ = _environ(arguments, function, names, folder)
        event = Event(body, str(uuid.uuid4()), function.arn, function.timeout)
        outcome = invoked(command, event, cwd=folder / "task", environ=environ)
    if isinstance(outcome, Failed):
        _say(f"{display.visible(outcome.kind)}: {display.visible(outcome.message)}")
        return Result("", 1)
    sys.stdout.buffer.write(outcome.body if outcome.streamed else outcome.body + b"\n")
    sys.stdout.flush()
    return Result("", 0)
