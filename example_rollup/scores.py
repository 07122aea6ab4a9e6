"""The best scores of the past hour: records of a stream and what was known go in, what is known now comes out. No I/O.

A list of the ten best is not enough to keep: when the best one is over an hour old, the eleventh belongs on it. Kept
are all games that can still come onto the list, those that fewer than ten others outrank and outlive. Of games in no
order these are few: about 125 of a million.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

# The well-known key: where everybody reads the record. No player has such a uid, nor has a game such a start.
BEST_KEY: Mapping[str, Any] = {"event_key": "recent-best", "start_timestamp": 0}

# An item of DynamoDB holds 400 KB. Without bounds, games whose scores fall from one to the next would fill it.
LONGEST_HANDLE = 64
MOST_KEPT = 1000


class Rules(NamedTuple):
    """The list has ``places``; a game is on it for ``seconds`` after its end."""

    places: int
    seconds: int


class Game(NamedTuple):
    """A game that was played to its end; times in seconds since 1970. The order is that of the list, best last."""

    score: Decimal
    finished: Decimal
    handle: str
    event_key: str
    start_timestamp: Decimal

    @property
    def key(self) -> tuple[str, Decimal]:
        """What tells it from all other games, however often it is delivered."""
        return self.event_key, self.start_timestamp


def _game(change: Mapping[str, Any]) -> Game | None:
    """The game that an item tells of; None for a game that was given up, and for our own record.

    Raises KeyError, TypeError or ArithmeticError for what is no game at all.
    """
    item = change["NewImage"]
    if item["event_key"]["S"] == BEST_KEY["event_key"] or not item["completed"]["BOOL"]:
        return None
    started = Decimal(item["start_timestamp"]["N"])
    # The clock of a player may be ahead, but no game ends after it was written.
    written = Decimal(str(change["ApproximateCreationDateTime"]))
    return Game(
        score=Decimal(item["score"]["N"]),
        finished=min(started + Decimal(item["length_seconds"]["N"]), written),
        handle=item["handle"]["S"][:LONGEST_HANDLE],
        event_key=item["event_key"]["S"],
        start_timestamp=started,
    )


def finished_games(records: Iterable[Mapping[str, Any]]) -> tuple[list[Game], list[str]]:
    """The games in the records of a DynamoDB stream, and the sequence numbers of records that could not be read.

    What cannot be read now could not be read later either, and the item itself stays in the table: so it is told, and
    holds up no other game.
    """
    games, unreadable = [], []
    for record in records:
        change = record["dynamodb"]
        if "NewImage" not in change:
            continue
        try:
            game = _game(change)
        except (KeyError, TypeError, ArithmeticError):
            unreadable.append(str(change["SequenceNumber"]))
        else:
            games += [game] if game else []
    return games, unreadable


def merge(known: Iterable[Game], games: Iterable[Game], rules: Rules, now: float) -> list[Game]:
    """What is to be kept of both at ``now``, best first. A game that is told again is taken as it was told last."""
    alive = {game.key: game for game in [*known, *games] if game.finished > now - rules.seconds}
    kept: list[Game] = []
    for game in sorted(alive.values(), reverse=True):
        if sum(better.finished >= game.finished for better in kept) < rules.places:
            kept.append(game)
    return kept[:MOST_KEPT]


def best(known: Iterable[Game], rules: Rules, now: float) -> list[Game]:
    """The list as it is at ``now``, best first: what a reader makes of the record."""
    return [game for game in sorted(known, reverse=True) if game.finished > now - rules.seconds][: rules.places]


def from_item(item: Mapping[str, Any]) -> list[Game]:
    """The games in the record, as boto3's resources read it; none where there is no record yet."""
    return [Game(**entry) for entry in item.get("scores", [])]


def to_item(games: Sequence[Game], version: int) -> dict[str, Any]:
    """The record, as boto3's resources write it."""
    return {**BEST_KEY, "version": version, "scores": [game._asdict() for game in games]}
