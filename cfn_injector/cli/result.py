"""What a subcommand returns if it has an exit status of its own beside its text."""

from __future__ import annotations

from typing import NamedTuple


class Result(NamedTuple):
    """``text`` is printed to standard output; ``status`` is the exit status."""

    text: str
    status: int
