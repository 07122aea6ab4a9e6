"""``diff``: which variables differ between stages, and whether the stages run the same artifact.

    locations -> the contents of each stage -> a comparison for each function -> text, JSON, and an HTML page

Two locations of archives or functions are compared as they are; stacks are compared function by function, by logical
ID. Values are secrets, and are shown only on request. Exit status: 0 no difference, 1 differences.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cfn_injector.cli import addresses, aws_options
from cfn_injector.cli.comparison import EQUAL, CodeChange, Comparison, Row, compare, label, variables
from cfn_injector.cli.contents import Contents, contents_at
from cfn_injector.cli.display import entry_path, explained, shown, some, visible
from cfn_injector.cli.result import Result
from cfn_injector.cli.usage import UsageError
from cfn_injector.env_properties import DEFAULT_ENV_FILE
from cfn_injector.errors import InjectorError

HELP = "compare the variables and the code of stages"

_AT_ONCE = 8
_MASK = "***"


def _by_function(locations: Sequence[str], clients: aws_options.Clients) -> dict[str, list[str | None]]:
    """The location of each function in each stage; None where a stage does not have it."""
    stacks = [addresses.is_stack(each) for each in locations]
    if not any(stacks):
        return {"": list(locations)}
    if not all(stacks):
        raise UsageError(
            "a stack is compared with stacks; give stack://STACK/LOGICAL_ID for one function of it", code="CI746"
        )
    found = [addresses.functions(each, clients) for each in locations]
    names = list(dict.fromkeys(name for stage in found for name in stage))
    if not names:
        raise InjectorError(
            f"{some(list(map(shown, locations)))} hold no function; check the name and the Region", code="CI747"
        )
    return {name: [stage.get(name) for stage in found] for name in names}


def comparisons(locations: Sequence[str], path: str, clients: aws_options.Clients) -> list[Comparison]:
    """A comparison for each function; for locations that are not stacks there is one, without a name."""
    functions = _by_function(locations, clients)

    def read(location: str | None) -> Contents | None:
        return contents_at(location, path, clients) if location else None

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        try:
            reading = {name: pool.map(read, stages) for name, stages in functions.items()}
            return [compare(name, list(stages)) for name, stages in reading.items()]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # what has not begun is of no use any more
            raise


def _change(row: Row, values: Sequence[str | None], *, show_values: bool) -> str:
    """A line for a variable that differs between two stages."""
    name = row.shown_name
    old, new = (None if value is None else visible(value) for value in values)
    if old is None or new is None:
        sign, value = ("+", new) if old is None else ("-", old)
        return f"{sign} {name}={value}" if show_values else f"{sign} {name}"
    return f"~ {name} {old} -> {new}" if show_values else f"~ {name} {_MASK}"


def _cells(row: Row, values: Sequence[str | None], *, show_values: bool) -> str:
    """A line for a variable in more than two stages: the same letter for the same value."""
    letters = ["-" if group is None else label(group) for group in row.groups]
    line = f"~ {row.shown_name}  {'  '.join(letters)}"
    if not show_values:
        return line
    kept = {letter: visible(value) for letter, value in zip(letters, values, strict=True) if value is not None}
    return f"{line}  {'  '.join(f'{letter}={value}' for letter, value in kept.items())}"


def _code(comparison: Comparison) -> Iterator[str]:
    """Lines about the code and the loader of each stage, compared with the first stage that has the function."""
    if comparison.same_code:
        first = next(stage for stage in comparison.stages if stage)
        yield f"code: the same artifact, {len(first.code)} {'entry' if len(first.code) == 1 else 'entries'}"
    for stage, change in zip(comparison.stages, comparison.code, strict=True):
        if stage and change:
            parts = (f"{len(names)} {word}: {some(list(map(visible, names)))}" for word, names in _parts(change))
            yield f"code of {stage.place} differs; {'; '.join(parts)}"
    if len(set(comparison.loaders) - {None}) > 1:
        yield "loader: differs"


def _parts(change: CodeChange) -> list[tuple[str, Sequence[str]]]:
    parts = zip(("added", "removed", "changed"), change, strict=True)
    return [(word, names) for word, names in parts if names]


def _values(comparison: Comparison, row: Row) -> list[str | None]:
    return [variables(stage).get(row.name) if stage else None for stage in comparison.stages]


def _as_text(locations: Sequence[str], found: Sequence[Comparison], *, show_values: bool) -> Iterator[str]:
    line = _change if len(locations) == 2 else _cells
    if line is _cells:
        yield from (f"stage {number}: {shown(each)}" for number, each in enumerate(locations, start=1))
    for comparison in found:
        if comparison.name:
            yield comparison.name
        indent = "  " if comparison.name else ""
        absent = [shown(each) for each, stage in zip(locations, comparison.stages, strict=True) if stage is None]
        if absent:
            yield f"{indent}not in {some(absent)}"
        for row in comparison.rows:
            if row.state != EQUAL and not (absent and len(locations) == 2):
                yield indent + line(row, _values(comparison, row), show_values=show_values)
        equal = sum(row.state == EQUAL for row in comparison.rows)
        yield f"{indent}{equal} {'variable is' if equal == 1 else 'variables are'} equal"
        yield from (indent + each for each in _code(comparison))


def _as_json(locations: Sequence[str], found: Sequence[Comparison], *, show_values: bool) -> str:
    def facts(comparison: Comparison) -> dict[str, Any]:
        rows = [
            {
                "name": row.name if show_values else row.shown_name,
                "state": row.state,
                "groups": row.groups,
                **({"values": _values(comparison, row)} if show_values else {}),
            }
            for row in comparison.rows
        ]
        code = [None if change is None else change._asdict() for change in comparison.code]
        same = {"same_code": comparison.same_code, "code": code, "loaders": comparison.loaders}
        return {"function": comparison.name or None, "differs": comparison.differs, "variables": rows, **same}

    return json.dumps({"stages": list(map(shown, locations)), "functions": list(map(facts, found))})


def _private(path: str, flags: int) -> int:
    """Opens a file for its owner alone: what is written may be secret."""
    return os.open(path, flags, 0o600)


def _write_page(file: str, page: str) -> None:
    with (
        explained(f"{visible(file)} cannot be written", "choose another file for --html", code="CI719"),
        open(file, "w", encoding="utf-8", opener=_private) as output,
    ):
        output.write(page)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "stages",
        nargs="+",
        metavar="STAGE",
        help="an archive (a path, s3://BUCKET/KEY, or a URL), a function (lambda://NAME[:QUALIFIER] or "
        "stack://STACK/LOGICAL_ID), or all functions of a stack (stack://STACK); give two or more",
    )
    parser.add_argument(
        "--path", default=DEFAULT_ENV_FILE, metavar="PATH", help="the file in the archive (default: %(default)s)"
    )
    parser.add_argument("--show-values", action="store_true", help="show the values, which are secrets")
    parser.add_argument("--html", metavar="FILE", help="also write a page with a table of all variables and stages")
    aws_options.add_format(parser)
    aws_options.add_aws(parser)


def run(arguments: argparse.Namespace) -> Result:
    if len(arguments.stages) < 2:
        raise UsageError("there is nothing to compare with; give two or more stages", code="CI704")
    path = entry_path(arguments.path)
    found = comparisons(arguments.stages, path, aws_options.clients(arguments))
    show_values = arguments.show_values
    if arguments.html is not None:
        from cfn_injector.cli.diff_page import page

        _write_page(arguments.html, page(list(map(shown, arguments.stages)), found, show_values=show_values))
    status = 1 if any(each.differs for each in found) else 0
    if arguments.output == aws_options.JSON:
        return Result(_as_json(arguments.stages, found, show_values=show_values), status)
    return Result("\n".join(_as_text(arguments.stages, found, show_values=show_values)), status)
