"""Tables of the results, and whether the goals are met, in Markdown.

``tables`` is the text of the results in docs/rewriting.md; ``goals_table`` is printed after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from benchmarks.rows import Row

MB = 1_000_000
KNOWN_ENTRIES = 5000
"""The central directory of this many entries fits into the first read; a larger one takes more requests and memory."""


class Goal(NamedTuple):
    """A goal, the measured value, and whether the goal is met."""

    text: str
    measured: str
    met: bool


class Rows:
    """Look up rows by archive, strategy and link; without a link, on ``link``, that of most measurements."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self.link = "tls" if any(row.link == "tls" for row in rows) else "plain"

    def series(self) -> list[Row]:
        """The rows of ``ours`` for the archives of increasing size."""
        found = [row for row in self.rows if (row.strategy, row.link) == ("ours", "modelled")]
        return sorted(found, key=lambda row: row.bytes)

    def like(self, row: Row, strategy: str, link: str = "") -> Row | None:
        """The row of another strategy for the same archive."""
        for each in self.rows:
            if (each.archive, each.strategy, each.link) == (row.archive, strategy, link or self.link):
                return each
        return None

    def of(self, archive: str) -> list[Row]:
        return [row for row in self.rows if row.archive == archive]

    def sized(self, megabytes: int, strategy: str, link: str = "") -> Row | None:
        """The row for the archive of that size."""
        for row in self.series():
            if round(row.bytes / MB) == megabytes:
                return self.like(row, strategy, link)
        return None


