"""The properties of ``Custom::EventSourceMapping``: what each of them does.

Data alone: docs/reference/event-source-mapping.md shows it, and a test checks that ``spec`` knows the same names.
"""

from __future__ import annotations

from collections.abc import Mapping

PROPERTIES: Mapping[str, str] = {
    "FunctionName": "the function: its name or ARN, with or without a version or alias. The name must begin with "
    "`FunctionNamePrefix` of the provider's stack",
    "EventSourceArn": "the Kinesis or DynamoDB stream, SQS queue, MSK cluster, MQ broker or DocumentDB cluster",
    "StreamArn": "another name of `EventSourceArn`",
    "SelfManagedEventSource": "your own Kafka cluster, instead of an ARN",
    "Topics": "the Kafka topic",
    "Queues": "the queue of the MQ broker",
    "StartingPosition": "where reading begins: `TRIM_HORIZON` (default), `LATEST` or `AT_TIMESTAMP`. Not for queues "
    "and MQ brokers",
    "StartingPositionTimestamp": "for `AT_TIMESTAMP`: seconds since 1970, or ISO 8601",
    "AmazonManagedKafkaEventSourceConfig": "consumer group and schema registry of an MSK cluster",
    "SelfManagedKafkaEventSourceConfig": "the same of your own Kafka cluster",
    "DocumentDBEventSourceConfig": "the database, the collection, and what an event has of a changed document",
    "BatchSize": "the maximum number of records in one invocation. Default: 100, and 10 for SQS queues",
    "MaximumBatchingWindowInSeconds": "how long Lambda gathers records. Default: 0; for Kafka, MQ and DocumentDB "
    "half a second",
    "ParallelizationFactor": "streams: how many batches of a shard run at the same time. Default: 1",
    "TumblingWindowInSeconds": "streams: the length of a tumbling window. Default: 0, none",
    "Enabled": "whether Lambda reads the source. Default: `true`",
    "FilterCriteria": "which records Lambda passes to the function. Default: all",
    "KMSKeyArn": "the KMS key that encrypts `FilterCriteria`. The provider needs permissions for it in "
    "`ExtraPolicyArns`",
    "KmsKeyArn": "another name of `KMSKeyArn`",
    "FunctionResponseTypes": "`ReportBatchItemFailures`: the function reports which records failed",
    "BisectBatchOnFunctionError": "split a batch in two when the function fails. Default: `false`",
    "MaximumRecordAgeInSeconds": "records that are older are discarded. Default: -1, none",
    "MaximumRetryAttempts": "how often a batch that failed is tried again. Default: -1, until its records expire",
    "DestinationConfig": "where Lambda sends records that failed",
    "SourceAccessConfigurations": "credentials, subnets and security groups for Kafka, MQ and DocumentDB",
    "ProvisionedPollerConfig": "how many pollers Lambda provisions, at least and at most",
    "ScalingConfig": "queues: the maximum number of concurrent invocations",
    "MetricsConfig": "which metrics of the mapping Lambda emits. Default: none",
    "LoggingConfig": "Kafka: the level of the mapping's log",
    "Tags": "tags, as a list of `Key` and `Value`. Those of the stack are added",
    "FunctionRegion": "a property of streambot's templates; it must be the Region of the stack",
}
