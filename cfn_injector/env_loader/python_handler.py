"""Puts the deployed variables into the environment, and then exports the function's own handler.

With several handlers, each has a module beside this one, which calls ``find``.

The file `environ` in this folder holds records `NAME=VALUE` that end with NUL. An empty record separates its three
groups: the variables that override the environment, those that the environment overrides, and `_HANDLER`, which names
the function's own handler.

Lambda's code folder is read-only, so a version of Python without bytecode in this archive compiles this file at every
cold start. The file is therefore short.
"""

import os
import sys


def _fill() -> str:
    """Returns the name of the function's own handler, or an empty text if there are several."""
    with open(os.path.join(os.path.dirname(__file__), "environ"), "rb") as file:
        records = file.read().split(b"\0")
    held, group, variables = set(os.environb), 0, {}
    for record in records:
        name, _, value = record.partition(b"=")
        if not name:
            group += 1
        elif group != 1 or name not in held:
            variables[name] = value
    own = os.fsdecode(variables.pop(b"_HANDLER", b""))
    os.environb.update(variables)
    if b"TZ" in variables:
        import time

        time.tzset()
    return own


def find(name: str) -> object:
    """Uses the runtime's own search if it is available, so that errors are the same as without a loader."""
    os.environ["_HANDLER"] = name
    search = getattr(sys.modules.get("awslambdaric.bootstrap"), "_get_handler", None)
    if search is not None and search.__code__.co_argcount == 1:
        return search(name)
    import importlib

    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module.replace("/", ".")), attribute)


_own = _fill()
if _own:
    handler = find(_own)
