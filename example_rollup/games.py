"""Writes games to the table and reads the record of the best, as a game's backend and its app would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from example_rollup.scores import BEST_KEY


def game(handle: str, score: int, started: int, *, seconds: int = 55, completed: bool = True) -> dict[str, Any]:
    """The item that is written at the end of a game. ``started`` is in seconds since 1970."""
    return {
        "event_key": f"uid-of-{handle.lower()}",
        "start_timestamp": started,
        "length_seconds": seconds,
        "completed": completed,
        "score": score,
        "handle": handle,
        "achievements": [{"id": "uid-of-30-kills", "shortname": "30 Kill Streak", "bonus_score": 200}],
    }


def typed(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item in the format of DynamoDB's API and of the stream's records."""
    return {name: TypeSerializer().serialize(value) for name, value in item.items()}


def write(dynamodb: Any, table: str, items: Sequence[Mapping[str, Any]]) -> None:
    """Put the items, one after the other."""
    for item in items:
        dynamodb.put_item(TableName=table, Item=typed(item))


def record(dynamodb: Any, table: str) -> dict[str, Any]:
    """The record under the well-known key; empty if there is none yet."""
    found = dynamodb.get_item(TableName=table, Key=typed(BEST_KEY), ConsistentRead=True).get("Item", {})
    return {name: TypeDeserializer().deserialize(value) for name, value in found.items()}
