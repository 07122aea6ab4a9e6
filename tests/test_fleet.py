"""Forty functions at once, with AWS's quotas: none fails, and none takes a call that tells nothing new."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from benchmarks import fleet
from benchmarks.fleet import NEEDED, STEPS, Result
from tests.fakes.aws_lambda import Fault
from tests.fakes.quotas import Bucket, Quotas, SharedClock, account

COUNT = 40


@pytest.fixture(scope="module")
def results() -> Mapping[str, Result]:
    return {result.step: result for result in fleet.simulate(COUNT)}


@pytest.mark.parametrize("step", STEPS)
def test_no_function_fails_while_aws_throttles(results: Mapping[str, Result], step: str) -> None:
    result = results[step]
    assert result.failures == []
    assert result.functions == COUNT
    assert result.throttled.total() > 0


@pytest.mark.parametrize(("step", "most"), [("create", 4), ("update Env", 3), ("update Env and publish", 6)])
def test_a_function_takes_few_calls_in_the_shared_quota(results: Mapping[str, Result], step: str, most: int) -> None:
    assert NEEDED[step] <= most
    assert results[step].shared == NEEDED[step] * COUNT


@pytest.mark.parametrize("step", STEPS)
def test_no_wait_polls_in_the_shared_quota(results: Mapping[str, Result], step: str) -> None:
    assert results[step].calls["GetFunctionConfiguration"] == 0


def test_the_floor_is_that_of_the_slowest_quota(results: Mapping[str, Result]) -> None:
    floors = fleet.floors("create", 500, account(SharedClock()))
    assert floors == {"Lambda": (500 * 3 - 15) / 15, "DescribeStacks": (500 * 2 - 20) / 10}
    assert all(result.seconds >= result.floor for result in results.values())


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    bucket = Bucket(rate=2, burst=3)
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(100.5), bucket.take(100.5)] == [True, False]
    assert [bucket.take(200.0) for _ in range(4)] == [True, True, True, False]


def test_events_on_the_shared_clock_run_in_the_order_in_which_they_wake() -> None:
    clock, seen = SharedClock(start=0), list[tuple[str, float]]()

    def event(name: str, pause: float) -> None:
        for _ in range(2):
            clock.sleep(pause)
            seen.append((name, clock.now()))

    clock.run([lambda: event("slow", 3), lambda: event("fast", 1)])
    assert seen == [("fast", 1), ("fast", 2), ("slow", 3), ("slow", 6)]


def test_a_throttled_exchange_is_counted_and_takes_its_time() -> None:
    clock = SharedClock(start=0)
    quotas = Quotas(clock, {"all": Bucket(1, 1)}, lambda operation: ("all",), lambda operation: Fault("Slower"))
    outcomes = list[str]()

    def call() -> None:
        try:
            quotas.admit("Call")
        except Fault as fault:
            outcomes.append(fault.code)
        else:
            outcomes.append("")

    clock.run([call, call])
    assert outcomes == ["", "Slower"]
    assert (quotas.calls["Call"], quotas.throttled["Call"], clock.now()) == (2, 1, 0.05)
