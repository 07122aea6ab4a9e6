"""The benchmarks measure what they claim.

Strategies create the same archive, each way finds the variables, and rows and goals show what was counted.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import plot, reader, reader_report, reader_rows, report, rewrite, rows
from benchmarks.archives import OLD_ENV, PLACES, Shape, build
from benchmarks.measuring import Cost
from benchmarks.reader_rows import Group, Results
from benchmarks.reader_ways import BARE, FETCHING, FLOOR, WAYS
from benchmarks.reader_ways import build as build_function
from benchmarks.rewrite import QUICK, Task
from benchmarks.rows import Row
from benchmarks.strategies import ENV, STRATEGIES, Job, s3_client, write_plan
from tests.fakes.s3_stub import BUCKETS, Stub, running
from tests.support.node_js import needs_node, needs_packages
from wrapper.dotenv import parse

BUCKET = BUCKETS[0]
SMALL, LARGE = Shape(200_000, 40), Shape(18_000_000, 40)


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    with running() as stub:
        yield stub


@pytest.fixture
def archive(request: pytest.FixtureRequest, stub: Stub, tmp_path: Path) -> bytes:
    """An archive of the parameter's shape, which is also in S3; the plan of ``limit`` is in the folder."""
    build(request.param, tmp_path / "source.zip")
    body = (tmp_path / "source.zip").read_bytes()
    s3_client(stub.url).put_object(Bucket=BUCKET, Key="app.zip", Body=body)
    write_plan(body, tmp_path / "plan.json")
    stub.reset()
    return body


def rewritten(stub: Stub, strategy: str, plan: Path) -> bytes:
    client = s3_client(stub.url)
    STRATEGIES[strategy](client, Job(strategy, stub.url, BUCKET, "app.zip", "new.zip", str(plan)))()
    body: bytes = client.get_object(Bucket=BUCKET, Key="new.zip")["Body"].read()
    return body


