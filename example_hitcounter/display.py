"""What the demo shows: steps and a report go in, lines and tables on a console come out.

On a terminal a step moves while it runs; elsewhere each is a plain line.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TextIO

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from example_hitcounter.report import CHANGED_PATH, Report

PLAIN_WIDTH = 110


class Display:
    """A console on ``stream``."""

    def __init__(self, stream: TextIO) -> None:
        terminal = stream.isatty()
        self._console = Console(file=stream, highlight=False, width=None if terminal else PLAIN_WIDTH)

    def line(self, text: str = "") -> None:
        """One line; long words are left whole, so that a URL can be copied."""
        self._console.print(escape(text), soft_wrap=True)

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show ``text`` while the block runs, then how long that took, or that it failed."""
        start, outcome = time.monotonic(), "[red]failed[/red] "
        try:
            with self._console.status(escape(text)) if self._console.is_terminal else nullcontext():
                yield
            outcome = ""
        finally:
            took = f"[dim]({time.monotonic() - start:.1f} s)[/dim]"
            self._console.print(f"{escape(text)} {outcome}{took}", soft_wrap=True)

    def stages(self, report: Report) -> None:
        """A column for each stage, a row for what they differ in."""
        table = Table(box=box.SIMPLE_HEAD, title="One artifact, deployed to each stage", title_justify="left")
        table.add_column("")
        for name in report.stages:
            table.add_column(name, overflow="fold")
        stages = report.stages.values()
        table.add_row("function", *(escape(stage.function) for stage in stages))
        table.add_row("table", *(escape(stage.table) for stage in stages))
        table.add_row("names in its .env", *(", ".join(stage.env_keys) for stage in stages))
        table.add_row("hits per path", *(escape(_hits(stage.hits)) for stage in stages))
        table.add_row(
            f"then {CHANGED_PATH}",
            *(f"{stage.hits[CHANGED_PATH]} -> {stage.hits_after_change}" for stage in stages),
        )
        self._console.print()
        self._console.print(table)


def _hits(hits: Mapping[str, int]) -> str:
    return ", ".join(f"{path} {count}" for path, count in hits.items())
