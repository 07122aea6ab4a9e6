"""The provider as an application for the AWS Serverless Application Repository."""

from __future__ import annotations

import re
from typing import Any

import yaml

import cfn_injector
from releasing.serverless_repository import CODE, METADATA, application
from tests.support.templates import PROVIDER, TEMPLATES, Deployment, loaded, size_of

APPLICATION = loaded(application((TEMPLATES / "provider.yaml").read_text("utf-8")))
ABOUT: dict[str, Any] = yaml.safe_load(METADATA)["Metadata"]["AWS::ServerlessRepo::Application"]

# https://docs.aws.amazon.com/serverlessrepo/latest/devguide/acknowledging-application-capabilities.html
SUPPORTED_OF_IAM = {"AWS::IAM::Group", "AWS::IAM::InstanceProfile", "AWS::IAM::Policy", "AWS::IAM::Role"}
NEED_CAPABILITY_RESOURCE_POLICY = {
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::Events::EventBusPolicy",
    "AWS::Lambda::LayerVersionPermission",
    "AWS::Lambda::Permission",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
}
NAMES = {"RoleName", "GroupName", "InstanceProfileName", "ManagedPolicyName", "UserName"}


def _expected(name: str, resource: dict[str, Any]) -> dict[str, Any]:
    """What becomes of a resource of the provider's template."""
    properties = resource["Properties"]
    if resource["Type"] == "AWS::IAM::ManagedPolicy":
        kept = {key: value for key, value in properties.items() if key in ("Roles", "PolicyDocument")}
        return {**resource, "Type": "AWS::IAM::Policy", "Properties": {"PolicyName": name, **kept}}
    is_function = resource["Type"] == "AWS::Lambda::Function"
    return {**resource, "Properties": {**properties, "Code": CODE}} if is_function else resource


def test_it_is_the_provider_s_template_but_for_its_code_and_the_type_of_its_policies() -> None:
    parameters = {key: value for key, value in PROVIDER["Parameters"].items() if key not in ("CodeBucket", "CodeKey")}
    resources = {name: _expected(name, resource) for name, resource in PROVIDER["Resources"].items()}
    assert {
        **PROVIDER,
        "Metadata": APPLICATION["Metadata"],
        "Parameters": parameters,
        "Resources": resources,
    } == APPLICATION


def test_the_role_s_inline_policies_fit_with_everything_on() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
    on = {"ApiGateway": "true", "ParameterPaths": "/app/prod,/app/dev", "Secrets": "db,app/*"}
    inline, others = Deployment(SourceBuckets=",".join("b" * 63 for _ in range(10)), **on).documents()
    assert size_of(inline) + sum(map(size_of, others)) < 10_240


def test_its_metadata_is_what_the_repository_requires() -> None:
    """The patterns and lengths of SAM's page on these properties."""
    assert APPLICATION["Metadata"]["AWS::ServerlessRepo::Application"] == ABOUT
    assert re.fullmatch(r"[a-zA-Z0-9\-]{1,140}", ABOUT["Name"])
    assert re.fullmatch(r"[a-z0-9](([a-z0-9]|-(?!-))*[a-z0-9])?", ABOUT["Author"])
    assert 1 <= len(ABOUT["Description"]) <= 256
    assert len(ABOUT["Labels"]) <= 10
    assert all(re.fullmatch(r"[a-zA-Z0-9+\-_:/@]{1,127}", label) for label in ABOUT["Labels"])
    assert ABOUT["SemanticVersion"] == cfn_injector.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", ABOUT["SemanticVersion"])


def test_its_capabilities_are_those_that_the_documentation_names() -> None:
    resources = APPLICATION["Resources"].values()
    types = {resource["Type"] for resource in resources}
    assert {kind for kind in types if kind.startswith("AWS::IAM::")} == {"AWS::IAM::Role", "AWS::IAM::Policy"}
    assert {"AWS::IAM::Role", "AWS::IAM::Policy"} <= SUPPORTED_OF_IAM
    assert not [kind for kind in types if kind.startswith("Custom::")]
    assert types & NEED_CAPABILITY_RESOURCE_POLICY == {"AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"}
    # A name of its own would need CAPABILITY_NAMED_IAM.
    named = [r for r in resources if r["Type"].startswith("AWS::IAM::") and NAMES & r.get("Properties", {}).keys()]
    assert named == []
