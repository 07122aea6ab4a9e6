"""Asks Git which files of a folder it ignores.

Takes a folder in a work tree. Returns the names of the ignored files, relative to the folder.

Git reads the repository's own settings, of which ``core.fsmonitor`` names a program. It runs none here.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from cfn_injector.cli.display import visible
from cfn_injector.cli.tools import environment, program
from cfn_injector.errors import InjectorError

_REMEDY = "omit --gitignore, and list what to leave out in .bundleignore"
_COMMAND = ("-c", "core.fsmonitor=false", "ls-files", "--others", "--ignored", "--exclude-standard", "-z")


def ignored_by_git(folder: Path) -> frozenset[str]:
    """Names with ``/`` between folders. A file that is tracked is not ignored, as in Git.

    Raises InjectorError if Git is not installed, or if the folder is not in a work tree.
    """
    git = program("git")
    if not git:
        raise InjectorError(f"git is not on PATH; install it, or {_REMEDY}", code="CI810")
    environ = {**environment(os.environ, "GIT_CONFIG_", trusted=True), "GIT_OPTIONAL_LOCKS": "0"}
    done = subprocess.run(
        [git, *_COMMAND], cwd=folder, env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode:
        reason = os.fsdecode(done.stderr).strip().partition("\n")[0].removeprefix("fatal: ")
        raise InjectorError(
            f"Git does not list the files of {visible(str(folder))}: {visible(reason)}; {_REMEDY}", code="CI810"
        )
    names = os.fsdecode(done.stdout).split("\0")
    return frozenset(name.rstrip("/") for name in names if name)  # a repository in the folder ends with "/"
