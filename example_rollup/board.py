"""The record with the best scores: a table and games go in, and the record holds them, whoever else writes it.

Every shard of the stream has an invocation of its own, so several write at a time. A write names the version that it
was made from, and DynamoDB refuses it where that is no longer the record's.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from boto3.dynamodb.conditions import Attr

from example_rollup.scores import BEST_KEY, Game, Rules, from_item, merge, to_item

ATTEMPTS = 8
SECONDS_BETWEEN = 0.05


class Contended(Exception):
    """The record was changed by others between every read and write; the batch has to be delivered again."""


def roll_up(table: Any, games: Sequence[Game], rules: Rules, *, now: float, sleep: Callable[[float], None]) -> bool:
    """Bring the games into the record of ``table``, one of boto3's resources; whether that changed it.

    Doing it again with the same games changes nothing. Raises Contended, or what botocore raises.
    """
    if not merge([], games, rules, now):
        return False
    for attempt in range(ATTEMPTS):
        if attempt:
            sleep(random.uniform(0, SECONDS_BETWEEN * 2**attempt))
        item = table.get_item(Key=dict(BEST_KEY), ConsistentRead=True).get("Item", {})
        known, version = from_item(item), int(item.get("version", 0))
        kept = merge(known, games, rules, now)
        if set(kept) <= set(known):
            return False
        condition = Attr("version").eq(version) if item else Attr("version").not_exists()
        try:
            table.put_item(Item=to_item(kept, version + 1), ConditionExpression=condition)
        except table.meta.client.exceptions.ConditionalCheckFailedException:
            continue
        return True
    raise Contended(f"others changed the record during {ATTEMPTS} attempts")
