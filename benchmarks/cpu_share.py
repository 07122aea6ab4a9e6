"""Limit a process to a share of a CPU, as Lambda does by the function's memory.

Uses the ``cpu`` controller of cgroups, version 1 or 2, which takes root. Where that is not to be had, Unavailable says
why. Lambda gives a function with 1,769 MB one CPU, and others in proportion:
https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FULL = 1769
"""The memory in MB of a function that has one CPU."""

ROOTS = {1: Path("/sys/fs/cgroup/cpu"), 2: Path("/sys/fs/cgroup")}
"""Where the controller is, by the version of cgroups."""

_PERIOD_US = 20_000


class Unavailable(Exception):
    """Why no process can be limited here."""


@dataclass(frozen=True)
class Group:
    """A cgroup, by its folder."""

    folder: Path
    version: int

    def limit(self, megabytes: int) -> None:
        """The share of a function with this much memory; at most one CPU."""
        quota = _PERIOD_US * min(megabytes, FULL) // FULL
        if self.version == 1:
            (self.folder / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
            (self.folder / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (self.folder / "cpu.max").write_text(f"{quota} {_PERIOD_US}")

    def add(self, process: int) -> None:
        """Moves a process into the group, with all of its threads."""
        (self.folder / "cgroup.procs").write_text(str(process))


def _made() -> Group:
    found = [version for version, root in ROOTS.items() if (root / "cgroup.procs").exists()]
    if not found:
        raise Unavailable("this machine has no cgroups")
    version, root = found[0], ROOTS[found[0]]
    group = Group(root / f"cfn-injector-{os.getpid()}", version)
    try:
        if version == 2 and "cpu" not in (root / "cgroup.subtree_control").read_text().split():
            (root / "cgroup.subtree_control").write_text("+cpu")
        group.folder.mkdir()
        group.limit(FULL)
    except OSError as error:
        if group.folder.exists():
            group.folder.rmdir()
        raise Unavailable(f"no group can be made in {root}: {error.strerror}") from error
    return group


@contextmanager
def group() -> Iterator[Group]:
    """A group that exists until the end of the block, when its processes must have ended. Raises Unavailable."""
    made = _made()
    try:
        yield made
    finally:
        made.folder.rmdir()
