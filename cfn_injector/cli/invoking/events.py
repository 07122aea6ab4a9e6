"""The event of an invocation, as the command line names it.

Takes ``-`` for standard input, JSON text, or the path of a JSON file. Returns the JSON as UTF-8 bytes. Errors:
UsageError for JSON text that is malformed, InjectorError for a file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cfn_injector.cli.display import explained, visible
from cfn_injector.cli.usage import UsageError
from cfn_injector.errors import InjectorError

_STDIN = "-"
_TEXT = ("{", "[", '"')
"""What JSON text begins with. A file whose name begins so can be given as ./NAME."""


def _checked(data: bytes) -> bytes:
    """The bytes without a byte order mark. Raises ValueError if they are not JSON."""
    text = data.decode("utf-8-sig")
    json.loads(text)
    return text.encode()


def read_event(argument: str) -> bytes:
    """The event that the argument stands for. No message contains a part of it."""
    if argument.lstrip().startswith(_TEXT):
        try:
            return _checked(argument.encode())
        except ValueError:
            raise UsageError("--local-handler is not valid JSON; correct it, or give a file", code="CI709") from None
    place = "standard input" if argument == _STDIN else visible(argument)
    with explained(f"{place} cannot be read", "give a JSON file, JSON text, or - for standard input", code="CI709"):
        data = sys.stdin.buffer.read() if argument == _STDIN else Path(argument).read_bytes()
    try:
        return _checked(data)
    except ValueError:
        raise InjectorError(f"{place} is not JSON in UTF-8; correct it", code="CI709") from None
