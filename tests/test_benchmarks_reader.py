"""The benchmark of reading measures what it claims: each way finds the variables, and goals show what was counted."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from benchmarks import reader, reader_report, reader_rows
from benchmarks.reader_rows import Group, Results
from benchmarks.reader_ways import BARE, FETCHING, FLOOR, WAYS
from benchmarks.reader_ways import build as build_function
from tests.support.node_js import needs_node, needs_packages


@pytest.mark.parametrize(
    "group",
    [
        Group("python", 10, True, True),
        Group("python", 10, True, False),
        Group("python", 10, False, True),
        Group("python", 10, False, False),
        pytest.param(Group("nodejs", 10, True, False), marks=[needs_node, needs_packages]),
    ],
    ids=lambda group: f"{group.runtime} {group.preloaded} {group.bytecode}",
)
def test_every_way_finds_the_variables_and_becomes_a_row(group: Group) -> None:
    ways = [way for way in WAYS[group.runtime] if way not in FETCHING]
    said: list[str] = []
    measured = reader.measure({group: ways}, 1, 0, said.append)
    assert len(said) == 2
    assert [row.way for row in measured] == ways
    by_way = {row.way: row for row in measured}
    for row in measured:
        assert (row.group, row.rounds) == (group, 1)
        assert row.wall_ms == row.wall_median_ms > 0
        assert row.way == BARE or row.memory > by_way[BARE].memory > 0
    assert by_way[BARE].cost_ms == 0
    assert by_way["dotenv"].memory > by_way["load"].memory
    results = Results("3", "v22", "", measured)
    assert reader_rows.read(reader_rows.write(results)) == results
    assert json.loads(reader_rows.write(results))["rows"][0]["way"] == ways[0]
    assert all(f"\n| {way} " in reader_report.tables(results) for way in ways)


def test_services_return_the_variables() -> None:
    measured = reader.measure({reader.FETCHED: [BARE, FLOOR]}, 1, 1, lambda text: None)
    by_way = {row.way: row for row in measured}
    assert set(by_way) == {BARE, FLOOR, *FETCHING}
    assert min(by_way[way].memory for way in FETCHING) > 100 * by_way[FLOOR].memory
    assert {row.rounds for row in measured} == {1}


def test_a_row_has_the_memory_of_the_first_start_and_the_first_quartile_of_the_others() -> None:
    group = Group("python", 10, True, True)
    walls = {BARE: [1, 4, 5, 9, 3], FLOOR: [1, 8, 7, 6, 2], "load": [1, 9, 10, 12, 11]}
    samples = {
        way: [reader_rows.Sample(wall * 1_000_000, wall * 500_000, 40 + number) for number, wall in enumerate(each)]
        for way, each in walls.items()
    }
    assert reader_rows.summarize(group, samples)[1:] == [
        reader_rows.Row(*group, FLOOR, 2.0, 1.0, 6.0, 6.5, 3.0, 40, 4),
        reader_rows.Row(*group, "load", 6.0, 3.0, 10.0, 10.5, 5.0, 40, 4),
    ]


@pytest.mark.parametrize("way", ["load", "get_env", FLOOR])
def test_a_way_that_finds_other_variables_is_reported(tmp_path: Path, way: str) -> None:
    group = Group("python", 10, False, False)
    build_function(tmp_path / "function", group.runtime, group.variables)
    file = tmp_path / "function" / ".env"
    file.write_bytes(file.read_bytes().replace(b"ORDERS_TABLE=prod-orders\n", b"ORDERS_TABLE=prod-order\n"))
    expected = 9 if way == FLOOR else 10
    with pytest.raises(RuntimeError, match=rf"^python, {way}: {expected - 1} of {expected} variables"):
        reader.start(group, way, tmp_path / "function")


def test_a_way_that_fails_is_reported(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="No module named"):
        reader.start(Group("python", 10, False, False), "load", tmp_path)


def test_the_modules_that_replace_lambdas_runtime_are_those_that_it_imports() -> None:
    held = []
    for names in ([reader.RUNTIME], reader.HELD):
        script = f"import sys; sys.path.append({sysconfig.get_path('purelib')!r})\nimport {', '.join(names)}\n"
        script += "print(*(name for name in sys.modules if name.split('.')[0] in sys.stdlib_module_names))"
        command = [sys.executable, "-I", "-S", "-c", script]
        held.append(set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()))
    assert held[0] == held[1]


def reader_series(cost_of_load: float) -> list[reader_rows.Row]:
    """Rows of 100 variables; the costs in milliseconds: 1 for the floor, 40 for dotenv, 200 for services.

    Without bytecode, EnvLoader costs twice as much as load.
    """
    costs = {BARE: 0.0, FLOOR: 1.0, "load": cost_of_load, "EnvLoader": cost_of_load, "dotenv": 40.0}
    costs |= dict.fromkeys(FETCHING, 200.0)
    groups = [Group("python", 100, True, True), Group("python", 100, True, False), Group("nodejs", 100, True, False)]
    uncompiled = {**costs, "EnvLoader": 2 * cost_of_load}
    return [
        reader_rows.Row(*group, way, cost, cost, 1 + cost, 1 + cost, 1 + cost, 1000, 3)
        for group in groups
        for way, cost in (costs if group.bytecode else uncompiled).items()
    ]


@pytest.mark.parametrize(("cost", "missed"), [(1.2, 0), (1.9, 1), (2.1, 4), (21.0, 5), (300.0, 7)])
def test_goals_are_missed_when_reading_costs_too_much(cost: float, missed: int) -> None:
    found = reader_report.goals(reader_series(cost))
    assert len(found) == 7
    assert sum(not goal.met for goal in found) == missed
    assert reader_report.tables(Results("3", "v22", "", reader_series(cost))).count("missed") == missed
