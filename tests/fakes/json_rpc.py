"""The transport of APIs whose operation is in a header and whose bodies are JSON: Parameter Store, Secrets Manager."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.awsrequest import AWSResponse

from tests.fakes.aws_lambda import Fault, Wire, answer

Operation = Callable[[dict[str, Any]], dict[str, Any]]


def serve(request: Any, service: str, wire: Wire, find: Callable[[str], Operation]) -> AWSResponse:
    """The answer to a request; ``find`` returns the operation of a name."""
    target = request.headers["X-Amz-Target"]
    name = (target.decode() if isinstance(target, bytes) else target).partition(".")[2]
    try:
        number = wire.before(name, service)
        result = find(name)(json.loads(request.body))
        wire.after(number)
    except Fault as fault:
        body = {"__type": fault.code, "message": fault.message}
        return answer(request.url, fault.status, json.dumps(body).encode(), {})
    return answer(request.url, 200, json.dumps(result).encode(), {})
