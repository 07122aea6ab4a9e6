"""Random and hostile files: do the Python and the Node.js reader read them alike?

    python -m tests.readers_agree --cases 100000 --seed 1

In flows a seed; out flow counts, and the files that the two read differently. Compared are the variables, or the
error's line and what it says, of ``parse``, ``get_env`` and ``load``, and what ``load`` leaves in the environment.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from cfn_injector.env_file import merge, quote
from cfn_injector.errors import EnvFileError
from tests.support.node_js import read_with_node
from wrapper import ParseError, get_env, load
from wrapper.dotenv import decode, parse

BATCH = 10_000
"""Files that one process of Node.js reads."""

NAMES = [
    *("A", "B", "c_1", "_", "export", "exported", "foo.bar", "my-key", "9", "$x", "a\\b", "ключ", "a\u2028b", "\x0b"),
    *("__proto__", "constructor", "toString", "__class__", "TZ", "LANG", "PATH", "LD_PRELOAD", "NODE_OPTIONS"),
]
CHARACTERS = [
    *"abnr019 \t=#'\"\\$`{}()~;é😀ä\ufffd\r\n\u2028\u2029\x85\x0b\x0c\x1c\x00\ufeff\u00a0",
    *("\\n", "\\r", '\\"', "\\\\", "\\$", "\\`", "\\x", "\\\n", " #", "\t#", "\r\n", "$HOME", "${A}", "B=2", "export "),
]
NO_UTF_8 = [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf0\x9f", b"\xef\xbf"]
RAW = [*(character.encode() for character in CHARACTERS), *NO_UTF_8]
BLANKS = ["", "", "", " ", "\t", " \t "]
LINE_ENDS = ["\n"] * 6 + ["\r\n", "\r\n", "", "\r\r\n"]
CASES = Path(__file__).parent / "data" / "dotenv_cases.json"

FEATURES: dict[str, Callable[[bytes], bool]] = {
    "export": lambda file: b"\nexport A" in file,
    "CRLF": lambda file: b"\r\n" in file,
    "CR alone": lambda file: b"\r" in file.replace(b"\r\n", b""),
    "byte order mark": lambda file: file.startswith(b"\xef\xbb\xbf"),
    "comment behind a value": lambda file: b" # " in file,
    "quotes over lines": lambda file: any(part.count(b"\n") > 1 for part in file.split(b"'")[1::2]),
    "backticks": lambda file: b"=`" in file,
    "backticks over lines": lambda file: any(part.startswith(b"`") for part in file.split(b"\n") if part),
    "escape": lambda file: b"\\n" in file,
    "escaped quote": lambda file: b'\\"' in file,
    "U+2028": lambda file: "\u2028".encode() in file,
    "U+0085": lambda file: "\x85".encode() in file,
    "vertical tab": lambda file: b"\x0b" in file,
    "form feed": lambda file: b"\x0c" in file,
    "U+FFFD": lambda file: "\ufffd".encode() in file,
    "NUL": lambda file: b"\0" in file,
    "__proto__": lambda file: b"__proto__=" in file,
    "a name twice": lambda file: file.count(b"\nA=") > 1,
    "a long line": lambda file: any(len(line) > 10_000 for line in file.split(b"\n")),
    "no line end at the end": lambda file: file[-1:] not in (b"", b"\n"),
}
"""What files that can be read must have been tried with."""


class Case(NamedTuple):
    """A file, and what ``load`` is called with."""

    file: bytes
    request: dict[str, Any]


class Report(NamedTuple):
    """How many files were read, what came of them, what those that parse hold, and which are read differently."""

    files: int
    outcomes: Counter[str]
    features: Counter[str]
    disagreements: list[bytes]

    @property
    def parsed(self) -> int:
        return self.outcomes["parses"]


def _text(random: Random, most: int = 8) -> str:
    return "".join(random.choices(CHARACTERS, k=random.randint(0, most)))


def _value(random: Random) -> str:
    text = _text(random)
    if random.random() < 0.002:
        text = text * 20_000
    kind = random.randrange(7)
    if kind == 0:
        return quote(text.replace("\0", ""))
    if kind == 1:
        return "'" + text.replace("'", "") + "'"
    if kind == 2:
        inside = re.sub(r'(?<!\\)"', "", text)
        return f'"{inside} "' if inside.endswith("\\") else f'"{inside}"'
    if kind == 3:
        return random.choice(["", "1", "f", "a b", "it's", "a#b", "a\\nb", "x\r", "\u2028"])
    if kind == 4:
        return text.replace("\n", "").lstrip("'\" \t")
    return "`" + text.replace("`", "") + random.choice("``\n") if kind == 5 else text


def _statement(random: Random) -> str:
    if random.random() < 0.15:
        return random.choice(["", " ", "\t", "# x", " \t# A='", "#" + _text(random).replace("\n", ""), "\r"])
    export = random.choice(["", "", "", "export ", "export\t ", " export "])
    name = random.choice(NAMES) if random.random() < 0.98 else _text(random, 3)
    equals = random.choice(BLANKS) + "=" + random.choice(BLANKS)
    behind = random.choice(["", "", "", " ", "\t", " # x", "\t#'", "#", " x"])
    return random.choice(BLANKS) + export + name + equals + _value(random) + behind


def _statements(random: Random) -> bytes:
    lines = (_statement(random) + random.choice(LINE_ENDS[:-2]) for _ in range(random.randint(0, 5)))
    last = random.choice(["", "A=1", "B='2'", 'A="\\n"', "# x", "C=3\r", " "])
    return (random.choice(["", "", "", "\ufeff"]) + "".join(lines) + last).encode()


def _soup(random: Random) -> bytes:
    lines = (random.choice(["A=", "B='", 'A="', "#", ""]) + _text(random) + random.choice(LINE_ENDS) for _ in range(4))
    return "".join(lines).encode()


def _merged(random: Random) -> bytes:
    own = _statements(random)
    env = {random.choice(["A", "B", "__proto__", "PATH"]): _text(random).replace("\0", "") for _ in range(2)}
    try:
        return merge(own, env)
    except EnvFileError:
        return own


def _bytes_of(case: Mapping[str, Any]) -> bytes:
    return bytes.fromhex(case["hex"]) if "hex" in case else str(case["file"]).encode()


def _damaged(random: Random, file: bytes) -> bytes:
    for _ in range(random.randint(1, 2)):
        at = random.randint(0, len(file))
        file = file[:at] + random.choice([b"", *random.choices(RAW, k=4)]) + file[at + random.randrange(2) :]
    return file


def generate(random: Random, count: int) -> Iterator[Case]:
    """So many cases; about two thirds of their files can be read."""
    cases = json.loads(CASES.read_text(encoding="utf-8"))
    examples = [_bytes_of(case) for kind in ("read", "refused", "unset") for case in cases[kind]]
    kinds: list[Callable[[], bytes]] = [
        lambda: _statements(random),
        lambda: _soup(random),
        lambda: _merged(random),
        lambda: random.choice(examples),
    ]
    for _ in range(count):
        file = random.choices(kinds, weights=[5, 1, 3, 1])[0]()
        if random.random() < 0.15:
            file = _damaged(random, file)
        environ = dict.fromkeys(random.choices(NAMES, k=random.randrange(4)), "real")
        allow = random.choices([*NAMES, "PATH"], k=random.randrange(3))
        yield Case(file, {"environ": environ, "override": random.random() < 0.2, "allow": allow})


def _outcome(read: Callable[[], Mapping[str, str | None]]) -> dict[str, Any]:
    try:
        return {"variables": dict(read())}
    except ParseError as error:
        return {"line": error.line, "problem": error.problem, "code": error.code}


def _read_with_python(case: Case, path: Path) -> list[dict[str, Any]]:
    """The outcomes that ``node/read.cjs`` has for the wrapper, in its order."""
    path.write_bytes(case.file)
    environ = dict(case.request["environ"])
    options = {**case.request, "environ": environ}
    return [
        _outcome(lambda: {item.name: item.value for item in parse(decode(case.file)) if item.name is not None}),
        _outcome(lambda: get_env(path)),
        _outcome(lambda: load(path, **options)),
        _outcome(lambda: environ),
    ]


def compare(cases: Sequence[Case]) -> Report:
    """Both readers on each case."""
    outcomes: Counter[str] = Counter()
    features: Counter[str] = Counter()
    disagreements = []
    by_node = read_with_node("wrapper", [case.file for case in cases], [case.request for case in cases])
    with tempfile.TemporaryDirectory() as folder:
        for case, expected in zip(cases, by_node, strict=True):
            found = _read_with_python(case, Path(folder, ".env"))
            outcomes[found[0].get("problem", "parses")] += 1
            if found != expected:
                disagreements.append(case.file)
            if "variables" in found[0]:
                features.update(name for name, holds in FEATURES.items() if holds(case.file))
    return Report(len(cases), outcomes, features, disagreements)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.readers_agree", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=100_000, help="how many files (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same files (default: %(default)s)")
    arguments = parser.parse_args()
    random = Random(arguments.seed)
    outcomes: Counter[str] = Counter()
    disagreements: list[bytes] = []
    for done in range(0, arguments.cases, BATCH):
        report = compare(list(generate(random, min(BATCH, arguments.cases - done))))
        outcomes += report.outcomes
        disagreements += report.disagreements
    for outcome, count in outcomes.most_common():
        print(f"{count:9,} {outcome}")
    print(f"{arguments.cases:9,} files, {len(disagreements):,} of them read differently")
    for file in sorted(disagreements, key=len)[:10]:
        print(f"  {file[:200]!r}")
    return 1 if disagreements or 2 * outcomes["parses"] < arguments.cases else 0


if __name__ == "__main__":
    sys.exit(main())
