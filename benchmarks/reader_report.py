"""Tables of the results of ``benchmarks.reader``, and whether the goals are met, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.reader_rows import Group, Results, Row
from benchmarks.reader_ways import BARE, FETCHING, FLOOR
from benchmarks.report import Goal, goals_table, table


class _Rows:
    """Look up rows by group and way."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = {(row.group, row.way): row for row in rows}
        self.kinds = list(dict.fromkeys(row.group._replace(variables=0) for row in rows))
        self.counts = sorted({row.variables for row in rows})

    def ways(self, kind: Group) -> list[str]:
        """All ways of a kind of start, sorted by cost at 100 variables, or at the largest number that was measured."""
        found = [row for (group, _), row in self.rows.items() if group._replace(variables=0) == kind]
        count = 100 if 100 in self.counts else self.counts[-1]
        return [row.way for row in sorted(found, key=lambda row: row.cost_ms) if row.variables == count]

    def costs(self, group: Group, way: str, other: str) -> float | None:
        """The ratio of the costs of two ways."""
        one, two = self.rows.get((group, way)), self.rows.get((group, other))
        return one.cost_ms / two.cost_ms if one and two and two.cost_ms > 0 else None


def _cells(row: Row | None) -> list[str]:
    if row is None:
        return ["", ""]
    if row.way == BARE:
        return [f"({row.wall_ms:.2f})", ""]
    return [f"{row.cost_ms:.2f}" if row.cost_ms < 100 else f"{row.cost_ms:.0f}", f"{row.floors:.1f}"]


def _of_kind(rows: _Rows, kind: Group) -> str:
    head = ["way"]
    for count in rows.counts:
        head += [f"{count:,}: ms", f"x {FLOOR}"]
    at = 100 if 100 in rows.counts else rows.counts[-1]
    head.append("heap bytes" if kind.runtime == "nodejs" else "blocks")
    body = []
    for way in rows.ways(kind):
        line = [way]
        for count in rows.counts:
            line += _cells(rows.rows.get((kind._replace(variables=count), way)))
        line.append(f"{rows.rows[kind._replace(variables=at), way].memory:,}")
        body.append(line)
    return table(head, body)


def _title(kind: Group, results: Results) -> str:
    if kind.runtime == "nodejs":
        return f"Node.js {results.node.removeprefix('v')}"
    preloaded = "in Lambda's runtime" if kind.preloaded else "in a bare interpreter"
    return f"Python {results.python}, {preloaded}, {'with' if kind.bytecode else 'without'} bytecode"


def goals(rows: Sequence[Row]) -> list[Goal]:
    """All goals that these rows have values for; they apply to 100 variables."""
    return list(_goals(_Rows(rows)))


def _goals(rows: _Rows) -> Iterator[Goal]:
    usual, uncompiled = Group("python", 100, True, True), Group("python", 100, True, False)
    node = Group("nodejs", 100, True, False)
    at_most = [
        ("load of the Python wrapper: at most 2 times split", usual, "load", FLOOR, 2.0),
        ("EnvLoader, Python, everything has bytecode: at most 2 times split", usual, "EnvLoader", FLOOR, 2.0),
        ("EnvLoader, Python, nothing has bytecode: at most 3 times split", uncompiled, "EnvLoader", FLOOR, 3.0),
    ]
    at_least = [
        ("load of the Python wrapper: at least 20 times less than python-dotenv", usual, "dotenv", "load", 20.0),
        ("load of the Node.js wrapper: at least 2 times less than dotenv", node, "dotenv", "load", 2.0),
        *((f"load of the Python wrapper: less than {way}", usual, way, "load", 1.0) for way in FETCHING),
    ]
    for text, group, way, other, bound in at_most:
        ratio = rows.costs(group, way, other)
        if ratio is not None:
            yield Goal(text, f"{ratio:.2f}", ratio <= bound)
    for text, group, way, other, bound in at_least:
        ratio = rows.costs(group, way, other)
        if ratio is not None:
            yield Goal(text, f"{ratio:.1f}", ratio >= bound)


def tables(results: Results) -> str:
    """All tables, and the goals."""
    rows = _Rows(results.rows)
    parts = []
    for kind in rows.kinds:
        parts += [f"### {_title(kind, results)}\n", _of_kind(rows, kind)]
    parts.append(goals_table(goals(results.rows)))
    parts.append(f"In Lambda's runtime: {results.preloads}.\n")
    return "\n".join(parts)