def table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A Markdown table with aligned columns."""
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    lines = [head, ["-" * width for width in widths], *body]
    return "".join(f"| {' | '.join(cell.ljust(w) for cell, w in zip(line, widths, strict=True))} |\n" for line in lines)


def _seconds(middle: float, span: Sequence[float]) -> str:
    return f"{middle:.3f}" if span[0] == span[1] else f"{middle:.3f} ({span[0]:.3f}-{span[1]:.3f})"


def _mb(value: float) -> str:
    return f"{value / MB:.2f}" if value < 10 * MB else f"{value / MB:.0f}"


def _shown(row: Row) -> str:
    return f"{row.bytes / MB:.0f} MB, {row.entries:,} entries"


def _by_strategy(rows: Rows, ours: Row) -> str:
    body = []
    least = rows.like(ours, "ours")
    for row in sorted((each for each in rows.of(ours.archive) if each.link == rows.link), key=lambda row: -row.cpu_s):
        ratio = f"{row.cpu_s / least.cpu_s:.1f}" if least else ""
        sent = f"{row.requests - row.copies} + {row.copies}" if row.copies else str(row.requests)
        cpu, wall = _seconds(row.cpu_s, row.cpu_range), _seconds(row.wall_s, row.wall_range)
        body.append([row.strategy, cpu, ratio, wall, _mb(row.rss_growth), _mb(row.moved), sent])
    return table(["strategy", "CPU s", "x ours", "wall s", "memory MB", "moved MB", "requests"], body)


def _by_tls(rows: Rows) -> str:
    """What TLS adds, for the strategies that were also measured without it."""
    body = []
    for ours in rows.series():
        for strategy in ("memory", "ours", "limit"):
            plain, secure = rows.like(ours, strategy, "plain"), rows.like(ours, strategy, "tls")
            if plain and secure:
                cpu = [_seconds(row.cpu_s, row.cpu_range) for row in (plain, secure)]
                added = f"{(secure.cpu_s - plain.cpu_s) * 1e3:.0f}"
                body.append([_shown(ours), strategy, _mb(secure.moved), str(secure.connections), *cpu, added])
    head = ["archive", "strategy", "moved MB", "connections", "plain: CPU s", "TLS: CPU s", "TLS adds ms"]
    return table(head, body) if body else ""


def _by_link(rows: Rows) -> str:
    body = []
    for ours in rows.series():
        strategies = ["memory", "smart_open", "ours", "limit"]
        found = [each for each in (rows.like(ours, name, "modelled") for name in strategies) if each]
        memory = rows.like(ours, "memory", "modelled")
        walls = [_seconds(row.wall_s, row.wall_range) for row in found]
        body.append([_shown(ours), *walls, f"{memory.wall_s / ours.wall_s:.1f}" if memory else ""])
    return table(["archive", "memory s", "smart_open s", "ours s", "limit s", "memory / ours"], body)


def _alone(rows: Rows, chosen: Sequence[Row], head: str, name: Callable[[Row], str]) -> str:
    body = []
    for row in chosen:
        limit = rows.like(row, "limit")
        ratio = f"{row.cpu_s / limit.cpu_s:.2f}" if limit else ""
        sent = f"{row.requests - row.copies} + {row.copies}"
        cpu = _seconds(row.cpu_s, row.cpu_range)
        body.append([name(row), cpu, ratio, _mb(row.rss_growth), _mb(row.moved), sent])
    return table([head, "CPU s", "x limit", "memory MB", "moved MB", "requests"], body)


def _by_place(rows: Rows) -> list[Row]:
    found = [row for row in rows.rows if (row.strategy, row.link, row.entries) == ("ours", rows.link, KNOWN_ENTRIES)]
    return [row for row in found if round(row.bytes / MB) == 60]


def _by_entries(rows: Rows) -> list[Row]:
    found = [row for row in rows.rows if (row.strategy, row.link, row.env_at) == ("ours", rows.link, "first")]
    return sorted((row for row in found if round(row.bytes / MB) == 60), key=lambda row: row.entries)


def _ratios(rows: Rows) -> Iterator[Goal]:
    ours = rows.sized(60, "ours")
    for strategy, factor in (("entries", 200.0), ("unpack", 300.0), ("admzip", 40.0), ("memory", 3.0)):
        other = rows.sized(60, strategy)
        if ours and other:
            ratio = other.cpu_s / ours.cpu_s
            yield Goal(
                f"CPU at 60 MB: at least {factor:.0f} times less than {strategy}", f"{ratio:.1f}", ratio >= factor
            )
    limit = rows.sized(60, "limit")
    if ours and limit:
        ratio = ours.cpu_s / limit.cpu_s
        yield Goal("CPU at 60 MB: at most 1.5 times that of limit", f"{ratio:.2f}", ratio <= 1.5)


def _moved(rows: Rows) -> Iterator[Goal]:
    for megabytes, factor in ((60, 100), (240, 400)):
        ours, memory, limit = (rows.sized(megabytes, name) for name in ("ours", "memory", "limit"))
        if ours and memory and limit:
            ratio = memory.moved / ours.moved
            text = f"bytes moved at {megabytes} MB: at least {factor} times less than a download and an upload"
            yield Goal(text, f"{ratio:.0f}", ratio >= factor)
            ratio = ours.moved / limit.moved
            text = f"bytes moved at {megabytes} MB: at most 1.2 times those of limit"
            yield Goal(text, f"{ratio:.2f}", ratio <= 1.2)


def _everywhere(rows: Rows) -> Iterator[Goal]:
    ours = [row for row in rows.rows if row.strategy == "ours" and row.link == rows.link]
    if not ours:
        return
    usual = [row for row in ours if row.entries <= KNOWN_ENTRIES and row.env_at != "early"]
    for rows_of, which, megabytes in (
        (usual, f"up to {KNOWN_ENTRIES:,} entries, `.env` not early", 5),
        (ours, "any archive", 40),
    ):
        if rows_of:
            most = max(row.requests - row.copies for row in rows_of)
            yield Goal(f"requests other than copies: at most 7 ({which})", str(most), most <= 7)
            grown = max(row.rss_growth for row in rows_of) / MB
            yield Goal(f"memory: at most {megabytes} MB ({which})", f"{grown:.1f} MB", grown <= megabytes)
    small, large = rows.sized(10, "ours"), rows.sized(240, "ours")
    if small and large:
        ratio = large.cpu_s / small.cpu_s
        yield Goal("CPU at 240 MB: at most 1.2 times that at 10 MB", f"{ratio:.2f}", ratio <= 1.2)
    counted = [row for row in _by_entries(rows) if row.entries >= 1000]
    slopes = [(b.cpu_s - a.cpu_s) / (b.entries - a.entries) * 1e4 for a, b in pairwise(counted)][1:]
    if len(slopes) > 1:
        text = "CPU per additional 10,000 entries: at most 1.5 times as much for many entries as for few"
        shown = " / ".join(f"{slope * 1e3:.0f}" for slope in slopes)
        yield Goal(text, f"{shown} ms", max(slopes) <= 1.5 * min(slopes))


def _waited(rows: Rows) -> Iterator[Goal]:
    ratios = {}
    for row in rows.series():
        memory = rows.like(row, "memory", "modelled")
        if memory:
            ratios[round(row.bytes / MB)] = memory.wall_s / row.wall_s
    for megabytes, factor in ((60, 4), (240, 6)):
        if megabytes in ratios:
            text = f"wall clock on the modelled link at {megabytes} MB: at least {factor} times less than memory"
            yield Goal(text, f"{ratios[megabytes]:.1f}", ratios[megabytes] >= factor)
    if ratios:
        worst = 1 / min(ratios.values())
        text = "wall clock on the modelled link: never more than 1.1 times that of memory"
        yield Goal(text, f"{worst:.2f}", worst <= 1.1)


def goals(rows: Sequence[Row]) -> list[Goal]:
    """All goals that these rows have values for."""
    known = Rows(rows)
    return [*_ratios(known), *_moved(known), *_everywhere(known), *_waited(known)]


def tables(rows: Sequence[Row]) -> str:
    """The tables of the results, each with its heading."""
    known = Rows(rows)
    parts = []
    for ours in known.series():
        parts += [f"### {_shown(ours)}\n", _by_strategy(known, ours)]
    if compared := _by_tls(known):
        parts += ["### What TLS adds\n", compared]
    if known.series():
        parts += ["### Wall clock on the modelled link\n", _by_link(known)]
    if places := _by_place(known):
        parts += ["### Position of the old `.env` (60 MB)\n", _alone(known, places, ".env", lambda row: row.env_at)]
    if counted := _by_entries(known):
        by_count = _alone(known, counted, "entries", lambda row: f"{row.entries:,}")
        parts += ["### Number of entries (60 MB)\n", by_count]
    return "\n".join(parts)


def goals_table(goals: Sequence[Goal]) -> str:
    """The goals, with a heading."""
    body = [[goal.text, goal.measured, "met" if goal.met else "missed"] for goal in goals]
    return "### Goals\n\n" + table(["goal", "measured", ""], body)
