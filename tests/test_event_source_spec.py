"""Tests how the properties of an event source mapping are parsed and compared with a mapping."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from botocore.validate import ParamValidator

from cfn_injector.protocol.ownership import MAX_TAGS
from cfn_injector.resources.event_source_mapping.spec import (
    DEFAULTS,
    FALLBACK_DEFAULTS,
    changes,
    function_of,
    parse,
    replacement_reason,
    resets,
)
from tests.fakes.aws_lambda import REGION, SESSION
from tests.fakes.cloudformation import as_strings
from tests.fakes.event_sources import BROKER, CLUSTER, DOCUMENTS, LAMBDA, OTHER_STREAM, QUEUE, STREAM, TABLE
from tests.support.event_source_mappings import (
    BROKER_PROPERTIES,
    DESTINATION,
    ENDPOINTS,
    EVERY_SOURCE,
    GROUP,
    KAFKA_PROPERTIES,
    OWN_KAFKA_PROPERTIES,
    QUEUE_PROPERTIES,
    REGISTRY,
    STREAM_PROPERTIES,
)

MODEL = SESSION.client("lambda").meta.service_model


def desired_by(**properties: Any) -> dict[str, Any]:
    spec = parse(as_strings(properties), MODEL, REGION, {})
    assert spec.problems == ()
    return dict(spec.arguments)


def observed_as(desired: dict[str, Any], **described: Any) -> dict[str, Any]:
    """A mapping in the desired state, as Lambda describes it."""
    rest = {name: value for name, value in desired.items() if name not in ("Enabled", "FunctionName")}
    state = "Enabled" if desired["Enabled"] else "Disabled"
    return {**rest, "FunctionArn": f"{LAMBDA}:function:{desired['FunctionName']}", "State": state, **described}


class TestParsing:
    @pytest.mark.parametrize("properties", EVERY_SOURCE.values(), ids=EVERY_SOURCE)
    def test_every_property_gets_the_type_of_the_api(self, properties: dict[str, Any]) -> None:
        desired = desired_by(ServiceToken="arn", ServiceTimeout=60, **properties)
        expected = dict(properties)
        if "StartingPositionTimestamp" in properties:
            expected["StartingPositionTimestamp"] = datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)
        assert {name: desired[name] for name in properties} == expected

    def test_the_sources_above_have_every_argument_of_the_api(self) -> None:
        members = MODEL.operation_model("CreateEventSourceMapping").input_shape.members
        assert members.keys() - {"Tags"} == {name for properties in EVERY_SOURCE.values() for name in properties}

    @pytest.mark.parametrize("source", [{"StreamArn": STREAM}, {"EventSourceArn": TABLE}, {"EventSourceArn": CLUSTER}])
    def test_a_stream_is_read_from_its_beginning_in_batches_of_100_as_in_streambot(
        self, source: dict[str, str]
    ) -> None:
        desired = desired_by(FunctionName="orders", **source)
        assert desired == {
            "FunctionName": "orders",
            "EventSourceArn": next(iter(source.values())),
            "BatchSize": 100,
            "StartingPosition": "TRIM_HORIZON",
            "Enabled": True,
        }

    @pytest.mark.parametrize("source", [{"EventSourceArn": DOCUMENTS}, {"SelfManagedEventSource": ENDPOINTS}])
    def test_so_is_every_other_source_with_a_starting_position(self, source: dict[str, Any]) -> None:
        desired = desired_by(FunctionName="orders", **source)
        assert (desired["BatchSize"], desired["StartingPosition"]) == (100, "TRIM_HORIZON")

    @pytest.mark.parametrize("source", [QUEUE, BROKER])
    def test_a_source_without_a_position_gets_none_and_lambdas_own_batch_size(self, source: str) -> None:
        desired = desired_by(FunctionName="orders", EventSourceArn=source)
        assert desired == {"FunctionName": "orders", "EventSourceArn": source, "Enabled": True}

    def test_cloudformations_name_of_the_key_is_accepted_too(self) -> None:
        assert desired_by(FunctionName="f", StreamArn=STREAM, KmsKeyArn="arn:aws:kms:1")["KMSKeyArn"] == "arn:aws:kms:1"

    def test_the_functions_region_may_be_stated_if_it_is_the_stacks(self) -> None:
        assert "FunctionRegion" not in desired_by(FunctionName="f", StreamArn=STREAM, FunctionRegion=REGION)

    @pytest.mark.parametrize("moment", ["1700000000", "2023-11-14T22:13:20Z", "2023-11-14T23:13:20+01:00"])
    def test_a_time_is_seconds_or_iso_8601(self, moment: str) -> None:
        desired = desired_by(FunctionName="f", StreamArn=STREAM, StartingPositionTimestamp=moment)
        assert desired["StartingPositionTimestamp"].timestamp() == 1_700_000_000

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"FunctionName": None}, "FunctionName is missing"),
            ({"StreamArn": None}, "EventSourceArn is missing; name the source"),
            ({"EventSourceArn": STREAM}, "StreamArn has the same meaning as EventSourceArn; keep one of the two"),
            ({"KMSKeyArn": "a", "KmsKeyArn": "a"}, "KmsKeyArn has the same meaning as KMSKeyArn; keep one of the two"),
            ({"Stream": STREAM}, "Stream is not known"),
            ({"BatchSize": "many"}, "BatchSize is not a whole number"),
            ({"BatchSize": "0"}, "Invalid value for parameter BatchSize, valid min value: 1"),
            ({"Enabled": "perhaps"}, "Enabled is not a boolean"),
            ({"FilterCriteria": {"Filter": []}}, "FilterCriteria.Filter is not known"),
            ({"Topics": []}, "Invalid length for parameter Topics"),
            ({"StartingPositionTimestamp": "yesterday"}, "StartingPositionTimestamp is not a time"),
            ({"StartingPositionTimestamp": "inf"}, "StartingPositionTimestamp is not a time"),
            ({"FunctionRegion": "eu-central-1"}, f"FunctionRegion is not {REGION}; deploy the stack in the"),
            ({"Tags": {"a": "b"}}, "Tags is not a list"),
            ({"Tags": [{"Key": "aws:a", "Value": "b"}]}, "Tags[0].Key is reserved"),
            (
                {"Tags": [{"Key": f"k{n}", "Value": ""} for n in range(MAX_TAGS)]},
                "Tags and the stack's tags are 44, more than the 43 that fit",
            ),
        ],
    )
    def test_a_problem_names_the_property_and_says_what_to_do(self, change: dict[str, Any], expected: str) -> None:
        properties = {"FunctionName": "orders", "StreamArn": STREAM, **change}
        stated = {name: value for name, value in properties.items() if value is not None}
        (problem,) = parse(stated, MODEL, REGION, {"team": "shop"}).problems
        assert expected in str(problem)

    def test_all_problems_are_reported_at_once_and_are_not_arguments(self) -> None:
        stated = {
            "BatchSize": "x",
            "Enabled": "y",
            "StreamArn": [STREAM],
            "Tags": "z",
            "StartingPositionTimestamp": "?",
        }
        spec = parse(stated, MODEL, REGION, {})
        names = ["EventSourceArn", "BatchSize", "Enabled", "FunctionName", "Tags", "StartingPositionTimestamp"]
        assert sorted(problem.name for problem in spec.problems) == sorted(names)
        assert spec.arguments == {"BatchSize": 100, "Enabled": True, "StartingPosition": "TRIM_HORIZON"}


class TestDifferences:
    @pytest.mark.parametrize("properties", EVERY_SOURCE.values(), ids=EVERY_SOURCE)
    def test_a_mapping_in_the_desired_state_needs_no_change(self, properties: dict[str, Any]) -> None:
        desired = desired_by(**properties)
        assert changes(observed_as(desired), desired, MODEL) == {}
        assert replacement_reason(observed_as(desired), desired, MODEL) == ""

    @pytest.mark.parametrize(
        "described",
        [
            {"DestinationConfig": {"OnFailure": {}}},
            {"FilterCriteria": {"Filters": []}},
            {"MaximumRetryAttempts": -1, "MaximumRecordAgeInSeconds": -1, "TumblingWindowInSeconds": 0},
            {"FunctionResponseTypes": [], "BisectBatchOnFunctionError": False, "ParallelizationFactor": 1},
            {"AmazonManagedKafkaEventSourceConfig": {"ConsumerGroupId": "made up by Lambda"}},
            {"StateTransitionReason": "USER_INITIATED", "LastProcessingResult": "OK"},
        ],
    )
    def test_what_lambda_describes_beyond_what_was_given_is_not_a_difference(self, described: dict[str, Any]) -> None:
        desired = desired_by(FunctionName="orders", StreamArn=STREAM)
        assert changes(observed_as(desired, **described), desired, MODEL) == {}
        assert resets(observed_as(desired, **described), desired, FALLBACK_DEFAULTS) == {}

    @pytest.mark.parametrize(
        "change",
        [
            {"BatchSize": 7},
            {"Enabled": True},
            {"BisectBatchOnFunctionError": False},
            {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sns:us-east-1:111122223333:failed"}}},
            {"FilterCriteria": {"Filters": [{"Pattern": '{"a": [2]}'}]}},
            {"FunctionName": "returns"},
            {"FunctionName": "orders:live"},
            {"KMSKeyArn": "arn:aws:kms:us-east-1:111122223333:key/2"},
            {"MaximumRetryAttempts": 0},
            {"MetricsConfig": {"Metrics": ["EventCount", "ErrorCount"]}},
            {"SourceAccessConfigurations": [{"Type": "BASIC_AUTH", "URI": "arn:aws:secretsmanager:1"}]},
            {"ProvisionedPollerConfig": {"MinimumPollers": 2}},
            {"LoggingConfig": {"SystemLogLevel": "DEBUG"}},
            {"ScalingConfig": {"MaximumConcurrency": 9}},
            {"DocumentDBEventSourceConfig": {"DatabaseName": "other"}},
        ],
    )
    def test_a_changed_property_is_the_whole_change(self, change: dict[str, Any]) -> None:
        before = desired_by(**STREAM_PROPERTIES)
        assert changes(observed_as(before), desired_by(**{**STREAM_PROPERTIES, **change}), MODEL) == change

    @pytest.mark.parametrize("name", [*DEFAULTS, "BatchSize"])
    def test_a_property_that_the_template_no_longer_has_goes_back_to_its_default(self, name: str) -> None:
        properties = next(each for each in EVERY_SOURCE.values() if name in each)
        after = {each: value for each, value in properties.items() if each != name}
        expected = {**DEFAULTS, "BatchSize": 100}[name]
        assert changes(observed_as(desired_by(**properties)), desired_by(**after), MODEL) == {name: expected}

    @pytest.mark.parametrize("emptied", [{}, {"OnFailure": {}}], ids=["itself", "its members"])
    def test_an_empty_structure_is_a_property_that_the_template_does_not_have(self, emptied: dict[str, Any]) -> None:
        bare = {"FunctionName": "orders", "StreamArn": STREAM}
        assert desired_by(**bare, DestinationConfig=emptied) == desired_by(**bare)
        before = observed_as(desired_by(**bare, DestinationConfig=DESTINATION))
        assert changes(before, desired_by(**bare, DestinationConfig=emptied), MODEL) == {"DestinationConfig": {}}

    @pytest.mark.parametrize("name", ["SelfManagedEventSource", "DocumentDBEventSourceConfig", "ScalingConfig"])
    def test_an_empty_structure_needs_no_replacement(self, name: str) -> None:
        desired = desired_by(FunctionName="orders", StreamArn=STREAM, **{name: {}})
        assert (
            replacement_reason(observed_as(desired_by(FunctionName="orders", StreamArn=STREAM)), desired, MODEL) == ""
        )
        assert name not in desired

    def test_a_queues_batch_goes_back_to_ten(self) -> None:
        before = observed_as(desired_by(**QUEUE_PROPERTIES, BatchSize=50))
        assert changes(before, desired_by(**QUEUE_PROPERTIES), MODEL) == {"BatchSize": 10}
        assert changes({**before, "BatchSize": 10}, desired_by(**QUEUE_PROPERTIES), MODEL) == {}

    def test_every_default_is_accepted_by_the_api(self) -> None:
        shape = MODEL.operation_model("UpdateEventSourceMapping").input_shape
        for defaults in (DEFAULTS, FALLBACK_DEFAULTS):
            report = ParamValidator().validate({"UUID": "u" * 36, **defaults}, shape)
            assert not report.has_errors(), report.generate_report()

    def test_a_destination_that_an_empty_structure_did_not_clear_is_cleared_by_an_empty_destination(self) -> None:
        desired = desired_by(FunctionName="orders", StreamArn=STREAM)
        assert resets(observed_as(desired, DestinationConfig=DESTINATION), desired, FALLBACK_DEFAULTS) == {
            "DestinationConfig": {"OnFailure": {"Destination": ""}}
        }

    def test_a_filter_that_cannot_be_read_is_cleared_if_none_is_desired(self) -> None:
        desired = desired_by(FunctionName="orders", StreamArn=STREAM)
        observed = observed_as(desired, FilterCriteriaError={"ErrorCode": "KMSAccessDeniedException"})
        assert changes(observed, desired, MODEL) == {"FilterCriteria": {}}

    def test_a_schema_registry_is_removed_while_the_consumer_group_stays(self) -> None:
        name = "AmazonManagedKafkaEventSourceConfig"
        for after in ({name: GROUP}, {}):
            rest = {each: value for each, value in KAFKA_PROPERTIES.items() if each != name}
            found = changes(observed_as(desired_by(**KAFKA_PROPERTIES)), desired_by(**{**rest, **after}), MODEL)
            assert found == {name: {"SchemaRegistryConfig": {}}}

    def test_a_changed_schema_registry_does_not_name_the_consumer_group(self) -> None:
        name, registry = "AmazonManagedKafkaEventSourceConfig", {**REGISTRY, "EventRecordFormat": "SOURCE"}
        after = desired_by(**{**KAFKA_PROPERTIES, name: {**GROUP, "SchemaRegistryConfig": registry}})
        found = changes(observed_as(desired_by(**KAFKA_PROPERTIES)), after, MODEL)
        assert found == {name: {"SchemaRegistryConfig": registry}}


class TestReplacementReasons:
    @pytest.mark.parametrize(
        ("properties", "change", "reason"),
        [
            (STREAM_PROPERTIES, {"EventSourceArn": OTHER_STREAM}, "EventSourceArn"),
            (STREAM_PROPERTIES, {"StartingPosition": "LATEST"}, "StartingPosition"),
            (STREAM_PROPERTIES, {"StartingPositionTimestamp": 1_700_000_009}, "StartingPositionTimestamp"),
            (KAFKA_PROPERTIES, {"Topics": ["returns"]}, "Topics"),
            (BROKER_PROPERTIES, {"Queues": ["returns"]}, "Queues"),
            (
                OWN_KAFKA_PROPERTIES,
                {"SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["three:9092"]}}},
                "SelfManagedEventSource",
            ),
            (
                KAFKA_PROPERTIES,
                {"AmazonManagedKafkaEventSourceConfig": {"ConsumerGroupId": "other"}},
                "AmazonManagedKafkaEventSourceConfig.ConsumerGroupId",
            ),
            (
                OWN_KAFKA_PROPERTIES,
                {"SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": "other"}},
                "SelfManagedKafkaEventSourceConfig.ConsumerGroupId",
            ),
        ],
    )
    def test_what_only_a_new_mapping_can_have(
        self, properties: dict[str, Any], change: dict[str, Any], reason: str
    ) -> None:
        after = desired_by(**{**properties, **change})
        assert replacement_reason(observed_as(desired_by(**properties)), after, MODEL) == reason

    def test_a_position_that_lambda_does_not_describe_is_not_a_reason(self) -> None:
        observed = observed_as(desired_by(FunctionName="orders", EventSourceArn=QUEUE))
        desired = desired_by(FunctionName="orders", EventSourceArn=QUEUE, StartingPosition="LATEST")
        assert replacement_reason(observed, desired, MODEL) == ""

    def test_brokers_in_another_order_are_the_same_source(self) -> None:
        turned = {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["two:9092", "one:9092"]}}
        after = desired_by(**{**OWN_KAFKA_PROPERTIES, "SelfManagedEventSource": turned})
        assert replacement_reason(observed_as(desired_by(**OWN_KAFKA_PROPERTIES)), after, MODEL) == ""


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("orders", "orders"),
        ("orders:live", "orders:live"),
        ("orders:$LATEST", "orders"),
        ("function:orders", "orders"),
        ("111122223333:function:orders:7", "orders:7"),
        (f"{LAMBDA}:function:orders", "orders"),
        (f"{LAMBDA}:function:orders:live", "orders:live"),
        (f"{LAMBDA}:function:my-function:live", "my-function:live"),
        (f"{LAMBDA}:function:function:live", "function:live"),
    ],
)
def test_a_function_is_the_same_in_whatever_form_it_is_named(name: str, function: str) -> None:
    assert function_of(name) == function
