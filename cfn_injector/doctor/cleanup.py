"""Removes what a session created, whatever happens.

``add`` takes a name and a function that removes it, before the thing is created: an interruption can come between the
creation and its answer. ``run`` calls the functions, the newest first, and returns what could not be removed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cfn_injector.errors import InjectorError, code_of, message_of


def explained(error: Exception) -> str:
    """An error in one line."""
    if isinstance(error, InjectorError):
        explanation = error.full_message
    elif code_of(error):
        explanation = f"{code_of(error)}: {message_of(error)}"
    else:
        explanation = str(error) or type(error).__name__
    return " ".join(explanation.split())


@dataclass(frozen=True)
class Removals:
    """What has to be removed, in the order of its creation."""

    _waiting: list[tuple[str, Callable[[], None]]] = field(default_factory=list)

    def add(self, name: str, remove: Callable[[], None]) -> None:
        """``remove`` must not fail if the thing was never created."""
        self._waiting.append((name, remove))

    def run(self) -> list[str]:
        """Removes everything. Returns a line for each thing that is left: its name, and why.

        An interruption ends the removal: everything that is left is returned.
        """
        left = list[str]()
        while self._waiting:
            name, remove = self._waiting[-1]
            try:
                remove()
            except KeyboardInterrupt:
                left += [f"{each}: interrupted" for each, _ in reversed(self._waiting)]
                self._waiting.clear()
                break
            except Exception as error:  # the others have to be removed too
                left.append(f"{name}: {explained(error)}")
            self._waiting.pop()
        return left
