"""Shows the progress of a long command as one line on standard error, which disappears when the command ends.

Nothing is shown if standard error is not a terminal or if rich is not installed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


_WIDTH = 24


class Progress:
    """Receives progress, and shows nothing."""

    def show(self, text: str, total: int | None = None) -> None:
        """Begin a step; ``total`` is the amount of work in it, if known."""

    def advance(self, amount: int) -> None:
        """Add this amount of work to what is done."""


class _Bar(Progress):
    def __init__(self, bar: RichProgress, task: TaskID) -> None:
        self.bar = bar
        self.task = task

    def show(self, text: str, total: int | None = None) -> None:
        self.bar.update(self.task, description=text, total=total, completed=0)

    def advance(self, amount: int) -> None:
        self.bar.advance(self.task, amount)


@contextmanager
def progress() -> Iterator[Progress]:
    """Show a progress bar within this context."""
    if not sys.stderr.isatty():
        yield Progress()
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn
        from rich.progress import Progress as RichProgress
        from rich.table import Column
    except ModuleNotFoundError:
        yield Progress()
        return
    column = BarColumn(bar_width=_WIDTH, table_column=Column(min_width=_WIDTH))
    words = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis"))
    with RichProgress(column, TaskProgressColumn(), words, console=Console(stderr=True), transient=True) as shown:
        yield _Bar(shown, shown.add_task("", total=None))
