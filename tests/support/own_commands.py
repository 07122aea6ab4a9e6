"""Command lines of ``cfn-injector``, checked by its parser: takes the arguments, returns what is wrong with them."""

from __future__ import annotations

import contextlib
import io

from cfn_injector.cli.main import COMMANDS, command, parser_of


def refused(words: list[str]) -> str:
    """What the parser of ``cfn-injector`` says about arguments that it does not accept."""
    name, *given = words
    if name not in COMMANDS:
        return f"there is no command {name}" if not name.startswith("-") else ""
    if getattr(command(name), "TAKES_WORDS", False) and "--" in given:
        given = given[: given.index("--")]
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            parser_of([name]).parse_args([name, *given])
    except SystemExit:
        return said.getvalue()
    return ""
