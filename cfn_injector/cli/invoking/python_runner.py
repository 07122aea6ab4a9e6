"""Runs a Python handler: under AWS's runtime client if it can be imported, otherwise by itself.

A script that runs in a process of its own, with the environment that Lambda gives to a runtime. It gets the event from
the Runtime API and posts the answer or the error there. It needs the standard library alone, and Python 3.8 or later.

https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html
https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Mapping
from http.client import HTTPConnection
from typing import Any

_PATH = "/2018-06-01/runtime"
_NOTE = (
    "note: awslambdaric is not installed for this Python, so a simple runner takes its place: it writes no logs "
    "as JSON, and errors while loading have no traceback. pip install awslambdaric adds AWS's runtime client"
)


class Fault(Exception):
    """An error that Lambda names by a type of its own."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Context:
    """The handler's second argument."""

    client_context = identity = tenant_id = None

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._deadline = int(headers["Lambda-Runtime-Deadline-Ms"])
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]

    def get_remaining_time_in_millis(self) -> int:
        return max(self._deadline - int(time.time() * 1000), 0)

    def log(self, message: object) -> None:
        print(message, end="")


def _call(method: str, path: str, value: object = None) -> tuple[Mapping[str, str], bytes]:
    """One request to the Runtime API; ``http.client`` uses no proxy."""
    connection = HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    connection.request(
        method, _PATH + path, None if value is None else value if isinstance(value, bytes) else _json(value)
    )
    response = connection.getresponse()
    return dict(response.headers), response.read()


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _described(error: BaseException) -> Mapping[str, object]:
    """The error as the Runtime API takes it, without the frames of this file. It is printed, too."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if each.filename != __file__]
    kind = error.kind if isinstance(error, Fault) else type(error).__name__
    trace = [] if isinstance(error, Fault) else traceback.format_list(frames)
    print(f"[ERROR] {kind}: {error}\n{''.join(trace)}", end="")
    return {"errorType": kind, "errorMessage": str(error), "stackTrace": trace}


def _handler(name: str) -> Any:
    """The handler, found as awslambdaric does, with its errors."""
    module, dot, attribute = name.rpartition(".")
    if not dot:
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler {name!r}: give a module, a dot and a name")
    if module.split(".")[0] in sys.builtin_module_names:
        raise Fault("Runtime.BuiltInModuleConflict", f"Cannot use built-in module {module} as a handler module")
    try:
        found = importlib.import_module(module.replace("/", "."))
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError", f"Unable to import module {module!r}: {error}") from error
    except SyntaxError as error:
        raise Fault("Runtime.UserCodeSyntaxError", f"Syntax error in module {module!r}: {error}") from error
    if not hasattr(found, attribute):
        raise Fault("Runtime.HandlerNotFound", f"Handler {attribute!r} missing on module {module!r}")
    return getattr(found, attribute)


def _answer(handler: Any, body: bytes, context: Context) -> bytes:
    value = handler(json.loads(body), context)
    try:
        return _json(value)
    except (TypeError, ValueError) as error:
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def _run(name: str) -> None:
    logging.basicConfig(stream=sys.stdout, format="[%(levelname)s]\t%(asctime)s\t%(message)s")
    try:
        handler = _handler(name)
    except Exception as error:
        _call("POST", "/init/error", _described(error))
        sys.exit(1)
    headers, body = _call("GET", "/invocation/next")
    invocation = f"/invocation/{headers['Lambda-Runtime-Aws-Request-Id']}"
    try:
        answer = _answer(handler, body, Context(headers))
    except Exception as error:
        _call("POST", f"{invocation}/error", _described(error))
    else:
        _call("POST", f"{invocation}/response", answer)


if __name__ == "__main__":
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    try:
        from awslambdaric.__main__ import main  # type: ignore[import-untyped]  # it has no types
    except ImportError:
        print(_NOTE, file=sys.stderr)
        _run(os.environ["_HANDLER"])
    else:
        main([__file__, os.environ["_HANDLER"]])
