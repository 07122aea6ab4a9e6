"""The page about costs shows what is counted, and computes with the prices that ``doctor`` uses."""

from __future__ import annotations

import re

import pytest

from benchmarks import costs
from benchmarks.costs import FREE, READING, WRITING, Costs
from cfn_injector.doctor.costs import GB_SECONDS, INVOCATIONS, PRICES, READS, WRITES
from tests.fakes.quotas import S3
from tests.support.pages import ROOT

PAGE = (ROOT / "docs/costs.md").read_text("utf-8")
EVENTS = (ROOT / "docs/rewriting.md").read_text("utf-8")
PROVIDER_GB = int(re.findall(r"MemorySize: (\d+)", (ROOT / "templates/provider.yaml").read_text("utf-8"))[0]) / 1024


@pytest.fixture(scope="module")
def counted() -> list[Costs]:
    return list(costs.count())


def test_the_page_has_the_table_that_is_counted(counted: list[Costs]) -> None:
    table = PAGE.partition("<!-- python -m benchmarks.costs -->")[2].partition("<!-- end of costs -->")[0]
    assert table.strip() == costs.described(counted).strip(), "run: python -m benchmarks.costs"


def test_every_request_to_s3_has_a_class(counted: list[Costs]) -> None:
    sent = {name for each in counted for name in each.calls} & S3
    assert sent <= WRITING | READING | FREE
    assert {"UploadPartCopy", "GetObject"} <= sent


def test_the_page_states_the_prices_of_requests() -> None:
    stated = re.search(r"USD ([\d.]+)\s+for 1,000 writes, USD ([\d.]+) for 1,000 reads", PAGE)
    assert stated
    assert [float(price) for price in stated.groups()] == pytest.approx([PRICES[WRITES] * 1000, PRICES[READS] * 1000])


def test_the_page_states_what_the_time_of_the_provider_costs() -> None:
    row = re.search(r"### 512 MB\n.*?\| this +\|[^|]*\|[^|]*\| ([\d.]+) +\|[^|]*\| ([\d.]+) ", EVENTS, re.DOTALL)
    assert row
    seconds = row.groups()
    assert all(f"{each}\n" in PAGE or f"{each} seconds" in PAGE for each in seconds)
    dollars = [(float(each) * PROVIDER_GB * PRICES[GB_SECONDS] + PRICES[INVOCATIONS]) * 1000 for each in seconds]
    assert f"USD {dollars[0]:.3f} and {dollars[1]:.3f}" in PAGE
