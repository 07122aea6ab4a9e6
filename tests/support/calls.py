"""What happens at a call of a fake: hooks for its ``before`` and ``after``, which name an operation and an act."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Hook = Callable[[str, dict[str, Any]], None]
Act = Callable[[], None]


def nothing(operation: str, params: dict[str, Any]) -> None:
    """Does nothing at any call."""


def at(operation: str, act: Act, times: int = 1_000_000) -> Hook:
    """Acts at the first ``times`` calls of one operation. A call that the act itself makes does not act again."""
    left, acting = times, False

    def hook(name: str, params: dict[str, Any]) -> None:
        nonlocal left, acting
        if name != operation or not left or acting:
            return
        left, acting = left - 1, True
        try:
            act()
        finally:
            acting = False

    return hook


def raising(fault: Exception) -> Act:
    """An act that fails the call."""

    def act() -> None:
        raise fault

    return act
