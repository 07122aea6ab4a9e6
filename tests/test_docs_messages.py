"""The error messages that the troubleshooting page quotes are those of the code.

A message is a block of the language ``text``; ``none`` is for messages of AWS. What stands between angle brackets is a
name; the rest, cut where the code puts parts together, must be in the string literals of one module.
"""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.support.pages import DOCS, ROOT, blocks

PAGE = (DOCS / "troubleshooting.md").read_text("utf-8")
MESSAGES = [block.strip() for block in blocks(PAGE, "text")]
COMPOSED = ("cfn_injector/errors.py", "cfn_injector/env_properties.py")
"""Modules with parts of the messages of all others: ``the artifact ...``, ``Env.NAME ...``."""
LONGEST_NEEDED = 12


@cache
def literals(module: str) -> frozenset[str]:
    """All texts in a module without docstrings, cut at semicolons. Parts of f-strings are texts of their own."""
    tree = ast.parse((ROOT / module).read_text("utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docstrings]
    parts = [part.strip() for node in texts if isinstance(node.value, str) for part in node.value.split("; ")]
    return frozenset(part for part in parts if len(part) > 1 or (part and not part.isalnum()))


@cache
def packages() -> dict[str, frozenset[str]]:
    """Folder -> the texts of its modules, and those of ``COMPOSED``."""
    found = dict.fromkeys((path.parent for path in (ROOT / "cfn_injector").rglob("*.py")), frozenset[str]())
    shared = frozenset[str]().union(*map(literals, COMPOSED))
    for path in (ROOT / "cfn_injector").rglob("*.py"):
        found[path.parent] |= literals(str(path.relative_to(ROOT))) | shared
    return {str(folder.relative_to(ROOT)): texts for folder, texts in found.items()}


def fixed_parts(message: str) -> list[str]:
    """What the code spells out: the text between names, and on both sides of a semicolon."""
    parts = [part.strip() for part in re.split(r"<[\w ]+>|; ", message)]
    return [part for part in parts if re.search(r"\w", part)]


def is_made_of(part: str, texts: frozenset[str]) -> bool:
    """Whether the part is one text after the other, each of them whole."""
    reached, seen = [0], set[int]()
    while reached:
        at = reached.pop()
        if at == len(part):
            return True
        if at in seen:
            continue
        seen.add(at)
        at += len(part[at:]) - len(part[at:].lstrip())
        reached += [at + len(text) for text in texts if part.startswith(text, at)]
    return False


def sources(message: str) -> list[str]:
    """The packages that a message can come from."""
    parts = fixed_parts(message)
    return [name for name, texts in packages().items() if all(is_made_of(part, texts) for part in parts)]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message[:60])
def test_a_message_on_the_page_is_one_of_the_code(message: str) -> None:
    assert max(map(len, fixed_parts(message))) >= LONGEST_NEEDED
    assert sources(message) != []


def test_the_page_quotes_messages_and_each_once() -> None:
    assert len(MESSAGES) > 30
    assert len(set(MESSAGES)) == len(MESSAGES)


@pytest.mark.parametrize(
    "message",
    [
        "FunctionName <name> is outside the permissions of the provider; begin it",
        "all names for <resource> are taken by functions; give a FunctionName",
        "Env.<name> is reserved by Lambda; use Fn::ToJsonString of another universe",
    ],
)
def test_a_message_that_the_code_does_not_have_is_found(message: str) -> None:
    assert sources(message) == []


def test_every_symptom_in_the_table_leads_to_a_section() -> None:
    rows = re.findall(r"^\| [^|]+ \| \[([^\]]+)\]\(#", PAGE, re.MULTILINE)
    assert len(rows) > 8
    assert [row for row in rows if f"\n## {row}\n" not in PAGE] == []
