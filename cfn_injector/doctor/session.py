"""What every check gets: clients, names, a clock, and the list of what has to be removed.

The session's name is a part of the name of everything that is created. ``once`` creates what several checks share.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from cfn_injector.aws.waiting import Deadline
from cfn_injector.doctor.cleanup import Removals, explained

CALL_SECONDS = 300.0
"""How long a function, an update or a call that AWS throttles may take."""

T = TypeVar("T")


class UnobservedError(Exception):
    """A check cannot observe what it wants to: the message says why. The report has it as an answer."""


@dataclass(frozen=True)
class Session:
    """``client(service, **arguments)`` returns a boto3 client.

    ``provider_zip`` builds the provider's zip, ``provider_template`` is the text of its template. ``response_hosts`` is
    the provider's parameter for emulators; empty on AWS. ``other_region`` and ``inactive_function`` are empty if they
    were not given. ``say`` shows progress.
    """

    name: str
    client: Callable[..., Any] = field(repr=False)
    provider_zip: Callable[[], bytes] = field(repr=False)
    provider_template: str = field(repr=False)
    say: Callable[[str], None] = field(repr=False)
    now: Callable[[], float] = field(repr=False)
    sleep: Callable[[float], None] = field(repr=False)
    response_hosts: str = ""
    other_region: str = ""
    inactive_function: str = ""
    removals: Removals = field(default_factory=Removals, repr=False)
    _made: dict[str, Any] = field(default_factory=dict, repr=False)

    def within(self, seconds: float = CALL_SECONDS) -> Deadline:
        """The deadline in so many seconds."""
        return Deadline(self.now, self.sleep, self.now() + seconds)

    def patiently(self, what: str, call: Callable[[], T]) -> T:
        """Calls until AWS does not throttle it."""
        return self.within().retry(what, call)

    def once(self, what: str, make: Callable[[Session], T]) -> T:
        """What ``make`` returns, which is called the first time only. If it fails, the later times fail likewise."""
        if what not in self._made:
            try:
                self._made[what] = make(self)
            except Exception as error:
                self._made[what] = UnobservedError(f"{what} could not be created: {explained(error)}")
        if isinstance(self._made[what], UnobservedError):
            raise self._made[what]
        return cast("T", self._made[what])
