"""Ranks the scores of the past hour: takes the known games and a stream's records, returns the games to keep. No I/O.

Keeping the ten best is not enough: when the best one is over an hour old, the eleventh moves onto the list. A game is
kept as long as it can still reach the list, that is, as long as fewer than ten other games are both better and newer.
If scores are in random order, these are few: about 125 of a million.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

# The well-known key of the record. It is not the key of a game: no player has this UID, and no game started then.
BEST_KEY: Mapping[str, Any] = {"event_key": "recent-best", "start_timestamp": 0}

# A DynamoDB item has at most 400 KB. Without these limits, games with falling scores would exceed it.
LONGEST_HANDLE = 64
MOST_KEPT = 1000


class Rules(NamedTuple):
    """The list has ``places``. A game is on it for ``seconds`` after its end."""

    places: int
    seconds: int


class Game(NamedTuple):
    """A completed game; times are in seconds since 1970. Games sort from worst to best."""

    score: Decimal
    finished: Decimal
    handle: str
    event_key: str
    start_timestamp: Decimal

    @property
    def key(self) -> tuple[str, Decimal]:
        """What identifies the game, however often it is delivered."""
        return self.event_key, self.start_timestamp


def _game(change: Mapping[str, Any]) -> Game | None:
    """The game in a changed item; None if the game was not completed, or if the item is the record itself.

    Raises KeyError, TypeError or ArithmeticError if the item is not a game.
    """
    item = change["NewImage"]
    if item["event_key"]["S"] == BEST_KEY["event_key"] or not item["completed"]["BOOL"]:
        return None
    started = Decimal(item["start_timestamp"]["N"])
    # A player's clock may be ahead, but a game does not end after it was written.
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

    A record that cannot be read will not be readable later, and the item itself stays in the table. So it is reported,
    and does not block other games.
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
    """The games to keep of both at ``now``, best first. If a game is delivered again, its last version counts."""
    alive = {game.key: game for game in [*known, *games] if game.finished > now - rules.seconds}
    kept: list[Game] = []
    for game in sorted(alive.values(), reverse=True):
        if sum(better.finished >= game.finished for better in kept) < rules.places:
            kept.append(game)
    return kept[:MOST_KEPT]


def best(known: Iterable[Game], rules: Rules, now: float) -> list[Game]:
    """The list at ``now``, best first, as a reader computes it from the record."""
    return [game for game in sorted(known, reverse=True) if game.finished > now - rules.seconds][: rules.places]


def from_item(item: Mapping[str, Any]) -> list[Game]:
    """The games in the record as boto3's resources read it; empty if there is no record yet."""
    return [Game(**entry) for entry in item.get("scores", [])]


def to_item(games: Sequence[Game], version: int) -> dict[str, Any]:
    """The record as boto3's resources write it."""
    return {**BEST_KEY, "version": version, "scores": [game._asdict() for game in games]}
