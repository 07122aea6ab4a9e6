"""One emulator and one provider for all end-to-end tests; the stacks of a test are deleted with it."""

from __future__ import annotations

import functools
import json
from collections.abc import Generator, Iterator

import pytest

from cfn_injector.local import deployment
from cfn_injector.local.emulator import Emulator, running
from tests.e2e.account import PREFIX, PROVIDER_BUCKET, TRUST, Account, Stacks, build_artifact

SOURCE_BUCKET = "e2e-artifacts"
READABLE = {"ParameterPaths": "/e2e,/stacks/${StackName}", "Secrets": "e2e/*"}


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """ministack, until the tests end."""
    with running() as emulator:
        yield emulator


@pytest.fixture(scope="session")
def account(emulator: Emulator) -> Account:
    """The account with the provider's stack, deployed from the template and the zip that users get."""
    client = functools.cache(emulator.client)
    s3 = client("s3")
    for bucket in (SOURCE_BUCKET, PROVIDER_BUCKET):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=PROVIDER_BUCKET, Key="provider.zip", Body=deployment.build_provider(emulator))
    builds = {build: f"artifact-{build}.zip" for build in (1, 2)}
    for build, key in builds.items():
        s3.put_object(Bucket=SOURCE_BUCKET, Key=key, Body=build_artifact(build))
    role = client("iam").create_role(RoleName="e2e", Path="/cfn-injector/", AssumeRolePolicyDocument=json.dumps(TRUST))
    deployment.deploy_provider(
        emulator, PROVIDER_BUCKET, "provider.zip", SOURCE_BUCKET, PREFIX, ApiGateway="true", **READABLE
    )
    staging = client("cloudformation").describe_stack_resource(
        StackName=deployment.PROVIDER_STACK, LogicalResourceId="StagingBucket"
    )
    return Account(
        emulator=emulator,
        client=client,
        source_bucket=SOURCE_BUCKET,
        staging_bucket=staging["StackResourceDetail"]["PhysicalResourceId"],
        role=role["Role"]["Arn"],
        builds=builds,
    )


@pytest.fixture
def stacks(account: Account) -> Iterator[Stacks]:
    """Creates stacks, and deletes at the end those that the test left."""
    stacks = Stacks(account.client("cloudformation"))
    yield stacks
    stacks.clean()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of ministack's log with a failure."""
    report = yield
    emulator = getattr(item, "funcargs", {}).get("emulator")
    if report.failed and emulator is not None and emulator.log.exists():
        report.sections.append(("ministack", emulator.last_log_lines()))
    return report
