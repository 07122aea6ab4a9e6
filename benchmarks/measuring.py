"""Measure what a function costs this process: wall clock, CPU, memory. Order measurements fairly.

CPU is the user and system time of all threads, and of the processes that the function runs. Memory is the peak resident
set of this process during the call minus the resident set before it. Linux can reset the peak (``clear_refs``,
proc(5)); on other systems only growth over the highest peak so far is measured.
"""

from __future__ import annotations

import gc
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Cost:
    """Seconds, and bytes."""

    wall_s: float
    cpu_s: float
    rss_growth: int


def _resident(field: str) -> int:
    """The resident set (``VmRSS``) or its peak (``VmHWM``), in bytes."""
    if not _STATUS.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) * 1024


def _cpu() -> float:
    """The seconds of this process, and of its child processes that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def measured(run: Callable[[], None]) -> Cost:
    """The cost of one call of the function."""
    gc.collect()
    if _STATUS.exists():
        Path("/proc/self/clear_refs").write_text("5")
    resident = _resident("VmRSS")
    cpu, wall = _cpu(), time.perf_counter()
    run()
    wall, cpu = time.perf_counter() - wall, _cpu() - cpu
    return Cost(wall, cpu, max(_resident("VmHWM") - resident, 0))


def rotated(names: Sequence[str], rounds: int) -> Iterator[str]:
    """Every name once in each round; the order rotates, so that disturbances of this machine affect all alike."""
    for number in range(rounds if names else 0):
        first = number % len(names)
        yield from (*names[first:], *names[:first])
