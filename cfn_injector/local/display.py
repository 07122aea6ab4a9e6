"""Shows progress and results on a console: takes steps, lines and Rich tables, writes them to a stream.

On a terminal, a step shows a spinner while it runs. Elsewhere, each step is one plain line.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TextIO

from rich.console import Console, RenderableType
from rich.markup import escape

PLAIN_WIDTH = 110


class Display:
    """A console on ``stream``."""

    def __init__(self, stream: TextIO) -> None:
        terminal = stream.isatty()
        self._console = Console(file=stream, highlight=False, width=None if terminal else PLAIN_WIDTH)

    def line(self, text: str = "") -> None:
        """Print one line. It is not wrapped, so that a URL can be copied."""
        self._console.print(escape(text), soft_wrap=True)

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show ``text`` while the block runs, then how long it took and whether it failed."""
        start, outcome = time.monotonic(), "[red]failed[/red] "
        try:
            with self._console.status(escape(text)) if self._console.is_terminal else nullcontext():
                yield
            outcome = ""
        finally:
            took = f"[dim]({time.monotonic() - start:.1f} s)[/dim]"
            self._console.print(f"{escape(text)} {outcome}{took}", soft_wrap=True)

    def table(self, table: RenderableType) -> None:
        """Print a Rich table below an empty line."""
        self._console.print()
        self._console.print(table)
