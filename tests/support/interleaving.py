"""Events that are served at the same time: interleaved by a seed, or one before an exchange of another."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from threading import Condition, Thread, get_ident
from typing import Any

from tests.fakes.aws_lambda import no_hook
from tests.support.world import World

SECONDS = 60.0


class _Turns:
    """Lets one event at a time run, until its next exchange."""

    def __init__(self, seed: int, count: int) -> None:
        self._random, self._change = random.Random(seed), Condition()
        self._live, self._names = count, dict[int, int]()
        self._waiting = list[int]()
        self._running: int | None = None

    def enter(self, number: int) -> None:
        self._names[get_ident()] = number
        self.wait("start")

    def wait(self, _: str) -> None:
        me = self._names[get_ident()]
        with self._change:
            self._waiting.append(me)
            self._pass_on(me)
            assert self._change.wait_for(lambda: self._running == me, SECONDS), "an event hangs"
            self._waiting.remove(me)

    def leave(self) -> None:
        with self._change:
            self._live -= 1
            self._pass_on(self._names[get_ident()])

    def _pass_on(self, me: int) -> None:
        if self._running == me:
            self._running = None
        if self._running is None and self._waiting and len(self._waiting) == self._live:
            self._running = self._random.choice(sorted(self._waiting))
        self._change.notify_all()


def deliver_at_once(world: World, events: Sequence[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """Serves the events at once, one exchange at a time in random order; returns the responses in the events' order."""
    turns = _Turns(seed, len(events))

    def serve(number: int) -> None:
        turns.enter(number)
        try:
            world.deliver(events[number])
        finally:
            turns.leave()

    before = len(world.stack.answers)
    world.wire.hook = turns.wait
    threads = [Thread(target=serve, args=(number,), daemon=True) for number in range(len(events))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive(), "an event hangs"
    world.wire.hook = no_hook
    answers = world.stack.answers[before:]
    assert len(answers) == len(events)
    by = [(event["RequestId"], event["LogicalResourceId"]) for event in events]
    return sorted(answers, key=lambda answer: by.index((answer["RequestId"], answer["LogicalResourceId"])))


def once_before(world: World, exchange: int, act: Callable[[], None]) -> list[str]:
    """Acts before the exchange of that number. Returns a list that gets the exchange's name when it is reached."""
    reached, seen = list[str](), [0]

    def count(name: str) -> None:
        if not reached:
            seen[0] += 1
            if seen[0] > exchange:
                reached.append(name)
                act()

    world.wire.hook = count
    return reached


def exchanges_of(world: World, serve: Callable[[], None]) -> list[str]:
    """The names of the exchanges with AWS that an undisturbed event makes, in order."""
    names = list[str]()
    world.wire.hook = names.append
    serve()
    world.wire.hook = no_hook
    return names
