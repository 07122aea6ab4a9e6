"""Runs other people's programs.

Takes a command. Returns its exit status and its output.

A program gets no terminal and asks no questions. It keeps its temporary files in the workshop's folder. If this process
is interrupted, the program and its child processes end with it.

A program does not inherit this process's environment: it gets the variables that ``environment`` lists. AWS credentials
and unrelated secrets are not among them, and neither are relative paths, which would lead into the project.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from shutil import which
from typing import Any, NamedTuple

from cfn_injector.cli.display import redacted, visible
from cfn_injector.errors import InjectorError

_INHERITED = frozenset(
    (
        *("HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ"),
        *("XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_CACHE_HOME", "XDG_DATA_HOME"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
        *("ASDF_DIR", "ASDF_DATA_DIR", "MISE_DATA_DIR", "PYENV_ROOT", "VOLTA_HOME"),
    )
)
_PATHS = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")
"""Variables of which the absolute paths are inherited: a program works in a copy of the project."""
_TOKENS = ("NETRC", "NPM_TOKEN", "NODE_AUTH_TOKEN")
_SECRET_NAME = re.compile(r"auth|token|pass|secret|_key$|keyfile|cert|user|//", re.IGNORECASE)
_SECRET_URL = re.compile(r"://[^/]*@")
_FIXED = {
    "NO_COLOR": "1",
    # No program has a reason to clone a repository; see "protocol.allow" in https://git-scm.com/docs/git-config.
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_TERMINAL_PROMPT": "0",
    # Corepack would otherwise download and run the package manager that the project names.
    "COREPACK_ENABLE_PROJECT_SPEC": "0",
    "COREPACK_ENV_FILE": "0",
}


class ToolError(InjectorError):
    """A program failed. ``output`` is what it printed, which is shown above the message.

    Programs quote URLs. Neither text shows the credentials in them.
    """

    def __init__(self, message: str, output: Sequence[str], *, code: str = "") -> None:
        super().__init__(redacted(message), code=code)
        self.output = "\n".join(redacted(visible(line)) for line in output)


class Finished(NamedTuple):
    """A program's exit status and its output lines, without empty lines and without the path of its folder."""

    command: Sequence[str]
    status: int
    lines: Sequence[str]


class Workshop(NamedTuple):
    """A temporary folder in which programs work, and the function that receives each line of their output."""

    folder: Path
    show: Callable[[str], None]

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        settings: str,
        trusted: bool = True,
        extra: Mapping[str, str] | None = None,
    ) -> Finished:
        """Run the command in the folder ``cwd`` until it ends.

        ``settings`` is the prefix of the program's own variables, such as ``PIP_``; ``extra`` are more variables. A
        program that is not ``trusted`` gets no credentials, and another home folder.
        """
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        home = {} if trusted else {"HOME": str(temporary)}
        lines = []
        with subprocess.Popen(
            command,
            cwd=cwd,
            env={
                **environment(os.environ, settings, trusted=trusted),
                "TMPDIR": str(temporary),
                **home,
                **(extra or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        ) as process:
            try:
                for line in process.stdout or ():
                    if line.strip():
                        lines.append(line.rstrip().replace(f"{cwd}/", ""))
                        self.show(redacted(visible(lines[-1].strip())))
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        return Finished(command, process.returncode, lines)


def _absolute(paths: str) -> str:
    return os.pathsep.join(path for path in paths.split(os.pathsep) if Path(path).is_absolute())


def environment(environ: Mapping[str, str], settings: str, *, trusted: bool) -> dict[str, str]:
    """The part of this process's environment that a program gets.

    These are the variables above, and those whose name begins with ``settings``, in either case: they are the caller's
    own settings for the program. One that is not ``trusted`` gets none that may be a credential.
    """
    found = dict(_FIXED)
    for name, value in environ.items():
        upper = name.upper()
        if name in _PATHS:
            found[name] = _absolute(value)
            continue
        is_own = upper.startswith(settings) or upper in _TOKENS
        is_safe = trusted or not (upper in _TOKENS or _SECRET_NAME.search(name) or _SECRET_URL.search(value))
        if upper in _INHERITED or (is_own and is_safe):
            found[name] = value
    return found


def program(name: str) -> str | None:
    """The path of a program, or None. Relative entries of PATH are ignored, because they may lead into the project."""
    return which(name, path=_absolute(os.environ.get("PATH", os.defpath)))


def uv_program() -> str:
    """The path of uv, or an empty string. uv may be installed beside this command without being on PATH."""
    return program("uv") or which("uv", path=str(Path(sys.executable).parent)) or ""


@contextmanager
def cli_extra(extra: str = "cli") -> Iterator[None]:
    """Import a package of the extra in this context. Raises InjectorError if it is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise InjectorError(
            f"{error.name} is not installed; run: pip install 'cfn-injector[{extra}]'", code="CI801"
        ) from error


def toml_module() -> Any:
    """tomllib, or tomli before Python 3.11. Raises InjectorError if it is not installed."""
    with cli_extra():
        return import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
