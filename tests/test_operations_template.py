"""The template with a dashboard and alarms: they watch what the provider emits, and what its stack is made of."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from cfn_injector.aws_lambda import _metrics
from cfn_injector.protocol.log_lines import METRICS
from tests.support.templates import ALL, RESOURCES

TEMPLATE = ALL["operations.yaml"]
ALARMS = {name: each["Properties"] for name, each in TEMPLATE["Resources"].items() if each["Type"].endswith("::Alarm")}
PROVIDER = "cfn-injector"
QUERY = re.compile(r"SELECT (?:SUM|MAX)\((\w+)\) FROM SCHEMA\((\w+), (\w+(?:, \w+)*)\)(?: GROUP BY (\w+(?:, \w+)*))?")


def body() -> dict[str, Any]:
    """The dashboard, with its references replaced by what they stand for."""
    text = TEMPLATE["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    known = {"Name": PROVIDER, "AWS::Region": "eu-central-1"}
    found: dict[str, Any] = json.loads(re.sub(r"\$\{([^}]+)\}", lambda each: known.get(each[1], each[1]), text))
    return found


def queries() -> list[str]:
    in_alarms = [query["Expression"] for alarm in ALARMS.values() for query in alarm.get("Metrics", ())]
    rows = [row for widget in body()["widgets"] for row in widget["properties"].get("metrics", ())]
    return in_alarms + [row[0]["expression"] for row in rows if isinstance(row[0], dict)]


@pytest.mark.parametrize("query", queries())
def test_a_query_names_a_metric_that_the_provider_emits_with_its_dimensions(query: str) -> None:
    found = QUERY.fullmatch(query)
    assert found
    (directive,) = _metrics(0, success=True)["_aws"]["CloudWatchMetrics"]
    assert found[1] in METRICS
    assert found[2] == directive["Namespace"]
    assert [found[3].split(", ")] == directive["Dimensions"]
    assert set((found[4] or found[3]).split(", ")) <= set(found[3].split(", "))


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_has_a_name_of_its_provider_and_notifies_the_topic_if_there_is_one(name: str) -> None:
    alarm = ALARMS[name]
    assert alarm["AlarmName"]["Fn::Sub"].startswith("${Name}-")
    assert alarm["AlarmActions"] == {"Fn::If": ["HasTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    assert alarm["TreatMissingData"] == "notBreaching"
    if "Metrics" not in alarm:
        assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": "Name"}}]


def test_every_alarm_is_on_the_dashboard() -> None:
    (widget,) = (each for each in body()["widgets"] if each["type"] == "alarm")
    assert sorted(widget["properties"]["alarms"]) == sorted(f"{name}.Arn" for name in ALARMS)


def test_thresholds_come_before_the_limits_of_the_providers_stack() -> None:
    function = RESOURCES["Function"]["Properties"]
    (age,) = (
        each["Properties"]["MaximumEventAgeInSeconds"]
        for each in RESOURCES.values()
        if "MaximumEventAgeInSeconds" in each["Properties"]
    )
    limits = {
        "DurationAlarm": function["Timeout"] * 1000,
        "MemoryAlarm": function["MemorySize"] * 2**20,
        "AgeAlarm": age * 1000,
    }
    for name, limit in limits.items():
        assert 0.5 * limit < ALARMS[name]["Threshold"] < limit
    lines = [line["value"] for each in body()["widgets"] for line in _lines(each)]
    assert sorted(lines) == sorted([limits["DurationAlarm"], limits["MemoryAlarm"]])


def _lines(widget: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = widget["properties"].get("annotations", {}).get("horizontal", [])
    return found


def test_names_on_the_dashboard_are_those_of_the_providers_stack() -> None:
    assert RESOURCES["LogGroup"]["Properties"]["LogGroupName"] == {"Fn::Sub": "/aws/lambda/${Name}"}
    queues = [each["Properties"].get("QueueName") for each in RESOURCES.values() if each["Type"] == "AWS::SQS::Queue"]
    assert {"Fn::Sub": "${Name}-unserved"} in queues
    text = json.dumps(body())
    assert f"/aws/lambda/{PROVIDER}" in text
    assert f"{PROVIDER}-unserved" in text


def test_widgets_do_not_overlap() -> None:
    cells = [
        (x, y)
        for each in body()["widgets"]
        for x in range(each["x"], each["x"] + each["width"])
        for y in range(each["y"], each["y"] + each["height"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
