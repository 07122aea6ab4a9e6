"""The benchmark of rewriting measures what it claims.

Strategies create the same archive, and rows and goals show what was counted.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from benchmarks import report, rewrite, rows
from benchmarks.archives import OLD_ENV, PLACES, Shape, build
from benchmarks.job import ENV, Job, s3_client
from benchmarks.measuring import Cost
from benchmarks.rewrite import COPYING, QUICK, SLOW, Task
from benchmarks.rows import Row
from benchmarks.strategies import STRATEGIES, write_plan
from benchmarks.tools import PYTHON, commands
from benchmarks.trust import Trust
from tests.fakes.s3_stub import BUCKETS, Stub, running
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


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which programs are built."""
    return tmp_path_factory.mktemp("programs")


@pytest.mark.parametrize("archive", [SMALL], indirect=True)
@pytest.mark.parametrize("strategy", [*QUICK, *COPYING, *SLOW])
def test_each_strategy_changes_the_variables_and_nothing_else(
    stub: Stub, archive: bytes, tmp_path: Path, programs: Path, strategy: str
) -> None:
    said: list[str] = []
    command = commands([strategy], programs, said.append).get(strategy)
    if command is None:
        pytest.skip(said[0])
    if command == PYTHON:
        body = rewritten(stub, strategy, tmp_path / "plan.json")
    else:
        job = Job(strategy, stub.url, BUCKET, "app.zip", "new.zip")
        subprocess.run([*command, json.dumps(asdict(job) | {"env": ENV})], check=True, stdout=subprocess.DEVNULL)
        body = s3_client(stub.url).get_object(Bucket=BUCKET, Key="new.zip")["Body"].read()
    with zipfile.ZipFile(BytesIO(archive)) as old, zipfile.ZipFile(BytesIO(body)) as new:
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


IN_PYTHON = dict.fromkeys(QUICK, PYTHON)


def test_a_measurement_is_a_process_and_becomes_a_row() -> None:
    said: list[str] = []
    measured = list(rewrite.measure([Task(SMALL, ("memory", "ours", "admzip"), rounds=1)], IN_PYTHON, said.append))
    assert [row.strategy for row in measured] == ["memory", "ours"]
    assert len(said) == 2
    assert len({row.sha256 for row in measured}) == 1
    for row in measured:
        assert (row.archive, row.entries, row.env_at, row.link) == ("0MB-40-first", 40, "first", "tls")
        assert row.cpu_s > 0 < row.wall_s
        assert row.moved >= 2 * row.bytes
    assert (measured[0].requests, measured[0].connections) == (2, 1)
    assert rows.read(rows.write(measured)) == measured
    assert json.loads(rows.write(measured))["rows"][1]["sha256"] == measured[1].sha256


def test_the_same_strategy_is_measured_with_and_without_tls() -> None:
    tasks = [Task(SMALL, ("ours",), link, 1) for link in ("plain", "tls", "modelled")]
    measured = list(rewrite.measure(tasks, IN_PYTHON, lambda text: None))
    assert [row.link for row in measured] == ["plain", "tls", "modelled"]
    assert len({(row.sha256, row.requests, row.connections) for row in measured}) == 1


def test_nothing_uses_tls_if_plain_http_is_asked_for() -> None:
    assert {task.link for task in rewrite.tasks(large=True, rounds=1, plain=True)} == {"plain", "modelled"}
    bench = rewrite.Bench(Stub("http://s3"), Trust(*map(Path, "car")), Path("p"), {}, print, plain=True)
    assert {(bench.job("ours", link).url, bench.job("ours", link).roots) for link in rewrite.LINKS} == {
        ("http://s3", "")
    }


def test_a_strategy_that_creates_another_archive_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(stub: Stub, job: Job, command: Any, authority: str) -> rows.Sample:
        return rows.Sample(Cost(1, 1, 1), stub.stats(), 1, job.strategy)

    monkeypatch.setattr(rewrite, "run", run)
    with pytest.raises(RuntimeError, match="do not create the same archive"):
        list(rewrite.measure([Task(SMALL, ("memory", "ours"), rounds=1)], IN_PYTHON, lambda text: None))


def test_a_strategy_whose_tool_is_missing_is_left_out_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said: list[str] = []
    found = commands([*QUICK, *COPYING, *SLOW], tmp_path, said.append)
    assert found == dict.fromkeys((*QUICK, "entries", "unpack"), PYTHON)
    assert said == [
        "zip is left out: zip cannot be found",
        "7z is left out: 7z cannot be found",
        "go is left out: go cannot be found",
        "aws s3 cp is left out: aws and zip cannot be found",
        "admzip is left out: node and npm cannot be found",
        "yazl is left out: node and npm cannot be found",
    ]


def test_a_strategy_whose_tool_does_not_run_is_left_out_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("aws", "zip"):
        (tmp_path / name).write_text("#!/bin/sh\necho no version is set >&2\nexit 127\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    said: list[str] = []
    assert commands(["aws s3 cp"], tmp_path, said.append) == {}
    assert said == ["aws s3 cp is left out: aws --version failed: no version is set"]


def series(cpu_of_ours: float) -> list[Row]:
    """Rows of two sizes; the other strategies cost one second per megabyte."""
    found = []
    for megabytes in (10, 60):
        for strategy in (*SLOW, *COPYING, *QUICK):
            for link in rewrite.LINKS:
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
                        connections=6 if ours else 1,
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
        line
        for line in report.tables(series(0.1)).splitlines()
        if line.startswith(("### What", "### Wall", "### Pos", "### Num"))
    }
    assert len(headings) == 4
    assert headings <= set(results.splitlines())
    assert "missed" not in results
