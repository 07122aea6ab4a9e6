"""The templates with events, versions and stages: what a deployment to an emulator does not show."""

from __future__ import annotations

import importlib.util
import io
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from tests.support.sam import RefusedError, translate
from tests.support.templates import ALL, PROVIDER, TEMPLATES, listed

EXAMPLES = ("alias-native.yaml", "alias.yaml", "events.yaml", "sam.yaml", "stages.yaml")
EVENTS, SAM = ALL["events.yaml"]["Resources"], ALL["sam.yaml"]
DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "templates.md").read_text("utf-8")


def resources(kind: str) -> list[Any]:
    return [
        pytest.param(resource["Properties"], id=f"{template} {name}")
        for template in EXAMPLES
        for name, resource in ALL[template]["Resources"].items()
        if resource["Type"] == kind
    ]


def attribute(name: str, of: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [of, name]}


# The shapes are those of AWS's pages about each service's events, reduced to what distinguishes them.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html
@pytest.mark.parametrize(
    ("kind", "event"),
    [
        ("http-api", {"version": "2.0", "routeKey": "GET /", "requestContext": {"http": {"method": "GET"}}}),
        ("load-balancer", {"requestContext": {"elb": {"targetGroupArn": "arn:aws:elb"}}, "httpMethod": "GET"}),
        ("schedule", {"version": "0", "detail-type": "Scheduled Event", "source": "aws.scheduler", "detail": "{}"}),
        ("event-bus", {"version": "0", "detail-type": "order", "source": "shop", "detail": {}}),
        ("kafka", {"eventSource": "SelfManagedKafka", "records": {"orders-0": [{"topic": "orders"}]}}),
        ("kafka", {"eventSource": "aws:kafka", "records": {"orders-0": [{"topic": "orders"}]}}),
        ("sns", {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": {"Message": "hello"}}]}),
        ("sqs", {"Records": [{"messageId": "1", "body": "hello", "eventSource": "aws:sqs"}]}),
        ("kinesis", {"Records": [{"kinesis": {"data": "aGVsbG8="}, "eventSource": "aws:kinesis"}]}),
        ("dynamodb", {"Records": [{"eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb"}]}),
        ("s3", {"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "s3": {"object": {"key": "hello"}}}]}),
        ("log", {"awslogs": {"data": "H4sIAAAAAAAA"}}),
        (
            "alarm",
            {
                "source": "aws.cloudwatch",
                "alarmArn": "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:late",
                "alarmData": {"alarmName": "late", "state": {"value": "ALARM"}},
            },
        ),
    ],
)
def test_the_function_tells_what_an_event_is_from(kind: str, event: Mapping[str, Any]) -> None:
    assert _events().kind(event) == kind


@pytest.mark.parametrize("event", [{}, {"Records": []}, {"source": "shop"}])
def test_the_function_fails_at_an_event_of_another_kind(event: Mapping[str, Any]) -> None:
    with pytest.raises(ValueError, match="unknown kind of event"):
        _events().kind(event)


def _events() -> Any:
    spec = importlib.util.spec_from_file_location("events", TEMPLATES / "events.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("permission", resources("AWS::Lambda::Permission"))
def test_no_caller_is_let_in_without_saying_whose(permission: Mapping[str, Any]) -> None:
    assert permission.keys() & {"SourceArn", "SourceAccount"}


def test_every_service_that_calls_is_let_in() -> None:
    principals = [
        resource["Properties"]["Principal"].split(".")[0]
        for resource in EVENTS.values()
        if resource["Type"] == "AWS::Lambda::Permission"
    ]
    assert sorted(principals) == ["apigateway", "elasticloadbalancing", "events", "lambda", "logs", "s3", "sns"]


@pytest.mark.parametrize(
    ("caller", "permission"),
    [("Bucket", "BucketCalls"), ("LogLines", "LogCalls"), ("TargetGroup", "LoadBalancerCalls")],
)
def test_what_looks_for_its_permission_when_it_is_made_comes_after_it(caller: str, permission: str) -> None:
    assert permission in listed(EVENTS[caller]["DependsOn"])
    assert EVENTS[permission]["Properties"]["FunctionName"] == attribute("Arn", "Function")


READS = {
    "Queue": {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"},
    "Stream": {"kinesis:DescribeStream", "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards"},
    "Table": {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"},
}
"""What Lambda needs of the function's role to poll. https://docs.aws.amazon.com/lambda/latest/dg/lambda-permissions.html"""


@pytest.mark.parametrize("mapping", ["QueueMessages", "StreamRecords", "TableChanges"])
def test_the_role_may_read_what_is_polled(mapping: str) -> None:
    source = EVENTS[mapping]["Properties"]["EventSourceArn"]
    (policy,) = EVENTS["Role"]["Properties"]["Policies"]
    actions = {
        action
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Resource"] == source
        for action in listed(statement["Action"])
    }
    assert actions >= READS[source["Fn::GetAtt"][0]]


@pytest.mark.parametrize(
    "destination",
    [
        EVENTS["Asynchronous"]["Properties"]["DestinationConfig"]["OnFailure"]["Destination"],
        EVENTS["StreamRecords"]["Properties"]["DestinationConfig"]["OnFailure"]["Destination"],
        EVENTS["TableChanges"]["Properties"]["DestinationConfig"]["OnFailure"]["Destination"],
        EVENTS["KafkaRecords"]["Properties"]["DestinationConfig"]["OnFailure"]["Destination"],
        EVENTS["Queue"]["Properties"]["RedrivePolicy"]["deadLetterTargetArn"],
    ],
)
def test_what_fails_ends_in_the_queue_for_failures(destination: Any) -> None:
    assert destination == attribute("Arn", "Failures")


def test_nothing_that_the_function_does_calls_it_again() -> None:
    function = EVENTS["Function"]["Properties"]
    assert EVENTS["TableChanges"]["Properties"]["EventSourceArn"] != attribute(
        "StreamArn", function["Env"]["TABLE"]["Ref"]
    )
    assert EVENTS["LogLines"]["Properties"]["LogGroupName"] != function["LoggingConfig"]["LogGroup"]


def test_a_message_is_hidden_for_six_times_as_long_as_the_function_may_work() -> None:
    hidden, timeout = EVENTS["Queue"]["Properties"]["VisibilityTimeout"], EVENTS["Function"]["Properties"]["Timeout"]
    assert hidden == 6 * timeout


@pytest.mark.parametrize("role", resources("AWS::IAM::Role"))
def test_every_role_is_below_the_path_that_the_provider_may_hand_over(role: Mapping[str, Any]) -> None:
    assert role["Path"] == PROVIDER["Parameters"]["RolePath"]["Default"]


SHIFTED = {"alias.yaml": "Function", "alias-native.yaml": "Version", "sam.yaml": "Version"}
"""Template -> the resource that publishes."""


@pytest.mark.parametrize(("template", "publisher"), SHIFTED.items())
def test_the_alias_names_what_was_published_and_moves_as_codedeploy_says(template: str, publisher: str) -> None:
    alias = ALL[template]["Resources"]["Alias"]
    assert alias["Properties"]["FunctionVersion"] == attribute("Version", publisher)
    condition, policy, nothing = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["Fn::If"]
    assert (condition, nothing) == ("Shifts", {"Ref": "AWS::NoValue"})
    hooks = {"AfterAllowTrafficHook": {"Ref": "AfterTraffic"}, "BeforeAllowTrafficHook": {"Ref": "BeforeTraffic"}}
    group = {"ApplicationName": {"Ref": "Application"}, "DeploymentGroupName": {"Ref": "DeploymentGroup"}}
    assert policy == (group if template == "sam.yaml" else {**group, **hooks})


@pytest.mark.parametrize("template", ["alias-native.yaml", "sam.yaml"])
def test_a_native_version_is_published_when_the_injected_code_changes_and_kept_when_it_is_replaced(
    template: str,
) -> None:
    version = ALL[template]["Resources"]["Version"]
    assert version["Properties"]["CodeSha256"] == attribute("CodeSha256", "Code")
    assert version["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize(
    ("template", "hook", "checked"),
    [
        ("alias.yaml", "BeforeTraffic", attribute("VersionArn", "Function")),
        ("alias-native.yaml", "BeforeTraffic", {"Ref": "Version"}),
        ("alias.yaml", "AfterTraffic", {"Fn::Sub": "${Function.Arn}:live"}),
        ("alias-native.yaml", "AfterTraffic", {"Fn::Sub": "${Function.Arn}:live"}),
    ],
)
def test_a_hook_checks_the_new_version_before_and_the_alias_after(template: str, hook: str, checked: Any) -> None:
    function = ALL[template]["Resources"][hook]["Properties"]
    assert function["Environment"]["Variables"] == {"CHECKED": checked}
    assert function["Code"] == {"ZipFile": {"Fn::FindInMap": ["Hook", "Code", "Python"]}}


@pytest.mark.parametrize(("template", "publisher"), SHIFTED.items())
def test_the_alarm_counts_errors_of_the_new_version_alone(template: str, publisher: str) -> None:
    dimensions = ALL[template]["Resources"]["NewVersionFails"]["Properties"]["Dimensions"]
    assert {each["Name"]: each["Value"] for each in dimensions} == {
        "FunctionName": {"Ref": "Function"},
        "Resource": {"Fn::Sub": "${Function}:live"},
        "ExecutedVersion": attribute("Version", publisher),
    }


@pytest.mark.parametrize("template", ["alias.yaml", "alias-native.yaml"])
@pytest.mark.parametrize(
    ("answer", "reported"),
    [
        pytest.param({"StatusCode": 200}, "Succeeded", id="one that answers"),
        pytest.param({"StatusCode": 200, "FunctionError": "Unhandled"}, "Failed", id="one that fails"),
        pytest.param(None, "Failed", id="one that cannot be called"),
    ],
)
def test_a_hook_tells_codedeploy_of_a_version(
    template: str, answer: dict[str, Any] | None, reported: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="eu-central-1")
    clients = {name: session.client(name) for name in ("lambda", "codedeploy")}
    stubs = {name: Stubber(client) for name, client in clients.items()}
    call = {"FunctionName": "greeter:2", "Payload": b"{}"}
    if answer is None:
        stubs["lambda"].add_client_error("invoke", "ResourceNotFoundException", expected_params=call)
    else:
        stubs["lambda"].add_response("invoke", {**answer, "Payload": StreamingBody(io.BytesIO(b"{}"), 2)}, call)
    status = {"deploymentId": "d-1", "lifecycleEventHookExecutionId": "e-1", "status": reported}
    stubs["codedeploy"].add_response("put_lifecycle_event_hook_execution_status", {}, status)
    monkeypatch.setattr(boto3, "client", clients.__getitem__)
    monkeypatch.setenv("CHECKED", "greeter:2")
    namespace: dict[str, Any] = {}
    exec(ALL[template]["Mappings"]["Hook"]["Code"]["Python"], namespace)

    with stubs["lambda"], stubs["codedeploy"]:
        try:
            namespace["handler"]({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"}, None)
        except clients["lambda"].exceptions.ResourceNotFoundException:
            assert answer is None

    stubs["codedeploy"].assert_no_pending_responses()


def sam_with(**properties: Any) -> dict[str, Any]:
    """sam.yaml with more properties of its function."""
    function = {
        **SAM["Resources"]["Function"],
        "Properties": {**SAM["Resources"]["Function"]["Properties"], **properties},
    }
    return {**SAM, "Resources": {**SAM["Resources"], "Function": function}}


def test_sam_makes_a_native_function_of_the_injected_object() -> None:
    function = translate(SAM)["Resources"]["Function"]
    assert function["Type"] == "AWS::Lambda::Function"
    assert function["Properties"]["Code"] == {
        "S3Bucket": attribute("S3Bucket", "Code"),
        "S3Key": attribute("S3Key", "Code"),
    }
    assert function["Properties"]["Handler"] == attribute("Handler", "Code")


def test_the_alias_of_sam_itself_misses_a_change_of_env() -> None:
    def versions(greeting: str) -> set[str]:
        template = sam_with(AutoPublishAlias="sam")
        code = {**SAM["Resources"]["Code"]["Properties"], "Env": {"greeting": greeting}}
        template["Resources"]["Code"] = {**SAM["Resources"]["Code"], "Properties": code}
        made = translate(template)["Resources"]
        return {name for name, resource in made.items() if resource["Type"] == "AWS::Lambda::Version"}

    assert versions("one") == versions("two")
    assert len(versions("one") - {"Version"}) == 1


def test_sam_takes_the_digest_from_no_resource() -> None:
    digest = attribute("CodeSha256", "Code")
    with pytest.raises(RefusedError, match="AutoPublishCodeSha256 must be a string"):
        translate(sam_with(AutoPublishAlias="sam", AutoPublishCodeSha256=digest))


def _sam_versions(template: dict[str, Any], release: str) -> set[str]:
    made = translate({**template, "Parameters": {**SAM["Parameters"], "Release": {"Type": "String"}}}, Release=release)
    return {name for name, resource in made["Resources"].items() if resource["Type"] == "AWS::Lambda::Version"}


def test_the_alias_of_sam_itself_follows_a_parameter_for_each_deployment() -> None:
    template = sam_with(AutoPublishAlias="sam", AutoPublishCodeSha256={"Ref": "Release"})
    assert _sam_versions(template, "1") != _sam_versions(template, "2")


def test_sam_takes_that_parameter_from_each_function_alone() -> None:
    template = sam_with(AutoPublishAlias="sam")
    in_globals = {**template, "Globals": {"Function": {"AutoPublishCodeSha256": {"Ref": "Release"}}}}
    with pytest.raises(RefusedError, match="'AutoPublishCodeSha256' is not a supported property of 'Function'"):
        _sam_versions(in_globals, "1")
    for_all = {"AutoPublishAliasAllProperties": True, "Tags": {"Release": {"Ref": "Release"}}}
    assert _sam_versions({**template, "Globals": {"Function": for_all}}, "1") == _sam_versions(
        {**template, "Globals": {"Function": for_all}}, "2"
    )


def test_sam_shifts_no_alias_but_its_own() -> None:
    with pytest.raises(RefusedError, match="'DeploymentPreference' requires AutoPublishAlias"):
        translate(sam_with(DeploymentPreference={"Type": "AllAtOnce"}))


def _commands() -> list[tuple[str, dict[str, str], list[str]]]:
    """The commands that deploy, on the page and on those that it links to: template, parameters, and all words."""
    found = []
    pages = PAGE + "".join((DOCS / name).read_text("utf-8") for name in ("aliases-and-canaries.md", "edge.md"))
    for command in re.findall(r"^aws cloudformation deploy (?:.*\\\n)*.*", pages, re.MULTILINE):
        words = shlex.split(command.replace("\\\n", " "))
        parameters = dict(word.split("=", 1) for word in words[words.index("--parameter-overrides") + 1 :])
        found.append((Path(words[words.index("--template-file") + 1]).name, parameters, words))
    return found


COMMANDS = _commands()
TOLD = ALL.keys() - {"operations.yaml", "provider.yaml", "provider-bucket.yaml"}
"""The others are for whoever has a provider, and have pages of their own."""


def test_the_page_tells_of_every_template_and_deploys_it() -> None:
    assert set(re.findall(r"^## `templates/(.*)`$", PAGE, re.MULTILINE)) == TOLD
    assert {template for template, _, _ in COMMANDS} == TOLD


@pytest.mark.parametrize("template", sorted(TOLD))
def test_the_first_command_for_a_template_gives_all_that_it_asks_for(template: str) -> None:
    needed = {name for name, parameter in ALL[template]["Parameters"].items() if "Default" not in parameter}
    first = next(parameters for name, parameters, _ in COMMANDS if name == template)
    assert first.keys() >= needed


@pytest.mark.parametrize(("template", "parameters", "words"), COMMANDS)
def test_a_command_gives_only_what_its_template_knows(
    template: str, parameters: dict[str, str], words: list[str]
) -> None:
    known = ALL[template]["Parameters"]
    assert parameters.keys() <= known.keys()
    for name, value in parameters.items():
        assert re.fullmatch(known[name].get("AllowedPattern", ".*"), value)
        assert value in known[name].get("AllowedValues", [value])
    assert "CAPABILITY_IAM" in words
    assert ("CAPABILITY_AUTO_EXPAND" in words) == ("Transform" in ALL[template])


def test_the_tests_that_the_page_names_are_there() -> None:
    files = {path for line in re.findall(r'make test ARGS="([^"]*)"', PAGE) for path in re.findall(r"tests/\S+", line)}
    assert files
    assert [path for path in files if not Path(path).exists()] == []
