"""The function of the roll-up: takes records of a DynamoDB stream, updates the record of the best scores.

A stage's own settings are read once, at the cold start, from the ``.env`` that the deployment wrote: ``table``,
``best_count`` and ``window_seconds``.
"""

from __future__ import annotations

import json
import time
from typing import Any

import boto3

from example_rollup.board import roll_up
from example_rollup.scores import Rules, finished_games
from wrapper import get_env

ENV = get_env()
RULES = Rules(places=int(ENV["best_count"]), seconds=int(ENV["window_seconds"]))
TABLE: Any = boto3.resource("dynamodb").Table(ENV["table"])


def handler(event: dict[str, Any], context: object) -> None:
    """Roll up a batch. It is one write, so the batch succeeds or fails as a whole, and Lambda retries it as a whole."""
    games, unreadable = finished_games(event["Records"])
    changed = roll_up(TABLE, games, RULES, now=time.time(), sleep=time.sleep)
    print(json.dumps({"games": len(games), "changed": changed, "unreadable": unreadable}))
