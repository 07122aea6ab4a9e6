"""The table of clients in docs/clients.md has the versions that `make real-clients` installs."""

from __future__ import annotations

import json

import pytest

from tests.support.real_clients import EXAMPLES, ROOT

TABLE = [line for line in (ROOT / "docs/clients.md").read_text("utf-8").splitlines() if line.startswith("| ")]


def _npm(example: str) -> dict[str, str]:
    lock = json.loads((EXAMPLES / example / "package-lock.json").read_text("utf-8"))["packages"]
    stated = json.loads((EXAMPLES / example / "package.json").read_text("utf-8"))
    names = {**stated.get("dependencies", {}), **stated["devDependencies"]}
    assert names == {name: lock[f"node_modules/{name}"]["version"] for name in names}
    return names


def _pip(file: str) -> dict[str, str]:
    lines = (ROOT / file).read_text("utf-8").split()
    return dict(line.split("==") for line in lines)


@pytest.mark.parametrize(
    ("client", "pinned", "names"),
    [
        pytest.param("AWS CDK, TypeScript", _npm("cdk-typescript"), ("aws-cdk", "aws-cdk-lib"), id="cdk-typescript"),
        pytest.param(
            "AWS CDK, Python", _pip("examples/cdk-python/requirements.txt"), ("aws-cdk-lib",), id="cdk-python"
        ),
        pytest.param("AWS CDK, Python", _npm("cdk-typescript"), ("aws-cdk",), id="cdk of cdk-python"),
        pytest.param("Serverless Framework", _npm("serverless"), ("serverless",), id="serverless"),
        pytest.param("SAM CLI", _pip("tests/real_clients/sam.txt"), ("aws-sam-cli",), id="sam"),
        pytest.param("AWS CLI", _pip("tests/real_clients/awscli.txt"), ("awscli",), id="aws"),
    ],
)
def test_the_table_has_the_pinned_version(client: str, pinned: dict[str, str], names: tuple[str, ...]) -> None:
    (row,) = [line for line in TABLE if line.startswith(f"| {client} |")]
    assert [f"{name} {pinned[name]}" in row for name in names] == [True] * len(names)
