"""The provider's own stack: what a new build does not change, what prevents its deletion while it is in use, and two
providers in one account.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cfn_injector.cli.template_files import template_path
from cfn_injector.local import deployment
from cfn_injector.local.emulator import ACCOUNT
from cfn_injector.local.stacks import StackError, create, delete, update
from tests.e2e.account import PREFIX, PROVIDER_BUCKET, SERVICE, TRUST, Account, Stacks

REF = {"Ref": "Function"}
SECOND = "e2e-second"
"""The name of a provider that is within the prefix of the first one."""


def token(account: Account) -> str:
    (stack,) = account.client("cloudformation").describe_stacks(StackName=deployment.PROVIDER_STACK)["Stacks"]
    outputs: dict[str, str] = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    return outputs["ServiceToken"]


def parameters(account: Account, key: str, **others: str) -> dict[str, str]:
    """The parameters of a provider's stack with the build with that key."""
    return {
        "CodeBucket": PROVIDER_BUCKET,
        "CodeKey": key,
        "SourceBuckets": account.source_bucket,
        "FunctionNamePrefix": PREFIX,
        "ApiGateway": "true",
        "ResponseHosts": account.emulator.response_hosts,
        **others,
    }


def deploy(account: Account, key: str) -> None:
    """Update the provider's stack to the build with that key."""
    template = template_path("provider.yaml").read_text("utf-8")
    update(account.client("cloudformation"), deployment.PROVIDER_STACK, template, parameters(account, key))


def test_a_new_build_of_the_provider_keeps_its_service_token(account: Account, stacks: Stacks) -> None:
    def resources(table: str) -> dict[str, Any]:
        return {"Function": account.function(Env={"TABLE": table})}

    s3, before = account.client("s3"), token(account)
    stacks.create("e2e-upgrade", resources("one"), Name=REF)
    s3.copy_object(Bucket=PROVIDER_BUCKET, Key="newer.zip", CopySource=f"{PROVIDER_BUCKET}/provider.zip")
    deploy(account, "newer.zip")
    after = stacks.update("e2e-upgrade", resources("two"), Name=REF)

    assert token(account) == before
    assert account.invoke(after.outputs["Name"])["env"]["TABLE"] == "two"


def test_the_provider_stays_as_long_as_a_stack_imports_its_service_token(account: Account, stacks: Stacks) -> None:
    stacks.create("e2e-import", {"Function": account.function()})

    with pytest.raises(ClientError, match=r"cfn-injector-ServiceToken is imported by stack"):
        account.client("cloudformation").delete_stack(StackName=deployment.PROVIDER_STACK)

    assert token(account)


@pytest.fixture
def second(account: Account) -> Iterator[str]:
    """The stack of another provider, which may change only functions of ``e2e-second-``, and no APIs."""
    cloudformation = account.client("cloudformation")
    template = template_path("provider.yaml").read_text("utf-8")
    own = parameters(account, "provider.zip", Name=SECOND, FunctionNamePrefix=f"{SECOND}-", ApiGateway="false")
    create(cloudformation, f"{SECOND}-provider", template, own)
    yield SECOND
    delete(cloudformation, f"{SECOND}-provider")


def served_by(name: str, resource: dict[str, Any]) -> dict[str, Any]:
    """The resource with the service token of the provider with that name."""
    return {**resource, "Properties": {**resource["Properties"], "ServiceToken": {"Fn::ImportValue": name}}}


def test_two_providers_serve_their_own_stacks_and_refuse_those_of_the_other(
    account: Account, stacks: Stacks, second: str
) -> None:
    def function(**properties: Any) -> dict[str, Any]:
        return served_by(f"{second}-ServiceToken", account.function(Env={"TABLE": "second"}, **properties))

    before = account.deployed_code(second)
    made = stacks.create(f"{second}-app", {"Function": function()}, Name=REF)
    with pytest.raises(StackError, match="outside the provider's permissions"):
        stacks.create("e2e-app", {"Function": function(FunctionName="e2e-app")})
    with pytest.raises(StackError, match="outside the provider's RolePath"):
        stacks.create("e2e-theft", {"Function": account.function(FunctionName=second, Adopt=True)})
    method = {"RestApiId": "a1b2c3d4e5", "Path": "/", "Method": "GET", "IntegrationRequest": {"Type": "MOCK"}}
    resource = {"Type": "Custom::APIGatewayResource", "Properties": {**SERVICE, **method}}
    with pytest.raises(StackError, match="set ApiGateway: true in the provider's stack"):
        stacks.create(f"{second}-api", {"Method": served_by(f"{second}-ServiceToken", resource)})

    assert account.invoke(made.outputs["Name"])["env"]["TABLE"] == "second"
    assert account.deployed_code(second) == before
    stacks.clean()


def test_the_role_of_a_provider_is_refused_what_would_change_another(account: Account, second: str) -> None:
    roles = account.client("iam").list_roles(PathPrefix="/cfn-injector-provider/")["Roles"]
    by_path = {role["Path"]: role for role in roles}
    assert set(by_path) == {f"/cfn-injector-provider/{name}/" for name in ("cfn-injector", second)}
    role = by_path["/cfn-injector-provider/cfn-injector/"]
    functions = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:"

    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [*TRUST["Statement"], trust]})
    account.client("iam").update_assume_role_policy(RoleName=role["RoleName"], PolicyDocument=document)
    credentials = account.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="e2e")["Credentials"]
    lambdas = account.emulator.session.client(
        "lambda",
        endpoint_url=account.emulator.url,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )

    assert lambdas.get_function(FunctionName=second)["Tags"]["cfn-injector:provider"] == second
    for change, arguments in (
        ("update_function_configuration", {"FunctionName": second, "Description": "mine"}),
        ("untag_resource", {"Resource": functions + second, "TagKeys": ["cfn-injector:provider"]}),
        ("delete_function", {"FunctionName": second}),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            getattr(lambdas, change)(**arguments)
