"""Reads the `.env` file that was deployed with a Lambda function. Needs only the standard library.

Takes a path and the environment. Returns the file's variables as a dictionary (``get_env``), puts them into the
environment (``load``), or puts them there before a handler is used (``wrap``).

Every cold start pays for what this module imports and runs. So everything is in one module, and most files, which have
only plain lines, are read without the grammar in ``dotenv``: importing it takes longer than reading such a file.

The names that Lambda presets, and which of them can be set:
https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
"""

import os

TYPE_CHECKING = False  # type checkers treat it as true; at run time, importing typing costs more than reading the file
if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping
    from typing import TypeVar

    from .dotenv import ParseError

    Handler = TypeVar("Handler")
    Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]

__all__ = ["ParseError", "get_env", "load", "wrap"]

DEFAULT_PATH = ".env"
PRESET_BY_LAMBDA = frozenset(["LANG", "TZ"])
LOADS_CODE = frozenset(["LD_LIBRARY_PATH", "LD_PRELOAD", "NODE_OPTIONS", "NODE_PATH", "PATH", "PYTHONPATH"])


def _places(path: "Path | None", environ: "MutableMapping[str, str]") -> "list[str]":
    name = DEFAULT_PATH if path is None else os.fsdecode(path)
    root = environ.get("LAMBDA_TASK_ROOT") or os.environ.get("LAMBDA_TASK_ROOT")
    return [os.path.join(root, name), name] if root else [name]


def _read(places: "list[str]") -> "tuple[str, bytes]":
    """The first path at which a file exists, and its content. Raises FileNotFoundError."""
    for place in places:
        try:
            with open(place, "rb", buffering=0) as file:
                return place, file.read()
        except FileNotFoundError:
            continue
    import errno

    looked_at = " and ".join(dict.fromkeys(map(os.path.abspath, places)))
    raise FileNotFoundError(errno.ENOENT, f"No such file, tried {looked_at} [CI009]")


def _plain(data: bytes, settable: bool) -> "dict[str, str] | None":
    """The variables of a file that has only plain lines; None for any other file, which needs the grammar.

    Plain lines are empty lines, comments, and assignments without ``export`` or blanks, whose value is bare or in
    quotes, has no escapes, and does not begin or end with a blank, a quote or a backtick. With ``settable``, a file
    with a NUL, or with a character that the environment's encoding does not have, is not plain.
    """
    try:
        text = data.decode()
        if settable and b"\0" in os.fsencode(text):
            return None
    except UnicodeError:
        return None
    variables = {}
    for line in text.split("\n"):
        name, equals, value = line.partition("=")
        core = value.strip(" \t\r'\"`")
        if not equals or not name.isidentifier():
            if line and line[0] != "#":
                return None
            continue
        if core == value:
            if "#" in value:
                return None
        elif value == f"'{core}'":
            if "'" in core:
                return None
        elif value != f'"{core}"' or '"' in core or "\\" in core:
            return None
        variables[name] = core
    return variables


def _variables(places: "list[str]", settable: bool = False) -> "dict[str, str]":
    """The variables of the first file that exists. With ``settable``, values must fit into an environment."""
    place, data = _read(places)
    plain = _plain(data, settable)
    if plain is not None:
        return plain
    from .dotenv import variables

    return variables(data, os.path.abspath(place), settable)


def get_env(path: "Path | None" = None) -> "dict[str, str]":
    """Return the variables of the file at ``path`` (default `.env`) without touching the environment.

    A relative path is resolved against the folder of the function's code (LAMBDA_TASK_ROOT), then against the
    working directory. Raises FileNotFoundError, which names the paths that were tried, or ParseError, which names
    file and line.
    """
    return _variables(_places(path, os.environ))


def load(
    path: "Path | None" = None,
    environ: "MutableMapping[str, str]" = os.environ,
    override: bool = False,
    allow: "Iterable[str]" = (),
) -> "dict[str, str]":
    """Put the file's variables into ``environ`` and return those that were set.

    A name that is already in ``environ`` keeps its value, except TZ and LANG, which Lambda presets. With ``override``
    the file always wins. Names that make programs load other code (LOADS_CODE) are left out unless ``allow`` lists
    them. If it does, the file wins for them, because Lambda presets most of them. ``path`` is resolved as in
    ``get_env``, with the LAMBDA_TASK_ROOT of ``environ`` if it has one. A missing file sets nothing.

    Raises ParseError, which names file and line, if the file cannot be parsed or holds a character that the
    environment cannot (a NUL, or one that its encoding does not have). Nothing is set in that case.
    """
    try:
        variables = _variables(_places(path, environ), settable=True)
    except FileNotFoundError:
        return {}
    file_wins = PRESET_BY_LAMBDA.union(LOADS_CODE.intersection([allow] if isinstance(allow, str) else allow))
    left_out = LOADS_CODE.union(() if override else environ) - file_wins  # looking up each name in os.environ is slow
    chosen = {}
    for name, value in variables.items():
        if name not in left_out:
            environ[name] = chosen[name] = value
    if "TZ" in chosen and environ is os.environ:
        import time

        time.tzset()
    return chosen


def wrap(handler: "Handler") -> "Handler":
    """Call ``load()`` and return the handler unchanged: a decorator for handlers of any kind.

    The file is read once, when the function starts. Code above the decorator does not see the variables. If it needs
    them, call ``load()`` at the top of the module instead.
    """
    load()
    return handler


def __getattr__(name: str) -> object:
    """Imports ParseError on first use: most functions start without the full grammar."""
    if name == "ParseError":
        from .dotenv import ParseError

        return ParseError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
