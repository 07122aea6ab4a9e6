"""The templates: what the provider may and may not do, what its staging bucket is like, and how its times fit."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

import cfn_injector
from cfn_injector.protocol import registry
from cfn_injector.resources.lambda_function import spec
from tests.support.templates import (
    ACCOUNT,
    ALL,
    EXAMPLES,
    PROVIDER,
    REGION,
    RESOURCES,
    TEMPLATES,
    Deployment,
    allowed,
    filled,
    listed,
)

SOURCE = Path(cfn_injector.__file__).parent
LAMBDA = f"arn:aws:lambda:{REGION}:{ACCOUNT}"
APIS = f"arn:aws:apigateway:{REGION}::/restapis"
TAGS = f"arn:aws:apigateway:{REGION}::/tags/arn%3Aaws%3Aapigateway%3A{REGION}%3A%3A%2F"
IAM = f"arn:aws:iam::{ACCOUNT}"


@pytest.mark.parametrize(
    ("action", "resource", "parameters", "granted"),
    [
        pytest.param("lambda:CreateFunction", f"{LAMBDA}:function:shop", {}, True, id="create any function"),
        pytest.param("lambda:DeleteFunction", f"{LAMBDA}:function:shop:7", {}, True, id="delete a version"),
        pytest.param(
            "lambda:CreateFunction",
            f"{LAMBDA}:function:shop",
            {"FunctionNamePrefix": "dev-"},
            False,
            id="create a function outside the prefix",
        ),
        pytest.param(
            "lambda:UpdateFunctionCode",
            f"{LAMBDA}:function:dev-shop",
            {"FunctionNamePrefix": "dev-"},
            True,
            id="update a function with the prefix",
        ),
        pytest.param(
            "lambda:CreateFunction",
            LAMBDA.replace(REGION, "us-east-1") + ":function:shop",
            {},
            False,
            id="create a function in another Region",
        ),
        pytest.param(
            "lambda:CreateFunction",
            LAMBDA.replace(ACCOUNT, "444455556666") + ":function:shop",
            {},
            False,
            id="create a function in another account",
        ),
        pytest.param("lambda:InvokeFunction", f"{LAMBDA}:function:shop", {}, False, id="invoke a function"),
        pytest.param("lambda:AddPermission", f"{LAMBDA}:function:shop", {}, False, id="open a function to others"),
        pytest.param("apigateway:PUT", f"{APIS}/api1/resources/res1/methods/GET", {}, True, id="put a method"),
        pytest.param("apigateway:POST", f"{APIS}/api1/deployments", {}, True, id="deploy an API"),
        pytest.param("apigateway:DELETE", f"{APIS}/api1/stages/dev", {}, True, id="delete a stage"),
        pytest.param("apigateway:PUT", f"{TAGS}restapis%2Fapi1", {}, True, id="tag an API"),
        pytest.param("apigateway:PUT", f"{TAGS}domainnames%2Fshop", {}, False, id="tag what is no API"),
        pytest.param("apigateway:POST", APIS, {}, False, id="make an API"),
        pytest.param("apigateway:PATCH", f"{APIS}/api1", {}, False, id="change an API itself"),
        pytest.param("apigateway:DELETE", f"{APIS}/api1", {}, False, id="delete an API"),
        pytest.param("apigateway:GET", f"{APIS}/api1/authorizers", {}, False, id="look who guards an API"),
        pytest.param("apigateway:PATCH", f"{APIS}/api1/stages/dev", {}, False, id="change a stage"),
        pytest.param("lambda:GetFunction", f"{LAMBDA}:function:cfn-injector", {}, True, id="look at itself"),
        pytest.param("lambda:ListTags", f"{LAMBDA}:function:cfn-injector", {}, True, id="look whose it is"),
        pytest.param("lambda:UpdateFunctionCode", f"{LAMBDA}:function:cfn-injector", {}, False, id="change itself"),
        pytest.param("lambda:TagResource", f"{LAMBDA}:function:cfn-injector", {}, False, id="claim itself"),
        pytest.param("lambda:DeleteFunction", f"{LAMBDA}:function:cfn-injector:1", {}, False, id="delete its version"),
        pytest.param(
            "lambda:UpdateFunctionCode", f"{LAMBDA}:function:cfn-injector-2", {}, True, id="change its namesake"
        ),
        pytest.param(
            "lambda:GetLayerVersion",
            LAMBDA.replace(ACCOUNT, "017000801446") + ":layer:AWSLambdaPowertools:3",
            {},
            True,
            id="attach a layer of another account",
        ),
        pytest.param(
            "lambda:PutFunctionCodeSigningConfig",
            f"{LAMBDA}:code-signing-config:csc-0",
            {},
            True,
            id="attach a code signing configuration",
        ),
        pytest.param(
            "lambda:PutFunctionCodeSigningConfig",
            f"{LAMBDA}:function:shop",
            {"FunctionNamePrefix": "dev-"},
            False,
            id="change whose signatures a function outside the prefix takes",
        ),
        pytest.param(
            "lambda:TagResource", f"{LAMBDA}:code-signing-config:csc-0", {}, False, id="tag what is no function"
        ),
        pytest.param("iam:PassRole", f"{IAM}:role/cfn-injector/shop", {}, True, id="pass a role of the path"),
        pytest.param("iam:PassRole", f"{IAM}:role/admin", {}, False, id="pass a role outside the path"),
        pytest.param(
            "iam:PassRole", f"{IAM}:role/app-shop", {"RolePath": "/app-"}, True, id="pass a role by its name's start"
        ),
        pytest.param(
            "iam:PassRole",
            f"{IAM}:role/cfn-injector-provider/stack-Role-1",
            {"RolePath": "/cfn-injector"},
            False,
            id="pass the provider's own role",
        ),
        pytest.param("s3:GetObject", "arn:aws:s3:::builds/app/1.zip", {}, True, id="read an artifact"),
        pytest.param("s3:GetObjectVersion", "arn:aws:s3:::builds-eu/1.zip", {}, True, id="read one of its versions"),
        pytest.param("s3:GetObject", "arn:aws:s3:::builds-us/1.zip", {}, False, id="read another bucket"),
        pytest.param("s3:PutObject", "arn:aws:s3:::builds/1.zip", {}, False, id="replace an artifact"),
        pytest.param("s3:ListBucket", "arn:aws:s3:::builds", {}, True, id="learn that an artifact is missing"),
        pytest.param("s3:PutObject", "arn:aws:s3:::stagingbucket/tmp/1", {}, True, id="stage an archive"),
        pytest.param("s3:DeleteObject", "arn:aws:s3:::stagingbucket/code/1", {}, True, id="delete a staged archive"),
        pytest.param("s3:PutObject", "arn:aws:s3:::stagingbucket/1", {}, False, id="stage outside the prefixes"),
        pytest.param("s3:DeleteBucket", "arn:aws:s3:::stagingbucket", {}, False, id="delete the staging bucket"),
        pytest.param(
            "logs:PutLogEvents",
            f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/cfn-injector:log-stream:2026",
            {},
            True,
            id="log",
        ),
        pytest.param(
            "logs:PutLogEvents",
            f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/shop:log-stream:2026",
            {},
            False,
            id="log in another's name",
        ),
        pytest.param(
            "cloudformation:DescribeStacks",
            f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/shop/5f3c0a10",
            {},
            True,
            id="read the tags of a stack",
        ),
        pytest.param("kms:Decrypt", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1", {}, False, id="use any key"),
    ],
)
def test_the_provider_may(action: str, resource: str, parameters: dict[str, str], granted: bool) -> None:
    assert Deployment(**parameters).allows(action, resource) is granted


@pytest.mark.parametrize("service", ["ec2.amazonaws.com", "ecs-tasks.amazonaws.com", "edgelambda.amazonaws.com"])
def test_a_role_is_passed_to_lambda_alone(service: str) -> None:
    assert not Deployment().allows("iam:PassRole", f"{IAM}:role/cfn-injector/shop", service)


def test_a_function_is_opened_to_api_gateway_alone() -> None:
    (statement,) = (
        each for each in Deployment().statements() if "lambda:AddPermission" in listed(each.get("Action", []))
    )
    assert statement["Condition"] == {"StringEquals": {"lambda:Principal": "apigateway.amazonaws.com"}}
    assert statement["Resource"] == f"{LAMBDA}:function:*"


S3_PERMISSIONS = {
    "HeadObject": "GetObject",
    "ListObjectsV2": "ListBucket",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "ListParts": "ListMultipartUploadParts",
    "ListMultipartUploads": "ListBucketMultipartUploads",
}
"""Operations that need a permission of another name.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html"""

NOT_CALLED = {
    "lambda:ListTags": "GetFunction gives the tags only to who may list them",
    "lambda:GetLayerVersion": "Lambda asks as its caller when a layer is attached",
    "iam:PassRole": "checked when a function is created with a role",
    "ec2:DescribeSecurityGroups": "Lambda asks as its caller when a function joins a VPC",
    "ec2:DescribeSubnets": "Lambda asks as its caller when a function joins a VPC",
    "ec2:DescribeVpcs": "Lambda asks as its caller when a function joins a VPC",
    "elasticfilesystem:DescribeMountTargets": "Lambda asks as its caller when a file system is mounted",
    "s3:GetObjectVersion": "GetObject with a version",
    "s3:PutObjectTagging": "PutObject and CopyObject with tags",
    "logs:CreateLogStream": "Lambda's own, with the function's role",
    "logs:PutLogEvents": "Lambda's own, with the function's role",
}
"""What is allowed although no call in the code bears its name."""


def _called() -> set[str]:
    """IAM's actions for every operation of AWS that the provider's code names."""
    session = botocore.session.get_session()
    operations: dict[str, set[str]] = {}
    for service in registry.services(registry.BUILT_IN):
        model = session.get_service_model(service)
        for operation in model.operation_names:
            verb = model.operation_model(operation).http["method"]
            permission = verb if service == "apigateway" else S3_PERMISSIONS.get(operation, operation)
            operations.setdefault(xform_name(operation), set()).add(f"{service}:{permission}")
    called = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = getattr(node, "attr", getattr(node, "value", None))
            if isinstance(name, str) and name in operations:
                called |= operations[name]
    return called


def test_what_the_code_calls_and_what_the_role_allows_are_the_same() -> None:
    assert _called() | NOT_CALLED.keys() == {action for action, _ in allowed()}


def test_no_action_that_is_allowed_has_a_wildcard() -> None:
    assert [action for action, _ in allowed() if "*" in action or "?" in action] == []


def test_every_resource_is_allowed_only_where_iam_knows_nothing_narrower() -> None:
    everywhere = {action for action, resource in allowed() if resource == "*"}
    assert everywhere == {
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "lambda:CreateEventSourceMapping",
        "lambda:ListEventSourceMappings",
    }


def test_every_wildcard_that_is_allowed_is_explained_above_its_statement() -> None:
    lines = (TEMPLATES / "provider.yaml").read_text("utf-8").splitlines()
    above = {line.split()[-1]: lines[at - 1].strip() for at, line in enumerate(lines) if "- Sid:" in line}
    wide = [
        statement["Sid"]
        for statement in Deployment().statements()
        if statement["Effect"] == "Allow" and any("*" in arn for arn in listed(statement["Resource"]))
    ]
    assert [sid for sid in wide if not above[sid].startswith("#")] == []


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_every_arn_is_of_the_partition_that_the_stack_is_in(partition: str) -> None:
    statements = Deployment(partition).statements()
    arns = {arn for statement in statements for arn in listed(statement["Resource"])} - {"*"}
    assert {arn.split(":")[1] for arn in arns} == {partition}
    assert {arn for arn in arns if "builds" in arn} == {
        f"arn:{partition}:s3:::builds",
        f"arn:{partition}:s3:::builds-eu",
        f"arn:{partition}:s3:::builds/*",
        f"arn:{partition}:s3:::builds-eu/*",
    }


def test_one_source_bucket_is_a_list_too() -> None:
    deployment = Deployment(SourceBuckets="builds")
    assert deployment.allows("s3:GetObject", "arn:aws:s3:::builds/1.zip")
    assert deployment.allows("s3:ListBucket", "arn:aws:s3:::builds")


@pytest.mark.parametrize(
    ("given", "attached"),
    [
        pytest.param("", None, id="none"),
        pytest.param(f"{IAM}:policy/a", [f"{IAM}:policy/a"], id="one"),
        pytest.param(f"{IAM}:policy/a,{IAM}:policy/b", [f"{IAM}:policy/a", f"{IAM}:policy/b"], id="several"),
    ],
)
def test_further_policies_are_attached(given: str, attached: Any) -> None:
    deployment = Deployment(ExtraPolicyArns=given)
    assert deployment.resolve(RESOURCES["Role"]["Properties"]["ManagedPolicyArns"]) == attached


def test_the_parameters_are_these() -> None:
    defaults = {name: parameter.get("Default") for name, parameter in PROVIDER["Parameters"].items()}
    assert defaults == {
        "CodeBucket": None,
        "CodeKey": None,
        "SourceBuckets": None,
        "FunctionNamePrefix": "",
        "RolePath": "/cfn-injector/",
        "ResponseHosts": "",
        "ExtraPolicyArns": "",
    }


@pytest.mark.parametrize(
    ("parameter", "value", "taken"),
    [
        ("RolePath", "/cfn-injector/", True),
        ("RolePath", "/app-", True),
        ("RolePath", "/", True),
        ("RolePath", "", False),
        ("RolePath", "/*", False),
        ("RolePath", "/app?", False),
        ("FunctionNamePrefix", "", True),
        ("FunctionNamePrefix", "dev-", True),
        ("FunctionNamePrefix", "*", False),
        ("FunctionNamePrefix", "a:b", False),
        ("SourceBuckets", "builds.example-1", True),
        ("SourceBuckets", "*", False),
        ("SourceBuckets", "builds*", False),
        ("SourceBuckets", "builds/app", False),
    ],
)
def test_a_parameter_takes_no_wildcard(parameter: str, value: str, taken: bool) -> None:
    pattern = PROVIDER["Parameters"][parameter]["AllowedPattern"]
    assert (re.fullmatch(pattern, value) is not None) is taken


BUCKET = RESOURCES["StagingBucket"]["Properties"]


def test_the_staging_bucket_is_private() -> None:
    assert set(BUCKET["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(BUCKET["PublicAccessBlockConfiguration"]) == 4
    assert BUCKET["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def test_the_staging_bucket_is_encrypted() -> None:
    (rule,) = BUCKET["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_the_staging_bucket_keeps_no_versions_of_what_is_deleted() -> None:
    assert "VersioningConfiguration" not in BUCKET


def test_the_staging_bucket_forgets_tmp_and_unfinished_uploads_after_a_day_and_nothing_else() -> None:
    rules = [{**rule, "Id": None} for rule in BUCKET["LifecycleConfiguration"]["Rules"]]
    assert rules == [
        {"Id": None, "Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}},
        {"Id": None, "Status": "Enabled", "Prefix": "tmp/", "ExpirationInDays": 1},
    ]


def test_the_staging_bucket_is_closed_to_plain_http() -> None:
    (statement,) = Deployment().resolve(RESOURCES["StagingBucketPolicy"]["Properties"]["PolicyDocument"])["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == ["arn:aws:s3:::stagingbucket", "arn:aws:s3:::stagingbucket/*"]


@pytest.mark.parametrize(("hosts", "closed"), [("", True), ("localhost:4566", False)])
def test_plain_http_is_open_to_emulators_alone(hosts: str, closed: bool) -> None:
    assert Deployment(ResponseHosts=hosts).holds(RESOURCES["StagingBucketPolicy"]["Condition"]) is closed


def test_what_an_emulator_needs_beyond_aws_is_allowed_to_emulators_alone() -> None:
    assert "Emulator" not in [statement["Sid"] for statement in Deployment().statements()]
    assert Deployment(ResponseHosts="localhost:4566").allows("lambda:CreateFunction", "*")
    assert not Deployment().allows("lambda:CreateFunction", "*")


FUNCTION = RESOURCES["Function"]["Properties"]
INVOCATIONS = RESOURCES["Invocations"]["Properties"]


def test_the_function_has_a_fixed_name_and_that_is_the_service_token() -> None:
    assert FUNCTION["FunctionName"] == "cfn-injector"
    assert PROVIDER["Outputs"]["ServiceToken"]["Value"] == {"Fn::GetAtt": ["Function", "Arn"]}
    assert PROVIDER["Outputs"]["ServiceToken"]["Export"] == {"Name": "cfn-injector-ServiceToken"}


def test_the_function_runs_the_handler_of_the_zip_with_its_settings() -> None:
    assert (FUNCTION["Runtime"], FUNCTION["Handler"]) == ("python3.13", "cfn_injector.aws_lambda.handler")
    assert FUNCTION["Environment"]["Variables"] == {
        "CFN_INJECTOR_STAGING_BUCKET": {"Ref": "StagingBucket"},
        "CFN_INJECTOR_RESPONSE_HOSTS": {"Ref": "ResponseHosts"},
    }


def test_the_function_writes_to_the_log_group_that_its_role_may_write_to() -> None:
    assert FUNCTION["LoggingConfig"] == {"LogGroup": {"Ref": "LogGroup"}}
    assert RESOURCES["LogGroup"]["Properties"]["RetentionInDays"] > 0


def test_an_event_is_never_delivered_twice_by_lambda() -> None:
    assert INVOCATIONS["FunctionName"] == {"Ref": "Function"}
    assert (INVOCATIONS["Qualifier"], INVOCATIONS["MaximumRetryAttempts"]) == ("$LATEST", 0)


def _custom_resources() -> Iterator[Any]:
    for template, content in (ALL | EXAMPLES).items():
        for name, resource in content["Resources"].items():
            if resource["Type"].startswith("Custom::") or resource["Type"].endswith("::CustomResource"):
                yield pytest.param(resource["Properties"], id=f"{template} {name}")


CUSTOM_RESOURCES = list(_custom_resources())


@pytest.mark.parametrize("properties", CUSTOM_RESOURCES)
def test_a_stack_waits_longer_than_its_event_may_wait_and_work(properties: Mapping[str, Any]) -> None:
    longest = INVOCATIONS["MaximumEventAgeInSeconds"] + FUNCTION["Timeout"]
    assert longest <= int(properties["ServiceTimeout"]) <= 3600


@pytest.mark.parametrize("properties", CUSTOM_RESOURCES)
def test_a_custom_resource_imports_the_token_that_the_provider_exports(properties: Mapping[str, Any]) -> None:
    assert properties["ServiceToken"] == {"Fn::ImportValue": "cfn-injector-ServiceToken"}


def _roles_of_functions() -> Iterator[Any]:
    for template, content in (ALL | EXAMPLES).items():
        for name, resource in content["Resources"].items():
            if resource["Type"] == "Custom::LambdaFunction":
                role = resource["Properties"]["Role"]["Fn::GetAtt"][0]
                yield pytest.param(content["Resources"][role]["Properties"], id=f"{template} {name}")


ROLES_OF_FUNCTIONS = list(_roles_of_functions())


@pytest.mark.parametrize("role", ROLES_OF_FUNCTIONS)
def test_a_role_in_our_templates_can_be_passed_by_default(role: Mapping[str, Any]) -> None:
    assert role["Path"].startswith(PROVIDER["Parameters"]["RolePath"]["Default"])


def _functions() -> Iterator[Any]:
    for template, content in (ALL | EXAMPLES).items():
        for name, resource in content["Resources"].items():
            if resource["Type"] == "Custom::LambdaFunction":
                yield pytest.param(resource["Properties"], id=f"{template} {name}")


FUNCTIONS = list(_functions())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_provider_accepts_every_function_of_our_templates(function: Mapping[str, Any]) -> None:
    model = botocore.session.get_session().get_service_model("lambda")
    assert spec.parse(filled(function), model).problems == ()
