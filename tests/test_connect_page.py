"""docs/connect.md: its example and the figure in it are what the transform works by."""

from __future__ import annotations

import re
from pathlib import Path

from cfn_injector.transform.connect import connect_edits
from cfn_injector.transform.edits import applied
from tests.support.connected import NATIVE, TARGETS, connected
from tests.support.templates import filled, loaded

PAGE = (Path(__file__).parents[1] / "docs" / "connect.md").read_text("utf-8")


def test_the_page_shows_what_comes_out_of_its_example() -> None:
    before, after = (loaded(example) for example in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
    assert applied(before, connect_edits(before)) == after


def test_a_role_has_room_for_as_many_targets_as_the_page_says() -> None:
    """Tables with a stream that are read and written have the longest statements. An ARN counts as 100 characters."""
    (said,) = re.findall(r"room for at least (\d+) targets", PAGE)
    kind = "AWS::DynamoDB::Table"
    tables = {f"Table{number}": {"Type": kind, "Properties": TARGETS[kind]} for number in range(int(said))}
    template = connected(NATIVE, {name: ["Read", "Write"] for name in tables}, **tables)
    policy = applied(template, connect_edits(template))["Resources"]["FnConnect"]
    document = re.sub(r"Table\d+\.(Arn|StreamArn)", "x" * 100, str(filled(policy["Properties"]["PolicyDocument"])))
    assert 7_000 < len(re.sub(r"\s", "", document)) < 10_240
