"""The handler: what it reads from its environment, and what it writes to the log."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from cfn_injector import aws_lambda
from tests.fakes.aws_lambda import Clock
from tests.fakes.cloudformation import Context, FakeCloudFormation
from tests.fakes.response_server import Server


def test_an_event_is_answered_at_a_host_that_the_environment_names_and_logged_in_json(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CFN_INJECTOR_RESPONSE_HOSTS", f" elsewhere:1 , {server.host}")
    monkeypatch.setattr(aws_lambda, "_LOG", logging.getLogger("test-of-the-handler"))
    event = FakeCloudFormation(Clock()).event("Create", {"Env": {"S": "canary-1"}}, resource_type="Custom::Nothing")
    aws_lambda.handler({**event, "ResponseURL": server.url}, Context())
    ((_, _, body),) = server.got
    assert json.loads(body)["Status"] == "FAILED"
    printed = capsys.readouterr().out
    lines = [json.loads(line) for line in printed.splitlines()]
    assert lines[-1]["step"] == "answered"
    assert lines[-1]["status"] == "FAILED"
    assert {"stack_id", "logical_id", "request_id", "operation", "type"} <= lines[-1].keys()
    directive = lines[-1]["_aws"]["CloudWatchMetrics"][0]
    assert {metric["Name"] for metric in directive["Metrics"]} == {
        "success",
        "failure",
        "milliseconds",
        "bytes",
        "memory",
    }
    assert {name for dimensions in directive["Dimensions"] for name in dimensions} <= lines[-1].keys()
    assert (lines[-1]["success"], lines[-1]["failure"]) == (0, 1)
    assert all(isinstance(lines[-1][metric["Name"]], int) for metric in directive["Metrics"])
    assert "canary" not in printed
    assert "s3cr3t" not in printed


@pytest.mark.parametrize(
    ("kind", "resource_type", "operation", "counted"),
    [
        ("Create", "Custom::LambdaCode", "Create", "Custom::LambdaCode"),
        ("Delete", "Custom::Made-Up-1", "Delete", "unknown"),
        ("Made-Up-2", "Custom::LambdaCode", "unknown", "Custom::LambdaCode"),
        ("", "", "unknown", "unknown"),
        ("Create", "LambdaCode", "Create", "unknown"),
    ],
)
def test_nobody_makes_up_a_dimension_of_the_metrics(
    kind: str,
    resource_type: str,
    operation: str,
    counted: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    record_property: Any,
) -> None:
    record_property("attack", f"a {kind or 'nameless'} event of the type {resource_type or 'of nothing'}, as a metric")
    monkeypatch.setattr(aws_lambda, "_LOG", logging.getLogger(f"test-{kind}-{resource_type}"))
    aws_lambda._configure_log("INFO")
    ids = aws_lambda._ids({"RequestType": kind, "ResourceType": resource_type})
    aws_lambda._World(ids, {}).log("answered", status="FAILED")
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["operation"], line["type"]) == (operation, counted)


def test_a_field_that_is_not_on_the_list_is_not_logged(capsys: pytest.CaptureFixture[str], caplog: Any) -> None:
    aws_lambda._configure_log("INFO")
    aws_lambda._World({}, {}).log("step", function="f", env={"S": "canary-1"}, url="https://signed")
    logged = capsys.readouterr().out + caplog.text
    assert "canary" not in logged
    assert "signed" not in logged


@pytest.mark.parametrize(("level", "expected"), [("DEBUG", 10), ("WARNING", 30), ("NONSENSE", 20), ("", 20)])
def test_the_log_level_is_the_environments_or_info(level: str, expected: int) -> None:
    aws_lambda._configure_log(level)
    assert aws_lambda._LOG.level == expected
