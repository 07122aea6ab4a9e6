"""The function of alias.yaml, alias-native.yaml, sam.yaml and stages.yaml. Returns a value of Env and its version."""

from __future__ import annotations

import os
from typing import Any

GREETING = os.environ["GREETING"]


def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    return {"greeting": GREETING, "version": context.function_version}
