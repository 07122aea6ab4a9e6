"""``env-version`` on the command line: when its hash changes, and that it reads no value."""

from __future__ import annotations

import time

import boto3
import pytest

from cfn_injector.cli.env_version import versions
from cfn_injector.cli.main import main
from cfn_injector.errors import InjectorError
from tests.support.world import World


@pytest.fixture
def stocked(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Sixty parameters and a secret, in the world that the command's clients reach."""
    for number in range(60):
        world.parameters.put(f"/app/prod/v{number}", "x", "SecureString", key="alias/of-others")
    world.secrets.put("db", "x")

    class Session:
        def __init__(self, **_: object) -> None:
            self.client = world.client

    monkeypatch.setattr(boto3, "Session", Session)
    return world


def printed(capsys: pytest.CaptureFixture[str], *names: str) -> str:
    assert main(["env-version", *names]) == 0
    return capsys.readouterr().out.strip()


def test_the_hash_is_the_same_until_something_changes(stocked: World, capsys: pytest.CaptureFixture[str]) -> None:
    first = printed(capsys, "/app/prod/", "db")
    assert printed(capsys, "db", "/app/prod") == first
    assert len(first) == 16
    stocked.parameters.put("/app/other", "x")
    assert printed(capsys, "/app/prod/", "db") == first
    stocked.secrets.put("db", "x", "AWSPENDING")
    assert printed(capsys, "/app/prod/", "db") == first
    stocked.secrets.put("db", "x")
    second = printed(capsys, "/app/prod/", "db")
    stocked.parameters.put("/app/prod/v59", "x")
    third = printed(capsys, "/app/prod/", "db")
    del stocked.parameters.parameters["/app/prod/v1"]
    assert len({first, second, third, printed(capsys, "/app/prod/", "db")}) == 4


def test_the_hash_is_the_same_in_every_time_zone(
    stocked: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for zone in ("UTC", "America/New_York"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        found.append(printed(capsys, "/app/prod/", "db"))
    monkeypatch.undo()
    time.tzset()
    assert found[0] == found[1]


def test_one_parameter_by_its_name(stocked: World) -> None:
    assert [found[0] for found in versions(stocked.client, ["/app/prod/v7"])] == ["/app/prod/v7"]


def test_no_value_is_read(stocked: World, capsys: pytest.CaptureFixture[str]) -> None:
    printed(capsys, "/app/prod/", "db")
    called = {name for name, _ in (*stocked.parameters.calls, *stocked.secrets.calls)}
    assert called == {"DescribeParameters", "DescribeSecret"}


@pytest.mark.parametrize(
    ("name", "told"),
    [("/app/none", "/app/none has no parameter"), ("none", "none cannot be described: ResourceNotFoundException")],
)
def test_what_does_not_exist_is_an_error(
    stocked: World, capsys: pytest.CaptureFixture[str], name: str, told: str
) -> None:
    assert main(["env-version", name]) == 1
    assert told in capsys.readouterr().err
    with pytest.raises(InjectorError):
        versions(stocked.client, [name])
