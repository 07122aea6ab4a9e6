"""Decides whether a version of Node.js fits what a package says in ``engines``.

Takes a range of versions and the major version of a runtime. Returns whether any release of that version is in the
range: which release Lambda runs changes by itself.

Ranges are those of https://github.com/npm/node-semver#ranges. Prereleases are ignored.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_COMPARATOR = re.compile(r"(?P<operator>[<>]=?|=|~>?|\^)?\s*[v=]*(?P<version>\d[\w.*+-]*|[xX*][\w.*+-]*)")
_HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)")
_RELEASE = re.compile(r"[+-].*")

Version = tuple[float, ...]
_ENDLESS: Version = (float("inf"),)


class _Interval(NamedTuple):
    """From ``low``, included, to ``high``, excluded."""

    low: Version
    high: Version


def _numbers(version: str) -> tuple[int, ...]:
    """The parts of a version, up to a placeholder."""
    found = []
    for part in _RELEASE.sub("", version).split(".")[:3]:
        if not part.isdigit():
            break
        found.append(int(part))
    return tuple(found)


def _padded(parts: Version) -> Version:
    return (*parts, 0, 0, 0)[:3]


def _after(parts: Version) -> Version:
    """The first version that does not begin with these parts."""
    return _padded((*parts[:-1], parts[-1] + 1)) if parts else _ENDLESS


def _interval(operator: str, parts: tuple[int, ...]) -> _Interval:
    lowest = _padded(parts)
    if operator.startswith(">"):
        return _Interval(lowest if operator == ">=" or not parts else _after(parts), _ENDLESS)
    if operator.startswith("<"):
        return _Interval((0, 0, 0), _after(parts) if operator == "<=" else lowest)
    if operator.startswith("~"):
        return _Interval(lowest, _after(parts[:2]))
    if operator == "^":
        nonzero = next((index for index, part in enumerate(parts) if part), len(parts) - 1)
        return _Interval(lowest, _after(parts[: nonzero + 1]))
    return _Interval(lowest, _after(parts))


def _fits_all(comparators: str, major: int) -> bool:
    text = _HYPHEN.sub(r">=\1 <=\2", comparators.strip())
    low, high = _padded((major,)), _padded((major + 1,))
    for found in _COMPARATOR.finditer(text):
        interval = _interval(found["operator"] or "", _numbers(found["version"]))
        low, high = max(low, interval.low), min(high, interval.high)
    return low < high


def fits(engines: str, major: int) -> bool:
    """Whether a release of this major version is in the range. What is not a range fits everything."""
    return any(_fits_all(each, major) for each in engines.split("||"))
