"""The roll-up on an emulator: writes finished games to a table, reads the best of the past hour from one record."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from functools import partial
from operator import eq
from pathlib import Path
from typing import Any

from cfn_injector.local.application import Application, main, until
from cfn_injector.local.deployment import World
from cfn_injector.local.stacks import Stack
from example_rollup import artifact
from example_rollup.games import game, record, write
from example_rollup.scores import Game, Rules, best, from_item

RULES = Rules(places=10, seconds=3600)  # the template's defaults
MINUTE = 60


def _games(now: int) -> list[dict[str, Any]]:
    """Ten games that belong on the list, best first, and three that do not."""
    return [
        *(game(f"Player{rank}", 1000 - 50 * rank, now - MINUTE * (3 + 5 * rank)) for rank in range(RULES.places)),
        game("TooLow", 17, now - 2 * MINUTE),
        game("GaveUp", 5000, now - 2 * MINUTE, completed=False),
        game("Yesterday", 9000, now - 24 * 60 * MINUTE),
    ]


def _best(world: World, table: str) -> list[Game]:
    return best(from_item(record(world.client("dynamodb"), table)), RULES, time.time())


def _roll_up(
    world: World, table: str, games: Sequence[dict[str, Any]], expected: Sequence[str], *, what: str
) -> list[str]:
    """Write the games and wait until the list is as expected. Returns a sentence for each problem."""
    with world.show.step(f"Write {what}, and wait for the record of the best"):
        write(world.client("dynamodb"), table, games)
        found = until(partial(eq, expected), lambda: [each.handle for each in _best(world, table)])
    return [] if found == expected else [f"the best are {found} instead of {expected}"]


def play(world: World, stack: Stack) -> list[str]:
    """Write games and show the best of them, then write a better one, which takes the place of the last one."""
    table, now = stack.outputs["Games"], int(time.time())
    games = _games(now)
    listed = [each["handle"] for each in games[: RULES.places]]
    problems = _roll_up(world, table, games, listed, what=f"{len(games)} games")
    winner, changed = game("EdScissorHands", 2924, now - MINUTE), ["EdScissorHands", *listed[:-1]]
    problems += _roll_up(world, table, [winner], changed, what="a better one")
    world.show.line()
    for each in _best(world, table):
        world.show.line(f"{each.score:>6}  {each.handle:<16} {round((now - each.finished) / MINUTE)} minutes ago")
    return problems


ROLLUP = Application("rollup", Path(__file__).with_name("template.yaml"), artifact.build, play)

if __name__ == "__main__":
    sys.exit(main(ROLLUP))
