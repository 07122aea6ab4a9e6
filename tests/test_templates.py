"""The templates: what the provider may and may not do, what its staging bucket is like, and how its times fit."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

import cfn_injector
from cfn_injector.aws import holders
from cfn_injector.protocol import registry
from cfn_injector.protocol.messages import MAX_SERVICE_TIMEOUT
from cfn_injector.resources.lambda_function import spec
from cfn_injector.transform import macro
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
    loaded,
    size_of,
)

SOURCE = Path(cfn_injector.__file__).parent
NOT_IN_THE_ZIP = ("cli", "doctor", "local")
LAMBDA = f"arn:aws:lambda:{REGION}:{ACCOUNT}"
APIS = f"arn:aws:apigateway:{REGION}::/restapis"
TAGS = f"arn:aws:apigateway:{REGION}::/tags/arn%3Aaws%3Aapigateway%3A{REGION}%3A%3A%2F"
IAM = f"arn:aws:iam::{ACCOUNT}"
PARAMETERS = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter"
SECRETS = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret"
READS = {"ParameterPaths": "/app/prod,/stacks/${StackName}", "Secrets": "db,app/*,stacks/${StackName}/db"}
ON = {"ApiGateway": "true", **READS}


@pytest.mark.parametrize(
    ("action", "resource", "parameters", "granted"),
    [
        pytest.param("lambda:CreateFunction", f"{LAMBDA}:function:shop", {}, True, id="create any function"),
        pytest.param(
            "lambda:CreateFunction",
            f"{LAMBDA}:function:dev-shop",
            {"FunctionNamePrefix": "dev-"},
            True,
            id="create a function with the prefix",
        ),
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
        pytest.param("apigateway:PUT", f"{APIS}/api1/resources/res1/methods/GET", ON, True, id="put a method"),
        pytest.param("apigateway:POST", f"{APIS}/api1/deployments", ON, True, id="deploy an API"),
        pytest.param("apigateway:DELETE", f"{APIS}/api1/stages/dev", ON, True, id="delete a stage"),
        pytest.param("apigateway:PUT", f"{TAGS}restapis%2Fapi1", ON, True, id="tag an API"),
        pytest.param("apigateway:GET", f"{TAGS}restapis%2Fapi1", ON, True, id="read whose an API is"),
        pytest.param("apigateway:PUT", f"{TAGS}domainnames%2Fshop", ON, False, id="tag what is no API"),
        pytest.param("apigateway:POST", APIS, ON, False, id="make an API"),
        pytest.param("apigateway:PATCH", f"{APIS}/api1", ON, False, id="change an API itself"),
        pytest.param("apigateway:DELETE", f"{APIS}/api1", ON, False, id="delete an API"),
        pytest.param("apigateway:GET", f"{APIS}/api1/authorizers", ON, False, id="look who guards an API"),
        pytest.param("apigateway:PATCH", f"{APIS}/api1/stages/dev", ON, False, id="change a stage"),
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
            f"{IAM}:role/cfn-injector-provider/cfn-injector/stack-Role-1",
            {"RolePath": "/cfn-injector"},
            False,
            id="pass the provider's own role",
        ),
        pytest.param(
            "iam:PassRole",
            f"{IAM}:role/cfn-injector-provider/b/stack-Role-1",
            {"Name": "a", "RolePath": "/"},
            False,
            id="pass another provider's role",
        ),
        pytest.param("s3:GetObject", "arn:aws:s3:::builds/app/1.zip", {}, True, id="read an artifact"),
        pytest.param("s3:GetObjectVersion", "arn:aws:s3:::builds-eu/1.zip", {}, True, id="read one of its versions"),
        pytest.param("s3:GetObject", "arn:aws:s3:::builds-us/1.zip", {}, False, id="read another bucket"),
        pytest.param("s3:PutObject", "arn:aws:s3:::builds/1.zip", {}, False, id="replace an artifact"),
        pytest.param("s3:ListBucket", "arn:aws:s3:::builds", {}, True, id="learn that an artifact is missing"),
        pytest.param("s3:PutObject", "arn:aws:s3:::stagingbucket/tmp/1", {}, True, id="stage an archive"),
        pytest.param("s3:DeleteObject", "arn:aws:s3:::stagingbucket/code/1", {}, True, id="delete a staged archive"),
        pytest.param("s3:GetObject", "arn:aws:s3:::stagingbucket/secret/key", {}, True, id="read its own secret"),
        pytest.param("s3:PutObject", "arn:aws:s3:::stagingbucket/secret/key", {}, True, id="create its own secret"),
        pytest.param("s3:DeleteObject", "arn:aws:s3:::stagingbucket/secret/key", {}, False, id="forget its secret"),
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
        pytest.param(
            "cloudformation:DescribeStackEvents",
            f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/shop/5f3c0a10",
            {},
            True,
            id="read what happens in a stack",
        ),
        pytest.param(
            "cloudformation:DescribeStackEvents",
            f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/shop/5f3c0a10",
            {},
            False,
            id="read what happens in another Region",
        ),
        *(
            pytest.param(
                action, resource, READS, granted, id=f"{action} of {resource.rpartition(REGION)[2] or resource}"
            )
            for action, resource, granted in [
                ("ssm:GetParametersByPath", f"{PARAMETERS}/app/prod", True),
                ("ssm:GetParametersByPath", f"{PARAMETERS}/app/prod/db", True),
                ("ssm:GetParametersByPath", f"{PARAMETERS}/app", False),
                ("ssm:GetParametersByPath", f"{PARAMETERS}/app/production", False),
                ("ssm:GetParametersByPath", f"{PARAMETERS}/stacks/shop", True),
                ("ssm:GetParametersByPath", f"{PARAMETERS}/stacks", False),
                ("ssm:GetParameters", f"{PARAMETERS}/app/prod/key", True),
                ("ssm:GetParameters", f"{PARAMETERS}/elsewhere", False),
                ("ssm:GetParameters", f"{PARAMETERS}/app/prod/key".replace(REGION, "us-east-1"), False),
                ("ssm:GetParameters", f"{PARAMETERS}/app/prod/key".replace(ACCOUNT, "444455556666"), False),
                ("ssm:PutParameter", f"{PARAMETERS}/app/prod/key", False),
                ("ssm:GetParameterHistory", f"{PARAMETERS}/app/prod/key", False),
                ("secretsmanager:GetSecretValue", f"{SECRETS}:db-a1B2c3", True),
                ("secretsmanager:GetSecretValue", f"{SECRETS}:db2-a1B2c3", False),
                ("secretsmanager:GetSecretValue", f"{SECRETS}:db", True),
                ("secretsmanager:GetSecretValue", f"{SECRETS}:db-admin-a1B2c3", False),
                ("secretsmanager:GetSecretValue", f"{SECRETS}:app/token-a1B2c3", True),
                ("secretsmanager:GetSecretValue", f"{SECRETS}:stacks/shop/db-a1B2c3", True),
                ("secretsmanager:GetSecretValue", f"{SECRETS}:stacks/shop/admin-a1B2c3", False),
                ("secretsmanager:GetSecretValue", f"{SECRETS}:db-a1B2c3".replace(ACCOUNT, "444455556666"), False),
                ("secretsmanager:PutSecretValue", f"{SECRETS}:db-a1B2c3", False),
                ("secretsmanager:ListSecrets", "*", False),
            ]
        ),
        pytest.param("kms:Decrypt", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1", {}, False, id="use any key"),
        pytest.param(
            "elasticfilesystem:DescribeMountTargets",
            f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:file-system/fs-1",
            {},
            True,
            id="mount a file system of EFS",
        ),
        pytest.param(
            "s3files:ListMountTargets",
            f"arn:aws:s3files:{REGION}:{ACCOUNT}:file-system/fs-1",
            {},
            True,
            id="mount a file system of S3 Files",
        ),
        pytest.param(
            "s3files:GetFileSystem",
            f"arn:aws:s3files:{REGION}:{ACCOUNT}:file-system/fs-1",
            {},
            False,
            id="read a file system of S3 Files",
        ),
    ],
)
def test_the_provider_may(action: str, resource: str, parameters: dict[str, str], granted: bool) -> None:
    assert Deployment(**parameters).allows(action, resource) is granted


@pytest.mark.parametrize("service", ["ec2.amazonaws.com", "ecs-tasks.amazonaws.com", "edgelambda.amazonaws.com"])
def test_a_role_is_passed_to_lambda_alone(service: str) -> None:
    assert not Deployment().allows("iam:PassRole", f"{IAM}:role/cfn-injector/shop", service)


def test_a_function_is_opened_to_api_gateway_alone() -> None:
    (statement,) = (
        each for each in Deployment(**ON).statements() if "lambda:AddPermission" in listed(each.get("Action", []))
    )
    assert statement["Condition"] == {"StringEquals": {"lambda:Principal": "apigateway.amazonaws.com"}}
    assert statement["Resource"] == f"{LAMBDA}:function:*"


def test_the_provider_cannot_touch_apis_unless_its_stack_says_so() -> None:
    only_for_apis = {"lambda:AddPermission", "lambda:GetPolicy", "lambda:RemovePermission"}
    on, off = ({action for action, _ in allowed(**parameters)} for parameters in (ON, READS))
    assert on - off == only_for_apis | {f"apigateway:{verb}" for verb in ("DELETE", "GET", "PATCH", "POST", "PUT")}
    assert not off - on
    assert not any(action.startswith("apigateway:") for action in off)


@pytest.mark.parametrize(
    ("parameters", "granted"),
    [
        ({}, set()),
        ({"ParameterPaths": "/app"}, {"ssm:GetParameters", "ssm:GetParametersByPath"}),
        ({"Secrets": "db"}, {"secretsmanager:GetSecretValue"}),
    ],
)
def test_the_provider_reads_no_parameter_and_no_secret_unless_its_stack_says_so(
    parameters: dict[str, str], granted: set[str]
) -> None:
    stores = {action for action, _ in allowed(**parameters) if action.startswith(("ssm:", "secretsmanager:", "kms:"))}
    assert stores == granted


CHANGES = (
    "AddPermission",
    "DeleteFunction",
    "PublishVersion",
    "PutFunctionConcurrency",
    "RemovePermission",
    "TagResource",
    "UntagResource",
    "UpdateFunctionCode",
    "UpdateFunctionConfiguration",
)
TAGS_OF_FUNCTION = {tag["Key"] for tag in RESOURCES["Function"]["Properties"]["Tags"]}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(("actor", "other"), [("a", "b"), ("b", "a"), ("cfn-injector", "b"), ("a", "a")])
@pytest.mark.parametrize("qualifier", ["", ":1"])
def test_no_provider_can_change_a_provider(actor: str, other: str, change: str, qualifier: str) -> None:
    deployment = Deployment(Name=actor, **ON)
    tags = dict.fromkeys(TAGS_OF_FUNCTION, other)
    principal = {"lambda__Principal": "apigateway.amazonaws.com"}

    function = f"{LAMBDA}:function:{other}{qualifier}"
    assert deployment.allows(f"lambda:{change}", f"{LAMBDA}:function:shop", tags={"stage": "dev"}, **principal)
    assert not deployment.allows(f"lambda:{change}", function, tags=tags, **principal)


def test_a_provider_with_a_prefix_cannot_change_the_functions_of_another() -> None:
    for actor, other in (("a", "b"), ("b", "a")):
        deployment = Deployment(Name=actor, FunctionNamePrefix=f"{actor}-", RolePath=f"/{actor}/")
        for change in ("CreateFunction", "UpdateFunctionCode", "GetFunction"):
            assert deployment.allows(f"lambda:{change}", f"{LAMBDA}:function:{actor}-shop")
            assert not deployment.allows(f"lambda:{change}", f"{LAMBDA}:function:{other}-shop")
        for change in ("Create", "Update", "Delete"):
            action, mapping = f"lambda:{change}EventSourceMapping", f"{LAMBDA}:event-source-mapping:0f3c"
            assert deployment.allows(action, mapping, lambda__FunctionArn=f"{LAMBDA}:function:{actor}-shop")
            assert not deployment.allows(action, mapping, lambda__FunctionArn=f"{LAMBDA}:function:{other}-shop")
        assert deployment.allows("iam:PassRole", f"{IAM}:role/{actor}/shop")
        assert not deployment.allows("iam:PassRole", f"{IAM}:role/{other}/shop")


def test_two_providers_share_no_name() -> None:
    def names(name: str) -> set[str]:
        deployment = Deployment(Name=name)
        return {
            *(deployment.resolve(output["Export"]["Name"]) for output in PROVIDER["Outputs"].values()),
            deployment.resolve(RESOURCES["Function"]["Properties"]["FunctionName"]),
            deployment.resolve(RESOURCES["LogGroup"]["Properties"]["LogGroupName"]),
            deployment.resolve(RESOURCES["UnservedEvents"]["Properties"]["QueueName"]),
            deployment.resolve(RESOURCES["Role"]["Properties"]["Path"]),
            deployment.resolve(RESOURCES["MacroFunction"]["Properties"]["FunctionName"]),
            deployment.resolve(RESOURCES["MacroLogGroup"]["Properties"]["LogGroupName"]),
        }

    assert names("a") == {
        "a-macro",
        "/aws/lambda/a-macro",
        "a-ServiceToken",
        "a-StagingBucket",
        "a-unserved",
        "a",
        "/aws/lambda/a",
        "/cfn-injector-provider/a/",
    }
    assert not names("a") & names("cfn-injector")


def test_a_provider_cannot_read_the_staging_bucket_of_another() -> None:
    deployment = Deployment(Name="a")
    for key in ("code/1", "tmp/1", "secret/key"):
        assert not deployment.allows("s3:GetObject", f"arn:aws:s3:::b-stagingbucket/{key}")


@pytest.mark.parametrize("boundary", ["", f"{IAM}:policy/boundary"])
def test_the_role_has_the_permissions_boundary_that_is_given(boundary: str) -> None:
    role = Deployment(PermissionsBoundary=boundary).resolve(RESOURCES["Role"]["Properties"]["PermissionsBoundary"])
    assert role == (boundary or None)


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
    "s3files:ListMountTargets": "Lambda asks as its caller when a file system of S3 Files is mounted",
    "s3:GetObjectVersion": "GetObject with a version",
    "s3:PutObjectTagging": "PutObject and CopyObject with tags",
    "sqs:DeleteMessage": "Lambda's own, with the function's role",
    "sqs:GetQueueAttributes": "Lambda's own, with the function's role",
    "sqs:ReceiveMessage": "Lambda's own, with the function's role",
    "sqs:SendMessage": "Lambda's own, with the function's role",
    "logs:CreateLogStream": "Lambda's own, with the function's role",
    "logs:PutLogEvents": "Lambda's own, with the function's role",
}
"""What is allowed although no call in the code bears its name."""


NOT_MEANT = {"secretsmanager:TagResource", "secretsmanager:UntagResource"}
"""Operations of other services that have the name of a call in the code."""


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
        if path.relative_to(SOURCE).parts[0] in NOT_IN_THE_ZIP:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = getattr(node, "attr", getattr(node, "value", None))
            if isinstance(name, str) and name in operations:
                called |= operations[name] - NOT_MEANT
    return called


def test_what_the_code_calls_and_what_the_role_allows_are_the_same() -> None:
    assert _called() | NOT_CALLED.keys() == {action for action, _ in allowed(**ON)}


def test_no_action_that_is_allowed_has_a_wildcard() -> None:
    assert [action for action, _ in allowed(**ON) if "*" in action or "?" in action] == []


def test_every_resource_is_allowed_only_where_iam_knows_nothing_narrower() -> None:
    everywhere = {action for action, resource in allowed(**ON) if resource == "*"}
    assert everywhere == {
        "cloudformation:DescribeStackResources",
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
        for statement in Deployment(**ON).statements()
        if statement["Effect"] == "Allow" and any("*" in arn for arn in listed(statement["Resource"]))
    ]
    assert [sid for sid in wide if not above[sid].startswith("#")] == []


PARTITIONS = botocore.session.get_session().get_available_partitions()


@pytest.mark.parametrize("partition", PARTITIONS)
def test_every_arn_is_of_the_partition_that_the_stack_is_in(partition: str) -> None:
    deployment = Deployment(partition, **ON)
    arns = {
        arn
        for statement in deployment.statements()
        for arn in listed(statement.get("Resource") or statement["NotResource"])
        if statement["Sid"] not in ("Parameters", "Secrets")  # NotElsewhere denies those of other partitions
    } - {"*"}
    builds = {arn for arn in arns if "builds" in arn}
    assert {arn.split(":")[1] for arn in arns - builds} == {partition}
    assert builds == {"arn:*:s3:::builds", "arn:*:s3:::builds-eu", "arn:*:s3:::builds/*", "arn:*:s3:::builds-eu/*"}
    for bucket in ("builds", "builds-eu"):
        assert deployment.allows("s3:GetObject", f"arn:{partition}:s3:::{bucket}/app/1.zip")
        assert deployment.allows("s3:ListBucket", f"arn:{partition}:s3:::{bucket}")
        assert not deployment.allows("s3:ListBucket", f"arn:{partition}:s3:::{bucket}-us")


INLINE_LIMIT, MANAGED_LIMIT = 10_240, 6_144
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""


@pytest.mark.parametrize(("buckets", "length"), [(2, 63), (30, 63), (50, 24)])
@pytest.mark.parametrize("partition", PARTITIONS)
def test_the_policies_of_the_role_are_within_iams_limits_however_long_the_names_are(
    partition: str, buckets: int, length: int
) -> None:
    names = [f"{number:02}".ljust(length, "b") for number in range(buckets)]
    deployment = Deployment(
        partition,
        region="r" * 14,
        SourceBuckets=",".join(names),
        Name="n" * 32,
        FunctionNamePrefix="p" * 64,
        RolePath="/" + "r" * 62 + "/",
        ApiGateway="true",
        ParameterPaths=",".join(f"/{number:02}".ljust(35, "p") for number in range(15)),
        Secrets=",".join(f"{number:02}".ljust(40, "s") for number in range(20)),
    )
    inline, managed = deployment.documents()
    staging = json.loads(json.dumps(inline).replace("stagingbucket", "s" * 63))

    assert size_of(staging) < INLINE_LIMIT
    assert [size_of(document) < MANAGED_LIMIT for document in managed] == [True, True, True]


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
        "FunctionNamePrefix": None,
        "RolePath": "/cfn-injector/",
        "Name": "cfn-injector",
        "ParameterPaths": "",
        "Secrets": "",
        "ApiGateway": "false",
        "AllowCrossStack": "false",
        "ReservedConcurrency": "",
        "PermissionsBoundary": "",
        "MacroName": "",
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
        ("FunctionNamePrefix", "", False),
        ("FunctionNamePrefix", "dev-", True),
        ("FunctionNamePrefix", "d" * 64, True),
        ("FunctionNamePrefix", "d" * 65, False),
        ("FunctionNamePrefix", "*", True),
        ("FunctionNamePrefix", "dev-*", False),
        ("FunctionNamePrefix", "**", False),
        ("FunctionNamePrefix", "a:b", False),
        ("Name", "team-A1", True),
        ("Name", "n" * 32, True),
        ("Name", "n" * 33, False),
        ("Name", "", False),
        ("Name", "*", False),
        ("Name", "a/b", False),
        ("ReservedConcurrency", "", True),
        ("ReservedConcurrency", "50", True),
        ("ReservedConcurrency", "0", False),
        ("ReservedConcurrency", "-1", False),
        ("MacroName", "", True),
        ("MacroName", "CfnInjector", True),
        ("MacroName", "111122223333::CfnInjector", False),
        ("PermissionsBoundary", "", True),
        ("PermissionsBoundary", "arn:aws-cn:iam::111122223333:policy/teams/boundary", True),
        ("PermissionsBoundary", "arn:aws:iam::aws:policy/PowerUserAccess", True),
        ("PermissionsBoundary", "arn:aws:iam::111122223333:policy/*", False),
        ("PermissionsBoundary", "arn:aws:iam::111122223333:role/boundary", False),
        ("SourceBuckets", "builds.example-1", True),
        ("SourceBuckets", "*", False),
        ("SourceBuckets", "builds*", False),
        ("SourceBuckets", "builds/app", False),
        ("ParameterPaths", "", True),
        ("ParameterPaths", "/app/prod", True),
        ("ParameterPaths", "/app-${StackName}/x", True),
        ("ParameterPaths", "/", False),
        ("ParameterPaths", "/app/", False),
        ("ParameterPaths", "/app/*", False),
        ("ParameterPaths", "app", False),
        ("ParameterPaths", "/app/${AWS::StackName}", False),
        ("Secrets", "", True),
        ("Secrets", "prod/db", True),
        ("Secrets", "${StackName}/*", True),
        ("Secrets", "*", False),
        ("Secrets", "prod*", False),
        ("Secrets", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-a1B2c3", False),
    ],
)
def test_a_parameter_takes_only_what_its_pattern_allows(parameter: str, value: str, taken: bool) -> None:
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
    assert not Deployment(ResponseHosts="localhost:4566").allows("lambda:AddPermission", "*")
    assert Deployment(ResponseHosts="localhost:4566", **ON).allows("lambda:AddPermission", "*")
    assert Deployment(ResponseHosts="localhost:4566", **READS).allows("ssm:GetParametersByPath", "*")
    assert not Deployment(**READS).allows("ssm:GetParametersByPath", "*")


FUNCTION = RESOURCES["Function"]["Properties"]
INVOCATIONS = RESOURCES["Invocations"]["Properties"]


def test_the_function_has_a_fixed_name_and_that_is_the_service_token() -> None:
    assert FUNCTION["FunctionName"] == {"Ref": "Name"}
    assert PROVIDER["Outputs"]["ServiceToken"]["Value"] == {"Fn::GetAtt": ["Function", "Arn"]}
    export = Deployment().resolve(PROVIDER["Outputs"]["ServiceToken"]["Export"])
    assert export == {"Name": "cfn-injector-ServiceToken"}


@pytest.mark.parametrize(("given", "prefix"), [("*", ""), ("dev-", "dev-")])
def test_the_function_knows_the_bounds_of_its_role(given: str, prefix: str) -> None:
    deployment = Deployment(
        FunctionNamePrefix=given, RolePath="/app-", AllowCrossStack="true", ResponseHosts="h:1", **ON
    )
    assert deployment.resolve(FUNCTION["Environment"]["Variables"]) == {
        "CFN_INJECTOR_STAGING_BUCKET": "stagingbucket",
        "CFN_INJECTOR_FUNCTION_NAME_PREFIX": prefix,
        "CFN_INJECTOR_ROLE_PATH": "/app-",
        "CFN_INJECTOR_PARAMETER_PATHS": READS["ParameterPaths"],
        "CFN_INJECTOR_SECRETS": READS["Secrets"],
        "CFN_INJECTOR_API_GATEWAY": "true",
        "CFN_INJECTOR_ALLOW_CROSS_STACK": "true",
        "CFN_INJECTOR_RESPONSE_HOSTS": "h:1",
    }


def test_every_provider_has_the_tag_by_which_others_know_it() -> None:
    assert {holders.PROVIDER} == TAGS_OF_FUNCTION


def test_the_function_runs_the_handler_of_the_zip_with_its_settings() -> None:
    assert (FUNCTION["Runtime"], FUNCTION["Handler"]) == ("python3.13", "cfn_injector.aws_lambda.handler")
    assert Deployment().resolve(FUNCTION["Environment"]["Variables"]) == {
        "CFN_INJECTOR_STAGING_BUCKET": "stagingbucket",
        "CFN_INJECTOR_FUNCTION_NAME_PREFIX": "",
        "CFN_INJECTOR_ROLE_PATH": "/cfn-injector/",
        "CFN_INJECTOR_PARAMETER_PATHS": "",
        "CFN_INJECTOR_SECRETS": "",
        "CFN_INJECTOR_API_GATEWAY": "false",
        "CFN_INJECTOR_ALLOW_CROSS_STACK": "false",
        "CFN_INJECTOR_RESPONSE_HOSTS": "",
    }


def test_the_function_writes_to_the_log_group_that_its_role_may_write_to() -> None:
    assert FUNCTION["LoggingConfig"] == {"LogGroup": {"Ref": "LogGroup"}}
    assert RESOURCES["LogGroup"]["Properties"]["RetentionInDays"] > 0


def test_an_event_is_never_delivered_twice_by_lambda() -> None:
    assert INVOCATIONS["FunctionName"] == {"Ref": "Function"}
    assert (INVOCATIONS["Qualifier"], INVOCATIONS["MaximumRetryAttempts"]) == ("$LATEST", 0)


MACRO = {name: RESOURCES[name] for name in ("Macro", "MacroFunction", "MacroLogGroup", "MacroRole")}


def test_there_is_no_macro_unless_the_stack_names_one() -> None:
    assert {each["Condition"] for each in MACRO.values()} == {"HasMacro"}
    assert not Deployment().holds("HasMacro")
    deployment = Deployment(MacroName="CfnInjector", Name="team")
    assert deployment.holds("HasMacro")
    assert deployment.resolve(MACRO["Macro"]["Properties"]["Name"]) == "CfnInjector"


def test_the_macro_runs_its_handler_of_the_zip_and_knows_the_service_token() -> None:
    function = Deployment(Name="team").resolve(MACRO["MacroFunction"]["Properties"])
    assert function["Handler"] == f"{macro.__name__}.{macro.handler.__name__}"
    assert macro.__name__.split(".")[1] not in NOT_IN_THE_ZIP
    assert (function["Code"], function["Runtime"]) == (Deployment().resolve(FUNCTION["Code"]), FUNCTION["Runtime"])
    assert function["Environment"]["Variables"] == {macro.SERVICE_TOKEN: f"{LAMBDA}:function:team"}


def test_the_macro_may_write_its_log_and_nothing_else() -> None:
    role = Deployment().resolve(MACRO["MacroRole"]["Properties"])
    ((statement,),) = (policy["PolicyDocument"]["Statement"] for policy in role["Policies"])
    assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert statement["Resource"].endswith(":log-group:/aws/lambda/cfn-injector-macro:*")
    assert "ManagedPolicyArns" not in role


def test_no_provider_can_change_the_function_of_a_macro() -> None:
    (tag,) = Deployment(Name="team").resolve(MACRO["MacroFunction"]["Properties"]["Tags"])
    function = f"{LAMBDA}:function:team-macro"
    for change in ("UpdateFunctionCode", "UpdateFunctionConfiguration", "TagResource", "UntagResource"):
        assert not Deployment().allows(f"lambda:{change}", function, tags={tag["Key"]: tag["Value"]})


QUEUE = RESOURCES["UnservedEvents"]["Properties"]


def test_an_event_that_is_not_served_comes_back_to_the_provider() -> None:
    arn = {"Fn::GetAtt": ["UnservedEvents", "Arn"]}
    mapping = RESOURCES["UnservedEventsToProvider"]["Properties"]
    assert INVOCATIONS["DestinationConfig"] == {"OnFailure": {"Destination": arn}}
    assert (mapping["FunctionName"], mapping["EventSourceArn"]) == ({"Ref": "Function"}, arn)
    assert mapping["BatchSize"] == 1
    for action in ("SendMessage", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes"):
        assert Deployment().allows(f"sqs:{action}", f"arn:aws:sqs:{REGION}:{ACCOUNT}:cfn-injector-unserved")
        assert not Deployment().allows(f"sqs:{action}", f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders")


def test_the_queue_of_unserved_events_forgets_them_when_no_stack_waits_any_more() -> None:
    assert QUEUE["MessageRetentionPeriod"] == MAX_SERVICE_TIMEOUT
    assert QUEUE["VisibilityTimeout"] >= FUNCTION["Timeout"]


def test_the_queue_of_unserved_events_is_encrypted_and_open_to_the_provider_alone() -> None:
    assert QUEUE["SqsManagedSseEnabled"] is True
    arn, role = f"arn:aws:sqs:{REGION}:{ACCOUNT}:cfn-injector-unserved", f"{IAM}:role/provider"
    document = Deployment().resolve(RESOURCES["UnservedEventsPolicy"]["Properties"]["PolicyDocument"])
    everybody = {"Effect": "Deny", "Principal": "*", "Resource": arn}
    assert [{**statement, "Sid": None} for statement in document["Statement"]] == [
        {**everybody, "Sid": None, "Action": "sqs:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {
            **everybody,
            "Sid": None,
            "Action": ["sqs:ReceiveMessage", "sqs:SendMessage"],
            "Condition": {"ArnNotEquals": {"aws:PrincipalArn": role}},
        },
    ]


@pytest.mark.parametrize(("given", "reserved"), [("", None), ("50", "50")])
def test_concurrency_is_reserved_only_if_the_stack_says_so(given: str, reserved: str | None) -> None:
    assert Deployment(ReservedConcurrency=given).resolve(FUNCTION["ReservedConcurrentExecutions"]) == reserved


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


def example(page: str, section: str) -> str:
    """The first template in a section of a page."""
    text = (TEMPLATES.parent / page).read_text("utf-8").partition(f"\n## {section}\n")[2]
    return text.partition("```yaml\n")[2].partition("```")[0]


def lint(template: str) -> list[Any]:
    cfnlint = pytest.importorskip("cfnlint.api", reason="cfn-lint is not installed")
    found: list[Any] = cfnlint.lint(template)
    return found


def test_the_shortest_template_is_whole() -> None:
    resources = loaded(example("README.md", "The shortest template"))["Resources"]
    function, role = resources["Function"]["Properties"], resources["Role"]["Properties"]
    assert role["Path"] == PROVIDER["Parameters"]["RolePath"]["Default"]
    assert function["Role"] == {"Fn::GetAtt": ["Role", "Arn"]}
    assert function["Env"] == {"table": {"Ref": "Table"}}
    assert "Table" in resources
    model = botocore.session.get_session().get_service_model("lambda")
    assert spec.parse(filled(function), model).problems == ()


def test_the_shortest_template_passes_cfn_lint() -> None:
    assert lint(example("README.md", "The shortest template")) == []


def test_a_native_function_can_take_its_handler_from_a_name_in_handlers() -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getatt.html"""
    resources = example("docs/loaders.md", "Several functions of one artifact")
    assert loaded(resources)["List"]["Properties"]["Handler"] == {"Fn::GetAtt": ["Code", "Handler.List"]}
    assert lint(f"Parameters:\n  Role:\n    Type: String\nResources:\n{resources}") == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_provider_accepts_every_function_of_our_templates(function: Mapping[str, Any]) -> None:
    model = botocore.session.get_session().get_service_model("lambda")
    assert spec.parse(filled(function), model).problems == ()
