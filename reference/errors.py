"""The catalogue of errors: takes its entries and the calls that make errors, returns a section for each code.

The messages come from the code. What is only known at run time is an ellipsis.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import cfn_injector
import wrapper
from cfn_injector.cli import catalogue
from cfn_injector.cli.catalogue.entry import Entry
from reference.markdown import items, page

_CODE = re.compile(r"CI\d{3}")
_UNKNOWN = "…"
_LEAST = 12
"""Messages with fewer letters say nothing, and are left out."""
_FORMS: Mapping[str, Sequence[str]] = {
    "ArtifactError": ("the artifact", "entry … of the artifact"),
    "EnvFileError": ("… in the artifact", "correct the file and rebuild the artifact"),
}

_FOLDERS = (Path(cfn_injector.__file__).parent, Path(wrapper.__file__).parent)
_CATALOGUE = Path(catalogue.__file__).parent


class _Module:
    """The texts of a module by the names that they are assigned to, in a function or at the top."""

    def __init__(self, path: Path) -> None:
        self.tree = ast.parse(path.read_text("utf-8"))
        self.functions = [node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef)]

    def assigned(self, name: str, near: ast.AST) -> list[ast.expr]:
        """What is assigned to the name in the function around a node, or else at the top of the module."""
        line = getattr(near, "lineno", 0)
        around = [each for each in self.functions if each.lineno <= line <= (each.end_lineno or 0)]
        for scope in (*reversed(around), None):
            body = ast.walk(scope) if scope else iter(self.tree.body)
            found = [
                node.value
                for node in body
                if isinstance(node, ast.Assign)
                and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
            ]
            if found:
                return found
        return []

    def text(self, node: ast.AST, near: ast.AST, *, names: int = 2) -> str:
        """The text of an expression, as far as it is known; ``names`` that lead to one another are followed."""
        if isinstance(node, ast.Constant):
            return str(node.value)
        if isinstance(node, ast.JoinedStr):
            return "".join(self.text(part, near, names=names) for part in node.values)
        if isinstance(node, ast.FormattedValue):
            return self.text(node.value, near, names=names)
        found = self.assigned(node.id, near) if isinstance(node, ast.Name) and names else []
        known = len(found) == 1 and _is_text(found[0])
        return self.text(found[0], found[0], names=names - 1) if known else _UNKNOWN


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _message(kind: str, parts: Sequence[str], named: Mapping[str, str]) -> str:
    """The message that a call makes of its texts."""
    if kind == "ArtifactError":
        remedy = named.get("remedy", "rebuild the artifact")
        return f"{_FORMS[kind]['entry' in named]} {parts[0]}; {remedy}"
    if kind == "EnvFileError":
        return f"{_FORMS[kind][0]} {parts[1]}; {_FORMS[kind][1]}"
    if kind in ("PropertyError", "report"):
        return f"{parts[0]} {'; '.join(parts[1:])}"
    if kind == "expect":
        return f"{parts[1]} {'; '.join([*parts[2:], 'correct its value'][:2])}"
    return "; ".join(part for part in parts if part != _UNKNOWN)


def _code(given: Sequence[ast.expr]) -> str | None:
    """The code among the arguments of a call, or the members of a tuple."""
    texts = [node.value for node in given if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return next(filter(_CODE.fullmatch, texts), None)


def _calls(module: _Module) -> Iterator[tuple[str, str]]:
    """The code and the message of each call, and of each tuple, with a code."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            given, keywords = node.args, {each.arg: each.value for each in node.keywords if each.arg}
            kind = getattr(node.func, "attr", getattr(node.func, "id", ""))
        elif isinstance(node, ast.Tuple):
            given, keywords, kind = node.elts, {}, ""
        else:
            continue
        code = _code([*given, *keywords.values()])
        if code:
            parts = [text for text in (module.text(each, node) for each in given) if text != code]
            yield code, _message(kind, parts, {name: module.text(value, node) for name, value in keywords.items()})


@cache
def messages() -> Mapping[str, Sequence[str]]:
    """The messages of each code, in the order of the modules, as far as the code states them in one place."""
    found: dict[str, dict[str, None]] = {}
    for path in sorted(path for folder in _FOLDERS for path in folder.rglob("*.py")):
        if _CATALOGUE not in path.parents:
            for code, message in _calls(_Module(path)):
                text = " ".join(message.split())
                if sum(map(str.isalpha, text)) >= _LEAST:
                    found.setdefault(code, {})[text] = None
    return {code: list(each) for code, each in found.items()}


def _quoted(message: str) -> str:
    """A message as code, also if it has backticks."""
    return f"`` {message} ``" if "`" in message else f"`{message}`"


def _entry(code: str, entry: Entry) -> str:
    shown = items(map(_quoted, messages().get(code, ())))
    parts = [f"### {code}", f"**{entry.title}.**", shown, entry.cause, f"**Remedy.** {entry.remedy}"]
    return "\n\n".join(filter(None, parts))


def sections() -> str:
    """All areas with all codes."""
    return page(
        "\n\n".join([f"## {area.TITLE}", *(_entry(code, entry) for code, entry in area.ENTRIES.items())])
        for area in catalogue.AREAS
    )
