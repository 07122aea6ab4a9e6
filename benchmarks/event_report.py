"""The results of ``benchmarks.event``: rows of medians, their tables, and whether the goals are met."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median, median_low
from typing import NamedTuple

from benchmarks.measuring import Cost
from benchmarks.report import Goal, table

GOAL_MB = 512
UNLIMITED = 0
"""Stands for the memory of a process that has all CPUs."""

BYTECODE, PLAIN, AGAINST = "this", "this, without bytecode", "against"
"""The providers: this checkout's zip, the same without bytecode, and that of another commit."""


class Sample(NamedTuple):
    """One process: its INIT phase, its first event and its second one; what AWS saw of the first."""

    init: Cost
    first: Cost
    second: Cost
    connections: int
    calls: int


@dataclass(frozen=True)
class Row:
    """Medians over ``rounds``, in seconds, for one provider and a function's memory in MB. ``cold`` includes INIT."""

    provider: str
    megabytes: int
    init_cpu_s: float
    cold_cpu_s: float
    cold_wall_s: float
    warm_cpu_s: float
    warm_wall_s: float
    cold_cpu_range: list[float]
    warm_cpu_range: list[float]
    connections: int
    calls: int
    rounds: int


def summarize(provider: str, megabytes: int, samples: Sequence[Sample]) -> Row:
    """The row of several processes of the same kind."""
    cold = [round(each.init.cpu_s + each.first.cpu_s, 4) for each in samples]
    warm = [round(each.second.cpu_s, 4) for each in samples]
    return Row(
        provider=provider,
        megabytes=megabytes,
        init_cpu_s=round(median(each.init.cpu_s for each in samples), 4),
        cold_cpu_s=median(cold),
        cold_wall_s=round(median(each.init.wall_s + each.first.wall_s for each in samples), 4),
        warm_cpu_s=median(warm),
        warm_wall_s=round(median(each.second.wall_s for each in samples), 4),
        cold_cpu_range=[min(cold), max(cold)],
        warm_cpu_range=[min(warm), max(warm)],
        connections=median_low(each.connections for each in samples),
        calls=median_low(each.calls for each in samples),
        rounds=len(samples),
    )


class Results(NamedTuple):
    """``against`` describes the other commit, or is empty."""

    against: str
    rows: list[Row]


def write(results: Results) -> str:
    """``{"against": ..., "rows": [...]}``, with one row per line."""
    lines = ",\n".join(json.dumps(asdict(row)) for row in results.rows)
    return f'{{"against": {json.dumps(results.against)}, "rows": [\n{lines}\n]}}\n'


def read(text: str) -> Results:
    """The results that ``write`` wrote."""
    found = json.loads(text)
    return Results(found["against"], [Row(**row) for row in found["rows"]])


def _cpu(middle: float, span: Sequence[float]) -> str:
    return f"{middle:.2f} ({span[0]:.2f}-{span[1]:.2f})"


def _of(row: Row) -> list[str]:
    cold, warm = _cpu(row.cold_cpu_s, row.cold_cpu_range), _cpu(row.warm_cpu_s, row.warm_cpu_range)
    walls = [f"{row.cold_wall_s:.1f}", f"{row.warm_wall_s:.1f}"]
    return [f"{row.init_cpu_s:.2f}", cold, walls[0], warm, walls[1], str(row.connections), str(row.calls)]


def goals(results: Results) -> list[Goal]:
    """The goals that these rows have values for."""
    return list(_goals({(row.provider, row.megabytes): row for row in results.rows}))


def _goals(rows: dict[tuple[str, int], Row]) -> Iterator[Goal]:
    ours, other = rows.get((BYTECODE, GOAL_MB)), rows.get((AGAINST, GOAL_MB))
    if ours and other:
        for state, bound, ratio in (
            ("cold", 0.4, ours.cold_cpu_s / other.cold_cpu_s),
            ("warm", 0.3, ours.warm_cpu_s / other.warm_cpu_s),
        ):
            text = f"CPU of a {state} event at {GOAL_MB} MB: at most {bound} times that of the other commit"
            yield Goal(text, f"{ratio:.2f}", ratio <= bound)


def tables(results: Results) -> str:
    """A table for each amount of memory."""
    head = ["provider", "INIT: CPU s", "cold: CPU s", "wall s", "warm: CPU s", "wall s", "connections", "calls"]
    parts = []
    for megabytes in dict.fromkeys(row.megabytes for row in results.rows):
        parts.append("### All CPUs\n" if megabytes == UNLIMITED else f"### {megabytes:,} MB\n")
        rows = [row for row in results.rows if row.megabytes == megabytes]
        names = [results.against if row.provider == AGAINST else row.provider for row in rows]
        parts.append(table(head, [[name, *_of(row)] for name, row in zip(names, rows, strict=True)]))
    return "\n".join(parts)
