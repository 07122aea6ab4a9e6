"""Finds which of the given packages Python code imports, without running it.

Takes the bytes of a module, and the public names of each package. Returns the packages that it imports.

An import counts wherever it stands: in a function, a condition or ``try``. A relative import does not, and neither does
one of names that the package does not have: it is meant for another package of that name.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Collection, Iterator, Mapping


def _imports(module: ast.Module) -> Iterator[tuple[str, str]]:
    """The package of each absolute import, and what is imported from it; nothing for the package itself."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                package, _, rest = alias.name.partition(".")
                yield package, rest
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            package, _, rest = node.module.partition(".")
            yield from [(package, rest)] if rest else ((package, alias.name) for alias in node.names)


def imported(code: bytes, packages: Mapping[str, Collection[str]]) -> set[str]:
    """Raises SyntaxError, ValueError or RecursionError if this version of Python cannot read the code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the code, such as invalid escapes
        found = _imports(ast.parse(code))
        return {package for package, name in found if package in packages and name in {"", "*", *packages[package]}}
