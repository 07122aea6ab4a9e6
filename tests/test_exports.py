"""A package whose ``__init__`` has ``__all__`` is used through that list alone, and the list is right."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
USERS = sorted(path for folder in ("cfn_injector", "benchmarks") for path in (ROOT / folder).rglob("*.py"))
USERS += sorted(path for folder in ROOT.glob("example_*") for path in folder.rglob("*.py"))


def _has_exports(path: Path) -> bool:
    names = (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Name))
    return any(name.id == "__all__" for name in names)


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


PACKAGES = [_module(path) for path in (ROOT / "cfn_injector").rglob("__init__.py") if _has_exports(path)]


def _imported(path: Path, package: str) -> Iterator[str]:
    """The names that a module imports from the package; ``package.module`` for what it imports from a submodule."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if f"{alias.name}.".startswith(f"{package}."))
        elif isinstance(node, ast.ImportFrom) and node.module == package:
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{package}."):
            yield node.module or ""


def test_some_packages_list_what_they_export() -> None:
    assert "cfn_injector.archive" in PACKAGES


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_that_is_exported_exists(package: str) -> None:
    module = import_module(package)
    assert module.__all__ == sorted(set(module.__all__), key=lambda name: (not name.isupper(), name.islower(), name))
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_other_packages_import_only_what_is_exported(package: str) -> None:
    exported = import_module(package).__all__
    others = [path for path in USERS if not f"{_module(path)}.".startswith(f"{package}.")]
    found = {(_module(path), name) for path in others for name in _imported(path, package) if name not in exported}
    assert found == set()
