"""Updates the record with the best scores: takes a table and games, and adds the games to the record.

Every shard of the stream has its own invocation, so several may write at once. A write names the version that it is
based on, and DynamoDB refuses it if the record has a newer one.
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
    """Others changed the record between every read and write. Lambda has to deliver the batch again."""


def roll_up(table: Any, games: Sequence[Game], rules: Rules, *, now: float, sleep: Callable[[float], None]) -> bool:
    """Merge the games into the record of ``table``, a boto3 resource. Returns whether the record changed.

    The same games again change nothing. Raises Contended, or what botocore raises.
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
