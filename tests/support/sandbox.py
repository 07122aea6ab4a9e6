"""Runs an archive as Lambda does: unpacked, in a minimal environment, under AWS's own runtime clients.

In: an archive, a runtime, what the function is configured with, events. Out: what the client posted to the Runtime API,
and how its process ended. All of it happens below one folder, which stands for the root of Lambda's file system.

The clients are awslambdaric for Python and aws-lambda-ric for Node.js, whose versions 3 and 4 find handlers in
different ways: 3 is what the managed runtimes up to nodejs22.x derive from, 4 that of nodejs24.x.
"""

from __future__ import annotations

import importlib.util
import io
import json
import shutil
import stat
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from queue import Empty
from typing import Any, NamedTuple

from cfn_injector.env_loader import EXEC_WRAPPER, desired
from cfn_injector.injection import BytesSource, inject
from tests.fakes.runtime_api import SECONDS, Posted, RuntimeApi, runtime_api
from tests.support.artifacts import Memory
from tests.support.node_js import FOLDER, HAS_PACKAGES, NODE, PACKAGES
from tests.support.zips import written

TASK = "var/task"
RUNTIME = "var/runtime"
LAMBDA = {
    "AWS_LAMBDA_FUNCTION_NAME": "shop",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/shop",
    "AWS_LAMBDA_LOG_STREAM_NAME": "2024/05/17/[$LATEST]0123456789abcdef",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "LANG": "en_US.UTF-8",
    "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    "LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
    "TZ": ":UTC",
    "SHLVL": "0",
}
"""https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime"""

_PYTHON = f"python3.{sys.version_info.minor}"
_PYTHON_PARTS = ("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py")
_PYTHON_START = """\
import os, sys
sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
from awslambdaric.__main__ import main
main([__file__, os.environ["_HANDLER"]])
"""
_NODE_START = "await run(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);\n"
_DISABLED = ("--no-experimental-require-module", "--no-experimental-detect-module")
"""Up to nodejs22.x: https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html"""


class Outcome(NamedTuple):
    """``posted`` is None where nothing was, ``status`` that of the process if it ended."""

    posted: Posted | None
    status: int | None
    printed: str


class Runtime(NamedTuple):
    """``command`` lays out /var/runtime and starts from there; ``missing`` says what is not installed here."""

    name: str
    command: Callable[[Path], list[str]]
    environ: Callable[[Path], dict[str, str]]
    missing: str = ""


def _python(runtime: Path) -> list[str]:
    """No ``site``, so that nothing of what is installed here can be imported, but the client."""
    for name in _PYTHON_PARTS:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        part = Path(spec.origin)
        part = part.parent if spec.submodule_search_locations else part
        (runtime / part.name).symlink_to(part)
    (runtime / "bootstrap.py").write_text(_PYTHON_START)
    return [sys.executable, "-S", "-B", str(runtime / "bootstrap.py")]


@lru_cache
def _known_to_node(flags: tuple[str, ...]) -> list[str]:
    script = "console.log(process.argv.slice(1).filter((flag) => process.allowedNodeEnvironmentFlags.has(flag)).join())"
    assert NODE is not None
    asked = subprocess.run(
        [NODE, "-e", script, "--", *flags], capture_output=True, text=True, timeout=SECONDS, check=True
    )
    return [flag for flag in asked.stdout.strip().split(",") if flag]


def _node(runtime: Path, client: str, start: str, flags: tuple[str, ...]) -> list[str]:
    """The client in one file that starts itself, as on Lambda, where it is the file that errors name."""
    text = (PACKAGES / client).read_text(encoding="utf-8")
    native = (FOLDER / "rapid_client.cjs").as_uri()
    (runtime / "index.mjs").write_text(f"{text}\nimport {json.dumps(native)};\n{start}", encoding="utf-8")
    assert NODE is not None
    return [NODE, *_known_to_node(flags), str(runtime / "index.mjs")]


def _node_3(runtime: Path) -> list[str]:
    return _node(runtime, "aws-lambda-ric-3/dist/index.mjs", _NODE_START, _DISABLED)


def _node_4(runtime: Path) -> list[str]:
    return _node(runtime, "aws-lambda-ric-4/index.mjs", "", ())


def _python_environ(runtime: Path) -> dict[str, str]:
    """Python must not choose a locale, as it does where the one of LANG is not installed; on Lambda it is."""
    return {"AWS_EXECUTION_ENV": f"AWS_Lambda_{_PYTHON}", "PYTHONPATH": str(runtime), "PYTHONCOERCECLOCALE": "0"}


def _node_environ(name: str) -> Callable[[Path], dict[str, str]]:
    def environ(runtime: Path) -> dict[str, str]:
        places = ["/opt/nodejs/node_modules", runtime / "node_modules", runtime, runtime.with_name("task")]
        return {"AWS_EXECUTION_ENV": f"AWS_Lambda_{name}", "NODE_PATH": ":".join(map(str, places))}

    return environ


