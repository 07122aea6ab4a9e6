"""Runs npm.

Takes its arguments and a folder. Returns what it printed, or raises the error that it reports.
"""

from __future__ import annotations

from pathlib import Path

from cfn_injector.cli.display import visible
from cfn_injector.cli.tools import Finished, ToolError, Workshop, program
from cfn_injector.errors import InjectorError

SETTINGS = "NPM_CONFIG_"
"""The prefix of npm's own variables."""

_FACTS = ("code ", "syscall ", "path ", "errno ", "dest ")
"""The beginnings of error lines that are less helpful than the line that follows."""


def npm() -> str:
    """The path of npm. Raises InjectorError if it is not installed."""
    found = program("npm")
    if not found:
        raise InjectorError("npm is not on PATH; install Node.js, https://nodejs.org", code="CI837")
    return found


def check(done: Finished, what: str, remedy: str) -> None:
    """Raises ToolError if npm failed."""
    if done.status:
        errors = [line for line in done.lines if line.startswith(("npm error ", "npm ERR! "))]
        reasons = [line.split(" ", 2)[2] for line in errors]
        reason = next((each for each in reasons if not each.startswith(_FACTS)), f"status {done.status}")
        raise ToolError(f"{what}: {visible(reason)}; {remedy}", done.lines, code="CI828")


def setting(workshop: Workshop, cwd: Path, name: str) -> str:
    """The value of npm's setting in this folder; ``undefined`` if npm does not know it."""
    lines = workshop.run([npm(), "config", "get", name], cwd=cwd, settings=SETTINGS).lines
    values = [line for line in lines if not line.startswith("npm ")]  # without warnings
    return values[-1] if values else ""
