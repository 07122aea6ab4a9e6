"""Files of people, merged with difficult values: do other parsers read the result as this project's readers do?

    python -m tests.merges_agree --files 490 --seed 1

In flows a seed; out flow, for each parser, how many merged files it reads alike, what it reads differently by name
(``DIFFERENCES``), and the files with any other difference, which are faults. Each file is tried in six variants. The
parsers are python-dotenv, npm's dotenv, the own parser of the Node.js that is first on the PATH, and both readers of
this project. Put another Node.js first on the PATH to try its parser.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import NamedTuple

from cfn_injector.env_file import merge
from tests.support.dotenv_parsers import Parser, parsers, values
from wrapper.dotenv import parse

READERS = ("wrapper, Python", "wrapper, Node.js", "python-dotenv uninterpolated", "dotenv", "Node.js --env-file")

KEPT = [
    *("x", "a b", "https://u:p@example.com/a?b=c", "it's", "a=b", "a#b", "#a", "x$y", "C:\\temp\\new", "a\\", "é"),
    *("x # it's", 'x # "', "x\t# y=z", "'x' # it's", '"x" # "', "# only a comment"),
    *("", " ", "\t", " \t ", "''", '""', "``", "'' ", '"" # x'),
    *("'a b'", "'a # b'", '\'{"a": "b"}\'', "'$x `y`'", "'a\\b'", "'C:\\\\dir\\\\'", "'a\\'", "'a\n\nB=2\n'"),
    *('"a b"', '"it\'s"', '"a\\nb"', '"a\\tb"', '"a\\\\b"', '"{\\"a\\": 1}"', '"\\$x"', '"a\n # b\nB=2"'),
    *('"a\\"\nB=2\n"', '"it\'s \\"a\\"\nB=2\n"', '"a\n\\"\n="'),
    *("`x`", "`a b`", "`a # b`", '`it\'s "x"`', "`a\nB=2\n`", "` `", "`x", "`x`y", "`x\\`y`", "`", "x`y`", "`x` # y"),
]
"""What stands after ``=`` in a line that is kept."""

OTHER_LINES = ["", " ", "\t", "  \t", "#", "# x", "  # x", "\t# it's", "  # A=1", '# "', "    #A='", "# `"]
BLANKS = ["", "", " ", "\t", "  ", " \t"]
VARIANTS = ("LF", "CRLF", "byte order mark", "export", "blanks", "no line end at the end")


class Difference(NamedTuple):
    """What a parser reads differently: of a value, and of the text that it is written as.

    ``spills``: the parser can read the variables that follow as a part of the value.
    """

    name: str
    holds: Callable[[str, str], bool]
    spills: bool = False


def _in_double_quotes(*escapes: str) -> Callable[[str, str], bool]:
    return lambda _, text: text.startswith('"') and any(f"\\{escape}" in text for escape in escapes)


_HASH = Difference("# in an unquoted value", lambda value, text: text[:1] not in ("'", '"') and "#" in value)
_LINE_ENDS = Difference("CRLF in quotes", lambda value, text: text[:1] in ("'", '"') and "\r\n" in text)

_BACKSLASH = Difference(
    "a backslash before the closing single quote",
    lambda value, text: text.startswith("'") and value.endswith("\\"),
    spills=True,
)

DIFFERENCES: Mapping[str, Sequence[Difference]] = {
    "python-dotenv uninterpolated": (
        _BACKSLASH,
        Difference("two backslashes in single quotes", lambda value, text: text.startswith("'") and "\\\\" in value),
        Difference("\\$ or \\` in double quotes", _in_double_quotes("$", "`")),
        Difference("an escape in double quotes that only it knows", _in_double_quotes(*"abftv'")),
        _LINE_ENDS,
    ),
    "dotenv": (
        _BACKSLASH,
        Difference(
            "a backslash before the closing double quote",
            lambda value, text: text.startswith('"') and value.endswith("\\"),
            spills=True,
        ),
        Difference('\\", \\\\, \\$ or \\` in double quotes', _in_double_quotes(*'"\\$`')),
        _HASH,
        _LINE_ENDS,
    ),
    "Node.js --env-file": (
        Difference('\\r, \\", \\\\, \\$ or \\` in double quotes', _in_double_quotes(*'r"\\$`')),
        _HASH,
        _LINE_ENDS,
    ),
}


class Merge(NamedTuple):
    """A file of somebody, what is merged into it, and the result."""

    variant: str
    own: bytes
    env: Mapping[str, str]
    merged: bytes


class Report(NamedTuple):
    """By parser: how many files it reads alike, its named differences, and the files with other differences."""

    merges: int
    alike: Counter[str]
    named: Mapping[str, Counter[str]]
    faults: Mapping[str, Sequence[Merge]]


def _lines(random: Random, variant: str) -> Iterator[str]:
    """Lines without their ends. Names are unique, but for A, which the merge sets."""
    kept = random.sample(KEPT, k=random.randint(2, 7))
    for index, value in enumerate(kept):
        if random.random() < 0.3:
            yield random.choice(OTHER_LINES)
        name = random.choice(["A", f"K{index}", f"K{index}"])
        if variant == "export":
            name = random.choice(["export ", "export  ", "export\t"]) + name
        if variant != "blanks":
            yield f"{name}={value}"
        else:
            indent, before, behind, end = random.choices(BLANKS, k=4)
            yield f"{indent}{name}{before}={behind}{value}{end}"
    if random.random() < 0.3:
        yield random.choice(OTHER_LINES)


def _file(random: Random, variant: str) -> bytes:
    text = "".join(line + "\n" for line in _lines(random, variant))
    if variant == "CRLF":
        text = text.replace("\n", "\r\n")
    if variant == "no line end at the end":
        text = text.removesuffix("\n")
    return (("\ufeff" if variant == "byte order mark" else "") + text).encode()


def generate(random: Random, files: int) -> Iterator[Merge]:
    """So many files in each variant, each merged with one to three values. All of them can be merged."""
    hostile = [value.text for value in values() if len(value.text) < 10_000]
    for _ in range(files):
        for variant in VARIANTS:
            own = _file(random, variant)
            names = random.sample(["A", "NEW", "Z_LAST"], k=random.randint(1, 3))
            env = {name: random.choice(hostile) for name in names}
            yield Merge(variant, own, env, merge(own, env))


def _unlike(done: Merge, found: Mapping[str, str | None] | None, known: Sequence[Difference]) -> Iterator[str | None]:
    """The name of what each variable that is read differently is an example of; None if it is an example of nothing."""
    bindings = [each for each in parse(done.merged.decode()) if each.name is not None]
    texts = [(each.value or "", each.text.partition("=")[2].lstrip(" \t")) for each in bindings]
    written = {each.name: text for each, text in zip(bindings, texts, strict=True)}
    spilling = [one.name for one in known if one.spills and any(one.holds(*text) for text in texts)]
    for name in dict.fromkeys([*written, *(found or ())]):
        if found is None or name not in written or found.get(name) != written[name][0]:
            names = [one.name for one in known if name in written and one.holds(*written[name])]
            yield next(iter(names + spilling), None)


def compare(merges: Sequence[Merge], among: Sequence[Parser]) -> Report:
    """Each parser on each merged file."""
    alike: Counter[str] = Counter()
    named: dict[str, Counter[str]] = {}
    faults: dict[str, list[Merge]] = {}
    for parser in among:
        counts, wrong = named.setdefault(parser.name, Counter()), faults.setdefault(parser.name, [])
        for done, found in zip(merges, parser.read([done.merged for done in merges]), strict=True):
            unlike = set(_unlike(done, found, DIFFERENCES.get(parser.name, ())))
            alike[parser.name] += not unlike
            counts.update(name for name in unlike if name is not None)
            if None in unlike:
                wrong.append(done)
    return Report(len(merges), alike, named, faults)


def readers() -> list[Parser]:
    """Those of ``READERS`` that this machine has."""
    return [parser for parser in parsers() if parser.name in READERS]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.merges_agree", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=490, help="how many files, each in six variants")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same files (default: %(default)s)")
    arguments = parser.parse_args()
    logging.disable()
    among = readers()
    report = compare(list(generate(Random(arguments.seed), arguments.files)), among)
    for name, version in ((each.name, each.version) for each in among):
        print(f"{name} {version}".strip())
        print(f"{report.alike[name]:9,} of {report.merges:,} merged files read alike")
        for difference, count in report.named[name].most_common():
            print(f"{count:9,} with {difference}")
        print(f"{len(report.faults[name]):9,} with another difference")
        for done in sorted(report.faults[name], key=lambda each: len(each.own))[:5]:
            print(f"            {done.own!r} and {dict(done.env)!r} give {done.merged!r}")
    return 1 if any(report.faults.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
