"""The benchmark of a whole event measures what it claims: a provider's zip answers two events over TLS."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks import cpu_share, event, event_builds, event_report
from benchmarks.archives import Shape
from benchmarks.event_report import AGAINST, BYTECODE, PLAIN, Results, Row, Sample
from benchmarks.measuring import Cost

SMALL = Shape(1_000_000, 100)


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return event_builds.built(event_builds.ROOT, tmp_path_factory.mktemp("provider") / "this")


@pytest.fixture
def no_group(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without cgroups."""
    monkeypatch.setattr(cpu_share, "ROOTS", {1: tmp_path / "cpu", 2: tmp_path})


@pytest.mark.usefixtures("no_group")
def test_a_new_process_serves_a_cold_and_a_warm_event_and_becomes_a_row(provider: Path) -> None:
    said: list[str] = []
    (row,) = event.measure({BYTECODE: provider}, [128, 512], 1, SMALL, said.append)
    assert said[0] == "the shares of a CPU are left out: this machine has no cgroups"
    assert (row.provider, row.megabytes, row.rounds) == (BYTECODE, event_report.UNLIMITED, 1)
    assert 0 < row.init_cpu_s < row.cold_cpu_s
    assert row.warm_cpu_s > 0
    assert row.connections >= 4  # S3, Lambda, CloudFormation, and the answer
    assert row.calls > 10
    results = Results("", [row])
    assert event_report.read(event_report.write(results)) == results
    assert "### All CPUs" in event_report.tables(results)


def test_a_provider_that_answers_failed_is_reported(provider: Path, tmp_path: Path) -> None:
    broken = event_builds.without_bytecode(provider, tmp_path / "broken")
    assert not list(broken.rglob("__pycache__"))
    (broken / "cfn_injector" / "injection.py").write_text("raise ImportError('broken')\n")
    with pytest.raises(
        RuntimeError, match=r"the provider answered: unexpected ImportError in <module>, injection\.py:1"
    ):
        list(event.measure({PLAIN: broken}, [], 1, SMALL, lambda text: None))


def test_a_group_limits_the_processes_that_are_moved_into_it() -> None:
    try:
        with cpu_share.group() as group:
            group.limit(512)
            assert (group.folder / "cgroup.procs").read_text() == ""
        assert not group.folder.exists()
    except cpu_share.Unavailable as problem:
        pytest.skip(str(problem))


@pytest.mark.parametrize("version", [1, 2])
def test_a_share_is_a_quota_of_the_period(tmp_path: Path, version: int) -> None:
    cpu_share.Group(tmp_path, version).limit(512)
    cpu_share.Group(tmp_path, version).add(os.getpid())
    files = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert files.pop("cgroup.procs") == str(os.getpid())
    quota = {1: {"cpu.cfs_period_us": "20000", "cpu.cfs_quota_us": "5788"}, 2: {"cpu.max": "5788 20000"}}
    assert files == quota[version]


def test_a_machine_that_makes_no_groups_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "cgroup.procs").touch()
    monkeypatch.setattr(cpu_share, "ROOTS", {1: tmp_path / "cpu", 2: tmp_path})
    with (
        pytest.raises(cpu_share.Unavailable, match=f"no group can be made in {tmp_path}: No such file"),
        cpu_share.group(),
    ):
        pass


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_checkout_has_the_files_of_its_commit(tmp_path: Path) -> None:
    repository, file = tmp_path / "repository", tmp_path / "repository" / "file"
    repository.mkdir()
    file.write_text("committed")
    settings = ("-c", "user.name=tests", "-c", "user.email=tests@example.com")
    for arguments in (("init", "-q"), ("add", "file"), ("commit", "-q", "-m", "first")):
        subprocess.run(["git", *settings, *arguments], cwd=repository, check=True)
    file.write_text("changed")
    found = event_builds.checkout("HEAD", tmp_path / "found", repository)
    assert (found / "file").read_text() == "committed"
    with pytest.raises(RuntimeError, match=r"git archive .* no-such-commit failed"):
        event_builds.checkout("no-such-commit", tmp_path / "none", repository)


def row(provider: str, cold: float, warm: float) -> Row:
    costs = (Cost(cold / 2, cold / 2, 0), Cost(cold / 2, cold / 2, 0), Cost(warm, warm, 0))
    return event_report.summarize(provider, 512, [Sample(*costs, connections=9, calls=26)])


@pytest.mark.parametrize(("cold", "warm", "missed"), [(0.4, 0.3, 0), (0.41, 0.3, 1), (0.41, 0.31, 2)])
def test_goals_are_missed_when_an_event_costs_too_much(cold: float, warm: float, missed: int) -> None:
    results = Results("abc1234", [row(BYTECODE, cold, warm), row(AGAINST, 1, 1)])
    assert sum(not goal.met for goal in event_report.goals(results)) == missed
    assert "| abc1234 " in event_report.tables(results)


def test_without_another_commit_there_are_no_goals() -> None:
    assert event_report.goals(Results("", [row(BYTECODE, 1, 1)])) == []