@pytest.mark.parametrize("place", PLACES)
def test_an_archive_has_the_size_the_entries_and_the_file_that_were_asked_for(tmp_path: Path, place: str) -> None:
    shape = Shape(300_000, 70, place)
    build(shape, tmp_path / "a.zip")
    build(shape, tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert (tmp_path / "a.zip").stat().st_size == pytest.approx(shape.size, rel=0.02)
    with zipfile.ZipFile(tmp_path / "a.zip") as opened:
        assert opened.testzip() is None
        assert len(opened.namelist()) == shape.entries
        if place == "absent":
            assert ".env" not in opened.namelist()
        else:
            assert opened.read(".env") == OLD_ENV
            at = opened.getinfo(".env").header_offset / opened.start_dir
            assert PLACES[place] == pytest.approx(at, abs=0.2)


@pytest.mark.parametrize(
    "archive", [SMALL, *(replace(LARGE, env_at=place) for place in PLACES)], indirect=True, ids=lambda shape: shape.name
)
def test_all_that_splice_give_one_archive(stub: Stub, archive: bytes, tmp_path: Path) -> None:
    found = {hashlib.sha256(rewritten(stub, each, tmp_path / "plan.json")).hexdigest() for each in QUICK}
    assert len(found) == 1


@pytest.mark.parametrize("archive", [SMALL], indirect=True)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_each_strategy_changes_the_variables_and_nothing_else(
    stub: Stub, archive: bytes, tmp_path: Path, strategy: str
) -> None:
    with (
        zipfile.ZipFile(BytesIO(archive)) as old,
        zipfile.ZipFile(BytesIO(rewritten(stub, strategy, tmp_path / "plan.json"))) as new,
    ):
        found = {name: new.read(name) for name in new.namelist() if not name.endswith("/")}
        variables = {each.name: each.value for each in parse(found.pop(".env").decode()) if each.name}
        assert found == {name: old.read(name) for name in old.namelist() if name != ".env"}
    assert variables == {"REGION": "us-east-1", **ENV}


@pytest.mark.parametrize("archive", [LARGE], indirect=True)
def test_the_limit_is_one(stub: Stub, archive: bytes, tmp_path: Path) -> None:
    counted = {}
    for strategy in ("ours", "limit"):
        stub.reset()
        rewritten(stub, strategy, tmp_path / "plan.json")
        counted[strategy] = stub.stats()
    ours, limit = counted["ours"]["UploadPartCopy"], counted["limit"]["UploadPartCopy"]
    assert (limit.requests, limit.bytes_copied) == (ours.requests, ours.bytes_copied)
    ours, limit = counted["ours"].total, counted["limit"].total
    assert limit.requests < ours.requests
    assert limit.bytes_down + limit.bytes_up < ours.bytes_down + ours.bytes_up


def test_a_measurement_is_a_process_and_becomes_a_row() -> None:
    said: list[str] = []
    measured = list(rewrite.measure([Task(SMALL, ("memory", "ours", "admzip"), rounds=1)], None, said.append))
    assert [row.strategy for row in measured] == ["memory", "ours"]
    assert len(said) == 2
    assert len({row.sha256 for row in measured}) == 1
    for row in measured:
        assert (row.archive, row.entries, row.env_at, row.link) == ("0MB-40-first", 40, "first", "loopback")
        assert 0 < row.cpu_s < row.wall_s + 0.1
        assert row.moved >= 2 * row.bytes
    assert measured[0].requests == 2
    assert rows.read(rows.write(measured)) == measured
    assert json.loads(rows.write(measured))["rows"][1]["sha256"] == measured[1].sha256


def test_a_strategy_that_creates_another_archive_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(stub: Stub, job: Job, node: Any) -> rows.Sample:
        return rows.Sample(Cost(1, 1, 1), stub.stats(), job.strategy)

    monkeypatch.setattr(rewrite, "run", run)
    with pytest.raises(RuntimeError, match="do not create the same archive"):
        list(rewrite.measure([Task(SMALL, ("memory", "ours"), rounds=1)], None, lambda text: None))


def test_without_npm_its_strategy_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert rewrite.install_admzip(tmp_path / "admzip") is None


def series(cpu_of_ours: float) -> list[Row]:
    """Rows of two sizes; the other strategies cost one second per megabyte."""
    found = []
    for megabytes in (10, 60):
        for strategy in ("entries", "unpack", "admzip", *QUICK):
            for link in ("loopback", "modelled"):
                ours = strategy in ("ours", "limit")
                cost = cpu_of_ours if ours else float(megabytes)
                found.append(
                    Row(
                        archive=f"{megabytes}",
                        bytes=megabytes * 1_000_000,
                        entries=5000,
                        strategy=strategy,
                        wall_s=cost,
                        cpu_s=cost,
                        rss_growth=1_000_000,
                        bytes_down=500_000 if ours else megabytes * 1_000_000,
                        bytes_up=500_000 if ours else megabytes * 1_000_000,
                        requests=14 if ours else 2,
                        sha256="",
                        env_at="first",
                        link=link,
                        directory=500_000,
                        copies=8 if ours else 0,
                        bytes_copied=megabytes * 1_000_000 if ours else 0,
                        rounds=3,
                        wall_range=[cost, cost],
                        cpu_range=[cost, cost],
                    )
                )
    return found


@pytest.mark.parametrize(("cpu", "missed"), [(0.1, 0), (0.25, 1), (2.0, 3), (70.0, 6)])
def test_goals_are_missed_when_the_provider_costs_too_much(cpu: float, missed: int) -> None:
    found = report.goals(series(cpu))
    assert len(found) == 13
    assert sum(not goal.met for goal in found) == missed
    assert report.goals_table(found).count("missed") == missed


def test_the_page_has_the_headings_that_the_benchmark_prints() -> None:
    page = (Path(__file__).parents[1] / "docs" / "rewriting.md").read_text("utf-8")
    results = page.partition("<!-- python -m benchmarks.rewrite --from RESULTS -->")[2].partition("<!-- end")[0]
    headings = {
        line for line in report.tables(series(0.1)).splitlines() if line.startswith(("### Wall", "### Pos", "### Num"))
    }
    assert len(headings) == 3
    assert headings <= set(results.splitlines())
    assert "missed" not in results


def test_the_picture_shows_every_strategy() -> None:
    drawn = ElementTree.fromstring(plot.picture(series(0.1)))
    texts = {element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")}
    assert set(plot.COLORS) <= texts
    with pytest.raises(ValueError, match="no series"):
        plot.picture(series(0.1)[:7])


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
