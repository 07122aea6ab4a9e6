"""The provider's own stack: what a new build does not change, and what prevents its deletion while it is in use."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from cfn_injector.cli.template_files import template_path
from cfn_injector.local import deployment
from cfn_injector.local.stacks import update
from tests.e2e.account import PROVIDER_BUCKET, Account, Stacks

REF = {"Ref": "Function"}


def token(account: Account) -> str:
    (stack,) = account.client("cloudformation").describe_stacks(StackName=deployment.PROVIDER_STACK)["Stacks"]
    outputs: dict[str, str] = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    return outputs["ServiceToken"]


def deploy(account: Account, key: str) -> None:
    """Update the provider's stack to the build with that key."""
    parameters = {
        "CodeBucket": PROVIDER_BUCKET,
        "CodeKey": key,
        "SourceBuckets": account.source_bucket,
        "ResponseHosts": account.emulator.response_hosts,
    }
    template = template_path("provider.yaml").read_text("utf-8")
    update(account.client("cloudformation"), deployment.PROVIDER_STACK, template, parameters)


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
