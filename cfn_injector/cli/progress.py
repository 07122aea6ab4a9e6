"""A progress bar on standard error, which disappears when the command ends.

Nothing is shown if standard error is not a terminal or rich is not installed.
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
    """Accepts progress and shows nothing."""

    def tell(self, text: str, total: int | None = None) -> None:
        """Start a step; ``total`` is its amount of work, or None if that is not known."""

    def advance(self, amount: int) -> None:
        """Add to the amount of work that is done."""


class _Bar(Progress):
    def __init__(self, shown: RichProgress, task: TaskID) -> None:
        self.shown = shown
        self.task = task

    def tell(self, text: str, total: int | None = None) -> None:
        self.shown.update(self.task, description=text, total=total, completed=0)

    def advance(self, amount: int) -> None:
        self.shown.advance(self.task, amount)


@contextmanager
def progress() -> Iterator[Progress]:
    """Shows a progress bar inside the ``with`` block."""
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
    bar = BarColumn(bar_width=_WIDTH, table_column=Column(min_width=_WIDTH))
    words = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis"))
    with RichProgress(bar, TaskProgressColumn(), words, console=Console(stderr=True), transient=True) as shown:
        yield _Bar(shown, shown.add_task("", total=None))