_NO_PYTHON = "" if importlib.util.find_spec("awslambdaric") else "awslambdaric is not installed here"
_NO_NODE = "" if HAS_PACKAGES else "npm did not install tests/node/package.json here"

PYTHON = Runtime(_PYTHON, _python, _python_environ, _NO_PYTHON)
NODE_3 = Runtime("nodejs22.x", _node_3, _node_environ("nodejs22.x"), _NO_NODE)
NODE_4 = Runtime("nodejs24.x", _node_4, _node_environ("nodejs24.x"), _NO_NODE)


def program(name: str, command: str, *arguments: str) -> Runtime:
    """A program that needs no client; its outcome is what it prints."""
    path = shutil.which(command)
    missing = "" if path else f"{command} is not installed here"
    return Runtime(name, lambda _: [path or command, *arguments], lambda _: {}, missing)


def deployed(files: Mapping[str, str], properties: Mapping[str, Any], env: Mapping[str, str]) -> bytes:
    """The archive of these files, with the variables and the loader that the properties ask for."""
    memory = Memory()
    artifact = written({name: text.encode() for name, text in files.items()})
    inject(BytesSource(artifact), memory, env, loader=desired(properties))
    return memory.written[0]


def unpack(archive: bytes, root: Path) -> Path:
    """The folder of the function, as Lambda lays it out, with the modes and links of the archive."""
    folder = root / TASK
    folder.mkdir(parents=True)
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        for info in opened.infolist():
            mode = info.external_attr >> 16
            path = folder / info.filename
            path.parent.mkdir(parents=True, exist_ok=True)
            if info.is_dir():
                path.mkdir(exist_ok=True)
            elif stat.S_ISLNK(mode):
                path.symlink_to(opened.read(info).decode())
            else:
                path.write_bytes(opened.read(info))
                path.chmod(mode & 0o777)
    return folder


def _listing(folder: Path) -> list[tuple[str, int, int]]:
    found = [(path, path.lstat()) for path in sorted(folder.rglob("*"))]
    return [(str(path), status.st_mode, status.st_mtime_ns) for path, status in found]


def _wrapped(command: list[str], environ: Mapping[str, str], root: Path) -> list[str]:
    """As /var/runtime/bootstrap, whose user is not that of the files."""
    wrapper = environ.get(EXEC_WRAPPER)
    if not wrapper:
        return command
    path = root / wrapper.lstrip("/")
    assert path.is_file(), f"{wrapper}: does not exist"
    assert path.stat().st_mode & 0o005 == 0o005, f"{wrapper}: is not an executable"
    return [str(path), *command]


def _wait(process: subprocess.Popen[bytes], api: RuntimeApi, count: int) -> list[Posted]:
    """What is posted for so many events, or until there is nothing more to come."""

    def end() -> None:
        process.wait()
        api.posted.put(None)

    threading.Thread(target=end, daemon=True).start()
    got: list[Posted] = []
    while len(got) < count:
        try:
            posted = api.posted.get(timeout=SECONDS)
        except Empty:
            raise AssertionError(f"the client said nothing for {SECONDS} seconds, after {got}") from None
        if posted is None:
            break
        got.append(posted)
        if posted.what == "init/error":
            process.wait(SECONDS)
            break
    return got


def run(
    folder: Path,
    runtime: Runtime,
    handler: str,
    *,
    configured: Mapping[str, str] | None = None,
    events: Sequence[Any] = ({},),
) -> list[Outcome]:
    """What becomes of the events, in a sandbox where they come one after the other.

    ``folder`` is what ``unpack`` gave. ``configured`` are the variables of the function's configuration.
    """
    root = folder.parents[1]
    (root / RUNTIME).mkdir(parents=True)
    environ = {
        **LAMBDA,
        **runtime.environ(root / RUNTIME),
        "LAMBDA_TASK_ROOT": str(folder),
        "LAMBDA_RUNTIME_DIR": str(root / RUNTIME),
        "_HANDLER": handler,
        **(configured or {}),
    }
    command = _wrapped(runtime.command(root / RUNTIME), environ, root)
    before = _listing(folder)
    with runtime_api([json.dumps(event).encode() for event in events]) as api, (root / "printed").open("wb") as printed:
        environ["AWS_LAMBDA_RUNTIME_API"] = api.address
        process = subprocess.Popen(
            command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT
        )
        try:
            got = _wait(process, api, len(events))
            status = process.poll()
        finally:
            process.kill()
            process.wait(SECONDS)
    assert _listing(folder) == before, "Lambda's /var/task cannot be written"
    text = (root / "printed").read_text(encoding="utf-8", errors="replace")
    return [Outcome(each, status, text) for each in got] or [Outcome(None, status, text)]
