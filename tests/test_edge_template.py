"""The template for Lambda@Edge: who runs the function, where it logs, what outlives the stack, who reads the pages."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from tests.support.templates import ACCOUNT, ALL, filled

EDGE = ALL["edge.yaml"]["Resources"]
EDGE_ROLE = EDGE["Role"]["Properties"]


def test_a_function_at_the_edge_can_be_run_by_lambda_and_by_its_replicator() -> None:
    (statement,) = EDGE_ROLE["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": ["lambda.amazonaws.com", "edgelambda.amazonaws.com"]}
    assert (statement["Effect"], statement["Action"]) == ("Allow", "sts:AssumeRole")


@pytest.mark.parametrize(
    ("group", "granted"),
    [
        (f"arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:/aws/lambda/us-east-1.site:log-stream:1", True),
        (f"arn:aws:logs:sa-east-1:{ACCOUNT}:log-group:/aws/lambda/us-east-1.site:log-stream:1", True),
        (f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/lambda/cfn-injector:log-stream:1", False),
        ("arn:aws:logs:us-east-1:444455556666:log-group:/aws/lambda/us-east-1.site:log-stream:1", False),
    ],
)
def test_a_function_at_the_edge_logs_in_whatever_region_it_runs(group: str, granted: bool) -> None:
    (policy,) = EDGE_ROLE["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert {"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"} == set(statement["Action"])
    assert fnmatchcase(group, filled(statement["Resource"])) is granted


def test_a_function_that_has_replicas_outlives_its_stack_but_for_one_whose_creation_failed() -> None:
    assert EDGE["Function"]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert EDGE["Function"]["UpdateReplacePolicy"] == "Retain"


def test_pages_are_read_by_their_own_distribution_alone() -> None:
    assert list(EDGE["Content"]["Properties"]["PublicAccessBlockConfiguration"].values()) == [True] * 4
    (statement,) = EDGE["ContentPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert (statement["Effect"], statement["Action"]) == ("Allow", "s3:GetObject")
    own = f"arn:aws:cloudfront::{ACCOUNT}:distribution/Distribution"
    assert filled(statement["Condition"]) == {"StringEquals": {"aws:SourceArn": own}}
    (origin,) = EDGE["Distribution"]["Properties"]["DistributionConfig"]["Origins"]
    assert origin["OriginAccessControlId"] == {"Fn::GetAtt": ["OriginAccess", "Id"]}
    access = EDGE["OriginAccess"]["Properties"]["OriginAccessControlConfig"]
    assert (access["SigningBehavior"], access["OriginAccessControlOriginType"]) == ("always", "s3")
