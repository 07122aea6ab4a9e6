"""Becomes the function's own handler, once the variables that were deployed with it are in the environment.

The file `environ` beside this one holds records `NAME=VALUE`, each ended by NUL, in three groups, parted by an empty
one: those that are set whatever the environment holds, those that give way to it, and `_HANDLER`, the function's own.

It is compiled at every cold start, as nothing can be written beside it; so it is short.
"""

import os
import sys


def _fill() -> None:
    with open(os.path.join(os.path.dirname(__file__), "environ"), "rb") as file:
        records = file.read().split(b"\0")
    held, group, variables = set(os.environb), 0, {}
    for record in records:
        name, _, value = record.partition(b"=")
        if not name:
            group += 1
        elif group != 1 or name not in held:
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
