"""The applications for AWS CDK, deployed by its own command line, unchanged, in two stages over one asset."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cfn_injector.local.emulator import ACCOUNT, REGION
from tests.support.real_clients import ASSETS, CDK, CDK_PYTHON, EXAMPLES, Clients, need

STAGES = ("dev", "prod")
FUNCTIONS = ("List", "Create", "Daily", "Weekly")


@pytest.fixture(scope="module")
def bootstrapped(clients: Clients) -> Clients:
    """The account after `cdk bootstrap`."""
    need(CDK)
    clients.run(CDK, "bootstrap", f"aws://{ACCOUNT}/{REGION}", "--no-notices", cwd=clients.home)
    # The policy refuses http, and emulators support nothing else.
    clients.client("s3").delete_bucket_policy(Bucket=ASSETS)
    return clients


@dataclass(frozen=True)
class Application:
    """A copy of one of the examples, in a bootstrapped account."""

    clients: Clients
    folder: Path
    source: Path

    def cdk(self, verb: str, *arguments: str) -> str:
        return self.clients.run(CDK, verb, "--all", "--no-notices", *arguments, cwd=self.folder)

    def deploy(self, greeting: str) -> str:
        return self.cdk(
            *("deploy", "--require-approval", "never", "--concurrency", "2"), "--context", f"greeting={greeting}"
        )

    def answers(self) -> dict[tuple[str, str], Any]:
        """What the alias of each function answers: (stage, name) -> answer."""
        return {
            (stage, name): self.clients.invoke(self.clients.outputs(f"shop-{stage}")[f"{name}Arn"])
            for stage in STAGES
            for name in FUNCTIONS
        }

    def versions(self) -> dict[tuple[str, str], str]:
        """To which version each alias points."""
        found = {}
        for stage in STAGES:
            for name in FUNCTIONS:
                function, alias = self.clients.outputs(f"shop-{stage}")[f"{name}Arn"].split(":")[-2:]
                described = self.clients.client("lambda").get_alias(FunctionName=function, Name=alias)
                found[stage, name] = described["FunctionVersion"]
        return found

    def artifacts(self) -> set[str]:
        """The keys of all assets that the functions were made from."""
        return {
            resource["Properties"]["Code"]["S3Key"]
            for stage in STAGES
            for resource in self.clients.template(f"shop-{stage}")["Resources"].values()
            if resource["Type"] == "Custom::LambdaCode"
        }


@pytest.fixture(params=["cdk-typescript", "cdk-python"])
def application(
    request: pytest.FixtureRequest, bootstrapped: Clients, copied: Callable[[Path], Path]
) -> Iterator[Application]:
    if request.param == "cdk-python":
        need(CDK_PYTHON)
    folder = copied(EXAMPLES / request.param)
    made = Application(bootstrapped, folder, next((folder / "function").iterdir()))
    yield made
    made.cdk("destroy", "--force")


def expected(greeting: str, tables: dict[str, str]) -> dict[tuple[str, str], Any]:
    return {
        (stage, name): {"handler": name.lower(), "table": tables[stage], "stage": stage, "greeting": greeting}
        for stage in STAGES
        for name in FUNCTIONS
    }


def test_both_stages_use_one_asset_and_their_aliases_follow_a_change_of_env_and_a_new_build(
    application: Application, record_property: Callable[[str, object], None]
) -> None:
    version = application.clients.run(CDK, "--version", cwd=application.folder).split()[0]
    record_property("client", f"{application.folder.name}, aws-cdk {version}")
    application.deploy("hello")
    first = application.answers()
    tables = {stage: first[stage, "List"]["table"] for stage in STAGES}
    assert first == expected("hello", tables)
    assert tables["dev"] != tables["prod"]
    assert len(application.artifacts()) == 1
    assert set(application.versions().values()) == {"1"}

    application.deploy("goodbye")  # the asset is the same
    assert application.answers() == expected("goodbye", tables)
    assert set(application.versions().values()) == {"2"}

    with application.source.open("a") as file:
        file.write("\n")
    application.deploy("goodbye")  # Env is the same
    assert set(application.versions().values()) == {"3"}
    assert "(no changes)" in application.deploy("goodbye")
    assert set(application.versions().values()) == {"3"}
