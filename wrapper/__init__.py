"""Reads the `.env` file that was deployed with a Lambda function; needs nothing but the standard library.

In flow a path and the environment; out flow the file's variables: as a dictionary (``get_env``), into the
environment (``load``), or into it before a handler is used (``wrap``).

Every cold start pays for what is imported and run here. So all of it is one module, and a file of plain lines, as most
deployed ones are, is read without the grammar of ``dotenv``, which takes longer to import than such a file to read.

Which names Lambda presets and which of them may be set:
https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
"""

import os

TYPE_CHECKING = False  # type checkers take it for true; at run time typing would cost more than the file does
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
    wanted = DEFAULT_PATH if path is None else os.fsdecode(path)
    root = environ.get("LAMBDA_TASK_ROOT") or os.environ.get("LAMBDA_TASK_ROOT")
    return [os.path.join(root, wanted), wanted] if root else [wanted]


def _read(places: "list[str]") -> "tuple[str, bytes]":
    """The first place where there is a file, and the file."""
    for place in places:
        try:
            with open(place, "rb", buffering=0) as file:
                return place, file.read()
        except FileNotFoundError:
            continue
    import errno

    looked_at = dict.fromkeys(map(os.path.abspath, places))
    raise FileNotFoundError(errno.ENOENT, "No such file, looked for", " and ".join(looked_at))


def _plain(data: bytes, settable: bool) -> "dict[str, str] | None":
    """The variables of a file of plain lines; None for any other file, which needs the grammar.

    Plain are empty lines, comments, and assignments without export and blanks, their values bare or in quotes,
    without escapes, with neither blanks nor quotes at their ends; ``settable``: all that an environment can hold.
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
        core = value.strip(" \t\r'\"")
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
    """The variables of the first file there is; ``settable``: one that no environment can hold is an error."""
    place, data = _read(places)
    plain = _plain(data, settable)
    if plain is not None:
        return plain
    from .dotenv import variables

    return variables(data, os.path.abspath(place), settable)


def get_env(path: "Path | None" = None) -> "dict[str, str]":
    """The variables of the file at ``path`` (`.env` where none is given), and of nothing else.

    A relative path is looked for in the folder of the function's code (LAMBDA_TASK_ROOT), then in the working
    directory. Raises FileNotFoundError, which names the places looked at, or ParseError, which names file and
    line.
    """
    return _variables(_places(path, os.environ))


def load(
    path: "Path | None" = None,
    environ: "MutableMapping[str, str]" = os.environ,
    override: bool = False,
    allow: "Iterable[str]" = (),
) -> "dict[str, str]":
    """Put the file's variables into ``environ``; returns those that were put there.

    A name that ``environ`` holds already keeps its value, but for TZ and LANG, which Lambda presets itself; with
    ``override`` the file wins everywhere. Names that make programs load other code (LOADS_CODE) are left out,
    unless ``allow`` holds them: then they are set whatever ``environ`` holds, as Lambda presets most of them.
    ``path`` is looked for as in ``get_env``, with the LAMBDA_TASK_ROOT of ``environ`` where it has one. No file
    is no variables.

    Raises ParseError, which names file and line, where the file cannot be parsed, or holds what no environment
    can (a NUL, or a character that its encoding lacks). Then nothing was set.
    """
    try:
        variables = _variables(_places(path, environ), settable=True)
    except FileNotFoundError:
        return {}
    file_wins = PRESET_BY_LAMBDA.union(LOADS_CODE.intersection([allow] if isinstance(allow, str) else allow))
    left_out = LOADS_CODE.union(() if override else environ) - file_wins  # to ask os.environ name by name is slow
    chosen = {}
    for name, value in variables.items():
        if name not in left_out:
            environ[name] = chosen[name] = value
    if "TZ" in chosen and environ is os.environ:
        import time

        time.tzset()
    return chosen


def wrap(handler: "Handler") -> "Handler":
    """Do ``load()`` and return the handler itself: a decorator for handlers of any kind.

    The file is read once, while the function starts. Code above the decorator does not see the variables: where
    it needs them, call ``load()`` at the top of the module instead.
    """
    load()
    return handler


def __getattr__(name: str) -> object:
    """ParseError when it is asked for: most functions start without the full grammar."""
    if name == "ParseError":
        from .dotenv import ParseError

        return ParseError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
