"""The results of ``benchmarks.reader``: a row for each way, number of variables and kind of start.

``summarize`` takes the samples of single processes and returns rows; ``write`` and ``read`` convert them to and from
JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import NamedTuple

from benchmarks.reader_ways import BARE, FLOOR


class Group(NamedTuple):
    """Starts that are compared with each other.

    ``preloaded``: Lambda's runtime is loaded already, with everything that it imports. ``bytecode``: the code is
    compiled.
    """

    runtime: str
    variables: int
    preloaded: bool
    bytecode: bool


class Sample(NamedTuple):
    """One start: nanoseconds, and allocated blocks (Python) or bytes (Node.js)."""

    wall_ns: int
    cpu_ns: int
    memory: int


@dataclass(frozen=True)
class Row:
    """``wall_ms`` and ``cpu_ms`` are first quartiles of ``rounds`` starts: below disturbances, above rare lucky runs.

    ``cost_ms`` is ``wall_ms`` minus that of a start that finds its variables in the environment. ``floors`` is the
    ratio of this cost to that of the floor. ``memory`` is from a separate first start.
    """

    runtime: str
    variables: int
    preloaded: bool
    bytecode: bool
    way: str
    cost_ms: float
    floors: float
    wall_ms: float
    wall_median_ms: float
    cpu_ms: float
    memory: int
    rounds: int

    @property
    def group(self) -> Group:
        return Group(self.runtime, self.variables, self.preloaded, self.bytecode)


@dataclass(frozen=True)
class Results:
    """Rows, versions, and in ``preloads`` what is imported before a preloaded start."""

    python: str
    node: str
    preloads: str
    rows: list[Row]


def _quartile(values: Iterable[int]) -> int:
    ordered = sorted(values)
    return ordered[len(ordered) // 4]


def _ms(nanoseconds: float) -> float:
    return round(nanoseconds / 1e6, 4)


def summarize(group: Group, samples: Mapping[str, Sequence[Sample]]) -> list[Row]:
    """The rows of one group. The first start of each way measures memory, the others measure time."""
    times = {way: each[1:] for way, each in samples.items()}
    walls = {way: _quartile(sample.wall_ns for sample in each) for way, each in times.items()}
    floor = walls[FLOOR] - walls[BARE]
    rows = []
    for way, each in times.items():
        cost = walls[way] - walls[BARE]
        rows.append(
            Row(
                *group,
                way=way,
                cost_ms=_ms(cost),
                floors=round(cost / floor, 2) if floor > 0 else 0.0,
                wall_ms=_ms(walls[way]),
                wall_median_ms=_ms(median(sample.wall_ns for sample in each)),
                cpu_ms=_ms(_quartile(sample.cpu_ns for sample in each)),
                memory=samples[way][0].memory,
                rounds=len(each),
            )
        )
    return rows


def write(results: Results) -> str:
    """One JSON object, with one row per line."""
    head = {name: value for name, value in asdict(results).items() if name != "rows"}
    lines = ",\n".join(json.dumps(asdict(row)) for row in results.rows)
    return f'{json.dumps(head)[:-1]}, "rows": [\n{lines}\n]}}\n'


def read(text: str) -> Results:
    """The results that ``write`` wrote."""
    found = json.loads(text)
    return Results(**{**found, "rows": [Row(**row) for row in found["rows"]]})
