"""Runs a handler's process for one event.

Takes a command, its environment and an event. Returns ``Answered`` or ``Failed``. The process and what it started have
ended then, also after an exception. Its output goes to standard error.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from time import monotonic

from cfn_injector.cli.display import visible
from cfn_injector.cli.invoking.runtime_api import (
    Answered,
    Ended,
    Event,
    Failed,
    Fetched,
    Finished,
    Message,
    serving,
)
from cfn_injector.errors import InjectorError

INIT_SECONDS = 10
"""How long a runtime may take to ask for the event, beside the function's timeout."""

_STDERR = 2


def _ended(status: int) -> Failed:
    """What Lambda says of a process that ends without an answer."""
    how = f"signal: {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
    return Failed(
        "Runtime.ExitError", f"Runtime exited with error: {how}" if status else "Runtime exited without a reason"
    )


def _outcome(messages: Queue[Message], seconds: float) -> Answered | Failed:
    """The answer, once the runtime asks for the next event: it may go on after it has answered."""
    deadline = monotonic() + INIT_SECONDS + seconds
    outcome: Answered | Failed | None = None
    while True:
        try:
            message = messages.get(timeout=max(deadline - monotonic(), 0))
        except Empty:
            return outcome or Failed("Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds")
        if isinstance(message, Fetched):
            deadline = monotonic() + seconds
        elif isinstance(message, Ended):
            return outcome or _ended(message.status)
        elif isinstance(message, Finished):
            return outcome or Failed("Runtime.Error", "The runtime asked for the next event without an answer")
        else:
            outcome = outcome or message


def _started(command: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command, cwd=cwd, env=environ, stdin=subprocess.DEVNULL, stdout=_STDERR, start_new_session=True
        )
    except OSError as error:
        raise InjectorError(
            f"{visible(command[0])} cannot start: {error.strerror}; correct it", code="CI753"
        ) from error


def _killed(process: subprocess.Popen[bytes]) -> None:
    """Ends the process, and what it started."""
    with suppress(ProcessLookupError, PermissionError):  # macOS refuses it for a process that has ended
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def invoked(command: Sequence[str], event: Event, *, cwd: Path, environ: Mapping[str, str]) -> Answered | Failed:
    """What becomes of the event."""
    messages: Queue[Message] = Queue()
    with serving(event, messages) as address:
        process = _started(command, cwd, {**environ, "AWS_LAMBDA_RUNTIME_API": address})
        try:
            waiting = threading.Thread(target=lambda: messages.put(Ended(process.wait())), daemon=True)
            waiting.start()
            return _outcome(messages, event.seconds)
        finally:
            _killed(process)
