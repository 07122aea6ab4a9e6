"""Becomes the function's own handler, once the variables that were deployed with it are in the environment.

The file `environ` beside this one holds records `NAME=VALUE`, each ended by NUL. Those up to the empty record are set
whatever the environment holds, the others where it lacks them. Among the first is `_HANDLER`, the function's own.

It is compiled at every cold start, as nothing can be written beside it; so it is short.
"""

import os
import sys


def _fill() -> None:
    with open(os.path.join(os.path.dirname(__file__), "environ"), "rb") as file:
        strong, _, weak = file.read().partition(b"\0\0")
    held = set(os.environb)
    variables = {}
    for record in weak.split(b"\0")[:-1]:
        name, _, value = record.partition(b"=")
        if name not in held:
            variables[name] = value
    for record in strong.split(b"\0"):
        name, _, value = record.partition(b"=")
        variables[name] = value
    os.environb.update(variables)
    if b"TZ" in variables:
        import time

        time.tzset()


def _find(name: str) -> object:
    """The runtime's own search, where it can be had: so every error is the one that it makes without a loader."""
    find = getattr(sys.modules.get("awslambdaric.bootstrap"), "_get_handler", None)
    if find is not None and find.__code__.co_argcount == 1:
        return find(name)
    import importlib

    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module.replace("/", ".")), attribute)


_fill()
handler = _find(os.environ["_HANDLER"])
