"""The subcommands and their options, as argparse has them.

Takes the parser of all subcommands. Returns the list of commands, and a section for each of them.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache

from cfn_injector.cli.main import COMMANDS, command, parser_of
from reference.markdown import capitalized, code, page, plain, section, table

_UNTITLED = ("options", "positional arguments")
"""The groups that argparse itself makes."""


@cache
def parsers() -> Mapping[str, argparse.ArgumentParser]:
    (found,) = (each for each in parser_of(COMMANDS)._actions if isinstance(each, argparse._SubParsersAction))
    parsers: Mapping[str, argparse.ArgumentParser] = found.choices
    return parsers


def _values(action: argparse.Action) -> str:
    """What an option takes, or an argument: ``NAME``, ``[NAME ...]``, ``a|b``."""
    name = "|".join(map(str, action.choices)) if action.choices and not action.metavar else _metavar(action)
    return {"?": f"[{name}]", "*": f"[{name} ...]", "+": f"{name} [{name} ...]"}.get(str(action.nargs), name)


def _metavar(action: argparse.Action) -> str:
    return str(action.metavar or action.dest.upper())


def form(action: argparse.Action) -> str:
    if not action.option_strings:
        return code(_values(action))
    takes = "" if action.nargs == 0 else f" {_values(action)}"
    return ", ".join(code(f"{option}{takes}") for option in sorted(action.option_strings, key=len, reverse=True))


def _meaning(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    text = (action.help or "") % {**vars(action), "default": code(action.default), "prog": parser.prog}
    return plain(text) + (". Required" if action.option_strings and action.required else "")


def _rows(group: argparse._ArgumentGroup, parser: argparse.ArgumentParser) -> list[tuple[str, str]]:
    """The options of a group, without ``--help`` and without those that are not shown."""
    return [
        (form(action), _meaning(action, parser))
        for action in group._group_actions
        if action.help is not argparse.SUPPRESS and not isinstance(action, argparse._HelpAction)
    ]


def groups(parser: argparse.ArgumentParser) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The title of each group that is not empty, and its rows. Groups without a title of their own are one."""
    untitled = [row for group in parser._action_groups if group.title in _UNTITLED for row in _rows(group, parser)]
    yield "", untitled
    for group in parser._action_groups:
        if group.title not in _UNTITLED and (rows := _rows(group, parser)):
            yield str(group.title), rows


@cache
def _shared() -> Mapping[str, list[tuple[str, str]]]:
    """The groups that several commands have alike."""
    found = [(title, rows) for parser in parsers().values() for title, rows in groups(parser) if title]
    return {title: rows for title, rows in found if Counter(map(str, found))[str((title, rows))] > 1}


def _usage(name: str, parser: argparse.ArgumentParser) -> str:
    """The command with its arguments."""
    stated = (parser.usage or "").replace("%(prog)s", f"cfn-injector {name}")
    words = [_values(action) for action in parser._actions if not action.option_strings]
    lines = stated.splitlines() or [" ".join([f"cfn-injector {name}", "[options]", *words])]
    return "\n".join(["```text", *(line.strip() for line in lines), "```"])


def overview(**pages: str) -> str:
    """A table of all commands. The link is to the heading with the command's name, or to the page that is given."""
    rows = ((f"[{code(name)}]({pages.get(name, f'#{name}')})", plain(command(name).HELP)) for name in COMMANDS)
    return table(("command", "purpose"), rows)


def _heading(title: str) -> str:
    return capitalized(title.partition(" (")[0])


def _link(title: str) -> str:
    return f"[{_heading(title)}](#{_heading(title).lower().replace(' ', '-')})"


def _section(name: str, parser: argparse.ArgumentParser) -> str:
    found = [(title, rows) for title, rows in groups(parser) if rows]
    further = ", ".join(_link(title) for title, _ in found if title in _shared())
    return section(
        2,
        name,
        f"{plain(capitalized(command(name).HELP))}.",
        _usage(name, parser),
        *(_options(title, rows) for title, rows in found if title not in _shared()),
        f"Further options: {further}." if further else "",
    )


def _options(title: str, rows: list[tuple[str, str]]) -> str:
    found = table(("option", "meaning"), rows).strip()
    return f"{capitalized(title)}:\n\n{found}" if title else found


def commands() -> str:
    """A section for each command."""
    return page(_section(name, parser) for name, parser in parsers().items())


def shared() -> str:
    """A section for each group of options that several commands have."""
    return page(f"## {_heading(title)}\n\n{_options('', rows)}" for title, rows in _shared().items())
