"""Which module of ``tests/`` may import which: tests share ``support/``, ``fakes/`` and ``conftest.py``."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("tests", "benchmarks", "reference", "templates")
COMMANDS = (
    "tests.conformance",
    "tests.first_steps",
    "tests.loader_table",
    "tests.merges_agree",
    "tests.mutants",
    "tests.readers_agree",
    "tests.recordings",
    "tests.splicing_templates",
)


class Module(NamedTuple):
    """A file by its dotted name, and what it holds."""

    name: str
    tree: ast.Module

    @property
    def is_test(self) -> bool:
        return self.name.rpartition(".")[2].startswith("test_")


def parse(name: str, text: str) -> Module:
    return Module(name, ast.parse(text))


def modules() -> Iterator[Module]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            relative = path.relative_to(ROOT).with_suffix("")
            if "node_modules" not in relative.parts:
                yield parse(".".join(relative.parts), path.read_text("utf-8"))


def imports(module: Module) -> set[str]:
    """The dotted name of all that a module imports anywhere in it, modules and what is taken from them alike."""
    found = set[str]()
    package = module.name.split(".")
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: -node.level] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            found |= {source, *(f"{source}.{alias.name}" for alias in node.names)}
    return found


def is_below(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def imports_a_test(module: Module) -> set[str]:
    """Test modules and ``conftest`` that a module imports."""
    own = {name for name in imports(module) if is_below(name, "tests")}
    return {name for name in own for part in name.split(".") if part == "conftest" or part.startswith("test_")}


def imports_against_the_layers(module: Module) -> set[str]:
    """``fakes`` imports nothing else of ``tests``; ``support`` imports ``fakes`` and itself."""
    allowed = {"fakes": ["fakes"], "support": ["fakes", "support"]}
    for layer, below in allowed.items():
        if is_below(module.name, f"tests.{layer}"):
            own = {name for name in imports(module) if is_below(name, "tests")}
            return {name for name in own if not any(is_below(name, f"tests.{each}") for each in below)}
    return set()


def imports_the_command_of_another(module: Module) -> set[str]:
    """Commands that a module imports and does not test: ``test_x`` tests the command ``x``."""
    return {
        name
        for name in imports(module)
        for command in COMMANDS
        if is_below(name, command) and module.name != command.replace("tests.", "tests.test_")
    }


def exports(module: Module) -> set[str]:
    """``__all__`` of a test module, which nobody imports."""
    assigned = [node for node in module.tree.body if isinstance(node, ast.Assign) and module.is_test]
    return {"__all__"} & {target.id for node in assigned for target in node.targets if isinstance(target, ast.Name)}


def fixtures_out_of_place(module: Module) -> set[str]:
    """Fixtures that neither a test module has for itself nor a ``conftest.py`` for all."""
    if module.is_test or module.name.rpartition(".")[2] == "conftest":
        return set()
    return {
        node.name
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef)
        and any(ast.unparse(decorator).startswith("pytest.fixture") for decorator in node.decorator_list)
    }


Rule = Callable[[Module], set[str]]
RULES: tuple[Rule, ...] = (
    imports_a_test,
    imports_against_the_layers,
    imports_the_command_of_another,
    exports,
    fixtures_out_of_place,
)
MODULES = list(modules())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_module_breaks_a_rule(rule: Rule) -> None:
    assert {module.name: found for module in MODULES if (found := rule(module))} == {}


def test_the_rules_look_at_every_folder() -> None:
    names = {module.name for module in MODULES}
    assert {"tests.test_layout", "tests.e2e.conftest", "tests.support.world", "benchmarks.rewrite"} <= names
    assert set(COMMANDS) <= names


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        pytest.param("tests.test_a", "from tests.test_b import helper", imports_a_test, id="a name of a test"),
        pytest.param("tests.test_a", "from tests import test_b", imports_a_test, id="a test"),
        pytest.param("tests.test_a", "import tests.e2e.test_b", imports_a_test, id="a test by its full name"),
        pytest.param("tests.test_a", "from .test_b import helper", imports_a_test, id="a test by a relative name"),
        pytest.param("tests.e2e.test_a", "from .. import test_b", imports_a_test, id="a test of the folder above"),
        pytest.param("tests.test_a", "def f():\n    import tests.conftest", imports_a_test, id="a late import"),
        pytest.param("benchmarks.a", "from tests.conftest import World", imports_a_test, id="conftest in a benchmark"),
        pytest.param("tests.fakes.a", "import tests.support.b", imports_against_the_layers, id="support in a fake"),
        pytest.param("tests.support.a", "from tests.e2e import b", imports_against_the_layers, id="e2e in support"),
        pytest.param(
            "tests.test_a",
            "from tests.conformance import values",
            imports_the_command_of_another,
            id="the command of another test",
        ),
        pytest.param("tests.test_a", '__all__ = ["fixture"]', exports, id="a fixture that is exported"),
        pytest.param(
            "tests.support.a",
            "@pytest.fixture(scope='module')\ndef b(): ...",
            fixtures_out_of_place,
            id="a fixture in support",
        ),
    ],
)
def test_what_breaks_a_rule_is_found(name: str, text: str, rule: Rule) -> None:
    assert rule(parse(name, text))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("tests.test_a", "from tests.support.world import World", id="support in a test"),
        pytest.param("tests.support.a", "from tests.fakes.aws_lambda import Fault", id="a fake in support"),
        pytest.param("tests.test_conformance", "from tests.conformance import values", id="a command in its own test"),
        pytest.param("tests.conftest", "@pytest.fixture\ndef b(): ...", id="a fixture in conftest"),
        pytest.param("tests.test_a", "@pytest.fixture\ndef b(): ...", id="a fixture for one module"),
    ],
)
def test_what_keeps_every_rule_is_accepted(name: str, text: str) -> None:
    assert not any(rule(parse(name, text)) for rule in RULES)
