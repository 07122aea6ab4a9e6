"""The function of the hit counter: takes an API Gateway proxy event, returns the count as plain text.

The artifact is the same for every stage. A stage's own settings are read once, at the cold start, from the ``.env``
that the deployment wrote beside this file: ``table``, and ``count_by`` if a request adds more than one. The only call
to AWS is the one that counts.
"""

from __future__ import annotations

from typing import Any

import boto3

from wrapper import get_env

ENV = get_env()
DYNAMODB: Any = boto3.client("dynamodb")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Add to the count of the path parameter ``name`` and return the sum, for example ``3``."""
    answer = DYNAMODB.update_item(
        TableName=ENV["table"],
        Key={"name": {"S": event["pathParameters"]["name"]}},
        UpdateExpression="ADD #hits :by",
        ExpressionAttributeNames={"#hits": "hits"},
        ExpressionAttributeValues={":by": {"N": ENV.get("count_by", "1")}},
        ReturnValues="UPDATED_NEW",
    )
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "text/plain", "Cache-Control": "no-store"},
        "body": answer["Attributes"]["hits"]["N"],
    }
