"""What the commands of a page name that a reader has to have from somewhere.

page -> blocks of commands, each with the prose around it -> commands, as bash reads them -> what each of them needs and
makes: files, folders, buckets, objects in S3, functions and stacks
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from tests.support.shell_text import RECORDED, commands_of

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ ", re.MULTILINE)
_HERE_DOCUMENT = re.compile(r"<<'(\w+)'\n.*?^\1$", re.MULTILINE | re.DOTALL)
_QUOTED = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"|\\.", re.DOTALL)
_REDIRECTED = re.compile(r"(?<![0-9&])>>?\s*([\w./~-]+)")
_FILE = re.compile(r"(?:\.{0,2}/|~/)?(?:[\w.*-]+/)*[\w*-][\w.*-]*\.(?:zip|ya?ml|json|env|py|sh|html|fish|whl|svg)")
_OBJECT = re.compile(r"s3://([^/]+)/?(.*)")
_FUNCTION = re.compile(r"^ +FunctionName: ([\w-]+)$", re.MULTILINE)
_DEPLOYED = re.compile(r"(stack|lambda)://([\w-]+)(?:[/:].*)?")
_FOLDER_OF_PROGRAMS = re.compile(r"(?:~/)?\.[\w-]+/bin/(?!activate)")
"""Without it, bash does not look for a program, and so does not write it down."""
_NEXT_BLOCK = "next-block-of-the-page"

_WRITTEN = ("--output", "-o", "--output-template-file", "--html", "--build")
"""What stands before the file that a command makes."""
_VALUES = {
    **dict.fromkeys(("--s3-bucket", "--source-buckets", "SourceBuckets", "ArtifactBucket", "CodeBucket"), "bucket"),
    **dict.fromkeys(("ArtifactKey", "CodeKey", "artifact"), "object"),
    **dict.fromkeys(("--stack-name", "drift"), "stack"),
    **dict.fromkeys(("--function-name", "--inactive-function"), "function"),
    **dict.fromkeys(("cd", "bundle", "--with"), "folder"),
}
"""The kind of what stands behind a word, or behind ``WORD=``."""
_MAKES = {
    ("aws", "cloudformation", "deploy"): "stack",
    ("aws", "cloudformation", "create-change-set"): "stack",
    ("aws", "s3", "mb"): "bucket",
    ("cfn-injector", "install"): "stack",
    ("mkdir", "-p"): "folder",
    ("git", "clone"): "folder",
    ("python3", "-m", "venv"): "folder",
}
"""Commands that make all that they name of a kind."""
_COPY = ("aws", "s3", "cp")


class Name(NamedTuple):
    """What a command names: a file, for example."""

    kind: str
    text: str


class Command(NamedTuple):
    """One command, with what it needs and what it makes."""

    words: tuple[str, ...]
    needs: frozenset[Name]
    makes: frozenset[Name]


class Block(NamedTuple):
    """The ``prose`` of a block is what stands before it, and what follows it up to the next heading.

    ``makes`` is what the shell itself writes.
    """

    content: str
    prose: str
    commands: Sequence[Command] = ()
    makes: frozenset[Name] = frozenset()


def unquoted(block: str) -> list[str]:
    """The lines of a block without what is in quotes, and without here-documents."""
    return _QUOTED.sub("", _HERE_DOCUMENT.sub("", re.sub(r"^\$ ", "", block, flags=re.MULTILINE))).splitlines()


def _blocks(page: str) -> Iterator[Block]:
    prose = _FENCE.sub(lambda found: " " * len(found[0]), page)
    for found in _FENCE.finditer(page):
        if found[1] == "sh":
            heading = _HEADING.search(prose, found.end())
            yield Block(found[2], prose[: heading.start() if heading else None])


def shell_blocks(page: str, folder: Path) -> Iterator[Block]:
    """The blocks in the language ``sh``, in order. bash reads them in an empty folder; nothing is run."""
    found = list(_blocks(page))
    script = "".join(f"{_NEXT_BLOCK}\n{_FOLDER_OF_PROGRAMS.sub('', block.content)}" for block in found)
    read: list[list[Command]] = []
    for words in commands_of(script, folder):
        if words == [_NEXT_BLOCK]:
            read.append([])
        else:
            read[-1].append(_command(tuple(words)))
    for block, commands in zip(found, read, strict=True):
        yield block._replace(commands=commands, makes=frozenset(_written(block.content)))


def _written(block: str) -> Iterator[Name]:
    """The files that a shell writes in a block, and the functions that templates among them name."""
    yield from (Name("file", name) for line in unquoted(block) for name in _REDIRECTED.findall(line))
    yield from (Name("function", name) for name in _FUNCTION.findall(block))


def _named(before: str, word: str) -> Iterator[Name]:
    """What a word names, by the word before it."""
    key, _, value = word.partition("=")
    if before in _VALUES and not word.startswith("-"):
        kind = _VALUES[before]
        yield from (Name(kind, each.partition(":")[0] if kind == "function" else each) for each in word.split(","))
    elif key in _VALUES and value:
        yield from (Name(_VALUES[key], each) for each in value.split(","))
    elif found := _OBJECT.fullmatch(f"s3://{word}" if before == "--artifact-older-than" else word):
        yield Name("bucket", found[1])
        if found[2]:
            yield Name("object", found[2])
    elif deployed := _DEPLOYED.fullmatch(word):
        yield Name("function" if deployed[1] == "lambda" else "stack", deployed[2])
    elif _FILE.fullmatch(word.removeprefix("fileb://").removeprefix("file://")):
        yield Name("file", word.removeprefix("fileb://").removeprefix("file://"))


def _made(words: tuple[str, ...], names: list[tuple[int, Name]]) -> Iterator[Name]:
    """What a command makes, by what it names and where."""
    kinds = {kind for begin, kind in _MAKES.items() if words[: len(begin)] == begin}
    files = [name for _, name in names if name.kind == "file"]
    for place, name in names:
        written = words[place - 1] in _WRITTEN and name.kind in ("file", "object")
        copied = words[:3] == _COPY and place == 4 and name.kind == "object" and not name.text.endswith("/")
        if written or copied or name.kind in kinds:
            yield name
    yield from (Name("folder", word) for before, word in pairwise(words) if before in ("-d", "--dir"))
    if "folder" in kinds:
        for word in words[2:]:
            yield from (Name("folder", str(folder)) for folder in (Path(word), *Path(word).parents))
    if words[0] == "zip" or words[:3] == ("python3", "-m", "zipfile"):
        yield files[0]
    if words[:3] == ("aws", "lambda", "invoke"):
        yield files[-1]
    if words[:3] == _COPY and words[4].endswith("/"):
        yield Name("object", _OBJECT.sub(r"\2", words[4]) + Path(words[3]).name)


def _command(words: tuple[str, ...]) -> Command:
    pairs = enumerate(zip(("", *words), words, strict=False))
    names = [(place, name) for place, (before, word) in pairs for name in _named(before, word)]
    made = frozenset(_made(words, names))
    known = {name for _, name in names if RECORDED in name.text or (name.kind == "object" and name.text.endswith("/"))}
    return Command(words, frozenset(name for _, name in names) - made - known, made)
